//! Turns that are nothing but a courtesy, a greeting or a wish to hear no more: every word of the
//! message must belong to a phrase of the kind. Inside a conversation a little news may come along.

use serde::Deserialize;

use super::TurnView;
use super::reading::Reading;
use crate::domain::message::Author;
use crate::domain::signal::Signal;
use crate::text::phrases::{Hit, Pattern, PhraseSet};
use crate::text::tokens::Tokens;

const SOURCE: &str = include_str!("lexicon/courtesy.yaml");
/// Longest courtesy in words; longer ones hold something else.
const LONGEST: usize = 40;
/// Longest message that may close a conversation with a little news; in words.
const LONGEST_CLOSING: usize = 24;
/// The same where nobody is thanked.
const LONGEST_BARE_CLOSING: usize = 12;
/// Longest message that can be nothing but a wish to hear no more.
const LONGEST_OPT_OUT: usize = 16;

/// The phrases of whole messages.
#[derive(Clone, Debug)]
pub(super) struct Courtesy {
    set: PhraseSet<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Thanks,
    Acknowledgement,
    Closing,
    Filler,
    Greeting,
    GreetingFiller,
    OptOut,
    OptOutFiller,
    NoThanks,
    /// What came right, in a conversation.
    News,
    /// What only looks like news.
    NoNews,
    /// Somebody still wants something.
    Open,
    /// Words of the kind before that want nothing here.
    Settled,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    thanks: Vec<String>,
    acknowledgement: Vec<String>,
    closing: Vec<String>,
    filler: Vec<String>,
    greeting: Vec<String>,
    greeting_filler: Vec<String>,
    opt_out: Vec<String>,
    opt_out_filler: Vec<String>,
    no_thanks: Vec<String>,
    news: Vec<String>,
    no_news: Vec<String>,
    open: Vec<String>,
    settled: Vec<String>,
}

impl Written {
    fn all(&self) -> impl Iterator<Item = (&String, Kind)> {
        [
            (&self.thanks, Kind::Thanks),
            (&self.acknowledgement, Kind::Acknowledgement),
            (&self.closing, Kind::Closing),
            (&self.filler, Kind::Filler),
            (&self.greeting, Kind::Greeting),
            (&self.greeting_filler, Kind::GreetingFiller),
            (&self.opt_out, Kind::OptOut),
            (&self.opt_out_filler, Kind::OptOutFiller),
            (&self.no_thanks, Kind::NoThanks),
            (&self.news, Kind::News),
            (&self.no_news, Kind::NoNews),
            (&self.open, Kind::Open),
            (&self.settled, Kind::Settled),
        ]
        .into_iter()
        .flat_map(|(list, kind)| list.iter().map(move |source| (source, kind)))
    }
}

impl Courtesy {
    pub(super) fn new() -> Self {
        // The file is part of the program; a test reads it strictly.
        let written: Written = serde_saphyr::from_str(SOURCE).unwrap_or_default();
        let read = written.all().filter_map(|(s, kind)| Some((Pattern::parse(s).ok()?, kind)));
        Self { set: PhraseSet::new(read) }
    }

    /// Returns the whole-message signals of a turn.
    pub(super) fn find(
        &self,
        turn: &TurnView<'_>,
        reading: &Reading<'_, '_>,
    ) -> Vec<(Signal, f64, &'static str)> {
        // A subject is no part of what was said in this message.
        let body_only;
        let tokens = if reading.body == 0 {
            &reading.tokens
        } else if reading.tokens.len() <= LONGEST * 2 {
            let subject_words =
                reading.tokens.iter().filter(|(t, _)| t.start < reading.body).count();
            if subject_words == reading.tokens.len() {
                return Vec::new();
            }
            let text = reading.text.get(reading.body..).unwrap_or_default();
            let left_out = crate::text::regions::Regions::find(text).all();
            body_only = Tokens::without(text, &left_out);
            &body_only
        } else {
            return Vec::new();
        };
        if tokens.is_empty() || tokens.len() > LONGEST || turn.flags.media {
            return Vec::new();
        }
        self.judge(turn, tokens, reading.text.get(reading.body..).unwrap_or_default())
    }

    fn judge(
        &self,
        turn: &TurnView<'_>,
        tokens: &Tokens,
        text: &str,
    ) -> Vec<(Signal, f64, &'static str)> {
        let hits = self.set.find(tokens);
        let has = |kind: Kind| hits.iter().any(|hit| *hit.value == kind);
        let uncovered = |kinds: &[Kind]| {
            let mut covered = vec![false; tokens.len()];
            for hit in hits.iter().filter(|hit| kinds.contains(hit.value)) {
                covered.iter_mut().take(hit.end).skip(hit.start).for_each(|c| *c = true);
            }
            covered
        };
        let mut found = Vec::new();
        let opt_out = uncovered(&[Kind::OptOut, Kind::OptOutFiller]);
        if has(Kind::OptOut)
            && tokens.len() <= LONGEST_OPT_OUT
            && tokens.question_marks() == 0
            && opt_out.iter().all(|c| *c)
        {
            found.push((Signal::OptOut, 0.95, "opt_out.whole_message"));
            return found;
        }
        let greeting = uncovered(&[Kind::Greeting, Kind::GreetingFiller]);
        let answers_us = turn.history.last().is_some_and(|past| past.author != Author::Customer);
        if has(Kind::Greeting)
            && only_names_left(tokens, &greeting, text)
            && !(answers_us && has(Kind::Acknowledgement))
        {
            found.push((Signal::Greeting, 0.95, "greeting.whole_message"));
            return found;
        }
        let thanks = uncovered(&[
            Kind::Thanks,
            Kind::Acknowledgement,
            Kind::Closing,
            Kind::Filler,
            Kind::Greeting,
        ]);
        let thanked = has(Kind::Thanks);
        let with_news = uncovered(&[
            Kind::Thanks,
            Kind::Acknowledgement,
            Kind::Closing,
            Kind::Filler,
            Kind::Greeting,
            Kind::News,
        ]);
        let open = is_open(&hits);
        let ends = thanked || has(Kind::Acknowledgement) || has(Kind::Closing);
        if ends
            && !has(Kind::NoThanks)
            && tokens.question_marks() == 0
            && (only_names_left(tokens, &thanks, text)
                || (thanked && !open && only_names_left(tokens, &with_news, text)))
            && (thanked || !answers_a_question(turn))
        {
            let confidence = if thanked { 0.96 } else { 0.85 };
            found.push((Signal::ThankYou, confidence, "thank_you.whole_message"));
        } else if closes(turn, tokens, &hits) {
            found.push((Signal::ThankYou, 0.85, "thank_you.closes_with_news"));
        }
        found
    }
}

/// True where a conversation ends with thanks and a little news, and nobody asks for anything.
fn closes(turn: &TurnView<'_>, tokens: &Tokens, hits: &[Hit<'_, Kind>]) -> bool {
    if turn.history.is_empty()
        || tokens.len() > LONGEST_CLOSING
        || tokens.question_marks() > 0
        || hits.iter().any(|hit| *hit.value == Kind::NoThanks)
        // A placeholder is a datum that somebody waits for.
        || tokens.iter().any(|(_, word)| word.contains('_'))
    {
        return false;
    }
    if is_open(hits) {
        return false;
    }
    let of = |kind: Kind| hits.iter().filter(move |hit| *hit.value == kind);
    let news = of(Kind::News).next().is_some();
    let thanked = of(Kind::Thanks).next().is_some();
    news && (thanked || (tokens.len() <= LONGEST_BARE_CLOSING && !answers_a_question(turn)))
}

/// True where somebody still wants something, or something went wrong.
fn is_open(hits: &[Hit<'_, Kind>]) -> bool {
    let of = |kind: Kind| hits.iter().filter(move |hit| *hit.value == kind);
    of(Kind::NoNews).next().is_some()
        || of(Kind::Open).any(|hit| {
            !of(Kind::Settled).any(|other| overlap(hit, other))
                && !of(Kind::Thanks)
                    .any(|thanks| thanks.start <= hit.start && hit.end <= thanks.end)
        })
}

fn overlap(one: &Hit<'_, Kind>, other: &Hit<'_, Kind>) -> bool {
    other.start < one.end && one.start < other.end
}

/// True where at most two words are left over, and these look like names: "obrigado, Ana Paula".
fn only_names_left(tokens: &Tokens, covered: &[bool], text: &str) -> bool {
    let mut left = 0;
    for (i, _) in covered.iter().enumerate().filter(|(_, c)| !**c) {
        left += 1;
        let Some(token) = tokens.get(i) else { return false };
        let capital = text
            .get(token.start..token.end)
            .and_then(|word| word.chars().next())
            .is_some_and(char::is_uppercase);
        let placeholder = tokens.word(i).contains('_');
        // A name follows a courtesy; at the very start a capital says nothing.
        let named = capital && !token.caps && i > 0 && tokens.word(i).len() > 2;
        if left > 2 || !(placeholder || named) {
            return false;
        }
    }
    left < covered.len().max(1)
}

/// True where our last message asked something that "ok" or "perfeito" answers.
fn answers_a_question(turn: &TurnView<'_>) -> bool {
    let Some(last) = turn.history.last().filter(|past| past.author != Author::Customer) else {
        return false;
    };
    let Some((before, _)) = last.text.rsplit_once('?') else { return false };
    let question = before.rsplit(['.', '!', '?', '\n']).next().unwrap_or_default();
    let question = crate::text::fold::fold(question);
    // "Anything else?" expects nothing.
    !["mais algum", "algo mais", "anything else", "ajudar em mais", "ajudo em mais"]
        .iter()
        .any(|offer| question.contains(offer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_courtesy_is_valid() {
        let written: Written = serde_saphyr::from_str(SOURCE).unwrap();
        let problems: Vec<_> = written
            .all()
            .filter_map(|(s, _)| Pattern::parse(s).err())
            .map(|e| e.to_string())
            .collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}
