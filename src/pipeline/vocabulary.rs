//! A pack's words in the shape that the understanding engine takes.

use crate::policy::{Keywords, Pack};
use crate::understand::Vocabulary;
use crate::understand::vocabulary::{CategoryWords, UrgencyWords};

/// Gathers the words. Customers mix languages, so all of them count.
pub(super) fn of(pack: &Pack) -> Vocabulary {
    Vocabulary {
        categories: pack
            .taxonomy
            .iter()
            .map(|category| CategoryWords {
                id: category.id.clone(),
                keywords: all(&category.keywords),
                subcategories: category
                    .subcategories
                    .iter()
                    .map(|sub| CategoryWords {
                        id: sub.id.clone(),
                        keywords: all(&sub.keywords),
                        subcategories: Vec::new(),
                    })
                    .collect(),
            })
            .collect(),
        urgency: pack
            .urgency
            .rules
            .iter()
            .map(|rule| UrgencyWords {
                id: rule.id.clone(),
                level: rule.level,
                keywords: all(&rule.keywords),
            })
            .collect(),
        default_category: pack.default_category().id.clone(),
        default_urgency: Some(pack.urgency.default),
        safety_category: safety_category(pack),
        competitors: Vec::new(),
        currency: pack.business.currency.clone(),
    }
}

/// The category whose team is the safety queue, where exactly one is.
fn safety_category(pack: &Pack) -> Option<String> {
    let mut of_team = pack.taxonomy.iter().filter(|category| category.team == pack.safety.queue);
    let only = of_team.next()?;
    of_team.next().is_none().then(|| only.id.clone())
}

fn all(keywords: &Keywords) -> Vec<String> {
    keywords.all().map(str::to_owned).collect()
}
