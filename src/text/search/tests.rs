use proptest::prelude::*;

use super::*;

fn kept(text: &str) -> Vec<String> {
    let mut bag = Bag::default();
    bag.text(Field::Message, text);
    bag.into_words().into_keys().collect()
}

fn terms(text: &str) -> String {
    let shown = Query::parse(text).terms.into_iter().map(|term| {
        let prefix = term.prefix.map(|prefix| format!("{prefix}*"));
        term.words.into_iter().chain(prefix).collect::<Vec<_>>().join("|")
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn common_words_are_in_order_and_folded() {
    assert!(COMMON.is_sorted_by(|a, b| a < b));
    for word in COMMON {
        assert_eq!(fold(word), *word);
    }
}

#[test]
fn words_numbers_and_addresses_of_a_text_are_kept() {
    for (text, expected) in [
        ("A Ação NÃO caiu, vc viu?", vec!["acao", "caiu", "viu"]),
        ("pedido PED-774201-X", vec!["774201", "ped", "pedido"]),
        ("CPF 529.982.247-25", vec!["25", "529.982.247", "52998224725", "cpf"]),
        (
            "<Joana.Prado@Exemplo.com.br>,",
            vec!["br", "exemplo", "joana", "joana.prado@exemplo.com.br", "prado"],
        ),
        ("1, 2, 3 e 👍", vec![]),
        ("", vec![]),
    ] {
        let words = kept(text);
        for word in &expected {
            assert!(words.iter().any(|kept| kept == word), "{text:?} keeps {word}: {words:?}");
        }
        if expected.is_empty() {
            assert_eq!(words, Vec::<String>::new(), "{text:?}");
        }
    }
    assert!(kept("ligue (11) 98765-4321 ou").contains(&"11987654321".to_owned()));
    assert!(kept("ligue (11) 98765-4321 ou").contains(&"551187654321".to_owned()));
    assert_eq!(kept("de 12 34, de 56 78"), ["12", "34", "56", "78"]);
    assert!(kept(&"9 ".repeat(5_000)).is_empty(), "a row of digits is no number");
}

#[test]
fn a_telephone_is_found_by_each_of_its_spellings() {
    let mut bag = Bag::default();
    bag.phone("+55 (11) 98765-4321");
    let words = bag.into_words();
    for query in [
        "+55 11 98765-4321",
        "5511987654321",
        "551187654321",
        "(11) 98765-4321",
        "11 8765 4321",
        "98765-4321",
        "8765-4321",
        "87654321",
        "0 11 98765-4321",
    ] {
        let query = Query::parse(query);
        assert_eq!(query.terms.len(), 1, "{query:?}");
        assert!(words.keys().any(|word| query.terms[0].matches(word)), "{query:?}");
    }
    for other in ["21 98765-4321", "8765-4322", "+351 912 345 678"] {
        let query = Query::parse(other);
        assert!(!words.keys().any(|word| query.terms[0].matches(word)), "{query:?}");
    }
}

#[test]
fn queries_are_understood() {
    for (text, expected) in [
        ("Boleto da Joana", "boleto joana*"),
        ("boleto", "boleto*"),
        ("boleto do ", "boleto"),
        ("da", "da*"),
        ("nf", "nota fiscal|nf*"),
        ("d", ""),
        ("", ""),
        ("?!", ""),
        ("joana@exemplo.com", "joana@exemplo.com"),
        ("joana@exe", "joana@exe*"),
        ("joana@exe nota", "joana@exe nota*"),
        ("774201", "774201*"),
        ("482 171", "482171*"),
        ("pedido 774201 x", "pedido 774201"),
        ("\"nota fiscal\" joana", "nota fiscal joana*"),
        ("\"nota fis", "nota fis*"),
        ("boleto boleto boleto", "boleto boleto*"),
        ("a1 a2 a3 a4 a5 a6 a7 a8 a9 b1 b2 b3", "a1 a2 a3 a4 a5 a6 a7 a8 a9 b1"),
    ] {
        assert_eq!(terms(text), expected, "{text:?}");
    }
}

#[test]
fn the_number_of_a_ticket_is_recognised_with_and_without_its_check_digit() {
    for (text, expected) in [
        ("572-4", vec![572]),
        ("5724", vec![572, 5724]),
        ("57 24", vec![572, 5724]),
        (" #572 ", vec![572]),
        ("572-5", vec![]),
        ("0", vec![]),
        ("572 joana", vec![]),
        ("99999999999999999999", vec![]),
    ] {
        assert_eq!(Query::parse(text).numbers, expected, "{text:?}");
    }
}

#[test]
fn phrases_stand_side_by_side_in_one_text() {
    let query = Query::parse("\"não foi pago\" boleto");
    assert!(query.has_phrases());
    assert!(query.phrases_are_in(["x", "O boleto NAO foi pago."]));
    assert!(!query.phrases_are_in(["foi pago não", "não foi"]));
    assert!(!Query::parse("\"pago\"").has_phrases());
}

fn shown(query: &str, texts: &[&str]) -> String {
    let parts = snippet(&Query::parse(query), texts.iter().copied());
    let mark = |part: Part| if part.mark { format!("[{}]", part.text) } else { part.text };
    parts.map_or_else(|| "-".to_owned(), |parts| parts.into_iter().map(mark).collect())
}

#[test]
fn a_line_shows_the_words_that_were_looked_for() {
    let long =
        format!("{} o boleto\nda  JOANA não chegou {}", "antes ".repeat(50), "depois ".repeat(50));
    assert_eq!(shown("boleto joa", &["nada", "Boleto da Joana", &long]), "[Boleto] da [Joana]");
    let line = shown("boleto joana", &[&long]);
    assert!(line.starts_with("…antes") && line.ends_with("depois…"), "{line}");
    assert!(line.contains(" o [boleto] da [JOANA] não chegou "), "{line}");
    assert!(line.chars().count() < SHOWN_AT_MOST, "{line}");
    assert_eq!(shown("(11) 98765-4321", &["ligue 11 98765 4321 já"]), "ligue [11 98765 4321] já");
    assert_eq!(shown("ausente", &[&long]), "-");
    assert_eq!(shown("açã", &["A AÇÃO caiu"]), "A [AÇÃO] caiu");
}

const SHOWN_AT_MOST: usize = 140;

proptest! {
    #[test]
    fn whatever_is_written_is_found_by_its_own_words(text in "\\PC{0,80}|[ -~çã\\n]{0,60}", from in 0usize..40) {
        let words = kept(&text);
        let query = Query::parse(&text.chars().skip(from).take(30).collect::<String>());
        drop(snippet(&query, [text.as_str()]));
        let whole = Query::parse(&text);
        let plain = !words.is_empty() && !text.contains(['"', '“', '”']);
        for term in whole.terms.iter().filter(|_| plain) {
            prop_assert!(words.iter().any(|word| term.matches(word)), "{:?} in {:?}", term, words);
        }
    }
}
