//! A business's way out over WhatsApp: what a reply becomes on the wire, when it may leave, and what the end of a call
//! means for it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, Utc};

use super::client::{
    Address, BodyValue, ClientSettings, CloudClient, Content, Doubt, Fault, NotSent, Outgoing,
    Pace, PaceLimits, Sent, SettingsError, Template,
};
use super::errors::{Action, ApiError, Holds};
use super::format::{self, Fit};
use crate::adapters::store::DeliveryEnd;
use crate::domain::labels::Locale;

/// For how long after a customer's last message free words may leave (Cloud API, customer service window), less what
/// clocks may differ.
const WINDOW: Duration = Duration::minutes(24 * 60 - 1);
/// Letters of a template's value: the template's own words need room among its 1 024.
const VALUE_MAX: usize = 900;
/// For how long a message's states are waited for where its call ended in doubt.
pub const DOUBT: Duration = Duration::minutes(2);
/// How long a message waits for somebody to mend the token, the number or the network before people get it.
const PATIENCE: Duration = Duration::hours(1);
/// How long a number rests when something is wrong with it as a whole.
const REST: Duration = Duration::minutes(5);
/// First pause where no connection comes about; it doubles up to `REST`.
const RECONNECT: Duration = Duration::seconds(5);
/// Longest pause between tries.
const PAUSE_MAX: Duration = Duration::hours(24);
/// The code of a call with a value that does not do, such as the id of a message that is not there.
const BAD_VALUE: i64 = 131_009;
/// How long nobody hears from us before an answer says what it answers.
const QUOTE_AFTER: Duration = Duration::hours(1);

/// How a business's messages leave.
#[derive(Clone, Debug)]
pub struct OutletSettings {
    /// How the API is reached.
    pub client: ClientSettings,
    /// The approved template that carries a reply once free words may not leave any more. Its values are the ticket's
    /// number and the reply.
    pub template: Option<String>,
    /// Customers see that their message was read, and "typing…" while a reply is made.
    pub receipts: bool,
}

/// A message that waits to leave.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    /// Our own id of it, which comes back with its states.
    pub id: &'a str,
    /// The number that it leaves from, by its id.
    pub number: &'a str,
    /// Where it goes.
    pub to: &'a Address,
    /// The words, with WhatsApp's marks.
    pub text: &'a str,
    /// Their language.
    pub locale: Locale,
    /// The ticket's number.
    pub ticket_number: &'a str,
    /// The template that the policy names for it.
    pub template: Option<&'a str>,
    /// The customer's message that it answers.
    pub answers: Option<&'a str>,
    /// The customer's latest message, and when it came.
    pub latest: Option<(&'a str, DateTime<Utc>)>,
    /// This attempt, from 1.
    pub attempt: u32,
    /// Since when it waits.
    pub since: DateTime<Utc>,
    /// Chance, so that what failed together is not tried again together.
    pub chance: u64,
}

/// A business's way out.
pub struct Outlet {
    client: CloudClient,
    pace: Mutex<Pace>,
    template: Option<String>,
    receipts: bool,
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Outlet {
    /// Makes a way out; connects to nobody.
    pub fn new(settings: OutletSettings) -> Result<Self, SettingsError> {
        Ok(Self {
            client: CloudClient::new(settings.client)?,
            pace: Mutex::new(Pace::new(PaceLimits::default())),
            template: settings.template,
            receipts: settings.receipts,
        })
    }

    /// Returns the client.
    pub const fn client(&self) -> &CloudClient {
        &self.client
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one attempt.
    pub async fn send(&self, now: DateTime<Utc>, parcel: &Parcel<'_>) -> DeliveryEnd {
        let open = parcel.latest.is_some_and(|(_, last)| now < last + WINDOW);
        let outgoing = if open { free(now, parcel) } else { self.by_template(parcel) };
        let outgoing = match outgoing {
            Ok(outgoing) => outgoing,
            Err(why) => return DeliveryEnd::Failed(why.to_owned()),
        };
        if let Some(at) = self.pace().take(now, parcel.number, parcel.to) {
            return DeliveryEnd::NotTried(at);
        }
        let mut end = self.client.send(parcel.number, parcel.to, &outgoing, parcel.id).await;
        // What is quoted may be gone, because its sender deleted it; the answer stands without it.
        if outgoing.quotes.is_some() && is_refused_with(&end, BAD_VALUE) {
            let bare = Outgoing { quotes: None, ..outgoing };
            end = self.client.send(parcel.number, parcel.to, &bare, parcel.id).await;
        }
        // Their clock decides about the window; nothing has left, so the template may.
        if open && matches!(end, Sent::Refused { action: Action::Reengage, .. }) {
            return match self.by_template(parcel) {
                Ok(outgoing) => {
                    let end =
                        self.client.send(parcel.number, parcel.to, &outgoing, parcel.id).await;
                    self.judged(now, parcel, end)
                }
                Err(why) => DeliveryEnd::Failed(why.to_owned()),
            };
        }
        self.judged(now, parcel, end)
    }

    /// Tells a customer that their message was read, on wish that a reply is being made. A courtesy: it may fail.
    pub async fn mark_read(&self, number: &str, message: &str, typing: bool) -> Option<Fault> {
        if !self.receipts {
            return None;
        }
        self.client.mark_read(number, message, typing).await
    }

    /// Writes a message as the approved template that may carry it.
    fn by_template(&self, parcel: &Parcel<'_>) -> Result<Outgoing, &'static str> {
        let words = one_line(parcel.text);
        let number = BodyValue::numbered(parcel.ticket_number);
        let (name, body) = match (parcel.template, &self.template) {
            // What a notice says stands in its template.
            (Some(name), _) => (name, vec![number]),
            (None, Some(_)) if words.chars().count() > VALUE_MAX => {
                return Err(
                    "needs a template: 24 hours have passed, and the reply is too long for the configured one",
                );
            }
            (None, Some(name)) => (name.as_str(), vec![number, BodyValue::numbered(words)]),
            (None, None) => {
                return Err(
                    "needs a template: 24 hours have passed since the customer's last message, and none is configured",
                );
            }
        };
        let language = match parcel.locale {
            Locale::PtBr => "pt_BR",
            Locale::En => "en",
        };
        Ok(Outgoing::of(Content::Template(Template {
            name: name.to_owned(),
            language: language.to_owned(),
            body,
            ..Template::default()
        })))
    }

    fn judged(&self, now: DateTime<Utc>, parcel: &Parcel<'_>, end: Sent) -> DeliveryEnd {
        match end {
            Sent::Accepted(receipt) => match receipt.id {
                Some(id) => DeliveryEnd::Accepted(id),
                None => doubt(now, Doubt::NoId),
            },
            Sent::Unknown(why) => doubt(now, why),
            Sent::NotSent(NotSent::Misfit(misfit)) => DeliveryEnd::Failed(format!(
                "WhatsApp does not take it: {}",
                misfit.told(Locale::En)
            )),
            Sent::NotSent(NotSent::Unreached(why)) => {
                let why = format!("WhatsApp was not reached: {}", why.told(Locale::En));
                if waited(now, parcel) {
                    return DeliveryEnd::Failed(why);
                }
                let pause = growing(RECONNECT, parcel, REST);
                DeliveryEnd::RetryAt(now + pause, why)
            }
            Sent::Refused { error, action } => self.refused(now, parcel, &error, action),
        }
    }

    /// Does as the table of errors says (see [`super::errors`]).
    fn refused(
        &self,
        now: DateTime<Utc>,
        parcel: &Parcel<'_>,
        error: &ApiError,
        action: Action,
    ) -> DeliveryEnd {
        let code = error.code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
        let why = format!("WhatsApp refused it ({code})");
        match action {
            Action::RetryLater { tries, .. } if parcel.attempt > tries => {
                DeliveryEnd::Failed(format!("{why}, {} times", parcel.attempt))
            }
            Action::RetryLater { after, holds, .. } => {
                let after = Duration::from_std(after).unwrap_or(REST);
                let pause = growing(after, parcel, PAUSE_MAX);
                match holds {
                    Holds::Number => self.pace().hold_number(now, parcel.number, now + after),
                    Holds::Person => {
                        self.pace().hold_pair(now, parcel.number, parcel.to, now + pause);
                    }
                }
                DeliveryEnd::RetryAt(now + pause, why)
            }
            Action::Reconnect | Action::Fix(_) => {
                let todo = action.advice(Locale::En).unwrap_or_default();
                let stops = !matches!(action, Action::Fix(remedy) if !remedy.stops_number);
                let number = parcel.number;
                tracing::error!(
                    number,
                    code,
                    todo,
                    "WhatsApp does not let number {number} send ({code}): {todo}"
                );
                if !stops || waited(now, parcel) {
                    return DeliveryEnd::Failed(format!("{why}: {todo}"));
                }
                self.pace().hold_number(now, number, now + REST);
                DeliveryEnd::RetryAt(now + REST, why)
            }
            Action::Reengage => DeliveryEnd::Failed(format!(
                "needs a template: 24 hours have passed since the customer's last message ({code})"
            )),
            Action::Drop => DeliveryEnd::Failed(format!(
                "this person cannot be written to on WhatsApp ({code})"
            )),
            Action::ToHuman | Action::AskAnotherWay => DeliveryEnd::Failed(why),
            Action::Unsure => doubt(now, Doubt::Broken),
        }
    }
}

fn is_refused_with(end: &Sent, code: i64) -> bool {
    matches!(end, Sent::Refused { error, .. } if error.code == Some(code))
}

fn waited(now: DateTime<Utc>, parcel: &Parcel<'_>) -> bool {
    now - parcel.since > PATIENCE
}

/// Writes a message as free words.
fn free(now: DateTime<Utc>, parcel: &Parcel<'_>) -> Result<Outgoing, &'static str> {
    let mut parts = format::fit(parcel.text, format::TEXT_UNITS_MAX, Fit::Split).into_iter();
    let (Some(text), None) = (parts.next(), parts.next()) else {
        return Err("WhatsApp takes 4 096 letters, and at least one; shorten the reply");
    };
    let outgoing = Outgoing::text(text);
    let Some((latest, last)) = parcel.latest else { return Ok(outgoing) };
    // Whoever wrote more since, or has waited long, needs to see which message is answered.
    let quotes = parcel.answers.filter(|answers| *answers != latest || now - last > QUOTE_AFTER);
    Ok(match quotes {
        Some(message) => outgoing.quoting(message),
        None => outgoing,
    })
}

fn doubt(now: DateTime<Utc>, why: Doubt) -> DeliveryEnd {
    DeliveryEnd::Awaiting(
        now + DOUBT,
        format!("nobody knows whether WhatsApp has it: {}", why.told(Locale::En)),
    )
}

/// Doubles with each attempt up to `most`, and adds up to a fifth by chance.
fn growing(first: Duration, parcel: &Parcel<'_>, most: Duration) -> Duration {
    let times = 2_i32.saturating_pow(parcel.attempt.saturating_sub(1).min(16));
    let pause = first.checked_mul(times).unwrap_or(most).min(most);
    let fifth = pause.num_milliseconds() / 5;
    let more = i64::try_from(parcel.chance % 1_000).unwrap_or_default() * fifth / 1_000;
    pause + Duration::milliseconds(more)
}

/// Values of templates may not break lines or have wide gaps.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn now() -> DateTime<Utc> {
        Utc.timestamp_opt(1_795_000_000, 0).unwrap()
    }

    fn parcel(to: &Address) -> Parcel<'_> {
        Parcel {
            id: "out_1",
            number: "106540352242922",
            to,
            text: "Abra *Faturas*.\n\n1. Toque em Segunda via.",
            locale: Locale::PtBr,
            ticket_number: "1042-7",
            template: None,
            answers: Some("wamid.1"),
            latest: Some(("wamid.1", now())),
            attempt: 1,
            since: now(),
            chance: 0,
        }
    }

    fn outlet(template: Option<&str>) -> Outlet {
        let token = crate::domain::secret::Secret::new("um-token");
        Outlet::new(OutletSettings {
            client: ClientSettings::new(token),
            template: template.map(str::to_owned),
            receipts: true,
        })
        .unwrap()
    }

    #[test]
    fn an_answer_quotes_only_where_it_would_not_be_clear_what_it_answers() {
        let to = Address::read("5511987654321").unwrap();
        let parcel = parcel(&to);
        let quoted = |now, parcel: &Parcel<'_>| free(now, parcel).unwrap().quotes;
        assert_eq!(quoted(now(), &parcel), None);
        let late = now() + Duration::hours(2);
        assert_eq!(quoted(late, &parcel).as_deref(), Some("wamid.1"));
        let more = Parcel { latest: Some(("wamid.2", now())), ..parcel };
        assert_eq!(quoted(now(), &more).as_deref(), Some("wamid.1"));
        assert!(free(now(), &Parcel { text: " \n", ..parcel }).is_err());
        let long = "palavra ".repeat(700);
        assert!(free(now(), &Parcel { text: &long, ..parcel }).is_err());
    }

    #[test]
    fn a_template_has_its_values_on_one_line() {
        let to = Address::read("5511987654321").unwrap();
        let parcel = parcel(&to);
        let written = |outlet: &Outlet, parcel: &Parcel<'_>| {
            let outgoing = outlet.by_template(parcel)?;
            let Content::Template(template) = outgoing.content else { panic!("a template") };
            let values: Vec<String> = template.body.into_iter().map(|value| value.text).collect();
            Ok::<_, &'static str>((template.name, template.language, values))
        };
        let (name, language, values) = written(&outlet(Some("resposta")), &parcel).unwrap();
        assert_eq!((name.as_str(), language.as_str()), ("resposta", "pt_BR"));
        assert_eq!(values, ["1042-7", "Abra *Faturas*. 1. Toque em Segunda via."]);
        let notice =
            Parcel { template: Some("atendimento_resolvido"), locale: Locale::En, ..parcel };
        let (name, language, values) = written(&outlet(None), &notice).unwrap();
        assert_eq!((name.as_str(), language.as_str()), ("atendimento_resolvido", "en"));
        assert_eq!(values, ["1042-7"]);
        assert!(written(&outlet(None), &parcel).unwrap_err().starts_with("needs a template"));
        let long = "palavra ".repeat(200);
        let long = Parcel { text: &long, ..parcel };
        assert!(written(&outlet(Some("resposta")), &long).unwrap_err().contains("too long"));
    }

    #[test]
    fn every_action_of_the_table_ends_as_it_says() {
        let to = Address::read("5511987654321").unwrap();
        let end = |code: i64, attempt: u32, since: DateTime<Utc>| {
            let parcel = Parcel { attempt, since, ..parcel(&to) };
            let error = ApiError { code: Some(code), ..ApiError::default() };
            let action = super::super::errors::action(Some(code), Some(400));
            outlet(None).judged(now(), &parcel, Sent::Refused { error, action })
        };
        let seconds = |end: DeliveryEnd| match end {
            DeliveryEnd::RetryAt(at, _) => (at - now()).num_seconds(),
            other => panic!("{other:?}"),
        };
        assert_eq!(seconds(end(131_056, 1, now())), 6);
        assert_eq!(seconds(end(131_056, 3, now())), 24);
        assert!(matches!(end(131_056, 7, now()), DeliveryEnd::Failed(_)));
        assert_eq!(seconds(end(130_429, 1, now())), 10);
        // Somebody has an hour to mend the token; then people get what waits.
        assert_eq!(seconds(end(190, 1, now())), 300);
        let DeliveryEnd::Failed(why) = end(190, 13, now() - Duration::minutes(61)) else {
            panic!("people get it");
        };
        assert!(why.contains("access token was refused"), "{why}");
        for code in [132_001, 131_047, 131_026, 131_051, 131_052, 999_999] {
            assert!(matches!(end(code, 1, now()), DeliveryEnd::Failed(_)), "{code}");
        }
    }

    #[test]
    fn what_was_not_reached_is_tried_again_and_what_is_in_doubt_is_not() {
        use super::super::client::Unreached;
        let to = Address::read("5511987654321").unwrap();
        let outlet = outlet(None);
        let parcel = parcel(&to);
        let end = outlet.judged(now(), &parcel, Sent::Unknown(Doubt::Late));
        assert!(
            matches!(end, DeliveryEnd::Awaiting(until, _) if until == now() + DOUBT),
            "{end:?}"
        );
        let unreached = || Sent::NotSent(NotSent::Unreached(Unreached::Connection));
        let end = outlet.judged(now(), &parcel, unreached());
        assert!(matches!(end, DeliveryEnd::RetryAt(..)), "{end:?}");
        let old = Parcel { since: now() - Duration::hours(2), ..parcel };
        assert!(matches!(outlet.judged(now(), &old, unreached()), DeliveryEnd::Failed(_)));
    }
}
