//! The statements of a search. Each finds its way along an index; none reads more than it is told to.

use sqlx::AnyPool;
use sqlx::any::AnyRow;

use super::StoreError;
use super::indexing::list;
use crate::domain::ids::TenantId;
use crate::text::search::{Query, Term};

/// A word that no more tickets have is rare: all of them are looked at.
pub(super) const RARE: i64 = 2_000;
/// How many tickets are looked at in one step.
pub(super) const STEP: usize = 512;

/// A statement that is being written, with what is bound to it. `$1` is the tenant.
pub(super) struct Sql {
    text: String,
    bound: Vec<String>,
}

impl Sql {
    fn new(tenant: &TenantId) -> Self {
        Self { text: String::new(), bound: vec![tenant.as_str().to_owned()] }
    }

    /// Counts a term's rows in the index, up to one more than is rare; a row for each condition.
    pub(super) fn count(tenant: &TenantId, term: &Term) -> Self {
        Self::each(tenant, term, |condition| {
            format!(
                "SELECT COUNT(*) FROM (SELECT 1 FROM search_words w WHERE w.tenant = $1 AND {condition} LIMIT {}) counted",
                RARE + 1
            )
        })
    }

    /// The numbers of a term's tickets.
    pub(super) fn numbers(tenant: &TenantId, term: &Term) -> Self {
        Self::each(tenant, term, |condition| {
            format!("SELECT w.number FROM search_words w WHERE w.tenant = $1 AND {condition}")
        })
    }

    /// The tickets that have a word, the newest of them first.
    pub(super) fn tickets_of(tenant: &TenantId, word: &str, before: i64) -> Self {
        let mut sql = Self::new(tenant);
        let word = sql.bind(word.to_owned());
        sql.text = format!(
            "SELECT w.number FROM search_words w WHERE w.tenant = $1 AND w.word = {word} AND w.number < {before} \
             ORDER BY w.number DESC LIMIT {STEP}"
        );
        sql
    }

    /// All tickets, the newest first.
    pub(super) fn tickets(tenant: &TenantId, before: i64) -> Self {
        let text = format!(
            "SELECT t.number FROM tickets t WHERE t.tenant = $1 AND t.number < {before} ORDER BY t.number DESC LIMIT {STEP}"
        );
        Self { text, ..Self::new(tenant) }
    }

    /// Those of the candidates that have every term.
    pub(super) fn matching(tenant: &TenantId, query: &Query, candidates: &[i64]) -> Self {
        let mut sql = Self::new(tenant);
        let values: Vec<String> = candidates.iter().map(|number| format!("({number})")).collect();
        let terms: Vec<String> = query.terms.iter().map(|term| sql.has(term)).collect();
        // CASE keeps the order: the candidates first, each looked up in the index.
        sql.text = format!(
            "WITH c (number) AS (VALUES {}) SELECT c.number FROM c WHERE CASE WHEN {} THEN 1 ELSE 0 END = 1",
            values.join(", "),
            terms.join(" AND ")
        );
        sql
    }

    /// In which fields of these tickets the words of a query stand.
    pub(super) fn fields(tenant: &TenantId, query: &Query, numbers: &[i64]) -> Self {
        let mut sql = Self::new(tenant);
        let conditions: Vec<String> =
            query.terms.iter().flat_map(|term| sql.conditions(term)).collect();
        sql.text = format!(
            "SELECT w.number, w.fields FROM search_words w WHERE w.tenant = $1 AND w.number IN ({}) AND (({}))",
            list(numbers),
            conditions.join(") OR (")
        );
        sql
    }

    /// One statement for each condition of a term, all in one.
    fn each(tenant: &TenantId, term: &Term, select: impl Fn(String) -> String) -> Self {
        let mut sql = Self::new(tenant);
        let parts: Vec<String> = sql.conditions(term).into_iter().map(select).collect();
        sql.text = parts.join(" UNION ALL ");
        sql
    }

    /// The condition under which the ticket `c` has a term.
    fn has(&mut self, term: &Term) -> String {
        let exists = |condition: String| {
            format!(
                "EXISTS (SELECT 1 FROM search_words w WHERE w.tenant = $1 AND w.number = c.number AND {condition})"
            )
        };
        let any: Vec<String> = self.conditions(term).into_iter().map(exists).collect();
        format!("({})", any.join(" OR "))
    }

    fn bind(&mut self, text: String) -> String {
        self.bound.push(text);
        format!("${}", self.bound.len())
    }

    /// Returns the conditions under which a row `w` of the index is one of a term; any of them will do. They are kept
    /// apart: along one condition each database finds its way through the index, along two joined by OR it may not.
    fn conditions(&mut self, term: &Term) -> Vec<String> {
        let mut conditions = Vec::with_capacity(2);
        if !term.words.is_empty() {
            let words: Vec<String> =
                term.words.iter().map(|word| self.bind(word.clone())).collect();
            conditions.push(format!("w.word IN ({})", words.join(", ")));
        }
        if let Some(prefix) = &term.prefix {
            // No character comes after the last one.
            let (from, to) =
                (self.bind(prefix.clone()), self.bind(format!("{prefix}{}", char::MAX)));
            conditions.push(format!("w.word >= {from} AND w.word < {to}"));
        }
        conditions
    }

    pub(super) async fn fetch<R>(self, reads: &AnyPool) -> Result<Vec<R>, StoreError>
    where
        R: Send + Unpin + for<'r> sqlx::FromRow<'r, AnyRow>,
    {
        let mut asked = sqlx::query_as(sqlx::AssertSqlSafe(self.text)).persistent(false);
        for text in self.bound {
            asked = asked.bind(text);
        }
        Ok(asked.fetch_all(reads).await?)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;
    use tokio_util::task::TaskTracker;

    use super::super::{Dialect, Store, StoreLocation, erasure, indexing};
    use super::*;

    /// How SQLite goes about a statement, step by step.
    async fn plan(store: &Store, sql: Sql) -> Vec<String> {
        let explained = Sql { text: format!("EXPLAIN QUERY PLAN {}", sql.text), ..sql };
        let mut asked = sqlx::query(sqlx::AssertSqlSafe(explained.text));
        for text in explained.bound {
            asked = asked.bind(text);
        }
        let rows = asked.fetch_all(&store.reads).await.unwrap();
        rows.iter().map(|row| row.try_get("detail").unwrap()).collect()
    }

    fn plain(text: String) -> Sql {
        Sql { text, bound: vec!["[]".to_owned()] }
    }

    #[tokio::test]
    async fn every_statement_goes_along_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let location = StoreLocation::embedded(folder.path());
        let store = Store::open(&location, &TaskTracker::new()).await.unwrap();
        let tenant = TenantId::main();
        // A word, one of several words, a beginning, and a word or a beginning.
        let query = Query::parse("boleto 11987654321 pgto");
        let term = |at: usize| &query.terms[at];
        let named = "(tenant=? AND word=?";
        let beginning = "(tenant=? AND word>? AND word<?)";
        let of_ticket = "INDEX search_words_of_ticket (tenant=? AND number=?";
        let now = chrono::DateTime::UNIX_EPOCH;
        let filled = |text: &str| plain(erasure::fill(Dialect::Sqlite, text, now));
        for (what, sql, expected) in [
            ("count", Sql::count(&tenant, term(0)), vec![named]),
            ("count forms", Sql::count(&tenant, term(1)), vec![named]),
            ("count either", Sql::count(&tenant, term(2)), vec![named, beginning]),
            ("numbers", Sql::numbers(&tenant, term(1)), vec![named]),
            ("numbers of either", Sql::numbers(&tenant, term(2)), vec![named, beginning]),
            (
                "tickets of a word",
                Sql::tickets_of(&tenant, "boleto", 9),
                vec!["(tenant=? AND word=? AND number<?)"],
            ),
            ("tickets", Sql::tickets(&tenant, 9), vec!["(tenant=? AND number<?)"]),
            (
                "matching",
                Sql::matching(&tenant, &query, &[1, 2, 3]),
                vec![
                    "(tenant=? AND word=? AND number=?)",
                    "(tenant=? AND number=? AND word=?)",
                    "(tenant=? AND number=? AND word>? AND word<?)",
                ],
            ),
            ("fields", Sql::fields(&tenant, &query, &[1, 2, 3]), vec![of_ticket]),
            ("words of tickets", filled(indexing::KEPT), vec![of_ticket]),
            ("forget tickets", filled(indexing::FORGET_TICKETS), vec![of_ticket]),
            ("forget conversations", filled(indexing::FORGET_CONVERSATIONS), vec![of_ticket]),
            ("forget customers", filled(indexing::FORGET_CUSTOMERS), vec![of_ticket]),
        ] {
            let steps = plan(&store, sql).await;
            let words: Vec<&String> = steps
                .iter()
                .filter(|step| step.contains(" w ") || step.contains("search_words"))
                .collect();
            for step in &words {
                let known = expected.iter().any(|expected| step.contains(expected));
                assert!(known, "{what}: {steps:#?}");
            }
            // Of two ways to the same word the planner takes either.
            for expected in expected.iter().filter(|_| !matches!(what, "tickets" | "matching")) {
                assert!(words.iter().any(|step| step.contains(expected)), "{what}: {steps:#?}");
            }
            let reads_all =
                steps.iter().any(|step| step.starts_with("SCAN t") || step.starts_with("SCAN w"));
            let sorts = steps.iter().any(|step| step.contains("TEMP B-TREE"));
            assert!(!reads_all && !sorts, "{what}: {steps:#?}");
        }
    }
}
