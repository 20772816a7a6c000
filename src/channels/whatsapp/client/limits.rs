//! What a call may hold. It is checked before a byte leaves, because the API's own refusal does not name the part.
//!
//! Meta counts "characters" and leaves open which; UTF-16 units count highest, so they are what is counted.

use std::collections::BTreeSet;
use std::fmt;

use reqwest::Url;

use super::outgoing::{
    BodyValue, Buttons, Content, File, FileKind, List, Outgoing, Source, Template, TemplateHeader,
};
use crate::channels::whatsapp::format::TEXT_UNITS_MAX;
use crate::domain::labels::Locale;

/// Most characters of our own id, which comes back with the states of a message.
const OWN_ID_MAX: usize = 512;
/// Most characters of the id of a message, a file or a number. Those of messages have about 60.
const ID_MAX: usize = 256;
/// Most characters of an emoji; a family with skin colours has about 40.
const EMOJI_MAX: usize = 64;
/// Most characters of a link or of a file's name.
const NAME_MAX: usize = 2_048;
/// Most values of a template that a body holds.
const VALUES_MAX: usize = 100;
/// Blanks in a row that a value of a template may have.
const GAP_MAX: usize = 4;
/// Most buttons of a template.
const TEMPLATE_BUTTONS_MAX: usize = 10;

/// A part of a call that has limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The words of a text.
    Text,
    /// The words above buttons or a list.
    Body,
    /// The line above them.
    Header,
    /// The line below them.
    Footer,
    /// The buttons.
    Buttons,
    /// What a button says.
    ButtonTitle,
    /// What a button gives back.
    ButtonId,
    /// What the button says that opens a list.
    ListButton,
    /// The sections of a list.
    Sections,
    /// The title of a section.
    SectionTitle,
    /// The rows of a list.
    Rows,
    /// What a row says.
    RowTitle,
    /// The line below it.
    RowDescription,
    /// What a row gives back.
    RowId,
    /// The words below a file.
    Caption,
    /// The name of a file.
    FileName,
    /// The id of an uploaded file.
    MediaId,
    /// The address of a file.
    Link,
    /// The type of a file.
    FileType,
    /// A file, in bytes.
    Content,
    /// The name of a template.
    TemplateName,
    /// The language of a template.
    TemplateLanguage,
    /// A value of a template.
    TemplateValue,
    /// The header of a template.
    TemplateHeader,
    /// The id of a message that is quoted, reacted to or read.
    MessageId,
    /// The emoji of a reaction.
    Emoji,
    /// The id of the business's number.
    Number,
    /// Our own id of a message.
    OwnId,
}

impl Part {
    const fn name(self, locale: Locale) -> &'static str {
        let (en, pt) = match self {
            Self::Text => ("text", "texto"),
            Self::Body => ("text above the choices", "texto acima das opções"),
            Self::Header => ("header", "cabeçalho"),
            Self::Footer => ("footer", "rodapé"),
            Self::Buttons => ("buttons", "botões"),
            Self::ButtonTitle => ("title of a button", "título de botão"),
            Self::ButtonId => ("id of a button", "id de botão"),
            Self::ListButton => ("button that opens the list", "botão que abre a lista"),
            Self::Sections => ("sections", "seções"),
            Self::SectionTitle => ("title of a section", "título de seção"),
            Self::Rows => ("rows of the list", "linhas da lista"),
            Self::RowTitle => ("title of a row", "título de linha"),
            Self::RowDescription => ("description of a row", "descrição de linha"),
            Self::RowId => ("id of a row", "id de linha"),
            Self::Caption => ("caption", "legenda"),
            Self::FileName => ("file name", "nome do arquivo"),
            Self::MediaId => ("id of the file", "id do arquivo"),
            Self::Link => ("link to the file", "link do arquivo"),
            Self::FileType => ("type of the file", "tipo do arquivo"),
            Self::Content => ("file", "arquivo"),
            Self::TemplateName => ("name of the template", "nome do modelo"),
            Self::TemplateLanguage => ("language of the template", "idioma do modelo"),
            Self::TemplateValue => ("value of the template", "valor do modelo"),
            Self::TemplateHeader => ("header of the template", "cabeçalho do modelo"),
            Self::MessageId => ("id of the message", "id da mensagem"),
            Self::Emoji => ("emoji", "emoji"),
            Self::Number => ("phone number id", "id do número de telefone"),
            Self::OwnId => ("own id of the message", "id próprio da mensagem"),
        };
        match locale {
            Locale::En => en,
            Locale::PtBr => pt,
        }
    }
}

/// A limit that a call breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Nothing is there.
    Missing(Part),
    /// It has too many characters.
    TooLong {
        /// Where.
        part: Part,
        /// How many there are.
        is: usize,
        /// How many there may be.
        max: usize,
    },
    /// There are too many of them.
    TooMany {
        /// Of what.
        part: Part,
        /// How many there are.
        is: usize,
        /// How many there may be.
        max: usize,
    },
    /// It has too many bytes.
    TooLarge {
        /// How many there are.
        is: u64,
        /// How many there may be.
        max: u64,
    },
    /// Two of them are the same.
    Repeated(Part),
    /// It begins or ends with a blank.
    Padded(Part),
    /// It has a line break, a tab or a wide gap.
    Broken(Part),
    /// It has not the form that it must have.
    Malformed(Part),
    /// This kind of message has none.
    NotTaken(Part),
}

impl Misfit {
    /// Says which limit is broken and what to do.
    pub fn told(&self, locale: Locale) -> String {
        let name = |part: &Part| part.name(locale);
        match (locale, self) {
            (Locale::En, Self::Missing(part)) => format!("{}: empty; fill it in", name(part)),
            (Locale::PtBr, Self::Missing(part)) => format!("{}: vazio; preencha", name(part)),
            (Locale::En, Self::TooLong { part, is, max }) => {
                format!("{}: {is} characters, at most {max} are allowed; shorten it", name(part))
            }
            (Locale::PtBr, Self::TooLong { part, is, max }) => {
                format!("{}: {is} caracteres, o máximo é {max}; encurte", name(part))
            }
            (Locale::En, Self::TooMany { part, is, max }) => {
                format!("{}: {is}, at most {max} are allowed; leave some out", name(part))
            }
            (Locale::PtBr, Self::TooMany { part, is, max }) => {
                format!("{}: {is}, o máximo é {max}; retire alguns itens", name(part))
            }
            (Locale::En, Self::TooLarge { is, max }) => {
                format!(
                    "file: {is} bytes, at most {max} are allowed for its type; send a smaller one"
                )
            }
            (Locale::PtBr, Self::TooLarge { is, max }) => {
                format!("arquivo: {is} bytes, o máximo para esse tipo é {max}; envie um menor")
            }
            (Locale::En, Self::Repeated(part)) => {
                format!("{}: the same one twice; make each different", name(part))
            }
            (Locale::PtBr, Self::Repeated(part)) => {
                format!("{}: repetido; use um diferente para cada item", name(part))
            }
            (Locale::En, Self::Padded(part)) => {
                format!("{}: begins or ends with a blank; remove it", name(part))
            }
            (Locale::PtBr, Self::Padded(part)) => {
                format!("{}: há espaço no começo ou no fim; remova", name(part))
            }
            (Locale::En, Self::Broken(part)) => format!(
                "{}: line breaks, tabs and more than {GAP_MAX} blanks in a row are not allowed; write it in one line",
                name(part)
            ),
            (Locale::PtBr, Self::Broken(part)) => format!(
                "{}: não pode haver quebra de linha, tabulação nem mais de {GAP_MAX} espaços seguidos; escreva em uma só linha",
                name(part)
            ),
            (Locale::En, Self::Malformed(part)) => {
                format!("{}: not in the form that WhatsApp takes; correct it", name(part))
            }
            (Locale::PtBr, Self::Malformed(part)) => {
                format!("{}: fora do formato que o WhatsApp aceita; corrija", name(part))
            }
            (Locale::En, Self::NotTaken(part)) => {
                format!("{}: WhatsApp takes none here; leave it out", name(part))
            }
            (Locale::PtBr, Self::NotTaken(part)) => {
                format!("{}: o WhatsApp não aceita aqui; retire", name(part))
            }
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(Locale::En))
    }
}

impl std::error::Error for Misfit {}

type Fits = Result<(), Misfit>;

/// Checks the id of a number or a file, which becomes a part of an address.
pub(super) fn id(id: &str, part: Part) -> Fits {
    filled(id, part, ID_MAX)?;
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    plain.then_some(()).ok_or(Misfit::Malformed(part))
}

/// Checks the id of a message.
pub(super) fn message_id(id: &str, part: Part) -> Fits {
    filled(id, part, ID_MAX)?;
    id.bytes().all(|byte| byte.is_ascii_graphic()).then_some(()).ok_or(Misfit::Malformed(part))
}

/// Checks our own id of a message.
pub(super) fn own_id(id: &str) -> Fits {
    filled(id, Part::OwnId, OWN_ID_MAX)
}

/// Checks a file by its type and its size in bytes, and returns nothing where WhatsApp takes it.
pub(super) fn file(mime: &str, size: u64) -> Fits {
    const KB: u64 = 1_024;
    const MB: u64 = 1_024 * KB;
    let graphic = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',');
    let essence = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let formed = mime.len() <= ID_MAX
        && mime.bytes().all(|byte| graphic(byte) || byte == b' ')
        && essence.split_once('/').is_some_and(|(kind, sort)| !kind.is_empty() && !sort.is_empty());
    if !formed {
        return Err(Misfit::Malformed(Part::FileType));
    }
    let max = match essence.as_str() {
        "image/jpeg" | "image/png" => 5 * MB,
        "image/webp" => 500 * KB,
        "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg" | "video/mp4"
        | "video/3gpp" | "video/3gp" => 16 * MB,
        other if ["image/", "audio/", "video/"].iter().any(|kind| other.starts_with(kind)) => {
            return Err(Misfit::NotTaken(Part::FileType));
        }
        _ => 100 * MB,
    };
    match size {
        0 => Err(Misfit::Missing(Part::Content)),
        is if is > max => Err(Misfit::TooLarge { is, max }),
        _ => Ok(()),
    }
}

/// Returns how a file is shown, where WhatsApp takes one of its type and size in bytes. The types are those that Meta lists
/// for sending: what is uploaded under another one is refused only once it is on its way.
pub fn shown(mime: &str, size: u64) -> Result<FileKind, Misfit> {
    let kind = match mime {
        "image/jpeg" | "image/png" => FileKind::Image,
        "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg" => FileKind::Audio,
        "video/mp4" | "video/3gpp" => FileKind::Video,
        "text/plain"
        | "application/pdf"
        | "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        | "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        | "application/vnd.openxmlformats-officedocument.presentationml.presentation" => {
            FileKind::Document
        }
        _ => return Err(Misfit::NotTaken(Part::FileType)),
    };
    file(mime, size).map(|()| kind)
}

impl Outgoing {
    /// Checks the message against every limit that is known.
    pub fn fits(&self) -> Result<(), Misfit> {
        if let Some(quoted) = &self.quotes {
            message_id(quoted, Part::MessageId)?;
        }
        match &self.content {
            Content::Text(text) => filled(text, Part::Text, TEXT_UNITS_MAX),
            Content::Template(template) => template_fits(template),
            Content::Buttons(buttons) => buttons_fit(buttons),
            Content::List(list) => list_fits(list),
            Content::File(file) => file_fits(file),
            Content::Reaction { to, emoji } => {
                message_id(to, Part::MessageId)?;
                short(emoji, Part::Emoji, EMOJI_MAX)
            }
        }
    }
}

fn template_fits(template: &Template) -> Fits {
    let signs = |text: &str, taken: fn(u8) -> bool| text.bytes().all(taken);
    filled(&template.name, Part::TemplateName, 512)?;
    if !signs(&template.name, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(Misfit::Malformed(Part::TemplateName));
    }
    filled(&template.language, Part::TemplateLanguage, 16)?;
    if !signs(&template.language, |byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Misfit::Malformed(Part::TemplateLanguage));
    }
    match &template.header {
        None => {}
        Some(TemplateHeader::Text(text)) => value(text, 60)?,
        Some(TemplateHeader::File { kind: FileKind::Audio, .. }) => {
            return Err(Misfit::NotTaken(Part::TemplateHeader));
        }
        Some(TemplateHeader::File { kind, source, name }) => {
            source_fits(source)?;
            name_fits(*kind, name.as_deref())?;
        }
    }
    many(template.body.len(), Part::TemplateValue, 0, VALUES_MAX)?;
    template.body.iter().try_for_each(|text| value(text, TEXT_UNITS_MAX))?;
    many(template.buttons.len(), Part::Buttons, 0, TEMPLATE_BUTTONS_MAX)?;
    distinct(template.buttons.iter().map(super::TemplateButton::index), Part::Buttons)?;
    template
        .buttons
        .iter()
        .try_for_each(|button| filled(button.value(), Part::TemplateValue, NAME_MAX))
}

/// Checks one value of a template.
fn value(value: &BodyValue, max: usize) -> Fits {
    filled(&value.text, Part::TemplateValue, max)?;
    if value.name.as_ref().is_some_and(String::is_empty) {
        return Err(Misfit::Missing(Part::TemplateValue));
    }
    let wide = " ".repeat(GAP_MAX + 1);
    let breaks = value.text.contains(['\n', '\r', '\t']) || value.text.contains(&wide);
    if breaks { Err(Misfit::Broken(Part::TemplateValue)) } else { Ok(()) }
}

fn buttons_fit(buttons: &Buttons) -> Fits {
    around(buttons.header.as_deref(), &buttons.body, buttons.footer.as_deref())?;
    many(buttons.choices.len(), Part::Buttons, 1, 3)?;
    for choice in &buttons.choices {
        tight(&choice.id, Part::ButtonId, 256)?;
        tight(&choice.title, Part::ButtonTitle, 20)?;
    }
    distinct(buttons.choices.iter().map(|choice| &choice.id), Part::ButtonId)?;
    distinct(buttons.choices.iter().map(|choice| &choice.title), Part::ButtonTitle)
}

fn list_fits(list: &List) -> Fits {
    around(list.header.as_deref(), &list.body, list.footer.as_deref())?;
    filled(&list.button, Part::ListButton, 20)?;
    many(list.sections.len(), Part::Sections, 1, 10)?;
    let rows = || list.sections.iter().flat_map(|section| &section.rows);
    // The specification counts rows per section, Meta's guide all of them together.
    many(rows().count(), Part::Rows, 1, 10)?;
    for section in &list.sections {
        many(section.rows.len(), Part::Rows, 1, 10)?;
        match &section.title {
            Some(title) => filled(title, Part::SectionTitle, 24)?,
            None if list.sections.len() > 1 => return Err(Misfit::Missing(Part::SectionTitle)),
            None => {}
        }
    }
    for row in rows() {
        tight(&row.id, Part::RowId, 200)?;
        filled(&row.title, Part::RowTitle, 24)?;
        if let Some(description) = &row.description {
            filled(description, Part::RowDescription, 72)?;
        }
    }
    distinct(rows().map(|row| &row.id), Part::RowId)
}

fn file_fits(file: &File) -> Fits {
    source_fits(&file.source)?;
    name_fits(file.kind, file.name.as_deref())?;
    match &file.caption {
        None => Ok(()),
        Some(_) if file.kind == FileKind::Audio => Err(Misfit::NotTaken(Part::Caption)),
        Some(caption) => filled(caption, Part::Caption, 1_024),
    }
}

fn source_fits(source: &Source) -> Fits {
    match source {
        Source::Id(id) => self::id(id, Part::MediaId),
        Source::Link(link) => {
            filled(link, Part::Link, NAME_MAX)?;
            let fetched =
                Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
            fetched.then_some(()).ok_or(Misfit::Malformed(Part::Link))
        }
    }
}

fn name_fits(kind: FileKind, name: Option<&str>) -> Fits {
    match name {
        None => Ok(()),
        Some(_) if kind != FileKind::Document => Err(Misfit::NotTaken(Part::FileName)),
        Some(name) => filled(name, Part::FileName, NAME_MAX),
    }
}

/// Checks the three texts around something to tap.
fn around(header: Option<&str>, body: &str, footer: Option<&str>) -> Fits {
    if let Some(header) = header {
        filled(header, Part::Header, 60)?;
    }
    filled(body, Part::Body, 1_024)?;
    footer.map_or(Ok(()), |footer| filled(footer, Part::Footer, 60))
}

/// Checks a text that must say something.
fn filled(text: &str, part: Part, max: usize) -> Fits {
    if text.trim().is_empty() {
        return Err(Misfit::Missing(part));
    }
    short(text, part, max)
}

/// Checks a text that must say something and have no blanks around it.
fn tight(text: &str, part: Part, max: usize) -> Fits {
    filled(text, part, max)?;
    if text.trim() == text { Ok(()) } else { Err(Misfit::Padded(part)) }
}

fn short(text: &str, part: Part, max: usize) -> Fits {
    match text.encode_utf16().count() {
        is if is > max => Err(Misfit::TooLong { part, is, max }),
        _ => Ok(()),
    }
}

fn many(is: usize, part: Part, min: usize, max: usize) -> Fits {
    if is < min {
        Err(Misfit::Missing(part))
    } else if is > max {
        Err(Misfit::TooMany { part, is, max })
    } else {
        Ok(())
    }
}

fn distinct<T: Ord>(mut items: impl Iterator<Item = T>, part: Part) -> Fits {
    let mut seen = BTreeSet::new();
    if items.all(|item| seen.insert(item)) { Ok(()) } else { Err(Misfit::Repeated(part)) }
}
