//! Words of recordings, from any endpoint that speaks the `audio/transcriptions` of `OpenAI`.
//!
//! An attempt is made once; whoever asks decides when to ask again. Neither the key nor anything that was said stands in
//! an error, a log or a debug print.

use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::multipart::{Form, Part};
use reqwest::{Response, Url};
use serde_json::Value;

use crate::domain::secret::Secret;

/// Most bytes of an answer: an hour of speech has some 60 000 letters.
const ANSWER_MAX: usize = 1024 * 1024;
/// Most letters of a transcript; more is no message.
const WORDS_MAX: usize = 20_000;
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest pause that an endpoint may ask for.
const PAUSE_MAX: Duration = Duration::from_mins(15);
/// Sound of an Opus stream is counted in these, whatever it was recorded with (RFC 7845 §4).
const TICKS: u64 = 48_000;

/// How the endpoint is reached.
#[derive(Clone, Debug)]
pub struct TranscriberSettings {
    /// Its address up to `/v1`.
    pub base_url: String,
    /// The access key, where it wants one.
    pub key: Option<Secret>,
    /// The model's name, as the endpoint knows it.
    pub model: String,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Longest recording that is sent, in seconds.
    pub max_seconds: u32,
    /// Price of a minute, in millionths of a US dollar, where it is known.
    pub minute_micros: Option<u64>,
}

/// What was said in a recording.
#[derive(Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The words.
    pub words: String,
    /// What it cost, in millionths of a US dollar, where that can be told.
    pub cost_micros: Option<u64>,
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript").field("cost_micros", &self.cost_micros).finish_non_exhaustive()
    }
}

/// Why there are no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silent {
    /// There will be none for this recording.
    Never(&'static str),
    /// Another attempt may bring them, not before this long where it was told.
    NotYet(&'static str, Option<Duration>),
}

/// Asks the endpoint. A clone shares its connections.
#[derive(Clone, Debug)]
pub struct Transcriber {
    http: reqwest::Client,
    url: Url,
    bearer: Option<HeaderValue>,
    settings: TranscriberSettings,
}

impl Transcriber {
    /// Makes a client; connects to nobody.
    pub fn new(settings: TranscriberSettings) -> anyhow::Result<Self> {
        let base = settings.base_url.trim().trim_end_matches('/');
        let url = Url::parse(&format!("{base}/audio/transcriptions"))?;
        let bearer = match &settings.key {
            Some(key) => {
                let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose().trim()))
                    .map_err(|_| anyhow::anyhow!("the key has signs that no header takes"))?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        let http = reqwest::Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(CONNECT.min(settings.timeout))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("atende/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, url, bearer, settings })
    }

    /// Asks for the words of a recording. `mime` is the type that its bytes show.
    pub async fn transcribe(
        &self,
        recording: Vec<u8>,
        mime: Option<&str>,
    ) -> Result<Transcript, Silent> {
        let seconds = opus_seconds(&recording);
        if seconds.is_some_and(|seconds| seconds > u64::from(self.settings.max_seconds)) {
            return Err(Silent::Never("the recording is too long to be written down"));
        }
        let (name, mime) = name_and_type(mime);
        let part = Part::bytes(recording).file_name(name);
        let part = part.mime_str(mime).map_err(|_| UNUSABLE)?;
        let form = Form::new()
            .part("file", part)
            .text("model", self.settings.model.clone())
            .text("response_format", "json");
        let mut request = self.http.post(self.url.clone()).multipart(form);
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer.clone());
        }
        let response = request.send().await.map_err(|error| unreached(&error))?;
        if response.status().as_u16() != 200 {
            return Err(refused(&response));
        }
        let words = words_in(&whole(response).await?)?;
        let cost_micros = self
            .settings
            .minute_micros
            .zip(seconds)
            .map(|(minute, seconds)| minute.saturating_mul(seconds).div_ceil(60));
        Ok(Transcript { words, cost_micros })
    }
}

const UNUSABLE: Silent = Silent::Never("the transcriber does not take this recording");
const LATE: Silent = Silent::NotYet("the transcriber did not answer in time", None);
const BROKEN: Silent = Silent::NotYet("the transcriber's answer broke off", None);
const STRANGE: Silent = Silent::NotYet("the transcriber's answer is none", None);

fn unreached(error: &reqwest::Error) -> Silent {
    if error.is_timeout() && !error.is_connect() {
        LATE
    } else if error.is_connect() {
        Silent::NotYet("the transcriber was not reached", None)
    } else {
        BROKEN
    }
}

/// Reads the status alone: what an endpoint says besides may quote what was sent.
fn refused(response: &Response) -> Silent {
    let told = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let pause = told.and_then(|told| told.trim().parse().ok()).map(Duration::from_secs);
    let pause = pause.map(|pause| pause.min(PAUSE_MAX));
    match response.status().as_u16() {
        400 | 413 | 415 | 422 => UNUSABLE,
        401 | 403 => Silent::NotYet("the transcriber refused the key", Some(PAUSE_MAX)),
        404 => Silent::NotYet("the transcriber knows no such address or model", Some(PAUSE_MAX)),
        429 => Silent::NotYet("the transcriber has too much to do", pause),
        500.. => Silent::NotYet("the transcriber has a problem of its own", pause),
        _ => STRANGE,
    }
}

async fn whole(mut response: Response) -> Result<Vec<u8>, Silent> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_MAX => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => return Err(STRANGE),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => return Err(LATE),
            Err(_) => return Err(BROKEN),
        }
    }
}

fn words_in(body: &[u8]) -> Result<String, Silent> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| STRANGE)?;
    let words = answer.get("text").and_then(Value::as_str).ok_or(STRANGE)?;
    let words: String = words.trim().chars().take(WORDS_MAX).collect();
    if words.is_empty() {
        return Err(Silent::Never("no words were heard in the recording"));
    }
    Ok(words)
}

/// A name with the extension that endpoints tell the format by, and the type for it.
fn name_and_type(mime: Option<&str>) -> (&'static str, &'static str) {
    match mime {
        Some("audio/mpeg") => ("voice.mp3", "audio/mpeg"),
        Some("audio/mp4" | "video/mp4") => ("voice.m4a", "audio/mp4"),
        Some("audio/wav") => ("voice.wav", "audio/wav"),
        Some("audio/flac") => ("voice.flac", "audio/flac"),
        Some("audio/amr") => ("voice.amr", "audio/amr"),
        Some("video/webm") => ("voice.webm", "audio/webm"),
        _ => ("voice.ogg", "audio/ogg"),
    }
}

/// Returns how long a recording in Opus is, rounded up: the last page of its Ogg stream says it. `None` for others.
fn opus_seconds(recording: &[u8]) -> Option<u64> {
    let begins = recording.get(..64).unwrap_or(recording);
    if !recording.starts_with(b"OggS") || !begins.windows(8).any(|bytes| bytes == b"OpusHead") {
        return None;
    }
    let last = recording.windows(4).rposition(|bytes| bytes == b"OggS")?;
    let position = recording.get(last + 6..last + 14)?;
    let ticks = u64::from_le_bytes(position.try_into().ok()?);
    // All ones: no packet ends on this page.
    (ticks != u64::MAX).then(|| ticks.div_ceil(TICKS))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    const KEY: &str = "sk-uma-chave-de-teste-bem-longa";

    /// The first and the last page of a stream of so many ticks.
    fn opus(ticks: u64) -> Vec<u8> {
        let page = |position: u64, content: &[u8]| {
            [&b"OggS\0\x02"[..], &position.to_le_bytes(), &[0; 12], &[1, 19], content].concat()
        };
        [page(0, b"OpusHead\x01\x01"), page(ticks, b"som")].concat()
    }

    fn transcriber(url: &str, timeout: Duration) -> Transcriber {
        // Another test may have installed it first.
        drop(rustls::crypto::ring::default_provider().install_default());
        Transcriber::new(TranscriberSettings {
            base_url: format!("{url}/v1/"),
            key: Some(Secret::new(KEY)),
            model: "whisper-1".to_owned(),
            timeout,
            max_seconds: 60,
            minute_micros: Some(6_000),
        })
        .unwrap()
    }

    async fn answered(answer: ResponseTemplate) -> (Result<Transcript, Silent>, MockServer) {
        let server = MockServer::start().await;
        let ask = Mock::given(method("POST")).and(path("/v1/audio/transcriptions"));
        ask.respond_with(answer).mount(&server).await;
        let client = transcriber(&server.uri(), Duration::from_secs(2));
        let end = client.transcribe(opus(90 * 24_000), Some("audio/ogg")).await;
        (end, server)
    }

    #[tokio::test]
    async fn a_recording_goes_out_as_a_form_and_its_words_come_back() {
        let answer = json!({"text": " Esqueci a senha, como recupero? \n"});
        let (end, server) = answered(ResponseTemplate::new(200).set_body_json(answer)).await;
        let transcript = end.unwrap();
        assert_eq!(transcript.words, "Esqueci a senha, como recupero?");
        // 45 seconds at 0.006 dollars a minute.
        assert_eq!(transcript.cost_micros, Some(4_500));
        let asked = server.received_requests().await.unwrap().remove(0);
        assert_eq!(asked.headers["authorization"], format!("Bearer {KEY}").as_str());
        let form = String::from_utf8_lossy(&asked.body).into_owned();
        for part in [
            "name=\"file\"; filename=\"voice.ogg\"",
            "Content-Type: audio/ogg",
            "name=\"model\"\r\n\r\nwhisper-1",
            "name=\"response_format\"\r\n\r\njson",
            "OpusHead",
        ] {
            assert!(form.contains(part), "{part}: {form}");
        }
        assert!(!form.contains("name=\"language\""), "{form}");
    }

    #[tokio::test]
    async fn what_may_pass_is_told_from_what_will_not() {
        let status = ResponseTemplate::new;
        for (answer, expected) in [
            (status(400), UNUSABLE),
            (status(413), UNUSABLE),
            (status(401), Silent::NotYet("the transcriber refused the key", Some(PAUSE_MAX))),
            (
                status(429).insert_header("retry-after", "7"),
                Silent::NotYet("the transcriber has too much to do", Some(Duration::from_secs(7))),
            ),
            (status(503), Silent::NotYet("the transcriber has a problem of its own", None)),
            (status(302).insert_header("location", "http://127.0.0.1:1/"), STRANGE),
            (status(200).set_body_string("<html>"), STRANGE),
            (status(200).set_body_json(json!({"texto": "x"})), STRANGE),
            (
                status(200).set_body_json(json!({"text": "  "})),
                Silent::Never("no words were heard in the recording"),
            ),
            (status(200).set_delay(Duration::from_secs(10)), LATE),
        ] {
            let (end, _server) = answered(answer).await;
            assert_eq!(end.unwrap_err(), expected);
        }
        let nobody = transcriber("http://127.0.0.1:1", Duration::from_secs(5));
        let end = nobody.transcribe(opus(1), None).await;
        assert_eq!(end.unwrap_err(), Silent::NotYet("the transcriber was not reached", None));
    }

    #[tokio::test]
    async fn a_recording_that_is_too_long_is_not_sent() {
        let nobody = transcriber("http://127.0.0.1:1", Duration::from_secs(5));
        let end = nobody.transcribe(opus(61 * TICKS), Some("audio/ogg")).await;
        assert_eq!(end.unwrap_err(), Silent::Never("the recording is too long to be written down"));
    }

    #[test]
    fn neither_the_key_nor_what_was_said_shows() {
        let shown = format!("{:?}", transcriber("http://127.0.0.1:1", Duration::from_secs(1)));
        assert!(!shown.contains("chave"), "{shown}");
        let said = Transcript { words: "meu segredo".to_owned(), cost_micros: None };
        assert!(!format!("{said:?}").contains("segredo"));
    }

    #[test]
    fn the_length_of_a_recording_stands_on_its_last_page() {
        for (recording, expected) in [
            (opus(48_000), Some(1)),
            (opus(48_001), Some(2)),
            (opus(0), Some(0)),
            (opus(u64::MAX), None),
            (b"OggS".to_vec(), None),
            (b"ID3 OpusHead".to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(opus_seconds(&recording), expected);
        }
    }
}
