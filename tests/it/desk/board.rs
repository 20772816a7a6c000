//! The supervisors' board: what it shows, and what its switches do to conversations under way.

use atende::adapters::store::UserRow;
use atende::domain::ids::TenantId;
use atende::domain::role::Role;
use serde_json::json;

use super::{Browser, somebody};
use crate::world::{AUTO, DRAFT, QUESTION, World};

/// A team: who supervises and who answers.
struct Team {
    world: World,
    lia: Browser,
    rafa: Browser,
}

impl Team {
    async fn under(policy: &str) -> Self {
        let world = World::with(policy, true).await;
        let main = TenantId::main();
        let lia: UserRow = somebody(&world, &main, "Lia Prado", Role::Supervisor).await;
        let rafa = somebody(&world, &main, "Rafa Lima", Role::Agent).await;
        let (lia, rafa) = (Browser::of(&world, &lia).await, Browser::of(&world, &rafa).await);
        Self { world, lia, rafa }
    }

    /// Lets somebody write, the burst end, and everything that follows happen.
    async fn hears(&mut self, channel: &str, who: &str, text: &str) {
        self.world.writes(channel, who, text).await;
        self.rests().await;
    }

    async fn rests(&self) {
        self.world.drain().await;
        self.world.advance(60);
        self.world.drain().await;
    }

    /// The board as it is counted anew.
    async fn board(&self, browser: &Browser, query: &str) -> String {
        self.world.advance(10);
        let page = browser.get(&format!("/desk/queues{query}")).await;
        page.is(200).to_owned()
    }

    async fn switch(&self, on: &str) -> String {
        let fields = [("on", on), ("reason", "boletos errados")];
        self.lia.post("/desk/assistant", &fields).await.leads_to().to_owned()
    }
}

fn has(text: &str, all: &[&str]) {
    for expected in all {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[tokio::test]
async fn a_stopped_assistant_says_so_everywhere_and_people_go_on() {
    let mut team = Team::under(AUTO).await;
    team.world.writes("chat", "ana", QUESTION).await;
    team.world.decide_only().await;
    team.world.advance(20);
    team.world.decide_only().await;
    let asks = team.board(&team.lia, "?acao=parar").await;
    has(
        &asks,
        &[
            "Stop all automatic sending?",
            "1 reply that has not left goes back to people",
            "1 open conversation",
        ],
    );

    assert_eq!(team.switch("0").await, "/desk/queues?feito=stopped");
    let page = team.board(&team.lia, "?feito=stopped").await;
    has(
        &page,
        &[
            "Automatic sending is stopped. 1 reply went back to people.",
            "boletos errados",
            "Switch on again",
        ],
    );
    team.rests().await;
    assert_eq!(team.world.sent(), [], "it did not leave");
    let ana = team.world.ticket("ana").await;
    assert_eq!(
        (&ana["owner"], &World::rules(&ana)[0]),
        (&json!("review"), &"mode.stopped".to_owned())
    );
    for (browser, path) in
        [(&team.lia, "/desk/account"), (&team.rafa, "/desk/review"), (&team.rafa, "/desk/queues")]
    {
        has(browser.get(path).await.is(200), &["class=\"killed\"", "Lia Prado"]);
    }

    // What people send still leaves.
    let approve = format!("/desk/t/{}/approve", team.world.ticket_id("ana").await);
    let version = ana["drafts"][0]["version"].to_string();
    team.rafa.post(&approve, &[("version", &version)]).await.leads_to();
    team.rests().await;
    assert_eq!(team.world.sent().len(), 1);
    team.hears("chat", "bia", QUESTION).await;
    assert_eq!(team.world.sent().len(), 1, "new conversations are drafted");

    assert_eq!(
        team.switch("0").await,
        "/desk/queues?feito=stopped",
        "pressed twice, nothing changes"
    );
    assert_eq!(team.switch("1").await, "/desk/queues?feito=resumed");
    assert!(!team.rafa.get("/desk/review").await.is(200).contains("class=\"killed\""));
    team.hears("chat", "eva", QUESTION).await;
    assert_eq!(team.world.sent().len(), 2, "it answers again");
    let lines =
        "SELECT COUNT(*) FROM audit WHERE actor = 'agent:Lia Prado' AND action LIKE 'assistant.%'";
    assert_eq!(team.world.count(lines).await, 2);
}

#[tokio::test]
async fn the_api_has_the_same_switch() {
    let mut team = Team::under(AUTO).await;
    assert_eq!(team.world.get("/v1/assistant").await, json!({"on": true}));
    let off =
        team.world.act("POST", "/v1/assistant", json!({"on": false, "reason": "teste"})).await;
    assert_eq!(
        (&off["on"], &off["stopped_by"], &off["reason"]),
        (&json!(false), &json!("agent"), &json!("teste"))
    );
    assert_eq!((&off["called_back"], &off["on_their_way"]), (&json!(0), &json!(0)));
    team.hears("chat", "ana", QUESTION).await;
    assert_eq!(team.world.sent(), []);
    has(team.rafa.get("/desk/review").await.is(200), &["class=\"killed\""]);
    let (status, problem) =
        team.world.call(&TenantId::main(), "POST", "/v1/assistant", Some(json!({}))).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("on")));
    assert_eq!(
        team.world.act("POST", "/v1/assistant", json!({"on": true})).await,
        json!({"on": true})
    );
    let other = team.world.add_tenant("other", AUTO).await;
    let (_, theirs) = team.world.call(&other, "GET", "/v1/assistant", None).await;
    assert_eq!(theirs, json!({"on": true}));
}

#[tokio::test]
async fn a_lowered_mode_holds_in_its_category_and_channel_and_for_what_has_not_left() {
    let mut team = Team::under(AUTO).await;
    team.hears("chat", "ana", QUESTION).await;
    assert_eq!(team.world.sent().len(), 1);
    let category = team.world.ticket("ana").await["category"].as_str().unwrap().to_owned();
    // Decided and queued before the switch, not sent after it.
    team.world.writes("email", "bia", QUESTION).await;
    team.world.decide_only().await;
    let fields = [
        ("category", category.as_str()),
        ("channel", "email"),
        ("mode", "draft"),
        ("reason", "texto velho"),
    ];
    let done = team.lia.post("/desk/modes", &fields).await;
    assert_eq!(done.leads_to(), "/desk/queues?feito=mode#modes");
    team.rests().await;
    assert_eq!(team.world.sent().len(), 1, "it is decided anew");
    let bia = team.world.ticket("bia").await;
    assert_eq!(
        (&bia["owner"], &World::rules(&bia)[0]),
        (&json!("review"), &"mode.draft".to_owned())
    );
    team.hears("chat", "eva", QUESTION).await;
    assert_eq!(team.world.sent().len(), 2, "another channel goes on");
    let page = team.board(&team.lia, "").await;
    has(&page, &["Draft, by Lia Prado on 20 Nov", "texto velho"]);

    let off = [("category", category.as_str()), ("channel", "chat"), ("mode", "off")];
    team.lia.post("/desk/modes", &off).await.leads_to();
    team.hears("chat", "rui", QUESTION).await;
    assert_eq!(World::rules(&team.world.ticket("rui").await)[0], "mode.off");
    let back = [("category", category.as_str()), ("channel", "chat"), ("mode", "auto")];
    team.lia.post("/desk/modes", &back).await.leads_to();
    team.hears("chat", "leo", QUESTION).await;
    assert_eq!(team.world.sent().len(), 3, "as far as the policy lets it again");
}

/// The policy as shipped, but for what rules say of boletos.
const BARRED: &str = concat!(
    "extends: saas-br\nid: barred\nversion: \"1\"\n",
    "modes:\n  default: auto\n  by_category:\n    technical: {chat: draft, api: 'off'}\n",
    "rules:\n  - id: X.billing\n    when: category == \"billing\"\n    then: {action: escalate}\n",
    "    text: {pt-BR: Cobrança é sempre com gente., en: Billing is always with people.}\n",
);

#[tokio::test]
async fn what_policy_and_rules_forbid_is_refused_with_the_reason() {
    let team = Team::under(BARRED).await;
    let page = team.board(&team.lia, "").await;
    has(
        &page,
        &[
            "Always a person: Billing is always with people.",
            "X.billing",
            "The policy only lets it draft here",
        ],
    );
    for (category, channel, mode, status, why) in [
        ("technical", "chat", "auto", 409, "The policy only lets it draft here"),
        ("technical", "api", "draft", 409, "The policy only lets it route here"),
        ("billing", "email", "draft", 409, "Billing is always with people."),
        ("nonsense", "email", "draft", 422, "Choose a category"),
        ("technical", "pigeon", "draft", 422, "Choose a category"),
        ("technical", "email", "", 422, "Choose a category"),
    ] {
        let fields = [("category", category), ("channel", channel), ("mode", mode)];
        let page = team.lia.post("/desk/modes", &fields).await;
        has(page.is(status), &[why]);
    }
    assert_eq!(team.world.count("SELECT COUNT(*) FROM mode_switches").await, 0);
    // What is as far as the policy goes needs no switch of its own.
    let same = [("category", "technical"), ("channel", "chat"), ("mode", "draft")];
    team.lia.post("/desk/modes", &same).await.leads_to();
    assert_eq!(team.world.count("SELECT COUNT(*) FROM mode_switches").await, 0);
}

#[tokio::test]
async fn an_agent_sees_queues_and_people_and_no_switch() {
    let mut team = Team::under(DRAFT).await;
    team.hears("chat", "ana", QUESTION).await;
    let page = team.board(&team.rafa, "?acao=parar").await;
    has(&page, &["Queues by team and level", "Rafa Lima", "Lia Prado"]);
    for absent in ["/desk/modes", "/desk/assistant", "/desk/incidents", "Stop automatic"] {
        assert!(!page.contains(absent), "{absent}: {page}");
    }
    for path in ["/desk/modes", "/desk/assistant", "/desk/incidents", "/desk/incidents/end"] {
        has(team.rafa.post(path, &[("on", "0")]).await.is(403), &["Lia Prado"]);
    }
    assert_eq!(team.world.get("/v1/assistant").await["on"], true);
}

#[tokio::test]
async fn an_incident_is_declared_told_more_of_and_ended() {
    let mut team = Team::under(AUTO).await;
    let form = team.board(&team.lia, "?acao=incidente").await;
    has(&form, &["Declare an incident", "name=\"kind\"", "Stakeholders are told at once"]);
    let half = [
        ("kind", "outage"),
        ("name", "INC-9"),
        ("pt", "O envio está falhando."),
        ("channels", "whatsapp"),
    ];
    let refused = team.lia.post("/desk/incidents", &half).await;
    has(
        refused.is(422),
        &["both languages", "O envio está falhando.", "INC-9", "value=\"whatsapp\" checked"],
    );
    assert_eq!(team.world.get("/v1/incidents").await, json!([]));
    for wrong in [("kind", "nonsense"), ("minutes", "0")] {
        let fields = [wrong, ("kind", "outage")];
        team.lia.post("/desk/incidents", &fields).await.is(422);
    }

    let whole =
        [half[0], half[1], half[2], ("en", "Messages are failing to send."), ("minutes", "30")];
    assert_eq!(
        team.lia.post("/desk/incidents", &whole).await.leads_to(),
        "/desk/queues?feito=incident"
    );
    has(team.lia.post("/desk/incidents", &whole).await.is(409), &["stands already"]);
    let page = team.board(&team.lia, "").await;
    has(
        &page,
        &[
            "INC-9",
            "every category and channel",
            "nothing leaves by itself",
            "0 customers told",
            "suspended by incident INC-9",
        ],
    );
    has(team.rafa.get("/desk/review").await.is(200), &["INC-9"]);
    team.hears("chat", "ana", QUESTION).await;
    assert_eq!(team.world.sent().len(), 1, "the notice alone");
    let more = [("name", "INC-9"), ("pt", "Quase lá."), ("en", "Nearly there.")];
    has(
        &team.board(&team.lia, "?acao=aviso&nome=INC-9").await,
        &["1 customer who was told", "O envio está falhando."],
    );
    team.lia.post("/desk/incidents/update", &[more[0]]).await.is(422);
    assert_eq!(
        team.lia.post("/desk/incidents/update", &more).await.leads_to(),
        "/desk/queues?feito=incident_updated"
    );
    team.world.app().worker.inform_of_incidents().await.unwrap();
    team.world.drain().await;
    assert!(team.world.sent()[1].text().contains("Quase lá."));
    has(&team.board(&team.lia, "?acao=encerrar&nome=INC-9").await, &["End it now"]);
    team.lia.post("/desk/incidents/end", &[more[0]]).await.leads_to();
    team.lia.post("/desk/incidents/end", &[more[0]]).await.is(409);
    let listed = team.world.get("/v1/incidents").await;
    assert_eq!(
        (&listed[0]["active"], &listed[0]["declared_by"]),
        (&json!(false), &json!("agent:Lia Prado"))
    );
    assert!(listed[0]["summary"].as_str().is_some_and(|summary| !summary.is_empty()));
}

#[tokio::test]
async fn figures_and_plots_say_what_happened_with_their_data() {
    let mut team = Team::under(AUTO).await;
    has(
        &team.board(&team.lia, "").await,
        &["No reply has left today yet.", "Nobody had their first answer", "no cases"],
    );
    team.hears("chat", "ana", QUESTION).await;
    team.hears("chat", "eva", "quero falar com uma pessoa").await;
    team.rests().await;
    let page = team.board(&team.lia, "").await;
    has(
        &page,
        &[
            "1 of 1 · 0 reviewed",
            "Replies that left today: 1 from AI alone",
            "role=\"img\"",
            "Show data",
            "Wait for the first answer, median",
            "yesterday 0 · a week ago 0",
        ],
    );
    assert!(!page.contains("style=") && !page.contains("<script>"), "{page}");
    for period in ["?de=7", "?de=30"] {
        has(&team.board(&team.lia, period).await, &["Replies by day", "aria-current=\"true\">"]);
    }
    assert!(page.contains("/desk/review?fila"), "queues lead to their tickets: {page}");

    let user = somebody(&team.world, &TenantId::main(), "Bento Reis", Role::Supervisor).await;
    team.world
        .app()
        .stores
        .store
        .set_user_settings(&user.id, "{\"locale\":\"pt-BR\"}")
        .await
        .unwrap();
    let bento = Browser::of(&team.world, &user).await;
    let page = team.board(&bento, "?acao=parar").await;
    has(
        &page,
        &[
            "Filas agora",
            "Parar todos os envios automáticos?",
            "Respostas só da IA",
            "O que a IA pode fazer",
            "1 de 1 · 0 com revisão",
        ],
    );
}
