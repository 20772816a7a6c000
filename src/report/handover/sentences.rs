//! Reads a customer's message sentence by sentence: which ones carry the case, and which are only courtesy.
//!
//! A sentence is quoted, never rewritten: greetings before it and thanks after it are cut off, white space is joined,
//! and what is too long ends in an ellipsis.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Amount;
use super::cues::{CUES, Cue};
use crate::domain::customer::Money;
use crate::text::phrases::{Hit, Pattern, PhraseSet};
use crate::text::regions::Regions;
use crate::text::sentences::split;
use crate::text::tokens::{Break, Tokens};

/// Most characters of a summary: what fits a phone's screen.
const SUMMARY_CHARS: usize = 300;
/// Most sentences of a summary.
const SUMMARY_SENTENCES: usize = 3;
/// Most words of a name after a greeting.
const NAME_WORDS: usize = 3;
/// Words after which "tudo bem" is no small talk: "tudo bem se eu pagar amanhã?".
const CONDITIONS: &[&str] = &["se", "que", "if", "that"];

/// A sentence in the customer's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    /// The words, with single spaces.
    pub(super) text: String,
    cues: Vec<Cue>,
}

impl Sentence {
    /// True for what asks, reports or wants something of its own; who only asks for a person names no case.
    pub(super) fn carries_case(&self) -> bool {
        self.weight() > 0 && !self.has(Cue::Person)
    }

    /// True where something is asked.
    pub(super) fn is_question(&self) -> bool {
        self.has(Cue::Question)
    }

    /// True where the customer says what they want to happen.
    pub(super) fn expects(&self) -> bool {
        self.has(Cue::Expectation) || self.has(Cue::Person)
    }

    /// True where the customer tells what they did, or under which condition it happens.
    pub(super) fn tells_steps(&self) -> bool {
        self.has(Cue::Step)
    }

    /// True for words of errors, codes, versions and devices.
    pub(super) fn is_technical(&self) -> bool {
        self.has(Cue::Technical)
    }

    fn has(&self, cue: Cue) -> bool {
        self.cues.contains(&cue)
    }

    /// How much the sentence says of the case; 0 for one that only tells.
    fn weight(&self) -> u32 {
        [
            (Cue::Problem, 3),
            (Cue::Question, 2),
            (Cue::Request, 2),
            (Cue::Expectation, 1),
            (Cue::Person, 1),
            (Cue::Technical, 1),
        ]
        .into_iter()
        .filter(|(cue, _)| self.has(*cue))
        .map(|(_, weight)| weight)
        .sum()
    }
}

/// Returns the sentences of a message without courtesy, quoted mail and signatures. In a chat every line stands alone.
pub(super) fn read(text: &str, chat: bool) -> Vec<Sentence> {
    let end = text.len()..text.len();
    let foreign = Regions::find(text).foreign();
    let mut found = Vec::new();
    let mut from = 0;
    for range in foreign.iter().chain(std::iter::once(&end)) {
        let own = text.get(from..range.start).unwrap_or_default();
        if chat {
            own.lines().for_each(|line| read_pieces(line, &mut found));
        } else {
            read_pieces(own, &mut found);
        }
        from = range.end;
    }
    found
}

fn read_pieces(text: &str, found: &mut Vec<Sentence>) {
    let pieces = split(text).into_iter().filter_map(|range| text.get(range));
    found.extend(pieces.filter_map(sentence));
}

/// Reads one sentence; `None` where it is courtesy and nothing else.
fn sentence(piece: &str) -> Option<Sentence> {
    let tokens = Tokens::of(piece);
    let hits = PHRASES.find(&tokens);
    let own = own_part(piece, &tokens, &hits)?;
    let start = if own.start == 0 { 0 } else { tokens.get(own.start)?.start };
    let end = if own.end == tokens.len() { piece.len() } else { tokens.get(own.end - 1)?.end };
    let text = piece.get(start..end)?.split_whitespace().collect::<Vec<_>>().join(" ");
    if !text.contains(char::is_alphanumeric) {
        return None;
    }
    let mut cues: Vec<Cue> = Vec::new();
    for hit in hits.iter().filter(|hit| own.start <= hit.start && hit.end <= own.end) {
        if !cues.contains(hit.value) {
            cues.push(*hit.value);
        }
    }
    if ends_in_question(&text) {
        cues.push(Cue::Question);
    }
    if is_numbered(&text) {
        cues.push(Cue::Step);
    }
    if CODE.as_ref().is_some_and(|code| code.is_match(&text)) {
        cues.push(Cue::Technical);
    }
    let thanks = hits.iter().any(|hit| hit.start == own.start && *hit.value == Cue::Thanks);
    let sentence = Sentence { text, cues };
    (!thanks || sentence.weight() > 0).then_some(sentence)
}

/// Returns the tokens between the greeting and the thanks; `None` where nothing lies between.
fn own_part(piece: &str, tokens: &Tokens, hits: &[Hit<'_, Cue>]) -> Option<Range<usize>> {
    const OPENINGS: &[Cue] = &[Cue::Greeting, Cue::SmallTalk, Cue::Greeted, Cue::Thanks];
    let opening = |at: usize| {
        let here = hits.iter().filter(move |hit| hit.start == at && OPENINGS.contains(hit.value));
        here.max_by_key(|hit| hit.end)
    };
    let (mut at, mut start, mut greeted) = (0, 0, false);
    while at < tokens.len() {
        if let Some(hit) = opening(at) {
            at = hit.end;
            greeted |= *hit.value == Cue::Greeting;
            // "Oi boa tarde meu boleto não abre": a greeting needs no comma; what else opens a sentence does.
            let bare = greeted
                && matches!(hit.value, Cue::Greeting | Cue::SmallTalk)
                && !CONDITIONS.contains(&tokens.word(at));
            if bare || tokens.before(at) >= Break::Comma {
                start = at;
            }
        } else if let Some(end) = name_at(piece, tokens, at).filter(|_| at > 0) {
            (at, start) = (end, end);
        } else {
            break;
        }
    }
    let thanks = hits.iter().filter(|hit| {
        *hit.value == Cue::Thanks
            && hit.end == tokens.len()
            && hit.start > start
            && tokens.before(hit.start) >= Break::Comma
    });
    let end = thanks.map(|hit| hit.start).min().unwrap_or(tokens.len());
    (start < end).then_some(start..end)
}

/// Returns the end of a name: capitalised words that a comma, or the end, follows.
fn name_at(piece: &str, tokens: &Tokens, at: usize) -> Option<usize> {
    let is_name = |at: &usize| {
        tokens.get(*at).is_some_and(|token| {
            let word = piece.get(token.start..).unwrap_or_default();
            !token.caps && word.starts_with(char::is_uppercase)
        })
    };
    let end = (at..at + NAME_WORDS).take_while(is_name).last()? + 1;
    (tokens.before(end) >= Break::Comma).then_some(end)
}

fn ends_in_question(text: &str) -> bool {
    text.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '?').ends_with('?')
}

/// True for "1. Abro o app", "2) I click" and "3º passo".
fn is_numbered(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.len() - rest.len();
    let marked = rest.strip_prefix(['.', ')', '-', 'º', '°']);
    (1..=2).contains(&digits) && marked.is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

/// Returns the one to three sentences that say most of a case, in the customer's order; `None` without any.
pub(super) fn summary(sentences: &[&Sentence]) -> Option<String> {
    let mut ranked: Vec<(usize, &Sentence)> = sentences.iter().copied().enumerate().collect();
    if ranked.iter().any(|(_, sentence)| sentence.weight() > 0) {
        ranked.retain(|(_, sentence)| sentence.weight() > 0);
    }
    ranked.sort_by_key(|(_, sentence)| Reverse(sentence.weight()));
    let mut chosen: Vec<(usize, &str)> = Vec::new();
    let mut length = 0;
    for (at, sentence) in ranked {
        let text = sentence.text.as_str();
        // Room for the separator too.
        let longer = length + text.chars().count() + 2;
        let fits = chosen.is_empty() || longer <= SUMMARY_CHARS;
        if chosen.len() < SUMMARY_SENTENCES && fits && !chosen.iter().any(|(_, had)| *had == text) {
            chosen.push((at, text));
            length = longer;
        }
    }
    chosen.sort_unstable();
    let mut joined = String::new();
    for (_, text) in chosen {
        if !joined.is_empty() {
            joined.push_str(if joined.ends_with(char::is_alphanumeric) { "; " } else { " " });
        }
        joined.push_str(text);
    }
    (!joined.is_empty()).then(|| shortened(&joined, SUMMARY_CHARS))
}

/// Cuts a text before a word so that it has at most so many characters, and says so with an ellipsis.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    let kept = text.get(..end).unwrap_or_default();
    let kept = kept.rsplit_once(' ').map_or(kept, |(kept, _)| kept);
    let kept: String = kept.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end_matches([' ', ',', ';', ':', '.']))
}

/// Finds the amounts of money that a text names.
pub(super) fn amounts(text: &str) -> Vec<Amount> {
    let Some(pattern) = &*AMOUNT else { return Vec::new() };
    pattern
        .captures_iter(text)
        .filter_map(|found| {
            let group = |name: &str| found.name(name).map_or("", |found| found.as_str());
            let number = format!("{}{}", group("before"), group("after"));
            let currency = currency(&format!("{}{}", group("sign"), group("name")).to_lowercase());
            let thousands = !group("k").is_empty() || !group("mil").is_empty();
            let minor = minor(&number)?.checked_mul(if thousands { 1_000 } else { 1 })?;
            let money = currency.map(|code| Money { minor, currency: code.to_owned() });
            Some(Amount { said: found.get(0)?.as_str().trim().to_owned(), money })
        })
        .collect()
}

/// Reads a sign or a name; a bare `$` may be any of several currencies.
fn currency(word: &str) -> Option<&'static str> {
    Some(match word {
        "r$" | "brl" | "real" | "reais" => "BRL",
        "us$" | "usd" | "dólar" | "dolar" | "dólares" | "dolares" | "dollar" | "dollars" => "USD",
        "€" | "eur" | "euro" | "euros" => "EUR",
        "£" | "gbp" | "libra" | "libras" | "pound" | "pounds" => "GBP",
        _ => return None,
    })
}

/// Reads a number as hundredths: one or two digits after the last mark are decimals, three are thousands.
fn minor(number: &str) -> Option<i64> {
    let last = number.rfind(['.', ',']);
    let decimals = last.and_then(|at| number.get(at + 1..)).filter(|tail| tail.len() < 3);
    let decimals = decimals.unwrap_or_default();
    let whole = number.get(..number.len() - decimals.len())?;
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    format!("{digits}{decimals:0<2}").parse().ok()
}

static PHRASES: LazyLock<PhraseSet<Cue>> = LazyLock::new(|| {
    let all = CUES.iter().flat_map(|(cue, list)| list.iter().map(move |source| (*source, *cue)));
    // The phrases are part of the program; a test reads every one of them strictly.
    PhraseSet::new(all.filter_map(|(source, cue)| Some((Pattern::parse(source).ok()?, cue))))
});

/// Codes of errors and versions of programs.
static CODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"\bv\.?\s?[0-9]+(?:\.[0-9]+)+\b|\b[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3}\b|\b0x[0-9A-Fa-f]{2,}\b|\b[A-Z]{1,6}[-_]?[0-9]{2,6}\b|\b[A-Z]{2,}(?:_[A-Z0-9]+)+\b",
    )
});

static AMOUNT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let number = r"[0-9]{1,3}(?:[.,][0-9]{3})+(?:[.,][0-9]{1,2})?|[0-9]+(?:[.,][0-9]{1,2})?";
    expression(&format!(
        r"(?i)(?P<sign>us\$|r\$|\$|€|£|\b(?:brl|usd|eur|gbp)\b)\s?(?P<before>{number})\b(?:\s?(?P<k>mil|k)\b)?|\b(?P<after>{number})\s?(?:(?P<mil>mil)\s)?(?P<name>reais|real|d[óo]lar(?:es)?|dollars?|euros?|libras?|pounds?|brl|usd|eur|gbp)\b"
    ))
});

/// Compiles one of the expressions of this file; each is read by a test.
fn expression(source: &str) -> Option<Regex> {
    Regex::new(source).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, chat: bool) -> Vec<String> {
        read(text, chat).into_iter().map(|sentence| sentence.text).collect()
    }

    #[test]
    fn every_phrase_and_expression_is_valid() {
        let sources = CUES.iter().flat_map(|(_, list)| list.iter());
        let problems: Vec<String> =
            sources.filter_map(|s| Pattern::parse(s).err()).map(|e| e.to_string()).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        assert!(CODE.is_some() && AMOUNT.is_some());
    }

    #[test]
    fn greetings_and_thanks_are_left_out_and_the_rest_is_quoted() {
        for (text, expected) in [
            ("Oi, bom dia! Tudo bem?", vec![]),
            ("oi boa tarde meu boleto nao abre", vec!["meu boleto nao abre"]),
            ("Olá, Ana Paula, tudo bem? Preciso da nota.", vec!["Preciso da nota."]),
            ("Bom dia, Carla!", vec![]),
            ("Obrigado, mas não resolveu.", vec!["mas não resolveu."]),
            ("O app travou de novo, muito obrigada.", vec!["O app travou de novo"]),
            ("Muito obrigado pela ajuda!", vec![]),
            ("Tudo bem se eu pagar amanhã?", vec!["Tudo bem se eu pagar amanhã?"]),
            ("Oi, tudo bem se eu pagar amanhã?", vec!["tudo bem se eu pagar amanhã?"]),
            ("Pessoal, o sistema caiu", vec!["o sistema caiu"]),
            (
                "oi\ntudo bem\nnao consigo emitir nota\nme ajuda",
                vec!["nao consigo emitir nota", "me ajuda"],
            ),
            ("Hi team, I can't log in. Thanks!", vec!["I can't log in."]),
            ("Hello, how are you? The export fails.", vec!["The export fails."]),
            ("👍", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(texts(text, true), expected, "{text}");
        }
    }

    #[test]
    fn quoted_mail_and_signatures_are_not_the_customers_words() {
        let text = "Good morning,\n\nThe report is empty.\n\nThanks,\nTom Baker\n\nOn Mon, Mar 3, 2026 at 10:00 AM \
                    Support <a@b.c> wrote:\n\n> Which report do you mean?";
        assert_eq!(texts(text, false), ["The report is empty."]);
    }

    #[test]
    fn each_sentence_is_known_by_what_it_does() {
        let one = |text: &str| read(text, false).pop().unwrap();
        assert!(one("Como faço para emitir a nota").is_question());
        assert!(one("Where is my invoice?").is_question());
        assert!(one("Quero o estorno até amanhã.").expects());
        assert!(one("Please call me back.").expects());
        assert!(one("Quero falar com um atendente.").expects());
        assert!(!one("Quero falar com um atendente.").carries_case());
        assert!(one("O app não abre.").carries_case());
        assert!(one("1. Abro o aplicativo.").tells_steps());
        assert!(one("Quando eu clico em salvar, a tela fica branca.").tells_steps());
        assert!(one("It happens when I click Export.").tells_steps());
        assert!(!one("R$ 1.234,56 é muito.").tells_steps());
        assert!(one("Aparece E-504 na tela.").is_technical());
        assert!(one("We are on version 3.2.1.").is_technical());
        assert!(!one("Paguei R$ 149.90 em 12.03.2026.").is_technical());
    }

    #[test]
    fn a_summary_keeps_the_order_and_its_length() {
        let text =
            "Sou cliente desde 2019. O app não abre. Quanto custa o plano anual? Podem verificar?";
        let sentences = read(text, false);
        let refs: Vec<&Sentence> = sentences.iter().collect();
        let expected = "O app não abre. Quanto custa o plano anual? Podem verificar?";
        assert_eq!(summary(&refs).as_deref(), Some(expected));
        let long = format!("Não consigo abrir {}", "a tela de pedidos ".repeat(40));
        let sentences = read(&long, false);
        let refs: Vec<&Sentence> = sentences.iter().collect();
        let cut = summary(&refs).unwrap();
        assert!(cut.chars().count() <= SUMMARY_CHARS && cut.ends_with('…'), "{cut}");
        assert_eq!(summary(&[]), None);
        assert_eq!(shortened(&"x".repeat(20), 10).chars().count(), 10);
    }

    #[test]
    fn amounts_are_quoted_and_read() {
        for (text, said, minor, currency) in [
            ("Cobraram R$ 149,90 duas vezes", "R$ 149,90", 14_990, Some("BRL")),
            ("foram R$1.234,56.", "R$1.234,56", 123_456, Some("BRL")),
            ("paguei 300 reais ontem", "300 reais", 30_000, Some("BRL")),
            ("uns R$ 5 mil por mês", "R$ 5 mil", 500_000, Some("BRL")),
            ("US$ 1,299.00 charged", "US$ 1,299.00", 129_900, Some("USD")),
            ("it was 89.5 dollars", "89.5 dollars", 8_950, Some("USD")),
            ("charged $89.00 again", "$89.00", 0, None),
        ] {
            let found = amounts(text);
            let [amount] = found.as_slice() else { panic!("{text}: {found:?}") };
            assert_eq!(amount.said, said, "{text}");
            let money = currency.map(|code| Money { minor, currency: code.to_owned() });
            assert_eq!(amount.money, money, "{text}");
        }
        assert!(amounts("pedido 12345, dia 12/03, 3 vezes").is_empty());
    }
}
