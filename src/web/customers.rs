//! Customers as the business describes them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::AppState;
use super::auth::Caller;
use super::form::{Form, Limits, short_text};
use super::messages::{NAME, ProblemAndHint, is_email, is_phone, not_email, not_phone};
use super::money::{is_currency, parse_plain};
use super::payload::Payload;
use super::problem::{FieldProblem, Kind, Problem, say};
use crate::adapters::store::CustomerUpsert;
use crate::domain::customer::{Customer, CustomerProfile, Money};
use crate::domain::decision::LocalText;
use crate::domain::mark::StandingMark;

/// The limits of the business's own key.
const REFERENCE: Limits = Limits { max: 200, exact: true };
const PLAN: Limits = Limits { max: 100, exact: true };
const FIELD_NAME: Limits = Limits { max: 100, exact: true };
const FIELD_VALUE: Limits = Limits { max: 2000, exact: false };
/// Most addresses, numbers, consents and free fields, each.
const LIST_MAX: usize = 50;

/// An amount: `minor` units, or `amount` as a decimal.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; `money` reads it")]
pub(super) struct MoneyIn {
    /// Minor units: 1250000 is 12500.00 of a currency with cents.
    minor: Option<i64>,
    /// A decimal such as `"12500.00"`, as a string so that nothing is rounded.
    amount: Option<String>,
    /// ISO 4217, e.g. `BRL`.
    currency: String,
}

/// What the business tells of a customer; what is left out is removed.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; `profile` reads it")]
pub(super) struct CustomerIn {
    /// The name to greet with.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// E-mail addresses, by which the customer is recognised.
    #[schema(required = false, max_items = 50)]
    emails: Vec<String>,
    /// Phone numbers with country and area, by which the customer is recognised.
    #[schema(required = false, max_items = 50)]
    phones: Vec<String>,
    /// The plan or tier, as the policy spells it.
    plan: Option<String>,
    /// What the customer pays in a year.
    annual_revenue: Option<MoneyIn>,
    /// Since when they are a customer, `YYYY-MM-DD`.
    customer_since: Option<NaiveDate>,
    /// Purposes the customer agreed to or refused, e.g. `{"proactive": true}`.
    #[schema(required = false)]
    consent: BTreeMap<String, bool>,
    /// Anything else that rules and agents should see.
    #[schema(required = false)]
    fields: BTreeMap<String, String>,
    /// `true` where they asked, on whatever way, to receive nothing unasked; `false` where they want it again. Left out, what
    /// is known stays.
    opted_out: Option<bool>,
}

/// A customer, and what is known of their addresses.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CustomerOut {
    #[serde(flatten)]
    customer: Customer,
    /// That they want nothing unasked, or no advertisements, or that nothing arrives at one of their addresses.
    marks: Vec<StandingMark>,
}

impl CustomerOut {
    async fn of(state: &AppState, caller: &Caller, reference: &str) -> Result<Self, Problem> {
        let customer = state.store().customer(&caller.tenant, reference).await?;
        let customer = customer.ok_or_else(no_customer)?;
        let marks = state.store().marks_of_customer(&caller.tenant, &customer).await?;
        Ok(Self { customer, marks })
    }
}

/// Reads a profile from JSON as `PUT /v1/customers/{ref}` takes it; every problem at once.
pub fn read_profile(body: Value) -> Result<CustomerProfile, Vec<FieldProblem>> {
    let read = Form::new(body).and_then(|mut form| {
        let profile = profile(&mut form);
        form.finish(Some(profile))
    });
    read.map_err(Problem::into_errors)
}

/// Reads the business's own key of a customer; `None` if there is nothing in it.
pub fn read_reference(text: &str) -> Result<Option<String>, LocalText> {
    short_text(text, REFERENCE)
}

/// Reads a customer's profile, and whether they are said to want nothing unasked.
pub(super) fn described(form: &mut Form) -> (CustomerProfile, Option<bool>) {
    (profile(form), form.flag("opted_out"))
}

/// Reads a customer's profile.
fn profile(form: &mut Form) -> CustomerProfile {
    let text = Limits { max: 254, exact: true };
    let emails = form.texts("emails", LIST_MAX, text);
    let phones = form.texts("phones", LIST_MAX, text);
    let mut check =
        |name: &str, values: &[String], fits: fn(&str) -> bool, wrong: ProblemAndHint| {
            for (index, _) in values.iter().enumerate().filter(|(_, value)| !fits(value)) {
                form.wrong(&format!("{name}[{index}]"), wrong.0.clone(), Some(wrong.1.clone()));
            }
        };
    check("emails", &emails, is_email, not_email());
    check("phones", &phones, is_phone, not_phone());
    CustomerProfile {
        name: form.short("name", NAME),
        emails,
        phones,
        plan: form.short("plan", PLAN),
        annual_revenue: form.object("annual_revenue").and_then(|inner| money(form, inner)),
        customer_since: date(form, "customer_since"),
        consent: consent(form),
        fields: free_fields(form),
    }
}

fn money(form: &mut Form, mut inner: Form) -> Option<Money> {
    let currency = inner.required_short("currency", PLAN);
    if currency.as_deref().is_some_and(|code| !is_currency(code)) {
        inner.wrong(
            "currency",
            say("não é um código ISO 4217", "is not an ISO 4217 code"),
            Some(say("três letras maiúsculas, como BRL", "three capital letters, such as BRL")),
        );
    }
    let minor = inner.number("minor", 0, i64::MAX);
    let amount = inner.take("amount");
    let read = match (minor, amount, currency) {
        (Some(minor), None, Some(currency)) => Some(Money { minor, currency }),
        (None, Some(amount), Some(currency)) => amount_of(&mut inner, &amount, &currency),
        (None, None, _) if inner.problem_count() == 0 => {
            inner.missing("amount", say("por exemplo \"12500.00\"", "for example \"12500.00\""));
            None
        }
        (Some(_), Some(_), _) => {
            inner.wrong(
                "amount",
                say("veio junto com `minor`", "came together with `minor`"),
                Some(say("envie só um dos dois", "send only one of the two")),
            );
            None
        }
        _ => None,
    };
    form.adopt(inner);
    read
}

fn amount_of(inner: &mut Form, amount: &Value, currency: &str) -> Option<Money> {
    let text = match amount {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        Value::Number(_) => {
            inner.wrong(
                "amount",
                say(
                    "número com decimais pode perder centavos",
                    "a number with decimals can lose cents",
                ),
                Some(say("envie como texto: \"12500.00\"", "send it as a string: \"12500.00\"")),
            );
            return None;
        }
        other => {
            inner.wrong_kind("amount", other, &say("um texto", "a string"));
            return None;
        }
    };
    match parse_plain(&text, currency) {
        Ok(money) => Some(money),
        Err(problem) => {
            inner.wrong("amount", problem, None);
            None
        }
    }
}

fn date(form: &mut Form, name: &'static str) -> Option<NaiveDate> {
    let text = form.text(name)?;
    let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
    if date.is_none() {
        form.wrong(
            name,
            say("não é uma data", "is not a date"),
            Some(say("escreva, por exemplo, 2024-03-01", "write, for example, 2024-03-01")),
        );
    }
    date
}

fn consent(form: &mut Form) -> BTreeMap<String, bool> {
    let mut consent = BTreeMap::new();
    for (key, value) in named(form, "consent") {
        if let Some(agreed) = value.as_bool() {
            consent.insert(key, agreed);
        } else {
            let wanted = say("true ou false", "true or false");
            form.wrong_kind(&format!("consent.{key}"), &value, &wanted);
        }
    }
    consent
}

fn free_fields(form: &mut Form) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for (key, value) in named(form, "fields") {
        let at = format!("fields.{key}");
        match value.as_str().map(|text| short_text(text, FIELD_VALUE)) {
            Some(Ok(text)) => {
                fields.insert(key, text.unwrap_or_default());
            }
            Some(Err(problem)) => form.wrong(&at, problem, None),
            None => form.wrong_kind(&at, &value, &say("um texto", "a string")),
        }
    }
    fields
}

/// Reads an object of free names, each a short line.
fn named(form: &mut Form, name: &'static str) -> Vec<(String, Value)> {
    let entries = form.entries(name);
    if entries.len() > LIST_MAX {
        form.wrong(
            name,
            say(format!("tem mais de {LIST_MAX} itens"), format!("has more than {LIST_MAX} items")),
            None,
        );
        return Vec::new();
    }
    let mut kept = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match short_text(&key, FIELD_NAME) {
            Ok(Some(key)) => kept.push((key, value)),
            _ => form.wrong(
                name,
                say(
                    "tem um nome vazio, longo demais ou com caracteres de controle",
                    "has a name that is empty, too long or with control characters",
                ),
                None,
            ),
        }
    }
    kept
}

fn reference_of(path: &str) -> Result<String, Problem> {
    match read_reference(path) {
        Ok(Some(reference)) => Ok(reference),
        Ok(None) => Err(no_customer()),
        Err(problem) => Err(Problem::field("ref", problem, None).into_bad_request()),
    }
}

fn no_customer() -> Problem {
    Problem::new(
        Kind::NotFound,
        say("Não há cliente com esta referência.", "There is no customer with this reference."),
    )
}

/// Creates or replaces a customer.
#[utoipa::path(
    put, path = "/v1/customers/{ref}", tag = "customers", request_body = CustomerIn,
    params(("ref" = String, Path, description = "The business's own key")),
    responses(
        (status = 200, description = "Replaced", body = CustomerOut),
        (status = 201, description = "Created", body = CustomerOut)
    )
)]
pub(super) async fn put(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(reference): Path<String>,
    mut payload: Payload,
) -> Result<Response, Problem> {
    let reference = reference_of(&reference)?;
    let mut form = payload.form()?;
    let described = described(&mut form);
    let (profile, opted_out) = form.finish(Some(described))?;
    let id = state.clock().customer_id();
    let upsert = CustomerUpsert { id, reference: reference.clone(), profile };
    let now = state.clock().now();
    let created = state.store().put_customers(now, &caller.tenant, vec![upsert]).await?;
    if let Some(opted_out) = opted_out
        && let Some(customer) = state.store().customer(&caller.tenant, &reference).await?
    {
        state.store().note_opt_out(now, &caller.tenant, &customer, opted_out).await?;
    }
    let status = if created == 1 { StatusCode::CREATED } else { StatusCode::OK };
    let customer = CustomerOut::of(&state, &caller, &reference).await?;
    Ok((status, Json(customer)).into_response())
}

/// Shows a customer.
#[utoipa::path(
    get, path = "/v1/customers/{ref}", tag = "customers",
    params(("ref" = String, Path, description = "The business's own key")),
    responses((status = 200, description = "The customer", body = CustomerOut))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(reference): Path<String>,
) -> Result<Json<CustomerOut>, Problem> {
    let reference = reference_of(&reference)?;
    CustomerOut::of(&state, &caller, &reference).await.map(Json)
}
