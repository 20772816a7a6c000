//! Forms that carry files (RFC 7578), read part by part as they come: a file goes to its place and is never whole in
//! memory.

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;

use super::payload::{incomplete, too_large};
use super::problem::Problem;

/// Most bytes of the lines above a part.
const HEAD_MAX: usize = 8 * 1024;
/// Longest boundary (RFC 2046).
const BOUNDARY_MAX: usize = 70;

/// The parts of a form.
pub(crate) struct Parts {
    body: Body,
    /// What came and was not read yet.
    waiting: Vec<u8>,
    /// What stands between two parts: a line break, two dashes, the boundary.
    delimiter: Vec<u8>,
    /// True while a part is being read.
    inside: bool,
}

/// What stands above a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The field.
    pub(crate) name: String,
    /// What the file is called, for a file; empty where none was chosen.
    pub(crate) file: Option<String>,
}

impl Parts {
    /// Begins to read a body of this media type; `None` where it is no such form.
    pub(crate) fn of(media_type: &str, body: Body) -> Option<Self> {
        let (essence, parameters) = media_type.split_once(';')?;
        if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = parameters.split(';').find_map(|one| {
            let (name, value) = one.split_once('=')?;
            name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
        })?;
        let fits = (1..=BOUNDARY_MAX).contains(&boundary.len());
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        // The first boundary has no line break before it.
        fits.then(|| Self { body, waiting: b"\r\n".to_vec(), delimiter, inside: true })
    }

    /// Goes on to the next part; what is left of this one is thrown away. `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Head>, Problem> {
        while self.piece().await?.is_some() {}
        while self.waiting.len() < 2 {
            self.more().await?;
        }
        if self.waiting.starts_with(b"--") {
            return Ok(None);
        }
        let end = loop {
            if let Some(at) = place(&self.waiting, b"\r\n\r\n") {
                break at;
            }
            if self.waiting.len() > HEAD_MAX {
                return Err(incomplete());
            }
            self.more().await?;
        };
        let head: Vec<u8> = self.waiting.drain(..end + 4).collect();
        self.inside = true;
        head_of(&String::from_utf8_lossy(&head)).map(Some).ok_or_else(incomplete)
    }

    /// Reads on in this part; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            if !self.inside {
                return Ok(None);
            }
            let whole = place(&self.waiting, &self.delimiter);
            let ready = whole
                .unwrap_or_else(|| self.waiting.len().saturating_sub(self.delimiter.len() - 1));
            if ready > 0 {
                return Ok(Some(self.waiting.drain(..ready).collect::<Vec<u8>>().into()));
            }
            if whole.is_some() {
                self.waiting.drain(..self.delimiter.len());
                self.inside = false;
                return Ok(None);
            }
            self.more().await?;
        }
    }

    /// Reads what is left of this part as text, at most so many bytes.
    pub(crate) async fn text(&mut self, most: usize) -> Result<String, Problem> {
        let mut text = Vec::new();
        while let Some(piece) = self.piece().await? {
            text.extend_from_slice(&piece);
            if text.len() > most {
                return Err(too_large(u64::try_from(most).unwrap_or(u64::MAX)));
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    async fn more(&mut self) -> Result<(), Problem> {
        let frame = self.body.frame().await.ok_or_else(incomplete)?.map_err(|_| incomplete())?;
        if let Ok(piece) = frame.into_data() {
            self.waiting.extend_from_slice(&piece);
        }
        Ok(())
    }
}

/// The content of a file as it comes: a body of its own, or a part of a form.
pub(crate) enum Pieces<'p> {
    /// The whole body.
    Body(Body),
    /// A part of a form.
    Part(&'p mut Parts),
}

impl Pieces<'_> {
    /// Reads on; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        match self {
            Self::Part(parts) => parts.piece().await,
            Self::Body(body) => loop {
                let Some(frame) = body.frame().await else { return Ok(None) };
                if let Ok(piece) = frame.map_err(|_| incomplete())?.into_data() {
                    return Ok(Some(piece));
                }
            },
        }
    }
}

fn place(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Reads the line that says which field a part is.
fn head_of(lines: &str) -> Option<Head> {
    let line = lines.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    // Browsers write quotes inside a name as %22, so that a quote always ends it (WHATWG, multipart/form-data).
    let quoted = |name: &str| {
        let (_, rest) = line.split_once(&format!("; {name}=\""))?;
        Some(rest.split('"').next()?.replace("%22", "\""))
    };
    Some(Head { name: quoted("name")?, file: quoted("filename") })
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    const FORM: &str = "--x7\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n--x7\r\n\
        Content-Disposition: form-data; name=\"upload\"; filename=\"b%22o.txt\"\r\nContent-Type: text/plain\r\n\r\n\
        one\r\n--x\r\n--x8\r\n--x7\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--x7--\r\n";

    /// The form in pieces of so many bytes.
    fn parts(form: &str, size: usize) -> Parts {
        let pieces: Vec<Result<Bytes, std::io::Error>> =
            form.as_bytes().chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let body = Body::from_stream(stream::iter(pieces));
        Parts::of("multipart/form-data; boundary=\"x7\"", body).unwrap()
    }

    async fn read(form: &str, size: usize) -> Result<Vec<(Head, String)>, Problem> {
        let (mut parts, mut read) = (parts(form, size), Vec::new());
        while let Some(head) = parts.next().await? {
            let text = parts.text(1_000).await?;
            read.push((head, text));
        }
        Ok(read)
    }

    #[tokio::test]
    async fn a_form_is_read_alike_however_it_comes_in_pieces() {
        let whole = read(FORM, FORM.len()).await.unwrap();
        let texts: Vec<(&str, Option<&str>, &str)> = whole
            .iter()
            .map(|(head, text)| (head.name.as_str(), head.file.as_deref(), text.as_str()))
            .collect();
        let expected = [
            ("csrf", None, "abc"),
            ("upload", Some("b\"o.txt"), "one\r\n--x\r\n--x8"),
            ("empty", None, ""),
        ];
        assert_eq!(texts, expected);
        for size in 1..40 {
            assert_eq!(read(FORM, size).await.unwrap(), whole, "{size}");
        }
    }

    #[tokio::test]
    async fn a_form_that_was_cut_off_or_has_no_fields_is_refused() {
        for at in [1, 20, 60, FORM.len() - 5] {
            assert!(read(FORM.get(..at).unwrap(), 7).await.is_err(), "{at}");
        }
        assert!(read("--x7\r\nX: y\r\n\r\nabc\r\n--x7--", 7).await.is_err());
        let long = format!("--x7\r\nContent-Disposition: form-data; name=\"{}", "n".repeat(20_000));
        assert!(read(&long, 700).await.is_err());
        for kind in ["multipart/form-data", "multipart/mixed; boundary=x", "text/plain; boundary=x"]
        {
            assert!(Parts::of(kind, Body::empty()).is_none(), "{kind}");
        }
    }

    #[tokio::test]
    async fn what_is_left_of_a_part_is_skipped() {
        let mut parts = parts(FORM, 9);
        assert_eq!(parts.next().await.unwrap().unwrap().name, "csrf");
        assert_eq!(parts.next().await.unwrap().unwrap().name, "upload");
        assert_eq!(parts.next().await.unwrap().unwrap().name, "empty");
        assert!(parts.next().await.unwrap().is_none());
    }
}
