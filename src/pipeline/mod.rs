//! The way of a turn: mask → understand → retrieve → compose → verify → decide.
//!
//! The stages are pure and quick; a reader sees them in `run`. Live traffic, recorded traffic and
//! files all pass here, so that what is tested is what happens.

mod again;
mod asking;
mod briefing;
mod decide;
mod drafting;
mod facts;
mod hand_over;
mod ladder;
mod preview;
mod rating;
pub mod record;
mod triage;
mod turn;
mod vocabulary;
mod words;

use std::sync::Arc;

use sha2::{Digest, Sha256};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::compose::{
    self, ComposeInput, EmergencyLine, Family, NoticeFacts, PassageReader, Register, Templates,
    Verification, VerifyInput,
};
use crate::domain::channel::Channel;
use crate::domain::confidence::Confidence;
use crate::domain::decision::{Action, Decision};
use crate::domain::draft::{DraftText, Passage};
use crate::domain::field::{Engine, Field};
use crate::domain::labels::{Language, Locale, Sentiment};
use crate::domain::message::{Author, PastMessage};
use crate::domain::signal::{Signal, SignalHit};
use crate::knowledge::{Hint, Library};
use crate::policy::{Facts, Pack, RouteQuery};
use crate::ports::chat::ModelCall;
use crate::privacy::{Masker, Vault};
use crate::prompts::Prompts;
use crate::text::fold::fold;
use crate::understand::language::Detector;
use crate::understand::{TurnView, Understander, Understood};

pub use again::{Alternative, NoRedraft, Redrafted, Wish};
use briefing::Briefing;
pub use decide::barred;
pub use ladder::{Allowance, DraftsBy, Ladder, Purse};
pub use preview::Instead;
pub use turn::{Outcome, TurnInput};
pub use words::OwnWords;

/// Passages that a draft may rest on.
const PASSAGES: usize = 5;
/// How sure a category is that only the best article speaks for: enough to route, not to send.
const PLACED_BY_ARTICLE: f64 = 0.75;
/// How sure the learned model must be for the fixed safety text to leave; below that only people are
/// called. What a lexicon found needs no such bar.
const SAFETY_TEXT_CONFIDENCE: f64 = 0.5;
/// How many hours the fixed safety text is not repeated to the same person.
const SAFETY_AGAIN_HOURS: i64 = 12;

/// One business's pipeline: its policy with everything compiled from it, its articles and templates.
pub struct Pipeline {
    pack: Arc<Pack>,
    detector: Arc<Detector>,
    understander: Understander,
    masker: Masker,
    reader: PassageReader,
    library: Arc<Library>,
    templates: Arc<Templates>,
    briefing: Briefing,
}

/// Whom a notice is for and what it may say of the case.
#[derive(Clone, Copy, Debug)]
pub struct NoticeCase<'a> {
    /// The language of the words.
    pub locale: Locale,
    /// The way it leaves.
    pub channel: Channel,
    /// The customer's name, where known.
    pub name: Option<&'a str>,
    /// The ticket's number with its check digit.
    pub ticket_number: &'a str,
    /// How the customer feels.
    pub sentiment: Sentiment,
}

/// A turn with personal data replaced by placeholders.
struct Masked {
    subject: Option<String>,
    text: String,
    history: Vec<PastMessage>,
    vault: Vault,
}

impl Masked {
    /// Only what the vault knows is put back; the customer's own words cannot forge a placeholder.
    fn restore(&self, mut draft: DraftText) -> DraftText {
        draft.text = self.vault.restore(&draft.text);
        for entry in &mut draft.ledger {
            entry.sentence = self.vault.restore(&entry.sentence);
        }
        draft
    }
}

/// A draft with what the checks found.
struct Verified {
    draft: DraftText,
    checks: Verification,
    /// What else is known of a draft that a model wrote.
    written: Option<WrittenMark>,
    /// A model's reply did not pass the checks where this one, from the articles, does.
    disputed: bool,
}

/// How a model's draft stands.
#[derive(Clone, Copy, Debug)]
struct WrittenMark {
    /// How sure its evidence is.
    confidence: f64,
    /// Something in it is wrong.
    flawed: bool,
    /// The model wants a person.
    needs_human: bool,
    /// A question of the customer stays open.
    open_questions: bool,
}

/// A turn on its way: what the stages know so far.
struct Case<'t> {
    turn: &'t TurnInput,
    masked: Masked,
    understood: Understood,
    passages: Vec<Passage>,
    verified: Option<Verified>,
    /// What was asked of models.
    calls: Vec<ModelCall>,
    /// A model or its provider declined to answer.
    declined: bool,
    /// Replies may leave without a person, as far as the budget goes.
    may_send: bool,
}

impl Pipeline {
    /// Compiles a pipeline.
    pub fn new(
        pack: Arc<Pack>,
        library: Arc<Library>,
        templates: Arc<Templates>,
        prompts: Arc<Prompts>,
    ) -> Self {
        Self {
            detector: Arc::new(Detector::new()),
            understander: Understander::new(&vocabulary::of(&pack), Arc::clone(&pack.examples)),
            masker: Masker::new(),
            reader: PassageReader::default(),
            briefing: Briefing::new(&pack, prompts),
            pack,
            library,
            templates,
        }
    }

    /// Returns the policy.
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// Returns the policy, shared.
    pub fn shared_pack(&self) -> Arc<Pack> {
        Arc::clone(&self.pack)
    }

    /// True once nothing has to be made ready any more: until then a turn blocks its thread.
    pub fn is_ready(&self) -> bool {
        self.understander.is_ready()
    }

    /// Makes ready what the first turn would otherwise wait for.
    /// `kept` and the answer are those of `Understander::warm`.
    pub fn warm(&self, kept: impl FnOnce(&str) -> Option<Vec<u8>>) -> Option<(String, Vec<u8>)> {
        self.understander.warm(kept)
    }

    /// Returns the articles.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// Decides a turn with the embedded engines alone.
    pub fn run(&self, turn: &TurnInput) -> Outcome {
        if let Some(outcome) = self.wants_nothing(turn) {
            return outcome;
        }
        let case = self.opened(turn);
        self.closed(case)
    }

    /// Decides a turn with language models above the embedded engines, as far as they are allowed. Turns that want no
    /// answer, people in danger, attempts to steer, and conversations that people have cost no question.
    pub async fn run_with(&self, turn: &TurnInput, ladder: &Ladder, purse: &dyn Purse) -> Outcome {
        if let Some(outcome) = self.wants_nothing(turn) {
            return outcome;
        }
        let mut case = self.opened(turn);
        if purse.allowance().models {
            self.ask_models(&mut case, ladder, purse).await;
        }
        case.may_send = purse.allowance().sending;
        self.closed(case)
    }

    /// Where people still owe an answer to earlier messages, thanks or an automatic reply on top of them change
    /// nothing; anything else is read together with them.
    fn wants_nothing(&self, turn: &TurnInput) -> Option<Outcome> {
        let new =
            turn.messages.get(turn.waiting..).filter(|new| turn.waiting > 0 && !new.is_empty())?;
        let mut history = turn.history.clone();
        let earlier = turn.messages.iter().take(turn.waiting);
        history.extend(earlier.map(|text| PastMessage {
            author: Author::Customer,
            text: text.clone(),
            at: None,
        }));
        let only_new = TurnInput { messages: new.to_vec(), waiting: 0, history, ..turn.clone() };
        let outcome = self.closed(self.opened(&only_new));
        (outcome.decision.action == Action::None).then_some(outcome)
    }

    /// Masks, understands, retrieves and composes with what needs no model.
    fn opened<'t>(&self, turn: &'t TurnInput) -> Case<'t> {
        let masked = self.mask(turn);
        let mut understood = self.understand(turn, &masked);
        let passages = self.retrieve(turn, &masked, &understood);
        self.place_by_article(&mut understood, &passages);
        let mut case = Case {
            turn,
            masked,
            understood,
            passages,
            verified: None,
            calls: Vec::new(),
            declined: false,
            may_send: true,
        };
        case.verified = self.extracted(&case);
        case
    }

    /// Composes from approved words and verifies.
    fn extracted(&self, case: &Case<'_>) -> Option<Verified> {
        let draft = self.compose(case.turn, &case.understood, &case.masked, &case.passages)?;
        Some(self.verify(&case.understood, draft, &case.passages))
    }

    /// Decides.
    fn closed(&self, case: Case<'_>) -> Outcome {
        let decided = self.decided(&case);
        let Case { turn, masked, understood, passages, verified, calls, .. } = case;
        let safety = self.safety_text(turn, &understood, &masked);
        let draft = match verified {
            Some(verified) => Some(verified.draft),
            None => self.hand_over_draft(turn, &understood, &masked, &decided.decision),
        };
        Outcome {
            opts_out: understood.has(Signal::OptOut),
            rating: rating_of(turn),
            understood,
            passages,
            draft,
            safety,
            decision: decided.decision,
            leaves_ticket_alone: decided.leaves_ticket_alone,
            vault: serde_json::to_string(&masked.vault).unwrap_or_else(|_| "{}".to_owned()),
            input_hash: hex::encode(Sha256::digest(masked.text.as_bytes())),
            calls,
        }
    }

    /// Decides as things stand.
    fn decided(&self, case: &Case<'_>) -> decide::Decided {
        let standing = decide::Standing { declined: case.declined, may_send: case.may_send };
        let (facts, verified) = (self.facts(case), case.verified.as_ref());
        decide::decide(&self.pack, case.turn, &case.understood, &facts, verified, standing)
    }

    /// True where a faultless draft would leave it to people all the same.
    fn is_for_people(&self, case: &Case<'_>) -> bool {
        decide::is_for_people(&self.pack, case.turn, &case.understood, self.facts(case))
    }

    fn facts(&self, case: &Case<'_>) -> Facts {
        let verified = case.verified.as_ref();
        facts::of(&self.pack, case.turn, &case.understood, &case.passages, verified)
    }

    fn mask(&self, turn: &TurnInput) -> Masked {
        let mut vault = serde_json::from_str::<Vault>(&turn.vault).unwrap_or_default();
        let profile_name = turn.profile.as_ref().and_then(|profile| profile.name.as_deref());
        let names: Vec<&str> =
            turn.contact.name.as_deref().into_iter().chain(profile_name).collect();
        let mut mask = |text: &str| self.masker.mask(text, &mut vault, &names).text;
        let text = mask(&turn.messages.join("\n"));
        let subject = turn.subject.as_deref().map(&mut mask);
        let history = turn
            .history
            .iter()
            .map(|past| PastMessage { text: mask(&past.text), ..past.clone() })
            .collect();
        Masked { subject, text, history, vault }
    }

    fn understand(&self, turn: &TurnInput, masked: &Masked) -> Understood {
        let default_language = self.pack.business.default_locale();
        let language = match turn.given.language {
            Some(language) => Field::new(language, Confidence::CERTAIN, Engine::Given),
            None => self.detector.detect(&masked.text, turn.language, default_language),
        };
        let view = TurnView {
            channel: turn.channel,
            subject: masked.subject.as_deref(),
            text: &masked.text,
            history: &masked.history,
            given: &turn.given,
            flags: turn.flags,
            conversation_language: turn.language,
            default_language,
        };
        self.understander.understand(&view, language).overridden(&turn.overrides)
    }

    /// Searches in the language of the reply; a turn that only says thanks asks for nothing.
    fn retrieve(&self, turn: &TurnInput, masked: &Masked, understood: &Understood) -> Vec<Passage> {
        let nothing_asked = turn.messages.is_empty()
            || turn.flags.automatic
            || [Signal::ThankYou, Signal::AutoReply, Signal::Greeting, Signal::OptOut]
                .iter()
                .any(|signal| understood.has(*signal));
        if nothing_asked {
            return Vec::new();
        }
        let locale = self.reply_locale(understood);
        let question = match masked.subject.as_deref() {
            Some(subject) => format!("{subject}\n{}", masked.text),
            None => masked.text.clone(),
        };
        let question = without_name(&question, &self.pack.business.brand);
        let category = &understood.category;
        let spoken = category.engine != Engine::Default;
        let hint = Hint {
            category: Some(category.value.as_str()).filter(|_| spoken),
            subcategory: understood.subcategory.value.as_deref(),
            confidence: category.confidence.get(),
        };
        self.library.search_with(&question, locale, PASSAGES, &hint)
    }

    /// Takes the category of the article that answers, where no keyword placed the turn.
    fn place_by_article(&self, understood: &mut Understood, passages: &[Passage]) {
        let Some(best) = passages.first().filter(|best| best.above_floor) else { return };
        let found = best.article.split('/').next().and_then(|id| self.pack.category(id));
        if understood.category.engine == Engine::Default
            && let Some(category) = found
        {
            let confidence = Confidence::clamped(PLACED_BY_ARTICLE);
            understood.category = Field::new(category.id.clone(), confidence, Engine::Articles)
                .because(format!("article {}", best.article));
        }
    }

    fn compose(
        &self,
        turn: &TurnInput,
        understood: &Understood,
        masked: &Masked,
        passages: &[Passage],
    ) -> Option<DraftText> {
        let input = self.compose_input(turn, understood, masked, passages);
        Some(masked.restore(compose::compose(&self.templates, &input)?))
    }

    /// What a person who takes a case without an answer may tell the customer first. Nothing for somebody in danger:
    /// beyond the approved text, people choose their words.
    fn hand_over_draft(
        &self,
        turn: &TurnInput,
        understood: &Understood,
        masked: &Masked,
        decision: &Decision,
    ) -> Option<DraftText> {
        let in_danger = understood.signals.iter().any(|hit| hit.signal.is_safety());
        if decision.action != Action::Escalate || in_danger {
            return None;
        }
        let family = hand_over::family(understood);
        let mut input = self.compose_input(turn, understood, masked, &[]);
        // "Your request about general inquiry" says nothing, and the wrong category says something wrong.
        input.category_name = "";
        let team = decision.queue.as_deref().and_then(|queue| self.pack.team(queue));
        let facts = NoticeFacts {
            team: team.map(|team| team.name.in_locale(input.locale)),
            spanish: understood.language.value == Language::Es,
            ..NoticeFacts::default()
        };
        let draft = compose::notice(&self.templates, family, &input, &facts)?;
        Some(masked.restore(draft))
    }

    fn compose_input<'a>(
        &'a self,
        turn: &'a TurnInput,
        understood: &Understood,
        masked: &Masked,
        passages: &'a [Passage],
    ) -> ComposeInput<'a> {
        let locale = self.reply_locale(understood);
        let business = &self.pack.business;
        let name = turn.profile.as_ref().and_then(|profile| profile.name.as_deref());
        ComposeInput {
            locale,
            channel: turn.channel,
            brand: &business.brand,
            ai_disclosure: business.ai_disclosure.in_locale(locale),
            way_to_person: business.way_to_person.in_locale(locale),
            customer_name: name.or(turn.contact.name.as_deref()),
            topic: passages
                .first()
                .and_then(|best| self.library.article(&best.article, best.locale))
                .and_then(|article| article.topic.as_deref()),
            category_name: self
                .pack
                .category(&understood.category.value)
                .map_or("", |category| category.name.in_locale(locale)),
            sentiment: understood.sentiment.value,
            register: Register::of(&masked.text),
            ticket_number: turn.ticket_number.as_deref(),
            passages,
        }
    }

    fn verify(&self, understood: &Understood, draft: DraftText, passages: &[Passage]) -> Verified {
        let locale = self.reply_locale(understood);
        let checks = compose::verify(
            &draft,
            &VerifyInput {
                locale,
                passages,
                ai_disclosure: self.pack.business.ai_disclosure.in_locale(locale),
                way_to_person: self.pack.business.way_to_person.in_locale(locale),
            },
        );
        Verified { draft, checks, written: None, disputed: false }
    }

    /// Returns the approved text for a person in danger, unless they were given it a short while ago.
    fn safety_text(
        &self,
        turn: &TurnInput,
        understood: &Understood,
        masked: &Masked,
    ) -> Option<DraftText> {
        let danger = |hit: &&SignalHit| {
            let sure = !hit.is_learned() || hit.confidence.get() >= SAFETY_TEXT_CONFIDENCE;
            // Whom only a model believes in danger gets people, at once, and no text by itself.
            hit.signal.is_safety() && sure && !hit.is_from_model()
        };
        let signal = understood.signals.iter().find(danger)?.signal;
        let again = turn.now - chrono::Duration::hours(SAFETY_AGAIN_HOURS);
        let given_before = turn
            .history
            .iter()
            .any(|past| past.author == Author::System && past.at.is_none_or(|at| at > again));
        if !self.pack.safety.send_at_once || given_before {
            return None;
        }
        let input = self.compose_input(turn, understood, masked, &[]);
        let lines: Vec<EmergencyLine<'_>> = self
            .pack
            .safety
            .contacts
            .get(&input.locale)
            .into_iter()
            .flatten()
            .filter(|contact| contact.signals.is_empty() || contact.signals.contains(&signal))
            .map(|contact| EmergencyLine {
                name: &contact.name,
                number: &contact.number,
                when: contact.when.in_locale(input.locale),
            })
            .collect();
        compose::safety_text(&self.templates, signal, &input, &lines)
    }

    /// Writes a notice: an approved template with what is known of the case.
    pub fn notice(
        &self,
        family: Family,
        case: &NoticeCase<'_>,
        facts: &NoticeFacts<'_>,
    ) -> Option<DraftText> {
        let business = &self.pack.business;
        let input = ComposeInput {
            locale: case.locale,
            channel: case.channel,
            brand: &business.brand,
            ai_disclosure: business.ai_disclosure.in_locale(case.locale),
            way_to_person: business.way_to_person.in_locale(case.locale),
            customer_name: case.name,
            topic: None,
            category_name: "",
            sentiment: case.sentiment,
            register: Register::Neutral,
            ticket_number: Some(case.ticket_number),
            passages: &[],
        };
        compose::notice(&self.templates, family, &input, facts)
    }

    /// The customer's language where we write it natively, else the business's.
    fn reply_locale(&self, understood: &Understood) -> Locale {
        understood
            .language
            .value
            .reply_locale()
            .unwrap_or_else(|| self.pack.business.default_locale())
    }
}

/// Reads the answer to the satisfaction question, where it was asked and the turn says nothing else.
fn rating_of(turn: &TurnInput) -> Option<u8> {
    let [text] = turn.messages.as_slice() else { return None };
    rating::parse(text).filter(|_| turn.rating_asked)
}

/// Names the queue and level for a case that could not be understood at all.
pub fn fallback_route(pack: &Pack) -> (String, Option<String>) {
    let route = pack.route(&RouteQuery {
        category: &pack.default_category().id,
        subcategory: None,
        complexity: crate::domain::labels::Complexity::Moderate,
        urgency: crate::domain::labels::Urgency::High,
        plan: None,
    });
    (route.team.to_owned(), Some(route.level.to_owned()))
}
/// Leaves out the business's own name: customers say it, its articles seldom do, and it tells no two of them apart.
fn without_name(question: &str, name: &str) -> String {
    let words = |text: &str| -> Vec<(usize, usize, String)> {
        text.split_word_bound_indices()
            .filter(|(_, word)| word.starts_with(char::is_alphanumeric))
            .map(|(at, word)| (at, at + word.len(), fold(word)))
            .collect()
    };
    let (all, own) = (words(question), words(name));
    let mut kept = String::with_capacity(question.len());
    let mut from = 0;
    for window in all.windows(own.len().max(1)) {
        let same = !own.is_empty() && window.iter().zip(&own).all(|(a, b)| a.2 == b.2);
        if let (true, [(start, ..), ..], [.., (_, end, _)]) = (same, window, window)
            && *start >= from
        {
            kept.push_str(question.get(from..*start).unwrap_or_default());
            from = *end;
        }
    }
    kept.push_str(question.get(from..).unwrap_or_default());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_business_name_is_left_out_whole_or_not_at_all() {
        for (question, name, expected) in [
            ("esqueci a senha do Prisma!", "Prisma", "esqueci a senha do !"),
            ("PRISMA, prisma: kd meu boleto", "Prisma", ", : kd meu boleto"),
            ("prismas não são Prisma", "Prisma", "prismas não são "),
            (
                "é da padaria joana? quero pão da padaria",
                "Padaria Joana",
                "é da ? quero pão da padaria",
            ),
            ("oi", "", "oi"),
            ("oi", "Uma Casa Muito Comprida", "oi"),
            ("São João fecha?", "Sao João", " fecha?"),
        ] {
            assert_eq!(without_name(question, name), expected, "{question}");
        }
    }
}
