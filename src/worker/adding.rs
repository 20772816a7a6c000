//! What happened is added up for boards and reports, a stretch of the trail at a time.

use super::Worker;
use crate::ports::PortError;

impl Worker {
    /// Adds up the next stretch of each business's trail. Returns how many lines it read.
    pub async fn add_up(&self) -> Result<usize, PortError> {
        let mut read = 0;
        for id in self.tenants.ids() {
            let Some(tenant) = self.tenants.get(&id) else { continue };
            let zone = tenant.pipeline.pack().business.time_zone;
            read += self.store.add_up(self.clock.now(), &id, zone).await?;
        }
        Ok(read)
    }
}
