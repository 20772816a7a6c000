//! Who works at the desk, and what each of them may do there.

super::words! {
    /// The part that a person has in the team.
    Role {
        /// Answers customers.
        Agent = "agent",
        /// Watches queues and deadlines, and may stop the assistant.
        Supervisor = "supervisor",
        /// Writes articles, templates and prompts.
        Content = "content",
        /// Looks after accounts; may do everything.
        Admin = "admin",
    }
}

super::words! {
    /// What a page or an action of the desk asks for.
    Right {
        /// To be signed in, in whatever part.
        Look = "look",
        /// To read and answer tickets.
        Work = "work",
        /// To see the team's board, switch modes and stop the assistant.
        Supervise = "supervise",
        /// To edit and publish content.
        Write = "write",
        /// To manage accounts.
        People = "people",
    }
}

impl Role {
    /// Returns true where people of this role have the right.
    pub const fn may(self, right: Right) -> bool {
        match (self, right) {
            (Self::Admin, _)
            | (_, Right::Look)
            | (Self::Agent | Self::Supervisor, Right::Work)
            | (Self::Supervisor, Right::Supervise)
            | (Self::Content, Right::Write) => true,
            (Self::Agent | Self::Supervisor | Self::Content, _) => false,
        }
    }

    /// Returns the roles that have a right, the one with the least rights first.
    pub fn with(right: Right) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |role| role.may(right))
    }
}

#[cfg(test)]
mod tests {
    use super::{Right, Role};

    #[test]
    fn each_role_has_its_rights_and_no_others() {
        let rights = |role: Role| -> Vec<&str> {
            Right::ALL
                .iter()
                .filter(|right| role.may(**right))
                .map(|right| right.as_str())
                .collect()
        };
        assert_eq!(rights(Role::Agent), ["look", "work"]);
        assert_eq!(rights(Role::Supervisor), ["look", "work", "supervise"]);
        assert_eq!(rights(Role::Content), ["look", "write"]);
        assert_eq!(rights(Role::Admin), ["look", "work", "supervise", "write", "people"]);
        assert_eq!(
            Role::with(Right::Supervise).collect::<Vec<_>>(),
            [Role::Supervisor, Role::Admin]
        );
    }
}
