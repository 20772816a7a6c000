//! Replies as people in Brazil and abroad send them, by program.

use std::fmt::Write as _;

use super::super::strip;

/// A name, the mail, and what must be left of it.
type Case = (&'static str, &'static str, &'static str);

fn check(cases: &[Case]) {
    let mut wrong = String::new();
    for (name, mail, expected) in cases {
        let found = strip(mail).text;
        if found != *expected {
            write!(wrong, "\n{name}\n  expected {expected:?}\n  got      {found:?}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn replies_in_portuguese() {
    check(PORTUGUESE);
}

#[test]
fn replies_in_english_and_others() {
    check(ENGLISH_AND_OTHERS);
}

const PORTUGUESE: &[Case] = &[
    (
        "gmail",
        "Não recebi o estorno ainda.\n\nEm qua., 3 de abr. de 2024 às 10:15, Loja <sac@loja.com.br>\nescreveu:\n\n> Seu estorno foi feito.\n>\n> Equipe Loja\n",
        "Não recebi o estorno ainda.",
    ),
    (
        "gmail, address on the next line",
        "Pode cancelar\n\nEm seg, 1 de abr de 2024 10:15, Suporte <\nsuporte@loja.com.br> escreveu:\n\n> Confirma?\n",
        "Pode cancelar",
    ),
    (
        "gmail, one line with the reply",
        "Sim, pode. Em ter., 2 de abr. de 2024 às 09:00, Loja <sac@loja.com.br> escreveu:\n> Confirma o endereço?\n",
        "Sim, pode.",
    ),
    (
        "gmail, no mark before the quote",
        "Recebi, obrigada!\n\nEm 02/04/2024 09:00, Loja <sac@loja.com.br> escreveu:\n\nSeu pedido saiu para entrega.\n",
        "Recebi, obrigada!",
    ),
    (
        "gmail, signature with two dashes",
        "Qual o prazo?\n\n-- \nMaria Souza\nCompras - Padaria Sol\n(11) 98888-7777\n",
        "Qual o prazo?",
    ),
    (
        "outlook desktop",
        "Segue o comprovante.\n\nAtenciosamente,\nJoão Lima\nGerente Financeiro\n\nDe: SAC Loja [mailto:sac@loja.com.br]\nEnviada em: terça-feira, 2 de abril de 2024 09:00\nPara: João Lima\nAssunto: Pedido 1234\n\nPrezado, envie o comprovante.\n",
        "Segue o comprovante.",
    ),
    (
        "outlook web, with rule",
        "Ainda não funciona.\n________________________________\nDe: Suporte <suporte@loja.com.br>\nEnviado: quarta-feira, 3 de abril de 2024 10:15\nPara: Ana <ana@x.com>\nAssunto: Re: Erro no login\n\nTente de novo.\n",
        "Ainda não funciona.",
    ),
    (
        "outlook mobile",
        "ok, aguardo\n\nObter o Outlook para Android\n________________________________\nFrom: Suporte <suporte@loja.com.br>\nSent: Wednesday, April 3, 2024 10:15:00 AM\nTo: ana@x.com <ana@x.com>\nSubject: Re: Erro\n\nVamos ver.\n",
        "ok, aguardo",
    ),
    (
        "outlook, bold labels",
        "Confirmo.\n\n*De:* Suporte <suporte@loja.com.br>\n*Enviado:* quarta-feira, 3 de abril\n*Para:* Ana\n*Assunto:* Re: Erro\n\nConfirma?\n",
        "Confirmo.",
    ),
    (
        "outlook express",
        "Quero trocar o produto.\n\n-----Mensagem original-----\nDe: SAC\nEnviada em: terça\nPara: Ana\nAssunto: Troca\n\nOlá.\n",
        "Quero trocar o produto.",
    ),
    (
        "apple mail",
        "Chegou quebrado.\n\n> Em 3 de abr. de 2024, à(s) 10:15, Loja <sac@loja.com.br> escreveu:\n> \n> Chegou tudo certo?\n",
        "Chegou quebrado.",
    ),
    (
        "iphone",
        "Chegou sim\n\nEnviado do meu iPhone\n\n> Em 3 de abr. de 2024, à(s) 10:15, Loja <sac@loja.com.br> escreveu:\n> \n> Chegou?\n",
        "Chegou sim",
    ),
    (
        "iphone, name above the footer",
        "Quero meu dinheiro de volta.\n\nCarlos Pereira\nEnviado do meu iPhone\n",
        "Quero meu dinheiro de volta.",
    ),
    (
        "samsung",
        "Não consigo entrar no app\n\nEnviado do meu smartphone Samsung Galaxy.\n\n-------- Mensagem original --------\nDe : Suporte <s@loja.com.br>\nData: 03/04/2024 10:15 (GMT-03:00)\nPara: ana@x.com\nAssunto: Acesso\n\nOlá\n",
        "Não consigo entrar no app",
    ),
    (
        "yahoo",
        "Continuo sem acesso.\n\n    Em quarta-feira, 3 de abril de 2024 10:15:00 BRT, Suporte <s@loja.com.br> escreveu:  \n \n Prezado, tente de novo.\n",
        "Continuo sem acesso.",
    ),
    (
        "yahoo on android",
        "Quando chega?\n\nEnviado do Yahoo Mail no Android\n\n  Em qua., 3 de abr. de 2024 às 10:15, Loja<sac@loja.com.br> escreveu:   Seu pedido saiu.\n",
        "Quando chega?",
    ),
    (
        "thunderbird",
        "O boleto venceu, preciso de outro.\n\nEm 03/04/2024 10:15, Financeiro escreveu:\n> Segue o boleto.\n",
        "O boleto venceu, preciso de outro.",
    ),
    (
        "thunderbird, reply below",
        "Em 03/04/2024 10:15, Financeiro escreveu:\n> Segue o boleto.\n> Vence dia 10.\n\nPode mudar para dia 20?\n",
        "Pode mudar para dia 20?",
    ),
    (
        "uol",
        "Boa tarde, quero a segunda via.\n\nDe: \"Loja\" <sac@loja.com.br>\nEnviada: 2024/04/03 10:15:00\nPara: ana@uol.com.br\nAssunto: Fatura\n \nSua fatura chegou.\n",
        "Boa tarde, quero a segunda via.",
    ),
    ("uol footer", "Quero a segunda via.\n\nEnviado via UOL Mail\n", "Quero a segunda via."),
    (
        "bol",
        "Ja paguei\n\nDe: sac@loja.com.br\nEnviada: Quarta-feira, 3 de Abril de 2024 10:15\nPara: ze@bol.com.br\nAssunto: Cobranca\n\nConsta em aberto.\n",
        "Ja paguei",
    ),
    (
        "terra",
        "Nao reconheco essa compra\n\nOn Qua 03/04/24 10:15 , Loja sac@loja.com.br sent:\n\nCompra aprovada.\n",
        "Nao reconheco essa compra",
    ),
    (
        "portugal",
        "Já segue.\n\nA 3 de abril de 2024, Apoio <apoio@loja.pt> escreveu:\n\n> Falta o NIF.\n",
        "Já segue.",
    ),
    (
        "no dia",
        "Pode ser amanhã.\n\nNo dia 3 de abr de 2024 10:15, \"Loja\" <sac@loja.com.br> escreveu:\n\n> Quando?\n",
        "Pode ser amanhã.",
    ),
    (
        "notice in portuguese",
        "Qual o status do chamado?\n\nAtt,\nPaula\n\nEsta mensagem e seus anexos são confidenciais e destinam-se exclusivamente ao destinatário. Se você a recebeu por engano, avise o remetente e apague-a.\n",
        "Qual o status do chamado?",
    ),
    (
        "notice with a title",
        "Preciso do contrato assinado.\n\nAVISO DE CONFIDENCIALIDADE: As informações contidas neste e-mail são sigilosas e de uso exclusivo do destinatário. A divulgação é proibida.\n\nAntes de imprimir, pense no meio ambiente.\n",
        "Preciso do contrato assinado.",
    ),
    ("virus scanner", "Segue em anexo.\n\nLivre de vírus. www.avast.com\n", "Segue em anexo."),
    (
        "closing with name on its line",
        "Quero cancelar o plano.\n\nAbs, Rita",
        "Quero cancelar o plano.",
    ),
    (
        "closing, role, company, address",
        "Favor enviar a nota fiscal.\n\nCordialmente,\n\nPedro Alves\nCoordenador de TI\nACME Indústria Ltda.\nRua das Flores, 100 - São Paulo - SP | (11) 3333-4444 | www.acme.com.br\n",
        "Favor enviar a nota fiscal.",
    ),
    (
        "figures below the name stay",
        "Onde está minha entrega?\n\nAtt,\nMaria Silva\nPedido 45678\n",
        "Onde está minha entrega?\n\nPedido 45678",
    ),
    (
        "a question below the signature stays",
        "Meu acesso caiu.\n\n-- \nJoão\n\nE o reembolso, quando sai?\n",
        "Meu acesso caiu.\n\nE o reembolso, quando sai?",
    ),
    (
        "a postscript stays",
        "Meu acesso caiu.\n\nAtenciosamente,\nJoão\n\nPS: troquei de e-mail\n",
        "Meu acesso caiu.\n\nPS: troquei de e-mail",
    ),
    ("only thanks and a name", "Obrigada!\nMaria", "Obrigada!\nMaria"),
    (
        "thanks, then a question",
        "Obrigado pela ajuda,\nmas quando chega?",
        "Obrigado pela ajuda,\nmas quando chega?",
    ),
    (
        "contact that was asked for",
        "Pode me ligar neste contato:\n\nJoão Silva\n(11) 98888-7777",
        "Pode me ligar neste contato:\n\nJoão Silva\n(11) 98888-7777",
    ),
    ("only a signature", "-- \nMaria Souza\n(11) 98888-7777", "-- \nMaria Souza\n(11) 98888-7777"),
    (
        "a trip is no mail",
        "Quero mudar meu voo.\n\nDe: São Paulo\nPara: Recife\nData: 10/05\n",
        "Quero mudar meu voo.\n\nDe: São Paulo\nPara: Recife\nData: 10/05",
    ),
    (
        "contact form",
        "De: Ana <ana@x.com>\nAssunto: Contato pelo site\n\nCorpo da mensagem:\nVocês entregam em Natal?",
        "De: Ana <ana@x.com>\nAssunto: Contato pelo site\n\nCorpo da mensagem:\nVocês entregam em Natal?",
    ),
    (
        "inline answers",
        "Em 03/04/2024 10:15, Suporte <s@x.com> escreveu:\n> Olá Ana,\n>\n> Qual o modelo?\n\nX200\n\n> Qual a voltagem?\n\n220\n\n> Abraço\n",
        "> Qual o modelo?\n\nX200\n\n> Qual a voltagem?\n\n220",
    ),
    (
        "answers in red, which plain text does not show",
        "Bom dia, respostas abaixo em vermelho.\n\nDe: Suporte <s@x.com>\nEnviado: quarta-feira\nPara: Ana\nAssunto: x\n\nQual o modelo?\nX200\n",
        "Bom dia, respostas abaixo em vermelho.\n\nDe: Suporte <s@x.com>\nEnviado: quarta-feira\nPara: Ana\nAssunto: x\n\nQual o modelo?\nX200",
    ),
    (
        "forward alone",
        "Segue abaixo\n\n---------- Mensagem encaminhada ---------\nDe: Banco <b@banco.com>\nDate: qua., 3 de abr. de 2024\nSubject: Fatura\nTo: ana@x.com\n\nSua fatura venceu.",
        "Segue abaixo\n\n---------- Mensagem encaminhada ---------\nDe: Banco <b@banco.com>\nDate: qua., 3 de abr. de 2024\nSubject: Fatura\nTo: ana@x.com\n\nSua fatura venceu.",
    ),
    (
        "forward with a question",
        "Recebi isto, é golpe mesmo ou posso pagar?\n\n---------- Mensagem encaminhada ---------\nDe: Banco <b@banco.com>\nAssunto: Fatura\n\nSua fatura venceu.",
        "Recebi isto, é golpe mesmo ou posso pagar?",
    ),
    (
        "somebody wrote something",
        "Em 12/05, o atendente escreveu:\nvamos devolver em 5 dias\ne nada",
        "Em 12/05, o atendente escreveu:\nvamos devolver em 5 dias\ne nada",
    ),
    (
        "a heading is underlined",
        "Itens que faltaram\n---\ncaneta azul\nlápis",
        "Itens que faltaram\n---\ncaneta azul\nlápis",
    ),
    (
        "a list between rules",
        "Pedido\n----------\nCaneta Azul\nCaderno\n----------\nQuando chega?",
        "Pedido\n----------\nCaneta Azul\nCaderno\n----------\nQuando chega?",
    ),
    ("only a thank-you", "Muito obrigada pela ajuda!", "Muito obrigada pela ajuda!"),
    (
        "a word of thanks in a sentence",
        "Não obrigado, prefiro o estorno\nAna",
        "Não obrigado, prefiro o estorno\nAna",
    ),
    (
        "two phones in the text",
        "Meus telefones:\n(11) 98888-7777\n(11) 3333-4444",
        "Meus telefones:\n(11) 98888-7777\n(11) 3333-4444",
    ),
];

const ENGLISH_AND_OTHERS: &[Case] = &[
    (
        "gmail",
        "It still fails.\n\nOn Wed, Apr 3, 2024 at 10:15 AM Support <s@x.com> wrote:\n\n> Try again.\n",
        "It still fails.",
    ),
    (
        "gmail, signature of a mobile",
        "Yes please\n\nSent from my iPhone\n\nOn Apr 3, 2024, at 10:15, Support <s@x.com> wrote:\n\n> Refund?\n",
        "Yes please",
    ),
    (
        "outlook",
        "Please cancel my plan.\n\nKind regards,\nJane Doe\nHead of Ops | ACME Ltd\n+44 20 7946 0000\n\nFrom: Support <s@x.com>\nSent: 03 April 2024 10:15\nTo: Jane Doe <j@x.com>\nSubject: Re: Plan\n\nHello\n",
        "Please cancel my plan.",
    ),
    (
        "outlook, blank original",
        "Done.\n\n-----Original Message-----\nFrom: Support\nSent: Wednesday\nTo: Jane\nSubject: x\n\nPlease confirm.\n",
        "Done.",
    ),
    (
        "yahoo",
        "No.\n\n    On Wednesday, April 3, 2024 at 10:15:00 AM GMT-3, Support <s@x.com> wrote:  \n \n Did it arrive?\n",
        "No.",
    ),
    (
        "notice",
        "Where is my order?\n\nBest,\nJohn\n\nThis e-mail and any attachments are confidential and intended solely for the recipient. If you are not the intended recipient, please notify the sender and delete it.\n\nPlease consider the environment before printing this email.\n",
        "Where is my order?",
    ),
    (
        "name and numbers without a closing",
        "The invoice is wrong by 10 euros.\n\nJane Doe\nACME Ltd\n555-531-7967\n",
        "The invoice is wrong by 10 euros.",
    ),
    (
        "spanish",
        "No me llegó.\n\nEl mié, 3 abr 2024 a las 10:15, Soporte (<s@x.com>) escribió:\n\n> Hola\n",
        "No me llegó.",
    ),
    (
        "spanish outlook",
        "No funciona.\n\nSaludos,\nLuis\n\nDe: Soporte <s@x.com>\nEnviado el: miércoles, 3 de abril de 2024 10:15\nPara: Luis\nAsunto: RE: Acceso\n\nHola\n",
        "No funciona.",
    ),
    (
        "german",
        "Bitte stornieren.\n\nMit freundlichen Grüßen\nMax Muster\n\nAm 03.04.24 um 10:15 schrieb Support:\n> Hallo\n",
        "Bitte stornieren.",
    ),
    (
        "german outlook",
        "Bitte stornieren.\n\nVon: Support <s@x.com>\nGesendet: Mittwoch, 3. April 2024 10:15\nAn: Max\nBetreff: AW: x\n\nHallo\n",
        "Bitte stornieren.",
    ),
    (
        "french",
        "Toujours rien.\n\nLe mer. 3 avr. 2024 à 10:15, Support <s@x.com> a écrit :\n\n> Bonjour\n",
        "Toujours rien.",
    ),
    (
        "bullets that look like quotes",
        "These fail:\n> login\n> search\n\nPlease help.",
        "These fail:\n> login\n> search\n\nPlease help.",
    ),
    (
        "forward in english",
        "FYI\n\nBegin forwarded message:\n\nFrom: A <a@b.com>\nSubject: x\n\nText",
        "FYI\n\nBegin forwarded message:\n\nFrom: A <a@b.com>\nSubject: x\n\nText",
    ),
];
