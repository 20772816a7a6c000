//! Amounts as people and systems write them, into minor units without floats.

use crate::domain::customer::Money;
use crate::domain::decision::LocalText;

use super::problem::say;

/// Currencies without cents (ISO 4217 list one, minor unit 0).
const WITHOUT_CENTS: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
];
/// Currencies with three decimals (ISO 4217 list one, minor unit 3).
const WITH_MILLS: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
/// Most digits before the decimals; with three decimals the result still fits 64 bits.
const WHOLE_DIGITS_MAX: usize = 15;

/// True for the shape of an ISO 4217 code: three capital letters.
pub(super) fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Returns how many decimals a currency has.
fn decimals(currency: &str) -> usize {
    if WITHOUT_CENTS.contains(&currency) {
        0
    } else if WITH_MILLS.contains(&currency) {
        3
    } else {
        2
    }
}

/// Reads digits with at most one point, such as `12500.00`.
pub fn parse_plain(amount: &str, currency: &str) -> Result<Money, LocalText> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let pointless = amount.contains('.') && fraction.is_empty();
    if whole.is_empty() || !digits(whole) || !digits(fraction) || pointless {
        return Err(say(
            "não é um valor decimal como 12500.00",
            "is not a decimal amount such as 12500.00",
        ));
    }
    let places = decimals(currency);
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > places {
        return Err(say(
            format!("tem mais casas decimais que {currency}, que tem {places}"),
            format!("has more decimals than {currency}, which has {places}"),
        ));
    }
    if whole.trim_start_matches('0').len() > WHOLE_DIGITS_MAX {
        return Err(say("é grande demais", "is too large"));
    }
    let digits = format!("{whole}{fraction:0<places$}");
    let minor = digits.parse().map_err(|_| say("é grande demais", "is too large"))?;
    Ok(Money { minor, currency: currency.to_owned() })
}

/// Reads an amount as a spreadsheet has it: `12.500,00`, `12,500.00`, `R$ 12500` and the like. Where
/// one separator stands before exactly three digits, it separates thousands.
pub fn parse_written(text: &str, currency: &str) -> Result<Money, LocalText> {
    let number = text.trim().trim_start_matches(|c: char| !c.is_ascii_digit() && c != '-');
    let number: String = number.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\'')).collect();
    let (dots, commas) = (number.matches('.').count(), number.matches(',').count());
    let last = number.rfind(['.', ',']);
    let tail = last.and_then(|at| number.get(at + 1..)).unwrap_or_default().len();
    let decimal = match (dots, commas) {
        (1.., 1..) => last.and_then(|at| number.get(at..=at)),
        (1, 0) | (0, 1) if tail != 3 || number.starts_with('0') => {
            last.and_then(|at| number.get(at..=at))
        }
        _ => None,
    };
    let wrong = || {
        say(
            "não é um valor como 12.500,00 ou 12500.00",
            "is not an amount such as 12,500.00 or 12500.00",
        )
    };
    let (whole, fraction) = match decimal {
        Some(mark) => number.rsplit_once(mark).ok_or_else(wrong)?,
        None => (number.as_str(), ""),
    };
    // Groups of thousands have three digits each, all with the same mark.
    let mut groups = whole.split(['.', ',']);
    let first = groups.next().unwrap_or_default().len();
    let grouped = whole.contains(['.', ',']);
    let even = groups.all(|group| group.len() == 3);
    let one_mark = !(whole.contains('.') && whole.contains(','));
    if (grouped && !(even && one_mark && (1..=3).contains(&first)))
        || decimal.is_some_and(|mark| whole.contains(mark))
    {
        return Err(wrong());
    }
    let whole: String = whole.chars().filter(|c| !matches!(c, '.' | ',')).collect();
    let plain = if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") };
    parse_plain(&plain, currency).map_err(|problem| {
        if !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            problem
        } else {
            wrong()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_amount_becomes_minor_units_without_rounding() {
        for (amount, currency, expected) in [
            ("12500.00", "BRL", Some(1_250_000)),
            ("12500", "BRL", Some(1_250_000)),
            ("0.1", "BRL", Some(10)),
            ("0.10000", "BRL", Some(10)),
            ("0.105", "BRL", None),
            ("1500", "JPY", Some(1500)),
            ("1500.5", "JPY", None),
            ("1.234", "KWD", Some(1234)),
            ("999999999999999.99", "BRL", Some(99_999_999_999_999_999)),
            ("9999999999999999", "BRL", None),
            ("-5", "BRL", None),
            ("1.", "BRL", None),
            (".5", "BRL", None),
            ("1e3", "BRL", None),
            ("12,5", "BRL", None),
            ("", "BRL", None),
        ] {
            let money = parse_plain(amount, currency).ok().map(|money| money.minor);
            assert_eq!(money, expected, "{amount} {currency}");
        }
    }

    #[test]
    fn a_written_amount_is_read_as_its_writer_means_it() {
        for (text, expected) in [
            ("12.500,00", Some(1_250_000)),
            ("12,500.00", Some(1_250_000)),
            ("R$ 12.500,00", Some(1_250_000)),
            ("R$ 1.234.567,8", Some(123_456_780)),
            ("12500,5", Some(1_250_050)),
            ("12500.50", Some(1_250_050)),
            ("12.500", Some(1_250_000)),
            ("1.250.000", Some(125_000_000)),
            ("12 500,00", Some(1_250_000)),
            ("0,99", Some(99)),
            ("0", Some(0)),
            ("1.25.000", None),
            ("1,2.3,4", None),
            ("1234.567,00", None),
            ("doze mil", None),
            ("-10", None),
            ("", None),
        ] {
            let money = parse_written(text, "BRL").ok().map(|money| money.minor);
            assert_eq!(money, expected, "{text}");
        }
    }
}
