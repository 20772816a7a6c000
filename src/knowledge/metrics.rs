//! How good a ranking is, against what is known to be relevant.

use std::collections::{BTreeMap, BTreeSet};

/// Returns the share of the relevant ids among the first `at`, 0 where nothing is relevant.
pub fn recall(ranking: &[String], relevant: &BTreeSet<String>, at: usize) -> f64 {
    if relevant.is_empty() {
        return 0.0;
    }
    let found = ranking.iter().take(at).collect::<BTreeSet<_>>();
    share(found.into_iter().filter(|id| relevant.contains(*id)).count(), relevant.len())
}

/// Returns 1 / the rank of the first relevant id, 0 when none is among the first `at`.
pub fn reciprocal_rank(ranking: &[String], relevant: &BTreeSet<String>, at: usize) -> f64 {
    let first = ranking.iter().take(at).position(|id| relevant.contains(id));
    first.map_or(0.0, |rank| share(1, rank + 1))
}

/// Returns the discounted gain of the first `at` over that of the best order: gain / log2(rank + 1), as `trec_eval`
/// counts it.
pub fn ndcg(ranking: &[String], gains: &BTreeMap<String, f64>, at: usize) -> f64 {
    let discounted = |gains: &mut dyn Iterator<Item = f64>| -> f64 {
        gains.zip(2_u32..).map(|(gain, rank)| gain / f64::from(rank).log2()).sum()
    };
    let mut best: Vec<f64> = gains.values().copied().filter(|gain| *gain > 0.0).collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let ideal = discounted(&mut best.into_iter().take(at));
    if ideal <= 0.0 {
        return 0.0;
    }
    let mut seen = BTreeSet::new();
    let got = discounted(
        &mut ranking
            .iter()
            .take(at)
            .map(|id| if seen.insert(id) { gains.get(id).copied().unwrap_or(0.0) } else { 0.0 }),
    );
    got / ideal
}

/// Sums the metrics of many queries.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// How many queries were counted.
    pub queries: u32,
    sums: [f64; 5],
}

impl Metrics {
    /// The names of the metrics, in the order of [`Metrics::means`].
    pub const NAMES: [&'static str; 5] = ["recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10"];

    /// Counts a query that something is relevant for; one that nothing is says nothing of a ranking.
    pub fn add(&mut self, ranking: &[String], relevant: &BTreeSet<String>) {
        if relevant.is_empty() {
            return;
        }
        let gains = relevant.iter().map(|id| (id.clone(), 1.0)).collect();
        let values = [
            recall(ranking, relevant, 1),
            recall(ranking, relevant, 5),
            recall(ranking, relevant, 10),
            reciprocal_rank(ranking, relevant, 10),
            ndcg(ranking, &gains, 10),
        ];
        self.queries += 1;
        for (sum, value) in self.sums.iter_mut().zip(values) {
            *sum += value;
        }
    }

    /// Returns the means over the queries.
    pub fn means(&self) -> [f64; 5] {
        self.sums.map(|sum| sum / f64::from(self.queries.max(1)))
    }
}

/// Counts what is given as an answer: by queries that an article answers, and by those that none does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Answers {
    /// Queries that an article answers.
    pub answerable: u32,
    /// Those of them whose answer is a relevant article.
    pub right: u32,
    /// Those of them whose answer is another article.
    pub wrong: u32,
    /// Queries that no article answers.
    pub unanswerable: u32,
    /// Those of them that are answered all the same.
    pub false_answers: u32,
}

impl Answers {
    /// Counts a query with the article that was given as its answer, if any was.
    pub fn add(&mut self, answer: Option<&str>, relevant: &BTreeSet<String>) {
        let wrong = u32::from(answer.is_some_and(|id| !relevant.contains(id)));
        if relevant.is_empty() {
            self.unanswerable += 1;
            self.false_answers += wrong;
        } else {
            self.answerable += 1;
            self.right += u32::from(answer.is_some()) - wrong;
            self.wrong += wrong;
        }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    number(part) / number(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(list: &str) -> Vec<String> {
        list.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_graded_ranking_has_the_figures_of_trec_eval() {
        let ranking = ids("kb-7 kb-2 kb-1 kb-3 kb-5 kb-8");
        let gains: BTreeMap<String, f64> =
            [("kb-1", 3.0), ("kb-2", 2.0), ("kb-5", 1.0), ("kb-9", 2.0)]
                .map(|(id, gain)| (id.to_owned(), gain))
                .into();
        let relevant = gains.keys().cloned().collect();
        for (got, expected) in [
            (ndcg(&ranking, &gains, 3), 0.524_882_791_6),
            (ndcg(&ranking, &gains, 5), 0.553_129_972),
            (ndcg(&ranking, &gains, 10), 0.553_129_972),
            (recall(&ranking, &relevant, 3), 0.5),
            (recall(&ranking, &relevant, 5), 0.75),
            (recall(&ranking, &relevant, 10), 0.75),
            (reciprocal_rank(&ranking, &relevant, 10), 0.5),
        ] {
            assert!((got - expected).abs() < 1e-9, "{got} {expected}");
        }
    }

    #[test]
    fn odd_rankings_have_figures_too() {
        let relevant = BTreeSet::from(["a".to_owned()]);
        for (ranking, relevant, expected) in [
            ("", &relevant, [0.0; 5]),
            ("a", &relevant, [1.0; 5]),
            ("b a", &relevant, [0.0, 1.0, 1.0, 0.5, 1.0 / 3.0_f64.log2()]),
            ("a a a", &relevant, [1.0; 5]),
        ] {
            let mut metrics = Metrics::default();
            metrics.add(&ids(ranking), relevant);
            for (got, expected) in metrics.means().iter().zip(expected) {
                assert!((got - expected).abs() < 1e-9, "{ranking}: {got} {expected}");
            }
        }
    }

    #[test]
    fn queries_without_an_article_count_for_answers_only() {
        let (some, none) = (BTreeSet::from(["a".to_owned()]), BTreeSet::new());
        let mut metrics = Metrics::default();
        metrics.add(&ids("a b"), &none);
        assert_eq!(metrics, Metrics::default());
        let mut answers = Answers::default();
        for (answer, relevant) in [
            (Some("a"), &some),
            (Some("b"), &some),
            (None, &some),
            (Some("a"), &none),
            (None, &none),
        ] {
            answers.add(answer, relevant);
        }
        let expected =
            Answers { answerable: 3, right: 1, wrong: 1, unanswerable: 2, false_answers: 1 };
        assert_eq!(answers, expected);
    }
}
