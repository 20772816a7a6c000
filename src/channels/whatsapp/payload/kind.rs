//! Reads what a message is from its `type` and the object of that name.

use serde_json::Value;

use super::content::{
    Card, Context, Kind, Media, OrderItem, Pin, Product, Referral, SystemChange, SystemEvent,
};
use crate::channels::whatsapp::json;

/// Reads the content. What is not as it should be is `Unsupported`, for a person to look at.
pub(super) fn read(raw: &Value) -> Kind {
    let kind = json::word(raw, "type").unwrap_or_default().to_ascii_lowercase();
    known(&kind, raw).unwrap_or_else(|| unsupported(kind, raw))
}

fn known(kind: &str, raw: &Value) -> Option<Kind> {
    let body = raw.get(kind).unwrap_or(&Value::Null);
    match kind {
        "text" => body.get("body")?.as_str().map(|text| Kind::Text(text.to_owned())),
        "image" => media(body).map(Kind::Image),
        "video" => media(body).map(Kind::Video),
        "sticker" => media(body).map(Kind::Sticker),
        "document" => media(body).map(Kind::Document),
        "audio" => media(body).map(|media| Kind::Audio { media, voice: json::flag(body, "voice") }),
        // Other interfaces of WhatsApp have a type of its own for recordings.
        "voice" => media(body).map(|media| Kind::Audio { media, voice: true }),
        "location" => location(body).map(Kind::Location),
        "contacts" => cards(json::items(raw, "contacts")),
        "interactive" => interactive(body),
        "button" => {
            let payload = json::text(body, "payload");
            let text = json::text(body, "text").or_else(|| payload.clone())?;
            Some(Kind::TemplateButton { payload, text })
        }
        "order" => order(body),
        "reaction" => {
            let to = json::word(body, "message_id")?;
            Some(Kind::Reaction { to, emoji: json::word(body, "emoji") })
        }
        "system" => body.is_object().then(|| Kind::System(system(raw, body))),
        "edit" => edit(body),
        "revoke" => Some(Kind::Revoke { of: json::word(body, "original_message_id")? }),
        "request_welcome" => Some(Kind::RequestWelcome),
        _ => None,
    }
}

fn unsupported(kind: String, raw: &Value) -> Kind {
    // Newer bodies say under `unsupported` what it was.
    let told = raw.get("unsupported").and_then(|told| json::word(told, "type"));
    let inner = raw.get(&kind).and_then(|body| json::word(body, "type"));
    let code = json::items(raw, "errors").iter().find_map(|error| json::integer(error, "code"));
    let kind = match (told, inner) {
        (Some(told), _) => told.to_ascii_lowercase(),
        (None, Some(inner)) if kind == "interactive" => format!("interactive.{inner}"),
        _ => kind,
    };
    Kind::Unsupported { kind, code }
}

fn media(body: &Value) -> Option<Media> {
    let media = Media {
        id: json::word(body, "id"),
        mime: json::word(body, "mime_type"),
        sha256: json::word(body, "sha256"),
        caption: json::text(body, "caption"),
        filename: json::text(body, "filename"),
        url: json::word(body, "url"),
    };
    (media.id.is_some() || media.url.is_some()).then_some(media)
}

fn location(body: &Value) -> Option<Pin> {
    Some(Pin {
        latitude: json::number(body, "latitude").filter(|degrees| degrees.abs() <= 90.0)?,
        longitude: json::number(body, "longitude").filter(|degrees| degrees.abs() <= 180.0)?,
        name: json::word(body, "name"),
        address: json::word(body, "address"),
        url: json::word(body, "url"),
    })
}

fn cards(list: &[Value]) -> Option<Kind> {
    let all = |card: &Value, list: &str, key: &str| {
        json::items(card, list).iter().filter_map(|item| json::word(item, key)).collect()
    };
    let cards: Vec<Card> = list
        .iter()
        .filter(|card| card.is_object())
        .map(|card| {
            let name = card.get("name").unwrap_or(&Value::Null);
            let parts = ["first_name", "middle_name", "last_name"];
            let joined: Vec<String> =
                parts.iter().filter_map(|part| json::word(name, part)).collect();
            let joined = Some(joined.join(" ")).filter(|name| !name.is_empty());
            Card {
                name: json::word(name, "formatted_name").or(joined),
                company: card.get("org").and_then(|org| json::word(org, "company")),
                phones: all(card, "phones", "phone"),
                emails: all(card, "emails", "email"),
            }
        })
        .collect();
    (!cards.is_empty()).then_some(Kind::Contacts(cards))
}

fn interactive(body: &Value) -> Option<Kind> {
    let names = ["button_reply", "list_reply", "nfm_reply"];
    let kind = json::word(body, "type").or_else(|| {
        names.iter().find(|name| body.get(**name).is_some()).map(ToString::to_string)
    })?;
    let reply = body.get(&kind)?;
    let payload = || json::text(reply, "id");
    let title = || json::text(reply, "title").or_else(payload);
    match kind.as_str() {
        "button_reply" => {
            Some(Kind::ButtonReply { text: title()?, payload: payload().unwrap_or_default() })
        }
        "list_reply" => Some(Kind::ListReply {
            text: title()?,
            payload: payload().unwrap_or_default(),
            description: json::text(reply, "description"),
        }),
        "nfm_reply" => Some(Kind::FlowReply {
            name: json::word(reply, "name"),
            body: json::text(reply, "body"),
            answers: answers(reply.get("response_json")?)?,
        }),
        _ => None,
    }
}

/// Reads the fields of a form: JSON inside a text, or the object itself.
fn answers(response: &Value) -> Option<Vec<(String, String)>> {
    let parsed = match response {
        Value::String(text) => serde_json::from_str(text).ok()?,
        object => object.clone(),
    };
    let Value::Object(fields) = parsed else { return None };
    let written = |value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Some(fields.into_iter().map(|(name, value)| (name, written(value))).collect())
}

fn order(body: &Value) -> Option<Kind> {
    let items: Vec<OrderItem> = json::items(body, "product_items")
        .iter()
        .filter_map(|item| {
            Some(OrderItem {
                product: json::word(item, "product_retailer_id")?,
                quantity: json::word(item, "quantity"),
                price: json::word(item, "item_price"),
                currency: json::word(item, "currency"),
            })
        })
        .collect();
    let note = json::text(body, "text");
    (!items.is_empty() || note.is_some()).then(|| Kind::Order {
        catalog: json::word(body, "catalog_id"),
        note,
        items,
    })
}

fn system(raw: &Value, body: &Value) -> SystemEvent {
    let text = json::text(body, "body");
    let kind = json::word(body, "type").unwrap_or_default();
    let (change, previous, current) = match kind.as_str() {
        "user_changed_number" | "customer_changed_number" => {
            let current = json::word(body, "wa_id").or_else(|| json::word(body, "new_wa_id"));
            (SystemChange::Number, json::word(raw, "from"), current)
        }
        "user_changed_user_id" => {
            let current = json::word(body, "user_id");
            let told = || previous_id(text.as_deref()?, current.as_deref()?);
            let previous = json::word(body, "previous_user_id")
                .or_else(|| {
                    json::word(raw, "from_user_id").filter(|id| Some(id) != current.as_ref())
                })
                .or_else(told);
            (SystemChange::UserId, previous, current)
        }
        _ => (SystemChange::Other(kind), json::word(raw, "from"), json::word(body, "wa_id")),
    };
    SystemEvent { change, previous, current, body: text }
}

/// Finds the old user id at the end of `User NAME changed from OLD to NEW`, the only place that has it.
///
/// The name is the customer's own choice and may say the same of somebody else, so only the last four words count,
/// and only if they lead to the id that is the new one for sure.
fn previous_id(body: &str, current: &str) -> Option<String> {
    let mut words = body.split_whitespace().rev();
    let (new, to, old, from) = (words.next()?, words.next()?, words.next()?, words.next()?);
    (new == current && to == "to" && from == "from" && is_user_id(old)).then(|| old.to_owned())
}

/// True for two capital letters, a dot, and letters, digits and dots.
fn is_user_id(text: &str) -> bool {
    let Some((country, rest)) = text.split_once('.') else { return false };
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

fn edit(body: &Value) -> Option<Kind> {
    let of = json::word(body, "original_message_id")?;
    let text = body.get("message").and_then(|message| match read(message) {
        Kind::Text(text) => Some(text),
        // A picture that lost its caption says nothing; that is not the same as words that did not come.
        other => other.media().map(|media| media.caption.clone().unwrap_or_default()),
    });
    Some(Kind::Edit { of, text })
}

/// Reads what a message refers to.
pub(super) fn context(raw: &Value) -> Option<Context> {
    let context = raw.get("context").filter(|context| context.is_object())?;
    let product = context.get("referred_product").and_then(|referred| {
        Some(Product {
            catalog: json::word(referred, "catalog_id"),
            product: json::word(referred, "product_retailer_id")?,
        })
    });
    let frequently_forwarded = json::flag(context, "frequently_forwarded");
    Some(Context {
        quoted: json::word(context, "id"),
        quoted_from: json::word(context, "from"),
        forwarded: frequently_forwarded || json::flag(context, "forwarded"),
        frequently_forwarded,
        product,
    })
}

/// Reads the advertisement that led to a message.
pub(super) fn referral(raw: &Value) -> Option<Referral> {
    let referral = raw.get("referral").filter(|referral| referral.is_object())?;
    Some(Referral {
        source_type: json::word(referral, "source_type"),
        source_id: json::word(referral, "source_id"),
        source_url: json::word(referral, "source_url"),
        headline: json::text(referral, "headline"),
        body: json::text(referral, "body"),
        click_id: json::word(referral, "ctwa_clid"),
    })
}
