//! Turns text into the terms that search compares: folded, freed of empty words, stemmed, synonyms joined.
//!
//! Articles and questions go through the same steps, so whatever a step does, it does to both.

use std::collections::{HashMap, HashSet};

use super::stem::stem;
use crate::domain::labels::Locale;
use crate::text;

/// The words of one locale that need special care.
pub(super) struct Lexicon {
    locale: Locale,
    stop: HashSet<String>,
    abbreviations: HashMap<String, Vec<String>>,
    /// Stem of a word to the stem that stands for its group.
    same: HashMap<String, String>,
    foreign: HashSet<String>,
}

impl Lexicon {
    /// Reads the word lists of a locale.
    pub(super) fn new(locale: Locale) -> Self {
        let (stop, same) = match locale {
            Locale::PtBr => {
                (include_str!("words/stop.pt-BR.txt"), include_str!("words/same.pt-BR.txt"))
            }
            Locale::En => (include_str!("words/stop.en.txt"), include_str!("words/same.en.txt")),
        };
        let mut lexicon = Self {
            locale,
            stop: self::list(stop).collect(),
            abbreviations: HashMap::new(),
            same: HashMap::new(),
            foreign: list(include_str!("words/foreign.txt"))
                .map(|word| stem(&word, locale))
                .collect(),
        };
        for line in same.lines().filter(|line| !line.starts_with('#')) {
            lexicon.read_same(line);
        }
        lexicon
    }

    fn read_same(&mut self, line: &str) {
        if let Some((short, long)) = line.split_once('=') {
            self.abbreviations.insert(fold(short.trim()), list(long).collect());
            return;
        }
        let mut stems = list(line).map(|word| stem(&word, self.locale));
        let Some(first) = stems.next() else { return };
        for other in stems {
            if other != first {
                self.same.insert(other, first.clone());
            }
        }
    }

    /// Returns the terms of a text in order, repeats included.
    pub(super) fn terms(&self, text: &str) -> Vec<String> {
        self.words(text).iter().map(|word| self.term(word)).collect()
    }

    /// Returns the words of a text that tell its subject: folded, abbreviations written out.
    pub(super) fn words(&self, text: &str) -> Vec<String> {
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            if word.contains("://") || word.starts_with("www.") || is_placeholder(word) {
                continue;
            }
            let folded = fold(word);
            for part in folded.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty())
            {
                self.push(part, &mut words);
            }
        }
        words
    }

    fn push(&self, word: &str, words: &mut Vec<String>) {
        if word.len() < 2 || word.bytes().all(|b| b.is_ascii_digit()) || self.stop.contains(word) {
            return;
        }
        match self.abbreviations.get(word) {
            Some(long) => words.extend(long.iter().cloned()),
            None => words.push(word.to_owned()),
        }
    }

    /// Returns the term that stands for a word and its forms.
    pub(super) fn term(&self, word: &str) -> String {
        let stem = stem(word, self.locale);
        match self.same.get(&stem) {
            Some(first) => first.clone(),
            None => stem,
        }
    }

    /// True for the name of a service that is known not to be ours.
    pub(super) fn is_foreign(&self, term: &str) -> bool {
        self.foreign.contains(term)
    }
}

/// True for what stands in place of personal data, such as `[CPF_1]`: it tells nothing about the subject.
fn is_placeholder(word: &str) -> bool {
    let Some((_, rest)) = word.split_once('[') else { return false };
    rest.split_once(']').is_some_and(|(name, _)| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    })
}

/// Reads the words of a list in a file, folded; lines with `#` explain.
pub(super) fn list(list: &str) -> impl Iterator<Item = String> + '_ {
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .flat_map(|word| {
            fold(word).split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|word| !word.is_empty())
}

/// Folds a word and joins what an apostrophe parts: "don't" is one word.
fn fold(text: &str) -> String {
    let mut folded = text::fold::fold(text);
    folded.retain(|c| c != '\'');
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_becomes_the_words_that_tell_its_subject() {
        for (locale, text, expected) in [
            (Locale::PtBr, "Oi, bom dia! Kd meu boleto??", "bolet"),
            (Locale::PtBr, "n consigo conectar o zap", "conect whatsapp"),
            (Locale::PtBr, "Preciso da 2ª via da NF-e", "2a via not fiscal"),
            (Locale::PtBr, "meu CPF é [CPF_1], obrigado", "cpf"),
            (Locale::PtBr, "tudo bem?", ""),
            (Locale::PtBr, "", ""),
            (Locale::PtBr, "logar = acessar = entrar", "entr entr entr"),
            (Locale::En, "I can't log in, pls help", "login"),
            (Locale::En, "Don't we have receipts?", "receipt"),
            (Locale::En, "https://evil.example/password", ""),
        ] {
            assert_eq!(Lexicon::new(locale).terms(text).join(" "), expected, "{text}");
        }
    }
}
