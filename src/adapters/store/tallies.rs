//! What happened, added up by hour and day from the trail, so that boards and reports scan nothing.
//!
//! The trail is read on from where it was read last; sums and the place in it are written in one transaction, so that
//! every line counts once, whoever counts. No sum holds anything of a person.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Duration, Timelike as _, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use sqlx::{AnyConnection, Row};

use super::many::{ROWS_MAX, places};
use super::{Dialect, Store, StoreError, from_json, moment, to_json};
use crate::domain::ids::TenantId;

/// The name of the place in the trail up to which it was added up.
const CURSOR: &str = "tally";
/// Lines of the trail that are added up at once.
const LINES: i64 = 2_000;
/// How long a line may be on its way: where several write at once, a lower number can appear after a higher one.
const SETTLED_AFTER: Duration = Duration::seconds(2);
/// Lines that say more than that they are there.
const TOLD: &str = "('reply.sent', 'notice.sent', 'draft.decided', 'reply.called_back', 'turn.decided', 'ticket.status', \
     'csat.recorded', 'sla.breached')";

/// A line of the trail.
struct Line {
    seq: i64,
    at: DateTime<Utc>,
    action: String,
    ticket: String,
    cause: Option<String>,
    after: Value,
}

impl Line {
    fn word(&self, name: &str) -> &str {
        self.after.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// What of a ticket bears on what its lines count as.
struct Ticket {
    category: String,
    channel: String,
    created_at: DateTime<Utc>,
    first_response_at: Option<DateTime<Utc>>,
    solved_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
}

/// What lines refer to.
#[derive(Default)]
struct Known {
    tickets: HashMap<String, Ticket>,
    /// Replies that rest on a draft.
    drafted: BTreeSet<String>,
    /// Tickets whose first answer was late.
    late: BTreeSet<String>,
    /// What was decided about the draft of a reply that was called back, by the place of the line that says so.
    undone: HashMap<i64, (DateTime<Utc>, String)>,
}

/// Sums of a stretch of the trail.
#[derive(Default)]
struct Sums {
    /// By day, hour, name and part.
    tallies: BTreeMap<(String, u32, &'static str, String), i64>,
    /// By day and seconds: tickets, and those of them that were late.
    waits: BTreeMap<(String, i64), (i64, i64)>,
}

impl Store {
    /// Adds up the next stretch of a business's trail, its days in its own time zone. Returns how many lines it read.
    pub async fn add_up(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        zone: Tz,
    ) -> Result<usize, StoreError> {
        let from = self.cursor(tenant, CURSOR).await?;
        let lines = self.lines_after(now, tenant, from.unwrap_or(0)).await?;
        let Some(to) = lines.last().map(|line| line.seq) else { return Ok(0) };
        let known = self.known_of(&lines).await?;
        let sums = add_up(&lines, &known, zone);
        let owner = tenant.clone();
        self.write(move |connection| {
            Box::pin(async move { keep(connection, &owner, (from, to), &sums).await })
        })
        .await?;
        Ok(lines.len())
    }

    /// How many lines of the trail wait to be added up, at the most.
    pub async fn not_added_up(&self, tenant: &TenantId) -> Result<i64, StoreError> {
        let from = self.cursor(tenant, CURSOR).await?.unwrap_or(0);
        Ok((self.latest_event(tenant).await? - from).max(0))
    }

    async fn lines_after(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        after: i64,
    ) -> Result<Vec<Line>, StoreError> {
        let sql = format!(
            "SELECT seq, at, action, COALESCE(ticket_id, '') AS ticket, cause, \
             CASE WHEN action IN {TOLD} THEN after END AS told FROM audit WHERE tenant = $1 AND seq > $2 \
             ORDER BY seq LIMIT {LINES}"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant.as_str())
            .bind(after)
            .fetch_all(&self.reads)
            .await?;
        let mut lines = Vec::with_capacity(rows.len());
        for row in &rows {
            let at = moment(row.try_get("at")?);
            // Nothing is passed over that may still appear below.
            if self.dialect == Dialect::Postgres && at > now - SETTLED_AFTER {
                break;
            }
            let told: Option<String> = row.try_get("told")?;
            lines.push(Line {
                seq: row.try_get("seq")?,
                at,
                action: row.try_get("action")?,
                ticket: row.try_get("ticket")?,
                cause: row.try_get("cause")?,
                after: told.map_or(Ok(Value::Null), |text| from_json("audit entry", &text))?,
            });
        }
        Ok(lines)
    }

    async fn known_of(&self, lines: &[Line]) -> Result<Known, StoreError> {
        let of = |actions: &[&str]| -> Vec<&Line> {
            lines.iter().filter(|line| actions.contains(&line.action.as_str())).collect()
        };
        let tickets = of(&[
            "reply.sent",
            "reply.written",
            "draft.decided",
            "ticket.status",
            "reply.called_back",
        ]);
        let tickets: BTreeSet<&str> = tickets.iter().map(|line| line.ticket.as_str()).collect();
        let mut known = Known { tickets: self.tickets_of(&tickets).await?, ..Known::default() };
        let replies = of(&["reply.sent", "reply.called_back"]);
        let replies: BTreeSet<&str> = replies.iter().map(|line| line.word("outbox")).collect();
        known.drafted = self.strings(DRAFTED, &replies).await?;
        let firsts: BTreeSet<&str> = of(&["reply.sent", "reply.written"])
            .iter()
            .filter(|line| known.is_first(line))
            .map(|line| line.ticket.as_str())
            .collect();
        known.late = self.strings(LATE, &firsts).await?;
        for line in of(&["reply.called_back"]) {
            if known.drafted.contains(line.word("outbox"))
                && let Some(decided) = self.decided_before(line).await?
            {
                known.undone.insert(line.seq, decided);
            }
        }
        Ok(known)
    }

    async fn tickets_of(
        &self,
        ids: &BTreeSet<&str>,
    ) -> Result<HashMap<String, Ticket>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = format!(
            "SELECT id, COALESCE(category, '') AS category, channel, created_at, first_response_at, solved_at, closed_at \
             FROM tickets WHERE id IN {}",
            self.dialect.json_strings("$1")
        );
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(to_json(ids)).fetch_all(&self.reads).await?;
        rows.iter()
            .map(|row| {
                let when = |column: &str| -> Result<Option<DateTime<Utc>>, StoreError> {
                    Ok(row.try_get::<Option<i64>, _>(column)?.map(moment))
                };
                let ticket = Ticket {
                    category: row.try_get("category")?,
                    channel: row.try_get("channel")?,
                    created_at: moment(row.try_get("created_at")?),
                    first_response_at: when("first_response_at")?,
                    solved_at: when("solved_at")?,
                    closed_at: when("closed_at")?,
                };
                Ok((row.try_get("id")?, ticket))
            })
            .collect()
    }

    /// Those of some ids that a query finds.
    async fn strings(
        &self,
        sql: &str,
        ids: &BTreeSet<&str>,
    ) -> Result<BTreeSet<String>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let sql = sql.replace("{ids}", &self.dialect.json_strings("$1"));
        let rows: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(to_json(ids))
            .fetch_all(&self.reads)
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    async fn decided_before(
        &self,
        line: &Line,
    ) -> Result<Option<(DateTime<Utc>, String)>, StoreError> {
        let row: Option<(i64, Option<String>)> = sqlx::query_as(
            "SELECT at, after FROM audit WHERE ticket_id = $1 AND action = 'draft.decided' AND seq < $2 \
             ORDER BY seq DESC LIMIT 1",
        )
        .bind(&line.ticket)
        .bind(line.seq)
        .fetch_optional(&self.reads)
        .await?;
        let Some((at, Some(after))) = row else { return Ok(None) };
        let after: Value = from_json("audit entry", &after)?;
        let state = after.get("state").and_then(Value::as_str);
        Ok(state.map(|state| (moment(at), state.to_owned())))
    }
}

const DRAFTED: &str = "SELECT id FROM outbox WHERE draft_id IS NOT NULL AND id IN {ids}";
const LATE: &str = "SELECT ticket_id FROM audit WHERE action = 'sla.breached' AND after LIKE '%\"clock\":\"first_response\"%' \
     AND ticket_id IN {ids}";

impl Known {
    /// True where a line says that the first answer to a ticket left.
    fn is_first(&self, line: &Line) -> bool {
        let answer = match line.action.as_str() {
            "reply.sent" => line.word("kind") == "reply",
            // Written on the business's own telephone.
            "reply.written" => line.cause.as_deref() == Some("outside"),
            _ => false,
        };
        let ticket = self.tickets.get(&line.ticket);
        answer && ticket.is_some_and(|ticket| ticket.first_response_at == Some(line.at))
    }

    /// The category and channel of a line's ticket, as one part.
    fn cell(&self, line: &Line) -> String {
        let ticket = self.tickets.get(&line.ticket);
        ticket.map_or_else(String::new, |one| format!("{}/{}", one.channel, one.category))
    }
}

fn add_up(lines: &[Line], known: &Known, zone: Tz) -> Sums {
    let mut sums = Sums::default();
    let mut answered: BTreeSet<&str> = BTreeSet::new();
    for line in lines {
        let mut add = |at: DateTime<Utc>, name: &'static str, part: String, value: i64| {
            let (day, hour) = place(at, zone);
            *sums.tallies.entry((day, hour, name, part)).or_default() += value;
        };
        let none = String::new;
        match line.action.as_str() {
            "ticket.opened" => add(line.at, "opened", none(), 1),
            "reply.sent" if line.word("kind") == "reply" => {
                let who = match line.word("author") {
                    "ai" => "ai",
                    _ if known.drafted.contains(line.word("outbox")) => "reviewed",
                    _ => "people",
                };
                add(line.at, "reply", who.to_owned(), 1);
            }
            "reply.written" if line.cause.as_deref() == Some("outside") => {
                add(line.at, "reply", "people".to_owned(), 1);
            }
            "notice.sent" => add(line.at, "notice", line.word("kind").to_owned(), 1),
            "turn.decided" => add(line.at, "turn", line.word("action").to_owned(), 1),
            "draft.decided" => {
                if let Some(name) = draft(line.word("state")) {
                    add(line.at, name, known.cell(line), 1);
                }
            }
            // It is decided again, which will count.
            "reply.called_back" => {
                if let Some((at, state)) = known.undone.get(&line.seq)
                    && let Some(name) = draft(state)
                {
                    add(*at, name, known.cell(line), -1);
                }
            }
            "ticket.status" => {
                if let Some(minutes) = solved(line, known) {
                    add(line.at, "solved", none(), 1);
                    add(line.at, "solved_minutes", none(), minutes);
                }
            }
            "csat.recorded" => {
                let rating = line.after.get("csat").and_then(Value::as_i64).unwrap_or_default();
                add(line.at, "csat", rating.to_string(), 1);
            }
            "sla.breached" => add(line.at, "breach", line.word("clock").to_owned(), 1),
            _ => {}
        }
        if known.is_first(line)
            && answered.insert(&line.ticket)
            && let Some(ticket) = known.tickets.get(&line.ticket)
        {
            let (day, _) = place(line.at, zone);
            let wait = rounded((line.at - ticket.created_at).num_seconds().max(0));
            let (tickets, late) = sums.waits.entry((day, wait)).or_default();
            *tickets += 1;
            *late += i64::from(known.late.contains(&line.ticket));
        }
    }
    sums
}

fn draft(state: &str) -> Option<&'static str> {
    match state {
        "approved" => Some("draft_approved"),
        "edited" => Some("draft_edited"),
        "rejected" => Some("draft_rejected"),
        _ => None,
    }
}

/// Returns after how many minutes a line says that a ticket was solved; closing one that was solved is no solution.
fn solved(line: &Line, known: &Known) -> Option<i64> {
    let ticket = known.tickets.get(&line.ticket)?;
    let is_solved = match line.word("status") {
        "solved" => true,
        "closed" => {
            line.cause.as_deref() != Some("privacy.erased")
                && (ticket.solved_at.is_none() || ticket.solved_at == ticket.closed_at)
        }
        _ => false,
    };
    is_solved.then(|| (line.at - ticket.created_at).num_minutes().max(0))
}

/// The day and hour of a moment where the business is.
fn place(at: DateTime<Utc>, zone: Tz) -> (String, u32) {
    let there = at.with_timezone(&zone);
    (there.date_naive().to_string(), there.hour())
}

/// A wait as exactly as anybody reads it: to the second below two minutes, to the minute below two hours, to five minutes
/// below a day, else to the hour.
pub(super) fn rounded(secs: i64) -> i64 {
    let step = match secs {
        ..120 => 1,
        120..7_200 => 60,
        7_200..86_400 => 300,
        _ => 3_600,
    };
    secs - secs % step
}

async fn keep(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    (from, to): (Option<i64>, i64),
    sums: &Sums,
) -> Result<(), StoreError> {
    // Whoever added up the same stretch meanwhile was first.
    let moved = match from {
        Some(from) => {
            sqlx::query("UPDATE counters SET value = $1 WHERE tenant = $2 AND name = $3 AND value = $4")
                .bind(to)
                .bind(tenant.as_str())
                .bind(CURSOR)
                .bind(from)
                .execute(&mut *connection)
                .await?
        }
        None => {
            sqlx::query("INSERT INTO counters (tenant, name, value) VALUES ($2, $3, $1) ON CONFLICT (tenant, name) DO NOTHING")
                .bind(to)
                .bind(tenant.as_str())
                .bind(CURSOR)
                .execute(&mut *connection)
                .await?
        }
    };
    if moved.rows_affected() == 0 {
        return Ok(());
    }
    let dialect = Dialect::of(connection);
    let tallies: Vec<_> = sums.tallies.iter().filter(|(_, value)| **value != 0).collect();
    for rows in tallies.chunks(ROWS_MAX) {
        let sql = format!(
            "INSERT INTO tallies (tenant, name, day, hour, part, value) VALUES {} \
             ON CONFLICT (tenant, name, day, hour, part) DO UPDATE SET value = tallies.value + excluded.value",
            places(dialect, rows.len(), 6)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(rows.len() == 1);
        for ((day, hour, name, part), value) in rows {
            query = query
                .bind(tenant.as_str())
                .bind(*name)
                .bind(day)
                .bind(i64::from(*hour))
                .bind(part)
                .bind(**value);
        }
        query.execute(&mut *connection).await?;
    }
    let waits: Vec<_> = sums.waits.iter().collect();
    for rows in waits.chunks(ROWS_MAX) {
        let sql = format!(
            "INSERT INTO first_waits (tenant, day, secs, tickets, late) VALUES {} ON CONFLICT (tenant, day, secs) \
             DO UPDATE SET tickets = first_waits.tickets + excluded.tickets, late = first_waits.late + excluded.late",
            places(dialect, rows.len(), 5)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(rows.len() == 1);
        for ((day, secs), (tickets, late)) in rows {
            query = query.bind(tenant.as_str()).bind(day).bind(*secs).bind(*tickets).bind(*late);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(seq: i64, at: &str, action: &str, after: Value) -> Line {
        let (at, action) = (at.parse().unwrap(), action.to_owned());
        Line { seq, at, action, ticket: "t1".to_owned(), cause: None, after }
    }

    fn known() -> Known {
        let ticket = Ticket {
            category: "billing".to_owned(),
            channel: "email".to_owned(),
            created_at: "2026-11-20T02:00:00Z".parse().unwrap(),
            first_response_at: Some("2026-11-20T02:05:10Z".parse().unwrap()),
            solved_at: None,
            closed_at: None,
        };
        Known {
            tickets: HashMap::from([("t1".to_owned(), ticket)]),
            drafted: BTreeSet::from(["out_2".to_owned()]),
            late: BTreeSet::from(["t1".to_owned()]),
            undone: HashMap::from([(
                5,
                ("2026-11-20T02:30:00Z".parse().unwrap(), "approved".to_owned()),
            )]),
        }
    }

    #[test]
    fn lines_count_on_the_day_and_hour_of_the_business() {
        let sent = |author: &str, outbox: &str| json!({"kind": "reply", "author": author, "outbox": outbox});
        let lines = [
            line(1, "2026-11-20T02:00:00Z", "ticket.opened", Value::Null),
            line(2, "2026-11-20T02:05:10Z", "reply.sent", sent("ai", "out_1")),
            line(3, "2026-11-20T02:30:00Z", "draft.decided", json!({"state": "approved"})),
            line(4, "2026-11-20T03:10:00Z", "reply.sent", sent("agent", "out_2")),
            line(5, "2026-11-20T03:11:00Z", "reply.called_back", json!({"outbox": "out_2"})),
            line(6, "2026-11-20T03:12:00Z", "reply.sent", sent("agent", "out_3")),
            line(7, "2026-11-20T03:13:00Z", "notice.sent", json!({"kind": "outage"})),
            line(8, "2026-11-20T03:14:00Z", "ticket.status", json!({"status": "solved"})),
            line(9, "2026-11-20T03:15:00Z", "csat.recorded", json!({"csat": 5})),
            line(10, "2026-11-20T03:16:00Z", "note.added", Value::Null),
        ];
        let sums = add_up(&lines, &known(), Tz::America__Sao_Paulo);
        let shown: Vec<String> = sums
            .tallies
            .iter()
            .map(|((day, hour, name, part), value)| {
                format!("{day} {hour:02} {name}:{part} {value}")
            })
            .collect();
        assert_eq!(
            shown,
            [
                "2026-11-19 23 draft_approved:email/billing 0",
                "2026-11-19 23 opened: 1",
                "2026-11-19 23 reply:ai 1",
                "2026-11-20 00 csat:5 1",
                "2026-11-20 00 notice:outage 1",
                "2026-11-20 00 reply:people 1",
                "2026-11-20 00 reply:reviewed 1",
                "2026-11-20 00 solved: 1",
                "2026-11-20 00 solved_minutes: 74",
            ]
        );
        let waits: Vec<_> = sums.waits.into_iter().collect();
        assert_eq!(waits, [(("2026-11-19".to_owned(), 300), (1, 1))]);
    }

    #[test]
    fn a_wait_is_kept_as_exactly_as_it_is_read() {
        for (secs, kept) in
            [(0, 0), (119, 119), (121, 120), (7_199, 7_140), (7_399, 7_200), (100_000, 97_200)]
        {
            assert_eq!(rounded(secs), kept);
        }
    }
}
