//! Lines of plain text from pieces of HTML: white space collapsed, quotes marked with `> `.

/// Stands for a rule across the page; the mark that Outlook itself writes into plain text.
pub(super) const RULE: &str = "________________________________";

/// Deepest quote that is marked as such.
const MAX_QUOTE: usize = 8;

/// Writes lines.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: String,
    /// Line ends owed before the next word, at most two.
    owed: usize,
    space: bool,
    /// How deep the last line was quoted.
    depth: usize,
    /// Written before the next word, on a line of its own.
    mark: Option<&'static str>,
    /// Written before the next word instead of the line ends owed.
    separator: Option<&'static str>,
}

impl Writer {
    /// Ends the line, if one is begun.
    pub(super) fn line(&mut self) {
        self.owed = self.owed.max(1);
    }

    /// Ends the paragraph.
    pub(super) fn paragraph(&mut self) {
        self.owed = 2;
    }

    /// Ends one line more, as `<br>` does.
    pub(super) fn one_more_line(&mut self) {
        self.owed = (self.owed + 1).min(2);
    }

    /// Writes `mark` on a line of its own before the next word.
    pub(super) fn announce(&mut self, mark: &'static str) {
        self.mark = Some(mark);
        self.line();
    }

    /// Returns where the next word will stand.
    pub(super) fn position(&self) -> usize {
        self.out.len()
    }

    /// Returns what was written since a position.
    pub(super) fn since(&self, position: usize) -> &str {
        self.out.get(position..).unwrap_or_default()
    }

    /// Takes an announced mark back, because nothing followed it.
    pub(super) fn withdraw(&mut self) {
        self.mark = None;
    }

    /// Lets the next word follow on the same line, behind `separator`.
    pub(super) fn join(&mut self, separator: &'static str) {
        self.separator = Some(separator);
    }

    /// Ends a row of joined pieces.
    pub(super) fn end_row(&mut self) {
        self.separator = None;
        self.line();
    }

    /// Writes text whose white space means nothing, quoted `depth` times.
    pub(super) fn text(&mut self, text: &str, depth: usize) {
        let blank = |c: char| c.is_whitespace() || c == '\u{a0}';
        if text.chars().all(blank) {
            self.space |= !text.is_empty();
            // A paragraph of one hard space is how editors write an empty line.
            if text.contains('\u{a0}') && self.owed > 0 {
                self.owed = 2;
            }
            return;
        }
        if text.starts_with(blank) {
            self.space = true;
        }
        for word in text.split(blank).filter(|word| !word.is_empty()) {
            self.word(word, depth);
            self.space = true;
        }
        self.space = text.ends_with(blank);
    }

    /// Writes text whose line ends stand (`<pre>`).
    pub(super) fn preformatted(&mut self, text: &str, depth: usize) {
        for (n, line) in text.split('\n').enumerate() {
            if n > 0 {
                self.one_more_line();
            }
            let line = line.trim_end().replace('\u{a0}', " ");
            if !line.is_empty() {
                self.word(&line, depth);
            }
        }
    }

    fn word(&mut self, word: &str, depth: usize) {
        let depth = depth.min(MAX_QUOTE);
        if let Some(mark) = self.mark.take()
            && self.last_line().trim_end() != mark.trim_end()
        {
            self.begin_line(depth);
            self.out.push_str(mark);
            self.owed = 1;
        }
        if depth != self.depth {
            self.separator = None;
            self.line();
        }
        if let Some(separator) = self.separator.take() {
            self.out.push_str(separator);
            self.owed = 0;
        } else if self.owed > 0 || self.out.is_empty() {
            self.begin_line(depth);
        } else if self.space {
            self.out.push(' ');
        }
        self.space = false;
        self.out.push_str(word);
    }

    fn last_line(&self) -> &str {
        self.out.rsplit('\n').next().unwrap_or_default()
    }

    fn begin_line(&mut self, depth: usize) {
        if !self.out.is_empty() {
            let between = depth.min(self.depth);
            for end in 0..self.owed.max(1) {
                if end > 0 && between > 0 {
                    self.out.push_str("> ".repeat(between).trim_end());
                }
                self.out.push('\n');
            }
        }
        self.out.push_str(&"> ".repeat(depth));
        self.depth = depth;
        self.owed = 0;
        self.space = false;
    }

    /// Returns the text.
    pub(super) fn finish(self) -> String {
        self.out
    }
}
