//! Brings the forms of a word together: plurals, verb endings, nouns made of verbs.
//!
//! Works on folded words (lower case, no marks). It is light on purpose: two words that share a stem must
//! mean nearly the same, because the relevance floor counts a shared stem as a shared word.

use crate::domain::labels::Locale;

/// A stem is never shorter than this many letters, so that short words keep apart.
const SHORTEST: usize = 3;

/// Returns the stem of a folded word.
pub(super) fn stem(word: &str, locale: Locale) -> String {
    if word.len() <= SHORTEST || word.bytes().any(|b| b.is_ascii_digit()) || !word.is_ascii() {
        return word.to_owned();
    }
    match locale {
        Locale::PtBr => portuguese(word),
        Locale::En => english(word),
    }
}

/// Nouns of action with the verb stem they belong to: the first ending that fits is replaced.
const PORTUGUESE_NOUNS: &[(&str, &str)] = &[
    ("olucao", "olv"),
    ("issao", "it"),
    ("exao", "ect"),
    ("usao", "u"),
    ("icacao", "ic"),
    ("izacao", "iz"),
    ("acao", ""),
    ("icao", ""),
    ("amento", ""),
    ("imento", ""),
    ("atura", ""),
    ("anca", ""),
    ("avel", ""),
    ("ivel", ""),
    ("mente", ""),
    ("adora", ""),
    ("ador", ""),
];

/// Endings of verbs and adjectives, longest first.
const PORTUGUESE_ENDINGS: &[&str] = &[
    "ariamos", "eriamos", "iriamos", "assemos", "essemos", "issemos", "aremos", "eremos", "iremos",
    "avamos", "aramos", "eramos", "iramos", "ariam", "eriam", "iriam", "assem", "essem", "issem",
    "arao", "erao", "irao", "aram", "eram", "iram", "avam", "aria", "eria", "iria", "asse", "esse",
    "isse", "arei", "erei", "irei", "amos", "emos", "imos", "ando", "endo", "indo", "adas", "ados",
    "idas", "idos", "ava", "ada", "ado", "ida", "ido", "ara", "era", "ira", "iam", "ar", "er",
    "ir", "ou", "eu", "iu", "ei", "am", "em", "ia", "a", "e", "o", "i",
];

fn portuguese(word: &str) -> String {
    let singular = portuguese_singular(word);
    for (ending, instead) in PORTUGUESE_NOUNS {
        if let Some(root) = cut(&singular, ending) {
            return format!("{root}{instead}");
        }
    }
    // Secretária and secretário are one word; so many nouns end like this that the rarer verb forms give way.
    if let Some(root) = singular.strip_suffix("ria").or_else(|| singular.strip_suffix("rio"))
        && root.len() > SHORTEST
    {
        return format!("{root}ri");
    }
    for ending in PORTUGUESE_ENDINGS {
        if let Some(root) = cut(&singular, ending) {
            return soften(root, ending);
        }
    }
    singular
}

/// Undoes the spelling that keeps a sound before e and i: paguei is pagar, fiquei is ficar.
fn soften(root: &str, ending: &str) -> String {
    let before_e = ending.starts_with('e');
    if before_e && let Some(shorter) = root.strip_suffix("gu") {
        return format!("{shorter}g");
    }
    if before_e && let Some(shorter) = root.strip_suffix("qu") {
        return format!("{shorter}c");
    }
    root.to_owned()
}

fn portuguese_singular(word: &str) -> String {
    for (plural, singular) in [
        ("coes", "cao"),
        ("soes", "sao"),
        ("oes", "ao"),
        ("aes", "ao"),
        ("ais", "al"),
        ("eis", "el"),
        ("ois", "ol"),
        ("ns", "m"),
        ("res", "r"),
        ("zes", "z"),
        ("les", "l"),
    ] {
        if let Some(root) = word.strip_suffix(plural)
            && root.len() >= 2
        {
            return format!("{root}{singular}");
        }
    }
    match word.strip_suffix('s') {
        Some(root) if !root.ends_with('s') && root.len() >= SHORTEST => root.to_owned(),
        _ => word.to_owned(),
    }
}

/// Endings of English words with what they become.
const ENGLISH_ENDINGS: &[(&str, &str)] = &[
    ("ifications", "ify"),
    ("ification", "ify"),
    ("ellations", "el"),
    ("ellation", "el"),
    ("ations", "at"),
    ("ation", "at"),
    ("riptions", "rib"),
    ("ription", "rib"),
    ("itions", "it"),
    ("ition", "it"),
    ("tions", "t"),
    ("tion", "t"),
    ("sions", "s"),
    ("sion", "s"),
    ("ments", ""),
    ("ment", ""),
    ("ously", ""),
    ("fully", ""),
    ("ingly", ""),
    ("edly", ""),
    ("ly", ""),
    ("iers", "y"),
    ("ies", "y"),
    ("ied", "y"),
    ("ings", ""),
    ("ing", ""),
    ("ers", ""),
    ("ed", ""),
    ("er", ""),
];

fn english(word: &str) -> String {
    let word = match word.strip_suffix("es") {
        Some(root) if root.ends_with("ss") || root.ends_with('x') || root.ends_with("ch") => root,
        _ => match word.strip_suffix('s') {
            Some(root)
                if !root.ends_with(['s', 'u', 'i'])
                    && root.len() >= SHORTEST
                    && !word.ends_with("ies") =>
            {
                root
            }
            _ => word,
        },
    };
    let mut stem = word.to_owned();
    for (ending, instead) in ENGLISH_ENDINGS {
        if let Some(root) = cut(word, ending)
            && root.bytes().any(|b| b"aeiouy".contains(&b))
        {
            stem = format!("{root}{instead}");
            break;
        }
    }
    single_consonant(&mut stem);
    for ending in ["ate", "at", "e"] {
        if let Some(root) = cut(&stem, ending) {
            return root.to_owned();
        }
    }
    stem
}

/// Undoes a doubled consonant: cancelled is cancel, setting is set.
fn single_consonant(stem: &mut String) {
    let mut back = stem.chars().rev();
    let (last, before) = (back.next(), back.next());
    let doubled = last == before && last.is_some_and(|last| !"aeiouls".contains(last));
    // "cancell" is British spelling of cancel, while "sell" and "install" end in ll by themselves.
    if doubled || stem.ends_with("cell") && stem.len() > "cell".len() {
        stem.pop();
    }
}

/// Takes an ending off where enough of the word stays.
fn cut<'a>(word: &'a str, ending: &str) -> Option<&'a str> {
    word.strip_suffix(ending).filter(|root| root.len() >= SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_word_share_a_stem_and_other_words_do_not() {
        for (locale, group) in [
            (Locale::PtBr, "pagar pago pagou paguei pagamento pagamentos pagando paguem"),
            (Locale::PtBr, "cancelar cancelo cancelei cancelamento cancelado cancelou"),
            (Locale::PtBr, "senha senhas"),
            (Locale::PtBr, "cobranca cobrar cobrou cobrado cobrancas"),
            (Locale::PtBr, "conectar conecta conectei conexao conexoes conectado"),
            (Locale::PtBr, "exportar exportacao exportei"),
            (Locale::PtBr, "excluir exclusao excluiu"),
            (Locale::PtBr, "permitir permissao permissoes"),
            (Locale::PtBr, "notificacao notificacoes"),
            (Locale::PtBr, "cartao cartoes"),
            (Locale::PtBr, "devolver devolucao devolucoes"),
            (Locale::PtBr, "funcionario funcionaria funcionarios"),
            (Locale::PtBr, "esqueci esquecer esqueceu"),
            (Locale::En, "cancel cancelled canceling cancellation cancels cancelling"),
            (Locale::En, "pay payment payments paying pays"),
            (Locale::En, "connect connection connecting connected"),
            (Locale::En, "invite invitation invited inviting invites"),
            (Locale::En, "invoice invoices invoiced"),
            (Locale::En, "notify notification notifications notified"),
            (Locale::En, "subscribe subscription subscriptions subscribed"),
            (Locale::En, "delete deletion deleted deleting"),
            (Locale::En, "set setting settings"),
        ] {
            let stems: std::collections::BTreeSet<String> =
                group.split(' ').map(|word| stem(word, locale)).collect();
            assert_eq!(stems.len(), 1, "{group}: {stems:?}");
        }
        for (locale, one, other) in [
            (Locale::PtBr, "conta", "contato"),
            (Locale::PtBr, "plano", "planta"),
            (Locale::PtBr, "cartao", "carta"),
            (Locale::PtBr, "nota", "notificacao"),
            (Locale::PtBr, "boleto", "bolo"),
            (Locale::En, "account", "accent"),
            (Locale::En, "invoice", "voice"),
        ] {
            assert_ne!(stem(one, locale), stem(other, locale), "{one} and {other}");
        }
    }
}
