//! A ticket's life cycle and the one owner of its conversation.

super::words! {
    /// The stages of a ticket (T2).
    TicketStatus {
        /// Arrived, nobody has it.
        New = "new",
        /// Being worked on.
        Open = "open",
        /// Waiting for the customer.
        Pending = "pending",
        /// Handed to people of a higher tier; returns to open when they acknowledge.
        Escalated = "escalated",
        /// Answered, and the customer has not objected yet.
        Solved = "solved",
        /// Over; a new message opens a linked ticket.
        Closed = "closed",
    }
}

impl TicketStatus {
    /// Returns true where the change is part of the life cycle.
    pub const fn may_become(self, next: Self) -> bool {
        use TicketStatus::{Closed, Escalated, New, Open, Pending, Solved};
        match (self, next) {
            (Closed, _) | (_, New) => false,
            (New, _)
            | (Open | Pending | Escalated | Solved, Open | Closed)
            | (Open, Pending | Escalated | Solved)
            | (Pending, Escalated | Solved)
            | (Escalated, Pending | Solved)
            | (Solved, Escalated) => true,
            (Pending | Escalated | Solved, _) => false,
        }
    }

    /// True until the ticket is over for good.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Solved | Self::Closed)
    }
}

super::words! {
    /// Who answers a conversation. Exactly one owner at any time.
    OwnerKind {
        /// The worker.
        Ai = "ai",
        /// The queue of drafts to review.
        Review = "review",
        /// A human queue.
        Queue = "queue",
        /// A named agent, under a lease.
        Agent = "agent",
    }
}

#[cfg(test)]
mod tests {
    use super::TicketStatus::{self, Closed, Escalated, New, Open, Pending, Solved};

    #[test]
    fn a_ticket_moves_only_along_its_life_cycle() {
        let allowed: &[(TicketStatus, &[TicketStatus])] = &[
            (New, &[Open, Pending, Escalated, Solved, Closed]),
            (Open, &[Open, Pending, Escalated, Solved, Closed]),
            (Pending, &[Open, Escalated, Solved, Closed]),
            (Escalated, &[Open, Pending, Solved, Closed]),
            (Solved, &[Open, Escalated, Closed]),
            (Closed, &[]),
        ];
        for (from, targets) in allowed {
            for to in TicketStatus::ALL {
                assert_eq!(from.may_become(*to), targets.contains(to), "{from} -> {to}");
            }
        }
    }
}
