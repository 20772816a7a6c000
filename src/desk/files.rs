//! Files of messages, as the API hands them out; pictures may be shown in place.

use axum::extract::{Extension, Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::{Desk, Person};
use crate::web::hand_out;

/// Types that a page may show within itself: pictures and sounds, which browsers only decode.
const IN_PLACE: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "audio/ogg",
    "audio/mpeg",
    "audio/mp4",
    "audio/wav",
];

/// `GET /desk/files/{id}`.
pub(super) async fn download(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Path(id): Path<String>,
) -> Response {
    match hand_out(desk.web(), &person.tenant, &id).await {
        Ok(mut response) => {
            let headers = response.headers_mut();
            let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            if kind.is_some_and(|kind| IN_PLACE.contains(&kind)) {
                headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
            }
            response
        }
        Err(problem) => problem.into_response(),
    }
}
