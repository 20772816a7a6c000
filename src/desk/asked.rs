//! What an address of the desk asks for: which queue, narrowed how, which ticket, and what of it.

use crate::adapters::store::{Cursor, Place, TicketFilter};
use crate::domain::channel::Channel;
use crate::domain::labels::{Language, Sentiment, Urgency};
use crate::policy::clocks::SlaState;

/// What is behind the question mark of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// A queue of people; the review queue where there is none.
    pub(super) queue: Option<String>,
    /// `mine` or `snoozed`; everybody's where there is none.
    pub(super) whose: Option<String>,
    /// What is searched for.
    pub(super) search: Option<String>,
    /// What rows must be like.
    pub(super) filters: Vec<(&'static str, String)>,
    /// The last row of the page before.
    pub(super) after: Option<String>,
    /// The ticket that is open.
    pub(super) ticket: Option<String>,
    /// The sentence of its draft that is looked at, from 1.
    pub(super) sentence: Option<usize>,
    /// `message`: the draft as the customer will see it.
    pub(super) view: Option<String>,
    /// The form that is open: `edit`, `reject`, `again`, `escalate`, `template`.
    pub(super) form: Option<String>,
    /// What is looked for in the articles.
    pub(super) articles: Option<String>,
}

/// Most bytes of one value; longer ones are left out.
const VALUE_MAX: usize = 200;

impl Asked {
    /// What rows can be narrowed by.
    pub(super) const FILTERS: &'static [&'static str] = &[
        "channel",
        "category",
        "language",
        "urgency",
        "sentiment",
        "sla_state",
        "level",
        "assignee",
        "tag",
    ];

    /// Reads the part of an address behind its question mark; what nobody knows is left out.
    pub(super) fn read(query: &str) -> Self {
        let mut asked = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim().to_owned();
            if value.is_empty() || value.len() > VALUE_MAX {
                continue;
            }
            match key.as_ref() {
                "fila" if value != "review" => asked.queue = Some(value),
                "de" if matches!(value.as_str(), "mine" | "snoozed") => asked.whose = Some(value),
                "q" => asked.search = Some(value),
                "depois" => asked.after = Some(value),
                "t" => asked.ticket = Some(value),
                "frase" => asked.sentence = value.parse().ok(),
                "ver" => asked.view = Some(value),
                "acao" => asked.form = Some(value),
                "artigos" => asked.articles = Some(value),
                name => {
                    let known = Self::FILTERS.iter().find(|known| **known == name);
                    if let Some(known) = known.filter(|known| fits(known, &value)) {
                        asked.filters.push((known, value));
                    }
                }
            }
        }
        asked
    }

    /// Where the tickets wait that are asked for.
    pub(super) fn place(&self, agent: &str) -> Place {
        match (self.whose.as_deref(), &self.queue) {
            (Some("mine"), _) => Place::Of(agent.to_owned()),
            (Some(_), _) => Place::Snoozed,
            (None, Some(queue)) => Place::Queue(queue.clone()),
            (None, None) => Place::Review,
        }
    }

    /// What rows must be like, for the store.
    pub(super) fn filter(&self) -> TicketFilter {
        let mut filter = TicketFilter::default();
        for (name, value) in &self.filters {
            match *name {
                "tag" => filter.tag = Some(value.clone()),
                column => filter.equal.push((column, value.clone())),
            }
        }
        filter
    }

    /// The place in the list to go on from.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.after.as_deref().and_then(Cursor::decode)
    }

    /// The address of the same list without a ticket.
    pub(super) fn list(&self) -> Self {
        Self {
            ticket: None,
            sentence: None,
            view: None,
            form: None,
            articles: None,
            ..self.clone()
        }
    }

    /// The address of a ticket in the same list.
    pub(super) fn on(&self, ticket: &str) -> Self {
        Self { ticket: Some(ticket.to_owned()), ..self.list() }
    }

    /// The same with that ticket open.
    pub(super) fn on_with(&self, ticket: &str) -> Self {
        Self { ticket: Some(ticket.to_owned()), ..self.clone() }
    }

    /// What the address asks for, name by name.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let address = self.address();
        let query = address.split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// Writes the address.
    pub(super) fn address(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let pairs = [
            ("fila", self.queue.as_deref()),
            ("de", self.whose.as_deref()),
            ("q", self.search.as_deref()),
        ];
        for (name, value) in pairs.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            query.append_pair(name, value);
        }
        for (name, value) in &self.filters {
            query.append_pair(name, value);
        }
        let sentence = self.sentence.map(|sentence| sentence.to_string());
        let pairs = [
            ("depois", self.after.as_deref()),
            ("t", self.ticket.as_deref()),
            ("frase", sentence.as_deref()),
            ("ver", self.view.as_deref()),
            ("acao", self.form.as_deref()),
            ("artigos", self.articles.as_deref()),
        ];
        for (name, value) in pairs.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            query.append_pair(name, value);
        }
        let query = query.finish();
        if query.is_empty() { "/desk/review".to_owned() } else { format!("/desk/review?{query}") }
    }
}

/// True for a value that a filter knows; a word that no ticket can have would only find nothing.
fn fits(filter: &str, value: &str) -> bool {
    match filter {
        "channel" => Channel::parse(value).is_some(),
        "language" => Language::parse(value).is_some(),
        "urgency" => Urgency::parse(value).is_some(),
        "sentiment" => Sentiment::parse(value).is_some(),
        "sla_state" => SlaState::parse(value).is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_was_asked_and_is_read_back() {
        let query =
            "fila=billing&q=boleto+%26+pix&channel=email&urgency=nonsense&t=tck_1&frase=3&x=y";
        let asked = Asked::read(query);
        assert_eq!(asked.queue.as_deref(), Some("billing"));
        assert_eq!(asked.filters, [("channel", "email".to_owned())]);
        assert_eq!(asked.sentence, Some(3));
        let address = asked.address();
        assert_eq!(
            address,
            "/desk/review?fila=billing&q=boleto+%26+pix&channel=email&t=tck_1&frase=3"
        );
        assert_eq!(Asked::read(address.split_once('?').unwrap().1), asked);
        assert_eq!(
            asked.on("tck_2").address(),
            "/desk/review?fila=billing&q=boleto+%26+pix&channel=email&t=tck_2"
        );
        assert_eq!(Asked::default().address(), "/desk/review");
    }

    #[test]
    fn places_are_of_the_agent_the_queue_or_the_review() {
        let place = |query: &str| Asked::read(query).place("Rafa");
        assert_eq!(place(""), Place::Review);
        assert_eq!(place("fila=review"), Place::Review);
        assert_eq!(place("fila=legal"), Place::Queue("legal".to_owned()));
        assert_eq!(place("fila=legal&de=mine"), Place::Of("Rafa".to_owned()));
        assert_eq!(place("de=snoozed"), Place::Snoozed);
        assert_eq!(place("de=everybody"), Place::Review);
    }
}
