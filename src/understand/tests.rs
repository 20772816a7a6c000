use super::*;
use crate::domain::confidence::Confidence;
use crate::domain::field::Engine;
use crate::domain::message::Author;
use crate::domain::signal::Signal;
use std::sync::Arc;
use vocabulary::{CategoryWords, UrgencyWords};

mod facts;
mod fresh;
mod must_fire;
mod must_not_fire;
mod unasked;

pub(super) fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|w| (*w).to_owned()).collect()
}

pub(super) fn sample() -> Vocabulary {
    let category = |id: &str, keywords: &[&str], subs: &[(&str, &[&str])]| CategoryWords {
        id: id.to_owned(),
        keywords: words(keywords),
        subcategories: subs
            .iter()
            .map(|(id, keywords)| CategoryWords {
                id: (*id).to_owned(),
                keywords: words(keywords),
                subcategories: Vec::new(),
            })
            .collect(),
    };
    let rule = |id: &str, level: Urgency, keywords: &[&str]| UrgencyWords {
        id: id.to_owned(),
        level,
        keywords: words(keywords),
    };
    Vocabulary {
        categories: vec![
            category(
                "billing",
                &[
                    "cobranç*",
                    "fatura*",
                    "boleto*",
                    "cartão",
                    "invoice*",
                    "charg*",
                    "payment*",
                    "nota fiscal",
                ],
                &[("refund", &["reembols*", "refund*", "dinheiro de volta"])],
            ),
            category(
                "technical",
                &[
                    "não consigo (acessar|entrar)",
                    "erro",
                    "error",
                    "não funciona",
                    "log in",
                    "api",
                    "senha",
                ],
                &[("login", &["senha", "não consigo (acessar|entrar)", "log in"])],
            ),
            category("onboarding", &["primeiro acesso", "começar a usar", "get started"], &[]),
        ],
        urgency: vec![
            rule("now", Urgency::Critical, &["urgente", "urgência", "urgent", "emergency"]),
            rule("broken", Urgency::High, &["não funciona", "not working", "broken", "erro"]),
            rule("idea", Urgency::Low, &["sugestão", "feature request", "dúvida"]),
        ],
        default_category: "general".to_owned(),
        default_urgency: Some(Urgency::Normal),
        safety_category: None,
        competitors: words(&["zendesk"]),
        currency: "BRL".to_owned(),
    }
}

thread_local! {
    static ENGINE: Understander = Understander::new(&sample(), Arc::default());
}

pub(super) struct Case<'a> {
    pub(super) subject: Option<&'a str>,
    pub(super) history: &'a [PastMessage],
    pub(super) given: Given,
}

pub(super) fn understand(text: &str) -> Understood {
    understand_in(text, &Case { subject: None, history: &[], given: Given::default() })
}

pub(super) fn understand_in(text: &str, case: &Case<'_>) -> Understood {
    let portuguese = text.split_whitespace().any(|w| {
        ["que", "não", "nao", "o", "de", "meu", "minha", "vou", "no", "uma", "um", "vc", "quero"]
            .contains(&w.to_lowercase().as_str())
    });
    let language = if portuguese { Language::PtBr } else { Language::En };
    let turn = TurnView {
        channel: Channel::Whatsapp,
        subject: case.subject,
        text,
        history: case.history,
        given: &case.given,
        flags: MessageFlags::default(),
        conversation_language: None,
        default_language: Locale::PtBr,
    };
    ENGINE.with(|engine| {
        engine.understand(&turn, Field::new(language, Confidence::CERTAIN, Engine::Lingua))
    })
}

pub(super) fn signals(text: &str) -> Vec<Signal> {
    understand(text).signals.into_iter().map(|hit| hit.signal).collect()
}

pub(super) fn past(author: Author, text: &str) -> PastMessage {
    PastMessage { author, text: text.to_owned(), at: None }
}
