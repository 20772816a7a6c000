//! Replies that a language model writes: asked with numbered passages, examined sentence by sentence, put into the
//! business's own frame.

use serde::Deserialize;
use serde_json::{Value, json};

use super::briefing::Briefing;
use super::ladder::Question;
use super::triage::CaseWords;
use crate::compose::{self, Evidence, ExamineInput, Finding, FindingKind, PassageReader, Register};
use crate::domain::channel::Channel;
use crate::domain::draft::{Passage, Support};
use crate::domain::labels::{Locale, Sentiment};
use crate::policy::Pack;
use crate::ports::chat::{ChatAnswer, Purpose};
use crate::privacy::{Masker, Vault};

/// Characters of the body on channels of short messages; the frame around it takes as many again.
const SHORT: usize = 700;
/// The same for mails and forms.
const LONG: usize = 1_800;
/// Sentences of a body beyond which an answer is none.
const SENTENCES_MAX: usize = 40;
/// A sentence beyond so many bytes is none.
const SENTENCE_MAX: usize = 1_500;
/// How sure a reply is with a sentence that nobody vouches for: less than what sends.
const DOUBTFUL: f64 = 0.8;
/// The same for a reply that leaves a question open, or after which the model wants a person.
const OPEN_QUESTION: f64 = 0.7;
const WANTS_PERSON: f64 = 0.6;

/// What a drafting prompt needs besides the case.
pub(super) struct Brief<'a> {
    pub(super) reader: &'a PassageReader,
    pub(super) pack: &'a Pack,
    pub(super) briefing: &'a Briefing,
    pub(super) locale: Locale,
    pub(super) channel: Channel,
    pub(super) register: Register,
    pub(super) sentiment: Sentiment,
    pub(super) facts: Vec<String>,
    pub(super) passages: &'a [Passage],
    pub(super) words: CaseWords<'a>,
}

/// A model's reply, examined.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The body for the channel, masked.
    pub(super) body: String,
    /// What supports it, and what is wrong with it.
    pub(super) evidence: Evidence,
    /// The model says that a person is wanted.
    pub(super) needs_human: bool,
    /// It leaves a question of the customer open.
    pub(super) open_questions: bool,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    language: String,
    #[serde(default)]
    open_questions: Vec<String>,
    sentences: Vec<RawSentence>,
    #[serde(default)]
    promises: Vec<String>,
    #[serde(default)]
    needs_human: bool,
}

#[derive(Deserialize)]
struct RawSentence {
    text: String,
    #[serde(default)]
    cites: Vec<i64>,
    #[serde(default)]
    layout: String,
}

/// Asks for a reply, or, with what was wrong with one, for another.
pub(super) fn question(brief: &Brief<'_>, wrong: Option<&Written>) -> Option<Question> {
    let purpose = if wrong.is_some() { Purpose::Repair } else { Purpose::Draft };
    brief.briefing.question(purpose, brief.locale, &brief.words, case(brief, wrong))
}

/// Asks for a reply once more, as somebody of the team wants it: the draft as it stands, and their wish.
pub(super) fn again(brief: &Brief<'_>, present_and_wish: (&str, &str)) -> Option<Question> {
    let case = again_case(brief, present_and_wish);
    brief.briefing.question(Purpose::Again, brief.locale, &brief.words, case)
}

/// What the variables of that prompt hold.
pub(super) fn again_case(
    brief: &Brief<'_>,
    (present, wish): (&str, &str),
) -> Vec<(&'static str, Value)> {
    let mut case = case(brief, None);
    case.retain(|(name, _)| !matches!(*name, "draft" | "complaints"));
    case.extend([("draft", present.into()), ("instruction", wish.into())]);
    case
}

/// What the variables of a drafting prompt hold besides a case's words and what the business says in all of them.
pub(super) fn case(brief: &Brief<'_>, wrong: Option<&Written>) -> Vec<(&'static str, Value)> {
    let passages: Vec<Value> = (1..)
        .zip(brief.passages)
        .map(|(n, passage): (u32, &Passage)| {
            let heading = passage.heading.trim();
            let text = if heading.is_empty() {
                passage.text.clone()
            } else {
                format!("{heading}\n{}", passage.text)
            };
            json!({"n": n, "text": text})
        })
        .collect();
    let complaints: Vec<String> = wrong
        .map(|wrong| {
            wrong.evidence.findings.iter().map(|one| complaint(one, brief.locale)).collect()
        })
        .unwrap_or_default();
    vec![
        ("channel", brief.channel.as_str().into()),
        ("language", brief.locale.as_str().into()),
        ("limit", limit(brief.channel).into()),
        ("register", register(brief.register, brief.locale).into()),
        ("sentiment", mood(brief.sentiment, brief.locale).into()),
        ("facts", brief.facts.as_slice().into()),
        ("passages", passages.into()),
        ("draft", wrong.map(|wrong| wrong.body.as_str()).unwrap_or_default().into()),
        ("complaints", complaints.into()),
    ]
}

const fn limit(channel: Channel) -> usize {
    match channel {
        Channel::Email | Channel::WebForm => LONG,
        Channel::Whatsapp | Channel::Chat | Channel::Phone | Channel::Api => SHORT,
    }
}

fn complaint(finding: &Finding, locale: Locale) -> String {
    let what = finding.kind.message(locale);
    let found = &finding.found;
    match &finding.expected {
        None => format!("{what}: {found}"),
        Some(expected) if locale == Locale::PtBr => {
            format!("{what}: {found} (o trecho diz: {expected})")
        }
        Some(expected) => format!("{what}: {found} (the passage says: {expected})"),
    }
}

/// Reads and examines an answer; `None` where it is none.
pub(super) fn read(brief: &Brief<'_>, answer: &ChatAnswer, vault: &Vault) -> Option<Written> {
    let raw: Raw = serde_json::from_str(&answer.text).ok()?;
    let fits = !raw.sentences.is_empty()
        && raw.sentences.len() <= SENTENCES_MAX
        && raw.sentences.iter().all(|one| one.text.len() <= SENTENCE_MAX);
    if !fits {
        return None;
    }
    let body = compose::for_channel(&laid_out(&raw.sentences), brief.channel);
    if body.trim().is_empty() {
        return None;
    }
    let mut told: Vec<&str> = vec![brief.words.text, &brief.pack.business.brand];
    told.extend(brief.words.subject);
    told.extend(brief.words.history.iter().map(|past| past.text.as_str()));
    told.extend(brief.facts.iter().map(String::as_str));
    let mut evidence = compose::examine(
        &body,
        &ExamineInput {
            reader: brief.reader,
            locale: brief.locale,
            passages: brief.passages,
            ticket: &told,
            // The frame greets; whoever else is named here is somebody else.
            customer: Some("[NAME_1]"),
            approved: &[],
        },
    );
    own_checks(brief, &raw, &body, vault, &mut evidence);
    Some(Written {
        body,
        evidence,
        needs_human: raw.needs_human,
        open_questions: !raw.open_questions.is_empty(),
    })
}

/// What only a model's own account of its reply shows.
fn own_checks(brief: &Brief<'_>, raw: &Raw, body: &str, vault: &Vault, evidence: &mut Evidence) {
    let mut find = |kind: FindingKind, sentence: &str, found: &str| {
        let already = evidence.findings.iter().any(|one| one.kind == kind && one.found == found);
        if !already {
            evidence.findings.push(Finding {
                kind,
                sentence: sentence.to_owned(),
                found: found.to_owned(),
                expected: None,
            });
        }
        for entry in &mut evidence.ledger {
            if entry.sentence == sentence {
                entry.support = Support::None;
                entry.passages.clear();
            }
        }
    };
    if !raw.language.is_empty() && raw.language != brief.locale.as_str() {
        find(FindingKind::Language, body, &raw.language);
    }
    // A place for data that this conversation does not hold was made up; one that it does hold is for a person to
    // look at, whoever's data it is.
    for placeholder in vault.foreign_in(body) {
        find(FindingKind::Placeholder, &sentence_with(body, &placeholder), &placeholder);
    }
    for placeholder in vault.contacts_in(body) {
        find(FindingKind::PersonalData, &sentence_with(body, &placeholder), &placeholder);
    }
    // Links, addresses and numbers to call or to pay stand in an article, or they do not leave: what the customer
    // wrote may be somebody's bait.
    for contact in compose::contacts_not_in(body, brief.reader, brief.passages, brief.locale) {
        find(FindingKind::Link, &sentence_with(body, &contact), &contact);
    }
    for found in Masker::new().mask(body, &mut Vault::new(), &[]).found {
        let words = body.get(found.start..found.end).unwrap_or_default();
        if !brief.passages.iter().any(|passage| passage.text.contains(words)) {
            find(FindingKind::PersonalData, &sentence_with(body, words), words);
        }
    }
    for promise in raw.promises.iter().filter(|promise| !promise.trim().is_empty()) {
        let said = raw.sentences.iter().find(|one| one.text.contains(promise.trim()));
        let cited = said.is_some_and(|one| {
            one.cites
                .iter()
                .any(|n| usize::try_from(*n).is_ok_and(|n| (1..=brief.passages.len()).contains(&n)))
        });
        if !cited {
            find(FindingKind::Promise, &sentence_with(body, promise.trim()), promise.trim());
        }
    }
}

/// Returns the body's sentence that holds some words, else the words.
fn sentence_with(body: &str, words: &str) -> String {
    crate::text::sentences::split(body)
        .into_iter()
        .filter_map(|range| body.get(range))
        .find(|sentence| sentence.contains(words))
        .unwrap_or(words)
        .to_owned()
}

/// Joins sentences as their layout says, as Markdown.
fn laid_out(sentences: &[RawSentence]) -> String {
    let mut text = String::new();
    let (mut step, mut before) = (0_u32, "");
    for sentence in sentences {
        let words = sentence.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            continue;
        }
        let layout = match sentence.layout.as_str() {
            layout @ ("step" | "bullet" | "continue") => layout,
            _ => "paragraph",
        };
        let is_item = |layout: &str| layout == "step" || layout == "bullet";
        if !text.is_empty() {
            text.push_str(match (is_item(before), layout) {
                (_, "continue") => " ",
                (true, item) if item == before => "\n",
                _ => "\n\n",
            });
        }
        if layout == "step" {
            step = if before == "step" || before == "continue" && step > 0 { step + 1 } else { 1 };
            text.push_str(&step.to_string());
            text.push_str(". ");
        } else if layout == "bullet" {
            text.push_str("- ");
        }
        text.push_str(&words);
        if layout != "continue" || before.is_empty() {
            before = layout;
        }
        if layout == "paragraph" {
            step = 0;
        }
    }
    text
}

impl Written {
    /// How sure its evidence is, from 0 to 1: 0 with a sentence that nothing supports, below what sends where
    /// nobody vouches for one or something stays open.
    pub(super) fn confidence(&self) -> f64 {
        let weakest = self
            .evidence
            .ledger
            .iter()
            .map(|entry| match entry.support {
                Support::None => 0.0,
                _ if entry.doubt.is_some() => DOUBTFUL,
                _ => 1.0,
            })
            .fold(1.0, f64::min);
        let weakest = if self.evidence.findings.is_empty() { weakest } else { 0.0 };
        let rests = self.evidence.ledger.iter().any(|entry| entry.support == Support::Passage);
        let open = if self.open_questions { OPEN_QUESTION } else { 1.0 };
        let person = if self.needs_human { WANTS_PERSON } else { 1.0 };
        // A reply without a single sentence from an article answers nothing.
        let answers = if rests { 1.0 } else { WANTS_PERSON };
        weakest.min(open).min(person).min(answers)
    }

    /// What makes one reply better than another by the ledger: nothing wrong, then nothing unsupported, then nothing
    /// doubtful, then the more of it that passages support.
    fn rank(&self) -> (usize, usize, usize, std::cmp::Reverse<usize>) {
        let count = |support: Support| {
            self.evidence.ledger.iter().filter(|entry| entry.support == support).count()
        };
        let wrong = self.evidence.findings.len();
        let doubtful = self.evidence.ledger.iter().filter(|entry| entry.doubt.is_some()).count();
        (wrong, count(Support::None), doubtful, std::cmp::Reverse(count(Support::Passage)))
    }

    /// Returns the better of two by the ledger; the earlier wins a tie.
    pub(super) fn better(self, other: Self) -> Self {
        if other.rank() < self.rank() { other } else { self }
    }
}

const fn register(register: Register, locale: Locale) -> &'static str {
    match (register, locale) {
        (Register::Casual, Locale::PtBr) => "informal",
        (Register::Neutral, Locale::PtBr) => "neutro",
        (Register::Formal, _) => "formal",
        (Register::Casual, Locale::En) => "casual",
        (Register::Neutral, Locale::En) => "neutral",
    }
}

const fn mood(mood: Sentiment, locale: Locale) -> &'static str {
    match (mood, locale) {
        (Sentiment::Positive, Locale::PtBr) => "bom",
        (Sentiment::Neutral, Locale::PtBr) => "neutro",
        (Sentiment::Negative, Locale::PtBr) => "ruim",
        (Sentiment::Angry, Locale::PtBr) => "de irritação",
        (Sentiment::Positive, Locale::En) => "good",
        (Sentiment::Neutral, Locale::En) => "neutral",
        (Sentiment::Negative, Locale::En) => "bad",
        (Sentiment::Angry, Locale::En) => "angry",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_laid_out_as_they_say() {
        let one = |text: &str, layout: &str| RawSentence {
            text: text.to_owned(),
            cites: Vec::new(),
            layout: layout.to_owned(),
        };
        let text = laid_out(&[
            one("É simples.", "paragraph"),
            one("Veja:", "continue"),
            one("Abra o menu.", "step"),
            one("Toque em Salvar.", "step"),
            one("Pronto.", "paragraph"),
            one("Um item", "bullet"),
            one("Outro\n item", "bullet"),
        ]);
        assert_eq!(
            text,
            "É simples. Veja:\n\n1. Abra o menu.\n2. Toque em Salvar.\n\nPronto.\n\n- Um item\n- Outro item"
        );
    }
}
