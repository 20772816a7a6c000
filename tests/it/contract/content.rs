//! What was published of articles, templates and prompts, and what is being written.

use atende::adapters::store::{
    ContentDraft, ContentKey, ContentVersion, NewContentDraft, Publication,
};

use super::world::*;

on_both!(
    a_draft_is_kept_unless_somebody_else_was_first,
    what_is_published_is_kept_with_what_stood_there_before,
    content_of_one_business_is_no_other_ones,
);

fn key(name: &str) -> ContentKey {
    ContentKey { kind: "article".to_owned(), name: name.to_owned() }
}

fn written(text: &str, seen: i64, by: &str) -> NewContentDraft {
    NewContentDraft { text: text.to_owned(), base: "b0".to_owned(), seen, by: by.to_owned() }
}

fn published(text: &str, back_to: Option<i64>) -> Publication {
    let (text, hash) = (text.to_owned(), format!("hash of {text}"));
    Publication { before: None, text, hash, by: "Caio".to_owned(), back_to }
}

async fn a_draft_is_kept_unless_somebody_else_was_first(w: &World) {
    let (main, key) = (main_tenant(), key("pt-BR/billing/boleto.md"));
    assert_eq!(w.store.content_draft(&main, &key).await.unwrap(), None);
    let save = async |seconds, draft| {
        w.store.save_content_draft(at(seconds), &main, &key, draft).await.unwrap()
    };
    assert_eq!(save(0, written("um", 0, "Caio")).await, Ok(1));
    assert_eq!(save(1, written("dois\0", 1, "Bia")).await, Ok(2));
    let there = ContentDraft {
        text: "dois\u{2400}".to_owned(),
        base: "b0".to_owned(),
        rev: 2,
        by: "Bia".to_owned(),
        at: at(1),
    };
    for seen in [0, 1, 3] {
        assert_eq!(save(2, written("três", seen, "Caio")).await, Err(there.clone()), "{seen}");
    }
    assert_eq!(w.store.content_draft(&main, &key).await.unwrap(), Some(there));
    assert!(!w.store.discard_content_draft(&main, &key, 1).await.unwrap());
    assert!(w.store.discard_content_draft(&main, &key, 2).await.unwrap());
    assert_eq!(w.store.content_draft(&main, &key).await.unwrap(), None);
}

async fn what_is_published_is_kept_with_what_stood_there_before(w: &World) {
    let (main, key) = (main_tenant(), key("pt-BR/billing/boleto.md"));
    let publish = async |seconds, publication| {
        let at = at(seconds);
        w.store.publish_content(at, &main, "agent:Caio", &key, publication).await.unwrap()
    };
    w.store
        .save_content_draft(at(0), &main, &key, written("um", 0, "Caio"))
        .await
        .unwrap()
        .unwrap();
    let before = ("antes".to_owned(), "h0".to_owned(), "folder".to_owned(), at(-9));
    let first = Publication { before: Some(before), ..published("um", None) };
    assert_eq!(publish(1, first).await, 2, "what stood there is the first version");
    assert_eq!(w.store.content_draft(&main, &key).await.unwrap(), None, "the draft is published");
    w.store
        .save_content_draft(at(2), &main, &key, written("dois", 0, "Bia"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(publish(3, published("antes", Some(1))).await, 3);
    assert!(w.store.content_draft(&main, &key).await.unwrap().is_some(), "it is another text");
    let versions = w.store.content_versions(&main, &key).await.unwrap();
    let version = |version, hash: &str, origin: &str, by: Option<&str>, seconds, back_to| {
        let (hash, origin, by) = (hash.to_owned(), origin.to_owned(), by.map(str::to_owned));
        ContentVersion { version, hash, origin, by, at: at(seconds), back_to }
    };
    assert_eq!(
        versions,
        [
            version(3, "hash of antes", "desk", Some("Caio"), 3, Some(1)),
            version(2, "hash of um", "desk", Some("Caio"), 1, None),
            version(1, "h0", "folder", None, -9, None),
        ]
    );
    for (version, expected) in [(1, Some("antes")), (2, Some("um")), (4, None), (0, None)] {
        let text = w.store.content_text(&main, &key, version).await.unwrap();
        assert_eq!(text.as_deref(), expected, "{version}");
    }
    let states = w.store.content_states(&main).await.unwrap();
    assert_eq!(states.len(), 1);
    assert_eq!(states[0].1.latest.as_ref(), versions.first());
    assert_eq!(states[0].1.draft, Some(("Bia".to_owned(), at(2))));
    for action in ["content.published", "content.rolled_back"] {
        let sql = format!(
            "SELECT COUNT(*) FROM audit WHERE action = '{action}' AND actor = 'agent:Caio'"
        );
        let sql = sqlx::AssertSqlSafe(sql);
        let (count,): (i64,) = sqlx::query_as(sql).fetch_one(&mut w.raw().await).await.unwrap();
        assert_eq!(count, 1, "{action}");
    }
}

async fn content_of_one_business_is_no_other_ones(w: &World) {
    let (main, other, key) = (main_tenant(), tenant("other"), key("en/a/b.md"));
    w.store
        .save_content_draft(at(0), &main, &key, written("um", 0, "Caio"))
        .await
        .unwrap()
        .unwrap();
    w.store
        .publish_content(at(1), &main, "agent:Caio", &key, published("um", Some(1)))
        .await
        .unwrap();
    assert_eq!(w.store.content_draft(&other, &key).await.unwrap(), None);
    assert_eq!(w.store.content_versions(&other, &key).await.unwrap(), []);
    assert_eq!(w.store.content_text(&other, &key, 1).await.unwrap(), None);
    assert_eq!(w.store.content_states(&other).await.unwrap(), []);
    assert!(!w.store.discard_content_draft(&other, &key, 1).await.unwrap());
}
