//! The expectations that come with a corpus of replies and signatures.

use std::collections::BTreeMap;
use std::fs;

use super::super::{signature, strip, without_quotes};
use crate::channels::email::tests::{corpus, say};
use crate::channels::email::{html, parse};

fn unquoted(text: &str) -> String {
    let found = without_quotes(text);
    if found.own.iter().all(|line| line.trim().is_empty()) {
        return text.trim().to_owned();
    }
    format!("{}\n{}", found.own.join("\n").trim(), found.forwarded).trim().to_owned()
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Reads a Python string literal at the start of a text.
fn literal(source: &str) -> Option<String> {
    let source = source.trim_start().trim_start_matches('u');
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let quote = quotes.into_iter().find(|quote| source.starts_with(quote))?;
    let mut text = String::new();
    // A piece that ends in a backslash goes on behind the quote that it escapes.
    for piece in source.strip_prefix(quote)?.split(quote) {
        text.push_str(piece);
        if !piece.ends_with('\\') {
            return Some(text.replace("\\n", "\n").replace("\\r", "\r").replace("\\'", "'"));
        }
        text.push_str(quote);
    }
    None
}

/// Returns (input, expected) of each `eq_(expected, extract(input))` of a Python test.
fn cases(source: &str, call: &str) -> Vec<(String, String)> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    let value = |text: &str, names: &BTreeMap<String, String>| {
        let is_name = |c: &char| c.is_alphanumeric() || *c == '_';
        literal(text).or_else(|| {
            let name: String = text.trim_start().chars().take_while(is_name).collect();
            names.get(&name).cloned()
        })
    };
    for (at, _) in source.match_indices('\n') {
        let rest = source.get(at + 1..).unwrap();
        let line = rest.lines().next().unwrap_or_default();
        if let Some((name, _)) = line.trim().split_once(" = ")
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            && let Some(text) = rest.split_once(" = ").and_then(|(_, rest)| literal(rest))
        {
            names.insert(name.to_owned(), text);
        }
        let Some(arguments) = rest.trim_start().strip_prefix("eq_(") else { continue };
        let body = arguments.split("\n\ndef ").next().unwrap_or_default();
        let body = body.split("\n    eq_(").next().unwrap_or_default();
        let Some((_, called)) = body.split_once(call) else { continue };
        if let (Some(input), Some(expected)) = (value(called, &names), value(body, &names)) {
            found.push((input, expected));
        }
    }
    found
}

/// Fails with every case whose words are not as expected, and says how many there were.
fn check(name: &str, cases: &[(String, String)], strip: impl Fn(&str) -> String) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(input, expected)| (input, expected, strip(input)))
        .filter(|(_, expected, got)| words(got) != words(expected))
        .map(|(input, expected, got)| {
            format!("\n{input:?}\n  expected {expected:?}\n  got {got:?}")
        })
        .collect();
    say(&format!("{name}: {} of {}", cases.len() - wrong.len(), cases.len()));
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn replies_in_plain_text_are_freed_of_quotes() {
    let Some(corpus) = corpus() else { return };
    let file = corpus.join("talon/expected_in_tests/text_quotations_test.py.txt");
    let mut cases = cases(&fs::read_to_string(file).unwrap(), "extract_from_plain(");
    cases.retain(|(input, _)| !input.is_empty() && !input.contains("{}"));
    // One test lowers the bound on lines, so that only the last two are looked at.
    cases.retain(|(input, _)| !input.starts_with("Test reply\nHi\n-----"));
    cases.sort();
    cases.dedup();
    assert!(cases.len() >= 40, "{}", cases.len());
    check("quotes in plain text", &cases, unquoted);
}

#[test]
fn replies_of_mail_programs_are_freed_of_quotes() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("talon/standard_replies");
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "eml") {
            continue;
        }
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let stated = fs::read_to_string(folder.join(format!("{stem}_reply_text")));
        // Its HTML says the same, but its plain text was written by hand and says more.
        let expected = stated.unwrap_or_else(|_| "Hello".to_owned());
        let mail = parse::read(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(words(&unquoted(&mail.text)), words(&expected), "{stem}");
        assert_eq!(strip(&mail.text).text, "Hello", "{stem} without its signature");
        seen += 1;
    }
    assert_eq!(seen, 12);
}

#[test]
fn replies_in_html_are_freed_of_quotes() {
    let Some(corpus) = corpus() else { return };
    let mut seen = 0;
    for entry in fs::read_dir(corpus.join("talon/html_replies")).unwrap() {
        let path = entry.unwrap().path();
        let text = html::to_text(&fs::read_to_string(&path).unwrap());
        let expected = words("Hi. I am fine. Thanks, Alex");
        assert_eq!(words(&unquoted(&text)), expected, "{}\n{text}", path.display());
        assert_eq!(strip(&text).text, "Hi. I am fine.", "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 9);
    for (file, expected) in
        [("OLK_SRC_BODY_SECTION.html", "Reply"), ("reply-separated-by-hr.html", "Hi there Bob")]
    {
        let text = html::to_text(&fs::read_to_string(corpus.join("talon").join(file)).unwrap());
        assert_eq!(words(&unquoted(&text)), words(expected), "{file}\n{text}");
    }
    let shared = fs::read(corpus.join("talon/reply-quotations-share-block.eml")).unwrap();
    let mail = parse::read(&shared).unwrap();
    let stripped = strip(&mail.text);
    assert!(!stripped.text.contains("From") && stripped.text.starts_with("Hi Katharine"));
}

#[test]
fn signatures_are_taken_off() {
    let Some(corpus) = corpus() else { return };
    let file = corpus.join("talon/expected_in_tests/bruteforce_test.py.txt");
    let source = fs::read_to_string(file).unwrap();
    // `eq_((text, signature), extract_signature(body))`: the text stands in a parenthesis.
    let source = source.replace("eq_((", "eq_(").replace("(''", "(");
    let mut cases = cases(&source, "extract_signature(");
    cases.retain(|(input, expected)| !input.is_empty() && !expected.is_empty());
    // One test breaks the rule on purpose and expects the body back.
    cases.retain(|(input, expected)| !(input == expected && input == "Hey!\n-roman"));
    assert!(cases.len() >= 12, "{}", cases.len());
    check("signatures", &cases, |input| {
        let lines: Vec<&str> = input.lines().collect();
        let (kept, _) = signature::strip(&lines);
        if kept.is_empty() { input.to_owned() } else { kept.join("\n") }
    });
}

#[test]
fn whole_mails_lose_only_their_signature() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("talon/signature/emails/stripped");
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix("_body") else { continue };
        let body = fs::read_to_string(&path).unwrap();
        let signature = fs::read_to_string(folder.join(format!("{stem}_signature")));
        let signature = signature.unwrap_or_default();
        let expected = body.trim().strip_suffix(signature.trim()).unwrap_or(&body);
        if words(&strip(&body).text) != words(expected) {
            wrong.push(stem.to_owned());
        }
    }
    wrong.sort();
    // A name under a text, with nothing that says it is a signature, could be what was asked for.
    assert_eq!(wrong, ["johndoeexamplecom"], "their signature lines carry a mark of the corpus");
}
