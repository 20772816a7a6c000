//! Which of our customers' languages a text is written in.
//!
//! Function words and spelling decide first, because they are what short support messages have;
//! lingua is asked only where they do not. A conversation keeps its language until clear evidence
//! speaks against it.

mod words;

use lingua::{LanguageDetector, LanguageDetectorBuilder};

use crate::domain::confidence::Confidence;
use crate::domain::field::{Engine, Field};
use crate::domain::labels::{Language, Locale};
use words::{ES, Lexicon, PT, Scores};

/// Characters that are looked at; a language shows itself long before.
const MAX_CHARS: usize = 2_000;
/// Fewest letters for which lingua's answer means anything.
const MIN_LINGUA_LETTERS: usize = 25;
/// How far lingua's first language must lie before its second, 0-0.99.
const MIN_LINGUA_DISTANCE: f64 = 0.25;
/// Fewest words and least evidence that change a conversation's language.
const MIN_FLIP_WORDS: usize = 4;
const MIN_FLIP_SCORE: f32 = 2.5;
const MIN_FLIP_MARGIN: f32 = 1.5;
/// From so many words on, a text without our languages' words is in none of them.
const MIN_FOREIGN_WORDS: usize = 6;

/// Tells Portuguese, English and Spanish apart, and from other languages.
pub struct Detector {
    lexicon: Lexicon,
    lingua: LanguageDetector,
}

/// What a text shows.
#[derive(Debug, Default)]
struct Evidence {
    scores: Scores,
    /// Words of letters only.
    words: usize,
    /// Words that speak for one of our languages.
    ours: usize,
    letters: usize,
    /// Letters of scripts that none of our languages uses.
    foreign_letters: usize,
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detector {
    /// Makes a detector; loads its models.
    pub fn new() -> Self {
        let languages =
            [lingua::Language::Portuguese, lingua::Language::English, lingua::Language::Spanish];
        let lingua = LanguageDetectorBuilder::from_languages(&languages)
            .with_minimum_relative_distance(MIN_LINGUA_DISTANCE)
            .with_preloaded_language_models()
            .build();
        Self { lexicon: words::lexicon(), lingua }
    }

    /// Returns the text's language; `Und` when it is clearly in none of ours. A text that shows
    /// nothing is in the conversation's language, else in the business's.
    pub fn detect(
        &self,
        text: &str,
        conversation_language: Option<Language>,
        default: Locale,
    ) -> Field<Language> {
        let conversation = conversation_language.filter(|language| *language != Language::Und);
        let prose = prose(text);
        let evidence = self.weigh(&prose);
        if evidence.foreign_letters * 2 > evidence.letters {
            return Field::new(Language::Und, Confidence::clamped(0.95), Engine::Rules)
                .because("a script that none of our languages uses");
        }
        if let Some(decided) = decisive(&evidence, conversation) {
            return decided;
        }
        if evidence.letters >= MIN_LINGUA_LETTERS
            && let Some(decided) = self.ask_lingua(&prose, &evidence, conversation)
        {
            return decided;
        }
        undecided(&evidence, conversation, default)
    }

    fn weigh(&self, prose: &str) -> Evidence {
        let mut evidence = Evidence::default();
        let mut lower = String::with_capacity(32);
        let mut opens = true;
        for chunk in prose.split_whitespace() {
            if let Some(weight) = opening_mark(chunk) {
                evidence.add(ES, weight);
            }
            for word in chunk.split(|c: char| {
                !c.is_alphabetic() && !matches!(c, '\'' | '’' | '\u{301}' | '\u{303}' | '\u{327}')
            }) {
                let word = word.trim_matches(['\'', '’']);
                if !word.is_empty() {
                    self.weigh_word(word, opens, &mut lower, &mut evidence);
                    opens = false;
                }
            }
            opens |= chunk.ends_with(['.', '!', '?', ':']);
        }
        evidence
    }

    fn weigh_word(&self, word: &str, opens: bool, lower: &mut String, evidence: &mut Evidence) {
        lower.clear();
        let mut capital = false;
        for (at, c) in word.chars().enumerate() {
            capital |= at == 0 && c.is_uppercase();
            evidence.letters += 1;
            evidence.foreign_letters += usize::from(is_foreign(c));
            match c {
                '’' => lower.push('\''),
                _ => lower.extend(c.to_lowercase()),
            }
        }
        compose(lower);
        evidence.words += 1;
        // Names keep their spelling in any language: "São Paulo" makes nothing Portuguese.
        let name = capital && !opens && word.chars().skip(1).any(char::is_lowercase);
        let known = self.lexicon.get(lower.as_str());
        let mut scores = known
            .copied()
            .unwrap_or_else(|| if name { Scores::default() } else { words::spelling(lower) });
        if known.is_none() && !name {
            for (language, weight) in lower.chars().filter_map(words::letter) {
                if let Some(score) = scores.get_mut(language) {
                    *score = score.max(weight);
                }
            }
        }
        if known.is_none() && laughs(lower) {
            evidence
                .add(if lower.starts_with('k') || lower.starts_with('r') { PT } else { ES }, 0.8);
        }
        let share = if name { 0.5 } else { 1.0 };
        let [pt, en, es, _] = scores;
        evidence.ours += usize::from(pt + en + es > 0.25);
        for (total, score) in evidence.scores.iter_mut().zip(scores) {
            *total += score * share;
        }
    }

    fn ask_lingua(
        &self,
        prose: &str,
        evidence: &Evidence,
        conversation: Option<Language>,
    ) -> Option<Field<Language>> {
        let language = match self.lingua.detect_language_of(prose)? {
            lingua::Language::Portuguese => Language::PtBr,
            lingua::Language::English => Language::En,
            lingua::Language::Spanish => Language::Es,
        };
        let (_, top, _) = evidence.ranking();
        if evidence.score(language) + 0.5 < top || evidence.is_foreign_text() {
            return None;
        }
        match conversation {
            Some(kept) if kept != language => None,
            _ => Some(
                Field::new(language, Confidence::clamped(0.7), Engine::Lingua)
                    .because("letter statistics"),
            ),
        }
    }
}

impl Evidence {
    fn add(&mut self, language: usize, weight: f32) {
        if let Some(score) = self.scores.get_mut(language) {
            *score += weight;
        }
    }

    fn score(&self, language: Language) -> f32 {
        let [pt, en, es, other] = self.scores;
        match language {
            Language::PtBr => pt,
            Language::En => en,
            Language::Es => es,
            Language::Und => other,
        }
    }

    /// Returns the strongest language with its score and the score of the next.
    fn ranking(&self) -> (Language, f32, f32) {
        let mut top = (Language::PtBr, 0.0);
        let mut second = 0.0;
        for language in [Language::PtBr, Language::En, Language::Es, Language::Und] {
            let score = self.score(language);
            if score > top.1 {
                second = top.1;
                top = (language, score);
            } else if score > second {
                second = score;
            }
        }
        (top.0, top.1, second)
    }

    /// True for a text of some length in which hardly a word is of our languages.
    fn is_foreign_text(&self) -> bool {
        self.words >= MIN_FOREIGN_WORDS && self.ours * 5 < self.words
    }
}

/// Decides where words and spelling leave no doubt.
fn decisive(evidence: &Evidence, conversation: Option<Language>) -> Option<Field<Language>> {
    let (language, top, second) = evidence.ranking();
    let margin = top - second;
    if evidence.is_foreign_text() && (language == Language::Und || top < 0.5 || evidence.words > 12)
    {
        return Some(
            Field::new(Language::Und, Confidence::clamped(0.6), Engine::Rules)
                .because("hardly a word of our languages"),
        );
    }
    let clear = top >= 0.9 && margin >= 0.45 && margin >= top * 0.12;
    let foreign = language == Language::Und && (top < 1.2 || margin < 0.8 || evidence.words < 2);
    if !clear || foreign {
        return None;
    }
    let flips = conversation.is_some_and(|kept| kept != language);
    let flips_clearly = evidence.words >= MIN_FLIP_WORDS
        && top >= MIN_FLIP_SCORE
        && margin >= MIN_FLIP_MARGIN
        && margin >= top * 0.3;
    if let Some(kept) = conversation.filter(|_| flips && !flips_clearly) {
        return Some(keep(kept));
    }
    let share = f64::from(margin / (top + 0.3)).sqrt();
    let amount = 1.0 - (-f64::from(top)).exp();
    let known = if conversation == Some(language) { 0.1 } else { 0.0 };
    let confidence = Confidence::clamped((0.5 + 0.5 * share * amount + known).min(0.99));
    Some(Field::new(language, confidence, Engine::Rules).because("function words and spelling"))
}

fn keep(language: Language) -> Field<Language> {
    Field::new(language, Confidence::clamped(0.75), Engine::Rules)
        .because("too little to leave the conversation's language")
}

/// Falls back on the conversation, a weak lead or the business's language.
fn undecided(
    evidence: &Evidence,
    conversation: Option<Language>,
    default: Locale,
) -> Field<Language> {
    if let Some(kept) = conversation {
        return keep(kept);
    }
    let default = match default {
        Locale::PtBr => Language::PtBr,
        Locale::En => Language::En,
    };
    let (language, top, second) = evidence.ranking();
    let lead = top >= 0.3 && top - second >= 0.2 && language != Language::Und;
    // Portuguese and Spanish share most of what short texts have; English shares none of it.
    let behind = evidence.score(default) + 0.3 < top;
    if lead || behind {
        let guess = if lead { language } else { romance(evidence) };
        return Field::new(guess, Confidence::clamped(0.5), Engine::Rules)
            .because("weak evidence in a short text");
    }
    Field::new(default, Confidence::clamped(0.3), Engine::Default)
        .because("nothing in the text shows a language; the business's stands")
}

fn romance(evidence: &Evidence) -> Language {
    let (language, ..) = evidence.ranking();
    let [pt, _, es, _] = evidence.scores;
    match language {
        Language::Es if pt + 0.2 >= es => Language::PtBr,
        other => other,
    }
}

/// Spanish opens questions and calls with marks of its own.
fn opening_mark(chunk: &str) -> Option<f32> {
    chunk.contains(['¿', '¡']).then_some(1.5)
}

/// True for "kkkk" and "rsrs" (Portuguese) and "jajaja" (Spanish).
fn laughs(word: &str) -> bool {
    let of = |letters: &str| word.chars().all(|c| letters.contains(c));
    (word.len() >= 3 && of("k"))
        || (word.len() >= 4
            && (of("rs") && word.starts_with("rs") || of("ja") && word.starts_with("jaj")))
}

/// Joins the three marks of our languages that keyboards may send apart from their letter.
fn compose(word: &mut String) {
    if word.contains(['\u{301}', '\u{303}', '\u{327}']) {
        use unicode_normalization::UnicodeNormalization as _;
        *word = word.nfc().collect();
    }
}

fn is_foreign(c: char) -> bool {
    let code = u32::from(c);
    // Above Latin Extended-B and below Latin Extended Additional lies every other alphabet.
    code > 0x024f
        && !(0x0300..=0x036f).contains(&code)
        && !(0x1e00..=0x1eff).contains(&code)
        && c.is_alphabetic()
}

/// Returns the customer's own running words: no quotations, signature, links, addresses, placeholders.
fn prose(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(MAX_CHARS * 2));
    let mut chars = 0;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('>') {
            continue;
        }
        if line == "--" || (chars > 12 && closes_letter(line)) {
            break;
        }
        for chunk in line.split_whitespace().filter(|chunk| !is_technical(chunk)) {
            kept.push_str(chunk);
            kept.push(' ');
            chars += chunk.chars().count() + 1;
            if chars > MAX_CHARS {
                return kept.chars().take(MAX_CHARS).collect();
            }
        }
        kept.push_str(". ");
    }
    kept
}

fn is_technical(chunk: &str) -> bool {
    chunk.contains("://")
        || chunk.contains('@')
        || chunk.contains('\\')
        || chunk.starts_with("www.")
        || (chunk.contains('[') && chunk.contains(']') && chunk.contains('_'))
        || [".com", ".br", ".net", ".org", ".io"]
            .iter()
            .any(|ending| chunk.trim_end_matches(['.', ',', ';', '!', '?', ')']).ends_with(ending))
}

/// True for a line that is only a formula at the end of a letter, in any of our languages.
fn closes_letter(line: &str) -> bool {
    const FORMULAS: [&str; 24] = [
        "atenciosamente",
        "att",
        "atte",
        "abraço",
        "abraços",
        "abs",
        "grato",
        "grata",
        "cordialmente",
        "respeitosamente",
        "regards",
        "best regards",
        "kind regards",
        "warm regards",
        "best",
        "thanks",
        "sincerely",
        "yours sincerely",
        "cheers",
        "saludos",
        "saludos cordiales",
        "atentamente",
        "un saludo",
        "thank you",
    ];
    let line = line.trim_end_matches([',', '.', '!', ' ']).to_lowercase();
    FORMULAS.contains(&line.as_str())
        || line.starts_with("enviado do meu")
        || line.starts_with("sent from my")
        || line.starts_with("enviado desde mi")
}

#[cfg(test)]
mod tests;
