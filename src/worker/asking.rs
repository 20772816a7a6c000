//! Turns that language models are asked about: each on its own, many at once, none waiting for another's model.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::{FutureExt as _, StreamExt as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Worker;
use super::run::{PAUSE_FIRST, PAUSE_MAX, Step, report};
use super::turns::{Case, input_of};
use crate::domain::ids::{TenantId, TicketId};
use crate::pipeline::{Ladder, Outcome, Pipeline, TurnInput};
use crate::ports::PortError;
use crate::ports::chat::ModelCall;

impl Worker {
    /// Decides the turns that are over, and waits for all of them: for recorded time, where nothing else goes on.
    pub(super) async fn ask_about_turns(&self, ladder: &Ladder) -> Result<usize, PortError> {
        let most = self.settings.concurrency.clamp(1, ladder.in_flight.max(1));
        let jobs = self.lease_turns(most).await?;
        let taken = jobs.len();
        let cases = self.load_cases(jobs).await?;
        let mut decided = futures::stream::iter(cases)
            .map(|case| self.ask_about(ladder, case))
            .buffer_unordered(usize::try_from(most).unwrap_or(usize::MAX));
        let mut ended = Ok(());
        while let Some(one) = decided.next().await {
            ended = ended.and(one);
        }
        ended.map(|()| taken)
    }

    /// Decides turns as they end, as many at once as may wait for a model, until told to stop; those under way then are
    /// brought to their end.
    pub(super) async fn keep_asking(self: Arc<Self>, stop: CancellationToken) {
        let Some(ladder) = self.ladder.clone() else { return };
        let ladder = Arc::new(ladder);
        let mut under_way: JoinSet<Result<(), PortError>> = JoinSet::new();
        let mut pause = PAUSE_FIRST;
        while !stop.is_cancelled() {
            let wait = match self.ask_about_more(&ladder, &mut under_way).await {
                Ok(0) => {
                    pause = PAUSE_FIRST;
                    self.idle(Step::Decide).await
                }
                Ok(_) => continue,
                Err(error) => {
                    report(Step::Decide, &error);
                    pause = (pause * 2).min(PAUSE_MAX);
                    pause
                }
            };
            self.heartbeat.beat(self.clock.now());
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.turns_due.notified() => {}
                Some(ended) = under_way.join_next(), if !under_way.is_empty() => note(ended),
                () = tokio::time::sleep(wait) => {}
            }
        }
        while let Some(ended) = under_way.join_next().await {
            note(ended);
        }
    }

    /// Leases as many turns as there is room for and begins on them. Returns how many.
    async fn ask_about_more(
        self: &Arc<Self>,
        ladder: &Arc<Ladder>,
        under_way: &mut JoinSet<Result<(), PortError>>,
    ) -> Result<usize, PortError> {
        while let Some(ended) = under_way.try_join_next() {
            note(ended);
        }
        let under = u32::try_from(under_way.len()).unwrap_or(u32::MAX);
        let room = ladder.in_flight.max(1).saturating_sub(under);
        if room == 0 {
            return Ok(0);
        }
        let jobs = self.lease_turns(room.min(self.settings.concurrency.max(1))).await?;
        let taken = jobs.len();
        if taken == 0 {
            return Ok(0);
        }
        for case in self.load_cases(jobs).await? {
            let (worker, ladder) = (Arc::clone(self), Arc::clone(ladder));
            under_way.spawn(async move { worker.ask_about(&ladder, case).await });
        }
        Ok(taken)
    }

    /// Decides one turn under its lease and settles it.
    async fn ask_about(&self, ladder: &Ladder, case: Case) -> Result<(), PortError> {
        let started = Instant::now();
        let outcome = if case.job.attempt > self.settings.max_attempts {
            None
        } else {
            self.made_ready(&case).await?;
            let purse = self.purse(&case.job.tenant).await;
            let input = input_of(&case, self.clock.now());
            let run = Box::pin(case.tenant.pipeline.run_with(&input, ladder, &purse));
            let run = AssertUnwindSafe(run).catch_unwind();
            let shown = self.show_reading(&case);
            let (run, ()) = futures::join!(self.under_lease(&case, run), shown);
            run?.ok()
        };
        if let Some(outcome) = &outcome {
            self.account(&case, outcome).await;
        }
        let took = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.settle_cases(vec![(case, outcome, took)]).await?;
        self.replies_are_due();
        Ok(())
    }

    /// Decides a turn that nobody sent, for whoever tries content. Nothing is kept of it but what models cost, which
    /// counts in the budget like any other question.
    pub async fn try_turn(
        &self,
        tenant: &TenantId,
        pipeline: Arc<Pipeline>,
        turn: TurnInput,
    ) -> anyhow::Result<Outcome> {
        if !pipeline.is_ready() {
            let pipeline = Arc::clone(&pipeline);
            tokio::task::spawn_blocking(move || drop(pipeline.warm(|_| None))).await?;
        }
        let Some(ladder) = &self.ladder else {
            return Ok(tokio::task::spawn_blocking(move || pipeline.run(&turn)).await?);
        };
        let purse = self.purse(tenant).await;
        let outcome = Box::pin(pipeline.run_with(&turn, ladder, &purse)).await;
        let name = format!("try_{:032x}", self.clock.fresh_bits());
        self.note_calls(tenant, None, &name, &outcome.calls).await;
        Ok(outcome)
    }

    /// Waits until the embedded models are trained, on a thread that may block: turns are run on those that also answer
    /// the API.
    async fn made_ready(&self, case: &Case) -> Result<(), PortError> {
        if case.tenant.pipeline.is_ready() {
            return Ok(());
        }
        let pipeline = Arc::clone(&case.tenant.pipeline);
        let trained = tokio::task::spawn_blocking(move || drop(pipeline.warm(|_| None)));
        // One that panics fails the turn again where it is run, and alone.
        self.under_lease(case, trained).await.map(drop)
    }

    /// Renews a job's lease as long as the work on it lasts.
    async fn under_lease<T>(
        &self,
        case: &Case,
        work: impl Future<Output = T>,
    ) -> Result<T, PortError> {
        tokio::pin!(work);
        let mut renewal = tokio::time::interval_at(
            tokio::time::Instant::now() + self.settings.renew,
            self.settings.renew,
        );
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                _ = renewal.tick() => {
                    let until = self.clock.now() + self.settings.lease;
                    self.store.extend_leases(std::slice::from_ref(&case.job.id), &self.lease, until).await?;
                }
            }
        }
    }

    /// Notes what models were asked and what it cost. Money is spent whatever becomes of the turn.
    async fn account(&self, case: &Case, outcome: &Outcome) {
        let turn = format!("{}.{}", case.job.id, case.job.attempt);
        self.note_calls(&case.job.tenant, Some(&case.turn.ticket), &turn, &outcome.calls).await;
    }

    /// Notes what was asked under an id of the asking, and about which ticket where it was about one.
    pub(super) async fn note_calls(
        &self,
        tenant: &TenantId,
        ticket: Option<&TicketId>,
        turn: &str,
        calls: &[ModelCall],
    ) {
        if calls.is_empty() {
            return;
        }
        let now = self.clock.now();
        if let Err(error) = self.store.note_model_calls(now, tenant, ticket, turn, calls).await {
            // It stays counted as spent by this process.
            tracing::error!(tenant = %tenant, error = %error, "Cannot note what models cost");
            return;
        }
        let cost = calls.iter().map(|call| call.cost_micros).fold(0, u64::saturating_add);
        self.budget.noted(tenant, cost);
    }
}

fn note(ended: Result<Result<(), PortError>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => report(Step::Decide, &error),
        Err(error) => {
            tracing::error!(error = %error, "Work on a turn broke off; its lease lapses and it is tried again");
        }
    }
}
