//! Pages from templates: Handlebars, strict and escaping, with the words of the reader's language.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason,
    handlebars_helper,
};
use rust_embed::RustEmbed;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::words::{Say, Words};
use crate::domain::labels::Locale;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/templates/desk"]
struct Embedded;

/// A file that pages refer to, under an address that changes with its content.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its address.
    pub address: String,
    /// Its media type.
    pub kind: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Every page of the desk, compiled, and the files that pages refer to.
#[derive(Clone)]
pub struct Pages {
    locales: Arc<BTreeMap<Locale, Handlebars<'static>>>,
    words: Arc<Words>,
    assets: Arc<BTreeMap<String, Asset>>,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("assets", &self.assets.keys()).finish_non_exhaustive()
    }
}

handlebars_helper!(eq: |a: Json, b: Json| a == b);

impl Pages {
    /// The script of the page where content is written.
    pub(super) const CONTENT_JS: &str = "content.js";

    /// Compiles what is built in.
    pub fn load() -> anyhow::Result<Self> {
        let mut words = Words::default();
        for name in Embedded::iter().filter(|name| name.ends_with(".toml")) {
            words.add(&read(&name)?).map_err(anyhow::Error::msg).context(name)?;
        }
        let words = Arc::new(words);
        let mut locales = BTreeMap::new();
        for locale in Locale::ALL {
            let mut registry = Handlebars::new();
            registry.set_strict_mode(true);
            // A piece that stands further in must not move the lines of texts that people wrote.
            registry.set_prevent_indent(true);
            registry
                .register_helper("t", Box::new(Say { words: Arc::clone(&words), locale: *locale }));
            registry.register_helper("icon", Box::new(icon));
            registry.register_helper("eq", Box::new(eq));
            for name in Embedded::iter().filter(|name| name.ends_with(".hbs")) {
                let text = read(&name)?;
                registry
                    .register_template_string(name.trim_end_matches(".hbs"), text)
                    .with_context(|| format!("page {name}"))?;
            }
            locales.insert(*locale, registry);
        }
        let mut assets = BTreeMap::new();
        for (file, kind) in [
            ("desk.css", "text/css; charset=utf-8"),
            ("desk.js", "text/javascript; charset=utf-8"),
            (Self::CONTENT_JS, "text/javascript; charset=utf-8"),
            ("icon.svg", "image/svg+xml"),
            ("icon-dot.svg", "image/svg+xml"),
        ] {
            let bytes = read(file)?.into_bytes();
            let mut hash = hex::encode(Sha256::digest(&bytes));
            hash.truncate(16);
            let address = format!("/desk/a/{hash}/{file}");
            assets.insert(file.to_owned(), Asset { address, kind, bytes });
        }
        Ok(Self { locales: Arc::new(locales), words, assets: Arc::new(assets) })
    }

    /// Writes a page.
    pub fn render(
        &self,
        locale: Locale,
        view: &str,
        model: &impl Serialize,
    ) -> anyhow::Result<String> {
        let registry = self.locales.get(&locale).context("no pages in this language")?;
        Ok(registry.render(view, model)?)
    }

    /// Names a language that texts are written in.
    pub(super) fn language(&self, locale: Locale, of: Locale) -> String {
        let name = match of {
            Locale::PtBr => "content.locale.portuguese",
            Locale::En => "content.locale.english",
        };
        self.say(locale, name, &[])
    }

    /// Says words of the pages.
    pub fn say(&self, locale: Locale, name: &str, values: &[(&str, &str)]) -> String {
        self.words.say(locale, name, values)
    }

    /// Returns the address of a file, empty where there is none of that name.
    pub fn address(&self, file: &str) -> &str {
        self.assets.get(file).map_or("", |asset| &asset.address)
    }

    /// Finds the file of an address.
    pub fn asset(&self, address: &str) -> Option<&Asset> {
        self.assets.values().find(|asset| asset.address == address)
    }
}

fn read(file: &str) -> anyhow::Result<String> {
    let found = Embedded::get(file).with_context(|| format!("templates/desk/{file} is missing"))?;
    Ok(String::from_utf8(found.data.into_owned())?)
}

/// `{{icon "mail" size="s"}}`: a sign of the sprite that stands in every page. It says nothing to who cannot see it.
fn icon(
    helper: &Helper<'_>,
    registry: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let name = helper.param(0).and_then(|param| param.value().as_str());
    let name = name.ok_or(RenderErrorReason::ParamNotFoundForIndex("icon", 0))?;
    let size = match helper.hash_get("size").and_then(|size| size.value().as_str()) {
        Some("s") => " i-s",
        Some("l") => " i-l",
        _ => "",
    };
    let name = registry.get_escape_fn()(name);
    out.write(&format!(
        "<svg class=\"i{size}\" aria-hidden=\"true\"><use href=\"#i-{name}\"></use></svg>"
    ))?;
    Ok(())
}
