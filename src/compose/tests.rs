use super::*;
use crate::domain::draft::Support;

const LINES: &[EmergencyLine<'_>] = &[
    EmergencyLine { name: "CVV", number: "188", when: "apoio emocional, 24 horas, de graça" },
    EmergencyLine { name: "SAMU", number: "192", when: "emergência médica" },
];

fn templates() -> Templates {
    Templates::load(None).unwrap_or_else(|problems| panic!("{problems:#?}"))
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

fn input(locale: Locale, channel: Channel, passages: &[Passage]) -> ComposeInput<'_> {
    let (ai_disclosure, way_to_person, topic, category_name) = match locale {
        Locale::PtBr => (
            "Sou a Aya, assistente de IA da Prisma.",
            "Para falar com uma pessoa, responda \"atendente\".",
            "a senha da sua conta",
            "Suporte técnico",
        ),
        Locale::En => (
            "I'm Aya, the AI assistant at Prisma.",
            "To talk to a person, just reply \"agent\".",
            "your password",
            "Technical support",
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

fn facts(locale: Locale, known: bool) -> NoticeFacts<'static> {
    if !known {
        return NoticeFacts::default();
    }
    let portuguese = locale == Locale::PtBr;
    NoticeFacts {
        team: Some(if portuguese { "Financeiro" } else { "Billing" }),
        answer_by: Some(if portuguese { "as 10:00 de hoje" } else { "10 am today" }),
        csat: true,
        low: true,
        waited: Some(if portuguese { "3 dias" } else { "3 days" }),
        closes_within: Some(if portuguese { "24 horas" } else { "24 hours" }),
        incident_text: Some(if portuguese { "O envio está lento" } else { "Sending is slow" }),
        next_update: Some(if portuguese { "30 minutos" } else { "30 minutes" }),
        callback: Some(if portuguese {
            ("14:00 de hoje", "16:00 de hoje")
        } else {
            ("2 pm today", "4 pm today")
        }),
        plan: Some(if portuguese { "Profissional" } else { "Professional" }),
        amount_hundredths: Some(123_456),
        currency: "BRL",
        next_charge: NaiveDate::from_ymd_opt(2026, 12, 10),
        reason: Some(if portuguese {
            "O prazo de desistência já terminou"
        } else {
            "The period for changing your mind is over"
        }),
        options: if portuguese {
            &["Mudar para um plano menor", "Cancelar a renovação"]
        } else {
            &["Move to a smaller plan", "Cancel the renewal"]
        },
        spanish: false,
    }
}

const STEPS: &str =
    "Toque em **Esqueci minha senha**.\n\n1. Abra a tela de entrada.\n2. Digite o e-mail da conta.";
const STEPS_EN: &str = "Tap **Forgot my password**.\n\n1. Open the sign-in screen.\n2. Enter the email of your account.";

/// Every family in every language, channel, tone and state of knowledge, with the words that describe the case.
fn every_draft(templates: &Templates) -> Vec<(String, DraftText, Vec<Passage>)> {
    let mut drafts = Vec::new();
    for locale in Locale::ALL {
        let text = if *locale == Locale::PtBr { STEPS } else { STEPS_EN };
        for channel in Channel::ALL {
            for (register, sentiment) in Register::ALL.iter().flat_map(|register| {
                Sentiment::ALL.iter().map(move |sentiment| (register, sentiment))
            }) {
                for known in [true, false] {
                    let passages = if known { vec![passage(*locale, text)] } else { Vec::new() };
                    let mut input = input(*locale, *channel, &passages);
                    input.register = *register;
                    input.sentiment = *sentiment;
                    if !known {
                        (input.customer_name, input.topic, input.ticket_number) =
                            (None, None, None);
                    }
                    for family in Family::ALL {
                        let case =
                            format!("{family} {locale} {channel} {register} {sentiment} {known}");
                        let signal = match family {
                            Family::SafetySelfHarm => Some(Signal::SelfHarm),
                            Family::SafetyChild => Some(Signal::ChildSafety),
                            Family::SafetyViolence => Some(Signal::Violence),
                            _ => None,
                        };
                        let lines = if known { LINES } else { &[] };
                        let draft = match signal {
                            Some(signal) => safety_text(templates, signal, &input, lines),
                            None => notice(templates, *family, &input, &facts(*locale, known)),
                        };
                        match draft {
                            Some(draft) => drafts.push((case, draft, passages.clone())),
                            None => assert!(
                                matches!(family, Family::Answer | Family::BillingAnswer) && !known,
                                "{case}"
                            ),
                        }
                    }
                }
            }
        }
    }
    drafts
}

#[test]
fn every_reply_keeps_the_rules_in_every_language_channel_and_tone() {
    let templates = templates();
    let drafts = every_draft(&templates);
    assert!(drafts.len() > 3_000, "{}", drafts.len());
    for (case, draft, passages) in &drafts {
        let input = input(draft.locale, Channel::Email, passages);
        let checked = verify(
            draft,
            &VerifyInput {
                locale: draft.locale,
                passages,
                ai_disclosure: input.ai_disclosure,
                way_to_person: input.way_to_person,
            },
        );
        let expected = Verification {
            coverage: 1.0,
            promises: 0,
            forbidden: 0,
            discloses_ai: true,
            offers_person: true,
            language_matches: true,
            unfilled: false,
        };
        assert_eq!(checked, expected, "{case}\n{}", draft.text);
        for broken in
            ["  ", " \n", " .", " ,", "()", "\n\n\n", "..", ". .", ":\n\n\n", " :", "null", "false"]
        {
            assert!(!draft.text.contains(broken), "{case}: {broken:?}\n{}", draft.text);
        }
        assert!(!draft.text.chars().any(|c| ('\u{e000}'..='\u{f8ff}').contains(&c)), "{case}");
        assert_eq!(draft.text.trim(), draft.text, "{case}");
    }
}

#[test]
fn a_passage_that_does_not_answer_is_never_quoted() {
    let templates = templates();
    let below = Passage { above_floor: false, ..passage(Locale::PtBr, STEPS) };
    let other_language = passage(Locale::En, STEPS_EN);
    for passages in
        [vec![], vec![below.clone()], vec![other_language.clone()], vec![below, other_language]]
    {
        let input = input(Locale::PtBr, Channel::Whatsapp, &passages);
        assert_eq!(compose(&templates, &input), None, "{passages:?}");
        let draft = notice(&templates, Family::BugReport, &input, &NoticeFacts::default()).unwrap();
        assert_eq!(draft.kind, DraftKind::Template);
        assert!(draft.ledger.iter().all(|e| e.support != Support::Passage), "{}", draft.text);
    }
}

#[test]
fn the_answer_is_the_passage_and_the_ledger_says_so() {
    let below = Passage { above_floor: false, ..passage(Locale::PtBr, "Outra coisa.") };
    let passages = [below, passage(Locale::PtBr, STEPS)];
    let draft = compose(&templates(), &input(Locale::PtBr, Channel::Whatsapp, &passages)).unwrap();
    assert_eq!(draft.kind, DraftKind::Extractive);
    insta::assert_snapshot!(draft.text, @r#"
    Oi, Maria! Vi que a sua dúvida é sobre a senha da sua conta. É assim:

    Toque em *Esqueci minha senha*.

    1. Abra a tela de entrada.
    2. Digite o e-mail da conta.

    Se travar em algum passo, me conta qual foi e o que apareceu na tela. O seu protocolo é 2026-000123.

    Sou a Aya, assistente de IA da Prisma. Para falar com uma pessoa, responda "atendente".
    "#);
    let supports: Vec<Support> = draft.ledger.iter().map(|entry| entry.support).collect();
    assert_eq!(
        supports,
        [
            Support::Ticket,
            Support::Template,
            Support::Template,
            Support::Passage,
            Support::Passage,
            Support::Passage,
            Support::Template,
            Support::Ticket,
            Support::Template,
            Support::Template,
        ]
    );
    assert!(draft.ledger.iter().all(|e| e.support != Support::Passage || e.passages == [1]));
}

#[test]
fn a_list_that_is_no_procedure_is_not_called_steps() {
    let templates = templates();
    for (text, expected) in [
        (
            "São dois planos.\n\n- Grátis.\n- Inicial.",
            "Se ficou alguma dúvida, é só responder aqui.",
        ),
        (STEPS, "Se travar em algum passo"),
    ] {
        let passages = [passage(Locale::PtBr, text)];
        let draft =
            compose(&templates, &input(Locale::PtBr, Channel::Whatsapp, &passages)).unwrap();
        assert!(draft.text.contains(expected), "{}", draft.text);
    }
}

#[test]
fn tone_follows_the_customer() {
    let templates = templates();
    let passages = [passage(Locale::PtBr, STEPS)];
    let first_line = |register, sentiment| {
        let mut input = input(Locale::PtBr, Channel::Whatsapp, &passages);
        (input.register, input.sentiment) = (register, sentiment);
        let draft = compose(&templates, &input).unwrap();
        draft.text.lines().next().unwrap().to_owned()
    };
    for (register, sentiment, expected) in [
        (
            Register::Casual,
            Sentiment::Neutral,
            "Oi, Maria! Vi que a sua dúvida é sobre a senha da sua conta. É assim:",
        ),
        (
            Register::Formal,
            Sentiment::Neutral,
            "Olá, Maria. Recebemos a sua mensagem sobre a senha da sua conta. Segue a orientação:",
        ),
        (
            Register::Neutral,
            Sentiment::Negative,
            "Olá, Maria. Sinto muito pelo transtorno. Sobre a senha da sua conta, o caminho é este:",
        ),
        (
            Register::Casual,
            Sentiment::Angry,
            "Olá, Maria. Entendo a sua frustração e vou direto ao ponto sobre a senha da sua conta.",
        ),
    ] {
        assert_eq!(first_line(register, sentiment), expected);
    }
}

#[test]
fn a_hostile_name_neither_breaks_nor_formats_the_reply() {
    let templates = templates();
    let long = "A".repeat(10_000);
    let passages = [passage(Locale::PtBr, STEPS)];
    for name in [
        "{{x}}",
        "{{> greeting}}",
        "*bold*",
        "<b>Ana</b>",
        "_x_",
        "~x~",
        "```",
        "[a](http://x.example)",
        "Ana\nSou seu chefe",
        "\u{f8f0}",
        "\u{202e}anA",
        "http://x.example",
        long.as_str(),
        "",
        " ",
    ] {
        for channel in [Channel::Whatsapp, Channel::Email] {
            let mut input = input(Locale::PtBr, channel, &passages);
            input.customer_name = Some(name);
            let draft = compose(&templates, &input).unwrap();
            assert!(draft.text.starts_with("Oi!"), "{name}: {}", draft.text);
        }
    }
    let mut input = input(Locale::PtBr, Channel::Whatsapp, &passages);
    input.ticket_number = Some("1\n\n*2*\u{f8f2}");
    assert!(compose(&templates, &input).unwrap().text.contains("O seu protocolo é 1 *2*."));
}

#[test]
fn a_reply_fits_its_channel_and_keeps_its_steps() {
    let templates = templates();
    let steps = ["1. Faça um.", "2. Faça dois.", "6. Faça seis."].join("\n");
    let tail = "Texto que sobra. ".repeat(40);
    let fits = passage(Locale::PtBr, &format!("Abertura.\n\n{steps}\n\n{tail}"));
    let long_steps = ["1.", "2.", "3.", "4.", "5.", "6."]
        .map(|n| format!("{n} {}", "Faça. ".repeat(20)))
        .join("\n");
    let longer = passage(Locale::PtBr, &format!("Abertura.\n\n{long_steps}"));
    let endless =
        passage(Locale::PtBr, &format!("Abertura.\n\n{}", [long_steps.as_str(); 5].join("\n")));
    for (name, passage, most, has_steps, has_tail) in [
        ("fits", fits, SHORT_REPLY, true, false),
        ("longer", longer, LONGEST_STEPS, true, false),
        ("endless", endless, SHORT_REPLY, false, false),
    ] {
        let passages = [passage];
        let draft =
            compose(&templates, &input(Locale::PtBr, Channel::Whatsapp, &passages)).unwrap();
        assert!(draft.text.chars().count() <= most, "{name}: {}", draft.text);
        assert!(draft.text.contains("Abertura."), "{name}");
        assert_eq!(draft.text.contains("6. Faça"), has_steps, "{name}: {}", draft.text);
        assert_eq!(draft.text.contains("sobra"), has_tail, "{name}");
    }
}

#[test]
fn the_safety_text_names_the_lines_and_only_dangers_have_one() {
    let templates = templates();
    let mut input = input(Locale::PtBr, Channel::Whatsapp, &[]);
    input.sentiment = Sentiment::Angry;
    let draft = safety_text(&templates, Signal::SelfHarm, &input, LINES).unwrap();
    assert_eq!(draft.kind, DraftKind::Safety);
    insta::assert_snapshot!(draft.text, @r#"
    Maria, que bom que você escreveu. Sinto muito que as coisas estejam tão difíceis. Você não precisa passar por isso sem companhia.

    Fale agora com quem pode te ouvir:
    - CVV: 188 (apoio emocional, 24 horas, de graça)
    - SAMU: 192 (emergência médica)

    Se você estiver em perigo neste momento, ligue para a emergência ou peça a alguém perto de você que fique ao seu lado.

    Sou a Aya, assistente de IA da Prisma. Uma pessoa da nossa equipe já foi chamada para esta conversa. Para falar com uma pessoa, responda "atendente".
    "#);
    assert_eq!(safety_text(&templates, Signal::Refund, &input, LINES), None);
}

#[test]
fn money_and_dates_in_a_reply_are_written_as_in_its_language() {
    let templates = templates();
    for (locale, amount, day) in [
        (Locale::PtBr, "R$ 1.234,56", "10/12/2026"),
        (Locale::En, "R$ 1,234.56", "10 December 2026"),
    ] {
        let input = input(locale, Channel::Email, &[]);
        let draft =
            notice(&templates, Family::BillingAnswer, &input, &facts(locale, true)).unwrap();
        assert!(draft.text.contains(amount) && draft.text.contains(day), "{}", draft.text);
    }
}

#[test]
fn a_company_template_replaces_ours_and_its_mistakes_are_told_with_their_line() {
    for (file, text, expected) in [
        (
            "refusal.pt-BR.hbs",
            "Oi\n{{nmae}}",
            "refusal.pt-BR.hbs:2: replies have no variable `nmae`; did you mean `name`?",
        ),
        (
            "refusal.en.hbs",
            "{{#if formal}}x\n{{else}}\n{{zzz}}{{/if}}",
            "refusal.en.hbs:3: replies have no variable `zzz`",
        ),
        (
            "refusal.en.hbs",
            "{{#if zzz}}a{{/if}}",
            "refusal.en.hbs:1: replies have no variable `zzz`",
        ),
        ("refusal.en.hbs", "a\n{{#if formal}}", "refusal.en.hbs:2: this is no valid template"),
        ("refusal.en.hbs", "a\nb {{> nothing}}", "refusal.en.hbs:2: cannot be rendered"),
        (
            "refusl.en.hbs",
            "a",
            "refusl.en.hbs:1: `refusl` is no family of replies; did you mean `refusal`?",
        ),
        ("refusal.fr.hbs", "a", "refusal.fr.hbs:1: `fr` is no locale of ours"),
        ("refusal.sms.en.hbs", "a", "refusal.sms.en.hbs:1: `sms` is no channel"),
        ("refusal.hbs", "a", "refusal.hbs:1: name it"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(file), text).unwrap();
        let problems = Templates::load(Some(folder.path())).err().unwrap_or_default();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(told.len() == 1 && told[0].starts_with(expected), "{file} {text:?}: {told:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("greeting.pt-BR.hbs"),
        "E aí{{#if name}}, {{name}}{{/if}}!\n",
    )
    .unwrap();
    let templates = Templates::load(Some(folder.path())).map_err(|p| format!("{p:?}")).unwrap();
    let passages = [passage(Locale::PtBr, STEPS)];
    let draft = compose(&templates, &input(Locale::PtBr, Channel::Whatsapp, &passages)).unwrap();
    assert!(draft.text.starts_with("E aí, Maria! Vi que"), "{}", draft.text);
    assert!(Templates::load(Some(&folder.path().join("missing"))).is_err());
}
