//! Finds sums and periods that two articles state differently for the same thing.
//!
//! Only sentences that say nearly the same with another number are reported: two plans with two prices are no
//! contradiction, and a false alarm teaches people to look away.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::super::terms::Lexicon;
use crate::text::sentences;

/// The share of their words that two sentences must have in common.
const LIKE: f64 = 0.8;
/// Fewer words in common say too little about what the number belongs to.
const WORDS_MIN: usize = 5;

/// What is measured; values of different kinds are never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Reais,
    Dollars,
    Euros,
    /// In minutes.
    Period,
    /// In days on which business is done.
    BusinessDays,
}

/// A sentence that states one value.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) kind: Kind,
    /// In cents, minutes or days.
    pub(super) value: i64,
    /// As it is written.
    pub(super) written: String,
    /// What else the sentence says.
    words: BTreeSet<String>,
    /// The line of the text, from 0.
    pub(super) line: usize,
}

static MONEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?P<sign>R\$|US\$|BRL|USD|EUR|€|\$)\s?(?P<number>\d[\d.,]*\d|\d)").ok()
});
static PERIOD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?P<number>\d{1,4})[\s-](?P<business>business\s)?(?P<unit>minutos?|minutes?|horas?|hours?|dias?|days?|semanas?|weeks?|m[eê]s|meses|months?|anos?|years?)\b(?P<uteis>\s[uú]te(?:is|l))?",
    )
    .ok()
});

/// Returns the statements of a text: of sentences that state exactly one value of a kind.
pub(super) fn find(text: &str, lexicon: &Lexicon) -> Vec<Statement> {
    let mut found = Vec::new();
    for range in sentences::split(text) {
        let line = text.get(..range.start).unwrap_or_default().matches('\n').count();
        let sentence = text.get(range).unwrap_or_default();
        let values = values(sentence);
        for (kind, value, written) in &values {
            if values.iter().filter(|(other, ..)| other == kind).count() > 1 {
                continue;
            }
            // The unit is a word of the sentence, but not of what it is about.
            let words =
                lexicon.terms(&sentence.replace(written.as_str(), " ")).into_iter().collect();
            let statement =
                Statement { kind: *kind, value: *value, written: written.clone(), words, line };
            found.push(statement);
        }
    }
    found
}

fn values(sentence: &str) -> Vec<(Kind, i64, String)> {
    let mut values = Vec::new();
    for found in MONEY.iter().flat_map(|money| money.captures_iter(sentence)) {
        let kind = match found.name("sign").map(|sign| sign.as_str()) {
            Some("R$" | "BRL") => Kind::Reais,
            Some("EUR" | "€") => Kind::Euros,
            _ => Kind::Dollars,
        };
        let cents = found.name("number").and_then(|number| cents(number.as_str()));
        if let (Some(cents), Some(whole)) = (cents, found.get(0)) {
            values.push((kind, cents, whole.as_str().to_owned()));
        }
    }
    for found in PERIOD.iter().flat_map(|period| period.captures_iter(sentence)) {
        let number = found.name("number").and_then(|number| number.as_str().parse::<i64>().ok());
        let (Some(number), Some(unit), Some(whole)) = (number, found.name("unit"), found.get(0))
        else {
            continue;
        };
        let unit = unit.as_str().to_lowercase();
        let business = found.name("business").is_some() || found.name("uteis").is_some();
        let minutes = match unit.chars().take(3).collect::<String>().as_str() {
            "min" => 1,
            "hor" | "hou" => 60,
            "sem" | "wee" => 7 * 24 * 60,
            "mes" | "mês" | "mon" => 30 * 24 * 60,
            "ano" | "yea" => 365 * 24 * 60,
            _ => 24 * 60,
        };
        let (kind, value) =
            if business { (Kind::BusinessDays, number) } else { (Kind::Period, number * minutes) };
        values.push((kind, value, whole.as_str().to_owned()));
    }
    values
}

/// Reads 1.234,56 and 1,234.56 alike: a last mark with two digits behind it parts the cents.
fn cents(number: &str) -> Option<i64> {
    let number = number.trim_end_matches(['.', ',']);
    let (whole, cents) = match number.rfind(['.', ',']) {
        Some(at) if number.len() - at == 3 => (number.get(..at)?, number.get(at + 1..)?),
        _ => (number, "00"),
    };
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    Some(digits.parse::<i64>().ok()?.checked_mul(100)? + cents.parse::<i64>().ok()?)
}

/// True where two sentences state different values for the same thing.
pub(super) fn contradict(one: &Statement, other: &Statement) -> bool {
    if one.kind != other.kind || one.value == other.value {
        return false;
    }
    let common = one.words.intersection(&other.words).count();
    let all = one.words.union(&other.words).count();
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    common >= WORDS_MIN && number(common) >= LIKE * number(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::labels::Locale;

    #[test]
    fn the_same_sentence_with_another_value_contradicts() {
        for (locale, one, other, expected) in [
            (
                Locale::PtBr,
                "O estorno do pagamento aparece na fatura do cartão em até 5 dias úteis.",
                "O estorno do pagamento aparece na fatura do cartão em até 10 dias úteis.",
                true,
            ),
            (
                Locale::PtBr,
                "O estorno do pagamento aparece na fatura do cartão em até 5 dias úteis.",
                "O estorno do pagamento aparece na fatura do cartão em até 5 dias úteis.",
                false,
            ),
            (
                Locale::PtBr,
                "O plano Básico custa R$ 49,00 por mês.",
                "O plano Profissional custa R$ 99,00 por mês.",
                false,
            ),
            (
                Locale::PtBr,
                "A taxa de entrega expressa custa R$ 1.234,56 no Brasil.",
                "A taxa de entrega expressa custa R$ 1.234,56 no Brasil.",
                false,
            ),
            (
                Locale::PtBr,
                "O convite enviado ao funcionário expira em 7 dias.",
                "O código enviado ao funcionário expira em 10 minutos.",
                false,
            ),
            (
                Locale::En,
                "The reset link sent to your inbox expires after 24 hours.",
                "The reset link sent to your inbox expires after 1 day.",
                false,
            ),
            (
                Locale::En,
                "The reset link sent to your inbox expires after 24 hours.",
                "The reset link sent to your inbox expires after 48 hours.",
                true,
            ),
            (Locale::En, "Refunds take 5 days.", "Refunds take 7 days.", false),
        ] {
            let lexicon = Lexicon::new(locale);
            let (one, other) = (find(one, &lexicon), find(other, &lexicon));
            let found = one.iter().any(|a| other.iter().any(|b| contradict(a, b)));
            assert_eq!(found, expected, "{one:?} {other:?}");
        }
    }

    #[test]
    fn values_are_read_as_both_languages_write_them() {
        for (text, expected) in [
            ("R$ 1.234,56", vec![(Kind::Reais, 123_456)]),
            ("US$ 1,234.56", vec![(Kind::Dollars, 123_456)]),
            ("R$ 1.234", vec![(Kind::Reais, 123_400)]),
            ("2 horas", vec![(Kind::Period, 120)]),
            (
                "5 dias úteis e 5 business days",
                vec![(Kind::BusinessDays, 5), (Kind::BusinessDays, 5)],
            ),
            ("12 meses", vec![(Kind::Period, 518_400)]),
            ("no values", vec![]),
        ] {
            let got: Vec<_> =
                values(text).into_iter().map(|(kind, value, _)| (kind, value)).collect();
            assert_eq!(got, expected, "{text}");
        }
    }
}
