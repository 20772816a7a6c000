//! What changed between two texts, word by word, as people read it.

use std::time::Duration;

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

/// How long two texts are compared at the most; what is left then is told as replaced as a whole.
const TIME: Duration = Duration::from_millis(400);
/// What did not change is shown for so many characters around what did.
const AROUND: usize = 160;

/// The parts of two texts in order: `{text, mark}`, the mark `ins`, `del`, `gap` for what was left out, or none.
pub(super) fn parts(before: &str, after: &str) -> Vec<Value> {
    let runs = runs(before, after);
    let last = runs.len().saturating_sub(1);
    let mut parts = Vec::new();
    for (at, (tag, text)) in runs.iter().enumerate() {
        match tag {
            ChangeTag::Insert => parts.push(json!({"text": text, "mark": "ins"})),
            ChangeTag::Delete => parts.push(json!({"text": text, "mark": "del"})),
            ChangeTag::Equal => {
                let (head, tail) = around(text, at > 0, at < last);
                if tail.is_some() || head.len() < text.len() && at == last {
                    parts.extend((!head.is_empty()).then(|| json!({"text": head, "mark": null})));
                    parts.push(json!({"text": "", "mark": "gap"}));
                    parts.extend(tail.map(|tail| json!({"text": tail, "mark": null})));
                } else {
                    parts.push(json!({"text": text, "mark": null}));
                }
            }
        }
    }
    parts
}

/// Runs of the same kind, joined.
fn runs(before: &str, after: &str) -> Vec<(ChangeTag, String)> {
    let diff = TextDiff::configure().timeout(TIME).diff_words(before, after);
    let mut runs: Vec<(ChangeTag, String)> = Vec::new();
    for change in diff.iter_all_changes() {
        match runs.last_mut() {
            Some((tag, text)) if *tag == change.tag() => text.push_str(change.value()),
            _ => runs.push((change.tag(), change.value().to_owned())),
        }
    }
    runs
}

/// What of an unchanged run is shown: its beginning, where something stands before it, and its end, where something
/// follows; no end where all of it is shown, or nothing follows.
fn around(text: &str, before: bool, follows: bool) -> (&str, Option<&str>) {
    if text.len() <= 3 * AROUND {
        return (text, None);
    }
    let head = text.floor_char_boundary(if before { AROUND } else { 0 });
    let tail = text.ceil_char_boundary(text.len() - AROUND);
    let head = text.get(..head).unwrap_or_default();
    (head, text.get(tail..).filter(|_| follows))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> String {
        let of = |part: &Value| {
            let text = part["text"].as_str().unwrap().to_owned();
            match part["mark"].as_str() {
                Some("ins") => format!("[+{text}]"),
                Some("del") => format!("[-{text}]"),
                Some(_) => "[…]".to_owned(),
                None => text,
            }
        };
        parts(before, after).iter().map(of).collect()
    }

    #[test]
    fn words_that_changed_are_told_apart() {
        for (before, after, expected) in [
            ("prazo de 7 dias", "prazo de 30 dias", "prazo de [-7][+30] dias"),
            ("um", "um", "um"),
            ("", "novo", "[+novo]"),
            ("velho", "", "[-velho]"),
        ] {
            assert_eq!(told(before, after), expected);
        }
    }

    #[test]
    fn what_stayed_the_same_for_long_is_left_out() {
        let long = "palavra ".repeat(200);
        let said = told(&format!("{long}um {long}"), &format!("{long}dois {long}"));
        assert!(said.starts_with("[…]") && said.ends_with("[…]"), "{said}");
        assert!(said.contains("[-um][+dois]") && said.len() < 500, "{said}");
        let same = told(&long, &long);
        assert_eq!(same, "[…]", "two long texts that are the same have nothing to show");
    }
}
