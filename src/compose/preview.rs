//! A template as customers would read it, with sample tickets: for whoever writes it, before anybody gets it.

use chrono::NaiveDate;

use super::context::{self, AnswerText};
use super::register::Register;
use super::templates::Templates;
use super::{ComposeInput, EmergencyLine, NoticeFacts, ledger, markup};
use crate::domain::channel::Channel;
use crate::domain::labels::{Locale, Sentiment};

crate::domain::words! {
    /// A sample ticket.
    SampleCase {
        /// Everything is known of it.
        Known = "known",
        /// Nothing is known of it.
        Bare = "bare",
        /// Its customer is furious.
        Angry = "angry",
    }
}

/// What the business says of itself in every reply.
#[derive(Clone, Copy, Debug)]
pub struct House<'a> {
    /// The name customers know it by.
    pub brand: &'a str,
    /// The sentence that says a machine writes.
    pub ai_disclosure: &'a str,
    /// The sentence that tells how to reach a person.
    pub way_to_person: &'a str,
}

/// What a template came to with a sample ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// Which ticket.
    pub case: SampleCase,
    /// Where the reply goes.
    pub channel: Channel,
    /// What the customer reads; empty where the template has nothing to say.
    pub text: String,
    /// What they can tap.
    pub choices: Vec<String>,
}

/// The passage that sample tickets are answered with, in Markdown.
pub const fn sample_passage(locale: Locale) -> &'static str {
    match locale {
        Locale::PtBr => {
            "A segunda via do boleto fica na **Área do cliente**.\n\n1. Abra *Financeiro*.\n2. Escolha o mês.\n3. Toque em *Baixar boleto*."
        }
        Locale::En => {
            "A copy of your invoice is in the **customer area**.\n\n1. Open *Billing*.\n2. Choose the month.\n3. Press *Download*."
        }
    }
}

impl Templates {
    /// Renders the file of that name with each sample ticket, for WhatsApp and for mail, or for its own channel.
    pub fn sampled(&self, file: &str, house: &House<'_>) -> Vec<Sampled> {
        let Some((locale, own)) = Self::place_of(file) else { return Vec::new() };
        let channels = own.map_or_else(|| self.channels_of(file), |own| vec![own]);
        let mut all = Vec::new();
        for channel in channels {
            for case in SampleCase::ALL {
                let context = sample(house, locale, channel, *case);
                let Some(rendered) = self.render_file(file, channel, context) else { continue };
                let (text, _) = ledger::account(&rendered.text, 0);
                all.push(Sampled { case: *case, channel, text, choices: rendered.choices });
            }
        }
        all
    }
}

/// The variables of a sample ticket.
fn sample(
    house: &House<'_>,
    locale: Locale,
    channel: Channel,
    case: SampleCase,
) -> serde_json::Value {
    let [topic, category, team, by, plan, reason, options, from, until] = match locale {
        Locale::PtBr => [
            "a segunda via do boleto",
            "Cobrança",
            "Financeiro",
            "as 18:00 de hoje",
            "Profissional",
            "O prazo para esse pedido terminou em 30/11.",
            "Você pode trocar de plano a qualquer momento.",
            "14:00 de 23/11",
            "16:00 de 23/11",
        ],
        Locale::En => [
            "the copy of your invoice",
            "Billing",
            "Billing team",
            "6 pm today",
            "Professional",
            "The time for this request ended on 30 November.",
            "You can change your plan at any time.",
            "2 pm on 23 November",
            "4 pm on 23 November",
        ],
    };
    let [waited, closes, next, incident] = match locale {
        Locale::PtBr => {
            ["3 dias", "24 horas", "30 minutos", "Os boletos não estão abrindo desde as 9:30."]
        }
        Locale::En => {
            ["3 days", "24 hours", "30 minutes", "Invoices have not been opening since 9:30 am."]
        }
    };
    let known = case != SampleCase::Bare;
    let input = ComposeInput {
        locale,
        channel,
        brand: house.brand,
        ai_disclosure: house.ai_disclosure,
        way_to_person: house.way_to_person,
        customer_name: known.then_some("Maria Souza"),
        topic: known.then_some(topic),
        category_name: if known { category } else { "" },
        sentiment: if case == SampleCase::Angry { Sentiment::Angry } else { Sentiment::Neutral },
        register: Register::Neutral,
        ticket_number: known.then_some("2026-000123-4"),
        passages: &[],
    };
    let facts = NoticeFacts {
        team: known.then_some(team),
        answer_by: known.then_some(by),
        csat: known,
        low: false,
        waited: known.then_some(waited),
        closes_within: known.then_some(closes),
        incident_text: known.then_some(incident),
        next_update: known.then_some(next),
        callback: known.then_some((from, until)),
        plan: known.then_some(plan),
        amount_hundredths: known.then_some(9_900),
        currency: "BRL",
        next_charge: NaiveDate::from_ymd_opt(2026, 12, 10).filter(|_| known),
        reason: known.then_some(reason),
        options: if known { std::slice::from_ref(&options) } else { &[] },
        spanish: false,
    };
    let line = EmergencyLine { name: "CVV", number: "188", when: "24 h" };
    let text = markup::for_channel(sample_passage(locale), channel);
    let answer = AnswerText { text, has_steps: true };
    context::of(&input, &facts, std::slice::from_ref(&line), known.then_some(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_shown_with_every_sample_on_its_channels() {
        let templates = Templates::load(None).unwrap();
        let house =
            House { brand: "Prisma", ai_disclosure: "Sou uma IA", way_to_person: "Diga ATENDENTE" };
        for file in super::super::shipped().keys() {
            let shown = templates.sampled(file, &house);
            let (_, own) = Templates::place_of(file).unwrap();
            let (family, rest) = file.split_once('.').unwrap();
            let has_mail = super::super::shipped().contains_key(&format!("{family}.email.{rest}"));
            let channels = if own.is_some() || has_mail { 1 } else { 2 };
            assert_eq!(shown.len(), channels * SampleCase::ALL.len(), "{file}");
            assert!(shown.iter().all(|one| !one.text.contains(['\u{f8f0}', '\u{f8f3}'])), "{file}");
        }
        let answer = templates.sampled("answer.pt-BR.hbs", &house);
        assert!(answer[0].text.contains("*Área do cliente*"), "{}", answer[0].text);
        assert_eq!(templates.sampled("nothing.pt-BR.hbs", &house), []);
    }
}
