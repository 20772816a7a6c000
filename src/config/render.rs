//! Writes settings for people: the commented example, a company's own file, and the effective values.
//!
//! All three are TOML that reads back, and all three come from the declared keys.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::keys::{Key, Kind, SECTIONS, TENANTS, TENANTS_ABOUT};
use super::load::Loaded;
use super::problem::Origin;
use super::settings::Config;
use super::words::Words;
use crate::domain::labels::Locale;

/// Longest line of a comment, in characters.
const WIDTH: usize = 96;

const EXAMPLE_HEAD: Words = Words {
    pt: "Configuração do atende, com todos os valores padrão. Toda chave pode ser trocada por uma \
         variável de ambiente: ATENDE__SERVER__BIND troca bind em [server]. Caminhos relativos partem da \
         pasta deste arquivo. Confira com: atende config check",
    en: "Settings of atende, with every default. Each key can be overridden by an environment variable: \
         ATENDE__SERVER__BIND overrides bind in [server]. Relative paths start from this file's folder. \
         Check with: atende config check",
};

const COMPANY_HEAD: Words = Words {
    pt: "Configuração do atende. As linhas comentadas mostram os valores padrão; tire o # para mudar um \
         deles. Toda chave pode ser trocada por uma variável de ambiente: ATENDE__SERVER__BIND troca bind \
         em [server]. Caminhos relativos partem da pasta deste arquivo. Confira com: atende config check",
    en: "Settings of atende. Lines that are commented out show the defaults; remove the # to change one. \
         Each key can be overridden by an environment variable: ATENDE__SERVER__BIND overrides bind in \
         [server]. Relative paths start from this file's folder. Check with: atende config check",
};

/// Returns `config.example.toml`: every key with its meaning and its default.
pub fn example_file(locale: Locale) -> String {
    document(locale, EXAMPLE_HEAD, |_, _, default| default.map(ToOwned::to_owned))
}

/// Returns a company's `atende.toml`: the given keys are set, all others commented out.
pub fn company_file(locale: Locale, set: &BTreeMap<&str, &str>) -> String {
    document(locale, COMPANY_HEAD, |section, key, _| {
        set.get(format!("{section}.{}", key.name).as_str())
            .map(|text| Value::from(*text).to_string())
    })
}

/// Writes all sections; `live` gives the value of a key that is not to be commented out.
fn document(
    locale: Locale,
    head: Words,
    live: impl Fn(&str, &Key, Option<&str>) -> Option<String>,
) -> String {
    let defaults = table_of(&Config::default());
    let mut text = String::new();
    comment(&mut text, head.in_locale(locale));
    for section in SECTIONS {
        text.push('\n');
        comment(&mut text, section.about.in_locale(locale));
        line(&mut text, &format!("[{}]", section.name));
        for key in section.keys {
            let default = value_at(&defaults, &format!("{}.{}", section.name, key.name))
                .map(ToString::to_string);
            text.push('\n');
            comment(&mut text, &about(key, locale));
            if let Some(value) = live(section.name, key, default.as_deref()) {
                line(&mut text, &format!("{} = {value}", key.name));
            } else {
                let shown = default.as_deref().unwrap_or(key.example);
                line(&mut text, &format!("# {} = {shown}", key.name));
            }
        }
    }
    text.push('\n');
    comment(&mut text, TENANTS_ABOUT.in_locale(locale));
    line(&mut text, &format!("# [{TENANTS}.acme.policy]\n# pack = \"saas-br\""));
    text
}

fn about(key: &Key, locale: Locale) -> String {
    let meaning = key.about.in_locale(locale);
    let range = match (key.kind, locale) {
        (Kind::Integer(min, max), Locale::PtBr) => format!(" De {min} a {max}."),
        (Kind::Integer(min, max), Locale::En) => format!(" From {min} to {max}."),
        (Kind::Decimal(min, max), Locale::PtBr) => format!(" De {min} a {max}."),
        (Kind::Decimal(min, max), Locale::En) => format!(" From {min} to {max}."),
        (Kind::Word(words), Locale::PtBr) => format!(" Opções: {}.", words.join(", ")),
        (Kind::Word(words), Locale::En) => format!(" Choices: {}.", words.join(", ")),
        (Kind::Words(words), Locale::PtBr) => format!(" Há: {}.", words.join(", ")),
        (Kind::Words(words), Locale::En) => format!(" There are: {}.", words.join(", ")),
        _ => String::new(),
    };
    format!("{meaning}{range}")
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn comment(text: &mut String, words: &str) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            self::line(text, &line);
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    self::line(text, &line);
}

/// Returns the effective settings as TOML, secrets masked, each value that is not a default with the
/// place it comes from.
pub fn effective(loaded: &Loaded, locale: Locale) -> String {
    let table = table_of(&loaded.config);
    let mut text = String::new();
    let head = match (&loaded.file, locale) {
        (Some(file), Locale::PtBr) => format!("Arquivo: {}", file.display()),
        (Some(file), Locale::En) => format!("File: {}", file.display()),
        (None, Locale::PtBr) => {
            "Nenhum arquivo de configuração; valem os valores padrão.".to_owned()
        }
        (None, Locale::En) => "No settings file; the defaults are used.".to_owned(),
    };
    line(&mut text, &format!("# {head}"));
    for section in SECTIONS {
        effective_section(&mut text, loaded, &table, section.name, section.keys, locale);
    }
    for tenant in loaded.config.tenants.keys() {
        line(&mut text, &format!("\n[{TENANTS}.{tenant}]"));
        for section in SECTIONS.iter().filter(|section| section.per_tenant) {
            let path = format!("{TENANTS}.{tenant}.{}", section.name);
            if value_at(&table, &path).is_some() {
                effective_section(&mut text, loaded, &table, &path, section.keys, locale);
            }
        }
    }
    text
}

fn effective_section(
    text: &mut String,
    loaded: &Loaded,
    table: &Table,
    path: &str,
    keys: &[Key],
    locale: Locale,
) {
    let unset = match locale {
        Locale::PtBr => "não definida",
        Locale::En => "not set",
    };
    line(text, &format!("\n[{path}]"));
    for key in keys {
        let full = format!("{path}.{}", key.name);
        let source = match loaded.origins.get(&full) {
            Some(origin @ (Origin::File { .. } | Origin::Variable(_))) => {
                format!("  # {}", origin.place())
            }
            Some(Origin::Default) | None => String::new(),
        };
        match value_at(table, &full) {
            Some(value) => line(text, &format!("{} = {value}{source}", key.name)),
            None => line(text, &format!("# {}: {unset}", key.name)),
        }
    }
}

fn table_of(config: &Config) -> Table {
    // Settings hold only text, numbers and flags, which TOML can always say.
    Table::try_from(config).unwrap_or_default()
}

fn value_at<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((head, rest)) => value_at(table.get(head)?.as_table()?, rest),
    }
}
