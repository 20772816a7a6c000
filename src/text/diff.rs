//! How one text became another, word by word.

use serde::Serialize;

/// Most pairs of words that are compared; beyond it only the share is told.
const PAIRS_MAX: usize = 4_000_000;

/// A run of words that stayed, went or came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// They stand in both.
    Kept(String),
    /// They stand in the first alone.
    Removed(String),
    /// They stand in the second alone.
    Added(String),
}

/// What changed between two texts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// Words that went or came among all there were and are, from 0 to 1.
    pub changed: f64,
    /// The runs in order; nothing where the texts are too long to compare.
    pub parts: Option<Vec<Part>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Kept,
    Removed,
    Added,
}

/// Compares two texts word by word; spaces and lines do not count.
pub fn words(before: &str, after: &str) -> Diff {
    let was: Vec<&str> = before.split_whitespace().collect();
    let is: Vec<&str> = after.split_whitespace().collect();
    let head = was.iter().zip(&is).take_while(|(a, b)| a == b).count();
    let (rest_was, rest_is) = (tail(&was, head), tail(&is, head));
    let foot = rest_was.iter().rev().zip(rest_is.iter().rev()).take_while(|(a, b)| a == b).count();
    let old = rest_was.get(..rest_was.len() - foot).unwrap_or_default();
    let new = rest_is.get(..rest_is.len() - foot).unwrap_or_default();
    let all = was.len() + is.len();
    if old.len().saturating_mul(new.len()) > PAIRS_MAX {
        // All that lies between the first and the last change.
        return Diff { changed: share(old.len() + new.len(), all), parts: None };
    }
    let mut steps = vec![Step::Kept; head];
    steps.extend(middle(old, new));
    steps.extend(std::iter::repeat_n(Step::Kept, foot));
    let changed = steps.iter().filter(|step| **step != Step::Kept).count();
    Diff { changed: share(changed, all), parts: Some(runs(&steps, &was, &is)) }
}

fn tail<'a, 't>(words: &'a [&'t str], from: usize) -> &'a [&'t str] {
    words.get(from..).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a share of words")]
fn share(part: usize, all: usize) -> f64 {
    let share = part as f64 / all.max(1) as f64;
    (share * 1_000.0).round() / 1_000.0
}

/// The longest common run of words, as steps from the one list to the other.
fn middle(old: &[&str], new: &[&str]) -> Vec<Step> {
    let width = new.len() + 1;
    let mut table = vec![0_u32; (old.len() + 1) * width];
    let at = |row: usize, column: usize| row * width + column;
    for (row, a) in old.iter().enumerate().rev() {
        for (column, b) in new.iter().enumerate().rev() {
            let get = |place: usize| table.get(place).copied().unwrap_or_default();
            let best = if a == b {
                get(at(row + 1, column + 1)) + 1
            } else {
                get(at(row + 1, column)).max(get(at(row, column + 1)))
            };
            if let Some(cell) = table.get_mut(at(row, column)) {
                *cell = best;
            }
        }
    }
    let get = |row: usize, column: usize| table.get(at(row, column)).copied().unwrap_or_default();
    let (mut row, mut column, mut steps) = (0, 0, Vec::new());
    while row < old.len() || column < new.len() {
        let same = old.get(row).is_some_and(|word| new.get(column) == Some(word));
        if same {
            steps.push(Step::Kept);
            (row, column) = (row + 1, column + 1);
        } else if row < old.len()
            && (column == new.len() || get(row + 1, column) >= get(row, column + 1))
        {
            steps.push(Step::Removed);
            row += 1;
        } else {
            steps.push(Step::Added);
            column += 1;
        }
    }
    steps
}

/// Joins steps of one kind into runs.
fn runs(steps: &[Step], was: &[&str], is: &[&str]) -> Vec<Part> {
    let (mut old, mut new) = (was.iter(), is.iter());
    let mut runs: Vec<(Step, Vec<&str>)> = Vec::new();
    for step in steps {
        let word = match step {
            Step::Kept => {
                old.next();
                new.next()
            }
            Step::Removed => old.next(),
            Step::Added => new.next(),
        };
        let Some(word) = word else { continue };
        match runs.last_mut() {
            Some((kind, words)) if kind == step => words.push(word),
            _ => runs.push((*step, vec![word])),
        }
    }
    runs.into_iter()
        .map(|(step, words)| {
            let words = words.join(" ");
            match step {
                Step::Kept => Part::Kept(words),
                Step::Removed => Part::Removed(words),
                Step::Added => Part::Added(words),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_word_by_word() {
        let kept = |text: &str| Part::Kept(text.to_owned());
        let added = |text: &str| Part::Added(text.to_owned());
        let removed = |text: &str| Part::Removed(text.to_owned());
        for (before, after, changed, parts) in [
            ("a b c", "a b c", 0.0, vec![kept("a b c")]),
            ("a\n\nb", "a b", 0.0, vec![kept("a b")]),
            ("a b c", "a x c", 0.333, vec![kept("a"), removed("b"), added("x"), kept("c")]),
            ("a b", "a b c d", 0.333, vec![kept("a b"), added("c d")]),
            ("a b", "", 1.0, vec![removed("a b")]),
            ("", "", 0.0, vec![]),
            (
                "o boleto vence hoje cedo",
                "hoje o boleto novo vence",
                0.4,
                vec![
                    added("hoje"),
                    kept("o boleto"),
                    added("novo"),
                    kept("vence"),
                    removed("hoje cedo"),
                ],
            ),
        ] {
            assert_eq!(words(before, after), Diff { changed, parts: Some(parts) }, "{before:?}");
        }
    }

    #[test]
    fn texts_that_are_too_long_still_tell_how_much_changed() {
        let (before, after) = ("a ".repeat(2_500), "b ".repeat(2_500));
        assert_eq!(words(&before, &after), Diff { changed: 1.0, parts: None });
    }
}
