//! What ties a reply to the mail that it answers: subject and ids (RFC 5322 §3.6.4).

use super::address::{cut, one_line};

/// Most ids in References; who answers the thirtieth mail of a thread needs no more.
const MAX_REFERENCES: usize = 30;
/// Most bytes of References, so that no line or header becomes too long on its way.
const MAX_REFERENCES_BYTES: usize = 900;
/// Longest id that is taken over.
const MAX_ID: usize = 250;
/// Most characters of a subject.
const MAX_SUBJECT: usize = 900;
/// What mail programs put before the subject of an answer, in the languages of those that reach a Brazilian business.
const ANSWER_PREFIXES: &[&str] =
    &["re", "res", "resp", "aw", "antw", "sv", "vs", "rif", "odp", "ynt", "resposta"];

/// The mail that is answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parent<'a> {
    /// Its Message-ID, with or without angle brackets.
    pub message_id: &'a str,
    /// Its References in their order; its In-Reply-To where it has none.
    pub references: &'a [String],
}

/// Returns an id without its angle brackets if it may stand in a header as it is. Anything else would be encoded, and
/// an encoded id matches nothing.
pub(super) fn valid_id(text: &str) -> Option<&str> {
    let text = text.trim();
    let id = text.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(text);
    let (left, right) = id.rsplit_once('@')?;
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && !b"<>".contains(&b))
    };
    (plain(left) && plain(right) && id.len() <= MAX_ID).then_some(id)
}

/// Returns the ids of References: the first of the thread, then the latest that fit, the parent last.
pub(super) fn references<'a>(parent: &Parent<'a>) -> Vec<&'a str> {
    let mut ids: Vec<&str> = Vec::new();
    let all = parent.references.iter().map(String::as_str).chain([parent.message_id]);
    for id in all.filter_map(valid_id) {
        // The last place of an id counts: the parent ends the list even where it stands in it already.
        ids.retain(|other| *other != id);
        ids.push(id);
    }
    let Some((first, rest)) = ids.split_first() else { return ids };
    let size = |id: &str| id.len() + "<> ".len();
    let mut room = MAX_REFERENCES_BYTES.saturating_sub(size(first));
    let mut kept: Vec<&str> = Vec::new();
    for id in rest.iter().rev().take(MAX_REFERENCES - 1) {
        let Some(left) = room.checked_sub(size(id)) else { break };
        room = left;
        kept.push(id);
    }
    kept.push(first);
    kept.reverse();
    kept
}

/// Returns the subject of a reply: that of the ticket with one mark of an answer, the one it has already if any.
pub(super) fn reply_subject(subject: &str) -> String {
    let subject = one_line(subject);
    let (mut first, mut rest) = ("Re:", subject.as_str());
    let mut found = false;
    while let Some((prefix, tail)) = split_prefix(rest) {
        if !found {
            first = prefix;
            found = true;
        }
        rest = tail;
    }
    cut(format!("{first} {rest}").trim_end(), MAX_SUBJECT)
}

/// Returns the subject of a mail that answers none.
pub(super) fn fresh_subject(subject: &str) -> String {
    cut(&one_line(subject), MAX_SUBJECT)
}

/// Splits off `Re:`, also in the forms `Re[2]:`, `RE (3) :` and with the wide colon.
fn split_prefix(subject: &str) -> Option<(&str, &str)> {
    let (at, colon) = subject.char_indices().find(|(_, c)| matches!(c, ':' | '：'))?;
    let end = at + colon.len_utf8();
    let word = subject.get(..at)?.trim_end();
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || "[]()^ ".contains(c));
    let known = ANSWER_PREFIXES.iter().any(|prefix| prefix.eq_ignore_ascii_case(word));
    known.then_some((subject.get(..end)?, subject.get(end..)?.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_marked_once() {
        for (subject, expected) in [
            ("Pedido atrasado", "Re: Pedido atrasado"),
            ("Re: Pedido", "Re: Pedido"),
            ("RE: Pedido", "RE: Pedido"),
            ("RES: Pedido", "RES: Pedido"),
            ("Res: Pedido", "Res: Pedido"),
            ("AW: Bestellung", "AW: Bestellung"),
            ("Re: RES: Re: Pedido", "Re: Pedido"),
            ("Re[2]: Pedido", "Re[2]: Pedido"),
            ("re：Pedido", "re： Pedido"),
            ("ENC: Pedido", "Re: ENC: Pedido"),
            ("Ressarcimento: valor", "Re: Ressarcimento: valor"),
            ("", "Re:"),
            ("Re:", "Re:"),
            ("oi\r\nBcc: eve@x.example", "Re: oi Bcc: eve@x.example"),
        ] {
            assert_eq!(reply_subject(subject), expected, "{subject:?}");
        }
        assert_eq!(reply_subject(&"a".repeat(2_000)).chars().count(), MAX_SUBJECT);
    }

    #[test]
    fn only_ids_that_match_something_are_taken_over() {
        for (text, expected) in [
            ("<a@x>", Some("a@x")),
            ("a@x", Some("a@x")),
            (" <CAF+1.2:3=_z@mail.gmail.com> ", Some("CAF+1.2:3=_z@mail.gmail.com")),
            ("<\"a@b\"@[1.2.3.4]>", Some("\"a@b\"@[1.2.3.4]")),
            ("", None),
            ("<>", None),
            ("<a>", None),
            ("<@x>", None),
            ("<a@>", None),
            ("<a b@x>", None),
            ("<a@x> <b@x>", None),
            ("<a@x>\r\nBcc: eve@x.example", None),
            ("<é@x>", None),
        ] {
            assert_eq!(valid_id(text), expected, "{text:?}");
        }
        assert_eq!(valid_id(&format!("{}@x", "a".repeat(300))), None);
    }

    #[test]
    fn references_keep_the_first_and_the_last() {
        let of = |ids: &[String], parent: &str| {
            references(&Parent { message_id: parent, references: ids })
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let ids = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert_eq!(of(&ids(&["<a@x>", "no id", "b@x"]), "<c@x>"), ["a@x", "b@x", "c@x"]);
        assert_eq!(of(&ids(&["a@x", "c@x", "b@x"]), "c@x"), ["a@x", "b@x", "c@x"]);
        assert_eq!(of(&ids(&["a@x"]), "broken"), ["a@x"]);
        assert!(of(&[], "").is_empty());

        let many: Vec<String> = (0..100).map(|n| format!("{n}@x")).collect();
        let kept = of(&many, "parent@x");
        assert_eq!(kept.len(), MAX_REFERENCES);
        assert_eq!((kept[0].as_str(), kept[1].as_str()), ("0@x", "72@x"));
        assert_eq!(kept.last().unwrap(), "parent@x");

        let long: Vec<String> = (0..20).map(|n| format!("{n}{}@x", "a".repeat(90))).collect();
        let kept = of(&long, "parent@x");
        let bytes: usize = kept.iter().map(|id| id.len() + 3).sum();
        assert!(bytes <= MAX_REFERENCES_BYTES && kept.len() > 5, "{bytes}");
        assert_eq!((&kept[0], kept.last().unwrap().as_str()), (&long[0], "parent@x"));
    }
}
