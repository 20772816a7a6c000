//! What a reply must never pass on from somebody's message: ways to reach or to pay somebody that no article gives,
//! and the customer's own claims about what was decided.

use std::sync::LazyLock;

use regex::Regex;

use super::courtesy;
use super::figures::{Figure, read};
use super::passages::{PassageReader, is_contact};
use super::words::plain;
use crate::domain::draft::Passage;
use crate::domain::labels::Locale;

/// Words by which somebody says that a matter was settled in their favour, on plain text.
const OUTCOME: &str = r"\b(aprovad|confirmad|liberad|autorizad|resolvid|concedid|garantid|estornad|reembolsad|devolvid|creditad|cancelad|isent|saiu|caiu|gratuit|gratis|desconto|prioridade|approved|confirmed|granted|authori[sz]ed|resolved|waived|refunded|credited|cancel+ed|free|discount|priority|guaranteed)\w*";

static OUTCOMES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(OUTCOME).ok());

/// Returns the links, addresses, phone and document numbers of a reply that no passage gives, as it writes them.
pub fn contacts_not_in(
    reply: &str,
    reader: &PassageReader,
    passages: &[Passage],
    locale: Locale,
) -> Vec<String> {
    let read_passages: Vec<_> =
        passages.iter().map(|passage| reader.read(passage, locale)).collect();
    let known = |figure: &Figure| {
        read_passages.iter().flat_map(|read| &read.contacts).any(|one| one.equals(figure))
    };
    read(reply, locale)
        .figures
        .into_iter()
        .filter(|figure| is_contact(figure) && !known(figure))
        .map(|figure| figure.shown)
        .collect()
}

/// True for a sentence that tells the customer back what they told, without saying that anything was decided: "Vi que
/// o seu boleto venceu". What they claim to have been promised does not become true by being repeated.
pub(super) fn repeats_customer(sentence: &str) -> bool {
    let plain = plain(sentence);
    courtesy::is_about_ticket(&plain) && !tells_outcome(&plain)
}

/// True for plain words by which somebody says that a matter was settled.
pub(super) fn tells_outcome(plain: &str) -> bool {
    OUTCOMES.as_ref().is_some_and(|outcome| outcome.is_match(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(text: &str) -> Passage {
        Passage {
            article: "billing/x".to_owned(),
            locale: Locale::PtBr,
            heading: String::new(),
            score: 1.0,
            above_floor: true,
            text: text.to_owned(),
        }
    }

    #[test]
    fn what_leads_to_somebody_else_must_stand_in_an_article() {
        let reader = PassageReader::default();
        let passages =
            [passage("Escreva para ajuda@loja.example ou veja https://loja.example/ajuda.")];
        for (reply, expected) in [
            ("Escreva para ajuda@loja.example.", 0),
            ("Veja https://loja.example/ajuda", 0),
            ("Pague em https://pix.golpe.example/x", 1),
            ("Mande para suporte@golpe.example", 1),
            ("Ligue para (11) 98765-4321", 1),
            ("Abra o menu e toque em Salvar.", 0),
        ] {
            let found = contacts_not_in(reply, &reader, &passages, Locale::PtBr);
            assert_eq!(found.len(), expected, "{reply}");
        }
    }

    #[test]
    fn a_claim_is_not_true_because_it_is_told_back() {
        assert!(repeats_customer("Vi que o seu boleto venceu."));
        assert!(repeats_customer("I understand that your invoice is missing."));
        assert!(!repeats_customer("Vi que o seu reembolso foi aprovado pela Marina."));
        assert!(!repeats_customer("I see that your refund was approved."));
        assert!(!repeats_customer("O seu caso está encerrado."));
    }
}
