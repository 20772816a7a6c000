//! Messages that nobody wrote to be answered: a machine's (absence, welcome, receipt, bounce) and an advertiser's.
//!
//! The whole message speaks, never one phrase, which a customer may repeat: several signs must say the same of the
//! sender, and whoever speaks of us or of an account of theirs, asks or complains is a customer.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use serde::Deserialize;

use super::TurnView;
use super::reading::{Reading, Use};
use crate::domain::message::Author;
use crate::domain::signal::Signal;
use crate::text::fold::fold;
use crate::text::phrases::Pattern;
use crate::text::tokens::Break;

const SOURCE: &str = include_str!("lexicon/unasked.yaml");
/// Weight of signs that is enough.
const ENOUGH: u32 = 2;
/// The sign that is enough alone where nobody asked for it.
const HOURS: &str = "hours";
/// The sign of a menu, and most words of an entry in it.
const MENU: &str = "menu";
const ENTRY: usize = 4;
/// Weight of an advertiser's signs that is enough.
const PITCH: u32 = 3;
/// Signs of an advertiser that are enough together: somebody sells, and calls on the reader.
const SELLER: &str = "seller";
const CALL: &str = "call";
/// The sign that counts twice where it stands at two places.
const LURE: &str = "lure";
/// What mail systems say of themselves and of a delivery.
const SYSTEM: &str = "system";
/// Most words of a machine that does not call itself one.
const LONGEST_PLAIN: usize = 80;
/// Most words of a machine's answer; each is compared with every sign.
const LONGEST: usize = 600;
/// Most words of a report that somebody may have copied for us, with a question below.
const COPIED: usize = 60;
/// Longest subject or first line that can be a mail program's mark, in bytes.
const MARK_LINE: usize = 200;

/// What a pattern of this concern says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A sign of a machine, by its place in the lexicon.
    Machine(usize),
    /// A sign of an advertiser, by its place in the lexicon.
    Pitch(usize),
    /// Words around a machine's that say nothing of their own.
    Plain,
    /// Only a customer says it.
    Customer,
    /// Somebody wants something, as advertisers do too.
    Wants,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    machine: Vec<Sign>,
    plain: Vec<String>,
    pitch: Vec<Sign>,
    customer: Vec<String>,
    wants: Vec<String>,
}

/// Patterns that say the same of a sender.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    id: String,
    weight: u32,
    /// A question may hold it: "How can we help?"
    #[serde(default)]
    asks: bool,
    /// It says what is offered or promised; without such a sign there is no advertiser.
    #[serde(default)]
    offers: bool,
    any: Vec<String>,
}

impl Written {
    fn all(&self) -> Vec<(&String, Part)> {
        let mut all = Vec::new();
        for (at, sign) in self.machine.iter().enumerate() {
            all.extend(sign.any.iter().map(|source| (source, Part::Machine(at))));
        }
        for (at, sign) in self.pitch.iter().enumerate() {
            all.extend(sign.any.iter().map(|source| (source, Part::Pitch(at))));
        }
        for (list, part) in [
            (&self.plain, Part::Plain),
            (&self.customer, Part::Customer),
            (&self.wants, Part::Wants),
        ] {
            all.extend(list.iter().map(|source| (source, part)));
        }
        all
    }
}

static LEXICON: LazyLock<Written> =
    // The file is part of the program; a test reads it strictly.
    LazyLock::new(|| serde_saphyr::from_str(SOURCE).unwrap_or_default());

/// Appends the patterns of this concern.
pub(super) fn patterns(patterns: &mut Vec<(Pattern, Use)>) {
    let read = LEXICON
        .all()
        .into_iter()
        .filter_map(|(source, part)| Some((Pattern::parse(source).ok()?, Use::Unasked(part))));
    patterns.extend(read);
}

/// What a turn is that nobody wrote to be answered.
pub(super) struct Unasked {
    /// The signals found.
    pub(super) found: Vec<(Signal, f64, &'static str)>,
    /// A customer speaks, so that single words of advertisers mean nothing.
    pub(super) from_customer: bool,
}

/// Looks for machines and advertisers.
pub(super) fn find(turn: &TurnView<'_>, reading: &Reading<'_, '_>) -> Unasked {
    let words = Words::of(turn, reading);
    let forwarded = is_forwarded(turn, reading);
    let mut found = Vec::new();
    if !forwarded && let Some(confidence) = words.machine(turn) {
        found.push((Signal::AutoReply, confidence, "auto_reply.whole_message"));
    }
    let from_customer = forwarded || words.has_customer();
    let conversing = turn.history.iter().any(|past| past.author == Author::Customer);
    if found.is_empty()
        && !from_customer
        && !conversing
        && let Some(confidence) = words.pitch()
    {
        found.push((Signal::Spam, confidence, "spam.whole_message"));
    }
    Unasked { found, from_customer }
}

/// The hits of this concern in a turn.
struct Words<'a> {
    reading: &'a Reading<'a, 'a>,
    hits: Vec<(Part, Range<usize>)>,
    /// The first token of the body.
    body: usize,
    /// How much a mail program's mark in front says.
    mark: Mark,
}

impl<'a> Words<'a> {
    fn of(turn: &TurnView<'_>, reading: &'a Reading<'_, '_>) -> Self {
        let tokens = &reading.tokens;
        let hits = reading
            .hits
            .iter()
            .filter_map(|hit| match *hit.value {
                Use::Unasked(part) => Some((part, hit.start..hit.end)),
                _ => None,
            })
            .collect();
        let body = tokens.iter().take_while(|(token, _)| token.start < reading.body).count();
        let first_line = turn.text.trim_start().lines().next().unwrap_or_default();
        let in_subject = turn.subject.map(|subject| mark(subject, true)).unwrap_or_default();
        let in_text = mark(first_line, false);
        let mark = if in_text.weight > in_subject.weight { in_text } else { in_subject };
        Self { reading, hits, body, mark }
    }

    /// The hits that count: a subject that a mail program wrote repeats ours.
    fn own(&self) -> impl Iterator<Item = &(Part, Range<usize>)> {
        let from = if self.mark.weight >= ENOUGH { self.body } else { 0 };
        self.hits.iter().filter(move |(_, range)| range.start >= from)
    }

    /// True where these words stand outside the signs of a kind.
    fn is_outside(&self, range: &Range<usize>, sign: fn(Part) -> bool) -> bool {
        !self.own().any(|(part, other)| {
            sign(*part) && other.start <= range.start && range.end <= other.end
        })
    }

    fn has_customer(&self) -> bool {
        self.own().any(|(part, range)| {
            *part == Part::Customer && self.is_outside(range, |part| matches!(part, Part::Pitch(_)))
        })
    }

    /// Returns how sure it is that a machine wrote this.
    fn machine(&self, turn: &TurnView<'_>) -> Option<f64> {
        if self.is_report() {
            return Some(0.97);
        }
        if self.reading.tokens.len() > LONGEST {
            return None;
        }
        let is_sign = |part: Part| matches!(part, Part::Machine(_));
        let signs: BTreeSet<usize> = self
            .own()
            .filter_map(|(part, _)| match part {
                Part::Machine(at) => Some(*at),
                _ => None,
            })
            .collect();
        let signs: Vec<&Sign> = signs.iter().filter_map(|at| LEXICON.machine.get(*at)).collect();
        let weight = self.mark.weight + signs.iter().map(|sign| sign.weight).sum::<u32>();
        let only_hours = turn.history.is_empty()
            && signs.iter().any(|sign| sign.id == HOURS)
            && signs.iter().all(|sign| sign.id == HOURS || sign.weight == 0);
        if weight < ENOUGH && !only_hours {
            return None;
        }
        // Below the mark of a mail program's answer somebody away may ask for things in general.
        let answers = self.mark.weight >= ENOUGH && self.mark.answers;
        let wants = self.own().any(|(part, range)| {
            (*part == Part::Customer || (*part == Part::Wants && !answers))
                && self.is_outside(range, is_sign)
        });
        let sentences = self.sentences();
        if wants || self.has_open_question(&sentences) {
            return None;
        }
        let menu = signs.iter().any(|sign| sign.id == MENU);
        let told = |sentence: &Range<usize>| {
            (menu && sentence.len() <= ENTRY)
                || self.own().any(|(part, range)| {
                    (is_sign(*part) || *part == Part::Plain) && sentence.contains(&range.start)
                })
        };
        let untold = sentences.iter().filter(|sentence| !told(sentence)).count();
        let plainly = answers || signs.iter().any(|sign| sign.weight >= ENOUGH);
        let room = match () {
            () if plainly => usize::MAX,
            () if only_hours || self.mark.weight >= ENOUGH => 0,
            () if self.reading.tokens.len() > LONGEST_PLAIN => 0,
            () => sentences.len() / 2,
        };
        if untold > room {
            return None;
        }
        Some(if weight > ENOUGH { 0.96 } else { 0.9 })
    }

    /// True where a mail system reports on a delivery. Such reports hold other people's words below their own;
    /// whoever copies one for us says so first.
    fn is_report(&self) -> bool {
        let of_system = |part: Part| match part {
            Part::Machine(at) => LEXICON.machine.get(at).is_some_and(|sign| sign.id == SYSTEM),
            Part::Pitch(_) | Part::Plain | Part::Customer | Part::Wants => false,
        };
        let system = || {
            let body = self.hits.iter().filter(|(_, range)| range.start >= self.body);
            body.filter(|(part, _)| of_system(*part)).map(|(_, range)| range)
        };
        let Some(first) = system().min_by_key(|range| range.start) else { return false };
        let several = system().any(|range| range.start >= first.end);
        if !several && !self.mark.reports {
            return false;
        }
        let tokens = &self.reading.tokens;
        let copied = tokens.len() <= self.body + COPIED;
        let asked = self.reading.text.match_indices('?').any(|(at, _)| {
            at >= self.reading.body && tokens.get(first.start).is_some_and(|token| at < token.start)
        });
        let in_sentence = |range: &Range<usize>| {
            let sentence = tokens.sentence_around(range.start);
            system().any(|other| sentence.contains(&other.start))
        };
        let somebody = |part: Part, range: &Range<usize>| match part {
            Part::Customer => {
                range.end <= first.start || (copied && self.is_outside(range, of_system))
            }
            Part::Wants => range.end <= first.start || (copied && !in_sentence(range)),
            Part::Machine(_) | Part::Pitch(_) | Part::Plain => false,
        };
        !asked
            && !self
                .hits
                .iter()
                .any(|(part, range)| range.start >= self.body && somebody(*part, range))
    }

    /// Returns how sure it is that an advertiser wrote this.
    fn pitch(&self) -> Option<f64> {
        let signs: BTreeSet<usize> = self
            .hits
            .iter()
            .filter_map(|(part, _)| match part {
                Part::Pitch(at) => Some(*at),
                _ => None,
            })
            .collect();
        let signs: Vec<&Sign> = signs.iter().filter_map(|at| LEXICON.pitch.get(*at)).collect();
        let has = |id: &str| signs.iter().any(|sign| sign.id == id);
        let weight: u32 = signs.iter().map(|sign| sign.weight).sum();
        let weight = weight + u32::from(self.has_several(LURE));
        let offers = signs.iter().any(|sign| sign.offers) || (has(CALL) && self.has_several(LURE));
        let enough = weight >= PITCH || (has(SELLER) && has(CALL));
        (offers && enough).then_some(if weight > PITCH { 0.94 } else { 0.86 })
    }

    /// True where an advertiser's sign stands at several places.
    fn has_several(&self, id: &str) -> bool {
        let mut places = self.hits.iter().filter_map(|(part, range)| match part {
            Part::Pitch(at) if LEXICON.pitch.get(*at).is_some_and(|sign| sign.id == id) => {
                Some(range)
            }
            _ => None,
        });
        let Some(first) = places.next() else { return false };
        places.any(|other| other.start >= first.end)
    }

    /// Returns the sentences of the body as ranges of tokens.
    fn sentences(&self) -> Vec<Range<usize>> {
        let tokens = &self.reading.tokens;
        let mut sentences: Vec<Range<usize>> = Vec::new();
        for at in self.body..tokens.len() {
            match sentences.last_mut() {
                Some(last) if tokens.before(at) < Break::Sentence => last.end = at + 1,
                _ => sentences.push(at..at + 1),
            }
        }
        sentences
    }

    /// True where something is asked that no machine asks.
    fn has_open_question(&self, sentences: &[Range<usize>]) -> bool {
        let tokens = &self.reading.tokens;
        let asks = |sentence: &Range<usize>| {
            self.own().any(|(part, range)| match part {
                Part::Machine(at) => {
                    sentence.contains(&range.start)
                        && LEXICON.machine.get(*at).is_some_and(|sign| sign.asks)
                }
                _ => false,
            })
        };
        let left_out = || self.reading.foreign.iter().chain(&self.reading.cited);
        let marks = self.reading.text.match_indices('?').map(|(at, _)| at);
        marks
            .filter(|at| *at >= self.reading.body)
            .filter(|at| !left_out().any(|range| range.contains(at)))
            .any(|at| {
                let before = tokens.iter().take_while(|(token, _)| token.end <= at).count();
                let Some(last) = before.checked_sub(1) else { return false };
                let sentence = sentences.iter().find(|sentence| sentence.contains(&last));
                sentence.is_none_or(|sentence| !asks(sentence))
            })
    }
}

/// True where somebody passes on what another wrote.
fn is_forwarded(turn: &TurnView<'_>, reading: &Reading<'_, '_>) -> bool {
    let subject = turn.subject.map(fold).unwrap_or_default();
    let marked = subject
        .split_once(':')
        .is_some_and(|(mark, _)| matches!(mark.trim(), "enc" | "fwd" | "fw" | "encaminhada"));
    marked
        || reading.text.contains("---")
            && ["mensagem encaminhada", "mensagem reenviada", "forwarded message"]
                .iter()
                .any(|words| fold(&reading.text).contains(words))
}

/// What a mail program's mark in front of a line says.
#[derive(Clone, Copy, Default)]
struct Mark {
    weight: u32,
    /// Whatever follows is the machine's too.
    answers: bool,
    /// A mail system could not deliver something.
    reports: bool,
}

/// What mail programs write in front of the subject of an answer of theirs, folded.
const ANSWERS: &[&str] = &[
    "automatic reply",
    "automatic response",
    "auto reply",
    "auto response",
    "autoreply",
    "auto",
    "out of office",
    "out of office reply",
    "ooo",
    "resposta automatica",
    "respuesta automatica",
    "mensagem automatica",
    "ausencia temporaria",
    "ausente",
    "fora do escritorio",
];

/// ... and of a report, whose text says so too.
const REPORTS: &[&str] = &[
    "lida",
    "nao lida",
    "lido",
    "nao lido",
    "read",
    "not read",
    "leido",
    "read receipt",
    "return receipt",
    "confirmacao de leitura",
    "recibo de leitura",
    "undeliverable",
    "nao entregue",
];

/// How the subjects of mail systems begin, folded.
const RETURNS: &[&str] = &[
    "undelivered mail",
    "undeliverable",
    "delivery status notification",
    "delivery notification",
    "delivery failure",
    "delivery has failed",
    "mail delivery",
    "mail system error",
    "returned mail",
    "failure notice",
    "postmaster notify",
    "nao entregue",
    "mensagem nao entregue",
    "falha na entrega",
    "devolvido",
];

/// Reads the mark in front of a subject or a first line. With its colon it is enough; as a whole subject it is a sign.
fn mark(line: &str, is_subject: bool) -> Mark {
    if line.len() > MARK_LINE {
        return Mark::default();
    }
    let folded = fold(line).replace('-', " ");
    let (front, rest) = folded.split_once(':').unwrap_or((folded.as_str(), ""));
    let front = front.split('(').next().unwrap_or_default().trim();
    let answers = ANSWERS.contains(&front);
    let weight = if !answers && !REPORTS.contains(&front) {
        0
    } else if !rest.trim().is_empty() {
        ENOUGH
    } else {
        u32::from(is_subject)
    };
    let reports = is_subject && RETURNS.iter().any(|start| folded.trim().starts_with(start));
    Mark { weight, answers, reports }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_is_valid() {
        let written: Written = serde_saphyr::from_str(SOURCE).unwrap();
        let problems: Vec<_> = written
            .all()
            .into_iter()
            .filter_map(|(source, _)| Pattern::parse(source).err())
            .map(|error| error.to_string())
            .collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        for id in [SELLER, CALL, LURE] {
            assert!(written.pitch.iter().any(|sign| sign.id == id), "{id}");
        }
        for id in [HOURS, MENU, SYSTEM] {
            assert!(written.machine.iter().any(|sign| sign.id == id), "{id}");
        }
    }
}
