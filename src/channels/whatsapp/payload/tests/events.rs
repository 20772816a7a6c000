use serde_json::json;

use super::*;

#[test]
fn states_are_read_with_their_reasons_and_prices() {
    let lists = json!({"statuses": [
        {"id": "wamid.1", "status": "sent", "timestamp": "1795166400", "recipient_id": "5511987654321", "biz_opaque_callback_data": "out_1",
         "conversation": {"id": "c"}, "pricing": {"billable": true, "pricing_model": "PMP", "category": "service", "type": "regular"}},
        {"id": "wamid.1", "status": "READ", "timestamp": 1_795_166_401, "recipient_user_id": "BR.1"},
        {"id": "wamid.2", "status": "failed", "timestamp": "1795166402", "recipient_id": 16_505_551_234_u64,
         "errors": [{"code": 131_047, "title": "Re-engagement message", "message": "m", "error_data": {"details": "d"}}, null, {"code": "131026", "message": "m"}]},
        {"id": "wamid.3", "status": "warned", "timestamp": "1795166403"},
        {"status": "sent", "timestamp": "1795166403"},
        {"id": "wamid.4", "timestamp": "1795166403"},
        {"id": "wamid.5", "status": "sent", "timestamp": "yesterday"},
        7,
    ]});
    let found = updates("messages", &lists);
    let names: Vec<String> = found.iter().map(name).collect();
    assert_eq!(
        names,
        [
            "status sent",
            "status read",
            "status failed",
            "status warned",
            "bad: status without the id of a message",
            "bad: status without a status",
            "bad: status without a readable timestamp",
            "bad: item is no object",
        ]
    );
    let states: Vec<&StatusChange> = found
        .iter()
        .filter_map(
            |update| if let Update::Status(change) = update { Some(&**change) } else { None },
        )
        .collect();
    assert_eq!(states[0].opaque.as_deref(), Some("out_1"));
    assert_eq!(states[0].pricing.as_ref().unwrap().category.as_deref(), Some("service"));
    let recipients: Vec<Option<&str>> = states.iter().map(|change| change.recipient()).collect();
    assert_eq!(recipients, [Some("5511987654321"), Some("BR.1"), Some("16505551234"), None]);
    let codes: Vec<Option<i64>> = states[2].errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, [Some(131_047), Some(131_026)]);
    let details: Vec<Option<&str>> =
        states[2].errors.iter().map(|error| error.details.as_deref()).collect();
    assert_eq!(details, [Some("d"), Some("m")]);
}

#[test]
fn everything_else_is_an_event_or_kept_raw() {
    let ids = json!({"wa_id": "5511987654321", "user_id": {"previous": "BR.1", "current": "BR.2"}, "timestamp": "1795166400"});
    let stop = json!({"wa_id": "5511987654321", "category": "marketing_messages", "value": "stop", "timestamp": 1_795_166_400});
    for (field, lists, expected) in [
        ("user_id_update", json!({"user_id_update": [ids]}), vec!["alias"]),
        ("user_id_update", json!({"user_id_update": ids}), vec!["alias"]),
        (
            "user_id_update",
            json!({"user_id_update": [{"user_id": "BR.2"}]}),
            vec!["bad: change of user id without the previous"],
        ),
        (
            "user_preferences",
            json!({"user_preferences": [stop, {"value": "stop"}]}),
            vec!["preference", "bad: preference of nobody"],
        ),
        (
            "user_preferences",
            json!({"contacts": [{"wa_id": "1650555123"}], "user_preferences": [{"value": "stop"}]}),
            vec!["preference"],
        ),
        ("messages", json!({"errors": [{"code": 130_429, "title": "t"}]}), vec!["fault"]),
        ("messages", json!({"polls": [{"a": 1}], "messages": null}), vec!["ignored polls"]),
        ("messages", json!({}), vec!["ignored messages"]),
        ("messages", json!({"messages": [], "statuses": null}), vec!["ignored messages"]),
        ("history", json!({"history": [{"threads": []}]}), vec!["ignored history"]),
        ("account_update", json!({"event": "DISABLED_UPDATE"}), vec!["ignored account_update"]),
        (
            "message_template_status_update",
            json!({"event": "APPROVED"}),
            vec!["ignored message_template_status_update"],
        ),
        ("calls", json!({"calls": [{"id": "x"}]}), vec!["ignored calls"]),
        (
            "",
            json!({"messages": [raw(&json!({"type": "text", "text": {"body": "x"}}))]}),
            vec!["text"],
        ),
    ] {
        let found = updates(field, &lists);
        assert_eq!(found.iter().map(name).collect::<Vec<_>>(), expected, "{field} {lists}");
    }
    let same = json!({"user_id_update": [{"user_id": {"previous": "BR.1", "current": "BR.1"}}]});
    assert_eq!(updates("user_id_update", &same)[0].alias(), None, "who stays the same");
    let found = updates("user_preferences", &json!({"user_preferences": [stop]}));
    assert!(
        matches!(&found[0], Update::Preference(preference) if preference.stops_marketing() == Some(true))
    );
    let found = updates("history", &json!({"history": 1}));
    assert!(
        matches!(&found[0], Update::Ignored { account, raw, .. } if account == "10" && raw["value"]["history"] == 1)
    );
}

#[test]
fn a_repeated_item_has_the_same_key_and_another_item_another() {
    let state = |status: &str, to: &str| json!({"statuses": [{"id": "wamid.1", "status": status, "timestamp": "1795166400", "recipient_id": to}]});
    let text = |id: &str| json!({"messages": [raw(&json!({"id": id, "type": "text", "text": {"body": "x"}}))]});
    let cases = [
        ("messages", text("wamid.1")),
        ("messages", text("wamid.2")),
        ("messages", state("sent", "1")),
        ("messages", state("read", "1")),
        ("messages", state("read", "2")),
        ("account_update", json!({"event": "a"})),
        ("account_update", json!({"event": "b"})),
        ("messages", json!({"messages": [{"id": "x"}]})),
        ("messages", json!({"errors": [{"code": 1}]})),
        (
            "user_id_update",
            json!({"user_id_update": [{"user_id": {"previous": "BR.1", "current": "BR.2"}}]}),
        ),
        ("user_preferences", json!({"user_preferences": [{"wa_id": "1", "value": "stop"}]})),
    ];
    let keys = || cases.iter().map(|(field, lists)| updates(field, lists)[0].dedup_key());
    assert!(keys().eq(keys()));
    assert_eq!(keys().collect::<std::collections::BTreeSet<_>>().len(), cases.len());
}
