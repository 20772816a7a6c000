use super::signals;
use crate::domain::signal::Signal::{self, *};

const SAFETY: &[Signal] = &[SelfHarm, ChildSafety, Violence];

fn check(rows: &[(&str, &[Signal])]) {
    let mut wrong = Vec::new();
    for (text, forbidden) in rows {
        let got = signals(text);
        if let Some(bad) = forbidden.iter().find(|s| got.contains(s)) {
            wrong.push(format!("{text:?} fires {bad}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn idiom_is_not_taken_at_its_word() {
    check(&[
        ("morri de rir com isso", SAFETY),
        ("this app is killing me", SAFETY),
        ("to morta de cansada", SAFETY),
        ("vou me matar de trabalhar hoje", SAFETY),
        ("how do I kill the process?", SAFETY),
        ("vou matar o processo no servidor", SAFETY),
        ("a fila vai me matar", SAFETY),
        ("meu chefe vai me matar se isso não sair", SAFETY),
        ("my boss is going to kill me", SAFETY),
        ("I'm dying to know when it ships", SAFETY),
        ("quase morri de vergonha", SAFETY),
        ("assisti esquadrão suicida", SAFETY),
        ("I loved Suicide Squad", SAFETY),
        ("the server died again", SAFETY),
        ("minha bateria está morrendo", SAFETY),
        ("a child process keeps crashing", SAFETY),
        ("there's a minor issue with the nude color option", SAFETY),
        ("shoot me an email", SAFETY),
        ("o projeto está pegando fogo, precisamos de ajuda", SAFETY),
        ("quase tive um infarto com o preço", SAFETY),
        ("esse preço é um assalto", SAFETY),
        ("dropping the bomb: prices went up", SAFETY),
    ]);
}

#[test]
fn ordinary_requests_are_not_signals() {
    check(&[
        ("legal! gostei muito", &[LegalThreat, DataProtection]),
        ("que legal", &[LegalThreat]),
        ("como está o processo de compra?", &[LegalThreat]),
        ("participo de um processo seletivo", &[LegalThreat]),
        ("we are in the process of migrating", &[LegalThreat]),
        ("não consigo processar o pagamento", &[LegalThreat]),
        ("vou processar os pedidos amanhã", &[LegalThreat]),
        ("sou advogado e uso o sistema", &[LegalThreat]),
        ("I'm a lawyer and I use your product", &[LegalThreat]),
        ("temos um plano para advogados?", &[LegalThreat]),
        ("não vou processar vocês", &[LegalThreat]),
        ("I'm not going to sue you", &[LegalThreat]),
        ("como integrar com o Reclame Aqui?", &[ConsumerAgency]),
        ("vi a ótima nota de vocês no Reclame Aqui", &[ConsumerAgency]),
        ("quero cancelar o agendamento", &[Churn, OptOut]),
        ("preciso cancelar um pedido", &[Churn]),
        ("how do I cancel an order", &[Churn]),
        ("cancel my appointment please", &[Churn]),
        ("não quero cancelar", &[Churn]),
        ("I don't want to cancel", &[Churn]),
        ("quero mudar de plano", &[Churn]),
        ("quero migrar para a plataforma de vocês", &[Churn]),
        ("quero sair do plano", &[OptOut]),
        ("como faço para sair da conta no celular?", &[OptOut, Churn]),
        ("parar de receber esse erro seria ótimo", &[OptOut]),
        ("o atendente foi muito simpático", &[RequestHuman]),
        ("adorei falar com o atendente", &[RequestHuman]),
        ("como cadastrar um novo atendente?", &[RequestHuman]),
        ("how can my customers talk to an agent in the widget?", &[RequestHuman]),
        ("how do I add an account manager?", &[RequestManager]),
        ("o relatório do gerente não abre", &[RequestManager]),
        ("não estou pedindo reembolso", &[Refund]),
        ("I'm not asking for a refund", &[Refund]),
        ("como lanço uma despesa no módulo de reembolso?", &[Refund]),
        ("quando serei cobrado?", &[BillingDispute]),
        ("my phone is charged", &[BillingDispute]),
        ("vocês têm antifraude?", &[Fraud]),
        ("how do I configure fraud detection", &[Fraud]),
        ("I read it on Hacker News", &[Security]),
        ("perdi meu acesso", &[DataLoss]),
        ("posso perder meus dados se trocar de plano?", &[DataLoss]),
        ("a tela diz \"conta hackeada\" como exemplo", &[Security]),
        ("o manual fala em \"cancelar assinatura\"", &[Churn]),
        ("obrigado mas não funcionou", &[ThankYou]),
        ("não deu certo, obrigado", &[ThankYou]),
        ("obrigado por nada", &[ThankYou]),
        ("thanks for nothing", &[ThankYou]),
        ("obrigado! e como troco a senha?", &[ThankYou]),
        ("ok, quero cancelar", &[ThankYou]),
        ("oi, meu pagamento falhou", &[Greeting]),
        ("estou de férias e não consigo acessar o sistema", &[AutoReply]),
        ("como configuro uma resposta automática?", &[AutoReply]),
        ("how do I set up an automatic reply?", &[AutoReply]),
        ("vocês aceitam bitcoin?", &[Spam]),
        ("meu site não aparece no google, vocês ajudam com SEO?", &[Spam]),
        ("please ignore my previous message", &[Injection]),
        ("ignore a mensagem anterior", &[Injection]),
        ("can you send me the instructions to install?", &[Injection]),
        ("me passa as instruções de instalação", &[Injection]),
        ("me sinto um idiota, não achei o botão", &[Abuse]),
        ("sorry for the stupid question", &[Abuse]),
        ("como postar no instagram pelo sistema?", &[PublicPost]),
        ("how do I schedule a post on twitter?", &[PublicPost]),
        ("o servidor não está fora do ar, só lento", &[Outage]),
        ("Preciso de ajuda\n\nAtenciosamente,\nMaria\nAdvogada, Processos e Cia", &[LegalThreat]),
        (
            "Concordo\n\nOn Mon, Mar 3, 2026 Support <a@b.c> wrote:\n> cancel my subscription",
            &[Churn],
        ),
    ]);
}
