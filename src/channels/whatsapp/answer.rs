//! Reads the answer of the Cloud API to a call that sends or marks a message.

use serde_json::Value;

use super::errors::{self, Action, ApiError};
use super::json;

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken. Whether it arrives is told later, by webhook.
    Accepted(Receipt),
    /// Not taken, or not known to be.
    Refused {
        /// What the API says.
        error: ApiError,
        /// What to do.
        action: Action,
    },
}

/// What the API says of a message that it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The id under which its states come. `None` for calls that send no message.
    pub id: Option<String>,
    /// The number as WhatsApp knows it; in Brazil it may differ from the one we wrote to by a digit.
    pub wa_id: Option<String>,
    /// The user id, where it was sent to one.
    pub user_id: Option<String>,
    /// `accepted`, or why WhatsApp keeps it back for now.
    pub state: Option<String>,
}

/// Reads an answer from its status and its body.
pub fn read(http_status: u16, body: &[u8]) -> Answer {
    let root = json::parse(body).unwrap_or(Value::Null);
    let error = root.get("error").filter(|error| error.is_object());
    if error.is_some() || !(200..300).contains(&http_status) {
        let error = error.map(errors::read).unwrap_or_default();
        let action = errors::action(error.code, Some(http_status));
        return Answer::Refused { error, action };
    }
    let first = |list| json::items(&root, list).first().unwrap_or(&Value::Null);
    let (message, contact) = (first("messages"), first("contacts"));
    Answer::Accepted(Receipt {
        id: json::word(message, "id"),
        wa_id: json::word(contact, "wa_id"),
        user_id: json::word(contact, "user_id"),
        state: json::word(message, "message_status"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn answers_are_taken_by_their_code_and_only_then_by_their_status() {
        let refused = |status: u16, body: &str| match read(status, body.as_bytes()) {
            Answer::Refused { error, action } => (error.code, action),
            Answer::Accepted(receipt) => panic!("{receipt:?}"),
        };
        let late = r#"{"error":{"message":"(#131047) Re-engagement message","type":"OAuthException","code":131047,"error_data":{"messaging_product":"whatsapp","details":"More than 24 hours"},"fbtrace_id":"A"}}"#;
        let token = r#"{"error":{"message":"expired","type":"OAuthException","code":"190","error_subcode":463}}"#;
        for (status, body, code, action) in [
            (400, late, Some(131_047), Action::Reengage),
            (200, late, Some(131_047), Action::Reengage),
            (401, token, Some(190), Action::Reconnect),
            (502, "<html>bad gateway</html>", None, Action::Unsure),
            (500, "", None, Action::Unsure),
            (400, r#"{"error":"text"}"#, None, Action::ToHuman),
        ] {
            assert_eq!(refused(status, body), (code, action), "{status} {body}");
        }
        let Answer::Refused { error, .. } = read(400, late.as_bytes()) else { panic!() };
        assert_eq!(error.details.as_deref(), Some("More than 24 hours"));
    }

    #[test]
    fn a_success_without_a_readable_body_is_still_a_success() {
        for body in ["", "{}", "[]", "{\"messages\":null}", "ok", "{\"success\":true}"] {
            assert_eq!(read(200, body.as_bytes()), Answer::Accepted(Receipt::default()), "{body}");
        }
    }

    #[test]
    fn published_answers_are_all_successes() {
        let files = samples::read("outbound_responses");
        for (name, body) in &files {
            let Answer::Accepted(receipt) = read(200, body) else {
                panic!("{name} is taken for a refusal");
            };
            let marks_only = name.contains("typing_indicator");
            assert_eq!(receipt.id.is_none(), marks_only, "{name}");
            assert_eq!(receipt.wa_id.is_none(), marks_only, "{name}");
        }
        assert!(files.is_empty() || files.len() >= 44, "only {} files", files.len());
    }
}
