//! What a person changed at the desk, checked as the worker's own drafts are: words, repairs, corrected fields.

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::Desk;
use super::answering::bearing;
use super::draft::ledger;
use super::person::Person;
use crate::adapters::store::{DraftRow, TicketView};
use crate::compose::{Finding, FindingKind};
use crate::domain::customer::CustomerProfile;
use crate::domain::draft::{DraftKind, DraftText, LedgerEntry, Passage, Support};
use crate::domain::labels::{Complexity, Language, Locale, Sentiment, Urgency};
use crate::pipeline::OwnWords;

/// Findings that a person's words are held for until they say that they are sure: other people's data, promises,
/// figures, links, blanks. How a person words the rest is theirs.
const HELD: &[FindingKind] = &[
    FindingKind::PersonalData,
    FindingKind::Email,
    FindingKind::Phone,
    FindingKind::Link,
    FindingKind::Promise,
    FindingKind::Price,
    FindingKind::Percentage,
    FindingKind::Date,
    FindingKind::Deadline,
    FindingKind::Number,
    FindingKind::Code,
    FindingKind::Placeholder,
    FindingKind::Forbidden,
];

/// Returns what is to be looked at again in the words that are to leave in the place of a draft.
pub(super) fn findings(
    desk: &Desk,
    person: &Person,
    ticket: &TicketView,
    version: i64,
    text: &str,
) -> Vec<Value> {
    let Some(shown) = ticket.drafts.iter().find(|draft| draft.version == version) else {
        return Vec::new();
    };
    let locale = Locale::parse(&shown.locale).unwrap_or(Locale::PtBr);
    let found = examined(desk, person, ticket, shown, (text, locale));
    found
        .iter()
        .filter(|finding| HELD.contains(&finding.kind))
        .map(|finding| {
            json!({
                "found": finding.found, "kind": finding.kind,
                "text": finding.kind.message(person.locale()), "expected": finding.expected,
            })
        })
        .collect()
}

fn examined(
    desk: &Desk,
    person: &Person,
    ticket: &TicketView,
    shown: &DraftRow,
    (text, locale): (&str, Locale),
) -> Vec<Finding> {
    let Some(tenant) = desk.tenant(&person.tenant) else { return Vec::new() };
    let pack = tenant.pipeline.shared_pack();
    let passages: Vec<Passage> = serde_json::from_value(shown.passages.clone()).unwrap_or_default();
    let passages = bearing(&tenant.pipeline, (text, &shown.text), locale, &passages);
    let profile = CustomerProfile::deserialize(&ticket.customer).unwrap_or_default();
    let known: Vec<String> = profile
        .fields
        .values()
        .chain(&profile.emails)
        .chain(&profile.phones)
        .chain(&profile.plan)
        .cloned()
        .chain(["email", "phone"].iter().filter_map(|name| {
            ticket.contact.get(*name).and_then(Value::as_str).map(str::to_owned)
        }))
        .chain([ticket.row.number.clone(), pack.business.brand.clone(), person.name.clone()])
        .collect();
    let mut told: Vec<&str> = known.iter().map(String::as_str).collect();
    told.extend(ticket.messages.iter().map(|message| message.text.as_str()));
    told.extend(ticket.row.subject.as_deref());
    let kept = ledger(shown);
    let business = &pack.business;
    let mut approved: Vec<&str> = kept
        .iter()
        .filter(|entry| entry.support == Support::Template)
        .map(|entry| entry.sentence.as_str())
        .collect();
    approved.extend([
        business.ai_disclosure.in_locale(locale),
        business.way_to_person.in_locale(locale),
    ]);
    let evidence = tenant.pipeline.examine(&OwnWords {
        text,
        locale,
        passages: &passages,
        told: &told,
        customer: ticket.row.customer_name.as_deref(),
        approved: &approved,
    });
    evidence.findings
}

/// One click on a sentence of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repair {
    /// The sentence, from 1; every sentence with something open where there is none.
    pub(super) sentence: Option<usize>,
    /// What takes the place of the wrong words; the sentence goes where there is nothing.
    pub(super) with: Option<String>,
}

/// Returns the draft after a repair; `None` where there is nothing to repair, or nothing would be left.
pub(super) fn repaired(shown: &DraftRow, repair: &Repair) -> Option<DraftText> {
    let before = ledger(shown);
    let (mut text, mut after, mut changed) = (shown.text.clone(), Vec::new(), false);
    for (n, entry) in (1..).zip(before) {
        let meant =
            repair.sentence.is_none_or(|wanted| wanted == n) && super::draft::is_open(&entry);
        if !meant {
            after.push(entry);
            continue;
        }
        let figure = entry.flaws.iter().find_map(|flaw| Some((flaw, flaw.expected.as_deref()?)));
        // Only what the passage itself gives may take a wrong figure's place, never what a form brings.
        let wanted = repair.sentence.is_none() || repair.with.is_some();
        match figure.filter(|(_, expected)| {
            wanted && repair.with.as_deref().is_none_or(|with| with == *expected)
        }) {
            Some((flaw, expected)) => {
                let mended = entry.sentence.replacen(&flaw.found, expected, 1);
                text = text.replacen(&entry.sentence, &mended, 1);
                let flaws = entry.flaws.iter().filter(|one| *one != flaw).cloned().collect();
                after.push(LedgerEntry { sentence: mended, flaws, ..entry });
            }
            None if repair.with.is_some() => {
                after.push(entry);
                continue;
            }
            None => text = without(&text, &entry.sentence),
        }
        changed = true;
    }
    let says_something = after.iter().any(|entry| entry.support != Support::Template);
    (changed && says_something && !text.trim().is_empty()).then(|| DraftText {
        choices: shown.choices.clone(),
        text: text.trim().to_owned(),
        locale: Locale::parse(&shown.locale).unwrap_or(Locale::PtBr),
        kind: DraftKind::parse(&shown.kind).unwrap_or(DraftKind::Human),
        ledger: after,
    })
}

/// Takes a sentence out of a text, and the line of a list with it where nothing else stands there.
fn without(text: &str, sentence: &str) -> String {
    let Some((before, after)) = text.split_once(sentence) else { return text.to_owned() };
    let line_start = before.rsplit('\n').next().unwrap_or_default();
    let alone = line_start.trim_matches([' ', '-', '*', '•']).is_empty()
        && after.split('\n').next().unwrap_or_default().trim().is_empty();
    if !alone {
        let gap = if before.ends_with(' ') || before.ends_with('\n') {
            after.trim_start_matches(' ')
        } else {
            after
        };
        return format!("{before}{gap}").trim_end().to_owned();
    }
    let before = before.strip_suffix(line_start).unwrap_or(before).trim_end_matches(['\n', ' ']);
    let after = after.trim_start_matches(['\n', ' ']);
    match (before.is_empty(), after.is_empty()) {
        (true, _) => after.to_owned(),
        (_, true) => before.to_owned(),
        _ => format!("{before}\n\n{after}"),
    }
}

/// Returns the field of that name, where it may have that value.
pub(super) fn correctable(
    desk: &Desk,
    person: &Person,
    name: &str,
    value: &str,
    category: Option<&str>,
) -> Option<&'static str> {
    let vocabulary = desk.web().vocabulary(&person.tenant);
    let (field, fits) = match name {
        "category" => (
            "category",
            vocabulary.as_ref().is_none_or(|known| known.categories.contains_key(value)),
        ),
        "subcategory" => {
            let inside = vocabulary.as_ref().and_then(|known| known.categories.get(category?));
            ("subcategory", inside.is_some_and(|inside| inside.iter().any(|sub| sub == value)))
        }
        "urgency" => ("urgency", Urgency::parse(value).is_some()),
        "sentiment" => ("sentiment", Sentiment::parse(value).is_some()),
        "language" => ("language", Language::parse(value).is_some()),
        "complexity" => ("complexity", Complexity::parse(value).is_some()),
        _ => return None,
    };
    fits.then_some(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::draft::Flaw;

    fn entry(sentence: &str, support: Support) -> LedgerEntry {
        LedgerEntry {
            sentence: sentence.to_owned(),
            support,
            passages: vec![0],
            flaws: Vec::new(),
            doubt: None,
        }
    }

    fn row(text: &str, ledger: &[LedgerEntry]) -> DraftRow {
        DraftRow {
            version: 1,
            state: "proposed".to_owned(),
            text: text.to_owned(),
            final_text: None,
            locale: "pt-BR".to_owned(),
            kind: "model".to_owned(),
            ledger: serde_json::to_value(ledger).unwrap(),
            passages: json!([]),
            decided_by: None,
            decided_at: None,
            reason: None,
            choices: Vec::new(),
            created_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_wrong_figure_is_replaced_by_the_passages_own_and_by_nothing_else() {
        let mut wrong = entry("A multa é de 5%.", Support::Passage);
        wrong.flaws.push(Flaw {
            kind: "percentage".to_owned(),
            found: "5%".to_owned(),
            expected: Some("2%".to_owned()),
        });
        let row = row("Olá!\n\nA multa é de 5%.", &[entry("Olá!", Support::Template), wrong]);
        let with = |with: &str| Repair { sentence: Some(2), with: Some(with.to_owned()) };
        let mended = repaired(&row, &with("2%")).unwrap();
        assert_eq!(mended.text, "Olá!\n\nA multa é de 2%.");
        assert!(mended.ledger.iter().all(|entry| entry.flaws.is_empty()));
        assert_eq!(repaired(&row, &with("0%")), None, "a form cannot bring words of its own");
        assert_eq!(repaired(&row, &Repair { sentence: Some(1), with: None }), None);
        let all = repaired(&row, &Repair { sentence: None, with: None }).unwrap();
        assert_eq!(all.text, mended.text);
    }

    #[test]
    fn an_unsupported_sentence_goes_and_the_text_around_it_stays() {
        let (good, bad) = (
            entry("O boleto chega hoje.", Support::Passage),
            entry("Vai dar certo.", Support::None),
        );
        for (text, expected) in [
            ("O boleto chega hoje. Vai dar certo.", "O boleto chega hoje."),
            ("Vai dar certo. O boleto chega hoje.", "O boleto chega hoje."),
            ("O boleto chega hoje.\n\nVai dar certo.", "O boleto chega hoje."),
            ("- Vai dar certo.\n- O boleto chega hoje.", "- O boleto chega hoje."),
        ] {
            let row = row(text, &[good.clone(), bad.clone()]);
            let repair = Repair { sentence: Some(2), with: None };
            assert_eq!(repaired(&row, &repair).unwrap().text, expected, "{text:?}");
        }
        let only = row("Vai dar certo.", &[bad]);
        assert_eq!(
            repaired(&only, &Repair { sentence: None, with: None }),
            None,
            "nothing would be left"
        );
    }
}
