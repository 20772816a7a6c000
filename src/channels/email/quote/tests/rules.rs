//! What holds for every text.

use proptest::prelude::*;

use super::super::strip;

#[test]
fn flags_say_what_was_taken_off() {
    for (text, quoted, signed, inline) in [
        ("oi", false, false, false),
        ("oi\n> x", true, false, false),
        ("oi\n\nEnviado do meu iPhone", false, true, false),
        ("> a\nsim\n> b\nnão", true, false, true),
        ("> a\n> b", false, false, false),
        ("Att,\nAna", false, false, false),
        ("", false, false, false),
    ] {
        let found = strip(text);
        let flags = (found.quoted_removed, found.signature_removed, found.inline_answers);
        assert_eq!(flags, (quoted, signed, inline), "{text:?} {found:?}");
    }
}

#[test]
fn a_long_answered_line_is_shortened() {
    let quote = "pergunta longa ".repeat(30);
    let found = strip(&format!("> {quote}\nsim\n> outra\nnão"));
    assert!(
        found.text.starts_with("> pergunta longa") && found.text.contains("…\nsim\n> outra\nnão")
    );
    assert!(found.text.len() < 200, "{}", found.text);
}

#[test]
fn large_texts_take_little_time() {
    for piece in
        ["> a\n", "Em 12/05\n", "On \n", "-- \n", "De: a\n", "Att,\n", "<", "a,", "-", "1/1 ", "\n"]
    {
        let text = format!("oi\n{}", piece.repeat(19_000));
        let started = std::time::Instant::now();
        strip(&text);
        assert!(started.elapsed().as_secs() < 5, "{piece:?} {:?}", started.elapsed());
    }
}

proptest! {
    #[test]
    fn stripping_never_grows_a_text_nor_empties_it(
        text in "((> |>> |)(oi|Em 03/04/2024 10:15, a <b@c.d> escreveu:|Att,|-- |Ana Lima|De: a@b.c|Para: b|Assunto: c|quando\\?|11 98888-7777|)\n){0,12}"
    ) {
        let found = strip(&text);
        prop_assert!(found.text.len() <= text.len() + 1, "{:?}", found);
        prop_assert_eq!(found.text.is_empty(), text.trim().is_empty());
    }

    #[test]
    fn any_text_is_survived(text in "\\PC{0,200}|[-> \\n:,A-Za-z@<>éã0-9?_]{0,300}") {
        strip(&text);
    }
}
