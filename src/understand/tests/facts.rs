use proptest::prelude::*;

use super::*;
use crate::domain::signal::Signal;

#[test]
fn moods_are_told_apart() {
    use Sentiment::{Angry, Negative, Neutral, Positive};
    let mut wrong = Vec::new();
    for (text, expected) in [
        ("Como faço para trocar minha senha?", Neutral),
        ("Bom dia, gostaria de saber o preço do plano anual", Neutral),
        ("How do I export my contacts?", Neutral),
        ("qual o melhor plano pra mim?", Neutral),
        ("Amei o atendimento, vocês são incríveis!", Positive),
        ("Thank you so much, great support", Positive),
        ("adorei ❤️", Positive),
        ("obrigada!", Positive),
        (
            "Boa tarde. Infelizmente o sistema continua apresentando erro, poderiam verificar por gentileza? Obrigado",
            Negative,
        ),
        ("Estou um pouco decepcionado com a demora", Negative),
        ("I'm disappointed with the service, though I appreciate your effort", Negative),
        ("não estou satisfeito", Negative),
        ("ninguém me responde há dias", Negative),
        ("PÉSSIMO ATENDIMENTO!!! VOCÊS SÃO UMA VERGONHA", Angry),
        ("que palhaçada é essa, absurdo", Angry),
        ("isso é um absurdo!!!", Angry),
        ("This is unacceptable, worst service ever!!", Angry),
        ("cansei, vocês são uns incompetentes", Angry),
        ("wtf fix this now", Angry),
        ("muito puto com vcs", Angry),
        ("nao e nada ruim", Neutral),
        ("sem problemas", Neutral),
    ] {
        let got = understand(text).sentiment;
        let score = got.score.unwrap();
        let band = match expected {
            Negative | Angry => score < 0.3,
            Neutral | Positive => score >= 0.3,
        };
        if got.value != expected || !band {
            wrong.push(format!("{text:?}: {} {score}, not {expected}", got.value));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn urgency_is_a_floor_that_negation_names_and_signatures_do_not_raise() {
    use Urgency::{Critical, High, Low, Normal};
    let mut wrong = Vec::new();
    for (text, expected) in [
        ("é urgente!", Critical),
        ("URGENTEEEE", Critical),
        ("não é urgente", Normal),
        ("it's not urgent", Normal),
        ("this isn't broken", Normal),
        ("nada urgente, só uma dúvida", Low),
        ("não consigo acessar, é urgente", Critical),
        ("não funciona", High),
        ("Qual o preço?\n\n--\nJoão\nURGENT Solutions", Normal),
        ("Trabalho na Urgente Solutions Ltda e quero o preço", Normal),
        ("a etiqueta \"urgente\" aparece na lista", Normal),
        ("quero morrer", Critical),
        ("hackearam minha conta", High),
        ("obrigado", Low),
        ("tenho uma dúvida mas dá erro", High),
    ] {
        let got = understand(text).urgency.value;
        if got != expected {
            wrong.push(format!("{text:?}: {got}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn categories_come_with_honest_confidence() {
    for (text, category, sub, low, high) in [
        (
            "minha fatura veio com cobrança no cartão, cadê o boleto e a nota fiscal",
            "billing",
            None,
            0.8,
            0.95,
        ),
        ("boleto", "billing", None, 0.5, 0.7),
        ("não consigo acessar com minha senha", "technical", Some("login"), 0.7, 0.95),
        ("erro no boleto", "billing", None, 0.3, 0.5),
        ("bom dia", "general", None, 0.2, 0.35),
    ] {
        let got = understand(text);
        let sure = got.category.confidence.get();
        assert_eq!(got.category.value, category, "{text:?}");
        assert_eq!(got.subcategory.value.as_deref(), sub, "{text:?}");
        assert!((low..=high).contains(&sure), "{text:?}: {sure}");
    }
    let given = Given { category: Some("onboarding".to_owned()), ..Given::default() };
    let got = understand_in("boleto", &Case { subject: None, history: &[], given });
    assert_eq!((got.category.value.as_str(), got.category.engine), ("onboarding", Engine::Given));
    let history = [past(Author::Customer, "meu boleto venceu"), past(Author::Ai, "Vou verificar.")];
    let got = understand_in(
        "e aí, alguma novidade",
        &Case { subject: None, history: &history, given: Given::default() },
    );
    assert_eq!(got.category.value, "billing");
}

#[test]
fn facts_are_counted() {
    for (text, affected) in [
        ("120 clientes sem acesso", Some(120)),
        ("mais de 100 usuários não conseguem entrar", Some(100)),
        ("this affects 300 users", Some(300)),
        ("2 mil clientes parados", Some(2000)),
        ("1.200 clientes sem acesso", Some(1200)),
        ("quero o plano para 50 usuários", None),
        ("sem acesso", None),
    ] {
        assert_eq!(understand(text).extra.affected, affected, "{text:?}");
    }
    for (text, set) in [
        ("cancelem minha assinatura até dia 30", true),
        ("cancel my account by Friday", true),
        ("quero cancelar até o fim do mês", true),
        ("quero cancelar minha assinatura", false),
        ("meu boleto vence dia 30", false),
    ] {
        assert_eq!(understand(text).extra.cancellation_date_set, Some(set), "{text:?}");
    }
    for (text, amount) in [
        ("quero reembolso de R$ 1.234,56", Some(1234.56)),
        ("please refund BRL 1,234.56", Some(1234.56)),
        ("me devolvam 89,90 reais, quero estorno", Some(89.9)),
        ("pago R$ 50 por mês. quero reembolso de R$ 300", Some(300.0)),
        ("refund my $40", None),
        ("o plano custa R$ 99", None),
    ] {
        assert_eq!(understand(text).extra.refund_amount, amount, "{text:?}");
    }
    for (text, named) in
        [("vou para o zendesk", true), ("vou para o concorrente", true), ("quero ajuda", false)]
    {
        assert_eq!(understand(text).extra.competitor_named, Some(named), "{text:?}");
    }
    for (text, questions) in
        [("Oi? Tudo bem??", 2), ("como faço pra emitir nota", 1), ("quero ajuda", 0)]
    {
        assert_eq!(understand(text).extra.questions, questions, "{text:?}");
    }
}

#[test]
fn an_answer_to_our_question_is_no_mere_courtesy() {
    let asked = [past(Author::Ai, "Posso cancelar o pedido para você?")];
    let offered = [past(Author::Ai, "Pronto! Posso ajudar em mais alguma coisa?")];
    let has = |text: &str, history: &[PastMessage]| {
        let case = Case { subject: None, history, given: Given::default() };
        understand_in(text, &case).signals.iter().any(|hit| hit.signal == Signal::ThankYou)
    };
    assert!(!has("perfeito", &asked));
    assert!(has("perfeito", &offered));
    assert!(has("ok obrigado", &asked));
}

#[test]
fn a_subject_is_read_but_is_no_part_of_a_courtesy() {
    let case =
        Case { subject: Some("Re: cobrança indevida"), history: &[], given: Given::default() };
    let got = understand_in("quero reembolso", &case);
    assert_eq!(got.category.value, "billing");
    let case = Case { subject: Some("Re: seu chamado"), history: &[], given: Given::default() };
    let got = understand_in("Obrigada!", &case);
    assert!(got.signals.iter().any(|hit| hit.signal == Signal::ThankYou), "{:?}", got.signals);
}

#[test]
fn no_reason_repeats_the_customer() {
    let got = understand("quero cancelar, vocês são uns ladrões Xyzzy, cobraram duas vezes R$ 10");
    let reasons = format!(
        "{:?}{:?}{:?}{:?}",
        got.category.reasons, got.urgency.reasons, got.sentiment.reasons, got.signals
    );
    for word in ["Xyzzy", "xyzzy", "ladr", "duas vezes"] {
        assert!(!reasons.contains(word), "{word}: {reasons}");
    }
}

#[test]
fn strange_texts_are_understood_without_panic_in_linear_time() {
    for text in [
        String::new(),
        " \n\t ".to_owned(),
        "👍".to_owned(),
        "\0\0\0".to_owned(),
        "مرحبا كيف حالك".to_owned(),
        "z\u{335}\u{321}a\u{302}l\u{337}g\u{338}o".to_owned(),
        "quero cancelar ".repeat(70_000),
        "nao ".repeat(260_000),
        "> \"".repeat(300_000),
        "a".repeat(1_000_000),
        "é".repeat(500_000),
        "\n".repeat(1_000_000),
        "(".repeat(1_000_000),
        "1.".repeat(500_000),
    ] {
        let got = understand(&text);
        assert_eq!(
            text.len() > 30_000,
            got.category.reasons.iter().any(|r| r.contains("long text")),
            "{} bytes",
            text.len()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_is_understood(text in "\\PC{0,120}|[a-zãé \"'>\\n.?!0-9R$,]{0,200}") {
        let got = understand(&text);
        prop_assert!((0.0..=1.0).contains(&got.sentiment.score.unwrap()));
        prop_assert!((0.0..=1.0).contains(&got.complexity.score.unwrap()));
    }
}
