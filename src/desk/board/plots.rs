//! The three plots of the board. Each answers one question, says its answer in a sentence, and has its figures in a table.

use chrono::{NaiveDate, Timelike as _};
use serde_json::{Value, json};

use super::asked::{Period, Span};
use super::figures::{Drafts, Sums, Wait, percent_of, target, wait};
use super::numbers::Numbers;
use super::svg::{Chart, Line, Mark, SERIES, Scale, Target, lines, real, round_up, stacked};
use crate::desk::shown::View;

/// Who answered, in the order in which bars stand on each other.
const WHO: [&str; 3] = ["ai", "reviewed", "people"];

/// The plots of a time.
pub(super) fn plots(view: &View<'_>, numbers: &Numbers, period: Period) -> Vec<Value> {
    vec![
        replies(view, numbers, period),
        first_answers(view, numbers, period),
        drafts(view, numbers, period),
    ]
}

fn plot(
    view: &View<'_>,
    id: &str,
    (sentence, svg): (String, Option<String>),
    (columns, rows): (Vec<String>, Vec<Vec<String>>),
    legend: &[Value],
) -> Value {
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|mut cells| {
            let label = if cells.is_empty() { String::new() } else { cells.remove(0) };
            json!({"label": label, "cells": cells})
        })
        .collect();
    json!({
        "id": id, "title": view.say(&format!("board.plot.{id}.title"), &[]),
        "sentence": sentence, "svg_html": svg, "columns": columns, "rows": rows, "legend": legend,
    })
}

fn column(view: &View<'_>, name: &str) -> String {
    view.say(&format!("board.column.{name}"), &[])
}

/// How many replies left, and who wrote them: by hour of today, by day of more.
fn replies(view: &View<'_>, numbers: &Numbers, period: Period) -> Value {
    let sums = Sums(&numbers.days);
    let bars: Vec<(String, [i64; 3])> = if period == Period::Today {
        by_hour(view, numbers)
    } else {
        let days = period.span(numbers.today).days();
        days.map(|day| {
            let values = WHO.map(|who| sums.part("reply", who, Span::until(day, 1)));
            (view.date(day), values)
        })
        .collect()
    };
    let all = WHO.map(|who| sums.part("reply", who, period.span(numbers.today)));
    let most = bars.iter().map(|(_, values)| values.iter().sum::<i64>()).max().unwrap_or(0);
    let busiest = bars.iter().find(|(_, values)| values.iter().sum::<i64>() == most);
    let id = if period == Period::Today { "hours" } else { "days" };
    let sentence = if most == 0 {
        view.say(&format!("board.plot.{id}.none"), &[])
    } else {
        let [ai, reviewed, people] = all.map(|count| view.count(count));
        let (when, most) = (busiest.map_or("", |(label, _)| label), view.count(most));
        let who = [("ai", ai.as_str()), ("reviewed", &reviewed), ("people", &people)];
        let values: Vec<_> = who.into_iter().chain([("when", when), ("most", &most)]).collect();
        view.say(&format!("board.plot.{id}.sentence"), &values)
    };
    let (max, step) = round_up(real(most));
    let scale = counts(view, max, step);
    let svg = (most > 0).then(|| stacked(&bars, &scale, &sentence));
    let mut columns = vec![column(view, if period == Period::Today { "hour" } else { "day" })];
    columns.extend(WHO.map(|who| column(view, who)));
    let rows = bars
        .iter()
        .map(|(label, values)| {
            let values = values.iter().map(|value| view.count(*value));
            std::iter::once(label.clone()).chain(values).collect()
        })
        .collect();
    let legend = SERIES
        .iter()
        .zip(WHO)
        .map(|(class, who)| json!({"class": class, "label": column(view, who)}));
    plot(view, id, (sentence, svg), (columns, rows), &legend.collect::<Vec<_>>())
}

/// From the first hour in which anything left to the present one.
fn by_hour(view: &View<'_>, numbers: &Numbers) -> Vec<(String, [i64; 3])> {
    let replies = || numbers.hours.iter().filter(|one| one.name == "reply");
    let now = view.now.with_timezone(&view.zone()).hour();
    let first = replies().filter_map(|one| one.hour).min().unwrap_or(now).min(now);
    (first..=now)
        .map(|hour| {
            let values = WHO.map(|who| {
                let of = replies().filter(|one| one.hour == Some(hour) && one.part == who);
                of.map(|one| one.value).sum()
            });
            (view.say("board.hour", &[("n", &hour.to_string())]), values)
        })
        .collect()
}

fn counts(view: &View<'_>, max: f64, step: f64) -> Scale {
    let tick = |value: f64| (value, view.count(whole(value)));
    Scale { max, ticks: vec![tick(0.0), tick(step), tick(max)] }
}

#[expect(clippy::cast_possible_truncation, reason = "ticks are small whole numbers")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

/// Labels below a line over days: the first, the middle and the last.
fn labels(view: &View<'_>, days: &[NaiveDate]) -> Vec<String> {
    let (last, middle) = (days.len().saturating_sub(1), days.len() / 2);
    let label = |(at, day): (usize, &NaiveDate)| match at {
        at if at == last => view.say("board.today", &[]),
        at if at == 0 || at == middle => view.date(*day),
        _ => String::new(),
    };
    days.iter().enumerate().map(label).collect()
}

/// How long customers waited for their first answer, day by day, against the time that the policy promises.
fn first_answers(view: &View<'_>, numbers: &Numbers, period: Period) -> Value {
    let days: Vec<NaiveDate> = period.shown(numbers.today).days().collect();
    let waits: Vec<Option<Wait>> =
        days.iter().map(|day| wait(&numbers.waits, Span::until(*day, 1))).collect();
    let points: Vec<Option<f64>> =
        waits.iter().map(|wait| wait.map(|wait| real(wait.median))).collect();
    let goal = target(view).map(|(secs, _)| secs);
    let worst = worst(&points);
    let sentence = match (worst, waits.iter().rev().find_map(|wait| *wait)) {
        (Some((at, value)), Some(last)) => {
            let (time, worst) = (view.wait(last.median), view.wait(whole(value)));
            let day = days.get(at).map_or_else(String::new, |day| view.date(*day));
            let values = [("time", time.as_str()), ("worst", &worst), ("day", &day)];
            let sentence = view.say("board.plot.first.sentence", &values);
            match goal {
                Some(goal) => {
                    let goal = view.wait(goal);
                    format!("{sentence} {}", view.say("board.plot.first.goal", &[("time", &goal)]))
                }
                None => sentence,
            }
        }
        _ => view.say("board.plot.first.none", &[]),
    };
    let most = points.iter().flatten().copied().fold(0.0, f64::max);
    let scale = times(view, most.max(goal.map_or(0.0, real)));
    let target = goal.map(|goal| Target {
        value: real(goal),
        label: view.say("board.plot.goal", &[("value", &view.wait(goal))]),
    });
    let end = waits.iter().rev().find_map(|wait| *wait);
    let label = end.map_or_else(String::new, |wait| view.wait(wait.median));
    // Named only where it is not the last point, which is named anyway.
    let last = points.iter().rposition(Option::is_some);
    let mark = worst.filter(|(at, _)| Some(*at) != last).map(|(at, value)| Mark {
        at,
        value,
        label: view.wait(whole(value)),
    });
    let line = [Line { class: SERIES[1], points, label }];
    let labels = labels(view, &days);
    let chart = Chart {
        labels: &labels,
        lines: &line,
        scale: &scale,
        target: target.as_ref(),
        mark: mark.as_ref(),
    };
    let svg = end.is_some().then(|| lines(&chart, &sentence));
    let columns = ["day", "median", "answered", "late"].map(|name| column(view, name)).to_vec();
    let rows = days
        .iter()
        .zip(&waits)
        .map(|(day, wait)| {
            let cells = wait.map_or_else(
                || ["–".to_owned(), "0".to_owned(), "0".to_owned()],
                |wait| [view.wait(wait.median), view.count(wait.tickets), view.count(wait.late)],
            );
            std::iter::once(view.date(*day)).chain(cells).collect()
        })
        .collect();
    plot(view, "first", (sentence, svg), (columns, rows), &[])
}

fn worst(points: &[Option<f64>]) -> Option<(usize, f64)> {
    let known = points.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)?)));
    known.fold(None, |worst: Option<(usize, f64)>, (at, value)| match worst {
        Some((_, most)) if most >= value => worst,
        _ => Some((at, value)),
    })
}

/// A scale in the unit that fits: seconds, minutes, hours or days.
fn times(view: &View<'_>, most: f64) -> Scale {
    let (unit, name) = match most {
        ..=120.0 => (1.0, "s"),
        ..=7_200.0 => (60.0, "min"),
        ..=172_800.0 => (3_600.0, "h"),
        _ => (86_400.0, "d"),
    };
    let (max, step) = round_up(most / unit);
    let tick = |value: f64| (value * unit, format!("{} {name}", view.count(whole(value))));
    Scale { max: max * unit, ticks: vec![(0.0, "0".to_owned()), tick(step), tick(max)] }
}

/// What became of drafts that people looked at, day by day.
fn drafts(view: &View<'_>, numbers: &Numbers, period: Period) -> Value {
    let days: Vec<NaiveDate> = period.shown(numbers.today).days().collect();
    let sums = Sums(&numbers.days);
    let each: Vec<Drafts> = days.iter().map(|day| Drafts::of(sums, Span::until(*day, 1))).collect();
    let all = Drafts::of(sums, period.shown(numbers.today));
    let of = |part: fn(&Drafts) -> i64| -> Vec<Option<f64>> {
        each.iter().map(|drafts| percent_of(part(drafts), drafts.all())).collect()
    };
    let percent = |part: i64| view.share(percent_of(part, all.all()).unwrap_or_default().round());
    let sentence = if all.all() == 0 {
        view.say("board.plot.drafts.none", &[])
    } else {
        let n = view.count(all.all());
        let [approved, edited, rejected] = [all.approved, all.edited, all.rejected].map(percent);
        let ends = [("approved", approved.as_str()), ("edited", &edited), ("rejected", &rejected)];
        let values: Vec<_> = ends.into_iter().chain([("n", n.as_str())]).collect();
        view.say("board.plot.drafts.sentence", &values)
    };
    let line = |class, name: &str, points: Vec<Option<f64>>| {
        let last = points.iter().rev().find_map(|value| *value);
        let label = last.map_or_else(String::new, |value| {
            let value = view.share(value.round());
            view.say(&format!("board.plot.drafts.{name}"), &[("value", &value)])
        });
        Line { class, points, label }
    };
    let series = [
        line(SERIES[1], "approved", of(|drafts| drafts.approved)),
        line(SERIES[0], "edited", of(|drafts| drafts.edited)),
        line(SERIES[2], "rejected", of(|drafts| drafts.rejected)),
    ];
    let tick = |value: f64| (value, view.share(value));
    let scale = Scale { max: 100.0, ticks: vec![tick(0.0), tick(50.0), tick(100.0)] };
    let labels = labels(view, &days);
    let chart = Chart { labels: &labels, lines: &series, scale: &scale, target: None, mark: None };
    let svg = (all.all() > 0).then(|| lines(&chart, &sentence));
    let columns = ["day", "approved", "edited", "rejected"].map(|name| column(view, name)).to_vec();
    let rows = days
        .iter()
        .zip(&each)
        .map(|(day, drafts)| {
            let cells = [drafts.approved, drafts.edited, drafts.rejected];
            std::iter::once(view.date(*day)).chain(cells.map(|count| view.count(count))).collect()
        })
        .collect();
    plot(view, "drafts", (sentence, svg), (columns, rows), &[])
}

/// Day by day what reports ask for (M1), of the days that the plots show.
pub(super) fn daily(view: &View<'_>, numbers: &Numbers, period: Period) -> Value {
    let sums = Sums(&numbers.days);
    let columns = ["day", "opened", "solved", "mean_first", "mean_solved", "csat", "breaches"];
    let mut days: Vec<NaiveDate> = period.shown(numbers.today).days().collect();
    days.reverse();
    let rows: Vec<Value> = days
        .iter()
        .map(|day| {
            let span = Span::until(*day, 1);
            let solved = sums.all("solved", span);
            let none = || "–".to_owned();
            let first = wait(&numbers.waits, span).map_or_else(none, |one| view.wait(one.mean));
            let solving = if solved == 0 {
                none()
            } else {
                view.wait(sums.all("solved_minutes", span) * 60 / solved)
            };
            let good = sums.part("csat", "4", span) + sums.part("csat", "5", span);
            let rated = sums.all("csat", span);
            let csat = percent_of(good, rated).map_or_else(none, |share| {
                format!("{} ({})", view.share(share.round()), view.count(rated))
            });
            let cells = [
                view.count(sums.all("opened", span)),
                view.count(solved),
                first,
                solving,
                csat,
                view.count(sums.all("breach", span)),
            ];
            json!({"label": view.date(*day), "cells": cells})
        })
        .collect();
    json!({"columns": columns.map(|name| column(view, name)), "rows": rows})
}
