//! Finds the names in a draft that can be looked up: what stands in bold, in quotes, in a menu path or in capitals.

use std::sync::LazyLock;

use regex::Regex;

use super::words::plain;

/// How a name stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `**Salvar**`, or a step of `A > B`.
    Marked,
    /// "Redefina sua senha".
    Quoted,
    /// A capital inside a sentence.
    Capital,
    /// Capitals only: XML.
    Acronym,
}

/// A name in a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// As written.
    pub(super) shown: String,
    /// Plain words, one space between them.
    pub(super) plain: String,
    pub(super) shape: Shape,
    /// The step of the menu before it.
    pub(super) under: Option<String>,
    /// It follows a word for a person: "cliente", "Sr.".
    pub(super) person: bool,
    /// It addresses the reader: "Hi Peter,", "Imagino o susto, Paulo."
    pub(super) addressed: bool,
}

static MARKED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\*\*([^*\n]+)\*\*|(?:^|[\s(,>])\*([^*\s][^*\n]*)\*|`([^`\n]+)`").ok()
});
static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("“([^”\n]+)”|\"([^\"\n]+)\"|«([^»\n]+)»|‘([^’\n]+)’").ok());
/// How far the last step goes is not written; what is too much is left out when it is looked up.
static PATH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\p{Lu}[\p{L}\p{N}'-]*(?: [\p{L}\p{N}'-]+){0,4}(?:\s*(?:>|›|→|->|»)\s*\p{Lu}[\p{L}\p{N}'-]*(?: [\p{L}\p{N}'-]+){0,4})+",
    )
    .ok()
});

/// Capitals that name nothing to look up.
const COMMON: &[&str] = &[
    "i",
    "im",
    "ive",
    "ill",
    "id",
    "ai",
    "ia",
    "ok",
    "faq",
    "ps",
    "obs",
    "sac",
    "id",
    "url",
    "qr",
    "senhor",
    "senhora",
    "sr",
    "sra",
    "mr",
    "mrs",
    "ms",
    "dr",
    "dra",
    "brasil",
    "brazil",
    "brazilian",
    "brasilia",
    "portugues",
    "ingles",
    "english",
    "portuguese",
    "internet",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "jan",
    "feb",
    "dec",
    "am",
    "pm",
    "e-mail",
    "email",
    "whatsapp",
    "tudo",
    "todo",
    "nao",
    "sim",
    "no",
    "not",
    "only",
    "so",
    "equipe",
    "time",
    "team",
    "suporte",
    "support",
    "central",
    "atendimento",
    "deus",
    "natal",
    "pascoa",
];

const GREETS: &[&str] = &[
    "oi",
    "ola",
    "opa",
    "hi",
    "hello",
    "hey",
    "dear",
    "prezado",
    "prezada",
    "caro",
    "cara",
    "bom dia",
    "boa tarde",
    "boa noite",
    "good morning",
    "good afternoon",
    "good evening",
    "hi there",
    "oi sr",
    "ola sr",
    "ola sra",
    "dear mr",
    "dear ms",
    "dear mrs",
];

const PERSON: &[&str] = &[
    "cliente", "customer", "senhor", "senhora", "sr", "sra", "mr", "mrs", "ms", "usuario",
    "usuaria", "user",
];

/// Returns the names of a sentence of a draft.
pub(super) fn of(sentence: &str) -> Vec<Name> {
    let mut names = Vec::new();
    let mut rest = sentence.to_owned();
    if rest.contains(['*', '`']) {
        take(&mut rest, &MARKED, |span, after| marked(span, after, &mut names));
    }
    if rest.contains(['>', '›', '→', '»']) {
        take(&mut rest, &PATH, |span, _| path(span, &mut names));
    }
    if rest.contains(['“', '"', '«', '‘']) {
        take(&mut rest, &QUOTED, |span, _| {
            push(&mut names, span, Shape::Quoted, None);
            true
        });
    }
    capitals(&rest, &mut names);
    names
}

/// Hands each find to `read` and blanks those that it took.
fn take(
    rest: &mut String,
    pattern: &LazyLock<Option<Regex>>,
    mut read: impl FnMut(&str, &str) -> bool,
) {
    let Some(pattern) = &**pattern else { return };
    let mut taken = Vec::new();
    for found in pattern.captures_iter(rest) {
        let Some(all) = found.get(0) else { continue };
        let span = (1..found.len()).find_map(|at| found.get(at)).unwrap_or(all);
        if read(span.as_str(), rest.get(all.end()..).unwrap_or_default()) {
            taken.push(all.range());
        }
    }
    for range in taken {
        // What stood there still keeps its neighbours from being one name, or a sentence's first word.
        let blank: String =
            std::iter::once(',').chain(std::iter::repeat_n(' ', range.len() - 1)).collect();
        rest.replace_range(range, &blank);
    }
}

/// Bold text: a name when it begins with a capital and is neither a heading nor a stressed figure.
fn marked(span: &str, after: &str, names: &mut Vec<Name>) -> bool {
    let span = span.trim();
    let heading = span.ends_with(':') || after.trim_start_matches(['*', ' ']).starts_with(':');
    if span.contains(['>', '→', '›']) {
        return path(span, names);
    }
    let words = span.split_whitespace().count();
    let capital = span.chars().next().is_some_and(char::is_uppercase);
    if !heading && capital && words <= 5 && !span.ends_with(['.', '!', '?']) {
        push(names, span, Shape::Marked, None);
    }
    true
}

fn path(span: &str, names: &mut Vec<Name>) -> bool {
    let mut under: Option<String> = None;
    for (at, step) in span.split(['>', '›', '→', '»']).enumerate() {
        let step = step.trim().trim_end_matches(['-', '.', ',']).trim();
        // What stands before the first step may belong to the sentence: "Abra Configurações > ..".
        let step = if at == 0 { last_name(step) } else { step };
        if step.is_empty() {
            continue;
        }
        push(names, step, Shape::Marked, under.take());
        under = Some(simple(step));
    }
    true
}

/// The words from the last capital on, small words inside a name kept: "vá em Plano e cobrança".
fn last_name(step: &str) -> &str {
    let mut start = 0;
    for (at, _) in step.char_indices().filter(|(at, c)| {
        c.is_uppercase()
            && step.get(..*at).is_none_or(|before| before.is_empty() || before.ends_with(' '))
    }) {
        start = at;
    }
    step.get(start..).unwrap_or(step)
}

fn push(names: &mut Vec<Name>, shown: &str, shape: Shape, under: Option<String>) {
    let plain = simple(shown);
    if !plain.is_empty() && !plain.bytes().all(|b| b.is_ascii_digit()) {
        names.push(Name {
            shown: shown.to_owned(),
            plain,
            shape,
            under,
            person: false,
            addressed: false,
        });
    }
}

/// Plain words with one space between them and no other signs.
pub(super) fn simple(text: &str) -> String {
    words_of_plain(&plain(text))
}

/// The same for a plain text.
pub(super) fn words_of_plain(plain: &str) -> String {
    let mut words = String::with_capacity(plain.len());
    for word in plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

/// True for a sentence that begins by greeting somebody of this name.
fn greets(sentence: &str, name: &str) -> bool {
    let (sentence, name) = (simple(sentence), simple(name));
    GREETS.iter().any(|greets| {
        let rest = sentence.strip_prefix(greets).and_then(|rest| rest.strip_prefix(' '));
        rest.is_some_and(|rest| rest.starts_with(&name))
    })
}

/// Capitals inside a sentence.
fn capitals(sentence: &str, names: &mut Vec<Name>) {
    let mut first = true;
    let mut run: Vec<&str> = Vec::new();
    let mut before = String::new();
    let mut person = false;
    let close = |run: &mut Vec<&str>, person: bool, names: &mut Vec<Name>| {
        if let [.., _] = run.as_slice() {
            let shown = run.join(" ");
            push(names, &shown, Shape::Capital, None);
            let trimmed = sentence.trim_end_matches(|c: char| !c.is_alphanumeric());
            let addressed = run.len() <= 3
                && (trimmed.strip_suffix(shown.as_str()).is_some_and(|said| said.ends_with(", "))
                    || greets(sentence, &shown));
            if let Some(name) = names.last_mut() {
                name.person = person;
                name.addressed = addressed;
            }
        }
        run.clear();
    };
    for raw in sentence.split_whitespace() {
        let word = raw.trim_matches(|c: char| !c.is_alphanumeric());
        if word.is_empty() {
            first |= !raw.chars().all(|c| matches!(c, ',' | '(' | ')' | '"'));
            continue;
        }
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let capital = word.chars().next().is_some_and(char::is_uppercase);
        let acronym = (2..=5).contains(&letters)
            && word.chars().all(|c| c.is_uppercase() || c.is_ascii_digit());
        let folded = plain(word).replace(['\'', '’'], "");
        let common = COMMON.contains(&folded.as_str())
            || folded.split('-').next().is_some_and(|part| COMMON.contains(&part));
        if acronym && !common {
            close(&mut run, person, names);
            push(names, word, Shape::Acronym, None);
        } else if capital
            && letters > 1
            && !first
            && !common
            && !word.bytes().any(|b| b.is_ascii_digit())
        {
            if run.is_empty() {
                person = PERSON.contains(&before.as_str());
            }
            run.push(word);
        } else {
            close(&mut run, person, names);
        }
        if raw.ends_with([',', ';', ')', '.', ':', '!', '?']) {
            close(&mut run, person, names);
        }
        first = raw.ends_with(['.', '!', '?', ':', '…', '"', '”']);
        before = folded;
    }
    close(&mut run, person, names);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        of(text).into_iter().map(|name| name.plain).collect()
    }

    #[test]
    fn names_are_found_where_they_stand() {
        for (text, expected) in [
            ("Toque em **Salvar** e pronto.", vec!["salvar"]),
            ("Abra *Configurações > Equipe* agora.", vec!["configuracoes", "equipe"]),
            (
                "Vá em Configurações > Plano e cobrança > Faturas e escolha.",
                vec!["configuracoes", "plano e cobranca", "faturas e escolha"],
            ),
            ("Open Settings → Team and invite them.", vec!["settings", "team and invite them"]),
            ("O e-mail \"Redefina sua senha\" chega.", vec!["redefina sua senha"]),
            ("Baixe em PDF ou XML.", vec!["pdf", "xml"]),
            ("No plano Profissional é assim.", vec!["profissional"]),
            ("**Importante:** salve antes.", vec![]),
            ("**Passo 1**: abra.", vec![]),
            ("It happens on Mondays, I think.", vec!["mondays"]),
            ("Olá! Tudo bem?", vec![]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
        assert!(of("O pedido da cliente Joana Prado saiu.").iter().any(|name| name.person));
    }
}
