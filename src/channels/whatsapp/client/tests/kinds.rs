use serde_json::{Value, json};

use crate::channels::whatsapp::client::{
    Address, BodyValue, Buttons, Choice, Content, File, FileKind, List, Outgoing, Row, Section,
    Source, Template, TemplateButton, TemplateHeader,
};
use crate::channels::whatsapp::samples;

fn text(text: &str) -> String {
    text.to_owned()
}

fn written(content: Content) -> Value {
    let to = Address::read("16505551234").unwrap();
    let message = Outgoing::of(content);
    assert_eq!(message.fits(), Ok(()), "{message:?}");
    message.body(&to, "out_1")
}

fn file(kind: FileKind, source: Source, caption: Option<&str>, name: Option<&str>) -> Content {
    Content::File(File { kind, source, caption: caption.map(text), name: name.map(text) })
}

fn id(id: &str) -> Source {
    Source::Id(text(id))
}

fn choice(id: &str, title: &str) -> Choice {
    Choice { id: text(id), title: text(title) }
}

fn row(id: &str, title: &str, description: Option<&str>) -> Row {
    Row { id: text(id), title: text(title), description: description.map(text) }
}

fn section(title: Option<&str>, rows: Vec<Row>) -> Section {
    Section { title: title.map(text), rows }
}

/// Compares what each content becomes with what the API reads.
fn compare(cases: Vec<(Content, &str, Value)>) {
    for (content, kind, expected) in cases {
        let body = written(content);
        let mut whole = json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+16505551234",
            "type": kind, "biz_opaque_callback_data": "out_1"});
        whole[kind] = expected;
        assert_eq!(body, whole);
    }
}

#[test]
fn words_and_choices_are_written_as_the_api_reads_them() {
    compare(vec![
        (
            Content::Text(text("olá\n*tudo*")),
            "text",
            json!({"preview_url": false, "body": "olá\n*tudo*"}),
        ),
        (
            Content::Buttons(Buttons {
                header: Some(text("Pedido A-1")),
                body: text("Chegou?"),
                footer: Some(text("Loja")),
                choices: vec![choice("yes", "Sim"), choice("no", "Não")],
            }),
            "interactive",
            json!({"type": "button", "header": {"type": "text", "text": "Pedido A-1"}, "body": {"text": "Chegou?"}, "footer": {"text": "Loja"},
                "action": {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Sim"}}, {"type": "reply", "reply": {"id": "no", "title": "Não"}}]}}),
        ),
        (
            Content::List(List {
                body: text("Sobre o quê?"),
                button: text("Assuntos"),
                sections: vec![
                    section(
                        Some("Compra"),
                        vec![row("1", "Entrega", Some("Onde está")), row("2", "Troca", None)],
                    ),
                    section(Some("Conta"), vec![row("3", "Senha", None)]),
                ],
                ..List::default()
            }),
            "interactive",
            json!({"type": "list", "body": {"text": "Sobre o quê?"}, "action": {"button": "Assuntos", "sections": [
                {"title": "Compra", "rows": [{"id": "1", "title": "Entrega", "description": "Onde está"}, {"id": "2", "title": "Troca"}]},
                {"title": "Conta", "rows": [{"id": "3", "title": "Senha"}]}]}}),
        ),
    ]);
}

#[test]
fn templates_are_written_as_the_api_reads_them() {
    let template =
        Template { name: text("ticket_resolved"), language: text("pt_BR"), ..Template::default() };
    compare(vec![
        (
            Content::Template(template.clone()),
            "template",
            json!({"name": "ticket_resolved", "language": {"code": "pt_BR"}}),
        ),
        (
            Content::Template(Template {
                header: Some(TemplateHeader::Text(BodyValue::numbered("Ana"))),
                body: vec![
                    BodyValue { name: Some(text("pedido")), text: text("A-1") },
                    BodyValue { name: Some(text("prazo")), text: text("2 dias") },
                ],
                buttons: vec![
                    TemplateButton::Reply { index: 0, payload: text("yes") },
                    TemplateButton::Url { index: 1, suffix: text("A-1?x=1") },
                    TemplateButton::Code { index: 2, code: text("DEZ10") },
                ],
                ..template.clone()
            }),
            "template",
            json!({"name": "ticket_resolved", "language": {"code": "pt_BR"}, "components": [
                {"type": "header", "parameters": [{"type": "text", "text": "Ana"}]},
                {"type": "body", "parameters": [
                    {"type": "text", "parameter_name": "pedido", "text": "A-1"},
                    {"type": "text", "parameter_name": "prazo", "text": "2 dias"}]},
                {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{"type": "payload", "payload": "yes"}]},
                {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "A-1?x=1"}]},
                {"type": "button", "sub_type": "copy_code", "index": "2", "parameters": [{"type": "coupon_code", "coupon_code": "DEZ10"}]}]}),
        ),
        (
            Content::Template(Template {
                header: Some(TemplateHeader::File {
                    kind: FileKind::Document,
                    source: id("7"),
                    name: Some(text("nota.pdf")),
                }),
                body: vec![BodyValue::numbered("A-1")],
                ..template
            }),
            "template",
            json!({"name": "ticket_resolved", "language": {"code": "pt_BR"}, "components": [
                {"type": "header", "parameters": [{"type": "document", "document": {"id": "7", "filename": "nota.pdf"}}]},
                {"type": "body", "parameters": [{"type": "text", "text": "A-1"}]}]}),
        ),
    ]);
}

#[test]
fn files_and_reactions_are_written_as_the_api_reads_them() {
    let link = Source::Link(text("https://b.example/a.pdf"));
    compare(vec![
        (
            file(FileKind::Image, id("7"), Some("Foto"), None),
            "image",
            json!({"id": "7", "caption": "Foto"}),
        ),
        (file(FileKind::Audio, id("7"), None, None), "audio", json!({"id": "7"})),
        (
            file(FileKind::Video, link.clone(), None, None),
            "video",
            json!({"link": "https://b.example/a.pdf"}),
        ),
        (
            file(FileKind::Document, link, Some("Sua nota"), Some("nota.pdf")),
            "document",
            json!({"link": "https://b.example/a.pdf", "caption": "Sua nota", "filename": "nota.pdf"}),
        ),
        (
            Content::Reaction { to: text("wamid.1"), emoji: text("👍🏽") },
            "reaction",
            json!({"message_id": "wamid.1", "emoji": "👍🏽"}),
        ),
        (
            Content::Reaction { to: text("wamid.1"), emoji: String::new() },
            "reaction",
            json!({"message_id": "wamid.1", "emoji": ""}),
        ),
    ]);
}

/// Published examples, with their placeholders, and what we would send for them.
#[test]
fn published_examples_are_written_alike() {
    let option = |number: u8, part: &str| {
        format!("<SECTION_{}_ROW_{}_{part}>", (number - 1) / 2 + 1, (number - 1) % 2 + 1)
    };
    let rows = |first: u8| {
        let row = |number| Row {
            id: format!("<LIST_{}", option(number, "ID").trim_start_matches('<')),
            title: option(number, "TITLE"),
            description: Some(option(number, "DESC")),
        };
        vec![row(first), row(first + 1)]
    };
    let link = |link: &str| Source::Link(text(link));
    let ours = [
        ("send_text_message", Content::Text(text("text-message-content"))),
        ("send_audio_message_by_id", file(FileKind::Audio, id("<AUDIO_OBJECT_ID>"), None, None)),
        ("send_image_message_by_id", file(FileKind::Image, id("<IMAGE_OBJECT_ID>"), None, None)),
        (
            "send_image_message_by_url",
            file(FileKind::Image, link("http(s)://image-url"), None, None),
        ),
        (
            "send_video_message_by_id",
            file(FileKind::Video, id("<VIDEO_OBJECT_ID>"), Some("<VIDEO_CAPTION_TEXT>"), None),
        ),
        (
            "send_document_message_by_id",
            file(
                FileKind::Document,
                id("<DOCUMENT_OBJECT_ID>"),
                Some("<DOCUMENT_CAPTION_TO_SEND>"),
                Some("<DOCUMENT_FILENAME>"),
            ),
        ),
        (
            "send_reply_button",
            Content::Buttons(Buttons {
                body: text("<BUTTON_TEXT>"),
                choices: vec![
                    choice("<UNIQUE_BUTTON_ID_1>", "<BUTTON_TITLE_1>"),
                    choice("<UNIQUE_BUTTON_ID_2>", "<BUTTON_TITLE_2>"),
                ],
                ..Buttons::default()
            }),
        ),
        (
            "send_list_message",
            Content::List(List {
                header: Some(text("<HEADER_TEXT>")),
                body: text("<BODY_TEXT>"),
                footer: Some(text("<FOOTER_TEXT>")),
                button: text("<BUTTON_TEXT>"),
                sections: vec![
                    section(Some("<LIST_SECTION_1_TITLE>"), rows(1)),
                    section(Some("<LIST_SECTION_2_TITLE>"), rows(3)),
                ],
            }),
        ),
        (
            "send_reply_with_reaction_message",
            Content::Reaction { to: text("wamid.HBgLM..."), emoji: text("😀") },
        ),
    ];
    let published = samples::read("outbound");
    for (name, content) in ours {
        let Some((_, body)) = published.iter().find(|(file, _)| *file == format!("{name}.json"))
        else {
            assert!(published.is_empty(), "{name} is not published any more");
            continue;
        };
        let mut theirs: Value = serde_json::from_slice(body).unwrap();
        theirs["to"] = json!("+16505551234");
        theirs["biz_opaque_callback_data"] = json!("out_1");
        let ours = Outgoing::of(content).body(&Address::read("16505551234").unwrap(), "out_1");
        assert_eq!(ours, theirs, "{name}");
    }
}
