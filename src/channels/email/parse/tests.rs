use super::*;

fn mail(raw: &str) -> Mail {
    read(raw.as_bytes()).unwrap()
}

#[test]
fn every_field_is_read() {
    let mail = mail(
        "From root Thu Jan  1\r\nReturn-Path: <ana@x.com>\r\nDelivered-To: sac@loja.com.br\r\nMessage-ID: <1@x>\r\nIn-Reply-To: <0@y>\r\nReferences: <a@y>\r\n <0@y>\r\nDate: Wed, 3 Apr 2024 10:15:00 -0300\r\nFrom: Ana <ana@x.com>\r\nSender: s@x.com\r\nReply-To: r@x.com\r\nTo: SAC <sac@loja.com.br>\r\nCc: c@x.com\r\nSubject: =?utf-8?Q?Devolu=C3=A7=C3=A3o?=\r\nX-Other: 1\r\n\r\noi\r\n",
    );
    assert_eq!(mail.message_id, "1@x");
    assert_eq!(
        (mail.in_reply_to, mail.references),
        (vec!["0@y".into()], vec!["a@y".into(), "0@y".into()])
    );
    assert_eq!(mail.date.unwrap().to_rfc3339(), "2024-04-03T13:15:00+00:00");
    assert_eq!((mail.from.email.as_str(), mail.from.name.as_deref()), ("ana@x.com", Some("Ana")));
    assert_eq!(mail.sender.unwrap().email, "s@x.com");
    assert_eq!(
        (mail.reply_to[0].email.as_str(), mail.cc[0].email.as_str()),
        ("r@x.com", "c@x.com")
    );
    assert_eq!(mail.delivered_to, ["sac@loja.com.br"]);
    assert_eq!(mail.return_path, ReturnPath::Address("ana@x.com".into()));
    assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("Devolução", "oi"));
    assert_eq!(mail.headers.get("x-other"), Some("1"));
    assert!(!mail.html_only && !mail.truncated && !mail.message_id_derived);
}

#[test]
fn the_best_body_is_found_in_every_shape() {
    let alternative = |plain: &str, html: &str| {
        format!(
            "Content-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain\n\n{plain}\n--a\nContent-Type: text/html\n\n{html}\n--a--\n"
        )
    };
    let long = "palavra ".repeat(400);
    for (raw, text, html_only) in [
        ("Subject: x\n\noi".to_owned(), "oi", false),
        ("Content-Type: text/html\n\n<p>oi <b>você</b>".to_owned(), "oi você", true),
        (alternative("oi", "<p>olá</p>"), "oi", false),
        (alternative("  ", "<p>olá</p>"), "olá", true),
        (alternative("Your mail program does not show HTML.", &format!("<p>{long}</p>")), long.trim(), true),
        (format!("Content-Type: multipart/mixed; boundary=m\n\n--m\n{}--m\nContent-Type: image/png; name=a.png\n\nx\n--m\n\nrodapé\n--m--", alternative("oi", "olá")), "oi\n\nrodapé", false),
        ("Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<p>oi\n--r\nContent-Type: image/png\nContent-ID: <i>\n\nx\n--r--".to_owned(), "oi", true),
        ("Content-Type: multipart/mixed; boundary=\"m m\"\n\npreâmbulo\n--m m\n\noi\n--m m--\nepílogo".to_owned(), "oi", false),
        ("Content-Type: multipart/mixed; boundary=m\n\n--m\n\nsem fim".to_owned(), "sem fim", false),
        ("Content-Type: multipart/mixed; boundary=zzz\n\nnenhuma divisa".to_owned(), "nenhuma divisa", false),
        ("Content-Type: multipart/mixed\n\n--achada\n\noi\n--achada--".to_owned(), "oi", false),
        ("Content-Type: text/plain; format=flowed\n\numa linha \nque segue\nfim \n-- \nAna".to_owned(), "uma linha que segue\nfim\n-- \nAna", false),
        ("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nn=E3o".to_owned(), "não", false),
        ("Content-Type: text/plain; charset=gb2312\nContent-Transfer-Encoding: base64\n\nxOO6ww==".to_owned(), "你好", false),
        ("Content-Type: message/rfc822\n\nSubject: dentro\n\ntexto de dentro".to_owned(), "texto de dentro", false),
        ("Content-Type: bogus\n\noi".to_owned(), "oi", false),
        ("Content-Type: text/plain; name=corpo.txt\n\noi".to_owned(), "oi", false),
        ("Content-Type: text/enriched\n\n<bold>oi</bold>".to_owned(), "oi", false),
        ("Content-Type: text/markdown\n\noi".to_owned(), "oi", false),
        ("Content-Type: test/plain\n\noi".to_owned(), "oi", false),
        ("Content-Type: text/csv\n\na;b".to_owned(), "", false),
        ("Content-Type: multipart/mixed; boundary=m\n\n--m\nsem linha vazia\n--m--".to_owned(), "sem linha vazia", false),
        ("Content-Type: multipart/alternative; boundary=m\n\n--m\nContent-Type: text/x-amp-html\n\n<p>x\n--m\nContent-Type: text/html\n\n<p>oi\n--m--".to_owned(), "oi", true),
    ] {
        let mail = mail(&raw);
        assert_eq!((mail.text.as_str(), mail.html_only), (text, html_only), "{raw}");
    }
}

#[test]
fn what_is_attached_is_listed() {
    use AttachmentKind::{Calendar, File, InlineImage, NestedMail, Winmail};
    let part = |headers: &str, body: &str| format!("--m\n{headers}\n\n{body}\n");
    let raw = [
        "Content-Type: multipart/mixed; boundary=m\n\n".to_owned(),
        part("", "oi"),
        part(
            "Content-Type: application/pdf; name=\"=?utf-8?Q?nota_n=C2=BA1.pdf?=\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment",
            "AAECAwQ=",
        ),
        part(
            "Content-Type: image/jpeg\nContent-Disposition: inline; filename=../foto.jpg\nContent-ID: <i1@x>",
            "xx",
        ),
        part("Content-Type: text/calendar; method=request; charset=utf-8", "BEGIN:VCALENDAR"),
        part("Content-Type: message/rfc822", "Subject: Pedido antigo\n\ntexto antigo"),
        part("Content-Type: text/plain; name=log.txt", "linhas"),
        part(
            "Content-Type: text/html\nContent-Disposition: attachment; filename*=utf-8''p%C3%A1gina.html",
            "<p>x",
        ),
        part("Content-Type: application/octet-stream; name=winmail.dat", ""),
        "--m--\n".to_owned(),
    ];
    let mut bytes = raw.concat().into_bytes();
    // The empty winmail.dat gets its content, which is no text.
    let at = bytes.windows(12).rposition(|w| w == b"winmail.dat\n").unwrap() + 13;
    bytes.splice(at..at, winmail_sample());
    let mail = read(&bytes).unwrap();
    assert_eq!(mail.text, "oi", "nested words are not the sender's");
    let found: Vec<_> = mail
        .attachments
        .iter()
        .map(|one| (one.filename.as_deref().unwrap_or(""), one.kind, one.inline))
        .collect();
    assert_eq!(
        found,
        [
            ("nota nº1.pdf", File, false),
            ("foto.jpg", InlineImage, true),
            ("", Calendar, false),
            ("Pedido antigo.eml", NestedMail, false),
            ("log.txt", File, false),
            ("página.html", File, false),
            ("contrato de locação.pdf", File, false),
            ("winmail.dat", Winmail, false),
        ]
    );
    assert_eq!(
        (mail.attachments[0].size, mail.attachments[0].mime.as_str()),
        (5, "application/pdf")
    );
    assert_eq!(mail.attachments[1].content_id.as_deref(), Some("i1@x"));
    assert_eq!(mail.calendar_method.as_deref(), Some("REQUEST"));
}

#[test]
fn an_attachment_gives_its_bytes() {
    let parts = "--m\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=nota.txt\n\nJVBERi0x\nLjc=\n--m\nContent-Type: text/csv; name=a.csv\nContent-Transfer-Encoding: quoted-printable\n\na;n=C3=A3o\nb;=\n1\n--m\nContent-Type: image/png\nContent-Transfer-Encoding: binary\n\n\u{1}\r\u{2}\n--m--\n";
    let multipart = format!("Content-Type: multipart/mixed; boundary=m\n\n{parts}");
    let inner = format!(
        "Subject: fora\nContent-Type: multipart/mixed; boundary=o\n\n--o\n\noi\n--o\n{multipart}--o--\n"
    );
    for raw in [
        multipart.clone(),
        multipart.replace('\n', "\r\n"),
        format!("\n\nFrom ana Thu Jan  1\n{multipart}"),
        format!("\u{feff}{multipart}"),
        inner,
    ] {
        let mail = mail(&raw);
        let found: Vec<_> = mail
            .attachments
            .iter()
            .map(|one| (one.size, one.sniffed, one.content(raw.as_bytes()).into_owned()))
            .collect();
        assert_eq!(
            found,
            [
                (8, Some("application/pdf"), b"%PDF-1.7".to_vec()),
                (10, None, "a;não\nb;1".as_bytes().to_vec()),
                (3, None, b"\x01\r\x02".to_vec()),
            ],
            "{raw}"
        );
    }
    let old = multipart.replace("\u{1}\r\u{2}\n", "12\n").replace('\n', "\r");
    let files = mail(&old).attachments;
    let content: Vec<_> = files.iter().map(|one| one.content(old.as_bytes())).collect();
    assert_eq!(content, [&b"%PDF-1.7"[..], "a;não\nb;1".as_bytes(), b"12"]);
    assert_eq!(files[0].content(b"another mail"), &b""[..]);
}

#[test]
fn a_winmail_speaks_where_the_mail_does_not() {
    let mut raw = b"Content-Type: application/ms-tnef; name=winmail.dat\n\n".to_vec();
    raw.extend(winmail_sample());
    let mail = read(&raw).unwrap();
    assert_eq!(mail.text, "Segue o contrato, João.");
    assert_eq!(mail.attachments.len(), 2);
}

#[test]
fn a_missing_id_is_derived_alike_for_copies() {
    let one = mail("From: a@x\nDate: Wed, 3 Apr 2024 10:15:00 -0300\n\noi");
    let copy = mail(
        "Received: by mx\r\nFrom: a@x\r\nDate: Wed, 3 Apr 2024 10:15:00 -0300\r\nMessage-ID:\r\n\r\noi\r\n",
    );
    let other = mail("From: a@x\nDate: Wed, 3 Apr 2024 10:15:01 -0300\n\noi");
    assert!(one.message_id_derived && one.message_id.ends_with("@derived.invalid"));
    assert_eq!(one.message_id, copy.message_id);
    let lines = mail("From: a@x\n\noi\nfim").message_id;
    assert_eq!(lines, mail("From: a@x\r\n\r\noi\r\nfim\r\n").message_id);
    assert_ne!(one.message_id, other.message_id);
    assert!(mail("Message-ID: <a b>\n\nx").message_id_derived);
}

#[test]
fn what_is_no_mail_says_so() {
    for (raw, expected) in [
        (&b""[..], Unreadable::Empty),
        (b" \r\n\r\n ", Unreadable::Empty),
        (b"just words\nand more", Unreadable::NoHeaders),
        (b"{\"entry\": [\n\"a\": 1", Unreadable::NoHeaders),
        (b"\0\x01\x02\xff\xfe", Unreadable::NoHeaders),
    ] {
        assert_eq!(read(raw), Err(expected), "{raw:?}");
    }
    assert_eq!(read(&vec![b'a'; MAX_RAW + 1]), Err(Unreadable::TooLarge));
    for locale in Locale::ALL {
        assert!(!Unreadable::NoHeaders.text(*locale).is_empty());
    }
    assert_eq!(mail("Subject: only headers").text, "");
    assert_eq!(mail("Subject: cr\rFrom: a@x\r\rcorpo\rdois").text, "corpo\ndois");
}
