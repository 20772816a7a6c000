//! What a number of the business is like: whether it may send, how fast, and what to do about it where not.

use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use serde_json::Value;

use super::{CloudClient, Fault, Part, limits, wire};
use crate::channels::whatsapp::json;
use crate::domain::labels::Locale;

/// What is asked for.
const FIELDS: &str = "display_phone_number,verified_name,quality_rating,throughput,name_status,\
                      code_verification_status,status,account_mode,platform_type,is_on_biz_app,health_status";
/// What every version and every account knows. The API refuses the whole question for one field that it does not know.
const OLD_FIELDS: &str =
    "display_phone_number,verified_name,quality_rating,throughput,code_verification_status";
/// The code with which it does.
const UNKNOWN_FIELD: i64 = 100;

/// What a number is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberState {
    /// Its id, as it was asked for.
    pub id: String,
    /// The number as people read it.
    pub display_number: Option<String>,
    /// The name that customers see.
    pub verified_name: Option<String>,
    /// How people take its messages.
    pub quality: Quality,
    /// How much it may send.
    pub throughput: Throughput,
    /// Whether the name is approved, in the API's words.
    pub name_status: Option<String>,
    /// Whether the number was confirmed by a code, in the API's words. It expires without harm.
    pub code_verification: Option<String>,
    /// Whether it is connected, in the API's words.
    pub status: Option<String>,
    /// `LIVE` or `SANDBOX`.
    pub account_mode: Option<String>,
    /// Which interface it belongs to, such as `CLOUD_API`.
    pub platform: Option<String>,
    /// True when people also use it in the app.
    pub on_business_app: Option<bool>,
    /// Whether it can send, in the API's words: `AVAILABLE`, `LIMITED` or `BLOCKED`.
    pub can_send: Option<String>,
    /// What keeps it from sending, in the API's words.
    pub obstacles: Vec<String>,
}

/// How people take the messages of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// Well.
    Green,
    /// Some block or report it.
    Yellow,
    /// Many do.
    Red,
    /// Nobody knows yet.
    #[default]
    Unknown,
}

/// How much a number may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Throughput {
    /// 80 messages in a second, both ways together.
    #[default]
    Standard,
    /// 1 000.
    High,
}

/// Something about a number that somebody should do something about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concern {
    /// It is not connected, with the API's word for what it is.
    NotConnected(String),
    /// It belongs to another interface.
    OtherPlatform(String),
    /// It reaches test numbers alone.
    Sandbox,
    /// Its name is not approved, with the API's word for what it is.
    Name(String),
    /// Many block or report it.
    QualityRed,
    /// Some do.
    QualityYellow,
    /// It cannot send, with the API's reasons.
    Blocked(Vec<String>),
    /// It can send with limits, with the API's reasons.
    Limited(Vec<String>),
}

impl CloudClient {
    /// Asks what a number is like, by its id. It sends nothing.
    pub async fn check(&self, number: &str) -> Result<NumberState, Fault> {
        limits::id(number, Part::Number)?;
        match self.ask(number, FIELDS).await {
            Err(Fault::Refused { error, .. }) if error.code == Some(UNKNOWN_FIELD) => {
                self.ask(number, OLD_FIELDS).await
            }
            end => end,
        }
    }

    /// Asks where the calls of a number's webhook go; `None` where no app has subscribed.
    pub async fn webhook(&self, number: &str) -> Result<Option<String>, Fault> {
        limits::id(number, Part::Number)?;
        let root = self.asked(number, "webhook_configuration").await?;
        let found = root.get("webhook_configuration").unwrap_or(&Value::Null);
        // What is set for the number stands above what is set for its account, and that above the app's.
        let places = ["phone_number", "whatsapp_business_account", "application"];
        Ok(places.iter().find_map(|place| json::word(found, place)))
    }

    async fn ask(&self, number: &str, fields: &str) -> Result<NumberState, Fault> {
        let root = self.asked(number, fields).await?;
        NumberState::read(number, &root).ok_or(Fault::Unreadable)
    }

    async fn asked(&self, number: &str, fields: &str) -> Result<Value, Fault> {
        let mut url: Url = self.address(&[number]);
        url.query_pairs_mut().append_pair("fields", fields);
        let request = self.http.get(url).header(AUTHORIZATION, self.bearer.clone());
        self.object(&wire::exchange(request).await?)
    }
}

impl NumberState {
    /// Reads the answer; `None` where it is about nothing that is a number.
    fn read(id: &str, root: &Value) -> Option<Self> {
        let word = |name| json::word(root, name);
        let upper = |name| word(name).map(|word| word.to_ascii_uppercase());
        let health = root.get("health_status").unwrap_or(&Value::Null);
        let level = root.get("throughput").map(|throughput| match throughput {
            Value::Object(_) => json::word(throughput, "level"),
            _ => word("throughput"),
        });
        let high = level.flatten().is_some_and(|level| level.eq_ignore_ascii_case("high"));
        let state = Self {
            id: id.to_owned(),
            display_number: word("display_phone_number"),
            verified_name: word("verified_name"),
            quality: match upper("quality_rating").as_deref() {
                Some("GREEN") => Quality::Green,
                Some("YELLOW") => Quality::Yellow,
                Some("RED") => Quality::Red,
                _ => Quality::Unknown,
            },
            throughput: if high { Throughput::High } else { Throughput::Standard },
            name_status: upper("name_status"),
            code_verification: upper("code_verification_status"),
            status: upper("status"),
            account_mode: upper("account_mode"),
            platform: upper("platform_type"),
            on_business_app: json::boolean(root, "is_on_biz_app"),
            can_send: json::word(health, "can_send_message").map(|word| word.to_ascii_uppercase()),
            obstacles: obstacles(health),
        };
        (state.display_number.is_some() || state.verified_name.is_some()).then_some(state)
    }

    /// Returns how many messages it may handle in a second, both ways together.
    pub const fn per_second(&self) -> u32 {
        match (self.on_business_app, self.throughput) {
            (Some(true), _) => 20,
            (_, Throughput::Standard) => 80,
            (_, Throughput::High) => 1_000,
        }
    }

    /// Returns what somebody should do something about, worst first.
    pub fn concerns(&self) -> Vec<Concern> {
        let other = |word: &Option<String>, fine: &[&str]| {
            word.clone().filter(|word| !fine.contains(&word.as_str()))
        };
        let reasons = || self.obstacles.clone();
        let sends = match self.can_send.as_deref() {
            Some("BLOCKED") => Some(Concern::Blocked(reasons())),
            Some("LIMITED") => Some(Concern::Limited(reasons())),
            _ => None,
        };
        let quality = match self.quality {
            Quality::Red => Some(Concern::QualityRed),
            Quality::Yellow => Some(Concern::QualityYellow),
            Quality::Green | Quality::Unknown => None,
        };
        let named = ["APPROVED", "AVAILABLE_WITHOUT_REVIEW", "NONE"];
        [
            other(&self.status, &["CONNECTED"]).map(Concern::NotConnected),
            other(&self.platform, &["CLOUD_API"]).map(Concern::OtherPlatform),
            sends,
            (self.account_mode.as_deref() == Some("SANDBOX")).then_some(Concern::Sandbox),
            other(&self.name_status, &named).map(Concern::Name),
            quality,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Reads what keeps a number from sending, from whichever part of the account it comes.
fn obstacles(health: &Value) -> Vec<String> {
    let mut told = Vec::new();
    for part in json::items(health, "entities") {
        let kind = json::word(part, "entity_type").unwrap_or_default();
        for error in json::items(part, "errors") {
            let what = json::word(error, "error_description");
            let remedy = json::word(error, "possible_solution");
            let words: Vec<String> = what.into_iter().chain(remedy).collect();
            if !words.is_empty() {
                told.push(format!("{kind}: {}", words.join(" ")));
            }
        }
        for more in json::items(part, "additional_info").iter().filter_map(Value::as_str) {
            told.push(format!("{kind}: {more}"));
        }
    }
    told
}

impl Concern {
    /// Says what it is and what to do.
    pub fn told(&self, locale: Locale) -> String {
        let pick = |en: &str, pt: &str| match locale {
            Locale::En => en.to_owned(),
            Locale::PtBr => pt.to_owned(),
        };
        let with = |text: String, reasons: &[String]| {
            if reasons.is_empty() { text } else { format!("{text} {}", reasons.join(" ")) }
        };
        match self {
            Self::NotConnected(word) => match locale {
                Locale::En => format!(
                    "The number is not connected ({word}). Register it with its PIN in WhatsApp Manager."
                ),
                Locale::PtBr => format!(
                    "O número não está conectado ({word}). Registre-o com o PIN no Gerenciador do WhatsApp."
                ),
            },
            Self::OtherPlatform(word) => match locale {
                Locale::En => format!(
                    "The number belongs to another interface ({word}). Register it with the Cloud API."
                ),
                Locale::PtBr => format!(
                    "O número pertence a outra interface ({word}). Registre-o na API de Nuvem."
                ),
            },
            Self::Sandbox => pick(
                "It is a test number: it reaches only the numbers that were added for tests. Connect a real one.",
                "É um número de teste: só alcança os números cadastrados para teste. Conecte um número real.",
            ),
            Self::Name(word) => match locale {
                Locale::En => format!(
                    "The display name is not approved ({word}). Look at it in WhatsApp Manager and send it for approval."
                ),
                Locale::PtBr => format!(
                    "O nome de exibição não está aprovado ({word}). Confira-o no Gerenciador do WhatsApp e envie para aprovação."
                ),
            },
            Self::QualityRed => pick(
                "Many people block or report this number. Pause campaigns and look at the reasons in WhatsApp Manager.",
                "Muita gente bloqueia ou denuncia este número. Pause as campanhas e veja os motivos no Gerenciador do WhatsApp.",
            ),
            Self::QualityYellow => pick(
                "Some people block or report this number. Look at the reasons in WhatsApp Manager.",
                "Algumas pessoas bloqueiam ou denunciam este número. Veja os motivos no Gerenciador do WhatsApp.",
            ),
            Self::Blocked(reasons) => with(
                pick(
                    "WhatsApp lets this number send nothing. Clear what it names in WhatsApp Manager.",
                    "O WhatsApp não deixa este número enviar nada. Resolva no Gerenciador do WhatsApp o que ele aponta.",
                ),
                reasons,
            ),
            Self::Limited(reasons) => with(
                pick(
                    "WhatsApp limits what this number sends. See in WhatsApp Manager what lifts the limit.",
                    "O WhatsApp limita os envios deste número. Veja no Gerenciador do WhatsApp o que remove o limite.",
                ),
                reasons,
            ),
        }
    }
}
