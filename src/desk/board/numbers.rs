//! What the board shows, read for everybody who looks at it at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;

use super::asked::Period;
use crate::adapters::store::{
    Held, ModelStats, OutboxState, Presence, Spent, Tallied, TicketFilter, TicketOrder, TicketRow,
    UserRow, Waited,
};
use crate::channels::email::mailbox::FolderRole;
use crate::desk::Desk;
use crate::desk::answer::Trouble;
use crate::domain::channel::Channel;
use crate::domain::ids::TenantId;
use crate::policy::clocks::SlaState;

/// How long figures stand.
const STANDS: Duration = Duration::seconds(5);
/// How long old figures are shown while somebody counts anew.
const SERVES: Duration = Duration::minutes(2);
/// Rows of the list of what is late.
const LATE_MAX: u32 = 8;
/// What did not arrive is shown for so long.
const FAULTS_FOR: Duration = Duration::days(7);
/// Models are judged by this stretch.
const MODELS_FOR: Duration = Duration::hours(1);

/// What the store knows for the board.
#[derive(Debug)]
pub(super) struct Numbers {
    pub(super) today: NaiveDate,
    /// Sums by day.
    pub(super) days: Vec<Tallied>,
    /// Today's sums by hour.
    pub(super) hours: Vec<Tallied>,
    pub(super) waits: Vec<Waited>,
    pub(super) held: Vec<Held>,
    pub(super) presence: Vec<Presence>,
    pub(super) users: Vec<UserRow>,
    /// Tickets that are overdue or due soon, in the order in which to take them, and how many there are.
    pub(super) late: Vec<TicketRow>,
    pub(super) outbox: Vec<OutboxState>,
    pub(super) dead: i64,
    pub(super) models: Vec<ModelStats>,
    pub(super) spent: Spent,
    /// Mailboxes, and when something new was last read there.
    pub(super) mailboxes: Vec<(String, Option<DateTime<Utc>>)>,
    /// What people decided about drafts in the last ninety days: channel and category, what, how often.
    pub(super) drafts: Vec<(String, String, i64)>,
    /// Lines of the trail that are not counted yet.
    pub(super) behind: i64,
}

type Key = (TenantId, Period);
type Found = (DateTime<Utc>, Arc<Numbers>);

/// The latest figures of each business.
#[derive(Debug, Default)]
pub(in crate::desk) struct Kept {
    latest: Mutex<HashMap<Key, Found>>,
    counting: tokio::sync::Mutex<()>,
}

impl Kept {
    fn look(&self, key: &Key) -> Option<Found> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Returns a business's figures. One caller counts; the others get what was counted before, or wait where there is
    /// nothing yet.
    pub(super) async fn of(
        &self,
        desk: &Desk,
        tenant: &TenantId,
        zone: Tz,
        period: Period,
    ) -> Result<Arc<Numbers>, Trouble> {
        let (now, key) = (desk.now(), (tenant.clone(), period));
        let younger = |found: &Found, than: Duration| {
            let age = now - found.0;
            (Duration::zero()..than).contains(&age)
        };
        let known = self.look(&key);
        if let Some(found) = known.as_ref().filter(|found| younger(found, STANDS)) {
            return Ok(Arc::clone(&found.1));
        }
        let turn = match (self.counting.try_lock(), known) {
            (Ok(turn), _) => turn,
            (Err(_), Some(found)) if younger(&found, SERVES) => return Ok(found.1),
            (Err(_), _) => self.counting.lock().await,
        };
        if let Some(found) = self.look(&key).filter(|found| younger(found, STANDS)) {
            return Ok(found.1);
        }
        let numbers = Arc::new(read(desk, tenant, zone, period).await?);
        let found = (now, Arc::clone(&numbers));
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found);
        drop(turn);
        Ok(numbers)
    }
}

async fn read(
    desk: &Desk,
    tenant: &TenantId,
    zone: Tz,
    period: Period,
) -> Result<Numbers, Trouble> {
    let (store, now) = (desk.web().store(), desk.now());
    let today = now.with_timezone(&zone).date_naive();
    let span = period.read(today);
    let (models, _) = store.model_stats(tenant, now - MODELS_FOR).await?;
    Ok(Numbers {
        today,
        days: store.tallies(tenant, (span.from, span.to), false).await?,
        hours: store.tallies(tenant, (today, today), true).await?,
        waits: store.first_waits(tenant, (span.from, span.to)).await?,
        held: store.held(tenant).await?,
        presence: store.presence(tenant).await?,
        users: store.list_users(Some(tenant)).await?,
        late: late(desk, tenant).await?,
        outbox: store.outbox_states(tenant, now - FAULTS_FOR).await?,
        dead: store.dead_turns(tenant).await?,
        models,
        spent: store.model_spending(tenant, now.date_naive()).await?,
        mailboxes: mailboxes(desk, tenant).await?,
        drafts: store.draft_ends(tenant, today - Duration::days(90)).await?,
        behind: store.not_added_up(tenant).await?,
    })
}

async fn late(desk: &Desk, tenant: &TenantId) -> Result<Vec<TicketRow>, Trouble> {
    let mut rows = Vec::new();
    for state in [SlaState::Breached, SlaState::AtRisk] {
        let mut filter = TicketFilter { order: TicketOrder::Rank, ..TicketFilter::default() };
        filter.equal.push(("sla_state", state.as_str().to_owned()));
        rows.extend(desk.web().store().list_tickets(tenant, &filter, None, LATE_MAX * 2).await?);
    }
    rows.retain(|row| !matches!(row.status.as_str(), "solved" | "closed"));
    rows.truncate(usize::try_from(LATE_MAX).unwrap_or(usize::MAX));
    Ok(rows)
}

async fn mailboxes(
    desk: &Desk,
    tenant: &TenantId,
) -> Result<Vec<(String, Option<DateTime<Utc>>)>, Trouble> {
    let mut mailboxes = Vec::new();
    for account in desk.web().store().accounts_of(tenant, Channel::Email).await? {
        let folder = format!("{account}/{}", FolderRole::Inbox.as_str());
        let read = desk.web().inbox().folder_read_at(&folder).await;
        mailboxes.push((account, read.map_err(anyhow::Error::from)?));
    }
    Ok(mailboxes)
}
