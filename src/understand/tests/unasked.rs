use super::{Case, past, understand_in};
use crate::domain::message::{Author, Given};
use crate::domain::signal::Signal::{self, *};

fn of(subject: Option<&str>, text: &str) -> Vec<Signal> {
    let case = Case { subject, history: &[], given: Given::default() };
    understand_in(text, &case).signals.into_iter().map(|hit| hit.signal).collect()
}

fn check(rows: &[(Option<&str>, &str)], expected: &[Signal]) {
    let wrong: Vec<_> = rows
        .iter()
        .filter_map(|(subject, text)| {
            let got = of(*subject, text);
            (got != expected).then(|| format!("{subject:?} {text:?}: {got:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// What only looks like a machine's, an advertiser's or a courtesy.
fn is_heard(rows: &[(Option<&str>, &str)]) {
    let wrong: Vec<_> = rows
        .iter()
        .filter_map(|(subject, text)| {
            let got = of(*subject, text);
            let silent = got.iter().find(|signal| signal.wants_no_reply())?;
            Some(format!("{subject:?} {text:?} is {silent}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn a_machine_is_known_by_its_whole_message_and_by_nothing_that_it_resembles() {
    check(
        &[
            (None, "Olá! No momento não estamos disponíveis, responderemos assim que possível."),
            (None, "Agradecemos o seu contato. Como podemos ajudar?"),
            (None, "Nosso horário de atendimento é de segunda a sexta, das 8h às 18h."),
            (None, "Sorry, we missed you! Our team is offline. We will reply as soon as we can."),
            (None, "Welcome to Oak Dental! Reply 1 for bookings, 2 to speak to an agent."),
            (None, "This is an automated message. Please do not reply to this email."),
            (None, "Esta é uma mensagem automática, favor não responder."),
            (None, "Lida: sua mensagem"),
            (
                Some("Lida: Sua fatura venceu"),
                "Sua mensagem foi lida em segunda-feira, 2 de março de 2026 10:14.",
            ),
            (
                Some("Not read: Account update"),
                "Your message was deleted without being read on Friday.",
            ),
            (
                Some("Undelivered Mail Returned to Sender"),
                "This is the mail system at host mx.corp.example.\n\nI'm sorry to have to inform you that your \
                 message could not\nbe delivered to one or more recipients.\n\nFor further assistance, please \
                 send mail to postmaster.",
            ),
            (
                Some("Automatic reply: Wrong invoice"),
                "I am away until Monday. For urgent matters please contact Dana.",
            ),
        ],
        &[AutoReply],
    );
}

#[test]
fn an_advertiser_offers_and_calls_on_whoever_reads() {
    check(
        &[
            (Some("Congratulations"), "You have been selected to receive $1,500,000"),
            (None, "Criamos sites a partir de R$ 499. Solicite um orçamento sem compromisso!"),
            (None, "We offer SEO packages at affordable prices. Can I send you a free audit?"),
            (None, "Emprestimo na hora pra negativado, sem consulta. Simule agora"),
        ],
        &[Spam],
    );
}

#[test]
fn whoever_speaks_of_such_messages_asks_or_complains_is_a_customer() {
    is_heard(&[
        (None, "recebi esse e-mail, é de vocês?"),
        (None, "\"Você foi selecionado para receber R$ 1.500.000\" recebi isso, é golpe?"),
        (None, "você foi sorteado, é o que diz o sms que chegou em nome de vocês"),
        (None, "a text says you have been selected to receive a prize, is it from you"),
        (Some("Fwd: Congratulations"), "You have been selected to receive $1,500,000"),
        (None, "Somos uma agência e oferecemos tráfego pago. Qual plano de vocês serve?"),
        (None, "we sell shoes at the best price, how do I add a discount?"),
        (None, "Can I have a loan?"),
        (None, "Why is my beneficiary not accepted?"),
        (None, "como configuro a mensagem de ausência do whatsapp?"),
        (None, "minha resposta automática sai fora do horário de atendimento"),
        (None, "vcs só mandam responderemos assim que possível e nunca respondem"),
        (None, "isso é uma mensagem automática?"),
        (None, "Nosso horário de atendimento é de 8h às 18h, como coloco isso no robô?"),
        (None, "I'm traveling, what can I do to pay?"),
        (None, "Read: my contract says otherwise"),
        (Some("Re: Automatic reply: ticket"), "Still waiting"),
        (Some("Falha na entrega"), "A mensagem da campanha não foi entregue ao meu cliente."),
        (
            Some("Delivery failed"),
            "My customers get this: recipient address rejected, user unknown",
        ),
        (Some("Resposta automática"), "Como desativo as respostas que o sistema envia?"),
        (None, "Estarei fora do escritório até sexta, por isso peço a segunda via do boleto."),
    ]);
}

#[test]
fn thanks_may_say_what_for_and_nothing_is_left_to_do() {
    check(
        &[
            (None, "Thank you so much for your quick help. Have a nice day!"),
            (None, "Obrigado pelo retorno rápido, resolvido. Abraço, João"),
            (None, "era exatamente o que eu precisava saber, um abraço"),
            (None, "Não precisa mais, já resolvi sozinho. Obrigado mesmo assim!"),
            (
                Some("RE: Copy"),
                "Hello,\n\nReceived, thank you for your help.\n\nRegards,\nPriya Nair",
            ),
            (Some("Agradecimento"), "Passando só para agradecer pelo suporte de ontem."),
        ],
        &[ThankYou],
    );
}

#[test]
fn a_courtesy_with_anything_beside_it_is_heard() {
    is_heard(&[
        (None, "deu certo\nobrigado\nagora falta liberar a nota"),
        (None, "ok obrigado, boleto de março"),
        (None, "obrigado por cobrar duas vezes"),
        (None, "obrigado pela demora"),
        (None, "Obrigado. Reembolso."),
        (None, "thanks, update?"),
        (None, "thanks, order 48213"),
        (None, "nothing else works"),
        (None, "the problem is my password"),
        (None, "pode encerrar minha conta"),
        (None, "obrigada por ontem. hoje voltou a cair"),
        (None, "valeu, vou testar. se nao der certo cancelo"),
        (None, "tudo certo né"),
        (Some("Segunda via do boleto"), "Desde já agradeço.\n\nAtt,\nPaulo"),
        (Some("Re: nota"), "Obrigado,\nPreciso da nota de fevereiro\nPaulo"),
    ]);
}

#[test]
fn the_hours_that_we_asked_for_are_an_answer() {
    let asked = [past(Author::Ai, "Qual é o horário de atendimento da sua loja?")];
    let case = Case { subject: None, history: &asked, given: Given::default() };
    let got = understand_in("Nosso horário de atendimento é de 8h às 18h", &case);
    assert!(got.signals.is_empty(), "{:?}", got.signals);
}
