//! Keeps track, through rendering, of which words came from where, and writes the evidence ledger from it.
//!
//! Values are wrapped in private characters before rendering and the characters are taken out afterwards;
//! nothing from outside can hold them, because wrapping removes them first.

use std::ops::Range;

use crate::domain::draft::{LedgerEntry, Support};
use crate::text::sentences;

const PASSAGE: char = '\u{f8f0}';
const TICKET: char = '\u{f8f1}';
const END: char = '\u{f8f2}';
/// Stands where a line break must survive rendering.
pub(super) const LINE_KEEPER: char = '\u{f8f3}';

/// Marks words as a passage's.
pub(super) fn from_passage(text: &str) -> String {
    wrap(PASSAGE, text)
}

/// Marks words as known from the ticket.
pub(super) fn from_ticket(text: &str) -> String {
    wrap(TICKET, text)
}

/// Removes the private characters.
pub(super) fn unmarked(text: &str) -> String {
    text.chars().filter(|c| !matches!(*c, PASSAGE | TICKET | END | LINE_KEEPER)).collect()
}

fn wrap(mark: char, text: &str) -> String {
    format!("{mark}{}{END}", unmarked(text))
}

/// Tidies what was rendered and accounts for each sentence; `passage` is the index of the passage used.
pub(super) fn account(rendered: &str, passage: usize) -> (String, Vec<LedgerEntry>) {
    let (text, spans) = take_marks(&tidy(rendered));
    let entries = sentences::split(&text)
        .into_iter()
        .filter_map(|range| {
            let sentence = text.get(range.clone())?.to_owned();
            let overlaps = |wanted: char| {
                spans.iter().any(|(mark, span)| {
                    *mark == wanted && span.start < range.end && range.start < span.end
                })
            };
            let (support, passages) = if overlaps(PASSAGE) {
                (Support::Passage, vec![passage])
            } else if overlaps(TICKET) {
                (Support::Ticket, Vec::new())
            } else {
                (Support::Template, Vec::new())
            };
            Some(LedgerEntry { sentence, support, passages, flaws: Vec::new(), doubt: None })
        })
        .collect();
    (text, entries)
}

/// Removes what template logic leaves behind: space at line ends, runs of empty lines and of spaces.
fn tidy(rendered: &str) -> String {
    let mut tidy = String::with_capacity(rendered.len());
    let (mut started, mut gap) = (false, false);
    for line in rendered.lines() {
        if line.split_whitespace().all(is_mark) {
            gap = true;
            // A mark alone on its line still opens or closes a span.
            tidy.extend(line.split_whitespace());
            continue;
        }
        if started {
            tidy.push_str(if gap { "\n\n" } else { "\n" });
        }
        (started, gap) = (true, false);
        let mut space = false;
        for word in line.split_whitespace() {
            let seen = !is_mark(word);
            if space && seen {
                tidy.push(' ');
            }
            space |= seen;
            tidy.push_str(word);
        }
    }
    tidy
}

/// True where a word is nothing but private characters.
fn is_mark(word: &str) -> bool {
    word.chars().all(|c| matches!(c, PASSAGE | TICKET | END | LINE_KEEPER))
}

fn take_marks(marked: &str) -> (String, Vec<(char, Range<usize>)>) {
    let mut text = String::with_capacity(marked.len());
    let mut spans = Vec::new();
    let mut open = None;
    for c in marked.chars() {
        match c {
            PASSAGE | TICKET => open = Some((c, text.len())),
            END => {
                if let Some((mark, start)) = open.take() {
                    spans.push((mark, start..text.len()));
                }
            }
            LINE_KEEPER => {}
            c => text.push(c),
        }
    }
    (text, spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sentence_is_accounted_for_by_where_its_words_came_from() {
        let rendered = format!(
            "Oi, {}!   Recebi sua mensagem.  \n\n\n\n{}\n\n\nConte comigo.\n",
            from_ticket("Ana\u{f8f2}"),
            from_passage("Abra o menu.\n\n1. Toque em Salvar.")
        );
        let (text, ledger) = account(&rendered, 2);
        assert_eq!(
            text,
            "Oi, Ana! Recebi sua mensagem.\n\nAbra o menu.\n\n1. Toque em Salvar.\n\nConte comigo."
        );
        let got: Vec<(&str, Support, usize)> =
            ledger.iter().map(|e| (e.sentence.as_str(), e.support, e.passages.len())).collect();
        assert_eq!(
            got,
            [
                ("Oi, Ana!", Support::Ticket, 0),
                ("Recebi sua mensagem.", Support::Template, 0),
                ("Abra o menu.", Support::Passage, 1),
                ("1. Toque em Salvar.", Support::Passage, 1),
                ("Conte comigo.", Support::Template, 0),
            ]
        );
        assert_eq!(ledger[2].passages, [2]);
    }
}
