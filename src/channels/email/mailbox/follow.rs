//! One folder on one connection: look, hand over, wait, look again.
//!
//! The place moves only after the caller has taken a batch, and only over mails that were handed over or are surely no
//! longer there.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response};
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::connect::{At as _, Failure};
use super::conversation::{Conversation, Idled, Outcome, to_u64};
use super::folders::{self, Opened};
use super::settings::Settings;
use super::trouble::{Step, Trouble};
use super::{Arrivals, Cursor, Fetched, FolderRole, RESCAN_MAX, Rescan};
use crate::ports::{Clock, PortError};

/// Mails of a batch.
const BATCH_MAILS: usize = 20;
/// Bytes of a batch; one large mail may be more.
const BATCH_BYTES: u64 = 8 * 1024 * 1024;
/// Mails that are listed before they are fetched; more are listed again from there.
const LISTED_MAX: usize = 10_000;
/// Mails that are asked for by number in one command, so that the line stays short.
const ASKED_AT_ONCE: usize = 100;
/// Bytes of the line about a mail in a list, generously.
const LINE_BYTES: u64 = 200;
/// Tries before a mail is given up, and before even its headers are.
const WHOLE_TRIES: u32 = 3;
const HEADER_TRIES: u32 = 6;
/// Looks for nothing after which a server that keeps telling of new mail is asked more slowly.
const RESTLESS_LOOKS: u32 = 3;
/// That pause.
const RESTLESS_PAUSE: Duration = Duration::from_secs(5);
/// Quiet waits that nevertheless ended with new mail, after which IDLE is no longer relied upon.
const DEAF_WAITS: u32 = 2;

/// What every look needs.
pub(super) struct Place<'a> {
    pub(super) settings: &'a Settings,
    pub(super) arrivals: &'a Arc<dyn Arrivals>,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) role: FolderRole,
    pub(super) folder: String,
}

/// What is remembered of a folder over its connections.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Mails whose fetch failed, by number.
    failed: BTreeMap<u32, Tries>,
    /// The numbering of `failed`.
    uid_validity: u32,
    /// True when the last look found fewer numbers given out than mails were taken.
    went_back: bool,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    count: u32,
    first: Instant,
    /// True when it turned out larger than it was said to be.
    oversize: bool,
}

/// What the server says about a mail before it is fetched.
#[derive(Clone, Copy, Debug)]
struct Head {
    size: u32,
    arrived: Option<DateTime<Utc>>,
}

/// How much of a mail is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// It is too large.
    Headers,
    /// It failed too often.
    HeadersAtLeast,
    /// Its headers did too.
    Nothing,
}

/// Watches a folder until something fails; `looked` is told after each look.
pub(super) async fn follow(
    conversation: &mut Conversation,
    place: &Place<'_>,
    memory: &mut Memory,
    mut looked: impl FnMut() + Send,
) -> Result<Infallible, Failure> {
    let cursor = place.arrivals.cursor(place.role).await;
    let cursor = cursor.map_err(|error| not_stored(&error)).at(Step::Fetch)?;
    let mut look = Look { conversation, place, memory, cursor };
    let mut has_idle = look.conversation.can("IDLE");
    let (mut restless, mut deaf) = (0, 0);
    let mut waited_quietly = false;
    loop {
        let found = look.once().await?;
        looked();
        let told = look.conversation.take_news();
        if found > 0 {
            restless = 0;
            deaf += u32::from(waited_quietly && !told);
        } else if told {
            restless += 1;
        }
        if told && restless <= RESTLESS_LOOKS {
            waited_quietly = false;
            continue;
        }
        if restless > RESTLESS_LOOKS {
            tokio::time::sleep(RESTLESS_PAUSE.min(place.settings.poll)).await;
        }
        // A server that offers IDLE and then says nothing is looked at as often as one without.
        let length = if deaf < DEAF_WAITS { place.settings.idle } else { place.settings.poll };
        let idled =
            if has_idle { look.conversation.idle(length).await.at(Step::Idle)? } else { None };
        waited_quietly = idled == Some(Idled::Quiet);
        match idled {
            // The look that follows shows whether there was anything to tell.
            Some(Idled::News) => restless += u32::from(found == 0),
            Some(Idled::Quiet) => restless = 0,
            None => {
                has_idle = false;
                tokio::time::sleep(place.settings.poll).await;
            }
        }
        look.conversation.take_news();
    }
}

fn not_stored(error: &PortError) -> Trouble {
    tracing::warn!(
        operation = error.operation,
        error = format!("{:#}", error.source),
        "Mails that arrived could not be stored; they are fetched again"
    );
    Trouble::NotStored(error.kind)
}

struct Look<'a> {
    conversation: &'a mut Conversation,
    place: &'a Place<'a>,
    memory: &'a mut Memory,
    cursor: Option<Cursor>,
}

impl Look<'_> {
    /// Hands over everything that is new. Returns how many mails that were.
    async fn once(&mut self) -> Result<usize, Failure> {
        let step = match self.place.role {
            FolderRole::Inbox => Step::Inbox,
            FolderRole::Sent => Step::Sent,
        };
        let opened = folders::open(self.conversation, step, &self.place.folder).await.at(step)?;
        if self.memory.uid_validity != opened.uid_validity {
            self.memory.failed.clear();
            self.memory.uid_validity = opened.uid_validity;
        }
        let Some(cursor) =
            self.cursor.clone().filter(|cursor| is_same(&cursor.folder, &self.place.folder))
        else {
            return self.start_at_now(&opened).await.at(Step::Fetch);
        };
        let cursor = self.after_renumbering(cursor, &opened).await.at(Step::Fetch)?;
        let mut found = 0;
        let cursor = if let Some(rescan) = cursor.rescan {
            found += self.rescan(&cursor, rescan).await.at(Step::Fetch)?;
            self.cursor.clone().unwrap_or(cursor)
        } else {
            cursor
        };
        if opened.mails > 0 {
            found += self.new_mails(cursor, opened.mails).await.at(Step::Fetch)?;
        }
        Ok(found)
    }

    /// Takes the present as the place of a folder that was never watched: years of old mail are nobody's to answer.
    async fn start_at_now(&mut self, opened: &Opened) -> Result<usize, Trouble> {
        let cursor = Cursor {
            folder: self.place.folder.clone(),
            uid_validity: opened.uid_validity,
            last_uid: self.next_uid(opened).await?.saturating_sub(1),
            seen: Some(self.place.clock.now()),
            rescan: None,
        };
        self.take(Vec::new(), cursor).await?;
        tracing::info!(
            folder = self.place.role.as_str(),
            "Watching a folder from now on; what it held before stays untouched"
        );
        Ok(0)
    }

    /// Returns the number that the next mail gets at least.
    async fn next_uid(&mut self, opened: &Opened) -> Result<u32, Trouble> {
        match opened.uid_next {
            Some(next) => Ok(next),
            None if opened.mails == 0 => Ok(1),
            // Old servers do not say.
            None => {
                let listed = self.list("*", LINE_BYTES, 0).await?;
                Ok(listed.last_key_value().map_or(1, |(uid, _)| uid.saturating_add(1)))
            }
        }
    }

    /// Returns a place under the folder's present numbering. Where that changed, it begins with a look back.
    async fn after_renumbering(
        &mut self,
        cursor: Cursor,
        opened: &Opened,
    ) -> Result<Cursor, Trouble> {
        let went_back = opened.uid_validity == cursor.uid_validity
            && opened.uid_next.is_some_and(|next| next <= cursor.last_uid);
        // A server restored from a backup gives out numbers again that were taken. One look is not believed, as one of
        // several machines behind a name may be late.
        let believed = went_back && self.memory.went_back;
        self.memory.went_back = went_back;
        if opened.uid_validity == cursor.uid_validity && !believed {
            return Ok(cursor);
        }
        let now = self.place.clock.now();
        let span = chrono::Duration::from_std(self.place.settings.rescan.min(RESCAN_MAX));
        let latest = cursor.seen.unwrap_or(now).min(now);
        let since = latest - span.unwrap_or_default();
        let rescan = Rescan { since: since.date_naive(), below: self.next_uid(opened).await? };
        self.memory.went_back = false;
        tracing::warn!(
            folder = self.place.role.as_str(),
            since = %rescan.since,
            "The server numbers its mails anew; those since {} are handed over again", rescan.since
        );
        Ok(Cursor {
            uid_validity: opened.uid_validity,
            last_uid: 0,
            rescan: Some(rescan),
            ..cursor
        })
    }

    /// Hands over what arrived since a day, under the new numbering.
    async fn rescan(&mut self, cursor: &Cursor, rescan: Rescan) -> Result<usize, Trouble> {
        let mut uids = Vec::new();
        let line = format!("UID SEARCH SINCE {}", rescan.since.format("%-d-%b-%Y"));
        let answer = self
            .conversation
            .command(Step::Fetch, &line, |response| {
                if let Response::MailboxData(MailboxDatum::Search(found)) = response {
                    uids.extend(found);
                }
            })
            .await?;
        answer.done(Step::Fetch)?;
        uids.retain(|uid| *uid > cursor.last_uid && *uid < rescan.below);
        uids.sort_unstable();
        uids.dedup();

        let mut found = 0;
        let mut cursor = cursor.clone();
        for asked in uids.chunks(ASKED_AT_ONCE) {
            let set: Vec<String> = asked.iter().map(u32::to_string).collect();
            let bytes = LINE_BYTES * to_u64(asked.len());
            let listed = self.list(&set.join(","), bytes, 0).await?;
            let (count, after) = self.hand_over(cursor, listed, true).await?;
            found += count;
            cursor = after;
        }
        cursor.last_uid = rescan.below.saturating_sub(1);
        cursor.rescan = None;
        self.take(Vec::new(), cursor).await?;
        Ok(found)
    }

    /// Hands over what has a higher number than the last mail taken.
    async fn new_mails(&mut self, mut cursor: Cursor, mails: u32) -> Result<usize, Trouble> {
        let mut found = 0;
        loop {
            let Some(first) = cursor.last_uid.checked_add(1) else {
                return Ok(found);
            };
            // The last mail comes even when its number is below the first.
            let bytes = LINE_BYTES * u64::from(mails);
            let listed = self.list(&format!("{first}:*"), bytes, first).await?;
            let more = listed.len() == LISTED_MAX;
            let (count, after) = self.hand_over(cursor, listed, false).await?;
            found += count;
            cursor = after;
            if !more {
                return Ok(found);
            }
        }
    }

    /// Asks for number, size and date of mails, none below `first`.
    async fn list(
        &mut self,
        set: &str,
        bytes: u64,
        first: u32,
    ) -> Result<BTreeMap<u32, Head>, Trouble> {
        let mut listed = BTreeMap::new();
        let line = format!("UID FETCH {set} (UID RFC822.SIZE INTERNALDATE)");
        let answer = self
            .conversation
            .large_command(Step::Fetch, &line, bytes, |response| {
                if let Some((uid, head)) = head_in(response)
                    && uid >= first
                {
                    listed.insert(uid, head);
                    // Whatever the order they came in, the lowest are kept.
                    if listed.len() > LISTED_MAX {
                        listed.pop_last();
                    }
                }
            })
            .await?;
        answer.done(Step::Fetch)?;
        Ok(listed)
    }

    /// Fetches and hands over what was listed, in order and in batches.
    async fn hand_over(
        &mut self,
        mut cursor: Cursor,
        listed: BTreeMap<u32, Head>,
        rescanned: bool,
    ) -> Result<(usize, Cursor), Trouble> {
        let mut batch: Vec<Fetched> = Vec::new();
        let (mut found, mut bytes) = (0, 0_u64);
        for (uid, head) in listed {
            let coming = u64::from(head.size.min(self.place.settings.max_mail_bytes));
            let is_full = batch.len() >= BATCH_MAILS || bytes + coming > BATCH_BYTES;
            if is_full && !batch.is_empty() {
                self.take(std::mem::take(&mut batch), cursor.clone()).await?;
                bytes = 0;
            }
            if let Some(mut fetched) = self.fetch(uid, head, cursor.uid_validity).await? {
                fetched.rescanned = rescanned;
                bytes += to_u64(fetched.bytes.len());
                found += 1;
                batch.push(fetched);
            }
            cursor.last_uid = uid;
            // A date in the future would make a later look back too short.
            let arrived = head.arrived.map(|at| at.min(self.place.clock.now()));
            cursor.seen = cursor.seen.max(arrived);
        }
        if !batch.is_empty() || self.cursor.as_ref() != Some(&cursor) {
            self.take(batch, cursor.clone()).await?;
        }
        Ok((found, cursor))
    }

    async fn take(&mut self, batch: Vec<Fetched>, cursor: Cursor) -> Result<(), Trouble> {
        self.place
            .arrivals
            .take(self.place.role, batch, cursor.clone())
            .await
            .map_err(|error| not_stored(&error))?;
        // What is behind it is never asked for again.
        self.memory.failed.retain(|uid, _| *uid > cursor.last_uid);
        self.cursor = Some(cursor);
        Ok(())
    }

    /// Fetches one mail; `None` when it is no longer there. One at a time, so that a failure has a name.
    async fn fetch(
        &mut self,
        uid: u32,
        head: Head,
        uid_validity: u32,
    ) -> Result<Option<Fetched>, Trouble> {
        let part = self.part_of(uid, head);
        let most = self.place.settings.max_mail_bytes;
        let (item, bytes) = match part {
            Part::Whole => (Some("BODY.PEEK[]"), u64::from(most)),
            Part::Headers | Part::HeadersAtLeast => (Some("BODY.PEEK[HEADER]"), 0),
            Part::Nothing => (None, 0),
        };
        let mut body = Some(Vec::new());
        if let Some(item) = item {
            let tries = self.memory.failed.entry(uid).or_insert_with(Tries::none);
            tries.count += 1;
            body = match self.body(uid, item, bytes).await {
                Ok(body) => body,
                Err(trouble) => {
                    if let Some(tries) = self.memory.failed.get_mut(&uid) {
                        tries.oversize |= trouble == Trouble::TooMuch;
                    }
                    return Err(trouble);
                }
            };
            // A mail that came is no failure, even if it has to come again because it could not be stored.
            if let Some(tries) = self.memory.failed.get_mut(&uid)
                && part != Part::HeadersAtLeast
            {
                tries.count = 0;
            }
        }
        let Some(bytes) = body else {
            return Ok(None);
        };
        let unreadable = matches!(part, Part::HeadersAtLeast | Part::Nothing);
        if unreadable {
            tracing::warn!(
                folder = self.place.role.as_str(),
                uid,
                "The server does not give a mail; it is handed over without its text"
            );
        }
        Ok(Some(Fetched {
            uid,
            uid_validity,
            bytes,
            internal_date: head.arrived,
            too_large: part == Part::Headers,
            unreadable,
            rescanned: false,
        }))
    }

    fn part_of(&self, uid: u32, head: Head) -> Part {
        let tries = self.memory.failed.get(&uid).copied().unwrap_or_else(Tries::none);
        let is_over = tries.first.elapsed() >= self.place.settings.unreadable_after;
        if is_over && tries.count >= HEADER_TRIES {
            Part::Nothing
        } else if is_over && tries.count >= WHOLE_TRIES {
            Part::HeadersAtLeast
        } else if tries.oversize || head.size > self.place.settings.max_mail_bytes {
            Part::Headers
        } else {
            Part::Whole
        }
    }

    /// Asks for a part of a mail; `None` when the mail is surely gone.
    async fn body(&mut self, uid: u32, item: &str, bytes: u64) -> Result<Option<Vec<u8>>, Trouble> {
        let mut body = None;
        let line = format!("UID FETCH {uid} (UID {item})");
        let answer = self
            .conversation
            .large_command(Step::Fetch, &line, bytes, |response| {
                if let Some(found) = body_in(response, uid) {
                    body = Some(found.to_vec());
                }
            })
            .await?;
        if answer.outcome == Outcome::Done && body.is_some() {
            return Ok(body);
        }
        // Neither a refusal nor an answer without the mail proves that it is gone: Microsoft gives both for mails that
        // it cannot convert.
        if self.list(&uid.to_string(), LINE_BYTES, 0).await?.contains_key(&uid) {
            answer.done(Step::Fetch)?;
            return Err(Trouble::CommandRefused { step: Step::Fetch });
        }
        Ok(None)
    }
}

impl Tries {
    fn none() -> Self {
        Self { count: 0, first: Instant::now(), oversize: false }
    }
}

/// The inbox has one name in any case (RFC 3501, 5.1); others differ by case.
fn is_same(one: &str, other: &str) -> bool {
    one == other || (one.eq_ignore_ascii_case("INBOX") && other.eq_ignore_ascii_case("INBOX"))
}

fn head_in(response: &Response<'_>) -> Option<(u32, Head)> {
    let Response::Fetch(_, attributes) = response else {
        return None;
    };
    let (mut uid, mut size, mut arrived) = (None, 0, None);
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(number) => uid = Some(*number),
            AttributeValue::Rfc822Size(bytes) => size = *bytes,
            AttributeValue::InternalDate(date) => arrived = internal_date(date),
            _ => {}
        }
    }
    uid.map(|uid| (uid, Head { size, arrived }))
}

fn body_in<'a>(response: &'a Response<'_>, uid: u32) -> Option<&'a [u8]> {
    let Response::Fetch(_, attributes) = response else {
        return None;
    };
    if !attributes.contains(&AttributeValue::Uid(uid)) {
        return None;
    }
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::BodySection { data: Some(data), .. } => Some(data.as_ref()),
        _ => None,
    })
}

/// Reads a date as IMAP spells it; a day of one digit has a space before it.
fn internal_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text.trim(), "%d-%b-%Y %H:%M:%S %z")
        .ok()
        .map(|date| date.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_server_are_read() {
        for (text, expected) in [
            (" 1-Jan-2026 23:59:58 -0300", Some("2026-01-02T02:59:58Z")),
            ("17-Jul-1996 02:44:25 -0700", Some("1996-07-17T09:44:25Z")),
            ("yesterday", None),
        ] {
            let expected = expected.map(|date| date.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(internal_date(text), expected, "{text}");
        }
    }
}
