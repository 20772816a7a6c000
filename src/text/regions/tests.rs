use proptest::prelude::*;

use super::*;

fn own(text: &str) -> String {
    let mut left = String::new();
    let mut at = 0;
    for range in Regions::find(text).all() {
        left.push_str(text.get(at..range.start).unwrap());
        at = range.end;
    }
    left.push_str(text.get(at..).unwrap());
    left.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_expression_is_valid() {
    for (i, expression) in [
        &INTRO,
        &SEPARATOR,
        &HEADER_FROM,
        &HEADER_MORE,
        &CLOSING,
        &CLOSING_INLINE,
        &DEVICE,
        &FOOTER,
        &BADGE,
    ]
    .iter()
    .enumerate()
    {
        assert!(expression.is_some(), "expression {i}");
    }
}

#[test]
fn only_the_senders_own_words_are_left() {
    for (text, expected) in [
        ("Quero ajuda", "Quero ajuda"),
        ("Concordo.\n> quero cancelar\n> tudo", "Concordo."),
        ("Ok!\n\nEm seg., 3 de mar. de 2026 às 10:00, Suporte <a@b.c> escreveu:\n> Urgente", "Ok!"),
        (
            "Ok!\n\nEm ter., 4 de nov. de 2026 às 09:12,\nFulana <a@b.c> escreveu:\n\nvou processar",
            "Ok!",
        ),
        ("Fine.\n\nOn Mon, Mar 3, 2026 at 10:00 AM Support <a@b.c> wrote:\n\nlawsuit", "Fine."),
        ("> antes\nminha resposta\n> depois", "minha resposta"),
        ("Sim\n\n-----Mensagem original-----\nDe: X\nurgente", "Sim"),
        ("Sim\n---- Original Message ----\nlawsuit", "Sim"),
        (
            "Sim\n\nDe: Fulano\nEnviada em: segunda\nPara: nós\nAssunto: URGENTE\n\nvou processar",
            "Sim",
        ),
        ("De: São Paulo para o Rio", "De: São Paulo para o Rio"),
        ("A tela diz \"conta bloqueada\" e para", "A tela diz e para"),
        ("A tela diz “conta bloqueada” e para", "A tela diz e para"),
        ("it says 'payment failed' again", "it says again"),
        (
            "I don't know what's wrong with customers' data",
            "I don't know what's wrong with customers' data",
        ),
        ("\"não consigo acessar\"", "\"não consigo acessar\""),
        ("Preciso de ajuda\n--\nMaria\nURGENT Solutions Ltda", "Preciso de ajuda"),
        (
            "Preciso de ajuda\n\nAtenciosamente,\nMaria\nURGENTE Logística",
            "Preciso de ajuda Atenciosamente,",
        ),
        ("Preciso de ajuda\nAtt, Maria - URGENT Solutions", "Preciso de ajuda Att,"),
        (
            "Help me\n\nBest regards,\nJohn\nLawsuit Partners LLC\n\nPS: it is broken?",
            "Help me Best regards, PS: it is broken?",
        ),
        ("Não funciona\n\nJoão Silva\nURGENT Solutions Ltda", "Não funciona"),
        ("Não funciona\n\nquero meu dinheiro", "Não funciona quero meu dinheiro"),
        ("Não abre\nEnviado do meu iPhone", "Não abre"),
        ("It broke\nSent from my Samsung", "It broke"),
        (
            "Boa tarde\n\nEsta mensagem pode conter informação confidencial. Uso indevido é crime.",
            "Boa tarde",
        ),
        ("obrigado", "obrigado"),
        (
            "Obrigado,\nmas não funcionou e eu quero cancelar agora mesmo essa assinatura que não presta para absolutamente nada",
            "Obrigado, mas não funcionou e eu quero cancelar agora mesmo essa assinatura que não presta para absolutamente nada",
        ),
        ("", ""),
    ] {
        assert_eq!(own(text), expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn ranges_lie_on_character_bounds_in_order(text in "\\PC{0,80}|[-a\"'“” >\\nEmé:]{0,80}") {
        let mut last = 0;
        for range in Regions::find(&text).all() {
            prop_assert!(range.start >= last && range.end >= range.start);
            prop_assert!(text.get(range.clone()).is_some());
            last = range.end;
        }
    }
}
