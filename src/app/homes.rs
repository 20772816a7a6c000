//! Where businesses keep their content, for the desk: what it publishes there is taken over at once.

use std::path::PathBuf;
use std::sync::Arc;

use super::{App, Sources, sources_of};
use crate::adapters::store::Store;
use crate::config::Config;
use crate::desk::{Folders, Home, Homes};
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::worker::{Tenant, Tenants};

/// What it takes to load the files of a business again.
#[derive(Clone)]
struct Loader {
    store: Store,
    tenants: Tenants,
    index: PathBuf,
    id: TenantId,
    sources: Sources,
    lang: Locale,
}

impl Loader {
    async fn take_over(self) -> Result<(), String> {
        let Self { store, tenants, index, id, sources, lang } = self;
        let business = id.clone();
        let loaded = tokio::task::spawn_blocking(move || {
            sources.pipeline(lang, Some(&index), Some(&business))
        });
        let loaded = loaded.await.map_err(|error| error.to_string())?;
        let pipeline = loaded.map_err(|problems| problems.join("\n"))?;
        let digest = &pipeline.pack().digest;
        let state = store.adopt_policy(&id, digest).await.map_err(|error| error.to_string())?;
        // Where its replies and events go is no matter of content.
        let Some(before) = tenants.get(&id) else { return Err("unknown business".to_owned()) };
        let tenant = Tenant { pipeline: Arc::new(pipeline), epoch: state.epoch, ..before };
        tenants.put(id, tenant);
        Ok(())
    }
}

impl App {
    /// Returns where every business of the settings keeps its content, and how turns are tried.
    pub fn homes(&self, config: &Config, lang: Locale) -> Homes {
        let home = |(id, sources): (TenantId, Sources)| {
            let folders = Folders {
                articles: sources.knowledge.clone(),
                templates: sources.templates.clone(),
                prompts: sources.prompts.clone(),
            };
            let loader = Loader {
                store: self.stores.store.clone(),
                tenants: self.tenants.clone(),
                index: self.index.clone(),
                id: id.clone(),
                sources,
                lang,
            };
            let take_over = Arc::new(move || -> futures::future::BoxFuture<'static, _> {
                Box::pin(loader.clone().take_over())
            });
            (id, Home { folders, take_over })
        };
        let homes = sources_of(config).into_iter().map(home).collect();
        let worker = Arc::clone(&self.worker);
        Homes {
            homes: Arc::new(homes),
            try_turn: Arc::new(move |tenant, pipeline, turn| {
                let worker = Arc::clone(&worker);
                Box::pin(async move { worker.try_turn(&tenant, pipeline, turn).await })
            }),
        }
    }
}
