//! E-mail addresses, and the chat addresses that look like them.

use super::claims::{Claim, Claims};
use super::kind::Kind;

/// Longest local part and longest domain that are looked at, in bytes (RFC 5321 allows 64 and 255;
/// people paste worse).
const MAX_PART: usize = 256;

/// Providers that people write without their ending.
const BARE_PROVIDERS: [&str; 9] =
    ["gmail", "hotmail", "outlook", "yahoo", "icloud", "uol", "bol", "terra", "live"];

/// Domains under which WhatsApp writes a phone number as an address.
const PHONE_DOMAINS: [&str; 3] = ["s.whatsapp.net", "c.us", "lid"];

/// Claims every address of the text.
pub(super) fn find(text: &str, claims: &mut Claims) {
    let mut done = 0;
    for (at, _) in text.match_indices('@') {
        if at < done {
            continue;
        }
        let floor = claims.before(at).map_or(done, |claim| claim.end.max(done));
        let start = local_start(text, floor, at);
        let limit = claims.limit(at).min(text.len());
        let Some(domain) = text.get(at + 1..limit).map(domain_of) else { continue };
        let local = text.get(start..at).unwrap_or_default();
        if local.is_empty() || domain.is_empty() {
            continue;
        }
        let end = at + 1 + domain.len();
        let digits = local.bytes().all(|b| b.is_ascii_digit());
        let kind = if digits && PHONE_DOMAINS.iter().any(|known| domain.eq_ignore_ascii_case(known))
        {
            Kind::Phone
        } else {
            Kind::Email
        };
        claims.add(Claim { start, end, kind, kept: false });
        done = end;
    }
}

fn local_start(text: &str, floor: usize, at: usize) -> usize {
    let mut start = at;
    for (index, c) in text.get(floor..at).unwrap_or_default().char_indices().rev() {
        let fits = c.is_alphanumeric() || "._%+-'&=~#!$*/?^`{|}".contains(c);
        if !fits || at - (floor + index) > MAX_PART {
            break;
        }
        start = floor + index;
    }
    // What surrounds an address in a sentence is not part of it.
    let local = text.get(start..at).unwrap_or_default();
    let kept = local.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_' && c != '+');
    // `contato=ana@…` and `/ana@…` come from links: the address is the last part.
    let tail = kept
        .rfind(['=', '/', '?', '&', '|'])
        .map_or(kept, |cut| kept.get(cut + 1..).unwrap_or_default());
    at - tail.len()
}

/// Returns the part of the text that is a domain, empty when there is none.
fn domain_of(rest: &str) -> &str {
    let length = rest
        .char_indices()
        .take_while(|(at, c)| *at < MAX_PART && (c.is_alphanumeric() || matches!(c, '.' | '-')))
        .last()
        .map_or(0, |(at, c)| at + c.len_utf8());
    let mut domain = rest.get(..length).unwrap_or_default().trim_end_matches(['.', '-']);
    // "example.com...": an empty label ends it.
    if let Some(cut) = domain.find("..") {
        domain = domain.get(..cut).unwrap_or_default();
    }
    // "example.com.11987654321": what follows a full stop without a space is the next sentence.
    while let Some((head, ending)) = domain.rsplit_once('.')
        && !is_ending(ending)
    {
        domain = head;
    }
    if let Some(dot) = domain.rfind('.')
        && let Some(hyphen) = domain.get(dot..).and_then(|ending| ending.find('-'))
    {
        domain = domain.get(..dot + hyphen).unwrap_or_default();
    }
    if is_domain(domain) { domain } else { "" }
}

fn is_domain(domain: &str) -> bool {
    if BARE_PROVIDERS.iter().any(|known| domain.eq_ignore_ascii_case(known))
        || domain.eq_ignore_ascii_case("lid")
    {
        return true;
    }
    let labels = domain.split('.').all(|label| !label.is_empty());
    let ending = domain.rsplit('.').next().unwrap_or_default();
    labels && domain.contains('.') && is_ending(ending)
}

/// True for a label that names no machine by number; of "com-obrigado" the first part counts.
fn is_ending(label: &str) -> bool {
    let name = label.split('-').next().unwrap_or_default();
    name.chars().all(char::is_alphabetic) && name.chars().count() >= 2
}
