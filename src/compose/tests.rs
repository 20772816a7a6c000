use super::*;
use crate::domain::draft::Support;

fn templates() -> Templates {
    Templates::load(None).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>())
    })
}

fn passage(locale: Locale, text: &str) -> Passage {
    Passage {
        article: "technical/reset-password".to_owned(),
        locale,
        heading: String::new(),
        score: 0.9,
        above_floor: true,
        text: text.to_owned(),
    }
}

fn input<'a>(locale: Locale, channel: Channel, passages: &'a [Passage]) -> ComposeInput<'a> {
    let (ai_disclosure, way_to_person, topic, category_name) = match locale {
        Locale::PtBr => (
            "Sou a assistente de IA da Prisma.",
            "Para falar com uma pessoa, responda ATENDENTE.",
            "a senha da sua conta",
            "Problema técnico",
        ),
        Locale::En => (
            "I'm the AI assistant at Prisma.",
            "To talk to a person, reply AGENT.",
            "your password",
            "Technical problem",
        ),
    };
    ComposeInput {
        locale,
        channel,
        brand: "Prisma",
        ai_disclosure,
        way_to_person,
        customer_name: Some("maria souza"),
        topic: Some(topic),
        category_name,
        sentiment: Sentiment::Neutral,
        register: Register::Casual,
        ticket_number: Some("2026-000123"),
        passages,
    }
}

#[test]
fn show_all() {
    let templates = templates();
    for locale in Locale::ALL {
        let passages = [passage(
            *locale,
            "Toque em **Esqueci minha senha**.\n\n1. Abra.\n2. Digite o e-mail.",
        )];
        for channel in [Channel::Whatsapp, Channel::Email] {
            for family in Family::ALL {
                let input = input(*locale, channel, &passages);
                let facts = NoticeFacts {
                    currency: "BRL",
                    amount_hundredths: Some(9900),
                    team: Some("financeiro"),
                    plan: Some("Profissional"),
                    answer_within: Some("1 hora"),
                    options: &["Um", "Dois"],
                    ..NoticeFacts::default()
                };
                let draft = notice(&templates, *family, &input, &facts).unwrap();
                eprintln!("=== {family} {channel} {locale}\n{}\n", draft.text);
                assert!(draft.ledger.iter().all(|e| e.support != Support::None));
            }
        }
    }
}
