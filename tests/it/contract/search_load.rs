//! How long a search takes among a hundred thousand tickets: figures to look at, on request only.
//!
//! `cargo test --test it -- --ignored --nocapture a_hundred_thousand`

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use atende::adapters::store::IndexProgress;
use atende::text::search::Query;

use super::world::{World, at, main_tenant};

const TICKETS: u64 = 100_000;
const WORDS: u64 = 20_000;
const QUERIES: usize = 1_000;

/// Numbers that look like chance and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// A word as texts use them: few often, most rarely.
    fn word(&mut self) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
        let share = self.roll(1_000_000) as f64 / 1_000_000.0;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "as above"
        )]
        let rank = (WORDS as f64).powf(share) as u64;
        word(rank)
    }

    fn text(&mut self, words: u64) -> String {
        let words: Vec<String> = (0..words).map(|_| self.word()).collect();
        words.join(" ")
    }
}

/// The word of a rank: syllables, so that many words begin alike.
fn word(rank: u64) -> String {
    const FIRST: &[u8] = b"bcdfglmnprstvz";
    const SECOND: &[u8] = b"aeiou";
    let mut rest = rank + 70;
    let mut word = String::new();
    while rest > 0 {
        let syllable = usize::try_from(rest % 70).unwrap();
        word.push(char::from(FIRST[syllable / 5]));
        word.push(char::from(SECOND[syllable % 5]));
        rest /= 70;
    }
    word
}

fn phone(n: u64) -> String {
    format!("+55 11 9{:04}-{:04}", 6_000 + n / 10_000, n % 10_000)
}

async fn fill(w: &World, dice: &mut Dice) {
    for start in (0..TICKETS).step_by(500) {
        let mut sql = String::from("BEGIN;\n");
        for n in start..start + 500 {
            let (name, text) = (dice.text(2), 12 + dice.roll(40));
            let contact = format!(
                r#"{{"name":"{name}","email":"{}.{n}@exemplo.com","phone":"{}"}}"#,
                name.replace(' ', "."),
                phone(n)
            );
            writeln!(
                sql,
                "INSERT INTO conversations (id, tenant, channel, account, thread, contact, version, fence, owner, ai_turns, \
                 opted_out, ticket_id, vault, created_at, updated_at) VALUES ('cnv_{n}', 'main', 'chat', 'loja', 't{n}', \
                 '{contact}', 1, 1, 'ai', 0, 0, 'tck_{n}', '{{}}', {n}, {n});\n\
                 INSERT INTO tickets (id, tenant, number, conversation_id, channel, source_ref, status, subject, fields, \
                 overrides, tags, escalations, created_at, updated_at) VALUES ('tck_{n}', 'main', {}, 'cnv_{n}', 'chat', '', \
                 'new', '{}', '{{}}', '{{}}', '[]', 0, {n}, {n});\n\
                 INSERT INTO messages (id, tenant, channel, account, conversation_id, ticket_id, author, text, meta, sent_at, \
                 received_at) VALUES ('msg_{n}', 'main', 'chat', 'loja', 'cnv_{n}', 'tck_{n}', 'customer', '{}', '{{}}', {n}, {n}), \
                 ('ans_{n}', 'main', 'chat', 'loja', 'cnv_{n}', 'tck_{n}', 'ai', '{}', '{{}}', {n}, {n});",
                n + 1,
                dice.text(4),
                dice.text(text),
                dice.text(text)
            )
            .unwrap();
        }
        sql.push_str("COMMIT;");
        w.run(&sql).await;
    }
}

/// A query of a kind, as people type them.
fn query(dice: &mut Dice) -> (&'static str, String) {
    let n = dice.roll(TICKETS);
    match dice.roll(20) {
        0..=6 => ("two words", format!("{} {}", dice.word(), dice.word())),
        7..=9 => ("three words", format!("{} {} {}", dice.word(), dice.word(), dice.word())),
        10..=12 => ("a frequent word", word(1 + dice.roll(20))),
        13..=15 => {
            let letters = 2 + usize::try_from(dice.roll(2)).unwrap();
            ("a beginning", dice.word().chars().take(letters).collect())
        }
        16 => ("a telephone", phone(n)),
        17 => ("a number", n.to_string()),
        18 => ("a phrase", format!("\"{} {}\"", dice.word(), dice.word())),
        _ => ("nothing", format!("{} zzyx{n}", dice.word())),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes and prints figures"]
async fn a_hundred_thousand_tickets_are_searched() {
    let mut told = std::io::stderr();
    let mut worlds = vec![("sqlite", World::sqlite().await)];
    worlds.extend(World::postgres().await.map(|world| ("postgres", world)));
    for (name, w) in worlds {
        let mut dice = Dice(7);
        fill(&w, &mut dice).await;
        let started = Instant::now();
        let mut progress = IndexProgress::default();
        while w.store.index_tickets(at(0), &mut progress).await.unwrap() > 0 {}
        let indexed = w.number("SELECT COUNT(*) FROM search_words").await;
        writeln!(
            told,
            "{name}: {TICKETS} tickets, {indexed} words indexed in {:.0?}",
            started.elapsed()
        )
        .unwrap();
        let mut took: Vec<(Duration, &str, String, usize)> = Vec::with_capacity(QUERIES);
        for _ in 0..QUERIES {
            let (kind, text) = query(&mut dice);
            let started = Instant::now();
            let page =
                w.store.search(&main_tenant(), &Query::parse(&text), None, 50).await.unwrap();
            took.push((started.elapsed(), kind, text, page.hits.len()));
        }
        took.sort();
        let at = |share: usize| took[(QUERIES * share / 1_000).min(QUERIES - 1)].0;
        writeln!(told, "{name}: p50 {:.1?}, p90 {:.1?}, p99 {:.1?}", at(500), at(900), at(990))
            .unwrap();
        for (took, kind, text, hits) in took.iter().rev().take(5) {
            writeln!(told, "{name}: {took:.1?} for {kind} {text:?}: {hits} hits").unwrap();
        }
        assert!(took.iter().any(|(.., hits)| *hits == 50));
        w.remove_schema().await;
    }
}
