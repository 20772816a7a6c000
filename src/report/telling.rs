//! Who hears of what happened, in their language, and when.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use crate::adapters::store::{DueTicket, Incident, NewNotification, Way};
use crate::domain::decision::LocalText;
use crate::domain::ids::{OutboxId, TenantId};
use crate::domain::labels::{Locale, Urgency};
use crate::domain::notification::{Notification, NotifyEvent, TicketBrief};
use crate::policy::Pack;
use crate::policy::clocks::Clock;
use crate::policy::people::{Happening, Person};
use crate::ports::Clock as TimeSource;

/// Something that happened to a ticket.
#[derive(Clone, Copy, Debug)]
pub struct Matter<'a> {
    /// The ticket.
    pub ticket: &'a DueTicket,
    /// The clock that is late first.
    pub clock: Option<&'a Clock>,
    /// What happened.
    pub event: NotifyEvent,
    /// Roles that a rule names besides those of the routes.
    pub roles: &'a [String],
    /// Why.
    pub reason: Option<&'a LocalText>,
    /// When.
    pub now: DateTime<Utc>,
}

/// Makes the notifications of something that happened to a ticket.
pub fn about_ticket(
    time: &dyn TimeSource,
    pack: &Pack,
    matter: &Matter<'_>,
) -> Vec<NewNotification> {
    let ticket = matter.ticket;
    let facts = ticket.facts.as_facts();
    let brief = TicketBrief {
        id: ticket.id.clone(),
        number: ticket.number.to_string(),
        category: facts.category.unwrap_or_default().to_owned(),
        priority: facts.priority.as_str().to_owned(),
        status: ticket.status.as_str().to_owned(),
        queue: ticket.queue.clone().unwrap_or_default(),
        channel: facts.channel.as_str().to_owned(),
        plan: facts.plan.map(str::to_owned),
        due: matter.clock.and_then(|clock| clock.due),
        clock: matter.clock.map(|clock| clock.kind.as_str().to_owned()),
    };
    let what = Happening {
        event: Some(matter.event),
        team: ticket.queue.as_deref(),
        level: ticket.level.as_deref(),
        assignee: ticket.assignee.as_deref(),
        roles: matter.roles,
    };
    let critical = facts.priority == Urgency::Critical;
    make(time, pack, &what, critical, matter.now, |person| Notification {
        team: ticket.queue.clone(),
        level: ticket.level.clone(),
        ticket: Some(brief.clone()),
        reason: matter.reason.map(|text| text.in_locale(locale_of(pack, person)).to_owned()),
        ..blank(pack, &ticket.tenant, matter.event, person, matter.now)
    })
}

fn locale_of(pack: &Pack, person: &Person) -> Locale {
    person.locale.unwrap_or_else(|| pack.business.default_locale())
}

/// Makes one notification for each way to each person that a happening concerns.
pub fn make(
    time: &dyn TimeSource,
    pack: &Pack,
    what: &Happening<'_>,
    critical: bool,
    now: DateTime<Utc>,
    told: impl Fn(&Person) -> Notification,
) -> Vec<NewNotification> {
    let quiet = pack.notifications.quiet.filter(|_| !critical);
    let at = quiet.map_or(now, |hours| hours.deliver_at(now, pack.business.time_zone));
    let people = pack.notifications.recipients(&pack.people, what);
    people
        .into_iter()
        .flat_map(|person| each_way(time, person, at, pack.notifications.repeat_after, &told))
        .collect()
}

fn each_way(
    time: &dyn TimeSource,
    person: &Person,
    at: DateTime<Utc>,
    repeat_after: Duration,
    told: &impl Fn(&Person) -> Notification,
) -> Vec<NewNotification> {
    let ways = [
        person.email.as_ref().map(|to| (Way::Email, to)),
        person.webhook.then_some((Way::Webhook, &person.id)),
    ];
    ways.into_iter()
        .flatten()
        .map(|(way, to)| NewNotification {
            id: time.outbox_id(),
            person: person.id.clone(),
            way,
            to: to.clone(),
            told: told(person),
            at,
            repeat_after,
        })
        .collect()
}

/// Makes the notifications that try whether a team or a person is reached. Each try is told, however often.
pub fn test(
    time: &dyn TimeSource,
    pack: &Pack,
    tenant: &TenantId,
    team: &str,
    now: DateTime<Utc>,
) -> Vec<NewNotification> {
    let one = |person: &&Person| {
        person.id == team || person.works(team, None) || person.roles.iter().any(|r| r == team)
    };
    let told = |person: &Person| Notification {
        team: Some(team.to_owned()),
        ..blank(pack, tenant, NotifyEvent::Test, person, now)
    };
    let people = pack.people.iter().filter(one);
    people.flat_map(|person| each_way(time, person, now, Duration::zero(), &told)).collect()
}

/// Makes the notifications of an incident that was declared, changed or ended: its stakeholders hear of it at once,
/// whatever the hour.
pub fn about_incident(
    time: &dyn TimeSource,
    pack: &Pack,
    tenant: &TenantId,
    incident: &Incident,
    event: NotifyEvent,
    now: DateTime<Utc>,
) -> Vec<NewNotification> {
    let what =
        Happening { event: Some(event), roles: &incident.terms.notify, ..Happening::default() };
    let kind = pack.incidents.iter().find(|kind| kind.id == incident.kind);
    let mut made = make(time, pack, &what, true, now, |person| {
        let locale = locale_of(pack, person);
        let name = kind.map_or(incident.kind.as_str(), |kind| kind.name.in_locale(locale));
        let said = incident.words.in_locale(locale);
        let said = incident.summary.as_deref().unwrap_or(said);
        Notification {
            reason: Some(format!("{name} ({})", incident.name)),
            text: Some(said.to_owned()).filter(|text| !text.is_empty()),
            detail: Some(serde_json::json!({
                "incident": incident.name, "kind": incident.kind, "scope": incident.scope,
                "started_at": incident.started_at, "ended_at": incident.ended_at,
                "stop_auto": incident.terms.stop_auto, "suspend_sla": incident.terms.suspend_sla,
            })),
            ..blank(pack, tenant, event, person, now)
        }
    });
    // Each change is news of its own.
    for one in &mut made {
        one.repeat_after = Duration::zero();
    }
    made
}

/// Returns what a webhook gets of a notification.
pub fn webhook_body(id: &OutboxId, person: &str, told: &Notification) -> Vec<u8> {
    let body = serde_json::json!({
        "id": id, "type": "notification", "person": person, "notification": told,
    });
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Returns what makes the notifications of an incident once it has changed.
pub fn of_incident(
    time: &Arc<dyn TimeSource>,
    pack: &Arc<Pack>,
    tenant: &TenantId,
    event: NotifyEvent,
    now: DateTime<Utc>,
) -> impl FnOnce(&Incident) -> Vec<NewNotification> + Send + 'static {
    let (time, pack, tenant) = (Arc::clone(time), Arc::clone(pack), tenant.clone());
    move |incident| about_incident(time.as_ref(), &pack, &tenant, incident, event, now)
}

/// Sums an incident up that ends: how long it lasted and how many customers were told.
pub fn summary(incident: &Incident, told: i64, now: DateTime<Utc>, locale: Locale) -> String {
    let minutes = (now - incident.started_at).num_minutes();
    match locale {
        Locale::PtBr => format!("Durou {minutes} minutos. Clientes avisados: {told}."),
        Locale::En => format!("It lasted {minutes} minutes. Customers told: {told}."),
    }
}

fn blank(
    pack: &Pack,
    tenant: &TenantId,
    event: NotifyEvent,
    person: &Person,
    now: DateTime<Utc>,
) -> Notification {
    Notification {
        event,
        tenant: tenant.as_str().to_owned(),
        at: now,
        locale: locale_of(pack, person),
        zone: pack.business.time_zone.name().to_owned(),
        team: None,
        level: None,
        ticket: None,
        reason: None,
        detail: None,
        text: None,
    }
}
