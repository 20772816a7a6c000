//! What must hold for whatever anybody sends. The fuzzer calls these with bytes of its own, `tests/it` with
//! the seeds; a broken promise is a panic.

use atende::channels::email::kind::{self, Kind, Own};
use atende::channels::email::parse::{self, Address, Mail};
use atende::channels::email::{html, inspect as mails, quote, thread};
use atende::channels::whatsapp::payload::{self, Incoming, UPDATES_MAX, Update};
use atende::channels::whatsapp::{format, identity, inspect as calls, signature};
use atende::domain::ids::AttachmentId;
use atende::domain::labels::Locale;

/// Most of a text that has no bound of its own: it may grow by prefixes, never by another order.
const GROWTH: usize = 16;

/// A webhook's body, or a header, an empty line and a body.
pub(crate) fn webhook(bytes: &[u8]) {
    let (header, body) = split(bytes);
    let told = String::from_utf8_lossy(header);
    assert!(signature::verify(Some(&told), body, &["um segredo"]).is_err(), "a forged signature");
    let params = [("hub.mode", "subscribe"), ("hub.verify_token", "x"), ("hub.challenge", &told)];
    if let Some(echoed) = signature::challenge(params, "x") {
        assert!(echoed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }
    call(bytes);
    call(body);
}

fn call(body: &[u8]) {
    let shown = calls::inspected(body, Locale::PtBr);
    let Ok(batch) = payload::read(body) else {
        assert_eq!((shown.len(), shown[0]["kind"].as_str()), (1, Some("error")));
        return;
    };
    assert!(batch.updates.len() <= UPDATES_MAX, "{} updates", batch.updates.len());
    assert_eq!(shown.len(), batch.updates.len(), "a line for each");
    for (update, line) in batch.updates.iter().zip(&shown) {
        assert!(line["kind"].is_string(), "{line}");
        assert!(!update.dedup_key().is_empty());
        if let Some(alias) = update.alias() {
            assert_ne!(alias.previous, alias.current, "a change into the same");
        }
        match update {
            Update::Message(message) => incoming(message, body.len()),
            Update::Status(change) => assert!(!change.id.is_empty(), "a state of nothing"),
            _ => {}
        }
    }
    let again = payload::read(body);
    assert!(again.is_ok_and(|again| again.updates == batch.updates), "read twice, read the same");
}

fn incoming(message: &Incoming, size: usize) {
    assert!(!message.id.is_empty() && message.sender.is_known(), "a message of nobody");
    assert!(!identity::sender_keys(&message.sender).is_empty());
    assert_eq!(message.wants_answer(), message.silence().is_none());
    if let Some(phone) = &message.sender.phone {
        let digits = phone.strip_prefix('+').unwrap_or_default();
        assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
    }
    for locale in [Locale::PtBr, Locale::En] {
        let text = message.text(locale).unwrap_or_default();
        assert!(text.len() <= GROWTH * size, "{} bytes out of {size}", text.len());
        for part in format::fit(&text, format::TEXT_UNITS_MAX, format::Fit::Split) {
            assert!(
                part.encode_utf16().count() <= format::TEXT_UNITS_MAX,
                "longer than WhatsApp takes"
            );
        }
    }
    if let Some(name) = message.attachment(AttachmentId::from_bits(1)).and_then(|file| file.name) {
        is_only_a_name(&name);
    }
}

/// A mail as it lies on a server.
pub(crate) fn mail(bytes: &[u8]) {
    let shown = mails::inspected(bytes, Locale::PtBr);
    let Ok(mail) = parse::read(bytes) else {
        assert_eq!(shown["kind"], "error");
        return;
    };
    bounded(&mail, bytes);
    let one_line = |text: &str| !text.chars().any(char::is_control);
    assert!(one_line(&mail.subject) && one_line(&mail.message_id), "{:?}", mail.subject);
    assert!(!mail.message_id.is_empty(), "every mail has an id");
    let from = std::iter::once(&mail.from).chain(&mail.sender);
    for address in from.chain(&mail.to).chain(&mail.cc).chain(&mail.reply_to) {
        is_on_one_line(address);
    }
    let stripped = strip(&mail.text);
    assert_eq!(shown["text"], stripped, "inspect shows what the worker reads");
    for own in [Own::default(), ours()] {
        let found = kind::classify(&mail, &own);
        let allowed = kind::reply_allowed(&mail, &found, &own);
        assert!(allowed.is_err() || found == Kind::Message, "a machine is answered");
        if allowed.is_ok() {
            assert!(kind::reply_address(&mail).is_usable(), "an answer to nowhere");
        }
    }
    assert_eq!(shown["type"], kind::classify(&mail, &Own::default()).as_str());
    let keys = thread::keys(&mail, b"chave");
    assert!(keys.ids.iter().all(|id| one_line(id)) && keys.token_ticket.is_none());
    assert_eq!(thread::copy_key(&mail).len(), 64);
    assert_eq!(shown["external_id"], mail.message_id, "read twice, read the same");
}

fn bounded(mail: &Mail, raw: &[u8]) {
    assert!(mail.attachments.len() <= 200 && mail.text.len() <= 1024 * 1024);
    for file in &mail.attachments {
        assert_eq!(file.content(raw).len(), file.size, "{file:?}");
        if let Some(name) = &file.filename {
            is_only_a_name(name);
        }
    }
}

fn is_only_a_name(name: &str) {
    let odd = |c: char| c.is_control() || ['/', '\\'].contains(&c);
    assert!(!name.is_empty() && name.len() <= 150 && !name.contains(odd), "{name:?}");
    assert!(!name.starts_with('.'), "{name:?}");
}

fn is_on_one_line(address: &Address) {
    let odd = |text: &str| text.chars().any(char::is_control);
    assert!(!odd(&address.email) && !address.name.as_deref().is_some_and(odd), "{address:?}");
    if address.is_usable() {
        assert!(!address.email.contains(char::is_whitespace), "{address:?}");
    }
}

fn ours() -> Own {
    Own {
        mailboxes: vec!["sac@loja.com.br".to_owned()],
        loop_header: Some("x-atende-loop".to_owned()),
        lists: vec!["equipe.loja.com.br".to_owned()],
        authserv_ids: vec!["mx.loja.com.br".to_owned()],
    }
}

/// The words of a mail, as text and as HTML.
pub(crate) fn quote(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    strip(&text);
    strip(&html::to_text(&text));
}

/// Takes off what a text repeats, and checks what is left of it.
fn strip(text: &str) -> String {
    let left = quote::strip(text);
    // A quoted line above its answer gets a space behind its mark, and one that is cut its three dots.
    let marks = text.lines().filter(|line| line.contains('>')).count();
    let most = text.len() + 4 * marks;
    assert!(left.text.len() <= most, "{} of {}", left.text.len(), text.len());
    assert_eq!(left.text.is_empty(), text.trim().is_empty(), "what was said is gone");
    if !left.quoted_removed && !left.signature_removed {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&left.text), words(text), "taken off without a word");
    }
    for line in left.text.lines().filter(|line| !line.starts_with("> ")) {
        assert!(text.contains(line.trim()), "nobody wrote {line:?}");
    }
    left.text
}

/// What stands before the first empty line, and behind it; without one, all is both.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    end.map_or((bytes, bytes), |end| (&bytes[..end], &bytes[end + 2..]))
}
