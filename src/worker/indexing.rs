//! Keeps the index by which tickets are found behind the messages.

use super::Worker;
use crate::ports::PortError;

impl Worker {
    /// Takes the words of tickets that changed into the index, a batch of them. Returns how many tickets it read.
    pub async fn index_tickets(&self) -> Result<usize, PortError> {
        // One at a time: the place that was reached is only moved by whoever reached it.
        let mut progress = self.indexed.lock().await;
        Ok(self.store.index_tickets(self.clock.now(), &mut progress).await?)
    }
}
