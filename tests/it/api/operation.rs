//! The running process: health, metrics, incidents, a graceful end.

use atende::domain::field::Engine;
use atende::ports::chat::{ANSWERED, ModelCall, Purpose, TokenUse};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use super::*;

#[tokio::test]
async fn an_incident_is_declared_updated_and_ended() {
    let api = Api::new().await;
    let post = |path: &str, body: Value| api.call("POST", path).json(body);
    assert_eq!(api.get("/v1/incidents").await.is(200), json!([]));
    let words = json!({"pt-BR": "O envio está lento.", "en": "Sending is slow."});
    let body =
        json!({"kind": "outage", "name": "INC-7", "message": words, "channels": ["whatsapp"]});
    let declared = post("/v1/incidents", body.clone()).await.is(201);
    assert_eq!(declared["active"], true);
    assert_eq!(declared["next_update_at"], "2026-11-20T12:30:00Z", "the policy's 30 minutes");
    assert_eq!(declared["suspend_sla"], true);
    assert_eq!(post("/v1/incidents", body).await.status, 409, "one of a name");
    let stranger = api.token("stranger", Scope::ALL, &other()).await;
    let theirs = api.call_as(&stranger, "GET", "/v1/incidents").send().await.is(200);
    assert_eq!(theirs, json!([]));
    let more = json!({"message": words, "next_update_mins": 10});
    let updated = post("/v1/incidents/INC-7/update", more.clone()).await.is(200);
    assert_eq!(updated["next_update_at"], "2026-11-20T12:10:00Z");
    let ended = post("/v1/incidents/INC-7/end", json!({})).await.is(200);
    assert_eq!(ended["summary"], "Durou 0 minutos. Clientes avisados: 0.");
    assert_eq!(post("/v1/incidents/INC-7/end", json!({})).await.status, 404);
    assert_eq!(post("/v1/incidents/INC-7/update", more).await.status, 404);
    let again = post("/v1/incidents", json!({"kind": "outage"})).await.is(201);
    assert_eq!(again["name"], "outage-20261120T120000Z");
    assert_eq!(api.get("/v1/incidents").await.is(200).as_array().map(Vec::len), Some(2));
    for (body, field) in [
        (json!({}), "kind"),
        (json!({"kind": "outge"}), "kind"),
        (json!({"kind": "outage", "categories": ["nothing"]}), "categories"),
        (json!({"kind": "outage", "channels": ["fax"]}), "channels"),
        (json!({"kind": "outage", "message": {"en": "only"}}), "message.pt-BR"),
        (json!({"kind": "outage", "next_update_mins": 0}), "next_update_mins"),
        (json!({"kind": "outage", "nam": "x"}), "nam"),
    ] {
        let answer = post("/v1/incidents", body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.fields()[0]), (422, field), "{body}");
    }
}

#[tokio::test]
async fn readiness_names_what_does_not_answer() {
    let api = Api::new().await;
    assert_eq!(api.get("/healthz").await.is(200)["status"], "ok");
    assert_eq!(api.get("/readyz").await.is(200), json!({"status": "ready", "not_ready": []}));
    api.readiness.expect("worker", Duration::from_mins(1));
    let answer = api.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, json!({"status": "not_ready", "not_ready": ["worker"]}));
    api.readiness.beat("worker");
    api.get("/readyz").await.is(200);
}

#[tokio::test]
async fn metrics_count_without_telling_of_anybody() {
    let api = Api::new().await;
    let body = json!({"channel": "api", "external_id": "ext-77", "from": {"email": "ana@exemplo.com.br"}, "text": "segredo"});
    api.post("/v1/messages", body.clone()).await.is(202);
    api.post("/v1/messages", body).await.is(202);
    api.post("/v1/messages", json!({})).await.is(422);
    api.get("/v1/whatever/ext-77").await.is(404);
    let path = format!("/v1/tickets/{}", api.drafted(&TenantId::main(), "t-1").await);
    api.get(&path).await.is(200);
    let call = ModelCall {
        purpose: Purpose::Triage,
        rung: Engine::Primary,
        prompt: "triage@0".to_owned(),
        model: "secret-model".to_owned(),
        answered_by: None,
        outcome: ANSWERED.to_owned(),
        tokens: TokenUse::default(),
        cost_micros: 2_000,
        took_ms: 1,
        attempts: 1,
    };
    let (now, tenant) = (api.clock.now(), TenantId::main());
    api.store.note_model_calls(now, &tenant, None, "turn.1", &[call]).await.unwrap();
    let text = api.get("/metrics").await.text;
    for line in [
        "atende_messages_received_total{outcome=\"accepted\"} 1",
        "atende_messages_received_total{outcome=\"duplicate\"} 1",
        "atende_messages_received_total{outcome=\"refused\"} 1",
        "atende_http_requests_total{method=\"POST\",route=\"/v1/messages\",status=\"2xx\"} 2",
        "atende_http_requests_total{method=\"GET\",route=\"unknown\",status=\"4xx\"} 1",
        "atende_http_requests_total{method=\"GET\",route=\"/v1/tickets/{id}\",status=\"2xx\"} 1",
        "atende_http_request_seconds_count{route=\"/v1/messages\"} 3",
        "atende_inbox_backlog 1",
        "atende_tickets{state=\"open\"} 1",
        "atende_model_cost_usd{period=\"day\"} 0.002",
        "atende_model_cost_usd{period=\"month\"} 0.002",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    for secret in ["ext-77", "ana@", "segredo", "tck_", "tok_", "secret", "main"] {
        assert!(!text.contains(secret), "{secret}\n{text}");
    }
}

#[tokio::test]
async fn a_shutdown_finishes_what_is_in_flight_and_takes_nothing_new() {
    let api = Api::with(quick(), 10).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let grace = Duration::from_secs(20);
    let serving = atende::web::serve(listener, api.router.clone(), shutdown.clone(), grace);
    let client = async {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let body = r#"{"channel":"api","text":"a"}"#;
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            api.bearer,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server asks for the body: the request is in flight.
        let mut asked = [0; 25];
        stream.read_exact(&mut asked).await.unwrap();
        assert!(asked.starts_with(b"HTTP/1.1 100"));
        shutdown.cancel();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    };
    let (served, ()) = tokio::join!(serving, client);
    served.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert_eq!(api.inbox.backlog(), 1);
}

#[tokio::test]
async fn a_stuck_request_does_not_hold_up_the_end_beyond_the_grace() {
    let api = Api::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let serving = atende::web::serve(
        listener,
        api.router.clone(),
        shutdown.clone(),
        Duration::from_millis(20),
    );
    let client = async {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n",
            api.bearer
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut asked = [0; 25];
        stream.read_exact(&mut asked).await.unwrap();
        shutdown.cancel();
        stream
    };
    let (served, _stuck) = tokio::join!(serving, client);
    served.unwrap();
}
