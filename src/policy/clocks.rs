//! The clocks of a ticket: which deadlines run, since when, which row of the policy gave them, and what came of them.
//!
//! Pure. What happened to a ticket is folded into a [`History`]; with the policy and what is known of the ticket now
//! it gives every clock anew, so a changed priority, plan or policy moves deadlines without a trace of the old ones.

mod history;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use super::calendar::Calendar;
use super::sla::{Sla, SlaTime};
use crate::domain::channel::Channel;
use crate::domain::labels::Urgency;
pub use history::{Event, History};

crate::domain::words! {
    /// What a clock measures.
    ClockKind {
        /// Until somebody says that the message arrived.
        Acknowledge = "acknowledge",
        /// Until the first answer.
        FirstResponse = "first_response",
        /// Until the answer to what the customer wrote after an answer.
        NextResponse = "next_response",
        /// Until the people it was handed to take it.
        HandOver = "hand_over",
        /// Until it is solved; it stands still while the customer is waited for.
        Resolution = "resolution",
        /// Until the channel lets nothing leave but templates.
        Window = "window",
        /// A term that a law sets.
        Legal = "legal",
    }
}

crate::domain::words! {
    /// How a ticket or a clock stands (T1).
    SlaState {
        /// In time.
        OnTrack = "on_track",
        /// Most of the time has gone.
        AtRisk = "at_risk",
        /// Too late.
        Breached = "breached",
    }
}

/// What is known of a ticket now.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// How urgent it is.
    pub priority: Urgency,
    /// The customer's plan, where known.
    pub plan: Option<&'a str>,
    /// Its category, where known.
    pub category: Option<&'a str>,
    /// Its subcategory, where known.
    pub subcategory: Option<&'a str>,
    /// Where it came from.
    pub channel: Channel,
    /// The level of the team that has it, where people have it.
    pub level: Option<&'a str>,
    /// Names of what its messages said; legal terms begin with some.
    pub signals: &'a [String],
    /// Incidents that it falls under, past ones too.
    pub incidents: &'a [IncidentSpan],
}

/// What an incident of the business did to deadlines, and when (P6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentSpan {
    /// Its id.
    pub id: String,
    /// When it was declared.
    pub from: DateTime<Utc>,
    /// When it ended; `None` while it stands.
    pub until: Option<DateTime<Utc>>,
    /// Clocks stand still while it lasts. Windows and terms of laws do not.
    pub suspends: bool,
    /// The time until a response of tickets that were opened meanwhile, whatever else the policy says.
    pub response: Option<SlaTime>,
    /// The same for the time until the resolution.
    pub resolution: Option<SlaTime>,
}

impl IncidentSpan {
    fn covers(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

crate::domain::words! {
    /// What a clock stands still for.
    Pause {
        /// The customer is waited for.
        Customer = "customer",
        /// A declared incident suspends deadlines.
        Incident = "incident",
    }
}

/// One deadline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clock {
    /// What it measures.
    pub kind: ClockKind,
    /// The row of the policy that gave the tightest deadline, e.g. `by_priority.critical`.
    pub rule: String,
    /// The time it allows, as the policy writes it.
    pub target: String,
    /// The calendar it counts in; `None` counts every hour.
    pub calendar: Option<String>,
    /// Since when it runs.
    pub started: DateTime<Utc>,
    /// When it is late; `None` where it stands still or stopped before.
    pub due: Option<DateTime<Utc>>,
    /// When most of its time has gone; `None` where it stands still.
    pub at_risk: Option<DateTime<Utc>>,
    /// When it came to its end.
    pub stopped: Option<DateTime<Utc>>,
    /// What it stands still for; `None` while it runs.
    pub paused: Option<Pause>,
    /// How it stands at the moment asked about, or stood when it stopped.
    pub state: SlaState,
}

impl Clock {
    /// True while it can still become late.
    pub fn is_running(&self) -> bool {
        self.stopped.is_none() && self.paused.is_none()
    }
}

/// A row of the policy that could set a clock.
struct Row<'a> {
    rule: String,
    time: SlaTime,
    calendar: Option<(&'a str, &'a Calendar)>,
}

/// Returns every clock of a ticket that has begun, in the order of [`ClockKind`].
pub fn clocks(sla: &Sla, facts: &Facts<'_>, history: &History, now: DateTime<Utc>) -> Vec<Clock> {
    let Some(opened) = history.opened else { return Vec::new() };
    let judge = Judge { sla, facts, now };
    let mut clocks = Vec::new();
    let acknowledged = history.acknowledged.or(history.solved);
    clocks.extend(judge.single(ClockKind::Acknowledge, opened, acknowledged));
    let answered = history.answered.or(history.solved);
    clocks.extend(judge.single(ClockKind::FirstResponse, opened, answered));
    if let (Some(_), Some(waiting)) = (history.answered, history.waiting) {
        clocks.extend(judge.single(ClockKind::NextResponse, waiting, None));
    }
    if let Some(handed_over) = history.handed_over {
        clocks.extend(judge.single(ClockKind::HandOver, handed_over, history.taken));
    }
    clocks.extend(judge.resolution(opened, history));
    if let (Some(asked), None) = (history.last_asked, history.solved) {
        clocks.extend(judge.single(ClockKind::Window, asked, None));
    }
    clocks.extend(judge.legal(opened, history.solved));
    clocks
}

/// Returns how a ticket stands by its clocks: as the worst that runs or stopped late, windows apart, which nobody
/// promised.
pub fn state(clocks: &[Clock]) -> SlaState {
    let counted = clocks.iter().filter(|clock| clock.kind != ClockKind::Window);
    counted.map(|clock| clock.state).max().unwrap_or(SlaState::OnTrack)
}

/// Returns the next moment at which a clock changes its state; `None` when none will.
pub fn next_change(clocks: &[Clock], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let running = clocks.iter().filter(|clock| clock.is_running());
    running.flat_map(|clock| [clock.at_risk, clock.due]).flatten().filter(|at| *at > now).min()
}

/// Returns the clock that is late first among those that run; `None` when none runs.
pub fn tightest(clocks: &[Clock]) -> Option<&Clock> {
    clocks
        .iter()
        .filter(|clock| clock.is_running() && clock.kind != ClockKind::Window)
        .min_by_key(|clock| clock.due)
}

struct Judge<'a> {
    sla: &'a Sla,
    facts: &'a Facts<'a>,
    now: DateTime<Utc>,
}

impl<'a> Judge<'a> {
    /// A clock that runs from a start to a stop without standing still: the tightest row counts.
    fn single(
        &self,
        kind: ClockKind,
        started: DateTime<Utc>,
        stopped: Option<DateTime<Utc>>,
    ) -> Option<Clock> {
        let (due, row) = self
            .rows(kind, started)
            .into_iter()
            .filter_map(|row| Some((ends(&row, started)?, row)))
            .min_by_key(|(due, _)| *due)?;
        let at_risk = self.at_risk(&row, started, due);
        let times = Times { started, due: Some(due), at_risk, stopped };
        if kind == ClockKind::Window || !self.is_suspended_after(started) {
            return Some(self.clock(kind, &row, times));
        }
        let ran = self.without_incidents(&[(started, None)]);
        let due = reached(&row, &ran, open_time(&row, started, due));
        let at_risk = reached(&row, &ran, open_time(&row, started, at_risk));
        let stands = due.is_none() && stopped.is_none();
        let times = Times { due, at_risk: at_risk.or(due).unwrap_or(self.now), ..times };
        let mut clock = self.clock(kind, &row, times);
        if stands {
            (clock.paused, clock.at_risk, clock.state) =
                (Some(Pause::Incident), None, SlaState::OnTrack);
        }
        Some(clock)
    }

    fn is_suspended_after(&self, started: DateTime<Utc>) -> bool {
        let over = |span: &IncidentSpan| span.until.is_some_and(|until| until <= started);
        self.facts.incidents.iter().any(|span| span.suspends && !over(span))
    }

    /// Cuts incidents that suspend out of stretches of time.
    fn without_incidents(
        &self,
        stretches: &[(DateTime<Utc>, Option<DateTime<Utc>>)],
    ) -> Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> {
        let mut left = stretches.to_vec();
        for span in self.facts.incidents.iter().filter(|span| span.suspends) {
            left = left
                .into_iter()
                .flat_map(|(from, to)| {
                    let before = (from, Some(to.map_or(span.from, |to| to.min(span.from))));
                    let after = span.until.map(|until| (from.max(until), to));
                    let lasts = |(from, to): &(DateTime<Utc>, Option<DateTime<Utc>>)| {
                        to.is_none_or(|to| *from < to)
                    };
                    [Some(before).filter(lasts), after.filter(lasts)].into_iter().flatten()
                })
                .collect();
        }
        left
    }

    /// The time until it is solved counts only while it is ours to work on.
    fn resolution(&self, opened: DateTime<Utc>, history: &History) -> Option<Clock> {
        let work = self.without_incidents(&history.work);
        let ended = |work: &[(DateTime<Utc>, Option<DateTime<Utc>>)]| {
            work.last().is_none_or(|(_, end)| end.is_some())
        };
        let paused = match (history.solved, ended(&history.work), ended(&work)) {
            (None, true, _) => Some(Pause::Customer),
            (None, false, true) => Some(Pause::Incident),
            (Some(_), ..) | (None, false, false) => None,
        };
        let end = history.solved.unwrap_or(self.now);
        // Until when it was worked on: what stands still becomes late no more.
        let worked = work.last().and_then(|(_, end)| *end).unwrap_or(end).min(end);
        let judged = |row: Row<'a>| {
            let limit = open_time(&row, opened, ends(&row, opened)?);
            Some((reached(&row, &work, limit), limit, row))
        };
        // What stands still has no moment of being late; the row that leaves the least time counts then.
        let (due, limit, row) = self
            .rows(ClockKind::Resolution, opened)
            .into_iter()
            .filter_map(judged)
            .min_by_key(|(due, limit, _)| (due.is_none(), *due, *limit))?;
        let late = due.is_some_and(|due| worked > due);
        let at_risk = reached(&row, &work, scaled(limit, self.sla.at_risk_share));
        let risky = at_risk.is_some_and(|at_risk| worked >= at_risk);
        let running = paused.is_none() && history.solved.is_none();
        let times = Times {
            started: opened,
            due,
            at_risk: at_risk.or(due).unwrap_or(end),
            stopped: history.solved,
        };
        let mut clock = self.clock(ClockKind::Resolution, &row, times);
        if !running {
            clock.state = match (late, risky && history.solved.is_none()) {
                (true, _) => SlaState::Breached,
                (false, true) => SlaState::AtRisk,
                (false, false) => SlaState::OnTrack,
            };
        }
        if paused.is_some() {
            clock.paused = paused;
            clock.due = due.filter(|_| late);
            clock.at_risk = None;
        }
        Some(clock)
    }

    /// Terms of laws run in calendar days, whatever else happens, until it is solved.
    fn legal(&self, opened: DateTime<Utc>, solved: Option<DateTime<Utc>>) -> Vec<Clock> {
        let begun = |signal: Option<&str>| {
            signal.is_none_or(|signal| self.facts.signals.iter().any(|known| known == signal))
        };
        let terms = self.sla.legal.iter().filter(|term| begun(term.signal.as_deref()));
        terms
            .filter_map(|term| {
                let row =
                    Row { rule: format!("legal.{}", term.id), time: term.term, calendar: None };
                let due = ends(&row, opened)?;
                let at_risk = self.at_risk(&row, opened, due);
                let times = Times { started: opened, due: Some(due), at_risk, stopped: solved };
                Some(self.clock(ClockKind::Legal, &row, times))
            })
            .collect()
    }

    fn clock(&self, kind: ClockKind, row: &Row<'_>, times: Times) -> Clock {
        let Times { started, due, at_risk, stopped } = times;
        let at = stopped.unwrap_or(self.now);
        let state = match due {
            Some(due) if at > due => SlaState::Breached,
            // What was done in time was done in time.
            Some(_) if stopped.is_none() && at >= at_risk => SlaState::AtRisk,
            _ => SlaState::OnTrack,
        };
        Clock {
            kind,
            rule: row.rule.clone(),
            target: row.time.to_string(),
            calendar: row.calendar.map(|(name, _)| name.to_owned()),
            started,
            due,
            at_risk: Some(at_risk),
            stopped,
            paused: None,
            state,
        }
    }

    /// When most of the time has gone.
    fn at_risk(&self, row: &Row<'_>, started: DateTime<Utc>, due: DateTime<Utc>) -> DateTime<Utc> {
        let share = scaled(open_time(row, started, due), self.sla.at_risk_share);
        moved(row, started, share).unwrap_or(due).min(due)
    }

    /// The rows of the policy that speak of a clock.
    fn rows(&self, kind: ClockKind, started: DateTime<Utc>) -> Vec<Row<'a>> {
        let (sla, facts) = (self.sla, self.facts);
        let calendar =
            |name: Option<&'a str>| name.and_then(|name| Some((name, sla.calendars.get(name)?)));
        let mut rows = Vec::new();
        let mut add = |rule: String, time: Option<SlaTime>, named: Option<&'a str>| {
            if let Some(time) = time {
                // Business days need business hours.
                let needed =
                    matches!(time, SlaTime::BusinessDays(_)).then(|| sla.business_calendar());
                rows.push(Row { rule, time, calendar: calendar(named.or(needed.flatten())) });
            }
        };
        let is_response = matches!(kind, ClockKind::FirstResponse | ClockKind::NextResponse);
        // The latest incident says what is promised while it lasts.
        let promised =
            facts.incidents.iter().rev().filter(|span| span.covers(started)).find_map(|span| {
                let time = if is_response { span.response } else { span.resolution };
                Some((span, time?))
            });
        if let (Some((span, time)), true) = (promised, is_response || kind == ClockKind::Resolution)
        {
            add(format!("incident.{}", span.id), Some(time), None);
            return rows;
        }
        if let Some(row) = sla.by_priority.get(&facts.priority) {
            let time = match kind {
                ClockKind::FirstResponse => Some(row.first_response),
                ClockKind::NextResponse => Some(row.next_response.unwrap_or(row.first_response)),
                ClockKind::Resolution => Some(row.resolution),
                _ => None,
            };
            let named = match kind {
                ClockKind::Resolution => row.resolution_calendar.as_deref(),
                _ => row.calendar.as_deref(),
            };
            add(format!("by_priority.{}", facts.priority), time, named);
        }
        if let Some((plan, row)) = facts.plan.and_then(|plan| Some((plan, sla.by_plan.get(plan)?)))
        {
            let time = match kind {
                _ if is_response => Some(row.first_response),
                ClockKind::Resolution => Some(row.resolution),
                _ => None,
            };
            add(format!("by_plan.{plan}"), time, row.calendar.as_deref());
        }
        if let Some(row) = sla.issue(facts.category, facts.subcategory) {
            let time = match kind {
                ClockKind::Acknowledge => row.acknowledge,
                ClockKind::FirstResponse => row.first_response,
                ClockKind::Resolution => row.resolution,
                _ => None,
            };
            add(format!("by_issue.{}", row.id), time, row.calendar.as_deref());
        }
        if let Some(row) = sla.by_channel.get(&facts.channel) {
            let rule = format!("by_channel.{}", facts.channel);
            match kind {
                _ if is_response => add(rule, Some(row.first_response), row.calendar.as_deref()),
                ClockKind::Window => add(rule, row.window, None),
                _ => {}
            }
        }
        if let (ClockKind::HandOver, Some(level)) = (kind, facts.level)
            && let Some(row) = sla.by_level.get(level)
        {
            add(format!("by_level.{level}"), Some(row.respond), row.calendar.as_deref());
        }
        if let (true, Some((in_hours, outside))) = (is_response, sla.overall) {
            let business = sla.business_calendar();
            let open = calendar(business).is_some_and(|(_, calendar)| calendar.is_open(started));
            let (rule, time) = if open { ("in_hours", in_hours) } else { ("outside", outside) };
            add(format!("overall.{rule}"), Some(time), business.filter(|_| open));
        }
        rows
    }
}

/// The moments of a clock.
#[derive(Clone, Copy)]
struct Times {
    started: DateTime<Utc>,
    due: Option<DateTime<Utc>>,
    at_risk: DateTime<Utc>,
    stopped: Option<DateTime<Utc>>,
}

/// When the time of a row is over; `None` where its calendar never gets there.
fn ends(row: &Row<'_>, started: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match row.time {
        SlaTime::Minutes(minutes) => moved(row, started, Duration::minutes(minutes.into())),
        SlaTime::BusinessDays(days) => {
            let (_, calendar) = row.calendar?;
            calendar.end_of_business_day(started, days)
        }
    }
}

/// When so much of the row's time has passed.
fn moved(row: &Row<'_>, from: DateTime<Utc>, length: Duration) -> Option<DateTime<Utc>> {
    match row.calendar {
        Some((_, calendar)) => calendar.after(from, length),
        None => from.checked_add_signed(length),
    }
}

/// How much of the row's time lies between two moments.
fn open_time(row: &Row<'_>, from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
    match row.calendar {
        Some((_, calendar)) => calendar.between(from, to),
        None => (to - from).max(Duration::zero()),
    }
}

/// When so much time of work has been used, or will be if it is worked on from now; `None` where it stands still
/// before.
fn reached(
    row: &Row<'_>,
    work: &[(DateTime<Utc>, Option<DateTime<Utc>>)],
    length: Duration,
) -> Option<DateTime<Utc>> {
    let mut left = length;
    for (from, to) in work {
        let end = moved(row, *from, left)?;
        match to {
            Some(to) if end > *to => left -= open_time(row, *from, *to),
            _ => return Some(end),
        }
    }
    None
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "milliseconds of years are far below 2^53"
)]
fn scaled(length: Duration, share: f64) -> Duration {
    Duration::milliseconds((length.num_milliseconds() as f64 * share) as i64)
}

#[cfg(test)]
mod tests;
