//! Customers as the business describes them.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_customer_is_created_replaced_and_recognised() {
    let api = Api::new().await;
    let body = json!({
        "name": "Padaria Sol", "emails": ["sol@padaria.com.br"], "phones": ["+55 11 91234-5678"], "plan": "gold",
        "annual_revenue": {"amount": "12500.50", "currency": "BRL"}, "customer_since": "2024-03-01",
        "consent": {"proactive": true}, "fields": {"segmento": "varejo"}
    });
    let put = |body: Value| api.call("PUT", "/v1/customers/c%2F1").json(body);
    let created = put(body).await.is(201);
    assert_eq!(created["reference"], "c/1");
    assert_eq!(created["annual_revenue"], json!({"minor": 1_250_050, "currency": "BRL"}));
    assert_eq!(api.get("/v1/customers/c%2F1").await.is(200), created);

    let message =
        json!({"channel": "email", "from": {"email": "SOL@padaria.com.br"}, "text": "Oi"});
    let location = api.post("/v1/messages", message).await.header("location").to_owned();
    api.file_waiting().await;
    let ticket = api.get(&location).await.is(200)["ticket"].as_str().unwrap().to_owned();
    assert_eq!(api.get(&ticket).await.is(200)["customer_name"], "Padaria Sol");

    let replaced = put(json!({"annual_revenue": {"minor": 5, "currency": "JPY"}})).await.is(200);
    assert_eq!((&replaced["id"], replaced.get("name")), (&created["id"], None));

    let stranger = api.token("stranger", Scope::ALL, &other()).await;
    api.call_as(&stranger, "GET", "/v1/customers/c%2F1").send().await.is(404);
    api.get("/v1/customers/nobody").await.is(404);
}

#[tokio::test]
async fn wrong_profiles_are_refused_with_the_field() {
    let api = Api::new().await;
    for (body, expected) in [
        (json!({"emails": ["ana", "a@b.com"]}), &["emails[0]"][..]),
        (json!({"emails": "a@b.com"}), &["emails"]),
        (json!({"phones": ["12"]}), &["phones[0]"]),
        (json!({"customer_since": "01/03/2024"}), &["customer_since"]),
        (json!({"customer_since": "2024-02-30"}), &["customer_since"]),
        (json!({"annual_revenue": 12500}), &["annual_revenue"]),
        (json!({"annual_revenue": {"amount": "1"}}), &["annual_revenue.currency"]),
        (
            json!({"annual_revenue": {"amount": "1", "currency": "real"}}),
            &["annual_revenue.currency"],
        ),
        (
            json!({"annual_revenue": {"amount": "1", "currency": "brl"}}),
            &["annual_revenue.currency"],
        ),
        (
            json!({"annual_revenue": {"amount": 12500.5, "currency": "BRL"}}),
            &["annual_revenue.amount"],
        ),
        (
            json!({"annual_revenue": {"amount": "1,5", "currency": "BRL"}}),
            &["annual_revenue.amount"],
        ),
        (
            json!({"annual_revenue": {"amount": "1.005", "currency": "BRL"}}),
            &["annual_revenue.amount"],
        ),
        (json!({"annual_revenue": {"minor": -1, "currency": "BRL"}}), &["annual_revenue.minor"]),
        (
            json!({"annual_revenue": {"minor": 1, "amount": "1", "currency": "BRL"}}),
            &["annual_revenue.amount"],
        ),
        (json!({"annual_revenue": {"currency": "BRL"}}), &["annual_revenue.amount"]),
        (json!({"consent": {"proactive": "sim"}}), &["consent.proactive"]),
        (json!({"fields": {"a": 1}}), &["fields.a"]),
        (json!({"fields": {"": "a"}}), &["fields"]),
        (json!({"nmae": "a"}), &["nmae"]),
    ] {
        let answer = api.call("PUT", "/v1/customers/c-1").json(body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
        assert_eq!(answer.fields(), expected, "{body}");
    }
    api.call("PUT", "/v1/customers/a%00b").json(json!({})).await.is(400);
    api.get("/v1/customers/c-1").await.is(404);
}
