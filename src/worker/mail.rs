//! Mail: what mailboxes bring, where it belongs, and how replies leave by it.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Worker;
use super::mailed::EnclosedFile;
use crate::adapters::inbox::{Inbox, WaitingCall};
use crate::adapters::store::{
    Claimed, Delivered, DeliveryEnd, MailRef, OwnWords, Threaded, own_mail_id,
};
use crate::channels::email::account::{Envelope, MailAccount};
use crate::channels::email::kind::{self, Action, Kind, Report};
use crate::channels::email::mailbox::{Arrivals, Cursor, Fetched, FolderRole, Watcher};
use crate::channels::email::parse::{self, Mail};
use crate::channels::email::reply::{self, Author, PERSON_STYLE, Parent, Party, Reply};
use crate::channels::email::sender::{Cause, Fault, Outcome, Outgoing};
use crate::channels::email::{kept, quote, thread};
use crate::domain::channel::Channel;
use crate::domain::mark::{Mark, MarkNews};
use crate::domain::message::{Contact, Given, InboundMessage, MessageFlags};
use crate::ports::{Clock, PortError, PortErrorKind};

/// For how long a person who answered from their own mail program has the conversation.
const HOLD: chrono::Duration = chrono::Duration::hours(24);
/// For how long news of a mail is waited for whose sending ended in doubt: a bounce or the folder of sent mail tell.
const DOUBT: chrono::Duration = chrono::Duration::minutes(10);
/// Why a mail that nobody looked at does not leave. RFC 3834 §2 asks whoever answers by machine to bound how often.
const TOO_MANY: &str = "its address got as many automatic mails as it may; a machine may be answering there, so a person decides";
/// When a mail is tried again for which the store could not be asked.
const ASK_AGAIN: chrono::Duration = chrono::Duration::seconds(10);
/// Ids of a conversation that an answer refers to.
const REFERENCES_MAX: usize = 30;

impl Worker {
    /// Begins to watch the mailboxes; each goes on until told to stop.
    pub fn watch_mailboxes(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        for account in self.mail.all() {
            let Some(mailbox) = &account.mailbox else { continue };
            let arrivals = Arc::new(MailArrivals {
                inbox: self.inbox.clone(),
                clock: Arc::clone(&self.clock),
                account: Arc::clone(account),
            });
            let watcher = Watcher::new(mailbox, arrivals, Arc::clone(&self.clock));
            let stop = stop.clone();
            tasks.spawn(async move { watcher.run(stop).await });
        }
    }

    /// Files a mail. Returns why it is kept as it came, where it could not be taken in.
    pub(super) async fn read_mail(&self, call: &WaitingCall) -> Result<Option<String>, PortError> {
        let Some((envelope, bytes)) = Envelope::unwrap_from(&call.body) else {
            return Ok(Some("its envelope cannot be read".to_owned()));
        };
        let Some(account) = self.mail.get(&envelope.tenant, &envelope.address) else {
            return Ok(Some("its mailbox is not among the configured ones".to_owned()));
        };
        let mail = match parse::read(bytes) {
            Ok(mail) => mail,
            Err(why) => return Ok(Some(why.to_string())),
        };
        if envelope.role == FolderRole::Sent.as_str() {
            return self.own_answer(call, account, &envelope, (&mail, bytes)).await.map(|()| None);
        }
        match kind::classify(&mail, &account.own) {
            Kind::Own => Ok(None),
            Kind::Bounce(report) if self.bounced(account, &report).await? => Ok(None),
            kind => self.file_mail(call, account, &envelope, (&mail, bytes), &kind).await,
        }
    }

    /// Files a mail of somebody else into its conversation.
    async fn file_mail(
        &self,
        call: &WaitingCall,
        account: &MailAccount,
        envelope: &Envelope,
        (mail, bytes): (&Mail, &[u8]),
        kind: &Kind,
    ) -> Result<Option<String>, PortError> {
        let now = self.clock.now();
        let placed =
            self.store.thread_mail(now, &account.tenant, self.reference(account, envelope, mail));
        let Threaded::Into { thread, account: address } = placed.await? else { return Ok(None) };
        let allowed = kind::reply_allowed(mail, kind, &account.own);
        let stripped = quote::strip(&mail.text);
        let files = self.files_of(call.received_at, envelope, (mail, bytes));
        let message = InboundMessage {
            id: self.clock.message_id(),
            ticket_id: self.clock.ticket_id(),
            tenant: account.tenant.clone(),
            channel: Channel::Email,
            account: address,
            external_id: envelope.external_id.clone(),
            thread,
            contact: Contact {
                name: mail.from.name.clone(),
                email: Some(mail.from.email.clone()).filter(|email| !email.is_empty()),
                ..Contact::default()
            },
            subject: Some(mail.subject.clone()).filter(|subject| !subject.is_empty()),
            original: Some(kept::original(mail, &stripped)),
            text: stripped.text,
            given: Given::default(),
            attachments: files.iter().map(|file| file.attachment.clone()).collect(),
            flags: MessageFlags {
                automatic: *kind != Kind::Message,
                // What stands in a file, or was cut off, nobody read here.
                media: kept::may_mean_a_file(mail) || mail.truncated || envelope.cut,
                held: allowed.is_err(),
            },
            sent_at: mail.date.filter(|date| *date <= call.received_at).unwrap_or(call.received_at),
            received_at: call.received_at,
        };
        let intake = match self.prepare(message) {
            Ok(intake) => intake,
            Err(why) => return Ok(Some(why.to_owned())),
        };
        self.place_files(&files).await?;
        let (mut left, attachments) = (Vec::new(), intake.message.attachments.clone());
        self.record_all(vec![intake], &mut left).await?;
        self.remove_unwanted(&account.tenant, &attachments).await?;
        self.turns_due.notify_one();
        Ok(left.pop())
    }

    fn reference(&self, account: &MailAccount, envelope: &Envelope, mail: &Mail) -> MailRef {
        let keys = thread::keys(mail, account.key.expose().as_bytes());
        let answer = kind::reply_address(mail);
        let mut references: Vec<&String> =
            mail.references.iter().chain(&mail.in_reply_to).collect();
        references.dedup();
        let skip = references.len().saturating_sub(REFERENCES_MAX);
        MailRef {
            external_id: envelope.external_id.clone(),
            copy_key: thread::copy_key(mail),
            message_id: mail.message_id.clone(),
            ids: keys.ids,
            ticket: keys.token_ticket,
            numbers: keys.subject_numbers,
            sender: keys.sender,
            account: account.address.clone(),
            fresh_thread: format!("mail_{:032x}", self.clock.fresh_bits()),
            address: json!({
                "email": answer.email,
                "name": mail.from.name,
                "subject": mail.subject,
                "message_id": mail.message_id,
                "references": references.iter().skip(skip).collect::<Vec<_>>(),
            }),
        }
    }

    /// Notes that a mail of ours did not arrive. `false` where it is none of ours.
    async fn bounced(&self, account: &MailAccount, report: &Report) -> Result<bool, PortError> {
        let Some(id) = &report.original_message_id else { return Ok(false) };
        if !self.store.is_our_mail(&account.tenant, id).await? {
            return Ok(false);
        }
        // What is only late may still come.
        if report.action != Action::Failed {
            return Ok(true);
        }
        let code = report.status.as_deref().unwrap_or("no code");
        let error = Some(format!("the mail came back ({code})"));
        // A full mailbox or a refused content says nothing of the address.
        let mark = is_bad_address(code).then(|| {
            let news = bad_address(code.to_owned(), self.clock.now());
            (news, report.recipients.clone())
        });
        self.note_mail(account, id, ("failed", 5), (error, mark)).await?;
        Ok(true)
    }

    /// Notes how far a mail of ours came: its state, and the state's place among the states.
    async fn note_mail(
        &self,
        account: &MailAccount,
        id: &str,
        (state, rank): (&'static str, u8),
        (error, mark): (Option<String>, Option<(MarkNews, Vec<String>)>),
    ) -> Result<(), PortError> {
        let own_id = own_mail_id(id).map(|id| id.as_str().to_owned());
        let now = self.clock.now();
        let delivered =
            Delivered { network_id: id.to_owned(), own_id, state, rank, at: now, error, mark };
        let deliveries = vec![(delivered, self.clock.message_id())];
        self.store.note_deliveries(now, &account.tenant, deliveries).await?;
        Ok(())
    }

    /// Notes what somebody of the business wrote in their own mail program: they have the conversation now.
    async fn own_answer(
        &self,
        call: &WaitingCall,
        account: &MailAccount,
        envelope: &Envelope,
        (mail, bytes): (&Mail, &[u8]),
    ) -> Result<(), PortError> {
        let now = self.clock.now();
        if self.store.is_our_mail(&account.tenant, &mail.message_id).await? {
            // It left after all, whatever the end of its call was.
            self.note_mail(account, &mail.message_id, ("sent", 1), (None, None)).await?;
            return Ok(());
        }
        let ids: Vec<String> =
            mail.in_reply_to.iter().chain(mail.references.iter().rev()).cloned().collect();
        let place = self.store.thread_of_mails(&account.tenant, &ids).await?;
        let Some((thread, address)) = place else { return Ok(()) };
        let by = mail.from.name.clone().unwrap_or_else(|| account.address.clone());
        let stripped = quote::strip(&mail.text);
        let files = self.files_of(call.received_at, envelope, (mail, bytes));
        self.place_files(&files).await?;
        let attachments: Vec<_> = files.into_iter().map(|file| file.attachment).collect();
        let message = InboundMessage {
            id: self.clock.message_id(),
            ticket_id: self.clock.ticket_id(),
            tenant: account.tenant.clone(),
            channel: Channel::Email,
            account: address,
            external_id: envelope.external_id.clone(),
            thread,
            contact: Contact::default(),
            subject: Some(mail.subject.clone()),
            original: Some(kept::original(mail, &stripped)),
            text: stripped.text,
            given: Given::default(),
            attachments: attachments.clone(),
            flags: MessageFlags::default(),
            sent_at: mail.date.unwrap_or(call.received_at),
            received_at: call.received_at,
        };
        let words = OwnWords { message, by: format!("mail {by}"), hold_until: now + HOLD };
        self.store.record_own_words(now, words).await?;
        self.remove_unwanted(&account.tenant, &attachments).await
    }

    /// Returns the mailbox that a row leaves by.
    pub(super) fn mailbox_of(&self, row: &Claimed) -> Option<Arc<MailAccount>> {
        let account = self.mail.get(&row.tenant, &row.account);
        account.filter(|found| row.channel == Channel::Email && found.sender.is_some()).cloned()
    }

    /// Makes one attempt to send a row by mail. Returns the mail with its end, where it left.
    pub(super) async fn send_by_mail(
        &self,
        account: &MailAccount,
        row: &Claimed,
    ) -> (DeliveryEnd, Option<Vec<u8>>) {
        // The store is asked only before anything leaves, so where it is away nothing has left.
        match Box::pin(self.attempt_mail(account, row)).await {
            Ok(end) => end,
            Err(error) if error.kind == PortErrorKind::Permanent => {
                (DeliveryEnd::Failed("what is known of the mail cannot be read".to_owned()), None)
            }
            Err(error) => {
                tracing::warn!(outbox.id = %row.id, %error, "Mail {} waits for the store", row.id);
                (DeliveryEnd::NotTried(self.clock.now() + ASK_AGAIN), None)
            }
        }
    }

    async fn attempt_mail(
        &self,
        account: &MailAccount,
        row: &Claimed,
    ) -> Result<(DeliveryEnd, Option<Vec<u8>>), PortError> {
        let Some(sender) = &account.sender else {
            return Ok((
                DeliveryEnd::Failed("no server for outgoing mail is set".to_owned()),
                None,
            ));
        };
        let known = self.store.network_address(&row.tenant, &row.body.thread).await?;
        let known = known.unwrap_or(Value::Null);
        let person = self.person_behind(row);
        let files = match self.enclosed_files(row).await? {
            Ok(files) => files,
            Err(end) => return Ok((end, None)),
        };
        let written = match written(account, row, &known, (person.as_deref(), &files)) {
            Ok(written) => written,
            Err(why) => return Ok((DeliveryEnd::Failed(why), None)),
        };
        let now = self.clock.now();
        // Words for somebody in danger are never too many.
        if row.author != "agent" && row.kind != "safety" {
            let one = (written.to.as_str(), &row.id);
            if !self.store.pace_mail(now, &row.tenant, one, account.pace).await? {
                return Ok((DeliveryEnd::Failed(TOO_MANY.to_owned()), None));
            }
        }
        let going = Outgoing { mail: &written, attempt: row.attempt, first: row.created_at };
        let end = match sender.send(now, &going).await {
            Outcome::Accepted { id } => DeliveryEnd::Accepted(id),
            Outcome::RetryAt(at, reason) => match reason.cause {
                Cause::OwnRate | Cause::OwnDomainRate | Cause::OwnConnections => {
                    DeliveryEnd::NotTried(at)
                }
                _ => DeliveryEnd::RetryAt(at, reason.to_string()),
            },
            Outcome::Operator(reason, at) => {
                let address = account.address.as_str();
                tracing::error!(mailbox = address, "Mail does not leave from {address}: {reason}");
                DeliveryEnd::RetryAt(at, reason.to_string())
            }
            Outcome::Failed(fault, reason) => {
                if fault == Fault::Address {
                    let code = reason.status.map(|status| status.to_string());
                    let code = code.or_else(|| reason.code.map(|code| code.to_string()));
                    let news = bad_address(code.unwrap_or_default(), now);
                    self.marked(row, Some(news)).await?;
                }
                DeliveryEnd::Failed(reason.to_string())
            }
            Outcome::Unknown(reason) => DeliveryEnd::Awaiting(now + DOUBT, reason.to_string()),
        };
        let left = matches!(end, DeliveryEnd::Accepted(_)).then_some(written.bytes);
        Ok((end, left))
    }

    /// Returns the name that customers see of whoever wrote or approved a row: of people to whom the policy gives one, never
    /// what a token is called.
    fn person_behind(&self, row: &Claimed) -> Option<String> {
        let id = row.person.as_deref()?;
        let tenant = self.tenants.get(&row.tenant)?;
        let people = &tenant.pipeline.pack().people;
        let person = people.iter().find(|person| person.id == id)?;
        Some(person.name.clone()).filter(|name| *name != person.id)
    }

    /// Puts what left into the folder of sent mail. Nothing waits for it: whoever looks there finds it a moment later.
    pub(super) async fn keep_sent(&self, account: &MailAccount, mail: &[u8]) {
        let Some(mailbox) = account.mailbox.as_ref().filter(|_| account.keeps_sent) else { return };
        if let Err(error) = mailbox.append_sent(mail).await {
            tracing::warn!(%error, "A mail that left could not be put into the folder of sent mail");
        }
    }
}

/// True for a status that says that there is no such address (RFC 3463 §3.2), other than ours (5.1.7 and 5.1.8).
fn is_bad_address(status: &str) -> bool {
    status.starts_with("5.1.") && !matches!(status, "5.1.7" | "5.1.8")
}

/// Says of an address that nothing arrives there.
fn bad_address(reason: String, at: DateTime<Utc>) -> MarkNews {
    MarkNews { mark: Mark::Unreachable, stands: true, reason, at }
}

/// Writes a row as a mail.
fn written(
    account: &MailAccount,
    row: &Claimed,
    known: &Value,
    (person, files): (Option<&str>, &[EnclosedFile]),
) -> Result<reply::Written, String> {
    let word = |name: &str| known.get(name).and_then(Value::as_str).unwrap_or_default();
    let own = row.body.to.email.as_deref().unwrap_or_default();
    let to = Some(word("email")).filter(|email| !email.is_empty()).unwrap_or(own);
    let references: Vec<String> = known
        .get("references")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let parent = Some(word("message_id")).filter(|id| !id.is_empty());
    let domain = account.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let ticket = crate::domain::ids::TicketId::from_stored(row.ticket.clone());
    let reply_to = thread::mint(account.key.expose().as_bytes(), &account.address, &ticket);
    let subject = row.body.subject.as_deref().unwrap_or_else(|| word("subject"));
    let message_id = format!("{}@{domain}", row.id);
    let style = PERSON_STYLE;
    let author = match row.author.as_str() {
        "agent" => Author::Person { name: person, style },
        "ai" => Author::Automatic,
        _ => Author::Notice,
    };
    let attachments: Vec<reply::Attachment<'_>> =
        files.iter().map(EnclosedFile::as_attachment).collect();
    let reply = Reply {
        from: Party { address: &account.address, name: &account.name },
        to: Party { address: to, name: row.body.to.name.as_deref().unwrap_or_default() },
        reply_to: reply_to.as_deref(),
        subject,
        parent: parent.map(|message_id| Parent { message_id, references: &references }),
        message_id: &message_id,
        date: row.created_at,
        body: &row.body.text,
        signature: &[],
        quote: None,
        attachments: &attachments,
        locale: row.body.locale,
        author,
        loop_mark: &account.loop_mark,
    };
    reply::write(&reply).map_err(|error| error.in_locale(crate::domain::labels::Locale::En))
}

/// Keeps what a mailbox brings in the inbox, together with how far it was read.
struct MailArrivals {
    inbox: Inbox,
    clock: Arc<dyn Clock>,
    account: Arc<MailAccount>,
}

#[async_trait]
impl Arrivals for MailArrivals {
    async fn cursor(&self, role: FolderRole) -> Result<Option<Cursor>, PortError> {
        let kept = self.inbox.folder_cursor(&self.account.folder(role)).await?;
        let broken = |error| PortError::new("read cursor", PortErrorKind::Permanent, error);
        kept.map(|json| serde_json::from_str(&json).map_err(broken)).transpose()
    }

    async fn take(
        &self,
        role: FolderRole,
        batch: Vec<Fetched>,
        cursor: Cursor,
    ) -> Result<(), PortError> {
        let mails = batch.iter().map(|mail| Envelope::wrap(&self.account, role, mail)).collect();
        let broken = |error| PortError::new("write cursor", PortErrorKind::Permanent, error);
        let cursor = serde_json::to_string(&cursor).map_err(broken)?;
        let folder = self.account.folder(role);
        if self.inbox.accept_mails(self.clock.now(), folder, mails, cursor).await? {
            return Ok(());
        }
        let full = anyhow::anyhow!("too much waits in the inbox already");
        Err(PortError::new("accept mails", PortErrorKind::Transient, full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_that_there_is_no_such_address_marks_one() {
        for (status, bad) in [
            ("5.1.1", true),
            ("5.1.2", true),
            ("5.1.10", true),
            ("5.1.7", false),
            ("5.1.8", false),
            ("5.2.2", false),
            ("5.7.1", false),
            ("4.1.1", false),
            ("550", false),
            ("no code", false),
        ] {
            assert_eq!(is_bad_address(status), bad, "{status}");
        }
    }
}
