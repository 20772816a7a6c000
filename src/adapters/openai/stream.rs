//! Folds a stream of events into the answer that it would have been in one piece: some servers stream although
//! nobody asked them to.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::failure::{Failure, Told};
use crate::ports::chat::ChatErrorKind;

/// The event that ends a stream.
const DONE: &str = "[DONE]";

/// Returns the whole answer. A stream that ends without saying so was cut.
pub(super) fn fold(headers: &HeaderMap, body: &[u8]) -> Result<Value, Failure> {
    let text = String::from_utf8_lossy(body).replace("\r\n", "\n");
    let mut whole = Whole::default();
    for event in text.split("\n\n") {
        let data = data_of(event);
        if data.is_empty() {
            continue;
        }
        if data == DONE {
            return Ok(whole.into_answer());
        }
        let Ok(chunk) = serde_json::from_str::<Value>(&data) else { return Err(cut()) };
        if let Some(told) = Told::within(&chunk) {
            return Err(told.failure(StatusCode::OK, headers));
        }
        whole.add(&chunk);
    }
    if whole.finish_reason.is_none() {
        return Err(cut());
    }
    Ok(whole.into_answer())
}

/// Joins the lines of data; everything else in an event is of no use to us.
fn data_of(event: &str) -> String {
    let lines = event.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn cut() -> Failure {
    Failure::new(
        ChatErrorKind::Broken,
        "a resposta veio em partes e parou antes do fim",
        "the answer came as a stream that broke off",
    )
}

#[derive(Default)]
struct Whole {
    model: Option<Value>,
    usage: Option<Value>,
    finish_reason: Option<Value>,
    content: String,
    refusal: String,
}

impl Whole {
    fn add(&mut self, chunk: &Value) {
        keep(&mut self.model, chunk.get("model"));
        keep(&mut self.usage, chunk.get("usage"));
        let Some(choice) = chunk.pointer("/choices/0") else { return };
        keep(&mut self.finish_reason, choice.get("finish_reason"));
        let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) else { return };
        let text = |field: &str| delta.get(field).and_then(Value::as_str).unwrap_or_default();
        self.content.push_str(text("content"));
        self.refusal.push_str(text("refusal"));
    }

    fn into_answer(self) -> Value {
        let message = json!({"content": self.content, "refusal": self.refusal});
        json!({
            "model": self.model,
            "choices": [{"finish_reason": self.finish_reason, "message": message}],
            "usage": self.usage,
        })
    }
}

fn keep(slot: &mut Option<Value>, value: Option<&Value>) {
    if let Some(value) = value.filter(|value| !value.is_null()) {
        *slot = Some(value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(body: &str) -> Result<Value, ChatErrorKind> {
        fold(&HeaderMap::new(), body.as_bytes()).map_err(|failure| failure.error.kind)
    }

    #[test]
    fn a_stream_is_one_answer_if_it_came_to_its_end() {
        let start = concat!(
            ": ping\n\n",
            "event: message\nid: 1\ndata: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            "data:{\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":null}]}\r\n\r\n",
        );
        let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
        let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\n";
        for whole in [
            format!("{start}{end}{usage}data: [DONE]\n\n"),
            format!("{start}{end}{usage}"),
            format!("{start}{usage}data: [DONE]"),
        ] {
            let answer = folded(&whole).unwrap();
            assert_eq!(answer["choices"][0]["message"]["content"], "ab", "{whole}");
            assert_eq!(answer["model"], "m");
            assert_eq!(answer["usage"]["prompt_tokens"], 3);
        }
        for broken in [start.to_owned(), format!("{start}data: {{\"cho"), String::new()] {
            assert_eq!(folded(&broken), Err(ChatErrorKind::Broken), "{broken}");
        }
        let error = "data: {\"error\":{\"code\":429,\"message\":\"m\"}}\n\n";
        assert_eq!(folded(&format!("{start}{error}")), Err(ChatErrorKind::RateLimited));
    }
}
