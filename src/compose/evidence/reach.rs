//! How far a statement reaches: "only", "all", "always", and words that exclude each other.

use std::borrow::Cow;

use crate::domain::labels::Locale;

/// Said with "só" or "only" without restricting anything.
const LOOSE_ONLY: &[&str] = &[
    " e so ",
    " nao so ",
    " so lembr",
    " so um detalhe ",
    " so uma coisa ",
    " so para confirmar ",
    " so para ",
    " not only ",
    " only just ",
];

/// Words and phrases that make a statement hold for everything, or for another thing too.
const ALL_PT: &[&str] = &[
    "todo",
    "toda",
    "todos",
    "todas",
    "qualquer",
    "quaisquer",
    "sempre",
    "tudo",
    "ilimitado",
    "ilimitada",
    "ilimitados",
    "ilimitadas",
    "sem limite",
    "sem limites",
    "quando quiser",
    "quantas quiser",
    "quantos quiser",
    "quanto quiser",
    "pelo tempo que",
    "o tempo que",
    "independente",
    "a mesma",
    "o mesmo",
    "as mesmas",
    "os mesmos",
    "igual",
    "iguais",
    "independentemente",
];
const ALL_EN: &[&str] = &[
    "all",
    "every",
    "any",
    "anyone",
    "everyone",
    "always",
    "anytime",
    "everything",
    "unlimited",
    "whenever",
    "anything",
    "whichever",
    "whatever",
    "as many as",
    "as much as",
    "as long as you",
    "no limit",
    "no limits",
    "no matter",
    "the same",
    "equal",
    "equally",
    "regardless",
];

/// Pairs that exclude each other: a sentence with one is not supported by the same sentence with the other.
pub(super) const OPPOSITES: &[(&str, &str)] = &[
    ("maior", "menor"),
    ("maximo", "minimo"),
    ("antes", "depois"),
    ("antes", "apos"),
    ("sempre", "nunca"),
    ("ativar", "desativar"),
    ("ative", "desative"),
    ("ligar", "desligar"),
    ("ligue", "desligue"),
    ("conectar", "desconectar"),
    ("mensal", "anual"),
    ("mensais", "anuais"),
    ("por mes", "por ano"),
    ("obrigatorio", "opcional"),
    ("obrigatoria", "opcional"),
    ("gratuito", "pago"),
    ("primeira", "ultima"),
    ("primeiro", "ultimo"),
    ("dentro", "fora"),
    ("mais de", "menos de"),
    ("bigger", "smaller"),
    ("larger", "smaller"),
    ("maximum", "minimum"),
    ("at least", "at most"),
    ("before", "after"),
    ("always", "never"),
    ("enable", "disable"),
    ("turn on", "turn off"),
    ("switch on", "switch off"),
    ("connect", "disconnect"),
    ("monthly", "yearly"),
    ("a month", "a year"),
    ("per month", "per year"),
    ("required", "optional"),
    ("first", "last"),
    ("inside", "outside"),
    ("more than", "less than"),
];

/// Pairs of which one in the draft and the other in its source leave a doubt.
pub(super) const CONTRARY: &[(&str, &str)] = &[
    ("gratuita", "paga"),
    ("gratuitas", "pagas"),
    ("gratuitos", "pagos"),
    ("gratis", "pago"),
    ("gratis", "paga"),
    ("gratuito", "paga"),
    ("free", "paid"),
    ("a partir de", "ate"),
    ("starting from", "up to"),
    ("mesmo", "diferente"),
    ("mesma", "diferente"),
    ("mesmo", "outro"),
    ("mesma", "outra"),
    ("novo", "antigo"),
    ("nova", "antiga"),
    ("same", "different"),
    ("same", "another"),
    ("new", "old"),
    ("inteiro", "parte"),
    ("publico", "privado"),
    ("public", "private"),
    ("separado", "mesmo"),
    ("separada", "mesma"),
    ("separate", "same"),
    ("automaticamente", "manualmente"),
    ("automatically", "by hand"),
    ("automatically", "manually"),
    ("mantem", "perde"),
    ("keep", "lose"),
    ("kept", "lost"),
    ("include", "exclude"),
    ("dentro", "fora"),
    ("minimum", "maximum"),
    ("at most", "at least"),
    ("verde", "vermelha"),
    ("imediatamente", "dias"),
    ("imediato", "dias"),
    ("na hora", "dias"),
    ("immediately", "days"),
    ("instantly", "days"),
    ("right away", "days"),
];

/// True for plain words, one space around each, that hold a phrase.
pub(super) fn has(words: &str, phrase: &str) -> bool {
    words.match_indices(phrase).any(|(at, _)| {
        words.get(..at).is_some_and(|before| before.ends_with(' '))
            && words.get(at + phrase.len()..).is_some_and(|after| after.starts_with(' '))
    })
}

/// True for plain words, one space around each, that say "only" or "except".
pub(super) fn restricts(words: &str, locale: Locale) -> bool {
    let mut words = Cow::from(words);
    for loose in LOOSE_ONLY {
        if words.contains(loose) {
            words = words.replace(loose, " ").into();
        }
    }
    words.split(' ').any(|word| is_restriction(word, locale))
}

/// True for a plain word that says "only" or "except".
pub(super) fn is_restriction(word: &str, locale: Locale) -> bool {
    match locale {
        Locale::PtBr => matches!(word, "so" | "somente" | "apenas" | "exceto" | "salvo"),
        Locale::En => matches!(word, "only" | "except" | "unless"),
    }
}

/// True for plain words that say "all", "always", "any" or "the same".
pub(super) fn generalizes(words: &str, locale: Locale) -> bool {
    let all = match locale {
        Locale::PtBr => ALL_PT,
        Locale::En => ALL_EN,
    };
    all.iter().any(|phrase| has(words, phrase))
}

/// True where plain words hold one of a pair that exclude each other, and all the others hold the other one.
pub(super) fn contrary(words: &str, sources: &[&str]) -> bool {
    let pairs = OPPOSITES.iter().chain(CONTRARY);
    pairs.flat_map(|(one, two)| [(one, two), (two, one)]).any(|(mine, other)| {
        has(words, mine)
            && !has(words, other)
            && !sources.is_empty()
            && !sources.iter().any(|source| has(source, mine))
            && sources.iter().any(|source| has(source, other))
    })
}
