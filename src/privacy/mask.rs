//! The masker: runs the passes over a text and puts placeholders in place of what they claimed.

use super::claims::{Claim, Claims};
use super::kind::Kind;
use super::names::Names;
use super::placeholder::all_in;
use super::vault::Vault;
use super::{emails, numbers, secrets};

/// A piece of personal data, in byte offsets of the text that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

/// A text without personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// The text with placeholders.
    pub text: String,
    /// What was found, in order, never overlapping.
    pub found: Vec<Found>,
}

/// Finds personal data. Costs one look at each byte where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Masker;

impl Masker {
    /// Makes a masker.
    pub const fn new() -> Self {
        Self
    }

    /// Masks a customer's own words; `names` are those of the customer that are known.
    ///
    /// Hand in raw text only. Masked text that meets a fresh vault stays as it is; with its own vault
    /// its placeholders count as typed by the customer and are set aside as `[TEXT_1]`.
    pub fn mask(&self, text: &str, vault: &mut Vault, names: &[&str]) -> Masked {
        let claims = find(text, vault, names);
        let mut masked = String::with_capacity(text.len());
        let mut found = Vec::new();
        let mut copied = 0;
        for claim in claims.iter().filter(|claim| !claim.kept) {
            masked.push_str(text.get(copied..claim.start).unwrap_or_default());
            let value = text.get(claim.start..claim.end).unwrap_or_default();
            match vault.placeholder(claim.kind, value) {
                Some(placeholder) => masked.push_str(&placeholder.to_string()),
                // No number is left: the value is lost to the reply, but it is not shown.
                None => masked.push_str("[…]"),
            }
            copied = claim.end;
            found.push(Found { kind: claim.kind, start: claim.start, end: claim.end });
        }
        masked.push_str(text.get(copied..).unwrap_or_default());
        Masked { text: masked, found }
    }

    /// Returns the text with the kind of each find in its place (`[CPF]`), for logs: nothing can
    /// put the values back.
    pub fn mask_log(&self, text: &str) -> String {
        let claims = find(text, &mut Vault::new(), &[]);
        let mut masked = String::with_capacity(text.len());
        let mut copied = 0;
        for claim in claims.iter().filter(|claim| !claim.kept) {
            masked.push_str(text.get(copied..claim.start).unwrap_or_default());
            masked.push('[');
            masked.push_str(claim.kind.tag());
            masked.push(']');
            copied = claim.end;
        }
        masked.push_str(text.get(copied..).unwrap_or_default());
        masked
    }
}

// What a text has that a pass could start from; one bit each.
const BRACKET: u8 = 1;
const AT: u8 = 2;
const DIGIT: u8 = 4;
const MARK: u8 = 8;

fn traits_of(text: &str) -> u8 {
    text.bytes().fold(0, |traits, byte| {
        traits
            | match byte {
                b'[' => BRACKET,
                b'@' => AT,
                // 0xEF begins the full-width digits.
                b'0'..=b'9' | 0xef => DIGIT,
                b':' | b'=' => MARK,
                _ => 0,
            }
    })
}

fn find(text: &str, vault: &mut Vault, names: &[&str]) -> Claims {
    let traits = traits_of(text);
    let has = |wanted: u8| traits & wanted != 0;
    let mut claims = Claims::default();
    if has(BRACKET) {
        for (start, end, placeholder) in all_in(text) {
            // The customer cannot know our placeholders; what looks like one must stay words.
            let held = vault.holds(placeholder);
            if !held {
                vault.burn(placeholder);
            }
            let kind = if held { Kind::Text } else { placeholder.kind };
            claims.add(Claim { start, end, kind, kept: !held });
        }
        claims.settle();
    }
    if has(DIGIT | MARK | AT) {
        secrets::find(text, &mut claims);
        claims.settle();
    }
    if has(AT) {
        emails::find(text, &mut claims);
        claims.settle();
    }
    if !names.is_empty() {
        Names::new(names).find(text, &mut claims);
        claims.settle();
    }
    if has(DIGIT) {
        numbers::find(text, &mut claims);
        claims.settle();
    }
    claims
}
