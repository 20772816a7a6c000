//! One look at one ticket. Nothing is read or written here: what the store loaded is judged, and what is to be written
//! comes back.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::Surroundings;
use crate::adapters::store::{DueTicket, Looked, Move, NewNotice, News, TrailLine};
use crate::compose::Family;
use crate::domain::decision::LocalText;
use crate::domain::notification::NotifyEvent;
use crate::domain::ticket::{OwnerKind, TicketStatus};
use crate::policy::Pack;
use crate::policy::clocks::{Clock, ClockKind, SlaState, clocks, next_change, state, tightest};
use crate::policy::lifecycle::{Standing, Timer, TimerKind, timers};
use crate::policy::notices::NoticeKind;
use crate::policy::order::{Risks, rank};
use crate::policy::people::{Candidate, choose};
use crate::report::telling;
use crate::worker::Worker;
use crate::worker::notices::{self, Silence, Told};

/// A live ticket is looked at this often, whatever its timers say.
const AT_LEAST_EVERY: Duration = Duration::days(7);

/// Tags that a supervisor hears of (S6).
const WATCHED_TAGS: &[&str] = &["vip", "complaint"];

/// A look in progress.
struct Look<'a> {
    worker: &'a Worker,
    here: &'a mut Surroundings,
    now: DateTime<Utc>,
    clocks: Vec<Clock>,
    out: Looked,
}

impl Worker {
    pub(super) fn look(
        &self,
        here: &mut Surroundings,
        ticket: DueTicket,
        now: DateTime<Utc>,
    ) -> Looked {
        let pack = here.tenant.pipeline.pack();
        let facts = ticket.facts.clone().under(&here.incidents);
        let clocks = clocks(&pack.sla, &facts.as_facts(), &ticket.history, now);
        let first = tightest(&clocks);
        let known = facts.as_facts();
        let risks = Risks {
            urgency: known.priority,
            sentiment: ticket.sentiment.as_deref(),
            vip: known.plan.and_then(|plan| pack.is_vip(plan)).unwrap_or(false),
            signals: known.signals,
        };
        let out = Looked {
            epoch: here.epoch,
            state: state(&clocks),
            clock: first.map(|clock| clock.kind),
            due: first.and_then(|clock| clock.due),
            breach_reason: ticket.breach_reason.clone(),
            rank: rank(&pack.sla, &risks, &clocks, ticket.created_at),
            next: None,
            lines: Vec::new(),
            moves: Vec::new(),
            notices: Vec::new(),
            notifications: Vec::new(),
            ticket,
        };
        let mut look = Look { worker: self, here, now, clocks, out };
        look.read_news();
        if look.out.ticket.status != TicketStatus::Closed {
            look.judge_deadlines();
            let timers = look.act_on_timers();
            look.give_to_an_agent();
            look.out.next = Some(look.next(&timers));
        }
        look.out
    }
}

impl Look<'_> {
    fn pack(&self) -> &Pack {
        self.here.tenant.pipeline.pack()
    }

    fn line(&mut self, action: &'static str, after: Value, cause: Option<String>) {
        self.out.lines.push(TrailLine { action, after, cause });
    }

    /// Tells people, by the routes of the policy and the roles that a rule names.
    fn tell(&mut self, event: NotifyEvent, roles: &[String], reason: Option<&LocalText>) {
        let told = telling::about_ticket(
            self.worker.clock.as_ref(),
            self.here.tenant.pipeline.pack(),
            &telling::Matter {
                ticket: &self.out.ticket,
                clock: tightest(&self.clocks),
                event,
                roles,
                reason,
                now: self.now,
            },
        );
        self.out.notifications.extend(told);
    }

    /// Sends a notice to the customer, or says in the trail why it passes in silence.
    fn notice(&mut self, kind: NoticeKind, family: Family, told: Told<'_>) {
        let ticket = &self.out.ticket;
        let why = match notices::way_out(self.pack(), kind, ticket, self.now) {
            Ok(template) => {
                let pipeline = &self.here.tenant.pipeline;
                let Some(text) = notices::words(pipeline, family, ticket, told, self.now) else {
                    return;
                };
                let body = notices::body(ticket, text, template);
                let id = self.worker.clock.outbox_id();
                let incident = told.incident.map(|incident| incident.id.clone());
                self.out.notices.push(NewNotice { id, kind, body, incident });
                if told.csat {
                    self.out.moves.push(Move::AskedForCsat);
                }
                return;
            }
            Err(Silence::Off) => return,
            Err(Silence::OutsideWindow) => "outside_window",
            Err(Silence::OptedOut) => "opted_out",
            Err(Silence::InDanger) => "in_danger",
        };
        self.line("notice.skipped", json!({"kind": kind}), Some(why.to_owned()));
    }

    /// True where the notice that ends this ticket carries the satisfaction question: asked once.
    fn asks_for_rating(&self) -> bool {
        let ticket = &self.out.ticket;
        let channel = notices::channel_of(ticket);
        let on = self.pack().notices.mode(NoticeKind::Csat, channel)
            != crate::policy::notices::NoticeMode::Off;
        on && ticket.csat.is_none() && ticket.csat_asked_at.is_none()
    }

    // ---- what happened ---------------------------------------------------------------------------------------

    fn read_news(&mut self) {
        for news in std::mem::take(&mut self.out.ticket.news) {
            self.read(&news);
        }
    }

    fn read(&mut self, news: &News) {
        let word = |key: &str| news.after.get(key).and_then(Value::as_str);
        match news.action.as_str() {
            "turn.decided" => {
                if self.out.ticket.snoozed_until.take().is_some() {
                    self.out.moves.push(Move::Wake);
                    self.line("ticket.woke", json!({}), Some("the customer wrote".to_owned()));
                }
                if word("action") == Some("escalate") {
                    let roles: Vec<String> = strings(news.after.get("notify"));
                    let reason = self.reason(news.cause.as_deref());
                    self.tell(NotifyEvent::Escalated, &roles, reason.as_ref());
                }
            }
            "reply.failed" | "reply.unknown" => {
                self.tell(NotifyEvent::DeliveryFailed, &[], None);
            }
            "ticket.status" if word("status") == Some("escalated") => {
                self.tell(NotifyEvent::Escalated, &[], None);
            }
            "ticket.status"
                if word("status") == Some("solved") && news.actor.starts_with("agent:") =>
            {
                let told = Told { csat: self.asks_for_rating(), ..Told::default() };
                self.notice(NoticeKind::Resolution, Family::Resolution, told);
            }
            "ticket.transferred" => {
                let event = if self.out.ticket.assignee.is_some() {
                    NotifyEvent::Assigned
                } else {
                    NotifyEvent::Escalated
                };
                self.tell(event, &[], None);
            }
            "ticket.tagged" => {
                let added = strings(news.after.get("added"));
                if added.iter().any(|tag| WATCHED_TAGS.contains(&tag.as_str())) {
                    self.tell(NotifyEvent::Tagged, &[], None);
                }
            }
            "callback.planned" => {
                self.notice(NoticeKind::Callback, Family::Callback, Told::default());
            }
            "csat.recorded" => {
                let low = news.after.get("csat").and_then(Value::as_i64).is_some_and(|n| n <= 2);
                if low {
                    self.tell(NotifyEvent::CsatLow, &[], None);
                }
                self.notice(
                    NoticeKind::CsatThanks,
                    Family::CsatThanks,
                    Told { low, ..Told::default() },
                );
            }
            _ => {}
        }
    }

    /// The text of the first rule that decided.
    fn reason(&self, cause: Option<&str>) -> Option<LocalText> {
        let mut rules = cause?.split(' ');
        rules.find_map(|id| self.pack().rule(id)).map(|rule| rule.text.clone())
    }

    // ---- deadlines -------------------------------------------------------------------------------------------

    fn judge_deadlines(&mut self) {
        let clocks = self.clocks.clone();
        for clock in clocks.iter().filter(|clock| clock.kind != ClockKind::Window) {
            match clock.state {
                SlaState::AtRisk if clock.is_running() => self.at_risk(clock),
                SlaState::Breached => self.breached(clock),
                SlaState::AtRisk | SlaState::OnTrack => {}
            }
        }
    }

    fn at_risk(&mut self, clock: &Clock) {
        let key = key_of("at_risk", clock);
        if self.is_done(&key) {
            return;
        }
        self.line("sla.at_risk", of_clock(&key, clock), Some(clock.rule.clone()));
        self.tell(NotifyEvent::SlaAtRisk, &[], None);
    }

    fn breached(&mut self, clock: &Clock) {
        let key = key_of("breached", clock);
        if self.is_done(&key) {
            return;
        }
        let reason = self.what_held_it();
        let after = also(of_clock(&key, clock), "reason", json!(reason));
        self.line("sla.breached", after, Some(clock.rule.clone()));
        self.out.breach_reason = Some(reason);
        self.tell(NotifyEvent::SlaBreached, &[], None);
        if clock.is_running() {
            self.relieve();
        }
    }

    /// Why nobody was in time: who had it when the deadline passed.
    fn what_held_it(&self) -> String {
        let ticket = &self.out.ticket;
        let channel = notices::channel_of(ticket);
        let category = ticket.facts.as_facts().category;
        let incident = self
            .here
            .incidents
            .iter()
            .rev()
            .find(|one| one.ended_at.is_none() && one.concerns(category, channel));
        if let Some(incident) = incident {
            return format!("incident:{}", incident.name);
        }
        let queue = ticket.queue.as_deref().unwrap_or("-");
        match ticket.owner {
            OwnerKind::Ai if ticket.undecided => "worker_backlog".to_owned(),
            OwnerKind::Ai => "delivery".to_owned(),
            OwnerKind::Review => format!("waiting_for_review:{queue}"),
            OwnerKind::Queue => format!("waiting_for_agent:{queue}"),
            OwnerKind::Agent => format!("agent:{}", ticket.owner_ref.as_deref().unwrap_or("-")),
        }
    }

    /// Whoever was late is relieved, as the policy says (S4).
    fn relieve(&mut self) {
        let ticket = &self.out.ticket;
        let on_breach = self.pack().sla.on_breach;
        if !ticket.is_current || ticket.snoozed_until.is_some() || self.moves_already() {
            return;
        }
        let queue = ticket.queue.clone().unwrap_or_else(|| self.fallback().0);
        let next = match ticket.owner {
            OwnerKind::Ai | OwnerKind::Review if on_breach.to_people => {
                Some((queue, ticket.level.clone()))
            }
            OwnerKind::Queue if on_breach.level_up => {
                let level = self.next_level(&queue, ticket.level.as_deref());
                level.map(|level| (queue, Some(level)))
            }
            _ => None,
        };
        if let Some((queue, level)) = next {
            self.move_to_people(queue, level, true);
        }
    }

    fn next_level(&self, team: &str, level: Option<&str>) -> Option<String> {
        let levels = &self.pack().team(team)?.levels;
        let at = level.and_then(|level| levels.iter().position(|own| own.id == level)).unwrap_or(0);
        levels.get(at + 1).map(|level| level.id.clone())
    }

    fn fallback(&self) -> (String, Option<String>) {
        crate::pipeline::fallback_route(self.pack())
    }

    fn moves_already(&self) -> bool {
        self.out.moves.iter().any(|one| matches!(one, Move::ToPeople(..) | Move::Close))
    }

    fn move_to_people(&mut self, queue: String, level: Option<String>, escalated: bool) {
        if self.moves_already() {
            return;
        }
        let after = json!({"queue": queue, "level": level, "escalated": escalated});
        self.line("ticket.transferred", after, Some("nobody acted in time".to_owned()));
        self.out.moves.push(Move::ToPeople(queue.clone(), level.clone(), escalated));
        (self.out.ticket.queue, self.out.ticket.level) = (Some(queue), level);
        self.tell(NotifyEvent::Escalated, &[], None);
    }

    // ---- timers ----------------------------------------------------------------------------------------------

    fn is_done(&self, key: &str) -> bool {
        self.out.ticket.done.contains(key)
    }

    fn act_on_timers(&mut self) -> Vec<Timer> {
        let ticket = &self.out.ticket;
        let standing = Standing {
            status: ticket.status,
            owner: ticket.owner,
            owner_until: ticket.owner_until,
            assigned: ticket.assignee.is_some(),
            last_act: ticket.last_act,
            snoozed_until: ticket.snoozed_until,
            callback: ticket.callback,
            undecided: ticket.undecided,
            acknowledge_within: ticket.acknowledge_within,
            history: &ticket.history,
        };
        let mut all = timers(&self.pack().lifecycle, &standing);
        all.retain(|timer| !self.out.ticket.done.contains(&timer.key()));
        // A ticket whose conversation has gone on to another one only closes.
        if !ticket.is_current {
            all.retain(|timer| {
                matches!(timer.kind, TimerKind::SolvedClose | TimerKind::PendingClose)
            });
        }
        let now = self.now;
        for timer in all.iter().filter(|timer| timer.at <= now) {
            self.act(timer);
        }
        all
    }

    fn act(&mut self, timer: &Timer) {
        let after = json!({"timer": timer.key()});
        match timer.kind {
            TimerKind::Unassigned => {
                self.line("timer.unassigned", after, None);
                self.tell(NotifyEvent::Unassigned, &[], None);
            }
            TimerKind::Unacknowledged => {
                let chain = &self.pack().notifications.chain;
                let place = usize::try_from(timer.turn).unwrap_or(usize::MAX);
                let role: Vec<String> = chain.get(place).cloned().into_iter().collect();
                let after = also(after, "role", json!(role.first()));
                self.line("timer.unacknowledged", after, None);
                self.tell(NotifyEvent::Unacknowledged, &role, None);
            }
            TimerKind::Stuck => {
                self.line("timer.agent_stuck", after, None);
                self.tell(NotifyEvent::AgentStuck, &[], None);
            }
            TimerKind::LeaseLapsed => self.lapse(after),
            TimerKind::PendingReminder => {
                self.line("timer.reminder", after, None);
                self.notice(NoticeKind::Reminder, Family::Reminder, Told::default());
            }
            TimerKind::PendingClose => {
                let told = Told { csat: self.asks_for_rating(), ..Told::default() };
                self.notice(NoticeKind::Closed, Family::Closed, told);
                self.close(after, "the customer did not answer");
            }
            TimerKind::SolvedClose => self.close(after, "nobody objected to the solution"),
            TimerKind::SnoozeOver => {
                self.out.moves.push(Move::Wake);
                self.line("ticket.woke", after, Some("its time is over".to_owned()));
                self.tell(NotifyEvent::SnoozeOver, &[], None);
            }
            TimerKind::CallbackDue => {
                self.line("callback.due", after, None);
                self.tell(NotifyEvent::CallbackDue, &[], None);
            }
            TimerKind::CallbackMissed => {
                self.out.moves.push(Move::DropCallback);
                self.line("callback.missed", after, None);
                self.tell(NotifyEvent::CallbackMissed, &[], None);
                if self.out.ticket.owner != OwnerKind::Agent {
                    let (queue, level) = self.own_queue();
                    self.move_to_people(queue, level, true);
                }
            }
        }
    }

    fn own_queue(&self) -> (String, Option<String>) {
        let ticket = &self.out.ticket;
        ticket.queue.clone().map_or_else(|| self.fallback(), |queue| (queue, ticket.level.clone()))
    }

    fn lapse(&mut self, after: Value) {
        if self.moves_already() {
            return;
        }
        let (queue, level) = self.own_queue();
        let after = also(after, "agent", json!(self.out.ticket.owner_ref));
        let after = also(after, "queue", json!(queue));
        self.line("lease.lapsed", after, None);
        self.out.moves.push(Move::ToPeople(queue, level, false));
        self.tell(NotifyEvent::LeaseLapsed, &[], None);
    }

    fn close(&mut self, after: Value, why: &'static str) {
        let after = also(after, "status", json!("closed"));
        self.line("ticket.status", after, Some(why.to_owned()));
        self.out.moves.push(Move::Close);
    }

    // ---- assignment ------------------------------------------------------------------------------------------

    /// Gives what waits in a queue to an agent who is online, in turn (S5).
    fn give_to_an_agent(&mut self) {
        let ticket = &self.out.ticket;
        let waits = matches!(
            ticket.status,
            TicketStatus::New | TicketStatus::Open | TicketStatus::Escalated
        ) && ticket.owner == OwnerKind::Queue
            && ticket.is_current
            && ticket.snoozed_until.is_none();
        let Some(team) = ticket.queue.as_deref().filter(|_| waits && !self.moves_already()) else {
            return;
        };
        let pack = self.here.tenant.pipeline.pack();
        let online: Vec<Candidate<'_>> = self
            .here
            .presence
            .iter()
            .filter_map(|agent| {
                let person = pack.people.iter().find(|person| person.id == agent.name)?;
                Some(Candidate { person, last_assigned: agent.last_assigned_at })
            })
            .collect();
        let category = ticket.facts.as_facts().category;
        let chosen = choose(&online, team, ticket.level.as_deref(), ticket.language, category);
        let Some(agent) = chosen.map(|person| person.id.clone()) else { return };
        let until = self.now + pack.lifecycle.claim;
        if let Some(one) = self.here.presence.iter_mut().find(|one| one.name == agent) {
            one.last_assigned_at = Some(self.now);
        }
        self.out.ticket.assignee = Some(agent.clone());
        self.line("ticket.assigned", json!({"agent": agent, "until": until}), None);
        self.out.moves.push(Move::Assign(agent, until));
        self.tell(NotifyEvent::Assigned, &[], None);
    }

    fn next(&self, timers: &[Timer]) -> DateTime<Utc> {
        let later = timers.iter().map(|timer| timer.at).filter(|at| *at > self.now);
        let change = next_change(&self.clocks, self.now);
        later
            .chain(change)
            .min()
            .unwrap_or(self.now + AT_LEAST_EVERY)
            .min(self.now + AT_LEAST_EVERY)
    }
}

/// Names a state of a run of a clock, the same however often it is asked.
fn key_of(what: &str, clock: &Clock) -> String {
    let legal = if clock.kind == ClockKind::Legal { clock.rule.as_str() } else { "" };
    format!("{what}:{}{legal}:{}", clock.kind, clock.started.timestamp_millis())
}

fn of_clock(key: &str, clock: &Clock) -> Value {
    json!({"timer": key, "clock": clock.kind, "due": clock.due, "started": clock.started})
}

/// Adds a member to an object.
fn also(mut after: Value, key: &str, value: Value) -> Value {
    if let Some(members) = after.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
    after
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}
