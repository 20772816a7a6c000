//! A business's way out over WhatsApp: what a reply becomes on the wire, when it may leave, and what the end of a call
//! means for it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, Utc};

use super::client::{
    Address, BodyValue, Buttons, Choice, ClientSettings, CloudClient, Content, Doubt, Fault, File,
    FileKind, NotSent, Outgoing, Pace, PaceLimits, Sent, SettingsError, Source, Template, shown,
};
use super::errors::{self, Action, ApiError, Holds};
use super::format::{self, Fit};
use crate::adapters::store::DeliveryEnd;
use crate::domain::draft::numbered;
use crate::domain::labels::Locale;
use crate::domain::mark::MarkNews;

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

/// For how long WhatsApp has what was uploaded: 30 days, less what clocks may differ.
const UPLOAD_KEPT: Duration = Duration::days(25);
/// How many uploads are remembered, so that another attempt need not upload again.
const UPLOADS_MAX: usize = 256;

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
    /// The words, with WhatsApp's marks; may be empty beside a file.
    pub text: &'a str,
    /// Short answers to tap.
    pub choices: &'a [String],
    /// The file that it carries.
    pub file: Option<&'a Enclosure>,
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

/// A file on its way to a customer.
#[derive(Clone, PartialEq, Eq)]
pub struct Enclosure {
    /// Our id of it, under which an upload of it is known.
    pub id: String,
    /// The type that its first bytes show.
    pub mime: String,
    /// What it is called.
    pub name: Option<String>,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Shows how much there is, and nothing of it.
impl fmt::Debug for Enclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enclosure")
            .field("id", &self.id)
            .field("mime", &self.mime)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// Files that WhatsApp has, by number and by our id: its own id, and since when.
type Uploads = BTreeMap<(String, String), (String, DateTime<Utc>)>;

/// How an attempt ended, and what it says of the customer's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The end.
    pub end: DeliveryEnd,
    /// What is known of the address from now on.
    pub mark: Option<MarkNews>,
}

impl From<DeliveryEnd> for Attempt {
    fn from(end: DeliveryEnd) -> Self {
        Self { end, mark: None }
    }
}

/// Returns what a code of the API says of the customer's address.
pub fn marked(code: Option<i64>, at: DateTime<Utc>) -> Option<MarkNews> {
    let mark = errors::mark(code)?;
    let reason = code.map(|code| code.to_string()).unwrap_or_default();
    Some(MarkNews { mark, stands: true, reason, at })
}

/// A business's way out.
pub struct Outlet {
    client: CloudClient,
    pace: Mutex<Pace>,
    uploads: Mutex<Uploads>,
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
            uploads: Mutex::new(BTreeMap::new()),
            template: settings.template,
            receipts: settings.receipts,
        })
    }

    /// True where a reply can leave after the customer service window too.
    pub const fn has_template(&self) -> bool {
        self.template.is_some()
    }

    /// Returns the client.
    pub const fn client(&self) -> &CloudClient {
        &self.client
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one attempt.
    pub async fn send(&self, now: DateTime<Utc>, parcel: &Parcel<'_>) -> Attempt {
        let open = parcel.latest.is_some_and(|(_, last)| now < last + WINDOW);
        let outgoing = if open { free(now, parcel) } else { self.by_template(parcel) };
        let mut outgoing = match outgoing {
            Ok(outgoing) => outgoing,
            Err(why) => return DeliveryEnd::Failed(why).into(),
        };
        if let Some(at) = self.pace().take(now, parcel.number, parcel.to) {
            return DeliveryEnd::NotTried(at).into();
        }
        if let (Content::File(file), Some(enclosure)) = (&mut outgoing.content, parcel.file) {
            match self.uploaded(now, parcel.number, enclosure).await {
                Ok(id) => file.source = Source::Id(id),
                Err(fault) => return self.not_uploaded(now, parcel, fault).into(),
            }
        }
        let mut end = self.client.send(parcel.number, parcel.to, &outgoing, parcel.id).await;
        // What is quoted may be gone, because its sender deleted it; the answer stands without it.
        if outgoing.quotes.is_some() && is_refused_with(&end, BAD_VALUE) {
            let bare = Outgoing { quotes: None, ..outgoing };
            end = self.client.send(parcel.number, parcel.to, &bare, parcel.id).await;
        }
        // Their clock decides about the window; nothing has left, so the template may.
        if open && matches!(end, Sent::Refused { action: Action::Reengage, .. }) {
            end = match self.by_template(parcel) {
                Ok(outgoing) => {
                    self.client.send(parcel.number, parcel.to, &outgoing, parcel.id).await
                }
                Err(why) => return DeliveryEnd::Failed(why).into(),
            };
        }
        let code = match &end {
            Sent::Refused { error, .. } => error.code,
            _ => None,
        };
        Attempt { mark: marked(code, now), end: self.judged(now, parcel, end) }
    }

    /// Tells a customer that their message was read, on wish that a reply is being made. A courtesy: it may fail.
    pub async fn mark_read(&self, number: &str, message: &str, typing: bool) -> Option<Fault> {
        if !self.receipts {
            return None;
        }
        self.client.mark_read(number, message, typing).await
    }

    /// Hands a file over, unless WhatsApp has it. Returns WhatsApp's id of it.
    async fn uploaded(
        &self,
        now: DateTime<Utc>,
        number: &str,
        file: &Enclosure,
    ) -> Result<String, Fault> {
        let key = (number.to_owned(), file.id.clone());
        let known = |uploads: &Uploads| uploads.get(&key).map(|(id, _)| id.clone());
        if let Some(id) = known(&self.known_uploads(now)) {
            return Ok(id);
        }
        let name = file.name.as_deref().unwrap_or_default();
        let id = self.client.upload(number, &file.content, &file.mime, name).await?;
        self.known_uploads(now).insert(key, (id.clone(), now));
        Ok(id)
    }

    /// The files that WhatsApp still has.
    fn known_uploads(&self, now: DateTime<Utc>) -> MutexGuard<'_, Uploads> {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.retain(|_, (_, since)| now - *since < UPLOAD_KEPT);
        while uploads.len() > UPLOADS_MAX {
            uploads.pop_first();
        }
        uploads
    }

    /// What follows where a file did not get to WhatsApp: nothing has left, so that another attempt is harmless.
    fn not_uploaded(&self, now: DateTime<Utc>, parcel: &Parcel<'_>, fault: Fault) -> DeliveryEnd {
        match fault {
            Fault::Refused { error, action, .. } if action != Action::Unsure => {
                self.refused(now, parcel, &error, action)
            }
            Fault::Misfit(misfit) => DeliveryEnd::Failed(format!(
                "WhatsApp does not take the file: {}",
                misfit.told(Locale::En)
            )),
            other => {
                let why = format!("the file did not get to WhatsApp: {}", other.told(Locale::En));
                if waited(now, parcel) {
                    return DeliveryEnd::Failed(why);
                }
                DeliveryEnd::RetryAt(now + growing(RECONNECT, parcel, REST), why)
            }
        }
    }

    /// Writes a message as the approved template that may carry it.
    fn by_template(&self, parcel: &Parcel<'_>) -> Result<Outgoing, String> {
        if parcel.file.is_some() {
            return Err(
                "24 hours have passed since the customer's last message: no file may leave until they write again"
                    .to_owned(),
            );
        }
        let words = one_line(&numbered(parcel.text, parcel.choices));
        let number = BodyValue::numbered(parcel.ticket_number);
        let (name, body) = match (parcel.template, &self.template) {
            // What a notice says stands in its template.
            (Some(name), _) => (name, vec![number]),
            (None, Some(_)) if words.chars().count() > VALUE_MAX => {
                return Err(
                    "needs a template: 24 hours have passed, and the reply is too long for the configured one"
                        .to_owned(),
                );
            }
            (None, Some(name)) => (name.as_str(), vec![number, BodyValue::numbered(words)]),
            (None, None) => {
                return Err(
                    "needs a template: 24 hours have passed since the customer's last message, and none is configured"
                        .to_owned(),
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

/// Writes a message as free words, with its file or with what there is to tap.
fn free(now: DateTime<Utc>, parcel: &Parcel<'_>) -> Result<Outgoing, String> {
    let outgoing = Outgoing::of(content(parcel)?);
    let Some((latest, last)) = parcel.latest else { return Ok(outgoing) };
    // Whoever wrote more since, or has waited long, needs to see which message is answered.
    let quotes = parcel.answers.filter(|answers| *answers != latest || now - last > QUOTE_AFTER);
    Ok(match quotes {
        Some(message) => outgoing.quoting(message),
        None => outgoing,
    })
}

fn content(parcel: &Parcel<'_>) -> Result<Content, String> {
    if let Some(enclosure) = parcel.file {
        let size = u64::try_from(enclosure.content.len()).unwrap_or(u64::MAX);
        let kind = shown(&enclosure.mime, size).map_err(|misfit| {
            format!("WhatsApp does not take the file: {}", misfit.told(Locale::En))
        })?;
        let caption = Some(parcel.text.trim()).filter(|text| !text.is_empty());
        return Ok(Content::File(File {
            kind,
            // Its own id comes with the upload.
            source: Source::Id(String::new()),
            caption: caption.map(str::to_owned),
            name: enclosure.name.clone().filter(|_| kind == FileKind::Document),
        }));
    }
    let whole = numbered(parcel.text, parcel.choices);
    let mut parts = format::fit(&whole, format::TEXT_UNITS_MAX, Fit::Split).into_iter();
    let (Some(text), None) = (parts.next(), parts.next()) else {
        let why = "WhatsApp takes 4 096 letters, and at least one; shorten the reply";
        return Err(why.to_owned());
    };
    if !parcel.choices.is_empty() {
        let choice = |(at, title): (usize, &String)| Choice {
            id: (at + 1).to_string(),
            title: title.clone(),
        };
        let buttons = Content::Buttons(Buttons {
            body: parcel.text.trim().to_owned(),
            choices: parcel.choices.iter().enumerate().map(choice).collect(),
            ..Buttons::default()
        });
        // Longer words than buttons take leave with numbers.
        if Outgoing::of(buttons.clone()).fits().is_ok() {
            return Ok(buttons);
        }
    }
    Ok(Content::Text(text))
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
mod tests;
