//! Telephone numbers: the one key under which the spellings of a number meet.

/// Digits of a number that can be a key: with its country, at most what E.164 allows.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// Returns the key of a number: digits only, with the country in front and without Brazil's ninth digit.
///
/// WhatsApp ids of accounts from before 2016 lack that digit, so both spellings of one mobile must meet. Only eight
/// digits that begin with 6 to 9 were ever a mobile: taking the nine off any other would give somebody's landline. A
/// number without a country is Brazilian where it has the form of one, as people here write it: (11) 91234-5678,
/// 011 3123-4567. `None` for what is too short or too long to be a number with its country or area code.
pub fn key(written: &str) -> Option<String> {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let abroad = written.trim_start().starts_with('+') || digits.starts_with("00");
    let plain = digits.trim_start_matches('0');
    let national = if abroad || plain.len() >= 12 {
        plain.strip_prefix("55")
    } else {
        Some(plain).filter(|plain| is_national(plain.as_bytes()))
    };
    let key = match national {
        Some(national) => format!("55{}", without_ninth(national)),
        None => plain.to_owned(),
    };
    DIGITS.contains(&key.len()).then_some(key)
}

/// Returns the forms in which networks write the number of a key: of a Brazilian mobile also the one with the ninth
/// digit.
pub fn forms(key: &str) -> Vec<String> {
    let long = match key.as_bytes() {
        [b'5', b'5', tens, ones, b'6'..=b'9', rest @ ..] if rest.len() == 7 => {
            let area = 10 * (tens - b'0') + (ones - b'0');
            is_area_code(area).then(|| {
                let (front, mobile) = key.split_at_checked(4).unwrap_or((key, ""));
                format!("{front}9{mobile}")
            })
        }
        _ => None,
    };
    std::iter::once(key.to_owned()).chain(long).collect()
}

/// True for an area code that Brazil has given out.
pub const fn is_area_code(code: u8) -> bool {
    matches!(
        code,
        11..=19 | 21 | 22 | 24 | 27 | 28 | 31..=35 | 37 | 38 | 41..=49 | 51 | 53..=55 | 61..=69
            | 71 | 73..=75 | 77 | 79 | 81..=89 | 91..=99
    )
}

/// Takes the ninth digit off a mobile that had eight before.
fn without_ninth(national: &str) -> String {
    match national.as_bytes() {
        [tens, ones, b'9', rest @ ..]
            if rest.len() == 8
                && matches!(rest, [b'6'..=b'9', ..])
                && is_area_code(10 * (tens - b'0') + (ones - b'0')) =>
        {
            national.char_indices().filter(|(at, _)| *at != 2).map(|(_, digit)| digit).collect()
        }
        _ => national.to_owned(),
    }
}

/// An area code without a zero, then a mobile of nine digits that starts with 9 or eight digits that do not start
/// with 0 or 1.
fn is_national(digits: &[u8]) -> bool {
    match digits {
        [_, b'1'..=b'9', b'9', rest @ ..] if rest.len() == 8 => true,
        [_, b'1'..=b'9', b'2'..=b'9', rest @ ..] => rest.len() == 7,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_meet_and_other_numbers_do_not() {
        for (written, expected) in [
            ("+55 11 98765-4321", "551187654321"),
            ("5511987654321", "551187654321"),
            ("551187654321", "551187654321"),
            ("(11) 98765-4321", "551187654321"),
            ("0 11 98765-4321", "551187654321"),
            ("0055 11 98765 4321", "551187654321"),
            ("31 9999-8888", "553199998888"),
            ("+5531999998888", "553199998888"),
            ("+556798765432", "556798765432"),
            ("+5567998765432", "556798765432"),
            // Landlines, and mobiles whose eight digits would be one.
            ("(11) 3123-4567", "551131234567"),
            ("+551133334444", "551133334444"),
            ("+5511933334444", "5511933334444"),
            ("(11) 91234-5678", "5511912345678"),
            // Area codes that do not exist.
            ("+5520987654321", "5520987654321"),
            ("+5526987654321", "5526987654321"),
            // No area code, other countries.
            ("11 1234-5678", "1112345678"),
            ("+1 (212) 555-0123", "12125550123"),
            ("12125550123", "12125550123"),
            ("+351 912 345 678", "351912345678"),
            ("+44 20 7946 0958", "442079460958"),
            ("+5491187654321", "5491187654321"),
        ] {
            assert_eq!(key(written).as_deref(), Some(expected), "{written}");
        }
        assert_eq!(forms("551187654321"), ["551187654321", "5511987654321"]);
        assert_eq!(forms("551133334444"), ["551133334444"]);
        for none in ["190", "", "+551é", "1234567890123456"] {
            assert_eq!(key(none), None, "{none}");
        }
    }

    #[test]
    fn area_codes_are_the_sixty_seven_of_the_plan() {
        assert_eq!((0..100).filter(|code| is_area_code(*code)).count(), 67);
    }
}
