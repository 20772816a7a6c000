//! Names that strangers give to files, made safe to show and to hand on. They are never part of a path of ours.

/// Longest file name, in bytes; common file systems take 255.
const MAX_NAME: usize = 150;

/// Makes a name that can be shown and stored: no folder, no control or direction characters, no leading dot, not too
/// long and with its extension kept. `None` where nothing is left.
pub fn safe_name(stated: &str) -> Option<String> {
    let stated = one_line(stated, 4000);
    let base = stated.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String =
        base.chars().map(|c| if r#"<>:"|?*"#.contains(c) { '_' } else { c }).collect();
    let name = plain.trim_matches([' ', '.']);
    if name.is_empty() {
        return None;
    }
    if name.len() <= MAX_NAME {
        return Some(name.to_owned());
    }
    let (stem, extension) = name.rsplit_once('.').filter(|(_, e)| e.len() <= 10).unzip();
    Some(match (stem, extension) {
        (Some(stem), Some(extension)) => {
            format!("{}.{extension}", cut(stem, MAX_NAME - extension.len() - 1))
        }
        _ => cut(name, MAX_NAME).to_owned(),
    })
}

/// Returns the text on one line without control and direction characters, at most `max` bytes.
pub fn one_line(text: &str, max: usize) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c })
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'))
        .collect();
    cut(&plain.split_whitespace().collect::<Vec<_>>().join(" "), max).to_owned()
}

/// Returns the start of a text, at most `max` bytes of it and only whole characters.
pub fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!((cut("ação", 3), cut("ação", 2), cut("ação", 99)), ("aç", "a", "ação"));
    }

    #[test]
    fn a_file_name_is_only_a_name() {
        let long = format!("{}.pdf", "ç".repeat(300));
        for (stated, expected) in [
            ("nota fiscal.pdf", Some("nota fiscal.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\x\\boleto.pdf", Some("boleto.pdf")),
            ("a\r\nb\0c.pdf", Some("a b c.pdf")),
            ("fdp.\u{202e}exe", Some("fdp.exe")),
            ("..", None),
            (".htaccess", Some("htaccess")),
            ("", None),
            ("a:b?.txt", Some("a_b_.txt")),
        ] {
            assert_eq!(safe_name(stated).as_deref(), expected, "{stated:?}");
        }
        let short = safe_name(&long).unwrap();
        assert!(short.len() <= MAX_NAME && short.to_lowercase().ends_with(".pdf"), "{short}");
    }
}
