//! `atende knowledge index`: builds the index of articles and says how well it finds them.

use std::path::PathBuf;
use std::time::Instant;

use super::{ASKED, configured, embedder, name, root, tell};
use crate::cli::{CliCx, ExitCode};
use crate::domain::labels::Locale;
use crate::knowledge::fusion::{MEANING_RANKER, RANKERS};
use crate::knowledge::{Basis, Changes, Fit, Library, Source};
use crate::ports::Embedder;

/// Index articles and report how well they are found
///
/// Without --dir and --jsonl it indexes the articles of the settings, or the samples. Articles that are indexed already
/// are not indexed again. Each locale's sample questions are searched with their own place left out: the report says how
/// often their article is among the best five, for each ranker and together, how often it is an answer above the
/// relevance floor, and how often something else would be one if the article did not exist. A running worker is not
/// disturbed.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Folder of Markdown files, with or without front matter
    #[arg(long, value_name = "DIR", conflicts_with = "jsonl")]
    dir: Option<PathBuf>,

    /// File with one JSON object a line: {"id", "title", "text", "locale"}
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, args: &Args) -> anyhow::Result<ExitCode> {
    let asked = match (&args.dir, &args.jsonl) {
        (Some(dir), _) => Some(Source::Tree(cx.current_dir.join(dir))),
        (None, Some(file)) => Some(Source::Lines(cx.current_dir.join(file))),
        (None, None) => None,
    };
    let Some(configured) = configured(cx)? else { return Ok(ExitCode::Problems) };
    let embedder = match embedder(cx, &configured.embeddings)? {
        Ok(embedder) => embedder,
        Err(code) => return Ok(code),
    };
    let (source, pointer) = match asked {
        Some(source) => (source, ASKED.to_owned()),
        None => {
            (configured.source, crate::app::index_pointer(&crate::domain::ids::TenantId::main()))
        }
    };
    let started = Instant::now();
    let root = root(cx);
    let library = match Library::read(&source, Some(&root), embedder.as_ref()) {
        Ok(library) => library,
        Err(problems) => {
            tell(cx, &problems)?;
            return Ok(ExitCode::Problems);
        }
    };
    let changes = library.point(&root, &pointer, &name(cx, &source))?;
    if pointer != ASKED {
        Library::forget(&root, ASKED);
    }
    let seconds = started.elapsed().as_secs_f64();
    report(cx, &name(cx, &source), &library, changes, (seconds, embedder.as_deref()))?;
    Ok(ExitCode::Ok)
}

fn report(
    cx: &mut CliCx<'_>,
    name: &str,
    library: &Library,
    changes: Changes,
    (seconds, embedder): (f64, Option<&dyn Embedder>),
) -> std::io::Result<()> {
    let passages: usize = library.fits().map(|(_, passages, _)| passages).sum();
    let articles = library.articles().len();
    let Changes { added, changed, removed, unchanged } = changes;
    let hash = library.hash();
    match (cx.lang, library.is_new()) {
        (Locale::PtBr, true) => writeln!(
            cx.out,
            "{name}: {articles} artigos, {passages} trechos indexados em {seconds:.2} s, geração {hash}"
        )?,
        (Locale::En, true) => writeln!(
            cx.out,
            "{name}: {articles} articles, {passages} passages indexed in {seconds:.2} s, generation {hash}"
        )?,
        (Locale::PtBr, false) => writeln!(
            cx.out,
            "{name}: {articles} artigos, {passages} trechos já indexados, geração {hash}"
        )?,
        (Locale::En, false) => writeln!(
            cx.out,
            "{name}: {articles} articles, {passages} passages already indexed, generation {hash}"
        )?,
    }
    match cx.lang {
        Locale::PtBr => writeln!(
            cx.out,
            "{added} novos, {changed} alterados, {removed} removidos, {unchanged} iguais"
        )?,
        Locale::En => writeln!(
            cx.out,
            "{added} added, {changed} changed, {removed} removed, {unchanged} unchanged"
        )?,
    }
    for (locale, passages, fit) in library.fits() {
        locale_report(cx, locale, passages, fit)?;
        match (&fit.meaning, embedder) {
            (Some(meaning), _) => {
                writeln!(cx.out, "  {} {}", cx.say("sentido por", "meaning by"), meaning.model)?;
            }
            (None, Some(model)) => writeln!(
                cx.out,
                "  {}: {}",
                cx.say(
                    "o modelo só sabe inglês, então aqui valem só as palavras",
                    "the model knows English only, so words alone count here"
                ),
                model.name()
            )?,
            (None, None) => {}
        }
    }
    Ok(())
}

fn locale_report(
    cx: &mut CliCx<'_>,
    locale: Locale,
    passages: usize,
    fit: &Fit,
) -> std::io::Result<()> {
    let queries = fit.queries;
    let basis = match fit.basis {
        Basis::Questions => cx.say("perguntas de exemplo", "sample questions"),
        Basis::Titles => cx.say("títulos (pesos padrão)", "titles (default weights)"),
        Basis::Defaults => {
            let (pt, en) = (
                "perguntas de menos para medir: pesos e piso padrão",
                "too few questions to measure: default weights and floor",
            );
            return writeln!(
                cx.out,
                "\n{locale}: {passages} {}; {}",
                cx.say("trechos", "passages"),
                cx.say(pt, en)
            );
        }
    };
    let (words, by) = (cx.say("trechos", "passages"), cx.say("medido com", "measured with"));
    writeln!(cx.out, "\n{locale}: {passages} {words}, {by} {queries} {basis}")?;
    let rankers = RANKERS.iter().enumerate();
    let used = rankers.filter(|(at, _)| *at != MEANING_RANKER || fit.meaning.is_some());
    for (((_, ranker), recall), weight) in used.zip(fit.recall_at_5).zip(fit.weights) {
        let label = cx.say("peso", "weight");
        writeln!(cx.out, "  recall@5 {ranker:<9} {recall:.3}  {label} {weight:.1}")?;
    }
    let together = cx.say("juntos", "together");
    writeln!(cx.out, "  recall@5 {together:<9} {:.3}", fit.fused_recall_at_5)?;
    let floor = if fit.basis == Basis::Questions { fit.floor } else { fit.odds_floor };
    let (answered, falsely) = (fit.answered, fit.false_answers);
    match cx.lang {
        Locale::PtBr => writeln!(
            cx.out,
            "  piso {floor:.3}: respondidas {answered:.3} das que têm artigo, {falsely:.3} das que não têm"
        ),
        Locale::En => writeln!(
            cx.out,
            "  floor {floor:.3}: answered {answered:.3} of those with an article, {falsely:.3} of those without"
        ),
    }
}
