//! Statements over many rows: one trip to the database for a batch, however many rows it has.
//!
//! Rows travel as `VALUES` lists of parameters, which both databases read alike; a batch is cut so that no statement has more parameters than the smaller of the two takes.

use super::Dialect;

/// How many rows one statement carries at the most. SQLite takes 32 766 parameters, PostgreSQL
/// 65 535; no row here has more than twenty.
pub(super) const ROWS_MAX: usize = 256;

/// Returns `(?, ?), (?, ?), …`, or the same with `$1`: the places of `rows` rows with `columns`
/// parameters each, bound in this order. SQLite looks a named parameter up among all others, which for
/// thousands of them takes longer than the statement itself; one without a name costs nothing.
pub(super) fn places(dialect: Dialect, rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * (columns * 6 + 3));
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                text.push_str(", ");
            }
            match dialect {
                Dialect::Sqlite => text.push('?'),
                Dialect::Postgres => {
                    text.push('$');
                    text.push_str(&(row * columns + column + 1).to_string());
                }
            }
        }
        text.push(')');
    }
    text
}

/// Returns `WITH r (a, b) AS (VALUES …) `: the rows as a table that the statement reads.
pub(super) fn with_rows(dialect: Dialect, columns: &[&str], rows: usize) -> String {
    let places = places(dialect, rows, columns.len());
    format!("WITH r ({}) AS (VALUES {places}) ", columns.join(", "))
}

/// Converts a place in a list, or a count, to what the databases hold.
pub(super) fn to_int(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_through() {
        use Dialect::{Postgres, Sqlite};
        assert_eq!(places(Postgres, 1, 1), "($1)");
        assert_eq!(places(Postgres, 2, 3), "($1, $2, $3), ($4, $5, $6)");
        assert_eq!(places(Sqlite, 2, 3), "(?, ?, ?), (?, ?, ?)");
        assert_eq!(
            with_rows(Postgres, &["id", "version"], 2),
            "WITH r (id, version) AS (VALUES ($1, $2), ($3, $4)) "
        );
    }
}
