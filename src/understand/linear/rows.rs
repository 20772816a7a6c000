//! Rows of weights in one byte a cell, with a scale for each row.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Cells that are added at once; a row is filled up to a multiple of it.
const LANES: usize = 16;
/// Largest value of a cell.
const LARGEST: f32 = 127.0;

/// A table of small numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Rows {
    width: usize,
    scales: Floats,
    cells: Cells,
}

impl Rows {
    /// Returns an empty table.
    pub(super) fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: &[f32]) {
        let largest = row.iter().fold(0.0_f32, |largest, cell| largest.max(cell.abs()));
        self.scales.0.push(largest / LARGEST);
        let factor = if largest > 0.0 { LARGEST / largest } else { 0.0 };
        self.cells.0.extend(row.iter().map(|cell| to_cell(cell * factor)));
        self.cells.0.resize(self.scales.0.len() * padded(self.width), 0);
    }

    /// Adds a row to a sum of [`padded`] width.
    #[inline]
    pub(super) fn add(&self, row: u32, sum: &mut [f32]) {
        let row = row as usize;
        let width = padded(self.width);
        if let (Some(scale), Some(cells)) =
            (self.scales.0.get(row), self.cells.0.get(row * width..(row + 1) * width))
        {
            add_cells(cells, *scale, sum);
        }
    }

    /// Returns the scale and the cells of each row.
    pub(super) fn iter(&self) -> impl Iterator<Item = (f32, &[i8])> {
        self.scales.0.iter().copied().zip(self.cells.0.chunks_exact(padded(self.width).max(1)))
    }

    /// Says whether the table has this many rows of this width.
    pub(super) fn fits(&self, rows: usize, width: usize) -> bool {
        self.width == width
            && self.scales.0.len() == rows
            && self.cells.0.len() == rows * padded(width)
    }
}

/// Adds scaled cells to a sum, both of [`padded`] width.
#[inline]
pub(super) fn add_cells(cells: &[i8], scale: f32, sum: &mut [f32]) {
    let (sums, _) = sum.as_chunks_mut::<LANES>();
    let (cells, _) = cells.as_chunks::<LANES>();
    for (sums, cells) in sums.iter_mut().zip(cells) {
        for (sum, cell) in sums.iter_mut().zip(cells) {
            *sum += scale * f32::from(*cell);
        }
    }
}

/// Returns the width of a row with what fills it up.
pub(super) fn padded(width: usize) -> usize {
    width.next_multiple_of(LANES)
}

#[expect(clippy::cast_possible_truncation, reason = "scaled to at most 127")]
fn to_cell(scaled: f32) -> i8 {
    scaled.round() as i8
}

/// Bytes that are written as Base64.
#[derive(Clone, Debug, Default, PartialEq)]
struct Cells(Vec<i8>);

/// Numbers that are written as Base64.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Floats(pub(super) Vec<f32>);

/// Keys that are written as Base64.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Keys(pub(super) Vec<u32>);

impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().map(|cell| cell.cast_unsigned()).collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(read_bytes(deserializer)?.into_iter().map(u8::cast_signed).collect()))
    }
}

impl Serialize for Floats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|number| number.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Floats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = read_words(deserializer)?;
        let numbers: Vec<f32> = words.into_iter().map(f32::from_le_bytes).collect();
        if numbers.iter().all(|number| number.is_finite()) {
            Ok(Self(numbers))
        } else {
            Err(de::Error::custom("a number is not finite"))
        }
    }
}

impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|key| key.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(read_words(deserializer)?.into_iter().map(u32::from_le_bytes).collect()))
    }
}

fn read_words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 4]>, D::Error> {
    match read_bytes(deserializer)?.as_chunks() {
        (words, []) => Ok(words.to_vec()),
        _ => Err(de::Error::custom("bytes are missing")),
    }
}

fn read_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(deserializer)?).map_err(de::Error::custom)
}
