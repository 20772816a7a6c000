//! Finds the file, reads it and the environment against the declared keys, and hands what is sound to
//! figment, which lays the layers over the defaults. Every problem is collected; none hides another.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::Serialized;
use toml::Table;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Key, SECTIONS, Section, TENANTS};
use super::problem::{Complaint, ConfigProblem, Origin, Severity, unknown_name};
use super::settings::Config;
use super::value::{Raw, Surroundings, from_variable, judge};
use super::{relations, secrets};
use crate::domain::ids::TenantId;

/// What every variable that overrides a setting starts with.
pub const VARIABLE_PREFIX: &str = "ATENDE__";

/// The name of the file that is looked for when none is named.
pub const FILE_NAME: &str = "atende.toml";

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources<'a> {
    /// The file, when it was named; a named file must exist.
    pub file: Option<PathBuf>,
    /// The data folder, the first place where `atende.toml` is looked for.
    pub data: PathBuf,
    /// The current folder, the second place, and where relative paths in variables start from.
    pub current_dir: PathBuf,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// Names of the policy packs in the program.
    pub packs: &'a [&'a str],
}

/// The settings with their story.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The settings. Where something was wrong, the default stands in its place.
    pub config: Config,
    /// The file they were read from; `None` when there was none.
    pub file: Option<PathBuf>,
    /// Where each value that is not a default comes from, by key.
    pub origins: BTreeMap<String, Origin>,
    /// What is wrong, errors first, then in order of place.
    pub problems: Vec<ConfigProblem>,
}

impl Config {
    /// Reads the settings; all problems at once when one of them is an error.
    pub fn load(sources: &Sources<'_>) -> Result<Loaded, Vec<ConfigProblem>> {
        let loaded = survey(sources);
        let refused = loaded.problems.iter().any(|problem| problem.severity == Severity::Error);
        if refused { Err(loaded.problems) } else { Ok(loaded) }
    }
}

/// Returns the environment of this process; what is not UTF-8 in it is replaced by `U+FFFD`.
pub fn process_env() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(name, value)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        })
        .collect()
}

/// Reads the settings as far as they can be read, with every problem.
pub fn survey(sources: &Sources<'_>) -> Loaded {
    let mut reading = Reading::new(sources);
    let file = reading.find_file();
    if let Some(file) = &file {
        reading.read_file(file);
    }
    reading.read_variables();

    let mut config = reading.merge();
    secrets::resolve(&mut config, &reading.origins, &mut reading.problems);
    relations::check(&config, &reading.origins, &mut reading.problems);

    let Reading { origins, mut problems, .. } = reading;
    problems.sort_by_key(|problem| (problem.severity, rank(&problem.origin)));
    Loaded { config, file, origins, problems }
}

/// Puts problems of the file in the order of its lines, before those of variables.
fn rank(origin: &Origin) -> (u8, usize, String) {
    match origin {
        Origin::File { line, .. } => (0, line.unwrap_or(0), String::new()),
        Origin::Variable(name) => (1, 0, name.clone()),
        Origin::Default => (2, 0, String::new()),
    }
}

struct Reading<'a> {
    sources: &'a Sources<'a>,
    from_file: Table,
    from_variables: Table,
    origins: BTreeMap<String, Origin>,
    problems: Vec<ConfigProblem>,
}

/// The file being read.
struct Page<'a> {
    file: &'a Path,
    text: &'a str,
    base: PathBuf,
}

impl Page<'_> {
    fn at(&self, offset: usize) -> Origin {
        let before = self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        Origin::File { file: self.file.to_owned(), line: Some(before + 1) }
    }
}

impl<'a> Reading<'a> {
    fn new(sources: &'a Sources<'a>) -> Self {
        Self {
            sources,
            from_file: Table::new(),
            from_variables: Table::new(),
            origins: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    fn find_file(&self) -> Option<PathBuf> {
        let Sources { file, data, current_dir, .. } = self.sources;
        file.clone().or_else(|| {
            [data, current_dir]
                .map(|folder| folder.join(FILE_NAME))
                .into_iter()
                .find(|it| it.exists())
        })
    }

    fn read_file(&mut self, file: &Path) {
        let whole = Origin::File { file: file.to_owned(), line: None };
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) => return self.problems.push(unreadable(&error).error("", whole)),
        };
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return self.problems.push(not_utf8().error("", whole));
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let full = self.sources.current_dir.join(file);
        let base = full.parent().map(Path::to_owned).unwrap_or_default();
        let page = Page { file, text, base };

        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let origin = error.span().map_or(whole.clone(), |span| page.at(span.start));
            self.problems.push(not_toml(error.message()).error("", origin));
        }
        self.read_top(&page, table.get_ref());
    }

    fn read_top(&mut self, page: &Page<'_>, table: &DeTable<'_>) {
        for (name, value) in table {
            let origin = page.at(name.span().start);
            let name = name.get_ref().as_ref();
            if name == TENANTS {
                self.read_tenants(page, value.get_ref(), origin);
            } else if let Some(section) = keys::section(name) {
                self.read_section(page, section, name, value.get_ref(), origin);
            } else {
                self.problems.push(unknown_section(name).error(name, origin));
            }
        }
    }

    fn read_tenants(&mut self, page: &Page<'_>, value: &DeValue<'_>, origin: Origin) {
        let DeValue::Table(tenants) = value else {
            return self
                .problems
                .push(not_a_section("tenants.nome", "tenants.name").error(TENANTS, origin));
        };
        for (name, value) in tenants {
            let origin = page.at(name.span().start);
            let name = name.get_ref().as_ref();
            let path = format!("{TENANTS}.{name}");
            if let Some(complaint) = bad_tenant(name) {
                self.problems.push(complaint.error(path, origin));
                continue;
            }
            let DeValue::Table(sections) = value.get_ref() else {
                self.problems.push(not_a_section(&path, &path).error(path, origin));
                continue;
            };
            self.mention(&path);
            for (name, value) in sections {
                let origin = page.at(name.span().start);
                let name = name.get_ref().as_ref();
                let path = format!("{path}.{name}");
                match tenant_section(name) {
                    Ok(section) => {
                        self.mention(&path);
                        self.read_section(page, section, &path, value.get_ref(), origin);
                    }
                    Err(complaint) => self.problems.push(complaint.error(path, origin)),
                }
            }
        }
    }

    fn read_section(
        &mut self,
        page: &Page<'_>,
        section: &'static Section,
        path: &str,
        value: &DeValue<'_>,
        origin: Origin,
    ) {
        let DeValue::Table(table) = value else {
            return self.problems.push(not_a_section(path, path).error(path, origin));
        };
        for (name, value) in table {
            let origin = page.at(name.span().start);
            let name = name.get_ref().as_ref();
            let path = format!("{path}.{name}");
            match (section.key(name), keys::section(&path)) {
                (Some(key), _) => self.take(key, &path, raw(value.get_ref()), origin, &page.base),
                (None, Some(inner)) => {
                    self.read_section(page, inner, &path, value.get_ref(), origin);
                }
                (None, None) => {
                    let complaint = match value.get_ref() {
                        DeValue::Table(_) => unknown_inner(section, name),
                        _ => unknown_key(section, name),
                    };
                    self.problems.push(complaint.error(path, origin));
                }
            }
        }
    }

    fn read_variables(&mut self) {
        let sources = self.sources;
        for (name, text) in &sources.env {
            let origin = Origin::Variable(name.clone());
            let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) else {
                if let Some(complaint) = nearly_a_variable(name) {
                    self.problems.push(complaint.warning("", origin));
                }
                continue;
            };
            // Compose files and unit files often pass a variable on that nobody has set.
            if text.is_empty() {
                continue;
            }
            let path = rest.split("__").collect::<Vec<_>>().join(".").to_lowercase();
            match declared(&path) {
                Ok(key) => {
                    let raw = from_variable(text, key.kind);
                    self.take(key, &path, raw, origin, &sources.current_dir);
                }
                Err(complaint) => self.problems.push(complaint.error(path, origin)),
            }
        }
    }

    fn take(&mut self, key: &Key, path: &str, raw: Raw, origin: Origin, base: &Path) {
        let around = Surroundings { base, packs: self.sources.packs };
        match judge(raw, key.kind, &around) {
            Ok(value) => {
                let layer = match origin {
                    Origin::Variable(_) => &mut self.from_variables,
                    Origin::Default | Origin::File { .. } => &mut self.from_file,
                };
                put(layer, path, value);
                self.origins.insert(path.to_owned(), origin);
            }
            Err(complaint) => self.problems.push(complaint.error(path, origin)),
        }
    }

    /// Notes that the file names a business or a section of one, which says something even when
    /// nothing stands below it.
    fn mention(&mut self, path: &str) {
        table_at(&mut self.from_file, path);
    }

    /// Lays file and variables over the defaults. What the declared keys let through is known to fit;
    /// should it not, that is reported like any other problem.
    fn merge(&mut self) -> Config {
        let layers = Figment::new()
            .merge(Serialized::defaults(&self.from_file))
            .merge(Serialized::defaults(&self.from_variables));
        match layers.extract::<Config>() {
            Ok(config) => config,
            Err(errors) => {
                for error in errors {
                    let path = error.path.join(".");
                    let origin = self.origins.get(&path).cloned().unwrap_or(Origin::Default);
                    self.problems.push(not_fitting(&error.kind.to_string()).error(path, origin));
                }
                Config::default()
            }
        }
    }
}

fn put(table: &mut Table, path: &str, value: toml::Value) {
    match path.rsplit_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, name)) => {
            if let Some(section) = table_at(table, section) {
                section.insert(name.to_owned(), value);
            }
        }
    }
}

/// Returns the table at a dotted path, made where it is missing; `None` where a value stands.
fn table_at<'t>(table: &'t mut Table, path: &str) -> Option<&'t mut Table> {
    path.split('.').try_fold(table, |table, name| {
        let inner = table.entry(name).or_insert_with(|| toml::Value::Table(Table::new()));
        inner.as_table_mut()
    })
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.clone().into_owned()),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            Raw::Integer(i64::from_str_radix(&digits, number.radix()).ok())
        }
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Float(number) => Raw::Decimal(number.as_str().replace('_', "").parse().ok()),
        DeValue::Datetime(_) => Raw::Other(("uma data", "a date")),
        DeValue::Array(_) => Raw::Other(("uma lista", "a list")),
        DeValue::Table(_) => Raw::Other(("uma seção", "a section")),
    }
}

/// Returns the key that a dotted path names, or what is wrong with the path.
fn declared(path: &str) -> Result<&'static Key, Complaint> {
    let parts: Vec<&str> = path.split('.').collect();
    let (section, name) = match parts.as_slice() {
        [TENANTS, tenant, section, name] => {
            if let Some(complaint) = bad_tenant(tenant) {
                return Err(complaint);
            }
            (tenant_section(section)?, *name)
        }
        [TENANTS, ..] => return Err(not_a_variable()),
        [section, name] => (keys::section(section).ok_or_else(|| unknown_section(section))?, *name),
        [outer, inner, name] if keys::section(outer).is_some() => {
            let section = keys::section(&format!("{outer}.{inner}"));
            (section.ok_or_else(|| unknown_section(&format!("{outer}.{inner}")))?, *name)
        }
        [section] if keys::section(section).is_none() => return Err(unknown_section(section)),
        _ => return Err(not_a_variable()),
    };
    section.key(name).ok_or_else(|| unknown_key(section, name))
}

fn tenant_section(name: &str) -> Result<&'static Section, Complaint> {
    let known: Vec<&str> =
        SECTIONS.iter().filter(|section| section.per_tenant).map(|section| section.name).collect();
    keys::section(name)
        .filter(|section| section.per_tenant)
        .ok_or_else(|| unknown_name(("seção de empresa", "section of a business"), name, &known))
}

fn unknown_section(name: &str) -> Complaint {
    let mut known: Vec<&str> = SECTIONS.iter().map(|section| section.name).collect();
    known.push(TENANTS);
    // A key above the first section is the usual slip of those who know flat files.
    let homes: Vec<&str> = SECTIONS
        .iter()
        .filter(|section| section.key(name).is_some())
        .map(|section| section.name)
        .collect();
    if let [home] = homes.as_slice() {
        return Complaint::new(
            (
                format!("a chave {name} está fora da sua seção"),
                format!("the key {name} is outside its section"),
            ),
            (format!("ponha-a abaixo de [{home}]"), format!("put it below [{home}]")),
        );
    }
    unknown_name(("seção", "section"), name, &known)
}

/// Says that there is no such section within another one.
fn unknown_inner(section: &Section, name: &str) -> Complaint {
    let start = format!("{}.", section.name);
    let known: Vec<&str> =
        SECTIONS.iter().map(|inner| inner.name).filter(|inner| inner.starts_with(&start)).collect();
    if known.is_empty() {
        return unknown_key(section, name);
    }
    unknown_name(("seção", "section"), &format!("{start}{name}"), &known)
}

fn unknown_key(section: &Section, name: &str) -> Complaint {
    let known: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
    unknown_name(("chave", "key"), name, &known)
}

fn bad_tenant(name: &str) -> Option<Complaint> {
    match TenantId::parse(name) {
        Some(id) if id == TenantId::main() => Some(Complaint::new(
            (
                "a empresa main já é a das seções fora de [tenants]",
                "the business main is already that of the sections outside [tenants]",
            ),
            (
                "tire tenants.main e use [policy], [knowledge], [templates] e [callbacks]",
                "remove tenants.main and use [policy], [knowledge], [templates] and [callbacks]",
            ),
        )),
        Some(_) => None,
        None => Some(Complaint::new(
            ("este nome de empresa não é aceito", "this name of a business is not accepted"),
            (
                "use de 1 a 64 letras minúsculas sem acento, algarismos, - e _",
                "use 1 to 64 lower-case letters, digits, - and _",
            ),
        )),
    }
}

fn not_a_section(pt: &str, en: &str) -> Complaint {
    Complaint::new(
        ("aqui vai uma seção, e não um valor", "expected a section, found a value"),
        (
            format!("escreva [{pt}] e as chaves abaixo"),
            format!("write [{en}] and the keys below it"),
        ),
    )
}

fn not_a_variable() -> Complaint {
    Complaint::new(
        ("esta variável não indica uma chave", "this variable names no key"),
        (
            "escreva ATENDE__SEÇÃO__CHAVE, por exemplo ATENDE__SERVER__BIND",
            "write ATENDE__SECTION__KEY, for example ATENDE__SERVER__BIND",
        ),
    )
}

/// Catches `ATENDE_SERVER_BIND`, which would otherwise be passed over in silence.
fn nearly_a_variable(name: &str) -> Option<Complaint> {
    let rest = name.strip_prefix("ATENDE_")?.to_lowercase().replace("__", "_");
    let (section, key) = SECTIONS.iter().find_map(|section| {
        let key = rest.strip_prefix(&section.name.replace('.', "_"))?.strip_prefix('_')?;
        section.key(key).map(|key| (section, key))
    })?;
    let place = section.name.replace('.', "__");
    let right = format!("{VARIABLE_PREFIX}{place}__{}", key.name).to_uppercase();
    Some(Complaint::new(
        ("esta variável não tem efeito", "this variable has no effect"),
        (format!("você quis dizer {right}?"), format!("did you mean {right}?")),
    ))
}

fn unreadable(error: &std::io::Error) -> Complaint {
    if error.kind() == ErrorKind::NotFound {
        return Complaint::new(
            ("o arquivo não existe", "the file does not exist"),
            (
                "confira o caminho de --config, ou crie uma pasta com atende init",
                "check the path given with --config, or make a folder with atende init",
            ),
        );
    }
    Complaint::new(
        (
            format!("o arquivo não pôde ser lido: {error}"),
            format!("the file cannot be read: {error}"),
        ),
        (
            "confira o caminho e as permissões de leitura",
            "check the path and the permission to read it",
        ),
    )
}

fn not_utf8() -> Complaint {
    Complaint::new(
        ("o arquivo não está em UTF-8", "the file is not UTF-8"),
        ("salve-o de novo como UTF-8", "save it again as UTF-8"),
    )
}

fn not_toml(message: &str) -> Complaint {
    Complaint::new(
        (
            format!("isto não é TOML válido ({message})"),
            format!("this is not valid TOML ({message})"),
        ),
        (
            "confira aspas, colchetes e chaves repetidas nesta linha e na anterior",
            "check quotes, brackets and repeated keys on this line and the one before",
        ),
    )
}

fn not_fitting(message: &str) -> Complaint {
    Complaint::new(
        (format!("o valor não serve ({message})"), format!("the value does not fit ({message})")),
        ("veja config.example.toml", "see config.example.toml"),
    )
}
