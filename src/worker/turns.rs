//! Turns that are over: leased, loaded, run through the pipeline, settled.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use chrono::{DateTime, Utc};

use super::{Tenant, Worker};
use crate::adapters::store::{
    Incident, LeasedJob, ModeSwitch, Settled, Settlement, TurnMessage, TurnSnapshot,
};
use crate::domain::channel::Channel;
use crate::domain::decision::Mode;
use crate::domain::draft::chosen;
use crate::domain::message::{Author, Given, MessageFlags, PastMessage};
use crate::domain::ticket::{OwnerKind, TicketStatus};
use crate::pipeline::{Outcome, TurnInput};
use crate::ports::chat::ModelCall;
use crate::ports::{PortError, PortErrorKind};
use crate::text::fold::fold;

/// How many messages before the turn the pipeline reads.
const HISTORY_MAX: usize = 30;

/// A leased job with what it needs to be decided.
pub(super) struct Case {
    pub(super) job: LeasedJob,
    pub(super) turn: TurnSnapshot,
    pub(super) tenant: Tenant,
    pub(super) epoch: i64,
    pub(super) incidents: Vec<Incident>,
    /// Whether somebody has stopped the assistant.
    pub(super) stopped: bool,
    /// What supervisors say over the policy's modes on the turn's channel.
    pub(super) switches: Vec<ModeSwitch>,
}

impl Case {
    /// True where a reply to some category may leave this turn's channel without a person.
    pub(super) fn answers_alone(&self) -> bool {
        let (pack, channel) = (self.tenant.pipeline.pack(), self.turn.channel);
        let lowered = |category: &str| self.switches.iter().find(|one| one.category == category);
        let mode = |category: &str| {
            let policy = pack.mode(category, channel);
            lowered(category).map_or(policy, |switch| policy.stricter(switch.mode))
        };
        !self.stopped && pack.taxonomy.iter().any(|one| mode(&one.id) == Mode::Auto)
    }
}

impl Worker {
    /// Decides the turns that are over. Returns how many jobs it took.
    pub async fn decide_turns(&self) -> Result<usize, PortError> {
        if let Some(ladder) = &self.ladder {
            return self.ask_about_turns(ladder).await;
        }
        let jobs = self.lease_turns(self.settings.concurrency.max(1)).await?;
        let taken = jobs.len();
        if taken == 0 {
            return Ok(0);
        }
        let ids: Vec<_> = jobs.iter().map(|job| job.id.clone()).collect();
        let work = self.decide_batch(jobs);
        tokio::pin!(work);
        let mut renewal = tokio::time::interval_at(
            tokio::time::Instant::now() + self.settings.renew,
            self.settings.renew,
        );
        loop {
            tokio::select! {
                done = &mut work => return done.map(|()| taken),
                _ = renewal.tick() => {
                    let until = self.clock.now() + self.settings.lease;
                    self.store.extend_leases(&ids, &self.lease, until).await?;
                }
            }
        }
    }

    pub(super) async fn lease_turns(&self, most: u32) -> Result<Vec<LeasedJob>, PortError> {
        let now = self.clock.now();
        let until = now + self.settings.lease;
        let lease = self.lease.clone();
        Ok(self.store.lease_jobs("message", now, until, most, lease).await?)
    }

    async fn decide_batch(&self, jobs: Vec<LeasedJob>) -> Result<(), PortError> {
        let cases = self.load_cases(jobs).await?;
        let decided = self.run_pipeline(cases).await;
        self.settle_cases(decided).await?;
        self.replies_are_due();
        Ok(())
    }

    /// Loads the turns of leased jobs with what holds for their businesses; those that wait for words are given back.
    pub(super) async fn load_cases(&self, jobs: Vec<LeasedJob>) -> Result<Vec<Case>, PortError> {
        let now = self.clock.now();
        let conversations: Vec<_> = jobs.iter().map(|job| job.conversation.clone()).collect();
        let mut turns: std::collections::HashMap<_, _> = self
            .store
            .load_turns(now, &conversations)
            .await?
            .into_iter()
            .map(|turn| (turn.conversation.as_str().to_owned(), turn))
            .collect();
        let mut states = std::collections::HashMap::new();
        let mut incidents = std::collections::HashMap::new();
        let mut switches = std::collections::HashMap::new();
        let mut cases = Vec::with_capacity(jobs.len());
        for job in jobs {
            let tenant = self.tenants.get(&job.tenant);
            let turn = turns.remove(job.conversation.as_str());
            let (Some(turn), Some(tenant)) = (turn, tenant) else {
                // Its tenant was taken out of the configuration: wait for it to come back.
                let at = now + self.settings.lease;
                self.store.retry_job(&job, at, "no such tenant is configured").await?;
                continue;
            };
            if !states.contains_key(&job.tenant) {
                states.insert(job.tenant.clone(), self.store.tenant_state(&job.tenant).await?);
                // After the state: what changes in between has raised the epoch, and the turn is decided anew.
                incidents.insert(job.tenant.clone(), self.store.incidents(&job.tenant, now).await?);
                switches.insert(job.tenant.clone(), self.store.mode_switches(&job.tenant).await?);
            }
            let state = states.get(&job.tenant).and_then(Option::as_ref);
            // An incident raises the epoch too, so the store knows it better than whoever loaded the
            // policy; but what an older policy decides must not pass for the newer one's.
            let epoch = state
                .filter(|state| state.policy_digest == tenant.pipeline.pack().digest)
                .map_or(tenant.epoch, |state| state.epoch);
            let incidents = incidents.get(&job.tenant).cloned().unwrap_or_default();
            let stopped = state.is_some_and(|state| state.stopped.is_some());
            let mut switches = switches.get(&job.tenant).cloned().unwrap_or_default();
            switches.retain(|switch| switch.channel == turn.channel);
            cases.push(Case { job, turn, tenant, epoch, incidents, stopped, switches });
        }
        self.without_held(cases).await
    }

    /// Runs the pipeline on threads that may block; a case that panics fails alone.
    async fn run_pipeline(&self, cases: Vec<Case>) -> Vec<(Case, Option<Outcome>, u64)> {
        let now = self.clock.now();
        let max_attempts = self.settings.max_attempts;
        let share = cases.len().div_ceil(2).max(1);
        let mut cases = cases.into_iter().peekable();
        let mut handles = Vec::new();
        while cases.peek().is_some() {
            let chunk: Vec<Case> = cases.by_ref().take(share).collect();
            handles.push(tokio::task::spawn_blocking(move || {
                chunk
                    .into_iter()
                    .map(|case| {
                        let started = Instant::now();
                        let outcome = if case.job.attempt > max_attempts {
                            None
                        } else {
                            let input = input_of(&case, now);
                            catch_unwind(AssertUnwindSafe(|| case.tenant.pipeline.run(&input))).ok()
                        };
                        let took = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
                        (case, outcome, took)
                    })
                    .collect::<Vec<_>>()
            }));
        }
        let mut done = Vec::new();
        for handle in handles {
            // A cancelled chunk (shutdown) leaves its leases to lapse; nothing is lost.
            if let Ok(chunk) = handle.await {
                done.extend(chunk);
            }
        }
        done
    }

    pub(super) async fn settle_cases(
        &self,
        decided: Vec<(Case, Option<Outcome>, u64)>,
    ) -> Result<(), PortError> {
        let now = self.clock.now();
        let mut settlements = Vec::with_capacity(decided.len());
        let mut summaries = Vec::with_capacity(decided.len());
        for (case, outcome, took_us) in decided {
            let failed = outcome.as_ref().is_none_or(asked_in_vain);
            self.health.note(&case.job.tenant, now, failed);
            let settlement = match outcome {
                Some(outcome) => self.settlement(&case, outcome, took_us),
                None => self.hand_over(&case),
            };
            summaries.push(Summary::of(&settlement, took_us));
            settlements.push(settlement);
        }
        match self.store.settle_all(now, settlements.clone()).await {
            Ok(settled) => {
                for (summary, settled) in summaries.iter().zip(settled) {
                    if settled == Settled::Done {
                        summary.log();
                    }
                }
                Ok(())
            }
            // One turn that the store cannot take must not hold back the others.
            Err(error) if error.kind() == PortErrorKind::Permanent => {
                for (settlement, summary) in settlements.into_iter().zip(summaries) {
                    self.settle_alone(now, settlement, &summary).await?;
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn settle_alone(
        &self,
        now: DateTime<Utc>,
        settlement: Settlement,
        summary: &Summary,
    ) -> Result<(), PortError> {
        let job = settlement.job.clone();
        match self.store.settle(now, settlement).await {
            Ok(Settled::Done) => {
                summary.log();
                Ok(())
            }
            Ok(Settled::Stale | Settled::LostLease) => Ok(()),
            Err(error) if error.kind() == PortErrorKind::Permanent => {
                tracing::error!(
                    job.id = %job.id, job.attempt = job.attempt, error = %error,
                    "Could not settle job {}", job.id
                );
                let pause = chrono::Duration::seconds(2i64.pow(job.attempt.min(8)));
                self.store.retry_job(&job, now + pause, "settle failed").await?;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// True where models were asked and none could answer.
fn asked_in_vain(outcome: &Outcome) -> bool {
    let calls = &outcome.calls;
    calls.iter().any(ModelCall::is_outage) && !calls.iter().any(ModelCall::is_ok)
}

/// What the log line of a decided turn says.
struct Summary {
    ticket: String,
    action: &'static str,
    rules: String,
    duration_us: u64,
}

impl Summary {
    fn of(settlement: &Settlement, duration_us: u64) -> Self {
        Self {
            ticket: settlement.ticket.as_str().to_owned(),
            action: settlement.action.as_str(),
            rules: settlement.rules.join(" "),
            duration_us,
        }
    }

    fn log(&self) {
        tracing::debug!(
            ticket.id = %self.ticket, stage = "decide", rules = %self.rules, duration_us = self.duration_us,
            "Decided a turn of {} as {}", self.ticket, self.action
        );
    }
}

/// True for a mail that says word for word what its sender said before and was answered: two machines that answer each
/// other seldom say who they are.
fn is_echo(turn: &TurnSnapshot, open: &[&TurnMessage]) -> bool {
    if turn.channel != Channel::Email || turn.ai_turns == 0 {
        return false;
    }
    let earlier: Vec<String> = turn
        .messages
        .iter()
        .filter(|message| message.author == Author::Customer && message.decided)
        .map(|message| fold(message.text.trim()))
        .collect();
    open.iter().any(|message| {
        let words = fold(message.text.trim());
        !message.decided && !words.is_empty() && earlier.contains(&words)
    })
}

/// True for what the customer wrote and nobody has answered, by its place in the conversation.
fn is_open(answered: usize, at: usize, message: &TurnMessage) -> bool {
    message.author == Author::Customer
        && (!message.decided || (at >= answered && message.decided_as.as_deref() != Some("none")))
}

/// Where the conversation begins that nobody has answered yet.
fn answered(turn: &TurnSnapshot) -> usize {
    let last = turn
        .messages
        .iter()
        .rposition(|message| matches!(message.author, Author::Ai | Author::Agent));
    last.map_or(0, |at| at + 1)
}

/// True where an earlier turn found words that somebody still owes an answer to, and they stand.
pub(super) fn is_owed(turn: &TurnSnapshot) -> bool {
    let answered = answered(turn);
    let mut messages = turn.messages.iter().enumerate();
    messages.any(|(at, one)| is_open(answered, at, one) && one.decided && !one.deleted)
}

/// Returns what a message says. A number says the short answer that our last message gave it.
fn said(turn: &TurnSnapshot, answered: usize, message: &TurnMessage) -> String {
    let offered = answered.checked_sub(1).and_then(|at| turn.messages.get(at));
    let choice = offered.and_then(|ours| chosen(&message.text, &ours.choices));
    choice.unwrap_or(&message.text).clone()
}

/// Splits the conversation into the turn and what was before it. The turn is everything that the
/// customer wrote since the last answer, without what an earlier turn found to need none, and
/// whatever no turn covered yet: a message may come while the answer to an earlier one is on its way.
/// What its sender took back is in neither.
pub(super) fn input_of(case: &Case, now: DateTime<Utc>) -> TurnInput {
    let stops = |one: &&Incident| one.ended_at.is_none() && one.terms.stop_auto;
    TurnInput {
        incidents: case.incidents.iter().filter(stops).map(|one| one.scope.clone()).collect(),
        stopped: case.stopped,
        lowered: case.switches.iter().map(|one| (one.category.clone(), one.mode)).collect(),
        ..input_from(&case.turn, now)
    }
}

/// The same without what only decides whether a reply may leave by itself.
pub(super) fn input_from(turn: &TurnSnapshot, now: DateTime<Utc>) -> TurnInput {
    let answered = answered(turn);
    let (open, passed): (Vec<_>, Vec<_>) =
        turn.messages.iter().enumerate().partition(|(at, one)| is_open(answered, *at, one));
    let stands = |(_, message): &(usize, &TurnMessage)| !message.deleted;
    let open: Vec<&TurnMessage> =
        open.into_iter().filter(stands).map(|(_, message)| message).collect();
    let mut history: Vec<PastMessage> = passed
        .into_iter()
        .filter(stands)
        .map(|(_, message)| message)
        .map(|message| PastMessage {
            author: message.author,
            text: message.text.clone(),
            at: Some(message.at),
        })
        .collect();
    history.drain(..history.len().saturating_sub(HISTORY_MAX));
    let given = open.iter().fold(Given::default(), |given, message| Given {
        category: message.given.category.clone().or(given.category),
        urgency: message.given.urgency.or(given.urgency),
        language: message.given.language.or(given.language),
    });
    let held = matches!(turn.owner, OwnerKind::Queue | OwnerKind::Agent);
    TurnInput {
        channel: turn.channel,
        subject: open.iter().find_map(|message| message.subject.clone()),
        messages: open.iter().map(|message| said(turn, answered, message)).collect(),
        // Decided messages stand before new ones: a turn covers everything that had come by then.
        waiting: open.iter().take_while(|message| message.decided).count(),
        history,
        contact: turn.contact.clone(),
        profile: turn.profile.clone(),
        given,
        flags: MessageFlags {
            automatic: !open.is_empty() && open.iter().all(|message| message.flags.automatic),
            media: open.iter().any(|message| message.flags.media),
            held: open.iter().any(|message| message.flags.held) || is_echo(turn, &open),
        },
        language: turn.language,
        owner: turn.owner,
        held_in: held
            .then(|| turn.queue.clone())
            .flatten()
            .map(|queue| (queue, turn.level.clone())),
        ai_turns: turn.ai_turns,
        reopened: turn.status == TicketStatus::Solved,
        escalations: turn.escalations,
        tags: turn.tags.clone(),
        recent: turn.profile.is_some().then(|| turn.recent.clone()),
        overrides: turn.overrides.clone(),
        incidents: Vec::new(),
        stopped: false,
        lowered: BTreeMap::new(),
        rating_asked: turn.rates.is_some(),
        opted_out: turn.opted_out,
        vault: turn.vault.clone(),
        ticket_number: Some(turn.number.to_string()),
        now,
    }
}
