//! What models were asked about the lines of a run: nobody else counts it, as nothing is stored.

use std::collections::BTreeMap;

use crate::cli::models::{in_words, usd};
use crate::domain::labels::Locale;
use crate::ports::chat::{ANSWERED, ChatErrorKind, ModelCall};

/// What models were asked, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Asked {
    questions: u64,
    cost_micros: u64,
    /// How many had no answer, by why.
    failed: BTreeMap<String, u64>,
    /// How many were never put: the model rested after failures, or a limit left no room.
    unsent: BTreeMap<String, u64>,
}

impl Asked {
    pub(super) fn add(&mut self, calls: &[ModelCall]) {
        let unsent = [ChatErrorKind::Resting.as_str(), ChatErrorKind::NoRoom.as_str()];
        for call in calls {
            if unsent.contains(&call.outcome.as_str()) {
                *self.unsent.entry(call.outcome.clone()).or_default() += 1;
                continue;
            }
            self.questions += 1;
            self.cost_micros = self.cost_micros.saturating_add(call.cost_micros);
            if call.outcome != ANSWERED {
                *self.failed.entry(call.outcome.clone()).or_default() += 1;
            }
        }
    }

    /// Returns what a person reads about it at the end, line by line.
    pub(super) fn told(&self, lang: Locale) -> Vec<String> {
        let say = |pt: &'static str, en: &'static str| if lang == Locale::PtBr { pt } else { en };
        let mut lines = Vec::new();
        if self.questions > 0 {
            let what = match self.questions {
                1 => say("pergunta aos modelos de linguagem", "question to language models"),
                _ => say("perguntas aos modelos de linguagem", "questions to language models"),
            };
            let mut line = format!("{} {what}", self.questions);
            if self.cost_micros > 0 {
                let aside = say("não entra no orçamento", "not counted in the budget");
                line.push_str(&[", US$ ", &usd(self.cost_micros), " (", aside, ")"].concat());
            }
            lines.push(line);
        }
        let counts = |all: &BTreeMap<String, u64>| -> String {
            let one = |(why, times): (&String, &u64)| format!("{} ({times})", in_words(why, lang));
            all.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        if !self.failed.is_empty() {
            let all: u64 = self.failed.values().sum();
            let what = say("sem resposta", "without an answer");
            lines.push(format!("{all} {what}: {}", counts(&self.failed)));
        }
        if !self.unsent.is_empty() {
            let all: u64 = self.unsent.values().sum();
            let what = match all {
                1 => say("nem chegou a ser feita", "never put"),
                _ => say("nem chegaram a ser feitas", "never put"),
            };
            lines.push(format!("{all} {what}: {}", counts(&self.unsent)));
        }
        if !self.failed.is_empty() || !self.unsent.is_empty() {
            let mut line = say(
                "Onde faltou resposta, decidiram os motores embutidos.",
                "Where no answer came, the embedded engines decided.",
            )
            .to_owned();
            // What recordings lack is told with their folder, and no model is to blame for it.
            let of_recordings = [ChatErrorKind::NotRecorded, ChatErrorKind::BadRecording];
            let of_recordings = of_recordings.map(ChatErrorKind::as_str);
            let mut reasons = self.failed.keys().chain(self.unsent.keys());
            if reasons.any(|why| !of_recordings.contains(&why.as_str())) {
                line.push_str(say(
                    " O que há com o modelo: atende models check",
                    " What is wrong with the model: atende models check",
                ));
            }
            lines.push(line);
        }
        lines
    }
}
