//! `atende policy check`: loads policy files and says what they hold or what is wrong.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;

use super::{CliCx, ExitCode};
use crate::domain::decision::Mode;
use crate::domain::labels::Locale;
use crate::policy::{Pack, Problem};

/// Check policy packs
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(CheckArgs),
}

/// Check policy files and say everything that is wrong, by line
///
/// Without a file it checks the packs that come with the program. A file may extend one of them. Ends
/// with 1 when there are problems.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Policy files to check
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let files: Vec<PathBuf> = args.files.iter().map(|file| cx.current_dir.join(file)).collect();
    check(&files, cx.lang, cx.out, cx.err)
}

/// Checks policy files, or the packs of the binary when none is named. A file that loads gets one
/// line on `out`, every problem of the others goes to `err`, and the code is then 1.
fn check(
    files: &[PathBuf],
    lang: Locale,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let mut sound = true;
    let mut report = |name: &str, loaded: Result<Pack, Vec<Problem>>| match loaded {
        Ok(pack) => writeln!(out, "{name}: {}", summary(&pack, lang)),
        Err(problems) => {
            sound = false;
            tell(&problems, lang, err)
        }
    };
    for file in files {
        report(&file.display().to_string(), Pack::load_file(file)).context("write the report")?;
    }
    if files.is_empty() {
        for id in Pack::shipped() {
            report(id, Pack::embedded(id)).context("write the report")?;
        }
    }
    Ok(if sound { ExitCode::Ok } else { ExitCode::Problems })
}

fn tell(problems: &[Problem], lang: Locale, err: &mut dyn Write) -> std::io::Result<()> {
    for problem in problems {
        writeln!(err, "{}", problem.render(lang))?;
    }
    match (lang, problems.len()) {
        (Locale::PtBr, 1) => writeln!(err, "1 problema"),
        (Locale::PtBr, count) => writeln!(err, "{count} problemas"),
        (Locale::En, 1) => writeln!(err, "1 problem"),
        (Locale::En, count) => writeln!(err, "{count} problems"),
    }
}

fn summary(pack: &Pack, lang: Locale) -> String {
    let categories = pack.taxonomy.len();
    let subcategories: usize = pack.taxonomy.iter().map(|c| c.subcategories.len()).sum();
    let (teams, rules) = (pack.teams.len(), pack.rules().len());
    let modes = modes(pack);
    let digest: String = pack.digest.chars().take(12).collect();
    let version = &pack.version;
    match lang {
        Locale::PtBr => format!(
            "ok (versão {version}, {digest}): {categories} categorias, {subcategories} subcategorias, {teams} equipes, {rules} regras, modos: {modes}"
        ),
        Locale::En => format!(
            "ok (version {version}, {digest}): {categories} categories, {subcategories} subcategories, {teams} teams, {rules} rules, modes: {modes}"
        ),
    }
}

/// Returns the default mode and each exception, e.g. `draft, general_inquiry/whatsapp auto`.
fn modes(pack: &Pack) -> String {
    let mut words = vec![pack.modes.default.to_string()];
    for (category, channels) in &pack.modes.by {
        for (channel, mode) in channels {
            let category = category.as_deref().unwrap_or("*");
            let channel = channel.map_or("*", |channel| channel.as_str());
            words.push(format!("{category}/{channel} {}", Mode::as_str(*mode)));
        }
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(files: &[PathBuf], lang: Locale) -> (ExitCode, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = check(files, lang, &mut out, &mut err).unwrap();
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn without_files_every_pack_of_the_binary_is_checked() {
        let (code, out, err) = checked(&[], Locale::En);
        assert_eq!((code, err.as_str()), (ExitCode::Ok, ""));
        let names: Vec<&str> = out.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, Pack::shipped());
        assert!(out.lines().all(|line| line.contains(" categories, ")), "{out}");
    }

    #[test]
    fn a_broken_file_fails_the_check_and_the_others_are_still_checked() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("good.yaml"), folder.path().join("bad.yaml"));
        std::fs::write(&good, "extends: saas-br\nid: mine\nmodes: {default: off}\n").unwrap();
        std::fs::write(&bad, "extends: saas-br\nmodes: {default: of}\nthreshold: {}\n").unwrap();
        let missing = folder.path().join("missing.yaml");
        let (code, out, err) = checked(&[bad, good, missing], Locale::PtBr);
        let err = err.replace(&format!("{}/", folder.path().display()), "");
        assert_eq!(code, ExitCode::Problems);
        assert!(out.contains("good.yaml: ok"), "{out}");
        assert!(out.contains("modos: off"), "{out}");
        for line in [
            "bad.yaml:2:18: modes.default: modo desconhecido \"of\"; você quis dizer \"off\"?\n  dica: os modos são auto, draft, off",
            "bad.yaml:3:1: threshold: chave desconhecida \"threshold\"; você quis dizer \"thresholds\"?",
            "2 problemas",
            "missing.yaml: não foi possível ler o arquivo",
        ] {
            assert!(err.contains(line), "{line}\n---\n{err}");
        }
    }
}
