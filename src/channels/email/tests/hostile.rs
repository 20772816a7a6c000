//! Mail made to break whoever reads it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::{corpus, manifest, say};
use crate::channels::email::inspect::inspected;
use crate::channels::email::kind::{Own, classify};
use crate::channels::email::{parse, thread};
use crate::domain::labels::Locale;

/// Longest that any one mail may take in a build without optimisation.
const PATIENCE: Duration = Duration::from_secs(20);

fn reads_soon(name: &str, raw: &[u8]) {
    let started = Instant::now();
    let line = inspected(raw, Locale::En);
    assert!(line["kind"].is_string(), "{name}");
    if let Ok(mail) = parse::read(raw) {
        assert!(mail.attachments.len() <= 200 && mail.text.len() <= 1024 * 1024, "{name}");
        assert!(mail.html.as_ref().is_none_or(|html| html.len() <= 1024 * 1024), "{name}");
        classify(&mail, &Own::default());
        thread::keys(&mail, b"key");
    }
    say(&format!("{name}: {:?}", started.elapsed()));
    assert!(started.elapsed() < PATIENCE, "{name} took {:?}", started.elapsed());
}

#[test]
fn nesting_of_any_depth_is_bounded() {
    let mut multiparts = String::from("Subject: x\n");
    for depth in 0..10_000 {
        write!(multiparts, "Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n")
            .unwrap();
    }
    reads_soon("10 000 nested parts", multiparts.as_bytes());
    let nested = format!("Subject: x\n{}", "Content-Type: message/rfc822\n\n".repeat(10_000));
    reads_soon("10 000 nested mails", nested.as_bytes());
    let digests = format!(
        "Subject: x\n{}",
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\n".repeat(10_000)
    );
    reads_soon("10 000 nested digests", digests.as_bytes());
    let flat =
        format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(200_000));
    reads_soon("200 000 parts", flat.as_bytes());
    let mail = parse::read(flat.as_bytes()).unwrap();
    assert!(mail.truncated);
    let files = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\nContent-Type: application/pdf\n\nx\n".repeat(1000)
    );
    assert_eq!(parse::read(files.as_bytes()).unwrap().attachments.len(), 200);
}

#[test]
fn size_of_any_kind_is_bounded() {
    let size = 2 * 1024 * 1024;
    for (name, head, piece) in [
        ("one line", "Subject: x\n\n", "a"),
        ("one line of words", "Subject: x\n\n", "oi "),
        ("one line of angle brackets", "Subject: x\n\n", "<"),
        ("lines", "Subject: x\n\n", "> On 1/1/2024 10:00, a@b wrote:\n"),
        ("empty lines", "Subject: x\n\n", "\n"),
        ("quote signs", "Subject: x\n\noi\n", ">"),
        ("quote signs on lines", "Subject: x\n\noi\n", ">>>>>>>>>> a\nb\n"),
        ("html quotes", "Content-Type: text/html\n\n", "<blockquote>x"),
        ("unclosed html", "Content-Type: text/html\n\n", "<b>x<p>"),
        (
            "hidden html",
            "Content-Type: text/html\n\n",
            "<p style='color:#fff;d\\69splay:/**/none'>x",
        ),
        ("html comments", "Content-Type: text/html\n\n<style>", "/*{@a{"),
        ("one html line", "Content-Type: text/html\n\n", "a"),
        ("html tags", "Content-Type: text/html\n\n", "<div><p>"),
        ("html attributes", "Content-Type: text/html\n\n<p ", "a=b "),
        ("html tables", "Content-Type: text/html\n\n", "<table><tr><td>x"),
        ("html styles", "Content-Type: text/html\n\n<style>", ".a{display:none}"),
        ("html links", "Content-Type: text/html\n\n", "<a href=http://x>y</a>"),
        ("html entities", "Content-Type: text/html\n\n", "&amp;&#0;&bogus;"),
        ("NULs", "Subject: x\n\n", "\0"),
        ("header fold", "Subject: x\n", " folded\n"),
        ("headers", "Subject: x\n", "A: b\n"),
        ("one header", "Subject: ", "=?utf-8?B?b2k=?= "),
        ("addresses", "To: ", "a@b, "),
        ("groups", "To: ", "g: a@b; "),
        ("comments", "From: ", "("),
        ("ids", "References: ", "<a@b> "),
        ("date", "Date: ", "1 "),
        ("parameters", "Content-Type: text/plain; ", "a*0*=utf-8''b; "),
        ("quoted-printable", "Content-Transfer-Encoding: quoted-printable\n\n", "=3D="),
        ("base64", "Content-Transfer-Encoding: base64\n\n", "YWJj"),
        (
            "delivery status",
            "Content-Type: message/delivery-status\n\n",
            "Final-Recipient: x@y\n\n",
        ),
        ("results", "From: a@b\nAuthentication-Results: x", "; spf=pass (("),
        ("bounce", "From: mailer-daemon@x\nSubject: failure notice\n\n", "<a@b>: 5.1.1\n"),
    ] {
        let raw = format!("{head}{}", piece.repeat(size / piece.len()));
        reads_soon(name, raw.as_bytes());
    }
}

#[test]
fn a_mail_of_the_largest_size_is_read_and_its_file_comes_out_whole() {
    let head = "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\noi\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let line = format!("{}\r\n", "JVBERi0x".repeat(9));
    let count = 25 * 1024 * 1024 / line.len();
    let raw = format!("{head}{}--b--\r\n", line.repeat(count));
    reads_soon("25 MiB", raw.as_bytes());
    let mail = parse::read(raw.as_bytes()).unwrap();
    let [file] = mail.attachments.as_slice() else { panic!("{:?}", mail.attachments) };
    assert_eq!((file.size, file.sniffed), (count * 54, Some("application/pdf")));
    assert_eq!(file.content(raw.as_bytes()).len(), file.size);
    assert_eq!(inspected(&vec![b'a'; parse::MAX_RAW + 1], Locale::En)["kind"], "error");
}

#[test]
fn broken_bytes_are_read_as_far_as_they_go() {
    for raw in [
        &b"Subject: \xff\xfe\xc3(\n\n\xff\xfe\xc3("[..],
        b"Subject: =?utf-8?B?////?=\n\nx",
        b"Subject: =?utf-8?Q?=C3?= =?utf-8?Q?=A3?=\n\nx",
        b"Subject: =?x?y?z?= =?=?=\n\nx",
        b"From: <<<>>>,,;;@@\nTo: \"\\\"\n\nx",
        b"Content-Type: ;;;===\"\n\nx",
        b"Content-Type: multipart/mixed; boundary=\"\n\n--\n--\"\n\nx",
        b"Content-Type: multipart/mixed; boundary=\"\"\n\n----\n\nx",
        b"Date: 99 Foo 99999999999999999999 99:99:99 +9999\n\nx",
        b"Date: Wed, 31 Feb 65535 24:60:61 -9999\n\nx",
        b"Subject: x\nContent-Transfer-Encoding: base64\n\n====\x80\xff=",
        b"A:\n B\nSubject: x\n\n",
        b":\n:\nSubject: x\n\n",
        b"Subject: a\n\tBcc: victim@x\n\nx",
        b"Message-ID: <\n >\nReferences: <<<a>>> >\n\nx",
    ] {
        let line = inspected(raw, Locale::En);
        assert_ne!(line["kind"], "error", "{raw:?}");
    }
    let folded = parse::read(b"Subject: a\n\tBcc: victim@x\nTo: b@y\n\nx").unwrap();
    assert_eq!(folded.subject, "a Bcc: victim@x");
    assert!(!folded.headers.has("bcc"));
}

/// A small generator (xorshift64*), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

fn mutate(raw: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    const PIECES: &[&[u8]] = &[
        b"\n\n",
        b"--",
        b"=?utf-8?B?",
        b"?=",
        b"<",
        b">",
        b"@",
        b"\0",
        b"\xff\xc3",
        b"multipart/mixed; boundary=x",
        b"message/rfc822",
        b"text/html",
        b"base64",
        b"<blockquote>",
        b"> ",
        b"wrote:",
        b"5.1.1",
        b"utf-16",
        b"iso-2022-jp",
    ];
    let mut out = raw.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(out.len() + 1);
        match random.below(6) {
            0 if at < out.len() => out[at] = u8::try_from(random.below(256)).unwrap(),
            1 => out.truncate(at),
            2 => {
                let end = (at + random.below(200)).min(out.len());
                out.drain(at..end);
            }
            3 => {
                let piece = PIECES[random.below(PIECES.len())];
                out.splice(at..at, piece.iter().copied());
            }
            4 => {
                let from = random.below(other.len());
                let end = (from + random.below(400)).min(other.len());
                out.splice(at..at, other[from..end].iter().copied());
            }
            _ => {
                let end = (at + random.below(300)).min(out.len());
                let again = out[at..end].to_vec();
                out.splice(at..at, again);
            }
        }
    }
    out
}

#[test]
fn mutated_mail_never_panics_and_never_takes_long() {
    let mut seeds: Vec<Vec<u8>> = vec![
        b"From: Ana <ana@x.com>\nSubject: Re: Pedido\nContent-Type: multipart/alternative; boundary=a\n\n--a\n\nOi\n\nAtt,\nAna\n--a\nContent-Type: text/html\n\n<p>Oi<blockquote>x</blockquote>\n--a--\n".to_vec(),
    ];
    if let Some(corpus) = corpus() {
        let all = manifest(&corpus).into_iter().map(|(_, _, raw)| raw);
        seeds.extend(all.filter(|raw| raw.len() < 20_000));
    }
    let rounds = if seeds.len() > 1 { 20_000 } else { 2000 };
    let mut random = Random(0x5eed_fa11);
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let seed = random.below(seeds.len());
        let other = random.below(seeds.len());
        let raw = mutate(&seeds[seed], &seeds[other], &mut random);
        let started = Instant::now();
        let line = inspected(&raw, Locale::En);
        assert!(line["kind"].is_string(), "round {round}");
        slowest = slowest.max(started.elapsed());
    }
    say(&format!("{rounds} mutations of {} mails, slowest {slowest:?}", seeds.len()));
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}
