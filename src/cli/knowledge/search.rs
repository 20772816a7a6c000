//! `atende knowledge search`: ranks the passages for a text, or for a file of texts with figures of merit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{ASKED, Configured, configured, embedder, root, tell};
use crate::cli::{CliCx, ExitCode};
use crate::domain::draft::Passage;
use crate::domain::labels::Locale;
use crate::knowledge::metrics::{Answers, Metrics};
use crate::knowledge::{Library, locale_of_text};

/// Passages fetched per wanted article: an article may be found by several of them.
const PASSAGES_PER_ARTICLE: usize = 3;
/// The metrics look at this many articles.
const MEASURED: usize = 10;

/// Rank the passages that match a text
///
/// Searches what "index" was last asked to index, else the articles of the settings, or the samples. It ranks and never
/// hides: what is no answer is shown too, with `"above_floor": false`. With --queries it answers a file in one process,
/// one object a line: {"id", "text"} and, where known, "relevant", the ids of the articles that answer, and "locale".
/// With relevant ids it ends with recall@1, recall@5, recall@10, MRR@10 and nDCG@10.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A customer's words
    #[arg(value_name = "TEXT", required_unless_present = "queries", conflicts_with = "queries")]
    text: Option<String>,

    /// File of texts, one JSON object a line
    #[arg(long, value_name = "FILE")]
    queries: Option<PathBuf>,

    /// Language whose articles come first: pt-BR or en (default: the text's)
    #[arg(long, value_name = "LANG", value_parser = ["pt-BR", "en"], ignore_case = true, hide_possible_values = true)]
    locale: Option<String>,

    /// Most passages to show (default: 10)
    #[arg(long, value_name = "NUMBER", default_value_t = 10, hide_default_value = true)]
    limit: usize,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Query {
    id: String,
    text: String,
    #[serde(default)]
    relevant: Option<BTreeSet<String>>,
    #[serde(default)]
    locale: Option<String>,
}

/// A passage as it is written.
#[derive(Serialize)]
struct Shown<'a> {
    article: &'a str,
    locale: Locale,
    heading: &'a str,
    score: f64,
    above_floor: bool,
    text: &'a str,
}

impl<'a> Shown<'a> {
    fn all(passages: &'a [Passage]) -> Vec<Self> {
        let shown = |passage: &'a Passage| Self {
            article: &passage.article,
            locale: passage.locale,
            heading: &passage.heading,
            score: passage.score,
            above_floor: passage.above_floor,
            text: &passage.text,
        };
        passages.iter().map(shown).collect()
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, args: &Args) -> anyhow::Result<ExitCode> {
    let queries = match &args.queries {
        None => None,
        Some(file) => match read(&cx.current_dir.join(file), cx.lang) {
            Ok(queries) => Some(queries),
            Err(problems) => {
                for problem in problems {
                    writeln!(cx.err, "{}:{problem}", file.display())?;
                }
                return Ok(ExitCode::Problems);
            }
        },
    };
    let Some(library) = library(cx)? else { return Ok(ExitCode::Problems) };
    match (queries, &args.text) {
        (Some(queries), _) => answer_all(cx, args, &library, &queries)?,
        (None, text) => answer(cx, args, &library, text.as_deref().unwrap_or_default())?,
    }
    Ok(ExitCode::Ok)
}

/// Opens what was last asked for, else what the settings name.
fn library(cx: &mut CliCx<'_>) -> anyhow::Result<Option<Library>> {
    let root = root(cx);
    let Some(Configured { source, embeddings }) = configured(cx)? else { return Ok(None) };
    let Ok(embedder) = embedder(cx, &embeddings)? else { return Ok(None) };
    let embedder = embedder.as_ref();
    if let Some((library, pointer)) = Library::pointed(&root, ASKED, embedder)? {
        let label = cx.say("buscando em", "searching");
        writeln!(cx.err, "{label} {}", pointer.source)?;
        return Ok(Some(library));
    }
    // A search alone does not create a data folder.
    let kept = cx.data.is_dir().then_some(root);
    match Library::read(&source, kept.as_deref(), embedder) {
        Ok(library) => Ok(Some(library)),
        Err(problems) => {
            tell(cx, &problems)?;
            Ok(None)
        }
    }
}

fn locale(asked: Option<&str>, text: &str, lang: Locale) -> Locale {
    let asked = asked.and_then(|name| {
        Locale::ALL.iter().copied().find(|locale| locale.as_str().eq_ignore_ascii_case(name))
    });
    asked.or_else(|| locale_of_text(text)).unwrap_or(lang)
}

fn answer(cx: &mut CliCx<'_>, args: &Args, library: &Library, text: &str) -> anyhow::Result<()> {
    let locale = locale(args.locale.as_deref(), text, cx.lang);
    let passages = library.rank(text, locale, args.limit).context("search the index")?;
    if args.json {
        serde_json::to_writer_pretty(&mut *cx.out, &Shown::all(&passages)).context("write JSON")?;
        writeln!(cx.out)?;
        return Ok(());
    }
    if passages.is_empty() {
        writeln!(cx.out, "{}", cx.say("nada encontrado", "nothing found"))?;
    }
    let answer = cx.say("responde", "answers");
    for passage in &passages {
        let mark = if passage.above_floor { answer } else { "" };
        let place = match passage.heading.as_str() {
            "" => passage.article.clone(),
            heading => format!("{} > {heading}", passage.article),
        };
        writeln!(cx.out, "{:.4}  {mark:<8}  {}  {place}", passage.score, passage.locale)?;
        let first = passage.text.lines().next().unwrap_or_default();
        let short: String = first.chars().take(110).collect();
        let more = if short.len() < first.len() { "…" } else { "" };
        writeln!(cx.out, "        {short}{more}")?;
    }
    Ok(())
}

fn answer_all(
    cx: &mut CliCx<'_>,
    args: &Args,
    library: &Library,
    queries: &[Query],
) -> anyhow::Result<()> {
    let (mut metrics, mut answers) = (Metrics::default(), Answers::default());
    let mut results = Vec::new();
    let mut took: Vec<f64> = Vec::with_capacity(queries.len());
    for query in queries {
        let locale =
            locale(query.locale.as_deref().or(args.locale.as_deref()), &query.text, cx.lang);
        let fetched = args.limit.max(MEASURED) * PASSAGES_PER_ARTICLE;
        let started = Instant::now();
        let mut passages =
            library.rank(&query.text, locale, fetched).context("search the index")?;
        took.push(started.elapsed().as_secs_f64() * 1_000.0);
        let mut seen = BTreeSet::new();
        let articles: Vec<String> = passages
            .iter()
            .filter(|passage| seen.insert(passage.article.as_str()))
            .map(|passage| passage.article.clone())
            .collect();
        if let Some(relevant) = &query.relevant {
            metrics.add(&articles, relevant);
            let given = library.search(&query.text, locale, 1);
            let given = given.first().filter(|passage| passage.above_floor);
            answers.add(given.map(|passage| passage.article.as_str()), relevant);
        }
        passages.truncate(args.limit);
        if args.json {
            results.push(json!({"id": query.id, "results": Shown::all(&passages)}));
            continue;
        }
        let best = passages.first();
        let found = best.map_or_else(
            || cx.say("nada encontrado", "nothing found").to_owned(),
            |best| {
                let mark = if best.above_floor { cx.say("  responde", "  answers") } else { "" };
                format!("{}  {:.4}{mark}", best.article, best.score)
            },
        );
        writeln!(cx.out, "{}  {found}", query.id)?;
    }
    let measured = (metrics.queries > 0).then(|| {
        let values = Metrics::NAMES.iter().zip(metrics.means());
        values
            .map(|(name, value)| (*name, (value * 10_000.0).round() / 10_000.0))
            .collect::<Vec<_>>()
    });
    if args.json {
        let mut figures = Map::new();
        figures.insert("queries".to_owned(), json!(metrics.queries));
        figures.extend(
            measured.into_iter().flatten().map(|(name, value)| (name.to_owned(), json!(value))),
        );
        if answers != Answers::default() {
            figures.insert("answers".to_owned(), json!(answers));
        }
        let metrics = if figures.len() > 1 { Value::Object(figures) } else { Value::Null };
        let whole = json!({"queries": results, "metrics": metrics});
        serde_json::to_writer_pretty(&mut *cx.out, &whole).context("write JSON")?;
        writeln!(cx.out)?;
        return Ok(());
    }
    took.sort_by(f64::total_cmp);
    tell_figures(cx, &took, measured.map(|values| (metrics.queries, values)), answers)
}

/// Writes the figures for people.
fn tell_figures(
    cx: &mut CliCx<'_>,
    took: &[f64],
    measured: Option<(u32, Vec<(&str, f64)>)>,
    answers: Answers,
) -> anyhow::Result<()> {
    if let (Some(half), Some(most)) = (quantile(took, 50), quantile(took, 99)) {
        let label = cx.say("tempo por busca", "time per search");
        writeln!(cx.out, "\n{label}  p50 {half:.2} ms  p99 {most:.2} ms")?;
    }
    if let Some((queries, measured)) = measured {
        let label = cx.say("consultas medidas", "queries measured");
        writeln!(cx.out, "\n{queries} {label}")?;
        for (name, value) in measured {
            writeln!(cx.out, "  {name:<9} {value:.4}")?;
        }
    }
    let Answers { answerable, right, wrong, unanswerable, false_answers } = answers;
    if answerable > 0 {
        let (given, other) = (
            cx.say("com artigo: respondidas", "with an article: answered"),
            cx.say("por outro artigo", "by another article"),
        );
        writeln!(cx.out, "\n{answerable} {given} {right}, {other} {wrong}")?;
    }
    if unanswerable > 0 {
        let label = cx.say(
            "sem artigo: respondidas mesmo assim",
            "without an article: answered all the same",
        );
        writeln!(cx.out, "{unanswerable} {label} {false_answers}")?;
    }
    Ok(())
}

/// The value that so many percent of sorted ones do not exceed, by the nearest rank; `None` of none.
fn quantile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Reads a file of queries, or says everything that is wrong as `line: message`.
fn read(file: &Path, lang: Locale) -> Result<Vec<Query>, Vec<String>> {
    let say = |pt: &str, en: &str| match lang {
        Locale::PtBr => pt.to_owned(),
        Locale::En => en.to_owned(),
    };
    let bytes = std::fs::read(file).map_err(|error| {
        let message = say("não foi possível ler o arquivo", "cannot read the file");
        vec![format!("1: {message} ({error})")]
    })?;
    let (mut queries, mut problems) = (Vec::new(), Vec::new());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let Ok(line) = std::str::from_utf8(line) else {
            let message = say(
                "não está em UTF-8; salve o arquivo em UTF-8",
                "is not UTF-8; save the file as UTF-8",
            );
            problems.push(format!("{number}: {message}"));
            continue;
        };
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        let query: Query = match serde_json::from_str(line) {
            Ok(query) => query,
            Err(error) => {
                let said = error.to_string();
                let said = said.split(" at line ").next().unwrap_or_default();
                let hint = say("escreva", "write");
                problems
                    .push(format!("{number}: {said}; {hint} {{\"id\", \"text\", \"relevant\"}}"));
                continue;
            }
        };
        if let Some(first) = seen.insert(query.id.clone(), number) {
            let message = match lang {
                Locale::PtBr => {
                    format!("o id `{}` já é o da linha {first}; os ids devem diferir", query.id)
                }
                Locale::En => {
                    format!("id `{}` is already that of line {first}; ids must differ", query.id)
                }
            };
            problems.push(format!("{number}: {message}"));
        }
        queries.push(query);
    }
    if queries.is_empty() && problems.is_empty() {
        let message =
            say("está vazio; escreva um objeto por linha", "is empty; write one object a line");
        problems.push(format!("1: {message}: {{\"id\", \"text\", \"relevant\"}}"));
    }
    if problems.is_empty() { Ok(queries) } else { Err(problems) }
}
