//! What waits, counted for everybody who looks at it at the same time.
//!
//! Counting costs more as more tickets are open, so a count is kept for a second, or for ten times as long as it took.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::adapters::store::{QueueCount, Store, StoreError};
use crate::domain::ids::TenantId;

/// How long a count stands at the least.
const STANDS: Duration = Duration::from_secs(1);

/// Counts of one business.
#[derive(Debug)]
pub(crate) struct Board {
    /// Per queue, level and kind of owner.
    pub(crate) queues: Vec<QueueCount>,
    /// Open tickets by how they stand.
    pub(crate) sla: BTreeMap<String, i64>,
}

/// The latest counts of each business.
#[derive(Debug, Default)]
pub(crate) struct Boards(Mutex<HashMap<TenantId, (Instant, Arc<Board>)>>);

impl Boards {
    /// Returns the counts of a business; one caller counts, the others wait for it.
    pub(super) async fn of(
        &self,
        store: &Store,
        tenant: &TenantId,
    ) -> Result<Arc<Board>, StoreError> {
        let mut kept = self.0.lock().await;
        let started = Instant::now();
        if let Some((until, board)) = kept.get(tenant)
            && started < *until
        {
            return Ok(Arc::clone(board));
        }
        let mut sla: BTreeMap<String, i64> =
            ["on_track", "at_risk", "breached"].map(|word| (word.to_owned(), 0)).into();
        sla.extend(store.sla_counts(tenant).await?);
        let board = Arc::new(Board { queues: store.queue_counts(tenant).await?, sla });
        let until = Instant::now() + STANDS.max(started.elapsed() * 10);
        kept.insert(tenant.clone(), (until, Arc::clone(&board)));
        Ok(board)
    }
}
