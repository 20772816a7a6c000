//! Who a person is: keys that find one contact again, whichever id a message carries.
//!
//! A number is matched in both of its Brazilian forms and never repaired: replies go to the id as it came.

use super::payload::Sender;
use crate::domain::phone;

/// Digits of an E.164 number, without its plus.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Returns the keys of a person in the order in which they are looked up: user id, user id of the parent
/// portfolio, number.
///
/// User names are no keys: people change them, and others take them over.
pub fn sender_keys(sender: &Sender) -> Vec<String> {
    let users = [&sender.user_id, &sender.parent_user_id];
    let mut keys: Vec<String> = users.into_iter().flatten().map(|id| user_key(id)).collect();
    match (&sender.phone, &sender.wa_id) {
        (Some(phone), _) => keys.push(phone_key(phone)),
        (None, Some(other)) => keys.push(format!("wa:{other}")),
        (None, None) => {}
    }
    keys.dedup();
    keys
}

/// Returns the key of a business-scoped user id.
pub fn user_key(id: &str) -> String {
    format!("user:{id}")
}

/// Returns the key of a number in E.164; both forms of a Brazilian mobile have the same.
pub fn phone_key(e164: &str) -> String {
    format!("phone:{}", phone::key(e164).as_deref().unwrap_or(e164))
}

/// Returns E.164 with its plus for a `wa_id` or a number as people write it; `None` if it is no number.
///
/// No country code is put in front: WhatsApp's numbers always carry theirs.
pub fn e164(written: &str) -> Option<String> {
    let mut digits = String::with_capacity(16);
    for (at, letter) in written.trim().chars().enumerate() {
        match letter {
            '0'..='9' => digits.push(letter),
            '+' if at == 0 => {}
            ' ' | '-' | '(' | ')' | '.' | '\u{a0}' => {}
            _ => return None,
        }
    }
    (DIGITS.contains(&digits.len()) && !digits.starts_with('0')).then(|| format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (written, expected) in [
            ("16505551234", Some("+16505551234")),
            ("+1 (983) 555-2319", Some("+19835552319")),
            (" 5511987654321 ", Some("+5511987654321")),
            ("+55\u{a0}11 98765.4321", Some("+5511987654321")),
            ("123456", None),
            ("1234567890123456", None),
            ("011987654321", None),
            ("BR.150257", None),
            ("16505551234@s.whatsapp.net", None),
            ("1650+5551234", None),
            ("", None),
        ] {
            assert_eq!(e164(written).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn keys_come_in_the_order_of_resolution() {
        let of = |user: Option<&str>, parent: Option<&str>, wa: Option<&str>| {
            let mut sender = Sender {
                user_id: user.map(str::to_owned),
                parent_user_id: parent.map(str::to_owned),
                ..Sender::default()
            };
            sender.set_wa_id(wa.map(str::to_owned));
            sender_keys(&sender)
        };
        let table: &[(Vec<String>, &[&str])] = &[
            (
                of(Some("BR.1"), Some("BR.ENT.2"), Some("551187654321")),
                &["user:BR.1", "user:BR.ENT.2", "phone:551187654321"],
            ),
            (of(Some("BR.1"), None, None), &["user:BR.1"]),
            (of(None, None, Some("16505551234")), &["phone:16505551234"]),
            (of(None, None, Some("not-a-number")), &["wa:not-a-number"]),
            (of(None, None, None), &[]),
        ];
        for (keys, expected) in table {
            assert_eq!(keys, expected);
        }
    }
}
