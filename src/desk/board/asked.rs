//! What an address of the board asks for: which time, and which form stands open.

use chrono::{Duration, NaiveDate};

use crate::desk::posted::Posted;

/// The time that the board's figures are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Period {
    /// Today, compared with yesterday and with the same day a week ago.
    #[default]
    Today,
    /// The last seven days.
    Week,
    /// The last thirty days.
    Month,
}

/// Days in a row, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
}

impl Span {
    /// The days up to one of them.
    pub(super) fn until(to: NaiveDate, days: i64) -> Self {
        Self { from: to - Duration::days(days - 1), to }
    }

    pub(super) fn holds(self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }

    /// Every day of it, in order.
    pub(super) fn days(self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take_while(move |day| *day <= self.to)
    }
}

impl Period {
    pub(super) const ALL: [Self; 3] = [Self::Today, Self::Week, Self::Month];

    pub(super) const fn days(self) -> i64 {
        match self {
            Self::Today => 1,
            Self::Week => 7,
            Self::Month => 30,
        }
    }

    /// What addresses and words call it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Today => "1",
            Self::Week => "7",
            Self::Month => "30",
        }
    }

    /// The days that figures are of.
    pub(super) fn span(self, today: NaiveDate) -> Span {
        Span::until(today, self.days())
    }

    /// The days before those, as many.
    pub(super) fn before(self, today: NaiveDate) -> Span {
        Span::until(today - Duration::days(self.days()), self.days())
    }

    /// The days that plots show.
    pub(super) fn shown(self, today: NaiveDate) -> Span {
        Span::until(today, if self == Self::Month { 30 } else { 14 })
    }

    /// All days that any of these need.
    pub(super) fn read(self, today: NaiveDate) -> Span {
        Span::until(today, (2 * self.days()).max(14))
    }
}

/// A form that stands open on the board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Panel {
    #[default]
    None,
    /// Stopping the assistant.
    Stop,
    /// Switching it on again.
    Resume,
    /// Declaring an incident.
    Declare,
    /// Telling customers more of the named incident.
    Update(String),
    /// Ending the named incident.
    End(String),
}

/// What is behind the question mark of the board's address.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) period: Period,
    pub(super) panel: Panel,
    /// What was just done.
    pub(super) done: Option<String>,
}

impl Asked {
    /// Reads it; what nobody knows is left out.
    pub(super) fn read(query: &str) -> Self {
        let fields = Posted::read(query.as_bytes());
        let named = || fields.get("nome").unwrap_or_default().to_owned();
        Self {
            period: period_of(&fields),
            panel: match fields.get("acao") {
                Some("parar") => Panel::Stop,
                Some("ligar") => Panel::Resume,
                Some("incidente") => Panel::Declare,
                Some("aviso") => Panel::Update(named()),
                Some("encerrar") => Panel::End(named()),
                _ => Panel::None,
            },
            done: fields.get("feito").map(str::to_owned),
        }
    }

    /// The address of the board with a form open.
    pub(super) fn with(&self, panel: &Panel) -> String {
        address(self.period, panel, None)
    }
}

/// Reads the time that a form or an address names.
pub(super) fn period_of(fields: &Posted) -> Period {
    let word = fields.get("de");
    Period::ALL.into_iter().find(|one| word == Some(one.word())).unwrap_or_default()
}

/// Writes an address of the board.
pub(super) fn address(period: Period, panel: &Panel, done: Option<&str>) -> String {
    let (action, name) = match panel {
        Panel::None => (None, None),
        Panel::Stop => (Some("parar"), None),
        Panel::Resume => (Some("ligar"), None),
        Panel::Declare => (Some("incidente"), None),
        Panel::Update(name) => (Some("aviso"), Some(name)),
        Panel::End(name) => (Some("encerrar"), Some(name)),
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    if period != Period::Today {
        query.append_pair("de", period.word());
    }
    for (key, value) in [("acao", action), ("nome", name.map(String::as_str)), ("feito", done)] {
        if let Some(value) = value {
            query.append_pair(key, value);
        }
    }
    match query.finish() {
        query if query.is_empty() => "/desk/queues".to_owned(),
        query => format!("/desk/queues?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for (period, panel, expected) in [
            (Period::Today, Panel::None, "/desk/queues"),
            (Period::Week, Panel::Stop, "/desk/queues?de=7&acao=parar"),
            (
                Period::Today,
                Panel::End("pix & cia".to_owned()),
                "/desk/queues?acao=encerrar&nome=pix+%26+cia",
            ),
        ] {
            let written = address(period, &panel, None);
            assert_eq!(written, expected);
            let read = Asked::read(written.split_once('?').map_or("", |(_, query)| query));
            assert_eq!((read.period, read.panel), (period, panel));
        }
        let odd = Asked::read("de=8&acao=x&feito=stopped");
        assert_eq!((odd.period, odd.panel), (Period::Today, Panel::None));
        assert_eq!(odd.done.as_deref(), Some("stopped"));
    }

    #[test]
    fn a_week_is_compared_with_the_week_before() {
        let today: NaiveDate = "2026-11-22".parse().unwrap();
        let shown = |span: Span| format!("{} {}", span.from, span.to);
        assert_eq!(shown(Period::Week.span(today)), "2026-11-16 2026-11-22");
        assert_eq!(shown(Period::Week.before(today)), "2026-11-09 2026-11-15");
        assert_eq!(shown(Period::Today.before(today)), "2026-11-21 2026-11-21");
        assert_eq!(Period::Month.read(today).days().count(), 60);
    }
}
