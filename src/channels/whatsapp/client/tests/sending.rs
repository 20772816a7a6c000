use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::server::{NUMBER, Server, Step, TOKEN, answer, answer_with, client, hasty, settings};
use crate::channels::whatsapp::answer::Receipt;
use crate::channels::whatsapp::client::{
    Address, ClientSettings, CloudClient, Doubt, NotSent, Outgoing, Sent, SettingsError, Unreached,
    without,
};
use crate::channels::whatsapp::errors::{Action, Holds};
use crate::domain::labels::Locale;
use crate::domain::secret::Secret;

const ACCEPTED: &str = r#"{"messaging_product":"whatsapp","contacts":[{"input":"+5511987654321","wa_id":"551187654321"}],"messages":[{"id":"wamid.1","message_status":"accepted"}]}"#;

fn ana() -> Address {
    Address::read("5511987654321").unwrap()
}

async fn sent(server: &Server, client: &CloudClient) -> Sent {
    let message = Outgoing::text("olá");
    server.during(client.send(NUMBER, &ana(), &message, "out_1")).await
}

fn error(code: i64) -> String {
    json!({"error": {"message": format!("(#{code}) Sorry"), "type": "OAuthException", "code": code, "error_data": {"messaging_product": "whatsapp", "details": "why"}, "fbtrace_id": "A"}}).to_string()
}

#[tokio::test]
async fn a_message_goes_out_once_with_the_token_and_our_own_id() {
    let server = Server::with([Step::Answer(answer(200, ACCEPTED))]).await;
    let end = sent(&server, &client(&server)).await;
    let receipt = Receipt {
        id: Some("wamid.1".to_owned()),
        wa_id: Some("551187654321".to_owned()),
        user_id: None,
        state: Some("accepted".to_owned()),
    };
    assert_eq!(end, Sent::Accepted(receipt));
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line(), format!("POST /v25.0/{NUMBER}/messages HTTP/1.1"));
    assert_eq!(seen[0].header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    assert!(seen[0].header("user-agent").unwrap().starts_with("atende/"));
    assert_eq!(
        seen[0].json(),
        json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+5511987654321", "type": "text",
            "text": {"preview_url": false, "body": "olá"}, "biz_opaque_callback_data": "out_1"})
    );
}

#[tokio::test]
async fn a_user_id_is_answered_with_the_user_id() {
    let body = r#"{"messaging_product":"whatsapp","contacts":[{"input":"BR.15","user_id":"BR.15"}],"messages":[{"id":"wamid.2"}]}"#;
    let server = Server::with([Step::Answer(answer(200, body))]).await;
    let to = Address::read("BR.15").unwrap();
    let message = Outgoing::text("olá").quoting("wamid.0");
    let end = server.during(client(&server).send(NUMBER, &to, &message, "out_1")).await;
    let Sent::Accepted(receipt) = end else { panic!("{end:?}") };
    assert_eq!((receipt.wa_id, receipt.user_id.as_deref()), (None, Some("BR.15")));
    let body = server.seen()[0].json();
    assert_eq!((body.get("to"), &body["recipient"]), (None, &json!("BR.15")));
    assert_eq!(body["context"], json!({"message_id": "wamid.0"}));
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let retry = |seconds, tries, holds| Action::RetryLater {
        after: Duration::from_secs(seconds),
        tries,
        holds,
    };
    for (status, body, headers, expected) in [
        (400, error(130_429), "", retry(10, 8, Holds::Number)),
        (429, error(130_429), "Retry-After: 42\r\n", retry(42, 8, Holds::Number)),
        (400, error(131_056), "", retry(6, 6, Holds::Person)),
        (429, error(131_056), "Retry-After: 16\r\n", retry(16, 6, Holds::Person)),
        (
            400,
            error(80_007),
            "X-Business-Use-Case-Usage: {\"1\":[{\"type\":\"whatsapp\",\"estimated_time_to_regain_access\":25}]}\r\n",
            retry(1_500, 6, Holds::Number),
        ),
        (429, String::new(), "Retry-After: 5\r\n", retry(5, 6, Holds::Number)),
        (500, error(131_000), "", retry(30, 3, Holds::Number)),
        (503, error(2), "", retry(60, 8, Holds::Number)),
        (400, error(131_047), "", Action::Reengage),
        (200, error(131_047), "", Action::Reengage),
        (401, error(190), "", Action::Reconnect),
        (401, String::new(), "", Action::Reconnect),
        (400, error(131_026), "", Action::Drop),
        (400, error(131_051), "", Action::ToHuman),
        (400, error(100), "Retry-After: 5\r\n", Action::ToHuman),
        (302, String::new(), "Location: /elsewhere\r\n", Action::ToHuman),
        (400, "<html>".to_owned(), "", Action::ToHuman),
    ] {
        let server = Server::with([Step::Answer(answer_with(status, headers, &body))]).await;
        let end = sent(&server, &client(&server)).await;
        let Sent::Refused { error, action } = end else { panic!("{status} {body}: {end:?}") };
        assert_eq!(action, expected, "{status} {body}");
        let told = error.code.is_some() || error.title == Some(format!("HTTP {status}"));
        assert!(told, "{status} {body}: {error:?}");
        assert_eq!(server.seen().len(), 1, "{status} {body}");
    }
}

#[tokio::test]
async fn what_may_have_left_is_told_from_what_did_not() {
    let start = |length: usize| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{ACCEPTED}").into_bytes()
    };
    let huge = answer(200, format!("{ACCEPTED}{}", " ".repeat(300_000)));
    let cut = |status: u16| {
        let mut bytes = answer(status, error(131_026));
        bytes.truncate(bytes.len() - 9);
        bytes
    };
    let server_error = |status, code| Doubt::Server { status, code };
    for (name, step, expected) in [
        ("no word", Step::Reset, Doubt::Broken),
        ("hung up", Step::HangUp(vec![]), Doubt::Broken),
        ("half a head", Step::HangUp(b"HTTP/1.1 20".to_vec()), Doubt::Broken),
        ("no HTTP", Step::HangUp(b"SSH-2.0-x\r\n".to_vec()), Doubt::Broken),
        ("silence", Step::Stall(vec![]), Doubt::Late),
        ("half a head, then silence", Step::Stall(b"HTTP/1.1 200 OK\r\nX".to_vec()), Doubt::Late),
        ("cut off", Step::HangUp(start(ACCEPTED.len() + 1)), Doubt::CutOff),
        ("never ends", Step::Stall(start(ACCEPTED.len() + 1)), Doubt::CutOff),
        ("beyond all measure", Step::HangUp(huge), Doubt::CutOff),
        ("no id", Step::Answer(answer(200, "{}")), Doubt::NoId),
        ("somebody else", Step::Answer(answer(200, "<html>welcome</html>")), Doubt::NoId),
        (
            "a gateway",
            Step::Answer(answer(502, "<html>bad gateway</html>")),
            server_error(502, None),
        ),
        ("nothing", Step::Answer(answer(500, "")), server_error(500, None)),
        ("an unknown code", Step::Answer(answer(503, error(5))), server_error(503, Some(5))),
        ("too slow", Step::Answer(answer(408, "")), server_error(408, None)),
        ("cut off failure", Step::HangUp(cut(500)), server_error(500, None)),
    ] {
        let server = Server::with([step]).await;
        let began = Instant::now();
        assert_eq!(sent(&server, &hasty(&server)).await, Sent::Unknown(expected), "{name}");
        assert!(began.elapsed() < Duration::from_secs(10), "{name}");
        assert_eq!(server.seen().len(), 1, "{name}: nothing is sent twice");
        for locale in Locale::ALL {
            assert!(!expected.told(*locale).is_empty(), "{name}");
        }
    }
    // A refusal is one by its status, whatever became of its words.
    let server = Server::with([Step::HangUp(cut(400))]).await;
    let end = sent(&server, &hasty(&server)).await;
    assert!(matches!(end, Sent::Refused { action: Action::ToHuman, .. }), "{end:?}");
}

struct NoNames;

impl Resolve for NoNames {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err::<Addrs, _>("no such name".into()) })
    }
}

#[tokio::test]
async fn without_a_connection_nothing_has_left() {
    let message = Outgoing::text("olá");
    let attempt = async |settings, builder: reqwest::ClientBuilder| {
        let client = CloudClient::with(settings, builder.no_proxy()).unwrap();
        client.send(NUMBER, &ana(), &message, "out_1").await
    };
    let builder = reqwest::Client::builder;
    let unreached = |why| Sent::NotSent(NotSent::Unreached(why));

    let closed: SocketAddr =
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let end = attempt(settings(&format!("http://{closed}")), builder()).await;
    assert_eq!(end, unreached(Unreached::Connection), "nobody listens");

    let named = settings("https://graph.test");
    let end = attempt(named, builder().dns_resolver(NoNames)).await;
    assert_eq!(end, unreached(Unreached::Name), "nobody has that name");

    // Nobody takes the connection up, so its encryption never begins.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let short = ClientSettings { timeout: Duration::from_millis(400), ..settings(&url) };
    assert_eq!(attempt(short, builder()).await, unreached(Unreached::Late), "nobody answers");

    // What comes back is no encryption.
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", plain.local_addr().unwrap());
    let talk = async {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    };
    let (end, ()) = tokio::join!(attempt(settings(&url), builder()), talk);
    assert_eq!(end, unreached(Unreached::Connection), "no encryption");
    for why in [Unreached::Name, Unreached::Late, Unreached::Connection, Unreached::Call] {
        assert_ne!(why.told(Locale::En), why.told(Locale::PtBr));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_token_along() {
    let other = Server::with([]).await;
    for status in [301, 302, 303, 307, 308] {
        let headers = format!("Location: {}/v25.0/{NUMBER}/messages\r\n", other.url());
        let server = Server::with([Step::Answer(answer_with(status, &headers, ""))]).await;
        let end = other.during(sent(&server, &client(&server))).await;
        assert!(matches!(end, Sent::Refused { .. }), "{status}: {end:?}");
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_connection_that_ended_while_idle_costs_no_message() {
    let server = Server::with([]).await;
    let client = client(&server);
    for _ in 0..5 {
        server.then(Step::HangUp(answer(200, ACCEPTED)));
        let end = sent(&server, &client).await;
        assert!(matches!(end, Sent::Accepted(_)), "{end:?}");
        // The end of the connection arrives before the next message leaves.
        server.during(tokio::time::sleep(Duration::from_millis(50))).await;
    }
    assert_eq!((server.seen().len(), server.connections()), (5, 5));
    // One that is kept open is used again.
    for _ in 0..3 {
        server.then(Step::Answer(answer(200, ACCEPTED)));
    }
    server
        .during(async {
            for _ in 0..3 {
                client.send(NUMBER, &ana(), &Outgoing::text("olá"), "out_1").await;
            }
        })
        .await;
    assert_eq!((server.seen().len(), server.connections()), (8, 6));
}

#[tokio::test]
async fn a_message_is_marked_as_read_with_and_without_typing() {
    let server = Server::with([
        Step::Answer(answer(200, r#"{"success":true}"#)),
        Step::Answer(answer(200, r#"{"success":true}"#)),
        Step::Answer(answer(400, error(131_009))),
        Step::Reset,
    ])
    .await;
    let client = client(&server);
    let mark = async |typing| server.during(client.mark_read(NUMBER, "wamid.1", typing)).await;
    assert!(mark(false).await.is_none());
    assert!(mark(true).await.is_none());
    let refused = mark(true).await.unwrap();
    assert!(refused.to_string().contains("131009"), "{refused}");
    assert!(mark(true).await.is_some());
    let seen = server.seen();
    let read = json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"});
    assert_eq!(seen[0].json(), read);
    let mut typing = read;
    typing["typing_indicator"] = json!({"type": "text"});
    assert_eq!(seen[1].json(), typing);
    assert_eq!(seen.len(), 4);
    for message in ["", "wamid.1\n", &"w".repeat(257)] {
        assert!(client.mark_read(NUMBER, message, false).await.is_some(), "{message}");
    }
    assert!(client.mark_read("../1", "wamid.1", false).await.is_some());
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn the_token_is_never_repeated() {
    let quoted = |words: &str| {
        let body = json!({"error": {"message": words, "type": words, "code": 190, "error_data": {"details": words}}});
        Step::Answer(answer(401, body.to_string()))
    };
    let words = format!(
        "Malformed access token {TOKEN}, near \"{}\" (see {}).",
        TOKEN.split_at(12).0,
        TOKEN.split_at(20).1
    );
    let server =
        Server::with([quoted(&words), quoted(&words), quoted(&words), quoted(&words)]).await;
    let client = client(&server);
    let mut shown = vec![format!("{client:?}"), format!("{:?}", settings("http://localhost"))];
    shown.push(format!("{:?}", sent(&server, &client).await));
    let fault = server.during(client.mark_read(NUMBER, "wamid.1", false)).await.unwrap();
    shown.extend([format!("{fault:?}"), fault.told(Locale::PtBr), fault.to_string()]);
    let fault = server.during(client.check(NUMBER)).await.unwrap_err();
    shown.extend([format!("{fault:?}"), fault.told(Locale::PtBr)]);
    let fault = server.during(client.media_info("7")).await.unwrap_err();
    shown.extend([format!("{fault:?}"), fault.told(Locale::PtBr)]);
    for text in &shown {
        let pieces: Vec<&[u8]> = TOKEN.as_bytes().windows(8).collect();
        assert!(text.as_bytes().windows(8).all(|piece| !pieces.contains(&piece)), "{text}");
    }
    assert!(shown[2].contains("Malformed access token ********, near"), "{}", shown[2]);
    assert!(server.seen().iter().all(|seen| !seen.line().contains("EAA")));
}

#[test]
fn only_what_is_of_the_token_is_taken_out() {
    for (text, expected) in [
        ("nothing to see", "nothing to see"),
        ("abcdefgh1234", "********"),
        ("x abcdefgh1234.", "x ********."),
        ("é abcdefgh é", "é ******** é"),
        ("abcdefg", "abcdefg"),
        ("abcdefgh1234abcdefgh1234", "****************"),
        ("", ""),
        ("(efgh1234)", "(********)"),
        ("ção👍", "ção👍"),
    ] {
        assert_eq!(without("abcdefgh1234", text), expected, "{text}");
    }
}

#[test]
fn settings_that_would_lose_the_token_make_no_client() {
    let with = |change: fn(&mut ClientSettings)| {
        let mut settings = settings("https://graph.facebook.com");
        change(&mut settings);
        CloudClient::new(settings)
    };
    assert!(with(|_| ()).is_ok());
    assert!(with(|s| s.base_url = "https://gateway.example/graph/".to_owned()).is_ok());
    for url in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "http://127.9.9.9"] {
        let mut settings = settings(url);
        settings.version = "v26.0".to_owned();
        assert!(CloudClient::new(settings).is_ok(), "{url}");
    }
    for url in ["http://graph.facebook.com", "http://localhost.example", "http://0.0.0.0"] {
        let made = CloudClient::new(settings(url));
        assert!(matches!(made, Err(SettingsError::Unencrypted)), "{url}");
    }
    for url in [
        "",
        "graph.facebook.com",
        "ftp://localhost",
        "https://a@b.example",
        "https://b.example?x=1",
        "https://b.example#x",
        "data:x",
    ] {
        let made = CloudClient::new(settings(url));
        assert!(matches!(made, Err(SettingsError::Address)), "{url}");
    }
    for version in ["", "23.0", "v23", "v23.", "v.0", "v25.0/..", "vx.0", "v25.0 "] {
        let mut settings = settings("https://graph.facebook.com");
        settings.version = version.to_owned();
        let made = CloudClient::new(settings);
        assert!(matches!(made, Err(SettingsError::Version)), "{version}");
    }
    for token in ["", "a b", "a\nb", "ção"] {
        let made = CloudClient::new(ClientSettings::new(Secret::new(token)));
        let Err(error @ SettingsError::Token) = made else { panic!("{token:?} is taken") };
        assert_ne!(error.told(Locale::En), error.told(Locale::PtBr));
    }
}
