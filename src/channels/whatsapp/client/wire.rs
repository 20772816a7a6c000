//! Carries one call to the server and takes in what comes back, whatever it is, up to a size.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::channels::whatsapp::errors::Action;
use crate::channels::whatsapp::json;

use super::{Doubt, Unreached};

/// Most bytes of an answer that are read. The longest real one, of a number's state, has a few thousand.
const ANSWER_MAX: usize = 256 * 1024;
/// Longest pause that an answer can ask for.
const PAUSE_MAX: Duration = Duration::from_hours(24);
/// Header in which the Graph API tells, among others, after how many minutes calls are taken again.
const USAGE: &str = "x-business-use-case-usage";

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// False when the body broke off or was too long to read on.
    pub(super) whole: bool,
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoReply {
    /// Not a byte left.
    Unreached(Unreached),
    /// The call may have arrived.
    Lost(Doubt),
}

/// Makes a call and reads its answer.
pub(super) async fn exchange(request: RequestBuilder) -> Result<Reply, NoReply> {
    let response = request.send().await.map_err(|error| classify(&error))?;
    Ok(read(response).await)
}

/// Reads the rest of an answer.
pub(super) async fn read(mut response: Response) -> Reply {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    let whole = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_MAX => {
                body.extend_from_slice(&chunk);
            }
            Ok(None) => break true,
            Ok(Some(_)) | Err(_) => break false,
        }
    };
    Reply { status, headers, body, whole }
}

/// Tells a call that never left from one that may have.
pub(super) fn classify(error: &reqwest::Error) -> NoReply {
    if error.is_builder() {
        NoReply::Unreached(Unreached::Call)
    } else if error.is_connect() {
        NoReply::Unreached(if error.is_dns() {
            Unreached::Name
        } else if error.is_timeout() {
            Unreached::Late
        } else {
            Unreached::Connection
        })
    } else if error.is_timeout() {
        NoReply::Lost(Doubt::Late)
    } else {
        NoReply::Lost(Doubt::Broken)
    }
}

/// Puts the pause that an answer asks for into an action that has one.
pub(super) fn with_told_pause(action: Action, headers: &HeaderMap) -> Action {
    match action {
        Action::RetryLater { after, tries, holds } => {
            let told = retry_after(headers).or_else(|| regained(headers));
            let told = told.filter(|pause| !pause.is_zero()).map(|pause| pause.min(PAUSE_MAX));
            Action::RetryLater { after: told.unwrap_or(after), tries, holds }
        }
        other => other,
    }
}

/// Reads `Retry-After`: seconds, or a date, which is compared with the server's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let written = text(RETRY_AFTER)?;
    if let Ok(seconds) = written.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |written| DateTime::parse_from_rfc2822(written).ok();
    (moment(written)? - moment(text(DATE)?)?).to_std().ok()
}

/// Reads the longest time after which calls are taken again from the usage that the Graph API reports.
fn regained(headers: &HeaderMap) -> Option<Duration> {
    let usage: Value = serde_json::from_str(headers.get(USAGE)?.to_str().ok()?).ok()?;
    let of = |business: &Value| {
        let limits = business.as_array().into_iter().flatten();
        limits.filter_map(|limit| json::integer(limit, "estimated_time_to_regain_access")).max()
    };
    let minutes = usage.as_object()?.values().filter_map(of).max()?;
    u64::try_from(minutes).ok().map(|minutes| Duration::from_secs(minutes.saturating_mul(60)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::whatsapp::errors::Holds;

    #[test]
    fn a_pause_is_the_one_that_the_answer_asks_for() {
        let own = Duration::from_secs(10);
        let usage = |minutes| {
            format!(
                r#"{{"1":[{{"type":"whatsapp","call_count":100,"estimated_time_to_regain_access":0}}],"2":[{{"estimated_time_to_regain_access":{minutes}}}]}}"#
            )
        };
        let date = ("date", "Fri, 20 Nov 2026 12:00:00 GMT");
        for (headers, seconds) in [
            (vec![], 10),
            (vec![("retry-after", "17")], 17),
            (vec![("retry-after", " 17 ")], 17),
            (vec![("retry-after", "0")], 10),
            (vec![("retry-after", "-5")], 10),
            (vec![("retry-after", "soon")], 10),
            (vec![("retry-after", "999999999999999999999")], 10),
            (vec![("retry-after", "999999999")], 24 * 60 * 60),
            (vec![("retry-after", "Fri, 20 Nov 2026 12:01:30 GMT"), date], 90),
            (vec![("retry-after", "Fri, 20 Nov 2026 11:00:00 GMT"), date], 10),
            (vec![("retry-after", "Fri, 20 Nov 2026 12:01:30 GMT")], 10),
            (vec![(USAGE, usage(3).as_str())], 180),
            (vec![(USAGE, usage(0).as_str())], 10),
            (vec![(USAGE, usage(i64::MAX).as_str())], 24 * 60 * 60),
            (vec![(USAGE, "{}")], 10),
            (vec![(USAGE, "[")], 10),
            (vec![("retry-after", "17"), (USAGE, usage(3).as_str())], 17),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(*name, value.parse().unwrap());
            }
            let action = Action::RetryLater { after: own, tries: 8, holds: Holds::Number };
            let expected = Action::RetryLater {
                after: Duration::from_secs(seconds),
                tries: 8,
                holds: Holds::Number,
            };
            assert_eq!(with_told_pause(action, &map), expected, "{headers:?}");
            assert_eq!(with_told_pause(Action::Drop, &map), Action::Drop, "{headers:?}");
        }
    }
}
