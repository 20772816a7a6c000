//! Countable facts: questions, words, people affected, dates of cancelling and amounts asked back.

use std::sync::LazyLock;

use regex::Regex;

use super::reading::{Reading, Role, Use};
use super::{Extra, Understander};
use crate::domain::signal::{Signal, SignalHit};
use crate::text::tokens::Tokens;

/// Returns the countable facts of a turn.
pub(super) fn read(
    engine: &Understander,
    reading: &Reading<'_, '_>,
    signals: &[SignalHit],
) -> Extra {
    let competitor =
        reading.hits.iter().any(|hit| *hit.value == Use::Competitor && !reading.is_void(hit));
    Extra {
        questions: questions(&reading.tokens),
        words: u32::try_from(reading.tokens.iter().filter(|(_, w)| is_word(w)).count())
            .unwrap_or(u32::MAX),
        affected: affected(&reading.tokens),
        competitor_named: Some(competitor),
        cancellation_date_set: Some(cancellation_date(reading, signals)),
        refund_amount: refund_amount(engine, reading, signals),
    }
}

fn is_word(word: &str) -> bool {
    word.chars().any(char::is_alphanumeric)
}

/// Counts question marks, and one question where people ask without the mark.
fn questions(tokens: &Tokens) -> u32 {
    if tokens.question_marks() > 0 {
        return tokens.question_marks();
    }
    let asks = (0..tokens.len()).any(|i| {
        let starts = tokens.before(i) > crate::text::tokens::Break::None;
        let (word, next) = (tokens.word(i), tokens.word(i + 1));
        let direct = matches!(
            (word, next),
            ("como", "faco" | "eu" | "posso" | "fazer" | "que" | "funciona" | "consigo")
                | ("tem", "como")
                | ("da", "para")
                | ("how", "do" | "can" | "estou" | "much" | "long" | "many")
                | ("can" | "could" | "would" | "will", "you" | "i" | "we")
                | ("e", "possivel")
                | ("gostaria", "de")
        );
        direct
            || (starts
                && matches!(
                    word,
                    "como"
                        | "qual"
                        | "quais"
                        | "quando"
                        | "quanto"
                        | "onde"
                        | "porque"
                        | "cade"
                        | "what"
                        | "when"
                        | "where"
                        | "why"
                        | "how"
                        | "which"
                        | "who"
                        | "does"
                        | "do"
                        | "is"
                        | "are"
                        | "can"
                ))
    });
    u32::from(asks)
}

/// Returns the largest number of people said to be affected.
fn affected(tokens: &Tokens) -> Option<u32> {
    let mut most = None;
    for i in 0..tokens.len() {
        let Some((number, end)) = number_at(tokens, i) else { continue };
        let noun = (end..end + 3).any(|at| {
            matches!(
                tokens.word(at),
                "clientes"
                    | "usuarios"
                    | "pessoas"
                    | "funcionarios"
                    | "colaboradores"
                    | "alunos"
                    | "lojas"
                    | "atendentes"
                    | "vendedores"
                    | "contas"
                    | "pacientes"
                    | "filiais"
                    | "users"
                    | "customers"
                    | "people"
                    | "employees"
                    | "students"
                    | "clients"
                    | "accounts"
                    | "agents"
                    | "seats"
                    | "stores"
                    | "members"
                    | "patients"
                    | "usuarias"
                    | "empleados"
                    | "personas"
            )
        });
        if noun && tokens.sentence_around(i).any(|at| hurts(tokens, at)) {
            most = most.max(Some(number));
        }
    }
    most
}

/// True for words that say something does not work for somebody.
fn hurts(tokens: &Tokens, at: usize) -> bool {
    let word = tokens.word(at);
    matches!(
        word,
        "sem"
            | "parados"
            | "paradas"
            | "parado"
            | "travados"
            | "bloqueados"
            | "impactados"
            | "prejudicados"
            | "afetados"
            | "afetadas"
            | "afetando"
            | "reclamando"
            | "esperando"
            | "unable"
            | "down"
            | "locked"
            | "without"
            | "affected"
            | "affects"
            | "affecting"
            | "impacted"
            | "impacts"
            | "stuck"
            | "blocked"
            | "complaining"
            | "waiting"
            | "fora"
            | "atingidos"
            | "impactando"
            | "sin"
            | "erro"
            | "error"
            | "losing"
    ) || (word == "nao"
        && matches!(
            tokens.word(at + 1),
            "conseguem"
                | "consegue"
                | "acessam"
                | "entram"
                | "recebem"
                | "receberam"
                | "podem"
                | "estao"
                | "funciona"
                | "logam"
                | "conseguiram"
        ))
        || (matches!(word, "can" | "could") && tokens.word(at + 1) == "not")
}

/// Reads a number of people; returns it with the token after it.
fn number_at(tokens: &Tokens, at: usize) -> Option<(u32, usize)> {
    let word = tokens.word(at);
    let (base, end) = match word {
        "cem" | "hundred" => (100, at + 1),
        "duzentos" => (200, at + 1),
        "trezentos" => (300, at + 1),
        "quinhentos" => (500, at + 1),
        "mil" | "thousand" if at == 0 || number_at_plain(tokens.word(at - 1)).is_none() => {
            (1000, at + 1)
        }
        _ => (number_at_plain(word)?, at + 1),
    };
    match tokens.word(end) {
        "mil" | "thousand" => Some((base.checked_mul(1000)?, end + 1)),
        "hundred" => Some((base.checked_mul(100)?, end + 1)),
        _ => Some((base, end)),
    }
}

/// Reads "120", "1.200" and "1,200"; not "1,5" and not years or codes of nine digits.
fn number_at_plain(word: &str) -> Option<u32> {
    let mut groups = word.split(['.', ',']);
    let first = groups.next()?;
    if first.is_empty() || first.len() > 7 {
        return None;
    }
    let mut digits = first.to_owned();
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        digits.push_str(group);
    }
    digits.parse().ok()
}

/// True where a sentence speaks of cancelling and sets a date.
fn cancellation_date(reading: &Reading<'_, '_>, signals: &[SignalHit]) -> bool {
    let tokens = &reading.tokens;
    let churn = signals.iter().any(|hit| hit.signal == Signal::Churn);
    (0..tokens.len()).any(|i| {
        let word = tokens.word(i);
        let leaves = ["cancel", "encerr", "rescind", "rescis", "terminat", "nao renov"]
            .iter()
            .any(|stem| word.starts_with(stem))
            || (churn && matches!(word, "sair" | "saio" | "saimos" | "leave" | "leaving" | "baja"));
        leaves && tokens.sentence_around(i).any(|at| sets_date(tokens, at))
    })
}

fn sets_date(tokens: &Tokens, at: usize) -> bool {
    let marker = matches!(
        tokens.word(at),
        "ate"
            | "dia"
            | "no"
            | "na"
            | "em"
            | "partir"
            | "para"
            | "by"
            | "before"
            | "on"
            | "until"
            | "from"
            | "antes"
            | "hasta"
            | "effective"
            | "end"
            | "final"
            | "fim"
            | "el"
    );
    marker
        && (at + 1..at + 4).any(|i| {
            let word = tokens.word(i);
            let day = word.len() <= 2 && word.parse::<u8>().is_ok_and(|d| (1..=31).contains(&d));
            // Portuguese "em" and "para" also stand before counts: a day needs more than a number.
            let bare = matches!(tokens.word(at), "em" | "no" | "na" | "para" | "on");
            let unit = matches!(tokens.word(i + 1), "vezes" | "x" | "reais" | "usuarios" | "users");
            (day && !unit
                && (!bare || is_month(tokens.word(i + 1)) || is_month(tokens.word(i + 2))))
                || is_month(word)
                || matches!(
                    word,
                    "segunda"
                        | "terca"
                        | "quarta"
                        | "quinta"
                        | "sexta"
                        | "sabado"
                        | "domingo"
                        | "amanha"
                        | "monday"
                        | "tuesday"
                        | "wednesday"
                        | "thursday"
                        | "friday"
                        | "saturday"
                        | "sunday"
                        | "tomorrow"
                        | "lunes"
                        | "martes"
                        | "miercoles"
                        | "jueves"
                        | "viernes"
                )
                || matches!(
                    (word, tokens.word(i + 1)),
                    ("mes" | "ano" | "semana", "que" | "seguinte")
                        | ("fim" | "final", "do" | "deste" | "da" | "desse")
                        | ("end", "of")
                        | ("of", "the" | "this" | "month")
                        | ("do" | "deste" | "da", "mes" | "ano" | "semana")
                        | ("next", "week" | "month")
                )
        })
}

fn is_month(word: &str) -> bool {
    matches!(
        word,
        "janeiro"
            | "fevereiro"
            | "marco"
            | "abril"
            | "maio"
            | "junho"
            | "julho"
            | "agosto"
            | "setembro"
            | "outubro"
            | "novembro"
            | "dezembro"
            | "january"
            | "february"
            | "march"
            | "april"
            | "june"
            | "july"
            | "august"
            | "september"
            | "october"
            | "november"
            | "december"
            | "jan"
            | "feb"
            | "fev"
            | "apr"
            | "abr"
            | "jun"
            | "jul"
            | "aug"
            | "ago"
            | "sep"
            | "oct"
            | "out"
            | "nov"
            | "dec"
            | "dez"
    )
}

static AMOUNT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:(R\$|US\$|U\$S|\$|€|£|BRL|USD|EUR|GBP)\s{0,2}(\d[\d.,]{0,14})(\s?mil(?-u:\b)|k(?-u:\b))?)|(?:(\d[\d.,]{0,14})(\s?mil)?\s{0,2}(reais|real|conto|contos|pila|BRL|USD|dollars|d[oó]lares|bucks|euros?|EUR|pounds|GBP))",
    )
    .ok()
});

/// Returns the amount in the pack's currency that stands nearest to a word of refund or dispute.
fn refund_amount(
    engine: &Understander,
    reading: &Reading<'_, '_>,
    signals: &[SignalHit],
) -> Option<f64> {
    let money =
        |signal: Signal| matches!(signal, Signal::Refund | Signal::BillingDispute | Signal::Fraud);
    if !signals.iter().any(|hit| money(hit.signal))
        || !reading.text.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let places: Vec<usize> = reading
        .hits
        .iter()
        .filter(|hit| match *hit.value {
            Use::Rule { rule, role: Role::Any } => {
                engine.rules.get(rule).is_some_and(|rule| money(rule.signal))
            }
            _ => false,
        })
        .filter_map(|hit| reading.tokens.get(hit.start).map(|token| token.start))
        .collect();
    let regex = AMOUNT.as_ref()?;
    let own = |at: usize| reading.tokens.iter().any(|(t, _)| t.start <= at && at < t.end);
    regex
        .captures_iter(&reading.text)
        .filter_map(|found| {
            let (symbol, digits, thousand) = match (found.get(1), found.get(2)) {
                (Some(symbol), Some(digits)) => (symbol, digits, found.get(3)),
                _ => (found.get(6)?, found.get(4)?, found.get(5)),
            };
            if currency(symbol.as_str())? != engine.vocabulary.currency || !own(digits.start()) {
                return None;
            }
            let factor = if thousand.is_some() { 1000.0 } else { 1.0 };
            let amount = parse_amount(digits.as_str())? * factor;
            let distance = places.iter().map(|p| p.abs_diff(digits.start())).min()?;
            Some((distance, amount))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, amount)| amount)
}

fn currency(symbol: &str) -> Option<&'static str> {
    Some(match symbol.to_lowercase().as_str() {
        "r$" | "brl" | "reais" | "real" | "conto" | "contos" | "pila" => "BRL",
        "us$" | "u$s" | "$" | "usd" | "dollars" | "dólares" | "dolares" | "bucks" => "USD",
        "€" | "eur" | "euro" | "euros" => "EUR",
        "£" | "gbp" | "pounds" => "GBP",
        _ => return None,
    })
}

/// Reads "1.234,56", "1,234.56", "1234", "1.234" and "89,9": the last mark is decimal unless three
/// digits follow it.
pub(super) fn parse_amount(written: &str) -> Option<f64> {
    let written = written.trim_end_matches(['.', ',']);
    let last = written.rfind(['.', ',']);
    let (whole, cents) = match last {
        Some(at) => {
            let tail = written.get(at + 1..)?;
            if tail.len() == 3 { (written, "") } else { (written.get(..at)?, tail) }
        }
        None => (written, ""),
    };
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    format!("{whole}.{cents}0").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parse_amount;

    #[test]
    fn amounts_are_read_in_both_ways_of_writing() {
        for (written, expected) in [
            ("1.234,56", 1234.56),
            ("1,234.56", 1234.56),
            ("1234", 1234.0),
            ("1.234", 1234.0),
            ("89,9", 89.9),
            ("89,90.", 89.9),
            ("1.234.567", 1_234_567.0),
            ("0,50", 0.5),
        ] {
            let got = parse_amount(written).unwrap();
            assert!((got - expected).abs() < 1e-9, "{written:?}: {got}");
        }
    }
}
