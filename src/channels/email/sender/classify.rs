//! What follows from an answer of a server: one pure function of where it came, its code and its enhanced status.
//!
//! The words of an answer are never looked at: they differ between servers and often repeat an address. Where a bare code
//! may mean two things, the one that harms less is taken: a contact is marked only by a status that says that the address
//! is bad (RFC 3463 §3.2), never by a plain 550, which some servers also answer to whoever may not send at all.

use std::fmt;

/// How far a conversation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Finding the server, connecting and TLS from the first byte.
    Connect,
    /// Greeting and EHLO.
    Hello,
    /// Turning to TLS.
    StartTls,
    /// AUTH.
    Login,
    /// MAIL FROM.
    From,
    /// RCPT TO.
    To,
    /// DATA, before any of the mail.
    Data,
    /// The mail, before its final dot: what breaks here was not delivered.
    Content,
    /// After the final dot: what breaks here may have been delivered.
    Answer,
}

/// An enhanced status code (RFC 3463): class, subject, detail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u16, pub u16, pub u16);

impl Status {
    /// Finds the status of an answer: at its beginning (RFC 2034 §4), else as qmail writes it at the end, `(#5.7.1)`.
    pub fn find(text: &str) -> Option<Self> {
        let behind_sign = text.rfind('#').and_then(|at| text.get(at + 1..));
        Self::at_start(text).or_else(|| behind_sign.and_then(Self::at_start))
    }

    fn at_start(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let mut parts = text.get(..end)?.trim_end_matches('.').split('.');
        let mut next = || parts.next().filter(|part| part.len() <= 3)?.parse().ok();
        let status = Self(next()?, next()?, next()?);
        (parts.next().is_none() && matches!(status.0, 2 | 4 | 5)).then_some(status)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Not now; soon again.
    Busy,
    /// Not now, because it does not know us yet.
    Greylisted,
    /// We send too fast; nothing of this account leaves for a while.
    TooFast,
    /// The account's number of mails for the day is used up.
    DailyLimit,
    /// The recipient's mailbox is full, for now.
    FullForNow,
    /// There is no such address.
    NoSuchAddress,
    /// The recipient's mailbox is full.
    Full,
    /// The recipient was refused, without a reason that says that the address is bad.
    Recipient,
    /// The mail is larger than allowed.
    TooLarge,
    /// The content was refused.
    Content,
    /// User or password are wrong.
    Login,
    /// The provider wants a password of its own for programs.
    AppPassword,
    /// The provider takes no passwords.
    NoPasswords,
    /// Only after a login.
    LoginWanted,
    /// Only after TLS.
    TlsWanted,
    /// We may not send as this address.
    Sender,
    /// SPF, DKIM or DMARC of our domain do not hold.
    Unproven,
    /// This mail was taken for spam, or forbidden by a rule.
    Verdict,
    /// Policy: relaying, a block list, a suspended account.
    Policy,
    /// The server wants nothing to do with us.
    TurnedAway,
    /// An answer that fits no question of ours.
    Odd,
}

/// Judges an answer that was no yes. Codes below 400 are answers that fit no question.
pub fn classify(phase: Phase, code: u16, status: Option<Status>) -> Refusal {
    // A class that contradicts the code says nothing (RFC 2034 §4).
    let status = status.filter(|status| u16::from(status.0 == 5) == u16::from(code >= 500));
    let detail = status.map(|status| (status.1, status.2));
    match code {
        0..400 => Refusal::Odd,
        400..500 => for_now(phase, code, detail),
        _ => for_good(phase, code, detail),
    }
}

/// What a mail to the submission server of one's own hears again and again, wherever it comes.
fn anywhere(code: u16, detail: Option<(u16, u16)>) -> Option<Refusal> {
    Some(match (code, detail) {
        // Microsoft: "550 5.7.30 Basic authentication is not supported for Client Submission"; 535 5.7.139 says the same
        // of a tenant or mailbox.
        (_, Some((7, 30 | 139))) => Refusal::NoPasswords,
        // Gmail: 534 5.7.9 and 535 5.7.8 with two-step verification on.
        (534, Some((7, 9))) => Refusal::AppPassword,
        // RFC 3207 §4 and RFC 4954 §6: "530 5.7.0 Must issue a STARTTLS command first" and "Authentication required" have
        // one code; the first is seen before TLS only, and then a login is wanted too.
        (530, _) => Refusal::LoginWanted,
        (538, _) | (_, Some((7, 10 | 11))) => Refusal::TlsWanted,
        _ => return None,
    })
}

#[expect(clippy::match_same_arms, reason = "the order is the rule, and each arm has its source")]
fn for_now(phase: Phase, code: u16, detail: Option<(u16, u16)>) -> Refusal {
    match (phase, code, detail) {
        // RFC 4954 §6: "432 4.7.12 A password transition is needed"; only a person can do that.
        (Phase::Login, 432, _) => Refusal::Login,
        // Gmail: "454 4.7.0 Too many login attempts"; RFC 4954 has it for any passing failure.
        (Phase::Login, 454, Some((7, 0))) => Refusal::TooFast,
        // Gmail: "421 4.7.26 ... rate limited because it is unauthenticated", and its neighbours.
        (_, _, Some((7, 26 | 27 | 29..=33))) => Refusal::Unproven,
        // Gmail: "421 4.7.0 Try again later"; 4.7.28 unusual rate. Microsoft: "432 4.3.2 concurrent connections".
        (_, 421, Some((7, _))) | (_, 432, Some((3, 2))) => Refusal::TooFast,
        (_, _, Some((7, 28))) => Refusal::TooFast,
        // Gmail, Microsoft: "452 4.2.2 over quota"; RFC 3463 §3.3.
        (_, _, Some((2, 2))) => Refusal::FullForNow,
        // Gmail: "452 4.5.3 ... has reached a limit"; RFC 5321 has 452 for too many recipients, of which we have one.
        (_, 452, Some((5, 3))) => Refusal::TooFast,
        // RFC 6647 §4: greylisting is a 450 or 451, with 4.7.1 where a status is given; RFC 5321 has 450 for a mailbox
        // that is busy, and both want some minutes.
        (Phase::To | Phase::Data | Phase::Answer, 450 | 451, None | Some((7, _))) => {
            Refusal::Greylisted
        }
        _ => Refusal::Busy,
    }
}

#[expect(clippy::match_same_arms, reason = "the order is the rule, and each arm has its source")]
fn for_good(phase: Phase, code: u16, detail: Option<(u16, u16)>) -> Refusal {
    if let Some(refusal) = anywhere(code, detail) {
        return refusal;
    }
    match (phase, code, detail) {
        (Phase::Login, ..) => Refusal::Login,
        // RFC 5321 §3.1: 554 in place of a greeting; RFC 7504: 521 says that no mail is taken at all.
        (Phase::Connect | Phase::Hello, ..) => Refusal::TurnedAway,
        (Phase::StartTls, ..) => Refusal::TlsWanted,
        // Gmail: "550 5.4.5 Daily user sending limit exceeded" (RFC 3463 has X.4.5 for congestion). Microsoft: "550 5.1.90 ...
        // daily limit for message recipients".
        (_, _, Some((4, 5) | (1, 90))) => Refusal::DailyLimit,
        // RFC 3463 §3.2: 7 is the sender's syntax, 8 the sender's system. Microsoft: "554 5.2.252 SendAsDenied", after the
        // mail, and "550 5.7.60 Client does not have permissions to send as this sender".
        (_, _, Some((1, 7 | 8) | (2, 252) | (7, 60))) => Refusal::Sender,
        // Size: RFC 1870 §6 and RFC 3463 X.2.3, X.3.4.
        (_, _, Some((2, 3) | (3, 4))) => Refusal::TooLarge,
        // Gmail: "550 5.7.26 ... unauthenticated"; 5.7.20 to 5.7.25 are RFC 7372's words for DKIM, SPF and PTR; Microsoft:
        // "550 5.7.509 ... does not pass DMARC", "550 5.7.515 ... required authentication level".
        (_, _, Some((7, 20..=27 | 29..=33 | 509 | 515))) => Refusal::Unproven,
        (_, _, Some((7, 28))) => Refusal::TooFast,
        (_, _, Some((2, 2))) => Refusal::Full,
        // Gmail: "552 5.7.0 This message was blocked because its content presents a potential security issue".
        (Phase::Answer, 552, Some((7, 0))) | (_, _, Some((6, _))) => Refusal::Content,
        // Gmail: "550 5.7.1 ... likely unsolicited mail", Exchange: "550 5.7.1 ... content restrictions", "TRANSPORT.RULES.RejectMessage":
        // after the whole mail it is a judgement on this one, and waiting changes none of its words.
        (Phase::Content | Phase::Answer, _, Some((7, 0 | 1))) => Refusal::Verdict,
        (_, _, Some((7, _))) => Refusal::Policy,
        // Bad syntax or order of commands: our own submission server speaks another dialect or wants a login first.
        (Phase::From | Phase::To | Phase::Data, 500..=504, None | Some((5, _))) => Refusal::Odd,
        // The address that is refused here is our own.
        (Phase::From, 552, None) => Refusal::TooLarge,
        (Phase::From, ..) => Refusal::Sender,
        // RFC 3463 §3.2: no such mailbox, no such domain, bad syntax, moved; RFC 7505 §4: null MX. Not 5.1.0, 5.1.4 and 5.1.5,
        // which say less; not 5.2.1, which Gmail also says of mailboxes that get too much; not 5.4.1 and 5.4.4, which servers
        // also say of a host that does not answer them.
        (Phase::To | Phase::Answer, _, Some((1, 1..=3 | 6 | 10))) => Refusal::NoSuchAddress,
        // RFC 7504 §3: the domain takes no mail.
        (Phase::To, 556, _) => Refusal::NoSuchAddress,
        (Phase::To, 552, None) => Refusal::Full,
        (Phase::To | Phase::Data, ..) => Refusal::Recipient,
        (Phase::Content | Phase::Answer, 552, None) => Refusal::TooLarge,
        (Phase::Content | Phase::Answer, ..) => Refusal::Content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_servers_are_told_apart() {
        use Phase::{Answer, Data, From, Hello, Login, StartTls, To};
        use Refusal as R;
        for (phase, answer, expected) in [
            // RFC 5321 §4.2.2 and §4.2.3.
            (Hello, "421 loja.example closing", R::Busy),
            (Hello, "554 no service", R::TurnedAway),
            (Hello, "521 no mail here", R::TurnedAway),
            (StartTls, "454 4.7.0 TLS not available", R::Busy),
            (StartTls, "502 5.5.1 not implemented", R::TlsWanted),
            (From, "451 4.3.0 local error", R::Busy),
            (From, "452 4.3.1 insufficient storage", R::Busy),
            (From, "552 5.3.4 message size exceeds limit", R::TooLarge),
            (From, "552 size", R::TooLarge),
            (From, "501 5.1.7 bad sender syntax", R::Sender),
            (From, "553 5.7.1 not owned by user", R::Policy),
            (From, "550 no", R::Sender),
            (From, "503 5.5.1 login first", R::Odd),
            (To, "450 mailbox busy", R::Greylisted),
            // RFC 6647.
            (To, "450 4.7.1 greylisted", R::Greylisted),
            (To, "451 4.7.1 greylisted", R::Greylisted),
            (To, "451 4.3.0 local error", R::Busy),
            (To, "452 4.2.2 over quota", R::FullForNow),
            (To, "550 5.1.1 no such user", R::NoSuchAddress),
            (To, "550 5.1.2 no such domain", R::NoSuchAddress),
            (To, "556 5.1.10 null MX", R::NoSuchAddress),
            (To, "556 domain takes no mail", R::NoSuchAddress),
            (To, "550 5.1.10 RESOLVER.ADR.RecipientNotFound", R::NoSuchAddress),
            (To, "551 5.1.6 moved", R::NoSuchAddress),
            (To, "550 5.1.0 address rejected", R::Recipient),
            (To, "550 5.4.1 Recipient address rejected: Access denied", R::Recipient),
            (To, "550 5.2.1 disabled", R::Recipient),
            (To, "552 5.2.2 full", R::Full),
            (To, "550 5.1.8 sender's domain", R::Sender),
            (To, "550 relay not permitted", R::Recipient),
            (To, "554 5.7.1 Relay access denied", R::Policy),
            (To, "550 5.7.1 Unable to relay", R::Policy),
            (To, "553 sorry, not in my list of rcpthosts (#5.7.1)", R::Policy),
            (To, "503 5.5.1 need MAIL", R::Odd),
            (Data, "554 5.5.1 no valid recipients", R::Recipient),
            (Answer, "421 4.3.0 later", R::Busy),
            (Answer, "451 4.7.1 later", R::Greylisted),
            (Answer, "552 too big", R::TooLarge),
            (Answer, "554 5.6.0 malformed", R::Content),
            (Answer, "554 transaction failed", R::Content),
            (Answer, "550 5.1.1 no such user", R::NoSuchAddress),
            // RFC 4954 §6.
            (Login, "535 5.7.8 bad credentials", R::Login),
            (Login, "454 temporary", R::Busy),
            (Login, "432 4.7.12 password transition", R::Login),
            (Login, "534 5.7.9 mechanism too weak", R::AppPassword),
            (Login, "538 5.7.11 encryption required", R::TlsWanted),
            (From, "530 5.7.0 authentication required", R::LoginWanted),
            // Microsoft.
            (Login, "535 5.7.3 unsuccessful", R::Login),
            (Login, "535 5.7.139 SmtpClientAuthentication is disabled", R::NoPasswords),
            (From, "530 5.7.57 not authenticated", R::LoginWanted),
            (Answer, "550 5.7.30 Basic authentication is not supported", R::NoPasswords),
            (Hello, "432 4.3.2 concurrent connections limit", R::TooFast),
            (Answer, "550 5.7.515 access denied", R::Unproven),
            (Answer, "550 5.7.60 no right to send as", R::Sender),
            (Answer, "554 5.2.252 SendAsDenied", R::Sender),
            (Answer, "550 5.7.509 does not pass DMARC", R::Unproven),
            (To, "550 5.1.90 daily limit", R::DailyLimit),
            (Answer, "550 5.7.501 spam abuse detected", R::Policy),
            // Gmail.
            (Hello, "421 4.7.0 Try again later", R::TooFast),
            (Login, "454 4.7.0 too many login attempts", R::TooFast),
            (Answer, "421 4.7.28 unusual rate", R::TooFast),
            (Answer, "421 4.7.26 rate limited as unauthenticated", R::Unproven),
            (Answer, "550 5.7.26 unauthenticated", R::Unproven),
            (Answer, "550 5.7.1 likely unsolicited", R::Verdict),
            (Answer, "554 5.7.1 blocked by a rule", R::Verdict),
            (Answer, "550 5.7.0 rejected", R::Verdict),
            (From, "550 5.7.1 not allowed to relay", R::Policy),
            (Answer, "552 5.7.0 content presents a security issue", R::Content),
            (To, "550 5.4.5 Daily user sending limit exceeded", R::DailyLimit),
            // What contradicts itself, and what fits no question.
            (To, "550 4.1.1 both", R::Recipient),
            (Data, "250 2.0.0 ok", R::Odd),
            (To, "600 no such class", R::Recipient),
        ] {
            let (code, words) = answer.split_once(' ').unwrap();
            let found = classify(phase, code.parse().unwrap(), Status::find(words));
            assert_eq!(found, expected, "{phase:?} {answer}");
        }
    }

    #[test]
    fn only_a_status_that_says_so_marks_an_address() {
        for code in [500, 501, 521, 550, 551, 553, 554] {
            for phase in [Phase::From, Phase::To, Phase::Data, Phase::Answer] {
                assert_ne!(classify(phase, code, None), Refusal::NoSuchAddress, "{phase:?} {code}");
            }
        }
    }

    #[test]
    fn a_status_is_found_where_servers_write_it() {
        for (text, expected) in [
            ("5.7.26 This mail", Some(Status(5, 7, 26))),
            ("5.7.26", Some(Status(5, 7, 26))),
            ("sorry (#5.1.1)", Some(Status(5, 1, 1))),
            ("4.7.1: greylisted", Some(Status(4, 7, 1))),
            ("10.0.0.1 is blocked", None),
            ("5.1.1.1 is an address", None),
            ("3.1.1", None),
            ("5.1", None),
            ("5.1.9999 x", None),
            ("", None),
            ("#", None),
        ] {
            assert_eq!(Status::find(text), expected, "{text}");
        }
    }
}
