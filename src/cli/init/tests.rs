//! A company's folder, from the first call to a check that passes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tempfile::TempDir;

use super::super::tests::Call;
use super::*;

fn call<'a>(dir: &'a TempDir, typed: Option<&'a str>) -> Call<'a> {
    Call { dir: dir.path(), env: &[], typed }
}

/// Every file below a folder with what it holds.
fn tree(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_new_folder_passes_its_check_and_a_second_init_refuses_it() {
    for lang in ["pt-BR", "en"] {
        let here = tempfile::tempdir().unwrap();
        let made = call(&here, None).run(&["--lang", lang, "init", "acme", "--yes"]);
        assert_eq!((made.code, made.err.as_str()), (ExitCode::Ok, ""), "{lang}");
        let folder = here.path().join("acme");
        let before = tree(&folder);

        let inside = Call { dir: &folder, env: &[], typed: None };
        let checked = inside.run(&["config", "check"]);
        assert_eq!(checked.code, ExitCode::Ok, "{lang}: {}", checked.err);
        assert_eq!(checked.err, "The settings are in order.\n");
        for line in ["policy.yaml\"  #", "knowledge\"  #", "templates\"  #"] {
            assert!(checked.out.contains(line), "{line}: {}", checked.out);
        }

        fs::remove_file(folder.join("policy.yaml")).unwrap();
        let again = call(&here, None).run(&["--lang", lang, "init", "acme", "--yes"]);
        assert_eq!((again.code, again.out.as_str()), (ExitCode::Problems, ""), "{lang}");
        assert!(again.err.contains("    atende.toml\n"), "{}", again.err);
        assert!(!again.err.contains("policy.yaml"), "{}", again.err);
        let mut left = before;
        left.remove("policy.yaml");
        assert_eq!(tree(&folder), left, "nothing was written or changed");
    }
}

#[test]
fn the_files_are_written_in_the_companys_language() {
    let here = tempfile::tempdir().unwrap();
    let options =
        ["--name", "Padaria \"São\" João: Ltda", "--hours", "seg-sex 8h-12h e 13h-18h; sáb 9h-13h"];
    for lang in ["pt-BR", "en"] {
        let dir = format!("in-{lang}");
        let args = [&["--lang", "en", "init", &dir, "--language", lang], &options[..]].concat();
        let made = call(&here, None).run(&args);
        assert_eq!(made.code, ExitCode::Ok, "{}", made.err);
        let mut shown = String::new();
        for (name, text) in tree(&here.path().join(dir)) {
            // The settings are looked at where they are written; templates come as they are.
            if name != "atende.toml" && !name.contains(".hbs") {
                writeln!(shown, "==> {name}\n{text}").unwrap();
            }
        }
        insta::assert_snapshot!(format!("folder_{lang}"), shown);
    }
}

#[test]
fn answers_are_asked_for_until_they_can_be_read() {
    let here = tempfile::tempdir().unwrap();
    let typed = "\u{7}\nPadaria Joana\ngerman\n\nmaybe\nseg a sáb 7h-19h\n";
    let made = call(&here, Some(typed)).run(&["--lang", "pt-BR", "init", "loja"]);
    assert_eq!(made.code, ExitCode::Ok, "{}", made.err);
    insta::assert_snapshot!("asked", made.err);
    let copies = |line: &&str| !line.contains("modelos de resposta");
    let said: Vec<&str> = made.out.lines().filter(copies).collect();
    insta::assert_snapshot!("next_steps", said.join("\n"));
    let policy = fs::read_to_string(here.path().join("loja/policy.yaml")).unwrap();
    for line in
        ["brand: \"Padaria Joana\"", "default_language: pt-BR", "sat: [\"07:00-19:00\"]", "sun: []"]
    {
        assert!(policy.contains(line), "{line}: {policy}");
    }
}

#[test]
fn a_person_who_leaves_and_a_call_without_answers_leave_nothing_behind() {
    let here = tempfile::tempdir().unwrap();
    for (typed, args, code) in [
        (Some("Padaria\n"), &["init", "loja"][..], ExitCode::Problems),
        (None, &["init", "loja"], ExitCode::Usage),
        (None, &["init", "loja", "--name", "Loja"], ExitCode::Usage),
        (None, &["init", "loja", "--yes", "--hours", "late"], ExitCode::Usage),
        (None, &["init", "loja", "--yes", "--name", " "], ExitCode::Usage),
        (None, &["init", "loja", "--yes", "--name", "{brand}"], ExitCode::Usage),
    ] {
        let called = call(&here, typed).run(args);
        assert_eq!((called.code, called.out.as_str()), (code, ""), "{args:?}: {}", called.err);
        assert!(!called.err.is_empty());
        assert_eq!(tree(here.path()), BTreeMap::new(), "{args:?}");
    }
}

#[test]
fn a_write_that_fails_half_way_takes_everything_back() {
    let here = tempfile::tempdir().unwrap();
    fs::create_dir(here.path().join("acme")).unwrap();
    // A file stands where the last folder would go.
    fs::write(here.path().join("acme/knowledge"), "mine").unwrap();
    let called = call(&here, None).run(&["init", "acme", "--yes"]);
    assert_eq!(called.code, ExitCode::Problems);
    assert!(called.err.contains("nothing was left half done"), "{}", called.err);
    let left = BTreeMap::from([("acme/knowledge".to_owned(), "mine".to_owned())]);
    assert_eq!(tree(here.path()), left);
    assert!(!here.path().join("acme/templates").exists());

    fs::write(here.path().join("file"), "mine").unwrap();
    let called = call(&here, None).run(&["init", "file", "--yes"]);
    assert_eq!(called.code, ExitCode::Problems, "{}", called.err);
}

#[test]
fn the_next_steps_name_commands_that_exist_and_the_folder_as_a_shell_reads_it() {
    assert!(NEXT.iter().any(|(path, ..)| exists(path)));
    for (path, line, _) in NEXT {
        assert!(line.starts_with(&format!("atende {}", path.join(" "))), "{line}");
    }
    for (path, expected) in [
        ("acme", "acme"),
        ("../café/a_b", "../café/a_b"),
        ("my shop", "'my shop'"),
        ("it's", r"'it'\''s'"),
        ("-x", "'./-x'"),
    ] {
        assert_eq!(quoted(path), expected);
    }
}
