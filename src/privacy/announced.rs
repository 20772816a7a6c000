//! Passwords and codes that a customer announces: "senha: …", "my password is …", "cvv …".
//!
//! What only describes a password ("senha inválida", "password is wrong") is left alone.

use super::kind::Kind;
use super::names::folded;
use super::secrets::MAX_SECRET;

/// Words that join a label and its value.
const VERBS: &[&str] = &["e", "eh", "is", "es", "era", "was", "seria"];

/// Words that may stand between a label and what joins it to its value.
#[rustfmt::skip]
const LINKS: &[&str] = &[
    "do", "da", "de", "for", "the", "my", "meu", "minha", "app", "conta", "account", "wifi", "site",
    "login", "email", "atual", "current", "nova", "new", "temporaria", "temporary", "seguranca",
    "security", "verificacao", "verification", "acesso", "access", "code", "key", "api", "cartao",
    "number", "del", "la", "usuario", "confirmacao",
];

/// Longest of these words, in bytes.
const MAX_LINK: usize = 16;

/// Words after a label that describe a password rather than being one.
#[rustfmt::skip]
const NO_PASSWORDS: &[&str] = &[
    "ok", "nova", "novo", "antiga", "invalida", "invalido", "incorreta", "incorreto", "errada",
    "errado", "expirada", "expirado", "esqueci", "perdi", "nao", "bloqueada", "bloqueado", "fraca",
    "problema", "erro", "sim", "nenhuma", "obrigatoria", "obrigatorio", "vazia", "redefinir",
    "resetar", "trocar", "alterar", "ajuda", "wrong", "invalid", "incorrect", "expired", "forgot",
    "forgotten", "lost", "reset", "weak", "none", "required", "missing", "help", "error", "locked",
    "yes", "no", "null", "undefined", "empty", "incorrecta", "olvidada", "olvide", "urgente",
];

/// What kind of value a label announces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Announced {
    /// Any characters.
    Password,
    /// Three to eight digits.
    Code,
}

/// Reads `senha: X`, `minha senha é X`, `cvv 123`; `cut` says that the line goes on behind `rest`.
pub(super) fn announced(
    rest: &str,
    word: &str,
    start: usize,
    cut: bool,
) -> Option<(Kind, usize, usize)> {
    let kind = announcement(word, rest)?;
    let (said, after) = joint(rest.get(word.len()..)?)?;
    let value = after.trim_start_matches(['"', '\'', '“', '‘', '`', '*', '(', '<']);
    let window = value.get(..value.floor_char_boundary(MAX_SECRET)).unwrap_or(value);
    let token = window.split(char::is_whitespace).next().unwrap_or_default();
    let token =
        token.trim_end_matches(['.', ',', ';', ':', '?', ')', '"', '\'', '”', '’', '`', '*', '>']);
    let from = start + (rest.len() - value.len());
    let tail = value.get(token.len()..).unwrap_or_default();
    let line = tail.split('\n').next().unwrap_or_default();
    let line_ends = !line.chars().any(char::is_alphanumeric) && (!cut || line.len() < tail.len());
    is_secret(kind, said, token, line_ends).then_some((Kind::Secret, from, from + token.len()))
}

/// Reads what joins a label to its value and returns what follows.
fn joint(mut after: &str) -> Option<(Said, &str)> {
    // "senha do wifi:", "password for the app is": a few words may stand between.
    for _ in 0..4 {
        after = after.trim_start_matches([' ', '\u{a0}', '"', '*', '_', '\'', '`']);
        if let Some(value) = after.strip_prefix([':', '=']) {
            return Some((Said::Mark, value.trim_start_matches([':', '=', '>', ' ', '\u{a0}'])));
        }
        let length = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        if !(1..=MAX_LINK).contains(&length) {
            break;
        }
        let (word, next) = after.split_at_checked(length)?;
        let word = folded(word);
        if VERBS.contains(&word.as_str()) {
            return Some((Said::Verb, next.trim_start_matches([' ', '\u{a0}', ':'])));
        }
        if !LINKS.contains(&word.as_str()) {
            break;
        }
        after = next;
    }
    Some((Said::Nothing, after))
}

/// How the label was joined to what follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Verb,
    Mark,
}

fn announcement(word: &str, rest: &str) -> Option<Announced> {
    if !(3..=12).contains(&word.len()) {
        return None;
    }
    let first = word.bytes().next()?.to_ascii_lowercase();
    if !matches!(first, b's' | b'p' | b'c' | b't' | b'k' | b'v' | b'o' | b'a' | b'l' | b'b') {
        return None;
    }
    let following =
        || folded(&rest.chars().skip(word.chars().count()).take(20).collect::<String>());
    match folded(word).as_str() {
        "senha" | "senhas" | "password" | "passwd" | "pwd" | "passcode" | "contrasena"
        | "clave" | "token" | "secret" | "apikey" | "bearer" | "passphrase" => {
            Some(Announced::Password)
        }
        "api" if following().trim_start_matches([' ', '_', '-']).starts_with("key") => {
            Some(Announced::Password)
        }
        "chave" if following().contains("api") || following().contains("acesso") => {
            Some(Announced::Password)
        }
        "cvv" | "cvc" | "cvv2" | "pin" | "otp" => Some(Announced::Code),
        "codigo" | "code" | "verification" | "security" => {
            let next = following();
            let named = ["seguranca", "verificacao", "confirmacao", "code", "security", "acesso"];
            named.iter().any(|name| next.contains(name)).then_some(Announced::Code)
        }
        _ => None,
    }
}

fn is_secret(kind: Announced, said: Said, token: &str, line_ends: bool) -> bool {
    let length = token.chars().count();
    let digits = token.chars().filter(char::is_ascii_digit).count();
    if kind == Announced::Code {
        return digits == length && (3..=8).contains(&digits);
    }
    let letters = token.chars().any(char::is_alphabetic);
    let symbols = token.chars().any(|c| !c.is_alphanumeric() && !matches!(c, '-' | '.' | '\''));
    let inner_capital = token.chars().skip(1).any(char::is_uppercase);
    let shouted = token.chars().all(char::is_uppercase);
    let mixed = digits > 0 || symbols || inner_capital && !shouted;
    let described = NO_PASSWORDS.contains(&folded(token).as_str());
    if length < 3
        || described
        || token.starts_with("http")
        || token.chars().all(|c| "*•x.".contains(c))
    {
        return false;
    }
    match said {
        Said::Mark => mixed || line_ends && letters,
        Said::Verb => length >= 4 && (digits > 0 || symbols && letters),
        Said::Nothing => length >= 4 && digits > 0 && (letters || symbols || digits == length),
    }
}
