//! The settings of an installation: one TOML file, overridden by variables `ATENDE__SECTION__KEY`.
//!
//! All problems are found at once, each with its place and what to do. Everything a person may set is
//! declared in `keys` and has its default in `settings`; nothing else reads the environment.

mod channels;
mod files;
pub mod keys;
mod load;
mod models;
pub mod problem;
mod relations;
mod render;
mod secrets;
mod settings;
#[cfg(test)]
mod tests;
mod value;
mod words;

pub use crate::domain::secret::Secret;
pub use channels::{MailboxSettings, WhatsappSettings};
pub use files::{FileSettings, TranscriberSettings};
pub use load::{FILE_NAME, Loaded, Sources, VARIABLE_PREFIX, process_env, survey};
pub use models::{BudgetSettings, ModelSettings, RungSettings};
pub use problem::{ConfigProblem, Origin, Severity, nearest};
pub use render::{company_file, effective, example_file};
pub use settings::{
    CallbackSettings, Config, EmbeddingSettings, InboxSettings, KnowledgeSettings, MailSettings,
    PolicySettings, PolicySource, PrivacySettings, PromptSettings, ServerSettings, StoreSettings,
    TemplateSettings, TenantSettings, TenantView, WorkerSettings,
};
pub use words::Words;
