//! What can be sent, and how a call says it.

use serde_json::{Map, Value, json};

use super::Address;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// What it says.
    pub content: Content,
    /// The message that it quotes, by its id.
    pub quotes: Option<String>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Plain words, cut to size and rewritten to WhatsApp's marks before. Links show no preview.
    Text(String),
    /// An approved template, the only content that may leave outside the 24 hours.
    Template(Template),
    /// Words with up to three buttons.
    Buttons(Buttons),
    /// Words with a list to choose from.
    List(List),
    /// A file.
    File(File),
    /// An emoji on a message.
    Reaction {
        /// Id of the message that gets it.
        to: String,
        /// The emoji; nothing takes an earlier one back.
        emoji: String,
    },
}

/// An approved template with its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Its name, in lower case, digits and underscores.
    pub name: String,
    /// Its language as it was approved in, such as `pt_BR`.
    pub language: String,
    /// What fills its header, where that has something to fill.
    pub header: Option<TemplateHeader>,
    /// What fills its body, in order.
    pub body: Vec<BodyValue>,
    /// What fills its buttons.
    pub buttons: Vec<TemplateButton>,
}

/// What fills a template's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateHeader {
    /// Words.
    Text(BodyValue),
    /// An image, a video or a document.
    File {
        /// Which of them.
        kind: FileKind,
        /// Where it is.
        source: Source,
        /// What a document is called.
        name: Option<String>,
    },
}

/// One value of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyValue {
    /// What the template calls it; `None` where its values have numbers.
    pub name: Option<String>,
    /// The words that go there: one line, without wide gaps.
    pub text: String,
}

/// What fills a button of a template. Buttons count from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateButton {
    /// What comes back when somebody taps it.
    Reply {
        /// Which button.
        index: u8,
        /// What comes back.
        payload: String,
    },
    /// The end of the address that it opens.
    Url {
        /// Which button.
        index: u8,
        /// What is put behind the approved address.
        suffix: String,
    },
    /// The code that it copies.
    Code {
        /// Which button.
        index: u8,
        /// The code.
        code: String,
    },
}

/// Words with buttons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buttons {
    /// A line above, without marks.
    pub header: Option<String>,
    /// The words.
    pub body: String,
    /// A line below.
    pub footer: Option<String>,
    /// The buttons, one to three.
    pub choices: Vec<Choice>,
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What comes back when somebody taps it.
    pub id: String,
    /// What it says.
    pub title: String,
}

/// Words with a list that opens at a tap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// A line above, without marks.
    pub header: Option<String>,
    /// The words.
    pub body: String,
    /// A line below.
    pub footer: Option<String>,
    /// What the button says that opens it.
    pub button: String,
    /// Its parts, with ten rows in all.
    pub sections: Vec<Section>,
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its title; the only section may do without.
    pub title: Option<String>,
    /// What there is to choose.
    pub rows: Vec<Row>,
}

/// Something to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// What comes back when somebody chooses it.
    pub id: String,
    /// What it says.
    pub title: String,
    /// A line below.
    pub description: Option<String>,
}

/// A file to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// How it is shown.
    pub kind: FileKind,
    /// Where it is.
    pub source: Source,
    /// Words below it. A recording has none.
    pub caption: Option<String>,
    /// What a document is called. Nothing else has a name.
    pub name: Option<String>,
}

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// As a picture.
    Image,
    /// As a recording.
    Audio,
    /// As a film.
    Video,
    /// As something to open.
    Document,
}

impl FileKind {
    /// Returns the API's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Document => "document",
        }
    }
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Uploaded before, at most 30 days ago.
    Id(String),
    /// At an address that WhatsApp fetches it from.
    Link(String),
}

impl Outgoing {
    /// Returns a message of plain words.
    pub fn text(body: impl Into<String>) -> Self {
        Self::of(Content::Text(body.into()))
    }

    /// Returns a message that quotes no other.
    pub const fn of(content: Content) -> Self {
        Self { content, quotes: None }
    }

    /// Lets it quote a message.
    #[must_use]
    pub fn quoting(mut self, message_id: impl Into<String>) -> Self {
        self.quotes = Some(message_id.into());
        self
    }

    /// Returns the body of the call that sends it.
    pub(super) fn body(&self, to: &Address, own_id: &str) -> Value {
        let (kind, content) = self.content.written();
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
        put("messaging_product", json!("whatsapp"));
        put("recipient_type", json!("individual"));
        put(to.field(), json!(to.as_str()));
        if let Some(quoted) = &self.quotes {
            put("context", json!({"message_id": quoted}));
        }
        put("type", json!(kind));
        put(kind, content);
        put("biz_opaque_callback_data", json!(own_id));
        Value::Object(body)
    }
}

impl Content {
    fn written(&self) -> (&'static str, Value) {
        match self {
            Self::Text(text) => ("text", json!({"preview_url": false, "body": text})),
            Self::Template(template) => ("template", template.written()),
            Self::Buttons(buttons) => ("interactive", buttons.written()),
            Self::List(list) => ("interactive", list.written()),
            Self::File(file) => (file.kind.as_str(), file.written()),
            Self::Reaction { to, emoji } => ("reaction", json!({"message_id": to, "emoji": emoji})),
        }
    }
}

impl Template {
    fn written(&self) -> Value {
        let header = self.header.as_ref().map(|header| {
            let parameter = match header {
                TemplateHeader::Text(value) => value.written(),
                TemplateHeader::File { kind, source, name } => {
                    let mut file = source.written();
                    put_in(&mut file, "filename", name.as_deref());
                    json!({"type": kind.as_str(), kind.as_str(): file})
                }
            };
            json!({"type": "header", "parameters": [parameter]})
        });
        let values: Vec<Value> = self.body.iter().map(BodyValue::written).collect();
        let body = (!values.is_empty()).then(|| json!({"type": "body", "parameters": values}));
        let buttons = self.buttons.iter().map(TemplateButton::written);
        let components: Vec<Value> = header.into_iter().chain(body).chain(buttons).collect();
        let mut template = json!({"name": self.name, "language": {"code": self.language}});
        if let (false, Some(template)) = (components.is_empty(), template.as_object_mut()) {
            template.insert("components".to_owned(), Value::Array(components));
        }
        template
    }
}

impl BodyValue {
    /// Returns a value that the template counts.
    pub fn numbered(text: impl Into<String>) -> Self {
        Self { name: None, text: text.into() }
    }

    fn written(&self) -> Value {
        let mut value = json!({"type": "text"});
        put_in(&mut value, "parameter_name", self.name.as_deref());
        put_in(&mut value, "text", Some(&self.text));
        value
    }
}

impl TemplateButton {
    pub(super) const fn index(&self) -> u8 {
        match self {
            Self::Reply { index, .. } | Self::Url { index, .. } | Self::Code { index, .. } => {
                *index
            }
        }
    }

    pub(super) fn value(&self) -> &str {
        match self {
            Self::Reply { payload: value, .. }
            | Self::Url { suffix: value, .. }
            | Self::Code { code: value, .. } => value,
        }
    }

    fn written(&self) -> Value {
        let (sort, parameter) = match self {
            Self::Reply { .. } => ("quick_reply", "payload"),
            Self::Url { .. } => ("url", "text"),
            Self::Code { .. } => ("copy_code", "coupon_code"),
        };
        json!({
            "type": "button",
            "sub_type": sort,
            "index": self.index().to_string(),
            "parameters": [{"type": parameter, parameter: self.value()}],
        })
    }
}

impl Buttons {
    fn written(&self) -> Value {
        let button = |choice: &Choice| json!({"type": "reply", "reply": {"id": choice.id, "title": choice.title}});
        let buttons: Vec<Value> = self.choices.iter().map(button).collect();
        interactive(
            "button",
            (self.header.as_deref(), &self.body, self.footer.as_deref()),
            json!({"buttons": buttons}),
        )
    }
}

impl List {
    fn written(&self) -> Value {
        let sections: Vec<Value> = self.sections.iter().map(Section::written).collect();
        interactive(
            "list",
            (self.header.as_deref(), &self.body, self.footer.as_deref()),
            json!({"button": self.button, "sections": sections}),
        )
    }
}

impl Section {
    fn written(&self) -> Value {
        let row = |row: &Row| {
            let mut written = json!({"id": row.id, "title": row.title});
            put_in(&mut written, "description", row.description.as_deref());
            written
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        let mut section = json!({});
        put_in(&mut section, "title", self.title.as_deref());
        if let Some(section) = section.as_object_mut() {
            section.insert("rows".to_owned(), Value::Array(rows));
        }
        section
    }
}

impl File {
    fn written(&self) -> Value {
        let mut file = self.source.written();
        put_in(&mut file, "caption", self.caption.as_deref());
        put_in(&mut file, "filename", self.name.as_deref());
        file
    }
}

impl Source {
    fn written(&self) -> Value {
        match self {
            Self::Id(id) => json!({"id": id}),
            Self::Link(link) => json!({"link": link}),
        }
    }
}

/// Returns words of three parts with something to tap.
fn interactive(
    kind: &str,
    (header, body, footer): (Option<&str>, &str, Option<&str>),
    action: Value,
) -> Value {
    let mut whole = json!({"type": kind});
    if let Some(whole) = whole.as_object_mut() {
        if let Some(header) = header {
            whole.insert("header".to_owned(), json!({"type": "text", "text": header}));
        }
        whole.insert("body".to_owned(), json!({"text": body}));
        if let Some(footer) = footer {
            whole.insert("footer".to_owned(), json!({"text": footer}));
        }
        whole.insert("action".to_owned(), action);
    }
    whole
}

/// Puts a text into an object, where there is one.
fn put_in(object: &mut Value, name: &str, text: Option<&str>) {
    if let (Some(object), Some(text)) = (object.as_object_mut(), text) {
        object.insert(name.to_owned(), json!(text));
    }
}
