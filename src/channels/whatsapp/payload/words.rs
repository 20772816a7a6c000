//! The words of a message, as a person at the desk and the engines read them.

use super::content::{Card, Kind, OrderItem, Pin};
use super::message::Incoming;
use crate::domain::labels::Locale;

/// The field of a form that is a token of ours, not an answer.
const FLOW_TOKEN: &str = "flow_token";

impl Incoming {
    /// Returns the words; `None` where there are none, as in a picture without a caption.
    ///
    /// The locale is of the few words that are ours, such as the one before a place.
    pub fn text(&self, locale: Locale) -> Option<String> {
        let text = match &self.kind {
            Kind::Text(text)
            | Kind::ButtonReply { text, .. }
            | Kind::TemplateButton { text, .. }
            | Kind::ListReply { text, description: None, .. }
            | Kind::Edit { text: Some(text), .. } => text.clone(),
            Kind::ListReply { text, description: Some(more), .. } => format!("{text} – {more}"),
            Kind::FlowReply { body, answers, .. } => form(body.as_deref(), answers),
            Kind::Location(pin) => place(pin, locale),
            Kind::Contacts(cards) => {
                cards.iter().map(|card| person(card, locale)).collect::<Vec<_>>().join("\n")
            }
            Kind::Order { note, items, .. } => order(note.as_deref(), items, locale),
            other => other.media()?.caption.clone()?,
        };
        (!text.trim().is_empty()).then_some(text)
    }
}

fn form(body: Option<&str>, answers: &[(String, String)]) -> String {
    let lines: Vec<String> = answers
        .iter()
        .filter(|(name, value)| name != FLOW_TOKEN && !value.trim().is_empty())
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    if lines.is_empty() { body.unwrap_or_default().to_owned() } else { lines.join("\n") }
}

fn place(pin: &Pin, locale: Locale) -> String {
    let label = match locale {
        Locale::PtBr => "Localização",
        Locale::En => "Location",
    };
    // Six decimals are eleven centimetres.
    let degrees = format!("{:.6}, {:.6}", pin.latitude, pin.longitude);
    let names: Vec<&str> =
        [&pin.name, &pin.address].into_iter().flatten().map(String::as_str).collect();
    if names.is_empty() {
        format!("{label}: {degrees}")
    } else {
        format!("{label}: {} ({degrees})", names.join(", "))
    }
}

fn person(card: &Card, locale: Locale) -> String {
    let label = match locale {
        Locale::PtBr => "Contato",
        Locale::En => "Contact",
    };
    let parts = card.name.iter().chain(&card.company).chain(&card.phones).chain(&card.emails);
    let parts: Vec<&str> = parts.map(String::as_str).collect();
    format!("{label}: {}", parts.join(", "))
}

fn order(note: Option<&str>, items: &[OrderItem], locale: Locale) -> String {
    let label = match locale {
        Locale::PtBr => "Pedido:",
        Locale::En => "Order:",
    };
    let line = |item: &OrderItem| {
        let quantity = item.quantity.as_deref().unwrap_or("1");
        let price = match (&item.price, &item.currency) {
            (Some(price), Some(currency)) => format!(" ({currency} {price})"),
            (Some(price), None) => format!(" ({price})"),
            (None, _) => String::new(),
        };
        format!("{quantity} × {}{price}", item.product)
    };
    let mut lines: Vec<String> = note.map(str::to_owned).into_iter().collect();
    if !items.is_empty() {
        lines.push(label.to_owned());
        lines.extend(items.iter().map(line));
    }
    lines.join("\n")
}
