//! A store of its own for each test, on SQLite or PostgreSQL, with time and ids in hand.
//!
//! Stories start at `at(0)`; a message is from Ana in the chat of the account `loja` unless a test says
//! otherwise.

use std::io::Write as _;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use atende::adapters::store::{
    Actor, Change, Claimed, DeliveryEnd, DraftAction, DraftDecision, DraftOutcome, Incident,
    IncidentChange, IncidentScope, IncidentTerms, Intake, Lease, LeasedJob, NewDraft, NewReply,
    OutboxBody, Outcome, Owner, Recorded, ReplyKind, ReplyRequest, Settled, Settlement, Store,
    StoreLocation, TicketLabels, TicketView, TurnSnapshot, TurnWindow,
};
use atende::domain::channel::Channel;
use atende::domain::confidence::Confidence;
use atende::domain::decision::{Action, LocalText};
use atende::domain::draft::{DraftKind, DraftText};
use atende::domain::ids::{
    ConversationId, DecisionId, DraftId, JobId, MessageId, OutboxId, TenantId, TicketId,
};
use atende::domain::labels::{Locale, Urgency};
use atende::domain::message::{Contact, Given, InboundMessage, MessageFlags};
use atende::domain::ticket::{OwnerKind, TicketStatus};
use chrono::{DateTime, Duration, TimeZone, Utc};
use sqlx::{AnyConnection, Connection};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

/// Runs each story on both databases; PostgreSQL's half is passed over where there is no server.
macro_rules! on_both {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                let world = $crate::contract::world::World::sqlite().await;
                super::$story(&world).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                if let Some(world) = $crate::contract::world::World::postgres().await {
                    super::$story(&world).await;
                    world.remove_schema().await;
                }
            })+
        }
    };
}
pub(crate) use on_both;

/// A database that nothing was written to yet.
pub(crate) struct Place {
    pub(crate) location: StoreLocation,
    pub(crate) folder: Option<TempDir>,
    schema: Option<(String, String)>,
}

pub(crate) struct World {
    pub(crate) store: Store,
    place: Place,
}

impl std::ops::Deref for World {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

static FRESH: AtomicU64 = AtomicU64::new(1);

/// Bits that no other call returns, in this process or in one that works on the same files.
pub(crate) fn fresh() -> u128 {
    u128::from(std::process::id()) << 64 | u128::from(FRESH.fetch_add(1, Ordering::Relaxed))
}

/// A moment this many seconds into the story.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap() + Duration::seconds(seconds)
}

pub(crate) fn main_tenant() -> TenantId {
    TenantId::main()
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

pub(crate) fn agent(name: &str) -> Actor {
    Actor { name: name.to_owned() }
}

/// Returns the server for tests; `None`, after one loud line, where there is none.
pub(crate) fn postgres_url() -> Option<String> {
    static LOUD: Once = Once::new();
    #[expect(clippy::disallowed_methods, reason = "the test script hands the server over this way")]
    let (url, ci) = (std::env::var("ATENDE_TEST_POSTGRES"), std::env::var("CI"));
    if let Ok(url) = url {
        return Some(url);
    }
    assert_ne!(
        ci.as_deref(),
        Ok("true"),
        "ATENDE_TEST_POSTGRES is not set and CI=true; run scripts/test, which starts a server"
    );
    // Written past the test harness, which swallows what passing tests print.
    LOUD.call_once(|| {
        let line = b"\n!!! NO POSTGRESQL: its half of the contract is skipped; run scripts/test instead\n\n";
        std::io::stderr().write_all(line).unwrap();
    });
    None
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        sqlx::any::install_default_drivers();
        let folder = tempfile::tempdir().unwrap();
        let location = StoreLocation::embedded(folder.path());
        // Raw connections expect the file; the store takes an empty one for a new one.
        std::fs::File::create(folder.path().join("store.db")).unwrap();
        Self { location, folder: Some(folder), schema: None }
    }

    /// A schema of its own on the server for tests, if there is one.
    pub(crate) async fn postgres() -> Option<Self> {
        sqlx::any::install_default_drivers();
        let server = postgres_url()?;
        let schema = format!("t{}_{}", std::process::id(), fresh());
        let mut connection = AnyConnection::connect(&server).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
            .execute(&mut connection)
            .await
            .unwrap();
        let joint = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{joint}options=-c%20search_path%3D{schema}");
        let location = StoreLocation { url, connections: 8 };
        Some(Self { location, folder: None, schema: Some((server, schema)) })
    }

    pub(crate) async fn remove_schema(&self) {
        let Some((server, schema)) = &self.schema else { return };
        let mut connection = AnyConnection::connect(server).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE")))
            .execute(&mut connection)
            .await
            .unwrap();
    }

    /// A connection past the store, to look behind it or to do damage.
    pub(crate) async fn raw(&self) -> AnyConnection {
        AnyConnection::connect(&self.location.url).await.unwrap()
    }
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        Self::at(Place::sqlite()).await
    }

    pub(crate) async fn postgres() -> Option<Self> {
        Some(Self::at(Place::postgres().await?).await)
    }

    async fn at(place: Place) -> Self {
        let store = Store::open(&place.location, &TaskTracker::new()).await.unwrap();
        Self { store, place }
    }

    /// A second handle to the same database, as another process has one.
    pub(crate) async fn another_store(&self) -> Store {
        Store::open(&self.location, &TaskTracker::new()).await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut self.raw().await).await.unwrap();
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        let (number,): (i64,) = sqlx::query_as(sql).fetch_one(&mut self.raw().await).await.unwrap();
        number
    }

    /// Files a message at its own time, with the chat's window: 6 s after the last, 45 s at most.
    pub(crate) async fn file(&self, message: InboundMessage) -> Recorded {
        let now = message.received_at;
        self.store.record_inbound(now, vec![intake(message)]).await.unwrap().remove(0)
    }

    pub(crate) async fn file_new(&self, message: InboundMessage) -> TicketId {
        match self.file(message).await {
            Recorded::New(ticket) => ticket,
            Recorded::Duplicate => panic!("the message was filed before"),
        }
    }

    pub(crate) async fn lease(&self, now: i64, lease: &str) -> Vec<LeasedJob> {
        self.store
            .lease_jobs("message", at(now), at(now + 60), 100, Lease(lease.to_owned()))
            .await
            .unwrap()
    }

    /// Leases the one job that is due and loads its turn.
    pub(crate) async fn turn(&self, now: i64) -> (LeasedJob, TurnSnapshot) {
        let mut jobs = self.lease(now, &format!("lease-{}", fresh())).await;
        assert_eq!(jobs.len(), 1, "exactly one job is due at {now} s");
        let job = jobs.remove(0);
        let turn = self.load(now, &job.conversation).await;
        (job, turn)
    }

    pub(crate) async fn load(&self, now: i64, conversation: &ConversationId) -> TurnSnapshot {
        let ids = std::slice::from_ref(conversation);
        self.store.load_turns(at(now), ids).await.unwrap().remove(0)
    }

    /// What settling this turn for review would write.
    pub(crate) async fn for_review(&self, job: LeasedJob, turn: &TurnSnapshot) -> Settlement {
        let state = self.store.tenant_state(&turn.tenant).await.unwrap();
        let epoch = state.map_or(0, |state| state.epoch);
        Settlement {
            conversation: turn.conversation.clone(),
            version: turn.version,
            epoch,
            ticket: turn.ticket.clone(),
            decision: DecisionId::from_bits(fresh()),
            action: Action::Review,
            would: Action::Send,
            queue: Some("suporte".to_owned()),
            level: Some("L1".to_owned()),
            priority: Urgency::Normal,
            confidence: Confidence::clamped(0.5),
            record: "{}".to_owned(),
            rules: vec!["E1.test".to_owned()],
            covered: turn
                .messages
                .iter()
                .filter(|message| !message.decided)
                .map(|message| message.id.clone())
                .collect(),
            fields: "{}".to_owned(),
            labels: TicketLabels {
                category: Some("billing".to_owned()),
                language: Some("pt-BR".to_owned()),
                ..TicketLabels::default()
            },
            vault: "{}".to_owned(),
            opted_out: false,
            opts_out: None,
            status: TicketStatus::Open,
            owner: Some(Owner { kind: OwnerKind::Review, name: Some("suporte".to_owned()) }),
            draft: Some(draft("Olá, Ana.")),
            stands: false,
            replies: Vec::new(),
            rating: None,
            notify: Vec::new(),
            within_mins: None,
            bury: None,
            job,
        }
    }

    /// What settling this turn with an automatic reply would write.
    pub(crate) async fn for_sending(&self, job: LeasedJob, turn: &TurnSnapshot) -> Settlement {
        Settlement {
            action: Action::Send,
            queue: None,
            level: None,
            status: TicketStatus::Pending,
            owner: Some(Owner { kind: OwnerKind::Ai, name: None }),
            replies: vec![reply("Olá, Ana.")],
            ..self.for_review(job, turn).await
        }
    }

    pub(crate) async fn settle(&self, now: i64, settlement: Settlement) -> Settled {
        self.store.settle(at(now), settlement).await.unwrap()
    }

    /// A ticket of the thread with a draft that waits for review. The message comes at `start`.
    pub(crate) async fn reviewed(&self, thread: &str, start: i64) -> TicketId {
        let ticket = self.file_new(from_thread(thread, &format!("{thread}-{start}"), start)).await;
        let (job, turn) = self.turn(start + 6).await;
        let settlement = self.for_review(job, &turn).await;
        assert_eq!(self.settle(start + 7, settlement).await, Settled::Done);
        ticket
    }

    /// A ticket of the thread with an automatic reply that waits in the outbox.
    pub(crate) async fn answered(&self, thread: &str, start: i64) -> TicketId {
        let ticket = self.file_new(from_thread(thread, &format!("{thread}-{start}"), start)).await;
        let (job, turn) = self.turn(start + 6).await;
        let settlement = self.for_sending(job, &turn).await;
        assert_eq!(self.settle(start + 7, settlement).await, Settled::Done);
        ticket
    }

    pub(crate) async fn claim(&self, now: i64) -> Vec<Claimed> {
        self.store.claim_outbox(at(now), 100).await.unwrap()
    }

    pub(crate) async fn finish(&self, now: i64, row: &Claimed, end: DeliveryEnd) {
        let message = MessageId::from_bits(fresh());
        self.store.finish_outbox(at(now), row, end, message).await.unwrap();
    }

    pub(crate) async fn view(&self, ticket: &TicketId) -> TicketView {
        self.store.ticket(&main_tenant(), ticket).await.unwrap().expect("the ticket exists")
    }

    pub(crate) async fn act(
        &self,
        now: i64,
        ticket: &TicketId,
        who: &str,
        change: Change,
    ) -> Outcome {
        self.store.change_ticket(at(now), &main_tenant(), ticket, agent(who), change).await.unwrap()
    }

    /// Makes a change that must succeed; returns the conversation's version after it.
    pub(crate) async fn done(&self, now: i64, ticket: &TicketId, who: &str, change: Change) -> i64 {
        match self.act(now, ticket, who, change).await {
            Outcome::Done(version) => version,
            other => panic!("not done: {other:?}"),
        }
    }

    /// Declares an incident of everything, or ends it.
    pub(crate) async fn incident(&self, now: i64, stands: bool) {
        let incident = Incident {
            id: format!("inc_{now}"),
            kind: "outage".to_owned(),
            name: "outage".to_owned(),
            scope: IncidentScope::default(),
            words: LocalText::default(),
            terms: IncidentTerms { stop_auto: true, ..IncidentTerms::default() },
            declared_by: "agent:ops".to_owned(),
            started_at: at(now),
            next_update_at: None,
            updates: 0,
            ended_at: None,
            summary: None,
        };
        let change = if stands {
            IncidentChange::Declare(Box::new(incident))
        } else {
            IncidentChange::End { words: LocalText::default(), summary: None }
        };
        let nobody = |_: &Incident| Vec::new();
        let (tenant, name) = (main_tenant(), "outage");
        let changed =
            self.store.change_incident(at(now), &tenant, ("agent:ops", name), change, nobody);
        changed.await.unwrap();
    }

    pub(crate) async fn decide(
        &self,
        now: i64,
        ticket: &TicketId,
        who: &str,
        version: i64,
        action: DraftAction,
    ) -> DraftOutcome {
        let decision = DraftDecision {
            tenant: main_tenant(),
            ticket: ticket.clone(),
            version,
            action,
            attachments: Vec::new(),
            actor: agent(who),
            outbox: OutboxId::from_bits(fresh()),
            leaves_at: None,
        };
        self.store.decide_draft(at(now), decision).await.unwrap()
    }
}

/// A message of Ana's; the external id is also its text.
pub(crate) fn from_ana(external: &str, sent: i64) -> InboundMessage {
    InboundMessage {
        id: MessageId::from_bits(fresh()),
        ticket_id: TicketId::from_bits(fresh()),
        tenant: main_tenant(),
        channel: Channel::Chat,
        account: "loja".to_owned(),
        external_id: external.to_owned(),
        thread: "ana".to_owned(),
        contact: Contact { name: Some("Ana".to_owned()), ..Contact::default() },
        subject: None,
        text: external.to_owned(),
        flags: MessageFlags::default(),
        given: Given::default(),
        original: None,
        attachments: Vec::new(),
        sent_at: at(sent),
        received_at: at(sent),
    }
}

pub(crate) fn from_thread(thread: &str, external: &str, sent: i64) -> InboundMessage {
    InboundMessage { thread: thread.to_owned(), ..from_ana(external, sent) }
}

pub(crate) fn intake(message: InboundMessage) -> Intake {
    Intake {
        message,
        conversation_id: ConversationId::from_bits(fresh()),
        job_id: JobId::from_bits(fresh()),
        window: TurnWindow { after_last: Duration::seconds(6), at_most: Duration::seconds(45) },
    }
}

pub(crate) fn draft(text: &str) -> NewDraft {
    NewDraft {
        id: DraftId::from_bits(fresh()),
        draft: DraftText {
            text: text.to_owned(),
            locale: Locale::PtBr,
            kind: DraftKind::Template,
            ledger: Vec::new(),
            choices: Vec::new(),
        },
        passages: "[]".to_owned(),
    }
}

pub(crate) fn reply(text: &str) -> NewReply {
    NewReply {
        id: OutboxId::from_bits(fresh()),
        body: OutboxBody {
            thread: "ana".to_owned(),
            to: Contact::default(),
            ticket_number: "1".to_owned(),
            subject: None,
            text: text.to_owned(),
            locale: Locale::PtBr,
            in_reply_to: None,
            fallback_queue: "suporte".to_owned(),
            template: None,
            choices: Vec::new(),
            attachments: Vec::new(),
        },
        kind: ReplyKind::Answer,
    }
}

/// A reply in an agent's own words, who then keeps the conversation for ten minutes.
pub(crate) fn words(text: &str, now: i64) -> ReplyRequest {
    ReplyRequest {
        id: OutboxId::from_bits(fresh()),
        text: text.to_owned(),
        locale: Locale::PtBr,
        attachments: Vec::new(),
        hold_until: at(now + 600),
        leaves_at: None,
        once: None,
    }
}

/// The state of each row of the ticket's outbox, latest first.
pub(crate) fn outbox_states(view: &TicketView) -> Vec<&str> {
    let rows = view.outbox.as_array().expect("a list");
    rows.iter().map(|row| row["state"].as_str().expect("a word")).collect()
}
