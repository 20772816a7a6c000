//! What a mail says anew: quoted mails, signatures, notices and footers taken off.
//!
//! The rules are for engines, which answer what is asked; people see the whole mail. So in doubt
//! a line stays: an answer to something said before costs less than a question that is lost.

mod marks;
mod notice;
mod signature;
#[cfg(test)]
mod tests;

use self::marks::Mark;
use super::parse::cut;

/// Longest text that is looked at, in bytes; beyond it nothing is taken off.
const MAX_TEXT: usize = 1024 * 1024;
/// Most lines that are looked at; a text of more is no letter.
const MAX_LINES: usize = 20_000;
/// Most bytes of a quoted line that is kept above the answer to it.
const MAX_ANSWERED: usize = 120;
/// A forward stands for itself if no more words than this stand above it.
const FEW_WORDS: usize = 3;

/// What is left of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stripped {
    /// The words that are new.
    pub text: String,
    /// True if words of an earlier mail were taken off.
    pub quoted_removed: bool,
    /// True if a signature, a notice or a footer was taken off.
    pub signature_removed: bool,
    /// True if answers stand between quoted lines; then one line of each quote stays above them. Where only the sender's
    /// words say so ("answers below in red"), nothing tells the lines apart, and all of them stay.
    pub inline_answers: bool,
}

/// Takes off what a text repeats and what its sender did not write for this mail. If nothing would
/// be left, the text stays as it is but for its quotes, or altogether.
pub fn strip(text: &str) -> Stripped {
    let whole = Stripped { text: text.trim().to_owned(), ..Stripped::default() };
    if text.len() > MAX_TEXT || text.lines().nth(MAX_LINES).is_some() {
        return whole;
    }
    let unquoted = without_quotes(text);
    if unquoted.own.iter().all(|line| line.trim().is_empty()) {
        return whole;
    }
    if unquoted.removed && !unquoted.inline_answers && marks::answers_below(&unquoted.own) {
        return Stripped { inline_answers: true, ..whole };
    }
    let quoted_removed = unquoted.removed;
    let inline_answers = unquoted.inline_answers;
    let own: Vec<&str> = unquoted.own.iter().map(String::as_str).collect();
    let (kept, signature_removed) = signature::strip(&own);
    let stripped = join(&kept);
    let signature_removed = signature_removed && !stripped.is_empty();
    let mut text = if stripped.is_empty() { join(&own) } else { stripped };
    if !unquoted.forwarded.is_empty() {
        text.push_str("\n\n");
        text.push_str(unquoted.forwarded.trim_end());
    }
    Stripped { text, quoted_removed, signature_removed, inline_answers }
}

/// Joins lines, with no more than one empty line between two.
fn join(lines: &[&str]) -> String {
    let mut kept: Vec<&str> = Vec::with_capacity(lines.len());
    for line in lines {
        let blank = |line: &str| line.trim().is_empty();
        if !(blank(line) && kept.last().is_some_and(|last| blank(last))) {
            kept.push(line);
        }
    }
    let text = kept.join("\n");
    let text = text.trim_matches(['\n', '\r']);
    text.trim_end().trim_start_matches(|c: char| c.is_whitespace()).to_owned()
}

/// A text without its quotes.
#[derive(Debug, Default)]
struct Unquoted {
    own: Vec<String>,
    /// A forwarded mail that is all the mail has to say.
    forwarded: String,
    removed: bool,
    inline_answers: bool,
}

/// What a line belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line<'a> {
    Own(&'a str),
    /// A line that begins with `>`.
    Quoted(&'a str),
    /// Announces a quote.
    Announced,
}

fn without_quotes(text: &str) -> Unquoted {
    let lines: Vec<&str> = text.lines().collect();
    let mut sorted: Vec<Line<'_>> = Vec::with_capacity(lines.len());
    let mut forwarded = String::new();
    let mut cut_off = false;
    let mut at = 0;
    while let Some(line) = lines.get(at).copied() {
        match marks::at(&lines, at) {
            None if is_quoted(&lines, at) => sorted.push(Line::Quoted(line)),
            None => sorted.push(Line::Own(line)),
            Some(Mark::Attribution { lines: count, before }) => {
                if !before.trim().is_empty() {
                    sorted.push(Line::Own(before));
                }
                sorted.push(Line::Announced);
                at += count;
                let mut rest = lines.get(at..).unwrap_or_default().iter();
                let next = rest.find(|line| !line.trim().is_empty());
                if next.is_some_and(|next| begins_quoted(next)) {
                    continue;
                }
                cut_off = true;
                break;
            }
            Some(Mark::Forward) => {
                if adds_nothing(&sorted) {
                    forwarded = lines.get(at..).unwrap_or_default().join("\n");
                } else {
                    cut_off = true;
                }
                break;
            }
            Some(Mark::Rest) => {
                cut_off = true;
                break;
            }
        }
        at += 1;
    }
    keep_what_is_no_quote(&mut sorted);
    let mut unquoted = assemble(&sorted);
    unquoted.removed |= cut_off;
    unquoted.forwarded = forwarded;
    while cut_off && unquoted.own.last().is_some_and(|line| marks::is_rule(line)) {
        unquoted.own.pop();
    }
    unquoted
}

fn begins_quoted(line: &str) -> bool {
    line.trim_start_matches([' ', '\t', '\u{a0}']).starts_with('>')
}

/// True for a quoted line, and for the rest of a link that a program broke out of one.
fn is_quoted(lines: &[&str], at: usize) -> bool {
    let line = |at: usize| lines.get(at).copied().unwrap_or_default();
    if begins_quoted(line(at)) {
        return true;
    }
    let here = line(at).trim();
    let after_quote = at > 0 && begins_quoted(line(at - 1));
    let before_quote = begins_quoted(line(at + 1));
    let opens = ["(http", "<http", "http"].iter().any(|start| here.starts_with(start));
    let closes = here.ends_with([')', '>']) && here.contains(['=', '/']);
    after_quote && before_quote && !here.contains(' ') && (opens || closes)
        || after_quote && opens && here.ends_with('>')
}

/// Lines that begin with `>` but quote nothing: bullets under a line that announces them, and a
/// single line amid a paragraph.
fn keep_what_is_no_quote(sorted: &mut [Line<'_>]) {
    let only_quote = sorted.iter().filter(|line| !matches!(line, Line::Own(_))).count() == 1;
    let mut start = 0;
    while start < sorted.len() {
        let run = sorted.iter().skip(start).take_while(|l| matches!(l, Line::Quoted(_))).count();
        if run == 0 {
            start += 1;
            continue;
        }
        let before = start.checked_sub(1).and_then(|at| sorted.get(at));
        let after = sorted.get(start + run);
        let own = |line: Option<&Line<'_>>| match line {
            Some(Line::Own(text)) => Some((*text).trim().to_owned()).filter(|t| !t.is_empty()),
            _ => None,
        };
        let bullets = own(before).is_some_and(|text| text.ends_with(':'));
        let amid = only_quote && own(before).is_some() && own(after).is_some();
        if bullets || amid {
            for line in sorted.iter_mut().skip(start).take(run) {
                if let Line::Quoted(text) = line {
                    *line = Line::Own(text);
                }
            }
        }
        start += run;
    }
}

/// Puts together what is not quoted. Where own words stand between quotes, each quote leaves its
/// last line, shortened, so that a short answer still has its question.
fn assemble(sorted: &[Line<'_>]) -> Unquoted {
    let runs = runs(sorted);
    let says = |run: &&Run<'_>| !run.quoted && run.lines.iter().any(|l| !l.trim().is_empty());
    let last_quote = runs.iter().rposition(|run| run.quoted);
    let first_quote = runs.iter().position(|run| run.quoted);
    let inline_answers = match (first_quote, last_quote) {
        (Some(first), Some(last)) => runs.iter().take(last).skip(first).any(|run| says(&run)),
        _ => false,
    };
    let mut own = Vec::new();
    for (n, run) in runs.iter().enumerate() {
        if !run.quoted {
            own.extend(run.lines.iter().map(|line| (*line).to_owned()));
            continue;
        }
        let answered = runs.iter().skip(n + 1).take_while(|next| !next.quoted).any(|r| says(&r));
        if inline_answers && answered {
            own.extend(answered_line(&run.lines));
        }
    }
    let removed = sorted.iter().any(|line| !matches!(line, Line::Own(_)));
    Unquoted { own, removed, inline_answers, ..Unquoted::default() }
}

struct Run<'a> {
    quoted: bool,
    lines: Vec<&'a str>,
}

/// Groups lines; an announcement ends a run and belongs to none.
fn runs<'a>(sorted: &[Line<'a>]) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    for line in sorted {
        let (quoted, text) = match line {
            Line::Announced => continue,
            Line::Own(text) => (false, *text),
            Line::Quoted(text) => (true, *text),
        };
        match runs.last_mut() {
            // An empty line between quoted lines is one of them.
            Some(run) if run.quoted == quoted => run.lines.push(text),
            _ => runs.push(Run { quoted, lines: vec![text] }),
        }
    }
    let blank = |run: &Run<'_>| !run.quoted && run.lines.iter().all(|l| l.trim().is_empty());
    let mut joined: Vec<Run<'a>> = Vec::with_capacity(runs.len());
    for run in runs {
        match joined.as_mut_slice() {
            [.., quote, gap] if run.quoted && quote.quoted && blank(gap) => {
                quote.lines.extend(run.lines);
                joined.pop();
            }
            _ => joined.push(run),
        }
    }
    joined
}

/// Returns the last line of a quote that says something, as `> …`.
fn answered_line(quote: &[&str]) -> Option<String> {
    let bare = |line: &&str| {
        line.trim_start_matches(|c: char| c == '>' || c.is_whitespace()).trim_end().to_owned()
    };
    let line = quote.iter().rev().map(bare).find(|line| !line.is_empty())?;
    let short = cut(&line, MAX_ANSWERED);
    let more = if short.len() < line.len() { "…" } else { "" };
    Some(format!("> {short}{more}"))
}

/// True if the words above a forwarded mail only hand it on.
fn adds_nothing(above: &[Line<'_>]) -> bool {
    let own: Vec<&str> = above
        .iter()
        .filter_map(|line| if let Line::Own(text) = line { Some(*text) } else { None })
        .collect();
    let (kept, _) = signature::strip(&own);
    let text = kept.join(" ");
    let words = text.split_whitespace().count();
    words <= FEW_WORDS && !text.contains('?') || marks::hands_on(&text)
}
