//! What may be shown of an address where a person needs a hint, never the address itself.

use std::fmt;

/// Prints `maria.silva@example.com` as `m***@e***.com`.
#[derive(Clone, Copy)]
pub struct MaskedEmail<'a>(pub &'a str);

impl fmt::Display for MaskedEmail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((local, domain)) = self.0.rsplit_once('@') else { return f.write_str("***") };
        let (host, ending) = domain.rsplit_once('.').unwrap_or((domain, ""));
        let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
        write!(f, "{}***@{}***", first(local), first(host))?;
        if ending.is_empty() { Ok(()) } else { write!(f, ".{ending}") }
    }
}

impl fmt::Debug for MaskedEmail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
