use std::time::Instant;

use chrono::TimeZone as _;
use mail_parser::{HeaderName as Name, Message as Parsed, MessageParser, MimeHeaders as _};
use proptest::prelude::*;

use super::*;

fn date() -> DateTime<Utc> {
    Utc.timestamp_opt(1_795_000_000, 0).unwrap()
}

fn reply(body: &str) -> Reply<'_> {
    Reply {
        from: Party { address: "suporte@loja.example", name: "Loja X" },
        to: Party { address: "ana@cliente.example", name: "Ana Souza" },
        reply_to: None,
        subject: "Pedido atrasado",
        parent: Some(Parent { message_id: "<pai@cliente.example>", references: &[] }),
        message_id: "out_01@loja.example",
        date: date(),
        body,
        signature: &[],
        quote: None,
        attachments: &[],
        locale: Locale::PtBr,
        author: Author::Automatic,
        loop_mark: "b7f3c2",
    }
}

fn text(reply: &Reply<'_>) -> String {
    String::from_utf8(write(reply).unwrap().bytes).unwrap()
}

/// Reads a mail back and checks what holds for every one of them.
fn read(raw: &str) -> Parsed<'_> {
    assert!(raw.is_ascii());
    assert!(!raw.replace("\r\n", "").contains(['\r', '\n']), "bare line breaks");
    let (_, body) = raw.split_once("\r\n\r\n").unwrap();
    assert!(body.lines().all(|line| line.len() <= 78), "{raw}");
    assert!(raw.lines().all(|line| line.len() <= 998), "{raw}");
    MessageParser::default().parse(raw).unwrap()
}

fn header<'a>(raw: &'a str, name: &str) -> Vec<&'a str> {
    let head = raw.split("\r\n\r\n").next().unwrap();
    let start = format!("{}:", name.to_lowercase());
    head.lines().filter(|line| line.to_lowercase().starts_with(&start)).collect()
}

fn plain(raw: &str) -> String {
    read(raw).body_text(0).unwrap().replace("\r\n", "\n")
}

fn page(raw: &str) -> String {
    read(raw).body_html(0).unwrap().replace("\r\n", "\n")
}

#[test]
fn every_attempt_of_a_reply_has_the_same_bytes() {
    let files = [Attachment { name: "nota.pdf", mime: "application/pdf", bytes: b"%PDF" }];
    let one = Reply { attachments: &files, ..reply("Olá, **Ana**.") };
    assert_eq!(write(&one).unwrap(), write(&one).unwrap());
    let other = Reply { message_id: "out_02@loja.example", ..one };
    assert_ne!(boundary("a@x", "mixed"), boundary("b@x", "mixed"));
    assert_ne!(text(&one), text(&other));
}

#[test]
fn a_reply_reads_back_with_headers_and_both_bodies() {
    let references = ["<a@x>".to_owned(), "broken".to_owned(), "b@x".to_owned()];
    let parent = Parent { message_id: "<pai@cliente.example>", references: &references };
    let raw = text(&Reply { parent: Some(parent), ..reply("Olá, **Ana** 😀!\n\nAté *já*.") });
    let mail = read(&raw);
    assert_eq!(mail.subject(), Some("Re: Pedido atrasado"));
    assert_eq!(mail.message_id(), Some("out_01@loja.example"));
    assert_eq!(mail.in_reply_to().as_text(), Some("pai@cliente.example"));
    let ids = mail.references().as_text_list().unwrap();
    assert_eq!(ids, ["a@x", "b@x", "pai@cliente.example"]);
    let from = mail.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("Loja X"), Some("suporte@loja.example")));
    let to = mail.to().unwrap().first().unwrap();
    assert_eq!((to.name(), to.address()), (Some("Ana Souza"), Some("ana@cliente.example")));
    assert_eq!(mail.date().unwrap().to_timestamp(), date().timestamp());
    assert_eq!(mail.header(Name::ContentLanguage).unwrap().as_text(), Some("pt-BR"));
    assert_eq!(plain(&raw), "Olá, Ana 😀!\n\nAté já.\n");
    let page = page(&raw);
    assert!(page.contains("Olá, <b>Ana</b> 😀!</p>") && page.contains("<i>já</i>"), "{page}");
    assert!(page.contains("<html lang=\"pt-BR\">"), "{page}");
    assert_eq!(header(&raw, "MIME-Version"), ["MIME-Version: 1.0"]);
    assert!(header(&raw, "Content-Type")[0].starts_with("Content-Type: multipart/alternative"));
    for absent in ["Bcc", "Precedence", "User-Agent", "List-Unsubscribe", "Reply-To", "Sender"] {
        assert!(header(&raw, absent).is_empty(), "{absent}");
    }
}

#[test]
fn a_file_has_the_ending_of_what_it_is() {
    for (name, mime, expected) in [
        ("boleto.pdf", "application/pdf", "boleto.pdf"),
        ("Boleto.PDF", "application/pdf", "Boleto.PDF"),
        ("segunda via.exe", "application/pdf", "segunda via.exe.pdf"),
        ("versão 1.2", "application/pdf", "versão 1.2.pdf"),
        ("", "image/png", "anexo.png"),
        ("extrato.csv", "text/plain", "extrato.csv"),
        ("nota.bin", "application/octet-stream", "nota.bin"),
    ] {
        let files = [Attachment { name, mime, bytes: b"x" }];
        let raw = text(&Reply { attachments: &files, ..reply("oi") });
        let mail = read(&raw);
        assert_eq!(mail.attachment(0).unwrap().attachment_name(), Some(expected), "{raw}");
    }
}

#[test]
fn machines_are_told_who_answered() {
    let headers = |author| {
        let raw = text(&Reply { author, ..reply("oi") });
        let of = |name| header(&raw, name).join("");
        (of("Auto-Submitted"), of("X-Auto-Response-Suppress"), of("X-Atende-Loop"))
    };
    let owned = |texts: [&str; 3]| (texts[0].to_owned(), texts[1].to_owned(), texts[2].to_owned());
    // Not `All`: a bounce must still come.
    let suppress = "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply";
    let mark = "X-Atende-Loop: b7f3c2";
    assert_eq!(headers(Author::Automatic), owned(["Auto-Submitted: auto-replied", suppress, mark]));
    assert_eq!(headers(Author::Notice), owned(["Auto-Submitted: auto-generated", suppress, mark]));
    let person = Author::Person { name: Some("Ana"), style: PERSON_STYLE };
    assert_eq!(headers(person), owned(["", "", mark]));
}

#[test]
fn the_sender_is_named_as_the_business_wants() {
    let person = |name, style| Author::Person { name, style };
    for (author, business, expected) in [
        (Author::Automatic, "Loja X", "Loja X"),
        (person(Some("Ana"), PERSON_STYLE), "Loja X", "Ana (Loja X)"),
        (person(Some("Ana"), "{person}, {business}"), "Loja X", "Ana, Loja X"),
        (person(Some("Ana"), "{person} ({business})"), "Loja X", "Ana (Loja X)"),
        (person(Some("{business}"), "{person} da {business}"), "Lojão", "{business} da Lojão"),
        (person(Some("João\r\nBcc: x"), PERSON_STYLE), "Loja", "João Bcc: x (Loja)"),
        (person(None, PERSON_STYLE), "Loja X", "Loja X"),
        (person(Some("Ana"), PERSON_STYLE), "", "Ana"),
    ] {
        let from = Party { address: "suporte@loja.example", name: business };
        let raw = text(&Reply { from, author, ..reply("oi") });
        let mail = read(&raw);
        let from = mail.from().unwrap();
        assert_eq!(from.as_list().unwrap().len(), 1, "{raw}");
        assert_eq!(from.first().unwrap().name(), Some(expected), "{raw}");
        assert_eq!(from.first().unwrap().address(), Some("suporte@loja.example"));
    }
}

#[test]
fn answers_go_to_the_address_that_names_the_ticket() {
    let token = "suporte+t.abcdefghijklmnopqrstuvwxyz234567abcdefghij@loja.example";
    let raw = text(&Reply { reply_to: Some(token), ..reply("oi") });
    let mail = read(&raw);
    assert_eq!(mail.reply_to().unwrap().first().unwrap().address(), Some(token));
}

#[test]
fn nothing_that_others_wrote_becomes_a_header() {
    let evil = "x\r\nBcc: eve@example.com\r\n\r\nolá";
    let references = [evil.to_owned(), "<a@x>\r\nBcc: eve@example.com".to_owned()];
    let files = [Attachment { name: evil, mime: "text/plain\r\nBcc: eve@x", bytes: b"x" }];
    let signature = [evil.to_owned()];
    let at = DateTime::UNIX_EPOCH.fixed_offset();
    let raw = text(&Reply {
        from: Party { address: "suporte@loja.example", name: evil },
        to: Party { address: "ana@cliente.example", name: evil },
        subject: evil,
        parent: Some(Parent { message_id: evil, references: &references }),
        signature: &signature,
        quote: Some(Quote { name: evil, at, text: evil }),
        attachments: &files,
        author: Author::Person { name: Some(evil), style: evil },
        ..reply("oi")
    });
    let mail = read(&raw);
    assert!(header(&raw, "Bcc").is_empty(), "{raw}");
    assert!(mail.bcc().is_none());
    assert!(header(&raw, "In-Reply-To").is_empty() && header(&raw, "References").is_empty());
    assert_eq!(mail.subject(), Some("Re: x Bcc: eve@example.com olá"));
    assert_eq!(mail.attachment_count(), 1);
}

#[test]
fn what_cannot_be_written_is_refused_with_what_to_do() {
    let refused = |reply: Reply<'_>| write(&reply).unwrap_err();
    let base = reply("oi");
    let to = |address| Party { address, name: "" };
    let long = "a".repeat(65);
    for (reply, error) in [
        (Reply { from: to("Loja <x@y.example>"), ..base }, WriteError::From),
        (Reply { to: to("ana@x.example\r\nBcc: eve@y.example"), ..base }, WriteError::To),
        (Reply { to: to("a@x.example,b@x.example"), ..base }, WriteError::To),
        (Reply { reply_to: Some("nobody"), ..base }, WriteError::ReplyTo),
        (Reply { message_id: "<a b@x>", ..base }, WriteError::MessageId),
        (Reply { loop_mark: "a\r\nBcc: b", ..base }, WriteError::LoopMark),
        (Reply { loop_mark: "", ..base }, WriteError::LoopMark),
        (Reply { loop_mark: &long, ..base }, WriteError::LoopMark),
        (Reply { body: " \n\n", ..base }, WriteError::Empty),
    ] {
        assert_eq!(refused(reply), error);
        for locale in Locale::ALL {
            assert!(error.in_locale(*locale).contains(';'), "{error:?} says what to do");
        }
    }
}

#[test]
fn an_address_of_another_alphabet_is_written_for_every_server() {
    let to = Party { address: "ana@ação.example", name: "Ana" };
    let written = write(&Reply { to, ..reply("oi") }).unwrap();
    assert_eq!(written.to.as_str(), "ana@xn--ao-siap.example");
}

#[test]
fn a_long_subject_and_long_ids_arrive_whole() {
    let subject: String = "ação 😀 ".repeat(200).chars().take(890).collect();
    let id = format!("{}@mail.example", "a1-".repeat(60));
    let parent = Parent { message_id: &id, references: &[] };
    let raw = text(&Reply { subject: &subject, parent: Some(parent), ..reply("oi") });
    assert!(raw.lines().all(|line| line.len() < 300));
    let mail = MessageParser::default().parse(&raw).unwrap();
    let expected = format!("Re: {}", subject.trim());
    assert_eq!(mail.subject(), Some(expected.as_str()));
    assert_eq!(mail.in_reply_to().as_text(), Some(id.as_str()));
    assert_eq!(mail.references().as_text(), Some(id.as_str()));
    let raw = text(&Reply { subject: &"x".repeat(890), ..reply("oi") });
    assert!(raw.lines().all(|line| line.len() <= 998));
    let mail = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(mail.subject().unwrap(), format!("Re: {}", "x".repeat(890)));
}

#[test]
fn very_long_words_and_lines_arrive_whole() {
    let word = "ç".repeat(5_000);
    let raw = text(&reply(&word));
    assert_eq!(plain(&raw).trim_end(), word);
    let line = "palavra ".repeat(2_000);
    assert_eq!(plain(&text(&reply(&line))).trim_end(), line.trim_end());
    let dots = ".\n..\n.fim\nFrom eu\n";
    assert_eq!(plain(&text(&reply(dots))), dots);
}

#[test]
fn files_arrive_as_they_were() {
    let all: Vec<u8> = (0..=255u8).cycle().take(10_000).collect();
    let files = [
        Attachment {
            name: "Nota fiscal nº 12 – março.pdf", mime: "application/pdf", bytes: &all
        },
        Attachment { name: "../../etc/passwd", mime: "text/plain", bytes: b"a\nb\r\nc" },
        Attachment { name: "", mime: "message/rfc822", bytes: b"" },
        Attachment { name: "foto.png", mime: "not a type", bytes: &[0xff] },
    ];
    let raw = text(&Reply { attachments: &files, ..reply("Segue.") });
    let mail = read(&raw);
    assert!(header(&raw, "Content-Type")[0].starts_with("Content-Type: multipart/mixed"));
    let parts: Vec<_> = mail.attachments().collect();
    let names: Vec<_> = parts.iter().map(|part| part.attachment_name().unwrap()).collect();
    assert_eq!(names, ["Nota fiscal nº 12 – março.pdf", "passwd.txt", "anexo", "foto.png"]);
    let types: Vec<String> = parts
        .iter()
        .map(|part| part.content_type().unwrap())
        .map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap()))
        .collect();
    let bytes = "application/octet-stream";
    assert_eq!(types, ["application/pdf", "text/plain", bytes, bytes]);
    for (part, file) in parts.iter().zip(&files) {
        assert_eq!(part.contents(), file.bytes, "{}", file.name);
    }
    assert_eq!(plain(&raw), "Segue.\n");
    assert!(page(&raw).contains("Segue."));
}

#[test]
fn a_files_name_keeps_its_ending_and_loses_what_is_dangerous() {
    for (name, expected) in [
        ("a.pdf", "a.pdf"),
        ("C:\\fotos\\a.jpg", "a.jpg"),
        ("a\u{202e}gpj.exe", "a gpj.exe"),
        (" .. ", "attachment"),
        ("a\"b<c>.txt", "abc.txt"),
    ] {
        assert_eq!(file_name(name, Locale::En), expected, "{name:?}");
    }
    let long = file_name(&format!("{}.pdf", "é".repeat(500)), Locale::En);
    assert!(long.ends_with("….pdf") && long.chars().count() == MAX_FILE_NAME + 4, "{long}");
}

#[test]
fn markdown_becomes_text_and_html_that_read_well() {
    let body = "# Passo a passo\n\nOlá, Ana!\nTudo bem?\n\n1. Abra **Ajustes > Plano**.\n2. Toque em *Salvar*:\n   - no celular\n   - no computador\n\n3. Pronto.\n\n> Citado\n> também\n\nVeja a [página de ajuda](https://loja.example/ajuda?a=1&b=2). Ou https://loja.example/x.";
    let raw = text(&reply(body));
    assert_eq!(
        plain(&raw),
        "Passo a passo\n\nOlá, Ana!\nTudo bem?\n\n1. Abra Ajustes > Plano.\n2. Toque em Salvar:\n   - no celular\n   - no computador\n3. Pronto.\n\n> Citado\n> também\n\nVeja a página de ajuda <https://loja.example/ajuda?a=1&b=2>. Ou https://loja.example/x.\n"
    );
    let page = page(&raw);
    for part in [
        "<b>Passo a passo</b>",
        "Olá, Ana!<br>\nTudo bem?</p>",
        "<ol style=\"margin:0 0 16px;padding-left:28px\">\n<li style=\"margin:0 0 6px\">Abra <b>Ajustes &gt; Plano</b>.</li>",
        "<i>Salvar</i>:<ul",
        "Pronto.</li>\n</ol>",
        "Citado<br>\ntambém",
        "<a href=\"https://loja.example/ajuda?a=1&amp;b=2\">página de ajuda</a>.",
        "<a href=\"https://loja.example/x\">https://loja.example/x</a>.",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[test]
fn what_is_no_markup_stays_as_it_was_written() {
    for (body, expected) in [
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name e R$ 5_000", "snake_case_name e R$ 5_000"),
        ("**aberto", "**aberto"),
        ("um * só", "um * só"),
        ("\\*não\\*", "*não*"),
        ("[outro](../billing/x.md)", "outro"),
        ("[clique](javascript:alert(1))", "clique)"),
        ("[https://banco.example](https://mau.example)", "https://mau.example"),
        ("[Ana](mailto:ana@x.example)", "Ana <ana@x.example>"),
        ("(veja https://x.example/a_(b))", "(veja https://x.example/a_(b))"),
        ("<https://x.example>", "https://x.example"),
        ("a < b > c & d", "a < b > c & d"),
        ("Em\n2026. Foi", "Em\n2026. Foi"),
        ("Use `a*b*c`", "Use a*b*c"),
        ("***forte***", "forte"),
        ("**A** e **B**", "A e B"),
        ("*a* **b *c* d**", "a b c d"),
        ("7. sete\n8. oito", "7. sete\n8. oito"),
        ("- a\n\n- b\n\nfim", "- a\n- b\n\nfim"),
        ("* a\n* b", "- a\n- b"),
        ("1. a\n\n   mais\n\n2. b", "1. a\n\n   mais\n2. b"),
        ("a\n\n---\n\nb", "a\n\nb"),
        ("a\u{0}\u{7}\tb\u{1b}[31m", "a b[31m"),
    ] {
        assert_eq!(plain(&text(&reply(body))), format!("{expected}\n"), "{body:?}");
    }
}

#[test]
fn words_never_become_markup_of_the_page() {
    let evil =
        "<script>alert(1)</script> <img src=x> \"' [a\"b](https://x.example/\"onclick=\"a) `<b>`";
    let name = [evil.to_owned()];
    let at = DateTime::UNIX_EPOCH.fixed_offset();
    let raw = text(&Reply {
        signature: &name,
        quote: Some(Quote { name: evil, at, text: evil }),
        ..reply(evil)
    });
    let page = page(&raw);
    for sign in ["<script", "<img", "onclick=\"", "src=\"", "http-equiv", "url("] {
        assert!(!page.contains(sign), "{sign} in {page}");
    }
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn signature_and_quote_stand_below_in_the_form_that_programs_fold_away() {
    let signature = ["Ana Lima".to_owned(), "Loja X".to_owned()];
    let at = DateTime::parse_from_rfc3339("2026-11-20T09:05:00-03:00").unwrap();
    let quote = Quote { name: "Ana Souza", at, text: "Oi,\r\n\r\ncadê meu pedido?\n" };
    let pt = Reply { signature: &signature, quote: Some(quote), ..reply("Chega hoje.") };
    let raw = text(&pt);
    assert_eq!(
        plain(&raw),
        "Chega hoje.\n\n-- \nAna Lima\nLoja X\n\nEm 20/11/2026, às 9:05, Ana Souza escreveu:\n\n> Oi,\n>\n> cadê meu pedido?\n"
    );
    assert!(page(&raw).contains("<blockquote type=\"cite\" class=\"gmail_quote\""));
    let raw = text(&Reply { locale: Locale::En, ..pt });
    assert!(plain(&raw).contains("On 20 November 2026 at 9:05 am, Ana Souza wrote:"));
}

#[test]
fn a_quote_has_bounds() {
    let lines = quoted_lines(&"linha\n".repeat(500));
    assert_eq!((lines.len(), lines.last().unwrap().as_str()), (MAX_QUOTED_LINES + 1, "[…]"));
    let lines = quoted_lines(&"é".repeat(100_000));
    assert_eq!((lines[0].chars().count(), lines[1].as_str()), (MAX_QUOTED, "[…]"));
    assert_eq!(quoted_lines("a\u{0}b\n c"), ["ab", " c"]);
}

#[test]
fn hostile_text_is_read_in_time_in_proportion_to_its_length() {
    for piece in ["*a", "**", "_a ", "[", "[a](", "`", "<", "> ", "- ", "1. ", "https://a*", "\\"] {
        for end in ["", "\n", "\n  "] {
            let body = format!("{piece}{end}").repeat(20_000);
            let begun = Instant::now();
            let blocks = markdown::read(&body);
            let size = plain::write(&blocks).len() + html::write(&blocks).len();
            assert!(begun.elapsed().as_secs() < 10, "{piece:?} {end:?}: {size}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_written_and_read_back(body in "\\PC{0,200}", subject in "\\PC{0,100}", name in "\\PC{0,40}") {
        let to = Party { address: "ana@cliente.example", name: &name };
        let full = format!("x{body}");
        let raw = String::from_utf8(write(&Reply { subject: &subject, to, ..reply(&full) }).unwrap().bytes).unwrap();
        prop_assert!(raw.is_ascii() && raw.lines().all(|line| line.len() <= 998));
        let mail = MessageParser::default().parse(&raw).unwrap();
        prop_assert_eq!(mail.to().unwrap().first().unwrap().address(), Some("ana@cliente.example"));
        prop_assert!(mail.body_text(0).is_some() && mail.body_html(0).is_some());
        prop_assert_eq!(mail.parts.len(), 3);
    }
}
