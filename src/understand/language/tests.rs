//! What customers write, and in which language it is.

use super::*;
use Language::{En, Es, PtBr, Und};

/// First messages of a conversation with a Brazilian business.
#[rustfmt::skip]
const FIRST: &[(Language, &str)] = &[
    (PtBr, "quero cancelar"), (PtBr, "quero cancelar meu pedido"), (PtBr, "preciso de ajuda"),
    (PtBr, "meu pedido não chegou"), (PtBr, "meu pedido nao chegou"), (PtBr, "oi bom dia"),
    (PtBr, "oi"), (PtBr, "Olá"), (PtBr, "bom dia"), (PtBr, "boa tarde"), (PtBr, "obrigado"),
    (PtBr, "obg"), (PtBr, "vlw"), (PtBr, "n chegou"), (PtBr, "ñ chegou ainda"), (PtBr, "cadê meu pedido"),
    (PtBr, "cade"), (PtBr, "segunda via do boleto"), (PtBr, "vc pode me ajudar?"), (PtBr, "sim"),
    (PtBr, "não"), (PtBr, "tudo bem"), (PtBr, "não funciona"), (PtBr, "nao funciona"),
    (PtBr, "meu login não funciona no app, dá timeout"), (PtBr, "o checkout tá dando erro 500"),
    (PtBr, "deu bug no dashboard"), (PtBr, "quero fazer upgrade do plano"),
    (PtBr, "como faço o reset da senha?"), (PtBr, "não recebi o email de confirmação"),
    (PtBr, "quero falar com um atendente"), (PtBr, "falar com humano"), (PtBr, "cobraram duas vezes"),
    (PtBr, "fui cobrado duas vezes no cartão"), (PtBr, "estorno"), (PtBr, "quero meu dinheiro de volta"),
    (PtBr, "qual o prazo de entrega?"), (PtBr, "ja paguei o boleto"), (PtBr, "pix não caiu"),
    (PtBr, "kkkkk"), (PtBr, "péssimo atendimento"), (PtBr, "VOCÊS SÃO UNS LADRÕES"),
    (PtBr, "alguém me ajuda"), (PtBr, "como altero meu endereço"), (PtBr, "produto veio quebrado"),
    (PtBr, "quanto custa?"), (PtBr, "esqueci a senha"), (PtBr, "Cancelamento"), (PtBr, "reclamação"),
    (PtBr, "nota fiscal errada"), (PtBr, "vou no procon"), (PtBr, "onde tá minha encomenda"),
    (PtBr, "qdo chega?"), (PtBr, "hj eu recebo?"), (PtBr, "to esperando faz 3 dias"),
    (PtBr, "tem como parcelar?"), (PtBr, "a loja é aberta no domingo?"),
    (PtBr, "A API de vocês retorna timeout em produção"), (PtBr, "meu cpf é [CPF_1]"),
    (PtBr, "Gostaria de saber sobre o status do pedido 48291"), (PtBr, "não"),
    (PtBr, "I love it não, quero devolver o meu"), (PtBr, "como faz o login no Power Query de vcs"),
    (PtBr, "Prezados, solicito a segunda via da fatura"), (PtBr, "boa noite, tudo bem?"),
    (PtBr, "rua das flores 123 cep [CEP_1] bairro centro"),
    (En, "hi"), (En, "hello"), (En, "thanks"), (En, "thank you so much"), (En, "Where is my order?"),
    (En, "help"), (En, "I need help"), (En, "cancel my subscription"), (En, "not working"),
    (En, "it doesn't work"), (En, "it doesn’t work"), (En, "refund please"), (En, "I was charged twice"),
    (En, "can't log in"), (En, "cant login"), (En, "good morning"), (En, "how do I reset my password?"),
    (En, "my package never arrived"), (En, "talk to a human"), (En, "speak to a manager"),
    (En, "is the store open on Sunday?"), (En, "wrong item delivered"), (En, "the app keeps crashing"),
    (En, "App crash on startup"), (En, "what's the status of order 48291"), (En, "yes"),
    (En, "no thanks"), (En, "please delete my account"), (En, "You people are a joke"),
    (En, "billing question"), (En, "I paid by pix and nothing happened"), (En, "unsubscribe me"),
    (En, "Why was my card declined?"), (En, "any update?"), (En, "still waiting"),
    (En, "My boleto expired, can I get another one?"), (En, "I live in São Paulo and my order is late"),
    (En, "THIS IS UNACCEPTABLE"), (En, "Do you ship to Brazil?"), (En, "As usual, no answer"),
    (En, "Hi, please cancel my plan.\n\nAtenciosamente,\nMaria da Conceição\nRua das Flores, São Paulo"),
    (En, "We cannot log in since this morning.\n> Em seg., João escreveu:\n> não recebemos a sua mensagem, pode reenviar?"),
    (En, "Could you check this for me?\n--\nJoão Gonçalves\nGerente de Operações\nEsta mensagem é confidencial"),
    (Es, "no funciona el botón"), (Es, "necesito ayuda"), (Es, "mi pedido no llegó"),
    (Es, "hola buenas"), (Es, "hola"), (Es, "buenos días"), (Es, "gracias"), (Es, "quiero cancelar"),
    (Es, "quiero cancelar mi pedido"), (Es, "¿dónde está?"), (Es, "me cobraron dos veces"),
    (Es, "no puedo entrar a mi cuenta"), (Es, "mi tarjeta fue rechazada"), (Es, "todavía no llega"),
    (Es, "quiero hablar con una persona"), (Es, "buenas tardes, necesito una factura"),
    (Es, "el producto llegó roto"), (Es, "olvidé mi contraseña"), (Es, "cuánto cuesta el envío"),
    (Es, "donde esta mi paquete"), (Es, "muy mal servicio"), (Es, "la aplicación no abre"),
    (Es, "jajaja"), (Es, "Ayúdenme por favor, es urgente"), (Es, "ya pagué"),
    (Es, "quisiera saber cuándo llega el pedido"), (Es, "no me llega el correo de confirmación"),
    (Und, "我的订单还没到"), (Und, "Где мой заказ?"), (Und, "أين طلبي"), (Und, "Πού είναι η παραγγελία μου;"),
    (Und, "주문이 도착하지 않았어요"), (Und, "注文が届きません"), (Und, "Ich habe meine Bestellung nicht erhalten"),
    (Und, "Wo ist meine Bestellung?"), (Und, "Bonjour, je n'ai pas reçu ma commande"),
    (Und, "Je voudrais annuler mon abonnement, merci"), (Und, "Non ho ancora ricevuto il mio ordine"),
    (Und, "Buongiorno, vorrei un rimborso"), (Und, "Waar blijft mijn bestelling? Ik heb niet ontvangen"),
    (Und, "Nie mogę się zalogować, proszę o pomoc"), (Und, "Siparişim hâlâ gelmedi, bu ne zaman"),
    (Und, "Minun tilaukseni puuttuu vieläkin kotoa eilen illalla"),
    // Nothing to go by: the business's language.
    (PtBr, ""), (PtBr, "👍"), (PtBr, "12345"), (PtBr, "???"), (PtBr, "[CPF_1]"), (PtBr, "ok"),
    (PtBr, "https://example.com/where/is/my/order"), (PtBr, "ana@example.com"), (PtBr, "iPhone 13"),
    (PtBr, "problema urgente"), (PtBr, "cancelar pedido"), (PtBr, "Pedido 48291"),
];

#[test]
fn a_first_message_is_in_the_language_a_reader_would_say() {
    assert!(FIRST.len() >= 120);
    let detector = Detector::new();
    let wrong: Vec<String> = FIRST
        .iter()
        .map(|(language, text)| (language, text, detector.detect(text, None, Locale::PtBr)))
        .filter(|(language, _, got)| got.value != **language)
        .map(|(language, text, got)| format!("{language} {text:?}: {got:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_language_hardly_depends_on_the_business_where_the_words_are_plain() {
    let detector = Detector::new();
    for (language, text) in FIRST.iter().take(FIRST.len() - 12) {
        let got = detector.detect(text, None, Locale::En);
        assert_eq!(got.value, *language, "{text:?}: {got:?}");
    }
    assert_eq!(detector.detect("👍", None, Locale::En).value, En);
    assert_eq!(detector.detect("problema urgente", None, Locale::En).value, PtBr);
}

#[test]
fn a_conversation_keeps_its_language_until_the_evidence_is_clear() {
    let detector = Detector::new();
    #[rustfmt::skip]
    let table = [
        (PtBr, "ok", PtBr), (PtBr, "thanks", PtBr), (PtBr, "gracias", PtBr), (PtBr, "👍", PtBr),
        (PtBr, "hello", PtBr), (PtBr, "no funciona", PtBr), (PtBr, "mi pedido", PtBr),
        (En, "obrigado", En), (En, "ok", En), (En, "12345", En), (En, "pix", En), (En, "oi", En),
        (Es, "oi", Es), (Es, "quero cancelar", Es), (Es, "problema urgente", Es), (Es, "ok", Es),
        (PtBr, "Sorry, I don't speak Portuguese. Can you answer in English?", En),
        (PtBr, "hola, no hablo portugués, quiero cancelar mi pedido", Es),
        (En, "na verdade prefiro falar em português, vocês podem me ajudar?", PtBr),
        (Es, "não entendo espanhol, pode falar em português por favor?", PtBr),
        (PtBr, "我的订单还没到，请帮忙", Und),
        (PtBr, "Ich habe meine Bestellung noch nicht erhalten, bitte", Und),
        (Und, "quero cancelar", PtBr),
    ];
    for (conversation, text, expected) in table {
        let got = detector.detect(text, Some(conversation), Locale::PtBr);
        assert_eq!(got.value, expected, "{conversation} {text:?}: {got:?}");
    }
}

#[test]
fn confidence_says_how_much_there_was_to_go_by() {
    let detector = Detector::new();
    let nothing = detector.detect("👍", None, Locale::PtBr);
    assert_eq!((nothing.engine, nothing.confidence.get()), (Engine::Default, 0.3));
    let plain =
        detector.detect("Olá, eu gostaria de cancelar a minha assinatura", None, Locale::PtBr);
    assert!(plain.confidence.get() > 0.9, "{plain:?}");
    let word = detector.detect("estorno", None, Locale::PtBr);
    assert!((0.5..0.9).contains(&word.confidence.get()), "{word:?}");
    for text in ["👍", "oi", "Where is my order?", "Wo ist meine Bestellung?", "problema"] {
        assert_eq!(detector.detect(text, None, Locale::PtBr).reasons.len(), 1, "{text}");
    }
}

#[test]
fn any_input_gets_an_answer() {
    let detector = Detector::new();
    let long = "palavra ".repeat(200_000);
    for text in [
        "\0",
        "\u{202e}abc",
        "a\u{301}\u{301}\u{301}",
        "'",
        "’’’",
        "¿",
        long.as_str(),
        "ß",
        "\u{fffd}",
    ] {
        detector.detect(text, None, Locale::PtBr);
    }
}
