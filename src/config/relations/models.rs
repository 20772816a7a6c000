//! Relations between the settings of language models.
//!
//! What would make a model useless or spend money without a limit is an error. What merely has no effect, while another
//! setting still holds, is a warning.

use super::Check;
use crate::config::files::TranscriberSettings;
use crate::config::models::{BudgetSettings, ModelSettings, RungSettings};
use crate::config::problem::{Complaint, Origin};

/// Tokens of the shortest question of the shipped prompts, and of the longest answer to it.
const QUESTION: u32 = 1_500;
const ANSWER: u32 = 700;

impl Check<'_> {
    pub(super) fn models(&mut self, models: &ModelSettings) {
        let rungs =
            [("models.primary", &models.primary), ("models.escalation", &models.escalation)];
        for (section, rung) in rungs {
            self.rung(section, rung);
            self.lengths(section, rung);
            self.times(section, rung, models.turn_secs);
        }
        let primary_reported = self.problems.iter().any(|it| it.path.starts_with("models.primary"));
        if models.escalation.base_url.is_some()
            && models.primary.base_url.is_none()
            && !primary_reported
        {
            let path = "models.escalation.base_url";
            let complaint = Complaint::new(
                (
                    "há um segundo modelo, mas falta o primeiro",
                    "there is a second model but no first one",
                ),
                (
                    "defina [models.primary]; com um só modelo, use só essa seção",
                    "set [models.primary]; with a single model, use that section alone",
                ),
            );
            let origin = self.origin(path).cloned().unwrap_or(Origin::Default);
            self.problems.push(complaint.error(path, origin));
        }
        self.budget(&models.budget);
        if models.budget.daily_usd.is_some() || models.budget.monthly_usd.is_some() {
            for (section, rung) in rungs {
                self.prices(section, rung);
            }
            self.one_question(&models.budget, &models.primary);
        }
    }

    pub(super) fn transcriber(&mut self, settings: &TranscriberSettings) {
        let set = (settings.base_url.is_some(), settings.model.is_some());
        self.address_and_model("transcriber", set);
    }

    fn rung(&mut self, section: &str, rung: &RungSettings) {
        self.address_and_model(section, (rung.base_url.is_some(), rung.model.is_some()));
    }

    fn address_and_model(&mut self, section: &str, (address, named): (bool, bool)) {
        let (url, model) = (format!("{section}.base_url"), format!("{section}.model"));
        let reported = self.problems.iter().any(|it| it.path == url || it.path == model);
        if reported || address == named {
            return;
        }
        let complaint = Complaint::new(
            ("base_url e model só valem juntos", "base_url and model only work together"),
            (
                format!("defina os dois em [{section}], ou nenhum"),
                format!("set both in [{section}], or neither"),
            ),
        );
        let (path, origin) = self.set_among(&[&url, &model]);
        let problem = complaint.error(path, origin);
        self.problems.push(problem);
    }

    /// A question has a length too: where the answer leaves no room for one, none is ever asked.
    fn lengths(&mut self, section: &str, rung: &RungSettings) {
        let needed = QUESTION + rung.max_output.min(ANSWER);
        let with = format!("{section}.max_output");
        if let Some(context) = rung.context.filter(|context| *context < needed) {
            let complaint = Complaint::new(
                (
                    format!(
                        "em context ({context}) não cabe nem a pergunta mais curta com a sua resposta, uns {needed} tokens: nada seria perguntado"
                    ),
                    format!(
                        "context ({context}) does not even hold the shortest question with its answer, some {needed} tokens: nothing would be asked"
                    ),
                ),
                (
                    "aumente context até o que o servidor aceita, ou diminua max_output",
                    "raise context to what the server takes, or lower max_output",
                ),
            );
            self.pair([&format!("{section}.context"), &with], &complaint);
        }
        if let Some(limit) = rung.tokens_per_minute.filter(|limit| *limit < needed) {
            let complaint = Complaint::new(
                (
                    format!(
                        "tokens_per_minute ({limit}) não dá nem para uma pergunta por minuto, que com a sua resposta gasta ao menos {needed} tokens: quase nada seria perguntado"
                    ),
                    format!(
                        "tokens_per_minute ({limit}) does not even allow one question a minute, which takes {needed} tokens with its answer at least: next to nothing would be asked"
                    ),
                ),
                (
                    "aumente tokens_per_minute até o limite da sua conta, diminua max_output, ou tire tokens_per_minute se não há limite",
                    "raise tokens_per_minute to your account's limit, lower max_output, or remove tokens_per_minute where there is no limit",
                ),
            );
            self.pair([&format!("{section}.tokens_per_minute"), &with], &complaint);
        }
    }

    fn times(&mut self, section: &str, rung: &RungSettings, turn_secs: u64) {
        if rung.base_url.is_none() || rung.timeout_secs <= turn_secs {
            return;
        }
        let one = rung.timeout_secs;
        let complaint = Complaint::new(
            (
                format!(
                    "timeout_secs ({one}) passa de models.turn_secs ({turn_secs}): nenhuma tentativa chega a esperar tanto"
                ),
                format!(
                    "timeout_secs ({one}) is more than models.turn_secs ({turn_secs}): no attempt ever waits that long"
                ),
            ),
            (
                "aumente models.turn_secs, que vale para todas as perguntas de um turno, ou diminua timeout_secs",
                "raise models.turn_secs, which holds for all questions about a turn, or lower timeout_secs",
            ),
        );
        let path = format!("{section}.timeout_secs");
        let (path, origin) = self.set_among(&[&path, "models.turn_secs"]);
        let problem = complaint.warning(path, origin);
        self.problems.push(problem);
    }

    /// Before a question is asked, the most that it may cost is set aside: a budget that does not hold one never asks.
    fn one_question(&mut self, budget: &BudgetSettings, rung: &RungSettings) {
        let (Some(input), Some(output)) = (rung.price_input, rung.price_output) else { return };
        let answer = f64::from(rung.max_output.min(ANSWER));
        let cost = (f64::from(QUESTION) * input + answer * output) / 1e6;
        let share = f64::from(budget.embedded_only_at) / 100.0;
        for (key, limit) in [("daily_usd", budget.daily_usd), ("monthly_usd", budget.monthly_usd)] {
            let path = format!("models.budget.{key}");
            let Some(limit) = limit.filter(|limit| rung.base_url.is_some() && limit * share < cost)
            else {
                continue;
            };
            let complaint = Complaint::new(
                (
                    format!(
                        "em {key} ({limit}) não cabe nem uma pergunta, que custa ao menos US$ {cost:.6}: nada seria perguntado"
                    ),
                    format!(
                        "{key} ({limit}) does not hold a single question, which costs US$ {cost:.6} at least: nothing would be asked"
                    ),
                ),
                (
                    "aumente o orçamento, confira os preços (por milhão de tokens), ou tire [models.primary] para não usar modelo",
                    "raise the budget, check the prices (per million tokens), or remove [models.primary] to use no model",
                ),
            );
            let origin = self.origin(&path).cloned().unwrap_or(Origin::Default);
            self.problems.push(complaint.error(&path, origin));
            return;
        }
    }

    fn budget(&mut self, budget: &BudgetSettings) {
        if let (Some(day), Some(month)) = (budget.daily_usd, budget.monthly_usd)
            && day > month
        {
            let complaint = Complaint::new(
                (
                    format!(
                        "o orçamento do dia ({day}) passa do orçamento do mês ({month}) e nunca é atingido"
                    ),
                    format!(
                        "the day's budget ({day}) is more than the month's ({month}) and is never reached"
                    ),
                ),
                (
                    "confira se não estão trocados; para limitar só o mês, tire daily_usd",
                    "check that they are not swapped; to limit the month alone, remove daily_usd",
                ),
            );
            let (path, origin) =
                self.set_among(&["models.budget.daily_usd", "models.budget.monthly_usd"]);
            self.problems.push(complaint.warning(path, origin));
        }
        let (off, none) = (budget.escalation_off_at, budget.embedded_only_at);
        let path = "models.budget.escalation_off_at";
        // Its default alone is nobody's wish.
        if off > none
            && let Some(origin) = self.origin(path).cloned()
        {
            let complaint = Complaint::new(
                (
                    format!(
                        "escalation_off_at ({off}) passa de embedded_only_at ({none}), a partir do qual nenhum modelo é consultado"
                    ),
                    format!(
                        "escalation_off_at ({off}) is more than embedded_only_at ({none}), from which no model is asked any more"
                    ),
                ),
                (
                    "diminua escalation_off_at ou aumente embedded_only_at",
                    "lower escalation_off_at or raise embedded_only_at",
                ),
            );
            self.problems.push(complaint.warning(path, origin));
        }
    }

    /// Whoever sets a budget counts on it: a model without a price would spend without ever reaching it. A price that
    /// is written down counts, also that of 0.
    fn prices(&mut self, section: &str, rung: &RungSettings) {
        let missing = rung.missing_prices();
        let reported = |key: &&str| {
            let path = format!("{section}.{key}");
            self.problems.iter().any(|problem| problem.path == path)
        };
        if rung.base_url.is_none() || missing.is_empty() || missing.iter().all(reported) {
            return;
        }
        let (pt, en) = match missing.as_slice() {
            [one] => (format!("falta {one}"), (*one).to_owned()),
            all => (format!("faltam {}", all.join(" e ")), all.join(" and ")),
        };
        let complaint = Complaint::new(
            (
                format!(
                    "há um orçamento, mas {pt} em [{section}]: o que se gasta ali não contaria"
                ),
                format!(
                    "there is a budget, but [{section}] lacks {en}: what is spent there would not count"
                ),
            ),
            (
                "defina o preço; num servidor próprio, que nada cobra por token, escreva 0",
                "set the price; for a server of your own, which charges nothing per token, write 0",
            ),
        );
        let (path, origin) =
            self.set_among(&["models.budget.daily_usd", "models.budget.monthly_usd"]);
        self.problems.push(complaint.error(path, origin));
    }
}
