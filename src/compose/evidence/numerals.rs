//! Writes numbers that are spelled out as digits: "mil duzentos e trinta e quatro reais", "two weeks".
//!
//! A number that was spelled out is marked with `~`: "two quick steps" is a way of speaking, "2 steps" is a count.

/// Stands before a number that was written as a word.
pub(super) const SPELLED: char = '~';

/// Words of one value each; tens and hundreds join with smaller ones after them.
const WORDS: &[(&str, u64)] = &[
    ("dois", 2),
    ("duas", 2),
    ("tres", 3),
    ("quatro", 4),
    ("cinco", 5),
    ("seis", 6),
    ("sete", 7),
    ("oito", 8),
    ("nove", 9),
    ("dez", 10),
    ("onze", 11),
    ("doze", 12),
    ("treze", 13),
    ("quatorze", 14),
    ("catorze", 14),
    ("quinze", 15),
    ("dezesseis", 16),
    ("dezessete", 17),
    ("dezoito", 18),
    ("dezenove", 19),
    ("vinte", 20),
    ("trinta", 30),
    ("quarenta", 40),
    ("cinquenta", 50),
    ("sessenta", 60),
    ("setenta", 70),
    ("oitenta", 80),
    ("noventa", 90),
    ("cem", 100),
    ("cento", 100),
    ("duzentos", 200),
    ("duzentas", 200),
    ("trezentos", 300),
    ("trezentas", 300),
    ("quatrocentos", 400),
    ("quatrocentas", 400),
    ("quinhentos", 500),
    ("quinhentas", 500),
    ("seiscentos", 600),
    ("seiscentas", 600),
    ("setecentos", 700),
    ("setecentas", 700),
    ("oitocentos", 800),
    ("oitocentas", 800),
    ("novecentos", 900),
    ("novecentas", 900),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
    ("mil", 1_000),
    ("thousand", 1_000),
    ("hundred", 100),
];

/// Units that "one" and its like count: "uma hora" is 1 hour, "uma pessoa" is anybody.
const UNITS: &[&str] = &[
    "minuto", "hora", "dia", "semana", "mes", "ano", "minute", "hour", "day", "week", "month",
    "year", "business", "working",
];
/// What stands before "um" or "a" when it counts.
const COUNTS: &[&str] = &[
    "em", "ate", "dentro", "de", "apos", "por", "durante", "ha", "within", "in", "after", "for",
    "than", "only", "apenas", "so", "least", "menos", "mais", "cada", "vale", "dura", "lasts",
];

fn value(word: &str) -> Option<u64> {
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}

/// Rewrites a plain text (lower case, no marks) with digits for numbers that are spelled out.
pub(super) fn digits(plain: &str) -> String {
    let pieces = pieces(plain);
    let word = |at: usize| pieces.get(at).copied().unwrap_or_default();
    let mut out = String::with_capacity(plain.len());
    let mut at = 0;
    while at < pieces.len() {
        let percent = word(at) == "cento" && at >= 2 && word(at - 2) == "por";
        if let Some((number, next)) = spelled(&pieces, at).filter(|_| !percent) {
            out.push(SPELLED);
            out.push_str(&number.to_string());
            at = next;
            continue;
        }
        let before = at.checked_sub(2).map_or("", word);
        let after = word(at + 2);
        let half = (word(at) == "meia" && after == "hora")
            || (word(at) == "half" && word(at + 2) == "an" && word(at + 4) == "hour");
        if half {
            out.push_str("~30 min");
            at += if word(at) == "meia" { 3 } else { 5 };
            continue;
        }
        let one = match word(at) {
            "one" => UNITS.contains(&after) || after.starts_with("business"),
            "um" | "uma" | "a" | "an" => UNITS.contains(&after) && COUNTS.contains(&before),
            _ => false,
        };
        if one {
            out.push_str("~1");
        } else {
            out.push_str(word(at));
        }
        at += 1;
    }
    out
}

/// Cuts a text into words and what stands between them, in turn.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_word = first.is_alphanumeric();
        let end = rest.find(|c: char| c.is_alphanumeric() != in_word).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

/// Reads the number that starts at a piece; returns it and the piece after it.
fn spelled(pieces: &[&str], start: usize) -> Option<(u64, usize)> {
    let mut last = value(pieces.get(start)?)?;
    let (mut total, mut current) = if last == 1_000 { (1_000, 0) } else { (0, last) };
    let mut end = start + 1;
    loop {
        let gap = pieces.get(end).copied().unwrap_or_default();
        if gap != " " && gap != "-" {
            break;
        }
        let mut at = end + 1;
        let joined = matches!(pieces.get(at).copied(), Some("e" | "and"))
            && pieces.get(at + 1).copied() == Some(" ");
        if joined {
            at += 2;
        }
        let Some(word) = pieces.get(at).copied() else { break };
        // "Um" and "one" count only at the end of a longer number: "vinte e uma".
        let next = match word {
            "um" | "uma" | "one" if last >= 20 => 1,
            _ => match value(word) {
                Some(next) => next,
                None => break,
            },
        };
        match (word, next) {
            ("hundred", _) if !joined && current > 0 && current < 10 => current *= 100,
            (_, 1_000) if !joined && current > 0 => {
                total += current * 1_000;
                current = 0;
            }
            _ if fits(last, next) => current += next,
            _ => break,
        }
        last = if word == "hundred" { 100 } else { next };
        end = at + 1;
    }
    Some((total + current, end))
}

/// True where a smaller number continues a bigger one: 20 and 5, 200 and 34, 1 000 and 200.
fn fits(last: u64, next: u64) -> bool {
    match last {
        20..=99 => next < 10,
        100..=999 => next < 100,
        1_000 => next < 1_000,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words_become_digits() {
        for (text, expected) in [
            ("mil duzentos e trinta e quatro reais", "~1234 reais"),
            ("dois mil e quinhentos contatos", "~2500 contatos"),
            ("one hundred and five rows", "one ~105 rows"),
            ("two thousand three hundred", "~2300"),
            ("vinte e uma linhas", "~21 linhas"),
            ("dois e tres", "~2 e ~3"),
            ("thirty-four days", "~34 days"),
            ("em uma semana", "em ~1 semana"),
            ("uma pessoa", "uma pessoa"),
            ("dez por cento", "~10 por cento"),
            ("meia hora", "~30 min"),
            ("within half an hour", "within ~30 min"),
            ("r$ 19 a month", "r$ 19 a month"),
            ("one business day", "~1 business day"),
        ] {
            assert_eq!(digits(text), expected, "{text}");
        }
    }
}
