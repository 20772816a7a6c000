//! The figures at the head of the board: each beside what it was before, and a percentage never without its count.

use chrono::{Duration, NaiveDate};
use serde_json::{Value, json};

use super::asked::{Period, Span};
use super::numbers::Numbers;
use super::svg::{real, spark};
use crate::adapters::store::{Tallied, Waited};
use crate::desk::shown::View;
use crate::domain::labels::{Locale, Urgency};
use crate::policy::SlaTime;

/// Days behind the small line of a figure.
const TREND: i64 = 14;

/// Sums of some days of what happened.
#[derive(Clone, Copy)]
pub(super) struct Sums<'n>(pub(super) &'n [Tallied]);

impl Sums<'_> {
    /// How often something happened, whatever its part.
    pub(super) fn all(self, name: &str, span: Span) -> i64 {
        self.of(span, |one| one.name == name)
    }

    /// How often a part of it did.
    pub(super) fn part(self, name: &str, part: &str, span: Span) -> i64 {
        self.of(span, |one| one.name == name && one.part == part)
    }

    fn of(self, span: Span, wanted: impl Fn(&Tallied) -> bool) -> i64 {
        let found = self.0.iter().filter(|one| span.holds(one.day) && wanted(one));
        found.map(|one| one.value).sum()
    }
}

/// How long customers waited for their first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// Half of them waited no longer than so many seconds.
    pub(super) median: i64,
    /// Their mean wait in seconds.
    pub(super) mean: i64,
    pub(super) tickets: i64,
    pub(super) late: i64,
}

/// Judges the waits of some days; `None` where nobody was answered for the first time.
pub(super) fn wait(waits: &[Waited], span: Span) -> Option<Wait> {
    let mut found: Vec<&Waited> = waits.iter().filter(|one| span.holds(one.day)).collect();
    found.sort_by_key(|one| one.secs);
    let tickets: i64 = found.iter().map(|one| one.tickets).sum();
    let late = found.iter().map(|one| one.late).sum();
    let mean = found.iter().map(|one| one.secs * one.tickets).sum::<i64>() / tickets.max(1);
    let mut passed = 0;
    let median = found.iter().find(|one| {
        passed += one.tickets;
        passed * 2 >= tickets
    })?;
    (tickets > 0).then_some(Wait { median: median.secs, mean, tickets, late })
}

/// What people decided about drafts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Drafts {
    pub(super) approved: i64,
    pub(super) edited: i64,
    pub(super) rejected: i64,
}

impl Drafts {
    pub(super) fn of(sums: Sums<'_>, span: Span) -> Self {
        Self {
            approved: sums.all("draft_approved", span),
            edited: sums.all("draft_edited", span),
            rejected: sums.all("draft_rejected", span),
        }
    }

    pub(super) const fn all(self) -> i64 {
        self.approved + self.edited + self.rejected
    }
}

/// A share of a whole in percent; `None` of nothing.
pub(super) fn percent_of(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| 100.0 * real(part) / real(whole))
}

impl View<'_> {
    /// A whole number as people read it: `1.240`, `1,240`.
    pub(super) fn count(&self, number: i64) -> String {
        let digits = number.unsigned_abs().to_string();
        let mark = self.of(".", ",");
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push_str(mark);
            }
            text.push(digit);
        }
        if number < 0 { format!("−{text}") } else { text }
    }

    /// A percentage with one decimal where it has one: `93,4%`, `90%`.
    pub(super) fn share(&self, percent: f64) -> String {
        let text = format!("{percent:.1}");
        let text = text.strip_suffix(".0").unwrap_or(&text);
        format!(
            "{}%",
            if self.locale() == Locale::PtBr { text.replace('.', ",") } else { text.to_owned() }
        )
    }

    /// A wait as people read it: `45 s`, `7 min`, `1 h 05`, `2 d`.
    #[expect(clippy::unused_self, reason = "what a view says is asked of the view")]
    pub(super) fn wait(&self, secs: i64) -> String {
        match secs {
            ..120 => format!("{secs} s"),
            120..3_600 => format!("{} min", secs / 60),
            3_600..172_800 => format!("{} h {:02}", secs / 3_600, secs % 3_600 / 60),
            _ => format!("{} d", secs / 86_400),
        }
    }

    /// A day on an axis or in a table: `22/11`, `22 Nov`.
    pub(super) fn date(&self, day: NaiveDate) -> String {
        day.format(self.of("%d/%m", "%-d %b")).to_string()
    }
}

/// The time in which a case of normal urgency is to be answered first, in seconds, and for which share of them.
pub(super) fn target(view: &View<'_>) -> Option<(i64, f64)> {
    let row = view.pack?.sla.by_priority.get(&Urgency::Normal)?;
    let SlaTime::Minutes(minutes) = row.first_response else { return None };
    Some((i64::from(minutes) * 60, row.first_response_share))
}

/// What figures are made of.
struct Figures<'a> {
    view: &'a View<'a>,
    numbers: &'a Numbers,
    sums: Sums<'a>,
    period: Period,
    now: Span,
    before: Span,
    /// The same day a week ago, where the figures are of one day.
    week_ago: Option<Span>,
}

/// The figures of a time. `open` are the open tickets by how they stand.
pub(super) fn figures(
    view: &View<'_>,
    numbers: &Numbers,
    period: Period,
    open: [i64; 3],
) -> Vec<Value> {
    let today = numbers.today;
    let figures = Figures {
        view,
        numbers,
        sums: Sums(&numbers.days),
        period,
        now: period.span(today),
        before: period.before(today),
        week_ago: (period == Period::Today).then(|| Span::until(today - Duration::days(7), 1)),
    };
    vec![
        figures.open(open),
        figures.counted("opened"),
        figures.counted("solved"),
        figures.first_answer(),
        figures.in_time(),
        figures.by_the_assistant(),
        figures.approved(),
        figures.satisfied(),
        figures.notices(),
    ]
}

impl Figures<'_> {
    fn say(&self, name: &str, values: &[(&str, &str)]) -> String {
        self.view.say(&format!("board.figure.{name}"), values)
    }

    /// Puts a figure together. `before` says what it was for some days.
    fn figure(
        &self,
        key: &str,
        value: Option<String>,
        detail: &str,
        before: impl Fn(Span) -> Option<String>,
        trend: impl Fn(Span) -> Option<f64>,
    ) -> Value {
        let nothing = || "–".to_owned();
        let earlier = before(self.before).unwrap_or_else(nothing);
        let before = match self.week_ago {
            Some(week) => {
                let week = before(week).unwrap_or_else(nothing);
                self.say("before.1", &[("a", &earlier), ("b", &week)])
            }
            None => self.say(&format!("before.{}", self.period.word()), &[("a", &earlier)]),
        };
        let days = Span::until(self.numbers.today, TREND).days();
        let trend: Vec<Option<f64>> = days.map(|day| trend(Span::until(day, 1))).collect();
        json!({
            "key": key, "label": self.say(&format!("{key}.label"), &[]),
            "empty": value.is_none(), "value": value.unwrap_or_else(nothing),
            "detail": detail, "before": before, "spark_html": spark(&trend), "late": null,
        })
    }

    fn open(&self, [on_track, at_risk, breached]: [i64; 3]) -> Value {
        let all = self.view.count(on_track + at_risk + breached);
        let [risk, late] = [at_risk, breached]
            .map(|count| json!({"count": count, "text": self.view.count(count)}));
        json!({
            "key": "open", "label": self.say("open.label", &[]), "empty": false, "value": all,
            "detail": "", "before": "", "spark_html": "",
            "late": {"risk": risk, "late": late},
        })
    }

    fn counted(&self, name: &str) -> Value {
        let of = |span| self.sums.all(name, span);
        let detail = match name {
            "solved" if of(self.now) > 0 => {
                let minutes = self.sums.all("solved_minutes", self.now) / of(self.now);
                self.say("solved.detail", &[("time", &self.view.wait(minutes * 60))])
            }
            _ => String::new(),
        };
        let shown = |span| Some(self.view.count(of(span)));
        self.figure(name, shown(self.now), &detail, shown, |day| Some(real(of(day))))
    }

    fn first_answer(&self) -> Value {
        let of = |span| wait(&self.numbers.waits, span);
        let shown = |span| of(span).map(|wait| self.view.wait(wait.median));
        let detail = match (of(self.now), target(self.view)) {
            (None, _) => String::new(),
            (Some(wait), None) => self.say("first.count", &[("n", &self.view.count(wait.tickets))]),
            (Some(wait), Some((secs, _))) => {
                let (n, time) = (self.view.count(wait.tickets), self.view.wait(secs));
                self.say("first.target", &[("n", &n), ("time", &time)])
            }
        };
        let trend = |day| of(day).map(|wait| real(wait.median));
        self.figure("first", shown(self.now), &detail, shown, trend)
    }

    fn in_time(&self) -> Value {
        let of = |span| wait(&self.numbers.waits, span);
        let share =
            |span| of(span).and_then(|wait| percent_of(wait.tickets - wait.late, wait.tickets));
        let detail = of(self.now).map_or_else(String::new, |wait| {
            let (part, whole) =
                (self.view.count(wait.tickets - wait.late), self.view.count(wait.tickets));
            match target(self.view) {
                Some((_, goal)) => {
                    let goal = self.view.share(goal * 100.0);
                    self.say("in_time.target", &[("part", &part), ("n", &whole), ("goal", &goal)])
                }
                None => self.say("in_time.count", &[("part", &part), ("n", &whole)]),
            }
        });
        let shown = |span| share(span).map(|share| self.view.share(share));
        self.figure("in_time", shown(self.now), &detail, shown, share)
    }

    fn by_the_assistant(&self) -> Value {
        let part = |span| self.sums.part("reply", "ai", span);
        let whole = |span| self.sums.all("reply", span);
        let share = |span| percent_of(part(span), whole(span));
        let shown = |span| share(span).map(|share| self.view.share(share));
        let detail = if whole(self.now) == 0 {
            String::new()
        } else {
            let reviewed = self.view.count(self.sums.part("reply", "reviewed", self.now));
            let (part, n) = (self.view.count(part(self.now)), self.view.count(whole(self.now)));
            self.say("alone.detail", &[("part", &part), ("n", &n), ("reviewed", &reviewed)])
        };
        self.figure("alone", shown(self.now), &detail, shown, share)
    }

    fn approved(&self) -> Value {
        let of = |span| Drafts::of(self.sums, span);
        let share = |span| percent_of(of(span).approved, of(span).all());
        let shown = |span| share(span).map(|share| self.view.share(share));
        let drafts = of(self.now);
        let percent =
            |part| self.view.share(percent_of(part, drafts.all()).unwrap_or_default().round());
        let detail = if drafts.all() == 0 {
            String::new()
        } else {
            let (edited, rejected) = (percent(drafts.edited), percent(drafts.rejected));
            let n = self.view.count(drafts.all());
            self.say("drafts.detail", &[("n", &n), ("edited", &edited), ("rejected", &rejected)])
        };
        self.figure("drafts", shown(self.now), &detail, shown, share)
    }

    fn satisfied(&self) -> Value {
        let count = |span| self.sums.all("csat", span);
        let good = |span| self.sums.part("csat", "4", span) + self.sums.part("csat", "5", span);
        let share = |span| percent_of(good(span), count(span));
        let shown = |span| share(span).map(|share| self.view.share(share));
        let detail = if count(self.now) == 0 {
            String::new()
        } else {
            let sum: i64 = (1..=5)
                .map(|stars: i64| stars * self.sums.part("csat", &stars.to_string(), self.now))
                .sum();
            let mean = format!("{:.1}", real(sum) / real(count(self.now)));
            let mean = mean.replace('.', self.view.of(",", "."));
            self.say("csat.detail", &[("n", &self.view.count(count(self.now))), ("mean", &mean)])
        };
        self.figure("csat", shown(self.now), &detail, shown, share)
    }

    /// What notices cost nobody here knows: networks bill by contracts of their own. So they are counted, by kind.
    fn notices(&self) -> Value {
        let of = |span| self.sums.all("notice", span);
        let mut kinds: Vec<(i64, &str)> = Vec::new();
        for one in self.numbers.days.iter().filter(|one| one.name == "notice") {
            if self.now.holds(one.day) {
                match kinds.iter_mut().find(|(_, kind)| *kind == one.part) {
                    Some((count, _)) => *count += one.value,
                    None => kinds.push((one.value, &one.part)),
                }
            }
        }
        kinds.sort_by_key(|(count, kind)| (-count, *kind));
        let named = kinds.iter().take(3).map(|(count, kind)| {
            let kind = self.view.say(&format!("board.notice.{kind}"), &[]);
            format!("{kind} {}", self.view.count(*count))
        });
        let detail = named.collect::<Vec<_>>().join(" · ");
        let shown = |span| Some(self.view.count(of(span)));
        self.figure("notices", shown(self.now), &detail, shown, |day| Some(real(of(day))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waited(day: &str, secs: i64, tickets: i64, late: i64) -> Waited {
        Waited { day: day.parse().unwrap(), secs, tickets, late }
    }

    #[test]
    fn half_of_the_customers_waited_no_longer_than_the_median() {
        let day = |text: &str| Span::until(text.parse().unwrap(), 1);
        let waits = [
            waited("2026-11-21", 30, 1, 0),
            waited("2026-11-22", 10, 3, 0),
            waited("2026-11-22", 600, 2, 0),
            waited("2026-11-22", 7_200, 1, 1),
        ];
        let today = wait(&waits, day("2026-11-22")).unwrap();
        assert_eq!(today, Wait { median: 10, mean: 1_405, tickets: 6, late: 1 });
        assert_eq!(wait(&waits, day("2026-11-21")).unwrap().median, 30);
        assert_eq!(wait(&waits, day("2026-11-20")), None);
        let both = Span::until("2026-11-22".parse().unwrap(), 2);
        assert_eq!(
            wait(&waits, both).unwrap().median,
            30,
            "days are put together before they are parted"
        );
    }

    #[test]
    fn nothing_has_no_share() {
        assert_eq!(percent_of(1, 0), None);
        assert_eq!(percent_of(1, 4), Some(25.0));
    }
}
