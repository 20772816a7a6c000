//! Signatures: what names the sender under a mail and was not written for it.

use std::sync::LazyLock;

use regex::Regex;

use super::notice::{is_footer, is_notice};
use crate::channels::email::pattern::{is_match, pattern};
use crate::text::fold::fold;

/// Most lines of a signature, empty ones apart.
const MAX_LINES: usize = 15;
/// Longest line of a signature, in characters.
const MAX_LINE: usize = 80;
/// Longest line of a signature that nothing announces, in characters.
const MAX_CONTACT_LINE: usize = 60;
/// Most words of a line that can be a name, a role or an address.
const MAX_WORDS: usize = 9;
/// How often the parts at the end are looked for again, each behind the next.
const ROUNDS: usize = 6;

/// Closes a letter (folded text without its last mark).
static CLOSING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^[\s*_>-]*((mui )?(atenciosamente|cordialmente|respeitosamente|saudacoes|att?e?|at\.?te|cumprimentos|(com os )?(melhores|meus) cumprimentos|com estima|(um |grande |forte |com um )*(abraco|abracos|abs|abc)|beijos?|bjs?|(best|kind|warm|warmest|many)?\s?regards|(all the )?best( wishes)?|cheers|(yours )?(sincerely|faithfully|truly)( yours)?|respectfully|at your service|(un |cordiales )?saludos?( cordiales)?|atentamente|mit freundlichen grussen|mit freundlichem gruss|mfg|(viele|beste|liebe) grusse|cordialement|bien (cordialement|a vous)|salutations|с уважением)|(?P<soft>(muito |mt |mto )?(obrigad[oa]s?|grat[oa]|agradecid[oa]|thanks|thank you|many thanks|gracias|muchas gracias|danke|merci)( (pela atencao|pela ajuda|desde ja|antecipadamente|in advance|again|so much|very much|de antemano|im voraus))*( e (um )?abracos?)?))\s*$",
    )
});

/// Lines with figures that a case needs, which stay even within a signature (folded text).
static FIGURES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\b(pedidos?|protocolo|cpf|cnpj|nota fiscal|nfe?|orders?|ticket|contrato|matricula|rastre[a-z]*|tracking|invoice|fatura|boleto|chamado|codigo|numero de serie|serial)\b.*[0-9]",
    )
});

/// An address, a number or a page where somebody is reached (folded text).
static REACHED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"[^\s@]+@[^\s@]+\.[a-z]{2,}|(^|\s)(https?://|www\.)\S+|(\+?[0-9][0-9\s().-]{6,}[0-9])|\b(tel|fone|fax|cel|skype|whatsapp)\b",
    )
});

/// Words that ask for the contact that follows (folded text).
static ASKED_FOR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"contat|telefon|liga|whats|dados|endereco|entreg|call|phone|address|reach|contact|e-?mail|segue",
    )
});

/// Takes signatures, notices and footers off the end, and footers from wherever they stand.
/// True if anything was.
pub(super) fn strip<'a>(lines: &[&'a str]) -> (Vec<&'a str>, bool) {
    let before = lines.iter().filter(|line| !line.trim().is_empty()).count();
    let mut kept: Vec<&'a str> = lines.iter().copied().filter(|line| !is_footer(line)).collect();
    for _ in 0..ROUNDS {
        trim(&mut kept);
        let after_round = notices(&kept)
            .or_else(|| under_footer(lines, &kept))
            .or_else(|| delimited(&kept))
            .or_else(|| closed(&kept))
            .or_else(|| contact(&kept))
            .or_else(|| dashed(&kept));
        match after_round {
            Some(shorter) => kept = shorter,
            None => break,
        }
    }
    trim(&mut kept);
    let after = kept.iter().filter(|line| !line.trim().is_empty()).count();
    (kept, after < before)
}

fn trim(lines: &mut Vec<&str>) {
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
}

/// Paragraphs as ranges of lines.
fn paragraphs(lines: &[&str]) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => found.push(at..at + 1),
        }
    }
    found
}

fn said<'l>(lines: &[&'l str], range: &std::ops::Range<usize>) -> Vec<&'l str> {
    lines.get(range.clone()).unwrap_or_default().to_vec()
}

/// Takes off the notices among the last paragraphs, and what is no question behind the first.
fn notices<'a>(lines: &[&'a str]) -> Option<Vec<&'a str>> {
    let paragraphs = paragraphs(lines);
    let last = paragraphs.iter().rev().take(6).find(|p| is_notice(&said(lines, p)))?;
    let mut kept: Vec<&str> = lines.get(..last.start)?.to_vec();
    let tail = lines.get(last.end..)?;
    if tail.iter().any(|line| !line.trim().is_empty()) {
        kept.extend(tail);
    }
    Some(kept)
}

/// Takes off what stands behind a line of dashes (RFC 3676 §4.3: `-- `). People also draw lines
/// under headings and around lists, so a longer one counts only above a name or an address.
fn delimited<'a>(lines: &[&'a str]) -> Option<Vec<&'a str>> {
    let first_said = lines.iter().position(|line| !line.trim().is_empty())?;
    let from = lines.len().saturating_sub(3 * MAX_LINES).max(first_said + 1);
    (from..lines.len()).find_map(|at| {
        let below = lines.get(at + 1..)?;
        let named = |line: &&str| is_written_as_name(line) || closing(line).is_some();
        let reached = |line: &&str| is_match(REACHED.as_ref(), &fold(line));
        let fits = match dashes(lines.get(at)?)? {
            2 => true,
            3 => below.iter().find(|line| !line.trim().is_empty()).is_some_and(named),
            _ => below.iter().any(reached),
        };
        let mut kept = lines.get(..at)?.to_vec();
        kept.extend(kept_of_signature(below).filter(|_| fits)?);
        Some(kept)
    })
}

/// Returns how many dashes a line is made of; `None` if of anything else.
fn dashes(line: &str) -> Option<usize> {
    let bare = line.trim();
    let count = bare.chars().count();
    ((2..=80).contains(&count) && bare.chars().all(|c| "-_—–".contains(c))).then_some(count)
}

/// Takes off a closing and the name below it.
fn closed<'a>(lines: &[&'a str]) -> Option<Vec<&'a str>> {
    let first_said = lines.iter().position(|line| !line.trim().is_empty())?;
    let from = lines.len().saturating_sub(2 * MAX_LINES + 2);
    (from.max(first_said + 1)..lines.len()).find_map(|at| {
        let closing = closing(lines.get(at)?)?;
        let below = lines.get(at + 1..)?;
        let named = closing == Closing::WithName
            || below.iter().find(|line| !line.trim().is_empty()).is_some_and(|l| is_name(l));
        if closing == Closing::Soft && !named {
            return None;
        }
        let mut kept = lines.get(..at)?.to_vec();
        kept.extend(kept_of_signature(below)?);
        Some(kept)
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    /// It closes a letter and means nothing else.
    Plain,
    /// A word of thanks, which closes a letter only above a name.
    Soft,
    /// A closing and a name on one line.
    WithName,
}

fn closing(line: &str) -> Option<Closing> {
    if line.chars().count() > MAX_CONTACT_LINE {
        return None;
    }
    let read = |text: &str| {
        let folded = fold(text);
        let bare = folded.trim().trim_end_matches([',', '.', '!', ';', ' ', '*', '_', '-']);
        let found = CLOSING.as_ref()?.captures(bare)?;
        Some(if found.name("soft").is_some() { Closing::Soft } else { Closing::Plain })
    };
    if let Some(closing) = read(line) {
        return Some(closing);
    }
    let (head, name) = line.split_once([',', '.', '!'])?;
    let name = name.trim_start_matches(['.', ',', '!', ' ']);
    (read(head).is_some() && is_name(name)).then_some(Closing::WithName)
}

/// Takes off a name with addresses and numbers below it that nothing announces.
fn contact<'a>(lines: &[&'a str]) -> Option<Vec<&'a str>> {
    let paragraphs = paragraphs(lines);
    let last = paragraphs.last()?;
    let before = lines.get(..last.start)?;
    let above = before.iter().rev().find(|line| !line.trim().is_empty())?;
    let block = said(lines, last);
    let fits = (2..=8).contains(&block.len())
        && block.first().is_some_and(|line| is_name(line))
        && block.iter().all(|line| {
            line.chars().count() <= MAX_CONTACT_LINE
                && is_signature_line(line)
                && !has_figures(line)
        })
        && block.iter().any(|line| is_match(REACHED.as_ref(), &fold(line)));
    let asked =
        above.trim_end().ends_with([':', ',']) || is_match(ASKED_FOR.as_ref(), &fold(above));
    (fits && !asked).then(|| before.to_vec())
}

/// Takes off a name that stood alone above the footer of a phone.
fn under_footer<'a>(whole: &[&str], lines: &[&'a str]) -> Option<Vec<&'a str>> {
    let footed = whole.iter().rfind(|line| !line.trim().is_empty()).is_some_and(|l| is_footer(l));
    let paragraphs = paragraphs(lines);
    let last = paragraphs.last().filter(|last| footed && last.len() == 1 && last.start > 0)?;
    let name = lines.get(last.start)?;
    let alone = name.split_whitespace().count() > 1 && is_written_as_name(name);
    alone.then(|| lines.get(..last.start).unwrap_or_default().to_vec())
}

/// True if a line asks something; the question mark of a link does not count.
fn asks(line: &str) -> bool {
    line.split_whitespace().any(|word| word.contains('?') && !word.contains(['/', '=']))
}

/// Takes off a last line such as `- roman`.
fn dashed<'a>(lines: &[&'a str]) -> Option<Vec<&'a str>> {
    let (last, before) = lines.split_last()?;
    let above = before.iter().rev().find(|line| !line.trim().is_empty())?;
    let listed = before.iter().any(|line| line.trim_start().starts_with(['-', '*', '•']));
    (is_dashed_name(last) && !listed && !above.trim_end().ends_with(':')).then(|| before.to_vec())
}

/// Returns the lines below a delimiter or a closing that must stay: questions, postscripts and
/// figures of the case. `None` if the lines are no signature.
fn kept_of_signature<'a>(below: &[&'a str]) -> Option<Vec<&'a str>> {
    let mut kept = Vec::new();
    let mut count = 0;
    for (n, paragraph) in paragraphs(below).iter().enumerate() {
        let lines = said(below, paragraph);
        if is_notice(&lines) {
            continue;
        }
        let says_more = lines.iter().any(|line| !is_signature_line(line) && !is_contact_line(line));
        let first = fold(lines.first().copied().unwrap_or_default());
        let postscript = ["ps", "p.s", "obs", "nb"].iter().any(|mark| {
            first
                .trim_start()
                .strip_prefix(mark)
                .is_some_and(|rest| rest.starts_with([':', '.', ' ', '-']))
        });
        if says_more || postscript {
            // Words right below are no signature; after a name they are an afterthought.
            if n == 0 {
                return None;
            }
            kept.push("");
            kept.extend(lines);
            continue;
        }
        count += lines.len();
        kept.extend(lines.iter().copied().filter(|line| has_figures(line)));
    }
    (count <= MAX_LINES).then_some(kept)
}

fn has_figures(line: &str) -> bool {
    is_match(FIGURES.as_ref(), &fold(line))
}

/// True for a line that can be a name, a role, a company or an address: short and no sentence.
fn is_signature_line(line: &str) -> bool {
    let line = line.trim();
    let words = line.split_whitespace().count();
    let sentence = words >= 6 && line.ends_with(['.', '!', ';']);
    line.chars().count() <= MAX_LINE
        && words <= MAX_WORDS
        && !asks(line)
        && !sentence
        && !line.starts_with('>')
}

/// True for a longer line of addresses and numbers, such as `Rua X, 10 | (11) 3333-4444 | x.com`.
fn is_contact_line(line: &str) -> bool {
    !asks(line)
        && line.chars().count() <= 160
        && is_match(REACHED.as_ref(), &fold(line))
        && line.contains(['|', '•', '·', '–', '-', '/'])
}

/// True for words that begin with capitals, and the small words between them. Written out, because
/// a pattern of letters of every script takes longer to compile than a mail to read.
fn is_written_as_name(line: &str) -> bool {
    const BETWEEN: &[&str] = &["da", "de", "do", "das", "dos", "e", "la", "von", "van", "del"];
    let line = line.trim_start_matches([' ', '\t', '*', '_', '-']);
    let line = line.trim_end_matches([' ', '\t', '*', '_', ',', '.']);
    let capital = |word: &str| {
        word.chars().next().is_some_and(char::is_uppercase)
            && word.chars().all(|c| c.is_alphabetic() || "'’.".contains(c))
    };
    let mut words = line.split_whitespace();
    words.next().is_some_and(capital)
        && words.clone().count() <= 5
        && words.all(|word| capital(word) || BETWEEN.contains(&word))
}

/// True for `-roman`, `- Ana Lima` and the like.
fn is_dashed_name(line: &str) -> bool {
    let line = line.trim();
    let dashed = line.strip_prefix("--").or_else(|| line.strip_prefix(['-', '—']));
    let Some(name) = dashed.map(|rest| rest.strip_prefix(' ').unwrap_or(rest)) else {
        return false;
    };
    let letters = |word: &str| {
        (2..=20).contains(&word.chars().count()) && word.chars().all(char::is_alphabetic)
    };
    let capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    let words: Vec<&str> = name.split(' ').collect();
    match words.as_slice() {
        [one] => letters(one.trim_end_matches('.')),
        [one, two] => letters(one) && letters(two) && capital(two),
        _ => false,
    }
}

fn is_name(line: &str) -> bool {
    let line = line.trim();
    line.chars().count() <= MAX_CONTACT_LINE
        && (is_written_as_name(line)
            // Many people write their own name small.
            || (line.split_whitespace().count() <= 2
                && line.chars().all(|c| c.is_alphabetic() || " .,".contains(c))
                && !line.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in [&CLOSING, &FIGURES, &REACHED, &ASKED_FOR] {
            assert!(pattern.is_some());
        }
    }
}
