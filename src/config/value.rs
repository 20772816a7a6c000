//! Judges one value against the kind its key declares. Pure, except that files and folders are looked at.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use toml::Value;

use super::keys::{Kind, MIN_SECRET_CHARS};
use super::problem::{Complaint, unknown_name};
use crate::domain::host;

/// A value as it was written, before its key is asked what it should be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    /// A text in quotes, or a variable.
    Text(String),
    /// A whole number; `None` when it does not fit 64 bits.
    Integer(Option<i64>),
    /// A number with decimals; `None` when it is not finite.
    Decimal(Option<f64>),
    /// True or false.
    Flag(bool),
    /// Something no key takes, named in Portuguese and English.
    Other((&'static str, &'static str)),
}

/// What the judgement of a value needs to know besides the value.
pub(super) struct Surroundings<'a> {
    /// Folder that relative paths start from.
    pub(super) base: &'a Path,
    /// Names of the packs in the program.
    pub(super) packs: &'a [&'a str],
}

/// Reads the text of a variable as the kind of its key would be written in a file.
pub(super) fn from_variable(text: &str, kind: Kind) -> Raw {
    let number =
        || text.trim().replace('_', "").parse().ok().map(|number| Raw::Integer(Some(number)));
    let read = match kind {
        Kind::Integer(..) => number(),
        Kind::Decimal(..) => text.trim().parse().ok().map(|number| Raw::Decimal(Some(number))),
        Kind::Flag => text.trim().parse().ok().map(Raw::Flag),
        _ => None,
    };
    read.unwrap_or_else(|| Raw::Text(text.to_owned()))
}

/// Returns the value as the settings take it, paths made absolute by `base`, or what is wrong with it.
pub(super) fn judge(raw: Raw, kind: Kind, around: &Surroundings<'_>) -> Result<Value, Complaint> {
    match (kind, raw) {
        (Kind::Integer(min, max), Raw::Integer(number)) => integer(number, min, max),
        (Kind::Decimal(min, max), Raw::Decimal(number)) => decimal(number, min, max),
        (Kind::Decimal(min, max), Raw::Integer(number)) => {
            #[expect(clippy::cast_precision_loss, reason = "the range is far below 2^53")]
            let number = number.map(|number| number as f64);
            decimal(number, min, max)
        }
        (Kind::Flag, Raw::Flag(flag)) => Ok(Value::Boolean(flag)),
        (kind, Raw::Text(text)) => judge_text(&text, kind, around).map(Value::String),
        (kind, raw) => Err(wrong_type(&raw, kind)),
    }
}

fn judge_text(text: &str, kind: Kind, around: &Surroundings<'_>) -> Result<String, Complaint> {
    match kind {
        Kind::Address => address(text),
        Kind::Word(words) => one_of(text, words, ("opção", "choice")),
        Kind::Words(words) => some_of(text, words),
        Kind::Pack => one_of(text, around.packs, ("política", "policy pack")),
        Kind::File | Kind::SecretFile => path(text, around.base, Path::is_file, FILE),
        Kind::Folder => path(text, around.base, Path::is_dir, FOLDER),
        Kind::Secret => secret(text),
        Kind::StoreUrl => store_url(text),
        Kind::CallbackUrl => callback_url(text),
        Kind::ModelUrl => model_url(text),
        Kind::SiteUrl => site_url(text),
        Kind::Text | Kind::Password => line(text),
        Kind::Integer(..) | Kind::Decimal(..) | Kind::Flag => {
            Err(wrong_type(&Raw::Text(text.to_owned()), kind))
        }
    }
}

fn one_of(text: &str, known: &[&str], what: (&str, &str)) -> Result<String, Complaint> {
    if known.contains(&text) { Ok(text.to_owned()) } else { Err(unknown_name(what, text, known)) }
}

fn some_of(text: &str, known: &[&str]) -> Result<String, Complaint> {
    let text = line(text)?;
    let unknown: Vec<&str> =
        text.split(',').map(str::trim).filter(|one| !known.contains(one)).collect();
    match unknown.as_slice() {
        [] => Ok(text),
        [""] | ["", ..] => Err(Complaint::new(
            ("há uma vírgula a mais", "there is a comma too many"),
            (format!("opções: {}", known.join(", ")), format!("choices: {}", known.join(", "))),
        )),
        [one] => Err(unknown_name(("opção", "choice"), one, known)),
        [first, rest @ ..] => {
            let Complaint { mut problem, hint } = unknown_name(("opção", "choice"), first, known);
            for name in rest {
                for text in [&mut problem.pt_br, &mut problem.en] {
                    text.push_str(", ");
                    text.push_str(name);
                }
            }
            Err(Complaint { problem, hint })
        }
    }
}

fn integer(number: Option<i64>, min: i64, max: i64) -> Result<Value, Complaint> {
    match number {
        Some(number) if (min..=max).contains(&number) => Ok(Value::Integer(number)),
        Some(number) => Err(Complaint::new(
            (format!("{number} está fora da faixa"), format!("{number} is out of range")),
            (
                format!("use um número de {min} a {max}"),
                format!("use a number from {min} to {max}"),
            ),
        )),
        None => Err(Complaint::new(
            ("o número não cabe em 64 bits", "the number does not fit in 64 bits"),
            (
                format!("use um número de {min} a {max}"),
                format!("use a number from {min} to {max}"),
            ),
        )),
    }
}

fn decimal(number: Option<f64>, min: i32, max: i32) -> Result<Value, Complaint> {
    match number.filter(|number| (f64::from(min)..=f64::from(max)).contains(number)) {
        Some(number) => Ok(Value::Float(number)),
        None => Err(Complaint::new(
            ("o número está fora da faixa", "the number is out of range"),
            (
                format!("use um número de {min} a {max}"),
                format!("use a number from {min} to {max}"),
            ),
        )),
    }
}

fn wrong_type(raw: &Raw, kind: Kind) -> Complaint {
    let found = match raw {
        Raw::Text(_) => ("um texto", "text"),
        Raw::Integer(_) => ("um número", "a number"),
        Raw::Decimal(_) => ("um número com casas decimais", "a decimal number"),
        Raw::Flag(_) => ("true ou false", "true or false"),
        Raw::Other(name) => *name,
    };
    let (wanted, hint) = match kind {
        Kind::Integer(min, max) => (
            ("um número inteiro", "a whole number"),
            (
                format!("escreva um número de {min} a {max}, sem aspas"),
                format!("write a number from {min} to {max}, without quotes"),
            ),
        ),
        Kind::Decimal(min, max) => (
            ("um número", "a number"),
            (
                format!(
                    "escreva um número de {min} a {max}, sem aspas, com ponto antes das casas decimais"
                ),
                format!("write a number from {min} to {max}, without quotes"),
            ),
        ),
        Kind::Flag => (
            ("true ou false", "true or false"),
            (
                "escreva true ou false, sem aspas".to_owned(),
                "write true or false, without quotes".to_owned(),
            ),
        ),
        _ => (
            ("um texto", "text"),
            ("escreva o valor entre aspas".to_owned(), "write the value in quotes".to_owned()),
        ),
    };
    Complaint::new(
        (
            format!("aqui vai {}, e não {}", wanted.0, found.0),
            format!("expected {}, found {}", wanted.1, found.1),
        ),
        hint,
    )
}

fn address(text: &str) -> Result<String, Complaint> {
    if text.parse::<SocketAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    let hint = (
        "escreva endereço IP e porta, por exemplo \"127.0.0.1:8080\" ou \"[::1]:8080\"",
        "write IP address and port, for example \"127.0.0.1:8080\" or \"[::1]:8080\"",
    );
    let port = text.rsplit_once(':').map(|(_, port)| port);
    let problem = match port {
        _ if text.parse::<IpAddr>().is_ok() => {
            (format!("falta a porta em {text}"), format!("{text} lacks a port"))
        }
        Some(port) if port.parse::<u16>().is_err() => (
            format!("a porta {port} não existe: vai de 0 a 65535"),
            format!("there is no port {port}: they go from 0 to 65535"),
        ),
        Some(_) => (
            format!("{text} não é um endereço IP com porta (nomes não são aceitos)"),
            format!("{text} is not an IP address with a port (names are not accepted)"),
        ),
        None => (format!("falta a porta em {text}"), format!("{text} lacks a port")),
    };
    Err(Complaint::new(problem, hint))
}

const FILE: (&str, &str) = ("um arquivo", "file");
const FOLDER: (&str, &str) = ("uma pasta", "folder");

fn path(
    text: &str,
    base: &Path,
    fits: fn(&Path) -> bool,
    what: (&str, &str),
) -> Result<String, Complaint> {
    let full: PathBuf = base.join(text);
    let shown = full.display();
    if fits(&full) {
        return Ok(shown.to_string());
    }
    let problem = match full.try_exists() {
        Ok(true) => (format!("{shown} não é {}", what.0), format!("{shown} is not a {}", what.1)),
        Ok(false) => (format!("{shown} não existe"), format!("{shown} does not exist")),
        Err(error) => (
            format!("não foi possível ler {shown}: {error}"),
            format!("{shown} cannot be read: {error}"),
        ),
    };
    Err(Complaint::new(
        problem,
        (
            format!(
                "informe o caminho de {} que exista; caminhos relativos partem de {}",
                what.0,
                base.display()
            ),
            format!(
                "give the path of a {} that exists; relative paths start from {}",
                what.1,
                base.display()
            ),
        ),
    ))
}

/// Refuses what is no single line of text.
pub(super) fn line(text: &str) -> Result<String, Complaint> {
    let fits = !text.trim().is_empty() && !text.chars().any(char::is_control);
    if fits && text.chars().count() <= LINE_MAX {
        return Ok(text.trim().to_owned());
    }
    // The text is not repeated: it may be a password.
    Err(Complaint::new(
        (
            "o texto está vazio ou não cabe em uma linha",
            "the text is empty or does not fit in one line",
        ),
        (
            format!("use de 1 a {LINE_MAX} caracteres, sem quebra de linha"),
            format!("use 1 to {LINE_MAX} characters without a line break"),
        ),
    ))
}

/// The longest line of text that a setting takes.
const LINE_MAX: usize = 255;

/// Refuses a key that is too short to sign with.
pub(super) fn secret(text: &str) -> Result<String, Complaint> {
    if text.chars().count() >= MIN_SECRET_CHARS {
        return Ok(text.to_owned());
    }
    Err(Complaint::new(
        (
            format!("a chave tem menos de {MIN_SECRET_CHARS} caracteres"),
            format!("the key has fewer than {MIN_SECRET_CHARS} characters"),
        ),
        ("gere uma com: openssl rand -hex 32", "make one with: openssl rand -hex 32"),
    ))
}

/// Refuses the URL of a database that the program does not speak to.
pub(super) fn store_url(text: &str) -> Result<String, Complaint> {
    let known = ["postgres://", "postgresql://", "sqlite:"];
    if known.iter().any(|start| text.strip_prefix(start).is_some_and(|rest| !rest.is_empty())) {
        return Ok(text.to_owned());
    }
    // The URL is not repeated: it may hold a password.
    Err(Complaint::new(
        ("a URL do banco não é reconhecida", "the database URL is not recognised"),
        (
            "use postgres://usuario:senha@servidor/banco ou sqlite:caminho",
            "use postgres://user:password@host/database or sqlite:path",
        ),
    ))
}

fn callback_url(text: &str) -> Result<String, Complaint> {
    let Ok(url) = reqwest::Url::parse(text) else {
        return Err(Complaint::new(
            (format!("{text} não é uma URL"), format!("{text} is not a URL")),
            (
                "escreva o endereço completo, por exemplo \"https://example.com/atende\"",
                "write the whole address, for example \"https://example.com/atende\"",
            ),
        ));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Complaint::new(
            ("a URL contém usuário ou senha", "the URL holds a user or a password"),
            (
                "tire-os da URL; quem recebe confere a assinatura feita com secret",
                "take them out of the URL; the receiver checks the signature made with secret",
            ),
        ));
    }
    let fits = match url.scheme() {
        "https" => url.has_host(),
        "http" => is_this_machine(&url),
        _ => false,
    };
    if fits {
        return Ok(text.to_owned());
    }
    let scheme = url.scheme();
    let problem = if scheme == "http" {
        (
            "http:// só é aceito para esta mesma máquina".to_owned(),
            "http:// is only accepted for this same machine".to_owned(),
        )
    } else {
        (format!("{scheme}: não é aceito"), format!("{scheme}: is not accepted"))
    };
    Err(Complaint::new(
        problem,
        (
            "use https://, para que ninguém no caminho leia as respostas",
            "use https://, so that nobody on the way reads the replies",
        ),
    ))
}

/// Refuses what no model is asked at. Only inside one's own network does a question travel in the clear.
fn model_url(text: &str) -> Result<String, Complaint> {
    let hint = (
        "escreva o endereço até /v1, por exemplo \"https://api.openai.com/v1\" ou \"http://127.0.0.1:11434/v1\"",
        "write the address up to /v1, for example \"https://api.openai.com/v1\" or \"http://127.0.0.1:11434/v1\"",
    );
    let complaint = |pt: &str, en: &str| Err(Complaint::new((pt, en), hint));
    let Ok(url) = reqwest::Url::parse(text) else {
        return complaint("isto não é uma URL", "this is not a URL");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return complaint(
            "a URL contém usuário ou senha; a chave vai em key_file",
            "the URL holds a user or a password; the key belongs in key_file",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return complaint("a URL tem uma parte ? ou #", "the URL has a part after ? or #");
    }
    if url.path().trim_end_matches('/').ends_with("/chat/completions") {
        return complaint(
            "a URL já termina em /chat/completions, que é acrescentado a cada pergunta",
            "the URL ends in /chat/completions already, which is added to it for each question",
        );
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(text.to_owned()),
        "http" if is_of_own_network(&url) => Ok(text.to_owned()),
        "http" => complaint(
            "http:// só é aceito dentro da própria rede",
            "http:// is only accepted inside one's own network",
        ),
        _ => complaint("a URL não começa com https://", "the URL does not start with https://"),
    }
}

/// Refuses what people cannot open pages under. A slash at the end is taken off.
fn site_url(text: &str) -> Result<String, Complaint> {
    let fits = reqwest::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if fits {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err(Complaint::new(
        (
            "isto não é o endereço de um site, sem caminho nem usuário",
            "this is not the address of a site, without a path or a user",
        ),
        (
            "escreva por exemplo \"https://atende.exemplo.com.br\"",
            "write for example \"https://atende.example.com\"",
        ),
    ))
}

/// Whether a host is written as one that the internet does not reach: a private address, or a name without a dot or
/// of a local zone.
fn is_of_own_network(url: &reqwest::Url) -> bool {
    if is_this_machine(url) {
        return true;
    }
    match host_ip(url) {
        Some(IpAddr::V4(ip)) => ip.is_private() || ip.is_link_local(),
        Some(IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_unicast_link_local(),
        None => url.host_str().is_some_and(|host| {
            !host.contains('.')
                || [".local", ".internal", ".lan"].iter().any(|zone| host.ends_with(zone))
        }),
    }
}

/// Whether a URL's host is this machine.
pub(super) fn is_this_machine(url: &reqwest::Url) -> bool {
    url.host_str().is_some_and(host::is_this_machine)
}

/// Returns the URL's host when it is written as an IP address.
pub(super) fn host_ip(url: &reqwest::Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
