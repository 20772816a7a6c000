//! JSON Lines as commands read them: a line at a time, bounded, and an answer for each that cannot be read.

use std::io::{BufRead, Read as _};

use serde_json::{Value, json};

/// Longest line, in bytes: a megabyte of text may double when it is escaped.
pub(super) const MAX_LINE: usize = 8 * 1024 * 1024;

/// Why a line has no result.
#[derive(Debug)]
pub(super) struct BadLine {
    id: Option<Value>,
    field: String,
    message: String,
}

impl BadLine {
    pub(super) fn new(
        id: Option<Value>,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { id, field: field.into(), message: message.into() }
    }

    /// A line that was passed over unread.
    pub(super) fn too_long() -> Self {
        Self::new(None, "", format!("the line is longer than {MAX_LINE} bytes"))
    }

    /// Writes the answer to such a line.
    pub(super) fn answer(self, line: u64) -> Value {
        let error = json!({"line": line, "field": self.field, "message": self.message});
        match self.id {
            Some(id) => json!({"id": id, "error": error}),
            None => json!({"error": error}),
        }
    }
}

/// Reads a line without its end. `None` at the end of the input; `false` when the line was too long and the
/// rest of it was passed over.
pub(super) fn read_line(
    input: &mut dyn BufRead,
    line: &mut Vec<u8>,
) -> std::io::Result<Option<bool>> {
    line.clear();
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    if input.take(limit).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        return Ok(Some(true));
    }
    let mut whole = true;
    let mut rest = Vec::new();
    loop {
        rest.clear();
        if input.take(64 * 1024).read_until(b'\n', &mut rest)? == 0 {
            return Ok(Some(whole));
        }
        whole = whole && rest == b"\n";
        if rest.last() == Some(&b'\n') {
            return Ok(Some(whole));
        }
    }
}
