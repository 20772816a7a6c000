//! A text that must not be shown: it neither prints nor serialises as itself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is shown in place of a secret.
const MASK: &str = "********";

/// A key, password or URL with a password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text itself; never to be logged or stored.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns what may be shown: of a URL its scheme, host and path, of anything else nothing.
    pub fn masked(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else { return MASK.to_owned() };
        // A password may itself hold '@', '/', '?' and '#', so all up to the last '@' is hidden.
        let (mask, shown) = match rest.rsplit_once('@') {
            Some((_, shown)) => (format!("{MASK}@"), shown),
            None => (String::new(), rest),
        };
        let shown = shown.split(['?', '#']).next().unwrap_or_default();
        if shown.contains(['=', '&']) {
            return MASK.to_owned();
        }
        format!("{scheme}://{mask}{shown}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_its_password() {
        for (secret, shown) in [
            ("hunter2hunter2hunter2", "********"),
            (
                "postgres://ana:s3nha@db.example:5432/atende",
                "postgres://********@db.example:5432/atende",
            ),
            ("postgres://ana:a@b/c@db/atende", "postgres://********@db/atende"),
            ("postgres://db/atende?user=ana&password=s3nha", "postgres://db/atende"),
            ("postgres://db/atende#s3nha", "postgres://db/atende"),
            ("postgres://ana:s3#n?ha@db/atende", "postgres://********@db/atende"),
            ("postgres://db/atende?user=a@b&password=s3nha", "********"),
            ("", "********"),
        ] {
            let secret = Secret::new(secret);
            assert_eq!(secret.masked(), shown);
            assert_eq!(serde_json::to_value(&secret).unwrap(), shown);
            assert_eq!(format!("{secret:?}"), MASK);
        }
    }
}
