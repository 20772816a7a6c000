//! Opens folders and finds the one of sent mail.

use std::time::Duration;

use async_imap::imap_proto::{MailboxDatum, NameAttribute, Response, ResponseCode};

use super::conversation::{self, Conversation, Heard, Outcome, quoted};
use super::settings::SentFolder;
use super::trouble::{Step, Trouble};
use super::utf7;

/// What the last part of a folder of sent mail is called where the server marks none, most usual first.
const USUAL_NAMES: [&str; 11] = [
    "sent",
    "sent items",
    "sent mail",
    "sent messages",
    "enviados",
    "itens enviados",
    "enviadas",
    "mensagens enviadas",
    "e-mails enviados",
    "emails enviados",
    "elementos enviados",
];

/// A folder as it was when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) uid_validity: u32,
    /// The number that the next mail gets at least; `None` where the server does not say.
    pub(super) uid_next: Option<u32>,
    pub(super) mails: u32,
}

/// Opens a folder for reading only, so that nothing here can ever change a flag; opening it again looks anew.
pub(super) async fn open(
    conversation: &mut Conversation,
    step: Step,
    name: &str,
) -> Result<Opened, Trouble> {
    let (mut uid_validity, mut uid_next, mut mails) = (None, None, 0);
    let line = format!("EXAMINE {}", quoted(&utf7::encode(name)));
    let answer = conversation
        .command(step, &line, |response| match response {
            Response::MailboxData(MailboxDatum::Exists(count)) => mails = *count,
            Response::Data { outcome, .. } => match outcome.code {
                Some(ResponseCode::UidValidity(number)) => uid_validity = Some(number),
                Some(ResponseCode::UidNext(number)) => uid_next = Some(number),
                _ => {}
            },
            _ => {}
        })
        .await?;
    match answer.outcome {
        Outcome::Done => {}
        // RFC 5530; the words after it often repeat the name, whatever that says.
        Outcome::No if answer.words.contains("[NONEXISTENT]") => {
            return Err(Trouble::NoSuchFolder { name: name.to_owned() });
        }
        // A refusal that says nothing else is about the name too; BAD is about what was said.
        Outcome::No => {
            return Err(Trouble::of_words(&answer.words)
                .unwrap_or_else(|| Trouble::NoSuchFolder { name: name.to_owned() }));
        }
        Outcome::Bad => answer.done(step)?,
    }
    // The count of this very look is no news.
    conversation.take_news();
    match uid_validity {
        Some(uid_validity) if uid_validity > 0 => Ok(Opened { uid_validity, uid_next, mails }),
        _ => Err(Trouble::NoStableIds),
    }
}

/// How the folder of sent mail was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// The server marks it (RFC 6154).
    Mark,
    /// It has one of the usual names.
    UsualName,
    /// The settings name it.
    Settings,
}

/// Finds the folder of sent mail. A name from the settings is taken as it is.
pub(super) async fn find_sent(
    conversation: &mut Conversation,
    wanted: &SentFolder,
) -> Result<Option<(String, FoundBy)>, Trouble> {
    match wanted {
        SentFolder::Off => return Ok(None),
        SentFolder::Named(name) => return Ok(Some((name.clone(), FoundBy::Settings))),
        SentFolder::Found => {}
    }
    let folders = list(conversation, "LIST \"\" \"*\"").await?;
    if let Some(marked) = folders.iter().find(|folder| folder.is_sent) {
        return Ok(Some((marked.name.clone(), FoundBy::Mark)));
    }
    if conversation.can("SPECIAL-USE") {
        // A server may keep its marks for those who ask for them (RFC 6154, 3).
        let marked = list(conversation, "LIST (SPECIAL-USE) \"\" \"*\"").await?;
        if let Some(marked) = marked.into_iter().find(|folder| folder.is_sent) {
            return Ok(Some((marked.name, FoundBy::Mark)));
        }
    }
    usual(folders).map(|name| Some((name, FoundBy::UsualName))).ok_or(Trouble::SentNotFound)
}

#[derive(Debug)]
struct Folder {
    name: String,
    delimiter: Option<String>,
    is_sent: bool,
    is_openable: bool,
}

async fn list(conversation: &mut Conversation, line: &str) -> Result<Vec<Folder>, Trouble> {
    let mut folders = Vec::new();
    let answer = conversation
        .command(Step::Sent, line, |response| {
            if let Response::MailboxData(MailboxDatum::List(listed)) = response {
                folders.push(Folder {
                    name: utf7::decode(&unescaped(&listed.name)),
                    delimiter: listed.delimiter.as_deref().map(unescaped),
                    is_sent: listed.name_attributes.contains(&NameAttribute::Sent),
                    is_openable: !listed.name_attributes.contains(&NameAttribute::NoSelect),
                });
            }
        })
        .await?;
    answer.done(Step::Sent)?;
    folders.retain(|folder| folder.is_openable);
    Ok(folders)
}

fn usual(folders: Vec<Folder>) -> Option<String> {
    let rank = |folder: &Folder| {
        let last = match &folder.delimiter {
            Some(delimiter) if !delimiter.is_empty() => {
                folder.name.rsplit(delimiter.as_str()).next().unwrap_or_default()
            }
            _ => folder.name.as_str(),
        };
        let last = last.trim().to_lowercase();
        USUAL_NAMES.iter().position(|name| *name == last)
    };
    folders
        .into_iter()
        .filter_map(|folder| Some((rank(&folder)?, folder.name)))
        // A subfolder of an archive has a longer name than the folder itself.
        .min_by_key(|(rank, name)| (*rank, name.len()))
        .map(|(_, name)| name)
}

/// The library leaves the escapes of a quoted string in it.
fn unescaped(name: &str) -> String {
    name.replace("\\\"", "\"").replace("\\\\", "\\")
}

/// Puts a mail into a folder, marked as read. The second part is true when nobody knows whether it is there.
pub(super) async fn append(
    conversation: &mut Conversation,
    name: &str,
    mail: &[u8],
    silence: Duration,
) -> Result<(), (Trouble, bool)> {
    let step = Step::Append;
    let line = format!("APPEND {} (\\Seen) {{{}}}", quoted(&utf7::encode(name)), mail.len());
    let ask = async {
        conversation.start(step, &line).await?;
        loop {
            match conversation.hear(step).await? {
                Heard::GoOn(_) => return Ok(()),
                Heard::Said => {}
                Heard::Answer(answer) if answer.words.contains("TRYCREATE") => {
                    return Err(Trouble::NoSuchFolder { name: name.to_owned() });
                }
                Heard::Answer(answer) => {
                    answer.done(step)?;
                    return Err(Trouble::Garbled);
                }
            }
        }
    };
    tokio::time::timeout(silence, ask)
        .await
        .unwrap_or(Err(Trouble::TimedOut { step }))
        .map_err(|trouble| (trouble, false))?;

    let send = async {
        conversation.write(step, mail).await?;
        conversation.write(step, b"\r\n").await?;
        loop {
            if let Heard::Answer(answer) = conversation.hear(step).await? {
                return Ok(answer);
            }
        }
    };
    // Silence is watched below; this ends a server that says a little forever.
    let most = silence + conversation::time_for(mail.len());
    match tokio::time::timeout(most, send).await.unwrap_or(Err(Trouble::TimedOut { step })) {
        // A refusal is sure: no mail is there.
        Ok(answer) if answer.words.contains("[TRYCREATE]") => {
            Err((Trouble::NoSuchFolder { name: name.to_owned() }, false))
        }
        Ok(answer) => answer.done(step).map_err(|trouble| (trouble, false)),
        Err(trouble) => Err((trouble, true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, delimiter: &str) -> Folder {
        Folder {
            name: name.to_owned(),
            delimiter: Some(delimiter.to_owned()),
            is_sent: false,
            is_openable: true,
        }
    }

    #[test]
    fn a_folder_without_a_mark_is_known_by_its_usual_name() {
        for (names, expected) in [
            (vec!["INBOX", "INBOX.Sent", "INBOX.Arquivo.Sent"], Some("INBOX.Sent")),
            (vec!["INBOX", "INBOX.Itens Enviados"], Some("INBOX.Itens Enviados")),
            (vec!["Enviados", "Sent"], Some("Sent")),
            (vec!["INBOX", "Presentes", "Absent"], None),
        ] {
            let folders = names.iter().map(|name| folder(name, ".")).collect();
            assert_eq!(usual(folders).as_deref(), expected, "{names:?}");
        }
    }

    #[test]
    fn escapes_of_a_quoted_name_are_undone() {
        assert_eq!(unescaped(r#"Caixa \"A\""#), "Caixa \"A\"");
    }
}
