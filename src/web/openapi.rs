//! The API's description in OpenAPI, made from the handlers. Problems, limits and tokens are the
//! same everywhere, so they are added to every operation here.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
#[cfg(test)]
use serde_json::json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi, ToSchema};

use super::problem::{Kind, PROBLEM_JSON};
use super::{
    actions, assistant, customers, drafts, handling, health, incident, intake, messages, metrics,
    tickets,
};
use crate::domain::channel::Channel;
use crate::domain::decision::Action;
use crate::domain::labels::{Language, Locale, Sentiment, Urgency};
use crate::domain::ticket::TicketStatus;

/// The whole description, made once.
static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| serde_json::to_string(&Api::openapi()).unwrap_or_default());

/// Returns the API's description.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation", security(()),
    responses((status = 200, description = "This document", body = serde_json::Value))
)]
pub(super) async fn document() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

/// A problem document (RFC 9457). Texts are in the language of `Accept-Language`, English or
/// Brazilian Portuguese. Conflicts add members, such as `decided_by` or `held_until`.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes what `problem::Problem` writes")]
pub(super) struct ProblemSchema {
    /// What kind of problem it is, e.g. `urn:atende:problem:invalid`.
    r#type: String,
    /// The kind in a few words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What was wrong and what to do.
    detail: String,
    /// What is wrong with single fields.
    errors: Option<Vec<FieldProblemSchema>>,
}

/// What is wrong with one field.
#[derive(ToSchema)]
#[schema(as = FieldProblem)]
#[expect(dead_code, reason = "describes what `problem::Problem` writes")]
pub(super) struct FieldProblemSchema {
    /// The field's path, e.g. `from.email`.
    field: String,
    /// What is wrong.
    problem: String,
    /// What to do.
    hint: Option<String>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "atende",
        description = "Hands messages in, shows what was decided, and lets people act on it. Amounts of text, moments in RFC 3339, ids as strings. Every failure is a problem document."
    ),
    paths(
        health::healthz, health::readyz, metrics::metrics, document,
        messages::accept, messages::whereabouts, intake::open,
        super::sla::of_ticket, tickets::list, tickets::view, super::attachments::download, super::uploads::upload, tickets::queues, tickets::review, super::search::search, tickets::outbox,
        drafts::decide, actions::claim, actions::release, actions::reply, actions::status,
        actions::correct, actions::note, actions::tag,
        handling::transfer, handling::snooze, handling::callback, handling::merge, handling::split, handling::agents,
        handling::presence, super::handover::show, super::sla::overview, super::events::stream,
        super::webhooks::whatsapp_subscribes, super::webhooks::whatsapp, customers::put, customers::show, assistant::show, assistant::switch, incident::list, incident::declare, incident::update, incident::end
    ),
    components(schemas(
        ProblemSchema, FieldProblemSchema, Action, Channel, Language, Sentiment, TicketStatus, Urgency
    )),
    modifiers(&Common),
    tags(
        (name = "intake", description = "Messages and tickets in"),
        (name = "tickets", description = "What is there, and what waits"),
        (name = "agents", description = "What people do"),
        (name = "customers", description = "Who writes"),
        (name = "networks", description = "Webhooks that networks call"),
        (name = "operation", description = "The running process")
    )
)]
pub(super) struct Api;

/// Adds to each operation what holds for all of its kind.
struct Common;

impl Modify for Common {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of `atende tokens add`, sent whole."))
            .build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        for route in super::routes() {
            let Some(path) = api.paths.paths.get_mut(route.path) else { continue };
            let operation = match route.method {
                "GET" => path.get.as_mut(),
                "POST" => path.post.as_mut(),
                "PUT" => path.put.as_mut(),
                _ => None,
            };
            let Some(operation) = operation else { continue };
            for kind in kinds_of(&route) {
                let status = kind.status().as_str().to_owned();
                let title = kind.title(Locale::En);
                let known = operation.responses.responses.contains_key(&status);
                if !known {
                    operation.responses.responses.insert(status, response(title).into());
                }
            }
            if let Some(scopes) = route.scopes {
                let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
                let needs = format!("Needs a token with the scope {}.", words.join(" or "));
                let about = operation.description.take().unwrap_or_default();
                operation.description = Some(format!("{about}\n\n{needs}").trim().to_owned());
                // One alternative per scope: any of them will do.
                let alternatives =
                    words.iter().map(|word| SecurityRequirement::new("token", [*word]));
                operation.security = Some(alternatives.collect());
            }
        }
    }
}

/// Returns the problems that a route can answer with.
fn kinds_of(route: &super::Route) -> Vec<Kind> {
    let mut kinds = vec![Kind::BadRequest, Kind::Internal, Kind::UriTooLong, Kind::HeadersTooLarge];
    if route.scopes.is_some() {
        kinds.extend([
            Kind::Unauthorized,
            Kind::Forbidden,
            Kind::Unavailable,
            Kind::TooManyRequests,
        ]);
    }
    if route.method != "GET" {
        kinds.extend([Kind::Timeout, Kind::TooLarge, Kind::UnsupportedMediaType, Kind::Invalid]);
    }
    if route.path.contains('{') {
        kinds.push(Kind::NotFound);
    }
    if route.path.starts_with("/v1/tickets/{id}/") || route.path == "/v1/incidents" {
        kinds.push(Kind::Conflict);
    }
    kinds
}

fn response(title: &str) -> utoipa::openapi::Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(title).content(PROBLEM_JSON, content).build()
}

/// Returns the names of a schema's properties, for the test that holds bodies and schemas together.
#[cfg(test)]
pub(super) fn properties(schema: &str) -> std::collections::BTreeSet<String> {
    let document = json!(Api::openapi());
    let properties = document["components"]["schemas"][schema]["properties"].as_object();
    properties.unwrap_or_else(|| panic!("no schema {schema}")).keys().cloned().collect()
}
