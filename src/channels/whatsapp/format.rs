//! Fits texts to WhatsApp: the Markdown that its marks do not know, words that must not turn into marks, and length.
//!
//! Links, headings, bold and italics are converted elsewhere, for every channel alike; `prepared` goes before that
//! and `fit` after it. WhatsApp has no escapes, so a mark that is to stay a sign becomes one that looks like it.

/// Most UTF-16 units of one text message. Meta says "characters" and leaves open which; these count highest.
pub const TEXT_UNITS_MAX: usize = 4_096;

/// How a text that is too long is made to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Into several messages. Each one costs and may overtake another.
    Split,
    /// Into one message that ends with `…`.
    Shorten,
}

/// Returns the messages of a text, cut at ends of paragraphs where there are any, else of lines, sentences or words.
///
/// Blank text gives no message.
pub fn fit(text: &str, units_max: usize, how: Fit) -> Vec<String> {
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    if units(text) <= units_max {
        return vec![text.to_owned()];
    }
    match how {
        Fit::Shorten => {
            let (first, _) = cut(text, units_max.saturating_sub(2));
            vec![format!("{first}\n…")]
        }
        Fit::Split => {
            let mut pieces = Vec::new();
            let mut rest = text;
            while units(rest) > units_max {
                let (piece, after) = cut(rest, units_max);
                pieces.push(piece.to_owned());
                rest = after;
            }
            pieces.push(rest.to_owned());
            pieces.retain(|piece| !piece.is_empty());
            pieces
        }
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Cuts off a piece of at most so many units, at least one character.
fn cut(text: &str, units_max: usize) -> (&str, &str) {
    let mut left = units_max;
    let end = text
        .char_indices()
        .find(|(at, letter)| {
            let fits = letter.len_utf16() <= left || *at == 0;
            left = left.saturating_sub(letter.len_utf16());
            !fits
        })
        .map_or(text.len(), |(at, _)| at);
    // What ends exactly where the room ends shows it only by the letters behind.
    let mut behind = text.get(end..).unwrap_or_default().chars().map(char::len_utf8);
    let one = end + behind.next().unwrap_or(0);
    let two = one + behind.next().unwrap_or(0);
    let (one, two) = (text.get(..one).unwrap_or(text), text.get(..two).unwrap_or(text));
    let sentence = [". ", "! ", "? "].iter().filter_map(|end| one.rfind(end)).max();
    let ends = [
        two.rfind("\n\n"),
        one.rfind('\n'),
        sentence.map(|at| at + 1),
        one.rfind(char::is_whitespace),
    ];
    // A piece of a few words before a long one reads worse than a cut within the long one.
    let at = ends.into_iter().flatten().find(|at| at * 4 >= end).unwrap_or(end);
    let (piece, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    (piece.trim_end(), rest.trim_start())
}

/// Returns plain words in a form that WhatsApp shows as they are, such as a name or an order number put into a text.
///
/// Only signs that would switch a style are exchanged. Addresses and links stay as they are: with another sign in
/// them they would lead nowhere, which is worse than a wrong style.
pub fn literal(words: &str) -> String {
    let mut text = words.to_owned();
    for mark in ['*', '_', '~', '`'] {
        if text.contains(mark) {
            let lines: Vec<String> =
                text.split('\n').map(|line| neutral(line, mark, false)).collect();
            text = lines.join("\n");
        }
    }
    text
}

/// Returns the sign that looks like a mark and is none.
const fn look_alike(mark: char) -> Option<char> {
    match mark {
        '*' => Some('\u{2217}'),
        '_' => Some('\u{2cd}'),
        '~' => Some('\u{223c}'),
        '`' => Some('\u{2cb}'),
        _ => None,
    }
}

/// True for what glues a mark to a word. Two of the look-alikes count as letters in Unicode, but not in every app.
fn is_letter(side: char) -> bool {
    side.is_alphanumeric() && !matches!(side, '\u{2cd}' | '\u{2cb}')
}

/// Exchanges one mark within a line if WhatsApp would find a pair of it; with `singly` only where it stands alone.
fn neutral(line: &str, mark: char, singly: bool) -> String {
    let letters: Vec<char> = line.chars().collect();
    let at = |index: Option<usize>| index.and_then(|index| letters.get(index)).copied();
    let (mut openings, mut closings, mut exchanged) = (Vec::new(), Vec::new(), Vec::new());
    let linked = linked(&letters);
    for (index, letter) in letters.iter().enumerate() {
        let (before, after) = (at(index.checked_sub(1)), at(index.checked_add(1)));
        let doubled = before == Some(mark) || after == Some(mark);
        if *letter != mark
            || singly && (doubled || before == Some('\\'))
            || linked.get(index) == Some(&true)
        {
            continue;
        }
        let inside = |side: Option<char>| side.is_some_and(|side| !side.is_whitespace());
        // Backticks make code in the middle of a word, too.
        let outside = |side: Option<char>| mark == '`' || !side.is_some_and(is_letter);
        let (opens, closes) = (outside(before) && inside(after), inside(before) && outside(after));
        if opens {
            openings.push(index);
        }
        if closes {
            closings.push(index);
        }
        if opens || closes {
            exchanged.push(index);
        }
    }
    let paired = matches!((openings.first(), closings.last()), (Some(a), Some(z)) if a < z);
    let (true, Some(sign)) = (paired, look_alike(mark)) else { return line.to_owned() };
    let exchange =
        |(index, letter)| if exchanged.binary_search(&index).is_ok() { sign } else { letter };
    letters.iter().copied().enumerate().map(exchange).collect()
}

/// Tells for each letter whether its word is an address or a link.
fn linked(letters: &[char]) -> Vec<bool> {
    let mut linked = Vec::with_capacity(letters.len());
    for word in letters.split_inclusive(|letter| letter.is_whitespace()) {
        let link = word.contains(&'@') || word.windows(3).any(|three| three == [':', '/', '/']);
        linked.extend(std::iter::repeat_n(link, word.len()));
    }
    linked
}

/// Rewrites Markdown that has no counterpart: tables become lists, underlined titles headings; rules, languages of
/// code and escapes go. What stands in code stays.
pub fn prepared(markdown: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut lines = markdown.lines().peekable();
    let mut code = false;
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```").filter(|l| !l.contains('`')) {
            code = !code || !language.trim().is_empty();
            out.push("```".to_owned());
        } else if code {
            out.push(line.to_owned());
        } else if line.contains('|') && lines.peek().is_some_and(|next| is_delimiter(next)) {
            let heads = cells(line);
            lines.next();
            while let Some(row) = lines.next_if(|row| row.contains('|')) {
                out.extend(table_row(&heads, &cells(row)));
            }
        } else if is_rule(line) {
            match out.last_mut().filter(|above| !line.contains([' ', '*', '_']) && is_title(above))
            {
                Some(title) => title.insert_str(0, "## "),
                None => out
                    .extend((out.last().is_some_and(|above| !above.is_empty())).then(String::new)),
            }
        } else if !line.trim().is_empty() || out.last().is_some_and(|above| !above.is_empty()) {
            out.push(inline(line));
        }
    }
    out.join("\n").trim_end().to_owned()
}

fn is_rule(line: &str) -> bool {
    let marks: String = line.chars().filter(|letter| !letter.is_whitespace()).collect();
    ['-', '*', '_', '='].iter().any(|mark| marks.len() >= 3 && marks.chars().all(|l| l == *mark))
}

fn is_title(line: &str) -> bool {
    let plain = line.trim_start().chars().next();
    plain.is_some_and(|letter| !matches!(letter, '#' | '-' | '*' | '>' | '|' | '`'))
}

fn is_delimiter(line: &str) -> bool {
    line.contains('-')
        && line.contains('|')
        && line.chars().all(|l| matches!(l, '|' | ':' | '-' | ' '))
}

/// Returns the cells of a row; `\|` is a sign within one.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim().replace("\\|", "\u{0}");
    let row = row.strip_prefix('|').unwrap_or(&row);
    let row = row.strip_suffix('|').unwrap_or(row);
    row.split('|').map(|cell| inline(cell.trim()).replace('\u{0}', "|")).collect()
}

/// Returns a row as an item: `- first: second`, with more columns `- first – head: second; head: third`.
fn table_row(heads: &[String], cells: &[String]) -> Option<String> {
    let (first, rest) = cells.split_first()?;
    let heads = heads.iter().map(String::as_str).skip(1).chain(std::iter::repeat(""));
    let named: Vec<(&str, &String)> =
        heads.zip(rest).filter(|(_, cell)| !cell.is_empty()).collect();
    let joined = match named.as_slice() {
        [] => String::new(),
        [(_, cell)] if rest.len() == 1 => format!(": {cell}"),
        several => {
            let parts = several.iter().map(|(head, cell)| match *head {
                "" => (*cell).clone(),
                head => format!("{head}: {cell}"),
            });
            format!(" – {}", parts.collect::<Vec<_>>().join("; "))
        }
    };
    Some(format!("- {first}{joined}")).filter(|item| item != "- ")
}

/// Rewrites the marks within a line.
fn inline(line: &str) -> String {
    // What stands in code is shown as it is, so a line that has some keeps its signs.
    let line = if line.contains('`') { line.to_owned() } else { neutral(line, '~', true) };
    let mut out = String::with_capacity(line.len());
    let mut rest = line.as_str();
    if let Some(item) = rest.trim_start().strip_prefix("+ ") {
        out.push_str("- ");
        rest = item;
    }
    while let Some(letter) = rest.chars().next() {
        let before = out.chars().next_back();
        let (taken, written) =
            span(rest, before).unwrap_or_else(|| (letter.len_utf8(), letter.to_string()));
        out.push_str(&written);
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

/// Reads what begins here and is not copied as it stands: its length in bytes, and what is written for it.
fn span(rest: &str, before: Option<char>) -> Option<(usize, String)> {
    if rest.starts_with('`') {
        let len = rest.get(1..)?.find('`')? + 2;
        return Some((len, rest.get(..len)?.to_owned()));
    }
    if let Some(after) = rest.strip_prefix('\\') {
        let sign = after.chars().next().filter(char::is_ascii_punctuation)?;
        return Some((2, look_alike(sign).unwrap_or(sign).to_string()));
    }
    if rest.starts_with("<http") {
        let len = rest.find('>')?;
        let link = rest.get(1..len).filter(|link| !link.contains(char::is_whitespace))?;
        return Some((len + 1, link.to_owned()));
    }
    if rest.starts_with("https://") || rest.starts_with("http://") {
        let len = rest.find(|l: char| l.is_whitespace() || l == ')').unwrap_or(rest.len());
        return Some((len, rest.get(..len)?.to_owned()));
    }
    let (pair, mark) =
        [("__", "**"), ("~~", "~")].into_iter().find(|(p, _)| rest.starts_with(p))?;
    let body = rest.get(2..)?;
    let len = body.find(pair).filter(|len| *len > 0)?;
    let inner = body.get(..len)?;
    let after = body.get(len + 2..).and_then(|after| after.chars().next());
    let free = |side: Option<char>| !side.is_some_and(char::is_alphanumeric);
    let tight = !inner.starts_with(char::is_whitespace) && !inner.ends_with(char::is_whitespace);
    (tight && free(before) && free(after))
        .then(|| (len + 4, format!("{mark}{}{mark}", inline(inner))))
}

#[cfg(test)]
mod tests;
