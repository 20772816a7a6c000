//! Reads business hours as people write them, in Portuguese and English.
//!
//! `seg-sex 08:00-18:00`, `seg a sex das 8h às 12h e das 13h às 18h; sáb 9h-13h`, `Mon-Fri 9am-5:30pm`,
//! `24/7`. What is not understood whole is refused, never guessed.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use regex::Regex;

use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;

/// Open spans of each day, in minutes after midnight, in order. Days are 0 (Monday) to 6 (Sunday);
/// a closed day is absent.
pub(super) type Week = BTreeMap<usize, Vec<(u32, u32)>>;

/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// The days as they are written, Monday first, without accents.
const NAMES: [[&str; 2]; 7] = [
    ["segunda", "monday"],
    ["terca", "tuesday"],
    ["quarta", "wednesday"],
    ["quinta", "thursday"],
    ["sexta", "friday"],
    ["sabado", "saturday"],
    ["domingo", "sunday"],
];

/// Returns the hours that are offered when nobody says others.
pub(super) const fn default(locale: Locale) -> &'static str {
    match locale {
        Locale::PtBr => "seg-sex 08:00-18:00",
        Locale::En => "Mon-Fri 08:00-18:00",
    }
}

/// Reads the hours of a week.
pub(super) fn parse(text: &str) -> Result<Week, LocalText> {
    let text = plain(text);
    if ["24/7", "24x7", "24h", "24 horas", "24 hours", "sempre", "always"].contains(&text.trim()) {
        return Ok((0..7).map(|day| (day, vec![(0, DAY)])).collect());
    }
    let mut week = Week::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let digit = part.find(|c: char| c.is_ascii_digit()).ok_or_else(|| no_hours(part))?;
        let (days, hours) = part.split_at_checked(digit).ok_or_else(|| no_hours(part))?;
        let spans = spans(hours)?;
        for day in days_of(days)? {
            week.entry(day).or_default().extend(&spans);
        }
    }
    if week.is_empty() {
        return Err(no_hours(&text));
    }
    for spans in week.values_mut() {
        spans.sort_unstable();
        if spans.windows(2).any(|pair| matches!(pair, [first, second] if second.0 < first.1)) {
            return Err(LocalText::new(
                "há horários que se sobrepõem no mesmo dia",
                "some hours of one day overlap",
            ));
        }
    }
    Ok(week)
}

/// Lower case without the marks that people leave out as often as not, and one kind of dash.
fn plain(text: &str) -> String {
    let text: String = text
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'á' | 'à' | 'â' | 'ã' => 'a',
            'é' | 'ê' => 'e',
            'ç' => 'c',
            'ú' => 'u',
            '–' | '—' => '-',
            c => c,
        })
        .collect();
    text.replace("-feiras", "").replace("-feira", "")
}

fn days_of(text: &str) -> Result<Vec<usize>, LocalText> {
    let whole: RangeInclusive<usize> = 0..=6;
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '.' | '(' | ')'))
        .flat_map(|word| word.split_inclusive('-'))
        .flat_map(|word| match word.strip_suffix('-') {
            Some(day) => [day, "-"],
            None => [word, ""],
        })
        .filter(|word| !word.is_empty())
        // "das 8h", "de segunda", "segunda-feira": said around days, not saying which.
        .filter(|word| !["das", "de", "from", "feira", "feiras", "on", "aos", "as"].contains(word))
        .collect();
    match words.as_slice() {
        [] | ["todos", "os", "dias"] | ["diariamente" | "daily"] | ["every", "day"] => {
            return Ok(whole.collect());
        }
        ["dias", "uteis"] | ["weekdays"] => return Ok((0..=4).collect()),
        _ => {}
    }

    let mut days: Vec<usize> = Vec::new();
    let mut range = false;
    let mut joined = true;
    for word in words {
        match word {
            "-" | "a" | "ate" | "to" | "through" | "till" | "until" => range = !days.is_empty(),
            "e" | "and" | "&" | "+" => (range, joined) = (false, true),
            word => {
                let day = day_of(word).ok_or_else(|| no_day(word))?;
                let from = days.last().copied().filter(|_| range);
                match from {
                    // A range may run over the end of the week: "sáb-seg".
                    Some(from) => days.extend((1..7).map(|step| (from + step) % 7).take_while({
                        let mut past = false;
                        move |next| !std::mem::replace(&mut past, *next == day)
                    })),
                    None => days.push(day),
                }
                (range, joined) = (false, false);
            }
        }
    }
    if range || (joined && !days.is_empty()) {
        return Err(no_day(text.trim()));
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

fn day_of(word: &str) -> Option<usize> {
    // Three letters tell all days apart in both languages ("sex" is no "segunda", "sat" no "sábado").
    let word = word.trim_end_matches('s');
    let found = || NAMES.iter().position(|names| names.iter().any(|name| name.starts_with(word)));
    (word.len() >= 3).then(found).flatten()
}

/// A time, with its hour, minutes and half of the day: `8`, `8h`, `8h30`, `08:00`, `8:30 pm`.
const TIME: &str = r"(\d{1,2})(?:[:h](\d{2}))?\s*(?:horas|hrs|hs|h)?\s*(am|pm)?";

static SPAN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(
        r"^\s*(?:das|de|from)?\s*{TIME}\s*(?:-|a|as|ate|to|till|until)\s*{TIME}\s*"
    ))
    .ok()
});

static JOINER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:,|/|e\b|and\b|&)").ok());

fn spans(text: &str) -> Result<Vec<(u32, u32)>, LocalText> {
    let mut rest = text;
    let mut found = Vec::new();
    loop {
        let matched =
            SPAN.as_ref().and_then(|span| span.captures(rest)).ok_or_else(|| no_hours(text))?;
        let group = |index: usize| matched.get(index).map(|found| found.as_str());
        let until = clock(group(4), group(5), group(6)).ok_or_else(|| no_hours(text))?;
        let from = clock(group(1), group(2), group(3)).ok_or_else(|| no_hours(text))?;
        if from >= until {
            return Err(LocalText::new(
                "o fim vem antes do começo; um turno que passa da meia-noite são dois: \
                 sex 18:00-24:00; sáb 00:00-02:00",
                "the end comes before the beginning; a shift past midnight is two: \
                 Fri 18:00-24:00; Sat 00:00-02:00",
            ));
        }
        found.push((from, until));
        let end = matched.get(0).map_or(0, |whole| whole.end());
        rest = rest.get(end..).unwrap_or_default();
        if rest.trim().is_empty() {
            return Ok(found);
        }
        let joiner = JOINER.as_ref().and_then(|joiner| joiner.find(rest));
        let end = joiner.ok_or_else(|| no_hours(text))?.end();
        rest = rest.get(end..).unwrap_or_default();
    }
}

fn clock(hour: Option<&str>, minutes: Option<&str>, half: Option<&str>) -> Option<u32> {
    let hour: u32 = hour?.parse().ok()?;
    let minutes: u32 = minutes.map_or(Some(0), |text| text.parse().ok())?;
    let hour = match half {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("am") => hour % 12,
        Some(_) => hour % 12 + 12,
    };
    (minutes < 60 && hour * 60 + minutes <= DAY).then_some(hour * 60 + minutes)
}

fn no_hours(text: &str) -> LocalText {
    LocalText::new(
        format!("não entendi o horário \"{text}\"; escreva como em \"seg-sex 08:00-18:00\""),
        format!("the hours \"{text}\" are not clear; write them as in \"Mon-Fri 08:00-18:00\""),
    )
}

fn no_day(text: &str) -> LocalText {
    LocalText::new(
        format!(
            "\"{text}\" não é um dia da semana; escreva como em \"seg-sex 08:00-18:00; sáb 09:00-13:00\""
        ),
        format!(
            "\"{text}\" is no day of the week; write as in \"Mon-Fri 08:00-18:00; Sat 09:00-13:00\""
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `0-4 480-1080`: days, then minutes.
    fn shown(week: &Week) -> String {
        let days = week.iter().map(|(day, spans)| {
            let spans: Vec<String> = spans.iter().map(|(a, b)| format!("{a}-{b}")).collect();
            format!("{day}:{}", spans.join("+"))
        });
        days.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn hours_are_read_as_people_write_them() {
        let office = "0:480-1080 1:480-1080 2:480-1080 3:480-1080 4:480-1080";
        let split = "0:480-720+780-1080 1:480-720+780-1080 2:480-720+780-1080 3:480-720+780-1080 \
                     4:480-720+780-1080";
        let always = "0:0-1440 1:0-1440 2:0-1440 3:0-1440 4:0-1440 5:0-1440 6:0-1440";
        for (text, expected) in [
            (default(Locale::PtBr), office),
            (default(Locale::En), office),
            ("seg a sex 8h às 18h", office),
            ("de segunda a sexta, das 8h às 18h", office),
            ("segunda-feira a sexta-feira 8:00 - 18:00", office),
            ("Monday through Friday from 8am to 6pm", office),
            ("Mon – Fri: 8-18", office),
            ("dias úteis 08:00 às 18:00", office),
            ("SEG-SEX 8H-18H", office),
            ("seg-sex 08:00-12:00, 13:00-18:00", split),
            ("seg-sex 8h-12h e 13h-18h", split),
            ("Mon-Fri 8am-12pm and 1pm-6pm", split),
            ("seg-sex 13h-18h; seg-sex 8h-12h", split),
            ("seg, qua e sex 9h30-17h45", "0:570-1065 2:570-1065 4:570-1065"),
            ("sáb 09:00-13:00; dom 10:00-12:00;", "5:540-780 6:600-720"),
            ("sex-seg 10h-12h", "0:600-720 4:600-720 5:600-720 6:600-720"),
            ("Tue-Thurs 9:15am-5:30 pm", "1:555-1050 2:555-1050 3:555-1050"),
            ("terças e quintas 14h-16h", "1:840-960 3:840-960"),
            ("Sat 12am-12pm", "5:0-720"),
            ("24/7", always),
            ("todos os dias 00:00-24:00", always),
            ("00:00-24:00", always),
        ] {
            let read = parse(text).map(|week| shown(&week)).map_err(|error| error.en);
            assert_eq!(read.as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_clear_is_refused() {
        for text in [
            "",
            ";",
            "comercial",
            "seg-sex",
            "seg-sex 8h",
            "seg-sex 18:00-08:00",
            "seg-sex 08:00-08:00",
            "seg-sex 08:00-25:00",
            "seg-sex 08:61-18:00",
            "seg-sex 13pm-15pm",
            "seg-sex 08:00-18:00 menos feriados",
            "seg-sex 08:00-12:00,",
            "seg- 08:00-12:00",
            "seg e 08:00-12:00",
            "xyz-sex 08:00-18:00",
            "se 08:00-18:00",
            "seg-sex 08:00-12:00, 11:00-18:00",
            "seg-sex 8h-18h; sex 17h-20h",
        ] {
            assert!(parse(text).is_err(), "{text}: {:?}", parse(text));
        }
    }
}
