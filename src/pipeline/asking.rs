//! What models are asked about a turn, in which order, and what is taken of their answers.

use std::collections::BTreeMap;

use super::drafting::{self, Brief, Written};
use super::ladder::{Asking, DraftsBy, Purse, Question};
use super::triage::{self, CaseWords, Reading};
use super::{Case, Ladder, Pipeline, Verified, WrittenMark, facts};
use crate::compose::{self, Register};
use crate::domain::confidence::Confidence;
use crate::domain::decision::Action;
use crate::domain::draft::DraftText;
use crate::domain::field::Engine;
use crate::domain::labels::Locale;
use crate::domain::signal::{Signal, SignalHit};
use crate::domain::ticket::OwnerKind;
use crate::policy::Pack;
use crate::ports::chat::{ChatAnswer, ChatErrorKind};
use crate::understand::Understood;

/// The pattern of an injection that a model obeyed: it wrote what it was told never to write.
const CANARY: &str = "canary";
/// Passages and earlier messages that are left of a question that was too long.
const FEWER_PASSAGES: usize = 2;
const FEWER_MESSAGES: usize = 2;
/// Bytes of the turn's own words that are left of it.
const FEWER_BYTES: usize = 4_000;

/// Why a rung's answer is not used.
pub(super) enum Miss {
    /// There is none.
    NoAnswer,
    /// The model wrote the word that stands in its instructions alone: somebody steered it.
    Obeyed,
}

impl Miss {
    pub(super) const fn is_obeyed(&self) -> bool {
        matches!(self, Self::Obeyed)
    }
}

impl Pipeline {
    /// Asks what the embedded engines are not sure of, then for a reply.
    pub(super) async fn ask_models(&self, case: &mut Case<'_>, ladder: &Ladder, purse: &dyn Purse) {
        if !self.is_worth_asking(case) {
            return;
        }
        let mut asking = Asking::new(ladder, purse);
        let below = case.understood.clone();
        let obeyed = match self.ask_triage(case, &mut asking, ladder).await {
            Ok(()) => self.ask_draft(case, &mut asking, ladder).await.is_err(),
            Err(Steered) => true,
        };
        if obeyed {
            // Nothing of what a steered model said is taken, but that somebody steered it.
            case.understood = below;
            hears_injection(&mut case.understood);
            case.verified = self.extracted(case);
        }
        case.declined |= asking.declined;
        case.calls = asking.calls;
    }

    /// Turns that want no answer, people in danger, attempts to steer and conversations that people have are left as
    /// they are.
    fn is_worth_asking(&self, case: &Case<'_>) -> bool {
        let signals = &case.understood.signals;
        let settled =
            signals.iter().any(|hit| hit.signal.is_safety() || hit.signal == Signal::Injection);
        let held = matches!(case.turn.owner, OwnerKind::Queue | OwnerKind::Agent);
        !settled && !held && self.decided(case).decision.action != Action::None
    }

    async fn ask_triage(
        &self,
        case: &mut Case<'_>,
        asking: &mut Asking<'_>,
        ladder: &Ladder,
    ) -> Result<(), Steered> {
        let least = self.pack.thresholds().field;
        if !triage::is_unsure(&case.understood, least) {
            return Ok(());
        }
        let below = case.understood.clone();
        let mut readings: Vec<(Engine, Reading)> = Vec::new();
        for rung in [Engine::Primary, Engine::Escalation] {
            let samples = if rung == Engine::Primary { ladder.samples.max(1) } else { 1 };
            let words = words_of(case);
            let ask = |words: &CaseWords<'_>| {
                let locale = self.pack.business.default_locale();
                triage::question(&self.briefing, locale, case.turn, words)
            };
            let Some(mut question) = ask(&words) else { return Ok(()) };
            let mut answers = Vec::new();
            for repeat in 0..samples {
                question.repeat = repeat;
                let shorter = || ask(&shortened(&words));
                match asked(asking, rung, &question, shorter).await {
                    Ok(answer) => answers.extend(triage::read(&self.pack, &answer)),
                    Err(Miss::Obeyed) => return Err(Steered),
                    Err(Miss::NoAnswer) => break,
                }
            }
            readings.extend(triage::joined(answers).map(|reading| (rung, reading)));
            case.understood = triage::merged(&below, &readings, &case.passages);
            let sure = !triage::is_unsure(&case.understood, least);
            if sure && !readings.is_empty() {
                break;
            }
        }
        let moved = case.understood.category.value != below.category.value
            || case.understood.language.value != below.language.value;
        if moved {
            case.passages = self.retrieve(case.turn, &case.masked, &case.understood);
            case.verified = self.extracted(case);
        }
        Ok(())
    }

    async fn ask_draft(
        &self,
        case: &mut Case<'_>,
        asking: &mut Asking<'_>,
        ladder: &Ladder,
    ) -> Result<(), Steered> {
        let enough =
            ladder.drafts == DraftsBy::Unsure && self.decided(case).decision.would == Action::Send;
        let steered = case.understood.has(Signal::Injection);
        if steered || case.passages.is_empty() || enough || self.is_for_people(case) {
            return Ok(());
        }
        let least = self.pack.thresholds().field;
        let mut best: Option<Written> = None;
        for rung in [Engine::Primary, Engine::Escalation] {
            let written = self.written_by(case, asking, rung).await?;
            best = match (best, written) {
                (Some(one), Some(other)) => Some(one.better(other)),
                (one, other) => one.or(other),
            };
            if best.as_ref().is_some_and(|best| best.confidence() >= least) {
                break;
            }
        }
        if let Some(best) = best {
            self.take(case, &best);
        }
        Ok(())
    }

    /// Asks one rung for a reply, and once more where something is wrong with it.
    async fn written_by(
        &self,
        case: &Case<'_>,
        asking: &mut Asking<'_>,
        rung: Engine,
    ) -> Result<Option<Written>, Steered> {
        let brief = self.brief(case);
        let mut best: Option<Written> = None;
        for attempt in 0..2 {
            let wrong = best.as_ref();
            let Some(question) = drafting::question(&brief, wrong) else { break };
            let shorter = || drafting::question(&self.shorter(case, &brief), wrong);
            let answer = match asked(asking, rung, &question, shorter).await {
                Ok(answer) => answer,
                Err(Miss::Obeyed) => return Err(Steered),
                Err(Miss::NoAnswer) => break,
            };
            let Some(written) = drafting::read(&brief, &answer, &case.masked.vault) else { break };
            let clean = written.evidence.findings.is_empty();
            best = match best {
                Some(first) => Some(first.better(written)),
                None => Some(written),
            };
            if clean || attempt == 1 {
                break;
            }
        }
        Ok(best)
    }

    pub(super) fn brief<'a>(&'a self, case: &'a Case<'_>) -> Brief<'a> {
        let locale = self.reply_locale(&case.understood);
        Brief {
            reader: &self.reader,
            pack: &self.pack,
            briefing: &self.briefing,
            locale,
            channel: case.turn.channel,
            register: Register::of(&case.masked.text),
            sentiment: case.understood.sentiment.value,
            facts: facts_of(&self.pack, case, locale),
            passages: &case.passages,
            words: words_of(case),
        }
    }

    /// The same for a question that was too long.
    pub(super) fn shorter<'a>(&'a self, case: &'a Case<'_>, brief: &Brief<'a>) -> Brief<'a> {
        let passages = brief.passages.get(..FEWER_PASSAGES.min(brief.passages.len()));
        Brief {
            words: shortened(&brief.words),
            passages: passages.unwrap_or_default(),
            ..self.brief(case)
        }
    }

    /// Puts a model's reply into the frame and in the place of the composed one.
    fn take(&self, case: &mut Case<'_>, written: &Written) {
        let input = self.compose_input(case.turn, &case.understood, &case.masked, &case.passages);
        let framed = compose::written(&self.templates, &input, &written.body, &written.evidence);
        let Some(framed) = framed else { return };
        let draft = case.masked.restore(framed);
        let mark = WrittenMark {
            confidence: written.confidence(),
            flawed: !written.evidence.findings.is_empty(),
            needs_human: written.needs_human,
            open_questions: written.open_questions,
        };
        let verified = self.verify(&case.understood, draft, &case.passages);
        let verified = Verified { written: Some(mark), ..verified };
        // What could leave as it is stays, where the model has nothing as sound. Two that disagree are looked at: the model's
        // is wrong somewhere, rests on another article, or leaves something to people.
        let of = |one: &Verified| {
            facts::answer_confidence(&case.understood, &case.passages, Some(one)).get()
        };
        let send = self.pack.thresholds().send;
        // What a draft mostly rests on.
        let article = |draft: &DraftText| -> Option<&str> {
            let used = draft.ledger.iter().filter_map(|entry| entry.passages.first());
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for passage in used.filter_map(|at| case.passages.get(*at)) {
                *counts.entry(passage.article.as_str()).or_default() += 1;
            }
            counts.into_iter().max_by_key(|(_, count)| *count).map(|(article, _)| article)
        };
        let sounder = case.verified.as_mut().filter(|composed| {
            let agree = article(&composed.draft) == article(&verified.draft);
            let to_people = mark.needs_human || mark.open_questions;
            of(composed) >= send && of(&verified) < send && (mark.flawed || agree && !to_people)
        });
        match sounder {
            Some(composed) => composed.disputed |= mark.flawed,
            None => case.verified = Some(verified),
        }
    }
}

/// A model did what somebody else told it; nothing that models said about this turn is used.
struct Steered;

fn echoes(answer: &ChatAnswer, canary: &str) -> bool {
    // Letters may come apart by marks or spaces when a model is told to hide it.
    let joined: String = answer.text.chars().filter(char::is_ascii_alphanumeric).collect();
    joined.to_ascii_lowercase().contains(canary)
}

fn hears_injection(understood: &mut Understood) {
    if !understood.has(Signal::Injection) {
        understood.signals.push(SignalHit {
            signal: Signal::Injection,
            confidence: Confidence::clamped(0.95),
            pattern: CANARY.to_owned(),
        });
        understood.signals.sort_by_key(|hit| hit.signal);
    }
}

/// Asks a rung; a question that is too long is asked once more, shorter.
pub(super) async fn asked(
    asking: &mut Asking<'_>,
    rung: Engine,
    question: &Question,
    shorter: impl FnOnce() -> Option<Question>,
) -> Result<ChatAnswer, Miss> {
    let (answer, canary) = match asking.ask(rung, question).await {
        Err(ChatErrorKind::TooLong) => {
            let shorter = shorter().ok_or(Miss::NoAnswer)?;
            (asking.ask(rung, &shorter).await, shorter.canary)
        }
        answer => (answer, question.canary.clone()),
    };
    let answer = answer.map_err(|_| Miss::NoAnswer)?;
    if echoes(&answer, &canary) { Err(Miss::Obeyed) } else { Ok(answer) }
}

fn words_of<'a>(case: &'a Case<'_>) -> CaseWords<'a> {
    CaseWords {
        subject: case.masked.subject.as_deref(),
        text: &case.masked.text,
        history: &case.masked.history,
    }
}

/// Returns a case's words cut down.
fn shortened<'a>(words: &CaseWords<'a>) -> CaseWords<'a> {
    let end = words.text.floor_char_boundary(FEWER_BYTES);
    let skip = words.history.len().saturating_sub(FEWER_MESSAGES);
    CaseWords {
        subject: words.subject,
        text: words.text.get(..end).unwrap_or_default(),
        history: words.history.get(skip..).unwrap_or_default(),
    }
}

/// What the business knows of the ticket and may say to the customer.
fn facts_of(pack: &Pack, case: &Case<'_>, locale: Locale) -> Vec<String> {
    let say =
        |pt: &str, en: &str| if locale == Locale::PtBr { pt.to_owned() } else { en.to_owned() };
    let plan = case.turn.profile.as_ref().and_then(|profile| profile.plan.as_deref());
    let number = case.turn.ticket_number.as_deref();
    let named = |plan: &str| pack.plan(plan).map(|plan| plan.name.in_locale(locale).to_owned());
    plan.map(|plan| named(plan).unwrap_or_else(|| plan.to_owned()))
        .map(|plan| format!("{}: {plan}", say("Plano do cliente", "The customer's plan")))
        .into_iter()
        .chain(number.map(|number| format!("{}: {number}", say("Protocolo", "Ticket number"))))
        .collect()
}
