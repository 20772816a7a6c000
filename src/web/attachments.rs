//! The bytes of a file that came with a message, handed out so that no program takes them for anything to run.

use axum::body::{Body, Bytes};
use axum::extract::{Extension, Path, State};
use axum::http::HeaderValue;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::AppState;
use super::auth::Caller;
use super::problem::{Kind, Problem, say};
use super::tickets::is_id;
use crate::domain::attachment::AttachmentState;
use crate::domain::decision::LocalText;
use crate::domain::ids::{AttachmentId, TenantId};
use crate::ports::{PortError, PortErrorKind};

/// Types that a program may know a file by: nothing in them is run. Everything else is just bytes.
const HARMLESS: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "application/pdf",
    "audio/ogg",
    "audio/mpeg",
    "audio/mp4",
    "audio/wav",
    "audio/amr",
    "audio/flac",
    "video/mp4",
];
/// The type of just bytes.
const BYTES: &str = "application/octet-stream";
/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;

/// Returns the bytes of a file that came with a message.
///
/// The type is what the first bytes show, if it is one of a few harmless ones; what the sender claims does not count. The
/// file is always offered for saving, never shown.
#[utoipa::path(
    get, path = "/v1/attachments/{id}", tag = "tickets",
    params(("id" = String, Path, description = "The attachment's id, as its ticket lists it")),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"))
)]
pub(super) async fn download(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    hand_out(&state, &caller.tenant, &id).await
}

/// Hands out a file of a business.
pub(crate) async fn hand_out(
    state: &AppState,
    tenant: &TenantId,
    id: &str,
) -> Result<Response, Problem> {
    if !is_id(id, AttachmentId::PREFIX) {
        return Err(none(NO_SUCH));
    }
    let known = state.store().attachment(tenant, id).await?;
    let known = known.ok_or_else(|| none(NO_SUCH))?;
    match known.state {
        AttachmentState::Kept => {}
        AttachmentState::Waiting => return Err(none(NOT_YET).retry_after(5)),
        AttachmentState::Refused | AttachmentState::Lost | AttachmentState::Erased => {
            return Err(none(GONE));
        }
    }
    let opened = state.files().open(&known.id).await;
    // Erased a moment ago, or lost with a part of the disk; `store check` tells them apart.
    let file = opened.map_err(unread)?.ok_or_else(|| none(GONE))?;
    let length = file.metadata().await.map_err(unread)?.len();
    let sniffed = known.sniffed.as_deref();
    let kind = HARMLESS.iter().find(|kind| sniffed == Some(**kind)).copied().unwrap_or(BYTES);
    let mut response = Body::from_stream(pieces(file)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(CONTENT_DISPOSITION, disposition(known.name.as_deref().unwrap_or(id)));
    let alone = HeaderValue::from_static("sandbox; default-src 'none'");
    headers.insert(CONTENT_SECURITY_POLICY, alone);
    Ok(response)
}

type Words = (&'static str, &'static str);

const NO_SUCH: Words = ("Não existe este anexo.", "There is no such attachment.");
const NOT_YET: Words = (
    "Este anexo ainda não chegou; tente de novo em instantes.",
    "This attachment is not here yet; try again shortly.",
);
const GONE: Words = (
    "Este anexo não está guardado; o ticket diz por quê.",
    "This attachment is not kept; its ticket says why.",
);

fn none((pt, en): Words) -> Problem {
    let words: LocalText = say(pt, en);
    Problem::new(Kind::NotFound, words)
}

fn unread(error: std::io::Error) -> PortError {
    PortError::new("read attachment", PortErrorKind::Transient, error)
}

fn pieces(file: File) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    futures::stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok((read > 0).then(|| (Bytes::from(piece), file)))
    })
}

/// Offers a file for saving under a name (RFC 6266): in plain letters for old programs, and whole (RFC 8187).
fn disposition(name: &str) -> HeaderValue {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_. ".contains(letter);
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let whole: String = name.bytes().map(encoded).collect();
    let value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}");
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_header() {
        for (name, expected) in [
            ("nota.pdf", "attachment; filename=\"nota.pdf\"; filename*=UTF-8''nota.pdf"),
            (
                "opção 1.pdf",
                "attachment; filename=\"op__o 1.pdf\"; filename*=UTF-8''op%C3%A7%C3%A3o%201.pdf",
            ),
            (
                "a\"; filename=\"b.html\r\nX: y",
                "attachment; filename=\"a__ filename__b.html__X_ y\"; \
                 filename*=UTF-8''a%22%3B%20filename%3D%22b.html%0D%0AX%3A%20y",
            ),
        ] {
            assert_eq!(disposition(name), expected, "{name}");
        }
    }

    #[test]
    fn nothing_that_a_browser_runs_is_harmless() {
        for kind in ["text/html", "image/svg+xml", "application/xml", "text/x-script"] {
            assert!(!HARMLESS.contains(&kind), "{kind}");
        }
        let known = |bytes: &[u8]| crate::domain::sniff::mime(bytes);
        assert_eq!(known(b"<!DOCTYPE html><script>"), Some("text/html"));
        assert!(HARMLESS.contains(&known(b"\x89PNG\r\n\x1a\n").unwrap()));
    }
}
