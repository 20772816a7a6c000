//! What the demo prints: one line a turn, a summary, and what to try next.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation as _;

use super::super::CliCx;
use super::{Played, by_action, summary};
use crate::adapters::store::DecisionRow;
use crate::domain::labels::Locale;

/// Widths of the columns before the last one.
const WIDTHS: [usize; 8] = [5, 17, 8, 5, 16, 8, 9, 9];
/// Width of the last column.
const WHY: usize = 72;

/// Prints the table, the summary and the next commands.
pub(super) fn write(cx: &mut CliCx<'_>, played: &Played, took: Duration) -> std::io::Result<()> {
    let heads = match cx.lang {
        Locale::PtBr => [
            "hora",
            "quem",
            "canal",
            "língua",
            "categoria",
            "urgência",
            "humor",
            "decisão",
            "por quê",
        ],
        Locale::En => [
            "time",
            "who",
            "channel",
            "lang",
            "category",
            "urgency",
            "sentiment",
            "decision",
            "why",
        ],
    };
    row(cx.out, &heads.map(str::to_owned))?;
    let rule: usize = WIDTHS.iter().sum::<usize>() + WIDTHS.len() * 2 + WHY;
    writeln!(cx.out, "{}", "─".repeat(rule))?;
    for turn in &played.turns {
        row(cx.out, &cells(turn, cx.lang))?;
    }
    write_summary(cx, played, took)
}

fn cells(turn: &DecisionRow, lang: Locale) -> [String; 9] {
    let text =
        |path: &str| turn.record.pointer(path).and_then(Value::as_str).unwrap_or("–").to_owned();
    // The demo's company works in Brazil's time, which has had no daylight saving since 2019.
    let local = turn.decided_at - chrono::Duration::hours(3);
    [
        local.format("%H:%M").to_string(),
        turn.customer_name.clone().unwrap_or_else(|| "–".to_owned()),
        turn.channel.clone(),
        text("/understood/language/value"),
        text("/understood/category/value"),
        text("/decision/priority"),
        text("/understood/sentiment/value"),
        text("/decision/action"),
        why(&turn.record, lang),
    ]
}

/// The first reason: its rule, and its text.
fn why(record: &Value, lang: Locale) -> String {
    let reason = record.pointer("/decision/reasons/0");
    let of =
        |path: &str| reason.and_then(|r| r.pointer(path)).and_then(Value::as_str).unwrap_or("");
    format!("{}: {}", of("/rule"), of(&format!("/text/{}", lang.as_str())))
}

fn row(out: &mut dyn Write, cells: &[String; 9]) -> std::io::Result<()> {
    let [head @ .., last] = cells;
    for (cell, width) in head.iter().zip(WIDTHS) {
        write!(out, "{}  ", fitted(cell, width))?;
    }
    writeln!(out, "{}", fitted(last, WHY).trim_end())
}

/// Cuts or pads to a width, counted in graphemes.
fn fitted(text: &str, width: usize) -> String {
    let graphemes: Vec<&str> = text.graphemes(true).collect();
    match graphemes.get(..width.saturating_sub(1)) {
        Some(kept) if graphemes.len() > width => format!("{}…", kept.concat()),
        _ => format!("{text}{}", " ".repeat(width.saturating_sub(graphemes.len()))),
    }
}

fn write_summary(cx: &mut CliCx<'_>, played: &Played, took: Duration) -> std::io::Result<()> {
    let new = played.events - played.duplicates;
    let joined = played.turns.iter().filter(|turn| turn.messages > 1).count();
    let counts = by_action(&played.turns);
    let count = |action: &str| counts.get(action).copied().unwrap_or(0);
    let seconds = took.as_secs_f64();
    let data = cx.data.display().to_string();
    let (turns, events) = (played.turns.len(), played.events);
    let (send, review) = (count("send"), count("review"));
    let (escalate, none) = (count("escalate"), count("none"));
    let (duplicates, tenant) = (played.duplicates, &played.tenant);
    match cx.lang {
        Locale::PtBr => {
            writeln!(
                cx.out,
                "\n{events} mensagens, {turns} turnos ({joined} juntaram várias mensagens), em {seconds:.1} s."
            )?;
            if new == 0 {
                writeln!(
                    cx.out,
                    "Nada de novo: todas as mensagens já estavam guardadas, e nenhuma foi duplicada."
                )?;
            } else if duplicates > 0 {
                writeln!(
                    cx.out,
                    "{duplicates} mensagens chegaram de novo e foram reconhecidas, sem duplicar nada."
                )?;
            }
            writeln!(
                cx.out,
                "  {send:>3} enviadas pela assistente\n  {review:>3} rascunhos à espera de revisão\n  {escalate:>3} nas filas de pessoas\n  {none:>3} sem resposta a dar"
            )?;
            writeln!(cx.out, "Tudo está em {data}, no negócio \"{tenant}\".\n\nPara continuar:")?;
        }
        Locale::En => {
            writeln!(
                cx.out,
                "\n{events} messages, {turns} turns ({joined} joined several messages), in {seconds:.1} s."
            )?;
            if new == 0 {
                writeln!(
                    cx.out,
                    "Nothing new: every message was stored before, and none was doubled."
                )?;
            } else if duplicates > 0 {
                writeln!(
                    cx.out,
                    "{duplicates} messages came twice and were recognised; nothing was doubled."
                )?;
            }
            writeln!(
                cx.out,
                "  {send:>3} sent by the assistant\n  {review:>3} drafts waiting for review\n  {escalate:>3} in people's queues\n  {none:>3} with nothing to answer"
            )?;
            writeln!(
                cx.out,
                "Everything is in {data}, under the business \"{tenant}\".\n\nTo go on:"
            )?;
        }
    }
    next_commands(cx)
}

fn next_commands(cx: &mut CliCx<'_>) -> std::io::Result<()> {
    for (command, pt, en) in [
        (
            "atende demo --serve",
            "o mesmo, e depois a API no ar com um token",
            "the same, then the API up with a token",
        ),
        (
            "echo '{\"id\":1,\"channel\":\"whatsapp\",\"text\":\"esqueci minha senha\"}' | atende triage",
            "decide uma mensagem sua, sem guardar nada",
            "decides a message of yours, stores nothing",
        ),
        (
            "atende init minha-empresa",
            "cria a pasta da sua empresa",
            "creates your own company's folder",
        ),
        ("atende store check", "confere o que foi guardado", "checks what was stored"),
    ] {
        let about = cx.say(pt, en);
        writeln!(cx.out, "  {command}\n      {about}")?;
    }
    Ok(())
}

/// Prints one JSON object a turn and a summary as the last line.
pub(super) fn write_json(out: &mut dyn Write, played: &Played) -> std::io::Result<()> {
    for turn in &played.turns {
        writeln!(out, "{}", json!(turn))?;
    }
    writeln!(out, "{}", json!({"summary": summary(played)}))
}
