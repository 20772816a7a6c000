//! Files of messages: fetched where they are to be had, written down where they are voices, removed once erased.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::Worker;
use super::turns::Case;
use crate::adapters::store::{DueFile, ToDo, Whole};
use crate::adapters::transcriber::{Silent, Transcriber};
use crate::channels::whatsapp::client::{Fault, Fetched};
use crate::channels::whatsapp::errors::Action;
use crate::domain::attachment::{AttachmentKind, AttachmentState, Source};
use crate::domain::sniff;
use crate::pipeline::Purse as _;
use crate::ports::PortError;

/// How many files are worked on at once: a long film must not keep a voice note waiting.
pub(super) const AT_ONCE: usize = 4;
/// How long one attempt may take.
const ATTEMPT_MAX: Duration = Duration::from_mins(5);
/// How long a file is hidden from others; longer than an attempt may take.
const LEASE: chrono::Duration = chrono::Duration::minutes(6);
/// For how long a file is asked for, and its words.
const PATIENCE: chrono::Duration = chrono::Duration::hours(24);
/// First pause after a failure; it doubles up to `PAUSE_MAX`.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
/// Longest pause after a failure that passes by itself.
const PAUSE_MAX: Duration = Duration::from_mins(10);
/// Pause where somebody must do something first.
const PAUSE_SETTINGS: Duration = Duration::from_mins(15);
/// How often a file may come damaged before it is believed that this is how it is.
const DAMAGED_MAX: u32 = 3;

/// Why a file did not come.
#[derive(Debug, PartialEq, Eq)]
enum Miss {
    /// Another attempt may help, not before this long where there is a reason to wait.
    Later(&'static str, Option<Duration>),
    /// None will.
    Never(AttachmentState, &'static str),
}

impl Worker {
    /// Works on the file that has been due for longest. Returns how many that were.
    pub async fn work_on_files(&self) -> Result<usize, PortError> {
        let now = self.clock.now();
        // A look costs less than a change that finds nothing.
        if self.store.next_file_due().await?.is_none_or(|due| due > now) {
            return Ok(0);
        }
        let Some(file) = self.store.claim_file(now, now + LEASE).await? else { return Ok(0) };
        // Whoever is idle takes the next one.
        self.files_due.notify_one();
        match &file.todo {
            ToDo::Fetch(source) => self.fetch(&file, source).await?,
            ToDo::Transcribe => self.write_down(&file).await?,
            ToDo::Remove => {
                self.files.remove(&file.id).await.map_err(|error| disk("remove file", error))?;
                self.store.file_removed(&file).await?;
            }
        }
        Ok(1)
    }

    async fn fetch(&self, file: &DueFile, source: &Source) -> Result<(), PortError> {
        let end = match timeout(ATTEMPT_MAX, self.brought(file, source)).await {
            Ok(end) => end,
            Err(_) => Err(Miss::Later("it took too long", None)),
        };
        let now = self.clock.now();
        match end {
            Ok(whole) => {
                if !self.store.file_came(now, file, whole).await? {
                    // Whoever sent it was erased meanwhile.
                    self.files
                        .remove(&file.id)
                        .await
                        .map_err(|error| disk("remove file", error))?;
                }
                // Words that are not to be had, or are due now.
                self.turns_due.notify_one();
                self.files_due.notify_one();
            }
            Err(Miss::Never(state, reason)) => {
                tracing::warn!(
                    attachment.id = %file.id, %state, reason,
                    "File {} does not come: {reason}", file.id
                );
                self.store.file_ended(now, file, state, reason).await?;
                self.turns_due.notify_one();
            }
            Err(Miss::Later(reason, _)) if now - file.since >= PATIENCE => {
                tracing::warn!(
                    attachment.id = %file.id, reason,
                    "File {} is given up after a day: {reason}", file.id
                );
                self.store.file_ended(now, file, AttachmentState::Lost, reason).await?;
                self.turns_due.notify_one();
            }
            Err(Miss::Later(reason, pause)) => {
                tracing::debug!(
                    attachment.id = %file.id, attempt = file.attempt, reason,
                    "File {} will be asked for again: {reason}", file.id
                );
                let pause = pause.unwrap_or_default().max(growing(file.attempt));
                self.store.retry_file(file, now + pause, reason).await?;
            }
        }
        Ok(())
    }

    /// Brings a file to its place, whole.
    async fn brought(&self, file: &DueFile, source: &Source) -> Result<Whole, Miss> {
        let Source::Whatsapp { media, number, sha256 } = source else {
            return Err(Miss::Never(AttachmentState::Lost, GONE));
        };
        let Some(outlet) = self.whatsapp.outlet(&file.tenant, number) else {
            return Err(Miss::Later("no access token for its number is set", Some(PAUSE_SETTINGS)));
        };
        let local = |_| Miss::Later(UNWRITTEN, None);
        let mut unfinished = self.files.begin(&file.id).await.map_err(local)?;
        let max = self.settings.file_max;
        let came = outlet.client().fetch_media(media, sha256.as_deref(), max, unfinished.writer());
        let Fetched { size, sha256 } = came.await.map_err(|fault| missed(&fault, file.attempt))?;
        let head = unfinished.head().await.map_err(local)?;
        unfinished.keep().await.map_err(local)?;
        let words = self.transcriber.is_some() && file.kind == AttachmentKind::Voice;
        Ok(Whole { size, sha256, sniffed: sniff::mime(&head), words })
    }

    async fn write_down(&self, file: &DueFile) -> Result<(), PortError> {
        let heard = match &self.transcriber {
            Some(transcriber) => match timeout(ATTEMPT_MAX, self.heard(transcriber, file)).await {
                Ok(heard) => heard,
                Err(_) => Err(Silent::NotYet("it took too long", None)),
            },
            None => Err(Silent::Never("no transcriber is set any more")),
        };
        let now = self.clock.now();
        match heard {
            Ok(words) => {
                self.store.put_words(now, file, &words).await?;
                self.turns_due.notify_one();
            }
            Err(Silent::NotYet(reason, pause)) if now - file.since < PATIENCE => {
                tracing::warn!(
                    attachment.id = %file.id, attempt = file.attempt, reason,
                    "No words of {} yet: {reason}", file.id
                );
                let pause = pause.unwrap_or_default().max(growing(file.attempt));
                self.store.retry_file(file, now + pause, reason).await?;
            }
            Err(Silent::NotYet(reason, _) | Silent::Never(reason)) => {
                tracing::warn!(
                    attachment.id = %file.id, reason, "There are no words of {}: {reason}", file.id
                );
                self.store.words_ended(now, file, reason).await?;
                self.turns_due.notify_one();
            }
        }
        Ok(())
    }

    async fn heard(&self, transcriber: &Transcriber, file: &DueFile) -> Result<String, Silent> {
        if !self.purse(&file.tenant).await.allowance().models {
            return Err(Silent::NotYet("the budget of models is used up", Some(PAUSE_SETTINGS)));
        }
        let unread = |_| Silent::NotYet("the file cannot be read here", None);
        let found = self.files.open(&file.id).await.map_err(unread)?;
        let mut found = found.ok_or(Silent::Never("the file is missing here"))?;
        let mut recording = Vec::new();
        found.read_to_end(&mut recording).await.map_err(unread)?;
        let mime = sniff::mime(&recording);
        let transcript = transcriber.transcribe(recording, mime).await?;
        if let Some(cost) = transcript.cost_micros {
            let noted = self.store.note_spending(self.clock.now(), file.tenant.as_str(), cost);
            if let Err(error) = noted.await {
                tracing::error!(tenant = %file.tenant, error = %error, "Cannot note what a transcript cost");
            }
        }
        Ok(transcript.words)
    }

    /// Leaves out the turns that wait for words, where anybody writes them down.
    pub(super) async fn without_held(&self, mut cases: Vec<Case>) -> Result<Vec<Case>, PortError> {
        if self.transcriber.is_none() || cases.is_empty() {
            return Ok(cases);
        }
        let leased = cases.iter().map(|case| {
            let window = case.tenant.pipeline.pack().turn_window(case.turn.channel);
            (case.job.clone(), chrono::Duration::seconds(window.max_transcript_secs.into()))
        });
        let held = self.store.hold_turns(self.clock.now(), leased.collect()).await?;
        cases.retain(|case| !held.iter().any(|id| id == case.job.id.as_str()));
        Ok(cases)
    }
}

/// What is said of a file that cannot be written here.
const UNWRITTEN: &str = "it cannot be written here: check the free space and the permissions";

fn disk(operation: &'static str, error: std::io::Error) -> PortError {
    PortError::new(operation, crate::ports::PortErrorKind::Transient, error)
}

fn growing(attempt: u32) -> Duration {
    PAUSE_FIRST.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(PAUSE_MAX)
}

/// Says what follows from a fault. The address of a file lives for five minutes, so each attempt asks for a new one.
fn missed(fault: &Fault, attempt: u32) -> Miss {
    let lost = |reason| Miss::Never(AttachmentState::Lost, reason);
    let refused = |reason| Miss::Never(AttachmentState::Refused, reason);
    match fault {
        Fault::Unreached(_) => Miss::Later("the network was not reached", None),
        Fault::Lost(_) => Miss::Later("it broke off on its way", None),
        Fault::Unreadable => Miss::Later("the network's answer is none", None),
        Fault::Local(_) => Miss::Later(UNWRITTEN, None),
        Fault::TooLarge { .. } => refused("it is larger than the limit"),
        Fault::Damaged if attempt < DAMAGED_MAX => {
            Miss::Later("it is not the file that was announced", None)
        }
        Fault::Damaged => refused("it is not the file that was announced"),
        Fault::ForeignHost(_) => lost("it lies with a host that is none of the network's"),
        Fault::Misfit(_) => lost("the network cannot be asked for it"),
        Fault::Refused { status: 404 | 410, .. } => lost(GONE),
        Fault::Refused { action, .. } => match action {
            Action::RetryLater { after, .. } => {
                Miss::Later("the network asks to wait", Some(*after))
            }
            Action::Reconnect | Action::Fix(_) => {
                Miss::Later("the network refused the token or the number", Some(PAUSE_SETTINGS))
            }
            Action::Unsure => Miss::Later("the network has a problem of its own", None),
            // Too many questions for what is not there keep a number out for an hour: the answer is believed.
            Action::AskAnotherWay | Action::ToHuman | Action::Drop | Action::Reengage => lost(GONE),
        },
    }
}

const GONE: &str = "the network does not have it any more";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::whatsapp::errors::{self, ApiError};

    fn refusal(code: Option<i64>, status: u16) -> Fault {
        let action = errors::action(code, Some(status));
        Fault::Refused { status, error: ApiError { code, ..ApiError::default() }, action }
    }

    #[test]
    fn what_is_gone_is_told_from_what_may_come() {
        for (fault, expected) in [
            (refusal(Some(131_052), 400), Some(AttachmentState::Lost)),
            (refusal(Some(100), 400), Some(AttachmentState::Lost)),
            (refusal(None, 404), Some(AttachmentState::Lost)),
            (refusal(Some(190), 401), None),
            (refusal(Some(130_429), 429), None),
            (refusal(None, 503), None),
            (Fault::TooLarge { max: 1 }, Some(AttachmentState::Refused)),
            (Fault::ForeignHost("evil.example".to_owned()), Some(AttachmentState::Lost)),
            (Fault::Unreadable, None),
        ] {
            let state = match missed(&fault, 1) {
                Miss::Never(state, _) => Some(state),
                Miss::Later(..) => None,
            };
            assert_eq!(state, expected, "{fault:?}");
        }
        let is_final = |attempt| matches!(missed(&Fault::Damaged, attempt), Miss::Never(..));
        assert_eq!([1, 2, 3].map(is_final), [false, false, true]);
    }

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let pauses: Vec<u64> = [1, 2, 3, 8, 40].map(|attempt| growing(attempt).as_secs()).to_vec();
        assert_eq!(pauses, [5, 10, 20, 600, 600]);
    }
}
