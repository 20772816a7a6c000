//! Addresses that name a ticket and prove that we made them: `support+t.<ticket and signature>@example.com`.
//!
//! Whoever answers such an address got a mail of ours about the ticket, or was shown it. Mail
//! servers may change the case of an address, so everything in it is lower case.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::domain::ids::TicketId;

/// Bytes of a ticket's id.
const ID_BYTES: usize = 16;
/// Bytes of the HMAC-SHA256 that are kept. Half of it would be the advice, and 80 bits is the least,
/// of RFC 2104 §5; more does not fit beside a ticket's id, and each guess costs a mail.
const MAC_BYTES: usize = 10;
/// Longest local part (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Begins the tag of an address.
const MARK: &str = "t.";
/// What is signed begins so, that a signature made for something else never fits.
const PURPOSE: &[u8] = b"atende mail ticket v1\0";
/// The digits of RFC 4648 §6 in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Returns the address of `mailbox` that names `ticket`. `None` if the mailbox is no address or
/// has a tag already, the ticket's id was not made by [`TicketId::from_bits`], or the whole would be
/// longer than mail allows: the mailbox may have 19 characters before its `@`.
pub fn mint(key: &[u8], mailbox: &str, ticket: &TicketId) -> Option<String> {
    let (local, domain) = mailbox.rsplit_once('@')?;
    if local.is_empty() || local.contains('+') || domain.is_empty() {
        return None;
    }
    let digits = ticket.as_str().strip_prefix(TicketId::PREFIX)?.strip_prefix('_')?;
    let mut code = hex::decode(digits).ok().filter(|id| id.len() == ID_BYTES)?;
    let mac = mac(key, &code)?.finalize().into_bytes();
    code.extend(mac.get(..MAC_BYTES)?);
    let local = format!("{local}+{MARK}{}", encode(&code));
    (local.len() <= MAX_LOCAL).then(|| format!("{local}@{domain}"))
}

/// Returns the ticket that an address names, if its signature holds. Compared in constant time.
pub fn read(key: &[u8], address: &str) -> Option<TicketId> {
    let (local, _) = address.rsplit_once('@')?;
    let tag = local.split_once('+')?.1.to_ascii_lowercase();
    let code = decode(tag.strip_prefix(MARK)?)?;
    let (id, signature) = code.split_first_chunk::<ID_BYTES>()?;
    if signature.len() != MAC_BYTES {
        return None;
    }
    mac(key, id)?.verify_truncated_left(signature).ok()?;
    Some(TicketId::from_bits(u128::from_be_bytes(*id)))
}

fn mac(key: &[u8], id: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(PURPOSE);
    mac.update(id);
    Some(mac)
}

fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut held) = (0u32, 0u32);
    let digit = |value: u32| {
        let at = usize::try_from(value & 31).unwrap_or(0);
        BASE32.get(at).copied().map_or('a', char::from)
    };
    for byte in bytes {
        bits = ((bits << 8) | u32::from(*byte)) & 0xffff;
        held += 8;
        while held >= 5 {
            held -= 5;
            out.push(digit(bits >> held));
        }
    }
    if held > 0 {
        out.push(digit(bits << (5 - held)));
    }
    out
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in text.bytes() {
        let value = BASE32.iter().position(|digit| *digit == byte)?;
        bits = ((bits << 5) | u32::try_from(value).ok()?) & 0xffff;
        held += 5;
        if held >= 8 {
            held -= 8;
            let [.., low] = (bits >> held).to_be_bytes();
            out.push(low);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"a secret of thirty-two bytes....";

    fn ticket() -> TicketId {
        TicketId::from_bits(0x0192_f3a4_b5c6_d7e8_f901_2345_6789_abcd)
    }

    #[test]
    fn an_address_reads_back_and_nothing_else_does() {
        let address = mint(KEY, "atendimento@loja.com.br", &ticket()).unwrap();
        let local = address.split('@').next().unwrap();
        assert!(local.len() <= MAX_LOCAL, "{local}");
        assert_eq!(read(KEY, &address), Some(ticket()));
        assert_eq!(read(KEY, &address.to_uppercase()), Some(ticket()), "case may change");
        assert_eq!(read(b"another key", &address), None);
        // The last digit holds fewer bits than the others, so some of its values are the same.
        for place in local.len() - 42..local.len() - 1 {
            let mut forged: Vec<char> = address.chars().collect();
            forged[place] = if forged[place] == 'a' { 'b' } else { 'a' };
            assert_eq!(read(KEY, &forged.iter().collect::<String>()), None, "digit {place}");
        }
        let (start, code) = local.split_once("+t.").unwrap();
        for bad in [
            format!("{start}+t.{}@x", code.get(..32).unwrap()),
            format!("{start}+t.{code}aa@x"),
            format!("{start}+{code}@x"),
            "support@x".to_owned(),
            "support+t.@x".to_owned(),
            "+t.a.b".to_owned(),
            String::new(),
        ] {
            assert_eq!(read(KEY, &bad), None, "{bad}");
        }
    }

    #[test]
    fn only_what_fits_is_minted() {
        let other = |id: &str| TicketId::from_stored(id);
        for (mailbox, ticket) in [
            ("no-at-sign", ticket()),
            ("a+b@x", ticket()),
            ("@x", ticket()),
            ("a@", ticket()),
            ("a@x", other("")),
            ("a@x", other("tck_00")),
            ("a@x", other("tck_zz92f3a4b5c6d7e8f90123456789abcd")),
            ("a@x", other("0192f3a4b5c6d7e8f90123456789abcd")),
            ("atendimento-ao-cliente@x", ticket()),
        ] {
            assert_eq!(mint(KEY, mailbox, &ticket), None, "{mailbox} {ticket:?}");
        }
        assert!(mint(KEY, "nineteen.characters@x", &ticket()).is_some());
    }

    #[test]
    fn digits_follow_the_standard() {
        // RFC 4648 §10, without padding and in lower case.
        for (bytes, text) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(decode("a1"), None);
    }
}
