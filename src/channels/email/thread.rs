//! Which conversation a mail belongs to, as far as the mail itself can say.
//!
//! Nothing here proves who wrote. The ids and the signed token say which mail of ours is answered;
//! a ticket number in the subject can be guessed and counts only from a party of that ticket, which
//! is why the sender stands beside it. The caller compares.

mod token;

use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest as _, Sha256};

pub use self::token::{mint, read as read_token};

use super::kind::body_hash;
use super::parse::Mail;
use crate::domain::ids::{TicketId, TicketNumber};

/// Most ticket numbers that are looked at in one subject.
const MAX_NUMBERS: usize = 5;
/// Most prefixes that are taken off a subject.
const MAX_PREFIXES: usize = 20;

/// What a mail says about its conversation, the strongest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Ids of the mails before it, the nearest first, each once (RFC 5322 §3.6.4).
    pub ids: Vec<String>,
    /// The ticket that a signed address of ours names.
    pub token_ticket: Option<TicketId>,
    /// Ticket numbers in the subject, which count only with `sender`.
    pub subject_numbers: Vec<TicketNumber>,
    /// The sender, in lower case.
    pub sender: String,
    /// The subject without `Re:` and the like; never enough on its own.
    pub base_subject: String,
}

/// Returns what a mail says about its conversation. `key` is the secret that signs addresses.
pub fn keys(mail: &Mail, key: &[u8]) -> Keys {
    let mut ids: Vec<String> = Vec::new();
    for id in mail.in_reply_to.iter().chain(mail.references.iter().rev()) {
        if !ids.contains(id) && *id != mail.message_id {
            ids.push(id.clone());
        }
    }
    let addressed = mail.to.iter().chain(&mail.cc).map(|one| one.email.as_str());
    let mut recipients = addressed.chain(mail.delivered_to.iter().map(String::as_str));
    Keys {
        ids,
        token_ticket: recipients.find_map(|address| read_token(key, address)),
        subject_numbers: subject_numbers(&mail.subject),
        sender: mail.from.email.clone(),
        base_subject: base_subject(&mail.subject).to_owned(),
    }
}

/// Returns the same value for the copies of a mail that two mailboxes got. The id alone does not make a copy: anybody can
/// write a mail with the id of another, which would then hide it.
pub fn copy_key(mail: &Mail) -> String {
    let mut hash = Sha256::new();
    for part in [&mail.message_id, &mail.from.email, &body_hash(&mail.text)] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    for one in &mail.attachments {
        hash.update(one.filename.as_deref().unwrap_or_default().as_bytes());
        hash.update(one.size.to_le_bytes());
    }
    hex::encode(hash.finalize())
}

/// Numbers as our mails write them, `[#1042-7]`, and as people repeat them: `protocolo 1042-7`.
static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:\[\s*#?|#|\b(?:protocolo|chamado|ticket|caso|case|atendimento)\s*(?:n[ºo°.]*\s*)?[:#]?\s*)([0-9]{1,18}-?[0-9])\b",
    )
    .ok()
});

/// Returns the ticket numbers that a subject names, whose check digit is right.
pub fn subject_numbers(subject: &str) -> Vec<TicketNumber> {
    // Most subjects name none, and the pattern takes its time to compile.
    if !subject.contains(|c: char| c.is_ascii_digit()) {
        return Vec::new();
    }
    let Some(pattern) = NUMBER.as_ref() else { return Vec::new() };
    let mut found = Vec::new();
    for text in pattern.captures_iter(subject).filter_map(|captures| captures.get(1)) {
        if let Some(number) = TicketNumber::parse(text.as_str())
            && !found.contains(&number)
        {
            found.push(number);
        }
    }
    found.truncate(MAX_NUMBERS);
    found
}

/// Returns a subject without the prefixes of answers and forwards, in the languages of the mail
/// programs that reach a Brazilian business, and without tags of lists in front of them.
pub fn base_subject(subject: &str) -> &str {
    const PREFIXES: &[&str] = &[
        "re",
        "res",
        "ref",
        "enc",
        "fw",
        "fwd",
        "rv",
        "rif",
        "r",
        "i",
        "tr",
        "aw",
        "wg",
        "sv",
        "vs",
        "vb",
        "antw",
        "odp",
        "ynt",
        "encaminhada",
        "resposta",
    ];
    let mut rest = subject.trim();
    for _ in 0..MAX_PREFIXES {
        let Some((head, tail)) = rest.split_once([':', '：']) else { break };
        let word = head.trim().to_lowercase();
        // `Re[2]:` and `Re (3):` count the answers.
        let word = word.trim_end_matches([')', ']']).trim_end_matches(|c: char| c.is_ascii_digit());
        let word = word.trim_end_matches(['(', '[', '^', ' ']);
        if !PREFIXES.contains(&word) {
            break;
        }
        rest = tail.trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    const KEY: &[u8] = b"a secret of thirty-two bytes....";

    fn of(headers: &str) -> Keys {
        keys(&parse::read(format!("{headers}\n\noi").as_bytes()).unwrap(), KEY)
    }

    #[test]
    fn the_nearest_mail_comes_first() {
        let found = of(
            "From: Ana <ANA@x.com>\nMessage-ID: <me@x>\nIn-Reply-To: <c@x>\nReferences: <a@x> <b@x> <c@x> <me@x>\nSubject: RES: Re: Erro",
        );
        assert_eq!(found.ids, ["c@x", "b@x", "a@x"]);
        assert_eq!((found.sender.as_str(), found.base_subject.as_str()), ("ana@x.com", "Erro"));
    }

    #[test]
    fn copies_are_one_mail_and_a_borrowed_id_makes_none() {
        let key = |raw: &str| copy_key(&parse::read(raw.as_bytes()).unwrap());
        let one = key("Delivered-To: sac@x\nMessage-ID: <1@y>\nFrom: a@y\n\nOi,  tudo\n");
        let copy = key("Received: by z\r\nFrom: A@y\r\nMessage-ID: <1@y>\r\n\r\nOi, tudo\r\n\r\n");
        assert_eq!(one, copy);
        for other in [
            "Message-ID: <1@y>\nFrom: b@y\n\nOi, tudo",
            "Message-ID: <1@y>\nFrom: a@y\n\nOi, tudo bem",
            "Message-ID: <2@y>\nFrom: a@y\n\nOi, tudo",
            "Message-ID: <1@y>\nFrom: a@y\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nOi, tudo\n--b\nContent-Type: image/png\n\nx\n--b--",
        ] {
            assert_ne!(one, key(other), "{other}");
        }
    }

    #[test]
    fn a_signed_address_names_its_ticket() {
        let ticket = TicketId::from_bits(255);
        let address = mint(KEY, "support@loja.com.br", &ticket).unwrap();
        for field in ["To", "Cc", "Delivered-To", "X-Original-To"] {
            let found = of(&format!("From: a@x\n{field}: {address}"));
            assert_eq!(found.token_ticket, Some(ticket.clone()), "{field}");
        }
        assert_eq!(of("From: a@x\nTo: support+t.aaaa@loja.com.br").token_ticket, None);
    }

    #[test]
    fn numbers_and_prefixes_of_subjects_are_read() {
        let number = |running| TicketNumber::new(running);
        let written = number(1042).to_string();
        for (subject, expected) in [
            (format!("Re: Erro [#{written}]"), vec![number(1042)]),
            (format!("protocolo nº {written}"), vec![number(1042)]),
            (format!("Chamado: {} e #{}", number(5), number(6)), vec![number(5), number(6)]),
            ("Pedido 1042-7 atrasado".to_owned(), vec![]),
            ("[#1042-0]".to_owned(), vec![]),
            (String::new(), vec![]),
        ] {
            assert_eq!(subject_numbers(&subject), expected, "{subject}");
        }
        for (subject, expected) in [
            ("Re: Re: RES: ENC: Fwd: AW: TR: Erro", "Erro"),
            ("Re[2]: Erro", "Erro"),
            ("RE (3) : Erro", "Erro"),
            ("Erro: não abre", "Erro: não abre"),
            ("Re:", ""),
            ("re：Erro", "Erro"),
            ("Ressarcimento: valor", "Ressarcimento: valor"),
        ] {
            assert_eq!(base_subject(subject), expected, "{subject}");
        }
    }
}
