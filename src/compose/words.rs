//! Small readings of text that composing and verifying share.

use crate::text::fold::fold;

/// Lower-case words of a text, marks kept, without surrounding punctuation.
pub(super) fn words_of(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'))
        .filter(|word| !word.is_empty())
        .map(|word| {
            let mut word = word.to_lowercase();
            word.retain(|c| !matches!(c, '\'' | '’'));
            word
        })
}

/// Lower case, no marks, no emphasis signs, single spaces: two spellings of one statement become equal.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut space = false;
    for c in fold(text).chars().filter(|c| !matches!(c, '*' | '_' | '`')) {
        if c.is_whitespace() {
            space = !plain.is_empty();
        } else {
            if std::mem::take(&mut space) {
                plain.push(' ');
            }
            plain.push(c);
        }
    }
    plain
}
