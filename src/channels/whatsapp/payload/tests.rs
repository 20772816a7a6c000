mod events;
mod hostile;
mod kinds;
mod people;
mod published;

use serde_json::{Value, json};

use super::*;

/// Wraps changes into a call.
fn call(changes: &[Value]) -> Vec<u8> {
    let entry = json!({ "id": "waba1", "changes": changes });
    json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string().into_bytes()
}

/// Makes a change of the business's number 10.
fn change(field: &str, lists: &Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "551133334444", "phone_number_id": "10" },
    });
    value.as_object_mut().unwrap().extend(lists.as_object().unwrap().clone());
    json!({ "field": field, "value": value })
}

fn updates(field: &str, lists: &Value) -> Vec<Update> {
    read(&call(&[change(field, lists)])).unwrap().updates
}

/// Makes a message of a customer; what is null in `more` is taken away.
fn raw(more: &Value) -> Value {
    let mut message =
        json!({ "from": "5511987654321", "id": "wamid.1", "timestamp": "1795166400" });
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            message.as_object_mut().unwrap().remove(name);
        } else {
            message[name] = value.clone();
        }
    }
    message
}

/// Reads one message that is expected to be readable.
fn incoming(more: &Value) -> Incoming {
    let mut updates = updates("messages", &json!({ "messages": [raw(more)] }));
    assert_eq!(updates.len(), 1, "{updates:?}");
    match updates.remove(0) {
        Update::Message(message) => *message,
        other => panic!("{other:?}"),
    }
}

/// Names an update in one word.
fn name(update: &Update) -> String {
    match update {
        Update::Message(message) => message.kind.name().to_owned(),
        Update::Status(change) => format!("status {}", change.status),
        Update::Alias(_) => "alias".to_owned(),
        Update::Preference(_) => "preference".to_owned(),
        Update::Fault(_) => "fault".to_owned(),
        Update::Ignored { field, .. } => format!("ignored {field}"),
        Update::Bad { why, .. } => format!("bad: {why}"),
    }
}
