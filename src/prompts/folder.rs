//! Reads a team's folder over the prompts that come with the program: which of its files count, and for which languages.

use std::path::Path;

use super::variables::{ASKED, asked, nearest};
use super::walk::meant;
use super::{Files, Problem, Source};
use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;

/// Largest prompt file, in bytes.
const LARGEST: u64 = 200_000;
/// Endings of the copies that editors and people keep beside a file.
const COPIES: &[&str] = &["bak", "old", "orig", "rej", "swo", "swp", "tmp"];

/// What a folder came to.
#[derive(Default)]
pub(super) struct Told {
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
    /// What is not read, without harm.
    pub(super) notes: Vec<Problem>,
}

fn problem(file: &str, pt: impl Into<String>, en: impl Into<String>) -> Problem {
    Problem { file: file.to_owned(), line: 0, message: LocalText::new(pt, en) }
}

/// Reads a folder over the embedded files, and over both the one file that is to say something else.
pub(super) fn read(
    folder: Option<&Path>,
    changed: Option<(&str, &str)>,
    files: &mut Files,
) -> Told {
    let mut told = Told::default();
    if folder.is_none_or(|folder| read_all(folder, files, &mut told)) {
        if let Some((name, text)) = changed {
            files.insert(name.to_owned(), Source { text: plain(text), own: true });
        }
        families(files, &mut told);
    }
    told
}

/// Reads what lies in a folder; false where it cannot be read.
fn read_all(folder: &Path, files: &mut Files, told: &mut Told) -> bool {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            told.problems.push(problem(
                &folder.display().to_string(),
                format!(
                    "não foi possível ler ({error}); confira se a pasta existe e se pode ser lida"
                ),
                format!("cannot be read ({error}); check that the folder exists and may be read"),
            ));
            return false;
        }
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        if is_copy(&name) {
            continue;
        }
        if path.is_dir() {
            told.notes.push(problem(
                &name,
                "não é lida: prompts ficam na própria pasta, não em pastas dentro dela",
                "is not read: prompts stand in the folder itself, not in folders inside it",
            ));
        } else if path.extension().is_some_and(|ending| ending == "hbs") {
            match text_of(&path, &name) {
                Ok(text) => {
                    files.insert(name, Source { text, own: true });
                }
                Err(problem) => told.problems.push(problem),
            }
        } else {
            other(&path, &name, told);
        }
    }
    true
}

/// Line ends and a mark at the beginning that some editors write are no part of a text.
pub(super) fn plain(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

fn text_of(path: &Path, name: &str) -> Result<String, Problem> {
    if std::fs::metadata(path).is_ok_and(|found| found.len() > LARGEST) {
        return Err(problem(
            name,
            format!("passa de {LARGEST} bytes; encurte o arquivo"),
            format!("is larger than {LARGEST} bytes; shorten it"),
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| {
        problem(
            name,
            format!("não foi possível ler ({error}); confira se o arquivo pode ser lido"),
            format!("cannot be read ({error}); check that the file may be read"),
        )
    })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        problem(
            name,
            "não está em UTF-8; salve o arquivo como UTF-8",
            "is not UTF-8; save the file as UTF-8",
        )
    })?;
    Ok(plain(&text))
}

/// Hidden files, and what an editor keeps beside the file that is open.
fn is_copy(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    name.starts_with(['.', '#']) || name.ends_with('~') || COPIES.contains(&ending)
}

/// A file of another ending: an error where somebody meant it as a prompt, else a note; pages about the folder are
/// neither.
fn other(path: &Path, name: &str, told: &mut Told) {
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let is_page = ["md", "markdown"]
        .iter()
        .any(|ending| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending)));
    let is_named = asked(&stem).is_some() || stem.starts_with('_');
    let is_written = std::fs::metadata(path).is_ok_and(|found| found.len() <= LARGEST)
        && std::fs::read(path).is_ok_and(|bytes| {
            String::from_utf8_lossy(&bytes).lines().any(|line| line.trim_end() == "=== system")
        });
    if is_written || is_named && !is_page {
        let (pt, en) = match meant_name(name).map(file_of) {
            Some(near) => (format!("; chame-o de {near}"), format!("; name it {near}")),
            None => (String::new(), String::new()),
        };
        told.problems.push(problem(
            name,
            format!("parece um prompt, mas não seria lido: prompts são arquivos que terminam em .hbs{pt}"),
            format!("looks like a prompt, but would not be read: prompts are files that end in .hbs{en}"),
        ));
    } else if !is_page {
        told.notes.push(problem(
            name,
            "não é lido: prompts são arquivos que terminam em .hbs",
            "is not read: prompts are files that end in .hbs",
        ));
    }
}

/// What another name was probably meant as: which prompt, and in which language where it names one.
fn meant_name(name: &str) -> Option<(String, Option<Locale>)> {
    let lower = name.to_lowercase();
    let mut words = lower.split('.');
    let id = words.next()?;
    let language = words.next().and_then(|word| word.split(['-', '_']).next()).unwrap_or_default();
    let locale = Locale::ALL.iter().copied().find(|one| one.as_str().starts_with(language));
    let ids: Vec<&str> = ASKED.iter().map(|one| one.id).collect();
    let id = if id.starts_with('_') { id } else { nearest(id, &ids)? };
    Some((id.to_owned(), locale.filter(|_| language.len() == 2)))
}

fn file_of((id, locale): (String, Option<Locale>)) -> String {
    locale.map_or_else(|| format!("{id}.hbs"), |locale| format!("{id}.{locale}.hbs"))
}

/// Reads the name of a prompt file: `draft.en.hbs` is `draft` in English, `draft.hbs` is `draft` in all languages.
pub(super) fn named(file: &str) -> Result<(&str, Option<Locale>), Problem> {
    let stem = file.strip_suffix(".hbs").unwrap_or(file);
    let (id, word) = stem.split_once('.').map_or((stem, None), |(id, word)| (id, Some(word)));
    let locale = word.map(Locale::parse);
    if asked(id).is_some() && locale != Some(None) {
        return Ok((id, locale.flatten()));
    }
    let near = meant_name(file).filter(|(_, locale)| word.is_none() || locale.is_some());
    let (pt, en) = meant(near.map(file_of));
    if let Some(word) = word.filter(|_| asked(id).is_some()) {
        return Err(problem(
            file,
            format!(
                "`{word}` não é um idioma de prompts; o arquivo se chama {id}.pt-BR.hbs, {id}.en.hbs ou, para todos os \
                 idiomas, {id}.hbs{pt}"
            ),
            format!(
                "`{word}` is no language of prompts; the file is named {id}.pt-BR.hbs, {id}.en.hbs or, for all \
                 languages, {id}.hbs{en}"
            ),
        ));
    }
    let ids: Vec<&str> = ASKED.iter().map(|one| one.id).collect();
    let all = ids.join(", ");
    Err(problem(
        file,
        format!("`{id}` não é um prompt que o programa use; há {all}{pt}"),
        format!("`{id}` is no prompt that the program asks with; there are {all}{en}"),
    ))
}

/// A prompt has one file for all languages, or one for each. A team's own file for all replaces the shipped ones for
/// each, and the other way around.
fn families(files: &mut Files, told: &mut Told) {
    for one in ASKED {
        let id = one.id;
        let whole = format!("{id}.hbs");
        let each: Vec<String> =
            Locale::ALL.iter().map(|locale| format!("{id}.{locale}.hbs")).collect();
        let is_own = |file: &String| files.get(file).is_some_and(|source| source.own);
        let own: Vec<&str> = each.iter().filter(|file| is_own(file)).map(String::as_str).collect();
        let (has_whole, has_each) = (is_own(&whole), own.len() == each.len());
        if has_whole && !own.is_empty() {
            let others = own.join(", ");
            told.problems.push(problem(
                &whole,
                format!(
                    "está ao lado de {others}: não fica claro qual vale; deixe um arquivo para todos os idiomas ({whole}) \
                     ou um para cada ({})",
                    each.join(", ")
                ),
                format!(
                    "stands beside {others}: it is not clear which one counts; keep one file for all languages ({whole}) \
                     or one for each ({})",
                    each.join(", ")
                ),
            ));
        }
        if let [only] = own.as_slice()
            && !has_whole
            && files.contains_key(&whole)
        {
            told.notes.push(problem(
                only,
                format!("vale só para este idioma; o outro continua com o {whole} que vem com o programa"),
                format!("counts for this language alone; the other keeps the {whole} that comes with the program"),
            ));
        }
        if has_whole {
            files.retain(|file, source| source.own || !each.contains(file));
        } else if has_each {
            files.retain(|file, source| source.own || *file != whole);
        }
    }
}
