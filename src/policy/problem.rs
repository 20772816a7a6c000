//! What is wrong in a policy file, said so that the person who wrote it can mend it.
//!
//! A problem always carries its place; problems are collected, never thrown one by one.

use std::fmt::Write as _;

use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;

/// One thing that is wrong in a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named to us.
    pub file: String,
    /// Line, from 1; 0 where the whole file is meant.
    pub line: u32,
    /// Column in characters, from 1; 0 where the whole file is meant.
    pub column: u32,
    /// Where in the structure, e.g. `rules[3].when`; empty for the whole file.
    pub path: String,
    /// What is wrong.
    pub message: LocalText,
    /// What to do, where that is not plain from the message.
    pub hint: Option<LocalText>,
}

impl Problem {
    /// Returns the problem as one line, and a second line for the hint.
    pub fn render(&self, locale: Locale) -> String {
        let mut out = self.file.clone();
        if self.line > 0 {
            // Writing to a String cannot fail.
            write!(out, ":{}:{}", self.line, self.column).unwrap_or_default();
        }
        if !self.path.is_empty() {
            write!(out, ": {}", self.path).unwrap_or_default();
        }
        write!(out, ": {}", self.message.in_locale(locale)).unwrap_or_default();
        if let Some(hint) = &self.hint {
            let label = match locale {
                Locale::PtBr => "dica",
                Locale::En => "hint",
            };
            write!(out, "\n  {label}: {}", hint.in_locale(locale)).unwrap_or_default();
        }
        out
    }
}

/// Message and hint of a problem, before its place is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) message: LocalText,
    pub(super) hint: Option<LocalText>,
}

impl Complaint {
    pub(super) fn new(pt_br: impl Into<String>, en: impl Into<String>) -> Self {
        Self { message: LocalText::new(pt_br, en), hint: None }
    }

    pub(super) fn hint(mut self, pt_br: impl Into<String>, en: impl Into<String>) -> Self {
        self.hint = Some(LocalText::new(pt_br, en));
        self
    }
}

/// A kind of name that a pack declares or that is built in, with how to call an unknown one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noun {
    unknown_pt: &'static str,
    plural_pt: &'static str,
    en: &'static str,
    plural_en: &'static str,
}

macro_rules! nouns {
    ($($name:ident = $unknown_pt:literal, $plural_pt:literal, $en:literal, $plural_en:literal;)+) => {
        $(pub(super) const $name: Noun = Noun {
            unknown_pt: $unknown_pt, plural_pt: $plural_pt, en: $en, plural_en: $plural_en,
        };)+
    };
}

nouns! {
    KEY = "chave desconhecida", "as chaves são", "key", "the keys are";
    CATEGORY = "categoria desconhecida", "as categorias são", "category", "the categories are";
    SUBCATEGORY = "subcategoria desconhecida", "as subcategorias são", "subcategory", "the subcategories are";
    TEAM = "equipe desconhecida", "as equipes são", "team", "the teams are";
    LEVEL = "nível desconhecido", "os níveis são", "level", "the levels are";
    PLAN = "plano desconhecido", "os planos são", "plan", "the plans are";
    FACT = "fato desconhecido", "os fatos são", "fact", "the facts are";
    LIMIT = "limite desconhecido", "os limites são", "limit", "the limits are";
    SIGNAL = "sinal desconhecido", "os sinais são", "signal", "the signals are";
    CHANNEL = "canal desconhecido", "os canais são", "channel", "the channels are";
    LANGUAGE = "idioma desconhecido", "os idiomas são", "language", "the languages are";
    URGENCY = "urgência desconhecida", "as urgências são", "urgency", "the urgencies are";
    SENTIMENT = "sentimento desconhecido", "os sentimentos são", "sentiment", "the sentiments are";
    COMPLEXITY = "complexidade desconhecida", "as complexidades são", "complexity", "the complexities are";
    MODE = "modo desconhecido", "os modos são", "mode", "the modes are";
    ACTION = "ação desconhecida", "as ações são", "action", "the actions are";
    ROLE = "papel desconhecido", "os papéis são", "role", "the roles are";
    FUNCTION = "função desconhecida", "as funções são", "function", "the functions are";
    PACK = "pacote desconhecido", "os pacotes são", "pack", "the packs are";
    SEVERITY = "gravidade desconhecida", "as gravidades são", "severity", "the severities are";
    CALENDAR = "calendário desconhecido", "os calendários são", "calendar", "the calendars are";
    ZONE = "fuso horário desconhecido", "os fusos são", "time zone", "the time zones are";
    WORD = "palavra desconhecida", "as palavras são", "word", "the words are";
    PLACEHOLDER = "campo desconhecido", "os campos são", "field", "the fields are";
}

/// The most candidates that a hint lists; more would hide the message.
const LISTED: usize = 22;

/// Says that a name is not among the candidates, and which one was probably meant.
pub(super) fn unknown(noun: Noun, word: &str, candidates: &[&str]) -> Complaint {
    let word = shortened(word);
    let mut pt = format!("{} \"{word}\"", noun.unknown_pt);
    let mut en = format!("unknown {} \"{word}\"", noun.en);
    if let Some(near) = nearest(&word, candidates) {
        write!(pt, "; você quis dizer \"{near}\"?").unwrap_or_default();
        write!(en, "; did you mean \"{near}\"?").unwrap_or_default();
    }
    let complaint = Complaint::new(pt, en);
    if candidates.is_empty() || candidates.len() > LISTED {
        return complaint;
    }
    let list = candidates.join(", ");
    complaint.hint(format!("{} {list}", noun.plural_pt), format!("{} {list}", noun.plural_en))
}

/// Returns the candidate that a misspelt word most likely meant; `None` when nothing is close.
pub(super) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let folded = word.to_lowercase();
    let mut longer = candidates.iter().filter(|c| c.to_lowercase().starts_with(&folded));
    if let (Some(only), None) = (longer.next(), longer.next())
        && folded.chars().count() >= 2
    {
        return Some(only);
    }
    candidates
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&folded, &candidate.to_lowercase()), *candidate))
        .filter(|(likeness, candidate)| {
            // Jaro-Winkler alone calls long words with a common start alike, edits alone
            // call any two short words alike; both together match what people mistype.
            let edits = strsim::damerau_levenshtein(&folded, &candidate.to_lowercase());
            *likeness >= 0.8 && edits <= 1 + candidate.chars().count() / 4
        })
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// Keeps a message readable when somebody pastes a page where a word belongs.
pub(super) fn shortened(word: &str) -> String {
    const LONGEST: usize = 60;
    if word.chars().count() <= LONGEST {
        return word.to_owned();
    }
    let mut short: String = word.chars().take(LONGEST).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_what_was_meant_and_a_strange_one_nothing() {
        let words = ["legal_threat", "refund", "churn", "customer.plan", "customer.vip"];
        for (word, expected) in [
            ("legal_thret", Some("legal_threat")),
            ("Refund", Some("refund")),
            ("custmer.plan", Some("customer.plan")),
            ("chrun", Some("churn")),
            ("leg", Some("legal_threat")),
            ("customer", Some("customer.vip")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &words), expected, "{word}");
        }
    }

    #[test]
    fn a_problem_reads_as_file_place_path_message_and_hint() {
        let problem = Problem {
            file: "policies/x.yaml".into(),
            line: 12,
            column: 7,
            path: "rules[3].when".into(),
            message: LocalText::new("fato desconhecido", "unknown fact"),
            hint: Some(LocalText::new("veja a lista", "see the list")),
        };
        assert_eq!(
            problem.render(Locale::En),
            "policies/x.yaml:12:7: rules[3].when: unknown fact\n  hint: see the list"
        );
        assert_eq!(
            problem.render(Locale::PtBr),
            "policies/x.yaml:12:7: rules[3].when: fato desconhecido\n  dica: veja a lista"
        );
    }
}
