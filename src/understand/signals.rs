//! Turns hits of the lexicons into signals: guards, negation, mockery and doubt applied.

use std::collections::BTreeMap;

use super::reading::{Reading, Role, Use};
use super::{TurnView, Understander, lexicon};
use crate::domain::confidence::Confidence;
use crate::domain::message::Author;
use crate::domain::signal::{Signal, SignalHit};
use crate::text::fold::fold;
use crate::text::negation::is_negated;
use crate::text::phrases::Hit;
use crate::text::tokens::Tokens;
use lexicon::{Negation, Rule};

/// What remains of a safety signal's confidence under a negation or laughter: it still fires.
const DOUBT: f64 = 0.6;
/// Combined confidence that a concern with `combine` needs.
const COMBINED: f64 = 0.7;

/// Most matches of one rule that are judged in one turn.
const MAX_LOOKS: u32 = 60;

/// Returns the signals of a turn, one per kind, in the order of kinds.
pub(super) fn find(
    engine: &Understander,
    turn: &TurnView<'_>,
    reading: &Reading<'_, '_>,
) -> Vec<SignalHit> {
    let mut best: BTreeMap<Signal, (f64, String)> = BTreeMap::new();
    let mut keep = |signal: Signal, confidence: f64, pattern: &str| {
        let entry = best.entry(signal).or_insert_with(|| (0.0, String::new()));
        if confidence > entry.0 {
            *entry = (confidence, pattern.to_owned());
        }
    };
    let own = weigh(&engine.rules, &reading.tokens, &reading.hits, reading);
    for (signal, confidence, name) in own {
        keep(signal, confidence, &name);
    }
    if let Some((tokens, hits)) = &reading.whole {
        for (signal, confidence, name) in weigh(&engine.rules, tokens, hits, reading) {
            // Orders to the machine count wherever they hide.
            if matches!(signal, Signal::Injection | Signal::AutoReply) {
                keep(signal, confidence, &name);
            }
        }
        for (signal, confidence, name) in reported(&engine.rules, tokens, hits, reading) {
            keep(signal, confidence, &name);
        }
    }
    if let Some(name) = hidden_orders(&reading.text) {
        keep(Signal::Injection, 0.85, name);
    }
    if turn.flags.automatic {
        keep(Signal::AutoReply, 0.97, "auto_reply.channel_mark");
    }
    if repeats_itself(turn) {
        keep(Signal::Repeated, 0.8, "repeated.same_words");
    }
    for (signal, confidence, name) in engine.courtesy.find(turn, reading) {
        keep(signal, confidence, name);
    }
    settle(&mut best, turn);
    best.into_iter()
        .map(|(signal, (confidence, pattern))| SignalHit {
            signal,
            confidence: Confidence::clamped(confidence),
            pattern,
        })
        .collect()
}

/// Signals that exclude each other: a turn with a request in it is no mere courtesy.
fn settle(best: &mut BTreeMap<Signal, (f64, String)>, turn: &TurnView<'_>) {
    let says_something = best.keys().any(|signal| {
        !matches!(
            signal,
            Signal::ThankYou | Signal::Greeting | Signal::OptOut | Signal::AutoReply | Signal::Spam
        )
    });
    if best.contains_key(&Signal::OptOut) {
        best.remove(&Signal::Churn);
        best.remove(&Signal::ThankYou);
    } else if says_something {
        best.remove(&Signal::ThankYou);
        best.remove(&Signal::Greeting);
    }
    if best.keys().any(|signal| signal.is_safety()) {
        // Danger to a person is never set aside as a machine's or an advertiser's words.
        best.remove(&Signal::Spam);
        if !turn.flags.automatic {
            best.remove(&Signal::AutoReply);
        }
    }
    if let Some(spam) = best.get_mut(&Signal::Spam)
        && turn.history.iter().any(|past| past.author == Author::Customer)
    {
        // Advertisers do not converse.
        spam.0 *= 0.6;
    }
}

fn weigh(
    rules: &[Rule],
    tokens: &Tokens,
    hits: &[Hit<'_, Use>],
    reading: &Reading<'_, '_>,
) -> Vec<(Signal, f64, String)> {
    let mut per_rule: BTreeMap<usize, (f64, u32)> = BTreeMap::new();
    let mut looked: BTreeMap<usize, u32> = BTreeMap::new();
    let mut combined: BTreeMap<Signal, (f64, usize)> = BTreeMap::new();
    let mut last_end: BTreeMap<Signal, usize> = BTreeMap::new();
    for hit in hits {
        let Use::Rule { rule: at, role: Role::Any } = *hit.value else { continue };
        let Some(rule) = rules.get(at) else { continue };
        // A wall of repeated words must not cost quadratic time.
        let looks = looked.entry(at).or_insert(0_u32);
        *looks += 1;
        if *looks > MAX_LOOKS {
            continue;
        }
        let Some(confidence) = judge(rule, at, hit, tokens, hits, reading) else { continue };
        if rule.combine {
            // Two patterns on the same words are one piece of evidence.
            let fresh = last_end.get(&rule.signal).is_none_or(|end| hit.start >= *end);
            if fresh {
                let entry = combined.entry(rule.signal).or_insert((1.0, at));
                entry.0 *= 1.0 - confidence;
                last_end.insert(rule.signal, hit.end);
            }
            continue;
        }
        let entry = per_rule.entry(at).or_insert((0.0, 0));
        entry.0 = entry.0.max(confidence);
        entry.1 += 1;
    }
    let name = |at: usize| rules.get(at).map(|rule| (rule.signal, rule.name.clone()));
    let plain = per_rule.into_iter().filter_map(|(at, (confidence, count))| {
        let more = 0.02 * f64::from(count.saturating_sub(1).min(3));
        name(at).map(|(signal, name)| (signal, (confidence + more).min(0.98), name))
    });
    let summed = combined.into_values().filter_map(|(doubt, at)| {
        let confidence = (1.0 - doubt).min(0.97);
        name(at).filter(|_| confidence >= COMBINED).map(|(signal, name)| (signal, confidence, name))
    });
    plain.chain(summed).collect()
}

/// Returns the confidence of one match, or `None` where a guard or a negation takes it away.
fn judge(
    rule: &Rule,
    at: usize,
    hit: &Hit<'_, Use>,
    tokens: &Tokens,
    hits: &[Hit<'_, Use>],
    reading: &Reading<'_, '_>,
) -> Option<f64> {
    let mut confidence = rule.confidence;
    let sentence = tokens.sentence_around(hit.start);
    for guard in hits {
        let Use::Rule { rule: of, role } = *guard.value else { continue };
        if of != at {
            continue;
        }
        let near = guard.start >= sentence.start && guard.start <= sentence.end.max(hit.end);
        match role {
            Role::Unless if guard.start < hit.end && hit.start < guard.end => return None,
            Role::UnlessNear if near => return None,
            Role::LowerNear if near => confidence = confidence.min(rule.confidence * DOUBT),
            Role::Any | Role::Unless | Role::UnlessNear | Role::LowerNear => {}
        }
    }
    if is_negated(tokens, hit.start, reading.english) {
        match rule.negation {
            Negation::Suppress => return None,
            Negation::Lower => confidence *= DOUBT,
            Negation::Ignore => {}
        }
    }
    if rule.negation == Negation::Suppress && Reading::is_company(hit, tokens) {
        return None;
    }
    Some(confidence)
}

/// Danger that somebody else put into words: quotations count for safety when a verb reports them.
fn reported(
    rules: &[Rule],
    tokens: &Tokens,
    hits: &[Hit<'_, Use>],
    reading: &Reading<'_, '_>,
) -> Vec<(Signal, f64, String)> {
    let mut found = Vec::new();
    for hit in hits {
        let Use::Rule { rule: at, role: Role::Any } = *hit.value else { continue };
        let Some(rule) = rules.get(at).filter(|rule| rule.signal.is_safety()) else { continue };
        let Some(token) = tokens.get(hit.start) else { continue };
        let Some(range) = reading.cited.iter().find(|range| range.contains(&token.start)) else {
            continue;
        };
        let first = (0..=hit.start)
            .rev()
            .find(|i| tokens.get(*i).is_none_or(|t| t.start < range.start))
            .map_or(0, |i| i + 1);
        let told = (first.saturating_sub(5)..first).any(|i| {
            matches!(
                tokens.word(i),
                "disse"
                    | "falou"
                    | "escreveu"
                    | "mandou"
                    | "postou"
                    | "dizendo"
                    | "falando"
                    | "mensagem"
                    | "recebi"
                    | "diz"
                    | "fala"
                    | "ameacou"
                    | "said"
                    | "says"
                    | "wrote"
                    | "texted"
                    | "sent"
                    | "posted"
                    | "saying"
                    | "told"
                    | "tells"
                    | "message"
                    | "dijo"
            )
        });
        if told && let Some(confidence) = judge(rule, at, hit, tokens, hits, reading) {
            found.push((rule.signal, confidence * DOUBT, rule.name.clone()));
        }
    }
    found
}

/// Markup that chat models use between turns.
const TAGS: [&str; 14] = [
    "<|im_start|>",
    "<|im_end|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "[inst]",
    "<<sys>>",
    "</system>",
    "<system>",
    "[system]",
    "### instruction",
    "###instruction",
    "### system",
    "<system_prompt>",
];

/// Finds orders in forms that people do not type: markup of chat models, hidden markup, encodings.
fn hidden_orders(text: &str) -> Option<&'static str> {
    let lower = if text.is_ascii() { text.to_ascii_lowercase() } else { fold(text) };
    if TAGS.iter().any(|tag| lower.contains(tag)) {
        return Some("injection.chat_markup");
    }
    if starts_role_line(&lower) {
        return Some("injection.role_line");
    }
    let hidden =
        ["display:none", "display: none", "font-size:0", "font-size: 0", "visibility:hidden"];
    if lower.contains('<') && hidden.iter().any(|style| lower.contains(style)) {
        return Some("injection.hidden_markup");
    }
    if lower.contains("<!--")
        && ["assist", "instru", "ignore", "prompt"].iter().any(|w| lower.contains(w))
    {
        return Some("injection.hidden_comment");
    }
    // Letters of the tag block show nothing and can spell out whole orders.
    if text.chars().filter(|c| matches!(c, '\u{e0020}'..='\u{e007e}')).count() > 8 {
        return Some("injection.invisible_letters");
    }
    decoded_orders(text).then_some("injection.encoded")
}

/// "system: you are ..." at the start of a line.
fn starts_role_line(lower: &str) -> bool {
    lower.lines().any(|line| {
        let line = line.trim_start_matches([' ', '\t', '#', '*', '`', '>']);
        ["system:", "assistant:", "system prompt:", "developer:"]
            .iter()
            .any(|role| line.starts_with(role))
    })
}

/// True where a long base64 word holds readable text that speaks of instructions.
fn decoded_orders(text: &str) -> bool {
    use base64::Engine as _;
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')))
        .filter(|word| (24..=4000).contains(&word.len()))
        .take(20)
        .any(|word| {
            let bare = word.trim_end_matches('=');
            let Ok(bytes) = base64::engine::general_purpose::STANDARD_NO_PAD.decode(bare) else {
                return false;
            };
            let text = String::from_utf8(bytes).map(|t| t.to_lowercase()).unwrap_or_default();
            ["ignore", "instru", "system", "prompt", "assistant", "refund", "reembols"]
                .iter()
                .any(|word| text.contains(word))
        })
}

/// True where the customer sends a message again word by word.
fn repeats_itself(turn: &TurnView<'_>) -> bool {
    if turn.history.is_empty() || turn.text.len() < 15 || turn.text.len() > 4000 {
        return false;
    }
    let now = fold(turn.text.trim());
    turn.history
        .iter()
        .filter(|past| past.author == Author::Customer && past.text.len() < 4200)
        .any(|past| fold(past.text.trim()) == now)
}
