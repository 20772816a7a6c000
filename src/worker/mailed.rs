//! Files of mails. Those that come are in their place before the store hears of the message, and gone again where it wants
//! none of them; those that go are read when their reply leaves.
//!
//! A mail that is read twice, after a crash or a store that was away, names its files as it did before, so that no attempt
//! leaves another one's behind.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::Worker;
use crate::adapters::store::{Claimed, DeliveryEnd, Enclosed};
use crate::channels::email::account::Envelope;
use crate::channels::email::kept;
use crate::channels::email::parse::Mail;
use crate::channels::email::reply;
use crate::channels::enclosures::{self, File};
use crate::domain::attachment::{Attachment, AttachmentState};
use crate::domain::channel::Channel;
use crate::domain::ids::{AttachmentId, TenantId};
use crate::ports::{PortError, PortErrorKind};

/// When a file that could not be read is tried again.
const READ_AGAIN: chrono::Duration = chrono::Duration::minutes(1);
/// Why a reply cannot leave with its files.
const GONE: &str = "a file of the reply is not kept any more; attach it again";

impl Worker {
    /// Returns the files of a mail that came at this moment; `raw` are the bytes that it was read from.
    pub(super) fn files_of<'a>(
        &self,
        at: DateTime<Utc>,
        envelope: &Envelope,
        (mail, raw): (&'a Mail, &'a [u8]),
    ) -> Vec<kept::File<'a>> {
        kept::files(mail, raw, self.settings.file_max, |place| file_id(at, envelope, place))
    }

    /// Writes files to their places; when this returns, the disk has them.
    pub(super) async fn place_files(&self, files: &[kept::File<'_>]) -> Result<(), PortError> {
        for kept::File { attachment, bytes } in files {
            let Some(bytes) = bytes else { continue };
            let written = async {
                let mut unfinished = self.files.begin(&attachment.id).await?;
                unfinished.writer().write_all(bytes).await?;
                unfinished.writer().flush().await?;
                unfinished.keep().await
            };
            written.await.map_err(|error| disk("keep file of mail", error))?;
        }
        Ok(())
    }

    /// Removes those of a mail's files that the store does not have: it knew the mail before, or refused it.
    pub(super) async fn remove_unwanted(
        &self,
        tenant: &TenantId,
        attachments: &[Attachment],
    ) -> Result<(), PortError> {
        for Attachment { id, .. } in attachments {
            let known = self.store.attachment(tenant, id.as_str()).await?;
            if known.is_none_or(|known| known.state != AttachmentState::Kept) {
                let removed = self.files.remove(id).await;
                removed.map_err(|error| disk("remove file of mail", error))?;
            }
        }
        Ok(())
    }

    /// Reads the files that go with a reply, or says how its attempt ends without them.
    pub(super) async fn enclosed_files(
        &self,
        row: &Claimed,
    ) -> Result<Result<Vec<EnclosedFile>, DeliveryEnd>, PortError> {
        let known = self.store.enclosed(&row.tenant, &row.body.attachments).await?;
        if known.len() < row.body.attachments.len() {
            return Ok(Err(DeliveryEnd::Failed(GONE.to_owned())));
        }
        let sizes = known.iter().map(|file| File { mime: &file.mime, size: file.size });
        if let Some((_, why)) = enclosures::refused(Channel::Email, &sizes.collect::<Vec<_>>()) {
            return Ok(Err(DeliveryEnd::Failed(why.en)));
        }
        let mut files = Vec::with_capacity(known.len());
        for file in known {
            match self.files.read(&file.id).await {
                Ok(Some(bytes)) => files.push(EnclosedFile { file, bytes }),
                Ok(None) => return Ok(Err(DeliveryEnd::Failed(GONE.to_owned()))),
                Err(error) => {
                    tracing::error!(
                        outbox.id = %row.id, attachment.id = %file.id, %error,
                        "File {} cannot be read here; its reply waits", file.id
                    );
                    let at = self.clock.now() + READ_AGAIN;
                    let why = "a file of the reply cannot be read here".to_owned();
                    return Ok(Err(DeliveryEnd::RetryAt(at, why)));
                }
            }
        }
        Ok(Ok(files))
    }
}

/// A file that goes with a reply.
pub(super) struct EnclosedFile {
    file: Enclosed,
    bytes: Vec<u8>,
}

impl EnclosedFile {
    pub(super) fn as_attachment(&self) -> reply::Attachment<'_> {
        reply::Attachment {
            name: self.file.name.as_deref().unwrap_or_default(),
            mime: &self.file.mime,
            bytes: &self.bytes,
        }
    }
}

/// The id of a file of a mail: the same whenever the mail is read, and of no other file. Like every id it begins with a time.
fn file_id(at: DateTime<Utc>, envelope: &Envelope, place: usize) -> AttachmentId {
    let named = format!("{}\0{}\0{place}", envelope.tenant, envelope.external_id);
    let digest = Sha256::digest(named.as_bytes());
    let bits = digest.iter().take(16).fold(0, |bits: u128, byte| bits << 8 | u128::from(*byte));
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or(0);
    AttachmentId::from_bits(millis << 80 | bits >> 48)
}

fn disk(operation: &'static str, error: std::io::Error) -> PortError {
    PortError::new(operation, PortErrorKind::Transient, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_id_however_often_its_mail_is_read() {
        let envelope = |uid: u32| Envelope {
            tenant: TenantId::main(),
            address: "sac@loja.example".to_owned(),
            role: "inbox".to_owned(),
            external_id: format!("sac@loja.example/inbox:7:{uid}"),
            cut: false,
        };
        let at = DateTime::from_timestamp_millis(1_795_000_000_123).unwrap();
        let first = file_id(at, &envelope(1), 1);
        assert_eq!(file_id(at, &envelope(1), 1), first);
        let others = [
            file_id(at, &envelope(1), 2),
            file_id(at, &envelope(2), 1),
            file_id(at + chrono::Duration::milliseconds(1), &envelope(1), 1),
        ];
        assert!(!others.contains(&first));
        assert!(first.as_str().starts_with("att_01a1ee56"), "{first}");
    }
}
