//! What the house rules say about files: who imports whom, how long, and what the pages promise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The rooms of the crate from the lowest up. A room imports only rooms of lower ranks (and itself):
/// neighbours of one rank stand side by side and do not know of each other.
const RANKS: &[&[&str]] = &[
    &["domain"],
    &["text", "ports"],
    &["policy"],
    &["adapters"],
    &["channels"],
    &["privacy", "prompts", "understand", "knowledge", "compose", "report"],
    &["pipeline"],
    &["worker", "web"],
    &["desk"],
    &["telemetry", "shutdown"],
    &["config"],
    &["app"],
    &["cli"],
];

/// Most lines of one Rust file, tests included.
const LINES_MAX: usize = 600;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the project with one of these endings, as paths from its root, in order.
fn files(folders: &[&str], endings: &[&str]) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                walk(&entry, found);
            } else {
                found.push(entry);
            }
        }
    }
    let mut found = Vec::new();
    for folder in folders {
        walk(&root().join(folder), &mut found);
    }
    let mut found: Vec<PathBuf> = found
        .into_iter()
        .filter(|path| endings.iter().any(|e| path.to_string_lossy().ends_with(e)))
        .map(|path| path.strip_prefix(root()).unwrap().to_owned())
        .collect();
    found.sort();
    found
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Fails with all problems at once, one per line.
fn none(problems: &[String], what: &str) {
    assert!(problems.is_empty(), "{what}:\n  {}\n", problems.join("\n  "));
}

/// The top-level modules as they are on disk.
fn rooms() -> BTreeSet<String> {
    fs::read_dir(root().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "rs"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| !["lib", "main", "bin"].contains(&name.as_str()))
        .collect()
}

fn rank(room: &str) -> Option<usize> {
    RANKS.iter().position(|rank| rank.contains(&room))
}

/// The first names after `crate::`, groups included: `crate::{a::b, c}` names `a` and `c`.
fn imported(source: &str) -> BTreeSet<String> {
    let single = Regex::new(r"\bcrate::([a-z_]+)").unwrap();
    let mut names: BTreeSet<String> =
        single.captures_iter(source).map(|found| found[1].to_owned()).collect();
    for rest in source.split("crate::{").skip(1) {
        let (mut depth, mut fresh, mut name) = (1, true, String::new());
        for letter in rest.chars() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => fresh = true,
                'a'..='z' | '_' if depth == 1 && fresh => {
                    name.push(letter);
                    continue;
                }
                ' ' | '\n' if name.is_empty() => continue,
                _ => fresh = fresh && letter == ',',
            }
            if !name.is_empty() {
                names.insert(std::mem::take(&mut name));
            }
            if depth == 0 {
                break;
            }
        }
    }
    names
}

/// Source without its comments, where a path is only mentioned.
fn without_comments(source: &str) -> String {
    source.lines().filter(|line| !line.trim_start().starts_with("//")).fold(
        String::new(),
        |mut kept, line| {
            writeln!(kept, "{line}").unwrap();
            kept
        },
    )
}

#[test]
fn groups_of_imports_are_read_too() {
    for (source, expected) in [
        ("use crate::domain::ids;", vec!["domain"]),
        ("use crate::{domain::{ids, a}, ports, text::fold};", vec!["domain", "ports", "text"]),
        ("let x = crate::text::fold(\"a\");", vec!["text"]),
        ("use other_crate::web;", vec![]),
        ("// crate::web", vec![]),
    ] {
        let names = imported(&without_comments(source));
        assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{source}");
    }
}

#[test]
fn imports_point_downwards_only() {
    let mut problems = Vec::new();
    let rooms = rooms();
    for room in &rooms {
        if rank(room).is_none() {
            problems.push(format!(
                "room `{room}` has no rank: put it into RANKS of tests/it/tidy.rs, below every room that \
                 imports it, and describe it in ARCHITECTURE.md"
            ));
        }
    }
    for file in files(&["src"], &[".rs"]) {
        let room = file.iter().nth(1).unwrap().to_string_lossy().replace(".rs", "");
        let Some(own) = rank(&room) else { continue };
        for name in imported(&without_comments(&read(&file))) {
            // Anything that is no room is a macro or an item at the root.
            if name == room || !rooms.contains(&name) {
                continue;
            }
            if rank(&name).is_some_and(|other| other >= own) {
                problems.push(format!(
                    "{}: `{room}` (rank {own}) may not import `{name}` (rank {})",
                    file.display(),
                    rank(&name).unwrap()
                ));
            }
        }
    }
    none(&problems, "imports must point to rooms of a lower rank");
}

#[test]
fn the_map_lists_exactly_the_rooms_that_exist() {
    let listed: BTreeSet<String> = Regex::new(r"(?m)^\| *`src/([a-z_]+)(?:\.rs|/)` *\|")
        .unwrap()
        .captures_iter(&read("ARCHITECTURE.md"))
        .map(|found| found[1].to_owned())
        .filter(|name| !["lib", "main"].contains(&name.as_str()))
        .collect();
    let real = rooms();
    let problems: Vec<String> = real
        .difference(&listed)
        .map(|room| format!("`{room}` exists, but ARCHITECTURE.md has no row for it"))
        .chain(listed.difference(&real).map(|room| {
            format!("ARCHITECTURE.md has a row for `{room}`, which does not exist under src/")
        }))
        .collect();
    none(&problems, "the table of rooms in ARCHITECTURE.md must equal src/");
}

#[test]
fn no_file_is_longer_than_a_person_reads() {
    let problems: Vec<String> = files(&["src", "tests", "benches", "examples", "fuzz"], &[".rs"])
        .iter()
        .map(|file| (file, read(file).lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| format!("{} has {lines} lines", file.display()))
        .collect();
    none(&problems, &format!("split files of more than {LINES_MAX} lines"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let problems: Vec<String> = files(&["src", "tests", "benches", "examples", "fuzz"], &[".rs"])
        .iter()
        // Tests beside the code they test need no introduction.
        .filter(|file| !(file.starts_with("src") && file.to_string_lossy().contains("/tests")))
        .filter(|file| !read(file).starts_with("//!"))
        .map(|file| file.display().to_string())
        .collect();
    none(&problems, "a Rust file begins with `//!` and what it is for");
}

#[test]
fn a_promise_to_do_something_later_names_its_issue() {
    // Written in pieces so that this file does not accuse itself.
    let marks = ["TO", "FIX", "XX"].iter().zip(["DO", "ME", "X"]);
    let words: Vec<String> = marks.map(|(a, b)| format!("{a}{b}")).collect();
    let mark = Regex::new(&format!(r"\b(?:{})\b(?P<issue>\(#\d+\))?", words.join("|"))).unwrap();
    let mut problems = Vec::new();
    for file in files(
        &["src", "tests", "benches", "examples", "migrations", "scripts", ".ci"],
        &[".rs", ".sql", "test", "run"],
    ) {
        for (at, line) in read(&file).lines().enumerate() {
            // Only comments promise; the same letters in a text are just a word.
            let Some((_, comment)) =
                ["//", "#", "--"].iter().find_map(|opening| line.split_once(opening))
            else {
                continue;
            };
            if mark.captures_iter(comment).any(|found| found.name("issue").is_none()) {
                problems.push(format!("{}:{}: {}", file.display(), at + 1, line.trim()));
            }
        }
    }
    none(&problems, "write the issue's number behind the word, as in (#12), or do it now");
}

#[test]
fn the_pages_name_files_that_exist() {
    // A path of ours starts with one of the project's own folders or is a file at its root; anything
    // with a placeholder in it is a pattern.
    let path = Regex::new(
        r"(?x) (?:^|[\s`(\x22]) (?P<path> \.?(?:src|tests|benches|examples|migrations|scripts|docs|policies
           |templates|knowledge|demo|prompts|eval|fuzz|\.ci) / [A-Za-z0-9_./-]+ | [A-Z][A-Za-z]+\.(?:md|toml|lock) )",
    )
    .unwrap();
    let pages = files(&["docs"], &[".md"])
        .into_iter()
        .chain(["README.md", "ARCHITECTURE.md"].map(PathBuf::from))
        .filter(|page| root().join(page).exists());
    let mut problems = Vec::new();
    for page in pages {
        let text = read(&page);
        for found in path.captures_iter(&text) {
            let found = found.name("path").unwrap();
            let next = text.get(found.end()..).and_then(|rest| rest.chars().next());
            if next.is_some_and(|letter| "<{*$".contains(letter)) {
                continue;
            }
            let name = found.as_str().trim_end_matches(['.', '/']);
            if !root().join(name).exists() {
                problems.push(format!("{} names {name}", page.display()));
            }
        }
    }
    none(&problems, "the pages name files that do not exist");
}

/// Tables with their columns, and columns with what is the same in both dialects about their type.
fn tables(sql: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let comment = Regex::new(r"--[^\n]*").unwrap();
    let sql = comment.replace_all(sql, "");
    let table =
        Regex::new(r"(?is)\bCREATE TABLE\s+(?:IF NOT EXISTS\s+)?(\w+)\s*\((.*?)\n\)").unwrap();
    let added =
        Regex::new(r"(?is)\bALTER TABLE\s+(\w+)\s+ADD(?: COLUMN)?\s+(\w+)\s+([^;]*);").unwrap();
    let mut tables: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for found in table.captures_iter(&sql) {
        let columns = tables.entry(found[1].to_owned()).or_default();
        for line in found[2].lines().map(|line| line.trim().trim_end_matches(',')) {
            let Some((name, kind)) = line.split_once(char::is_whitespace) else { continue };
            let keyword = ["UNIQUE", "PRIMARY", "FOREIGN", "CHECK", "CONSTRAINT"];
            if !keyword.contains(&name.to_uppercase().as_str()) {
                columns.insert(name.to_owned(), common_type(kind));
            }
        }
    }
    for found in added.captures_iter(&sql) {
        tables
            .entry(found[1].to_owned())
            .or_default()
            .insert(found[2].to_owned(), common_type(&found[3]));
    }
    tables
}

/// Spells a column's type as SQLite does: 64-bit integers and doubles have other names in PostgreSQL.
fn common_type(kind: &str) -> String {
    let spaces = Regex::new(r"\s+").unwrap();
    spaces
        .replace_all(kind, " ")
        .trim()
        .replace("BIGSERIAL PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT")
        .replace("BIGINT", "INTEGER")
        .replace("DOUBLE PRECISION", "REAL")
}

fn indices(sql: &str) -> BTreeSet<String> {
    let index = Regex::new(r"(?is)CREATE\s+(?:UNIQUE\s+)?INDEX\s+[^;]*;").unwrap();
    let spaces = Regex::new(r"\s+").unwrap();
    index.find_iter(sql).map(|m| spaces.replace_all(m.as_str(), " ").into_owned()).collect()
}

#[test]
fn both_databases_get_the_same_migrations_tables_columns_and_indices() {
    let names = |folder: &str| -> Vec<String> {
        files(&[folder], &[".sql"])
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    let sqlite = names("migrations/sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(
        sqlite,
        names("migrations/postgres"),
        "the folders must hold files of the same names"
    );
    for name in sqlite {
        let (a, b) = (
            read(Path::new("migrations/sqlite").join(&name)),
            read(Path::new("migrations/postgres").join(&name)),
        );
        assert_eq!(tables(&a), tables(&b), "tables and columns in {name}");
        assert_eq!(indices(&a), indices(&b), "indices in {name}");
        for (table, columns) in tables(&b) {
            for (column, _) in columns {
                // PostgreSQL's INTEGER has 32 bits: too few for milliseconds.
                let narrow = Regex::new(&format!(r"(?m)^\s+{column}\s+INTEGER\b")).unwrap();
                assert!(!narrow.is_match(&b), "{name}: {table}.{column} must be BIGINT");
            }
        }
    }
}
