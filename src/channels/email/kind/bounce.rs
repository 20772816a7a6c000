//! Bounces of servers that follow no standard, known by their sender, their subject and their
//! words, in the languages that reach a Brazilian business.

use std::cell::LazyCell;
use std::sync::LazyLock;

use regex::Regex;

use crate::channels::email::parse::{self, Address, Mail, ReturnPath, cut};
use crate::channels::email::pattern::{is_match, pattern};
use crate::text::fold::fold;

/// Most of a text that is searched, in bytes: what failed stands at its beginning.
const SEARCHED: usize = 32 * 1024;
/// Longest diagnostic that is kept, in bytes.
const MAX_DIAGNOSTIC: usize = 500;
/// Most recipients that are read from words.
const MAX_RECIPIENTS: usize = 20;

/// What happened to a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whom it did not reach, in lower case; empty where the report does not say.
    pub recipients: Vec<String>,
    /// The code of RFC 3463, such as `5.1.1`, or else the SMTP reply code, such as `550`.
    pub status: Option<String>,
    /// What the server did.
    pub action: Action,
    /// What the receiving server said.
    pub diagnostic: Option<String>,
    /// The id of the mail that failed, without angle brackets.
    pub original_message_id: Option<String>,
    /// True if the same mail to the same address would fail again: a code of class 5, or words that
    /// say so. A full mailbox (5.2.2) and a refusal of the content (5.7.x) count as well; whoever
    /// gives an address up for good looks at the code.
    pub permanent: bool,
}

/// What a server did with a mail (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It gave up.
    Failed,
    /// It goes on trying.
    Delayed,
    /// It delivered.
    Delivered,
    /// It handed on to a server that makes no reports.
    Relayed,
    /// It handed on to several addresses.
    Expanded,
}

impl Action {
    /// Reads the word of a report; an unknown one counts as a failure.
    pub(super) fn parse(word: &str) -> Self {
        let word = word.split([' ', ';', '(']).next().unwrap_or_default();
        match word.to_ascii_lowercase().as_str() {
            "delayed" | "delay" => Self::Delayed,
            "delivered" | "deliverable" => Self::Delivered,
            "relayed" => Self::Relayed,
            "expanded" => Self::Expanded,
            _ => Self::Failed,
        }
    }

    /// Orders actions by how much they ask of us.
    pub(super) const fn gravity(self) -> u8 {
        match self {
            Self::Failed => 2,
            Self::Delayed => 1,
            Self::Delivered | Self::Relayed | Self::Expanded => 0,
        }
    }

    /// Returns the word for it in answers and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}

/// Subjects of bounces (folded).
static SUBJECT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"undeliver|delivery (status notification|failure|report|notification|has failed|unsuccessful)|(mail|message|email|e-mail) (delivery )?(fail|error|could not be delivered)|delivery fail|failure (notice|delivery)|fail(ed|ure) delivery|returned (mail|message|to sender)|returning (message )?to sender|non-?delivery|not delivered|(could not|cannot|can't|unable to) (be )?deliver|mail (system )?error|message delivery has failed|error sending your mail|mailbox full|bounce notification|there was an error|rejected mail|warning: (message|could not send)|delayed [0-9]+ hours|delivery delay|smtp server: errors|nao (foi )?(possivel entregar|entregue)|mensagem (nao entregue|devolvida)|falha (na|de) entrega|devolvid[oa] ao remetente|nao pode ser entregue|aviso de (nao )?entrega|no se (pudo|ha podido) entregar|correo devuelto|mensaje no entregado|unzustellbar|zustellung|nicht zugestellt|echec de (la )?remise|non remis|mancata consegna|не доставлено|エラー|配信|送信できません",
    )
});

/// What the text of a bounce says (folded).
static WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(could not|cannot|can't|couldn't|unable to|was not|not) (be )?deliver|delivery (to the following|has failed|failed|status)|undeliver|failed permanently|permanent(ly)? (fatal )?(error|fail)|returned (to sender|message)|user unknown|unknown (user|address|recipient)|no such (user|address|mailbox)|mailbox (is )?(full|unavailable|not found)|does(n't| not) (exist|have a)|recipient (address )?rejected|message (was )?(rejected|refused|bounced)|was rejected|did not reach the following|following (address|recipient)|diagnostic|transcript of session|<<< [45][0-9][0-9]|said: [45][0-9][0-9]|nao (foi possivel|pode|pude|pudemos) (ser )?entreg|nao (foi )?entregue|usuario (desconhecido|nao existe)|endereco (nao existe|desconhecido|nao encontrado)|destinatario (desconhecido|inexistente|nao existe)|caixa (postal )?(cheia|lotada)|no se pudo entregar|konnte nicht zugestellt|送信できません|mailbox is full|未送信|return(ed|ing) mail",
    )
});

/// Subjects under which machines of lists say that they handed a mail on to nobody (folded).
static REFUSED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\bnot (a )?(list )?(member|subscribe[dr])|not allowed to (post|send)|\b(post|posting|message|mail|request)\b.* (was |has been )?(rejected|refused|denied)|duplicated message-id|nao (e|esta) (membro|inscrit[oa])|(mensagem|postagem) (rejeitada|recusada)",
    )
});

/// What a report says of a mail that is only late (folded).
static LATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(has|have) (not yet been|been) delayed|delivery .*delayed|will (be retried|retry|continue to (try|be)|keep trying)|still being retried|not yet been delivered|do not need to resend|delivery status notification \(delay\)|delayed [0-9]+ hours|\bwarning: (message|could not send)|status notification: warning|ainda (nao foi|sera)|continuara (a )?tentando|atrasad",
    )
});

/// Words of failures that come again (folded).
static FOR_GOOD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"permanent|user unknown|unknown (user|address|recipient|host)|host unknown|no such (user|address|mailbox|domain)|does(n't| not) (exist|have a)|not (a valid|found)|invalid (address|recipient|mailbox)|disabled|inactive|desconhecid|inexistente|nao existe|not listed",
    )
});

static EMAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"[^\s<>()\[\],;:@\x22]+@[^\s<>()\[\],;:@\x22]+"));

/// Lines that name a recipient.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?im)^[ \t>*]*(?:(?:final|original)-recipient\s*:\s*(?:rfc822\s*;)?|<|(?:could not be delivered to|recipient(?: address)?|target mail address|to|rcpt to|destinat[áa]rio|para)\s*:\s*<?)\s*([^\s<>:;,()]+@[^\s<>:;,()]+)",
    )
});

/// Whom the mail that failed was addressed to.
static ADDRESSED: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?im)^[ \t>]*to:[^\n@]*?([^\s<>:;,()]+@[^\s<>:;,()]+)"));

static MESSAGE_ID: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?im)^[ \t>]*message-id:\s*(<[^<>\s]+>)"));

static REPLY_CODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:said:|<<<|error:?|reply:?|code:?|smtp;?|response:?|returned:?|reason:?|failed:|^|\n)\s*[(\[#]?([45][0-9][0-9])(?:[ \-#)\]])",
    )
});

/// Where the mail that failed begins in the text of a report.
static ORIGINAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?im)^[\s>*_=#-]*((original|returned|copy of (the|your)( original)?) (message|mail)|---+ (this is|below|the) .*(copy|message|header)|unsent message below|return-path:|received: (from|by)|bounced e-?mail|mensagem original)",
    )
});

/// True for the senders of bounces. A person may be shown as "System Administrator" or "Postmaster", so a name counts
/// only where it belongs to programs alone.
pub(super) fn is_daemon(address: &Address) -> bool {
    const PROGRAMS: &[&str] =
        &["mailerdaemon", "maildeliverysystem", "maildeliversystem", "maildeliverysubsystem"];
    const ADDRESSES: &[&str] =
        &["postmaster", "poostmaster", "ndradministrator", "systemadministrator"];
    let bare = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
    };
    let local = bare(address.local());
    let name = address.name.as_deref().map(bare).unwrap_or_default();
    PROGRAMS.iter().any(|word| local.contains(word) || name.contains(word))
        || ADDRESSES.iter().any(|word| local.contains(word))
        || (ADDRESSES.iter().any(|word| name.contains(word)) && !address.is_usable())
}

/// Recognises a bounce that is no report of the standard.
pub(super) fn recognise(mail: &Mail) -> Option<Report> {
    // Compiled and searched only where they can decide: most mails are people's.
    let subject = LazyCell::new(|| is_match(SUBJECT.as_ref(), &fold(&mail.subject)));
    let words = LazyCell::new(|| is_match(WORDS.as_ref(), &fold(head(&mail.text))));
    let null_path = match &mail.return_path {
        ReturnPath::Null => true,
        ReturnPath::Address(path) => {
            path.contains("mailer-daemon") || path.starts_with("double-bounce")
        }
        ReturnPath::Absent => false,
    };
    let daemon = is_daemon(&mail.from);
    let failed = mail.headers.has("x-failed-recipients");
    let returned = mail.report.returned.is_some();
    let machine = daemon || null_path || is_machine(mail);
    let certain = failed
        || (daemon && (null_path || returned || *subject || *words))
        || (null_path && (*subject || (returned && *words)))
        // A carrier's machine also says that it could not deliver, and means a parcel.
        || (machine && (returned || codes(mail)) && *subject && *words)
        || refused_by_list(mail)
        || notified(mail);
    certain.then(|| from_words(mail))
}

/// True if a text has what mail servers answer each other with.
fn codes(mail: &Mail) -> bool {
    let words = own_words(&mail.text);
    enhanced_code(words).is_some() || reply_code(words).is_some()
}

fn is_machine(mail: &Mail) -> bool {
    let automatic = mail.headers.get("auto-submitted").is_some_and(|v| !v.starts_with("no"));
    let local = mail.from.local();
    automatic
        || local.contains("no-reply")
        || local.contains("noreply")
        || local.ends_with("-admin")
}

/// The machine of a mailing list says that it did not hand our mail on; it is no mail of the list.
fn refused_by_list(mail: &Mail) -> bool {
    let local = mail.from.local();
    let machine =
        ["-admin", "-owner", "-request", "-bounces"].iter().any(|end| local.ends_with(end));
    let names_ours = !mail.in_reply_to.is_empty() || !mail.references.is_empty();
    machine
        && names_ours
        && ["x-mlserver", "list-id", "x-ml-name", "x-mailman-version"]
            .iter()
            .any(|field| mail.headers.has(field))
        && is_match(REFUSED.as_ref(), &fold(&mail.subject))
}

/// Amazon SES tells of bounces in JSON, by mail if asked to.
fn notified(mail: &Mail) -> bool {
    let text = mail.text.trim_start();
    text.starts_with('{')
        && text.contains("\"notificationType\":\"Bounce\"")
        && mail.from.domain().ends_with("amazonaws.com")
}

/// Reads a report from its words.
pub(super) fn from_words(mail: &Mail) -> Report {
    let own_words = own_words(&mail.text);
    let folded = fold(&format!("{}\n{own_words}", mail.subject));
    let status = enhanced_code(own_words).or_else(|| reply_code(own_words));
    let late = is_match(LATE.as_ref(), &folded);
    let action =
        if late && !folded.contains("giving up") { Action::Delayed } else { Action::Failed };
    let permanent = match &status {
        Some(_) => is_permanent(action, status.as_deref()),
        None => action == Action::Failed && is_match(FOR_GOOD.as_ref(), &folded),
    };
    Report {
        recipients: recipients(mail, own_words),
        diagnostic: diagnostic(own_words, status.as_deref()),
        status,
        action,
        original_message_id: original_id(mail),
        permanent,
    }
}

/// True for a failure that its code calls permanent (RFC 3463 §2).
pub(super) fn is_permanent(action: Action, status: Option<&str>) -> bool {
    action == Action::Failed && status.is_none_or(|code| code.starts_with('5'))
}

fn head(text: &str) -> &str {
    cut(text, SEARCHED)
}

/// Returns what the server says, without the mail that it sends back.
fn own_words(text: &str) -> &str {
    let text = head(text);
    let begins = ORIGINAL.as_ref().and_then(|pattern| pattern.find(text));
    match begins {
        Some(found) if found.start() > 0 => text.get(..found.start()).unwrap_or(text),
        _ => text,
    }
}

/// Returns whom a text names as not reached: by a field, by a line of their own, or as the first
/// address in it that is not ours.
fn recipients(mail: &Mail, text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for value in mail.headers.all("x-failed-recipients") {
        found.extend(value.split([',', ' ']).filter_map(bare_address));
    }
    found.extend(captured(NAMED.as_ref(), text));
    if found.is_empty() {
        let addresses = EMAIL.iter().flat_map(|pattern| pattern.find_iter(text));
        found.extend(addresses.filter_map(|one| bare_address(one.as_str())));
        found.retain(|address| !is_daemon(&Address { name: None, email: address.clone() }));
        found.truncate(1);
    }
    if found.is_empty() {
        let returned = mail.report.returned.as_ref().and_then(|headers| headers.get("to"));
        let line = returned.map(|to| format!("To: {to}"));
        found.extend(captured(ADDRESSED.as_ref(), line.as_deref().unwrap_or(head(&mail.text))));
        found.truncate(1);
    }
    let ours =
        |email: &str| mail.from.email == email || mail.to.iter().any(|one| one.email == email);
    if found.iter().any(|email| !ours(email)) {
        found.retain(|email| !ours(email));
    }
    found.sort();
    found.dedup();
    found.truncate(MAX_RECIPIENTS);
    found
}

fn captured(pattern: Option<&Regex>, text: &str) -> Vec<String> {
    let Some(pattern) = pattern else { return Vec::new() };
    let captures = pattern.captures_iter(text).take(MAX_RECIPIENTS);
    captures.filter_map(|c| c.get(1)).filter_map(|one| bare_address(one.as_str())).collect()
}

fn bare_address(text: &str) -> Option<String> {
    let marks = ['.', ',', '<', '>', '\'', '"', '*', '(', ')', ';', ':'];
    let address = text.trim_matches(marks).to_lowercase();
    (address.contains('@') && address.len() <= 320).then_some(address)
}

/// Returns the first code of RFC 3463 in a text that is no part of an address or a version.
pub(super) fn enhanced_code(text: &str) -> Option<String> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
        let word = word.trim_end_matches('.');
        let parts: Vec<&str> = word.split('.').collect();
        let [class, subject, detail] = parts.as_slice() else { return None };
        let fits = matches!(*class, "2" | "4" | "5")
            && [subject, detail].iter().all(|part| (1..=3).contains(&part.len()));
        fits.then(|| word.to_owned())
    })
}

fn reply_code(text: &str) -> Option<String> {
    let captures = REPLY_CODE.as_ref()?.captures(text)?;
    captures.get(1).map(|code| code.as_str().to_owned())
}

/// Prefers the code that says more: `5.0.0` only means that it failed.
pub(super) fn more_precise(stated: Option<String>, explained: Option<String>) -> Option<String> {
    match (stated, explained) {
        (Some(stated), Some(explained))
            if stated.ends_with(".0.0") && stated.get(..1) == explained.get(..1) =>
        {
            Some(explained)
        }
        (stated, explained) => stated.or(explained),
    }
}

/// Returns the line of a report that has its code.
fn diagnostic(text: &str, status: Option<&str>) -> Option<String> {
    let code = status?;
    text.lines().find(|line| line.contains(code)).map(short)
}

/// Returns a diagnostic on one line and bounded.
pub(super) fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&line, MAX_DIAGNOSTIC).to_owned()
}

/// Returns the id of the mail that a report is about.
pub(super) fn original_id(mail: &Mail) -> Option<String> {
    let returned = mail.report.returned.as_ref();
    let from_part = returned.and_then(|headers| headers.get("message-id")).map(parse::ids);
    let from_part = from_part.and_then(|ids| ids.into_iter().next());
    let from_text = || {
        let captures = MESSAGE_ID.as_ref()?.captures(cut(&mail.text, SEARCHED * 8))?;
        parse::ids(captures.get(1)?.as_str()).into_iter().next()
    };
    let referred = || mail.in_reply_to.first().or(mail.references.last()).cloned();
    from_part.or_else(from_text).or_else(referred)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in [
            &SUBJECT,
            &WORDS,
            &REFUSED,
            &LATE,
            &FOR_GOOD,
            &EMAIL,
            &NAMED,
            &ADDRESSED,
            &MESSAGE_ID,
            &REPLY_CODE,
            &ORIGINAL,
        ] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn codes_are_told_from_addresses() {
        for (text, expected) in [
            ("550 5.1.1 user unknown", Some("5.1.1")),
            ("(#5.1.1)", Some("5.1.1")),
            ("host 192.0.2.1 said 4.2.2.", Some("4.2.2")),
            ("Exim 4.80", None),
            ("sendmail 8.12.8", None),
            ("5.1", None),
        ] {
            assert_eq!(enhanced_code(text).as_deref(), expected, "{text}");
        }
        let some = |code: &str| Some(code.to_owned());
        assert_eq!(more_precise(some("5.0.0"), some("5.1.1")), some("5.1.1"));
        assert_eq!(more_precise(some("4.0.0"), some("5.1.1")), some("4.0.0"));
        assert_eq!(more_precise(None, some("5.1.1")), some("5.1.1"));
    }
}
