//! The seeds of the fuzzer, among them everything that it ever found, hold what `fuzz/checks.rs` promises.

use std::path::Path;

#[path = "../../fuzz/checks.rs"]
mod checks;

type Check = fn(&[u8]);

#[test]
fn every_seed_keeps_every_promise() {
    let checks: [(&str, Check); 3] =
        [("webhook", checks::webhook), ("mail", checks::mail), ("quote", checks::quote)];
    for (name, check) in checks {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
        let mut seeds = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let survived = std::panic::catch_unwind(|| check(&bytes)).is_ok();
            assert!(survived, "{} breaks a promise", path.display());
            seeds += 1;
        }
        assert!(seeds > 0, "{} is empty", folder.display());
    }
}
