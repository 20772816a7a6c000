use proptest::prelude::*;

use super::{Pattern, PhraseSet};
use crate::text::tokens::Tokens;

fn matches(pattern: &str, text: &str) -> Option<(usize, usize)> {
    let set = PhraseSet::new([(Pattern::parse(pattern).unwrap(), ())]);
    set.find(&Tokens::of(text)).first().map(|hit| (hit.start, hit.end))
}

#[test]
fn a_pattern_matches_whole_words_in_any_spelling() {
    for (pattern, text, expected) in [
        ("cancelar", "Quero CANCELAR já", Some((1, 2))),
        ("cancelar", "cancelarei", None),
        ("cancel*", "vou cancelarei", Some((1, 2))),
        ("não consigo", "nao   consigo", Some((0, 2))),
        ("não consigo", "n consigo entrar", Some((0, 2))),
        ("can't log in", "I cannot log in", Some((1, 5))),
        ("quero muito? cancelar", "quero cancelar", Some((0, 2))),
        ("quero muito? cancelar", "quero muito cancelar", Some((0, 3))),
        ("quero (muito|mesmo assim)? cancelar", "quero mesmo assim cancelar", Some((0, 4))),
        ("(falar com|chamar) (alguém|um humano|atend*)", "quero falar com um humano", Some((1, 5))),
        ("(falar com|chamar) (alguém|um humano|atend*)", "chamar atendente", Some((0, 2))),
        ("vou ... justiça", "vou entrar com tudo na justiça", Some((0, 6))),
        ("vou ... justiça", "vou entrar com tudo mesmo na justiça", None),
        ("vou ... justiça", "vou justiça", Some((0, 2))),
        ("vou ... justiça", "eu vou. A justiça é cega", None),
        ("reclame aqui", "reclame\naqui", Some((0, 2))),
        ("reclame aqui", "reclame. aqui", None),
        ("e-mail", "meu e-mail", Some((1, 3))),
        ("👍", "ok 👍🏽", Some((1, 2))),
        ("a b (c|c d e)", "a b c d e", Some((0, 5))),
        ("x1 ... y1 ... z1", "x1 a y1 b c z1", Some((0, 6))),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern:?} in {text:?}");
    }
}

#[test]
fn a_broken_pattern_is_refused_with_its_place_and_a_way_out() {
    for (pattern, at, part) in [
        ("", 1, "empty"),
        ("   ", 4, "empty"),
        ("(a|b", 1, "never closed"),
        ("a)", 2, "closes nothing"),
        ("a|b", 2, "outside brackets"),
        ("(a|)", 4, "alternative is empty"),
        ("... a", 1, "needs a word before"),
        ("a ...", 6, "needs a word before"),
        ("a ... ... b", 7, "side by side"),
        ("a b?c", 5, "end of a word"),
        ("*", 1, "no word"),
        ("a*", 1, "too short"),
        ("a? b?", 6, "may be missing"),
        ("a $ b", 3, "no word"),
    ] {
        let error = Pattern::parse(pattern).unwrap_err();
        assert_eq!(error.at, at, "{pattern:?}: {error}");
        assert!(error.problem.contains(part), "{pattern:?}: {error}");
    }
}

#[test]
fn a_set_reports_each_pattern_once_per_place() {
    let set = PhraseSet::new(
        [("cancel*", 1), ("cancelar", 2), ("(cancel*|cancelar) tudo?", 3), ("tudo", 4)]
            .map(|(p, v)| (Pattern::parse(p).unwrap(), v)),
    );
    let tokens = Tokens::of("cancelar tudo");
    let mut found: Vec<_> = set.find(&tokens).iter().map(|h| (*h.value, h.start, h.end)).collect();
    found.sort_unstable();
    assert_eq!(found, [(1, 0, 1), (2, 0, 1), (3, 0, 2), (4, 1, 2)]);
}

#[test]
fn longer_patterns_are_more_specific() {
    for (pattern, words) in [("a1", 1), ("a1 b1? c1", 2), ("(a1 b1|c1) d1", 2), ("a1 ... b1", 2)] {
        assert_eq!(Pattern::parse(pattern).unwrap().min_words(), words, "{pattern:?}");
    }
}

proptest! {
    #[test]
    fn no_pattern_and_no_text_can_make_it_panic(pattern in "[ab()|?*. ]{0,20}", text in "[ab .\\n]{0,40}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            let tokens = Tokens::of(&text);
            for hit in PhraseSet::new([(pattern, ())]).find(&tokens) {
                prop_assert!(hit.start < hit.end && hit.end <= tokens.len());
            }
        }
    }
}
