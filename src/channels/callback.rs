//! Replies as signed HTTP callbacks, for channels without a network client of our own.
//!
//! Every attempt of a reply carries the same `Idempotency-Key` and the same body. A receiver that
//! honours the key may be asked again until it acknowledges; one that does not is asked at most
//! once, and whatever is then not known for sure is shown to people.

use std::time::Duration;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Serialize;
use sha2::Sha256;

use crate::adapters::store::{Claimed, DeliveryEnd};
use crate::domain::channel::Channel;
use crate::domain::ids::AttachmentId;
use crate::domain::message::Contact;

/// First pause before another attempt; it doubles up to `BACKOFF_MAX`.
const BACKOFF_FIRST: Duration = Duration::from_secs(2);
/// Longest pause between attempts.
const BACKOFF_MAX: Duration = Duration::from_mins(10);
/// How long a receiver may refuse to acknowledge before a person takes over.
const GIVE_UP_AFTER: chrono::Duration = chrono::Duration::hours(72);

/// Where a tenant's replies go.
#[derive(Clone, Debug)]
pub struct CallbackSettings {
    /// The receiver.
    pub url: reqwest::Url,
    /// The key that signs each request.
    pub secret: String,
    /// How long one request may take.
    pub timeout: Duration,
    /// True when the receiver promises one effect per `Idempotency-Key`.
    pub idempotent: bool,
}

/// Sends replies to one receiver.
#[derive(Clone, Debug)]
pub struct CallbackClient {
    http: reqwest::Client,
    settings: CallbackSettings,
}

/// The body of a callback. It depends on the reply alone, so every attempt has the same bytes.
#[derive(Serialize)]
struct Payload<'a> {
    id: &'a str,
    tenant: &'a str,
    ticket_id: &'a str,
    ticket_number: &'a str,
    channel: Channel,
    account: &'a str,
    author: &'a str,
    kind: &'a str,
    thread: &'a str,
    to: &'a Contact,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<&'a str>,
    locale: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    choices: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    attachments: &'a [AttachmentId],
    created_at: DateTime<Utc>,
}

impl CallbackClient {
    /// Builds a client; it follows no redirects, because a signed body is for one address only.
    pub fn new(settings: CallbackSettings) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(settings.timeout.min(Duration::from_secs(5)))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("atende/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, settings })
    }

    /// True when the receiver promises one effect per key.
    pub fn is_idempotent(&self) -> bool {
        self.settings.idempotent
    }

    /// Makes one attempt to hand over a reply.
    pub async fn deliver(&self, now: DateTime<Utc>, row: &Claimed) -> DeliveryEnd {
        self.post(now, row.id.as_str(), body_of(row), (row.attempt, row.created_at)).await
    }

    /// Makes one attempt to hand over a body under its key: this attempt's number, from 1, and when it was ready.
    pub async fn post(
        &self,
        now: DateTime<Utc>,
        key: &str,
        body: Vec<u8>,
        (number, first): (u32, DateTime<Utc>),
    ) -> DeliveryEnd {
        let answer = self
            .http
            .post(self.settings.url.clone())
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .header("x-atende-signature", sign(&self.settings.secret, now, &body))
            .body(body)
            .send()
            .await;
        let attempt = Attempt { idempotent: self.settings.idempotent, number, first };
        match answer {
            Ok(answer) => judge(now, &attempt, answer.status(), answer.headers()),
            // The connection was never made: no byte left, so even without a key it is safe.
            Err(error) if error.is_connect() => attempt.again(now, None, "receiver not reachable"),
            Err(error) if error.is_timeout() => {
                attempt.unsure(now, "receiver did not answer in time")
            }
            Err(_) => attempt.unsure(now, "connection broke before the receiver answered"),
        }
    }
}

fn body_of(row: &Claimed) -> Vec<u8> {
    let payload = Payload {
        id: row.id.as_str(),
        tenant: row.tenant.as_str(),
        ticket_id: &row.ticket,
        ticket_number: &row.body.ticket_number,
        channel: row.channel,
        account: &row.account,
        author: &row.author,
        kind: &row.kind,
        thread: &row.body.thread,
        to: &row.body.to,
        subject: row.body.subject.as_deref(),
        in_reply_to: row.body.in_reply_to.as_deref(),
        locale: row.body.locale.as_str(),
        text: &row.body.text,
        template: row.body.template.as_deref(),
        choices: &row.body.choices,
        attachments: &row.body.attachments,
        created_at: row.created_at,
    };
    serde_json::to_vec(&payload).unwrap_or_default()
}

/// Signs a body: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`. The receiver recomputes it over
/// the raw bytes and refuses old timestamps.
pub fn sign(secret: &str, now: DateTime<Utc>, body: &[u8]) -> String {
    let seconds = now.timestamp();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        // HMAC takes keys of any length; a refused signature is the safe side of a broken promise.
        return format!("t={seconds},v1=");
    };
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

struct Attempt {
    idempotent: bool,
    number: u32,
    first: DateTime<Utc>,
}

impl Attempt {
    /// The attempt surely had no effect.
    fn again(&self, now: DateTime<Utc>, after: Option<Duration>, why: &str) -> DeliveryEnd {
        if now - self.first > GIVE_UP_AFTER {
            return DeliveryEnd::Failed(format!("{why}; given up after 72 hours"));
        }
        let pause = after.unwrap_or_else(|| backoff(self.number)).min(BACKOFF_MAX * 6);
        let pause = chrono::Duration::from_std(pause).unwrap_or(chrono::Duration::minutes(10));
        DeliveryEnd::RetryAt(now + pause, why.to_owned())
    }

    /// The attempt may have had its effect.
    fn unsure(&self, now: DateTime<Utc>, why: &str) -> DeliveryEnd {
        if self.idempotent {
            self.again(now, None, why)
        } else {
            DeliveryEnd::Unknown(why.to_owned())
        }
    }
}

/// Doubles from two seconds up to ten minutes.
fn backoff(attempt: u32) -> Duration {
    BACKOFF_FIRST
        .saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1).min(16)))
        .min(BACKOFF_MAX)
}

fn judge(
    now: DateTime<Utc>,
    attempt: &Attempt,
    status: StatusCode,
    headers: &HeaderMap,
) -> DeliveryEnd {
    let why = format!("receiver answered {}", status.as_u16());
    let after = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse().ok())
        .map(Duration::from_secs);
    match status.as_u16() {
        200..=299 => DeliveryEnd::Sent,
        // Refused before it was looked at: 425 and 429 by definition, 503 only with the promise of a key,
        // because a gateway may answer it after its backend did the work.
        425 | 429 => attempt.again(now, after, &why),
        // A 409 under our own key says that the first attempt is still being worked on.
        408 | 409 | 500..=599 if attempt.idempotent => attempt.again(now, after, &why),
        408 | 500..=599 => DeliveryEnd::Unknown(why),
        _ => DeliveryEnd::Failed(why),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn now() -> DateTime<Utc> {
        Utc.timestamp_opt(1_795_000_000, 0).unwrap()
    }

    #[test]
    fn a_signature_is_over_the_time_and_the_raw_body() {
        // Computed with Python's hmac module.
        assert_eq!(
            sign("s3cr3t", now(), br#"{"id":"out_1"}"#),
            "t=1795000000,v1=d88a2aa42785ed96b77aea20145482e20fc74a9ef4c47d635892d7b8d42348a8"
        );
    }

    #[test]
    fn only_a_receiver_with_keys_is_asked_again_when_nobody_knows_what_happened() {
        let keyed = Attempt { idempotent: true, number: 1, first: now() };
        let plain = Attempt { idempotent: false, number: 1, first: now() };
        for (status, with_key, without_key) in [
            (200, "sent", "sent"),
            (204, "sent", "sent"),
            (302, "failed", "failed"),
            (400, "failed", "failed"),
            (408, "again", "unknown"),
            (409, "again", "failed"),
            (425, "again", "again"),
            (429, "again", "again"),
            (500, "again", "unknown"),
            (503, "again", "unknown"),
        ] {
            let end = |attempt| {
                let status = StatusCode::from_u16(status).unwrap();
                match judge(now(), attempt, status, &HeaderMap::new()) {
                    DeliveryEnd::Sent | DeliveryEnd::Accepted(_) => "sent",
                    DeliveryEnd::RetryAt(..) => "again",
                    DeliveryEnd::Failed(_) => "failed",
                    DeliveryEnd::NotTried(_) => "not tried",
                    DeliveryEnd::Unknown(_) | DeliveryEnd::Awaiting(..) => "unknown",
                }
            };
            assert_eq!((end(&keyed), end(&plain)), (with_key, without_key), "{status}");
        }
    }

    #[test]
    fn pauses_grow_up_to_ten_minutes_and_three_days_end_at_a_person() {
        let pauses: Vec<u64> = [1, 2, 3, 9, 10, 99].map(|n| backoff(n).as_secs()).to_vec();
        assert_eq!(pauses, [2, 4, 8, 512, 600, 600]);
        let old =
            Attempt { idempotent: true, number: 99, first: now() - chrono::Duration::hours(73) };
        assert!(matches!(old.again(now(), None, "x"), DeliveryEnd::Failed(_)));
    }
}
