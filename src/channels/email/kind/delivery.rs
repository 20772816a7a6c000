//! Delivery status notifications as the standard has them (RFC 3464 in RFC 6522, RFC 6533).

use super::bounce::{self, Action, Report};
use crate::channels::email::parse::{self, Headers, Mail};

/// Most recipients that are read of one report.
const MAX_RECIPIENTS: usize = 100;

/// Reads a report; `None` if the mail is none.
pub(super) fn read(mail: &Mail) -> Option<Report> {
    if mail.report.delivery.is_empty() && mail.report_type.as_deref() != Some("delivery-status") {
        return None;
    }
    let mut recipients: Vec<Recipient> = Vec::new();
    for text in &mail.report.delivery {
        let mut group = String::new();
        for line in text.lines().chain([""]) {
            if !line.trim().is_empty() {
                group.push_str(line);
                group.push('\n');
                continue;
            }
            recipients.extend(recipient(&parse::fields_of(&group)));
            group.clear();
        }
    }
    recipients.truncate(MAX_RECIPIENTS);
    let worst = recipients.iter().max_by_key(|one| one.action.gravity());
    // A report without its machine part, or without a recipient in it, says more in its words.
    let Some(worst) = worst else {
        return Some(bounce::from_words(mail));
    };
    let words = || bounce::from_words(mail);
    let status = worst.status.clone().or_else(|| words().status);
    let mut named: Vec<String> = Vec::new();
    for address in recipients.iter().filter_map(|one| one.address.clone()) {
        if !named.contains(&address) {
            named.push(address);
        }
    }
    if named.is_empty() {
        named = words().recipients;
    }
    Some(Report {
        recipients: named,
        permanent: bounce::is_permanent(worst.action, status.as_deref()),
        status,
        action: worst.action,
        diagnostic: worst.diagnostic.clone(),
        original_message_id: bounce::original_id(mail),
    })
}

struct Recipient {
    address: Option<String>,
    action: Action,
    status: Option<String>,
    diagnostic: Option<String>,
}

/// Reads the fields of one recipient (RFC 3464 §2.3); the first group of a report has none.
fn recipient(fields: &Headers) -> Option<Recipient> {
    let named = ["final-recipient", "original-recipient", "x-actual-recipient"];
    let address = named.iter().find_map(|name| fields.get(name).and_then(address_of));
    let action = fields.get("action").map(Action::parse);
    if address.is_none() && action.is_none() {
        return None;
    }
    let diagnostic = fields.get("diagnostic-code").map(|value| {
        let text = value.split_once(';').map_or(value, |(_, text)| text);
        bounce::short(text)
    });
    let stated = fields.get("status").and_then(bounce::enhanced_code);
    let explained = diagnostic.as_deref().and_then(bounce::enhanced_code);
    Some(Recipient {
        address,
        action: action.unwrap_or(Action::Failed),
        status: bounce::more_precise(stated, explained),
        diagnostic,
    })
}

/// Returns the address behind `rfc822;` (RFC 3464 §2.3.2), which some leave out or put in brackets.
fn address_of(value: &str) -> Option<String> {
    let value = value.split_once(';').map_or(value, |(_, address)| address);
    let value = match value.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
        Some((inside, _)) => inside,
        None => value.split_whitespace().next()?,
    };
    let address = value.trim().trim_matches(['<', '>', '"', ',']).to_lowercase();
    (address.contains('@') && address.len() <= 320).then_some(address)
}
