//! What an endpoint said about a failure, made fit for a person's eyes: one short line without secrets.
//!
//! Endpoints repeat what they were asked, so this is kept only of questions that are nobody's.

use serde_json::Value;

use super::failure::error_in;

/// Most letters that are shown.
const SHOWN_MAX: usize = 240;
/// Most letters that are looked at.
const READ_MAX: usize = 8_000;
/// What keys of known providers begin with, in lower case.
const KEYS: &[&str] =
    &["sk-", "sk_", "pk-", "aiza", "gsk_", "hf_", "xai-", "nvapi-", "eyj", "ya29."];
/// So many letters and digits without a break are no word of any language.
const RUN_MAX: usize = 20;
/// So many letters of our own key tell too much of it.
const PART: usize = 6;
/// What stands in the place of a secret.
const MASK: &str = "[…]";

/// Returns the endpoint's own words in the body of a failure; `None` where there are none, as in web pages.
pub(super) fn said(body: &[u8], key: &str) -> Option<String> {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(body) => message_in(&body)?.to_owned(),
        Err(_) => std::str::from_utf8(body).ok().filter(|text| !is_page(text))?.to_owned(),
    };
    let text: String = text
        .chars()
        .take(READ_MAX)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| if holds_secret(word, key.trim()) { MASK } else { word })
        .collect();
    let line = words.join(" ");
    (!line.is_empty()).then(|| shortened(&line))
}

fn is_page(text: &str) -> bool {
    text.trim_start().starts_with('<') || text.trim_start().starts_with("data:")
}

/// Returns the sentence in an error, wherever the known servers put it.
fn message_in(body: &Value) -> Option<&str> {
    let error = error_in(body).unwrap_or(body);
    let text = |at: &str| error.pointer(at).and_then(Value::as_str);
    error
        .as_str()
        .or_else(|| text("/message"))
        .or_else(|| text("/detail"))
        .or_else(|| text("/detail/0/msg"))
        .filter(|text| !text.trim().is_empty())
}

/// Whether a word is, or quotes, a key. Providers show the ends of the key that they refuse.
fn holds_secret(word: &str, key: &str) -> bool {
    let of_word = |letter: char| letter.is_ascii_alphanumeric() || "-_.*".contains(letter);
    word.split(|letter: char| !of_word(letter)).any(|part| {
        let lower = part.to_ascii_lowercase();
        let ends = [key.get(..PART), key.len().checked_sub(PART).and_then(|at| key.get(at..))];
        part.contains("**")
            || KEYS.iter().any(|start| lower.len() > start.len() && lower.starts_with(start))
            || ends.into_iter().flatten().any(|end| part.contains(end))
            || part.split(|letter: char| !letter.is_ascii_alphanumeric()).any(is_random)
    }) || (!key.is_empty() && word.contains(key))
}

fn is_random(run: &str) -> bool {
    run.len() >= RUN_MAX
        && run.contains(|letter: char| letter.is_ascii_digit())
        && run.contains(|letter: char| letter.is_ascii_alphabetic())
}

/// Cuts a line at the end of a word, where there is one.
fn shortened(line: &str) -> String {
    let Some((end, _)) = line.char_indices().nth(SHOWN_MAX) else { return line.to_owned() };
    let kept = line.get(..end).unwrap_or_default();
    let kept = kept.rsplit_once(' ').map_or(kept, |(kept, _)| kept);
    format!("{kept} …")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "chave-do-teste-XyZ987";

    fn of(body: &Value) -> Option<String> {
        said(body.to_string().as_bytes(), KEY)
    }

    #[test]
    fn the_sentence_is_found_wherever_servers_put_it() {
        let region = "Country, region, or territory not supported";
        for body in [
            json!({"error": {"message": region, "code": "unsupported_country_region_territory"}}),
            json!([{"error": {"code": 403, "message": region, "status": "PERMISSION_DENIED"}}]),
            json!({"object": "error", "message": region, "code": 403}),
            json!({"error": region}),
            json!({"detail": region}),
            json!({"detail": [{"loc": ["body"], "msg": region}]}),
            json!({"message": region}),
        ] {
            assert_eq!(of(&body).as_deref(), Some(region), "{body}");
        }
        assert_eq!(said(region.as_bytes(), KEY).as_deref(), Some(region));
        for nothing in ["", " \n", "<html>Forbidden</html>", "data: {}", "{}", "null", "[]", "7"] {
            assert_eq!(said(nothing.as_bytes(), KEY), None, "{nothing}");
        }
        assert_eq!(said(b"\xff\xfe", KEY), None);
        assert_eq!(of(&json!({"error": {"message": " "}})), None);
    }

    #[test]
    fn secrets_are_left_out_and_plain_words_stay() {
        for (text, shown) in [
            (format!("Incorrect API key provided: {KEY}."), "Incorrect API key provided: […]"),
            ("Incorrect key chave-******Z987.".to_owned(), "Incorrect key […]"),
            ("It ends in \"XyZ987\", they say".to_owned(), "It ends in […] they say"),
            ("Bearer=sk-proj-1a2b is wrong".to_owned(), "[…] is wrong"),
            ("token eyJhbGci.x.y expired".to_owned(), "token […] expired"),
            ("org-a1b2c3d4e5f6a7b8c9d0e1f2 lacks it".to_owned(), "[…] lacks it"),
            (
                "Project `p` lacks model gpt-5-mini-2025-08-07, a task-force of desk-workers; see \
                 https://platform.openai.com/docs/guides/error-codes"
                    .to_owned(),
                "Project `p` lacks model gpt-5-mini-2025-08-07, a task-force of desk-workers; see \
                 https://platform.openai.com/docs/guides/error-codes",
            ),
            ("one\n\u{1b}[31mtwo\t three".to_owned(), "one [31mtwo three"),
        ] {
            assert_eq!(of(&json!({"error": {"message": text}})).as_deref(), Some(shown), "{text}");
        }
        let keyless = said(b"no key was sent", "");
        assert_eq!(keyless.as_deref(), Some("no key was sent"));
    }

    #[test]
    fn a_long_story_is_cut_at_a_word() {
        let long = of(&json!({"error": {"message": "ação ".repeat(500)}})).unwrap();
        assert!(long.chars().count() <= SHOWN_MAX + 2 && long.ends_with("ação …"), "{long}");
        let endless = of(&json!({"error": {"message": "ç".repeat(5_000)}})).unwrap();
        assert!(endless.chars().count() <= SHOWN_MAX + 2, "{endless}");
    }
}
