//! How far the sender's address can be believed, by what the receiving server found
//! (`Authentication-Results`, RFC 8601).

use super::Own;
use crate::channels::email::parse::{self, Mail};

/// Most fields of results that are read.
const MAX_FIELDS: usize = 10;

/// What the checks of the receiving server say of the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// The sender's domain vouches for the mail.
    None,
    /// Nothing was checked, or nothing that speaks for this sender.
    Unverified,
    /// The mail is very likely not from whom it says.
    Failed,
}

impl Suspicion {
    /// Returns the word for it in answers and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unverified => "unverified",
            Self::Failed => "failed",
        }
    }
}

/// Reads what the trusted servers found. A mail with two senders is made to be shown as one and checked as another
/// (RFC 7489 §6.6.1).
///
/// Without a named server nobody's word counts for a sender, because anybody can write the field; what speaks against one
/// counts even so, as nobody writes that of himself.
pub(super) fn suspicion(mail: &Mail, own: &Own) -> Suspicion {
    if mail.headers.all("from").count() > 1 || has_two_domains(mail) {
        return Suspicion::Failed;
    }
    let mut verdict = Suspicion::Unverified;
    for field in mail.headers.all("authentication-results").take(MAX_FIELDS) {
        let field = without_comments(field);
        let (server, results) = field.split_once(';').unwrap_or((field.as_str(), ""));
        let server = server.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let trusted = own.authserv_ids.iter().any(|id| id.eq_ignore_ascii_case(&server));
        if !own.authserv_ids.is_empty() && !trusted {
            continue;
        }
        match found(results, mail.from.domain()) {
            Suspicion::Failed => return Suspicion::Failed,
            Suspicion::None if trusted => verdict = Suspicion::None,
            Suspicion::None | Suspicion::Unverified => {}
        }
        if own.authserv_ids.is_empty() {
            break;
        }
    }
    // What the sender may know is no business of another address that answers are asked to.
    let answered = super::reply_address(mail);
    if verdict == Suspicion::None && !aligned(answered.domain(), mail.from.domain()) {
        return Suspicion::Unverified;
    }
    verdict
}

fn has_two_domains(mail: &Mail) -> bool {
    let senders = parse::addresses(&mail.headers, "from");
    let mut domains = senders.iter().filter(|one| one.is_usable()).map(parse::Address::domain);
    let first = domains.next();
    domains.any(|domain| Some(domain) != first)
}

fn found(results: &str, from: &str) -> Suspicion {
    let mut vouched = false;
    let mut spf_failed = false;
    for result in results.split(';') {
        let mut words = result.split_whitespace();
        let Some((method, value)) = words.next().and_then(|word| word.split_once('=')) else {
            continue;
        };
        let method = method.split('/').next().unwrap_or_default().to_ascii_lowercase();
        let value = value.to_ascii_lowercase();
        let property = |names: &[&str]| {
            let mut pairs = result.split_whitespace().filter_map(|word| word.split_once('='));
            pairs.find(|(name, _)| names.contains(&name.to_ascii_lowercase().as_str()))
        };
        let checked = |names: &[&str]| property(names).map(|(_, value)| aligned(value, from));
        match (method.as_str(), value.as_str()) {
            // DMARC speaks of the address that people see; the others of what carried the mail.
            ("dmarc", "fail" | "permerror") | ("compauth", "fail") => return Suspicion::Failed,
            // Of the address that the server saw, which need not be the one that is read here.
            ("dmarc", "pass" | "bestguesspass") => {
                vouched |= checked(&["header.from"]).unwrap_or(true);
            }
            ("dkim", "pass") => {
                vouched |= checked(&["header.d", "header.i"]).unwrap_or(false);
            }
            ("spf", "pass") => {
                vouched |= checked(&["smtp.mailfrom", "smtp.from", "smtp.mail"]).unwrap_or(false);
            }
            ("spf", "fail") => spf_failed = true,
            _ => {}
        }
    }
    match (vouched, spf_failed) {
        (true, _) => Suspicion::None,
        (false, true) => Suspicion::Failed,
        (false, false) => Suspicion::Unverified,
    }
}

/// True if a checked domain is the sender's or stands above or below it (RFC 7489 §3.1, relaxed).
fn aligned(checked: &str, from: &str) -> bool {
    let checked = checked.trim_matches('"').rsplit('@').next().unwrap_or_default();
    let checked = checked.trim_end_matches('.').to_ascii_lowercase();
    let below = |inner: &str, outer: &str| {
        inner.strip_suffix(outer).is_some_and(|rest| rest.ends_with('.'))
    };
    // One label is no domain anybody can sign for.
    checked.contains('.')
        && !from.is_empty()
        && (checked == from || below(from, &checked) || below(&checked, from))
}

fn without_comments(field: &str) -> String {
    let mut depth = 0usize;
    let kept = field.chars().filter(|c| match c {
        '(' => {
            depth += 1;
            false
        }
        ')' => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_the_receiving_server_are_weighed() {
        use Suspicion::{Failed, None, Unverified};
        let own = Own { authserv_ids: vec!["mx.us".into()], ..Own::default() };
        for (fields, expected) in [
            ("", Unverified),
            ("mx.us; dmarc=pass header.from=x.com", None),
            ("mx.us; dmarc=fail (p=NONE) header.from=x.com", Failed),
            ("mx.us; spf=pass smtp.mailfrom=bounce.x.com", None),
            ("mx.us; spf=pass smtp.mailfrom=a@evil.com", Unverified),
            ("mx.us; spf=fail smtp.mailfrom=a@x.com", Failed),
            ("mx.us; spf=fail smtp.mailfrom=a@x.com; dkim=pass header.d=x.com", None),
            ("mx.us; spf=softfail smtp.mailfrom=a@x.com", Unverified),
            ("mx.us; dkim=pass header.i=@x.com", None),
            ("mx.us; dkim=pass header.i=@notx.com", Unverified),
            ("mx.us; dkim=pass header.d=com", Unverified),
            ("mx.us; none", Unverified),
            ("mx.us; spf=pass (dmarc=fail) smtp.mailfrom=x.com", None),
            ("mx.us; none\nAuthentication-Results: evil; dmarc=pass", Unverified),
            ("mx.us; dmarc=pass header.from=evil.com", Unverified),
            ("evil; dmarc=pass", Unverified),
            ("evil; dmarc=fail", Unverified),
            ("mx.us; dmarc=pass\nReply-To: Ana <ana@gmail.com>", Unverified),
            ("mx.us; dmarc=pass\nReply-To: Ana <ana@mail.x.com>", None),
        ] {
            let field = if fields.is_empty() {
                String::new()
            } else {
                format!("Authentication-Results: {fields}\n")
            };
            let mail = parse::read(format!("{field}From: Ana <a@x.com>\n\noi").as_bytes()).unwrap();
            assert_eq!(suspicion(&mail, &own), expected, "{fields}");
        }
        let raw = "Authentication-Results: evil; dmarc=pass\nAuthentication-Results: mx.us 1; dmarc=fail\nFrom: a@x.com\n\noi";
        assert_eq!(suspicion(&parse::read(raw.as_bytes()).unwrap(), &own), Failed);
        for (raw, expected) in [
            ("From: a@x.com\nFrom: b@y.com", Failed),
            ("From: a@x.com, b@y.com", Failed),
            ("From: a@x.com, b@x.com", Unverified),
            // Without the name of the server that took the mail, only what speaks against a sender counts.
            ("Authentication-Results: any; dmarc=pass\nFrom: a@x.com", Unverified),
            ("Authentication-Results: any; dmarc=fail\nFrom: a@x.com", Failed),
            (
                "Authentication-Results: any; none\nAuthentication-Results: b; dmarc=fail\nFrom: a@x.com",
                Unverified,
            ),
        ] {
            let mail = parse::read(format!("{raw}\n\noi").as_bytes()).unwrap();
            assert_eq!(suspicion(&mail, &Own::default()), expected, "{raw}");
        }
    }
}
