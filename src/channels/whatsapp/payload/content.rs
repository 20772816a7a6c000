//! What a message holds: words, files, places, presses of buttons, news of itself.

/// What a message is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Words.
    Text(String),
    /// A picture.
    Image(Media),
    /// A film.
    Video(Media),
    /// Sound.
    Audio {
        /// The file.
        media: Media,
        /// True for a recording made in the app.
        voice: bool,
    },
    /// A sticker.
    Sticker(Media),
    /// A file.
    Document(Media),
    /// A place.
    Location(Pin),
    /// People from the address book.
    Contacts(Vec<Card>),
    /// A button of a message of ours was pressed.
    ButtonReply {
        /// The id that we gave the button.
        payload: String,
        /// What the button said.
        text: String,
    },
    /// A row of a list of ours was chosen.
    ListReply {
        /// The id that we gave the row.
        payload: String,
        /// What the row said.
        text: String,
        /// The line below it.
        description: Option<String>,
    },
    /// A form was filled in.
    FlowReply {
        /// The name of the flow.
        name: Option<String>,
        /// What WhatsApp shows in its place, often only `Sent`.
        body: Option<String>,
        /// Its fields in order; what is no text is JSON.
        answers: Vec<(String, String)>,
    },
    /// A quick reply of a template was pressed.
    TemplateButton {
        /// The payload that the template carried.
        payload: Option<String>,
        /// What the button said.
        text: String,
    },
    /// Goods from the catalogue.
    Order {
        /// The catalogue.
        catalog: Option<String>,
        /// Words beside it.
        note: Option<String>,
        /// The goods.
        items: Vec<OrderItem>,
    },
    /// A sign put to a message. It is not to be answered.
    Reaction {
        /// The message it is put to.
        to: String,
        /// The sign; `None` takes it back.
        emoji: Option<String>,
    },
    /// WhatsApp tells that the customer's number or id changed.
    System(SystemEvent),
    /// An earlier message was rewritten.
    Edit {
        /// That message.
        of: String,
        /// Its new words; `None` where WhatsApp did not hand them over.
        text: Option<String>,
    },
    /// An earlier message was taken back.
    Revoke {
        /// That message.
        of: String,
    },
    /// The customer opened the chat for the first time and has not written.
    RequestWelcome,
    /// A type that we do not know, or whose content is not as it should be. `raw` of the message has it.
    Unsupported {
        /// Its type, as far as WhatsApp tells.
        kind: String,
        /// WhatsApp's error code.
        code: Option<i64>,
    },
}

impl Kind {
    /// Returns the file of a message that has one.
    pub const fn media(&self) -> Option<&Media> {
        match self {
            Self::Image(media)
            | Self::Video(media)
            | Self::Audio { media, .. }
            | Self::Sticker(media)
            | Self::Document(media) => Some(media),
            _ => None,
        }
    }

    /// Returns the type as WhatsApp names it.
    pub fn name(&self) -> &str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Video(_) => "video",
            Self::Audio { .. } => "audio",
            Self::Sticker(_) => "sticker",
            Self::Document(_) => "document",
            Self::Location(_) => "location",
            Self::Contacts(_) => "contacts",
            Self::ButtonReply { .. } => "button_reply",
            Self::ListReply { .. } => "list_reply",
            Self::FlowReply { .. } => "nfm_reply",
            Self::TemplateButton { .. } => "button",
            Self::Order { .. } => "order",
            Self::Reaction { .. } => "reaction",
            Self::System(_) => "system",
            Self::Edit { .. } => "edit",
            Self::Revoke { .. } => "revoke",
            Self::RequestWelcome => "request_welcome",
            Self::Unsupported { .. } => "unsupported",
        }
    }
}

/// A file that WhatsApp keeps for a few days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// What it is fetched by.
    pub id: Option<String>,
    /// Type of the content, as the sender's app says.
    pub mime: Option<String>,
    /// SHA-256 of the content in base64, as it came.
    pub sha256: Option<String>,
    /// Words beside it.
    pub caption: Option<String>,
    /// The sender's name for it: nothing to make a path of.
    pub filename: Option<String>,
    /// Where it lies for the next minutes. It needs the access token and is for nobody else.
    pub url: Option<String>,
}

/// A place.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// What is there.
    pub name: Option<String>,
    /// Its address.
    pub address: Option<String>,
    /// Its page.
    pub url: Option<String>,
}

/// Somebody from an address book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Their name.
    pub name: Option<String>,
    /// Their company.
    pub company: Option<String>,
    /// Their numbers, as they are written.
    pub phones: Vec<String>,
    /// Their addresses.
    pub emails: Vec<String>,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderItem {
    /// The business's own id of the product.
    pub product: String,
    /// How many.
    pub quantity: Option<String>,
    /// Price of one, as it came.
    pub price: Option<String>,
    /// ISO 4217 code.
    pub currency: Option<String>,
}

/// What a message refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The message that it quotes or answers.
    pub quoted: Option<String>,
    /// Who wrote that.
    pub quoted_from: Option<String>,
    /// True if it was passed on from another chat.
    pub forwarded: bool,
    /// True if it was passed on many times.
    pub frequently_forwarded: bool,
    /// The product of the catalogue that it asks about.
    pub product: Option<Product>,
}

/// A product of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The catalogue.
    pub catalog: Option<String>,
    /// The business's own id of the product.
    pub product: String,
}

/// The advertisement or post that led somebody here. Its words are the business's, not theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referral {
    /// `ad` or `post`.
    pub source_type: Option<String>,
    /// Its id.
    pub source_id: Option<String>,
    /// Its address.
    pub source_url: Option<String>,
    /// Its heading.
    pub headline: Option<String>,
    /// Its words.
    pub body: Option<String>,
    /// The id of the click, for conversion reports.
    pub click_id: Option<String>,
}

/// What WhatsApp tells about a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemEvent {
    /// What happened.
    pub change: SystemChange,
    /// The number or user id until now.
    pub previous: Option<String>,
    /// The number or user id from now on.
    pub current: Option<String>,
    /// WhatsApp's words.
    pub body: Option<String>,
}

/// What changed about a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemChange {
    /// The number.
    Number,
    /// The business-scoped user id.
    UserId,
    /// Something else, in WhatsApp's word.
    Other(String),
}
