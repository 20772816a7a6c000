//! The names of the policy packs in the program.

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/policies"]
#[allow_missing = true]
struct Packs;

/// Returns the names of the policy packs in the program, in order.
pub fn embedded_packs() -> Vec<String> {
    let mut names: Vec<String> = Packs::iter()
        .filter_map(|file| file.strip_suffix(".yaml").map(ToOwned::to_owned))
        .collect();
    names.sort();
    names
}
