//! Check digits and number plans: the facts that tell a CPF from an order number.
//!
//! Every function takes digit values (0-9; for a CNPJ the character code minus 48) and is total.

use crate::domain::phone;

/// Values of digits, first to last.
type Digits<'d> = &'d [u8];

fn weighted(values: Digits<'_>, weights: impl Iterator<Item = u32>) -> u32 {
    values.iter().zip(weights).map(|(value, weight)| u32::from(*value) * weight).sum()
}

/// The rule of the federal revenue: a remainder below two gives zero.
fn modulo_11(sum: u32) -> u32 {
    match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    }
}

fn is_digit_at(values: Digits<'_>, at: usize, expected: u32) -> bool {
    values.get(at).is_some_and(|value| u32::from(*value) == expected)
}

fn all_equal(values: Digits<'_>) -> bool {
    values.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

fn part(values: Digits<'_>, from: usize, to: usize) -> Digits<'_> {
    values.get(from..to).unwrap_or(&[])
}

/// True for eleven digits with both check digits right, not all equal.
pub(super) fn cpf(values: Digits<'_>) -> bool {
    values.len() == 11
        && !all_equal(values)
        && is_digit_at(values, 9, modulo_11(weighted(part(values, 0, 9), (2..=10).rev())))
        && is_digit_at(values, 10, modulo_11(weighted(part(values, 0, 10), (2..=11).rev())))
}

/// True for fourteen places with both check digits right, not all equal; the first twelve may be
/// letters (value 17-42, IN RFB 2.229/2024).
pub(super) fn cnpj(values: Digits<'_>) -> bool {
    const WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    values.len() == 14
        && !all_equal(values)
        && part(values, 12, 14).iter().all(|value| *value <= 9)
        && is_digit_at(
            values,
            12,
            modulo_11(weighted(part(values, 0, 12), WEIGHTS.into_iter().skip(1))),
        )
        && is_digit_at(values, 13, modulo_11(weighted(part(values, 0, 13), WEIGHTS.into_iter())))
}

/// Luhn's formula, which card numbers and the fields of a boleto share: the digit that completes
/// `values`.
fn luhn_digit(values: impl DoubleEndedIterator<Item = u8>) -> u32 {
    let sum: u32 = values
        .rev()
        .enumerate()
        .map(|(at, value)| {
            let doubled = u32::from(value) * if at % 2 == 0 { 2 } else { 1 };
            doubled / 10 + doubled % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

/// True when the last digit completes the others by Luhn's formula.
pub(super) fn luhn(values: Digits<'_>) -> bool {
    values.split_last().is_some_and(|(check, rest)| {
        !all_equal(values) && luhn_digit(rest.iter().copied()) == u32::from(*check)
    })
}

/// True when an issuer hands out numbers with this beginning and of this length.
pub(super) fn card_issuer(values: Digits<'_>) -> bool {
    let prefix = |count: usize| {
        part(values, 0, count).iter().fold(0u32, |number, value| number * 10 + u32::from(*value))
    };
    let (two, three, four, six) = (prefix(2), prefix(3), prefix(4), prefix(6));
    match values.len() {
        13 => prefix(1) == 4 || six == 606_282,
        14 => matches!(three, 300..=305 | 309) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        16 => {
            prefix(1) == 4
                || matches!(two, 51..=55 | 60 | 62 | 65 | 36 | 38 | 39)
                || matches!(four, 2221..=2720 | 3528..=3589)
                || matches!(three, 300..=305 | 644..=649 | 500..=509)
                || matches!(two, 56 | 57 | 58 | 63 | 67)
        }
        17 | 18 => matches!(two, 62 | 50 | 56..=58 | 63 | 67),
        19 => prefix(1) == 4 || matches!(two, 62 | 65 | 50 | 56..=58 | 60 | 63 | 67),
        _ => false,
    }
}

/// FEBRABAN's modulo 11 of a bank boleto's bar code: 0, 10 and 11 become 1.
fn bar_code_digit(values: impl DoubleEndedIterator<Item = u8>) -> u32 {
    let sum: u32 =
        values.rev().zip((2..=9).cycle()).map(|(value, weight)| u32::from(value) * weight).sum();
    match 11 - sum % 11 {
        0 | 10 | 11 => 1,
        digit => digit,
    }
}

/// FEBRABAN's modulo 11 of a utility bill: a remainder of 0 or 1 gives 0.
fn utility_digit(values: impl DoubleEndedIterator<Item = u8>) -> u32 {
    let sum: u32 =
        values.rev().zip((2..=9).cycle()).map(|(value, weight)| u32::from(value) * weight).sum();
    modulo_11(sum)
}

/// True for a typeable line (47 digits; 48 for utility bills) or a bar code (44) whose check digits
/// are right.
pub(super) fn boleto(values: Digits<'_>) -> bool {
    match values.len() {
        44 if values.first() == Some(&8) => {
            let others = values.iter().enumerate().filter(|(at, _)| *at != 3).map(|(_, v)| *v);
            let others: Vec<u8> = others.collect();
            utility_check(values, &others).is_some_and(|digit| is_digit_at(values, 3, digit))
        }
        44 => bar_code(values, part(values, 0, 4), part(values, 4, 5), part(values, 5, 44)),
        47 => {
            let field = |from: usize, to: usize| {
                is_digit_at(values, to, luhn_digit(part(values, from, to).iter().copied()))
            };
            let tail = [
                part(values, 33, 47),
                part(values, 4, 9),
                part(values, 10, 20),
                part(values, 21, 31),
            ]
            .concat();
            field(0, 9)
                && field(10, 20)
                && field(21, 31)
                && bar_code(values, part(values, 0, 4), part(values, 32, 33), &tail)
        }
        48 if values.first() == Some(&8) => values.chunks(12).all(|block| {
            block.split_last().is_some_and(|(check, rest)| {
                utility_check(values, rest).is_some_and(|digit| digit == u32::from(*check))
            })
        }),
        _ => false,
    }
}

fn bar_code(values: Digits<'_>, head: Digits<'_>, check: Digits<'_>, tail: Digits<'_>) -> bool {
    let digit = bar_code_digit(head.iter().chain(tail).copied());
    !all_equal(values) && check.first().is_some_and(|value| u32::from(*value) == digit)
}

/// The third digit of a utility bill names its scheme; any other value is no such bill.
fn utility_check(bill: Digits<'_>, values: Digits<'_>) -> Option<u32> {
    match bill.get(2)? {
        6 | 7 => Some(luhn_digit(values.iter().copied())),
        8 | 9 => Some(utility_digit(values.iter().copied())),
        _ => None,
    }
}

/// True for an area code in use in Brazil.
pub(super) fn area_code(values: Digits<'_>) -> bool {
    let [tens, ones] = values else { return false };
    phone::is_area_code(tens * 10 + ones)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<u8> {
        text.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b - b'0').collect()
    }

    #[test]
    fn check_digits_tell_right_from_wrong() {
        type Check = fn(&[u8]) -> bool;
        let table: &[(&str, Check, &str, bool)] = &[
            ("cpf", cpf, "111.444.777-35", true),
            ("cpf", cpf, "529.982.247-25", true),
            ("cpf", cpf, "529.982.247-24", false),
            ("cpf", cpf, "111.111.111-11", false),
            ("cnpj", cnpj, "12.ABC.345/01DE-35", true),
            ("cnpj", cnpj, "12ABC34501DE36", false),
            ("cnpj", cnpj, "00.000.000/0001-91", true),
            ("cnpj", cnpj, "00.000.000/0000-00", false),
            ("luhn", luhn, "4111 1111 1111 1111", true),
            ("luhn", luhn, "4111 1111 1111 1112", false),
            ("luhn", luhn, "0000 0000 0000 0000", false),
            ("issuer", card_issuer, "4111 1111 1111 1111", true),
            ("issuer", card_issuer, "378282246310005", true),
            ("issuer", card_issuer, "9111 1111 1111 1111", false),
            ("issuer", card_issuer, "41111111111111", false),
            ("boleto", boleto, "00190.50095 40144.816069 06809.350314 3 37370000000100", true),
            ("boleto", boleto, "00190.50095 40144.816069 06809.350314 4 37370000000100", false),
            ("boleto", boleto, "00190.50096 40144.816069 06809.350314 3 37370000000100", false),
            ("boleto", boleto, "846700000017 435900240209 024050002435 842210108119", true),
            ("boleto", boleto, "846700000018 435900240209 024050002435 842210108119", false),
            ("bar code", boleto, "00193373700000001000500940144816060680935031", true),
            ("bar code", boleto, "00194373700000001000500940144816060680935031", false),
            ("utility bar code", boleto, "84670000001435900240200240500024384221010811", true),
            ("area code", area_code, "11", true),
            ("area code", area_code, "10", false),
            ("area code", area_code, "20", false),
        ];
        for (name, check, text, expected) in table {
            assert_eq!(check(&values(text)), *expected, "{name}: {text}");
        }
    }
}
