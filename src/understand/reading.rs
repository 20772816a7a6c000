//! One reading of a turn: its words without earlier mail, signatures and quotations, and every
//! pattern found in them.

use std::borrow::Cow;
use std::ops::Range;

use super::TurnView;
use super::learned::{Learned, Opinion};
use super::unasked::Part;
use crate::domain::labels::Language;
use crate::text::negation::is_negated;
use crate::text::phrases::{Hit, PhraseSet};
use crate::text::regions::Regions;
use crate::text::tokens::{Break, Tokens};

/// Bytes read from the start of a long text.
const HEAD: usize = 20_000;
/// Bytes read from the end of a long text: requests often stand last.
const TAIL: usize = 2_000;

/// What a pattern of the common matcher is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A rule of a lexicon.
    Rule { rule: usize, role: Role },
    /// A keyword of a category, or of one of its subcategories.
    Category { category: usize, subcategory: Option<usize>, keyword: u32, words: usize },
    /// A keyword of an urgency rule.
    Urgency(usize),
    /// A word of mood, by its group.
    Mood(usize),
    /// A competitor's name.
    Competitor,
    /// Words of machines and advertisers, and of customers.
    Unasked(Part),
}

/// The part a pattern plays in its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Any,
    /// One of the lists that must all have a match.
    Part(usize),
    Unless,
    UnlessNear,
    LowerNear,
}

/// A turn, read.
pub(super) struct Reading<'s, 't> {
    /// Subject and text, cut where too long.
    pub(super) text: Cow<'t, str>,
    /// The sender's own words as they were typed: without earlier mail, signature and quotations.
    pub(super) own: String,
    /// Where the body starts in `text`.
    pub(super) body: usize,
    /// The sender's own words.
    pub(super) tokens: Tokens,
    /// What was found in them.
    pub(super) hits: Vec<Hit<'s, Use>>,
    /// The whole text with everything in it, where that differs.
    pub(super) whole: Option<(Tokens, Vec<Hit<'s, Use>>)>,
    /// What the learned models say of the sender's own words.
    pub(super) learned: Opinion<'s>,
    /// Ranges of text in quotation marks.
    pub(super) cited: Vec<Range<usize>>,
    /// Ranges of earlier mail and signatures.
    pub(super) foreign: Vec<Range<usize>>,
    /// Whether "no" is the English word.
    pub(super) english: bool,
    /// Whether the text was too long to be read in full.
    pub(super) cut: bool,
}

impl<'s, 't> Reading<'s, 't> {
    pub(super) fn of(
        turn: &TurnView<'t>,
        set: &'s PhraseSet<Use>,
        models: &'s Learned,
        language: Language,
    ) -> Self {
        let (body, cut) = shorten(turn.text);
        let subject = turn.subject.map(strip_reply_marks).unwrap_or_default();
        let (subject, _) = shorten(subject);
        let (text, body) = if subject.is_empty() {
            (body, 0)
        } else {
            (Cow::Owned(format!("{subject}\n\n{body}")), subject.len() + 2)
        };
        let regions = Regions::find(&text);
        let left_out = regions.all();
        let mut own = without(&text, &left_out);
        let mut tokens = Tokens::without(&text, &left_out);
        let mut whole = None;
        if !left_out.is_empty() {
            let all = Tokens::of(&text);
            if tokens.is_empty() {
                own = text.clone().into_owned();
                tokens = all;
            } else {
                let hits = set.find(&all);
                whole = Some((all, hits));
            }
        }
        let hits = set.find(&tokens);
        let english = match language {
            Language::En | Language::Es => true,
            Language::PtBr => false,
            Language::Und => !tokens.iter().any(|(_, w)| matches!(w, "nao" | "que" | "voces")),
        };
        let foreign = if whole.is_some() { regions.foreign() } else { Vec::new() };
        let learned = models.read(&own);
        let cited = regions.cited;
        Self { text, own, body, tokens, hits, whole, learned, cited, foreign, english, cut }
    }

    /// Returns true where a hit does not count: it is negated, or part of a company's name.
    pub(super) fn is_void(&self, hit: &Hit<'_, Use>) -> bool {
        is_negated(&self.tokens, hit.start, self.english) || Self::is_company(hit.end, &self.tokens)
    }

    /// Returns true where a token of the whole text belongs to earlier mail or a signature.
    pub(super) fn is_foreign(&self, tokens: &Tokens, token: usize) -> bool {
        tokens.get(token).is_none_or(|t| self.foreign.iter().any(|range| range.contains(&t.start)))
    }

    /// Returns true where a company's form follows: "Urgent Solutions Ltda" is a name, not a cry for help.
    pub(super) fn is_company(end: usize, tokens: &Tokens) -> bool {
        (end..end + 3)
            .take_while(|at| tokens.before(*at) == Break::None)
            .any(|at| matches!(tokens.word(at), "ltda" | "eireli" | "llc" | "inc" | "gmbh" | "ltd"))
    }
}

/// Returns the text without these ranges, which lie in order.
fn without(text: &str, left_out: &[Range<usize>]) -> String {
    let mut own = String::with_capacity(text.len());
    let mut from = 0;
    for range in left_out {
        own.push_str(text.get(from..range.start.max(from)).unwrap_or_default());
        from = from.max(range.end);
    }
    own.push_str(text.get(from..).unwrap_or_default());
    own
}

/// Returns the text, or its start and its end where it is too long.
fn shorten(text: &str) -> (Cow<'_, str>, bool) {
    if text.len() <= HEAD + TAIL {
        return (Cow::Borrowed(text), false);
    }
    let head = text.get(..floor(text, HEAD)).unwrap_or_default();
    let tail = text.get(floor(text, text.len() - TAIL)..).unwrap_or_default();
    (Cow::Owned(format!("{head}\n\n{tail}")), true)
}

fn floor(text: &str, mut at: usize) -> usize {
    while at > 0 && !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Removes "Re:", "Enc:" and the like from a subject.
fn strip_reply_marks(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some((mark, tail)) = rest.split_once(':') {
        if !matches!(
            mark.trim().to_lowercase().as_str(),
            "re" | "res" | "enc" | "fw" | "fwd" | "rv" | "aw"
        ) {
            break;
        }
        rest = tail.trim_start();
    }
    rest
}
