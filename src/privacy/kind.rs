//! The kinds of personal data and when two spellings are the same value.

use super::names::folded;

crate::domain::words! {
    /// A kind of personal data; its upper-case spelling is the placeholder's.
    Kind {
        /// Number of a natural person.
        Cpf = "cpf",
        /// Number of a company, numeric or (since July 2026) alphanumeric.
        Cnpj = "cnpj",
        /// Payment card number.
        Card = "card",
        /// Random Pix key.
        PixKey = "pix_key",
        /// Typeable line or bar code of a boleto.
        Boleto = "boleto",
        /// Brazilian postal code.
        Cep = "cep",
        /// Telephone number.
        Phone = "phone",
        /// E-mail address.
        Email = "email",
        /// A name of the customer that the caller knows.
        Name = "name",
        /// Password, code or API key.
        Secret = "secret",
        /// State identity card, where labelled.
        Rg = "rg",
        /// Another identity document, where labelled.
        Document = "document",
        /// Date of birth, where labelled.
        BirthDate = "birth_date",
        /// The customer's own words that look like a placeholder that is in use.
        Text = "text",
    }
}

impl Kind {
    /// Returns the word inside a placeholder.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Cpf => "CPF",
            Self::Cnpj => "CNPJ",
            Self::Card => "CARD",
            Self::PixKey => "PIX_KEY",
            Self::Boleto => "BOLETO",
            Self::Cep => "CEP",
            Self::Phone => "PHONE",
            Self::Email => "EMAIL",
            Self::Name => "NAME",
            Self::Secret => "SECRET",
            Self::Rg => "RG",
            Self::Document => "DOCUMENT",
            Self::BirthDate => "BIRTH_DATE",
            Self::Text => "TEXT",
        }
    }

    /// Reads the word inside a placeholder back.
    pub(super) fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.tag() == tag)
    }

    /// Returns what makes two spellings of one value equal.
    pub(super) fn key(self, text: &str) -> String {
        match self {
            Self::Cpf | Self::Card | Self::Boleto | Self::Cep | Self::BirthDate => digits(text),
            Self::Phone => phone_key(text),
            Self::Cnpj | Self::Rg | Self::Document => text
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|c| c.to_ascii_uppercase())
                .collect(),
            Self::PixKey | Self::Email => text.to_lowercase(),
            Self::Name => folded(text),
            Self::Secret | Self::Text => text.to_owned(),
        }
    }
}

fn digits(text: &str) -> String {
    text.chars().filter_map(super::numbers::digit).map(|d| char::from(b'0' + d)).collect()
}

/// Drops what is dialled before a Brazilian number, so that with and without +55 are one value.
/// The ninth digit is left as it is: the two forms can be two people.
fn phone_key(text: &str) -> String {
    let all = digits(text);
    let national = match all.strip_prefix("55") {
        Some(rest) if matches!(rest.len(), 10 | 11) => rest,
        _ => &all,
    };
    match national.strip_prefix('0') {
        Some(rest) if matches!(rest.len(), 10 | 11) => rest.to_owned(),
        _ => national.to_owned(),
    }
}
