//! A probability-like number that cannot leave its range.

use serde::{Deserialize, Serialize};

/// How sure an engine is of its answer, from 0 (a guess) to 1 (certain).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(try_from = "f64", into = "f64")]
#[schema(value_type = f64, minimum = 0.0, maximum = 1.0)]
pub struct Confidence(f64);

impl Confidence {
    /// No confidence at all.
    pub const ZERO: Self = Self(0.0);
    /// Certainty, used for what a person or an exact rule decided.
    pub const CERTAIN: Self = Self(1.0);

    /// Returns `None` outside 0..=1 and for NaN.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// Brings any number into the range; NaN becomes 0, because an unknown is never trusted.
    pub fn clamped(value: f64) -> Self {
        if value.is_nan() { Self::ZERO } else { Self(value.clamp(0.0, 1.0)) }
    }

    /// Returns the number, rounded to four places so that records compare and diff well.
    pub fn get(self) -> f64 {
        (self.0 * 10_000.0).round() / 10_000.0
    }

    /// Returns the smaller of the two.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        if other.0 < self.0 { other } else { self }
    }
}

impl TryFrom<f64> for Confidence {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value).ok_or_else(|| "a confidence lies between 0 and 1".to_owned())
    }
}

impl From<Confidence> for f64 {
    fn from(value: Confidence) -> Self {
        value.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_from_zero_to_one_are_confidences() {
        for (value, expected) in [
            (0.0, Some(Confidence::ZERO)),
            (1.0, Some(Confidence::CERTAIN)),
            (-0.01, None),
            (1.01, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(Confidence::new(value), expected, "{value}");
        }
        assert_eq!(Confidence::clamped(f64::NAN), Confidence::ZERO);
        assert_eq!(Confidence::clamped(7.0), Confidence::CERTAIN);
    }
}
