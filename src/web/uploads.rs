//! Files that people hand in, to be sent with a reply.

use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use utoipa::ToSchema;

use super::AppState;
use super::auth::Caller;
use super::form::{Form, Limits};
use super::multipart::Pieces;
use super::params::Params;
use super::payload::{too_large, too_slow};
use super::problem::{FieldProblem, Kind, Problem, say};
use super::tickets::is_id;
use crate::adapters::files::Unfinished;
use crate::adapters::store::{Begun, Enclosed, Uploaded};
use crate::channels::enclosures::{self, FILES_MAX, File};
use crate::domain::attachment::UPLOAD_HOURS;
use crate::domain::channel::Channel;
use crate::domain::file_name::safe_name;
use crate::domain::ids::{AttachmentId, TenantId};
use crate::domain::sendable::sendable;
use crate::ports::{PortError, PortErrorKind};

/// How the files of a reply are named in its body.
const NAME: &str = "attachments";
const ID: Limits = Limits { max: 80, exact: true };

/// A file that was handed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadOut {
    /// Its id, for `attachments` of a reply.
    id: AttachmentId,
    /// image, audio, video or document.
    kind: &'static str,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The type that its first bytes show.
    r#type: &'static str,
    /// Its size in bytes.
    size: u64,
    /// The channels that take it.
    channels: Vec<Channel>,
    /// It is forgotten then, unless a reply has it.
    expires_at: DateTime<Utc>,
}

/// Takes a file that a reply is to carry; the body is the file itself.
///
/// What it is is told by its first bytes: pictures, sound, films, PDF, office documents without macros, XML, plain text.
/// What runs or holds other files is refused. A file goes with one reply; without one it is forgotten after 24 hours.
#[utoipa::path(
    post, path = "/v1/attachments", tag = "agents",
    params(("name" = Option<String>, Query, description = "What the customer sees it called, such as `boleto.pdf`")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "It is kept", body = UploadOut))
)]
pub(super) async fn upload(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    mut params: Params,
    request: Request,
) -> Result<(StatusCode, Json<UploadOut>), Problem> {
    let name = params.take("name").as_deref().and_then(safe_name);
    params.finish()?;
    let (head, body) = request.into_parts();
    let most = state.settings().max_file_bytes;
    check(&head.headers, most)?;
    let now = state.clock().now();
    let pieces = Pieces::Body(body);
    let (id, whole) = Box::pin(hand_in(&state, &caller.tenant, name.as_deref(), pieces)).await?;
    let Uploaded { kind, mime, size, .. } = whole;
    let file = [File { mime, size }];
    let takes = |channel: &Channel| enclosures::refused(*channel, &file).is_none();
    let out = UploadOut {
        id,
        kind: kind.as_str(),
        name,
        r#type: mime,
        size,
        channels: Channel::ALL.iter().copied().filter(takes).collect(),
        expires_at: now + chrono::Duration::hours(UPLOAD_HOURS),
    };
    Ok((StatusCode::CREATED, Json(out)))
}

/// Takes a file as it comes, under a name that is safe.
pub(crate) async fn hand_in(
    state: &AppState,
    tenant: &TenantId,
    name: Option<&str>,
    pieces: Pieces<'_>,
) -> Result<(AttachmentId, Uploaded), Problem> {
    let (now, id) = (state.clock().now(), state.clock().attachment_id());
    match state.store().begin_upload(now, tenant, &id, name).await? {
        Begun::Yes => {}
        Begun::TooMany => return Err(too_many()),
    }
    let most = state.settings().max_file_bytes;
    let whole = match Box::pin(take(state, &id, pieces, most)).await {
        Ok(whole) => whole,
        Err(problem) => {
            state.store().drop_upload(&id).await?;
            return Err(problem);
        }
    };
    if !state.store().keep_upload(&id, whole.clone()).await? {
        state.files().remove(&id).await.map_err(unwritten)?;
        return Err(too_slow());
    }
    Ok((id, whole))
}

/// Refuses what need not be read.
fn check(headers: &HeaderMap, most: u64) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return Err(Problem::new(
            Kind::UnsupportedMediaType,
            say(
                "Envie os bytes do arquivo como corpo do pedido, sem formulário; o nome vai em `?name=`.",
                "Send the bytes of the file as the body of the request, without a form; its name goes into `?name=`.",
            ),
        ));
    }
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > most) {
        return Err(too_large(most));
    }
    Ok(())
}

/// Writes a file to its place as it comes.
async fn take(
    state: &AppState,
    id: &AttachmentId,
    pieces: Pieces<'_>,
    most: u64,
) -> Result<Uploaded, Problem> {
    let mut unfinished = state.files().begin(id).await.map_err(unwritten)?;
    let time = state.settings().request_timeout;
    let (size, sha256) = written(&mut unfinished, pieces, most, time).await?;
    let head = unfinished.head().await.map_err(unwritten)?;
    let Some((mime, kind)) = sendable(&head) else {
        return Err(if size == 0 { empty() } else { not_sent() });
    };
    unfinished.keep().await.map_err(unwritten)?;
    Ok(Uploaded { kind, mime, size, sha256 })
}

async fn written(
    file: &mut Unfinished,
    mut pieces: Pieces<'_>,
    most: u64,
    time: Duration,
) -> Result<(u64, [u8; 32]), Problem> {
    let copied = async {
        let (mut sum, mut size) = (Sha256::new(), 0_u64);
        while let Some(piece) = pieces.next().await? {
            size = size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if size > most {
                return Err(too_large(most));
            }
            sum.update(&piece);
            file.writer().write_all(&piece).await.map_err(unwritten)?;
        }
        file.writer().flush().await.map_err(unwritten)?;
        Ok((size, sum.finalize().into()))
    };
    tokio::time::timeout(time, copied).await.unwrap_or_else(|_| Err(too_slow()))
}

fn unwritten(error: std::io::Error) -> Problem {
    PortError::new("write attachment", PortErrorKind::Transient, error).into()
}

fn empty() -> Problem {
    Problem::field(
        "",
        say("o corpo está vazio", "the body is empty"),
        Some(say("envie os bytes do arquivo", "send the bytes of the file")),
    )
}

fn not_sent() -> Problem {
    Problem::field(
        "",
        say(
            "um arquivo deste tipo não é enviado a clientes",
            "a file of this type is not sent to customers",
        ),
        Some(say(
            "envie imagem, áudio, vídeo, PDF, documento do Office sem macros, XML ou texto em UTF-8",
            "send a picture, sound, film, PDF, office document without macros, XML or text in UTF-8",
        )),
    )
}

fn too_many() -> Problem {
    Problem::new(
        Kind::TooManyRequests,
        say(
            "Há arquivos demais que nenhuma resposta usou. Use-os, ou espere: eles são apagados 24 horas depois do envio.",
            "There are too many files that no reply used. Use them, or wait: they are deleted 24 hours after they came.",
        ),
    )
    .retry_after(3600)
}

/// Reads which files go with a reply.
pub(super) fn read(form: &mut Form) -> Vec<AttachmentId> {
    form.texts(NAME, FILES_MAX, ID).into_iter().map(AttachmentId::from_stored).collect()
}

/// Refuses files that are not there, and those that a channel does not take. Whether they are still to be had is asked
/// again when the reply is written.
pub(super) async fn check_files(
    state: &AppState,
    caller: &Caller,
    channel: Channel,
    ids: &[AttachmentId],
) -> Result<(), Problem> {
    if ids.is_empty() {
        return Ok(());
    }
    let ours: Vec<AttachmentId> =
        ids.iter().filter(|id| is_id(id.as_str(), AttachmentId::PREFIX)).cloned().collect();
    let found = state.store().enclosed(&caller.tenant, &ours).await?;
    let missing = |id: &AttachmentId| !found.iter().any(|one: &Enclosed| one.id == *id);
    let gone: Vec<FieldProblem> = ids
        .iter()
        .enumerate()
        .filter(|(_, id)| missing(id))
        .map(|(at, _)| FieldProblem {
            field: format!("{NAME}[{at}]"),
            problem: say("não é um arquivo que esteja aqui", "is no file that is here"),
            hint: Some(again()),
        })
        .collect();
    if !gone.is_empty() {
        return Err(Problem::invalid(gone));
    }
    let files: Vec<File<'_>> =
        found.iter().map(|one| File { mime: &one.mime, size: one.size }).collect();
    match enclosures::refused(channel, &files) {
        Some((at, why)) => Err(Problem::field(&format!("{NAME}[{at}]"), why, None)),
        None => Ok(()),
    }
}

/// Says that a file went elsewhere, or was forgotten, in the moment of the reply.
pub(super) fn taken() -> Problem {
    Problem::field(
        NAME,
        say(
            "um destes arquivos já foi com outra resposta ou não está mais aqui",
            "one of these files went with another reply, or is not here any more",
        ),
        Some(again()),
    )
}

fn again() -> crate::domain::decision::LocalText {
    say(
        "envie-o de novo com POST /v1/attachments e use o id que voltar",
        "send it again with POST /v1/attachments and use the id that comes back",
    )
}
