//! The few places where SQLite and PostgreSQL differ, and how their errors are judged.

use crate::ports::PortErrorKind;

/// Which database speaks on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, in process.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

impl Dialect {
    /// Returns the dialect of a URL; `None` for a database that we do not speak.
    pub fn of_url(url: &str) -> Option<Self> {
        if url.starts_with("sqlite:") {
            Some(Self::Sqlite)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Some(Self::Postgres)
        } else {
            None
        }
    }

    /// Locks the selected conversation (alias `c`) until the transaction ends. SQLite has one writer,
    /// so nothing is needed.
    pub const fn lock_conversation(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE OF c",
        }
    }

    /// Locks the selected rows and passes over those that another worker holds.
    pub const fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// A sub-select of the strings in a JSON array parameter.
    pub fn json_strings(self, parameter: &str) -> String {
        match self {
            Self::Sqlite => format!("(SELECT value FROM json_each({parameter}))"),
            Self::Postgres => {
                format!("(SELECT jsonb_array_elements_text(CAST({parameter} AS jsonb)))")
            }
        }
    }
}

/// Decides what a database error means for the caller.
pub(super) fn classify(error: &sqlx::Error) -> PortErrorKind {
    match error {
        sqlx::Error::Database(db) => match db.code().as_deref() {
            // SQLite: 5 busy, 6 locked, 10 i/o, 13 full (with their extended codes): the disk may
            // have room again, the other process may be done.
            Some(code)
                if code.parse::<u32>().is_ok_and(|c| matches!(c & 0xff, 5 | 6 | 10 | 13))
                    && code.len() <= 4 =>
            {
                PortErrorKind::Transient
            }
            // PostgreSQL: 40xxx rolled back by the server, 53xxx out of resources, 57xxx shut down.
            Some(code)
                if code.len() == 5
                    && (code.starts_with("40")
                        || code.starts_with("53")
                        || code.starts_with("57")) =>
            {
                PortErrorKind::Transient
            }
            _ => PortErrorKind::Permanent,
        },
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => PortErrorKind::Transient,
        _ => PortErrorKind::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_its_database() {
        for (url, expected) in [
            ("sqlite:/tmp/a.db", Some(Dialect::Sqlite)),
            ("postgres://u@h/d", Some(Dialect::Postgres)),
            ("postgresql://u@h/d", Some(Dialect::Postgres)),
            ("mysql://u@h/d", None),
            ("", None),
        ] {
            assert_eq!(Dialect::of_url(url), expected, "{url}");
        }
    }

    #[test]
    fn a_lost_connection_is_worth_another_try_and_a_wrong_query_is_not() {
        assert_eq!(classify(&sqlx::Error::PoolTimedOut), PortErrorKind::Transient);
        assert_eq!(classify(&sqlx::Error::RowNotFound), PortErrorKind::Permanent);
    }
}
