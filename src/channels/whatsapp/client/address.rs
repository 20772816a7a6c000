//! Who a message goes to: a number, or the id under which a business knows somebody without one.

use crate::channels::whatsapp::identity;
use crate::channels::whatsapp::payload::Sender;

/// Letters and digits of a business-scoped user id behind its country, at most.
const USER_ID_MAX: usize = 128;

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(Form);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Form {
    /// E.164 with its plus. Without it the API puts the business's own country in front.
    Phone(String),
    /// Such as `BR.1502576394655843`.
    User(String),
}

impl Address {
    /// Reads a number, a `wa_id` or a business-scoped user id; `None` for anything else.
    ///
    /// A number is kept digit by digit: what looks like a missing or a surplus ninth digit is how WhatsApp knows it.
    pub fn read(written: &str) -> Option<Self> {
        let written = written.trim();
        if is_user_id(written) {
            return Some(Self(Form::User(written.to_owned())));
        }
        identity::e164(written).map(|phone| Self(Form::Phone(phone)))
    }

    /// Returns where an answer to a sender goes: to the number they wrote from, else to their user id.
    pub fn of(sender: &Sender) -> Option<Self> {
        let ids = [&sender.phone, &sender.user_id, &sender.parent_user_id];
        ids.into_iter().flatten().find_map(|id| Self::read(id))
    }

    /// Returns the number with its plus, or the id.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Form::Phone(id) | Form::User(id) => id,
        }
    }

    /// Returns the key of the person, the same for both forms of a Brazilian mobile.
    pub fn key(&self) -> String {
        match &self.0 {
            Form::Phone(phone) => identity::phone_key(phone),
            Form::User(id) => identity::user_key(id),
        }
    }

    /// Returns the field of a call that carries it. Where both were given, the API would take `to`.
    pub(super) const fn field(&self) -> &'static str {
        match self.0 {
            Form::Phone(_) => "to",
            Form::User(_) => "recipient",
        }
    }
}

/// True for two letters of a country, on wish `ENT`, and letters and digits, with dots between them.
fn is_user_id(written: &str) -> bool {
    let Some((country, rest)) = written.split_once('.') else { return false };
    let id = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && (1..=USER_ID_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_user_ids_go_out_in_fields_of_their_own() {
        let long = format!("BR.{}", "9".repeat(128));
        for (written, expected) in [
            ("5511987654321", Some(("to", "+5511987654321", "phone:551187654321"))),
            ("+55 11 8765-4321", Some(("to", "+551187654321", "phone:551187654321"))),
            (
                "BR.1502576394655843",
                Some(("recipient", "BR.1502576394655843", "user:BR.1502576394655843")),
            ),
            (" US.ENT.42a ", Some(("recipient", "US.ENT.42a", "user:US.ENT.42a"))),
            (long.as_str(), Some(("recipient", long.as_str(), format!("user:{long}").as_str()))),
            (&format!("{long}9"), None),
            ("br.150", None),
            ("BR.", None),
            ("BRA.150", None),
            ("BR.15\u{301}0", None),
            ("BR.15 0", None),
            ("ana@b.example", None),
            ("", None),
        ] {
            let address = Address::read(written);
            let told = address.as_ref().map(|address| (address.field(), address.as_str()));
            assert_eq!(told, expected.map(|(field, id, _)| (field, id)), "{written}");
            let key = address.map(|address| address.key());
            assert_eq!(key.as_deref(), expected.map(|(_, _, key)| key), "{written}");
        }
    }

    #[test]
    fn an_answer_goes_to_the_number_where_there_is_one() {
        let mut sender = Sender { user_id: Some("BR.1".to_owned()), ..Sender::default() };
        assert_eq!(Address::of(&sender), Address::read("BR.1"));
        sender.set_wa_id(Some("551187654321".to_owned()));
        assert_eq!(Address::of(&sender), Address::read("551187654321"));
        sender.set_wa_id(Some("not-a-number".to_owned()));
        assert_eq!(Address::of(&sender), Address::read("BR.1"));
        assert_eq!(Address::of(&Sender::default()), None);
    }
}
