//! Tells calls of Meta from calls of anybody else: the signature of a POST and the challenge of a GET.
//!
//! Secrets are compared in constant time. A signature is over the bytes as they came: a body that was parsed
//! and written again has other bytes and does not pass.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The header that carries the signature of a POST.
pub const SIGNATURE_HEADER: &str = "X-Hub-Signature-256";

/// Longest challenge that is echoed. Meta sends about ten digits.
const CHALLENGE_MAX: usize = 128;

/// Why a POST is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// No header.
    Missing,
    /// The header is not `sha256=` and 64 hexadecimal digits.
    Malformed,
    /// Neither secret made this signature of this body.
    Mismatch,
    /// No secret is set, so nothing can be believed.
    NoSecret,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "signature header is missing",
            Self::Malformed => "signature header is not sha256= and 64 hexadecimal digits",
            Self::Mismatch => "signature is not of this body under this app secret",
            Self::NoSecret => "no app secret is set",
        })
    }
}

impl std::error::Error for SignatureError {}

/// Checks the signature of a raw body under the app secrets: one, or during a rotation the new and the old one.
///
/// An empty secret is no secret: anybody could sign with it.
pub fn verify(header: Option<&str>, body: &[u8], secrets: &[&str]) -> Result<(), SignatureError> {
    let digits = header
        .ok_or(SignatureError::Missing)?
        .trim()
        .strip_prefix("sha256=")
        .ok_or(SignatureError::Malformed)?;
    let mut claimed = [0_u8; 32];
    hex::decode_to_slice(digits, &mut claimed).map_err(|_| SignatureError::Malformed)?;
    let secrets = || secrets.iter().filter(|secret| !secret.is_empty());
    if secrets().next().is_none() {
        return Err(SignatureError::NoSecret);
    }
    // Every secret is tried, so that the time does not tell which one is in use.
    let good = secrets()
        .fold(Choice::from(0), |good, secret| good | signed(secret, body).ct_eq(&claimed[..]));
    if bool::from(good) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

fn signed(secret: &str, body: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        // HMAC takes keys of any length; nothing equals an empty signature.
        return Vec::new();
    };
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

/// Returns the challenge to answer a subscription with, as the whole body of a 200; `None` means 403.
///
/// The first parameter of each name counts. Only letters, digits, `-` and `_` are echoed, because this page
/// repeats what its caller wrote.
pub fn challenge<'q>(
    params: impl IntoIterator<Item = (&'q str, &'q str)>,
    verify_token: &str,
) -> Option<&'q str> {
    let (mut mode, mut token, mut challenge) = (None, None, None);
    for (name, value) in params {
        let slot = match name {
            "hub.mode" => &mut mode,
            "hub.verify_token" => &mut token,
            "hub.challenge" => &mut challenge,
            _ => continue,
        };
        slot.get_or_insert(value);
    }
    // Hashes have one length, so that the time does not tell the length of the token either.
    let same = Sha256::digest(token.unwrap_or_default().as_bytes())
        .ct_eq(&Sha256::digest(verify_token.as_bytes()));
    let known = bool::from(same) && !verify_token.is_empty() && mode == Some("subscribe");
    challenge.filter(|text| known && is_plain(text))
}

fn is_plain(text: &str) -> bool {
    (1..=CHALLENGE_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Signed<'a> = (Option<&'a str>, &'a str, &'a [&'a str], Result<(), SignatureError>);
    type Asked<'a> = (&'a [(&'a str, &'a str)], &'a str, Option<&'a str>);

    const ESCAPED: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"551133334444","phone_number_id":"10"},"contacts":[{"profile":{"name":"Jo\u00e3o","username":"joao.s"},"user_id":"BR.1502576394655843"}],"messages":[{"from_user_id":"BR.1502576394655843","id":"wamid.X1","timestamp":"1795166400","type":"text","text":{"body":"ol\u00e1"}}]}}]}]}"#;
    const OF_ESCAPED: &str =
        "sha256=5ab97b676f9e9f80a8498afad4574b90c77dc1862331ba7dcb6c8c076188657b";
    const OF_REWRITTEN: &str =
        "sha256=d160aa845274985a2ef354ba1df0bd6bd0b5f363d12cb72695362ff86218f688";

    #[test]
    fn a_signature_is_of_the_raw_bytes_under_either_secret() {
        use SignatureError::{Malformed, Mismatch, Missing, NoSecret};
        let rewritten = ESCAPED.replace("\\u00e3", "ã").replace("\\u00e1", "á");
        let spaced = format!(" {OF_ESCAPED} ");
        let upper = OF_ESCAPED.replace("5ab9", "5AB9");
        let short = OF_ESCAPED.replace("657b", "65");
        let sha1 = OF_ESCAPED.replace("sha256", "sha1");
        let table: &[Signed<'_>] = &[
            (Some(OF_ESCAPED), ESCAPED, &["s3cr3t"], Ok(())),
            (Some(&spaced), ESCAPED, &["s3cr3t"], Ok(())),
            (Some(&upper), ESCAPED, &["s3cr3t"], Ok(())),
            (Some(OF_ESCAPED), ESCAPED, &["new", "s3cr3t"], Ok(())),
            (Some(OF_ESCAPED), ESCAPED, &["s3cr3t", "old"], Ok(())),
            (Some(OF_REWRITTEN), &rewritten, &["s3cr3t"], Ok(())),
            (Some(OF_ESCAPED), &rewritten, &["s3cr3t"], Err(Mismatch)),
            (Some(OF_REWRITTEN), ESCAPED, &["s3cr3t"], Err(Mismatch)),
            (Some(OF_ESCAPED), ESCAPED, &["S3cr3t", "other"], Err(Mismatch)),
            (Some(OF_ESCAPED), "", &["s3cr3t"], Err(Mismatch)),
            (Some(OF_ESCAPED), ESCAPED, &[], Err(NoSecret)),
            (Some(OF_ESCAPED), ESCAPED, &["", ""], Err(NoSecret)),
            (None, ESCAPED, &["s3cr3t"], Err(Missing)),
            (Some(""), ESCAPED, &["s3cr3t"], Err(Malformed)),
            (Some("sha256="), ESCAPED, &["s3cr3t"], Err(Malformed)),
            (Some(&short), ESCAPED, &["s3cr3t"], Err(Malformed)),
            (Some(&sha1), ESCAPED, &["s3cr3t"], Err(Malformed)),
            (Some("sha256=é"), ESCAPED, &["s3cr3t"], Err(Malformed)),
        ];
        for (header, body, secrets, expected) in table {
            assert_eq!(verify(*header, body.as_bytes(), secrets), *expected, "{header:?}");
        }
    }

    #[test]
    fn nobody_signs_with_an_empty_secret() {
        let forged = format!("sha256={}", hex::encode(signed("", b"{}")));
        assert_eq!(verify(Some(&forged), b"{}", &["", "s3cr3t"]), Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_challenge_is_answered_to_whoever_knows_the_token() {
        let long = "1".repeat(CHALLENGE_MAX + 1);
        let table: &[Asked<'_>] = &[
            (
                &[
                    ("hub.mode", "subscribe"),
                    ("hub.challenge", "1158201444"),
                    ("hub.verify_token", "tok"),
                ],
                "tok",
                Some("1158201444"),
            ),
            (
                &[
                    ("hub.verify_token", "tok"),
                    ("hub.challenge", "7"),
                    ("hub.mode", "subscribe"),
                    ("x", "y"),
                ],
                "tok",
                Some("7"),
            ),
            (
                &[("hub.mode", "subscribe"), ("hub.challenge", "7"), ("hub.verify_token", "toK")],
                "tok",
                None,
            ),
            (
                &[("hub.mode", "subscribe"), ("hub.challenge", "7"), ("hub.verify_token", "tok2")],
                "tok",
                None,
            ),
            (&[("hub.mode", "subscribe"), ("hub.challenge", "7")], "tok", None),
            (
                &[("hub.mode", "subscribe"), ("hub.challenge", "7"), ("hub.verify_token", "")],
                "",
                None,
            ),
            (
                &[("hub.mode", "unsubscribe"), ("hub.challenge", "7"), ("hub.verify_token", "tok")],
                "tok",
                None,
            ),
            (&[("hub.challenge", "7"), ("hub.verify_token", "tok")], "tok", None),
            (&[("hub.mode", "subscribe"), ("hub.verify_token", "tok")], "tok", None),
            (
                &[("hub.mode", "subscribe"), ("hub.challenge", ""), ("hub.verify_token", "tok")],
                "tok",
                None,
            ),
            (
                &[
                    ("hub.mode", "subscribe"),
                    ("hub.challenge", "<script>"),
                    ("hub.verify_token", "tok"),
                ],
                "tok",
                None,
            ),
            (
                &[("hub.mode", "subscribe"), ("hub.challenge", &long), ("hub.verify_token", "tok")],
                "tok",
                None,
            ),
            (
                &[
                    ("hub.mode", "subscribe"),
                    ("hub.challenge", "7"),
                    ("hub.verify_token", "no"),
                    ("hub.verify_token", "tok"),
                ],
                "tok",
                None,
            ),
            (&[], "tok", None),
        ];
        for (params, token, expected) in table {
            assert_eq!(challenge(params.iter().copied(), token), *expected, "{params:?}");
        }
    }
}
