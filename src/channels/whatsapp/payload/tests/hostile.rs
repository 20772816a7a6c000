use serde_json::json;

use super::*;

#[test]
fn one_bad_item_does_not_keep_the_others_away() {
    let good = |id: &str| raw(&json!({"id": id, "type": "text", "text": {"body": "x"}}));
    let lists = json!({"messages": [
        good("wamid.1"),
        raw(&json!({"id": null})),
        raw(&json!({"id": "  "})),
        raw(&json!({"id": []})),
        raw(&json!({"timestamp": null})),
        raw(&json!({"timestamp": "1795166400000"})),
        raw(&json!({"timestamp": {"seconds": 1}})),
        raw(&json!({"from": null})),
        raw(&json!({"from": ["5511987654321"]})),
        null, 7, "text", [],
        raw(&json!({"id": 5, "from": 5_511_987_654_321_u64, "timestamp": 1_795_166_400, "type": "text", "text": {"body": "x"}})),
        good("wamid.2"),
    ]});
    let found = updates("messages", &lists);
    let good: Vec<usize> = (0..found.len()).filter(|at| name(&found[*at]) == "text").collect();
    assert_eq!((found.len(), good), (15, vec![0, 13, 14]));
    assert!(
        found[1..13]
            .iter()
            .all(|update| matches!(update, Update::Bad { account, .. } if account == "10"))
    );
}

#[test]
fn envelopes_may_be_odd() {
    let change = change(
        "messages",
        &json!({"messages": [raw(&json!({"type": "text", "text": {"body": "x"}}))]}),
    );
    let object = "whatsapp_business_account";
    for (body, expected) in [
        (json!({"object": object, "entry": [{"id": 1, "changes": [change]}]}), Ok(vec!["text"])),
        (json!({"entry": {"id": "1", "changes": change}}), Ok(vec!["text"])),
        (change.clone(), Ok(vec!["text"])),
        (
            json!({"object": object, "entry": [{"id": "1", "changes": [change, null, 7, {"field": "messages"}, {"value": null}, change]}, null, {}, {"id": "2", "changes": null}]}),
            Ok(vec![
                "text",
                "bad: change without a value",
                "bad: change without a value",
                "bad: change without a value",
                "bad: change without a value",
                "text",
                "bad: entry is no object",
                "ignored ",
                "ignored ",
            ]),
        ),
        (json!({"object": object, "entry": []}), Ok(vec![])),
        (json!({"object": object, "entry": null}), Ok(vec![])),
        (json!({"object": "page", "entry": [{"changes": [change]}]}), Err(Unreadable::OtherObject)),
        (json!({"object": object}), Err(Unreadable::NoEntries)),
        (json!([change]), Err(Unreadable::NoEntries)),
        (json!("text"), Err(Unreadable::NoEntries)),
        (json!(null), Err(Unreadable::NoEntries)),
    ] {
        let found = read(body.to_string().as_bytes())
            .map(|batch| batch.updates.iter().map(name).collect::<Vec<_>>());
        assert_eq!(
            found,
            expected.map(|names: Vec<&str>| names.into_iter().map(str::to_owned).collect()),
            "{body}"
        );
    }
    // Without a number there is a message all the same; whoever calls decides whose it is.
    let bare = json!({"field": "messages", "value": {"messages": [raw(&json!({"type": "text", "text": {"body": "x"}}))]}});
    let found = read(bare.to_string().as_bytes()).unwrap().updates;
    assert!(matches!(&found[0], Update::Message(message) if message.account.is_empty()));
}

#[test]
fn bodies_that_are_no_json_are_told_apart() {
    for (body, expected) in [
        (&b""[..], "the body is empty"),
        (b" \r\n\t", "the body is empty"),
        (b"{", "the body is not JSON: error in line 1, column 1"),
        (b"{\"entry\":[]}x", "the body is not JSON: error in line 1, column 13"),
        (b"\xff\xfe", "the body is not JSON: error in line 1, column 1"),
        (b"{}", "the body has no list `entry`"),
    ] {
        assert_eq!(read(body).unwrap_err().to_string(), expected);
    }
    let deep = format!("{{\"entry\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(read(deep.as_bytes()), Err(Unreadable::NotJson { .. })));
    // As deep as the parser goes, it is only an odd message.
    let deep = format!("{}{}", "[".repeat(110), "]".repeat(110));
    let deep: Value = serde_json::from_str(&deep).unwrap();
    let found =
        updates("messages", &json!({"messages": [raw(&json!({"type": "text", "text": deep}))]}));
    assert_eq!(found.iter().map(name).collect::<Vec<_>>(), ["unsupported"]);
}

#[test]
fn more_than_a_thousand_are_read_and_told() {
    let message = |at: usize| {
        raw(&json!({"id": format!("wamid.{at}"), "type": "text", "text": {"body": "x"}}))
    };
    for (count, beyond) in [(0, 0), (1_000, 0), (1_001, 1), (1_200, 200)] {
        let messages: Vec<Value> = (0..count).map(message).collect();
        let people: Vec<Value> =
            (0..count).map(|at| json!({"wa_id": format!("55119{at:08}")})).collect();
        let body = call(&[change("messages", &json!({"contacts": people, "messages": messages}))]);
        let batch = read(&body).unwrap();
        // An empty change is kept as such.
        assert_eq!((batch.updates.len(), batch.beyond), (count.max(1), beyond));
    }
}

#[test]
fn names_that_come_twice_and_texts_without_end_do_no_harm() {
    let twice = r#"{"entry":[{"id":"1","changes":[{"field":"history","field":"messages","value":null,"value":{"messages":[{"from":"1","from":"16505551234","id":"a","id":"b","timestamp":"1795166400","type":"image","type":"text","text":{"body":"um"},"text":{"body":"dois"}}]}}]}]}"#;
    let found = read(twice.as_bytes()).unwrap().updates;
    let [Update::Message(message)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((message.id.as_str(), &message.kind), ("b", &Kind::Text("dois".to_owned())));
    assert_eq!(message.sender.phone.as_deref(), Some("+16505551234"));

    let long = "á\u{0}*".repeat(700_000);
    let found =
        incoming(&json!({"type": "text", "id": long, "from": long, "text": {"body": long}}));
    assert_eq!(found.kind, Kind::Text(long));
    assert_eq!(found.sender.phone, None);
}

#[test]
fn half_an_emoji_in_one_name_does_not_keep_a_batch_away() {
    let text = raw(&json!({"type": "text", "text": {"body": "MARK"}}));
    let body = call(&[change(
        "messages",
        &json!({"contacts": [{"profile": {"name": "NAME"}, "wa_id": "5511987654321"}], "messages": [text]}),
    )]);
    let body = String::from_utf8(body)
        .unwrap()
        .replace("NAME", r"Jo\u00e3o \ud83d")
        .replace("MARK", r"ol\u00e1 \ud83d\udc4d");
    let found = read(body.as_bytes()).unwrap().updates;
    let [Update::Message(message)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(message.kind, Kind::Text("olá 👍".to_owned()));
    assert_eq!(message.sender.name.as_deref(), Some("João \u{fffd}"));
}
