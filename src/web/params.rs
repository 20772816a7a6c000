//! The query of a request, read like a body: every problem at once, unknown names refused.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::form::{nearest, unknown_word};
use super::problem::{FieldProblem, Kind, Problem, say};
use crate::domain::decision::LocalText;

/// Rows of a page where the caller does not say.
const LIMIT_DEFAULT: u32 = 50;
/// Most rows of a page.
const LIMIT_MAX: u32 = 200;
/// Longest value of a parameter.
const VALUE_MAX: usize = 512;

/// The parameters of a query and what is wrong so far.
pub(super) struct Params {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    problems: Vec<FieldProblem>,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::try_from_uri(&parts.uri).map_err(|_| {
            Problem::new(
                Kind::BadRequest,
                say(
                    "Não foi possível ler os parâmetros depois de `?`.",
                    "The parameters after `?` cannot be read.",
                ),
            )
        })?;
        Ok(Self { pairs, known: Vec::new(), problems: Vec::new() })
    }
}

impl Params {
    /// Takes a parameter; an empty one counts as left out.
    pub(super) fn take(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let mut values = Vec::new();
        self.pairs.retain_mut(|(key, value)| {
            let ours = key == name;
            if ours {
                values.push(std::mem::take(value));
            }
            !ours
        });
        if values.len() > 1 {
            self.wrong(name, say("aparece mais de uma vez", "appears more than once"), None);
            return None;
        }
        let value = values.pop().filter(|value| !value.is_empty())?;
        if value.len() > VALUE_MAX || value.chars().any(char::is_control) {
            self.wrong(name, say("não é um valor aceito", "is not an accepted value"), None);
            return None;
        }
        Some(value)
    }

    pub(super) fn wrong(&mut self, name: &str, problem: LocalText, hint: Option<LocalText>) {
        self.problems.push(FieldProblem { field: name.to_owned(), problem, hint });
    }

    /// True where something is wrong with a parameter.
    pub(super) fn has_problem(&self, name: &str) -> bool {
        self.problems.iter().any(|problem| problem.field == name)
    }

    /// Says that `cursor` was not made here.
    pub(super) fn not_a_cursor(&mut self) {
        self.wrong(
            "cursor",
            say("não é um cursor desta API", "is not a cursor of this API"),
            Some(say(
                "use o `next_cursor` da página anterior, sem alterações",
                "use the `next_cursor` of the page before, unchanged",
            )),
        );
    }

    /// Takes a parameter that must be one of some words.
    pub(super) fn word(&mut self, name: &'static str, words: &[&str]) -> Option<String> {
        let value = self.take(name)?;
        if words.contains(&value.as_str()) {
            return Some(value);
        }
        let (problem, hint) = unknown_word(&value, words);
        self.wrong(name, problem, Some(hint));
        None
    }

    /// Takes a whole number within bounds.
    pub(super) fn number(&mut self, name: &'static str, least: i64, most: i64) -> Option<i64> {
        let value = self.take(name)?;
        let number = value.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong(
                name,
                say(
                    format!("precisa ser um número inteiro de {least} a {most}"),
                    format!("must be a whole number from {least} to {most}"),
                ),
                None,
            );
        }
        number
    }

    /// Takes `limit`, the number of rows of a page.
    pub(super) fn limit(&mut self) -> u32 {
        let limit = self.number("limit", 1, i64::from(LIMIT_MAX));
        limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(LIMIT_DEFAULT)
    }

    /// Ends the reading: refuses what nobody asked for and tells every problem.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            let hint = nearest(&name, &self.known).map_or_else(
                || {
                    let known = self.known.join(", ");
                    say(
                        format!("parâmetros aceitos: {known}"),
                        format!("known parameters: {known}"),
                    )
                },
                |near| say(format!("você quis dizer `{near}`?"), format!("did you mean `{near}`?")),
            );
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            self.wrong(&shown, say("parâmetro desconhecido", "unknown parameter"), Some(hint));
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(Problem::invalid(self.problems).into_bad_request())
    }
}
