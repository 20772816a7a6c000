//! Articles from the outside: the commands that index, search and check them, and the worker that takes them over.

mod embedder;
mod reload;

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use atende::cli::{self, ExitCode};
use serde_json::{Value, json};

struct Called {
    code: ExitCode,
    out: String,
    err: String,
}

/// Calls a command in a folder, whose data folder is `data`.
fn call(here: &Path, args: &[&str]) -> Called {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let world = cli::World {
        out: &mut out,
        err: &mut err,
        stdin: &mut "".as_bytes(),
        stdin_is_terminal: false,
        env: std::collections::BTreeMap::new(),
        current_dir: here.to_owned(),
    };
    let args = ["atende", "knowledge"].iter().chain(args).map(OsString::from);
    let code = cli::run(args, world);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Called { code, out: text(out), err: text(err) }
}

fn fine(here: &Path, args: &[&str]) -> String {
    let called = call(here, args);
    assert_eq!(called.code, ExitCode::Ok, "{args:?}: {}{}", called.out, called.err);
    called.out
}

const CORPUS: &str = r#"{"id":"refund","title":"How do refunds work?","text":"Refunds return to the card within ten days.","locale":"en"}
{"id":"password","title":"How do I reset my password?","text":"Tap the link below the sign-in form.","locale":"en"}
{"id":"devolucao","title":"Como funcionam as devoluções?","text":"A devolução é feita pelo Correio em até sete dias.","locale":"pt-BR"}
"#;

#[test]
fn a_file_is_indexed_searched_and_measured() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    fs::write(here.join("corpus.jsonl"), CORPUS).unwrap();
    let out = fine(here, &["index", "--jsonl", "corpus.jsonl"]);
    assert!(out.contains("3 articles, 3 passages indexed in"), "{out}");
    assert!(out.contains("3 added, 0 changed, 0 removed, 0 unchanged"), "{out}");
    let out = fine(here, &["index", "--jsonl", "corpus.jsonl"]);
    assert!(out.contains("already indexed"), "{out}");
    assert!(out.contains("0 added, 0 changed, 0 removed, 3 unchanged"), "{out}");
    let more = r#"{"id":"new","title":"What is new?","text":"Everything.","locale":"en"}"#;
    fs::write(here.join("corpus.jsonl"), CORPUS.replace("ten days", "five days") + more).unwrap();
    let out = fine(here, &["--lang", "pt-BR", "index", "--jsonl", "corpus.jsonl"]);
    assert!(out.contains("1 novos, 1 alterados, 0 removidos, 2 iguais"), "{out}");

    let found: Value =
        serde_json::from_str(&fine(here, &["search", "devolucao pelo correio", "--json"])).unwrap();
    let first = &found[0];
    assert_eq!(first["article"], "devolucao");
    let keys: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["article", "locale", "heading", "score", "above_floor", "text"]);
    let scores: Vec<f64> =
        found.as_array().unwrap().iter().map(|p| p["score"].as_f64().unwrap()).collect();
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
    let both: Value = serde_json::from_str(&fine(
        here,
        &["search", "refunds devolução", "--locale", "en", "--limit", "2", "--json"],
    ))
    .unwrap();
    let locales: Vec<&Value> = both.as_array().unwrap().iter().map(|p| &p["locale"]).collect();
    assert_eq!(locales, [&json!("en"), &json!("pt-BR")], "the asked locale first");
    assert!(fine(here, &["search", "zzzz"]).contains("nothing found"));

    let queries = r#"{"id":"1","text":"reset password","relevant":["password"]}
{"id":"2","text":"when do refunds come","relevant":["refund"]}
{"id":"3","text":"weather"}
{"id":"4","text":"will it rain in London","relevant":[]}
"#;
    fs::write(here.join("queries.jsonl"), queries).unwrap();
    let text = fine(here, &["search", "--queries", "queries.jsonl"]);
    assert!(text.contains("2 queries measured\n  recall@1  1.0000"), "{text}");
    assert!(text.contains("ndcg@10   1.0000"), "{text}");
    assert!(text.contains("2 with an article: answered 2, by another article 0"), "{text}");
    assert!(text.contains("1 without an article: answered all the same 0"), "{text}");
    let whole: Value =
        serde_json::from_str(&fine(here, &["search", "--queries", "queries.jsonl", "--json"]))
            .unwrap();
    assert_eq!(
        whole["metrics"],
        json!({"queries": 2, "recall@1": 1.0, "recall@5": 1.0, "recall@10": 1.0, "mrr@10": 1.0, "ndcg@10": 1.0,
            "answers": {"answerable": 2, "right": 2, "wrong": 0, "unanswerable": 1, "false_answers": 0}})
    );
    assert_eq!(whole["queries"][1]["id"], "2");
    assert_eq!(whole["queries"][1]["results"][0]["article"], "refund");
    fs::write(here.join("queries.jsonl"), r#"{"id":"3","text":"weather"}"#).unwrap();
    let whole: Value =
        serde_json::from_str(&fine(here, &["search", "--queries", "queries.jsonl", "--json"]))
            .unwrap();
    assert_eq!(whole["metrics"], Value::Null, "nothing was to be measured");
}

#[test]
fn without_a_file_the_settings_decide_what_is_searched() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let found = fine(here, &["search", "esqueci minha senha", "--limit", "1"]);
    assert!(found.contains("technical/reset-password"), "{found}");
    assert!(!here.join("data").exists(), "a search alone creates nothing");

    fs::create_dir_all(here.join("docs/faq")).unwrap();
    fs::write(here.join("docs/faq/wifi.md"), "# What is the wifi password?\nIt is on the wall.\n")
        .unwrap();
    assert!(fine(here, &["index", "--dir", "docs"]).contains("1 articles, 1 passages"));
    assert!(fine(here, &["search", "wifi password"]).contains("faq/wifi"));
    let out = fine(here, &["index"]);
    assert!(out.contains("the sample articles: "), "{out}");
    assert!(out.contains("recall@5 body"), "{out}");
    assert!(out.contains("answered"), "{out}");
    assert!(!fine(here, &["search", "wifi password"]).contains("faq/wifi"), "back to the settings");

    let article =
        "---\ntitle: Horário da loja\ncategory: shop\nupdated: 2026-01-01\n---\nA loja abre às 9h.";
    fs::create_dir_all(here.join("articles/pt-BR/shop")).unwrap();
    fs::write(here.join("articles/pt-BR/shop/hours.md"), article).unwrap();
    fs::write(here.join("atende.toml"), "[knowledge]\ndir = \"articles\"\n").unwrap();
    assert!(fine(here, &["search", "que horas a loja abre"]).contains("shop/hours"));
}

#[test]
fn what_cannot_be_read_is_told_with_its_line_and_nothing_is_indexed() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let good = CORPUS.lines().next().unwrap();
    for (name, bytes) in [
        ("wrong.jsonl", format!("{good}\n{{").into_bytes()),
        ("twice.jsonl", format!("{good}\n{good}").into_bytes()),
        ("empty.jsonl", Vec::new()),
        ("latin.jsonl", [good.as_bytes(), b"\n\xe7\xe3o"].concat()),
        ("ids.jsonl", b"{\"id\":\"1\",\"text\":\"a\"}\n{\"id\":\"1\",\"text\":\"b\"}".to_vec()),
    ] {
        fs::write(here.join(name), bytes).unwrap();
    }
    fs::create_dir_all(here.join("hollow")).unwrap();
    fs::create_dir_all(here.join("broken")).unwrap();
    fs::write(here.join("broken/a.md"), "fine\n").unwrap();
    fs::write(here.join("broken/b.md"), b"one\n\xff\n").unwrap();
    for (args, part) in [
        (&["index", "--jsonl", "wrong.jsonl"][..], "wrong.jsonl:2: EOF"),
        (
            &["index", "--jsonl", "twice.jsonl"],
            "twice.jsonl:2: id `refund` is already that of line 1",
        ),
        (&["index", "--jsonl", "empty.jsonl"], "empty.jsonl:1: is empty"),
        (&["index", "--jsonl", "latin.jsonl"], "latin.jsonl:2: is not UTF-8"),
        (&["index", "--jsonl", "none.jsonl"], "none.jsonl:1: cannot be read"),
        (&["index", "--dir", "none"], "none:1: cannot be read"),
        (&["index", "--dir", "hollow"], "hollow:1: holds no Markdown file"),
        (&["index", "--dir", "broken"], "b.md:2: save the article as UTF-8"),
        (&["search", "--queries", "wrong.jsonl"], "wrong.jsonl:2: EOF"),
        (&["search", "--queries", "empty.jsonl"], "empty.jsonl:1: is empty"),
        (&["search", "--queries", "latin.jsonl"], "latin.jsonl:2: is not UTF-8"),
        (&["search", "--queries", "ids.jsonl"], "ids.jsonl:2: id `1` is already that of line 1"),
        (&["search", "--queries", "none.jsonl"], "none.jsonl:1: cannot read the file"),
        (&["lint", "--dir", "broken"], ""),
    ] {
        let called = call(here, args);
        assert_eq!(called.code, ExitCode::Problems, "{args:?}: {}", called.out);
        assert!(called.err.contains(part), "{args:?}: {}", called.err);
    }
    assert!(!here.join("data").exists());
    let both = call(here, &["index", "--dir", "broken", "--jsonl", "wrong.jsonl"]);
    assert_eq!(both.code, ExitCode::Usage);
    assert_eq!(call(here, &["search"]).code, ExitCode::Usage);
}

#[test]
fn a_check_names_file_line_and_what_to_do_and_fails_on_errors_alone() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    fs::create_dir_all(here.join("docs/en/a")).unwrap();
    let page = |title: &str| {
        format!(
            "---\ntitle: {title}\nupdated: 2020-01-01\n---\nTap the link.\n\n1. Open.\n2. Tap.\n"
        )
    };
    fs::write(here.join("docs/en/a/b.md"), page("Change it")).unwrap();
    let called = call(here, &["lint", "--dir", "docs"]);
    assert_eq!(called.code, ExitCode::Ok, "{}", called.out);
    assert!(called.out.contains("en/a/b.md:3: warning: updated on 2020-01-01"), "{}", called.out);
    assert!(called.out.contains("en: 1 articles, 0 not translated"), "{}", called.out);
    fs::write(here.join("docs/en/a/b.md"), page("Passwords")).unwrap();
    let called = call(here, &["--lang", "pt-BR", "lint", "--dir", "docs"]);
    assert_eq!(called.code, ExitCode::Problems);
    assert!(
        called.out.contains("en/a/b.md:2: erro: o título não é pergunta nem ação"),
        "{}",
        called.out
    );
    assert!(called.out.contains("1 erros, "), "{}", called.out);
    assert_eq!(call(here, &["lint"]).code, ExitCode::Ok, "the samples are in order");
}
