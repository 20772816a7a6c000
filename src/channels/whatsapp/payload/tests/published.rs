use super::*;
use crate::channels::whatsapp::inspect::inspected;
use crate::channels::whatsapp::samples;
use crate::domain::labels::Locale;

/// A body that has every list at once, so that changes reach each reader even where no samples are.
const OWN: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"551133334444","phone_number_id":"10"},"contacts":[{"profile":{"name":"Jo\u00e3o","username":"joao.s"},"user_id":"BR.1502576394655843"}],"messages":[{"from_user_id":"BR.1502576394655843","id":"wamid.X1","timestamp":"1795166400","type":"text","text":{"body":"ol\u00e1 \ud83d\udc4d"}},{"from":"5511987654321","id":"wamid.X2","timestamp":"1795166400","type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent","response_json":"{\"a\":[1]}"}}},{"id":"wamid.X3","timestamp":"1","type":"system","system":{"body":"User A changed from BR.1 to BR.2","user_id":"BR.2","type":"user_changed_user_id"}}],"statuses":[{"id":"wamid.Y","status":"failed","timestamp":"1795166400","recipient_id":"5511987654321","errors":[{"code":131047,"error_data":{"details":"d"}}],"pricing":{"billable":true,"category":"service"}}],"errors":[{"code":1}]}},{"field":"user_id_update","value":{"user_id_update":[{"user_id":{"previous":"BR.1","current":"BR.2"}}]}},{"field":"user_preferences","value":{"user_preferences":[{"wa_id":"5511987654321","value":"stop"}]}}]}]}"#;

#[test]
fn every_published_payload_is_read() {
    let expected = [
        ("button_message.json", "button", Some("Unsubscribe")),
        (
            "contact_sharing_message.json",
            "contacts",
            Some("Contact: Lucía Gómez, Google, +1 (983) 555-2319"),
        ),
        ("group_create_message.json", "ignored group_lifecycle_update", None),
        ("group_remove_participants.json", "ignored group_participants_update", None),
        ("group_settings_update.json", "ignored group_settings_update", None),
        ("image_message.json", "image", Some("Taj Mahal")),
        ("interactive_button_reply_message.json", "button_reply", Some("Cancel")),
        (
            "interactive_list_reply_message.json",
            "list_reply",
            Some("Priority Mail Express – Next Day to 2 Days"),
        ),
        (
            "location_message.json",
            "location",
            Some(
                "Location: Philz Coffee, 101 Forest Ave, Palo Alto, CA 94301 (37.442215, -122.161659)",
            ),
        ),
        (
            "order_message.json",
            "order",
            Some("Order:\n2 × di9ozbzfi4 (USD 30)\n1 × nqryix03ez (USD 25)"),
        ),
        ("reaction_message.json", "reaction", None),
        ("system_message.json", "system", None),
        ("text_message.json", "text", Some("Does it come in another color?")),
        (
            "text_message_from_click_to_whatsapp_ad.json",
            "text",
            Some("Hello! Can I get more info on this?"),
        ),
        (
            "text_message_with_context_product_inquiry.json",
            "text",
            Some("Is this still available?"),
        ),
        ("unsupported_message.json", "unsupported", None),
    ];
    for (file, body) in samples::read("inbound") {
        let (_, kind, text) = expected
            .iter()
            .find(|(name, ..)| *name == file)
            .unwrap_or_else(|| panic!("{file} is new"));
        let updates = read(&body).unwrap().updates;
        assert_eq!(updates.iter().map(name).collect::<Vec<_>>(), [*kind], "{file}");
        if let Update::Message(message) = &updates[0] {
            assert_eq!(message.text(Locale::En).as_deref(), *text, "{file}");
            assert_eq!(
                (message.account.as_str(), message.sender.phone.as_deref()),
                ("106540352242922", Some("+16505551234")),
                "{file}"
            );
            let named = message.sender.name.as_deref() == Some("Sheena Nelson");
            assert_eq!(named, *kind != "system", "{file}");
        }
    }
}

/// A small generator of numbers that look random (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap() % bound.max(1)
    }
}

/// Pieces that break readers.
const PIECES: [&str; 20] = [
    "null",
    "[]",
    "{}",
    "\"\"",
    "-1",
    "1e400",
    "99999999999999999999",
    "true",
    "\\ud800",
    "\\u0000",
    "\"",
    "\\",
    ",",
    "}",
    "]",
    "{\"type\":\"unsupported\"}",
    "[[[[",
    "\"timestamp\":null",
    "\u{feff}",
    "\u{1f44d}",
];

fn mutated(body: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = body.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len());
        let end = (at + dice.below(24)).min(bytes.len());
        let piece = PIECES[dice.below(PIECES.len())].bytes();
        match dice.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..end, piece)),
            3 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            // A whole value is exchanged, so that the body mostly stays JSON.
            4 => {
                let start = bytes[at..]
                    .iter()
                    .position(|byte| *byte == b':')
                    .map_or(at, |found| at + found + 1);
                let end = bytes[start..]
                    .iter()
                    .position(|byte| b",}]".contains(byte))
                    .map_or(start, |found| start + found);
                bytes.splice(start..end, piece);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(dice.below(256)).unwrap();
                }
            }
        }
    }
    bytes
}

/// Exchanges, takes away or moves one value, so that the body stays JSON.
fn reshaped(body: &[u8], dice: &mut Dice) -> Vec<u8> {
    let whole: Value = serde_json::from_slice(body).unwrap();
    let mut path = String::new();
    for _ in 0..dice.below(14) {
        let names: Vec<String> = match whole.pointer(&path) {
            Some(Value::Array(items)) => (0..items.len()).map(|at| at.to_string()).collect(),
            Some(Value::Object(fields)) => fields.keys().cloned().collect(),
            _ => break,
        };
        let Some(name) = names.get(dice.below(names.len())) else { break };
        path = format!("{path}/{name}");
    }
    let mut root = whole.clone();
    let node = root.pointer_mut(&path).unwrap();
    *node = match dice.below(9) {
        0 => Value::Null,
        1 => Value::from(dice.below(1_000_000_000)),
        2 => Value::from(node.to_string()),
        3 => Value::Array(vec![node.clone(), node.clone(), Value::Null]),
        4 => serde_json::json!({ "type": node.clone(), "id": 1 }),
        5 => Value::from("x".repeat(dice.below(70_000))),
        6 => whole["entry"][0]["changes"][0]["value"].clone(),
        7 => Value::Bool(true),
        _ => Value::from("\u{0}\u{202e}\u{feff}"),
    };
    root.to_string().into_bytes()
}

#[test]
fn no_change_of_a_body_brings_the_reader_down() {
    let mut bodies: Vec<Vec<u8>> =
        samples::read("inbound").into_iter().map(|(_, body)| body).collect();
    bodies.push(OWN.as_bytes().to_vec());
    let mut dice = Dice(0x5eed_1234_abcd_0042);
    let mut readable = 0;
    for round in 0..20_000 {
        let body = &bodies[round / 2 % bodies.len()];
        let body =
            if round % 2 == 0 { mutated(body, &mut dice) } else { reshaped(body, &mut dice) };
        if let Ok(batch) = read(&body) {
            readable += 1;
            for update in &batch.updates {
                assert!(!update.dedup_key().is_empty());
                let _alias = update.alias();
            }
            assert_eq!(inspected(&body, Locale::PtBr).len(), batch.updates.len());
        } else {
            assert_eq!(inspected(&body, Locale::En).len(), 1);
        }
    }
    // Enough of them must be JSON still, or nothing behind the parser was tried.
    assert!(readable > 5_000, "only {readable}");
}
