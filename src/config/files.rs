//! The settings of files that come with messages, and of whoever writes voice notes down.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::secret::Secret;

/// Files that come with messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileSettings {
    /// Most megabytes (of a million bytes) of a file that is fetched. Default 25.
    pub max_mb: u64,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self { max_mb: 25 }
    }
}

/// Whoever writes voice notes down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TranscriberSettings {
    /// Address of the endpoint up to `/v1`. `None` (the default): voice notes go to people.
    pub base_url: Option<String>,
    /// The access key; a secret.
    pub key: Option<Secret>,
    /// File that holds the key, instead of `key`. After loading, `key` holds what it says.
    pub key_file: Option<PathBuf>,
    /// The model's name, as the endpoint knows it.
    pub model: Option<String>,
    /// How long one attempt may take, in seconds. Default 50: a turn waits a minute for words.
    pub timeout_secs: u64,
    /// Longest recording that is written down, in seconds. Default 600.
    pub max_seconds: u32,
    /// US dollars a minute. `None`: nobody knows; 0 says that it is free.
    pub price_per_minute: Option<f64>,
}

impl Default for TranscriberSettings {
    fn default() -> Self {
        Self {
            base_url: None,
            key: None,
            key_file: None,
            model: None,
            timeout_secs: 50,
            max_seconds: 600,
            price_per_minute: None,
        }
    }
}
