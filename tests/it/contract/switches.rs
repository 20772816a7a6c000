//! Switches of supervisors: what is stopped does not leave, whatever comes in between, and people go on.

use std::collections::BTreeSet;

use atende::adapters::store::{
    DeliveryEnd, DraftAction, DraftOutcome, ModeChange, Recall, ReplyKind, Settled, Settlement,
};
use atende::domain::channel::Channel;
use atende::domain::decision::Mode;
use atende::domain::ticket::OwnerKind;

use super::world::*;

on_both!(
    what_waits_is_called_back_and_only_people_and_notices_leave,
    no_automatic_reply_leaves_between_stop_and_resume_in_any_order,
    of_two_who_stop_it_one_does,
    a_switch_moves_the_epoch_and_says_who_and_why,
    a_switch_of_one_business_is_no_other_ones,
);

async fn stop(w: &World, now: i64) -> Option<Recall> {
    let reason = Some("boletos errados".to_owned());
    w.store.stop_assistant(at(now), &main_tenant(), "agent:Lia", "Lia", reason).await.unwrap()
}

async fn resume(w: &World, now: i64) -> bool {
    w.store.resume_assistant(at(now), &main_tenant(), "agent:Lia").await.unwrap()
}

async fn epoch(w: &World) -> i64 {
    w.store.tenant_state(&main_tenant()).await.unwrap().unwrap().epoch
}

async fn what_waits_is_called_back_and_only_people_and_notices_leave(w: &World) {
    w.store.adopt_policy(&main_tenant(), "one").await.unwrap();
    let ana = w.answered("ana", 0).await;
    let bia = w.reviewed("bia", 10).await;
    // The approved text for somebody in danger waits for nobody's switch.
    let eva = w.file_new(from_thread("eva", "eva-20", 20)).await;
    let (job, turn) = w.turn(26).await;
    let mut safety = reply("Ligue 188.");
    safety.kind = ReplyKind::Safety;
    let settlement = Settlement { replies: vec![safety], ..w.for_sending(job, &turn).await };
    assert_eq!(w.settle(27, settlement).await, Settled::Done);
    assert_eq!(w.store.leaving(&main_tenant()).await.unwrap().queued, 1, "an answer is one");

    assert_eq!(stop(w, 30).await, Some(Recall { called_back: 1, on_their_way: 0 }));
    let stopped = w.store.tenant_state(&main_tenant()).await.unwrap().unwrap().stopped.unwrap();
    assert_eq!(
        (stopped.at, stopped.by.as_str(), stopped.reason.as_deref(), stopped.replies),
        (at(30), "Lia", Some("boletos errados"), 1)
    );
    let standing = w.store.standing(&main_tenant()).await.unwrap();
    assert_eq!((standing.stopped, standing.incident), (Some(stopped), None));
    assert_eq!(outbox_states(&w.view(&ana).await), ["retired"]);
    assert_eq!(w.lease(31, "next").await.len(), 1, "Ana's turn is decided anew");
    let approved = w.decide(32, &bia, "Rafa", 1, DraftAction::Approve).await;
    assert!(matches!(approved, DraftOutcome::Queued(_)), "{approved:?}");
    let leaves = w.claim(33).await;
    let leaves: BTreeSet<_> = leaves.iter().map(|row| row.author.as_str()).collect();
    assert_eq!(leaves, ["agent", "system"].into());
    assert_eq!(outbox_states(&w.view(&eva).await), ["sending"]);

    assert!(resume(w, 40).await);
    assert!(!resume(w, 41).await, "once");
    assert_eq!(w.store.standing(&main_tenant()).await.unwrap().stopped, None);
    let trail = "SELECT COUNT(*) FROM audit WHERE actor = 'agent:Lia' \
        AND action IN ('assistant.stopped', 'assistant.resumed') AND after NOT LIKE '%boletos%'";
    assert_eq!(w.number(trail).await, 2, "who, and nobody's words");
}

/// A hand that plays stories: the same seed is the same story.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// One story: what happens in which order is up to the dice, what must hold is not.
#[expect(clippy::too_many_lines, reason = "one story, told from beginning to end")]
async fn story(w: &World, seed: u64, mut now: i64) -> i64 {
    let mut dice = Dice(seed);
    let mut is_stopped = false;
    let mut held: Vec<(i64, Settlement)> = Vec::new();
    let (mut approved, mut by_people, mut by_itself) = (0, 0, 0);
    for step in 0..28 {
        now += 10;
        let thread = format!("t{seed}-{step}");
        match dice.below(7) {
            // Somebody writes; the turn is decided under what holds now and written later.
            0 | 1 => {
                w.file_new(from_thread(&thread, &thread, now)).await;
                for job in w.lease(now + 6, &thread).await {
                    let turn = w.load(now + 6, &job.conversation).await;
                    let settlement = if is_stopped || turn.owner != OwnerKind::Ai {
                        w.for_review(job, &turn).await
                    } else {
                        w.for_sending(job, &turn).await
                    };
                    held.push((epoch(w).await, settlement));
                }
            }
            2 => {
                for (decided_under, settlement) in held.drain(..) {
                    let sends = !settlement.replies.is_empty();
                    let settled = w.settle(now, settlement).await;
                    if settled == Settled::Done {
                        assert_eq!(decided_under, epoch(w).await, "seed {seed}, step {step}");
                        assert!(!(sends && is_stopped), "seed {seed}, step {step}");
                    }
                }
            }
            3 => {
                assert_eq!(stop(w, now).await.is_some(), !is_stopped, "seed {seed}, step {step}");
                is_stopped = true;
            }
            4 => {
                assert_eq!(resume(w, now).await, is_stopped, "seed {seed}, step {step}");
                is_stopped = false;
            }
            // A person answers on a conversation of their own.
            5 => {
                let ticket = w.file_new(from_thread(&thread, &thread, now)).await;
                w.done(
                    now,
                    &ticket,
                    "Rafa",
                    atende::adapters::store::Change::Reply(words("Oi.", now)),
                )
                .await;
                approved += 1;
            }
            _ => {
                for row in w.claim(now).await {
                    if row.author == "agent" {
                        by_people += 1;
                    } else {
                        assert!(!is_stopped, "seed {seed}, step {step}: left while stopped");
                        by_itself += 1;
                    }
                    w.finish(now, &row, DeliveryEnd::Sent).await;
                }
                let queued = w.store.leaving(&main_tenant()).await.unwrap();
                assert_eq!(queued.queued, 0, "seed {seed}, step {step}: nothing due waits");
            }
        }
    }
    now += 10;
    if !is_stopped {
        stop(w, now).await;
    }
    let last = w.claim(now + 1).await;
    by_people += last.iter().filter(|row| row.author == "agent").count();
    assert!(last.iter().all(|row| row.author == "agent"), "seed {seed}: people's alone at the end");
    assert_eq!(by_people, approved, "seed {seed}: whatever people wrote left, once");
    for row in &last {
        w.finish(now + 1, row, DeliveryEnd::Sent).await;
    }
    assert!(resume(w, now + 2).await);
    // Nothing of this story is left for the next.
    for job in w.lease(now + 120, "end").await {
        let turn = w.load(now + 120, &job.conversation).await;
        let settlement = w.for_review(job, &turn).await;
        assert_eq!(w.settle(now + 121, settlement).await, Settled::Done, "seed {seed}");
    }
    let forgotten = "SELECT COUNT(*) FROM messages m WHERE m.author = 'customer' AND m.decision_id IS NULL \
        AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.subject = m.conversation_id)";
    assert_eq!(
        w.number(forgotten).await,
        0,
        "seed {seed}: nobody is forgotten, {by_itself} left alone"
    );
    now + 200
}

async fn no_automatic_reply_leaves_between_stop_and_resume_in_any_order(w: &World) {
    w.store.adopt_policy(&main_tenant(), "one").await.unwrap();
    let mut now = 0;
    for seed in 1..=8 {
        now = story(w, seed, now).await;
    }
}

async fn of_two_who_stop_it_one_does(w: &World) {
    w.store.adopt_policy(&main_tenant(), "one").await.unwrap();
    w.answered("ana", 0).await;
    let other = w.another_store().await;
    let tenant = main_tenant();
    let (first, second) = tokio::join!(
        w.store.stop_assistant(at(10), &tenant, "agent:Lia", "Lia", None),
        other.stop_assistant(at(10), &tenant, "agent:Rui", "Rui", None),
    );
    let stops = [first.unwrap(), second.unwrap()];
    assert_eq!(stops.iter().flatten().count(), 1, "{stops:?}");
    assert_eq!(w.number("SELECT COUNT(*) FROM audit WHERE action = 'assistant.stopped'").await, 1);
    assert_eq!(w.claim(11).await.len(), 0);
}

fn change(mode: Option<Mode>) -> ModeChange {
    ModeChange {
        category: "billing".to_owned(),
        channel: Channel::Email,
        mode,
        policy: Mode::Auto,
        reason: Some("boletos errados".to_owned()),
    }
}

async fn a_switch_moves_the_epoch_and_says_who_and_why(w: &World) {
    let main = main_tenant();
    w.store.adopt_policy(&main, "one").await.unwrap();
    let set = async |now, mode| {
        w.store.switch_mode(at(now), &main, "agent:Lia", "Lia", change(mode)).await.unwrap()
    };
    assert!(set(1, Some(Mode::Draft)).await);
    assert!(!set(2, Some(Mode::Draft)).await, "it was so already");
    assert_eq!(epoch(w).await, 2);
    let switches = w.store.mode_switches(&main).await.unwrap();
    let [switch] = switches.as_slice() else { panic!("{switches:?}") };
    assert_eq!(
        (switch.category.as_str(), switch.channel, switch.mode),
        ("billing", Channel::Email, Mode::Draft)
    );
    assert_eq!((switch.by.as_str(), switch.at), ("Lia", at(1)));
    assert_eq!(switch.reason.as_deref(), Some("boletos errados"));
    assert!(set(3, Some(Mode::Off)).await);
    assert!(set(4, None).await);
    assert!(!set(5, None).await);
    assert_eq!(epoch(w).await, 4);
    assert_eq!(w.store.mode_switches(&main).await.unwrap(), []);
    let moved = |from: &str, to: &str| {
        format!(
            "SELECT COUNT(*) FROM audit WHERE action = 'mode.switched' AND before LIKE '%\"mode\":\"{from}\"%' \
             AND after LIKE '%\"mode\":\"{to}\"%' AND after LIKE '%billing%' AND after NOT LIKE '%boletos%'"
        )
    };
    for (from, to) in [("auto", "draft"), ("draft", "off"), ("off", "auto")] {
        assert_eq!(w.number(&moved(from, to)).await, 1, "{from} {to}");
    }
}

async fn a_switch_of_one_business_is_no_other_ones(w: &World) {
    let (main, other) = (main_tenant(), tenant("other"));
    for id in [&main, &other] {
        w.store.adopt_policy(id, "one").await.unwrap();
    }
    w.store.switch_mode(at(1), &other, "agent:Rui", "Rui", change(Some(Mode::Off))).await.unwrap();
    w.store.stop_assistant(at(1), &other, "agent:Rui", "Rui", None).await.unwrap().unwrap();
    assert_eq!(w.store.mode_switches(&main).await.unwrap(), []);
    assert_eq!(epoch(w).await, 1);
    w.answered("ana", 10).await;
    assert_eq!(w.claim(20).await.len(), 1, "it leaves");
}
