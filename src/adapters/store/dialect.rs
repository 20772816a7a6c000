//! The few places where SQLite and PostgreSQL differ, and how their errors are judged.

use sqlx::AnyConnection;

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

    /// Returns the dialect of a connection.
    pub(super) fn of(connection: &AnyConnection) -> Self {
        match connection.backend_name() {
            "SQLite" => Self::Sqlite,
            _ => Self::Postgres,
        }
    }

    /// Locks the selected rows of these aliases, in this order, until the transaction ends. Every row
    /// whose columns are relied on must be named: of the others PostgreSQL shows what they were
    /// before the wait for the lock. The conversation (`c`) comes first everywhere, so that nobody
    /// waits in a circle. SQLite has one writer, so nothing is needed.
    pub fn lock(self, aliases: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!(" FOR UPDATE OF {aliases}"),
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
            Some(code) => classify_code(code),
            None => PortErrorKind::Permanent,
        },
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => PortErrorKind::Transient,
        _ => PortErrorKind::Permanent,
    }
}

/// Judges SQLite's numbers (up to four digits) and PostgreSQL's five letters and digits.
fn classify_code(code: &str) -> PortErrorKind {
    let passes = if code.len() == 5 {
        // 08 connection lost, 40 rolled back by the server, 53 out of resources, 57 shut down;
        // 25006: the server became a stand-by; 55P03: a lock was not to be had; 23505: another
        // worker wrote the same key first (a new conversation, a copy of a message), which the
        // next try finds: ids of ours never collide.
        ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class))
            || ["25006", "55P03", "23505"].contains(&code)
    } else {
        // 5 busy, 6 locked, 8 read-only, 10 i/o, 13 full, 14 cannot open (with their extended
        // codes): the disk may have room again, the other process may be done.
        code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14))
    };
    if passes { PortErrorKind::Transient } else { PortErrorKind::Permanent }
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

    #[test]
    fn codes_of_what_passes_are_told_from_codes_of_what_stays() {
        for (code, what, passes) in [
            ("5", "SQLITE_BUSY", true),
            ("517", "SQLITE_BUSY_SNAPSHOT", true),
            ("8", "SQLITE_READONLY", true),
            ("13", "SQLITE_FULL", true),
            ("778", "SQLITE_IOERR_WRITE", true),
            ("14", "SQLITE_CANTOPEN", true),
            ("1", "SQLITE_ERROR", false),
            ("11", "SQLITE_CORRUPT", false),
            ("2067", "SQLITE_CONSTRAINT_UNIQUE: one writer, so it is a mistake of ours", false),
            ("40001", "serialization_failure", true),
            ("40P01", "deadlock_detected", true),
            ("23505", "unique_violation: another worker was first", true),
            ("53100", "disk_full", true),
            ("57P01", "admin_shutdown", true),
            ("25006", "read_only_sql_transaction", true),
            ("22021", "character_not_in_repertoire", false),
            ("42601", "syntax_error", false),
            ("23503", "foreign_key_violation", false),
        ] {
            assert_eq!(classify_code(code) == PortErrorKind::Transient, passes, "{code} {what}");
        }
    }
}
