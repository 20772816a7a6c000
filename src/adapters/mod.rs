//! Everything outside the process that is not a channel: the store, the inbox, the clock.

pub mod clock;
pub mod inbox;
pub mod store;
