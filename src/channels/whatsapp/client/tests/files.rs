use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::server::{
    NUMBER, Server, Step, TOKEN, answer, answer_with, client, client_of, hasty, settings,
};
use crate::channels::whatsapp::client::{CloudClient, Doubt, Fault, MediaInfo};
use crate::channels::whatsapp::payload::Media;
use crate::domain::labels::Locale;

const CONTENT: &[u8] = b"%PDF-1.7 \xff\x00 nota";

fn told(url: &str, size: usize, sum: &str) -> Step {
    let body = format!(
        r#"{{"messaging_product":"whatsapp","url":"{url}","mime_type":"application/pdf","sha256":"{sum}","file_size":"{size}","id":"7"}}"#
    );
    Step::Answer(answer(200, body))
}

fn sum() -> String {
    hex::encode(Sha256::digest(CONTENT))
}

/// A server that first tells of the file and then does as it is told.
async fn server_of(size: usize, sum: &str, steps: impl IntoIterator<Item = Step>) -> Server {
    let server = Server::with([]).await;
    server.then(told(&format!("{}/file?hash=secret", server.url()), size, sum));
    for step in steps {
        server.then(step);
    }
    server
}

async fn fetched(
    server: &Server,
    client: &CloudClient,
    max: u64,
) -> (Result<bool, Fault>, Vec<u8>) {
    let mut file = Vec::new();
    let end = server
        .during(async {
            let info = client.media_info("7").await?;
            client.download(&info, max, &mut file).await
        })
        .await;
    (end.map(|came| came.checked), file)
}

#[tokio::test]
async fn a_file_is_asked_for_fetched_and_checked() {
    let server = server_of(CONTENT.len(), &sum(), [Step::Answer(answer(200, CONTENT))]).await;
    let (end, file) = fetched(&server, &client(&server), 100).await;
    assert!(matches!(end, Ok(true)), "{end:?}");
    assert_eq!(file, CONTENT);
    let seen = server.seen();
    assert_eq!(seen[0].line(), "GET /v25.0/7 HTTP/1.1");
    assert_eq!(seen[1].line(), "GET /file?hash=secret HTTP/1.1");
    let bearer = format!("Bearer {TOKEN}");
    assert!(seen.iter().all(|seen| seen.header("authorization") == Some(&bearer)));
    assert!(seen.iter().all(|seen| seen.header("user-agent").is_some()));
}

#[tokio::test]
async fn what_is_known_of_a_file_shows_no_address() {
    let server = server_of(5, &sum(), []).await;
    let info = server.during(client(&server).media_info("7")).await.unwrap();
    assert_eq!((info.size, info.mime.as_deref()), (Some(5), Some("application/pdf")));
    assert!(!format!("{info:?}").contains("secret"), "{info:?}");
}

#[tokio::test]
async fn a_file_that_is_too_large_or_not_the_one_announced_is_refused() {
    let size = CONTENT.len();
    let body = || Step::Answer(answer(200, CONTENT));
    let chunked = Step::HangUp(
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n",
            &[b'a'; 20][..],
            b"\r\n14\r\n",
            &[b'a'; 20][..],
            b"\r\n0\r\n\r\n",
        ]
        .concat(),
    );
    let other = hex::encode(Sha256::digest(b"another"));
    for (name, size, sum, step, expected, asked) in [
        ("announced", 31, sum(), None, "TooLarge", 1),
        (
            "told by its length",
            30,
            sum(),
            Some(Step::Answer(answer(200, [b'a'; 40]))),
            "TooLarge",
            2,
        ),
        ("counted", 30, sum(), Some(chunked), "TooLarge", 2),
        ("other content", size, other, Some(body()), "Damaged", 2),
        ("other size", size - 1, sum(), Some(body()), "Damaged", 2),
    ] {
        let server = server_of(size, &sum, step).await;
        let (end, file) = fetched(&server, &client(&server), 30).await;
        let fault = end.unwrap_err();
        assert!(format!("{fault:?}").starts_with(expected), "{name}: {fault:?}");
        assert!(file.len() <= 30, "{name}");
        assert_eq!(server.seen().len(), asked, "{name}");
        assert_ne!(fault.told(Locale::En), fault.told(Locale::PtBr), "{name}");
    }
}

#[tokio::test]
async fn without_a_sum_a_file_is_taken_and_said_to_be_unchecked() {
    let server = server_of(CONTENT.len(), "", [Step::Answer(answer(200, CONTENT))]).await;
    let (end, _) = fetched(&server, &client(&server), 100).await;
    assert!(matches!(end, Ok(false)), "{end:?}");
}

#[tokio::test]
async fn a_file_must_also_be_the_one_that_its_message_promised() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let promised = |content: &[u8]| STANDARD.encode(Sha256::digest(content));
    for (promised, fits) in [
        (Some(promised(CONTENT)), true),
        (Some(promised(b"another")), false),
        (Some("no sum".to_owned()), true),
        (None, true),
    ] {
        let server = server_of(CONTENT.len(), &sum(), [Step::Answer(answer(200, CONTENT))]).await;
        let client = client(&server);
        let mut file = Vec::new();
        let end = server.during(client.fetch_media("7", promised.as_deref(), 100, &mut file)).await;
        match end {
            Ok(came) => assert!(
                fits && came.sha256[..] == Sha256::digest(CONTENT)[..],
                "{promised:?}: {came:?}"
            ),
            Err(fault) => assert!(!fits && matches!(fault, Fault::Damaged), "{promised:?}"),
        }
    }
}

#[tokio::test]
async fn an_address_that_has_expired_is_asked_for_anew_once() {
    for status in [401, 404, 410] {
        let gone = || Step::Answer(answer(status, ""));
        let server = server_of(CONTENT.len(), &sum(), [gone()]).await;
        server.then(told(&format!("{}/fresh", server.url()), CONTENT.len(), &sum()));
        server.then(Step::Answer(answer(200, CONTENT)));
        let (end, file) = fetched(&server, &client(&server), 100).await;
        assert!(end.is_ok() && file == CONTENT, "{status}: {end:?}");
        assert_eq!(server.seen()[3].line(), "GET /fresh HTTP/1.1", "{status}");

        let server = server_of(CONTENT.len(), &sum(), [gone()]).await;
        server.then(told(&format!("{}/fresh", server.url()), CONTENT.len(), &sum()));
        server.then(gone());
        let (end, file) = fetched(&server, &client(&server), 100).await;
        assert!(end.is_err() && file.is_empty(), "{status}");
        assert_eq!(server.seen().len(), 4, "{status}: once and no more");
    }
    // Anything else is not asked again.
    for status in [403, 429, 500, 302] {
        let step = Step::Answer(answer_with(status, "Location: /elsewhere\r\n", ""));
        let server = server_of(CONTENT.len(), &sum(), [step]).await;
        let (end, _) = fetched(&server, &client(&server), 100).await;
        let Err(Fault::Refused { status: told, .. }) = end else { panic!("{status}: {end:?}") };
        assert_eq!((told, server.seen().len()), (status, 2));
    }
}

#[tokio::test]
async fn nobody_goes_to_a_foreign_host() {
    let foreign = Server::with([]).await;
    let port = foreign.url().rsplit(':').next().unwrap().to_owned();
    let address = foreign.url().trim_start_matches("http://").parse().unwrap();
    let server = Server::with([]).await;
    let builder = reqwest::Client::builder().no_proxy().resolve("files.test", address);
    let client = CloudClient::with(settings(&server.url()), builder).unwrap();
    for host in [
        format!("files.test:{port}"),
        format!("lookaside.fbsbx.com@files.test:{port}"),
        "files.test".to_owned(),
    ] {
        server.then(told(&format!("http://{host}/x"), 5, &sum()));
        let (end, _) = foreign.during(fetched(&server, &client, 100)).await;
        let Err(fault @ Fault::ForeignHost(_)) = end else { panic!("{host}: {end:?}") };
        assert!(fault.to_string().contains("files.test"), "{fault}");
    }
    assert_eq!(foreign.connections(), 0);
}

#[tokio::test]
async fn a_redirect_of_a_file_takes_no_token_along() {
    let other = Server::with([]).await;
    let headers = format!("Location: {}/x\r\n", other.url());
    let server = server_of(5, &sum(), [Step::Answer(answer_with(302, &headers, ""))]).await;
    let (end, _) = other.during(fetched(&server, &client(&server), 100)).await;
    assert!(matches!(end, Err(Fault::Refused { status: 302, .. })), "{end:?}");
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_file_that_breaks_off_or_stalls_ends_in_time() {
    let start = |rest: &[u8]| [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", rest].concat();
    for (name, step, expected) in [
        ("reset", Step::Reset, Doubt::Broken),
        ("cut off", Step::HangUp(start(b"abc")), Doubt::CutOff),
        ("stalled", Step::Stall(start(b"abc")), Doubt::Late),
        ("silent", Step::Stall(vec![]), Doubt::Late),
    ] {
        let server = server_of(100, &sum(), [step]).await;
        let began = Instant::now();
        let (end, _) = fetched(&server, &hasty(&server), 100).await;
        let Err(Fault::Lost(doubt)) = end else { panic!("{name}: {end:?}") };
        assert_eq!(doubt, expected, "{name}");
        assert!(began.elapsed() < Duration::from_secs(10), "{name}");
    }
}

#[tokio::test]
async fn a_file_whose_address_came_with_the_message_needs_no_question() {
    let server = Server::with([Step::Answer(answer(200, CONTENT))]).await;
    let media = Media {
        id: Some("7".to_owned()),
        sha256: Some("AAAA".to_owned()),
        url: Some(format!("{}/direct", server.url())),
        ..Media::default()
    };
    let info = MediaInfo::of(&media).unwrap();
    let mut file = Vec::new();
    let came = server.during(client(&server).download(&info, 100, &mut file)).await.unwrap();
    assert_eq!((came.size, came.checked), (CONTENT.len() as u64, false));
    assert_eq!(hex::encode(came.sha256), sum());
    assert_eq!(server.seen()[0].line(), "GET /direct HTTP/1.1");
    assert_eq!(MediaInfo::of(&Media { url: None, ..media.clone() }), None);
    assert_eq!(MediaInfo::of(&Media { id: None, ..media }), None);
}

/// A disk that is full.
struct Full;

impl tokio::io::AsyncWrite for Full {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Ready(Err(std::io::ErrorKind::StorageFull.into()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_full_disk_is_told_as_such() {
    let server = server_of(CONTENT.len(), &sum(), [Step::Answer(answer(200, CONTENT))]).await;
    let client = client(&server);
    let end = server
        .during(async {
            let info = client.media_info("7").await?;
            client.download(&info, 100, &mut Full).await
        })
        .await;
    assert!(matches!(end, Err(Fault::Local(_))), "{end:?}");
}

#[tokio::test]
async fn a_file_is_handed_over_as_a_form() {
    let server = Server::with([
        Step::Answer(answer(200, r#"{"id":"4490709327384033"}"#)),
        Step::Answer(answer(200, "{}")),
        Step::Answer(answer(400, r#"{"error":{"code":131053,"message":"Media upload error"}}"#)),
    ])
    .await;
    let client = client_of(settings(&format!("{}/graph/", server.url())));
    let upload = async || {
        server.during(client.upload(NUMBER, CONTENT, "application/pdf", "nota ção.pdf")).await
    };
    assert_eq!(upload().await.unwrap(), "4490709327384033");
    assert!(matches!(upload().await, Err(Fault::Unreadable)));
    assert!(matches!(upload().await, Err(Fault::Refused { .. })));
    let seen = server.seen();
    assert_eq!(seen[0].line(), format!("POST /graph/v25.0/{NUMBER}/media HTTP/1.1"));
    let kind = seen[0].header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let expected = [
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\napplication/pdf\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"nota___o.pdf\"\r\n\
             Content-Type: application/pdf\r\n\r\n"
        )
        .as_bytes(),
        CONTENT,
        format!("\r\n--{boundary}--\r\n").as_bytes(),
    ]
    .concat();
    assert_eq!(String::from_utf8_lossy(&seen[0].body), String::from_utf8_lossy(&expected));
    assert!(seen[0].body == expected);
}
