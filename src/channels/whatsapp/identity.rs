//! Who a person is: keys that find one contact again, whichever id a message carries.
//!
//! A number is matched in both of its Brazilian forms and never repaired: replies go to the id as it came.

use super::payload::Sender;

/// Digits of an E.164 number, without its plus.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Returns the keys of a person in the order in which they are looked up: user id, user id of the parent
/// portfolio, number as it came, the same number with or without Brazil's ninth digit.
///
/// User names are no keys: people change them, and others take them over.
pub fn sender_keys(sender: &Sender) -> Vec<String> {
    let users = [&sender.user_id, &sender.parent_user_id];
    let mut keys: Vec<String> = users.into_iter().flatten().map(|id| user_key(id)).collect();
    match (&sender.phone, &sender.wa_id) {
        (Some(phone), _) => keys.extend(variants(phone).iter().map(|phone| phone_key(phone))),
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

/// Returns the key of a number in E.164.
pub fn phone_key(e164: &str) -> String {
    format!("phone:{e164}")
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

/// Returns the number itself and, for a Brazilian mobile, also its form with or without the ninth digit.
///
/// Accounts from before 2016 keep eight digits; which area codes do is no rule to rely on. Only eight digits that
/// begin with 6 to 9 were ever a mobile: taking the nine off any other would give somebody's landline.
pub fn variants(e164: &str) -> Vec<String> {
    let other = e164.strip_prefix("+55").and_then(|national| {
        let (area, subscriber) = national.split_at_checked(2)?;
        let mobile = |digits: &str| digits.len() == 8 && digits.starts_with(['6', '7', '8', '9']);
        if !is_area_code(area) || !subscriber.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        match subscriber.strip_prefix('9') {
            Some(old) if mobile(old) => Some(format!("+55{area}{old}")),
            _ if mobile(subscriber) => Some(format!("+55{area}9{subscriber}")),
            _ => None,
        }
    });
    std::iter::once(e164.to_owned()).chain(other).collect()
}

/// True for an area code that Brazil has given out.
fn is_area_code(area: &str) -> bool {
    let ones = match area.as_bytes() {
        [b'1' | b'4' | b'6' | b'8' | b'9', ones] => return (b'1'..=b'9').contains(ones),
        [b'2', ones] => (ones, &b"12478"[..]),
        [b'3', ones] => (ones, &b"1234578"[..]),
        [b'5', ones] => (ones, &b"1345"[..]),
        [b'7', ones] => (ones, &b"134579"[..]),
        _ => return false,
    };
    ones.1.contains(ones.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brazilian_mobile_has_two_forms_and_every_other_number_one() {
        let table: &[(&str, &[&str])] = &[
            ("+5511987654321", &["+5511987654321", "+551187654321"]),
            ("+551187654321", &["+551187654321", "+5511987654321"]),
            ("+553199998888", &["+553199998888", "+5531999998888"]),
            ("+5531999998888", &["+5531999998888", "+553199998888"]),
            ("+556798765432", &["+556798765432", "+5567998765432"]),
            // Landlines, and mobiles whose eight digits would be one.
            ("+551133334444", &["+551133334444"]),
            ("+5511933334444", &["+5511933334444"]),
            ("+551143334444", &["+551143334444"]),
            // Eight digits that begin with a nine are a whole old number.
            ("+551191234567", &["+551191234567", "+5511991234567"]),
            // Area codes that do not exist.
            ("+5520987654321", &["+5520987654321"]),
            ("+5510987654321", &["+5510987654321"]),
            ("+5526987654321", &["+5526987654321"]),
            ("+5552987654321", &["+5552987654321"]),
            // Too short, too long, another country, no number.
            ("+55119876543", &["+55119876543"]),
            ("+55119876543210", &["+55119876543210"]),
            ("+16505551234", &["+16505551234"]),
            ("+5491187654321", &["+5491187654321"]),
            ("+55119876x4321", &["+55119876x4321"]),
            ("+551é9876543", &["+551é9876543"]),
            ("", &[""]),
        ];
        for (number, expected) in table {
            let found = variants(number);
            assert_eq!(found, *expected, "{number}");
            for other in &found {
                assert!(variants(other).contains(&(*number).to_owned()), "{number} and {other}");
            }
        }
    }

    #[test]
    fn area_codes_are_the_sixty_seven_of_the_plan() {
        assert_eq!((0..100).filter(|code| is_area_code(&format!("{code:02}"))).count(), 67);
    }

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
                &["user:BR.1", "user:BR.ENT.2", "phone:+551187654321", "phone:+5511987654321"],
            ),
            (of(Some("BR.1"), None, None), &["user:BR.1"]),
            (of(None, None, Some("16505551234")), &["phone:+16505551234"]),
            (of(None, None, Some("not-a-number")), &["wa:not-a-number"]),
            (of(None, None, None), &[]),
        ];
        for (keys, expected) in table {
            assert_eq!(keys, expected);
        }
    }
}
