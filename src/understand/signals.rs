//! Turns hits of the lexicons into signals: guards, negation, mockery and doubt applied. What the
//! lexicons lack words for, the learned model may still hear.

use std::collections::BTreeMap;

use super::reading::{Reading, Role, Use};
use super::{TurnView, Understander, lexicon, unasked};
use crate::domain::confidence::Confidence;
use crate::domain::message::Author;
use crate::domain::signal::{LEARNED_EXAMPLES, Signal, SignalHit};
use crate::text::fold::fold;
use crate::text::negation::is_negated;
use crate::text::phrases::Hit;
use crate::text::tokens::Tokens;
use lexicon::{MAX_PARTS, Negation, Rule};

/// What remains of a safety signal's confidence under a negation or laughter: it still fires.
const DOUBT: f64 = 0.6;
/// Combined confidence that a concern with `combine` needs.
const COMBINED: f64 = 0.7;

/// How sure the learned model must be of a signal.
const LEARNED: f64 = 0.2;
/// ... and of danger to a person, which calls people at once.
const LEARNED_DANGER: f64 = 0.4;
/// ... and of an attack: people ask for instructions every day, and what gets by is checked again after a model.
const LEARNED_ATTACK: f64 = 0.6;
/// Fewer words are for the lexicons alone.
const LEARNED_WORDS: usize = 2;

/// Most matches of one rule that are judged in one turn.
const MAX_LOOKS: usize = 60;
/// Most pieces of evidence that are added up.
const MAX_PIECES: usize = 60;
/// Most matches of one rule that are looked at for guards and lists.
const MAX_GUARDS: usize = 400;

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
            if signal == Signal::Injection {
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
    if reading.tokens.len() >= LEARNED_WORDS {
        for (signal, share) in reading.learned.signals() {
            let least = match signal {
                Signal::Injection => LEARNED_ATTACK,
                danger if danger.is_safety() => LEARNED_DANGER,
                _ => LEARNED,
            };
            if share >= least {
                keep(signal, share, LEARNED_EXAMPLES);
            }
        }
    }
    let unasked = unasked::find(turn, reading);
    if unasked.from_customer {
        best.remove(&Signal::Spam);
    }
    for (signal, confidence, name) in unasked.found {
        let entry = best.entry(signal).or_insert_with(|| (0.0, String::new()));
        if confidence > entry.0 {
            *entry = (confidence, name.to_owned());
        }
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

/// The end of the names of patterns that read the whole message.
const WHOLE_MESSAGE: &str = ".whole_message";

/// True for what single words or likeness seem to say where the whole message is a courtesy, a machine's or an
/// advertiser's. Danger, attacks, law and safety of an account are never set aside.
fn is_overheard(signal: Signal, pattern: &str, unasked: bool) -> bool {
    let learned = pattern == LEARNED_EXAMPLES && !signal.is_safety() && signal != Signal::Injection;
    let everyday = matches!(
        signal,
        Signal::RequestHuman
            | Signal::RequestManager
            | Signal::Outage
            | Signal::Refund
            | Signal::Churn
            | Signal::BillingDispute
            | Signal::PublicPost
    );
    learned || (unasked && everyday)
}

/// Signals that exclude each other: a turn with a request in it is no mere courtesy.
fn settle(best: &mut BTreeMap<Signal, (f64, String)>, turn: &TurnView<'_>) {
    let whole = |signal: Signal| {
        best.get(&signal).is_some_and(|(_, pattern)| pattern.ends_with(WHOLE_MESSAGE))
    };
    let unasked = whole(Signal::AutoReply) || whole(Signal::Spam);
    if unasked || whole(Signal::ThankYou) || best.contains_key(&Signal::Spam) {
        best.retain(|signal, (_, pattern)| !is_overheard(*signal, pattern, unasked));
    }
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

/// A match of one of a rule's patterns: its role, first token and one past the last.
type Match = (Role, usize, usize);

/// Returns the matches of lexicon rules, rule by rule, in the order of the text within a rule.
fn by_rule(hits: &[Hit<'_, Use>]) -> Vec<(usize, Match)> {
    let mut matches: Vec<(usize, Match)> = hits
        .iter()
        .filter_map(|hit| match *hit.value {
            Use::Rule { rule, role } => Some((rule, (role, hit.start, hit.end))),
            Use::Category { .. }
            | Use::Urgency(_)
            | Use::Mood(_)
            | Use::Competitor
            | Use::Unasked(_) => None,
        })
        .collect();
    // Hits come in the order of first tokens, which a stable sort keeps.
    matches.sort_by_key(|(rule, _)| *rule);
    matches
}

fn weigh(
    rules: &[Rule],
    tokens: &Tokens,
    hits: &[Hit<'_, Use>],
    reading: &Reading<'_, '_>,
) -> Vec<(Signal, f64, String)> {
    let matches = by_rule(hits);
    let mut found = Vec::new();
    let mut pieces: Vec<(usize, usize, f64, &Rule)> = Vec::new();
    for group in matches.chunk_by(|a, b| a.0 == b.0) {
        let Some(rule) = group.first().and_then(|(at, _)| rules.get(*at)) else { continue };
        let look = Look { rule, group, tokens, english: reading.english };
        if rule.parts > 0 {
            if let Some(confidence) = look.together(|_| true) {
                found.push((rule.signal, confidence, rule.name.clone()));
            }
            continue;
        }
        let mut best = 0.0_f64;
        let mut count = 0_u32;
        for (start, end) in look.matches() {
            let Some(confidence) = look.judge(start, end) else { continue };
            if rule.combine {
                pieces.push((start, end, confidence, rule));
            } else {
                best = best.max(confidence);
                count += 1;
            }
        }
        if count > 0 {
            let more = 0.02 * f64::from((count - 1).min(3));
            found.push((rule.signal, (best + more).min(0.98), rule.name.clone()));
        }
    }
    found.extend(add_up(pieces));
    found
}

/// Adds up the evidence of concerns with `combine`.
fn add_up(mut pieces: Vec<(usize, usize, f64, &Rule)>) -> Vec<(Signal, f64, String)> {
    pieces.sort_by(|a, b| b.2.total_cmp(&a.2));
    pieces.truncate(MAX_PIECES);
    let mut sums: BTreeMap<Signal, (f64, &Rule)> = BTreeMap::new();
    for (i, (start, end, confidence, rule)) in pieces.iter().enumerate() {
        // Two patterns on the same words are one piece of evidence: the stronger.
        let taken = pieces
            .iter()
            .take(i)
            .any(|(from, to, _, other)| other.signal == rule.signal && from < end && start < to);
        let sum = sums.entry(rule.signal).or_insert((1.0, rule));
        if !taken {
            sum.0 *= 1.0 - confidence;
        }
    }
    sums.into_values()
        .map(|(doubt, rule)| (rule.signal, (1.0 - doubt).min(0.97), rule.name.clone()))
        .filter(|(_, confidence, _)| *confidence >= COMBINED)
        .collect()
}

/// The matches of one rule in one text.
struct Look<'a> {
    rule: &'a Rule,
    group: &'a [(usize, Match)],
    tokens: &'a Tokens,
    english: bool,
}

impl Look<'_> {
    /// Returns the plain matches. A wall of repeated words must not cost quadratic time.
    fn matches(&self) -> impl Iterator<Item = (usize, usize)> {
        let plain = self.group.iter().filter(|(_, (role, ..))| *role == Role::Any);
        plain.map(|(_, (_, start, end))| (*start, *end)).take(MAX_LOOKS)
    }

    /// Returns the confidence of one match, or `None` where a guard or a negation takes it away.
    fn judge(&self, start: usize, end: usize) -> Option<f64> {
        let (rule, tokens) = (self.rule, self.tokens);
        let mut confidence = rule.confidence;
        let mut sentence = None;
        for (_, (role, from, to)) in self.group.iter().take(MAX_GUARDS) {
            let near = |sentence: &mut Option<std::ops::Range<usize>>| {
                let around = sentence.get_or_insert_with(|| tokens.sentence_around(start));
                *from >= around.start && *from <= around.end.max(end)
            };
            match role {
                Role::Unless if *from < end && start < *to => return None,
                Role::UnlessNear if near(&mut sentence) => return None,
                Role::LowerNear if near(&mut sentence) => {
                    confidence = confidence.min(rule.confidence * DOUBT);
                }
                Role::Any | Role::Part(_) | Role::Unless | Role::UnlessNear | Role::LowerNear => {}
            }
        }
        if rule.negation != Negation::Ignore && is_negated(tokens, start, self.english) {
            match rule.negation {
                Negation::Suppress => return None,
                Negation::Lower => confidence *= DOUBT,
                Negation::Ignore => {}
            }
        }
        if rule.negation == Negation::Suppress && Reading::is_company(end, tokens) {
            return None;
        }
        Some(confidence)
    }

    /// Returns the confidence of a rule whose lists must all have a match close together; `wanted`
    /// says which tokens count.
    fn together(&self, wanted: impl Fn(usize) -> bool) -> Option<f64> {
        let mut last: [Option<(usize, usize, f64)>; MAX_PARTS] = [None; MAX_PARTS];
        let mut best: Option<f64> = None;
        for (_, (role, start, end)) in self.group.iter().take(MAX_GUARDS) {
            let Role::Part(part) = role else { continue };
            if !wanted(*start) {
                continue;
            }
            let Some(confidence) = self.judge(*start, *end) else { continue };
            if let Some(slot) = last.get_mut(*part) {
                *slot = Some((*start, *end, confidence));
            }
            let parts = last.get(..self.rule.parts).unwrap_or_default();
            if parts.iter().any(Option::is_none) {
                continue;
            }
            let all = || parts.iter().flatten();
            let first = all().map(|(start, ..)| *start).min().unwrap_or(0);
            let until = all().map(|(_, end, _)| *end).max().unwrap_or(0);
            if until - first <= self.rule.within {
                let weakest = all().map(|(.., confidence)| *confidence).fold(1.0, f64::min);
                best = Some(best.unwrap_or(0.0).max(weakest));
            }
        }
        best
    }
}

/// Danger that somebody else put into words: quotations count for safety when a verb reports them,
/// and next to the customer's own words.
fn reported(
    rules: &[Rule],
    tokens: &Tokens,
    hits: &[Hit<'_, Use>],
    reading: &Reading<'_, '_>,
) -> Vec<(Signal, f64, String)> {
    let mut found = Vec::new();
    if reading.cited.is_empty() {
        return found;
    }
    let matches = by_rule(hits);
    for group in matches.chunk_by(|a, b| a.0 == b.0) {
        let rule = group.first().and_then(|(at, _)| rules.get(*at));
        let Some(rule) = rule.filter(|rule| rule.signal.is_safety()) else { continue };
        let look = Look { rule, group, tokens, english: reading.english };
        let confidence = if rule.parts > 0 {
            look.together(|token| !reading.is_foreign(tokens, token))
        } else {
            look.matches()
                .filter(|(start, _)| is_told(*start, tokens, reading))
                .find_map(|(start, end)| look.judge(start, end))
        };
        if let Some(confidence) = confidence {
            found.push((rule.signal, confidence * DOUBT, rule.name.clone()));
        }
    }
    found
}

/// True where a token stands in a quotation that a verb of saying introduces.
fn is_told(token: usize, tokens: &Tokens, reading: &Reading<'_, '_>) -> bool {
    let Some(byte) = tokens.get(token).map(|token| token.start) else { return false };
    let Some(range) = reading.cited.iter().find(|range| range.contains(&byte)) else {
        return false;
    };
    let first = (0..=token)
        .rev()
        .find(|i| tokens.get(*i).is_none_or(|t| t.start < range.start))
        .map_or(0, |i| i + 1);
    (first.saturating_sub(5)..first).any(|i| is_verb_of_saying(tokens.word(i)))
}

fn is_verb_of_saying(word: &str) -> bool {
    matches!(
        word,
        "disse"
            | "falou"
            | "escreveu"
            | "mandou"
            | "manda"
            | "mandando"
            | "postou"
            | "dizendo"
            | "falando"
            | "mensagem"
            | "recebi"
            | "diz"
            | "fala"
            | "ameacou"
            | "respondeu"
            | "said"
            | "says"
            | "wrote"
            | "writes"
            | "texted"
            | "sent"
            | "posted"
            | "saying"
            | "told"
            | "tells"
            | "message"
            | "dijo"
            | "escribio"
    )
}

/// Markup that chat models use between turns.
const TAGS: [&str; 12] = [
    "<|im_start|>",
    "<|im_end|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "[inst]",
    "<<sys>>",
    "</system>",
    "### instruction",
    "###instruction",
    "### system",
    "<system_prompt>",
];

/// Opening tags that say something only with words after them: developers ask about the tags themselves.
const OPENING_TAGS: [&str; 2] = ["<system>", "[system]"];

/// Words that must follow an opening tag, or stand in what is hidden, for it to be an order.
const ORDER_WORDS: usize = 4;

/// True where enough words stand behind a sign before the next tag.
fn is_followed_by_words(text: &str, sign: &str) -> bool {
    text.match_indices(sign).any(|(at, _)| {
        let after = text.get(at + sign.len()..).unwrap_or_default();
        let inside = after.split(['<', '[']).next().unwrap_or_default();
        inside.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).count()
            >= ORDER_WORDS
    })
}

/// Words without which a line that begins with a role is a message that a screen shows.
const ORDERS: [&str; 22] = [
    "ignor",
    "disregard",
    "desconsider",
    "obey",
    "obede",
    "instru",
    "rule",
    "regra",
    "prompt",
    "assist",
    "you are",
    "you must",
    "voce e",
    "voce deve",
    "approv",
    "aprov",
    "refund",
    "reembols",
    "priorit",
    "mark ",
    "marque",
    "classif",
];

/// Finds orders in forms that people do not type: markup of chat models, hidden markup, encodings.
fn hidden_orders(text: &str) -> Option<&'static str> {
    // Nearly every message leaves the dear checks here; 0xEF starts the wide forms of these signs.
    if !text.bytes().any(|b| matches!(b, b'<' | b'[' | b'#' | b':' | 0xEF | 0xF3)) {
        return decoded_orders(text).then_some("injection.encoded");
    }
    let lower = if text.is_ascii() { text.to_ascii_lowercase() } else { fold(text) };
    let opened = OPENING_TAGS.iter().any(|tag| is_followed_by_words(&lower, tag));
    if opened || TAGS.iter().any(|tag| lower.contains(tag)) {
        return Some("injection.chat_markup");
    }
    if starts_role_line(&lower) {
        return Some("injection.role_line");
    }
    let hidden =
        ["display:none", "display: none", "font-size:0", "font-size: 0", "visibility:hidden"];
    let shows_words = |style: &str| {
        lower.match_indices(style).any(|(at, _)| {
            let rest = lower.get(at..).unwrap_or_default();
            let inside = rest.split_once('>').map_or("", |(_, inside)| inside);
            let inside = inside.split('<').next().unwrap_or_default();
            ORDERS.iter().any(|order| inside.contains(order))
        })
    };
    if lower.contains('<') && hidden.iter().any(|style| shows_words(style)) {
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
            && ORDERS.iter().any(|order| line.contains(order))
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
