//! Writes what a pattern found in one form.

use regex::Captures;

use super::super::numerals::SPELLED;
use super::FigureKind;
use crate::domain::labels::Locale;

const MONTHS: &[(&str, &str)] = &[
    ("janeiro", "january"),
    ("fevereiro", "february"),
    ("marco", "march"),
    ("abril", "april"),
    ("maio", "may"),
    ("junho", "june"),
    ("julho", "july"),
    ("agosto", "august"),
    ("setembro", "september"),
    ("outubro", "october"),
    ("novembro", "november"),
    ("dezembro", "december"),
];
/// What was found, before it is known how the text writes it.
pub(super) struct Parsed {
    pub(super) kind: FigureKind,
    pub(super) keys: Vec<String>,
    pub(super) of: Option<String>,
}

impl Parsed {
    pub(super) fn new(kind: FigureKind, key: String) -> Self {
        Self { kind, keys: vec![key], of: None }
    }
}

pub(super) fn whole<'a>(found: &'a Captures<'_>) -> &'a str {
    found.get(0).map_or("", |all| all.as_str())
}

pub(super) fn group<'a>(found: &'a Captures<'_>, name: &str) -> &'a str {
    found.name(name).map_or("", |part| part.as_str())
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that every reading has")]
pub(super) fn one(kind: FigureKind, key: &str) -> Option<Vec<Parsed>> {
    Some(vec![Parsed::new(kind, key.to_owned())])
}

pub(super) fn link(text: &str) -> String {
    let text = text.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_']);
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.strip_prefix("www.").unwrap_or(text);
    let text = text.split(['?', '#']).next().unwrap_or(text);
    text.trim_end_matches('/').to_owned()
}

pub(super) fn letters_and_digits(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Reads a number in either style: groups of three digits are thousands, other digits after a sign are decimals.
pub(super) fn number(text: &str) -> Option<String> {
    let text = text.trim_start_matches(SPELLED);
    let (whole, decimals) = match text.rfind(['.', ',']) {
        Some(at) => {
            let (whole, rest) = text.split_at(at);
            let rest = rest.get(1..).unwrap_or_default();
            // "1.234" is a thousand; "0.125" and "1234.567" are not written in groups.
            if rest.len() == 3 && !whole.starts_with('0') && whole.len() <= 11 {
                (text.to_owned(), "")
            } else {
                (whole.to_owned(), rest)
            }
        }
        None => (text.to_owned(), ""),
    };
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let decimals = decimals.trim_end_matches('0');
    if whole.len() > 15 {
        return None;
    }
    Some(if decimals.is_empty() { whole.to_owned() } else { format!("{whole}.{decimals}") })
}

pub(super) fn money(found: &Captures<'_>) -> Option<Vec<Parsed>> {
    let (sign, amount) = match group(found, "n") {
        "" => (group(found, "name"), group(found, "n2")),
        amount => (group(found, "sign"), amount),
    };
    let currency = match sign {
        "us$" | "$" | "usd" | "dolares" | "dollar" | "dollars" => "usd",
        "€" | "eur" | "euro" | "euros" => "eur",
        "£" | "gbp" | "libras" | "pounds" => "gbp",
        _ => "brl",
    };
    let mut amount = number(amount)?;
    if !group(found, "k").is_empty() {
        amount.push_str("000");
    }
    if let Some(cents) = number(group(found, "c")).filter(|_| found.name("c").is_some()) {
        amount = number(&format!("{amount}.{cents:0>2}"))?;
    }
    Some(vec![Parsed {
        kind: FigureKind::Price,
        keys: vec![format!("{currency}:{amount}"), format!("n:{amount}")],
        of: None,
    }])
}

pub(super) fn date(found: &Captures<'_>, locale: Locale) -> Option<Vec<Parsed>> {
    let of = |name: &str| group(found, name).parse::<u32>().ok();
    let named = |month: &str| {
        let at = MONTHS.iter().position(|(pt, en)| {
            *pt == month
                || *en == month
                || month.len() >= 3 && (pt.starts_with(month) || en.starts_with(month))
        })?;
        u32::try_from(at + 1).ok()
    };
    let (day, month, year) =
        if let (Some(year), Some(month), Some(day)) = (of("y"), of("m"), of("d")) {
            (day, month, Some(year))
        } else if let (Some(a), Some(b)) = (of("a"), of("b")) {
            let (day, month) = match locale {
                Locale::En if a <= 12 => (b, a),
                Locale::PtBr if b > 12 => (b, a),
                _ => (a, b),
            };
            (day, month, of("c").map(|year| if year < 100 { 2000 + year } else { year }))
        } else if let Some(day) = of("day") {
            (day, named(group(found, "month"))?, of("year"))
        } else {
            (of("day2")?, named(group(found, "month2"))?, of("year2"))
        };
    if !(1..=31).contains(&day) || !(1..=12).contains(&month) {
        return None;
    }
    let mut keys = Vec::new();
    if let Some(year) = year {
        keys.push(format!("d:{year}-{month}-{day}"));
    }
    keys.push(format!("d:{month}-{day}"));
    Some(vec![Parsed { kind: FigureKind::Date, keys, of: None }])
}

pub(super) fn clock(found: &Captures<'_>) -> Option<Vec<Parsed>> {
    let minutes = match group(found, "word") {
        "meio-dia" | "noon" => 720,
        "meia-noite" | "midnight" => 0,
        _ => {
            let hours = ["h", "h2", "h3"]
                .into_iter()
                .find_map(|name| group(found, name).parse::<u32>().ok())?;
            let rest = group(found, "m").parse::<u32>().unwrap_or(0);
            if hours > 24 || rest > 59 {
                return None;
            }
            let half =
                if found.name("ap").is_some() { group(found, "ap") } else { group(found, "ap2") };
            match half {
                "p" if hours < 12 => (hours + 12) * 60 + rest,
                "a" if hours == 12 => rest,
                _ => hours * 60 + rest,
            }
        }
    };
    Some(vec![Parsed::new(FigureKind::Deadline, format!("c:{minutes}"))])
}

pub(super) fn durations(found: &Captures<'_>) -> Option<Vec<Parsed>> {
    let unit = group(found, "unit");
    let parsed: Vec<Parsed> = group(found, "list")
        .split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')))
        .map(|amount| amount.trim_matches(['.', ',']))
        .filter(|amount| !amount.is_empty())
        .filter_map(|amount| duration(amount, unit))
        .collect();
    (!parsed.is_empty()).then_some(parsed)
}

pub(super) fn duration(amount: &str, unit: &str) -> Option<Parsed> {
    let amount = number(amount)?;
    let Ok(whole) = amount.parse::<u64>() else {
        return Some(Parsed::new(FigureKind::Deadline, format!("t:{amount}:{}", unit.get(..1)?)));
    };
    let mut keys = Vec::new();
    let key = if unit.contains("util")
        || unit.contains("utei")
        || unit.starts_with("business")
        || unit.starts_with("working")
    {
        if unit.contains("hour") || unit.contains("hora") {
            format!("bh:{whole}")
        } else {
            format!("bd:{whole}")
        }
    } else {
        let seconds = |each: u64| format!("t:{}", whole.saturating_mul(each));
        match unit.get(..1).unwrap_or_default() {
            "s" if unit.starts_with("sem") => seconds(7 * 86_400),
            "s" => seconds(1),
            "w" => seconds(7 * 86_400),
            "d" | "c" => seconds(86_400),
            "h" => {
                // "8h" alone is also a time of day.
                if whole <= 24 {
                    keys.push(format!("c:{}", whole * 60));
                }
                seconds(3_600)
            }
            "m" if unit.starts_with("mi") => seconds(60),
            "m" => format!("m:{whole}"),
            _ => format!("m:{}", whole.saturating_mul(12)),
        }
    };
    keys.insert(0, key);
    Some(Parsed { kind: FigureKind::Deadline, keys, of: None })
}

pub(super) fn days(found: &Captures<'_>) -> Option<Vec<Parsed>> {
    let list = if found.name("nth").is_some() { group(found, "nth") } else { group(found, "list") };
    let parsed: Vec<Parsed> = list
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|day| day.parse::<u64>().ok())
        .filter(|day| (1..=90).contains(day))
        .map(|day| Parsed {
            kind: FigureKind::Date,
            // "Until day 7" and "for 7 days" say the same of a period.
            keys: vec![format!("day:{day}"), format!("t:{}", day * 86_400)],
            of: None,
        })
        .collect();
    (!parsed.is_empty()).then_some(parsed)
}

pub(super) fn weekday(found: &Captures<'_>) -> Option<Vec<Parsed>> {
    // "Segunda via" is a copy, "quarta tentativa" a fourth try.
    if found.name("next").is_some_and(|next| next.as_str().trim().len() > 1) {
        return None;
    }
    let word = if found.name("w").is_some() { group(found, "w") } else { group(found, "e") };
    let day = match word.get(..3)? {
        "seg" | "mon" => 1,
        "ter" | "tue" => 2,
        "qua" | "wed" => 3,
        "qui" | "thu" => 4,
        "sex" | "fri" => 5,
        "sab" | "sat" => 6,
        _ => 7,
    };
    Some(vec![Parsed::new(FigureKind::Date, format!("w:{day}"))])
}

pub(super) fn phone(found: &Captures<'_>) -> Option<Vec<Parsed>> {
    let shown = whole(found);
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    let grouped =
        shown.split(['.', ',']).skip(1).all(|part| part.len() == 3) && shown.contains(['.', ',']);
    // Two numbers side by side are no phone; neither are thousands in groups.
    if !(8..=15).contains(&digits.len()) || grouped || shown.contains("  ") {
        return None;
    }
    Some(vec![Parsed::new(FigureKind::Phone, digits)])
}
