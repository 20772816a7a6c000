//! Folder names as IMAP spells them (RFC 3501, 5.1.3): UTF-16 in a base64 of its own between `&` and `-`.

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Spells a name for the server.
pub(super) fn encode(name: &str) -> String {
    let mut spelled = String::with_capacity(name.len());
    let mut pending = String::new();
    for c in name.chars() {
        if !matches!(c, ' '..='~') {
            pending.push(c);
            continue;
        }
        flush(&mut spelled, &mut pending);
        spelled.push(c);
        if c == '&' {
            spelled.push('-');
        }
    }
    flush(&mut spelled, &mut pending);
    spelled
}

fn flush(spelled: &mut String, pending: &mut String) {
    if pending.is_empty() {
        return;
    }
    let units: Vec<u8> = pending.encode_utf16().flat_map(u16::to_be_bytes).collect();
    spelled.push('&');
    BASE64.encode_string(units, spelled);
    spelled.push('-');
    pending.clear();
}

/// Reads a name of the server; what is not well spelled is returned as it is, as some servers send plain UTF-8.
pub(super) fn decode(spelled: &str) -> String {
    try_decode(spelled).unwrap_or_else(|| spelled.to_owned())
}

fn try_decode(spelled: &str) -> Option<String> {
    let mut name = String::with_capacity(spelled.len());
    let mut rest = spelled;
    while let Some((plain, after)) = rest.split_once('&') {
        name.push_str(plain);
        let (coded, after) = after.split_once('-')?;
        rest = after;
        if coded.is_empty() {
            name.push('&');
            continue;
        }
        let bytes = BASE64.decode(coded).ok()?;
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)))
            .collect();
        name.push_str(&String::from_utf16(&units).ok()?);
    }
    name.push_str(rest);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_servers_spell_them() {
        // The first is RFC 3501's own example.
        for (name, spelled) in [
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("INBOX", "INBOX"),
            ("Mensagens não lidas", "Mensagens n&AOM-o lidas"),
            ("P&D", "P&-D"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encode(name), spelled);
            assert_eq!(decode(spelled), name);
        }
        for odd in ["a&", "a&b", "&!!!-", "Não"] {
            assert_eq!(decode(odd), odd);
        }
    }
}
