//! The settings of networks that we are a client of.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::secret::Secret;

/// WhatsApp Cloud API. Nothing of it is inherited: a number belongs to one business.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhatsappSettings {
    /// Ids of the phone numbers, separated by commas. `None` (the default): the network is not used.
    pub numbers: Option<String>,
    /// The key that Meta signs webhook calls with; during a rotation the new and the old one, separated by a comma.
    pub app_secret: Option<Secret>,
    /// A file that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_secret_file: Option<PathBuf>,
    /// The word that a subscription of the webhook must name.
    pub verify_token: Option<Secret>,
    /// A file that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_token_file: Option<PathBuf>,
}

impl WhatsappSettings {
    /// Returns the ids of the numbers.
    pub fn number_ids(&self) -> impl Iterator<Item = &str> {
        self.numbers.as_deref().into_iter().flat_map(parts)
    }

    /// Returns the keys that calls may be signed with.
    pub fn app_secrets(&self) -> impl Iterator<Item = &str> {
        self.app_secret.as_ref().map(Secret::expose).into_iter().flat_map(parts)
    }
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}
