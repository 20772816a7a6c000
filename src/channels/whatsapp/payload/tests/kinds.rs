use serde_json::json;

use super::*;
use crate::domain::labels::Locale;

/// A message, its type, its Portuguese words, and why it is not to be answered.
type Case = (Value, &'static str, Option<&'static str>, Option<Silence>);

/// Holds cases against what is read; `media` is expected of all of them.
fn check(media: bool, cases: Vec<Case>) {
    for (message, kind, text, silence) in cases {
        let read = incoming(&message);
        assert_eq!(read.kind.name(), kind, "{message}");
        assert_eq!(read.text(Locale::PtBr).as_deref(), text, "{message}");
        assert_eq!((read.flags().media, read.flags().automatic), (media, false), "{message}");
        assert_eq!((read.silence(), read.wants_answer()), (silence, silence.is_none()));
        assert_eq!(read.raw.is_some(), kind == "unsupported", "{message}");
        assert_eq!((read.account.as_str(), read.waba.as_str()), ("10", "waba1"));
    }
}

#[test]
fn words_places_people_and_orders_have_words() {
    let text = |body: &str| json!({"type": "text", "text": {"body": body}});
    let place = |place: Value| json!({"type": "location", "location": place});
    let shop =
        json!({"latitude": -23.5, "longitude": "-46.625", "name": "Loja", "address": "Rua A, 1"});
    let ana =
        json!({"name": {"formatted_name": "Ana"}, "phones": [{"phone": "+55 11 98765-4321"}, {}]});
    let bia = json!({
        "name": {"first_name": "Bia", "last_name": "Sá"},
        "org": {"company": "ACME"}, "emails": [{"email": "b@a.example"}],
    });
    let items = json!([
        {"product_retailer_id": "p1", "quantity": 2, "item_price": 30.5, "currency": "BRL"},
        {"product_retailer_id": 9, "quantity": "1"}, {"quantity": 3},
    ]);
    let order = json!({"catalog_id": "c", "text": "é presente", "product_items": items});
    let both = "Contato: Ana, +55 11 98765-4321\nContato: Bia Sá, ACME, b@a.example";
    let pin = "Localização: Loja, Rua A, 1 (-23.500000, -46.625000)";
    let lines = "é presente\nPedido:\n2 × p1 (BRL 30.5)\n1 × 9";
    check(
        false,
        vec![
            (text("olá"), "text", Some("olá"), None),
            (text("  "), "text", None, None),
            (json!({"type": " TEXT ", "text": {"body": "olá"}}), "text", Some("olá"), None),
            (place(shop), "location", Some(pin), None),
            (
                place(json!({"latitude": 1, "longitude": 2})),
                "location",
                Some("Localização: 1.000000, 2.000000"),
                None,
            ),
            (json!({"type": "contacts", "contacts": [ana, bia]}), "contacts", Some(both), None),
            (json!({"type": "order", "order": order}), "order", Some(lines), None),
        ],
    );
}

#[test]
fn presses_and_forms_have_the_words_of_their_titles() {
    let interactive = |reply: Value| json!({"type": "interactive", "interactive": reply});
    let form = |form: Value| interactive(json!({"type": "nfm_reply", "nfm_reply": form}));
    let row = json!({"id": "l1", "title": "Troca", "description": "em 7 dias"});
    let filled = r#"{"flow_token":"secret","pedido":"A1","itens":[1,2],"vazio":""}"#;
    let filled = form(json!({"name": "flow", "body": "Sent", "response_json": filled}));
    let blank = form(json!({"body": "Sent", "response_json": {"flow_token": "x"}}));
    let button = json!({"id": "b1", "title": "Sim"});
    let list = |row: Value| interactive(json!({"type": "list_reply", "list_reply": row}));
    check(
        false,
        vec![
            (
                interactive(json!({"type": "button_reply", "button_reply": button})),
                "button_reply",
                Some("Sim"),
                None,
            ),
            (
                interactive(json!({"button_reply": {"id": 7, "title": "Sim"}})),
                "button_reply",
                Some("Sim"),
                None,
            ),
            (list(row), "list_reply", Some("Troca – em 7 dias"), None),
            (list(json!({"id": "l1", "title": "Troca"})), "list_reply", Some("Troca"), None),
            (filled, "nfm_reply", Some("pedido: A1\nitens: [1,2]"), None),
            (blank, "nfm_reply", Some("Sent"), None),
            (
                json!({"type": "button", "button": {"payload": "P", "text": "Não"}}),
                "button",
                Some("Não"),
                None,
            ),
            (json!({"type": "button", "button": {"payload": "P"}}), "button", Some("P"), None),
        ],
    );
}

#[test]
fn the_meaning_of_files_and_of_the_unknown_is_not_in_words() {
    let file = json!({"id": "77", "mime_type": "x/y", "sha256": "a+b="});
    let named = json!({"id": "77", "caption": "olha só", "filename": "../nota.pdf"});
    check(
        true,
        vec![
            (json!({"type": "image", "image": file}), "image", None, None),
            (json!({"type": "image", "image": named}), "image", Some("olha só"), None),
            (json!({"type": "video", "video": named}), "video", Some("olha só"), None),
            (json!({"type": "audio", "audio": file}), "audio", None, None),
            (json!({"type": "voice", "voice": file}), "audio", None, None),
            (json!({"type": "sticker", "sticker": file}), "sticker", None, None),
            (json!({"type": "document", "document": named}), "document", Some("olha só"), None),
            (json!({"type": "document", "document": {"url": "x"}}), "document", None, None),
            (
                json!({"type": "unsupported", "errors": [{"code": 131_051}]}),
                "unsupported",
                None,
                None,
            ),
            (
                json!({"type": "unsupported", "unsupported": {"type": "poll"}}),
                "unsupported",
                None,
                None,
            ),
            (json!({"type": "hologram", "hologram": {"id": "1"}}), "unsupported", None, None),
            (json!({"text": {"body": "no type"}}), "unsupported", None, None),
        ],
    );
}

#[test]
fn what_asks_nothing_is_not_answered() {
    let reaction = |to: Value| json!({"type": "reaction", "reaction": to});
    let edit = |message: Value| json!({"type": "edit", "edit": {"original_message_id": "wamid.0", "message": message}});
    let moved = json!({"type": "user_changed_number", "wa_id": "5511911112222", "body": "x"});
    let picture = json!({"type": "image", "image": {"id": "77", "caption": "olha só"}});
    let group = json!({"type": "text", "text": {"body": "olá"}, "group_id": "g1"});
    check(
        false,
        vec![
            (
                reaction(json!({"message_id": "w", "emoji": "👍"})),
                "reaction",
                None,
                Some(Silence::Reaction),
            ),
            (
                reaction(json!({"message_id": "w", "emoji": ""})),
                "reaction",
                None,
                Some(Silence::Reaction),
            ),
            (json!({"type": "system", "system": moved}), "system", None, Some(Silence::System)),
            (
                edit(json!({"type": "text", "text": {"body": "novo"}})),
                "edit",
                Some("novo"),
                Some(Silence::Edit),
            ),
            (edit(picture), "edit", Some("olha só"), Some(Silence::Edit)),
            (
                json!({"type": "revoke", "revoke": {"original_message_id": "w"}}),
                "revoke",
                None,
                Some(Silence::Revoke),
            ),
            (json!({"type": "request_welcome"}), "request_welcome", None, Some(Silence::Welcome)),
            (
                json!({"type": "unsupported", "unsupported": {"type": "edit"}}),
                "unsupported",
                None,
                Some(Silence::Edit),
            ),
            (group, "text", Some("olá"), Some(Silence::Group)),
        ],
    );
}

#[test]
fn words_of_ours_follow_the_locale() {
    for (message, expected) in [
        (
            json!({"type": "location", "location": {"latitude": 1, "longitude": 2}}),
            "Location: 1.000000, 2.000000",
        ),
        (
            json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "Ana"}}]}),
            "Contact: Ana",
        ),
        (
            json!({"type": "order", "order": {"product_items": [{"product_retailer_id": "p"}]}}),
            "Order:\n1 × p",
        ),
    ] {
        assert_eq!(incoming(&message).text(Locale::En).as_deref(), Some(expected));
    }
}

#[test]
fn content_that_makes_no_sense_is_still_a_message() {
    for (message, kind, code) in [
        (json!({"type": "text"}), "text", None),
        (json!({"type": "text", "text": null}), "text", None),
        (json!({"type": "text", "text": {"body": 7}}), "text", None),
        (json!({"type": "text", "text": "olá"}), "text", None),
        (json!({"type": "image", "image": {"caption": "x"}}), "image", None),
        (
            json!({"type": "image", "image": [], "errors": [{}, {"code": "131052"}]}),
            "image",
            Some(131_052),
        ),
        (
            json!({"type": "location", "location": {"latitude": 91, "longitude": 0}}),
            "location",
            None,
        ),
        (
            json!({"type": "location", "location": {"latitude": "NaN", "longitude": 0}}),
            "location",
            None,
        ),
        (json!({"type": "contacts", "contacts": []}), "contacts", None),
        (json!({"type": "contacts", "contacts": [1, null]}), "contacts", None),
        (json!({"type": "order", "order": {"product_items": [{}]}}), "order", None),
        (json!({"type": "reaction", "reaction": {"emoji": "x"}}), "reaction", None),
        (
            json!({"type": "interactive", "interactive": {"type": "call_permission_reply", "call_permission_reply": {}}}),
            "interactive.call_permission_reply",
            None,
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": "{"}}}),
            "interactive.nfm_reply",
            None,
        ),
        (json!({"type": "interactive", "interactive": {}}), "interactive", None),
        (json!({"type": "edit", "edit": {}}), "edit", None),
        (json!({"type": ["text"]}), "", None),
        (json!({"type": 7}), "7", None),
    ] {
        let read = incoming(&message);
        assert_eq!(read.kind, Kind::Unsupported { kind: kind.to_owned(), code }, "{message}");
        assert_eq!(read.raw, Some(raw(&message)));
    }
}

#[test]
fn particulars_are_kept() {
    let message = incoming(&json!({
        "type": "audio",
        "audio": { "id": 77, "mime_type": "audio/ogg; codecs=opus", "sha256": "a+b=", "voice": true, "url": "https://a.example/m" },
        "context": { "from": "551133334444", "id": "wamid.0", "frequently_forwarded": true },
        "referral": { "source_type": "ad", "source_id": 1, "headline": "H", "ctwa_clid": "c" },
        "errors": [{ "code": 131_052, "title": "t", "error_data": { "details": "d" } }],
    }));
    let Kind::Audio { media, voice: true } = &message.kind else { panic!("{message:?}") };
    assert_eq!((media.id.as_deref(), media.sha256.as_deref()), (Some("77"), Some("a+b=")));
    let context = message.context.unwrap();
    assert_eq!(context.quoted.as_deref(), Some("wamid.0"));
    assert!(context.forwarded && context.frequently_forwarded);
    let referral = message.referral.unwrap();
    assert_eq!(
        (referral.source_id.as_deref(), referral.click_id.as_deref()),
        (Some("1"), Some("c"))
    );
    assert_eq!(message.errors[0].code, Some(131_052));
    assert_eq!(message.errors[0].details.as_deref(), Some("d"));
    // A forwarded message quotes nothing.
    let forwarded =
        incoming(&json!({"type": "text", "text": {"body": "x"}, "context": {"forwarded": true}}));
    let context = forwarded.context.unwrap();
    assert!(context.forwarded && context.quoted.is_none());
}

#[test]
fn a_file_is_told_of_with_what_it_can_be_asked_for_by() {
    use crate::domain::attachment::{AttachmentKind, Source};
    use crate::domain::ids::AttachmentId;
    let file = |more: Value| {
        let mut file = json!({"id": "77", "sha256": "c3Vt", "mime_type": "audio/ogg; codecs=opus"});
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        file
    };
    let told = |message: &Value| incoming(message).attachment(AttachmentId::from_bits(1));
    for (kind, more, expected, name) in [
        ("image", json!({}), AttachmentKind::Image, None),
        ("video", json!({}), AttachmentKind::Video, None),
        ("sticker", json!({}), AttachmentKind::Sticker, None),
        ("audio", json!({"voice": true}), AttachmentKind::Voice, None),
        ("audio", json!({}), AttachmentKind::Audio, None),
        (
            "document",
            json!({"filename": "../../etc/nota\u{202e}fdp.exe"}),
            AttachmentKind::Document,
            Some("notafdp.exe"),
        ),
    ] {
        let attachment = told(&json!({"type": kind, kind: file(more)})).unwrap();
        assert_eq!((attachment.kind, attachment.name.as_deref()), (expected, name), "{kind}");
        assert_eq!(attachment.mime.as_deref(), Some("audio/ogg; codecs=opus"));
        let Source::Whatsapp { media, number, sha256 } = attachment.source else { panic!() };
        assert_eq!(
            (media.as_str(), number.as_str(), sha256.as_deref()),
            ("77", "10", Some("c3Vt"))
        );
    }
    for message in [
        json!({"type": "text", "text": {"body": "oi"}}),
        json!({"type": "image", "image": {"url": "https://lookaside.fbsbx.com/x"}}),
    ] {
        assert_eq!(told(&message), None, "{message}");
    }
}
