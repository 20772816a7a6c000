//! Labelled texts from JSON Lines or CSV.

use serde::Deserialize;

use crate::domain::decision::LocalText;
use crate::understand::linear::Example;

/// How many bad lines are told.
const MAX_PROBLEMS: usize = 20;

#[derive(Deserialize)]
struct Row {
    text: String,
    label: String,
}

/// Reads labelled texts, or says what is wrong as `LINE: what`. A file whose first sign is `{` is JSON
/// Lines, any other is CSV with the columns `text` and `label`.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Example>, Vec<LocalText>> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line =
            bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        vec![problem(
            line,
            "não está em UTF-8; salve o arquivo como UTF-8",
            "is not UTF-8; save the file as UTF-8",
        )]
    })?;
    let mut examples = Vec::new();
    let mut problems = Vec::new();
    let rows: Box<dyn Iterator<Item = (usize, Result<Row, String>)>> =
        if text.trim_start().starts_with('{') {
            Box::new(json_lines(text))
        } else {
            csv_rows(text)?
        };
    for (line, row) in rows {
        match row {
            Ok(row) if row.text.trim().is_empty() => {
                problems.push(problem(line, "\"text\" está vazio", "\"text\" is empty"));
            }
            Ok(row) if row.label.trim().is_empty() => {
                problems.push(problem(line, "\"label\" está vazio", "\"label\" is empty"));
            }
            Ok(row) => examples.push(Example { text: row.text, label: row.label }),
            Err(error) => problems.push(problem(
                line,
                format!("não é um texto com rótulo: {error}"),
                format!("is no labelled text: {error}"),
            )),
        }
        if problems.len() >= MAX_PROBLEMS {
            break;
        }
    }
    if problems.is_empty() && examples.is_empty() {
        problems.push(problem(1, "o arquivo não tem textos", "the file has no texts"));
    }
    if problems.is_empty() { Ok(examples) } else { Err(problems) }
}

fn json_lines(text: &str) -> impl Iterator<Item = (usize, Result<Row, String>)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).map(|(number, line)| {
        let row = serde_json::from_str(line).map_err(|error| {
            error.to_string().split(" at line ").next().unwrap_or_default().to_owned()
        });
        (number, row)
    })
}

type Rows<'t> = Box<dyn Iterator<Item = (usize, Result<Row, String>)> + 't>;

fn csv_rows(text: &str) -> Result<Rows<'_>, Vec<LocalText>> {
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let column = |headers: &csv::StringRecord, name: &str| {
        headers.iter().position(|header| header.trim().eq_ignore_ascii_case(name))
    };
    let headers = reader.headers().cloned().unwrap_or_default();
    let (Some(text_at), Some(label_at)) = (column(&headers, "text"), column(&headers, "label"))
    else {
        return Err(vec![problem(
            1,
            "esperava JSON Lines ou um CSV com as colunas text e label",
            "expected JSON Lines, or a CSV with the columns text and label",
        )]);
    };
    Ok(Box::new(reader.into_records().map(move |record| match record {
        Ok(record) => {
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
            (
                usize::try_from(line).unwrap_or(usize::MAX),
                Ok(Row { text: cell(text_at), label: cell(label_at) }),
            )
        }
        Err(error) => {
            let line = error.position().map_or(0, csv::Position::line);
            (usize::try_from(line).unwrap_or(usize::MAX), Err(error.to_string()))
        }
    })))
}

fn problem(line: usize, pt: impl Into<String>, en: impl Into<String>) -> LocalText {
    LocalText::new(format!("{line}: {}", pt.into()), format!("{line}: {}", en.into()))
}
