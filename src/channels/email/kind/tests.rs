use super::*;
use crate::channels::email::parse;

fn of(headers: &str, body: &str) -> Mail {
    parse::read(format!("{headers}\n\n{body}").as_bytes()).unwrap()
}

fn own() -> Own {
    Own {
        mailboxes: vec!["sac@loja.com.br".to_owned()],
        loop_header: Some("x-atende-loop".to_owned()),
        lists: vec!["sac.loja.com.br".to_owned()],
        authserv_ids: Vec::new(),
    }
}

#[test]
fn headers_decide_what_a_mail_is_and_whether_it_is_answered() {
    const ANA: &str = "From: Ana <ana@x.com>\nTo: sac@loja.com.br\n";
    for (headers, kind, reason) in [
        ("Subject: Pedido", "message", None),
        ("Auto-Submitted: no", "message", None),
        ("Auto-Submitted: auto-replied", "auto_reply", Some(Reason::AutoReply)),
        ("Auto-Submitted: auto-generated; x=y", "auto_reply", Some(Reason::AutoReply)),
        ("Auto-Submitted: auto-notified", "auto_reply", Some(Reason::AutoReply)),
        ("X-Autoreply: yes", "auto_reply", Some(Reason::AutoReply)),
        ("X-Autorespond: x", "auto_reply", Some(Reason::AutoReply)),
        ("X-Autoreply: no", "message", None),
        ("Precedence: auto_reply", "auto_reply", Some(Reason::AutoReply)),
        ("X-Auto-Reply-From: ana@x.com", "auto_reply", Some(Reason::AutoReply)),
        ("Content-Type: multipart/report; report-type=x", "auto_reply", Some(Reason::AutoReply)),
        ("Precedence: junk", "list", Some(Reason::List)),
        ("Precedence: bulk", "list", Some(Reason::List)),
        ("Precedence: list", "list", Some(Reason::List)),
        ("List-Id: <novidades.x.com>", "list", Some(Reason::List)),
        ("List-Unsubscribe: <mailto:u@x.com>", "list", Some(Reason::List)),
        ("X-MLServer: fml [fml 4.0.3 release]", "list", Some(Reason::List)),
        ("X-ML-Name: neko", "list", Some(Reason::List)),
        ("List-Id: SAC <sac.loja.com.br>", "message", None),
        ("Return-Path: <>", "auto_reply", Some(Reason::AutoReply)),
        ("X-Auto-Response-Suppress: All", "message", Some(Reason::Suppressed)),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", "message", Some(Reason::Suppressed)),
        ("X-Auto-Response-Suppress: DR", "message", None),
        ("X-Atende-Loop: 1", "own", Some(Reason::Own)),
        ("Subject: Resposta automática: férias", "auto_reply", Some(Reason::AutoReply)),
        ("Subject: RES: Out of office: Ana", "auto_reply", Some(Reason::AutoReply)),
        ("Content-Type: text/calendar; method=REQUEST", "calendar", Some(Reason::Calendar)),
        ("Authentication-Results: mx; dmarc=fail", "message", Some(Reason::Spoofed)),
        ("Reply-To: sac+x@loja.com.br", "message", Some(Reason::Own)),
        ("Reply-To: nao-responda@x.com", "message", Some(Reason::NoReplyAddress)),
        ("Reply-To: bounces+12-ana=x.com@y.com", "message", Some(Reason::NoReplyAddress)),
        ("Reply-To: bouncer@x.com", "message", None),
    ] {
        let mail = of(&format!("{ANA}{headers}"), "Onde está meu pedido?");
        let found = classify(&mail, &own());
        assert_eq!(found.as_str(), kind, "{headers}");
        assert_eq!(reply_allowed(&mail, &found, &own()).err(), reason, "{headers}");
    }
}

#[test]
fn senders_and_recipients_decide_too() {
    for (headers, kind, reason) in [
        ("From: sac@loja.com.br\nTo: sac@loja.com.br", "own", Some(Reason::Own)),
        ("From: SAC+t.1.a@Loja.com.br\nTo: ana@x.com", "own", Some(Reason::Own)),
        ("From: sac@loja.com.br\nReply-To: ana@x.com\nTo: sac@loja.com.br", "message", None),
        ("From: noreply@site.com\nReply-To: ana@x.com\nTo: sac@loja.com.br", "message", None),
        ("From: no-reply@site.com\nTo: sac@loja.com.br", "message", Some(Reason::NoReplyAddress)),
        (
            "From: naoresponda@x.com.br\nTo: sac@loja.com.br",
            "message",
            Some(Reason::NoReplyAddress),
        ),
        ("From: ana@x.com\nTo: outros@x.com", "message", Some(Reason::NotAddressed)),
        ("From: ana@x.com\nTo: a@b\nCc: SAC <sac+t.1.2@loja.com.br>", "message", None),
        ("Subject: sem remetente\nTo: sac@loja.com.br", "message", Some(Reason::NoAddress)),
        (
            "From: postmaster@x.com\nTo: sac@loja.com.br\nSubject: Bom dia",
            "message",
            Some(Reason::NoReplyAddress),
        ),
        (
            "From: Ana <ana@x.com>\nTo: sac@loja.com.br\nSubject: Mail delivery failed",
            "message",
            None,
        ),
    ] {
        let mail = of(headers, "Onde está meu pedido?");
        let found = classify(&mail, &own());
        assert_eq!(found.as_str(), kind, "{headers}");
        assert_eq!(reply_allowed(&mail, &found, &own()).err(), reason, "{headers}");
    }
    let admin = of(
        "From: System Administrator <joao@x.com>\nTo: sac@loja.com.br\nSubject: Delivery failure",
        "My order was not delivered.",
    );
    assert_eq!(classify(&admin, &own()), Kind::Message);
    let parcel = of(
        "From: no-reply@carrier.com\nTo: sac@loja.com.br\nSubject: Delivery failed",
        "We were unable to deliver your parcel.",
    );
    assert_eq!(classify(&parcel, &own()), Kind::Message);
    assert_eq!(
        reply_allowed(&of("From: a@x.com\nTo: b@y.com", "oi"), &Kind::Message, &Own::default()),
        Ok(())
    );
}

const REPORT: &str = "From: MAILER-DAEMON@mx\nTo: sac@loja.com.br\nSubject: Undelivered Mail\nReturn-Path: <>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b";

fn report(recipient: &str) -> Mail {
    let body = format!(
        "--b\n\nwords\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n{recipient}\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <ours@loja>\nFrom: sac@loja.com.br\n\ntext\n--b--\n"
    );
    of(REPORT, &body)
}

#[test]
fn reports_of_the_standard_are_read() {
    for (recipient, address, status, action, permanent) in [
        (
            "Final-Recipient: rfc822; Ana@X.com\nAction: failed\nStatus: 5.1.1",
            Some("ana@x.com"),
            Some("5.1.1"),
            Action::Failed,
            true,
        ),
        (
            "Final-Recipient: rfc822;<ana@x.com>\nAction: delayed\nStatus: 4.4.1",
            Some("ana@x.com"),
            Some("4.4.1"),
            Action::Delayed,
            false,
        ),
        (
            "Original-Recipient: rfc822;ana@x.com\nAction: failed (gave up)\nStatus: 4.4.7",
            Some("ana@x.com"),
            Some("4.4.7"),
            Action::Failed,
            false,
        ),
        (
            "Final-Recipient: rfc822; ana@x.com\nAction: relayed\nStatus: 2.1.5",
            Some("ana@x.com"),
            Some("2.1.5"),
            Action::Relayed,
            false,
        ),
        (
            "Final-Recipient: rfc822; ana@x.com\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.2.1 <ana@x.com> disabled",
            Some("ana@x.com"),
            Some("5.2.1"),
            Action::Failed,
            true,
        ),
        (
            "Final-Recipient: rfc822; a@x.com\nAction: relayed\n\nFinal-Recipient: rfc822; b@x.com\nAction: failed\nStatus: 5.1.1",
            Some("a@x.com"),
            Some("5.1.1"),
            Action::Failed,
            true,
        ),
    ] {
        let mail = report(recipient);
        let Kind::Bounce(found) = classify(&mail, &own()) else { panic!("{recipient}") };
        assert_eq!(found.recipients.first().map(String::as_str), address, "{recipient}");
        assert_eq!(found.status.as_deref(), status, "{recipient}");
        assert_eq!((found.action, found.permanent), (action, permanent), "{recipient}");
        assert_eq!(found.original_message_id.as_deref(), Some("ours@loja"));
    }
}

#[test]
fn bounces_without_a_standard_are_read_from_their_words() {
    for (headers, body, recipient, status, permanent) in [
        (
            "From: MAILER-DAEMON@mx\nSubject: failure notice",
            "Hi. This is the qmail-send program at mx.\n\n<ana@x.com>:\n550 5.1.1 user unknown\n",
            "ana@x.com",
            Some("5.1.1"),
            true,
        ),
        (
            "From: Mail Delivery System <Mailer-Daemon@mx>\nX-Failed-Recipients: ana@x.com\nSubject: Mail delivery failed",
            "no code here",
            "ana@x.com",
            None,
            false,
        ),
        (
            "From: postmaster@x.com\nSubject: Não foi possível entregar: Pedido\nReturn-Path: <>",
            "O endereço ana@x.com não existe.",
            "ana@x.com",
            None,
            true,
        ),
        (
            "From: postmaster@x.com\nSubject: Falha na entrega\nReturn-Path: <>",
            "Destinatário: ana@x.com\nErro: 452 4.2.2 caixa cheia",
            "ana@x.com",
            Some("4.2.2"),
            false,
        ),
        (
            "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nSubject: Delivery Status Notification (Delay)",
            "Delivery to ana@x.com has been delayed. It will be retried.",
            "ana@x.com",
            None,
            false,
        ),
    ] {
        let mail = of(&format!("{headers}\nTo: sac@loja.com.br"), body);
        let Kind::Bounce(found) = classify(&mail, &own()) else { panic!("{headers}") };
        assert_eq!(found.recipients, [recipient], "{headers}");
        assert_eq!(found.status.as_deref(), status, "{headers}");
        assert_eq!(found.permanent, permanent, "{headers}");
    }
}

#[test]
fn complaints_and_receipts_are_known() {
    let arf = of(
        "From: fbl@x\nContent-Type: multipart/report; report-type=feedback-report; boundary=b",
        "--b\n\nabuse\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--b--",
    );
    assert_eq!(classify(&arf, &own()), Kind::Feedback);
    let receipt = of(
        "From: ana@x\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b",
        "--b\n\nlida\n--b\nContent-Type: message/disposition-notification\n\nDisposition: displayed\n--b--",
    );
    assert_eq!(classify(&receipt, &own()), Kind::AutoReply);
}

#[test]
fn a_body_is_the_same_however_it_is_spaced_and_cased() {
    let same = body_hash("Olá,  estou\nde férias");
    assert_eq!(body_hash("olá, ESTOU de férias \n"), same);
    assert_ne!(body_hash("olá, estou de volta"), same);
    assert_eq!(same.len(), 64);
}

#[test]
fn a_list_that_hands_our_mail_to_nobody_is_a_bounce_and_what_it_hands_on_is_not() {
    let machine =
        "From: neko-admin@lista.example\nTo: sac@loja.com.br\nX-MLServer: fml [fml 4.0.3]\n";
    let ours = "References: <out_1@loja.com.br>\n";
    for (headers, kind) in [
        (format!("{machine}{ours}Subject: You sac@loja.com.br are not member (neko ML)"), "bounce"),
        (format!("{machine}{ours}Subject: Loop Alert: Duplicated Message-ID (neko ML)"), "bounce"),
        (format!("{machine}{ours}Subject: Re: senha"), "list"),
        (format!("{machine}Subject: You are not a member yet: join us"), "list"),
        (
            "From: ana@x.com\nTo: sac@loja.com.br\nReferences: <out_1@loja.com.br>\n\
             Subject: Fwd: Returned mail: see transcript for details"
                .to_owned(),
            "message",
        ),
    ] {
        let mail = of(&headers, "You are not a member of this mailing list <neko@lista.example>.");
        let found = classify(&mail, &own());
        assert_eq!(found.as_str(), kind, "{headers}");
        if let Kind::Bounce(report) = found {
            assert_eq!(report.original_message_id.as_deref(), Some("out_1@loja.com.br"));
        }
    }
}
