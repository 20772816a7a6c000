//! The real path of dense vectors: fastembed, the ONNX Runtime and the weights of a published English model, which
//! `ATENDE_TEST_EMBEDDER=make scripts/test` fetches.

use std::fs;
use std::path::{Path, PathBuf};

use atende::adapters::embed::{EmbedderSettings, FastEmbedder};
use atende::domain::labels::Locale;
use atende::ports::{Embedder as _, TextRole};

use super::fine;

/// The folder with `model/` and `runtime/`; `None` where nobody asked for it, which `scripts/test` says.
fn made() -> Option<PathBuf> {
    std::env::var_os("ATENDE_TEST_EMBEDDER").map(PathBuf::from)
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn the_vectors_are_those_that_the_models_authors_publish() {
    let Some(made) = made() else { return };
    let settings = EmbedderSettings {
        dir: made.join("model"),
        name: None,
        runtime: Some(made.join("runtime/libonnxruntime.so")),
        threads: 2,
    };
    FastEmbedder::check(&settings).unwrap();
    let model = FastEmbedder::load(&settings).unwrap();
    assert_eq!(model.dimensions(), 384);
    assert!(model.knows(Locale::En) && !model.knows(Locale::PtBr));
    let texts = [
        "That is a happy person",
        "That is a happy dog",
        "That is a very happy person",
        "Today is a sunny day",
    ]
    .map(str::to_owned);
    let vectors = model.embed(TextRole::Query, &texts).unwrap();
    // The example in the model's description at huggingface.co.
    for (other, expected) in [(1, 0.695), (2, 0.943), (3, 0.257)] {
        let found = cosine(&vectors[0], &vectors[other]);
        assert!((found - expected).abs() < 0.001, "{} {found}", texts[other]);
    }
    // Texts of other lengths beside it do not change a vector.
    let long = format!("{} {}", texts[0], "and so on ".repeat(300));
    let beside = model.embed(TextRole::Query, &[texts[0].clone(), long]).unwrap();
    assert!(cosine(&beside[0], &vectors[0]) > 0.9999);
}

#[test]
fn a_search_by_meaning_finds_what_words_do_not() {
    let Some(made) = made() else { return };
    let here = tempfile::tempdir().unwrap();
    let here: &Path = here.path();
    let settings = format!(
        "[embeddings]\ndir = {:?}\nruntime = {:?}\n",
        made.join("model"),
        made.join("runtime/libonnxruntime.so")
    );
    fs::write(here.join("atende.toml"), settings).unwrap();
    let report = fine(here, &["--lang", "en", "index"]);
    assert!(report.contains("recall@5 meaning"), "{report}");
    assert!(report.contains("the model knows English only, so words alone count here"), "{report}");
    let found = fine(here, &["search", "I was charged two times", "--locale", "en", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert!(found[0]["article"].as_str().unwrap().starts_with("billing/"), "{found:#}");
}
