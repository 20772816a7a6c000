//! What the elements of HTML mean for a reader of plain text.

use super::style::Attributes;

/// What an element is beside its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing in particular.
    Plain,
    /// Never seen.
    Unseen,
    /// Words of an earlier mail.
    Quote,
    /// From here on everything is an earlier mail.
    RestQuoted,
    /// The sender's signature.
    Signature,
}

/// Returns the role of an element, by the marks that mail programs leave.
pub(super) fn role(name: &str, attributes: &Attributes<'_>) -> Role {
    const QUOTES: &[&str] = &[
        "yahoo_quoted",
        "protonmail_quote",
        "tutanota_quote",
        "zmail_extra",
        "ms-outlook-mobile-reference-message",
    ];
    const SIGNATURES: &[&str] = &[
        "gmail_signature",
        "moz-signature",
        "protonmail_signature_block",
        "signature",
        "ms-outlook-mobile-signature",
        "applemailsignature",
    ];
    const REST: &[&str] = &[
        "divrplyfwdmsg",
        "x_divrplyfwdmsg",
        "appendonsend",
        "x_appendonsend",
        "olk_src_body_section",
        "mail-editor-reference-message-container",
        "replysplit",
    ];
    match name {
        "head" | "title" | "style" | "script" | "template" | "noscript" | "noembed"
        | "noframes" | "iframe" | "object" | "select" | "svg" | "math" | "xml" => {
            return Role::Unseen;
        }
        "blockquote" => return Role::Quote,
        _ => {}
    }
    let mut marks: Vec<String> = Vec::new();
    for key in ["class", "id"] {
        let value = attributes.get(key).unwrap_or_default().to_ascii_lowercase();
        marks.extend(value.split_ascii_whitespace().map(str::to_owned));
    }
    let any = |known: &[&str]| marks.iter().any(|mark| known.contains(&mark.as_str()));
    if any(REST) || is_outlook_divider(attributes) {
        Role::RestQuoted
    } else if any(QUOTES) {
        Role::Quote
    } else if any(SIGNATURES)
        || attributes.get("data-smartmail") == Some("gmail_signature")
        || attributes.get("data-signatureblock") == Some("true")
    {
        Role::Signature
    } else {
        Role::Plain
    }
}

/// Outlook and Windows Mail draw a line above the fields of the mail that is answered, and mark
/// them in no other way.
fn is_outlook_divider(attributes: &Attributes<'_>) -> bool {
    let Some(style) = attributes.get("style") else { return false };
    let style: String = style.to_ascii_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let desktop = style.contains("border-top:solid#e1e1e11.0pt")
        || style.contains("border-top:solid#b5c4df1.0pt");
    let windows = style.contains("border-top-color:rgb(229,229,229)")
        || style.contains("border-top:1pxsolidrgb(229,229,229)");
    (desktop && style.contains("padding:3.0pt0")) || (windows && style.contains("padding-top:5px"))
}

/// True for elements without content.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// True for elements that begin a line of their own.
pub(super) fn is_special(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "html"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

/// True for elements that an end tag within them cannot reach past (HTML standard §13.2.4.2).
pub(super) fn is_boundary(name: &str) -> bool {
    matches!(name, "table" | "td" | "th" | "caption" | "html" | "template")
}

/// True if the start of an element ends an open one without an end tag (HTML standard §13.1.2.4).
pub(super) fn closes(starts: &str, open: &str) -> bool {
    match open {
        "p" => is_special(starts) && !matches!(starts, "html" | "body" | "td" | "th" | "tr"),
        "li" => starts == "li",
        "dt" | "dd" => matches!(starts, "dt" | "dd"),
        "td" | "th" => matches!(starts, "td" | "th" | "tr" | "tbody" | "tfoot"),
        "tr" => matches!(starts, "tr" | "tbody" | "tfoot"),
        "option" => starts == "option",
        "a" => starts == "a",
        "head" => starts == "body" || (is_special(starts) && starts != "html"),
        _ => false,
    }
}
