//! Customers as the business describes them, found by reference, e-mail or phone.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::{Store, StoreError, from_json, millis, moment, no_nul, to_json};
use crate::domain::customer::{Customer, CustomerProfile};
use crate::domain::ids::{CustomerId, TenantId};
use crate::domain::message::Contact;

/// A customer to create or replace.
#[derive(Clone, Debug)]
pub struct CustomerUpsert {
    /// The id a new customer gets.
    pub id: CustomerId,
    /// The business's own key.
    pub reference: String,
    /// The whole profile; what is left out is removed.
    pub profile: CustomerProfile,
}

/// Returns the keys under which a contact may be known, surest first.
pub(super) fn keys_of(contact: &Contact) -> Vec<(&'static str, String)> {
    let mut keys = Vec::with_capacity(3);
    if let Some(reference) = &contact.reference {
        keys.push(("reference", no_nul(reference)));
    }
    if let Some(email) = contact.email.as_deref().and_then(email_key) {
        keys.push(("email", email));
    }
    if let Some(phone) = contact.phone.as_deref().and_then(phone_key) {
        keys.push(("phone", phone));
    }
    keys
}

fn email_key(email: &str) -> Option<String> {
    let key = no_nul(email).trim().to_lowercase();
    key.contains('@').then_some(key)
}

/// Digits only, and without Brazil's ninth digit: WhatsApp ids of older accounts lack it, so both
/// spellings of one mobile must meet (area code and last eight digits).
fn phone_key(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let national = if digits.len() >= 12 { digits.strip_prefix("55") } else { None };
    let key = match national {
        Some(national) if national.len() == 11 && national.get(2..3) == Some("9") => {
            format!("55{}{}", national.get(..2)?, national.get(3..)?)
        }
        _ => digits,
    };
    (key.len() >= 8).then_some(key)
}

impl Store {
    /// Creates or replaces customers, all in one transaction.
    /// Returns how many were new.
    pub async fn put_customers(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        customers: Vec<CustomerUpsert>,
    ) -> Result<usize, StoreError> {
        let tenant = tenant.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let mut created = 0;
                for customer in &customers {
                    created += usize::from(put(connection, now, &tenant, customer).await?);
                }
                Ok(created)
            })
        })
        .await
    }

    /// Returns a customer by the business's own key.
    pub async fn customer(
        &self,
        tenant: &TenantId,
        reference: &str,
    ) -> Result<Option<Customer>, StoreError> {
        let row: Option<(String, String, i64, i64)> = sqlx::query_as(
            "SELECT id, profile, created_at, updated_at FROM customers WHERE tenant = $1 AND reference = $2",
        )
        .bind(tenant.as_str())
        .bind(no_nul(reference))
        .fetch_optional(&self.reads)
        .await?;
        row.map(|(id, profile, created, updated)| {
            Ok(Customer {
                id: CustomerId::from_stored(id),
                reference: reference.to_owned(),
                profile: from_json("customer", &profile)?,
                created_at: moment(created),
                updated_at: moment(updated),
            })
        })
        .transpose()
    }
}

async fn put(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &TenantId,
    customer: &CustomerUpsert,
) -> Result<bool, StoreError> {
    let (id,): (String,) = sqlx::query_as(
        "INSERT INTO customers (id, tenant, reference, profile, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5) \
         ON CONFLICT (tenant, reference) DO UPDATE SET profile = excluded.profile, updated_at = excluded.updated_at \
         RETURNING id",
    )
    .bind(customer.id.as_str())
    .bind(tenant.as_str())
    .bind(no_nul(&customer.reference))
    .bind(to_json(&customer.profile))
    .bind(millis(now))
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM contacts WHERE customer_id = $1")
        .bind(&id)
        .execute(&mut *connection)
        .await?;
    let profile = &customer.profile;
    let keys = std::iter::once(("reference", Some(no_nul(&customer.reference))))
        .chain(profile.emails.iter().map(|email| ("email", email_key(email))))
        .chain(profile.phones.iter().map(|phone| ("phone", phone_key(phone))));
    for (kind, key) in keys {
        let Some(key) = key else { continue };
        // A contact belongs to the customer who claimed it last.
        sqlx::query(
            "INSERT INTO contacts (tenant, kind, value, customer_id) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant, kind, value) DO UPDATE SET customer_id = excluded.customer_id",
        )
        .bind(tenant.as_str())
        .bind(kind)
        .bind(key)
        .bind(&id)
        .execute(&mut *connection)
        .await?;
    }
    // An existing customer keeps its id.
    Ok(id == customer.id.as_str())
}
