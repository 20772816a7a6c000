//! Fixed texts in both languages, for tables that are compiled in.

use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;

/// A fixed text, written natively in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// Brazilian Portuguese.
    pub pt: &'static str,
    /// English.
    pub en: &'static str,
}

impl Words {
    /// Returns the text for a locale.
    pub const fn in_locale(self, locale: Locale) -> &'static str {
        match locale {
            Locale::PtBr => self.pt,
            Locale::En => self.en,
        }
    }
}

impl From<Words> for LocalText {
    fn from(words: Words) -> Self {
        Self::new(words.pt, words.en)
    }
}
