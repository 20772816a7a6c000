//! Whatever happens, and in whatever order, a conversation has exactly one owner and nobody waits for no one.

use atende::domain::ids::TenantId;
use proptest::prelude::*;
use serde_json::json;

use crate::world::{DRAFT, QUESTION, World};

#[derive(Clone, Debug)]
enum Step {
    Writes(usize, &'static str),
    Decides,
    Acts(usize, &'static str, &'static str),
    Passes(i64),
    Crashes,
    Joins(usize, usize),
    Parts(usize),
    Online(&'static str, bool),
}

const CUSTOMERS: &[&str] = &["ana", "bia", "eva"];
const TEXTS: &[&str] =
    &[QUESTION, "quero falar com uma pessoa", "obrigada!", "isso é um absurdo, vou ao procon", "5"];
const AGENTS: &[&str] = &["rui", "lia"];

fn step() -> impl Strategy<Value = Step> {
    let customer = 0..CUSTOMERS.len();
    let acts = [
        "claim", "release", "reply", "approve", "solved", "open", "closed", "snooze", "transfer",
        "to_lia",
    ];
    prop_oneof![
        3 => (customer.clone(), prop::sample::select(TEXTS)).prop_map(|(who, text)| Step::Writes(who, text)),
        3 => Just(Step::Decides),
        5 => (customer.clone(), prop::sample::select(AGENTS), prop::sample::select(acts.to_vec()))
            .prop_map(|(who, agent, act)| Step::Acts(who, agent, act)),
        3 => prop::sample::select(vec![1_i64, 10, 40, 300, 3_000]).prop_map(Step::Passes),
        1 => Just(Step::Crashes),
        1 => (customer.clone(), customer.clone()).prop_map(|(one, other)| Step::Joins(one, other)),
        1 => customer.prop_map(Step::Parts),
        1 => (prop::sample::select(AGENTS), any::<bool>()).prop_map(|(agent, on)| Step::Online(agent, on)),
    ]
}

async fn path_of(world: &World, who: usize) -> Option<String> {
    let who = CUSTOMERS[who];
    world.knows(who).then_some(())?;
    let id = world.get(&world.message_path(who)).await["ticket_id"].as_str()?.to_owned();
    Some(format!("/v1/tickets/{id}"))
}

async fn take(world: &mut World, step: &Step) {
    let main = TenantId::main();
    match step {
        Step::Writes(who, text) => drop(world.writes("api", CUSTOMERS[*who], text).await),
        Step::Decides => drop(world.drain().await),
        Step::Passes(minutes) => {
            world.advance(minutes * 60);
            world.drain().await;
        }
        Step::Crashes => world.crash().await,
        Step::Online(agent, on) => {
            let body = json!({"online": on});
            world.act("PUT", &format!("/v1/agents/{agent}/presence"), body).await;
        }
        Step::Acts(who, agent, act) => {
            let Some(path) = path_of(world, *who).await else { return };
            let until = world.app().clock.now() + chrono::Duration::hours(2);
            let (route, body) = match *act {
                "claim" => ("claim", json!({"minutes": 5})),
                "reply" => ("reply", json!({"text": "Vamos ver."})),
                "approve" => ("draft", json!({"action": "approve", "version": 1})),
                "snooze" => ("snooze", json!({"until": until})),
                "transfer" => ("transfer", json!({"queue": "billing"})),
                "to_lia" => ("transfer", json!({"to": "lia", "minutes": 10})),
                "release" => ("release", json!({})),
                status => ("status", json!({"status": status})),
            };
            let mut body = body;
            body["agent"] = json!(agent);
            // What is refused changes nothing; that is the point.
            world.call(&main, "POST", &format!("{path}/{route}"), Some(body)).await;
        }
        Step::Joins(one, other) => {
            let (Some(one), Some(other)) =
                (path_of(world, *one).await, path_of(world, *other).await)
            else {
                return;
            };
            let into = other.rsplit('/').next().unwrap();
            world
                .call(
                    &main,
                    "POST",
                    &format!("{one}/merge"),
                    Some(json!({"into": into, "agent": "rui"})),
                )
                .await;
        }
        Step::Parts(who) => {
            let Some(path) = path_of(world, *who).await else { return };
            let (status, ticket) = world.call(&main, "GET", &path, None).await;
            let messages = ticket["messages"].as_array().cloned().unwrap_or_default();
            let of_customer = messages.iter().rev().find(|message| message["author"] == "customer");
            let (200, Some(last)) = (status, of_customer) else { return };
            let body = json!({"messages": [last["id"]], "agent": "rui"});
            world.call(&main, "POST", &format!("{path}/split"), Some(body)).await;
        }
    }
}

/// What must hold after every step, read from the store itself.
const PROMISES: &[(&str, &str)] = &[
    (
        "an owner that is none of the four",
        "SELECT COUNT(*) FROM conversations WHERE owner NOT IN ('ai', 'review', 'queue', 'agent')",
    ),
    (
        "an agent without name or end of lease",
        "SELECT COUNT(*) FROM conversations WHERE owner = 'agent' AND (owner_ref IS NULL OR owner_until IS NULL)",
    ),
    (
        "somebody else's lease",
        "SELECT COUNT(*) FROM conversations WHERE owner <> 'agent' AND owner_until IS NOT NULL",
    ),
    (
        "people without a queue",
        "SELECT COUNT(*) FROM conversations c JOIN tickets t ON t.id = c.ticket_id \
         WHERE c.owner IN ('review', 'queue') AND (c.owner_ref IS NULL OR t.queue IS NULL) AND t.status <> 'closed'",
    ),
    (
        "two who have it: an owner and another assignee",
        "SELECT COUNT(*) FROM conversations c JOIN tickets t ON t.id = c.ticket_id \
         WHERE c.owner = 'agent' AND t.assignee IS NOT NULL AND t.assignee <> c.owner_ref AND t.status <> 'closed'",
    ),
    (
        "a customer who waits for the assistant, which has nothing to do",
        "SELECT COUNT(*) FROM conversations c JOIN tickets t ON t.id = c.ticket_id \
         WHERE c.owner = 'ai' AND t.status IN ('new', 'open', 'escalated') \
         AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.subject = c.id) \
         AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.conversation_id = c.id AND o.state IN ('queued', 'sending')) \
         AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.ticket_id = t.id AND d.action = 'none')",
    ),
    (
        "an open ticket that nobody will ever look at",
        "SELECT COUNT(*) FROM tickets WHERE status <> 'closed' AND clock_at IS NULL",
    ),
    (
        "two live tickets of one conversation",
        "SELECT COUNT(*) FROM (SELECT conversation_id FROM tickets WHERE status IN ('new', 'open', 'pending', 'escalated') \
         GROUP BY conversation_id HAVING COUNT(*) > 1)",
    ),
];

async fn check(world: &World, after: &Step) -> Result<(), String> {
    for (what, sql) in PROMISES {
        let found = world.count(sql).await;
        if found != 0 {
            return Err(format!("{found} × {what}, after {after:?}"));
        }
    }
    Ok(())
}

/// Few by default, because each is a whole life of the real parts; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let given = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { given.cases } else { 24 };
    ProptestConfig { cases, max_shrink_iters: 60, ..given }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_conversation_has_exactly_one_owner(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let broken: Option<String> = runtime.block_on(async {
            let pack = atende::policy::Pack::embedded("saas-br").unwrap();
            let teams: Vec<&str> = pack.teams.iter().map(|team| team.id.as_str()).collect();
            let people = format!("people:\n- {{id: rui, teams: [{0}]}}\n- {{id: lia, teams: [{0}]}}\n", teams.join(", "));
            let mut world = World::with(&format!("{DRAFT}{people}"), true).await;
            let mut broken = None;
            for step in &steps {
                take(&mut world, step).await;
                if let Err(problem) = check(&world, step).await {
                    broken = Some(problem);
                    break;
                }
            }
            world.drain().await;
            world.advance(60);
            world.drain().await;
            broken
        });
        prop_assert_eq!(broken, None::<String>);
    }
}
