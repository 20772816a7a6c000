//! What can be wrong with a sentence of a draft, and how people are told.

use super::figures::FigureKind;
use crate::domain::labels::Locale;

crate::domain::words! {
    /// What is wrong with a sentence.
    FindingKind {
        /// An amount that no source gives.
        Price = "price",
        /// A percentage that no source gives.
        Percentage = "percentage",
        /// A date or day that no source gives.
        Date = "date",
        /// A length of time or a time of day that no source gives.
        Deadline = "deadline",
        /// A count that no source gives.
        Number = "number",
        /// A code that no source gives.
        Code = "code",
        /// A link that no source gives.
        Link = "link",
        /// An e-mail address that no source gives.
        Email = "email",
        /// A phone number that no source gives.
        Phone = "phone",
        /// A name of a plan, menu, button or product that no source gives there.
        Name = "name",
        /// A quotation that no source holds.
        Quote = "quote",
        /// The source says the opposite.
        Negation = "negation",
        /// A commitment that no source makes.
        Promise = "promise",
        /// Something happened that neither a source nor the ticket tells of.
        Event = "event",
        /// Nothing supports the sentence.
        Unsupported = "unsupported",
        /// The draft is not in the language asked for.
        Language = "language",
        /// A blank that nobody filled.
        Placeholder = "placeholder",
        /// Wording that no reply may use.
        Forbidden = "forbidden",
        /// Data of a person that is neither in the ticket nor in a passage.
        PersonalData = "personal_data",
    }
}

impl FindingKind {
    /// Says what is wrong, in the language of the reader.
    pub fn message(self, locale: Locale) -> &'static str {
        let (pt, en) = match self {
            Self::Price => (
                "este valor não está nos artigos nem no ticket",
                "no article or ticket gives this amount",
            ),
            Self::Percentage => (
                "este percentual não está nos artigos nem no ticket",
                "no article or ticket gives this percentage",
            ),
            Self::Date => (
                "esta data não está nos artigos nem no ticket",
                "no article or ticket gives this date",
            ),
            Self::Deadline => (
                "este prazo ou horário não está nos artigos nem no ticket",
                "no article or ticket gives this time or deadline",
            ),
            Self::Number => (
                "este número não está nos artigos nem no ticket",
                "no article or ticket gives this number",
            ),
            Self::Code => (
                "este código não está nos artigos nem no ticket",
                "no article or ticket gives this code",
            ),
            Self::Link => (
                "este link não está nos artigos nem no ticket",
                "no article or ticket gives this link",
            ),
            Self::Email => (
                "este e-mail não está nos artigos nem no ticket",
                "no article or ticket gives this email address",
            ),
            Self::Phone => (
                "este telefone não está nos artigos nem no ticket",
                "no article or ticket gives this phone number",
            ),
            Self::Name => (
                "este nome não está ali nos artigos nem no ticket",
                "no article or ticket gives this name there",
            ),
            Self::Quote => (
                "esta citação não está nos artigos nem no ticket",
                "no article or ticket holds this quotation",
            ),
            Self::Negation => ("o artigo diz o contrário", "the article says the opposite"),
            Self::Promise => ("nenhum artigo promete isto", "no article promises this"),
            Self::Event => (
                "nem os artigos nem o ticket dizem que isto aconteceu",
                "neither an article nor the ticket says that this happened",
            ),
            Self::Unsupported => (
                "nada nos artigos nem no ticket sustenta esta frase",
                "nothing in the articles or the ticket supports this sentence",
            ),
            Self::Language => (
                "o rascunho não está no idioma pedido",
                "the draft is not in the language asked for",
            ),
            Self::Placeholder => ("um espaço ficou sem preencher", "a blank was left unfilled"),
            Self::Forbidden => {
                ("estas palavras não podem ir em uma resposta", "no reply may use these words")
            }
            Self::PersonalData => (
                "dados de uma pessoa que não estão nos artigos nem no ticket",
                "data of a person that neither the articles nor the ticket hold",
            ),
        };
        match locale {
            Locale::PtBr => pt,
            Locale::En => en,
        }
    }
}

impl From<FigureKind> for FindingKind {
    fn from(kind: FigureKind) -> Self {
        match kind {
            FigureKind::Price => Self::Price,
            FigureKind::Percentage => Self::Percentage,
            FigureKind::Date => Self::Date,
            FigureKind::Deadline => Self::Deadline,
            FigureKind::Link => Self::Link,
            FigureKind::Email => Self::Email,
            FigureKind::Phone => Self::Phone,
            FigureKind::Document => Self::PersonalData,
            FigureKind::Code => Self::Code,
            FigureKind::Number => Self::Number,
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// The sentence; the whole draft's first one for its language.
    pub sentence: String,
    /// The words in it.
    pub found: String,
    /// What the source says instead, where one does.
    pub expected: Option<String>,
}
