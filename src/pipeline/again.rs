//! A draft once more because somebody of the team asked: as a model writes it to their wish, or from another passage or
//! template where no model can be asked.

use super::asking::asked;
use super::drafting::{self, Brief, Written};
use super::ladder::{Asking, Purse};
use super::{Case, Ladder, NoticeCase, Pipeline, TurnInput};
use crate::compose::{self, Family, NoticeFacts};
use crate::domain::draft::{DraftKind, DraftText, Passage};
use crate::domain::field::Engine;
use crate::domain::signal::Signal;
use crate::ports::chat::ModelCall;

/// Passages that the wish itself may bring to those of the draft.
const MORE: usize = 2;
/// Passages that a draft can be written from instead.
const OTHERS: usize = 4;

/// Templates that an agent may send as they are: each says something true of a ticket that a person reads. Safety texts,
/// outages, reminders and the rest follow events, not choices.
const OFFERED: &[Family] = &[
    Family::Acknowledgement,
    Family::Escalation,
    Family::Refund,
    Family::BugReport,
    Family::FeatureRequest,
    Family::Onboarding,
    Family::Angry,
    Family::Refusal,
    Family::Resolution,
];

/// What somebody wants of the next draft.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// In their words.
    pub instruction: &'a str,
    /// The draft that they read, without the frame around it.
    pub present: &'a str,
    /// The passages behind it.
    pub passages: &'a [Passage],
}

crate::domain::words! {
    /// Why no model wrote another draft.
    NoRedraft {
        /// None is configured.
        NoModel = "no_model",
        /// The budget holds no further question.
        NoMoney = "no_money",
        /// None answered, or not in time.
        NoAnswer = "no_answer",
        /// No article speaks of this, so there is nothing to write from.
        NoPassages = "no_passages",
        /// The conversation is one that no model is asked about: somebody may be in danger, or tries to steer it.
        NotAsked = "not_asked",
    }
}

/// What came of asking for another draft.
#[derive(Clone, Debug)]
pub struct Redrafted {
    /// The draft with the passages that it rests on, or why there is none.
    pub draft: Result<(DraftText, Vec<Passage>), NoRedraft>,
    /// What was asked of models.
    pub calls: Vec<ModelCall>,
}

/// Another draft that needs no model.
#[derive(Clone, Debug)]
pub struct Alternative {
    /// What tells it apart: `template:refund`, `passage:2`.
    pub key: String,
    /// The title of its article; nothing for a template.
    pub title: Option<String>,
    /// The heading of its passage, or the template's family.
    pub part: String,
    /// The words.
    pub draft: DraftText,
    /// The passages, the one it is written from first.
    pub passages: Vec<Passage>,
}

impl Pipeline {
    /// Writes a turn's draft once more with a person's wish. The wish is data like the customer's words: it lifts no rule,
    /// and what comes back is examined as every model's reply is.
    pub async fn redraft(
        &self,
        turn: &TurnInput,
        wish: &Wish<'_>,
        ladder: &Ladder,
        purse: &dyn Purse,
    ) -> Redrafted {
        let none = |why: NoRedraft| Redrafted { draft: Err(why), calls: Vec::new() };
        let mut case = self.opened(turn);
        let barred = |hit: &Signal| hit.is_safety() || *hit == Signal::Injection;
        if case.understood.signals.iter().any(|hit| barred(&hit.signal)) {
            return none(NoRedraft::NotAsked);
        }
        let names: Vec<&str> = turn.contact.name.as_deref().into_iter().collect();
        let mut mask = |text: &str| self.masker.mask(text, &mut case.masked.vault, &names).text;
        let (instruction, present) = (mask(wish.instruction), mask(wish.present));
        case.passages = self.wished_passages(&case, wish.passages, &instruction);
        if case.passages.is_empty() {
            return none(NoRedraft::NoPassages);
        }
        if !purse.allowance().models {
            return none(NoRedraft::NoMoney);
        }
        let mut asking = Asking::new(ladder, purse);
        let written = self.wished(&case, &mut asking, (&present, &instruction)).await;
        let refused = asking.calls.iter().any(|call| call.outcome == "no_money");
        let draft = match written {
            Err(why) => Err(why),
            Ok(Some(written)) => self.framed(&case, &written).ok_or(NoRedraft::NoAnswer),
            Ok(None) if refused => Err(NoRedraft::NoMoney),
            Ok(None) => Err(NoRedraft::NoAnswer),
        };
        let passages = std::mem::take(&mut case.passages);
        Redrafted { draft: draft.map(|draft| (draft, passages)), calls: asking.calls }
    }

    /// The passages of the draft, then what the wish itself finds.
    fn wished_passages(&self, case: &Case<'_>, kept: &[Passage], wish: &str) -> Vec<Passage> {
        let locale = self.reply_locale(&case.understood);
        let known = if kept.is_empty() { case.passages.as_slice() } else { kept };
        let mut passages: Vec<Passage> = known.to_vec();
        let found = self.library.search(wish, locale, MORE);
        for passage in found.into_iter().filter(|one| one.above_floor && one.locale == locale) {
            let same =
                |one: &Passage| one.article == passage.article && one.heading == passage.heading;
            if !passages.iter().any(same) {
                passages.push(passage);
            }
        }
        passages
    }

    /// Asks one rung after the other, and once for a repair of what is wrong.
    async fn wished(
        &self,
        case: &Case<'_>,
        asking: &mut Asking<'_>,
        wish: (&str, &str),
    ) -> Result<Option<Written>, NoRedraft> {
        let brief = self.brief(case);
        let mut best: Option<Written> = None;
        for rung in [Engine::Primary, Engine::Escalation] {
            let Some(question) = drafting::again(&brief, wish) else { break };
            let shorter = || drafting::again(&self.shorter(case, &brief), wish);
            let answer = match asked(asking, rung, &question, shorter).await {
                Ok(answer) => answer,
                Err(miss) if miss.is_obeyed() => return Err(NoRedraft::NotAsked),
                Err(_) => continue,
            };
            let Some(mut written) = drafting::read(&brief, &answer, &case.masked.vault) else {
                continue;
            };
            if !written.evidence.findings.is_empty() {
                written = self.mended(case, asking, rung, (&brief, written)).await?;
            }
            let clean = written.evidence.findings.is_empty();
            best = match best {
                Some(first) => Some(first.better(written)),
                None => Some(written),
            };
            if clean {
                break;
            }
        }
        Ok(best)
    }

    /// Gives a reply back once with what was wrong with it; the better of the two counts.
    async fn mended(
        &self,
        case: &Case<'_>,
        asking: &mut Asking<'_>,
        rung: Engine,
        (brief, written): (&Brief<'_>, Written),
    ) -> Result<Written, NoRedraft> {
        let Some(question) = drafting::question(brief, Some(&written)) else { return Ok(written) };
        let shorter = || drafting::question(&self.shorter(case, brief), Some(&written));
        match asked(asking, rung, &question, shorter).await {
            Ok(answer) => Ok(match drafting::read(brief, &answer, &case.masked.vault) {
                Some(second) => written.better(second),
                None => written,
            }),
            Err(miss) if miss.is_obeyed() => Err(NoRedraft::NotAsked),
            Err(_) => Ok(written),
        }
    }

    /// Puts a reply into the business's frame, the customer's data back in.
    fn framed(&self, case: &Case<'_>, written: &Written) -> Option<DraftText> {
        let input = self.compose_input(case.turn, &case.understood, &case.masked, &case.passages);
        let framed = compose::written(&self.templates, &input, &written.body, &written.evidence)?;
        Some(case.masked.restore(framed))
    }

    /// Approved templates with what is known of a ticket in them, for people to take words from.
    pub fn offered(&self, case: &NoticeCase<'_>) -> Vec<(Family, String)> {
        let written = |family: &Family| {
            let draft = self.notice(*family, case, &NoticeFacts::default())?;
            Some((*family, draft.text))
        };
        OFFERED.iter().filter_map(written).collect()
    }

    /// Other drafts of a turn that need no model: the answers of other passages, and templates that suit a ticket which
    /// people have. `kept` are the passages of the draft as it is.
    pub fn alternatives(&self, turn: &TurnInput, kept: &[Passage]) -> Vec<Alternative> {
        let case = self.opened(turn);
        if case.understood.signals.iter().any(|hit| hit.signal.is_safety()) {
            // Beyond the approved text, people choose their words.
            return Vec::new();
        }
        let locale = self.reply_locale(&case.understood);
        let passages = if kept.is_empty() { case.passages.as_slice() } else { kept };
        let usable = passages.iter().enumerate().filter(|(_, one)| one.locale == locale);
        let mut all: Vec<Alternative> = usable
            .take(OTHERS)
            .filter_map(|(at, _)| self.by_passage(&case, passages, at))
            .collect();
        let mut input = self.compose_input(turn, &case.understood, &case.masked, &[]);
        // "Your request about general inquiry" says nothing, and the wrong category says something wrong.
        input.category_name = "";
        all.extend(OFFERED.iter().filter_map(|family| {
            let draft = compose::notice(&self.templates, *family, &input, &NoticeFacts::default())?;
            Some(Alternative {
                key: format!("template:{family}"),
                title: None,
                part: family.as_str().to_owned(),
                draft: case.masked.restore(draft),
                passages: passages.to_vec(),
            })
        }));
        all
    }

    /// The answer that one passage gives: a person chose it, so that its score does not decide.
    fn by_passage(&self, case: &Case<'_>, all: &[Passage], at: usize) -> Option<Alternative> {
        let chosen = all.get(at)?;
        let mut ordered = vec![chosen.clone()];
        ordered
            .extend(all.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, one)| one.clone()));
        let mut wanted = ordered.clone();
        if let Some(first) = wanted.first_mut() {
            first.above_floor = true;
        }
        let input = self.compose_input(case.turn, &case.understood, &case.masked, &wanted);
        let draft = case.masked.restore(compose::compose(&self.templates, &input)?);
        let article = self.library.article(&chosen.article, chosen.locale);
        Some(Alternative {
            key: format!("passage:{at}"),
            title: Some(article.map_or_else(|| chosen.article.clone(), |one| one.title.clone())),
            part: chosen.heading.clone(),
            draft: DraftText { kind: DraftKind::Extractive, ..draft },
            passages: ordered,
        })
    }
}
