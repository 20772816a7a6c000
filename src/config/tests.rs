//! Files and variables in, settings or problems out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::keys::{SECTIONS, TENANTS};
use super::*;
use crate::domain::labels::Locale;

const PACKS: &[&str] = &["saas-br", "call-center"];

/// A folder with files, and the settings read from it.
struct Place {
    folder: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

impl Place {
    fn new(toml: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), env: BTreeMap::new() };
        place.write(FILE_NAME, toml);
        place
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        open_to(&path, 0o600);
        path
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn sources(&self) -> Sources<'_> {
        Sources {
            file: None,
            data: self.folder.path().join("data"),
            current_dir: self.folder.path().to_owned(),
            env: self.env.clone(),
            packs: PACKS,
        }
    }

    fn survey(&self) -> Loaded {
        survey(&self.sources())
    }

    /// Every problem as people see it, without the name of the temporary folder.
    fn told(&self, locale: Locale) -> String {
        let told: Vec<String> =
            self.survey().problems.iter().map(|problem| problem.describe(locale)).collect();
        told.join("\n").replace(&format!("{}", self.folder.path().display()), "DIR")
    }
}

#[cfg(unix)]
fn open_to(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn open_to(_path: &Path, _mode: u32) {}

/// Every problem there is, each with the least that brings it about.
fn cases() -> Vec<(&'static str, Place)> {
    let file = |toml: &str| Place::new(toml);
    let variable = |name: &str, value: &str| Place::new("").with(name, value);
    let mut cases = vec![
        ("not toml", file("[server\nbind = 1\n[worker]\nlease_sec = 1")),
        ("a repeated key", file("[log]\nlevel = \"info\"\nlevel = \"warn\"")),
        ("unknown section", file("[sever]\nbind = \"127.0.0.1:1\"")),
        ("a section nobody could have meant", file("[xyz]")),
        ("key outside its section", file("max_body_bytes = 5000")),
        ("unknown key", file("[worker]\nlease_sec = 60\ncolour = 1")),
        ("a value where a section goes", file("server = 8080\ntenants = 1\n")),
        ("text for a number", file("[worker]\nlease_secs = \"60\"")),
        ("number for text", file("[log]\nlevel = 3")),
        ("decimal number", file("[worker]\nlease_secs = 60.5")),
        ("list", file("[server]\nbind = [\"127.0.0.1:8080\"]")),
        ("text for a flag", file("[callbacks]\nidempotent = \"yes\"")),
        ("out of range", file("[worker]\nmax_attempts = 0\nreload_secs = 6")),
        ("negative", file("[inbox]\nmax_backlog = -1")),
        ("beyond 64 bits", file("[inbox]\nmax_backlog = 99999999999999999999")),
        ("no port", file("[server]\nbind = \"127.0.0.1\"")),
        ("no such port", file("[server]\nbind = \"127.0.0.1:80800\"")),
        (
            "a page for a site",
            file("[server]\npublic_url = \"https://a.example/desk\"\nproxies = 10"),
        ),
        ("name for an address", file("[server]\nbind = \"localhost:8080\"")),
        ("unknown word", file("[log]\nlevel = \"inof\"\nformat = \"xml\"")),
        ("unknown pack", file("[policy]\npack = \"sass-br\"")),
        ("missing file", file("[policy]\nfile = \"policy.yaml\"")),
        ("folder for a file", file("[policy]\nfile = \".\"")),
        ("file for a folder", file("[knowledge]\ndir = \"atende.toml\"")),
        ("model without a folder", file("[embeddings]\nmodel = \"multilingual-e5-small\"")),
        ("no such model", file("[embeddings]\ndir = \".\"\nmodel = \"multilingual-e5-smal\"")),
        ("pack and file", file("[policy]\npack = \"saas-br\"\nfile = \"atende.toml\"")),
        ("database of another kind", file("[store]\nurl = \"mysql://u:s3nha@h/d\"")),
        ("not a URL", file("[callbacks]\nurl = \"example.com\"")),
        ("http to elsewhere", file("[callbacks]\nurl = \"http://example.com/\"")),
        ("neither http nor https", file("[callbacks]\nurl = \"ftp://example.com/\"")),
        ("user in the URL", file("[callbacks]\nurl = \"https://u:s3nha@example.com/\"")),
        ("no key to sign with", file("[callbacks]\nurl = \"https://example.com/\"")),
        ("key without address", file("[callbacks]\nsecret = \"0123456789abcdef\"")),
        ("short key", file("[callbacks]\nurl = \"https://example.com/\"\nsecret = \"s3nha\"")),
        (
            "private address",
            file("[callbacks]\nurl = \"https://10.0.0.7/\"\nsecret = \"0123456789abcdef\""),
        ),
        ("renewed too late", file("[worker]\nlease_secs = 40")),
        ("main as a tenant", file("[tenants.main.policy]\npack = \"saas-br\"")),
        ("name of a tenant", file("[tenants.\"Acme Ltda\".policy]\npack = \"saas-br\"")),
        ("section a tenant has not", file("[tenants.acme.polcy]\n[tenants.acme.server]")),
        ("value as a tenant", file("[tenants]\nacme = 1")),
        ("key of a tenant", file("[tenants.acme.policy]\npak = \"saas-br\"")),
        ("unknown variable", variable("ATENDE__WORKER__LEASE_SEC", "60")),
        ("unknown section in a variable", variable("ATENDE__WORKERS__LEASE_SECS", "60")),
        ("variable without key", variable("ATENDE__WORKER", "60")),
        ("variable of a tenant without key", variable("ATENDE__TENANTS__ACME__URL", "x")),
        ("variable with the wrong type", variable("ATENDE__WORKER__LEASE_SECS", "a minute")),
        ("single underscore", variable("ATENDE_SERVER_BIND", "0.0.0.0:80")),
    ];

    cases.extend(of_models());

    let signed = "[callbacks]\nurl = \"https://example.com/\"\n";
    let place = file(&format!("{signed}secret = \"0123456789abcdef\"\nsecret_file = \"key\""));
    place.write("key", "0123456789abcdef");
    cases.push(("secret and file", place));
    let place = file(&format!("{signed}secret_file = \"key\""));
    place.write("key", "\n");
    cases.push(("empty secret file", place));
    let place =
        file("[tenants.acme.callbacks]\nurl = \"https://a.example/\"\nsecret_file = \"key\"");
    open_to(&place.write("key", "0123456789abcdef"), 0o644);
    cases.push(("secret file open to all", place));
    let place = file(&format!("{signed}secret = \"0123456789abcdef\""));
    open_to(&place.folder.path().join(FILE_NAME), 0o644);
    cases.push(("secret in a file open to all", place));
    let place = file("");
    fs::write(place.folder.path().join(FILE_NAME), b"[log]\nlevel = \"\xff\"").unwrap();
    cases.push(("not utf-8", place));
    cases
}

/// The same for the sections about language models.
fn of_models() -> Vec<(&'static str, Place)> {
    let own = "base_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n";
    let primary = |more: &str| Place::new(&format!("[models.primary]\n{own}{more}"));
    let url =
        |url: &str| Place::new(&format!("[models.primary]\nbase_url = \"{url}\"\nmodel = \"m\"\n"));
    let budget = "[models.budget]\ndaily_usd = 5.0\n";
    let priced = "price_input = 0.1\nprice_output = 0.5\n";
    vec![
        ("a misspelt table of models", Place::new("[models.primay]\nmodel = \"m\"")),
        ("a table where none goes", Place::new("[worker.primary]\nmodel = \"m\"")),
        (
            "a misspelt table in a variable",
            Place::new("").with("ATENDE__MODELS__PRIMAY__MODEL", "m"),
        ),
        ("an unknown field", primary("fields = \"temperature, sed\"")),
        ("unknown fields", primary("fields = \"sed,max_token\"")),
        ("a comma too many", primary("fields = \"seed,\"")),
        ("the whole address", url("https://api.openai.com/v1/chat/completions")),
        ("the whole address, and a slash", url("http://127.0.0.1:9/v1/chat/completions/")),
        ("no room for a question", primary("context = 1500")),
        ("no room for a question, by the answer", primary("context = 2048\nmax_output = 4000")),
        ("fewer tokens a minute than a question has", primary("tokens_per_minute = 2000")),
        ("a budget of nothing", primary(&format!("{priced}[models.budget]\ndaily_usd = 0\n"))),
        (
            "a budget below one question",
            primary("price_input = 2\nprice_output = 8\n[models.budget]\nmonthly_usd = 0.005\n"),
        ),
        ("an attempt longer than the turn", primary("timeout_secs = 90")),
        (
            "a turn shorter than an attempt",
            Place::new(&format!("[models]\nturn_secs = 20\n[models.primary]\n{own}")),
        ),
        ("a budget without a price", primary(budget)),
        ("a budget with half a price", primary(&format!("price_input = 0.1\n{budget}"))),
        (
            "a budget with one price of two",
            primary(&format!("{priced}[models.escalation]\n{own}{budget}")),
        ),
        (
            "more a day than a month",
            primary(&format!("{priced}[models.budget]\nmonthly_usd = 5\ndaily_usd = 100\n")),
        ),
        (
            "a threshold behind the last one",
            primary(&format!("{priced}{budget}escalation_off_at = 90\nembedded_only_at = 70")),
        ),
    ]
}

#[test]
fn settings_of_models_that_go_together_are_taken_as_they_are() {
    let own = "[models.primary]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n";
    for more in [
        "fields = \"temperature, response_format\"",
        "context = 2200",
        "timeout_secs = 60",
        // A price of 0 is one.
        "price_input = 0\nprice_output = 0\n[models.budget]\ndaily_usd = 1",
        "price_input = 1\nprice_output = 1\n[models.budget]\ndaily_usd = 5\nmonthly_usd = 5",
        "[models.budget]\nembedded_only_at = 50",
        "[models.budget]\nembedded_only_at = 50\nescalation_off_at = 50",
    ] {
        assert_eq!(Place::new(&format!("{own}{more}")).told(Locale::En), "", "{more}");
    }
    // A model that is not used needs no price.
    assert_eq!(Place::new("[models.budget]\ndaily_usd = 1").told(Locale::En), "");
}

#[test]
fn every_problem_names_place_key_and_way_out() {
    for locale in [Locale::En, Locale::PtBr] {
        let mut page = String::new();
        for (name, place) in cases() {
            let told = place.told(locale);
            assert!(!told.is_empty(), "{name}: nothing was reported");
            assert!(!told.contains("s3nha") && !told.contains("0123456789"), "{name}: {told}");
            writeln!(page, "## {name}\n{told}\n").unwrap();
        }
        insta::assert_snapshot!(format!("problems_{locale}"), page);
    }
}

#[test]
fn all_problems_come_at_once_and_the_rest_still_counts() {
    let place = Place::new("[server]\nbnd = 1\nmax_in_flight = 7\n[worker]\nrenew_secs = 50\n")
        .with("ATENDE__LOG__LEVEL", "loud");
    let loaded = place.survey();
    let places: Vec<String> =
        loaded.problems.iter().map(|it| format!("{} {}", it.origin.place(), it.path)).collect();
    let file = place.folder.path().join(FILE_NAME);
    let at = |line: u8, key: &str| format!("{}:{line} {key}", file.display());
    assert_eq!(
        places,
        [
            at(2, "server.bnd"),
            at(5, "worker.renew_secs"),
            "ATENDE__LOG__LEVEL log.level".to_owned()
        ]
    );
    assert_eq!(loaded.config.server.max_in_flight, 7);
    assert_eq!(Config::load(&place.sources()), Err(loaded.problems));
}

#[test]
fn a_warning_does_not_keep_the_program_from_starting() {
    let place = Place::new("").with("ATENDE_LOG_LEVEL", "debug");
    let loaded = Config::load(&place.sources()).unwrap();
    assert_eq!(loaded.problems.len(), 1);
    assert_eq!(loaded.config, Config::default());
}

#[test]
fn variables_override_the_file_and_the_file_overrides_the_defaults() {
    let place = Place::new("[server]\nbind = \"0.0.0.0:9000\"\nmax_in_flight = 64\n")
        .with("ATENDE__SERVER__MAX_IN_FLIGHT", "1_000")
        .with("ATENDE__CALLBACKS__IDEMPOTENT", "false")
        .with("ATENDE__LOG__FORMAT", "")
        .with("ATENDE__TENANTS__ACME__POLICY__PACK", "call-center");
    let loaded = Config::load(&place.sources()).unwrap();
    let config = &loaded.config;
    assert_eq!(config.server.bind.to_string(), "0.0.0.0:9000");
    assert_eq!(config.server.max_in_flight, 1000);
    assert_eq!(config.server.request_timeout_secs, ServerSettings::default().request_timeout_secs);
    assert!(!config.callbacks.idempotent);
    assert_eq!(config.log, crate::telemetry::LogSettings::default(), "an empty variable is unset");
    let acme = crate::domain::ids::TenantId::parse("acme").unwrap();
    assert_eq!(config.tenant(&acme).unwrap().policy.pack, "call-center");

    let file = place.folder.path().join(FILE_NAME);
    assert_eq!(loaded.origins["server.bind"], Origin::File { file: file.clone(), line: Some(2) });
    let name = "ATENDE__SERVER__MAX_IN_FLIGHT".to_owned();
    assert_eq!(loaded.origins["server.max_in_flight"], Origin::Variable(name));
    assert_eq!(loaded.file, Some(file));
}

#[test]
fn the_file_is_looked_for_in_the_data_folder_and_then_here() {
    let here = Place::new("[server]\nmax_in_flight = 1\n");
    assert_eq!(here.survey().config.server.max_in_flight, 1);
    here.write("data/atende.toml", "[server]\nmax_in_flight = 2\n");
    assert_eq!(here.survey().config.server.max_in_flight, 2);
    here.write("other/own.toml", "[server]\nmax_in_flight = 3\n");
    let file = here.folder.path().join("other/own.toml");
    let named = Sources { file: Some(file), ..here.sources() };
    assert_eq!(survey(&named).config.server.max_in_flight, 3);

    let lost = Sources { file: Some("lost.toml".into()), ..here.sources() };
    let problems = Config::load(&lost).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].problem.en, "the file does not exist");

    let nowhere = tempfile::tempdir().unwrap();
    let none = Sources {
        data: nowhere.path().join("data"),
        current_dir: nowhere.path().to_owned(),
        packs: PACKS,
        ..Sources::default()
    };
    let loaded = Config::load(&none).unwrap();
    assert_eq!((loaded.config, loaded.file), (Config::default(), None));
}

#[test]
fn paths_start_from_the_folder_of_the_file_and_secrets_come_out_of_their_files() {
    let place = Place::new("");
    let file = place.write(
        "conf/own.toml",
        "[policy]\nfile = \"p.yaml\"\n[store]\nurl_file = \"keys/store\"\n\
         [callbacks]\nurl = \"http://127.0.0.1:9/in\"\nsecret_file = \"keys/callback\"\n",
    );
    place.write("conf/p.yaml", "extends: saas-br\n");
    place.write("conf/keys/store", "postgres://u:s3nha@db/atende\n");
    place.write("conf/keys/callback", "0123456789abcdef\r\n");
    let sources = Sources { file: Some(file), ..place.sources() };
    let config = Config::load(&sources).unwrap().config;
    let policy = place.folder.path().join("conf/p.yaml");
    assert_eq!(config.policy.source(), PolicySource::File(&policy));
    assert_eq!(config.store.url.unwrap().expose(), "postgres://u:s3nha@db/atende");
    assert_eq!(config.callbacks.secret.unwrap().expose(), "0123456789abcdef");
}

#[test]
fn a_business_exists_when_it_is_named_and_a_section_replaces_when_it_is_named() {
    let place = Place::new(
        "[knowledge]\ndir = \".\"\n[tenants.quiet]\n[tenants.plain.knowledge]\n[tenants.plain.callbacks]",
    );
    let config = Config::load(&place.sources()).unwrap().config;
    let view =
        |name: &str| config.tenant(&crate::domain::ids::TenantId::parse(name).unwrap()).unwrap();
    assert_eq!(view("quiet").knowledge, &config.knowledge);
    assert_eq!(view("plain").knowledge, &KnowledgeSettings::default());
    assert_eq!(view("plain").callbacks, None);
}

#[test]
fn receivers_on_this_machine_may_speak_http_and_others_may_not() {
    let secret = "secret = \"0123456789abcdef\"\n";
    for (url, more, fine) in [
        ("https://example.com/a?b=c", "", true),
        ("http://localhost:9000/", "", true),
        ("http://127.8.9.1/", "", true),
        ("http://[::1]:9000/", "", true),
        ("http://localhost.example.com/", "", false),
        ("http://127.0.0.1.example.com/", "", false),
        ("https://192.168.1.5/", "", false),
        ("https://192.168.1.5/", "allow_private = true", true),
        ("https://169.254.169.254/", "", false),
        ("https://[fd00::1]/", "", false),
        ("http://10.0.0.1/", "allow_private = true", false),
    ] {
        let place = Place::new(&format!("[callbacks]\nurl = \"{url}\"\n{secret}{more}"));
        let told = place.told(Locale::En);
        assert_eq!(told.is_empty(), fine, "{url} {more}: {told}");
    }
}

#[test]
fn the_effective_settings_read_back_mask_secrets_and_name_their_source() {
    let place = Place::new(
        "[server]\nmax_in_flight = 64\n[store]\nurl = \"postgres://u:s3nha@db/atende\"\n\
         [tenants.acme.callbacks]\nurl = \"https://a.example/\"\nsecret = \"0123456789abcdef\"\n\
         [tenants.quiet]\n",
    )
    .with("ATENDE__LOG__LEVEL", "debug");
    let loaded = place.survey();
    assert_eq!(loaded.problems, []);
    let text = effective(&loaded, Locale::En);
    let shown = text.replace(&format!("{}", place.folder.path().display()), "DIR");
    insta::assert_snapshot!(shown);
    assert!(!text.contains("s3nha") && !text.contains("0123456789"));
    let read: Config = toml::from_str(&text).unwrap();
    assert_eq!(read.tenant_ids(), loaded.config.tenant_ids());
}

#[test]
fn the_example_file_is_the_defaults_with_every_key_explained() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml");
    let rendered = example_file(Locale::En);
    if std::env::var_os("ATENDE_UPDATE_EXAMPLE").is_some() {
        fs::write(&file, &rendered).unwrap();
    }
    assert_eq!(
        fs::read_to_string(file).unwrap(),
        rendered,
        "run this test with ATENDE_UPDATE_EXAMPLE=1 and look at the difference"
    );
    for text in [rendered, example_file(Locale::PtBr), company_file(Locale::PtBr, &BTreeMap::new())]
    {
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), Config::default());
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}

/// The example shows a value for each key that has no default; each must be one that the key takes.
#[test]
fn every_commented_out_example_reads_as_toml() {
    for section in SECTIONS {
        for key in section.keys.iter().filter(|key| !key.example.is_empty()) {
            let text = format!("[{}]\n{} = {}", section.name, key.name, key.example);
            toml::from_str::<Config>(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
}

fn every_field_of_a_rung() -> RungSettings {
    RungSettings {
        base_url: Some("x".to_owned()),
        key: Some(Secret::new("x")),
        key_file: Some("x".into()),
        model: Some("x".to_owned()),
        temperature: Some(1.0),
        seed: Some(1),
        effort: Some("x".to_owned()),
        output: Some("x".to_owned()),
        fields: Some("x".to_owned()),
        context: Some(1),
        requests_per_minute: Some(1),
        tokens_per_minute: Some(1),
        price_input: Some(1.0),
        price_cached: Some(1.0),
        price_output: Some(1.0),
        ..RungSettings::default()
    }
}

fn every_field_of_a_mailbox() -> crate::config::MailboxSettings {
    let word = || Some("x".to_owned());
    crate::config::MailboxSettings {
        address: word(),
        name: word(),
        user: word(),
        password: Some(Secret::new("x")),
        password_file: Some("x".into()),
        token_command: word(),
        token_file: Some("x".into()),
        imap_host: word(),
        smtp_host: word(),
        ca_file: Some("x".into()),
        trusted_server: word(),
        ..crate::config::MailboxSettings::default()
    }
}

fn every_field_of_whatsapp() -> crate::config::WhatsappSettings {
    let (secret, file) = (Some(Secret::new("x")), Some("x".into()));
    crate::config::WhatsappSettings {
        numbers: Some("x".to_owned()),
        app_secret: secret.clone(),
        app_secret_file: file.clone(),
        verify_token: secret.clone(),
        verify_token_file: file.clone(),
        access_token: secret,
        access_token_file: file,
        template: Some("x".to_owned()),
        read_receipts: true,
        base_url: Some("x".to_owned()),
        version: Some("x".to_owned()),
        timeout_secs: 20,
    }
}

fn every_field_of_a_transcriber() -> TranscriberSettings {
    TranscriberSettings {
        base_url: Some("x".to_owned()),
        key: Some(Secret::new("x")),
        key_file: Some("x".into()),
        model: Some("x".to_owned()),
        price_per_minute: Some(1.0),
        ..TranscriberSettings::default()
    }
}

#[test]
fn the_declared_keys_are_exactly_the_fields_of_the_settings() {
    let secret = || Some(Secret::new("x"));
    let mut config = Config::default();
    config.store.url = secret();
    config.store.url_file = Some("x".into());
    config.policy.file = Some("x".into());
    config.knowledge.dir = Some("x".into());
    config.templates.dir = Some("x".into());
    config.embeddings = EmbeddingSettings {
        dir: Some("x".into()),
        model: Some("x".to_owned()),
        runtime: Some("x".into()),
        ..EmbeddingSettings::default()
    };
    let callbacks = CallbackSettings {
        url: Some("x".to_owned()),
        secret: secret(),
        secret_file: Some("x".into()),
        ..CallbackSettings::default()
    };
    config.callbacks = callbacks.clone();
    config.webhooks = callbacks.clone();
    config.mail = crate::config::MailSettings {
        host: Some("x".to_owned()),
        user: Some("x".to_owned()),
        password: secret(),
        password_file: Some("x".into()),
        from: Some("x".to_owned()),
        ..crate::config::MailSettings::default()
    };
    config.prompts.dir = Some("x".into());
    config.server.public_url = Some("x".to_owned());
    let rung = every_field_of_a_rung();
    config.models.primary = rung.clone();
    config.models.escalation = rung;
    config.models.budget = BudgetSettings {
        daily_usd: Some(1.0),
        monthly_usd: Some(1.0),
        drafts_only_at: Some(1),
        ..BudgetSettings::default()
    };
    config.whatsapp = every_field_of_whatsapp();
    config.mailbox = every_field_of_a_mailbox();
    config.mailbox2 = config.mailbox.clone();
    config.mailbox3 = config.mailbox.clone();
    config.transcriber = every_field_of_a_transcriber();
    let tenant = TenantSettings {
        policy: Some(config.policy.clone()),
        knowledge: Some(config.knowledge.clone()),
        prompts: Some(config.prompts.clone()),
        templates: Some(config.templates.clone()),
        callbacks: Some(callbacks.clone()),
        webhooks: Some(callbacks),
        whatsapp: Some(config.whatsapp.clone()),
        mailbox: Some(config.mailbox.clone()),
        mailbox2: Some(config.mailbox.clone()),
        mailbox3: Some(config.mailbox.clone()),
    };
    config.tenants.insert(crate::domain::ids::TenantId::parse("acme").unwrap(), tenant);

    let mut fields = BTreeSet::new();
    leaves("", &toml::Value::try_from(&config).unwrap(), &mut fields);
    let mut declared = BTreeSet::new();
    for section in SECTIONS {
        for key in section.keys {
            declared.insert(format!("{}.{}", section.name, key.name));
            if section.per_tenant {
                declared.insert(format!("{TENANTS}.acme.{}.{}", section.name, key.name));
            }
        }
    }
    assert_eq!(declared, fields);
}

fn leaves(path: &str, value: &toml::Value, found: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                leaves(format!("{path}.{name}").trim_start_matches('.'), value, found);
            }
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn numbers_on_whatsapp_are_ids_of_one_business_and_signed() {
    let told = |toml: &str| Place::new(toml).told(Locale::En);
    let signed = "numbers = \"106540352242922, 106540352242923\"\napp_secret = \"s\"";
    assert!(!told(&format!("[whatsapp]\n{signed}")).contains("numbers"));
    for (toml, expected) in [
        ("[whatsapp]\nnumbers = \"106540352242922\"".to_owned(), "the app's secret"),
        (
            "[whatsapp]\nnumbers = \"+55 11 98765-4321\"\napp_secret = \"s\"".to_owned(),
            "is no phone_number_id",
        ),
        (
            format!("[whatsapp]\n{signed}\n[tenants.acme.whatsapp]\n{signed}"),
            "is in whatsapp.numbers already",
        ),
    ] {
        let found = told(&toml);
        assert!(found.contains(expected), "{toml}: {found}");
    }
}
