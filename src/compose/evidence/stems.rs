//! The words of a sentence that carry its meaning, in a form in which inflections and near synonyms are equal, each
//! with whether it is denied.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::lexicon::{
    COURTEOUS_EN, COURTEOUS_PT, LIGHT_EN, LIGHT_PT, SAME_EN, SAME_PT, STOP_EN, STOP_PT,
};
use super::reach::is_restriction;
use crate::domain::labels::Locale;

/// One word that carries meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stem {
    /// The stem, or the name of its group of synonyms.
    pub(super) root: String,
    /// Whether a word before it in its clause denies it.
    pub(super) denied: Denied,
    /// Where it starts in the plain text.
    pub(super) at: usize,
    /// The clause it stands in, counted from the first.
    pub(super) clause: usize,
}

/// How much a word is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// Not at all.
    No,
    /// It stands within reach of a denial: "no late *fee*".
    Reached,
    /// Nobody can say without grammar: "no fee and *interest*", "if it does not *arrive*".
    Unclear,
    /// It is what the denial says no to: "no *fee*", "cannot *cancel*".
    Yes,
}

/// Most words that carry meaning between a denial and the last word that it reaches.
const REACH: usize = 4;

type Groups = BTreeMap<String, String>;
static GROUPS_PT: LazyLock<Groups> = LazyLock::new(|| groups(SAME_PT, Locale::PtBr));
static GROUPS_EN: LazyLock<Groups> = LazyLock::new(|| groups(SAME_EN, Locale::En));

fn groups(table: &[&str], locale: Locale) -> Groups {
    let mut groups = Groups::new();
    for line in table {
        let first = line.split(' ').next().unwrap_or_default();
        let name = format!("={}", bare_stem(first, locale));
        for word in line.split(' ') {
            // A word of two groups belongs to the first: groups are not joined by it.
            groups.entry(bare_stem(word, locale)).or_insert_with(|| name.clone());
        }
    }
    groups
}

/// Returns the stem of a folded word, or its group of synonyms.
pub(super) fn stem(word: &str, locale: Locale) -> String {
    let stem = bare_stem(word, locale);
    let groups = match locale {
        Locale::PtBr => &GROUPS_PT,
        Locale::En => &GROUPS_EN,
    };
    groups.get(&stem).cloned().unwrap_or(stem)
}

const ENDS_PT: &[&str] = &[
    "amentos", "imentos", "amento", "imento", "acoes", "icoes", "acao", "icao", "cao", "coes",
    "sao", "soes", "adores", "adoras", "ador", "adora", "aveis", "iveis", "avel", "ivel", "mente",
    "idades", "idade", "ancia", "encia", "ariamos", "ando", "endo", "indo", "ados", "adas", "idos",
    "idas", "ado", "ada", "ido", "ida", "aram", "eram", "iram", "arem", "erem", "irem", "arao",
    "erao", "irao", "aremos", "eremos", "iremos", "amos", "emos", "imos", "avam", "ava", "aria",
    "eria", "iria", "asse", "esse", "isse", "ara", "era", "ira", "ar", "er", "ir", "ou", "eu",
    "iu", "am", "em", "es", "as", "os", "ao", "a", "e", "o", "s",
];
const ENDS_EN: &[&str] = &[
    "ations", "ation", "ences", "ence", "ents", "ent", "ments", "ment", "ings", "ing", "edly",
    "ed", "ies", "ions", "ion", "ers", "er", "ly", "es", "s", "e", "y",
];

fn bare_stem(word: &str, locale: Locale) -> String {
    let (ends, least) = match locale {
        Locale::PtBr => (ENDS_PT, 3),
        Locale::En => (ENDS_EN, 3),
    };
    let mut stem = word;
    for end in ends {
        if let Some(rest) = word.strip_suffix(end)
            && rest.len() >= least
        {
            stem = rest;
            break;
        }
    }
    let mut stem = stem.to_owned();
    match locale {
        // "Troque" and "trocar", "pague" and "pagar", "comece" and "começar".
        Locale::PtBr => {
            for (end, plain) in [("qu", "c"), ("gu", "g"), ("ss", "s")] {
                if let Some(rest) = stem.strip_suffix(end) {
                    stem = format!("{rest}{plain}");
                }
            }
        }
        // "Stopped" and "stop".
        Locale::En => {
            let twice = stem.len() > 3
                && stem.chars().rev().nth(1) == stem.chars().next_back()
                && !stem.ends_with(['l', 's', 'e']);
            if twice {
                stem.pop();
            }
        }
    }
    stem
}

/// True for the stem of a word that states nothing of the business.
pub(super) fn is_light(root: &str, locale: Locale) -> bool {
    static PT: LazyLock<BTreeSet<String>> = LazyLock::new(|| light(LIGHT_PT, Locale::PtBr));
    static EN: LazyLock<BTreeSet<String>> = LazyLock::new(|| light(LIGHT_EN, Locale::En));
    match locale {
        Locale::PtBr => PT.contains(root),
        Locale::En => EN.contains(root),
    }
}

/// True for the stem of a word of courtesy.
pub(super) fn is_courteous(root: &str, locale: Locale) -> bool {
    static PT: LazyLock<BTreeSet<String>> = LazyLock::new(|| courteous(COURTEOUS_PT, Locale::PtBr));
    static EN: LazyLock<BTreeSet<String>> = LazyLock::new(|| courteous(COURTEOUS_EN, Locale::En));
    match locale {
        Locale::PtBr => PT.contains(root),
        Locale::En => EN.contains(root),
    }
}

fn courteous(words: &str, locale: Locale) -> BTreeSet<String> {
    words.split(' ').map(|word| stem(&crate::text::fold::fold(word), locale)).collect()
}

fn light(words: &str, locale: Locale) -> BTreeSet<String> {
    words.split(' ').map(|word| stem(&crate::text::fold::fold(word), locale)).collect()
}

fn is_stop(word: &str, locale: Locale) -> bool {
    static PT: LazyLock<Vec<&str>> = LazyLock::new(|| sorted(STOP_PT));
    static EN: LazyLock<Vec<&str>> = LazyLock::new(|| sorted(STOP_EN));
    let words = match locale {
        Locale::PtBr => &PT,
        Locale::En => &EN,
    };
    words.binary_search(&word).is_ok()
}

fn sorted(words: &'static str) -> Vec<&'static str> {
    let mut words: Vec<&str> = words.split(' ').collect();
    words.sort_unstable();
    words
}

fn denies(word: &str, next: &str, locale: Locale) -> bool {
    let denial = match locale {
        Locale::PtBr => {
            matches!(
                word,
                "nao"
                    | "nunca"
                    | "jamais"
                    | "sem"
                    | "nem"
                    | "nada"
                    | "nenhum"
                    | "nenhuma"
                    | "ninguem"
                    | "isento"
                    | "isenta"
                    | "impossivel"
                    | "indisponivel"
                    | "zero"
                    | "tampouco"
            ) || (word == "livre" && next == "de")
        }
        Locale::En => {
            matches!(
                word,
                "not"
                    | "no"
                    | "never"
                    | "without"
                    | "nor"
                    | "neither"
                    | "none"
                    | "nothing"
                    | "nobody"
                    | "cannot"
                    | "cant"
                    | "unable"
                    | "unavailable"
                    | "impossible"
                    | "zero"
            ) || word.len() > 3 && word.ends_with("nt") && CONTRACTED.contains(&word)
                || (word == "free" && next == "of")
        }
    };
    // "Not only" and "não só" affirm.
    denial && !matches!(next, "so" | "somente" | "apenas" | "only" | "just" | "longer_than")
}

/// True for words that deny something anywhere.
pub(super) fn denies_any(words: &[Word<'_>], locale: Locale) -> bool {
    let next = |at: usize| words.get(at + 1).map_or("", |(_, next, _)| next);
    words.iter().enumerate().any(|(at, (_, word, _))| denies(word, next(at), locale))
}

/// A statement cut at its punctuation and conjunctions: the stems of each part, and whether it denies or restricts.
pub(super) fn parts(words: &[Word<'_>], locale: Locale) -> Vec<(BTreeSet<String>, bool)> {
    let mut parts: Vec<(BTreeSet<String>, bool)> = vec![Default::default()];
    for (at, (_, word, breaks)) in words.iter().enumerate() {
        let word: &str = word;
        let joins =
            matches!(word, "and" | "e" | "ou" | "or" | "mas" | "but" | "porque" | "because");
        if (*breaks || joins) && parts.last().is_some_and(|(stems, _)| stems.len() >= 2) {
            parts.push(Default::default());
        }
        let next = words.get(at + 1).map_or("", |(_, next, _)| next);
        let Some((stems, restrained)) = parts.last_mut() else { continue };
        *restrained |= denies(word, next, locale)
            || is_restriction(word, locale) && !(word == "so" && matches!(next, "tocar" | "abrir"));
        if !is_stop(word, locale) && word.len() > 1 && !word.bytes().any(|b| b.is_ascii_digit()) {
            stems.insert(stem(word, locale));
        }
    }
    parts.retain(|(stems, _)| !stems.is_empty());
    parts
}

/// True for a denial that belongs to its verb, not to a noun.
fn denies_verb(word: &str) -> bool {
    matches!(word, "nao" | "nunca" | "jamais" | "not" | "never" | "cannot") || word.ends_with("nt")
}

/// Verbs that begin a statement of their own.
const AUXILIARY: &[&str] = &[
    "sao", "foi", "foram", "sera", "serao", "esta", "estao", "is", "are", "was", "were", "will",
    "can", "has", "have",
];

/// After a denial, these deny the subject too.
const POSSIBLE: &[&str] =
    &["possible", "allowed", "available", "possivel", "permitido", "disponivel"];

/// After a denial, these make it say that something is not needed.
const NEEDLESS: &[&str] = &[
    "precisa",
    "precisam",
    "precisar",
    "necessario",
    "preciso",
    "need",
    "needed",
    "have",
    "required",
];

const CONTRACTED: &[&str] = &[
    "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "wont", "wouldnt", "cant",
    "couldnt", "shouldnt", "hasnt", "havent", "hadnt", "neednt", "mustnt",
];

/// Returns the words of a plain text that carry meaning, in order. Numbers are figures, not words.
pub(super) fn of(plain: &str, locale: Locale) -> Vec<Stem> {
    let plain = unchanged(plain);
    let words = words(&plain);
    let mut stems = Vec::new();
    let (mut left, mut supposed, mut strength, mut clause) = (0_usize, false, Denied::No, 0);
    let mut verbal = false;
    for (place, (at, word, breaks)) in words.iter().enumerate() {
        let word: &str = word;
        let joins = matches!(word, "and" | "e" | "ou" | "or" | "nor");
        if *breaks || joins || ends_denial(word) {
            clause += 1;
            supposed = false;
        }
        if joins && !*breaks && left > 0 {
            strength = Denied::Unclear;
        } else if *breaks || ends_denial(word) {
            left = 0;
        }
        // "Textos que não saem são descontados": the second verb stands for itself.
        if verbal && strength == Denied::Reached && AUXILIARY.contains(&word) {
            left = 0;
        }
        supposed |= supposes(word, locale);
        // "Nesse caso" supposes nothing.
        let before =
            place.checked_sub(1).and_then(|at| words.get(at)).map_or("", |(_, word, _)| word);
        supposed &= word != "caso"
            || !matches!(before, "nesse" | "neste" | "seu" | "o" | "um" | "este" | "esse" | "cada");
        // "To cancel, ..", "for a referral to count, ..".
        let opens = place == 0 || *breaks;
        supposed |= opens && locale == Locale::En && matches!(word, "to" | "for");
        let next = words.get(place + 1).map_or("", |(_, next, _)| next);
        if denies(word, next, locale) {
            // "Não tem multa nenhuma" denies once.
            let again = left > 0 && strength != Denied::Unclear && !denies_verb(word);
            if !again {
                left = REACH;
                verbal = denies_verb(word);
                // What need not be done may be done.
                let condition = place == 0 && matches!(word, "sem" | "without");
                let needless =
                    condition || NEEDLESS.contains(&next) || word == "sem" && next == "precisar";
                strength = if supposed || needless { Denied::Unclear } else { Denied::Yes };
            }
            // "Splitting it isn't possible" denies what stands before.
            if POSSIBLE.contains(&next) {
                for stem in stems.iter_mut().filter(|stem: &&mut Stem| stem.clause == clause) {
                    stem.denied = Denied::Yes;
                }
            }
            continue;
        }
        let number = word.bytes().any(|b| b.is_ascii_digit());
        if is_stop(word, locale) || number || word.len() < 2 {
            continue;
        }
        let denied = match (left, supposed) {
            (0, false) => Denied::No,
            (0, true) => Denied::Unclear,
            _ => strength,
        };
        stems.push(Stem { root: stem(word, locale), denied, at: *at, clause });
        left = left.saturating_sub(1);
        if strength == Denied::Yes {
            strength = Denied::Reached;
        }
    }
    stems
}

/// Writes "stays the same" as "not change", so that "will change" denies it. Keeps every place after it.
fn unchanged(plain: &str) -> Cow<'_, str> {
    const SAME: &[(&str, &str)] = &[
        ("nao da mais para", "nao"),
        ("nao da para", "nao"),
        ("nao da pra", "nao"),
        ("nao ha como", "nao"),
        ("nao tem como", "nao"),
        ("stays the same", "not change"),
        ("stay the same", "not change"),
        ("remains the same", "not change"),
        ("continua a mesma", "nao muda"),
        ("continua o mesmo", "nao muda"),
        ("continuam iguais", "nao mudam"),
        ("continua igual", "nao muda"),
    ];
    let mut text = Cow::from(plain);
    for (same, denied) in SAME {
        if text.contains(same) {
            text = text.replace(same, &format!("{denied:<width$}", width = same.len())).into();
        }
    }
    text
}

/// Words that make a clause a condition or an aim, so that a denial in it denies nothing.
fn supposes(word: &str, locale: Locale) -> bool {
    match locale {
        Locale::PtBr => {
            matches!(word, "se" | "caso" | "quando" | "para" | "pra" | "quem")
        }
        Locale::En => {
            matches!(word, "if" | "unless" | "when" | "whoever" | "so" | "whether")
        }
    }
}

/// Words after which a denial no longer holds.
fn ends_denial(word: &str) -> bool {
    matches!(
        word,
        "mas"
            | "but"
            | "porque"
            | "because"
            | "quando"
            | "when"
            | "se"
            | "if"
            | "ate"
            | "until"
            | "enquanto"
            | "while"
            | "entao"
            | "then"
            | "que"
            | "which"
            | "apos"
            | "after"
            | "depois"
            | "antes"
            | "before"
            | "unless"
            | "para"
            | "although"
            | "embora"
            | "pois"
            | "so"
    )
}

/// A word without apostrophes, with its place and whether a clause ends before it.
pub(super) type Word<'t> = (usize, Cow<'t, str>, bool);

/// The words of a plain text.
pub(super) fn words(plain: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut breaks = false;
    for (at, c) in plain.char_indices().chain(std::iter::once((plain.len(), ' '))) {
        let mark = matches!(c, '\'' | '’');
        if c.is_alphanumeric() || mark && start.is_some() {
            start = start.or(Some(at));
            continue;
        }
        if mark {
            continue;
        }
        if let Some(start) = start.take() {
            let word = plain.get(start..at).unwrap_or_default();
            let word = if word.contains(['\'', '’']) {
                word.replace(['\'', '’'], "").into()
            } else {
                word.into()
            };
            words.push((start, word, breaks));
            breaks = false;
        }
        breaks |= matches!(c, ',' | ';' | ':' | '.' | '!' | '?' | '(' | ')' | '—' | '–' | '…');
    }
    words
}
