//! Lists and pages: filtered, walked by cursor, confined to the caller's tenant.

use atende::adapters::store::IndexProgress;
use serde_json::json;

use super::*;

#[tokio::test]
async fn tickets_are_listed_by_filter_and_walked_by_cursor() {
    let api = Api::new().await;
    for number in 0..5 {
        api.drafted(&TenantId::main(), &format!("t-{number}")).await;
    }
    let theirs = api.drafted(&other(), "t-0").await;

    let mut seen = Vec::new();
    let mut path = "/v1/tickets?limit=2".to_owned();
    loop {
        let page = api.get(&path).await.is(200);
        let items = page["items"].as_array().unwrap();
        assert!((1..=2).contains(&items.len()));
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/tickets?limit=2&cursor={cursor}");
    }
    let mut newest_first = seen.clone();
    newest_first.sort_by(|a, b| b.cmp(a));
    newest_first.dedup();
    assert_eq!((seen.len(), &seen), (5, &newest_first));
    assert!(!seen.contains(&theirs.as_str().to_owned()));

    let tagged = format!("/v1/tickets/{}/tag", seen[0]);
    api.post(&tagged, json!({"add": ["vip"]})).await.is(200);
    for (query, count) in [
        ("", 5),
        ("status=open", 5),
        ("status=closed", 0),
        ("channel=chat&category=billing&queue=finance&level=L1&action=review", 5),
        ("category=nothing", 0),
        ("tag=vip", 1),
        ("tag=vi", 0),
        ("tag=%25", 0),
        ("customer=c-1", 0),
        ("assignee=", 5),
        ("sentiment=neutral&language=pt-BR&urgency=normal&subcategory=invoice", 5),
    ] {
        let page = api.get(&format!("/v1/tickets?{query}")).await.is(200);
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn wrong_parameters_are_refused_with_the_likely_one() {
    let api = Api::new().await;
    for (query, field) in [
        ("statsu=open", "statsu"),
        ("status=opne", "status"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=zzz", "cursor"),
        ("status=open&status=closed", "status"),
        ("category=a%00b", "category"),
        ("tenant=other", "tenant"),
    ] {
        let answer = api.get(&format!("/v1/tickets?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.fields()), (400, vec![field]), "{query}");
    }
    let problem = api.get("/v1/tickets?statsu=open&limit=999").await.is(400);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "type": "urn:atende:problem:bad-request",
      "title": "Malformed request",
      "status": 400,
      "detail": "2 fields need correcting.",
      "errors": [
        {
          "field": "limit",
          "problem": "must be a whole number from 1 to 200"
        },
        {
          "field": "statsu",
          "problem": "unknown parameter",
          "hint": "did you mean `status`?"
        }
      ]
    }
    "#);
    for path in
        ["/v1/queues?x=1", "/v1/review?after=1", "/v1/outbox?after=-1", "/v1/outbox?cursor=1"]
    {
        api.get(path).await.is(400);
    }
}

#[tokio::test]
async fn tickets_are_found_by_words_by_their_tenant_only() {
    let api = Api::new().await;
    for number in 0..3 {
        api.drafted(&TenantId::main(), &format!("t-{number}")).await;
    }
    api.drafted(&other(), "t-0").await;
    let mut progress = IndexProgress::default();
    while api.store.index_tickets(api.clock.now(), &mut progress).await.unwrap() > 0 {}

    let first = api.get("/v1/search?q=NOTA%20fisc&limit=2").await.is(200);
    let items = first["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    insta::assert_json_snapshot!(items[0]["snippet"], @r#"
    [
      {
        "text": "Quero minha ",
        "mark": false
      },
      {
        "text": "nota",
        "mark": true
      },
      {
        "text": " ",
        "mark": false
      },
      {
        "text": "fiscal",
        "mark": true
      }
    ]
    "#);
    assert_eq!(items[0]["matched"], json!(["message"]));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second =
        api.get(&format!("/v1/search?q=NOTA%20fisc&limit=2&cursor={cursor}")).await.is(200);
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert_eq!(second["next_cursor"], json!(null));
    let number = items[1]["ticket"]["number"].as_str().unwrap();
    let named = api.get(&format!("/v1/search?q={number}")).await.is(200);
    assert_eq!(named["items"][0]["ticket"]["id"], items[1]["ticket"]["id"]);
    assert_eq!(api.get("/v1/search?q=nada%20disso").await.is(200)["items"], json!([]));

    let stranger = api.token("stranger", Scope::ALL, &TenantId::parse("third").unwrap()).await;
    let theirs = api.call_as(&stranger, "GET", "/v1/search?q=nota").send().await.is(200);
    assert_eq!(theirs["items"], json!([]));
    for (query, field) in [
        ("", "q"),
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=a&q=b", "q"),
        ("q=nota&cursor=zz", "cursor"),
        ("q=nota&cursor=-1", "cursor"),
        ("q=nota&limit=0", "limit"),
        ("q=nota&tenant=other", "tenant"),
    ] {
        let answer = api.get(&format!("/v1/search?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.fields()), (400, vec![field]), "{query}");
    }
}

#[tokio::test]
async fn a_ticket_is_shown_by_id_and_by_number_to_its_tenant_only() {
    let api = Api::new().await;
    let id = api.drafted(&TenantId::main(), "t-1").await;
    let view = api.get(&format!("/v1/tickets/{id}")).await.is(200);
    assert_eq!(view["messages"][0]["text"], "Quero minha nota fiscal");
    assert_eq!(view["drafts"][0]["state"], "proposed");
    assert_eq!(view["audit"][0]["action"], "ticket.opened");
    let number = view["number"].as_str().unwrap();
    assert_eq!(api.get(&format!("/v1/tickets/{number}")).await.is(200)["id"], view["id"]);

    let stranger = api.token("stranger", Scope::ALL, &other()).await;
    for (method, path) in [
        format!("/v1/tickets/{id}"),
        format!("/v1/tickets/{number}"),
        format!("/v1/tickets/{id}/sla"),
    ]
    .map(|path| ("GET", path))
    {
        api.call_as(&stranger, method, &path).send().await.is(404);
    }
    for (action, body) in [
        ("draft", json!({"action": "approve", "version": 1})),
        ("claim", json!({})),
        ("release", json!({})),
        ("reply", json!({"text": "a"})),
        ("status", json!({"status": "closed"})),
        ("override", json!({"field": "urgency", "value": "low"})),
        ("note", json!({"text": "a"})),
        ("tag", json!({"add": ["a"]})),
    ] {
        let path = format!("/v1/tickets/{id}/{action}");
        let answer = api.call_as(&stranger, "POST", &path).json(body).await;
        assert_eq!(answer.status, 404, "{action}: {}", answer.text);
    }
    for id in ["tck_0", "9-9", "x", "tck_%00", "tck_a%27", "%20"] {
        api.get(&format!("/v1/tickets/{id}")).await.is(404);
    }
}

#[tokio::test]
async fn what_waits_is_counted_and_listed() {
    let api = Api::new().await;
    for number in 0..3 {
        api.drafted(&TenantId::main(), &format!("t-{number}")).await;
    }
    let queues = api.get("/v1/queues").await.is(200);
    let counts: Vec<(&str, i64)> = queues["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["queue"].as_str().unwrap(), row["tickets"].as_i64().unwrap()))
        .collect();
    assert_eq!(counts, [("finance", 3), ("support", 0)]);

    let first = api.get("/v1/review?limit=2").await.is(200);
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert_eq!(first["items"][0]["draft"]["text"], "Segue a nota.");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = api.get(&format!("/v1/review?limit=2&cursor={cursor}")).await.is(200);
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert_eq!(second["next_cursor"], Value::Null);

    let stranger = api.token("stranger", Scope::ALL, &other()).await;
    let theirs = api.call_as(&stranger, "GET", "/v1/review").send().await.is(200);
    assert_eq!(theirs["items"], json!([]));
}

#[tokio::test]
async fn the_outbox_is_read_in_the_order_in_which_replies_ended() {
    let api = Api::new().await;
    assert_eq!(api.get("/v1/outbox").await.is(200), json!({"items": [], "next_after": 0}));
    let mut tickets = Vec::new();
    for thread in ["t-1", "t-2"] {
        let id = api.drafted(&TenantId::main(), thread).await;
        let approve = json!({"action": "approve", "version": 1});
        api.post(&format!("/v1/tickets/{id}/draft"), approve).await.is(200);
        tickets.push(id.as_str().to_owned());
    }
    for row in api.store.claim_outbox(api.clock.now(), 10).await.unwrap() {
        let message = api.clock.message_id();
        let end = atende::adapters::store::DeliveryEnd::Sent;
        api.store.finish_outbox(api.clock.now(), &row, end, message).await.unwrap();
    }
    let page = api.get("/v1/outbox?limit=1").await.is(200);
    assert_eq!(page["items"][0]["ticket_id"], tickets[0]);
    assert_eq!(page["items"][0]["text"], "Segue a nota.");
    let after = page["next_after"].as_i64().unwrap();
    let rest = api.get(&format!("/v1/outbox?after={after}")).await.is(200);
    assert_eq!(rest["items"][0]["ticket_id"], tickets[1]);
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
}
