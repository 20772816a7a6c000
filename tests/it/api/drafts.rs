//! Drafts under review: one decision counts, and the second agent is told whose.

use serde_json::json;

use super::*;

async fn opened() -> (Api, String, TicketId) {
    let api = Api::new().await;
    let id = api.drafted(&TenantId::main(), "t-1").await;
    let path = format!("/v1/tickets/{id}/draft");
    (api, path, id)
}

#[tokio::test]
async fn of_two_approvals_at_once_one_counts_and_the_other_hears_who_was_first() {
    let (api, path, _) = opened().await;
    let approve = |agent: &str| json!({"action": "approve", "version": 1, "agent": agent});
    let (ana, rui) = tokio::join!(api.post(&path, approve("ana")), api.post(&path, approve("rui")));
    let (won, lost, winner) =
        if ana.status == StatusCode::OK { (ana, rui, "ana") } else { (rui, ana, "rui") };
    let won = won.is(200);
    assert_eq!(won["state"], "approved");
    let lost = lost.is(409);
    assert_eq!(lost["decided_by"], winner);
    assert_eq!(lost["decided_at"], "2026-11-20T12:00:00Z");
    assert_eq!(lost["latest_version"], 1);
    assert!(lost["detail"].as_str().unwrap().contains(winner));
    let rows = api.store.claim_outbox(api.clock.now(), 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(won["outbox_id"], rows[0].id.as_str());
}

#[tokio::test]
async fn edited_words_are_sent_and_rejected_ones_are_not() {
    let (api, path, _) = opened().await;
    let edit = json!({"action": "edit", "version": 1, "text": "Outra resposta"});
    assert_eq!(api.post(&path, edit).await.is(200)["state"], "edited");
    let rows = api.store.claim_outbox(api.clock.now(), 10).await.unwrap();
    assert_eq!(rows[0].body.text, "Outra resposta");

    let id = api.drafted(&TenantId::main(), "t-2").await;
    let path = format!("/v1/tickets/{id}/draft");
    let reject = json!({"action": "reject", "version": 1, "reason": "valor errado"});
    assert_eq!(api.post(&path, reject.clone()).await.is(200), json!({"state": "rejected"}));
    insta::assert_json_snapshot!(api.post(&path, reject).await.is(409), @r#"
    {
      "type": "urn:atende:problem:conflict",
      "title": "Not possible in the present state",
      "status": 409,
      "detail": "all already rejected this draft at 2026-11-20 12:00:00 UTC.",
      "state": "rejected",
      "decided_by": "all",
      "decided_at": "2026-11-20T12:00:00Z",
      "latest_version": 1
    }
    "#);
    assert!(api.store.claim_outbox(api.clock.now(), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_draft_that_was_overtaken_or_never_was_is_a_conflict() {
    let (api, path, id) = opened().await;
    let approve = |version| json!({"action": "approve", "version": version});
    insta::assert_json_snapshot!(api.post(&path, approve(7)).await.is(409), @r#"
    {
      "type": "urn:atende:problem:conflict",
      "title": "Not possible in the present state",
      "status": 409,
      "detail": "This ticket has no draft version 7; the latest is 1. Read the ticket and decide that one.",
      "latest_version": 1
    }
    "#);
    api.write(&TenantId::main(), "t-1", "esqueça, já achei").await;
    let retired = api.post(&path, approve(1)).await.is(409);
    assert_eq!(retired["state"], "retired");
    insta::assert_json_snapshot!(retired["detail"], @r#""The conversation moved on and this draft no longer counts. Read the ticket again; its latest draft is version 1.""#);
    assert_eq!(api.decide().await, id);
    assert_eq!(api.post(&path, approve(1)).await.is(409)["latest_version"], 2);
    api.post(&path, approve(2)).await.is(200);
}

#[tokio::test]
async fn a_draft_of_a_ticket_that_another_agent_holds_waits_for_them() {
    let (api, path, id) = opened().await;
    let claim = format!("/v1/tickets/{id}/claim");
    api.post(&claim, json!({"agent": "ana", "minutes": 10})).await.is(200);
    let approve = |agent| json!({"action": "approve", "version": 1, "agent": agent});
    insta::assert_json_snapshot!(api.post(&path, approve("rui")).await.is(409), @r#"
    {
      "type": "urn:atende:problem:conflict",
      "title": "Not possible in the present state",
      "status": 409,
      "detail": "ana has this conversation until 2026-11-20 12:10 UTC. Ask them to release it, or wait until then.",
      "held_by": "ana",
      "held_until": "2026-11-20T12:10:00Z"
    }
    "#);
    api.post(&path, approve("ana")).await.is(200);
}

#[tokio::test]
async fn a_draft_of_a_closed_ticket_is_not_sent() {
    let (api, path, id) = opened().await;
    api.post(&format!("/v1/tickets/{id}/status"), json!({"status": "closed"})).await.is(200);
    let approve = json!({"action": "approve", "version": 1});
    assert_eq!(api.post(&path, approve).await.is(409)["state"], "retired");
    assert_eq!(api.get("/v1/review").await.is(200)["items"], json!([]));
}

#[tokio::test]
async fn wrong_decisions_are_refused() {
    let (api, path, _) = opened().await;
    for (body, expected) in [
        (json!({}), &["action", "version"][..]),
        (json!({"action": "aprove", "version": 1}), &["action"]),
        (json!({"action": "approve", "version": "1"}), &["version"]),
        (json!({"action": "approve", "version": 0}), &["version"]),
        (json!({"action": "approve", "version": 1.5}), &["version"]),
        (json!({"action": "approve", "version": 1, "text": "a"}), &["text"]),
        (json!({"action": "edit", "version": 1}), &["text"]),
        (json!({"action": "edit", "version": 1, "text": "\u{200b}"}), &["text"]),
        (json!({"action": "edit", "version": 1, "text": "x".repeat(65 * 1024)}), &["text"]),
        (json!({"action": "reject", "version": 1}), &["reason"]),
        (json!({"action": "reject", "version": 1, "reason": " "}), &["reason"]),
        (json!({"action": "approve", "version": 1, "agent": "a\nb"}), &["agent"]),
        (json!({"action": "approve", "version": 1, "agent": "x".repeat(81)}), &["agent"]),
    ] {
        let answer = api.post(&path, body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
        assert_eq!(answer.fields(), expected, "{body}");
    }
    assert!(api.store.claim_outbox(api.clock.now(), 10).await.unwrap().is_empty());
}
