//! Where a business keeps its content, how the worker takes over what changed there, and how a turn is tried.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;

use super::kind::Kind;
use crate::domain::ids::TenantId;
use crate::pipeline::{Outcome, Pipeline, TurnInput};

/// Takes over the files of a business as they are now, or says why the worker goes on with what it had.
pub type TakeOver = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Decides a turn that nobody sent.
pub type TryTurn = Arc<
    dyn Fn(TenantId, Arc<Pipeline>, TurnInput) -> BoxFuture<'static, anyhow::Result<Outcome>>
        + Send
        + Sync,
>;

/// The folders of a business; `None` where it has none and what is shipped is used as it is.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// Of the articles.
    pub articles: Option<PathBuf>,
    /// Of the reply templates.
    pub templates: Option<PathBuf>,
    /// Of the prompts.
    pub prompts: Option<PathBuf>,
}

impl Folders {
    /// Returns the folder of a kind.
    pub(super) fn of(&self, kind: Kind) -> Option<&Path> {
        match kind {
            Kind::Article => self.articles.as_deref(),
            Kind::Template => self.templates.as_deref(),
            Kind::Prompt => self.prompts.as_deref(),
        }
    }
}

/// Where one business keeps its content.
#[derive(Clone)]
pub struct Home {
    /// Its folders.
    pub folders: Folders,
    /// Takes over what changed in them.
    pub take_over: TakeOver,
}

/// Where every business keeps its content, and how turns are tried.
#[derive(Clone)]
pub struct Homes {
    /// The businesses that have folders of their own.
    pub homes: Arc<std::collections::BTreeMap<TenantId, Home>>,
    /// Decides a turn that nobody sent.
    pub try_turn: TryTurn,
}

impl Default for Homes {
    /// Nobody has a folder, and turns are tried with the embedded engines alone.
    fn default() -> Self {
        let try_turn: TryTurn = Arc::new(|_, pipeline, turn| {
            Box::pin(
                async move { Ok(tokio::task::spawn_blocking(move || pipeline.run(&turn)).await?) },
            )
        });
        Self { homes: Arc::default(), try_turn }
    }
}

impl std::fmt::Debug for Homes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Homes").field("homes", &self.homes.keys()).finish_non_exhaustive()
    }
}

impl Homes {
    /// Returns the folders of a business.
    pub(super) fn folders(&self, tenant: &TenantId) -> Folders {
        self.homes.get(tenant).map(|home| home.folders.clone()).unwrap_or_default()
    }
}
