//! Identifiers that mix letters and digits: random Pix keys (UUID v4), alphanumeric CNPJs, API keys by
//! their well-known beginnings; with them, in the same walk over the words, announced passwords.

use super::announced::announced;
use super::checks;
use super::claims::{Claim, Claims};
use super::context::Context;
use super::keywords::Label;
use super::kind::Kind;

/// Beginnings of keys that their issuers chose to be recognised by.
#[rustfmt::skip]
const KEY_PREFIXES: &[&str] = &[
    "sk-", "sk_live_", "sk_test_", "pk_live_", "pk_test_", "rk_live_", "rk_test_", "whsec_", "ghp_",
    "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "xoxs-",
    "xapp-", "AKIA", "ASIA", "AIza", "ya29.", "SG.", "hf_", "npm_", "pypi-", "dop_v1_", "shpat_",
    "shpss_", "APP_USR-", "TEST-", "aact_", "EAAG", "eyJ", "gsk_", "xai-", "AC_",
];

/// Fewest characters after the beginning of a key.
const MIN_KEY_TAIL: usize = 14;
/// Longest key or password that is taken as one, in bytes.
pub(super) const MAX_SECRET: usize = 4096;

/// Claims what mixes letters and digits.
pub(super) fn find(text: &str, claims: &mut Claims) {
    let mut at = 0;
    while let Some((start, end)) = next_word(text, at) {
        if let Some(claim) = claims.covering(start) {
            at = claim.end.max(start + 1);
            continue;
        }
        let limit = claims.limit(start).min(text.len());
        let found = text.get(start..limit).and_then(|rest| {
            let word = rest.get(..end.min(limit) - start)?;
            identifier(text, start, rest, word, claims)
                .or_else(|| announced(rest, word, start, limit < text.len()))
        });
        at = end;
        if let Some((kind, from, to)) = found {
            claims.add(Claim { start: from, end: to, kind, kept: false });
            at = to.max(end);
        }
    }
}

fn next_word(text: &str, at: usize) -> Option<(usize, usize)> {
    let start = at + text.get(at..)?.find(char::is_alphanumeric)?;
    let rest = text.get(start..)?;
    let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
    Some((start, start + length))
}

/// True when a hyphen or underscore ties the word to one before it.
fn joined_to_word(text: &str, start: usize) -> bool {
    let mut before = text.get(..start).unwrap_or_default().chars().rev();
    matches!(before.next(), Some('-' | '_')) && before.next().is_some_and(char::is_alphanumeric)
}

fn identifier(
    text: &str,
    start: usize,
    rest: &str,
    word: &str,
    claims: &Claims,
) -> Option<(Kind, usize, usize)> {
    let (kind, length) = match word.len() {
        8 if is_random_key(rest) => (Kind::PixKey, 36),
        // Called a Pix key, any UUID is one: people mistype them too.
        8 if is_uuid(rest) => {
            let around = Context::read(text, start, start + 36, claims);
            around.pix.then_some((Kind::PixKey, 36))?
        }
        2 if formatted_cnpj(rest) => (Kind::Cnpj, 18),
        14 if is_bare_cnpj(word) && !joined_to_word(text, start) => (Kind::Cnpj, 14),
        32 if word.bytes().all(|b| b.is_ascii_hexdigit()) => {
            let around = Context::read(text, start, start + 32, claims);
            around.pix.then_some((Kind::PixKey, 32))?
        }
        7..=10 if is_passport(word) => {
            let around = Context::read(text, start, start + word.len(), claims);
            around.is(Label::Document).then_some((Kind::Document, word.len()))?
        }
        5 if word == "BEGIN" && text.get(..start)?.ends_with("-----") => {
            let head: String = rest.chars().take(48).collect();
            let end = head.contains("PRIVATE KEY-----").then(|| private_key_end(rest))?;
            return Some((Kind::Secret, start - 5, start + end));
        }
        _ => (Kind::Secret, key_length(rest)?),
    };
    Some((kind, start, start + length))
}

/// True for the canonical text of a UUID v4, the form of a random Pix key.
fn is_random_key(rest: &str) -> bool {
    let at = |place: usize| rest.as_bytes().get(place).copied().unwrap_or_default();
    at(14) == b'4' && matches!(at(19), b'8' | b'9' | b'a' | b'b' | b'A' | b'B') && is_uuid(rest)
}

/// True for the canonical text of a UUID of any version.
fn is_uuid(rest: &str) -> bool {
    let Some((key, after)) = rest.split_at_checked(36) else { return false };
    let shaped = key.bytes().enumerate().all(|(at, b)| match at {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    });
    shaped && ends_word(after)
}

fn ends_word(after: &str) -> bool {
    !after.chars().next().is_some_and(char::is_alphanumeric)
}

fn cnpj_values(text: &str) -> Vec<u8> {
    let places = text.bytes().filter(u8::is_ascii_alphanumeric);
    places.map(|b| b.to_ascii_uppercase() - b'0').collect()
}

/// True for the form of `12.ABC.345/01DE-35`; with this punctuation a wrong check digit is a typo.
fn formatted_cnpj(rest: &str) -> bool {
    let Some((candidate, after)) = rest.split_at_checked(18) else { return false };
    let shaped = candidate.bytes().enumerate().all(|(at, b)| match at {
        2 | 6 => b == b'.',
        10 => b == b'/',
        15 => b == b'-',
        16 | 17 => b.is_ascii_digit(),
        _ => b.is_ascii_alphanumeric(),
    });
    shaped && ends_word(after)
}

fn is_bare_cnpj(word: &str) -> bool {
    let mixed = word.bytes().any(|b| b.is_ascii_alphabetic())
        && word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().all(|b| b.is_ascii_alphanumeric());
    mixed && checks::cnpj(&cnpj_values(word))
}

/// One or two letters and six to eight digits.
fn is_passport(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let letters = word.len() - digits.len();
    (1..=2).contains(&letters)
        && (6..=8).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
}

fn private_key_end(rest: &str) -> usize {
    let block = rest.get(..rest.floor_char_boundary(MAX_SECRET * 4)).unwrap_or(rest);
    let close = block.find("-----END").and_then(|at| {
        let tail = block.get(at + 8..)?;
        Some(at + 8 + tail.find("-----")? + 5)
    });
    close.unwrap_or(block.len())
}

/// Returns the length of an API key that begins here.
fn key_length(rest: &str) -> Option<usize> {
    let prefix = KEY_PREFIXES.iter().find(|prefix| rest.starts_with(**prefix))?;
    let is_key =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '=');
    let window = rest.get(..rest.floor_char_boundary(MAX_SECRET)).unwrap_or(rest);
    let length = window.find(|c| !is_key(c)).unwrap_or(window.len());
    let key = window.get(..length)?.trim_end_matches(['.', '-']);
    let tail = key.get(prefix.len()..)?;
    let varied = tail.bytes().any(|b| b.is_ascii_digit());
    (tail.len() >= MIN_KEY_TAIL && varied).then_some(key.len())
}
