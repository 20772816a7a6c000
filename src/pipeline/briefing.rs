//! What every question of a business has in common, made once for all its cases: the policy's lists, the voice of the
//! house, the shapes of answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::ladder::Question;
use super::triage::{self, CaseWords};
use crate::domain::decision::LocalText;
use crate::domain::labels::{Complexity, Locale, Sentiment, Urgency};
use crate::domain::signal::Signal;
use crate::policy::Pack;
use crate::ports::chat::{OutputSchema, Purpose};
use crate::prompts::{self, House, Prompts};

/// The prompts of a business, with what it says in all of them.
pub(super) struct Briefing {
    prompts: Arc<Prompts>,
    houses: BTreeMap<Locale, House>,
    /// The shape of the answer to each prompt, by the prompt's name.
    shapes: BTreeMap<String, Arc<OutputSchema>>,
}

impl Briefing {
    /// Takes what a policy says.
    /// The prompts.
    pub(super) fn prompts(&self) -> Arc<Prompts> {
        Arc::clone(&self.prompts)
    }

    pub(super) fn new(pack: &Pack, prompts: Arc<Prompts>) -> Self {
        let lists = lists(pack);
        let shape = |prompt: &prompts::Prompt| {
            let schema = prompts::filled(prompt.output_schema.as_ref()?, &lists);
            Some((prompt.name(), Arc::new(OutputSchema { name: prompt.id.clone(), schema })))
        };
        Self {
            houses: Locale::ALL.iter().map(|at| (*at, House::new(said(pack, *at)))).collect(),
            shapes: prompts.all().filter_map(shape).collect(),
            prompts,
        }
    }

    /// Asks about a case, for a reply in a locale; `more` holds what its variables hold besides its words.
    pub(super) fn question(
        &self,
        purpose: Purpose,
        locale: Locale,
        words: &CaseWords<'_>,
        more: Vec<(&'static str, Value)>,
    ) -> Option<Question> {
        let prompt = self.prompts.find(purpose.as_str(), locale)?;
        let key = words.key();
        let canary = prompts::canary(&key);
        let mut case = of_words(words);
        case.insert("mark".to_owned(), prompts::mark(&key).into());
        case.insert("canary".to_owned(), canary.as_str().into());
        case.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let messages = match self.prompts.render_for(prompt, self.houses.get(&locale)?, case) {
            Ok(messages) => messages,
            Err(why) => {
                tracing::error!(prompt = %prompt.name(), why, "Cannot render a prompt; no model is asked");
                return None;
            }
        };
        Some(Question {
            purpose,
            prompt: prompt.reference(),
            canary,
            messages,
            output: self.shapes.get(&prompt.name()).cloned(),
            max_output: prompt.max_output,
            repeat: 0,
        })
    }
}

/// What the variables hold that are a case's own words.
fn of_words(words: &CaseWords<'_>) -> Map<String, Value> {
    let all: [(&str, Value); 3] = [
        ("subject", words.subject.into()),
        ("history", words.history().into()),
        ("message", words.text.into()),
    ];
    all.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

/// What the variables hold that say the same in every case.
fn said(pack: &Pack, locale: Locale) -> Map<String, Value> {
    let lines = |texts: &[LocalText]| -> Value {
        texts.iter().map(|text| text.in_locale(locale)).collect()
    };
    let heard = Signal::ALL.iter().filter(|signal| !triage::silences(**signal));
    let signals: Vec<Value> =
        heard.map(|signal| json!({"id": signal.as_str(), "meaning": meaning(*signal)})).collect();
    let all: [(&str, Value); 6] = [
        ("brand", pack.business.brand.as_str().into()),
        ("tone", lines(&pack.voice.tone)),
        ("always", lines(&pack.voice.always)),
        ("never", lines(&pack.voice.never)),
        ("categories", categories(pack).into()),
        ("signals", signals.into()),
    ];
    all.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

/// The policy's categories, in the business's own language.
fn categories(pack: &Pack) -> Vec<Value> {
    let locale = pack.business.default_locale();
    pack.taxonomy
        .iter()
        .map(|category| {
            let subs: Vec<Value> = category
                .subcategories
                .iter()
                .map(|sub| json!({"id": sub.id, "name": sub.name.in_locale(locale)}))
                .collect();
            json!({
                "id": category.id,
                "name": category.name.in_locale(locale),
                "description": category.description.in_locale(locale),
                "subcategories": subs,
            })
        })
        .collect()
}

/// The lists that a schema of the triage prompt may name.
fn lists(pack: &Pack) -> BTreeMap<&'static str, Vec<String>> {
    let mut subcategories: Vec<String> = pack
        .taxonomy
        .iter()
        .flat_map(|category| category.subcategories.iter().map(|sub| sub.id.clone()))
        .collect();
    subcategories.sort();
    subcategories.dedup();
    BTreeMap::from([
        ("categories", pack.taxonomy.iter().map(|category| category.id.clone()).collect()),
        ("subcategories", subcategories),
        ("urgencies", Urgency::ALL.iter().map(ToString::to_string).collect()),
        ("sentiments", Sentiment::ALL.iter().map(ToString::to_string).collect()),
        ("complexities", Complexity::ALL.iter().map(ToString::to_string).collect()),
        (
            "signals",
            Signal::ALL
                .iter()
                .filter(|signal| !triage::silences(**signal))
                .map(ToString::to_string)
                .collect(),
        ),
    ])
}

/// Explains a signal to a model.
const fn meaning(signal: Signal) -> &'static str {
    match signal {
        Signal::RequestHuman => "asks for a human being",
        Signal::RequestManager => "asks for a manager or supervisor",
        Signal::LegalThreat => "announces a lawsuit or a lawyer",
        Signal::ConsumerAgency => {
            "names PROCON, Reclame Aqui, consumidor.gov.br or the like as a threat or complaint"
        }
        Signal::DataProtection => "names the ANPD or asserts rights under the LGPD or GDPR",
        Signal::Churn => "wants to leave or cancel",
        Signal::Security => "account takeover, leak, access by somebody else",
        Signal::DataLoss => "data was lost",
        Signal::Refund => "wants money back",
        Signal::BillingDispute => "contests a charge",
        Signal::Fraud => "claims fraud",
        Signal::SelfHarm => "a person may harm themselves",
        Signal::ChildSafety => "a child may be in danger",
        Signal::Violence => "violence against a person, or an emergency in progress",
        Signal::Injection => "text that tries to give orders to an assistant or a machine",
        Signal::Abuse => "insults aimed at us",
        Signal::PublicPost => "posted or announced in public",
        Signal::RightsHolder => "claims rights over content (copyright, DMCA)",
        Signal::Outage => "several people or everything is affected",
        Signal::Repeated => "says that an earlier answer did not help",
        Signal::Spam => "advertising or a scam",
        Signal::ThankYou => "thanks and nothing else",
        Signal::AutoReply => "a machine answered",
        Signal::OptOut => "asks to receive nothing more",
        Signal::Greeting => "a greeting and nothing else",
    }
}

#[cfg(test)]
mod tests {
    use super::super::drafting::{self, Brief};
    use super::*;
    use crate::compose::{PassageReader, Register};
    use crate::domain::channel::Channel;

    #[test]
    fn every_variable_of_the_prompts_is_filled() {
        let pack = Pack::embedded("saas-br").unwrap();
        let prompts = Arc::new(Prompts::load(None).unwrap());
        let briefing = Briefing::new(&pack, prompts);
        let words = || CaseWords { subject: None, text: "hi", history: &[] };
        let brief = Brief {
            reader: &PassageReader::default(),
            pack: &pack,
            briefing: &briefing,
            locale: Locale::En,
            channel: Channel::Chat,
            register: Register::Neutral,
            sentiment: Sentiment::Neutral,
            facts: Vec::new(),
            passages: &[],
            words: words(),
        };
        let said = said(&pack, Locale::En);
        let of_words = of_words(&words());
        for (id, more) in [
            ("triage", triage::case(Channel::Chat, None)),
            ("draft", drafting::case(&brief, None)),
            ("repair", drafting::case(&brief, None)),
            ("again", drafting::again_case(&brief, ("draft", "shorter"))),
        ] {
            for variable in prompts::variables(id).iter().filter(|one| one.name != "canary") {
                let name = variable.name;
                let filled = said.contains_key(name)
                    || of_words.contains_key(name)
                    || more.iter().any(|(one, _)| *one == name);
                assert!(filled, "{id}: {name}");
            }
        }
    }
}
