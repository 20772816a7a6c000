//! A mail as its sender wrote it: cleaned of everything that acts, in a page that may do nothing, remote pictures only
//! when they are asked for.

use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS};
use axum::response::{IntoResponse, Response};
use std::borrow::Cow;

use super::answer::Trouble;
use super::{Desk, Person};
use crate::domain::ids::{AttachmentId, MessageId, TicketId};

/// What the page of a mail may load: nothing. A cleaned mail has no script; were there one, it would not run.
const NOTHING: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; \
     frame-ancestors 'self'; base-uri 'none'; form-action 'none'";
/// The same with the pictures of other servers, which then learn that the mail was opened.
const PICTURES: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; \
     img-src https: http:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// `GET /desk/mails/{message}`, with remote pictures where the query says `imagens=1`.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Path(message): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let pictures = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "imagens" && value == "1");
    match Box::pin(html_of(&desk, &person, &message)).await {
        Ok(html) => {
            let mut response = cleaned(&html, pictures).into_response();
            let headers = response.headers_mut();
            let policy = if pictures { PICTURES } else { NOTHING };
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
            headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
            response
        }
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

async fn html_of(desk: &Desk, person: &Person, message: &str) -> Result<String, Trouble> {
    if !message.starts_with(MessageId::PREFIX) || message.len() > 80 {
        return Err(Trouble::NotFound);
    }
    let (store, tenant) = (desk.web().store(), &person.tenant);
    let known = store.ticket_of_message(tenant, message).await?;
    let (ticket, _) = known.ok_or(Trouble::NotFound)?;
    let ticket = store.ticket(tenant, &TicketId::from_stored(ticket)).await?;
    let ticket = ticket.ok_or(Trouble::NotFound)?;
    let found = ticket.messages.iter().find(|one| one.id == message);
    let html = found.and_then(|found| found.html.clone()).ok_or(Trouble::NotFound)?;
    let bytes = desk.web().files().read(&AttachmentId::from_stored(html)).await;
    let bytes = bytes.map_err(|error| Trouble::Page(error.into()))?.ok_or(Trouble::NotFound)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Takes everything out of a mail that could act or tell somebody that it is read.
fn cleaned(html: &str, pictures: bool) -> String {
    let mut builder = ammonia::Builder::default();
    builder
        .add_tags(["center", "font"])
        .add_generic_attributes(["align", "bgcolor", "width", "height"])
        .add_tag_attributes("font", ["color", "size"])
        .set_tag_attribute_value("a", "target", "_blank")
        .link_rel(Some("noopener noreferrer nofollow"))
        .attribute_filter(move |tag, name, value| {
            let remote = value.starts_with("https:") || value.starts_with("http:");
            match (tag, name) {
                ("img", "src") if !(pictures && remote) => None,
                _ => Some(Cow::Borrowed(value)),
            }
        });
    let body = builder.clean(html);
    format!(
        "<!doctype html><meta charset=\"utf-8\"><style>body{{font:14px/1.5 system-ui,sans-serif;margin:12px;\
         overflow-wrap:anywhere;color:#14181e;background:#fff}}img{{max-width:100%;height:auto}}</style>{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn what_acts_or_tells_is_taken_out_of_a_mail() {
        let mail = "<p onclick=\"x()\">Oi <b>Ana</b></p><script>x()</script><style>p{}</style><iframe src=\"https://e\"></iframe>\
             <form action=\"https://e\"><input></form><img src=\"https://e/p.gif\" alt=\"foto\"><a href=\"javascript:x()\">a</a>\
             <a href=\"https://loja.example\">b</a><img src=\"data:image/png;base64,AA\"><base href=\"https://e\">";
        let page = cleaned(mail, false);
        for bad in [
            "onclick",
            "<script",
            "p{}",
            "iframe",
            "form",
            "input",
            "p.gif",
            "javascript",
            "data:",
            "<base",
        ] {
            assert!(!page.contains(bad), "{bad}: {page}");
        }
        for good in ["<b>Ana</b>", "alt=\"foto\"", "href=\"https://loja.example\"", "noopener"] {
            assert!(page.contains(good), "{good}: {page}");
        }
        let page = cleaned(mail, true);
        assert!(page.contains("https://e/p.gif") && !page.contains("data:"), "{page}");
    }
}
