//! One input line into one draft with its sources; every mistake names its field.

use serde_json::{Map, Value};

use super::super::lines::{self, BadLine, kind};
use crate::domain::draft::Passage;
use crate::domain::labels::Locale;

/// Most passages of one draft.
const MAX_PASSAGES: usize = 200;

/// A draft to check.
#[derive(Debug, Default)]
pub(super) struct Case {
    pub(super) id: Option<Value>,
    pub(super) draft: String,
    pub(super) locale: Option<Locale>,
    pub(super) ticket: Vec<String>,
    pub(super) customer: Option<String>,
    pub(super) approved: Vec<String>,
    /// The passages' texts, and beside them where they are from.
    pub(super) texts: Vec<String>,
    articles: Vec<(String, String)>,
}

impl Case {
    /// Makes a case of a draft and texts with their names.
    pub(super) fn of_files(
        draft: String,
        passages: Vec<(String, String)>,
        ticket: Option<String>,
    ) -> Self {
        let (articles, texts) =
            passages.into_iter().map(|(name, text)| ((name, String::new()), text)).unzip();
        Self { draft, articles, texts, ticket: ticket.into_iter().collect(), ..Self::default() }
    }

    /// The passages as the ledger's indices mean them.
    pub(super) fn passages(&self, locale: Locale) -> Vec<Passage> {
        self.texts
            .iter()
            .zip(&self.articles)
            .map(|(text, (article, heading))| Passage {
                article: article.clone(),
                locale,
                heading: heading.clone(),
                score: 1.0,
                above_floor: true,
                text: text.clone(),
            })
            .collect()
    }
}

type Read<T> = Result<T, (String, String)>;

/// Reads a line.
pub(super) fn read(line: &[u8]) -> Result<Case, BadLine> {
    let (object, id) = lines::object(line)?;
    case(&object).map_or_else(
        |(field, message)| Err(BadLine::new(id.clone(), field, message)),
        |case| Ok(Case { id: id.clone(), ..case }),
    )
}

fn case(object: &Map<String, Value>) -> Read<Case> {
    if let Some(id) =
        object.get("id").filter(|id| !(id.is_string() || id.is_number() || id.is_null()))
    {
        return wrong("id", format!("must be a text or a number, not {}", kind(id)));
    }
    let draft = match text(object, "draft", "draft")? {
        None => return wrong("draft", "is missing"),
        Some(draft) if draft.trim().is_empty() => return wrong("draft", "is empty"),
        Some(draft) => draft.to_owned(),
    };
    let locale = match text(object, "locale", "locale")? {
        None => None,
        Some(word) => match Locale::parse(word) {
            Some(locale) => Some(locale),
            None => return wrong("locale", "must be pt-BR or en"),
        },
    };
    let mut case = Case { draft, locale, ..Case::default() };
    passages(object, &mut case)?;
    match object.get("ticket") {
        None | Some(Value::Null) => {}
        Some(Value::String(said)) => case.ticket.push(said.clone()),
        Some(Value::Object(ticket)) => {
            for (field, path) in [
                ("subject", "ticket.subject"),
                ("text", "ticket.text"),
                ("number", "ticket.number"),
            ] {
                case.ticket.extend(text(ticket, field, path)?.map(str::to_owned));
            }
            case.customer = text(ticket, "customer", "ticket.customer")?.map(str::to_owned);
        }
        Some(other) => return wrong("ticket", format!("must be an object, not {}", kind(other))),
    }
    match object.get("approved") {
        None | Some(Value::Null) => {}
        Some(Value::Array(list)) => {
            for (at, said) in list.iter().enumerate() {
                let Value::String(said) = said else {
                    return wrong(
                        &format!("approved[{at}]"),
                        format!("must be a text, not {}", kind(said)),
                    );
                };
                case.approved.push(said.clone());
            }
        }
        Some(other) => return wrong("approved", format!("must be a list, not {}", kind(other))),
    }
    Ok(case)
}

fn passages(object: &Map<String, Value>, case: &mut Case) -> Read<()> {
    let list = match object.get("passages") {
        None | Some(Value::Null) => {
            return wrong("passages", "is missing; an empty list means no passage was found");
        }
        Some(Value::Array(list)) if list.len() <= MAX_PASSAGES => list,
        Some(Value::Array(_)) => {
            return wrong("passages", format!("has more than {MAX_PASSAGES} passages"));
        }
        Some(other) => return wrong("passages", format!("must be a list, not {}", kind(other))),
    };
    for (at, passage) in list.iter().enumerate() {
        let path = format!("passages[{at}]");
        match passage {
            Value::String(said) => {
                case.texts.push(said.clone());
                case.articles.push((String::new(), String::new()));
            }
            Value::Object(passage) => {
                let field = |name: &str| text(passage, name, &format!("{path}.{name}"));
                let Some(said) = field("text")? else {
                    return wrong(&format!("{path}.text"), "is missing");
                };
                let heading = field("heading")?.unwrap_or_default().to_owned();
                case.texts.push(said.to_owned());
                case.articles.push((field("article")?.unwrap_or_default().to_owned(), heading));
            }
            other => return wrong(&path, format!("must be an object, not {}", kind(other))),
        }
    }
    Ok(())
}

fn wrong<T>(field: &str, message: impl Into<String>) -> Read<T> {
    Err((field.to_owned(), message.into()))
}

/// A text; absent and null are the same.
fn text<'a>(object: &'a Map<String, Value>, field: &str, path: &str) -> Read<Option<&'a str>> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => wrong(path, format!("must be a text, not {}", kind(other))),
    }
}
