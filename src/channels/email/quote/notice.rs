//! What programs write under a mail: confidentiality notices and the footers of phones and virus
//! scanners.

use std::sync::LazyLock;

use regex::Regex;

use crate::channels::email::pattern::{is_match, pattern};
use crate::text::fold::fold;

/// Shortest notice, in bytes; a shorter one is a sentence of the sender's own.
const MIN_NOTICE: usize = 80;
/// What phones and programs write below a mail (folded text).
static FOOTER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^[\s*_>-]*((sent|enviad[oa]|envoye|gesendet|von|inviato|verzonden|verstuurd|skickat|sendt|wyslane)\s((from|via|by|with|using|wirelessly from|do|da|de|desde|pelo|pela|por|depuis|von|mit|sans fil par|dal|vanaf|fran|fra|z)\s)+(my|meu|minha|mi|mon|ma|meinem|mio|mijn|min)\s.+|(sent|enviad[oa]|envoye|gesendet|inviato)\s((from|via|by|with|using|wirelessly from|do|da|de|desde|pelo|pela|depuis|von|mit|sans fil par|dal)\s)+(the\s)?(iphone|ipad|android|samsung|galaxy|blackberry|outlook|yahoo|uol|bol|terra|gmail|e?mail (para|for)|mailbox|htc|nokia|motorola|moto|xiaomi|redmi|huawei|windows|proton|sparrow|acompli|tablet|smartphone|celular|ios|icloud|spark|zoho|hotmail)\b.*|(obter|obtenha|baixe|baixar|get|obtener|obtenga|obtenir|telecharger)\s(o\s)?outlook\s(para|for|pour)\s.+|via (mobile|celular|iphone|android))[\s.!_*]*$",
    )
});

/// Opens a notice (folded text).
static NOTICE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^[\s*_>-]*(aviso (de confidencialidade|legal)|confidentiality notice|legal notice|disclaimer|aviso legal|nota de confidencialidade|esta mensagem|este (e-?mail|correio|documento)|(as|a) informac|o conteudo (desta|deste)|this (e-?mail|message|communication|transmission)|the (information|contents?) (contained )?(in|of) this|if you (are not|have received)|se voce (nao|recebeu)|caso (voce )?(nao seja|tenha recebido)|este mensaje|este correo|la informacion|diese (e-?mail|nachricht)|ce (message|courriel))",
    )
});

/// Words of which a notice has several (folded text).
const NOTICE_WORDS: &[&str] = &[
    "confidenc",
    "confident",
    "destinatari",
    "privilegi",
    "sigilo",
    "uso exclusivo",
    "remetente",
    "proibid",
    "autoriza",
    "intended",
    "recipient",
    "disclos",
    "prohibited",
    "sender",
    "vertraulich",
    "empfanger",
    "destinataire",
    "lgpd",
    "13.709",
    "apague",
    "elimine",
    "delete",
    "notifi",
    "divulga",
    "responsab",
];

/// Notices that are one line and known by their first words (folded text).
static LINE_NOTICE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^[\s*_>-]*(antes de imprimir|pense (no|em seu) .*(meio ambiente|ambiente) antes|please consider the environment|think (green|before you print)|livre de virus|virus-?free|este e-?mail foi (verificado|escaneado)|this e-?mail (has been|was) (checked|scanned)|nao contem virus)",
    )
});

/// True for the footer of a phone or a mail program.
pub(super) fn is_footer(line: &str) -> bool {
    line.len() <= 120 && !line.contains(['?', ':']) && is_match(FOOTER.as_ref(), &fold(line))
}

/// True for a paragraph that a company puts under every mail.
pub(super) fn is_notice(paragraph: &[&str]) -> bool {
    let text = fold(&paragraph.join(" "));
    if is_match(LINE_NOTICE.as_ref(), &text) && paragraph.len() <= 3 {
        return true;
    }
    let first = paragraph.first().copied().unwrap_or_default();
    text.len() >= MIN_NOTICE
        && (is_match(NOTICE.as_ref(), &text) || is_match(NOTICE.as_ref(), &fold(first)))
        && NOTICE_WORDS.iter().filter(|word| text.contains(*word)).count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in [&FOOTER, &NOTICE, &LINE_NOTICE] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn footers_are_told_from_sentences() {
        for (line, expected) in [
            ("Enviado do meu iPhone", true),
            ("Enviado do meu smartphone Samsung Galaxy.", true),
            ("Enviado do Outlook para Android", true),
            ("Enviado do Yahoo Mail no Android", true),
            ("Enviado do Email para Windows", true),
            ("Enviado via UOL Mail", true),
            ("Obter o Outlook para iOS", true),
            ("Obter Outlook para Android", true),
            ("Get Outlook for iOS", true),
            ("Sent from my iPhone!", true),
            ("Sent from Mailbox for iPhone", true),
            ("Sent from Mail for Windows 10", true),
            ("Sent with Sparrow (http://www.sparrowmailapp.com/?sig)", false),
            ("Enviado desde mi iPhone", true),
            ("Von meinem iPhone gesendet", false),
            ("Enviado por e-mail o comprovante ontem", false),
            ("Enviado pelo correio, mas não chegou", false),
            ("Sent from the wrong warehouse", false),
            ("via mobile", true),
        ] {
            assert_eq!(is_footer(line), expected, "{line}");
        }
    }

    #[test]
    fn notices_are_told_from_sentences() {
        for (paragraph, expected) in [
            (
                "Esta mensagem é confidencial e destina-se exclusivamente ao destinatário indicado acima.",
                true,
            ),
            (
                "AVISO LEGAL\nAs informações deste e-mail são sigilosas; se você o recebeu por engano, avise o remetente.",
                true,
            ),
            (
                "This message is intended only for the named recipient and may contain privileged information.",
                true,
            ),
            ("Antes de imprimir, pense no meio ambiente.", true),
            ("Livre de vírus. www.avg.com", true),
            ("Esta mensagem é confidencial, não contem ao meu marido.", false),
            (
                "As informações do site estão erradas e o vendedor disse que não é da responsabilidade dele, o que faço",
                false,
            ),
        ] {
            assert_eq!(is_notice(&paragraph.lines().collect::<Vec<_>>()), expected, "{paragraph}");
        }
    }
}
