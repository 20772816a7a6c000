//! Customers as the business describes them, found by reference, e-mail or phone.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::{Store, StoreError, from_json, millis, moment, no_nul, to_json};
use crate::domain::customer::{Customer, CustomerProfile};
use crate::domain::ids::{CustomerId, TenantId};
use crate::domain::message::Contact;
use crate::domain::phone;

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
    if let Some(phone) = contact.phone.as_deref().and_then(phone::key) {
        keys.push(("phone", phone));
    }
    keys
}

pub(super) fn email_key(email: &str) -> Option<String> {
    let key = no_nul(email).trim().to_lowercase();
    key.contains('@').then_some(key)
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
    let profile = to_json(&customer.profile);
    let known: Option<(String, String)> =
        sqlx::query_as("SELECT id, profile FROM customers WHERE tenant = $1 AND reference = $2")
            .bind(tenant.as_str())
            .bind(no_nul(&customer.reference))
            .fetch_optional(&mut *connection)
            .await?;
    if let Some((id, _)) = known.filter(|(_, known)| *known != profile) {
        // Their tickets are found by what is known of them.
        sqlx::query(
            "INSERT INTO search_due (ticket_id) SELECT id FROM tickets WHERE customer_id = $1",
        )
        .bind(id)
        .execute(&mut *connection)
        .await?;
    }
    let (id,): (String,) = sqlx::query_as(
        "INSERT INTO customers (id, tenant, reference, profile, created_at, updated_at, seen_at) \
         VALUES ($1, $2, $3, $4, $5, $5, $5) ON CONFLICT (tenant, reference) DO UPDATE SET \
         profile = excluded.profile, updated_at = excluded.updated_at, seen_at = excluded.seen_at RETURNING id",
    )
    .bind(customer.id.as_str())
    .bind(tenant.as_str())
    .bind(no_nul(&customer.reference))
    .bind(profile)
    .bind(millis(now))
    .fetch_one(&mut *connection)
    .await?;
    // Another plan has other deadlines: their open tickets are looked at anew.
    sqlx::query(
        "UPDATE tickets SET clock_rev = clock_rev + 1, clock_at = CASE WHEN clock_at <= $1 THEN clock_at ELSE $1 END \
         WHERE customer_id = $2 AND clock_at IS NOT NULL",
    )
    .bind(millis(now))
    .bind(&id)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM contacts WHERE customer_id = $1")
        .bind(&id)
        .execute(&mut *connection)
        .await?;
    let profile = &customer.profile;
    let keys = std::iter::once(("reference", Some(no_nul(&customer.reference))))
        .chain(profile.emails.iter().map(|email| ("email", email_key(email))))
        .chain(profile.phones.iter().map(|phone| ("phone", phone::key(phone))));
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
