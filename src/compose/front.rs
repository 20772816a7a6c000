//! What may stand above a reply template, between two lines of `---`: the short answers that it offers to tap.

use serde::Deserialize;

/// Most short answers of a reply (Cloud API, reply buttons).
const BUTTONS_MAX: usize = 3;
/// Most UTF-16 units of one.
const UNITS_MAX: usize = 20;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Front {
    buttons: Vec<String>,
}

/// A template's text without what stands above it.
#[derive(Debug)]
pub(super) struct Cut {
    /// The short answers.
    pub(super) choices: Vec<String>,
    /// How many lines stood above.
    pub(super) above: usize,
    /// The template.
    pub(super) body: String,
}

/// Cuts a file in two, or says what is wrong: the line, and the words.
pub(super) fn cut(text: &str) -> Result<Cut, (usize, String)> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines();
    if lines.next().is_none_or(|line| line.trim_end() != "---") {
        return Ok(Cut { choices: Vec::new(), above: 0, body: text.to_owned() });
    }
    let rest: Vec<&str> = lines.collect();
    let Some(end) = rest.iter().position(|line| line.trim_end() == "---") else {
        return Err((1, "the front matter has no end; add a line of `---`".to_owned()));
    };
    let (front, body) = rest.split_at_checked(end).unwrap_or_default();
    let front = front.join("\n");
    let read: Front = if front.trim().is_empty() {
        Front::default()
    } else {
        serde_saphyr::from_str(&front).map_err(|error| {
            let line = error.location().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1) + 1);
            let hint = "write `buttons:` and below it one `- answer` a line";
            (line, format!("the front matter cannot be read; {hint}"))
        })?
    };
    check(&read.buttons).map_err(|why| {
        let line = front.lines().position(|line| line.starts_with("buttons:"));
        (line.map_or(2, |at| at + 2), why)
    })?;
    let body = body.get(1..).unwrap_or_default().join("\n");
    Ok(Cut { choices: read.buttons, above: end + 2, body })
}

/// Says why these cannot be short answers.
fn check(buttons: &[String]) -> Result<(), String> {
    if buttons.len() > BUTTONS_MAX {
        return Err(format!(
            "{} buttons, at most {BUTTONS_MAX} are allowed; leave some out",
            buttons.len()
        ));
    }
    for (at, button) in buttons.iter().enumerate() {
        let units = button.encode_utf16().count();
        let wrong = if button.trim().is_empty() {
            "is empty; write what the customer answers".to_owned()
        } else if button.trim() != button || button.contains(char::is_control) {
            "has blanks around it or a line break; remove them".to_owned()
        } else if units > UNITS_MAX {
            format!("has {units} letters, at most {UNITS_MAX} are allowed; shorten it")
        } else if button.contains("{{") {
            "has a variable; buttons are fixed words".to_owned()
        } else if buttons.iter().take(at).any(|other| other.to_lowercase() == button.to_lowercase())
        {
            "stands there twice; make each different".to_owned()
        } else {
            continue;
        };
        return Err(format!("button {} {wrong}", at + 1));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_tap_stand_above_the_words() {
        let file =
            "---\nbuttons:\n  - Sim, resolveu\n  - Falar com uma pessoa\n---\nOi!\n\nDeu certo?\n";
        let cut = cut(&file.replace("Falar com uma pessoa", "Quero uma pessoa")).unwrap();
        assert_eq!(cut.choices, ["Sim, resolveu", "Quero uma pessoa"]);
        assert_eq!((cut.above, cut.body.as_str()), (5, "Oi!\n\nDeu certo?"));
        for plain in ["Oi!\n---\nx", "", "--- x\n---\n"] {
            let cut = super::cut(plain).unwrap();
            assert_eq!((cut.above, cut.body.as_str()), (0, plain));
        }
        let windows = super::cut("---\r\nbuttons: [Sim]\r\n---\r\nOi!\r\n").unwrap();
        assert_eq!((windows.choices[0].as_str(), windows.body.as_str()), ("Sim", "Oi!"));
        assert!(super::cut("---\n---\nOi!").unwrap().choices.is_empty());
    }

    #[test]
    fn what_no_button_takes_is_told_with_its_line() {
        for (front, line, words) in [
            ("buttons: [a, b, c, d]", 2, "4 buttons, at most 3"),
            ("\nbuttons: [Falar com uma pessoa agora]", 3, "button 1 has 26 letters, at most 20"),
            ("buttons: [Sim, sim]", 2, "button 2 stands there twice"),
            ("buttons: [' Sim']", 2, "button 1 has blanks around it"),
            ("buttons: ['']", 2, "button 1 is empty"),
            ("buttons: ['{{name}}']", 2, "button 1 has a variable"),
            ("botoes: [Sim]", 2, "the front matter cannot be read"),
            ("buttons: Sim", 2, "the front matter cannot be read"),
        ] {
            let (at, why) = cut(&format!("---\n{front}\n---\nOi!")).unwrap_err();
            assert!(at == line && why.starts_with(words), "{front}: {at} {why}");
        }
        assert_eq!(cut("---\nbuttons: [Sim]\nOi!").unwrap_err().0, 1);
    }
}
