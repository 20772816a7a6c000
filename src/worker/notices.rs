//! Notices to the customer: which one suits, whether it may leave now, and its words.

use chrono::{DateTime, Duration, Utc};

use super::turns::Case;
use crate::adapters::store::{DueTicket, Incident, OutboxBody, ReplyKind};
use crate::compose::{Family, NoticeFacts, length, moment, time_of_day};
use crate::domain::channel::Channel;
use crate::domain::decision::{Action, Decision};
use crate::domain::draft::DraftText;
use crate::domain::labels::{Language, Locale, Sentiment};
use crate::domain::signal::Signal;
use crate::domain::ticket::{OwnerKind, TicketStatus};
use crate::pipeline::{NoticeCase, Pipeline};
use crate::policy::clocks::{ClockKind, Facts, History, clocks};
use crate::policy::notices::{NoticeKind, NoticeMode};
use crate::policy::{Pack, SlaTime};
use crate::understand::Understood;

/// The notice that a decided turn calls for, with its words; `None` where none leaves.
pub(super) fn at_decision(
    case: &Case,
    understood: &Understood,
    decision: &Decision,
    now: DateTime<Utc>,
) -> Option<(ReplyKind, DraftText)> {
    let to_people = matches!(decision.action, Action::Escalate | Action::Review);
    let in_danger = understood.signals.iter().any(|hit| hit.signal.is_safety());
    let safety = case.tenant.pipeline.pack().safety.queue.as_str();
    let in_danger = in_danger || case.turn.queue.as_deref() == Some(safety);
    // A receipt is an automatic reply too (RFC 3834 §2).
    let unwanted = case
        .turn
        .messages
        .iter()
        .any(|message| !message.decided && (message.flags.held || message.flags.automatic));
    if !to_people || in_danger || unwanted || case.turn.opted_out {
        return None;
    }
    let decided = Decided { case, understood, decision, now };
    decided.of_incident().or_else(|| decided.of_people())
}

/// A turn that was decided a moment ago.
struct Decided<'a> {
    case: &'a Case,
    understood: &'a Understood,
    decision: &'a Decision,
    now: DateTime<Utc>,
}

impl Decided<'_> {
    fn pack(&self) -> &Pack {
        self.case.tenant.pipeline.pack()
    }

    fn locale(&self) -> Locale {
        let own = self.understood.language.value.reply_locale();
        own.unwrap_or_else(|| self.pack().business.default_locale())
    }

    fn category(&self) -> &str {
        &self.understood.category.value
    }

    /// Incidents that the turn falls under, the earliest first.
    fn incidents(&self) -> impl DoubleEndedIterator<Item = &Incident> {
        let channel = self.case.turn.channel;
        self.case.incidents.iter().filter(move |one| one.concerns(Some(self.category()), channel))
    }

    fn words(&self, family: Family, facts: &NoticeFacts<'_>) -> Option<DraftText> {
        let turn = &self.case.turn;
        let known = turn.profile.as_ref().and_then(|profile| profile.name.as_deref());
        let case = NoticeCase {
            locale: self.locale(),
            channel: turn.channel,
            name: known.or(turn.contact.name.as_deref()),
            ticket_number: &turn.number.to_string(),
            sentiment: self.understood.sentiment.value,
        };
        self.case.tenant.pipeline.notice(family, &case, facts)
    }

    /// What is said of a known problem comes before everything else.
    fn of_incident(&self) -> Option<(ReplyKind, DraftText)> {
        let incident =
            self.incidents().rev().find(|one| one.ended_at.is_none() && says_something(one))?;
        if self.pack().notices.mode(NoticeKind::Outage, self.case.turn.channel) == NoticeMode::Off {
            return None;
        }
        let next = next_update(incident, self.now, self.locale());
        let facts = NoticeFacts {
            incident_text: Some(incident.words.in_locale(self.locale())),
            next_update: next.as_deref(),
            ..NoticeFacts::default()
        };
        let kind = ReplyKind::Notice(NoticeKind::Outage, Some(incident.id.clone()));
        Some((kind, self.words(Family::Outage, &facts)?))
    }

    /// People have it now: that they take over, or that it arrived.
    fn of_people(&self) -> Option<(ReplyKind, DraftText)> {
        let (turn, pack) = (&self.case.turn, self.pack());
        let newly = turn.owner == OwnerKind::Ai;
        let (kind, family) = if self.decision.action == Action::Escalate && newly {
            (NoticeKind::Escalation, Family::Escalation)
        } else if turn.status == TicketStatus::New {
            (NoticeKind::Acknowledgement, Family::Acknowledgement)
        } else {
            return None;
        };
        let mode = pack.notices.mode(kind, turn.channel);
        if mode == NoticeMode::Off {
            return None;
        }
        let new = turn.messages.iter().rev().find(|message| !message.decided);
        let asked = new.map_or(self.now, |message| message.at);
        let due = self.first_response_due(asked);
        if mode == NoticeMode::Slow && !is_slow(pack, turn.channel, asked, due) {
            return None;
        }
        // A time that has passed already would be no honest one.
        let by = due
            .filter(|due| *due > self.now)
            .map(|due| moment(due, self.now, pack.business.time_zone, self.locale()));
        let team = self.decision.queue.as_deref().and_then(|queue| pack.team(queue));
        let facts = NoticeFacts {
            team: team.map(|team| team.name.in_locale(self.locale())),
            answer_by: by.as_deref(),
            ..NoticeFacts::default()
        };
        Some((ReplyKind::Notice(kind, None), self.words(family, &facts)?))
    }

    /// Until when the policy promises an answer to what was asked then.
    fn first_response_due(&self, asked: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (turn, decision) = (&self.case.turn, self.decision);
        let hits = self.understood.signals.iter();
        let signals: Vec<String> = hits.map(|hit| hit.signal.as_str().to_owned()).collect();
        let spans: Vec<_> = self.incidents().map(Incident::span).collect();
        let facts = Facts {
            priority: decision.priority,
            plan: turn.profile.as_ref().and_then(|profile| profile.plan.as_deref()),
            category: Some(self.category()),
            subcategory: self.understood.subcategory.value.as_deref(),
            channel: turn.channel,
            level: decision.level.as_deref(),
            signals: &signals,
            incidents: &spans,
        };
        clocks(&self.pack().sla, &facts, &History::opened(asked), self.now)
            .into_iter()
            .find(|clock| clock.kind == ClockKind::FirstResponse)
            .and_then(|clock| clock.due)
    }
}

/// True for an incident that customers are told of.
pub(super) fn says_something(incident: &Incident) -> bool {
    !incident.words.pt_br.trim().is_empty() && !incident.words.en.trim().is_empty()
}

/// True where no answer is expected within the channel's own target.
fn is_slow(
    pack: &Pack,
    channel: Channel,
    asked: DateTime<Utc>,
    due: Option<DateTime<Utc>>,
) -> bool {
    let Some(target) = pack.sla.by_channel.get(&channel) else { return true };
    let target = match target.first_response {
        SlaTime::Minutes(minutes) => Duration::minutes(i64::from(minutes)),
        SlaTime::BusinessDays(days) => Duration::days(i64::from(days).max(1)),
    };
    due.is_none_or(|due| due - asked > target)
}

/// After how long there is more to hear of an incident; `None` where nobody said or it is overdue.
pub(super) fn next_update(
    incident: &Incident,
    now: DateTime<Utc>,
    locale: Locale,
) -> Option<String> {
    let minutes = (incident.next_update_at? - now).num_minutes();
    // "Within 30 minutes" is a promise: 29 minutes and a half are 30.
    (minutes > 0).then(|| length(Duration::minutes(minutes.div_euclid(5) * 5 + 5), locale))
}

/// Why a notice does not leave, for the trail.
pub(super) enum Silence {
    /// The policy does not send it on this channel.
    Off,
    /// The channel lets only templates leave now, and the policy names none.
    OutsideWindow,
    /// The contact asked to receive nothing more.
    OptedOut,
    /// Somebody is in danger: beyond the approved text, people choose their words.
    InDanger,
}

/// Says how a notice about a ticket leaves now: with the network's template, or as plain words.
pub(super) fn way_out(
    pack: &Pack,
    kind: NoticeKind,
    ticket: &DueTicket,
    now: DateTime<Utc>,
) -> Result<Option<String>, Silence> {
    let channel = channel_of(ticket);
    if ticket.opted_out {
        return Err(Silence::OptedOut);
    }
    let danger = |name: &String| Signal::parse(name).is_some_and(Signal::is_safety);
    let with_safety = ticket.queue.as_deref() == Some(pack.safety.queue.as_str());
    if with_safety || ticket.facts.as_facts().signals.iter().any(danger) {
        return Err(Silence::InDanger);
    }
    if pack.notices.mode(kind, channel) == NoticeMode::Off {
        return Err(Silence::Off);
    }
    let window = pack.sla.by_channel.get(&channel).and_then(|target| target.window);
    let Some(SlaTime::Minutes(window)) = window else { return Ok(None) };
    let open = ticket
        .last_inbound_at
        .is_some_and(|last| now < last + Duration::minutes(i64::from(window)));
    if open {
        return Ok(None);
    }
    let template = pack.notices.template(kind, channel).map(str::to_owned);
    template.map(Some).ok_or(Silence::OutsideWindow)
}

pub(super) fn channel_of(ticket: &DueTicket) -> Channel {
    ticket.facts.as_facts().channel
}

/// The language of what leaves on a ticket's conversation.
pub(super) fn locale_of(pack: &Pack, ticket: &DueTicket) -> Locale {
    let own = ticket.language.and_then(Language::reply_locale);
    own.unwrap_or_else(|| pack.business.default_locale())
}

/// What a notice about a ticket knows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told<'a> {
    pub(super) csat: bool,
    pub(super) low: bool,
    pub(super) incident: Option<&'a Incident>,
}

/// Writes a notice about a ticket; `None` where its template says nothing.
pub(super) fn words(
    pipeline: &Pipeline,
    family: Family,
    ticket: &DueTicket,
    told: Told<'_>,
    now: DateTime<Utc>,
) -> Option<DraftText> {
    let pack = pipeline.pack();
    let locale = locale_of(pack, ticket);
    let (life, zone) = (&pack.lifecycle, pack.business.time_zone);
    let (waited, closes) =
        (length(life.pending_reminder, locale), length(life.pending_close, locale));
    let next = told.incident.and_then(|incident| next_update(incident, now, locale));
    let call = ticket
        .callback
        .map(|call| (time_of_day(call.from, zone, locale), time_of_day(call.until, zone, locale)));
    let team = ticket.queue.as_deref().and_then(|queue| pack.team(queue));
    let facts = NoticeFacts {
        team: team.map(|team| team.name.in_locale(locale)),
        csat: told.csat,
        low: told.low,
        waited: Some(&waited),
        closes_within: Some(&closes),
        incident_text: told.incident.map(|incident| incident.words.in_locale(locale)),
        next_update: next.as_deref(),
        callback: call.as_ref().map(|(from, until)| (from.as_str(), until.as_str())),
        ..NoticeFacts::default()
    };
    let number = ticket.number.to_string();
    let case = NoticeCase {
        locale,
        channel: channel_of(ticket),
        name: ticket.customer_name.as_deref().or(ticket.contact.name.as_deref()),
        ticket_number: &number,
        sentiment: ticket
            .sentiment
            .as_deref()
            .and_then(Sentiment::parse)
            .unwrap_or(Sentiment::Neutral),
    };
    pipeline.notice(family, &case, &facts)
}

/// Addresses a notice about a ticket.
pub(super) fn body(ticket: &DueTicket, text: DraftText, template: Option<String>) -> OutboxBody {
    OutboxBody {
        thread: ticket.thread.clone(),
        to: ticket.contact.clone(),
        ticket_number: ticket.number.to_string(),
        subject: ticket.subject.clone(),
        text: text.text,
        locale: text.locale,
        in_reply_to: ticket.in_reply_to.clone(),
        fallback_queue: ticket.queue.clone().unwrap_or_default(),
        template,
        choices: text.choices,
        attachments: Vec::new(),
    }
}
