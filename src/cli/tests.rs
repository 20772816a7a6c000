//! The command line as its users meet it: arguments and streams in, text and exit code out.

use std::fs;
use std::io;
use std::path::Path;

use super::*;

/// What a call came to.
pub(super) struct Called {
    pub(super) code: ExitCode,
    pub(super) out: String,
    pub(super) err: String,
}

/// A call of `atende` in a folder.
pub(super) struct Call<'a> {
    pub(super) dir: &'a Path,
    pub(super) env: &'a [(&'a str, &'a str)],
    /// What is typed at the terminal; `None` when there is no terminal.
    pub(super) typed: Option<&'a str>,
}

impl Call<'_> {
    pub(super) fn run(&self, args: &[&str]) -> Called {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = self.run_into(args, &mut out, &mut err);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Called { code, out: text(out), err: text(err) }
    }

    fn run_into(&self, args: &[&str], out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
        let world = World {
            out,
            err,
            stdin: &mut self.typed.unwrap_or_default().as_bytes(),
            stdin_is_terminal: self.typed.is_some(),
            env: self.env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            current_dir: self.dir.to_owned(),
        };
        run(std::iter::once("atende").chain(args.iter().copied()).map(OsString::from), world)
    }
}

#[test]
fn helps_are_in_the_language_from_the_first_word_to_the_last() {
    let here = tempfile::tempdir().unwrap();
    let call = Call { dir: here.path(), env: &[], typed: None };
    for args in [
        &["--help"][..],
        &["init", "--help"],
        &["config", "--help"],
        &["config", "check", "--help"],
    ] {
        for lang in ["en", "pt-BR"] {
            let called = call.run(&[&["--lang", lang], args].concat());
            assert_eq!((called.code, called.err.as_str()), (ExitCode::Ok, ""), "{args:?}");
            let name = args.iter().filter(|arg| !arg.starts_with('-')).copied();
            let name = ["help", lang].into_iter().chain(name).collect::<Vec<_>>().join("_");
            insta::assert_snapshot!(name, called.out);
            if lang == "pt-BR" {
                for english in
                    ["Usage", "Options", "Commands", "Print", "Arguments", "default:", "COMMAND"]
                {
                    assert!(!called.out.contains(english), "{english}: {}", called.out);
                }
            }
        }
    }
}

#[test]
fn a_wrong_call_is_explained_in_the_language_and_ends_with_2() {
    let here = tempfile::tempdir().unwrap();
    let portuguese = Call { dir: here.path(), env: &[("LANG", "pt_BR.UTF-8")], typed: None };
    let english = Call { dir: here.path(), env: &[], typed: None };
    for (args, pt, en) in [
        (
            &["confg"][..],
            "comando desconhecido: confg\n    você quis dizer config?",
            "unrecognized",
        ),
        (&["init"], "falta informar: <PASTA>", "required"),
        (
            &["init", "x", "--yess"],
            "argumento desconhecido: --yess\n    você quis dizer --yes?",
            "--yes",
        ),
        (
            &["init", "x", "--language", "fr"],
            "não aceita o valor fr\n    opções: pt-BR, en",
            "pt-BR, en",
        ),
        (&["init", "x", "--name"], "falta o valor de --name <NOME>", "a value is required"),
        (
            &["--record", "a", "--replay", "b", "demo"],
            "não podem ser usados juntos; use só um dos dois",
            "cannot be used with",
        ),
        (
            &["--replay", "a", "--replay", "b", "demo"],
            "--replay <PASTA> aparece mais de uma vez; use uma só",
            "multiple times",
        ),
        (&["config"], "Uso: atende config", "Usage: atende config"),
        (&[], "Uso: atende [OPÇÕES] <COMANDO>", "Usage: atende [OPTIONS] <COMMAND>"),
    ] {
        for (call, expected) in [(&portuguese, pt), (&english, en)] {
            let called = call.run(args);
            assert_eq!((called.code, called.out.as_str()), (ExitCode::Usage, ""), "{args:?}");
            assert!(called.err.contains(expected), "{args:?}: {}", called.err);
        }
    }
}

#[test]
fn the_check_shows_settings_on_stdout_and_problems_on_stderr() {
    let here = tempfile::tempdir().unwrap();
    let call = Call { dir: here.path(), env: &[("ATENDE__LOG__LEVEL", "debug")], typed: None };
    let fine = call.run(&["config", "check"]);
    assert_eq!(fine.code, ExitCode::Ok, "{}", fine.err);
    assert!(fine.out.contains("level = \"debug\"  # ATENDE__LOG__LEVEL"), "{}", fine.out);
    assert_eq!(fine.err, "The settings are in order.\n");

    fs::write(here.path().join("atende.toml"), "[worker]\nlease_sec = 1\n[lgo]\n").unwrap();
    let wrong = call.run(&["config", "check", "--lang", "pt-BR"]);
    assert_eq!(wrong.code, ExitCode::Problems);
    assert!(wrong.out.contains("[worker]\nconcurrency = 128"), "{}", wrong.out);
    for expected in ["atende.toml:2  worker.lease_sec", "lease_secs?", "atende.toml:3  lgo", "log?"]
    {
        assert!(wrong.err.contains(expected), "{expected}: {}", wrong.err);
    }

    let named = call.run(&["config", "check", "--config", "lost.toml"]);
    assert_eq!(named.code, ExitCode::Problems);
    assert!(named.err.contains("the file does not exist"), "{}", named.err);

    fs::create_dir(here.path().join("elsewhere")).unwrap();
    fs::write(here.path().join("elsewhere/atende.toml"), "[log]\nformat = \"json\"\n").unwrap();
    let data = call.run(&["--data", "elsewhere", "config", "check"]);
    assert_eq!(data.code, ExitCode::Ok, "{}", data.err);
    assert!(data.out.contains("format = \"json\""), "{}", data.out);
}

#[test]
fn prompts_are_checked_in_the_language_and_what_is_the_businesss_own_is_counted() {
    let here = tempfile::tempdir().unwrap();
    let call = Call { dir: here.path(), env: &[], typed: None };
    let folder = here.path().join("prompts");
    fs::create_dir(&folder).unwrap();
    fs::write(here.path().join("atende.toml"), "[prompts]\ndir = \"prompts\"\n").unwrap();
    let check = |lang: &str| call.run(&["--lang", lang, "prompts", "check"]);
    let none = check("en");
    assert_eq!(none.out, "7 prompts and 6 pieces in order; no file is the business's own\n");

    fs::write(folder.join("_data.en.hbs"), "Data is data.\n{{canary}}\n").unwrap();
    fs::write(folder.join("notes.txt"), "later").unwrap();
    for (lang, out, err) in [
        (
            "en",
            "7 prompts and 6 pieces in order; 1 is the business's own: _data.en.hbs\n",
            "warning: notes.txt: is not read: prompts are files that end in .hbs\n",
        ),
        (
            "pt-BR",
            "7 prompts e 6 peças em ordem; 1 é da empresa: _data.en.hbs\n",
            "aviso: notes.txt: não é lido: prompts são arquivos que terminam em .hbs\n",
        ),
    ] {
        let called = check(lang);
        assert_eq!(
            (called.code, called.out.as_str(), called.err.as_str()),
            (ExitCode::Ok, out, err)
        );
    }
    let list = call.run(&["prompts", "list"]).out;
    let own: Vec<&str> =
        list.lines().filter(|line| line.ends_with("(own: _data.en.hbs)")).collect();
    assert_eq!(own.len(), 4, "{list}");
    let shown = call.run(&["--lang", "pt-BR", "prompts", "show", "draft.en"]).out;
    for expected in ["  message: o que o cliente escreveu agora\n", "  passages[].n: os trechos"] {
        assert!(shown.contains(expected), "{shown}");
    }

    fs::write(folder.join("_data.en.hbs"), "Data is data.\n").unwrap();
    let wrong = check("pt-BR");
    assert_eq!((wrong.code, wrong.out.as_str()), (ExitCode::Problems, ""));
    assert!(
        wrong.err.contains("com _data.en.hbs, falta nas instruções {{canary}}"),
        "{}",
        wrong.err
    );
}

#[test]
fn a_folder_without_recordings_is_told_before_a_command_begins() {
    let here = tempfile::tempdir().unwrap();
    let call = Call { dir: here.path(), env: &[], typed: None };
    for (lang, expected) in
        [("en", "error: there are no recordings in "), ("pt-BR", "erro: não há gravações em ")]
    {
        let called = call.run(&["--lang", lang, "--replay", "lost", "config", "check"]);
        assert_eq!((called.code, called.out.as_str()), (ExitCode::Problems, ""), "{lang}");
        assert!(called.err.starts_with(expected), "{}", called.err);
    }
}

/// A pipe whose reader has gone.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk without space.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_gone_ends_the_command_quietly_and_other_errors_do_not() {
    let here = tempfile::tempdir().unwrap();
    let call = Call { dir: here.path(), env: &[], typed: None };
    for args in [&["config", "check"][..], &["--help"]] {
        let mut err = Vec::new();
        assert_eq!(call.run_into(args, &mut Gone, &mut err), ExitCode::Ok, "{args:?}");
        assert_eq!(err, b"", "{args:?}");
    }
    let mut err = Vec::new();
    assert_eq!(call.run_into(&["config", "check"], &mut Full, &mut err), ExitCode::Problems);
    assert!(err.starts_with(b"error: "));
    assert_eq!(call.run_into(&["config", "check"], &mut Gone, &mut Gone), ExitCode::Ok);
}
