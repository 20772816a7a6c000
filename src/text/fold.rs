//! Folding: the form in which two spellings of the same word compare equal.
//!
//! Folding is idempotent, and it never invents a word boundary: white space stays where it is.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Returns the text in lower case, decomposed (NFKD), without marks, zero-width and control
/// characters; white space stays as it is.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    if text.is_ascii() {
        folded.extend(text.chars().filter(|c| !is_dropped(*c)).map(|c| c.to_ascii_lowercase()));
        return folded;
    }
    for c in text.chars() {
        fold_char(c, &mut folded);
    }
    folded
}

/// Appends the folded form of one character; a mark or a dropped character appends nothing.
pub fn fold_char(c: char, folded: &mut String) {
    if c.is_ascii() {
        if !is_dropped(c) {
            folded.push(c.to_ascii_lowercase());
        }
        return;
    }
    // Decomposed twice, because lower case can bring marks of its own (U+0130).
    for c in std::iter::once(c).nfkd().flat_map(char::to_lowercase).nfkd() {
        if is_combining_mark(c) || is_dropped(c) {
            continue;
        }
        match plain(c) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(c),
        }
    }
}

/// True for characters that no reader sees: controls, zero-width characters, direction marks and
/// the selectors that only change how an emoji looks.
pub fn is_dropped(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        _ if c.is_control() => true,
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

/// Letters that decomposition leaves alone but that people type without their ornament.
const fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'æ' => "ae",
        'œ' => "oe",
        'ß' => "ss",
        'ø' => "o",
        'đ' => "d",
        'ł' => "l",
        'ı' => "i",
        '’' | '‘' | '´' | 'ʼ' => "'",
        '“' | '”' | '„' => "\"",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fold;

    #[test]
    fn spellings_of_one_word_fold_alike() {
        for (text, expected) in [
            ("Não É", "nao e"),
            ("AÇÃO", "acao"),
            ("ｆｕｌｌｗｉｄｔｈ", "fullwidth"),
            ("Straße Æon œuvre", "strasse aeon oeuvre"),
            ("İstanbul", "istanbul"),
            ("pro\u{200b}con", "procon"),
            ("z\u{335}\u{321}a\u{302}\u{301}lgo", "zalgo"),
            ("a\0b\u{7}c", "abc"),
            ("linha\nnova\tx", "linha\nnova\tx"),
            ("não “sei” d’água", "nao \"sei\" d'agua"),
            ("", ""),
        ] {
            assert_eq!(fold(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,60}|[ -~çãéÉ\\n]{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
