//! Forms of the desk that bring files: each file goes to its place as it comes, and its id stands among the fields.

use axum::http::HeaderMap;

use super::guard::is_ours;
use super::posted::Posted;
use super::{Desk, Person};
use crate::channels::enclosures::FILES_MAX;
use crate::domain::file_name::safe_name;
use crate::web::{Parts, Pieces, Problem, hand_in};

/// Most fields of a form.
const FIELDS_MAX: usize = 200;

/// Reads a form; `None` where no page of this person's sent it. Nothing of a file is read before that is known.
pub(super) async fn read(
    desk: &Desk,
    person: &Person,
    headers: &HeaderMap,
    (mut parts, text_max): (Parts, usize),
) -> Result<Option<Posted>, Problem> {
    let (mut posted, mut room) = (Posted::default(), text_max);
    for _ in 0..FIELDS_MAX {
        let Some(head) = parts.next().await? else { return Ok(Some(posted)) };
        let Some(name) = &head.file else {
            let value = parts.text(room).await?;
            room = room.saturating_sub(value.len() + head.name.len());
            posted.push(head.name, value);
            continue;
        };
        if !is_ours(person, &posted, headers) {
            return Ok(None);
        }
        if name.is_empty() {
            continue;
        }
        if posted.all("file").count() >= FILES_MAX {
            posted.refuse("refused.files_count");
            continue;
        }
        let name = safe_name(name);
        let pieces = Pieces::Part(&mut parts);
        match Box::pin(hand_in(desk.web(), &person.tenant, name.as_deref(), pieces)).await {
            Ok((id, _)) => posted.push("file".to_owned(), id.as_str().to_owned()),
            Err(problem) => match problem.told(person.locale()).0.as_u16() {
                413 => posted.refuse("refused.file_large"),
                422 => posted.refuse("refused.file_type"),
                429 => posted.refuse("refused.files_many"),
                _ => return Err(problem),
            },
        }
    }
    Ok(None)
}
