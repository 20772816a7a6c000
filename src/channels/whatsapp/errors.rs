//! What to do about an error of the Cloud API, decided by its code.
//!
//! Titles are about to be removed, sub-codes are gone and the HTTP status says little, so the code decides; the status
//! is asked only where there is no code that we know. An error comes in the answer to a call, by webhook, or both.

use std::time::Duration;

use serde_json::Value;

use super::json;
use crate::domain::labels::Locale;
use crate::domain::mark::Mark;

/// An error of the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    /// The code. `None` when the answer was no error of the API.
    pub code: Option<i64>,
    /// Heading, in English.
    pub title: Option<String>,
    /// What exactly is wrong, in English. It may quote an address.
    pub details: Option<String>,
}

pub(super) fn read(raw: &Value) -> ApiError {
    let more = raw.get("error_data").unwrap_or(&Value::Null);
    ApiError {
        code: json::integer(raw, "code"),
        title: json::word(raw, "title").or_else(|| json::word(raw, "type")),
        details: json::word(more, "details").or_else(|| json::word(raw, "message")),
    }
}

/// Reads the list `errors` of a message or a state.
pub(super) fn read_all(raw: &Value) -> Vec<ApiError> {
    json::items(raw, "errors").iter().filter(|error| error.is_object()).map(read).collect()
}

/// What follows from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It surely did not leave: try again. When the tries are used up, a person takes over.
    RetryLater {
        /// The first pause. Later ones grow, with some chance in them.
        after: Duration,
        /// How often to try again at most.
        tries: u32,
        /// Who has to wait meanwhile.
        holds: Holds,
    },
    /// The token or its permissions do not do: stop sending and tell the operator.
    Reconnect,
    /// The 24-hour window is shut, whatever our clock says: only an approved template may go.
    Reengage,
    /// This message cannot leave as it is: a person answers in another way.
    ToHuman,
    /// This customer cannot or must not be written to: no retry, and mark the contact.
    Drop,
    /// We could not get what the customer sent: ask them to send it another way.
    AskAnotherWay,
    /// Nobody knows whether it left. Never send it again blindly: wait for its states.
    Unsure,
    /// The operator must do something first; nothing of this sort leaves until then.
    Fix(Remedy),
}

/// Who waits while a message is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Only what goes to the same person.
    Person,
    /// Everything that the number sends.
    Number,
}

/// What the operator must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// True when the number as a whole stops sending until then, false when only one template does.
    pub stops_number: bool,
    /// In English.
    pub en: &'static str,
    /// In Brazilian Portuguese.
    pub pt: &'static str,
}

impl Action {
    /// Returns what the operator must do; `None` where nothing is theirs to do.
    pub const fn advice(&self, locale: Locale) -> Option<&'static str> {
        let remedy = match self {
            Self::Fix(remedy) => remedy,
            Self::Reconnect => &RECONNECT,
            _ => return None,
        };
        Some(match locale {
            Locale::En => remedy.en,
            Locale::PtBr => remedy.pt,
        })
    }
}

const fn retry(seconds: u64, tries: u32, holds: Holds) -> Action {
    Action::RetryLater { after: Duration::from_secs(seconds), tries, holds }
}

const fn number(en: &'static str, pt: &'static str) -> Action {
    Action::Fix(Remedy { stops_number: true, en, pt })
}

const fn template(en: &'static str, pt: &'static str) -> Action {
    Action::Fix(Remedy { stops_number: false, en, pt })
}

const RECONNECT: Remedy = Remedy {
    stops_number: true,
    en: "The access token was refused. Create a token of a system user with whatsapp_business_messaging, give it this account, and set it again.",
    pt: "O token de acesso foi recusado. Gere um token de usuário do sistema com whatsapp_business_messaging, dê a ele acesso a esta conta e configure-o de novo.",
};

/// Every code that we know, as first and last of a range, with what follows from it.
const TABLE: &[(&[(i64, i64)], Action)] = &[
    // Trouble on Meta's side, and limits that pass. None of them comes with a Retry-After.
    (&[(2, 2), (131_016, 131_016)], retry(60, 8, Holds::Number)),
    (&[(4, 4), (80_007, 80_007)], retry(600, 6, Holds::Number)),
    (&[(130_429, 130_429)], retry(10, 8, Holds::Number)),
    (&[(131_000, 131_000)], retry(30, 3, Holds::Number)),
    // One message in six seconds to the same person; Meta advises pauses of 4, 16, 64 … seconds.
    (&[(131_056, 131_056)], retry(6, 6, Holds::Person)),
    (&[(131_057, 131_057), (2_494_100, 2_494_100)], retry(300, 12, Holds::Number)),
    // "Invalid request or server error": if it is the first, more tries are wasted.
    (&[(1, 1)], retry(30, 2, Holds::Person)),
    // A limit on marketing to one person. Resending sooner just fails again.
    (&[(131_049, 131_049)], retry(24 * 60 * 60, 1, Holds::Person)),
    // Token and permissions.
    (&[(0, 0), (3, 3), (10, 10), (190, 190), (200, 299), (131_005, 131_005)], Action::Reconnect),
    // The number or the account.
    (
        &[(131_048, 131_048)],
        number(
            "WhatsApp restricts this number because too many people blocked or reported it. Look at its quality in WhatsApp Manager and pause campaigns until the restriction ends.",
            "O WhatsApp restringiu este número porque muita gente o bloqueou ou denunciou. Veja a qualidade dele no Gerenciador do WhatsApp e pause as campanhas até a restrição acabar.",
        ),
    ),
    (
        &[(131_064, 131_064)],
        number(
            "WhatsApp limits templates of this account because of their category. Check the category of your templates in WhatsApp Manager.",
            "O WhatsApp limitou os modelos desta conta por causa da categoria deles. Confira a categoria dos seus modelos no Gerenciador do WhatsApp.",
        ),
    ),
    (
        &[(368, 368), (130_497, 130_497), (131_031, 131_031)],
        number(
            "WhatsApp blocked or restricted this account over its policies. Open the Business Support page in Meta Business Suite, see the reason and ask for a review.",
            "O WhatsApp bloqueou ou restringiu esta conta por causa das políticas. Abra a página de suporte do Meta Business Suite, veja o motivo e peça uma análise.",
        ),
    ),
    (
        &[(131_042, 131_042)],
        number(
            "There is a problem with the payment of this account. Check the payment method and open invoices in Meta Business Suite, under Billing.",
            "Há um problema com o pagamento desta conta. Confira a forma de pagamento e as faturas em aberto no Meta Business Suite, em Cobrança.",
        ),
    ),
    (
        &[(131_045, 131_045)],
        number(
            "This number is not registered with the Cloud API. Register it with its two-step verification PIN and try again.",
            "Este número não está registrado na API de Nuvem. Registre-o com o PIN da verificação em duas etapas e tente de novo.",
        ),
    ),
    (
        &[(133_016, 133_016)],
        number(
            "The number was registered and deregistered too often. Wait 72 hours before you register it again.",
            "O número foi registrado e desregistrado vezes demais. Espere 72 horas antes de registrá-lo de novo.",
        ),
    ),
    (
        &[(33, 33)],
        number(
            "This number does not exist any more. Check the phone number id in the configuration against WhatsApp Manager.",
            "Este número não existe mais. Confira na configuração o id do número de telefone com o que está no Gerenciador do WhatsApp.",
        ),
    ),
    (
        &[(131_037, 131_037)],
        number(
            "The display name of this number is not approved. Send a name for approval in WhatsApp Manager.",
            "O nome de exibição deste número não está aprovado. Envie um nome para aprovação no Gerenciador do WhatsApp.",
        ),
    ),
    // The message itself.
    (&[(131_047, 131_047)], Action::Reengage),
    (&[(131_051, 131_051), (131_053, 131_053)], Action::ToHuman),
    (&[(100, 100), (131_008, 131_009), (131_021, 131_021)], Action::ToHuman),
    // The customer's phone changed hands or was set up anew: a person makes sure who it is.
    (&[(137_000, 137_000)], Action::ToHuman),
    (
        &[(132_000, 132_000), (132_012, 132_012)],
        template(
            "The values do not fit the template. Compare their number and format with the approved template in WhatsApp Manager.",
            "Os valores não batem com o modelo. Compare a quantidade e o formato deles com o modelo aprovado no Gerenciador do WhatsApp.",
        ),
    ),
    (
        &[(132_001, 132_001)],
        template(
            "There is no approved template of this name in this language. Check name, language and approval in WhatsApp Manager.",
            "Não há modelo aprovado com este nome neste idioma. Confira o nome, o idioma e a aprovação no Gerenciador do WhatsApp.",
        ),
    ),
    (
        &[(132_005, 132_005)],
        template(
            "The template is too long once its values are filled in. Shorten the values or the template.",
            "O modelo fica longo demais com os valores preenchidos. Encurte os valores ou o modelo.",
        ),
    ),
    (
        &[(132_007, 132_007)],
        template(
            "The words of the template break a policy of WhatsApp. Rewrite it and send it for approval.",
            "O texto do modelo viola uma política do WhatsApp. Reescreva-o e envie para aprovação.",
        ),
    ),
    (
        &[(132_015, 132_016)],
        template(
            "WhatsApp paused or disabled this template for its low quality. Edit it or choose another one.",
            "O WhatsApp pausou ou desativou este modelo por baixa qualidade. Edite-o ou escolha outro.",
        ),
    ),
    (
        &[(132_068, 132_069)],
        template(
            "The flow of this template is blocked or limited. Repair and publish it in WhatsApp Manager.",
            "O fluxo deste modelo está bloqueado ou limitado. Corrija-o e publique-o no Gerenciador do WhatsApp.",
        ),
    ),
    (
        &[(131_062, 131_062)],
        template(
            "Authentication templates with one-tap, zero-tap or copy-code buttons need a phone number. Ask the customer for theirs or use another template.",
            "Modelos de autenticação com botão de um toque, zero toque ou copiar código exigem número de telefone. Peça o número ao cliente ou use outro modelo.",
        ),
    ),
    // The customer: not on WhatsApp, blocked by us, opted out of marketing, part of an experiment.
    (
        &[(131_026, 131_026), (130_403, 130_403), (131_050, 131_050), (130_472, 130_472)],
        Action::Drop,
    ),
    // Inbound only.
    (&[(131_052, 131_052)], Action::AskAnotherWay),
];

/// Returns what to do about an error. `http_status` is of the call's answer; a webhook has none.
pub fn action(code: Option<i64>, http_status: Option<u16>) -> Action {
    let known = code.and_then(|code| {
        let holds = |ranges: &[(i64, i64)]| ranges.iter().any(|(a, z)| (*a..=*z).contains(&code));
        TABLE.iter().find(|(ranges, _)| holds(ranges)).map(|(_, action)| *action)
    });
    known.unwrap_or(match http_status {
        Some(429) => retry(60, 6, Holds::Number),
        Some(401 | 403) if code.is_none() => Action::Reconnect,
        // A gateway may give up on a call that its backend completes.
        Some(408 | 500..) => Action::Unsure,
        _ => Action::ToHuman,
    })
}

/// Returns what an error says of the customer's address beyond this one message: nobody is to be written to there, or no
/// advertisements. An experiment of Meta's (130472) says nothing.
pub const fn mark(code: Option<i64>) -> Option<Mark> {
    match code {
        // Not on WhatsApp, an app that is too old, terms not accepted; or blocked by the business.
        Some(131_026 | 130_403) => Some(Mark::Unreachable),
        Some(131_050) => Some(Mark::NoMarketing),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(action: Action) -> &'static str {
        match action {
            Action::RetryLater { .. } => "retry",
            Action::Reconnect => "reconnect",
            Action::Reengage => "reengage",
            Action::ToHuman => "person",
            Action::Drop => "drop",
            Action::AskAnotherWay => "ask",
            Action::Unsure => "unsure",
            Action::Fix(Remedy { stops_number: true, .. }) => "fix number",
            Action::Fix(_) => "fix template",
        }
    }

    #[test]
    fn every_documented_code_leads_to_its_action() {
        let table: &[(&str, &[i64])] = &[
            ("retry", &[1, 2, 4, 80_007, 130_429, 131_000, 131_016, 131_056, 131_057, 2_494_100]),
            (
                "fix number",
                &[131_048, 131_064, 368, 130_497, 131_031, 131_042, 131_045, 133_016, 33, 131_037],
            ),
            ("reconnect", &[0, 3, 10, 190, 200, 230, 299, 131_005]),
            ("retry", &[131_049]),
            ("reengage", &[131_047]),
            ("person", &[131_051, 131_053, 100, 131_008, 131_009, 131_021, 137_000]),
            (
                "fix template",
                &[
                    132_000, 132_001, 132_005, 132_007, 132_012, 132_015, 132_016, 132_068,
                    132_069, 131_062,
                ],
            ),
            ("drop", &[131_026, 130_403, 131_050, 130_472]),
            ("ask", &[131_052]),
            ("person", &[-1, 5, 199, 300, 999_999, i64::MAX]),
        ];
        for (expected, codes) in table {
            for code in *codes {
                assert_eq!(name(action(Some(*code), None)), *expected, "{code}");
                // The status does not overrule a code that we know.
                if !matches!(code, -1 | 5 | 199 | 300 | 999_999 | &i64::MAX) {
                    assert_eq!(action(Some(*code), Some(500)), action(Some(*code), None), "{code}");
                }
            }
        }
    }

    #[test]
    fn whatever_marks_an_address_is_not_tried_again() {
        let codes = TABLE.iter().flat_map(|(ranges, action)| {
            ranges.iter().flat_map(move |(a, z)| (*a..=*z).map(move |code| (code, *action)))
        });
        for (code, action) in codes {
            let marks = mark(Some(code)).is_some();
            assert!(!marks || action == Action::Drop, "{code}");
        }
        assert_eq!((mark(Some(131_026)), mark(Some(130_472))), (Some(Mark::Unreachable), None));
    }

    #[test]
    fn no_code_is_in_the_table_twice() {
        let mut ranges: Vec<(i64, i64)> =
            TABLE.iter().flat_map(|(ranges, _)| ranges.iter().copied()).collect();
        ranges.sort_unstable();
        for pair in ranges.windows(2) {
            assert!(pair[0].1 < pair[1].0, "{pair:?}");
        }
    }

    #[test]
    fn pauses_are_as_long_as_the_limits_they_wait_for() {
        for (code, seconds, tries, holds) in [
            (1, 30, 2, Holds::Person),
            (131_000, 30, 3, Holds::Number),
            (131_056, 6, 6, Holds::Person),
            (131_057, 300, 12, Holds::Number),
            (131_049, 86_400, 1, Holds::Person),
        ] {
            assert_eq!(action(Some(code), None), retry(seconds, tries, holds), "{code}");
        }
    }

    #[test]
    fn without_a_known_code_the_status_tells_whether_it_may_have_left() {
        for (code, status, expected) in [
            (None, Some(500), "unsure"),
            (None, Some(502), "unsure"),
            (None, Some(408), "unsure"),
            (Some(5), Some(503), "unsure"),
            (None, Some(429), "retry"),
            (Some(5), Some(429), "retry"),
            (None, Some(401), "reconnect"),
            (None, Some(403), "reconnect"),
            (Some(5), Some(403), "person"),
            (None, Some(400), "person"),
            (None, Some(404), "person"),
            (None, None, "person"),
        ] {
            assert_eq!(name(action(code, status)), expected, "{code:?}, {status:?}");
        }
    }

    #[test]
    fn whoever_must_act_is_told_what_to_do_in_both_languages() {
        for (codes, action) in TABLE {
            let told = Locale::ALL.iter().filter_map(|locale| action.advice(*locale)).count();
            let due = matches!(action, Action::Fix(_) | Action::Reconnect);
            assert_eq!(told, if due { 2 } else { 0 }, "{codes:?}");
            if let (Some(en), Some(pt)) = (action.advice(Locale::En), action.advice(Locale::PtBr)) {
                assert!(en.ends_with('.') && pt.ends_with('.') && en != pt, "{codes:?}");
            }
        }
    }
}
