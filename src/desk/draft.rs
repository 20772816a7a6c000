//! The draft pane: each sentence with what supports it, what is wrong, and what can be done.

use std::collections::BTreeSet;

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::asked::Asked;
use super::shown::{View, hundredths, percent};
use crate::adapters::store::{DraftRow, TicketView};
use crate::compose::FindingKind;
use crate::domain::decision::{Decision, LocalText};
use crate::domain::draft::{Flaw, LedgerEntry, Passage, Support};
use crate::domain::labels::Locale;
use crate::pipeline::Pipeline;
use crate::text::fold::fold;

/// Why an agent does not send a draft. The order is that of their keys, 1 to 6.
pub(super) const REASONS: &[&str] = &["wrong", "promise", "incomplete", "tone", "person", "other"];

/// Why an action cannot be done now, for those that cannot.
struct Can<'v, 'a> {
    view: &'v View<'a>,
}

impl Can<'_, '_> {
    fn when(&self, ok: bool, why: &str) -> Value {
        json!({"ok": ok, "why": (!ok).then(|| self.view.say(why, &[]))})
    }
}

/// The pane of the latest draft; nothing where the ticket has none.
pub(super) fn model(
    view: &View<'_>,
    asked: &Asked,
    ticket: &TicketView,
    pipeline: Option<&Pipeline>,
    (kept, found): (Option<&str>, Vec<Value>),
) -> Value {
    let Some(draft) = ticket.drafts.first() else { return Value::Null };
    let ledger = ledger(draft);
    let passages: Vec<Passage> = serde_json::from_value(draft.passages.clone()).unwrap_or_default();
    let open = ledger.iter().filter(|entry| is_open(entry)).count();
    let proposed = draft.state == "proposed";
    let mine = ticket.owner_name.as_deref() == Some(view.person.name.as_str());
    let held = ticket.row.owner == "agent"
        && !mine
        && ticket.owner_until.is_none_or(|until| until > view.now);
    let may = proposed && !held && !ticket.opted_out;
    let blocked = if held {
        "why.held"
    } else if ticket.opted_out {
        "why.opted_out"
    } else {
        "why.decided"
    };
    let can = Can { view };
    let cited = cited(&ledger, passages.len());
    let current = asked.sentence.filter(|n| (1..=ledger.len()).contains(n));
    json!({
        "version": draft.version,
        "count": ledger.len(),
        "label": view.say("draft.label", &[("n", &draft.version.to_string())]),
        "state": draft.state,
        "state_word": view.say(&format!("draft.state.{}", draft.state), &[]),
        "kind": draft.kind,
        "kind_word": view.say(&format!("draft.kind.{}", draft.kind), &[]),
        "locale": draft.locale,
        "confidence": confidence(view, ticket),
        "reasons": reasons(view, ticket),
        "view": if asked.view.as_deref() == Some("message") { "message" } else { "ledger" },
        "form": asked.form.as_deref().filter(|form| {
            matches!(*form, "edit" | "reject" | "again" | "escalate" | "template")
        }),
        "sentences": sentences(view, asked, &ledger, &passages, (&cited, current)),
        "paragraphs": draft.text.split("\n\n").map(str::trim).filter(|one| !one.is_empty()).collect::<Vec<_>>(),
        "text": draft.text,
        "choices": draft.choices,
        "files": [],
        "edited_text": kept.or(draft.final_text.as_deref().filter(|_| proposed)),
        "passages": shown_passages(&passages, &ledger, (&cited, current), pipeline),
        "gate": gate(view, &ledger, open),
        "can": {
            "approve": can.when(may && open == 0, if may { "why.open" } else { blocked }),
            "edit": can.when(may, blocked),
            "reject": can.when(may, blocked),
            "again": can.when(may, blocked),
            "take": can.when(!held && !mine, if mine { "why.yours" } else { "why.held" }),
            "escalate": can.when(!held, "why.held"),
        },
        "reject_reasons": REASONS.iter().enumerate().map(|(at, reason)| {
            json!({"value": reason, "label": view.say(&format!("reject.{reason}"), &[]), "key": at + 1})
        }).collect::<Vec<_>>(),
        "queues": queues(view),
        "findings": found,
        "newer": null,
        "decided_by": draft.decided_by,
        "decided_at": draft.decided_at.map(|at| view.moment(at)),
        "reason": draft.reason,
    })
}

fn queues(view: &View<'_>) -> Vec<Value> {
    let teams = view.pack.map(|pack| pack.teams.as_slice()).unwrap_or_default();
    teams.iter().map(|team| json!({"value": team.id, "label": view.team(&team.id)})).collect()
}

/// The sentences of a draft with their support.
pub(super) fn ledger(draft: &DraftRow) -> Vec<LedgerEntry> {
    serde_json::from_value(draft.ledger.clone()).unwrap_or_default()
}

/// True for a sentence that a person must see to before the draft is sent as it is.
pub(super) fn is_open(entry: &LedgerEntry) -> bool {
    entry.support == Support::None || entry.doubt.is_some() || !entry.flaws.is_empty()
}

/// Passages that sentences rest on, numbered in the order in which they are first cited, then the rest.
fn cited(ledger: &[LedgerEntry], passages: usize) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    for at in ledger.iter().flat_map(|entry| entry.passages.iter().copied()) {
        if at < passages && !order.contains(&at) {
            order.push(at);
        }
    }
    let rest: Vec<usize> = (0..passages).filter(|at| !order.contains(at)).collect();
    order.extend(rest);
    order
}

fn confidence(view: &View<'_>, ticket: &TicketView) -> Value {
    let decision = decision(ticket);
    let share = decision.as_ref().map_or(0.0, |decision| decision.confidence.get());
    let threshold = view.pack.map_or(0.9, |pack| pack.thresholds().send);
    let (text, of) = (percent(share), percent(threshold));
    json!({
        "text": view.say("draft.confidence", &[("share", &text), ("threshold", &of)]),
        "share": hundredths(share), "threshold": hundredths(threshold),
        "low": hundredths(share) < hundredths(threshold),
    })
}

fn decision(ticket: &TicketView) -> Option<Decision> {
    Decision::deserialize(ticket.decision.get("decision")?).ok()
}

/// Why the worker decided as it did, a line a rule.
pub(super) fn reasons(view: &View<'_>, ticket: &TicketView) -> Vec<Value> {
    let Some(reasons) = ticket.decision.pointer("/decision/reasons").and_then(Value::as_array)
    else {
        return Vec::new();
    };
    reasons
        .iter()
        .filter_map(|reason| {
            let text = LocalText::deserialize(reason.get("text")?).ok()?;
            let rule = reason.get("rule").and_then(Value::as_str);
            Some(json!({"text": text.in_locale(view.locale()), "rule": rule}))
        })
        .collect()
}

fn sentences(
    view: &View<'_>,
    asked: &Asked,
    ledger: &[LedgerEntry],
    passages: &[Passage],
    (cited, current): (&[usize], Option<usize>),
) -> Vec<Value> {
    (1..)
        .zip(ledger)
        .map(|(n, entry)| {
            let state = state(entry);
            let cite = entry.passages.first().and_then(|at| cited.iter().position(|one| one == at));
            let here = Asked { sentence: Some(n), ..asked.clone() };
            json!({
                "n": n,
                "href": here.address(),
                "current": current == Some(n),
                "state": state,
                "word": view.say(&format!("sentence.{state}"), &[]),
                "cite": cite.map(|at| at + 1),
                "parts": parts(entry, passages),
                "flaws": flaws(view, entry),
            })
        })
        .collect()
}

fn state(entry: &LedgerEntry) -> &'static str {
    let figures = entry.flaws.iter().any(|flaw| flaw.expected.is_some());
    if figures {
        return "num";
    }
    if entry.support == Support::None || !entry.flaws.is_empty() {
        return "uns";
    }
    if entry.doubt.is_some() {
        return "dou";
    }
    match entry.support {
        Support::Passage => "sup",
        Support::Ticket => "tic",
        Support::Template => "fix",
        Support::None => "uns",
    }
}

/// Parts a sentence at what was checked: figures that its passage gives, and words that are wrong.
fn parts(entry: &LedgerEntry, passages: &[Passage]) -> Vec<Value> {
    let mut marks: Vec<(usize, usize, &str)> = Vec::new();
    for flaw in &entry.flaws {
        if let Some(at) =
            entry.sentence.find(&flaw.found).filter(|_| flaw.found.len() < entry.sentence.len())
        {
            marks.push((at, at + flaw.found.len(), "bad"));
        }
    }
    if entry.support == Support::Passage {
        for (at, figure) in figures(&entry.sentence) {
            let end = at + figure.len();
            if at == 0 && entry.sentence.get(end..).is_some_and(|rest| rest.starts_with(['.', ')']))
            {
                // The number of a step is no figure.
                continue;
            }
            let given = entry
                .passages
                .iter()
                .filter_map(|at| passages.get(*at))
                .any(|passage| figures(&passage.text).any(|(_, other)| other == figure));
            let marked = marks.iter().any(|(from, to, _)| at < *to && *from < end);
            if given && !marked {
                marks.push((at, end, "ok"));
            }
        }
    }
    cut(&entry.sentence, marks)
}

/// Cuts a text at marks that do not overlap.
fn cut(text: &str, mut marks: Vec<(usize, usize, &str)>) -> Vec<Value> {
    marks.sort_unstable();
    let (mut parts, mut from) = (Vec::new(), 0);
    for (start, end, mark) in marks {
        if start < from {
            continue;
        }
        let (before, marked) = (text.get(from..start), text.get(start..end));
        let (Some(before), Some(marked)) = (before, marked) else { continue };
        if !before.is_empty() {
            parts.push(json!({"text": before, "mark": null}));
        }
        parts.push(json!({"text": marked, "mark": mark}));
        from = end;
    }
    if let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) {
        parts.push(json!({"text": rest, "mark": null}));
    }
    parts
}

/// The figures of a text with their places: runs of digits with the signs inside them.
fn figures(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_inner = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '/' | ':' | '%');
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text.get(rest..)?.find(|c: char| c.is_ascii_digit())?;
        let tail = text.get(start..)?;
        let end = tail.find(|c: char| !is_inner(c)).unwrap_or(tail.len());
        let figure = tail.get(..end)?.trim_end_matches(['.', ',', '/', ':']);
        rest = start + end;
        Some((start, figure))
    })
}

/// What is wrong with a sentence, each with its one-click repair where there is one.
fn flaws(view: &View<'_>, entry: &LedgerEntry) -> Vec<Value> {
    let remove = || json!({"label": view.say("fix.remove", &[]), "op": "remove", "with": ""});
    let mut flaws: Vec<Value> =
        entry.flaws.iter().map(|flaw| json!({"text": flaw_words(view, flaw), "fix": repair(view, flaw).unwrap_or_else(remove)})).collect();
    if let Some(doubt) = entry.doubt {
        flaws.push(json!({"text": doubt.message(view.locale()), "fix": remove()}));
    }
    if flaws.is_empty() && entry.support == Support::None {
        let text = FindingKind::Unsupported.message(view.locale());
        flaws.push(json!({"text": text, "fix": remove()}));
    }
    flaws
}

fn flaw_words(view: &View<'_>, flaw: &Flaw) -> String {
    let message = FindingKind::parse(&flaw.kind).map_or("", |kind| kind.message(view.locale()));
    match &flaw.expected {
        Some(expected) => view.say("fix.expected", &[("message", message), ("expected", expected)]),
        None => message.to_owned(),
    }
}

fn repair(view: &View<'_>, flaw: &Flaw) -> Option<Value> {
    let expected = flaw.expected.as_deref()?;
    let label = view.say("fix.replace", &[("with", expected)]);
    Some(json!({"label": label, "op": "replace", "with": expected}))
}

fn gate(view: &View<'_>, ledger: &[LedgerEntry], open: usize) -> Value {
    let text = if open > 0 {
        view.say("gate.open", &[("n", &open.to_string())])
    } else {
        let numbers: usize = ledger.iter().map(|entry| figures(&entry.sentence).count()).sum();
        let sentences = view.say("gate.sentences", &[("n", &ledger.len().to_string())]);
        let numbers = view.say("gate.numbers", &[("n", &numbers.to_string())]);
        view.say("gate.ok", &[("sentences", &sentences), ("numbers", &numbers)])
    };
    json!({"open": open, "text": text})
}

/// The passages behind the draft, the words that bear its sentences marked.
fn shown_passages(
    passages: &[Passage],
    ledger: &[LedgerEntry],
    (cited, current): (&[usize], Option<usize>),
    pipeline: Option<&Pipeline>,
) -> Vec<Value> {
    let focused = current.and_then(|n| ledger.get(n - 1));
    let opened = focused
        .or_else(|| ledger.iter().find(|entry| !entry.passages.is_empty()))
        .and_then(|entry| entry.passages.first().copied());
    (1..)
        .zip(cited)
        .filter_map(|(n, at): (usize, &usize)| Some((n, *at, passages.get(*at)?)))
        .map(|(n, at, passage)| {
            let bearing: Vec<&LedgerEntry> = match focused {
                Some(entry) if entry.passages.contains(&at) => vec![entry],
                _ => ledger.iter().filter(|entry| entry.passages.contains(&at)).collect(),
            };
            let article = pipeline
                .and_then(|pipeline| pipeline.library().article(&passage.article, passage.locale));
            let title = article.map_or(passage.article.as_str(), |article| article.title.as_str());
            json!({
                "n": n,
                "open": opened == Some(at),
                "title": title,
                "article": passage.article,
                "heading": passage.heading,
                "crumb": crumb(passage),
                "score": percent(passage.score.clamp(0.0, 1.0)),
                "above_floor": passage.above_floor,
                "locale": passage.locale,
                "href": article.and_then(|article| super::content::article(&article.id, article.locale)),
                "parts": marked(&passage.text, &bearing, passage.locale),
            })
        })
        .collect()
}

fn crumb(passage: &Passage) -> String {
    let category = passage.article.split('/').next().unwrap_or_default();
    match passage.heading.trim() {
        "" => category.to_owned(),
        heading => format!("{category} › {heading}"),
    }
}

/// Marks the words of a passage that the sentences share, short words left out.
fn marked(text: &str, bearing: &[&LedgerEntry], _: Locale) -> Vec<Value> {
    let wanted: BTreeSet<String> = bearing
        .iter()
        .flat_map(|entry| words(&entry.sentence))
        .map(|(_, word)| fold(word))
        .filter(|word| word.len() >= 4 || word.bytes().any(|byte| byte.is_ascii_digit()))
        .collect();
    let marks: Vec<(usize, usize)> = words(text)
        .filter(|(_, word)| wanted.contains(&fold(word)))
        .map(|(at, word)| (at, at + word.len()))
        .collect();
    // Neighbours become one mark: a phrase is easier on the eye than its words.
    let mut joined: Vec<(usize, usize, &str)> = Vec::new();
    for (start, end) in marks {
        match joined.last_mut() {
            Some((_, last, _))
                if text
                    .get(*last..start)
                    .is_some_and(|gap| gap.trim().is_empty() && !gap.contains('\n')) =>
            {
                *last = end;
            }
            _ => joined.push((start, end, "true")),
        }
    }
    cut(text, joined)
        .into_iter()
        .map(|part| {
            let (text, mark) = (part.get("text"), part.get("mark"));
            json!({"text": text, "mark": mark.is_some_and(|mark| !mark.is_null())})
        })
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text.get(rest..)?.find(char::is_alphanumeric)?;
        let tail = text.get(start..)?;
        let end = tail.find(|c: char| !c.is_alphanumeric()).unwrap_or(tail.len());
        rest = start + end;
        Some((start, tail.get(..end)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sentence: &str, support: Support, passages: &[usize]) -> LedgerEntry {
        LedgerEntry {
            sentence: sentence.to_owned(),
            support,
            passages: passages.to_vec(),
            flaws: Vec::new(),
            doubt: None,
        }
    }

    fn passage(text: &str) -> Passage {
        Passage {
            article: "billing/boleto".to_owned(),
            locale: Locale::PtBr,
            heading: String::new(),
            score: 0.9,
            above_floor: true,
            text: text.to_owned(),
        }
    }

    fn texts(parts: &[Value]) -> Vec<(&str, Option<&str>)> {
        parts.iter().map(|part| (part["text"].as_str().unwrap(), part["mark"].as_str())).collect()
    }

    #[test]
    fn figures_that_the_passage_gives_are_marked_and_wrong_words_too() {
        let passages = [passage("O boleto vence em 3 dias e tem multa de 2%.")];
        let mut sentence =
            entry("Vence em 3 dias, com multa de 5% ao mês.", Support::Passage, &[0]);
        sentence.flaws.push(Flaw {
            kind: "percentage".to_owned(),
            found: "5%".to_owned(),
            expected: Some("2%".to_owned()),
        });
        assert_eq!(
            texts(&parts(&sentence, &passages)),
            [
                ("Vence em ", None),
                ("3", Some("ok")),
                (" dias, com multa de ", None),
                ("5%", Some("bad")),
                (" ao mês.", None)
            ]
        );
        assert_eq!(state(&sentence), "num");
    }

    #[test]
    fn a_passage_shows_the_words_that_bear_a_sentence() {
        let sentence = entry("Você recebe o boleto por e-mail.", Support::Passage, &[0]);
        let parts = marked("O boleto chega por e-mail em até 3 dias.", &[&sentence], Locale::PtBr);
        let marked: Vec<&str> = parts
            .iter()
            .filter(|part| part["mark"] == true)
            .map(|part| part["text"].as_str().unwrap())
            .collect();
        assert_eq!(marked, ["boleto", "mail"]);
        let whole: String = parts.iter().map(|part| part["text"].as_str().unwrap()).collect();
        assert_eq!(whole, "O boleto chega por e-mail em até 3 dias.");
    }

    #[test]
    fn passages_are_numbered_as_they_are_cited() {
        let ledger = [
            entry("a", Support::Template, &[]),
            entry("b", Support::Passage, &[2]),
            entry("c", Support::Passage, &[0, 2]),
        ];
        assert_eq!(cited(&ledger, 3), [2, 0, 1]);
    }

    #[test]
    fn figures_are_cut_without_the_signs_around_them() {
        let found: Vec<&str> = figures("De R$ 1.240,00 em 15/06, às 14:30: 5% e 7.")
            .map(|(_, figure)| figure)
            .collect();
        assert_eq!(found, ["1.240,00", "15/06", "14:30", "5%", "7"]);
    }
}
