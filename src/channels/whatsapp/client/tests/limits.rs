use super::server::{NUMBER, Server, client};
use crate::channels::whatsapp::client::limits::file as file_taken;
use crate::channels::whatsapp::client::{
    Address, BodyValue, Buttons, Choice, Content, Fault, File, FileKind, List, Misfit, NotSent,
    Outgoing, Part, Row, Section, Sent, Source, Template, TemplateButton, TemplateHeader,
};
use crate::domain::labels::Locale;

fn text(text: &str) -> String {
    text.to_owned()
}

fn long(count: usize) -> String {
    "a".repeat(count)
}

fn too_long(part: Part, max: usize) -> Misfit {
    Misfit::TooLong { part, is: max + 1, max }
}

fn choice(id: &str, title: &str) -> Choice {
    Choice { id: text(id), title: text(title) }
}

fn buttons(change: impl Fn(&mut Buttons)) -> Content {
    let choices = vec![choice("1", "Sim"), choice("2", "Não")];
    let mut buttons = Buttons { body: text("Chegou?"), choices, ..Buttons::default() };
    change(&mut buttons);
    Content::Buttons(buttons)
}

fn row(id: usize) -> Row {
    Row { id: id.to_string(), title: format!("linha {id}"), description: None }
}

fn list(change: impl Fn(&mut List)) -> Content {
    let section = Section { title: None, rows: (0..10).map(row).collect() };
    let mut list = List {
        body: text("O quê?"),
        button: text("Ver"),
        sections: vec![section],
        ..List::default()
    };
    change(&mut list);
    Content::List(list)
}

fn template(change: impl Fn(&mut Template)) -> Content {
    let mut template = Template {
        name: text("a_1"),
        language: text("pt_BR"),
        body: vec![BodyValue::numbered("Ana")],
        ..Template::default()
    };
    change(&mut template);
    Content::Template(template)
}

fn file(kind: FileKind, change: impl Fn(&mut File)) -> Content {
    let mut file = File { kind, source: Source::Id(text("7")), caption: None, name: None };
    change(&mut file);
    Content::File(file)
}

fn misfits_of_words() -> Vec<(Content, Misfit)> {
    vec![
        (Content::Text(text(" \n")), Misfit::Missing(Part::Text)),
        (Content::Text(long(4_097)), too_long(Part::Text, 4_096)),
        // An emoji counts twice.
        (
            Content::Text("👍".repeat(2_049)),
            Misfit::TooLong { part: Part::Text, is: 4_098, max: 4_096 },
        ),
        (buttons(|b| b.body = String::new()), Misfit::Missing(Part::Body)),
        (buttons(|b| b.body = long(1_025)), too_long(Part::Body, 1_024)),
        (buttons(|b| b.header = Some(long(61))), too_long(Part::Header, 60)),
        (buttons(|b| b.footer = Some(long(61))), too_long(Part::Footer, 60)),
        (buttons(|b| b.footer = Some(String::new())), Misfit::Missing(Part::Footer)),
        (buttons(|b| b.choices.clear()), Misfit::Missing(Part::Buttons)),
        (
            buttons(|b| b.choices.extend([choice("3", "Talvez"), choice("4", "Nunca")])),
            Misfit::TooMany { part: Part::Buttons, is: 4, max: 3 },
        ),
        (buttons(|b| b.choices[0].title = long(21)), too_long(Part::ButtonTitle, 20)),
        (buttons(|b| b.choices[0].title = text("Sim ")), Misfit::Padded(Part::ButtonTitle)),
        (buttons(|b| b.choices[0].title = text("Não")), Misfit::Repeated(Part::ButtonTitle)),
        (buttons(|b| b.choices[0].id = text("2")), Misfit::Repeated(Part::ButtonId)),
        (buttons(|b| b.choices[0].id = text(" 2")), Misfit::Padded(Part::ButtonId)),
        (buttons(|b| b.choices[0].id = long(257)), too_long(Part::ButtonId, 256)),
        (list(|l| l.button = long(21)), too_long(Part::ListButton, 20)),
        (list(|l| l.button = String::new()), Misfit::Missing(Part::ListButton)),
        (list(|l| l.sections.clear()), Misfit::Missing(Part::Sections)),
        (list(|l| l.sections[0].rows.clear()), Misfit::Missing(Part::Rows)),
        (
            list(|l| l.sections[0].rows.push(row(10))),
            Misfit::TooMany { part: Part::Rows, is: 11, max: 10 },
        ),
        (list(|l| l.sections[0].title = Some(long(25))), too_long(Part::SectionTitle, 24)),
        (
            list(|l| {
                let rows = l.sections[0].rows.split_off(5);
                l.sections.push(Section { title: Some(text("b")), rows });
            }),
            Misfit::Missing(Part::SectionTitle),
        ),
        (
            list(|l| l.sections = (0..11).map(|_| Section::default()).collect()),
            Misfit::TooMany { part: Part::Sections, is: 11, max: 10 },
        ),
        (list(|l| l.sections[0].rows[0].title = long(25)), too_long(Part::RowTitle, 24)),
        (
            list(|l| l.sections[0].rows[0].description = Some(long(73))),
            too_long(Part::RowDescription, 72),
        ),
        (list(|l| l.sections[0].rows[0].id = long(201)), too_long(Part::RowId, 200)),
        (list(|l| l.sections[0].rows[0].id = text("1")), Misfit::Repeated(Part::RowId)),
    ]
}

fn misfits_of_files_and_templates() -> Vec<(Content, Misfit)> {
    let value = |value: &'static str| move |t: &mut Template| t.body[0].text = text(value);
    vec![
        (file(FileKind::Image, |f| f.caption = Some(long(1_025))), too_long(Part::Caption, 1_024)),
        (file(FileKind::Audio, |f| f.caption = Some(text("oi"))), Misfit::NotTaken(Part::Caption)),
        (file(FileKind::Image, |f| f.name = Some(text("a.jpg"))), Misfit::NotTaken(Part::FileName)),
        (
            file(FileKind::Image, |f| f.source = Source::Id(text("../7"))),
            Misfit::Malformed(Part::MediaId),
        ),
        (
            file(FileKind::Image, |f| f.source = Source::Link(text("a.jpg"))),
            Misfit::Malformed(Part::Link),
        ),
        (
            file(FileKind::Image, |f| f.source = Source::Link(text("file:///a.jpg"))),
            Misfit::Malformed(Part::Link),
        ),
        (template(|t| t.name = String::new()), Misfit::Missing(Part::TemplateName)),
        (template(|t| t.name = text("Ticket resolvido")), Misfit::Malformed(Part::TemplateName)),
        (template(|t| t.language = text("pt-BR")), Misfit::Malformed(Part::TemplateLanguage)),
        (template(value("")), Misfit::Missing(Part::TemplateValue)),
        (template(value("duas\nlinhas")), Misfit::Broken(Part::TemplateValue)),
        (template(value("um\ttab")), Misfit::Broken(Part::TemplateValue)),
        (template(value("cinco     brancos")), Misfit::Broken(Part::TemplateValue)),
        (
            template(|t| {
                t.header = Some(TemplateHeader::File {
                    kind: FileKind::Audio,
                    source: Source::Id(text("7")),
                    name: None,
                });
            }),
            Misfit::NotTaken(Part::TemplateHeader),
        ),
        (
            template(|t| {
                let button = TemplateButton::Url { index: 0, suffix: text("x") };
                t.buttons = vec![button.clone(), button];
            }),
            Misfit::Repeated(Part::Buttons),
        ),
        (
            template(|t| t.buttons = vec![TemplateButton::Code { index: 0, code: String::new() }]),
            Misfit::Missing(Part::TemplateValue),
        ),
        (
            Content::Reaction { to: String::new(), emoji: text("👍") },
            Misfit::Missing(Part::MessageId),
        ),
        (Content::Reaction { to: text("wamid.1"), emoji: long(65) }, too_long(Part::Emoji, 64)),
    ]
}

#[tokio::test]
async fn what_does_not_fit_is_told_before_a_byte_leaves() {
    let server = Server::with([]).await;
    let client = client(&server);
    let to = Address::read("BR.1").unwrap();
    let send = async |number: &str, message: &Outgoing, own: &str| {
        let sent = server.during(client.send(number, &to, message, own)).await;
        let Sent::NotSent(NotSent::Misfit(misfit)) = sent else { panic!("{message:?}: {sent:?}") };
        let [english, portuguese] = [Locale::En, Locale::PtBr].map(|locale| misfit.told(locale));
        assert!(
            english != portuguese && english.contains("; ") && portuguese.contains("; "),
            "{english}"
        );
        misfit
    };
    let words = misfits_of_words().into_iter().chain(misfits_of_files_and_templates());
    for (content, expected) in words {
        let message = Outgoing::of(content);
        assert_eq!(send(NUMBER, &message, "out_1").await, expected, "{message:?}");
    }
    let fine = Outgoing::text("olá");
    for (number, message, own, expected) in [
        ("", fine.clone(), "out_1", Misfit::Missing(Part::Number)),
        ("1/../2", fine.clone(), "out_1", Misfit::Malformed(Part::Number)),
        ("..", fine.clone(), "out_1", Misfit::Malformed(Part::Number)),
        (NUMBER, fine.clone(), "", Misfit::Missing(Part::OwnId)),
        (NUMBER, fine.clone(), &long(513), too_long(Part::OwnId, 512)),
        (NUMBER, fine.clone().quoting(""), "out_1", Misfit::Missing(Part::MessageId)),
        (NUMBER, fine.quoting("wamid 1"), "out_1", Misfit::Malformed(Part::MessageId)),
    ] {
        assert_eq!(send(number, &message, own).await, expected, "{number} {own}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_just_fits_is_not_refused() {
    for content in [
        Content::Text(long(4_096)),
        Content::Text("👍".repeat(2_048)),
        buttons(|b| {
            b.body = long(1_024);
            b.header = Some(long(60));
            b.footer = Some(long(60));
            b.choices =
                vec![choice(&long(256), &long(20)), choice("2", "Não"), choice("3", "Talvez")];
        }),
        list(|l| {
            l.button = long(20);
            l.sections[0].title = Some(long(24));
            l.sections[0].rows[0] =
                Row { id: long(200), title: long(24), description: Some(long(72)) };
        }),
        file(FileKind::Video, |f| f.caption = Some(long(1_024))),
        template(|t| t.body[0].text = text("quatro    brancos")),
        template(|t| t.body.clear()),
        Content::Reaction {
            to: text("wamid.1"), emoji: text("👨🏽‍👩🏽‍👧🏽‍👦🏽")
        },
    ] {
        let message = Outgoing::of(content);
        assert_eq!(message.fits(), Ok(()), "{message:?}");
    }
}

#[tokio::test]
async fn files_that_whatsapp_would_not_take_are_not_handed_over() {
    const MB: u64 = 1_024 * 1_024;
    let malformed = Err(Misfit::Malformed(Part::FileType));
    for (mime, size, expected) in [
        ("image/jpeg", 5 * MB, Ok(())),
        ("image/jpeg", 5 * MB + 1, Err(Misfit::TooLarge { is: 5 * MB + 1, max: 5 * MB })),
        ("image/webp", MB, Err(Misfit::TooLarge { is: MB, max: 500 * 1_024 })),
        ("image/gif", 1, Err(Misfit::NotTaken(Part::FileType))),
        ("audio/ogg; codecs=opus", 16 * MB, Ok(())),
        ("audio/wav", 1, Err(Misfit::NotTaken(Part::FileType))),
        ("VIDEO/MP4", 17 * MB, Err(Misfit::TooLarge { is: 17 * MB, max: 16 * MB })),
        ("application/pdf", 100 * MB, Ok(())),
        ("application/pdf", 0, Err(Misfit::Missing(Part::Content))),
        ("pdf", 1, malformed),
        ("", 1, malformed),
        ("/", 1, malformed),
        ("text/plain\r\nX: y", 1, malformed),
        ("text/plain\"", 1, malformed),
    ] {
        assert_eq!(file_taken(mime, size), expected, "{mime} {size}");
    }
    let server = Server::with([]).await;
    let upload = client(&server).upload(NUMBER, b"", "application/pdf", "a.pdf").await;
    assert!(matches!(upload, Err(Fault::Misfit(Misfit::Missing(Part::Content)))), "{upload:?}");
    assert_eq!(server.connections(), 0);
}
