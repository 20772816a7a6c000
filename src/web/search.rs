//! Tickets found by words.

use axum::Json;
use axum::extract::{Extension, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::Caller;
use super::params::Params;
use super::problem::{Problem, say};
use crate::adapters::store::{SearchHit, SearchPage};
use crate::text::search::Query;

/// A page of tickets that were found.
#[derive(Serialize, ToSchema)]
pub(super) struct Found {
    /// The tickets: those whose number was asked for first, then the newest first.
    items: Vec<SearchHit>,
    /// What to send as `cursor` to go on; absent at the end. The page after may be empty.
    next_cursor: Option<String>,
}

/// Finds tickets by what stands in them.
///
/// All words must be there, in any field of the ticket; the last one may be the beginning of a word. Case and accents do
/// not matter. Words in quotes must stand side by side. E-mail addresses, telephone numbers and numbers of tickets are
/// found in any spelling. What was written a moment ago is found a moment later.
#[utoipa::path(
    get, path = "/v1/search", tag = "tickets",
    params(
        ("q" = String, Query, description = "What to look for"),
        ("limit" = Option<u32>, Query, description = "1 to 200, default 50"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")
    ),
    responses((status = 200, description = "A page of tickets", body = Found))
)]
pub(super) async fn search(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    mut params: Params,
) -> Result<Json<Found>, Problem> {
    let asked = params.take("q").filter(|asked| !asked.trim().is_empty());
    if asked.is_none() && !params.has_problem("q") {
        let hint = say(
            "palavras, um e-mail, um telefone ou o número de um ticket",
            "words, an e-mail address, a telephone number or the number of a ticket",
        );
        params.wrong(
            "q",
            say("parâmetro obrigatório ausente", "required parameter is missing"),
            Some(hint),
        );
    }
    let limit = params.limit();
    let before = params.take("cursor");
    let at = before.as_deref().and_then(|word| i64::from_str_radix(word, 16).ok());
    if before.is_some() && at.is_none_or(|at| at <= 0) {
        params.not_a_cursor();
    }
    params.finish()?;
    let query = Query::parse(&asked.unwrap_or_default());
    let SearchPage { hits, next } = state.store().search(&caller.tenant, &query, at, limit).await?;
    Ok(Json(Found { items: hits, next_cursor: next.map(|next| format!("{next:x}")) }))
}
