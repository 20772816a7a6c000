//! What a department gets of a package (E6): the fields that the pack lists for it, and no others.

use serde::Serialize;

use super::{Amount, Attempt, CustomerPart, EvidencePart, Expectation, Need, Package, Spoken};
use crate::domain::decision::LocalText;
use crate::domain::labels::{Locale, Urgency};
use crate::policy::Pack;
use crate::report::words::{money, of, priority, sentiment};

const PRODUCT: &[&str] = &["ticket_ids", "summary", "customer_impact", "suggested_action"];
const ENGINEERING: &[&str] = &["ticket_ids", "technical_summary", "severity", "reproduction_steps"];
const BILLING: &[&str] = &["ticket", "customer", "amount", "issue"];

/// A hand-over to a department. A field that the pack does not list for it, or that the ticket does not tell, is
/// absent; a listed list is there even when it is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DepartmentPayload {
    /// This ticket and the customer's other tickets, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_ids: Option<Vec<String>>,
    /// The ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketName>,
    /// Who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerPart>,
    /// The customer's own sentences that carry the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Whom it hits and how hard, in the words of the locale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_impact: Option<String>,
    /// What the department is asked to do, in the words of the locale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggested_action: Option<String>,
    /// The customer's sentences with errors, codes, versions or devices; the summary where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub technical_summary: Option<String>,
    /// How grave it is: the ticket's priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Urgency>,
    /// The customer's sentences that tell what was done, or when it happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reproduction_steps: Option<Vec<String>>,
    /// Amounts of money that the customer named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Vec<Amount>>,
    /// The same sentences as the summary's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// What was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tried: Option<Vec<Attempt>>,
    /// What is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<Vec<Need>>,
    /// What the customer expects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expectation: Option<Expectation>,
    /// The conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Vec<Spoken>>,
    /// What the assistant found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidencePart>,
}

/// A ticket as machines and people name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverTicketName)]
pub struct TicketName {
    /// Its id.
    pub id: String,
    /// Its number, with check digit.
    pub number: String,
}

/// Returns what a department gets; `None` for one that the pack does not know. Without a pack, the three departments
/// of E6 get their own fields. `locale` is the language of the two fields that are not quoted.
pub fn department(
    package: &Package,
    pack: Option<&Pack>,
    id: &str,
    locale: Locale,
) -> Option<DepartmentPayload> {
    let fields: Vec<&str> = match pack {
        Some(pack) => {
            let department = pack.departments.iter().find(|department| department.id == id)?;
            department.payload.iter().map(String::as_str).collect()
        }
        None => match id {
            "product" => PRODUCT.to_vec(),
            "engineering" => ENGINEERING.to_vec(),
            "billing" => BILLING.to_vec(),
            _ => return None,
        },
    };
    let issue = &package.issue;
    let mut payload = DepartmentPayload::default();
    for field in fields {
        match field {
            "ticket_ids" => payload.ticket_ids = Some(ticket_ids(package)),
            "ticket" => payload.ticket = Some(ticket_name(package)),
            "customer" => payload.customer = Some(package.customer.clone()),
            "summary" => payload.summary.clone_from(&issue.summary),
            "customer_impact" => payload.customer_impact = impact(package, pack, locale),
            "suggested_action" => payload.suggested_action = Some(suggestion(package, locale)),
            "technical_summary" => payload.technical_summary = technical(package),
            "severity" => payload.severity = issue.priority,
            "reproduction_steps" => payload.reproduction_steps = Some(issue.steps.clone()),
            "amount" => payload.amount = Some(issue.amounts.clone()),
            "issue" => payload.issue.clone_from(&issue.summary),
            "tried" => payload.tried = Some(package.tried.clone()),
            "needed" => payload.needed = Some(package.needed.clone()),
            "expectation" => payload.expectation = Some(package.expects.clone()),
            "conversation" => payload.conversation = Some(package.conversation.clone()),
            "evidence" => payload.evidence = Some(package.evidence.clone()),
            // A field that a later pack knows and this program does not.
            _ => {}
        }
    }
    Some(payload)
}

fn ticket_ids(package: &Package) -> Vec<String> {
    let ticket = &package.ticket;
    std::iter::once(&ticket.id).chain(&ticket.linked).cloned().collect()
}

fn ticket_name(package: &Package) -> TicketName {
    TicketName { id: package.ticket.id.clone(), number: package.ticket.number.clone() }
}

fn technical(package: &Package) -> Option<String> {
    let issue = &package.issue;
    if issue.technical.is_empty() { issue.summary.clone() } else { Some(issue.technical.join(" ")) }
}

/// Names what the ticket tells of the customer's weight and trouble.
fn impact(package: &Package, pack: Option<&Pack>, locale: Locale) -> Option<String> {
    let (customer, issue) = (&package.customer, &package.issue);
    let mut facts: Vec<String> = Vec::new();
    let mut add = |pt: &'static str, en: &'static str, value: Option<String>| {
        facts.extend(value.map(|value| format!("{}: {value}", of(locale, pt, en))));
    };
    add("plano", "plan", customer.tier.as_deref().map(|tier| plan_name(tier, pack, locale)));
    let revenue = customer.annual_revenue.as_ref().map(|revenue| money(revenue, locale));
    add("receita anual", "annual revenue", revenue);
    let affected = issue.affected.map(|affected| affected.to_string());
    add(
        "pessoas afetadas, segundo o cliente",
        "people affected, by the customer's account",
        affected,
    );
    let mood = customer.sentiment.map(|mood| sentiment(mood, locale).to_owned());
    add("humor do cliente", "customer's mood", mood);
    let urgency = issue.priority.map(|urgency| priority_name(urgency, pack, locale));
    add("prioridade", "priority", urgency);
    let count = |count: usize| (count > 0).then(|| count.to_string());
    add(
        "outros tickets do cliente",
        "other tickets of the customer",
        count(package.ticket.linked.len()),
    );
    (!facts.is_empty()).then(|| facts.join("; "))
}

/// Asks for what only a department can give; it promises the customer nothing.
fn suggestion(package: &Package, locale: Locale) -> String {
    let number = &package.ticket.number;
    match locale {
        Locale::PtBr => format!(
            "Avaliar o que o cliente relata e dizer no ticket {number} o que podemos responder a ele."
        ),
        Locale::En => format!(
            "Assess what the customer reports, and say on ticket {number} what we can answer them."
        ),
    }
}

/// The plan's display name, or its spelling in the profile.
pub(super) fn plan_name(tier: &str, pack: Option<&Pack>, locale: Locale) -> String {
    let plan = pack.and_then(|pack| pack.plan(tier));
    shown(plan.map(|plan| &plan.name), tier, locale)
}

/// The pack's own name of an urgency, or ours.
pub(super) fn priority_name(urgency: Urgency, pack: Option<&Pack>, locale: Locale) -> String {
    let label = pack.and_then(|pack| pack.urgency.labels.get(&urgency));
    shown(label, priority(urgency, locale), locale)
}

/// A display name in the reader's language, or the word itself.
pub(super) fn shown(name: Option<&LocalText>, word: &str, locale: Locale) -> String {
    let name = name.map(|name| name.in_locale(locale)).filter(|name| !name.is_empty());
    name.unwrap_or(word).to_owned()
}
