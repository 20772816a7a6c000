//! Writes money and dates the way each locale does.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, Timelike, Utc};
use chrono_tz::Tz;

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

/// Writes a moment for a customer, as what "by" (Portuguese "até") is said of: `as 18:00 de hoje`, `as 9:30 de amanhã`,
/// `segunda-feira, 23/11, às 9:30`; `6 pm today`, `9:30 am tomorrow`, `Monday, 23 November, at 9:30 am`.
pub fn moment(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz, locale: Locale) -> String {
    let (at, now) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let days = (at.date_naive() - now.date_naive()).num_days();
    let clock = clock(at.time(), locale);
    let weekday = at.weekday().num_days_from_monday();
    match (locale, days) {
        (Locale::PtBr, 0) => format!("as {clock} de hoje"),
        (Locale::PtBr, 1) => format!("as {clock} de amanhã"),
        (Locale::PtBr, _) => {
            format!("{}, {}, às {clock}", weekday_pt(weekday), at.format("%d/%m"))
        }
        (Locale::En, 0) => format!("{clock} today"),
        (Locale::En, 1) => format!("{clock} tomorrow"),
        (Locale::En, _) => format!("{} at {clock}", at.format("%A, %-d %B,")),
    }
}

/// Writes the ends of a span of time for a customer: `14:00 de 23/11`; `2 pm on 23 November`.
pub fn time_of_day(at: DateTime<Utc>, zone: Tz, locale: Locale) -> String {
    let at = at.with_timezone(&zone);
    let clock = clock(at.time(), locale);
    match locale {
        Locale::PtBr => format!("{clock} de {}", at.format("%d/%m")),
        Locale::En => format!("{clock} on {}", at.format("%-d %B")),
    }
}

fn clock(time: NaiveTime, locale: Locale) -> String {
    match locale {
        Locale::PtBr => time.format("%-H:%M").to_string(),
        Locale::En if time.minute() == 0 => time.format("%-I %P").to_string(),
        Locale::En => time.format("%-I:%M %P").to_string(),
    }
}

const fn weekday_pt(from_monday: u32) -> &'static str {
    match from_monday {
        0 => "segunda-feira",
        1 => "terça-feira",
        2 => "quarta-feira",
        3 => "quinta-feira",
        4 => "sexta-feira",
        5 => "sábado",
        _ => "domingo",
    }
}

/// Writes a length of time as people say it: `30 minutos`, `1 hora`, `3 dias`; `30 minutes`, `1 hour`, `3 days`.
pub fn length(time: Duration, locale: Locale) -> String {
    let minutes = time.num_minutes().max(0);
    let (count, [one, many]) = match (minutes, locale) {
        (m, Locale::PtBr) if m % 1_440 == 0 && m > 1_440 => (m / 1_440, ["dia", "dias"]),
        (m, Locale::En) if m % 1_440 == 0 && m > 1_440 => (m / 1_440, ["day", "days"]),
        (m, Locale::PtBr) if m % 60 == 0 && m > 0 => (m / 60, ["hora", "horas"]),
        (m, Locale::En) if m % 60 == 0 && m > 0 => (m / 60, ["hour", "hours"]),
        (m, Locale::PtBr) => (m, ["minuto", "minutos"]),
        (m, Locale::En) => (m, ["minute", "minutes"]),
    };
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_lengths_are_said_as_people_say_them() {
        let zone = chrono_tz::America::Sao_Paulo;
        let now: DateTime<Utc> = "2026-11-20T13:00:00Z".parse().unwrap(); // Friday, 10:00
        for (at, pt, en) in [
            ("2026-11-20T21:00:00Z", "as 18:00 de hoje", "6 pm today"),
            ("2026-11-21T12:30:00Z", "as 9:30 de amanhã", "9:30 am tomorrow"),
            (
                "2026-11-23T12:05:00Z",
                "segunda-feira, 23/11, às 9:05",
                "Monday, 23 November, at 9:05 am",
            ),
        ] {
            let at = at.parse().unwrap();
            assert_eq!(moment(at, now, zone, Locale::PtBr), pt);
            assert_eq!(moment(at, now, zone, Locale::En), en);
        }
        assert_eq!(time_of_day(now, zone, Locale::PtBr), "10:00 de 20/11");
        assert_eq!(time_of_day(now, zone, Locale::En), "10 am on 20 November");
        for (minutes, pt, en) in [
            (1, "1 minuto", "1 minute"),
            (30, "30 minutos", "30 minutes"),
            (60, "1 hora", "1 hour"),
            (90, "90 minutos", "90 minutes"),
            (1_440, "24 horas", "24 hours"),
            (4_320, "3 dias", "3 days"),
        ] {
            assert_eq!(length(Duration::minutes(minutes), Locale::PtBr), pt);
            assert_eq!(length(Duration::minutes(minutes), Locale::En), en);
        }
    }

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
