//! Whether an article without sample questions is an answer, by its text alone.
//!
//! Three quantities speak for it: how much of what the message could score the text scores, how far it leads the
//! next article, and what share of the message's words it has. Their weights are those of a logistic regression on
//! sample questions of two locales against articles that lacked them, with each question's own article there (an
//! answer) and left out (none), and on messages about other things (none). Where "enough" begins is fitted per shelf.

/// Weight of the score as a share of what the message could score.
const DENSITY: f64 = 6.4;
/// Weight of the lead over the next article, as a logarithm.
const LEAD: f64 = 2.0;
/// Weight of the share of words found.
const FOUND: f64 = 1.6;
const BIAS: f64 = -5.1;
/// Dimensions added to a query's own, so that one word alone never scores in full.
const FEW: f64 = 5.0;

/// How an article's text matches a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    /// Its BM25 score.
    pub(super) body: f64,
    /// The best score of another article.
    pub(super) rival: f64,
    /// The share of the message's words that it has, from 0 to 1.
    pub(super) found: f64,
}

impl Match {
    /// Returns the logarithm of the odds that the article is an answer, for a query of so many dimensions on a shelf
    /// of so many passages.
    pub(super) fn odds(&self, dimensions: usize, passages: usize) -> f64 {
        // The rarity of a word that one passage has: what a dimension scores at most, about.
        let rarest = (count(passages) / 1.5).ln_1p().max(f64::EPSILON);
        let density = self.body / rarest / (count(dimensions) + FEW);
        let lead = ((self.body + rarest) / (self.rival + rarest)).ln();
        DENSITY * density + LEAD * lead + FOUND * self.found + BIAS
    }
}

/// The two articles with the best scores.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BestTwo {
    first: (usize, f64),
    second: f64,
}

impl BestTwo {
    /// Returns the best score of any other article.
    pub(super) fn rival_of(&self, article: usize) -> f64 {
        if self.first.0 == article { self.second } else { self.first.1 }
    }
}

/// Finds the best two among (article, score), of which an article may have several.
pub(super) fn best_two(scores: impl Iterator<Item = (usize, f64)>) -> BestTwo {
    scores.fold(BestTwo::default(), |best, (article, score)| {
        if score > best.first.1 {
            let second = if best.first.0 == article { best.second } else { best.first.1 };
            BestTwo { first: (article, score), second }
        } else if article != best.first.0 {
            BestTwo { second: best.second.max(score), ..best }
        } else {
            best
        }
    })
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_of_anything_never_lowers_the_odds_and_a_rival_does() {
        let base = Match { body: 20.0, rival: 10.0, found: 0.5 };
        let odds = |matched: Match| matched.odds(30, 200);
        assert!(odds(Match { body: 25.0, ..base }) > odds(base));
        assert!(odds(Match { found: 0.8, ..base }) > odds(base));
        assert!(odds(Match { rival: 19.0, ..base }) < odds(base));
        // 6.4 · 20 / 4.9 / 35 + 2 · ln(24.9 / 14.9) + 0.8 - 5.1.
        assert!((odds(base) - -2.527).abs() < 0.01, "{}", odds(base));
    }

    #[test]
    fn the_rival_is_the_best_other_article() {
        let best = best_two([(1, 3.0), (2, 5.0), (2, 4.5), (3, 4.0), (2, 6.0)].into_iter());
        for (article, rival) in [(1, 6.0), (2, 4.0), (3, 6.0)] {
            assert!((best.rival_of(article) - rival).abs() < 1e-9, "{article}");
        }
        assert!(best_two([(7, 2.0), (7, 1.0)].into_iter()).rival_of(7).abs() < 1e-9);
    }
}
