//! What language models were asked and what it cost: rows for reports, sums by day for budgets.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::Row;

use super::many::{ROWS_MAX, places};
use super::{Dialect, Store, StoreError, millis};
use crate::domain::ids::{TenantId, TicketId};
use crate::ports::chat::ModelCall;

/// Questions that went nowhere, because the endpoint is left alone or the limits leave no room, are none that a model was
/// asked.
const ASKED: &str = "NOT (attempts = 0 AND outcome IN ('resting', 'no_room', 'no_money'))";

/// What a business spent, in millionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// On the day.
    pub day: u64,
    /// In the month of that day, the day included.
    pub month: u64,
}

/// How a model fared at a purpose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelStats {
    /// The rung.
    pub rung: String,
    /// The model as configured.
    pub model: String,
    /// What it was asked for.
    pub purpose: String,
    /// How often it was asked.
    pub calls: i64,
    /// How often it answered.
    pub ok: i64,
    /// How often it was not asked, because its endpoint is left alone after failures.
    pub resting: i64,
    /// How often it was not asked, because the limits left no room.
    pub no_room: i64,
    /// How often it was not asked, because the budget left no room.
    pub no_money: i64,
    /// Its share of all questions, from 0 to 1.
    pub share: f64,
    /// Tokens of questions, of those the cached, and of answers.
    pub tokens_input: i64,
    /// The cached ones among them.
    pub tokens_cached: i64,
    /// Tokens of answers.
    pub tokens_output: i64,
    /// What it cost, in millionths of a US dollar.
    pub cost_micros: i64,
    /// Mean milliseconds of a question.
    pub mean_ms: f64,
    /// Milliseconds that 95 of 100 questions stayed within.
    pub p95_ms: i64,
}

/// How all of them fared together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ModelTotals {
    /// Turns about which a model was asked.
    pub turns: i64,
    /// Turns about which the escalation rung was asked.
    pub escalated_turns: i64,
    /// Tickets about which a model was asked.
    pub tickets: i64,
    /// What it cost, in millionths of a US dollar.
    pub cost_micros: i64,
}

impl Store {
    /// Notes what models were asked about a turn. `turn` ties the questions together and makes their ids, so that a
    /// repeated note changes nothing.
    pub async fn note_model_calls(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        ticket: Option<&TicketId>,
        turn: &str,
        calls: &[ModelCall],
    ) -> Result<(), StoreError> {
        if calls.is_empty() {
            return Ok(());
        }
        let (tenant, turn) = (tenant.clone(), turn.to_owned());
        let ticket = ticket.map(|ticket| ticket.as_str().to_owned());
        let calls = calls.get(..calls.len().min(ROWS_MAX)).unwrap_or_default().to_vec();
        self.write(move |connection| {
            Box::pin(async move {
                let dialect = Dialect::of(connection);
                let sql = format!(
                    "INSERT INTO model_calls (id, tenant, at, ticket_id, turn, purpose, rung, prompt, model, answered_by, \
                     outcome, tokens_input, tokens_cached, tokens_output, cost_micros, took_ms, attempts) VALUES {} \
                     ON CONFLICT (id) DO NOTHING",
                    places(dialect, calls.len(), 17)
                );
                let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(calls.len() == 1);
                for (at, call) in calls.iter().enumerate() {
                    query = query
                        .bind(format!("{turn}.{at}"))
                        .bind(tenant.as_str())
                        .bind(millis(now))
                        .bind(ticket.clone())
                        .bind(turn.clone())
                        .bind(call.purpose.as_str())
                        .bind(call.rung.as_str())
                        .bind(super::no_nul(&call.prompt))
                        .bind(super::no_nul(&call.model))
                        .bind(call.answered_by.as_deref().map(super::no_nul))
                        .bind(call.outcome.clone())
                        .bind(int(call.tokens.input))
                        .bind(int(call.tokens.cached))
                        .bind(int(call.tokens.output))
                        .bind(int(call.cost_micros))
                        .bind(int(call.took_ms))
                        .bind(i64::from(call.attempts));
                }
                if query.execute(&mut *connection).await?.rows_affected() == 0 {
                    return Ok(());
                }
                let cost = calls.iter().map(|call| call.cost_micros).fold(0, u64::saturating_add);
                sqlx::query(
                    "INSERT INTO model_spending (tenant, day, cost_micros, calls) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (tenant, day) DO UPDATE SET cost_micros = model_spending.cost_micros + excluded.cost_micros, \
                     calls = model_spending.calls + excluded.calls",
                )
                .bind(tenant.as_str())
                .bind(now.date_naive().to_string())
                .bind(int(cost))
                .bind(super::many::to_int(calls.len()))
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Returns what a business spent on a day and in its month.
    pub async fn model_spending(
        &self,
        tenant: &TenantId,
        day: NaiveDate,
    ) -> Result<Spent, StoreError> {
        self.spending(Some(tenant), day).await
    }

    /// Returns what all businesses together spent.
    pub async fn whole_model_spending(&self, day: NaiveDate) -> Result<Spent, StoreError> {
        self.spending(None, day).await
    }

    async fn spending(
        &self,
        tenant: Option<&TenantId>,
        day: NaiveDate,
    ) -> Result<Spent, StoreError> {
        let first = day.format("%Y-%m-01").to_string();
        let day = day.to_string();
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) AS month, \
             CAST(COALESCE(SUM(CASE WHEN day = $1 THEN cost_micros ELSE 0 END), 0) AS BIGINT) AS today \
             FROM model_spending WHERE day >= $2 AND day <= $1 AND ($3 = '' OR tenant = $3)",
        )
        .bind(day)
        .bind(first)
        .bind(tenant.map_or("", TenantId::as_str))
        .fetch_one(&self.reads)
        .await?;
        let of = |name: &str| -> Result<u64, StoreError> {
            Ok(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or_default())
        };
        Ok(Spent { day: of("today")?, month: of("month")? })
    }

    /// Returns how models fared since a moment, dearest first.
    pub async fn model_stats(
        &self,
        tenant: &TenantId,
        since: DateTime<Utc>,
    ) -> Result<(Vec<ModelStats>, ModelTotals), StoreError> {
        let groups = format!(
            "SELECT rung, model, purpose, \
             CAST(SUM(CASE WHEN {ASKED} THEN 1 ELSE 0 END) AS BIGINT) AS calls, \
             CAST(SUM(CASE WHEN {ASKED} THEN took_ms ELSE 0 END) AS BIGINT) AS took, \
             CAST(SUM(CASE WHEN outcome = 'ok' THEN 1 ELSE 0 END) AS BIGINT) AS ok, \
             CAST(SUM(CASE WHEN attempts = 0 AND outcome = 'resting' THEN 1 ELSE 0 END) AS BIGINT) AS resting, \
             CAST(SUM(CASE WHEN attempts = 0 AND outcome = 'no_room' THEN 1 ELSE 0 END) AS BIGINT) AS no_room, \
             CAST(SUM(CASE WHEN attempts = 0 AND outcome = 'no_money' THEN 1 ELSE 0 END) AS BIGINT) AS no_money, \
             CAST(SUM(tokens_input) AS BIGINT) AS input, CAST(SUM(tokens_cached) AS BIGINT) AS cached, \
             CAST(SUM(tokens_output) AS BIGINT) AS output, CAST(SUM(cost_micros) AS BIGINT) AS cost \
             FROM model_calls WHERE tenant = $1 AND at >= $2 GROUP BY rung, model, purpose \
             ORDER BY cost DESC, calls DESC, rung, model, purpose LIMIT 200"
        );
        let groups = sqlx::query(sqlx::AssertSqlSafe(groups))
            .bind(tenant.as_str())
            .bind(millis(since))
            .fetch_all(&self.reads)
            .await?;
        let mut stats = Vec::new();
        for row in &groups {
            let (calls, took): (i64, i64) = (row.try_get("calls")?, row.try_get("took")?);
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53 milliseconds")]
            let mean_ms = took as f64 / calls.max(1) as f64;
            let mut one = ModelStats {
                rung: row.try_get("rung")?,
                model: row.try_get("model")?,
                purpose: row.try_get("purpose")?,
                calls,
                ok: row.try_get("ok")?,
                resting: row.try_get("resting")?,
                no_room: row.try_get("no_room")?,
                no_money: row.try_get("no_money")?,
                share: 0.0,
                tokens_input: row.try_get("input")?,
                tokens_cached: row.try_get("cached")?,
                tokens_output: row.try_get("output")?,
                cost_micros: row.try_get("cost")?,
                mean_ms,
                p95_ms: 0,
            };
            one.p95_ms = self.p95_ms(tenant, since, &one).await?;
            stats.push(one);
        }
        let all: i64 = stats.iter().map(|one| one.calls).sum();
        for one in &mut stats {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53 calls")]
            let share = one.calls as f64 / all.max(1) as f64;
            one.share = share;
        }
        Ok((stats, self.model_totals(tenant, since).await?))
    }

    async fn p95_ms(
        &self,
        tenant: &TenantId,
        since: DateTime<Utc>,
        group: &ModelStats,
    ) -> Result<i64, StoreError> {
        let slowest = format!(
            "SELECT took_ms FROM model_calls WHERE tenant = $1 AND at >= $2 AND rung = $3 AND model = $4 \
             AND purpose = $5 AND {ASKED} ORDER BY took_ms DESC LIMIT 1 OFFSET $6"
        );
        let p95_ms: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(slowest))
            .bind(tenant.as_str())
            .bind(millis(since))
            .bind(&group.rung)
            .bind(&group.model)
            .bind(&group.purpose)
            .bind(group.calls / 20)
            .fetch_optional(&self.reads)
            .await?;
        Ok(p95_ms.unwrap_or_default())
    }

    async fn model_totals(
        &self,
        tenant: &TenantId,
        since: DateTime<Utc>,
    ) -> Result<ModelTotals, StoreError> {
        let totals = format!(
            "SELECT COUNT(DISTINCT turn) AS turns, COUNT(DISTINCT ticket_id) AS tickets, \
             COUNT(DISTINCT CASE WHEN rung = 'escalation' THEN turn END) AS escalated, \
             CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) AS cost \
             FROM model_calls WHERE tenant = $1 AND at >= $2 AND {ASKED}"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(totals))
            .bind(tenant.as_str())
            .bind(millis(since))
            .fetch_one(&self.reads)
            .await?;
        Ok(ModelTotals {
            turns: row.try_get("turns")?,
            escalated_turns: row.try_get("escalated")?,
            tickets: row.try_get("tickets")?,
            cost_micros: row.try_get("cost")?,
        })
    }
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
