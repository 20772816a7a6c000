//! Drafts that are written anew, replies that are kept, articles that are missed, passages that helped, and their labels.

use atende::adapters::store::{
    Change, DraftAction, KeptReply, LabelCursor, PassageVote, SavedReply,
};
use atende::domain::draft::{DraftKind, DraftText, Passage};
use atende::domain::ids::{TenantId, TicketId, UserId};
use atende::domain::labels::Locale;
use serde_json::json;

use super::world::{World, agent, at, main_tenant, on_both};

on_both! {
    a_draft_written_anew_brings_its_own_passages,
    a_kept_reply_is_its_owners_or_the_teams,
    a_missed_article_waits_until_somebody_sees_to_it,
    the_last_word_on_a_passage_counts,
    labels_come_page_by_page_in_their_order,
}

fn user(name: &str) -> UserId {
    UserId::from_stored(format!("usr_{name}"))
}

fn reply(id: &str, owner: &str, shared: bool) -> SavedReply {
    SavedReply {
        id: id.to_owned(),
        owner: user(owner).to_string(),
        owner_name: None,
        shared,
        name: format!("Resposta {id}"),
        locale: Locale::PtBr,
        text: "Oi, {nome}.".to_owned(),
        updated_at: at(0),
    }
}

async fn a_draft_written_anew_brings_its_own_passages(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let draft = DraftText {
        text: "Outra resposta.".to_owned(),
        locale: Locale::En,
        kind: DraftKind::Model,
        ledger: Vec::new(),
        choices: Vec::new(),
    };
    let passage = Passage {
        article: "billing/boleto".to_owned(),
        locale: Locale::En,
        heading: String::new(),
        score: 0.5,
        above_floor: true,
        text: "x".to_owned(),
    };
    let main = main_tenant();
    let replace = |version: i64| {
        let anew = (version, draft.clone(), vec![passage.clone()]);
        w.store.replace_draft(at(20), (&main, &ticket), agent("rui"), anew)
    };
    assert!(replace(1).await.unwrap());
    assert!(!replace(1).await.unwrap(), "the one that was seen is gone");
    let view = w.view(&ticket).await;
    let latest = &view.drafts[0];
    assert_eq!((latest.version, &*latest.state, &*latest.kind), (2, "proposed", "model"));
    assert_eq!((&*latest.locale, &latest.passages[0]["article"]), ("en", &json!("billing/boleto")));
    assert_eq!(view.audit.last().unwrap().action, "draft.redrafted");
    assert!(w.store.conversation_of(&main, &ticket).await.unwrap().is_some());
    let nowhere = TicketId::from_stored("tck_none");
    assert!(w.store.conversation_of(&main, &nowhere).await.unwrap().is_none());
}

async fn a_kept_reply_is_its_owners_or_the_teams(w: &World) {
    let main = main_tenant();
    let keep = |reply: SavedReply, who: &'static str, all: bool| {
        w.store.keep_reply(at(1), &main, (agent(who), all), reply)
    };
    assert_eq!(keep(reply("srp_1", "rui", false), "rui", false).await.unwrap(), KeptReply::Done);
    assert_eq!(keep(reply("srp_2", "rui", true), "rui", false).await.unwrap(), KeptReply::Done);
    let names = |who: &'static str| {
        let main = main.clone();
        async move {
            let all = w.store.saved_replies(&main, &user(who)).await.unwrap();
            all.into_iter().map(|one| one.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(names("rui").await, ["srp_1", "srp_2"]);
    assert_eq!(names("bia").await, ["srp_2"]);
    let other: TenantId = TenantId::parse("other").unwrap();
    assert!(w.store.saved_replies(&other, &user("rui")).await.unwrap().is_empty());
    let stolen = keep(reply("srp_2", "bia", true), "bia", false).await.unwrap();
    assert_eq!(stolen, KeptReply::NotFound, "another's");
    assert_eq!(keep(reply("srp_2", "bia", true), "bia", true).await.unwrap(), KeptReply::Done);
    let forget = |id: &'static str, who: &'static str, all: bool| {
        let (main, user) = (main.clone(), user(who));
        async move {
            let who = (agent(who), &user, all);
            w.store.forget_reply(at(2), &main, who, id).await.unwrap()
        }
    };
    assert!(!forget("srp_1", "bia", true).await, "one's own is nobody else's to delete");
    assert!(!forget("srp_2", "bia", false).await);
    assert!(forget("srp_2", "bia", true).await);
    assert!(forget("srp_1", "rui", false).await);
    assert!(names("rui").await.is_empty());
}

async fn a_missed_article_waits_until_somebody_sees_to_it(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let main = main_tenant();
    let wish = (Locale::PtBr, "Falta isto.".to_owned());
    let file = |ticket: TicketId| {
        let (main, user) = (main.clone(), user("rui"));
        let wish = ("wsh_1".to_owned(), wish.0, wish.1.clone());
        async move { w.store.wish(at(3), (&main, &ticket), (agent("rui"), &user), wish).await.unwrap() }
    };
    assert!(!file(TicketId::from_stored("tck_none")).await);
    assert!(file(ticket.clone()).await);
    let all = w.store.wishes(&main).await.unwrap();
    assert_eq!((all.len(), &*all[0].text, all[0].at), (1, "Falta isto.", at(3)));
    assert_eq!(w.store.wishes_at(&main, &ticket).await.unwrap(), all);
    let lia = user("lia");
    assert!(w.store.fulfil_wish(at(4), &main, (agent("lia"), &lia), "wsh_1").await.unwrap());
    assert!(!w.store.fulfil_wish(at(5), &main, (agent("lia"), &lia), "wsh_1").await.unwrap());
    assert!(w.store.wishes(&main).await.unwrap().is_empty());
}

async fn the_last_word_on_a_passage_counts(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let main = main_tenant();
    for (who, helpful) in [("rui", true), ("rui", false), ("bia", true)] {
        let vote = PassageVote {
            article: "billing/boleto".to_owned(),
            locale: "pt-BR".to_owned(),
            heading: String::new(),
            helpful,
        };
        assert!(w.store.vote(at(3), (&main, &ticket), &user(who), vote).await.unwrap());
    }
    let mine = w.store.votes_of(&main, &ticket, &user("rui")).await.unwrap();
    assert_eq!((mine.len(), mine[0].helpful), (1, false));
    let counts = w.store.article_votes(&main).await.unwrap();
    let sums = counts.iter().fold((0, 0), |(yes, no), one| (yes + one.helpful, no + one.unhelpful));
    assert_eq!(sums, (1, 1));
    let page = w.store.passage_labels(&main, &LabelCursor::since(None), 1).await.unwrap();
    let (first, next) = page.unwrap();
    let (second, next) = w.store.passage_labels(&main, &next, 1).await.unwrap().unwrap();
    assert_ne!(first[0].case.by, second[0].case.by);
    assert!(w.store.passage_labels(&main, &next, 1).await.unwrap().is_none());
}

async fn labels_come_page_by_page_in_their_order(w: &World) {
    let main = main_tenant();
    let mut tickets = Vec::new();
    for (n, name) in (0..).zip(["ana", "bia", "caio"]) {
        let ticket = w.reviewed(name, n).await;
        w.decide(20 + n, &ticket, "rui", 1, DraftAction::Edit(format!("Oi {name}"))).await;
        tickets.push(ticket);
    }
    let mut place = LabelCursor::since(Some(at(21)));
    let mut seen = Vec::new();
    while let Some((labels, next)) = w.store.draft_labels(&main, &place, 1).await.unwrap() {
        place = next;
        seen.extend(labels.into_iter().map(|one| (one.case.ticket, one.sent.unwrap())));
    }
    let expected = [(&tickets[1], "Oi bia"), (&tickets[2], "Oi caio")]
        .map(|(ticket, text)| (ticket.as_str().to_owned(), text.to_owned()));
    assert_eq!(seen, expected, "since a moment, and in order");

    let change = Change::Override("urgency", json!("high"));
    w.store.change_ticket(at(30), &main, &tickets[0], agent("rui"), change).await.unwrap();
    let (fields, next) = w.store.field_labels(&main, None, 0, 10).await.unwrap().unwrap();
    assert_eq!((&*fields[0].field, &fields[0].value), ("urgency", &json!("high")));
    assert!(w.store.field_labels(&main, None, next, 10).await.unwrap().is_none());
    assert!(w.store.field_labels(&main, Some(at(31)), 0, 10).await.unwrap().is_none());
}
