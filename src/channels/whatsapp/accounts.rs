//! The numbers that an installation answers on, the keys under which their webhook is called, and the way out.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::outlet::Outlet;

use crate::domain::ids::TenantId;
use crate::domain::secret::Secret;

/// The app of one business.
#[derive(Clone)]
pub struct Account {
    /// Whose it is.
    pub tenant: TenantId,
    /// Ids of its phone numbers (`phone_number_id`, not the numbers themselves).
    pub numbers: Vec<String>,
    /// The key that Meta signs with; during a rotation the new one, then the old one.
    pub app_secrets: Vec<Secret>,
    /// The word that a subscription must name.
    pub verify_token: Option<Secret>,
    /// How its messages leave; `None` where somebody else sends them.
    pub outlet: Option<Arc<Outlet>>,
}

/// All of them.
#[derive(Clone, Default)]
pub struct Accounts {
    tenants: HashMap<String, (TenantId, Option<Arc<Outlet>>)>,
    app_secrets: Vec<Secret>,
    verify_tokens: Vec<Secret>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("numbers", &self.tenants.len()).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Puts accounts together. A number that two businesses name belongs to the first.
    pub fn new(accounts: Vec<Account>) -> Self {
        let mut all = Self::default();
        for Account { tenant, numbers, app_secrets, verify_token, outlet } in accounts {
            for number in numbers {
                all.tenants.entry(number).or_insert_with(|| (tenant.clone(), outlet.clone()));
            }
            for secret in app_secrets {
                if !all.app_secrets.contains(&secret) {
                    all.app_secrets.push(secret);
                }
            }
            all.verify_tokens.extend(verify_token);
        }
        all
    }

    /// True where no number is set.
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }

    /// Returns whose a number is.
    pub fn tenant(&self, phone_number_id: &str) -> Option<&TenantId> {
        self.tenants.get(phone_number_id).map(|(tenant, _)| tenant)
    }

    /// Returns how the messages of a business's number leave.
    pub fn outlet(&self, tenant: &TenantId, phone_number_id: &str) -> Option<&Arc<Outlet>> {
        let (owner, outlet) = self.tenants.get(phone_number_id)?;
        outlet.as_ref().filter(|_| owner == tenant)
    }

    /// Checks the signature of a call's raw body under the secrets of every app.
    pub fn verify(
        &self,
        header: Option<&str>,
        body: &[u8],
    ) -> Result<(), super::signature::SignatureError> {
        let secrets: Vec<&str> = self.app_secrets.iter().map(Secret::expose).collect();
        super::signature::verify(header, body, &secrets)
    }

    /// Returns what a subscription is answered with; `None` for a word that no app has.
    pub fn challenge<'q>(&self, params: &'q [(String, String)]) -> Option<&'q str> {
        let pairs = || params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // Every word is tried, so that the time does not tell which one is right.
        self.verify_tokens.iter().fold(None, |found, token| {
            super::signature::challenge(pairs(), token.expose()).or(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_somebody_s_and_every_app_signs_for_its_own() {
        let tenant = |name: &str| TenantId::parse(name).unwrap();
        let account = |name: &str, numbers: &[&str], secret: &str, token: &str| Account {
            tenant: tenant(name),
            numbers: numbers.iter().map(|number| (*number).to_owned()).collect(),
            app_secrets: vec![Secret::new(secret)],
            verify_token: Some(Secret::new(token)),
            outlet: None,
        };
        let all = Accounts::new(vec![
            account("acme", &["10", "11"], "segredo-da-acme", "olá"),
            account("main", &["11", "12"], "segredo-da-main", "hi"),
        ]);
        assert_eq!(all.tenant("11"), Some(&tenant("acme")));
        assert_eq!(all.tenant("12"), Some(&tenant("main")));
        assert_eq!(all.tenant("13"), None);
        let asked = |token: &str| {
            [("hub.mode", "subscribe"), ("hub.verify_token", token), ("hub.challenge", "42")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        for (token, answer) in [("olá", Some("42")), ("hi", Some("42")), ("", None), ("ola", None)]
        {
            assert_eq!(all.challenge(&asked(token)), answer, "{token}");
        }
        assert!(Accounts::default().verify(Some("sha256=00"), b"{}").is_err());
        assert!(!format!("{all:?}").contains("segredo"));
    }
}
