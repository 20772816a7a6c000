use serde_json::{Value, json};

use super::server::{NUMBER, Server, Step, answer, client};
use crate::channels::whatsapp::client::{Concern, Fault, NumberState, Quality, Throughput};
use crate::channels::whatsapp::errors::Action;
use crate::domain::labels::Locale;

async fn checked(
    steps: impl IntoIterator<Item = Step>,
) -> (Result<NumberState, Fault>, Vec<String>) {
    let server = Server::with(steps).await;
    let end = server.during(client(&server).check(NUMBER)).await;
    (end, server.seen().iter().map(|seen| seen.line().to_owned()).collect())
}

fn told(state: &Value) -> Step {
    Step::Answer(answer(200, state.to_string()))
}

fn healthy() -> Value {
    json!({
        "id": NUMBER, "display_phone_number": "+55 11 3333-4444", "verified_name": "Loja", "quality_rating": "GREEN",
        "throughput": {"level": "STANDARD"}, "name_status": "APPROVED", "code_verification_status": "EXPIRED",
        "status": "CONNECTED", "account_mode": "LIVE", "platform_type": "CLOUD_API", "is_on_biz_app": false,
        "health_status": {"can_send_message": "AVAILABLE", "entities": [{"entity_type": "PHONE_NUMBER", "id": "1", "can_send_message": "AVAILABLE"}]},
    })
}

#[tokio::test]
async fn a_healthy_number_raises_no_concern() {
    let (end, lines) = checked([told(&healthy())]).await;
    let state = end.unwrap();
    assert_eq!(state.display_number.as_deref(), Some("+55 11 3333-4444"));
    assert_eq!(state.verified_name.as_deref(), Some("Loja"));
    assert_eq!(
        (state.quality, state.throughput, state.per_second()),
        (Quality::Green, Throughput::Standard, 80)
    );
    assert_eq!(state.code_verification.as_deref(), Some("EXPIRED"));
    assert_eq!(state.concerns(), []);
    assert!(
        lines[0].starts_with(&format!("GET /v25.0/{NUMBER}?fields=display_phone_number%2C")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_number_is_told_with_what_to_do() {
    let reason = "WABA: There is an error with the payment method. Add a payment method.";
    let blocked = json!({"can_send_message": "BLOCKED", "entities": [
        {"entity_type": "WABA", "errors": [{"error_code": 141_006, "error_description": "There is an error with the payment method.", "possible_solution": "Add a payment method."}]}]});
    let limited = json!({"can_send_message": "LIMITED", "entities": [
        {"entity_type": "PHONE_NUMBER", "additional_info": ["Your display name has not been approved yet."]}]});
    for (field, value, expected) in [
        ("status", json!("PENDING"), Concern::NotConnected("PENDING".to_owned())),
        ("platform_type", json!("ON_PREMISE"), Concern::OtherPlatform("ON_PREMISE".to_owned())),
        ("account_mode", json!("SANDBOX"), Concern::Sandbox),
        ("name_status", json!("declined"), Concern::Name("DECLINED".to_owned())),
        ("quality_rating", json!("RED"), Concern::QualityRed),
        ("quality_rating", json!("YELLOW"), Concern::QualityYellow),
        ("health_status", blocked, Concern::Blocked(vec![reason.to_owned()])),
        (
            "health_status",
            limited,
            Concern::Limited(vec![
                "PHONE_NUMBER: Your display name has not been approved yet.".to_owned(),
            ]),
        ),
    ] {
        let mut state = healthy();
        state[field] = value;
        let state = checked([told(&state)]).await.0.unwrap();
        assert_eq!(state.concerns(), std::slice::from_ref(&expected), "{field}");
        assert_ne!(expected.told(Locale::En), expected.told(Locale::PtBr), "{field}");
    }
    let mut both = healthy();
    both["quality_rating"] = json!("RED");
    both["status"] = json!("BANNED");
    let concerns = checked([told(&both)]).await.0.unwrap().concerns();
    assert_eq!(concerns, [Concern::NotConnected("BANNED".to_owned()), Concern::QualityRed]);
}

#[tokio::test]
async fn the_speed_of_a_number_depends_on_where_else_it_is_used() {
    for (throughput, in_app, expected) in [
        (json!({"level": "STANDARD"}), json!(false), 80),
        (json!({"level": "HIGH"}), json!(false), 1_000),
        (json!({"level": "HIGH"}), json!(true), 20),
        (json!("high"), json!(null), 1_000),
        (json!(null), json!(null), 80),
        (json!([1]), json!("x"), 80),
    ] {
        let mut state = healthy();
        state["throughput"] = throughput.clone();
        state["is_on_biz_app"] = in_app;
        let state = checked([told(&state)]).await.0.unwrap();
        assert_eq!(state.per_second(), expected, "{throughput}");
    }
}

#[tokio::test]
async fn an_api_that_does_not_know_a_field_is_asked_for_less() {
    let unknown = r#"{"error":{"code":100,"type":"OAuthException","message":"(#100) Tried accessing nonexisting field (is_on_biz_app)"}}"#;
    let least = json!({"id": NUMBER, "display_phone_number": "1", "quality_rating": "NA"});
    let (end, lines) = checked([Step::Answer(answer(400, unknown)), told(&least)]).await;
    let state = end.unwrap();
    assert_eq!((state.quality, state.concerns()), (Quality::Unknown, vec![]));
    assert!(lines[0].contains("is_on_biz_app") && !lines[1].contains("is_on_biz_app"), "{lines:?}");
    let (end, lines) =
        checked([Step::Answer(answer(400, unknown)), Step::Answer(answer(400, unknown))]).await;
    let fault = end.unwrap_err();
    assert_eq!(lines.len(), 2);
    let [english, portuguese] = [Locale::En, Locale::PtBr].map(|locale| fault.told(locale));
    assert!(
        english.contains("(100: (#100) Tried") && english.ends_with("this account."),
        "{english}"
    );
    assert!(
        portuguese.contains("(100: (#100) Tried") && portuguese.ends_with("esta conta."),
        "{portuguese}"
    );
}

#[tokio::test]
async fn a_check_that_fails_says_why() {
    for (step, expected) in [
        (
            Step::Answer(answer(401, r#"{"error":{"code":190,"message":"Session has expired"}}"#)),
            "(190: Session has expired). The access token was refused.",
        ),
        (
            Step::Answer(answer(400, r#"{"error":{"code":33,"message":"gone"}}"#)),
            "(33: gone). This number does not exist any more.",
        ),
        (Step::Answer(answer(429, "")), "(HTTP 429"),
        (Step::Answer(answer(502, "<html>")), "Try again in some minutes."),
        (Step::Answer(answer(200, "<html>")), "check the address and the version"),
        (Step::Answer(answer(200, r#"{"id":"1"}"#)), "check the address and the version"),
        (Step::Answer(answer(200, "[]")), "check the address and the version"),
        (
            Step::HangUp(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}".to_vec()),
            "cut off; try again",
        ),
        (Step::Reset, "broke before the answer; try again"),
    ] {
        let fault = checked([step.clone()]).await.0.unwrap_err();
        assert!(fault.to_string().contains(expected), "{step:?}: {fault}");
        assert_ne!(fault.told(Locale::PtBr), fault.to_string(), "{step:?}");
    }
    let (end, lines) = checked([Step::Answer(answer(401, ""))]).await;
    assert!(matches!(end, Err(Fault::Refused { action: Action::Reconnect, .. })), "{end:?}");
    assert_eq!(lines.len(), 1);
}

#[tokio::test]
async fn where_a_webhook_leads_is_told_from_the_nearest_setting() {
    let ours = "https://atende.loja.example/webhooks/whatsapp";
    for (found, expected) in [
        (json!({"webhook_configuration": {"application": ours}}), Some(ours)),
        (
            json!({"webhook_configuration": {"application": "https://outro.example", "phone_number": ours}}),
            Some(ours),
        ),
        (json!({"webhook_configuration": {}}), None),
        (json!({"id": NUMBER}), None),
    ] {
        let server = Server::with([told(&found)]).await;
        let end = server.during(client(&server).webhook(NUMBER)).await;
        assert_eq!(end.unwrap().as_deref(), expected, "{found}");
    }
}
