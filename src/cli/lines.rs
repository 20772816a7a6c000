//! JSON Lines as commands read them: a line at a time, bounded, and an answer for each that cannot be read.

use std::io::{BufRead, Read as _};

use serde_json::{Map, Value, json};

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

/// Reads the JSON object of a line, and its id where it has one.
pub(super) fn object(line: &[u8]) -> Result<(Map<String, Value>, Option<Value>), BadLine> {
    let value: Value = match std::str::from_utf8(line) {
        Ok(text) => serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| BadLine::new(None, "", format!("not JSON: {error}")))?,
        Err(error) => {
            let message = format!("not UTF-8 at byte {}", error.valid_up_to() + 1);
            return Err(BadLine::new(None, "", message));
        }
    };
    let Value::Object(object) = value else {
        return Err(BadLine::new(None, "", format!("must be an object, not {}", kind(&value))));
    };
    let id = object.get("id").filter(|id| id.is_string() || id.is_number()).cloned();
    Ok((object, id))
}

/// Names what a value is, for a message about what it should be.
pub(super) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
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
