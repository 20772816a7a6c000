use serde_json::json;

use super::*;
use crate::channels::whatsapp::identity::sender_keys;

fn senders(lists: &Value) -> Vec<Sender> {
    updates("messages", lists)
        .into_iter()
        .map(|update| match update {
            Update::Message(message) => message.sender,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn text(id: &str, ids: &Value) -> Value {
    let mut message = raw(&json!({"from": null, "id": id, "type": "text", "text": {"body": "x"}}));
    message.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
    message
}

#[test]
fn people_are_joined_with_what_contacts_says_of_them() {
    let ana = json!({"profile": {"name": "Ana", "username": "ana.s"}, "user_id": "BR.1", "parent_user_id": "BR.ENT.9"});
    let bia = json!({"profile": {"name": "Bia"}, "wa_id": "551187654321", "user_id": "BR.2"});
    let both = json!([ana, bia]);
    for (contacts, ids, name, keys) in [
        // A user name and no number at all.
        (
            json!([ana]),
            json!({"from_user_id": "BR.1"}),
            Some("Ana"),
            vec!["user:BR.1", "user:BR.ENT.9"],
        ),
        // The other form of the ninth digit; the reply goes to the id of the message.
        (
            both.clone(),
            json!({"from": "5511987654321"}),
            Some("Bia"),
            vec!["user:BR.2", "phone:551187654321"],
        ),
        (
            both.clone(),
            json!({"from_user_id": "BR.2"}),
            Some("Bia"),
            vec!["user:BR.2", "phone:551187654321"],
        ),
        // The only contact of the only message, without an id in common.
        (
            json!([ana]),
            json!({"from": "16505551234"}),
            Some("Ana"),
            vec!["user:BR.1", "user:BR.ENT.9", "phone:16505551234"],
        ),
        (json!([bia]), json!({}), Some("Bia"), vec!["user:BR.2", "phone:551187654321"]),
        // Somebody else's entry says nothing of this person.
        (json!([ana]), json!({"from_user_id": "BR.3"}), None, vec!["user:BR.3"]),
        (json!([bia]), json!({"from": "5511911112222"}), None, vec!["phone:5511911112222"]),
        (
            json!([bia]),
            json!({"from": "551187654321", "from_user_id": "BR.3"}),
            None,
            vec!["user:BR.3", "phone:551187654321"],
        ),
        (both, json!({"from": "16505551234"}), None, vec!["phone:16505551234"]),
        (json!(null), json!({"from": 16_505_551_234_u64}), None, vec!["phone:16505551234"]),
        (json!([7, null]), json!({"from": "not a number"}), None, vec!["wa:not a number"]),
    ] {
        let lists = json!({"contacts": contacts, "messages": [text("w", &ids)]});
        let sender = senders(&lists).remove(0);
        assert_eq!(sender.name.as_deref(), name, "{lists}");
        assert_eq!(sender_keys(&sender), keys, "{lists}");
    }
}

#[test]
fn the_only_contact_is_not_lent_to_several_messages() {
    let lists = json!({
        "contacts": [{"profile": {"name": "Ana"}, "user_id": "BR.1"}],
        "messages": [text("w1", &json!({"from": "16505551234"})), text("w2", &json!({"from_user_id": "BR.1"}))],
    });
    let names: Vec<Option<String>> =
        senders(&lists).into_iter().map(|sender| sender.name).collect();
    assert_eq!(names, [None, Some("Ana".to_owned())]);
}

#[test]
fn an_echo_is_about_the_customer_it_went_to() {
    let message = json!({"from": "551133334444", "to": "+5511987654321", "id": "wamid.e", "timestamp": 1_795_166_400, "type": "text", "text": {"body": "já resolvi"}});
    for (field, list) in [("smb_message_echoes", "message_echoes"), ("message_echoes", "messages")]
    {
        let found = updates(field, &json!({ list: [message] }));
        let [Update::Message(echo)] = found.as_slice() else { panic!("{found:?}") };
        assert!(echo.from_business && !echo.wants_answer());
        assert_eq!(echo.silence(), Some(Silence::Echo));
        assert_eq!(echo.sender.phone.as_deref(), Some("+5511987654321"));
    }
    let nobody =
        updates("smb_message_echoes", &json!({"message_echoes": [raw(&json!({"type": "text"}))]}));
    assert_eq!(
        nobody.iter().map(name).collect::<Vec<_>>(),
        ["bad: message of nobody: no number and no user id"]
    );
}

#[test]
fn changed_numbers_and_ids_become_aliases() {
    let number = |from, to| json!({"from": from, "type": "system", "system": {"type": "user_changed_number", "wa_id": to, "body": "x"}});
    let id = |body: &str, more: Value| {
        let mut system = json!({"type": "user_changed_user_id", "user_id": "BR.2", "body": body});
        system.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"from": null, "type": "system", "system": system})
    };
    for (message, expected) in [
        (number("16505551234", "12195555358"), Some(("phone:16505551234", "phone:12195555358"))),
        (number("16505551234", "16505551234"), None),
        (number("16505551234", "soon"), None),
        (id("User Ana changed from BR.1 to BR.2", json!({})), Some(("user:BR.1", "user:BR.2"))),
        // A name that tries to take over somebody else's contact.
        (
            id("User x changed from BR.9 to BR.2 changed from BR.1 to BR.2", json!({})),
            Some(("user:BR.1", "user:BR.2")),
        ),
        (id("User Ana changed from BR.1 to BR.7", json!({})), None),
        (id("User Ana changed from someone to BR.2", json!({})), None),
        (id("BR.2", json!({})), None),
        (id("x", json!({"previous_user_id": "BR.1"})), Some(("user:BR.1", "user:BR.2"))),
    ] {
        let update = updates("messages", &json!({"messages": [raw(&message)]})).remove(0);
        let alias = update.alias();
        let pair = alias.as_ref().map(|alias| (alias.previous.as_str(), alias.current.as_str()));
        assert_eq!(pair, expected, "{message}");
        assert_eq!(name(&update), "system", "{message}");
    }
}
