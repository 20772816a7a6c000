//! What must be true after all the kills.

use std::collections::BTreeSet;
use std::path::Path;

use super::meta::Meta;
use super::post::Post;
use crate::world::{count, raw};

/// Checks everything; returns what there was, in words.
pub(super) async fn all(
    data: &Path,
    accepted: &BTreeSet<String>,
    meta: &Meta,
    post: Option<&Post>,
) -> String {
    let store = data.join("store.db");
    messages(&store, accepted, post).await;
    let replies = replies(&store, meta, post).await;
    people(data).await;
    let mails = post.map_or(0, Post::brought);
    format!("{} messages and {mails} mails, {replies}", accepted.len())
}

/// Every message and every mail is there once, in a conversation and a ticket of its own, and was decided once.
async fn messages(store: &Path, accepted: &BTreeSet<String>, post: Option<&Post>) {
    let filed = column(
        store,
        "SELECT external_id FROM messages WHERE author = 'customer' AND channel = 'whatsapp' AND decision_id IS NOT NULL",
    )
    .await;
    once(&filed, "message");
    let filed: BTreeSet<String> = filed.into_iter().collect();
    assert_eq!(&filed, accepted, "acknowledged, and filed and decided");
    let mails = column(
        store,
        "SELECT subject FROM messages WHERE author = 'customer' AND channel = 'email' AND decision_id IS NOT NULL",
    )
    .await;
    once(&mails, "mail");
    let brought: BTreeSet<String> = (0..post.map_or(0, Post::brought)).map(Post::subject).collect();
    assert_eq!(mails.into_iter().collect::<BTreeSet<_>>(), brought);
    let all = i64::try_from(accepted.len() + brought.len()).unwrap();
    for (what, sql) in [
        ("messages", "SELECT COUNT(*) FROM messages WHERE author = 'customer'"),
        ("conversations", "SELECT COUNT(*) FROM conversations"),
        ("tickets", "SELECT COUNT(*) FROM tickets"),
        ("decisions", "SELECT COUNT(*) FROM decisions"),
        ("automatic answers", "SELECT COUNT(*) FROM decisions WHERE action = 'send'"),
        ("replies", "SELECT COUNT(*) FROM outbox WHERE audience = 'customer'"),
    ] {
        assert_eq!(count(store, sql).await, all, "{what}");
    }
}

/// No reply reached its network twice; what counts as sent did, and what its network told of is not called unknown.
async fn replies(store: &Path, meta: &Meta, post: Option<&Post>) -> String {
    let taken = meta.taken();
    let mut arrived: Vec<String> = taken.iter().map(|taken| taken.id.clone()).collect();
    arrived.extend(post.map(Post::replies).unwrap_or_default());
    once(&arrived, "reply");
    let to: Vec<String> = taken.iter().map(|taken| taken.to.clone()).collect();
    once(&to, "person who was answered");
    let arrived: BTreeSet<String> = arrived.into_iter().collect();
    let tells_of = |id: &str| meta.tells_of(id) || post.is_some_and(|post| post.tells_of(id));
    let rows = pairs(store, "SELECT id, state FROM outbox WHERE audience = 'customer'").await;
    let (mut sent, mut unknown, mut never_left) = (0, 0, 0);
    for (id, state) in &rows {
        match state.as_str() {
            "sent" => {
                assert!(arrived.contains(id), "{id} counts as sent and never arrived");
                sent += 1;
            }
            "unknown" => {
                assert!(!tells_of(id), "{id} counts as unknown although its network told of it");
                unknown += 1;
                never_left += usize::from(!arrived.contains(id));
            }
            other => panic!("{id} ended as {other}"),
        }
    }
    let known: BTreeSet<&String> = rows.iter().map(|(id, _)| id).collect();
    assert!(arrived.iter().all(|id| known.contains(id)), "a reply that nobody decided");
    assert!(sent > 0, "nothing was sent at all");
    format!(
        "{sent} replies sent, {unknown} unknown and with people ({never_left} of them never left)"
    )
}

/// Whoever surely got no answer is with a person, and nothing is left over.
async fn people(data: &Path) {
    let (store, inbox) = (data.join("store.db"), data.join("inbox.db"));
    for (what, file, sql) in [
        (
            "unanswered conversations without a person",
            &store,
            "SELECT COUNT(*) FROM conversations c WHERE NOT EXISTS \
             (SELECT 1 FROM outbox o WHERE o.conversation_id = c.id AND o.state = 'sent') AND NOT (c.owner = 'queue' AND EXISTS \
             (SELECT 1 FROM tickets t WHERE t.conversation_id = c.id AND t.status = 'escalated' AND t.queue IS NOT NULL))",
        ),
        ("jobs, dead ones too", &store, "SELECT COUNT(*) FROM jobs"),
        ("calls and mails in the inbox, those set aside too", &inbox, "SELECT COUNT(*) FROM calls"),
    ] {
        assert_eq!(count(file, sql).await, 0, "{what}");
    }
}

fn once(all: &[String], what: &str) {
    let mut seen = BTreeSet::new();
    for one in all {
        assert!(seen.insert(one), "{what} {one} is there twice");
    }
}

pub(super) async fn column(store: &Path, sql: &'static str) -> Vec<String> {
    let mut connection = raw(store).await;
    sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
}

async fn pairs(store: &Path, sql: &'static str) -> Vec<(String, String)> {
    let mut connection = raw(store).await;
    sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap()
}
