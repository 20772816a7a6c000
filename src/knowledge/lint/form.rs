//! What titles, openings and steps look like.

use std::collections::BTreeSet;
use std::hash::{Hash as _, Hasher as _};

use super::super::article::Article;
use crate::domain::labels::Locale;
use crate::text::fold::fold;

/// First words of a question.
const ASKS_PT: &[&str] = &[
    "como", "qual", "quais", "quanto", "quanta", "quantos", "quantas", "quando", "onde", "por",
    "porque", "o", "quem", "posso", "podemos", "preciso", "devo", "tem", "ha", "existe", "e", "da",
];
const ASKS_EN: &[&str] = &[
    "how", "what", "which", "when", "where", "why", "who", "whose", "can", "could", "do", "does",
    "did", "is", "are", "should", "will", "may", "must", "am",
];
/// Imperatives that begin Portuguese titles; infinitives are known by their ending.
const ACTS_PT: &[&str] = &[
    "troque",
    "mude",
    "altere",
    "conecte",
    "veja",
    "crie",
    "adicione",
    "configure",
    "envie",
    "peca",
    "cancele",
    "exporte",
    "importe",
    "baixe",
    "instale",
    "atualize",
    "ative",
    "desative",
    "exclua",
    "apague",
    "entre",
    "acesse",
    "convide",
    "receba",
    "pague",
    "resolva",
    "comece",
    "use",
    "escolha",
    "fale",
    "conheca",
    "gere",
    "emita",
];
/// Verbs that begin English titles; gerunds are known by their ending.
const ACTS_EN: &[&str] = &[
    "accept",
    "access",
    "activate",
    "add",
    "allow",
    "ask",
    "assign",
    "block",
    "book",
    "build",
    "buy",
    "call",
    "cancel",
    "change",
    "check",
    "choose",
    "clear",
    "close",
    "configure",
    "connect",
    "contact",
    "convert",
    "copy",
    "correct",
    "create",
    "customize",
    "deactivate",
    "delete",
    "disable",
    "disconnect",
    "download",
    "edit",
    "enable",
    "exchange",
    "export",
    "extend",
    "fill",
    "find",
    "fix",
    "follow",
    "get",
    "give",
    "import",
    "install",
    "integrate",
    "invite",
    "issue",
    "join",
    "keep",
    "learn",
    "leave",
    "link",
    "list",
    "log",
    "make",
    "manage",
    "merge",
    "move",
    "open",
    "organize",
    "pause",
    "pay",
    "pick",
    "place",
    "prepare",
    "print",
    "protect",
    "publish",
    "receive",
    "recover",
    "reduce",
    "register",
    "remove",
    "rename",
    "renew",
    "reopen",
    "replace",
    "reply",
    "report",
    "reschedule",
    "reset",
    "resolve",
    "restore",
    "resume",
    "return",
    "review",
    "save",
    "schedule",
    "search",
    "see",
    "select",
    "send",
    "set",
    "share",
    "show",
    "sign",
    "solve",
    "start",
    "stop",
    "submit",
    "subscribe",
    "suggest",
    "switch",
    "sync",
    "talk",
    "test",
    "track",
    "transfer",
    "troubleshoot",
    "turn",
    "undo",
    "unlock",
    "unsubscribe",
    "update",
    "upgrade",
    "upload",
    "use",
    "verify",
    "view",
    "work",
    "write",
];

/// True where a title asks or says what to do.
pub(super) fn is_question_or_action(title: &str, locale: Locale) -> bool {
    let words = words(title);
    let Some(first) = words.first().map(String::as_str) else { return false };
    title.trim_end().ends_with('?') || asks(&words, locale) || acts(first, locale)
}

/// True where a title is at least a sentence, such as a problem in a customer's words.
pub(super) fn is_statement(title: &str) -> bool {
    words(title).len() >= STATEMENT_WORDS
}

/// A title of so many words says something, a shorter one only names it.
const STATEMENT_WORDS: usize = 4;

/// True where a title promises to show how something is done.
pub(super) fn is_how_to(title: &str, locale: Locale) -> bool {
    let words = words(title);
    let Some(first) = words.first().map(String::as_str) else { return false };
    let second = words.get(1).map(String::as_str);
    match locale {
        Locale::PtBr => {
            acts(first, locale) || first == "como" && second.is_some_and(|word| acts(word, locale))
        }
        Locale::En => acts(first, locale) || first == "how" && second == Some("to"),
    }
}

fn asks(words: &[String], locale: Locale) -> bool {
    let first = words.first().map_or("", String::as_str);
    match locale {
        // "o" and "por" ask only as "o que" and "por que", "e" and "da" as "é possível" and "dá para".
        Locale::PtBr if ["o", "por", "e", "da"].contains(&first) => {
            words.get(1).is_some_and(|word| {
                ["que", "onde", "quanto", "qual", "possivel", "para", "pra"]
                    .contains(&word.as_str())
            })
        }
        Locale::PtBr => ASKS_PT.contains(&first),
        Locale::En => ASKS_EN.contains(&first),
    }
}

fn acts(word: &str, locale: Locale) -> bool {
    match locale {
        Locale::PtBr => {
            let verb = word.trim_end_matches("-se");
            verb.len() > 3 && ["ar", "er", "ir", "por"].iter().any(|ending| verb.ends_with(ending))
                || ACTS_PT.contains(&word)
        }
        Locale::En => ACTS_EN.contains(&word) || word.len() > 5 && word.ends_with("ing"),
    }
}

fn words(text: &str) -> Vec<String> {
    fold(text)
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// True for a paragraph that says what the article is about instead of answering.
pub(super) fn only_announces(paragraph: &str) -> bool {
    let folded = fold(paragraph);
    let announces = [
        "neste artigo",
        "este artigo",
        "nesta pagina",
        "esta pagina",
        "a seguir voce",
        "veja a seguir",
        "aqui voce vai",
        "bem-vindo",
        "ola",
        "in this article",
        "this article",
        "this page",
        "on this page",
        "below you will",
        "welcome",
        "hello",
    ];
    announces.iter().any(|opening| {
        folded.strip_prefix(opening).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    })
}

/// Returns the words of a step that nobody can test.
pub(super) fn vague(step: &str) -> Option<&'static str> {
    let folded = fold(step);
    let vague = [
        "se necessario",
        "talvez",
        "de alguma forma",
        "verifique se esta tudo certo",
        "faca o necessario",
        "etc",
        "as needed",
        "if necessary",
        "maybe",
        "somehow",
        "make sure everything is ok",
        "do what is needed",
    ];
    vague.into_iter().find(|words| {
        folded.match_indices(words).any(|(at, found)| {
            let before = folded.get(..at).and_then(|text| text.chars().next_back());
            let after = folded.get(at + found.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
    })
}

/// Returns a hash of every so many words in a row.
pub(super) fn runs(article: &Article, length: usize) -> BTreeSet<u64> {
    let mut runs = BTreeSet::new();
    for section in &article.sections {
        for run in words(&section.text).windows(length) {
            let mut hasher = std::hash::DefaultHasher::new();
            run.hash(&mut hasher);
            runs.insert(hasher.finish());
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_ask_or_act() {
        for (locale, title, expected, how_to) in [
            (Locale::PtBr, "Como trocar a senha", true, true),
            (Locale::PtBr, "Como funciona o reembolso", true, false),
            (Locale::PtBr, "Trocar a senha", true, true),
            (Locale::PtBr, "Qual é o prazo de entrega", true, false),
            (Locale::PtBr, "O que fazer se o boleto venceu", true, false),
            (Locale::PtBr, "O boleto", false, false),
            (Locale::PtBr, "Política de reembolso", false, false),
            (Locale::PtBr, "Boleto vencido?", true, false),
            (Locale::En, "How to change your password", true, true),
            (Locale::En, "How refunds work", true, false),
            (Locale::En, "Change your password", true, true),
            (Locale::En, "Refund policy", false, false),
            (Locale::En, "", false, false),
        ] {
            assert_eq!(is_question_or_action(title, locale), expected, "{title}");
            assert_eq!(is_how_to(title, locale), how_to, "{title}");
        }
    }

    #[test]
    fn announcements_and_vague_steps_are_known() {
        assert!(only_announces("Neste artigo, você verá como trocar a senha."));
        assert!(!only_announces("Toque em Esqueci a senha."));
        assert_eq!(vague("3. Mude o que for preciso, se necessário."), Some("se necessario"));
        assert_eq!(vague("1. Abra a etcétera"), None);
    }
}
