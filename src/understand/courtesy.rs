//! Turns that are nothing but a courtesy, a greeting or a wish to hear no more: every word of the
//! message must belong to a phrase of the kind. Inside a conversation a little news may come along.

use std::ops::Range;

use serde::Deserialize;

use super::TurnView;
use super::reading::Reading;
use crate::domain::channel::Channel;
use crate::domain::message::Author;
use crate::domain::signal::Signal;
use crate::text::fold::fold;
use crate::text::phrases::{Hit, Pattern, PhraseSet};
use crate::text::regions::Regions;
use crate::text::tokens::{Break, Tokens};

const SOURCE: &str = include_str!("lexicon/courtesy.yaml");
/// Longest courtesy in words; longer ones hold something else.
const LONGEST: usize = 60;
/// Most words of a courtesy that can be names.
const NAMES: usize = 3;
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
    /// Says that nothing is left to do.
    Done,
    /// An excuse, or whose slip it was.
    Slip,
    /// Praise, which alone is no courtesy.
    Praise,
    /// What stands between thanks and what they are for.
    Lead,
    /// What people give thanks for.
    Object,
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
    done: Vec<String>,
    slip: Vec<String>,
    praise: Vec<String>,
    lead: Vec<String>,
    object: Vec<String>,
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
            (&self.done, Kind::Done),
            (&self.slip, Kind::Slip),
            (&self.praise, Kind::Praise),
            (&self.lead, Kind::Lead),
            (&self.object, Kind::Object),
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
        if turn.flags.media || reading.tokens.len() > LONGEST * 2 {
            return Vec::new();
        }
        // A subject is no part of what was said in this message.
        let text = reading.text.get(reading.body..).unwrap_or_default();
        let regions = Regions::find(text);
        // People who chat sign with a name at most: what follows their thanks is the next message.
        let signature: &[Range<usize>] = match turn.channel {
            Channel::Whatsapp | Channel::Chat => &[],
            _ => &regions.signature,
        };
        let mut left_out: Vec<_> = regions.quoted.iter().chain(signature).cloned().collect();
        left_out.sort_by_key(|range| (range.start, range.end));
        let tokens = Tokens::without(text, &left_out);
        if tokens.is_empty() || tokens.len() > LONGEST {
            return Vec::new();
        }
        let mut found = self.judge(turn, &tokens, text);
        if signature.iter().any(|range| self.says_something(text.get(range.clone()))) {
            found.retain(|(signal, ..)| *signal != Signal::ThankYou);
        }
        found
    }

    fn judge(
        &self,
        turn: &TurnView<'_>,
        tokens: &Tokens,
        text: &str,
    ) -> Vec<(Signal, f64, &'static str)> {
        let hits = self.set.find(tokens);
        let has = |kind: Kind| hits.iter().any(|hit| *hit.value == kind);
        let mut found = Vec::new();
        let opt_out = covered(tokens, &hits, &[Kind::OptOut, Kind::OptOutFiller]);
        if has(Kind::OptOut)
            && tokens.len() <= LONGEST_OPT_OUT
            && tokens.question_marks() == 0
            && opt_out.iter().all(|c| *c)
        {
            found.push((Signal::OptOut, 0.95, "opt_out.whole_message"));
            return found;
        }
        let greeting = covered(tokens, &hits, &[Kind::Greeting, Kind::GreetingFiller]);
        let answers_us = turn.history.last().is_some_and(|past| past.author != Author::Customer);
        if has(Kind::Greeting)
            && names_left(tokens, &greeting, text).is_some()
            && !(answers_us && has(Kind::Acknowledgement))
        {
            found.push((Signal::Greeting, 0.95, "greeting.whole_message"));
            return found;
        }
        let thanked = has(Kind::Thanks);
        if self.is_courtesy(turn, tokens, text, &hits) {
            let confidence = if thanked { 0.96 } else { 0.85 };
            found.push((Signal::ThankYou, confidence, "thank_you.whole_message"));
        } else if closes(turn, tokens, &hits) {
            found.push((Signal::ThankYou, 0.85, "thank_you.closes_with_news"));
        }
        found
    }

    /// True where every word is part of a courtesy: thanks and what they are for, praise, an excuse, a closing, or
    /// that nothing is left to do.
    fn is_courtesy(
        &self,
        turn: &TurnView<'_>,
        tokens: &Tokens,
        text: &str,
        hits: &[Hit<'_, Kind>],
    ) -> bool {
        let has = |kind: Kind| hits.iter().any(|hit| *hit.value == kind);
        let thanked = has(Kind::Thanks);
        let ends =
            thanked || [Kind::Acknowledgement, Kind::Closing, Kind::Done].into_iter().any(has);
        let asks = tokens.question_marks() > 0
            || (!thanked && (answers_a_question(turn) || is_tag_question(tokens)));
        if !ends || asks || has(Kind::NoThanks) || self.subject_asks(turn, hits) {
            return false;
        }
        let open = is_open(hits);
        let bare = covered(tokens, hits, COURTEOUS);
        let mut told = covered(tokens, hits, &[COURTEOUS, AROUND].concat());
        cover_objects(tokens, hits, &mut told);
        if thanked {
            cover(&mut told, hits, &[Kind::News]);
        }
        names_left(tokens, &bare, text).is_some_and(|names| names == 0 || !open)
            || (!open && names_left(tokens, &told, text).is_some())
    }

    /// True where the subject holds what is asked, and the text only thanks for it beforehand.
    fn subject_asks(&self, turn: &TurnView<'_>, hits: &[Hit<'_, Kind>]) -> bool {
        let Some(subject) = turn.subject.filter(|subject| !subject.trim().is_empty()) else {
            return false;
        };
        let replies = subject.split_once(':').is_some_and(|(mark, _)| {
            matches!(fold(mark).trim(), "re" | "res" | "rv" | "aw" | "sv" | "ref" | "antw")
        });
        let looks_back = hits.iter().any(|hit| {
            matches!(
                *hit.value,
                Kind::Done | Kind::Acknowledgement | Kind::News | Kind::Praise | Kind::Object
            )
        });
        if replies || looks_back || !turn.history.is_empty() {
            return false;
        }
        let tokens = Tokens::of(subject);
        let mut courteous = covered(&tokens, &self.set.find(&tokens), COURTEOUS);
        cover(&mut courteous, &self.set.find(&tokens), &[Kind::Praise, Kind::Object, Kind::Lead]);
        !courteous.iter().all(|c| *c)
    }

    /// True where what stands below a closing is no signature: it asks or wants something.
    fn says_something(&self, signature: Option<&str>) -> bool {
        let lines = signature.unwrap_or_default().lines();
        let own: Vec<&str> = lines.filter(|line| !line.trim_start().starts_with('>')).collect();
        let tokens = Tokens::of(&own.join("\n"));
        tokens.question_marks() > 0 || is_open(&self.set.find(&tokens))
    }
}

/// Words of a courtesy.
const COURTEOUS: &[Kind] =
    &[Kind::Thanks, Kind::Acknowledgement, Kind::Closing, Kind::Filler, Kind::Greeting];
/// What thanks are for.
const FOLLOWING: &[Kind] = &[Kind::Lead, Kind::Object];
/// Words around one.
const AROUND: &[Kind] = &[Kind::Done, Kind::Slip, Kind::Praise];

/// Returns by token whether it belongs to a phrase of these kinds.
fn covered(tokens: &Tokens, hits: &[Hit<'_, Kind>], kinds: &[Kind]) -> Vec<bool> {
    let mut all = vec![false; tokens.len()];
    cover(&mut all, hits, kinds);
    all
}

fn cover(covered: &mut [bool], hits: &[Hit<'_, Kind>], kinds: &[Kind]) {
    for hit in hits.iter().filter(|hit| kinds.contains(hit.value)) {
        covered.iter_mut().take(hit.end).skip(hit.start).for_each(|c| *c = true);
    }
}

/// Covers what thanks are for: "obrigado | pela ajuda de ontem". The words follow without a comma, and the first of
/// them binds the others.
fn cover_objects(tokens: &Tokens, hits: &[Hit<'_, Kind>], covered: &mut [bool]) {
    let longest = |at: usize, kinds: &[Kind]| {
        let here = hits.iter().filter(|hit| hit.start == at && kinds.contains(hit.value));
        here.map(|hit| hit.end).max()
    };
    for hit in
        hits.iter().filter(|hit| matches!(*hit.value, Kind::Thanks | Kind::Praise | Kind::Slip))
    {
        let mut at = hit.end;
        let bound = (hit.start..hit.end).any(|at| longest(at, &[Kind::Lead]).is_some());
        let mut kinds: &[Kind] = if bound { FOLLOWING } else { &[Kind::Lead] };
        while tokens.before(at) == Break::None || (at > hit.end && tokens.before(at) == Break::Line)
        {
            let Some(end) = longest(at, kinds) else { break };
            covered.iter_mut().take(end).skip(at).for_each(|c| *c = true);
            at = end;
            kinds = FOLLOWING;
        }
    }
}

/// "Tudo certo, né": said as a statement, meant as a question.
fn is_tag_question(tokens: &Tokens) -> bool {
    let last = tokens.len().checked_sub(1).map(|at| tokens.word(at)).unwrap_or_default();
    matches!(last, "ne" | "right" | "correto")
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
    let within = |hit: &Hit<'_, Kind>| {
        hits.iter().any(|other| {
            matches!(
                *other.value,
                Kind::Thanks | Kind::Done | Kind::Slip | Kind::Praise | Kind::Acknowledgement
            ) && other.start <= hit.start
                && hit.end <= other.end
        })
    };
    of(Kind::NoNews).next().is_some()
        || of(Kind::Open)
            .any(|hit| !within(hit) && !of(Kind::Settled).any(|other| overlap(hit, other)))
}

fn overlap(one: &Hit<'_, Kind>, other: &Hit<'_, Kind>) -> bool {
    other.start < one.end && one.start < other.end
}

/// Returns how many words are left over where these are few and look like names: "obrigado, Ana Paula".
fn names_left(tokens: &Tokens, covered: &[bool], text: &str) -> Option<usize> {
    let mut left = 0;
    for (i, _) in covered.iter().enumerate().filter(|(_, c)| !**c) {
        left += 1;
        let token = tokens.get(i)?;
        let capital = text
            .get(token.start..token.end)
            .and_then(|word| word.chars().next())
            .is_some_and(char::is_uppercase);
        let placeholder = tokens.word(i).contains('_');
        // Where a sentence starts a capital says nothing, unless the name has a line of its own.
        let alone = starts_line(text, token.start);
        let starts = i == 0 || (token.before == Break::Sentence && !alone);
        let named = capital && !token.caps && !starts && (alone || tokens.word(i).len() > 2);
        if left > NAMES || !(placeholder || named) {
            return None;
        }
    }
    (left < covered.len().max(1)).then_some(left)
}

fn starts_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.trim_end_matches([' ', '\t']).ends_with('\n')
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
