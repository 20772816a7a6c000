//! Telephone numbers: Brazilian ones in every way people write them, others with a country code.
//!
//! A business's toll-free and short numbers (0800, 4004) are nobody's personal data.

use super::checks;
use super::claims::Claims;
use super::context::Context;
use super::keywords::Label;
use super::numbers::{CLOSE, DOT, HYPHEN, LINE, Number, OPEN, SLASH, SPACE};

/// True for area code, nine and eight digits.
pub(super) fn is_mobile(digits: &[u8]) -> bool {
    digits.len() == 11
        && digits.get(..2).is_some_and(checks::area_code)
        && digits.get(2) == Some(&9)
}

/// True when the first `count` groups of the number make a telephone number.
pub(super) fn is_phone(
    text: &str,
    number: &Number,
    claims: &Claims,
    around: Context,
    count: usize,
) -> bool {
    let labelled = around.is(Label::Phone) || around.is(Label::Pix);
    let Some(last) = count.checked_sub(1).and_then(|at| number.group(at)) else { return false };
    if !(8..=15).contains(&last.total) || !number.ends_at(text, claims, count) {
        return false;
    }
    let written = Written {
        digits: number.first(last.total),
        shape: number.shape(count),
        marks: number.marks(count).collect(),
        plus: number.plus,
        paren: number.paren,
    };
    written.is_on_one_line()
        && !written.is_business()
        && (written.is_international()
            || written.is_brazilian(labelled, around.order)
            || written.is_north_american(around.order)
            || labelled && written.is_plausible())
}

/// A number as somebody wrote it.
struct Written<'d> {
    digits: &'d [u8],
    shape: Vec<usize>,
    marks: Vec<u8>,
    plus: bool,
    paren: bool,
}

impl Written<'_> {
    fn is_on_one_line(&self) -> bool {
        self.marks.iter().all(|mark| mark & LINE == 0)
    }

    fn starts_with(&self, prefix: &[u8]) -> bool {
        self.digits.starts_with(prefix)
    }

    fn is_business(&self) -> bool {
        let toll_free = [[0, 8, 0, 0], [0, 3, 0, 0], [0, 5, 0, 0], [0, 9, 0, 0]];
        let national = [[4, 0, 0, 4], [4, 0, 0, 3], [3, 0, 0, 3], [4, 0, 2, 0], [4, 0, 0, 2]];
        let total = self.digits.len();
        toll_free.iter().any(|prefix| self.starts_with(prefix))
            || total == 8 && national.iter().any(|prefix| self.starts_with(prefix))
            || self.north_american_digits().is_some_and(
                |digits| matches!(digits, [8, a, b, ..] if a == b && matches!(a, 0 | 3..=8)),
            ) && matches!(self.shape[..], [3, 3, 4] | [1, 3, 3, 4])
    }

    fn is_international(&self) -> bool {
        if !self.plus || self.digits.first() == Some(&0) {
            return false;
        }
        match self.digits {
            [5, 5, rest @ ..] => (8..=11).contains(&rest.len()),
            [1, ..] => self.digits.len() == 11,
            _ => self.digits.len() <= 13 || self.shape.len() == 1,
        }
    }

    fn last_mark(&self) -> u8 {
        self.marks.last().copied().unwrap_or(0)
    }

    fn is_brazilian(&self, labelled: bool, order: bool) -> bool {
        let total = self.digits.len();
        let (country, national) = match self.digits {
            [5, 5, rest @ ..] if matches!(rest.len(), 10 | 11) => (true, rest),
            _ => (self.plus, self.digits),
        };
        let national = match national {
            [0, rest @ ..] if matches!(rest.len(), 10 | 11) => rest,
            // 0, a carrier's two digits, area code: 0 15 11 …
            [0, _, _, rest @ ..] if matches!(rest.len(), 10 | 11) => rest,
            _ => national,
        };
        if matches!(total, 8 | 9) {
            return self.is_without_area_code(order);
        }
        let Some((area, subscriber)) = national.split_at_checked(2) else { return false };
        if !checks::area_code(area) {
            return false;
        }
        let mobile = matches!(subscriber, [9, ..] if subscriber.len() == 9);
        let fixed = matches!(subscriber, [2..=5, ..] if subscriber.len() == 8);
        let old_mobile = matches!(subscriber, [6..=9, ..] if subscriber.len() == 8);
        let paren = self.paren || self.marks.iter().any(|mark| mark & (OPEN | CLOSE) != 0);
        let hyphen = self.last_mark() & HYPHEN != 0;
        let tail = self.national_shape(national.len());
        let usual_mobile = matches!(
            tail[..],
            [2, 9]
                | [2, 5, 4]
                | [2, 1, 4, 4]
                | [2, 1, 8]
                | [2, 3, 3, 3]
                | [7, 4]
                | [3, 8]
                | [3, 4, 4]
        );
        let usual_fixed = matches!(tail[..], [2, 8] | [2, 4, 4] | [6, 4]);
        let by_form = paren && (mobile || fixed || old_mobile)
            || mobile && usual_mobile && (hyphen || !order)
            || (fixed || old_mobile) && usual_fixed && hyphen
            || fixed && usual_fixed && country
            || mobile && tail.len() == 1 && !order
            || country && (fixed || old_mobile) && tail.len() == 1 && !order;
        let by_label = labelled && (mobile || fixed || old_mobile);
        by_form || by_label
    }

    /// Returns the lengths of the groups that hold the last `digits` digits.
    fn national_shape(&self, digits: usize) -> Vec<usize> {
        let mut left = digits;
        let mut tail: Vec<usize> = Vec::with_capacity(self.shape.len());
        for len in self.shape.iter().rev() {
            let taken = left.min(*len);
            if taken > 0 {
                tail.push(taken);
            }
            left -= taken;
        }
        tail.reverse();
        tail
    }

    fn is_without_area_code(&self, order: bool) -> bool {
        let nine = self.digits.first() == Some(&9);
        let hyphen = matches!(self.marks[..], [HYPHEN] | [SPACE | DOT, HYPHEN]);
        !order && nine && hyphen && matches!(self.shape[..], [5, 4] | [1, 4, 4])
    }

    fn north_american_digits(&self) -> Option<&[u8]> {
        match self.digits {
            [1, rest @ ..] if rest.len() == 10 => Some(rest),
            all if all.len() == 10 => Some(all),
            _ => None,
        }
    }

    fn is_north_american(&self, order: bool) -> bool {
        let shape = matches!(self.shape[..], [3, 3, 4] | [1, 3, 3, 4]);
        let plan = self
            .north_american_digits()
            .is_some_and(|digits| matches!(digits, [2..=9, _, _, 2..=9, ..]));
        let marked = self.marks.iter().any(|mark| mark & (HYPHEN | DOT | CLOSE) != 0)
            && self.last_mark() & (HYPHEN | DOT) != 0;
        shape && plan && marked && (self.paren || !order)
    }

    /// Under a label any number of a phone's length is one, save for dates and the like.
    fn is_plausible(&self) -> bool {
        let total = self.digits.len();
        let date = matches!(self.shape[..], [1 | 2, 1 | 2, 2 | 4] | [4, 1 | 2, 1 | 2])
            || matches!(self.shape[..], [1 | 2, 1 | 2, 4, ..] | [4, 2, 2, ..]);
        let slashed = self.marks.iter().any(|mark| mark & SLASH != 0);
        let thousands = self.marks.len() > 1
            && self.marks.iter().all(|mark| *mark == DOT)
            && self.shape.iter().skip(1).all(|len| *len == 3);
        (8..=13).contains(&total) && !date && !slashed && !thousands
    }
}
