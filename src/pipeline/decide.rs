//! Decides a turn: safety and rules first, then evidence, then confidence, then the mode.
//!
//! The order is the policy. A rule that fires is cited by id; a rule that lacks a fact is listed.

use super::{TurnInput, Verified};
use crate::domain::channel::Channel;
use crate::domain::confidence::Confidence;
use crate::domain::decision::{Action, Decision, LocalText, Mode, Reason, RuleNotKnown};
use crate::domain::labels::Urgency;
use crate::domain::signal::Signal;
use crate::domain::ticket::OwnerKind;
use crate::policy::{Evaluated, Fact, Facts, Pack, RouteQuery, Rule, RuleAction, RuleOutcome};
use crate::understand::Understood;
use crate::understand::votes::is_model;

/// Signals that a turn may carry and still want no reply.
const QUIET: &[Signal] =
    &[Signal::ThankYou, Signal::Greeting, Signal::AutoReply, Signal::Spam, Signal::OptOut];

/// A decision, and whether the ticket's stage and owner stay as they are.
pub(super) struct Decided {
    pub(super) decision: Decision,
    pub(super) leaves_ticket_alone: bool,
}

/// What else bears on a decision.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    /// A model or its provider declined to answer.
    pub(super) declined: bool,
    /// The budget lets replies leave without a person.
    pub(super) may_send: bool,
}

/// True where people answer whatever draft there is: by a rule, or because the assistant only routes here.
pub(super) fn is_for_people(
    pack: &Pack,
    turn: &TurnInput,
    understood: &Understood,
    mut facts: Facts,
) -> bool {
    super::facts::with_faultless_draft(&mut facts);
    let escalates = pack.evaluate(&facts).iter().any(|one| {
        one.outcome == RuleOutcome::Fired && one.rule.then.action == Some(RuleAction::Escalate)
    });
    escalates || turn.mode(pack, &understood.category.value) == Mode::Off
}

/// Returns the rule by which no reply of a category leaves a channel without a person, whatever a message says, and how
/// far the worker goes there at the most.
pub fn barred<'p>(pack: &'p Pack, category: &str, channel: Channel) -> Option<(Mode, &'p Rule)> {
    let mut facts = Facts::new();
    facts
        .set(Fact::Channel, channel.as_str())
        .set(Fact::Category, category.to_owned())
        .set(Fact::Mode, Mode::Auto.as_str())
        .set(Fact::IncidentActive, false);
    super::facts::with_faultless_draft(&mut facts);
    let evaluated = pack.evaluate(&facts);
    let of = |action: RuleAction| {
        let fired = evaluated.iter().filter(|one| one.outcome == RuleOutcome::Fired);
        fired.map(|one| one.rule).find(|rule| rule.then.action == Some(action))
    };
    let escalates = of(RuleAction::Escalate).map(|rule| (Mode::Off, rule));
    escalates.or_else(|| of(RuleAction::Review).map(|rule| (Mode::Draft, rule)))
}

/// Decides.
pub(super) fn decide(
    pack: &Pack,
    turn: &TurnInput,
    understood: &Understood,
    facts: &Facts,
    verified: Option<&Verified>,
    standing: Standing,
) -> Decided {
    let evaluated = pack.evaluate(facts);
    let fired: Vec<&Evaluated<'_>> =
        evaluated.iter().filter(|one| one.outcome == RuleOutcome::Fired).collect();
    let confidence = confidence_in(facts);
    let priority = fired
        .iter()
        .filter_map(|one| one.rule.then.priority)
        .fold(understood.urgency.value, Urgency::max);

    let mut reasons = Reasons::default();
    // Whatever the rules say of the customer or the ticket's past: where nothing is left to answer, nobody is needed.
    if turn.messages.is_empty() {
        reasons.add(NOTHING_NEW);
        return quiet(pack, turn, priority, confidence, reasons, not_known(&evaluated));
    }
    let would = by_rules(&fired, understood, &mut reasons);
    if would == Some(Action::None) {
        return quiet(pack, turn, priority, confidence, reasons, not_known(&evaluated));
    }
    if super::rating_of(turn).is_some() && would != Some(Action::Escalate) {
        reasons.add(RATING);
        return quiet(pack, turn, priority, confidence, reasons, not_known(&evaluated));
    }
    // Without a draft there is nothing to review: a person answers.
    let (by_evidence, because) = by_evidence(pack, understood, verified, confidence, standing);
    let would = stronger(would, by_evidence);
    if would != Action::Escalate || !reasons.has_any() {
        reasons.add(because);
    }

    let mode = turn.mode(pack, &understood.category.value);
    let action = match (mode, turn.owner) {
        // People who have a conversation keep it.
        (_, OwnerKind::Queue | OwnerKind::Agent) if would != Action::Escalate => {
            reasons.put_first(HELD);
            Action::Escalate
        }
        // Whoever opted out and writes again is answered, but by a person.
        _ if turn.opted_out && would != Action::Escalate => {
            reasons.put_first(OPTED_OUT);
            Action::Escalate
        }
        (Mode::Off, _) if would != Action::Escalate => {
            reasons.put_first(MODE_OFF);
            Action::Escalate
        }
        _ if would == Action::Send && turn.stopped => {
            reasons.put_first(STOPPED);
            Action::Review
        }
        // The packs have a rule for it; a company's own file may not, and nothing would leave anyhow.
        _ if would == Action::Send && turn.is_held_by_incident(&understood.category.value) => {
            reasons.put_first(INCIDENT);
            Action::Review
        }
        _ if would == Action::Send && turn.flags.held => {
            reasons.put_first(SENDER);
            Action::Review
        }
        (Mode::Draft, _) if would == Action::Send => {
            reasons.put_first(MODE_DRAFT);
            Action::Review
        }
        _ if would == Action::Send && !standing.may_send => {
            reasons.put_first(BUDGET);
            Action::Review
        }
        _ => would,
    };
    let (queue, level) = destination(pack, turn, understood, &fired, priority);
    Decided {
        decision: Decision {
            action,
            would,
            queue: (action != Action::Send).then_some(queue),
            level: (action != Action::Send).then_some(level).flatten(),
            priority,
            confidence,
            reasons: reasons.0,
            not_known: not_known(&evaluated),
            notify: told(&fired),
            within_mins: fired.iter().filter_map(|one| one.rule.then.within_mins).min(),
        },
        leaves_ticket_alone: false,
    }
}

/// The roles that rules want told, each once.
fn told(fired: &[&Evaluated<'_>]) -> Vec<String> {
    let mut roles: Vec<String> = Vec::new();
    for role in fired.iter().flat_map(|one| &one.rule.then.notify) {
        if !roles.contains(role) {
            roles.push(role.clone());
        }
    }
    roles
}

/// What the rules demand, strongest first; `None` when they leave it to evidence and confidence.
fn by_rules(
    fired: &[&Evaluated<'_>],
    understood: &Understood,
    reasons: &mut Reasons,
) -> Option<Action> {
    let of =
        |action: RuleAction| fired.iter().filter(move |one| one.rule.then.action == Some(action));
    let wants_quiet = of(RuleAction::None).next().is_some();
    // Rules about the customer or the ticket's past do not make a thank-you a case; what the turn
    // itself says does.
    if wants_quiet && understood.signals.iter().all(|hit| QUIET.contains(&hit.signal)) {
        of(RuleAction::None).for_each(|one| reasons.cite(one));
        return Some(Action::None);
    }
    // The safety rule is named first, whatever else fired.
    of(RuleAction::Escalate).for_each(|one| reasons.cite(one));
    of(RuleAction::Review).for_each(|one| reasons.cite(one));
    fired.iter().filter(|one| one.rule.then.action.is_none()).for_each(|one| reasons.cite(one));
    if of(RuleAction::Escalate).next().is_some() {
        Some(Action::Escalate)
    } else {
        of(RuleAction::Review).next().map(|_| Action::Review)
    }
}

/// What evidence and confidence allow, and why.
fn by_evidence(
    pack: &Pack,
    understood: &Understood,
    verified: Option<&Verified>,
    confidence: Confidence,
    standing: Standing,
) -> (Action, Own) {
    let human = &understood.requires_human;
    let model_wants_person = human.value && is_model(human.engine);
    let written = verified.and_then(|verified| verified.written.as_ref());
    match verified {
        None => (Action::Escalate, NO_DRAFT),
        Some(draft) if draft.checks.forbidden > 0 || draft.checks.unfilled => {
            (Action::Review, WORDING)
        }
        Some(_) if standing.declined => (Action::Review, DECLINED),
        Some(draft) if draft.disputed => (Action::Review, DISPUTED),
        Some(_) if written.is_some_and(|written| written.flawed) => (Action::Review, FLAWED),
        Some(_) if model_wants_person || written.is_some_and(|written| written.needs_human) => {
            (Action::Review, PERSON_WANTED)
        }
        Some(_) if written.is_some_and(|written| written.open_questions) => {
            (Action::Review, OPEN_QUESTION)
        }
        Some(_) if confidence.get() < pack.thresholds().send => (Action::Review, LOW_CONFIDENCE),
        Some(_) => (Action::Send, SUPPORTED),
    }
}

/// Escalate is stronger than review, review than send.
fn stronger(by_rules: Option<Action>, by_evidence: Action) -> Action {
    let demanded = [by_rules.unwrap_or(by_evidence), by_evidence];
    if demanded.contains(&Action::Escalate) {
        Action::Escalate
    } else if demanded.contains(&Action::Review) {
        Action::Review
    } else {
        by_evidence
    }
}

/// The people who get it: safety first, then the first rule that names a team, else the routing table.
fn destination(
    pack: &Pack,
    turn: &TurnInput,
    understood: &Understood,
    fired: &[&Evaluated<'_>],
    priority: Urgency,
) -> (String, Option<String>) {
    if understood.signals.iter().any(|hit| hit.signal.is_safety()) {
        return (pack.safety.queue.clone(), Some(pack.safety.level.clone()));
    }
    if let Some((queue, level)) = &turn.held_in {
        return (queue.clone(), level.clone());
    }
    let plan = turn.profile.as_ref().and_then(|profile| profile.plan.as_deref());
    let route = pack.route(&RouteQuery {
        category: &understood.category.value,
        subcategory: understood.subcategory.value.as_deref(),
        complexity: understood.complexity.value,
        urgency: priority,
        plan,
    });
    let named = |pick: fn(&crate::policy::Then) -> Option<&String>| {
        fired.iter().find_map(|one| pick(&one.rule.then))
    };
    let team = named(|then| then.team.as_ref()).map_or(route.team, String::as_str);
    // The highest level that any rule asks for, where the team has it.
    let levels: Vec<&str> =
        pack.team(team).into_iter().flat_map(|team| &team.levels).map(|l| l.id.as_str()).collect();
    let rank = |level: &str| levels.iter().position(|known| *known == level);
    let level = fired
        .iter()
        .filter_map(|one| one.rule.then.level.as_deref())
        .chain((team == route.team).then_some(route.level))
        .filter(|level| rank(level).is_some())
        .max_by_key(|level| rank(level))
        .or_else(|| levels.first().copied());
    (team.to_owned(), level.map(str::to_owned))
}

fn quiet(
    pack: &Pack,
    turn: &TurnInput,
    priority: Urgency,
    confidence: Confidence,
    reasons: Reasons,
    not_known: Vec<RuleNotKnown>,
) -> Decided {
    // A thank-you must not raise a ticket that nobody needs to look at.
    let priority = priority.min(pack.urgency.default);
    let held = turn.held_in.clone();
    Decided {
        decision: Decision {
            action: Action::None,
            would: Action::None,
            queue: held.as_ref().map(|(queue, _)| queue.clone()),
            level: held.and_then(|(_, level)| level),
            priority,
            confidence,
            reasons: reasons.0,
            not_known,
            notify: Vec::new(),
            within_mins: None,
        },
        leaves_ticket_alone: true,
    }
}

fn confidence_in(facts: &Facts) -> Confidence {
    match facts.get(crate::policy::Fact::Confidence) {
        Some(crate::policy::FactValue::Double(value)) => Confidence::clamped(*value),
        _ => Confidence::ZERO,
    }
}

fn not_known(evaluated: &[Evaluated<'_>]) -> Vec<RuleNotKnown> {
    evaluated
        .iter()
        .filter_map(|one| match &one.outcome {
            RuleOutcome::NotKnown(facts) => Some(RuleNotKnown {
                rule: one.rule.id.clone(),
                facts: facts.iter().map(|fact| fact.name().to_owned()).collect(),
            }),
            RuleOutcome::Fired | RuleOutcome::Not => None,
        })
        .collect()
}

/// A reason that is the decision's own and no rule of the pack: id, Portuguese, English.
type Own = (&'static str, &'static str, &'static str);

const NO_DRAFT: Own = (
    "K1.no_answer",
    "Não há artigo que responda; uma pessoa escreve a resposta.",
    "No article holds the answer; a person writes the reply.",
);
const WORDING: Own = (
    "R4.wording",
    "O rascunho usa palavras que não podemos usar ou ficou com um campo em branco.",
    "The draft uses words we do not use, or left a field blank.",
);
const FLAWED: Own = (
    "R4.flawed",
    "A conferência achou no rascunho algo que nenhum artigo sustenta; a frase está marcada.",
    "The checks found something in the draft that no article backs; the sentence is marked.",
);
const DISPUTED: Own = (
    "E2.disputed",
    "O que o modelo escreveu não passou na conferência; este rascunho vem dos artigos, para uma pessoa comparar.",
    "What the model wrote did not pass the checks; this draft comes from the articles, for a person to compare.",
);
const PERSON_WANTED: Own = (
    "E2.person_wanted",
    "O modelo acha que uma pessoa deve cuidar deste caso.",
    "The model thinks a person should handle this.",
);
const OPEN_QUESTION: Own = (
    "R6.open_question",
    "O rascunho deixa uma pergunta do cliente sem resposta.",
    "The draft leaves a question of the customer unanswered.",
);
const DECLINED: Own = (
    "E2.declined",
    "O modelo de linguagem se recusou a responder; uma pessoa confere.",
    "The language model declined to answer; a person checks.",
);
const BUDGET: Own = (
    "M2.budget",
    "O orçamento dos modelos acabou: até ele se renovar, uma pessoa envia as respostas.",
    "The models' budget is spent: until it renews, a person sends the replies.",
);
const SENDER: Own = (
    "C5.sender",
    "O remetente pode ser falso, não quer respostas automáticas ou não escreveu para nós: uma pessoa decide se responde.",
    "The sender may be forged, wants no automatic replies, or did not write to us: a person decides whether to answer.",
);
const LOW_CONFIDENCE: Own = (
    "E2.low_confidence",
    "A confiança está abaixo do mínimo para enviar sozinho; uma pessoa confere.",
    "Confidence is below what sending alone needs; a person checks the draft.",
);
const SUPPORTED: Own = (
    "E2.supported",
    "Cada frase tem apoio e a confiança passa do mínimo.",
    "Every sentence has support and confidence clears the bar.",
);
const HELD: Own = (
    "T2.held_by_people",
    "A conversa já está com uma pessoa ou na fila dela, e continua lá.",
    "People already have this conversation, and it stays with them.",
);
const MODE_OFF: Own = (
    "mode.off",
    "Neste canal e categoria a assistente só encaminha.",
    "On this channel and category the assistant only routes.",
);
const MODE_DRAFT: Own = (
    "mode.draft",
    "Neste canal e categoria a assistente só rascunha; uma pessoa envia.",
    "On this channel and category the assistant drafts and a person sends.",
);
const INCIDENT: Own = (
    "P6.incident",
    "Há um incidente declarado: nada sai sozinho.",
    "An incident is declared: nothing leaves by itself.",
);
const STOPPED: Own = (
    "mode.stopped",
    "Os envios automáticos estão parados: uma pessoa envia as respostas.",
    "Automatic sending is stopped: a person sends the replies.",
);
const OPTED_OUT: Own = (
    "T2.opted_out",
    "A pessoa tinha pedido para não receber mensagens e voltou a escrever; uma pessoa responde.",
    "They had asked for no more messages and wrote again; a person answers.",
);
const RATING: Own = (
    "T2.rating",
    "É a resposta à pergunta de satisfação: a nota foi registrada e o atendimento não reabre.",
    "It answers the satisfaction question: the rating is noted and the ticket stays as it is.",
);
const NOTHING_NEW: Own =
    ("T2.nothing_new", "Não há nada novo a responder.", "There is nothing new to answer.");

#[derive(Default)]
struct Reasons(Vec<Reason>);

impl Reasons {
    fn cite(&mut self, one: &Evaluated<'_>) {
        self.0.push(Reason { rule: one.rule.id.clone(), text: one.rule.text.clone() });
    }

    fn add(&mut self, own: Own) {
        self.0.push(reason(own));
    }

    fn put_first(&mut self, own: Own) {
        self.0.insert(0, reason(own));
    }

    fn has_any(&self) -> bool {
        !self.0.is_empty()
    }
}

fn reason((rule, pt_br, en): Own) -> Reason {
    Reason { rule: rule.to_owned(), text: LocalText::new(pt_br, en) }
}
