//! The person or company that writes to the business.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::ids::CustomerId;

/// What the business knows of a customer. `reference` is the business's own key for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Customer {
    /// Our id.
    pub id: CustomerId,
    /// The business's own key, unique per tenant.
    pub reference: String,
    /// What the business told us.
    #[serde(flatten)]
    pub profile: CustomerProfile,
    /// When we first heard of them.
    pub created_at: DateTime<Utc>,
    /// When the profile last changed.
    pub updated_at: DateTime<Utc>,
}

/// The part of a customer that the business supplies; everything is optional.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CustomerProfile {
    /// The name to greet with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// Phone numbers, E.164 where known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    /// The plan or tier, as the policy pack spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What the customer pays in a year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annual_revenue: Option<Money>,
    /// Since when they are a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_since: Option<NaiveDate>,
    /// Purposes the customer agreed to, e.g. `proactive` → true.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub consent: BTreeMap<String, bool>,
    /// Anything else the business wants rules and agents to see.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// An amount in minor units (cents), never a float.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units: 1234 is 12.34.
    pub minor: i64,
    /// ISO 4217, e.g. `BRL`.
    pub currency: String,
}
