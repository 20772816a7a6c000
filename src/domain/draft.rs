//! A proposed reply and the evidence for each of its sentences.

use serde::{Deserialize, Serialize};

use super::labels::Locale;

super::words! {
    /// How a draft came about.
    DraftKind {
        /// An approved template and the passage's own answer.
        Extractive = "extractive",
        /// An approved template alone.
        Template = "template",
        /// The fixed safety text, which no engine writes or changes.
        Safety = "safety",
        /// A language model wrote it.
        Model = "model",
        /// A person wrote it.
        Human = "human",
    }
}

super::words! {
    /// Where a sentence has its support.
    Support {
        /// A passage of the knowledge base.
        Passage = "passage",
        /// What the customer or the ticket says.
        Ticket = "ticket",
        /// An approved template.
        Template = "template",
        /// Nothing; such a sentence is never sent automatically.
        None = "none",
    }
}

super::words! {
    /// Why nobody can vouch for a sentence although nothing in it is wrong.
    Doubt {
        /// Its passage holds too little of it.
        Loose = "loose",
        /// Another value or name stands as near in the passages.
        Rival = "rival",
        /// It denies what its passage does not deny, or the other way round.
        Denial = "denial",
        /// It says "all", "always" or "any" where its passage does not.
        Breadth = "breadth",
        /// Only the customer says so.
        Told = "told",
        /// It answers yes or no, and what follows does not bear it out.
        Answer = "answer",
        /// Words of courtesy with a statement inside.
        Aside = "aside",
    }
}

impl Doubt {
    /// Says why, in the language of the reader.
    pub fn message(self, locale: Locale) -> &'static str {
        let (pt, en) = match self {
            Self::Loose => (
                "o artigo sustenta pouco desta frase",
                "the article holds too little of this sentence",
            ),
            Self::Rival => (
                "os artigos trazem ali outro valor ou nome tão próximo quanto este",
                "the articles give another value or name there that fits as well",
            ),
            Self::Denial => {
                ("o artigo talvez diga o contrário", "the article may say the opposite")
            }
            Self::Breadth => (
                "a frase vale para mais do que o artigo diz",
                "the sentence claims more than the article does",
            ),
            Self::Told => ("só o cliente diz isto", "only the customer says so"),
            Self::Answer => (
                "nada ao lado confirma este sim ou não",
                "nothing beside it bears out this yes or no",
            ),
            Self::Aside => {
                ("há uma afirmação no meio da cortesia", "there is a statement among the courtesy")
            }
        };
        match locale {
            Locale::PtBr => pt,
            Locale::En => en,
        }
    }
}

/// One sentence of a draft with its support.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LedgerEntry {
    /// The sentence.
    pub sentence: String,
    /// Where its support lies.
    pub support: Support,
    /// Indices into the passages that support it.
    pub passages: Vec<usize>,
    /// What the checks found wrong with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaws: Vec<Flaw>,
    /// Why nobody vouches for it. Only words that no approved template and no article wrote have doubts; a draft with one
    /// is never sent automatically.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
}

/// Something wrong with a sentence of a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Flaw {
    /// What sort: `price`, `promise`, `link`, `unsupported` …
    pub kind: String,
    /// The words.
    pub found: String,
    /// What the source says instead, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

/// A reply that somebody may send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DraftText {
    /// The words.
    pub text: String,
    /// The locale they are written in.
    pub locale: Locale,
    /// How they came about.
    pub kind: DraftKind,
    /// Sentence by sentence, why each may be said.
    pub ledger: Vec<LedgerEntry>,
    /// Short answers that the customer can tap, where the channel has such; at most three.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// Returns a text with its short answers below, each with its number, for where they cannot be tapped.
pub fn numbered(text: &str, choices: &[String]) -> String {
    let mut whole = text.trim_end().to_owned();
    for (at, choice) in choices.iter().enumerate() {
        whole.push_str(if at == 0 { "\n\n" } else { "\n" });
        whole.push_str(&(at + 1).to_string());
        whole.push_str(". ");
        whole.push_str(choice);
    }
    if choices.is_empty() { text.to_owned() } else { whole }
}

/// Returns the short answer that somebody names by its number, or as it stands.
pub fn chosen<'c>(text: &str, choices: &'c [String]) -> Option<&'c String> {
    let said = text.trim().trim_end_matches(['.', ')', 'º', 'ª']).trim();
    let number: Option<usize> = said.parse().ok();
    let at = number.and_then(|number| number.checked_sub(1));
    at.and_then(|at| choices.get(at))
        .or_else(|| choices.iter().find(|choice| choice.to_lowercase() == said.to_lowercase()))
}

impl DraftText {
    /// Returns the share of sentences with support, 1 for an empty ledger of a fixed text.
    pub fn coverage(&self) -> f64 {
        if self.ledger.is_empty() {
            return if self.kind == DraftKind::Safety { 1.0 } else { 0.0 };
        }
        let supported = self.ledger.iter().filter(|e| e.support != Support::None).count();
        #[expect(clippy::cast_precision_loss, reason = "a draft has a few sentences")]
        let share = supported as f64 / self.ledger.len() as f64;
        share
    }
}

/// A piece of an article that a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Passage {
    /// The article's id: category, slash, slug.
    pub article: String,
    /// The article's locale.
    pub locale: Locale,
    /// The heading the passage stands under; empty for the article's opening.
    pub heading: String,
    /// Relevance; comparable within one search only.
    pub score: f64,
    /// True when the score clears the relevance floor: below it the passage is no answer.
    pub above_floor: bool,
    /// The passage's words.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_tapped_is_chosen_by_its_number_or_its_words() {
        let choices = ["Sim".to_owned(), "Não, obrigado".to_owned()];
        assert_eq!(numbered("Deu certo?\n", &choices), "Deu certo?\n\n1. Sim\n2. Não, obrigado");
        assert_eq!(numbered("Oi\n", &[]), "Oi\n");
        for (said, expected) in [
            ("1", Some(0)),
            (" 2. ", Some(1)),
            ("2)", Some(1)),
            ("NÃO, obrigado", Some(1)),
            ("0", None),
            ("3", None),
            ("1 boleto", None),
            ("", None),
        ] {
            let at = chosen(said, &choices).and_then(|one| choices.iter().position(|c| c == one));
            assert_eq!(at, expected, "{said}");
        }
    }
}
