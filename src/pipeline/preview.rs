//! Content that is not published yet: how an article would answer, and a pipeline that goes by other content.

use std::sync::Arc;

use super::Pipeline;
use crate::compose::Family;
use crate::compose::{self, ComposeInput, House, NoticeFacts, Register, Templates};
use crate::domain::channel::Channel;
use crate::domain::draft::{DraftText, Passage};
use crate::domain::labels::{Locale, Sentiment};
use crate::knowledge::{Article, Library};
use crate::prompts::Prompts;
use crate::understand::Understander;

/// Content to go by instead of what is published; `None` leaves that as it is.
#[derive(Clone, Default)]
pub struct Instead {
    /// The articles.
    pub library: Option<Arc<Library>>,
    /// The reply templates.
    pub templates: Option<Arc<Templates>>,
    /// The prompts.
    pub prompts: Option<Arc<Prompts>>,
}

impl Pipeline {
    /// Returns a pipeline of the same policy that goes by other content. What the policy's examples taught is shared.
    #[must_use]
    pub fn with(&self, instead: Instead) -> Self {
        let Instead { library, templates, prompts } = instead;
        let (pack, own) = (Arc::clone(&self.pack), self.briefing.prompts());
        let understander =
            Understander::new(&super::vocabulary::of(&pack), Arc::clone(&pack.examples));
        Self {
            detector: Arc::clone(&self.detector),
            understander,
            masker: super::Masker::new(),
            reader: super::PassageReader::default(),
            briefing: super::Briefing::new(&pack, prompts.unwrap_or(own)),
            library: library.unwrap_or_else(|| Arc::clone(&self.library)),
            templates: templates.unwrap_or_else(|| Arc::clone(&self.templates)),
            pack,
        }
    }

    /// Returns what the business says of itself in every reply.
    pub fn house(&self, locale: Locale) -> House<'_> {
        let business = &self.pack.business;
        House {
            brand: &business.brand,
            ai_disclosure: business.ai_disclosure.in_locale(locale),
            way_to_person: business.way_to_person.in_locale(locale),
        }
    }

    /// Writes the reply that an article's answer would be, to somebody of whom nothing is known.
    pub fn answered_by(&self, article: &Article, channel: Channel) -> Option<DraftText> {
        let first = article.sections.first()?;
        let passages = [Passage {
            article: article.id.clone(),
            locale: article.locale,
            heading: first.heading.clone(),
            score: 1.0,
            above_floor: true,
            text: first.text.clone(),
        }];
        let House { brand, ai_disclosure, way_to_person } = self.house(article.locale);
        let category = self.pack.category(&article.category);
        let input = ComposeInput {
            locale: article.locale,
            channel,
            brand,
            ai_disclosure,
            way_to_person,
            customer_name: None,
            topic: article.topic.as_deref(),
            category_name: category.map_or("", |category| category.name.in_locale(article.locale)),
            sentiment: Sentiment::Neutral,
            register: Register::Neutral,
            ticket_number: None,
            passages: &passages,
        };
        compose::notice(&self.templates, Family::Answer, &input, &NoticeFacts::default())
    }
}
