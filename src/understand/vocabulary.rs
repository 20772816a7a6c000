//! What a policy pack gives to the engine: its categories, urgency rules and competitors, in the
//! phrase pattern language.

use super::reading::Use;
use crate::domain::labels::Urgency;
use crate::text::phrases::Pattern;

/// The words of a pack. Keywords of all languages stand in one list: customers mix languages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vocabulary {
    /// The categories in the pack's order.
    pub categories: Vec<CategoryWords>,
    /// The urgency rules in the pack's order.
    pub urgency: Vec<UrgencyWords>,
    /// The category for turns that no keyword places.
    pub default_category: String,
    /// The urgency of turns that no rule raises or lowers; `None` means normal.
    pub default_urgency: Option<Urgency>,
    /// The category of people in danger, where the pack has one of its own.
    pub safety_category: Option<String>,
    /// Patterns that name competitors.
    pub competitors: Vec<String>,
    /// ISO 4217 code of the pack's money.
    pub currency: String,
}

/// A category or subcategory with its keywords.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CategoryWords {
    /// The id in the pack.
    pub id: String,
    /// Its keywords, in the pattern language.
    pub keywords: Vec<String>,
    /// Its subcategories; empty for a subcategory.
    pub subcategories: Vec<CategoryWords>,
}

/// An urgency rule with its keywords.
#[derive(Clone, Debug, PartialEq)]
pub struct UrgencyWords {
    /// The rule's id in the pack.
    pub id: String,
    /// The level that it asks for.
    pub level: Urgency,
    /// Its keywords, in the pattern language.
    pub keywords: Vec<String>,
}

impl Vocabulary {
    pub(super) fn patterns(&self, patterns: &mut Vec<(Pattern, Use)>) {
        let mut add = |keywords: &[String], make: &dyn Fn(u32, usize) -> Use| {
            for (i, keyword) in (0..).zip(keywords) {
                if let Ok(pattern) = Pattern::parse(keyword) {
                    let words = pattern.min_words();
                    patterns.push((pattern, make(i, words)));
                }
            }
        };
        for (category, words) in self.categories.iter().enumerate() {
            add(&words.keywords, &|keyword, words| Use::Category {
                category,
                subcategory: None,
                keyword,
                words,
            });
            for (sub, words) in words.subcategories.iter().enumerate() {
                add(&words.keywords, &|keyword, words| Use::Category {
                    category,
                    subcategory: Some(sub),
                    keyword,
                    words,
                });
            }
        }
        for (rule, words) in self.urgency.iter().enumerate() {
            add(&words.keywords, &|_, _| Use::Urgency(rule));
        }
        add(&self.competitors, &|_, _| Use::Competitor);
        let generic = [
            "(concorrente|concorrentes|concorrencia|competitor|competitors|competition|competencia)",
        ];
        add(&generic.map(str::to_owned), &|_, _| Use::Competitor);
    }
}
