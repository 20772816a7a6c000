//! The package that a ticket is handed over with (E8), and the payloads of departments (E6).

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::auth::Caller;
use super::form::unknown_word;
use super::params::Params;
use super::problem::Problem;
use super::sla::clocks_of;
use super::tickets::{no_ticket, resolve};
use crate::domain::labels::{Language, Locale};
use crate::report::handover::{self, Package};

/// The ways to read it.
const FORMATS: &[&str] = &["json", "text"];

/// Shows everything that whoever takes a ticket over needs to know, as it stands now.
///
/// With `department`, what that department gets; with `format=text`, the package in words.
#[utoipa::path(
    get, path = "/v1/tickets/{id}/handover", tag = "tickets",
    params(
        ("id" = String, Path, description = "The ticket's id or number"),
        ("format" = Option<String>, Query, description = "json (default) or text"),
        ("lang" = Option<String>, Query, description = "pt-BR or en. Default: the conversation's"),
        ("department" = Option<String>, Query, description = "A department of the policy, such as engineering")
    ),
    responses((status = 200, description = "The package", body = Package))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut params: Params,
) -> Result<Response, Problem> {
    let format = params.word("format", FORMATS);
    let locales: Vec<&str> = Locale::ALL.iter().map(|locale| locale.as_str()).collect();
    let locale = params.word("lang", &locales).as_deref().and_then(Locale::parse);
    let department = params.take("department");
    params.finish()?;
    let id = resolve(&state, &caller, id).await?;
    let ticket = state.store().ticket(&caller.tenant, &id).await?.ok_or_else(no_ticket)?;
    let clocks = clocks_of(&state, &caller, &ticket).await?;
    let vocabulary = state.vocabulary(&caller.tenant);
    let pack = vocabulary.as_ref().and_then(|vocabulary| vocabulary.pack.as_deref());
    let package = handover::package(&ticket, pack, &clocks, state.clock().now());
    let spoken = ticket.row.language.as_deref().and_then(Language::parse);
    let locale = locale
        .or_else(|| spoken.and_then(Language::reply_locale))
        .or_else(|| vocabulary.as_ref().and_then(|known| known.default_locale))
        .unwrap_or(Locale::PtBr);
    if let Some(department) = department {
        let payload = handover::department(&package, pack, &department, locale);
        return payload.map(|payload| Json(payload).into_response()).ok_or_else(|| {
            let departments = pack.map(|pack| pack.departments.as_slice()).unwrap_or_default();
            let known: Vec<&str> = departments.iter().map(|one| one.id.as_str()).collect();
            let (problem, hint) = unknown_word(&department, &known);
            Problem::field("department", problem, Some(hint)).into_bad_request()
        });
    }
    if format.as_deref() == Some("text") {
        let zone = pack.map_or(chrono_tz::Tz::UTC, |pack| pack.business.time_zone);
        let text = handover::to_text(&package, pack, locale, zone);
        return Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response());
    }
    Ok(Json(package).into_response())
}
