//! Writes money and dates the way each locale does.

use chrono::{Datelike, NaiveDate};

use crate::domain::labels::Locale;

/// Writes an amount given in hundredths: `R$ 1.234,56` in Portuguese, `R$ 1,234.56` in English.
///
/// `currency` is an ISO 4217 code; one without a known sign is written as the code.
pub fn money(hundredths: i64, currency: &str, locale: Locale) -> String {
    let sign = match (currency, locale) {
        ("BRL", _) => "R$ ",
        ("USD", Locale::PtBr) => "US$ ",
        ("USD", Locale::En) => "$",
        ("EUR", Locale::PtBr) => "€ ",
        ("EUR", Locale::En) => "€",
        ("GBP", Locale::PtBr) => "£ ",
        ("GBP", Locale::En) => "£",
        _ => "",
    };
    let (group, point) = match locale {
        Locale::PtBr => ('.', ','),
        Locale::En => (',', '.'),
    };
    let minus = if hundredths < 0 { "-" } else { "" };
    let (whole, rest) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
    let digits = whole.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(group);
        }
        grouped.push(digit);
    }
    if sign.is_empty() {
        return format!("{minus}{currency} {grouped}{point}{rest:02}");
    }
    format!("{minus}{sign}{grouped}{point}{rest:02}")
}

/// Writes a date: `31/12/2026` in Portuguese; `31 December 2026` in English, which no reader takes for another day.
pub fn date(date: NaiveDate, locale: Locale) -> String {
    match locale {
        Locale::PtBr => format!("{:02}/{:02}/{:04}", date.day(), date.month(), date.year()),
        Locale::En => date.format("%-d %B %Y").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_people_of_the_locale_write_it() {
        for (amount, currency, pt, en) in [
            (123_456, "BRL", "R$ 1.234,56", "R$ 1,234.56"),
            (5, "BRL", "R$ 0,05", "R$ 0.05"),
            (100_000_000, "BRL", "R$ 1.000.000,00", "R$ 1,000,000.00"),
            (-9_900, "BRL", "-R$ 99,00", "-R$ 99.00"),
            (99_900, "USD", "US$ 999,00", "$999.00"),
            (99_900, "ARS", "ARS 999,00", "ARS 999.00"),
        ] {
            assert_eq!(money(amount, currency, Locale::PtBr), pt, "{amount} {currency}");
            assert_eq!(money(amount, currency, Locale::En), en, "{amount} {currency}");
        }
        assert!(money(i64::MIN, "BRL", Locale::En).starts_with("-R$ 92,233,"));
    }

    #[test]
    fn dates_are_written_as_people_of_the_locale_write_them() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 7).unwrap();
        assert_eq!(date(day, Locale::PtBr), "07/03/2026");
        assert_eq!(date(day, Locale::En), "7 March 2026");
    }
}
