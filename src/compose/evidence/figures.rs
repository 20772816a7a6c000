//! Finds what can be looked up in a text and writes each finding in one form: amounts, shares, dates, deadlines,
//! codes, links, addresses, phone numbers, document numbers and counts.
//!
//! What counts as equal: R$ 1.234,56 and BRL 1,234.56; 31/12, 12/31 (by language) and 31 de dezembro; 48 hours and
//! 2 days; a week and 7 days; a year and 12 months. A business day is no day, 30 days are no month, and a link to
//! another page of the same site is another link.

mod parse;

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::numerals::{SPELLED, digits};
use super::words::plain;
use crate::domain::labels::Locale;
use parse::{
    Parsed, clock, date, days, durations, group, letters_and_digits, link, money, number, one,
    phone, weekday, whole,
};

crate::domain::words! {
    /// What sort of thing can be looked up.
    FigureKind {
        /// An amount of money.
        Price = "price",
        /// A share in percent.
        Percentage = "percentage",
        /// A day: a date, a weekday, a day of the month.
        Date = "date",
        /// A length of time or a time of day.
        Deadline = "deadline",
        /// A web address.
        Link = "link",
        /// An e-mail address.
        Email = "email",
        /// A phone number.
        Phone = "phone",
        /// A CPF or CNPJ.
        Document = "personal_data",
        /// Letters and digits that mean something as they are.
        Code = "code",
        /// A count, with or without what it counts.
        Number = "number",
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    /// What it is.
    pub(super) kind: FigureKind,
    /// Its value in one form; equal values share a key.
    pub(super) keys: Vec<String>,
    /// What is counted, or per which time an amount is due.
    pub(super) of: Option<String>,
    /// How the text writes it.
    pub(super) shown: String,
    /// Where it starts in the plain text with digits.
    pub(super) at: usize,
    /// It was spelled out as a word.
    pub(super) spelled: bool,
    /// It points back: "os dois planos", "these two steps".
    pub(super) pointed: bool,
}

impl Figure {
    /// True where one could be said for the other by mistake.
    pub(super) fn is_of_sort(&self, other: &Self) -> bool {
        let times = |kind| matches!(kind, FigureKind::Date | FigureKind::Deadline);
        self.kind == other.kind || times(self.kind) && times(other.kind)
    }

    /// True for the same value of the same sort.
    pub(super) fn equals(&self, other: &Self) -> bool {
        let rates = (self.kind == FigureKind::Price && other.kind == FigureKind::Price)
            .then_some((&self.of, &other.of));
        if let Some((Some(one), Some(two))) = rates
            && one != two
        {
            return false;
        }
        // A date with a year is no date of another year.
        if let ([own, _], [known, _], FigureKind::Date, FigureKind::Date) =
            (self.keys.as_slice(), other.keys.as_slice(), self.kind, other.kind)
            && own.starts_with("d:")
            && known.starts_with("d:")
        {
            return own == known;
        }
        self.keys.iter().any(|key| {
            other.keys.iter().any(|known| match (self.kind, other.kind) {
                (FigureKind::Link, FigureKind::Link) => same_link(key, known),
                (FigureKind::Phone, FigureKind::Phone) => same_phone(key, known),
                // Two amounts are equal in one currency only; a bare number may be either.
                (FigureKind::Price, FigureKind::Price) => key == known && !key.starts_with("n:"),
                _ => key == known,
            })
        })
    }
}

/// The host alone leads to the site that a longer link is part of.
fn same_link(asked: &str, known: &str) -> bool {
    asked == known
        || known.strip_prefix(asked).is_some_and(|rest| rest.starts_with('/'))
            && !asked.contains('/')
}

/// Numbers are written with and without country and area code.
fn same_phone(one: &str, two: &str) -> bool {
    one == two || one.len() >= 8 && two.len() >= 8 && (one.ends_with(two) || two.ends_with(one))
}

const NUMBER: &str = r"~?[0-9]{1,3}(?:[.,][0-9]{3})+(?:[.,][0-9]{1,2})?|~?[0-9]+(?:[.,][0-9]+)?";

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(&text.replace("NUM", NUMBER)).ok()
}

const MONTH: &str = "janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro|january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|fev|abr|mai|ago|set|out|dez";

static EMAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+"));
static LINK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r#"(?:https?://|www\.)[^\s<>()\[\]"'|]+|\b[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.(?:com|br|net|org|io|app|dev|example|test|me|co|info|help|chat)\b(?:/[^\s<>()\[\]"'|]*)?"#,
    )
});
static DOCUMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\b(?:[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}|[0-9a-z]{2}\.[0-9a-z]{3}\.[0-9a-z]{3}/[0-9a-z]{4}-[0-9]{2})\b",
    )
});
static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(&format!(
        r"\b(?:(?P<y>[0-9]{{4}})-(?P<m>[0-9]{{2}})-(?P<d>[0-9]{{2}})|(?P<a>[0-9]{{1,2}})/(?P<b>[0-9]{{1,2}})(?:/(?P<c>[0-9]{{2,4}}))?|(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th|o)?(?: de| of)? (?P<month>{MONTH})\b\.?(?:,? (?:de |of )?(?P<year>[0-9]{{4}}))?|(?P<month2>{MONTH})\.? (?P<day2>[0-9]{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year2>[0-9]{{4}}))?)"
    ))
});
static CLOCK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\b(?P<h>[0-9]{1,2})(?: ?h ?|:)(?P<m>[0-9]{2})\b(?:\s?(?P<ap>[ap])\.?m\b\.?)?|\b(?P<h2>[0-9]{1,2})\s?(?P<ap2>[ap])\.?m\b\.?|\b(?:as|das|at|from|until|ate as) (?P<h3>[0-9]{1,2}) ?(?:h|hs|horas|o'?clock)\b|\b(?P<word>meio-dia|meia-noite|noon|midnight)\b",
    )
});
static PHONE: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?:\+\s?)?\(?[0-9][0-9()\s.-]{6,}[0-9]"));
static MONEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?P<sign>us\$|r\$|\$|€|£|\bbrl\b|\busd\b|\beur\b|\bgbp\b)\s*(?P<n>NUM)(?:\s(?P<k>mil|thousand|k)\b)?|(?P<n2>NUM)\s?(?P<name>reais|real|dolares|dollars?|euros?|libras|pounds|brl|usd|eur|gbp)\b(?: e (?P<c>NUM) centavos)?",
    )
});
static RATE_AFTER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^\s*(?:a mais |more |extra )?(?:(?:/|por|ao|a|per|every|each|cada)\s*(?P<u>mes|ano|dia|semana|month|year|day|week)\b|(?P<w>mensa(?:l|is)|anua(?:l|is)|monthly|yearly|annually))",
    )
});
static PERCENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?P<n>NUM)\s?(?:%|por cento|per ?cent)"));
static DURATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?P<list>~?[0-9]+(?:[.,][0-9]+)?(?:(?:\s?(?:,|-|–|/)\s?|\s(?:e|and|ou|or|to|a|ate)\s|,? (?:e|and|or|ou) )~?[0-9]+)*)(?:\s|-)?(?P<unit>dias?[ -]u(?:teis|til)|(?:business|working)[ -]days?|dias? corridos?|calendar days?|dias?|days?|horas? uteis|business hours?|horas?|hours?|hrs?|hs|h|minutos?|minutes?|mins?|segundos?|seconds?|secs?|semanas?|weeks?|meses|mes|months?|anos?|years?)\b",
    )
});
static DAYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\b(?:dias?|days?)\s(?P<list>[0-9]{1,2}(?:(?:, | e | and | ou | or | a | to )[0-9]{1,2})*)\b|\bthe (?P<nth>[0-9]{1,2})(?:st|nd|rd|th)\b",
    )
});
static WEEKDAY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\b(?P<w>segunda|terca|quarta|quinta|sexta)(?:-feira|s-feiras)?\b(?P<next> (?:via|vez|tentativa|opcao|etapa|parte|linha|cobranca|fatura|parcela|pessoa|conta|chance)?)?|\b(?P<e>sabados?|domingos?|mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?)\b",
    )
});
static COUNT: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"(?P<n>NUM)"));

/// A text in the form figures are read from, and its figures in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Read {
    /// Lower case, no marks, numbers in digits.
    pub(super) text: String,
    pub(super) figures: Vec<Figure>,
}

/// Reads the figures of a text; its language decides whether 12/10 is in October or in December.
pub(super) fn read(text: &str, locale: Locale) -> Read {
    of_plain(&plain(text), locale)
}

/// The same for a plain text.
pub(super) fn of_plain(plain: &str, locale: Locale) -> Read {
    let text = digits(&without_marker(plain));
    let mut reader = Reader { rest: text.clone(), figures: Vec::new() };
    if text.contains('@') {
        reader.each(&EMAIL, |found| one(FigureKind::Email, whole(found).trim_end_matches('.')));
    }
    if text.contains('.') || text.contains("://") {
        reader.each(&LINK, |found| one(FigureKind::Link, &link(whole(found))));
    }
    reader.numbers(&DOCUMENT, |found| one(FigureKind::Document, &letters_and_digits(whole(found))));
    reader.numbers(&DATE, |found| date(found, locale));
    reader.numbers(&MONEY, money);
    reader.numbers(&PERCENT, |found| {
        Some(vec![Parsed::new(
            FigureKind::Percentage,
            format!("pct:{}", number(group(found, "n"))?),
        )])
    });
    reader.each(&CLOCK, clock);
    reader.numbers(&DURATION, durations);
    reader.numbers(&DAYS, days);
    reader.each(&WEEKDAY, weekday);
    reader.numbers(&PHONE, phone);
    if reader.has_digits() {
        reader.codes();
        reader.counts();
    }
    reader.rates(&text);
    let mut figures = reader.figures;
    figures.sort_by_key(|figure| figure.at);
    Read { text, figures }
}

/// Leaves out the number or bullet of a list item.
fn without_marker(plain: &str) -> String {
    let line = plain.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line.get(digits..).unwrap_or_default();
    if (1..=2).contains(&digits) {
        if let Some(rest) = rest.strip_prefix(['.', ')']).filter(|rest| rest.starts_with(' ')) {
            return rest.to_owned();
        }
        // A keycap emoji folds to its bare digit.
        if let Some(rest) = rest.strip_prefix(' ').filter(|_| digits == 1)
            && rest.starts_with(|c: char| c.is_alphabetic())
            && VERB_AFTER_MARKER.iter().any(|verb| rest.starts_with(verb))
        {
            return rest.to_owned();
        }
    }
    line.to_owned()
}

/// What a step begins with.
const VERB_AFTER_MARKER: &[&str] = &[
    "abr", "toq", "cliq", "va ", "escolh", "digit", "acess", "entr", "seleci", "confir", "salv",
    "open", "go ", "tap", "click", "choose", "select", "enter", "pick", "type", "save", "sign",
    "log",
];

struct Reader {
    /// What no pattern has taken yet; what was taken is spaces.
    rest: String,
    figures: Vec<Figure>,
}

impl Reader {
    fn has_digits(&self) -> bool {
        self.rest.bytes().any(|byte| byte.is_ascii_digit())
    }

    /// The same as `each`, for what has a digit: most sentences have none, and many patterns look for one.
    fn numbers(
        &mut self,
        pattern: &LazyLock<Option<Regex>>,
        parse: impl Fn(&Captures<'_>) -> Option<Vec<Parsed>>,
    ) {
        if self.has_digits() {
            self.each(pattern, parse);
        }
    }

    fn each(
        &mut self,
        pattern: &LazyLock<Option<Regex>>,
        parse: impl Fn(&Captures<'_>) -> Option<Vec<Parsed>>,
    ) {
        let Some(pattern) = &**pattern else { return };
        let mut taken = Vec::new();
        for found in pattern.captures_iter(&self.rest) {
            let Some(all) = found.get(0) else { continue };
            let Some(parsed) = parse(&found) else { continue };
            taken.push(all.range());
            for Parsed { kind, keys, of } in parsed {
                self.figures.push(Figure {
                    kind,
                    keys,
                    of,
                    shown: all.as_str().trim().replace(SPELLED, ""),
                    at: all.start(),
                    spelled: all.as_str().contains(SPELLED),
                    pointed: false,
                });
            }
        }
        for range in taken {
            let blank = " ".repeat(range.len());
            self.rest.replace_range(range, &blank);
        }
    }

    /// Words that mix letters and digits.
    fn codes(&mut self) {
        let rest = self.rest.clone();
        let mut at = 0;
        for word in rest.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))) {
            let start = at;
            at += word.len()
                + rest
                    .get(at + word.len()..)
                    .and_then(|r| r.chars().next())
                    .map_or(0, char::len_utf8);
            let trimmed = word.trim_matches(['-', '_']);
            let has_digit = trimmed.bytes().any(|b| b.is_ascii_digit());
            let has_letter = trimmed.bytes().any(|b| b.is_ascii_alphabetic());
            let begins_with_count = trimmed.starts_with(|c: char| c.is_ascii_digit());
            if !has_digit
                || !has_letter
                || trimmed.len() < 4
                || (begins_with_count && trimmed.contains('-'))
            {
                continue;
            }
            let offset = word.find(trimmed).unwrap_or(0);
            self.figures.push(Figure {
                kind: FigureKind::Code,
                keys: vec![format!("code:{}", letters_and_digits(trimmed))],
                of: None,
                shown: trimmed.to_owned(),
                at: start + offset,
                spelled: false,
                pointed: false,
            });
            let blank = " ".repeat(word.len());
            self.rest.replace_range(start..start + word.len(), &blank);
        }
    }

    /// Whatever number is left, with what it counts.
    fn counts(&mut self) {
        let Some(pattern) = &*COUNT else { return };
        for found in pattern.find_iter(&self.rest) {
            let before = self.rest.get(..found.start()).unwrap_or_default();
            let after = self.rest.get(found.end()..).unwrap_or_default();
            // Part of a word ("mp3"), or a number of a step.
            if before.ends_with(|c: char| c.is_alphabetic()) || names_a_place(before) {
                continue;
            }
            let Some(number) = number(found.as_str()) else { continue };
            self.figures.push(Figure {
                kind: FigureKind::Number,
                keys: vec![format!("n:{number}")],
                of: counted(after),
                shown: found.as_str().replace(SPELLED, ""),
                at: found.start(),
                spelled: found.as_str().contains(SPELLED),
                pointed: points_back(before),
            });
        }
    }

    /// Per which time an amount is due.
    fn rates(&mut self, text: &str) {
        for figure in self.figures.iter_mut().filter(|f| f.kind == FigureKind::Price) {
            let end = figure.at + figure.shown.len();
            let after = text.get(end..).unwrap_or_default();
            let found = RATE_AFTER.as_ref().and_then(|rate| rate.captures(after));
            let unit = found.as_ref().map(|found| {
                found.name("u").or_else(|| found.name("w")).map_or("", |unit| unit.as_str())
            });
            figure.of = unit.map(|unit| match unit {
                "mes" | "month" | "monthly" => "month".to_owned(),
                unit if unit.starts_with("mensa") => "month".to_owned(),
                "dia" | "day" => "day".to_owned(),
                "semana" | "week" => "week".to_owned(),
                _ => "year".to_owned(),
            });
        }
    }
}

/// True after words that number a place in a list: "passo 2", "step 3", "opção 1".
fn names_a_place(before: &str) -> bool {
    let word = before.trim_end_matches([' ', '#', 'º', '°']).rsplit(' ').next().unwrap_or_default();
    matches!(
        word,
        "passo"
            | "etapa"
            | "opcao"
            | "item"
            | "parte"
            | "step"
            | "option"
            | "part"
            | "point"
            | "no."
            | "tip"
            | "dica"
    )
}

/// True after words that point at what was just said.
fn points_back(before: &str) -> bool {
    let word = before.trim_end().rsplit(' ').next().unwrap_or_default();
    matches!(
        word,
        "os" | "as"
            | "dos"
            | "das"
            | "nos"
            | "nas"
            | "esses"
            | "essas"
            | "estes"
            | "estas"
            | "the"
            | "these"
            | "those"
            | "both"
            | "ambos"
    )
}

/// The word that a number counts: the first one that says something.
fn counted(after: &str) -> Option<String> {
    let after = after.trim_start_matches([' ', '-']);
    let mut words = after.split([' ', '-']);
    for _ in 0..3 {
        let word = words.next()?;
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.is_empty() || bare.bytes().any(|b| b.is_ascii_digit()) {
            return None;
        }
        if !matches!(
            bare,
            "de" | "of"
                | "outros"
                | "outras"
                | "more"
                | "novos"
                | "novas"
                | "mais"
                | "new"
                | "different"
                | "extra"
                | "primeiros"
                | "primeiras"
                | "first"
                | "ultimos"
                | "ultimas"
                | "last"
                | "active"
                | "single"
        ) {
            return Some(bare.to_owned());
        }
        if word.ends_with(['.', ',', ';', ':', ')']) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests;
