//! Colours of letters and of what lies behind them.

/// A colour as red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rgb(pub(super) u8, pub(super) u8, pub(super) u8);

/// Most that two colours differ by, in each part, that no eye tells apart as letter and page.
const ALIKE: u8 = 16;

impl Rgb {
    /// True if letters of one colour cannot be read on the other.
    pub(super) fn is_like(self, other: Self) -> bool {
        [(self.0, other.0), (self.1, other.1), (self.2, other.2)]
            .iter()
            .all(|(one, other)| one.abs_diff(*other) <= ALIKE)
    }
}

/// What a style names as a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// A colour.
    Solid(Rgb),
    /// Nothing.
    Clear,
    /// An image, or a colour that is not known here.
    Unknown,
}

/// Reads a colour.
pub(super) fn colour(value: &str) -> Paint {
    let value = value.trim().to_ascii_lowercase();
    let named = match value.as_str() {
        "white" => Some(Rgb(255, 255, 255)),
        "snow" | "ghostwhite" | "ivory" | "floralwhite" => Some(Rgb(250, 250, 250)),
        "whitesmoke" => Some(Rgb(245, 245, 245)),
        "black" => Some(Rgb(0, 0, 0)),
        "transparent" => return Paint::Clear,
        _ => None,
    };
    let found = named.or_else(|| of_hex(&value)).map(Paint::Solid);
    found.or_else(|| of_function(&value)).unwrap_or(Paint::Unknown)
}

/// Reads `#rgb` and `#rrggbb`, also without the sign, as old attributes have it.
fn of_hex(value: &str) -> Option<Rgb> {
    let hex = value.strip_prefix('#').unwrap_or(value);
    let number = u32::from_str_radix(hex, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    match hex.len() {
        6 => Some(Rgb(red, green, blue)),
        3 => Some(Rgb(green * 17, (blue >> 4) * 17, (blue & 15) * 17)),
        _ => None,
    }
}

/// Reads `rgb(…)` and `rgba(…)`.
fn of_function(value: &str) -> Option<Paint> {
    let inner = value.strip_prefix("rgba(").or_else(|| value.strip_prefix("rgb("))?;
    let mut parts = inner.trim_end_matches(')').split([',', ' ', '/']).filter(|p| !p.is_empty());
    let mut next = || parts.next().and_then(|part| part.trim().parse::<u8>().ok());
    let solid = Rgb(next()?, next()?, next()?);
    let alpha = parts.next().and_then(|part| part.parse::<f32>().ok()).unwrap_or(1.0);
    Some(if alpha < 0.05 { Paint::Clear } else { Paint::Solid(solid) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_every_spelling() {
        let solid = |red, green, blue| Paint::Solid(Rgb(red, green, blue));
        for (value, expected) in [
            ("#fff", solid(255, 255, 255)),
            ("#12ab9F", solid(0x12, 0xab, 0x9f)),
            ("#1a9", solid(0x11, 0xaa, 0x99)),
            ("FFFFFF", solid(255, 255, 255)),
            ("White", solid(255, 255, 255)),
            ("rgb(1,2,3)", solid(1, 2, 3)),
            ("rgb(1 2 3 / 0.5)", solid(1, 2, 3)),
            ("rgba(1, 2, 3, 0)", Paint::Clear),
            ("transparent", Paint::Clear),
            ("navy", Paint::Unknown),
            ("rgb(300,0,0)", Paint::Unknown),
            ("#ffff", Paint::Unknown),
            ("", Paint::Unknown),
        ] {
            assert_eq!(colour(value), expected, "{value}");
        }
    }
}
