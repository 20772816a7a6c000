//! `atende init`: a company's own folder, complete or not at all, and never over what is there.

mod files;
mod hours;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{CliCx, ExitCode, exists};
use crate::config::Words;
use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;
use hours::Week;

/// Create the company's folder: settings, policy, templates and articles
///
/// Creates the company's folder with atende.toml, policy.yaml, the reply templates and an empty tree of
/// articles. Asks for name, language and business hours; with --yes it takes the defaults. It never
/// overwrites a file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder to create or to fill
    dir: PathBuf,
    /// Ask nothing: take the options and the defaults
    #[arg(long)]
    yes: bool,
    /// Name of the company, as customers know it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Language of the company: pt-BR or en (default: that of the output)
    #[arg(
        long,
        value_name = "LANG",
        value_parser = ["pt-BR", "en"],
        ignore_case = true,
        hide_possible_values = true
    )]
    language: Option<String>,
    /// Business hours, e.g. "Mon-Fri 08:00-18:00; Sat 09:00-13:00"
    #[arg(long, value_name = "HOURS")]
    hours: Option<String>,
}

/// Longest name of a company, in characters; it stands in greetings and signatures.
const MAX_NAME_CHARS: usize = 80;

/// What the company says about itself.
struct Company {
    name: String,
    locale: Locale,
    hours: Week,
}

/// Why the answers do not make a company.
enum Refusal {
    /// The call was wrong; the text says how.
    Usage(LocalText),
    /// The person left.
    Left,
}

/// Asks, writes, and says what to do next.
pub(super) fn run(cx: &mut CliCx<'_>, args: &Args) -> anyhow::Result<ExitCode> {
    let dir = cx.current_dir.join(&args.dir);
    let company = match company(cx, args, &dir)? {
        Ok(company) => company,
        Err(Refusal::Usage(text)) => {
            let word = cx.say("erro", "error");
            writeln!(cx.err, "{word}: {}", text.in_locale(cx.lang))?;
            return Ok(ExitCode::Usage);
        }
        Err(Refusal::Left) => {
            let text = cx.say("\nNada foi criado.", "\nNothing was created.");
            writeln!(cx.err, "{text}")?;
            return Ok(ExitCode::Problems);
        }
    };
    let files = files::all(&company);
    let taken: Vec<&Path> = files
        .iter()
        .map(|file| file.path.as_path())
        // A link that leads nowhere is in the way too.
        .filter(|path| fs::symlink_metadata(dir.join(path)).is_ok())
        .collect();
    if !taken.is_empty() {
        refuse(cx, &dir, &taken)?;
        return Ok(ExitCode::Problems);
    }
    if let Err((path, error)) = write_all(&dir, &files) {
        let text = cx.say(
            "não foi possível gravar; nada ficou pela metade. Confira o caminho, as permissões e o espaço em disco",
            "could not be written; nothing was left half done. Check the path, the permissions and the free space",
        );
        let word = cx.say("erro", "error");
        writeln!(cx.err, "{word}: {}: {text} ({error})", path.display())?;
        return Ok(ExitCode::Problems);
    }
    report(cx, args, &files)?;
    Ok(ExitCode::Ok)
}

fn company(cx: &mut CliCx<'_>, args: &Args, dir: &Path) -> io::Result<Result<Company, Refusal>> {
    let asks = cx.stdin_is_terminal && !args.yes;
    let complete = args.name.is_some() && args.language.is_some() && args.hours.is_some();
    if !asks && !args.yes && !complete {
        return Ok(Err(Refusal::Usage(LocalText::new(
            "não há um terminal para perguntar; use --yes, com --name, --language e --hours se quiser",
            "there is no terminal to ask at; use --yes, with --name, --language and --hours if you like",
        ))));
    }
    let asked = Asked { asks };

    let fallback = dir.file_name().map(|name| name.to_string_lossy().into_owned());
    let fallback = fallback.filter(|name| read_name(name).is_ok());
    let fallback = fallback.unwrap_or_else(|| cx.say("Minha empresa", "My company").to_owned());
    let question = Words { pt: "Nome da empresa", en: "Name of the company" };
    let name = match asked.answer(cx, question, args.name.as_deref(), &fallback, read_name)? {
        Ok(name) => name,
        Err(refusal) => return Ok(Err(refusal)),
    };

    let question = Words { pt: "Idioma (pt-BR ou en)", en: "Language (pt-BR or en)" };
    let fallback = cx.lang.as_str();
    let locale =
        match asked.answer(cx, question, args.language.as_deref(), fallback, read_language)? {
            Ok(locale) => locale,
            Err(refusal) => return Ok(Err(refusal)),
        };

    let question = Words { pt: "Horário de atendimento", en: "Business hours" };
    let fallback = hours::default(cx.lang);
    let hours = match asked.answer(cx, question, args.hours.as_deref(), fallback, hours::parse)? {
        Ok(hours) => hours,
        Err(refusal) => return Ok(Err(refusal)),
    };
    Ok(Ok(Company { name, locale, hours }))
}

struct Asked {
    asks: bool,
}

impl Asked {
    /// Takes an option, or asks until the answer can be read, or takes the default.
    fn answer<T>(
        &self,
        cx: &mut CliCx<'_>,
        question: Words,
        option: Option<&str>,
        default: &str,
        read: impl Fn(&str) -> Result<T, LocalText>,
    ) -> io::Result<Result<T, Refusal>> {
        if let Some(option) = option {
            return Ok(read(option).map_err(Refusal::Usage));
        }
        if !self.asks {
            return Ok(read(default).map_err(Refusal::Usage));
        }
        loop {
            write!(cx.err, "{} [{default}]: ", question.in_locale(cx.lang))?;
            cx.err.flush()?;
            let mut line = String::new();
            if cx.stdin.read_line(&mut line)? == 0 {
                return Ok(Err(Refusal::Left));
            }
            let line = line.trim();
            match read(if line.is_empty() { default } else { line }) {
                Ok(value) => return Ok(Ok(value)),
                Err(text) => writeln!(cx.err, "  {}", text.in_locale(cx.lang))?,
            }
        }
    }
}

fn read_name(text: &str) -> Result<String, LocalText> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
    let odd = |c: char| c.is_control() || matches!(c, '{' | '}');
    let plain = name.chars().any(char::is_alphanumeric) && !name.chars().any(odd);
    if fits && plain {
        return Ok(name);
    }
    Err(LocalText::new(
        format!(
            "o nome precisa de letras ou algarismos, sem chaves, e de no máximo {MAX_NAME_CHARS} caracteres"
        ),
        format!(
            "the name needs letters or digits, no braces, and {MAX_NAME_CHARS} characters at most"
        ),
    ))
}

fn read_language(text: &str) -> Result<Locale, LocalText> {
    let word = text.trim().to_lowercase();
    match word.as_str() {
        "pt-br" | "pt_br" | "pt" | "português" | "portugues" | "portuguese" => Ok(Locale::PtBr),
        "en" | "en-us" | "en_us" | "inglês" | "ingles" | "english" => Ok(Locale::En),
        _ => Err(LocalText::new("escreva pt-BR ou en", "write pt-BR or en")),
    }
}

fn refuse(cx: &mut CliCx<'_>, dir: &Path, taken: &[&Path]) -> io::Result<()> {
    let word = cx.say("erro", "error");
    let text =
        cx.say("já existem, e nada foi alterado", "these exist already, and nothing was changed");
    writeln!(cx.err, "{word}: {}: {text}:", dir.display())?;
    for path in taken {
        writeln!(cx.err, "    {}", path.display())?;
    }
    let hint = cx.say(
        "escolha outra pasta, ou mova esses arquivos antes",
        "choose another folder, or move these files away first",
    );
    writeln!(cx.err, "    {hint}")
}

/// Writes all files or, after an error, removes again what it made.
fn write_all(dir: &Path, files: &[files::File]) -> Result<(), (PathBuf, io::Error)> {
    let mut made = Made::default();
    for file in files {
        let path = dir.join(&file.path);
        if let Err(error) = made.write(&path, &file.text) {
            made.undo();
            return Err((path, error));
        }
    }
    Ok(())
}

/// What was made so far.
#[derive(Default)]
struct Made {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Made {
    fn write(&mut self, path: &Path, text: &str) -> io::Result<()> {
        let missing: Vec<&Path> =
            path.ancestors().skip(1).take_while(|folder| !folder.exists()).collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            self.folders.push(folder.to_owned());
        }
        let mut file = fs::File::create_new(path)?;
        self.files.push(path.to_owned());
        file.write_all(text.as_bytes())
    }

    fn undo(self) {
        // What cannot be removed now stays; the error that led here is the one to tell.
        self.files.iter().rev().for_each(|file| drop(fs::remove_file(file)));
        self.folders.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

/// Commands to try next, with what each does; those that this program lacks are left out.
const NEXT: &[(&[&str], &str, Words)] = &[
    (
        &["config", "check"],
        "atende config check",
        Words { pt: "confere a configuração", en: "checks the settings" },
    ),
    (
        &["policy", "check"],
        "atende policy check policy.yaml",
        Words { pt: "confere a política", en: "checks the policy" },
    ),
    (&["serve"], "atende serve", Words { pt: "começa a atender", en: "starts to serve" }),
];

fn report(cx: &mut CliCx<'_>, args: &Args, files: &[files::File]) -> io::Result<()> {
    let shown = args.dir.display().to_string();
    let made = cx.say("Pasta criada", "Folder created");
    writeln!(cx.out, "{made}: {shown}\n")?;
    for file in files.iter().filter(|file| !file.is_copy) {
        writeln!(cx.out, "  {}", file.path.display())?;
    }
    let copies = files.iter().filter(|file| file.is_copy).count();
    if copies > 0 {
        let text = cx.say("modelos de resposta", "reply templates");
        writeln!(cx.out, "  templates/ ({copies} {text})")?;
    }
    let next = cx.say("Próximos passos", "Next steps");
    writeln!(cx.out, "\n{next}:\n")?;
    if shown != "." {
        writeln!(cx.out, "  cd {}", quoted(&shown))?;
    }
    for (_, line, about) in NEXT.iter().filter(|(path, ..)| exists(path)) {
        writeln!(cx.out, "  {line:<34} # {}", about.in_locale(cx.lang))?;
    }
    Ok(())
}

/// Quotes a path for a shell where it needs that.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-~:\\".contains(c);
    if path.chars().all(plain) && !path.starts_with('-') {
        return path.to_owned();
    }
    let start = if path.starts_with('-') { "./" } else { "" };
    format!("'{start}{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
