//! The fields of a posted form.

/// Fields as they were sent, in order; names may repeat.
#[derive(Clone, Default)]
pub(super) struct Posted {
    fields: Vec<(String, String)>,
    /// Why a file of the form was not taken, as a text of the pages.
    refused: Option<&'static str>,
}

impl std::fmt::Debug for Posted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names only: values are passwords and customers' words.
        f.debug_list().entries(self.fields.iter().map(|(name, _)| name)).finish()
    }
}

impl Posted {
    /// Reads a body of the kind that forms have.
    pub(super) fn read(body: &[u8]) -> Self {
        Self { fields: form_urlencoded::parse(body).into_owned().collect(), refused: None }
    }

    /// Adds a field.
    pub(super) fn push(&mut self, name: String, value: String) {
        self.fields.push((name, value));
    }

    /// Notes that a file was not taken, and why.
    pub(super) fn refuse(&mut self, word: &'static str) {
        self.refused.get_or_insert(word);
    }

    /// Returns why a file was not taken, if one was not.
    pub(super) fn refused(&self) -> Option<&'static str> {
        self.refused
    }

    /// Returns a field without the space around it; `None` where it is absent or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Returns a field as it was sent.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns every value of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// True for a box that was ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The address on this desk that the form wants to go back to; never one elsewhere.
    pub(super) fn back(&self) -> Option<&str> {
        self.get("back").filter(|address| is_here(address))
    }
}

/// True for an address on this desk. `//host` and `/\host` lead elsewhere.
pub(super) fn is_here(address: &str) -> bool {
    (address == "/desk" || address.starts_with("/desk/") || address.starts_with("/desk?"))
        && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_field_by_field() {
        let posted = Posted::read("text=+a%C3%A7%C3%A3o+&tag=a&tag=b&empty=&on=1".as_bytes());
        assert_eq!(posted.get("text"), Some("ação"));
        assert_eq!(posted.raw("text"), Some(" ação "));
        assert_eq!(posted.get("empty"), None);
        assert_eq!(posted.all("tag").collect::<Vec<_>>(), ["a", "b"]);
        assert!(posted.is_ticked("on") && !posted.is_ticked("off"));
    }

    #[test]
    fn a_form_never_leads_to_another_site() {
        for (address, expected) in [
            ("/desk/review?t=tck_1", true),
            ("/desk", true),
            ("/desk?x", true),
            ("//evil.example/desk/", false),
            ("/\\evil.example", false),
            ("https://evil.example/desk/", false),
            ("/deskevil", false),
            ("/v1/tickets", false),
            ("/desk/a\nset-cookie:x", false),
        ] {
            assert_eq!(is_here(address), expected, "{address}");
        }
    }
}
