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

pub(super) fn email_key(email: &str) -> Option<String> {
    let key = no_nul(email).trim().to_lowercase();
    key.contains('@').then_some(key)
}

/// Digits only, with the country in front and without Brazil's ninth digit: WhatsApp ids of older accounts lack
/// it, so both spellings of one mobile must meet (area code and last eight digits). A number without a country is
/// Brazilian where it has the form of one, as people here write it: (11) 91234-5678, 011 3123-4567.
pub(super) fn phone_key(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let abroad = phone.trim_start().starts_with('+') || digits.starts_with("00");
    let plain = digits.trim_start_matches('0');
    let national = if abroad || plain.len() >= 12 {
        plain.strip_prefix("55")
    } else {
        Some(plain).filter(|plain| is_brazilian(plain))
    };
    let key = match national.map(|national| (national, national.as_bytes())) {
        Some((national, [_, _, b'9', rest @ ..])) if rest.len() == 8 => {
            format!("55{}{}", national.get(..2)?, national.get(3..)?)
        }
        Some((national, _)) => format!("55{national}"),
        None => plain.to_owned(),
    };
    (key.len() >= 8).then_some(key)
}

/// An area code without a zero, then a mobile of nine digits that starts with 9 or eight digits that do not start
/// with 0 or 1.
fn is_brazilian(digits: &str) -> bool {
    match digits.as_bytes() {
        [_, b'1'..=b'9', b'9', rest @ ..] if rest.len() == 8 => true,
        [_, b'1'..=b'9', b'2'..=b'9', rest @ ..] => rest.len() == 7,
        _ => false,
    }
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
        "INSERT INTO customers (id, tenant, reference, profile, created_at, updated_at, seen_at) \
         VALUES ($1, $2, $3, $4, $5, $5, $5) ON CONFLICT (tenant, reference) DO UPDATE SET \
         profile = excluded.profile, updated_at = excluded.updated_at, seen_at = excluded.seen_at RETURNING id",
    )
    .bind(customer.id.as_str())
    .bind(tenant.as_str())
    .bind(no_nul(&customer.reference))
    .bind(to_json(&customer.profile))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_meet_and_numbers_of_other_countries_do_not() {
        for (phone, key) in [
            ("+55 11 91234-5678", "551112345678"),
            ("5511912345678", "551112345678"),
            ("551112345678", "551112345678"),
            ("(11) 91234-5678", "551112345678"),
            ("11 1234-5678", "1112345678"),
            ("0 11 91234-5678", "551112345678"),
            ("0055 11 91234 5678", "551112345678"),
            ("(11) 3123-4567", "551131234567"),
            ("+551131234567", "551131234567"),
            ("+1 (212) 555-0123", "12125550123"),
            ("12125550123", "12125550123"),
            ("+351 912 345 678", "351912345678"),
            ("+44 20 7946 0958", "442079460958"),
        ] {
            assert_eq!(phone_key(phone).as_deref(), Some(key), "{phone}");
        }
        assert_eq!(phone_key("190"), None);
    }
}
