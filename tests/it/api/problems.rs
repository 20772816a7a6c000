//! Failures as problem documents: in the caller's language, with the fix, and nothing internal.

use atende::web::WebSettings;
use serde_json::json;

use super::*;

#[tokio::test]
async fn every_guarded_route_wants_a_token_with_its_scope() {
    let api = Api::new().await;
    let document = api.get("/openapi.json").await.is(200);
    let mut guarded = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Some(first) = operation["security"][0]["token"].as_array() else { continue };
            guarded += 1;
            let alternatives = operation["security"].as_array().unwrap();
            let allowed: Vec<&str> =
                alternatives.iter().map(|one| one["token"][0].as_str().unwrap()).collect();
            assert_eq!(first.len(), 1);
            let (method, name) = (method.to_uppercase(), format!("{method} {path}"));
            let path = path.replace("{id}", "tck_1").replace("{ref}", "c-1");
            let path = path.replace("{name}", "x");
            let call = Request::builder().method(method.as_str()).uri(&path);
            let open = Call { api: &api, request: call }.send().await;
            assert!(open.header("www-authenticate").starts_with("Bearer"), "{name}");
            open.is(401);
            // A stream of events has no end to wait for; another test reads it.
            let scopes = Scope::ALL
                .iter()
                .filter(|scope| path != "/v1/events" || !allowed.contains(&scope.as_str()));
            for scope in scopes {
                let token =
                    api.token(&format!("{name} {scope}"), &[*scope], &TenantId::main()).await;
                let answer = api.call_as(&token, &method, &path).send().await;
                let refused = answer.status == StatusCode::FORBIDDEN;
                assert_eq!(refused, !allowed.contains(&scope.as_str()), "{name} {scope}");
                if refused {
                    assert_eq!(answer.body["required_scopes"], json!(allowed), "{name}");
                }
            }
        }
    }
    assert_eq!(guarded, 38);
}

#[tokio::test]
async fn a_token_that_is_wrong_or_revoked_opens_nothing() {
    let api = Api::new().await;
    let id = api.bearer.split('.').next().unwrap().to_owned();
    for bearer in
        ["", "x", "tok_1.secret", &format!("{id}.wrong"), &format!("{id}."), &id, &"x".repeat(5000)]
    {
        api.call_as(bearer, "GET", "/v1/queues").send().await.is(401);
    }
    let call = |value: &str| Request::builder().uri("/v1/queues").header("authorization", value);
    let basic = call(&format!("Basic {}", api.bearer));
    Call { api: &api, request: basic }.send().await.is(401);
    let lower = call(&format!("bearer {}", api.bearer));
    Call { api: &api, request: lower }.send().await.is(200);

    let gone = api.token("gone", Scope::ALL, &TenantId::main()).await;
    assert!(api.store.revoke_token(api.clock.now(), &TenantId::main(), "gone").await.unwrap());
    let refused = api.call_as(&gone, "GET", "/v1/queues").send().await.is(401);
    insta::assert_json_snapshot!(refused, @r#"
    {
      "type": "urn:atende:problem:unauthorized",
      "title": "No valid token",
      "status": 401,
      "detail": "The token does not exist or was revoked. Make another with `atende tokens add`."
    }
    "#);
}

#[tokio::test]
async fn the_wrong_scope_is_told_in_the_callers_language() {
    let api = Api::new().await;
    let token = api.token("leitor", &[Scope::Read], &TenantId::main()).await;
    let call =
        api.call_as(&token, "POST", "/v1/messages").header("accept-language", "pt-BR,pt;q=0.9");
    let answer = call.json(json!({"channel": "api", "text": "a"})).await;
    assert_eq!(answer.header("content-language"), "pt-BR");
    insta::assert_json_snapshot!(answer.is(403), @r#"
    {
      "type": "urn:atende:problem:forbidden",
      "title": "Não permitido",
      "status": 403,
      "detail": "Esta chamada exige o escopo `ingest`; o token `leitor` tem: read.",
      "required_scopes": [
        "ingest"
      ]
    }
    "#);
}

#[tokio::test]
async fn broken_bodies_are_told_apart() {
    let api = Api::new().await;
    let json_type = "application/json";
    for (kind, body, status) in [
        (json_type, &b""[..], 400),
        (json_type, b"  \n", 400),
        (json_type, b"{\"text\": ", 400),
        (json_type, b"{\"text\": 'a'}", 400),
        (json_type, b"{\"text\": \"\xff\xfe\"}", 400),
        (json_type, b"{\"text\": \"\\ud800\"}", 400),
        (json_type, b"null", 422),
        ("application/json; charset=UTF-8", b"{}", 422),
        ("application/json; charset=latin1", b"{}", 415),
        ("application/vnd.x+json", b"{}", 422),
        ("text/plain", b"{}", 415),
        ("application/x-www-form-urlencoded", b"text=a", 415),
        ("", b"{}", 415),
        (json_type, b"\xef\xbb\xbf{}", 422),
    ] {
        let call = api.call("POST", "/v1/messages").header("content-type", kind);
        let answer = call.bytes(body.to_vec()).await;
        assert_eq!(answer.status.as_u16(), status, "{kind} {body:?}: {}", answer.text);
        answer.is(status);
    }
    let nested = "[".repeat(100_000);
    let call = api.call("POST", "/v1/messages").header("content-type", json_type);
    call.bytes(nested).await.is(400);
    let call = api.call("POST", "/v1/messages").header("content-type", json_type);
    let broken = call.bytes("{\"channel\": \"api\",\n \"text\" \"a\"}").await.is(400);
    insta::assert_json_snapshot!(broken, @r#"
    {
      "type": "urn:atende:problem:bad-request",
      "title": "Malformed request",
      "status": 400,
      "detail": "The body is not valid JSON: see line 2, column 9.",
      "line": 2,
      "column": 9
    }
    "#);
    assert_eq!(api.inbox.backlog(), 0);
}

#[tokio::test]
async fn unknown_fields_and_wrong_types_come_with_a_fix() {
    let api = Api::new().await;
    let body = json!({"chanel": "api", "text": 5, "from": {"emial": "a"}, "urgency": "hihg"});
    insta::assert_json_snapshot!(api.post("/v1/messages", body.clone()).await.is(422), @r#"
    {
      "type": "urn:atende:problem:invalid",
      "title": "Some fields are not valid",
      "status": 422,
      "detail": "5 fields need correcting.",
      "errors": [
        {
          "field": "channel",
          "problem": "required field is missing",
          "hint": "one of: whatsapp, email, web_form, chat, phone, api"
        },
        {
          "field": "from.emial",
          "problem": "unknown field",
          "hint": "did you mean `email`?"
        },
        {
          "field": "text",
          "problem": "is a number; must be a string"
        },
        {
          "field": "urgency",
          "problem": "unknown value",
          "hint": "did you mean `high`? Known values: low, normal, high, critical"
        },
        {
          "field": "chanel",
          "problem": "unknown field",
          "hint": "did you mean `channel`?"
        }
      ]
    }
    "#);
    let call = api.call("POST", "/v1/messages").header("accept-language", "pt");
    insta::assert_json_snapshot!(call.json(body).await.is(422)["errors"], @r#"
    [
      {
        "field": "channel",
        "problem": "campo obrigatório ausente",
        "hint": "um de: whatsapp, email, web_form, chat, phone, api"
      },
      {
        "field": "from.emial",
        "problem": "campo desconhecido",
        "hint": "você quis dizer `email`?"
      },
      {
        "field": "text",
        "problem": "é um número; precisa ser um texto"
      },
      {
        "field": "urgency",
        "problem": "valor desconhecido",
        "hint": "você quis dizer `high`? Valores aceitos: low, normal, high, critical"
      },
      {
        "field": "chanel",
        "problem": "campo desconhecido",
        "hint": "você quis dizer `channel`?"
      }
    ]
    "#);
}

#[tokio::test]
async fn what_does_not_exist_or_is_too_much_is_a_problem_too() {
    let api = Api::with(WebSettings { max_body_bytes: 100, ..WebSettings::default() }, 10).await;
    insta::assert_json_snapshot!(api.get("/v1/nothing").await.is(404), @r#"
    {
      "type": "urn:atende:problem:not-found",
      "title": "Not found",
      "status": 404,
      "detail": "There is nothing at this address; /openapi.json lists all of them."
    }
    "#);
    let wrong = api.call("DELETE", "/v1/tickets").send().await;
    assert_eq!(wrong.header("allow"), "POST,GET,HEAD");
    insta::assert_json_snapshot!(wrong.is(405), @r#"
    {
      "type": "urn:atende:problem:method-not-allowed",
      "title": "Method not allowed",
      "status": 405,
      "detail": "This address takes only: ."
    }
    "#);
    let large = json!({"channel": "api", "text": "x".repeat(200)});
    insta::assert_json_snapshot!(api.post("/v1/messages", large).await.is(413), @r#"
    {
      "type": "urn:atende:problem:too-large",
      "title": "Body too large",
      "status": 413,
      "detail": "The body may have at most 100 bytes. Nothing was kept.",
      "max_body_bytes": 100
    }
    "#);
    api.call("GET", "/v1/queues").header("x-long", &"x".repeat(20_000)).send().await.is(431);
    api.get(&format!("/v1/tickets?tag={}", "x".repeat(9_000))).await.is(414);
    api.get("/v1/tickets/%ff").await.is(400);
    let keyed = api.call("POST", "/v1/messages").header("idempotency-key", "com espaço");
    keyed.json(json!({"channel": "api", "text": "a"})).await.is(400);
}

#[tokio::test]
async fn too_many_requests_at_once_are_turned_away() {
    let api = Api::with(WebSettings { max_in_flight: 0, ..WebSettings::default() }, 10).await;
    let answer = api.get("/v1/queues").await;
    assert_eq!(answer.header("retry-after"), "1");
    insta::assert_json_snapshot!(answer.is(503), @r#"
    {
      "type": "urn:atende:problem:unavailable",
      "title": "Unavailable for now",
      "status": 503,
      "detail": "Too many requests at the same time. Nothing of this one was kept; repeat it shortly."
    }
    "#);
    api.get("/healthz").await.is(200);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let settings =
        WebSettings { request_timeout: Duration::from_millis(20), ..WebSettings::default() };
    let api = Api::with(settings, 10).await;
    let never = futures::stream::pending::<Result<axum::body::Bytes, std::io::Error>>();
    let call = api.call("POST", "/v1/messages").header("content-type", "application/json");
    call.bytes(Body::from_stream(never)).await.is(408);
    assert_eq!(api.inbox.backlog(), 0);
}
