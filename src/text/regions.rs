//! Parts of a text that are not the customer's own words: earlier mail, words in quotation marks,
//! signatures and legal footers.
//!
//! Ranges are byte ranges on character bounds, sorted, without overlap within one kind.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Most lines that a signature may have; what follows is text again.
const SIGNATURE_LINES: usize = 10;
/// Longest line of a signature, in bytes.
const SIGNATURE_LINE: usize = 90;
/// Longest line that is a closing and nothing else, in bytes.
const CLOSING_LINE: usize = 40;
/// Longest passage in quotation marks, in bytes; a longer one is a stray mark.
const CITED: usize = 400;

/// Where a text is not its sender's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    /// Earlier or forwarded mail.
    pub quoted: Vec<Range<usize>>,
    /// Signatures, device lines and legal footers.
    pub signature: Vec<Range<usize>>,
    /// Text in quotation marks.
    pub cited: Vec<Range<usize>>,
}

impl Regions {
    /// Finds the regions of a text.
    pub fn find(text: &str) -> Self {
        let mut regions = Self::default();
        let lines = lines(text);
        let end_of_own = find_quoted(text, &lines, &mut regions.quoted);
        find_signature(text, &lines, end_of_own, &mut regions.signature);
        if text.contains(['"', '“', '”', '«', '\'', '‘', '’']) {
            find_cited(text, &mut regions.cited);
        }
        // A message that stands in quotation marks as a whole is the customer's own.
        let marked: usize = regions.cited.iter().map(Range::len).sum();
        if marked * 10 > text.trim().len() * 9 {
            regions.cited.clear();
        }
        regions
    }

    /// Returns earlier mail and signatures, sorted and joined.
    pub fn foreign(&self) -> Vec<Range<usize>> {
        merge(self.quoted.iter().chain(&self.signature))
    }

    /// Returns everything that is not the sender's own words, sorted and joined.
    pub fn all(&self) -> Vec<Range<usize>> {
        merge(self.quoted.iter().chain(&self.signature).chain(&self.cited))
    }
}

fn merge<'a>(ranges: impl Iterator<Item = &'a Range<usize>>) -> Vec<Range<usize>> {
    let mut sorted: Vec<_> = ranges.cloned().collect();
    sorted.sort_by_key(|r| (r.start, r.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(sorted.len());
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Returns each line without its line break.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let range = at..at + line.trim_end_matches(['\n', '\r']).len();
            at += line.len();
            range
        })
        .collect()
}

/// Compiles one of the expressions of this file; each is read by a test.
fn expression(source: &str) -> Option<Regex> {
    Regex::new(source).ok()
}

static INTRO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"(?i)^\s*(?:em\s.{4,120}(?-u:\b)escreve(?:u|ram)|on\s.{4,120}(?-u:\b)wrote|el\s.{4,120}(?-u:\b)escribi[oó])\s*:?\s*$",
    )
});
static SEPARATOR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"(?i)^\s*(?:[-_]{2,}\s*(?:mensagem (?:original|encaminhada)|original message|forwarded message|mensaje original|mensagem reenviada).*|(?:begin forwarded message|início da mensagem (?:encaminhada|reenviada))\s*:?\s*)$",
    )
});
static HEADER_FROM: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(r"(?i)^\s*\*?(?:de|from)\s*:\*?\s*\S"));
static HEADER_MORE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"(?i)^\s*\*?(?:enviad[oa](?: em)?|sent|data|date|para|to|assunto|subject|cc)\s*:\*?\s",
    )
});
static CLOSING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"(?i)^\s*(?:atenciosamente|atte?|cordialmente|respeitosamente|abra[cç]os?|abs|grat[oa]|obrigad[oa]|agrade[cç]o|desde j[aá] (?:obrigad[oa]|agrade[cç]o)|um abra[cç]o|sem mais|(?:best|kind|warm)?\s*regards|sincerely|yours (?:truly|sincerely|faithfully)|cheers|many thanks|thanks|thank you|best|saludos|atentamente|um bom dia|sds|sauda[cç][oõ]es)\s*[,.!;-]*\s*$",
    )
});
static CLOSING_INLINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"(?i)^\s*(?:atenciosamente|att|cordialmente|respeitosamente|(?:best|kind|warm) regards|sincerely)\s*[,.;:-]+\s*",
    )
});
static DEVICE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"(?i)^\s*(?:enviad[oa] (?:do|da|pelo|de|a partir do|desde) (?:meu|minha|mi|o|iphone|android|samsung|yahoo|outlook|gmail|celular)|sent (?:from my|via|from) |get outlook for|obter o outlook|baixe o outlook|obtenha o outlook|enviado desde mi)",
    )
});
static FOOTER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"(?i)(?:(?-u:\b)(?:esta|essa|este) (?:mensagem|e-?mail|comunica[cç][aã]o)(?-u:\b).{0,80}(?-u:\b)(?:confidencia|privilegiad|destina|sigilos)|(?-u:\b)this (?:message|e-?mail|communication)(?-u:\b).{0,80}(?-u:\b)(?:confidential|privileged|intended)|^\s*(?:aviso legal|aviso de confidencialidade|confidentiality notice|disclaimer|legal notice)\s*:?)",
    )
});
static BADGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"(?i)(?:(?-u:\b)(?:ltda|eireli|s/a|s\.a\.?|inc|llc|gmbh|corp|co\.|ltd)(?-u:\b)|(?-u:\b)www\.|https?://|\[(?:email|phone|cnpj|cpf)_\d+\]|\S+@\S+\.\S+|(?-u:\b)oab(?-u:\b)|(?-u:\b)ceo(?-u:\b)|(?-u:\b)cfo(?-u:\b)|(?-u:\b)cto(?-u:\b)|(?-u:\b)(?:gerente|diretora?|analista|coordenadora?|s[oó]ci[oa]|advogad[oa]|manager|director|head of|founder)(?-u:\b)|^\s*(?:tel|cel|fone|phone|mobile)(?-u:\b)|\(\d{2}\)\s?\d{4,5})",
    )
});

fn is(expression: &LazyLock<Option<Regex>>, line: &str) -> bool {
    // No line that a person writes as a header or closing is this long.
    line.len() <= 2000 && expression.as_ref().is_some_and(|regex| regex.is_match(line))
}

/// Finds earlier mail; returns where the sender's own words end.
fn find_quoted(text: &str, lines: &[Range<usize>], quoted: &mut Vec<Range<usize>>) -> usize {
    let line = |i: usize| lines.get(i).and_then(|r| text.get(r.clone())).unwrap_or_default();
    for (i, range) in lines.iter().enumerate() {
        let here = line(i);
        if here.trim_start().starts_with('>') {
            quoted.push(range.clone());
            continue;
        }
        if starts_with_letter(here, &['e', 'o']) {
            let two = format!("{} {}", here.trim_end(), line(i + 1).trim());
            let taken = if is(&INTRO, here) {
                1
            } else if here.len() < 200 && is(&INTRO, &two) {
                2
            } else {
                0
            };
            let next = (i + taken..lines.len()).map(line).find(|l| !l.trim().is_empty());
            if taken > 0 && next.is_none_or(|l| !l.trim_start().starts_with('>')) {
                quoted.push(range.start..text.len());
                return range.start;
            }
            if taken > 0 {
                quoted.push(range.start..lines.get(i + taken - 1).map_or(range.end, |r| r.end));
                continue;
            }
        }
        let header = starts_with_letter(here, &['d', 'f'])
            && is(&HEADER_FROM, here)
            && (i + 1..i + 4).any(|n| is(&HEADER_MORE, line(n)));
        if header || (starts_with_letter(here, &['-', '_', 'b', 'i']) && is(&SEPARATOR, here)) {
            quoted.push(range.start..text.len());
            return range.start;
        }
    }
    text.len()
}

/// A cheap look at a line before an expression runs on it.
fn starts_with_letter(line: &str, letters: &[char]) -> bool {
    let first = line.chars().find(|c| !c.is_whitespace() && *c != '*');
    first.is_some_and(|c| letters.contains(&c.to_ascii_lowercase()))
}

fn find_signature(text: &str, lines: &[Range<usize>], end: usize, found: &mut Vec<Range<usize>>) {
    let own: Vec<_> = lines
        .iter()
        .filter(|r| r.start < end)
        .map(|r| (r.clone(), text.get(r.clone()).unwrap_or_default()))
        .collect();
    for (i, (range, line)) in own.iter().enumerate() {
        if matches!(line.trim_end(), "--" | "—" | "__" | "---") && i > 0 {
            found.push(range.start..end);
            return;
        }
        if starts_with_letter(line, &['e', 's', 'g', 'o', 'b']) && is(&DEVICE, line) {
            found.push(range.clone());
        } else if line.len() > 15 && (i > 0 || own.len() > 1) && is(&FOOTER, line) {
            found.push(range.start..end);
            return;
        } else if i > 0 && line.len() <= CLOSING_LINE && is(&CLOSING, line) {
            if let Some(tail) = tail(&own, i + 1) {
                found.push(tail);
            }
        } else if let Some(head) = (line.len() <= SIGNATURE_LINE
            && starts_with_letter(line, &['a', 'c', 'r', 'b', 'k', 'w', 's']))
        .then(|| CLOSING_INLINE.as_ref().and_then(|regex| regex.find(line)))
        .flatten()
        {
            let tail = tail(&own, i + 1).map_or(range.end, |t| t.end);
            found.push(range.start + head.end()..tail);
        }
    }
    if found.is_empty()
        && let Some(block) = badge_block(&own)
    {
        found.push(block);
    }
    *found = merge(found.iter());
}

/// Returns the short lines after a closing, up to a postscript or a long line.
fn tail(own: &[(Range<usize>, &str)], from: usize) -> Option<Range<usize>> {
    let mut last = None;
    for (range, line) in own.iter().skip(from).take(SIGNATURE_LINES) {
        let start = line.trim_start().to_lowercase();
        if line.len() > SIGNATURE_LINE
            || line.contains(['?', '!'])
            || ["ps", "p.s", "obs"].iter().any(|p| start.starts_with(p))
        {
            break;
        }
        last = Some(range.end);
    }
    let first = own.get(from)?.0.start;
    last.map(|end| first..end)
}

/// Returns a block of short lines at the end, after a blank line, with a company, a title or an
/// address in it.
fn badge_block(own: &[(Range<usize>, &str)]) -> Option<Range<usize>> {
    let last = own.iter().rposition(|(_, line)| !line.trim().is_empty())?;
    let mut first = last;
    loop {
        let (_, line) = own.get(first)?;
        let sentence = line.trim_end().ends_with(['?', '!', '.', ':', ',']) || line.len() > 70;
        if sentence || last - first > 6 {
            return None;
        }
        let before = first.checked_sub(1)?;
        if own.get(before)?.1.trim().is_empty() {
            break;
        }
        first = before;
    }
    let block = own.get(first..=last)?;
    let badge = block.iter().any(|(_, line)| is(&BADGE, line));
    (badge && first > 0).then(|| Some(block.first()?.0.start..block.last()?.0.end)).flatten()
}

fn find_cited(text: &str, cited: &mut Vec<Range<usize>>) {
    let mut open: Option<(usize, char)> = None;
    let mut before = ' ';
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or(' ', |(_, c)| *c);
        match open {
            Some((start, _)) if at - start > CITED || (c == '\n' && next == '\n') => open = None,
            Some((start, close)) if closes(c, close, before, next) => {
                cited.push(start..at + c.len_utf8());
                open = None;
            }
            Some(_) => {}
            None => {
                let starts = !before.is_alphanumeric() && !next.is_whitespace();
                open = match c {
                    '"' if starts => Some((at, '"')),
                    '“' | '”' | '„' if starts => Some((at, '”')),
                    '«' => Some((at, '»')),
                    '\'' | '‘' if starts => Some((at, '\'')),
                    _ => None,
                };
            }
        }
        before = c;
    }
}

fn closes(c: char, close: char, before: char, next: char) -> bool {
    match close {
        '\'' => matches!(c, '\'' | '’') && !next.is_alphanumeric() && !before.is_whitespace(),
        '”' => matches!(c, '”' | '“' | '"'),
        _ => c == close,
    }
}

#[cfg(test)]
mod tests;
