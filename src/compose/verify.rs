//! Checks a draft, whoever wrote it, against the rules that every reply must keep.
//!
//! Deterministic: what it counts can be shown to a person, and the policy's rules decide what follows.

use std::sync::LazyLock;

use regex::{Regex, RegexSet, RegexSetBuilder};

use super::words::{plain, words_of};
use crate::domain::draft::{DraftKind, DraftText, LedgerEntry, Passage, Support};
use crate::domain::labels::Locale;

/// What a draft is checked against.
#[derive(Clone, Debug)]
pub struct VerifyInput<'a> {
    /// The language the customer should read.
    pub locale: Locale,
    /// The passages that the ledger's indices mean.
    pub passages: &'a [Passage],
    /// The policy's sentence that says a machine writes.
    pub ai_disclosure: &'a str,
    /// The policy's sentence that tells how to reach a person.
    pub way_to_person: &'a str,
}

/// What the checks found.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own, for a rule of its own"
)]
pub struct Verification {
    /// The share of sentences with support, from 0 to 1.
    pub coverage: f64,
    /// Number of sentences that promise something no passage and no approved text promises.
    pub promises: u32,
    /// Number of sentences that hold wording no reply may use.
    pub forbidden: u32,
    /// It says that an AI writes.
    pub discloses_ai: bool,
    /// It says how to reach a person.
    pub offers_person: bool,
    /// It is written in the language the customer should read.
    pub language_matches: bool,
    /// It holds a blank that nobody filled, such as `{{name}}` or `[NOME]`.
    pub unfilled: bool,
}

/// Promises, on plain text (lower case, no marks): refunds, compensation, dates, repair times, guarantees.
const PROMISES: &[&str] = &[
    // Refunds and money, in Portuguese and English.
    r"\b(vamos|iremos|vou|irei|ja) (te )?(estorn|reembols|devolv|ressarc|credit)\w+",
    r"\b(estornaremos|reembolsaremos|devolveremos|ressarciremos|creditaremos)\b",
    r"\b(sera|serao|vai ser|vao ser|foi|esta sendo) (estornad|reembolsad|devolvid|ressarcid|creditad)\w+",
    r"\b(seu|o) (dinheiro|estorno|reembolso|valor) (sera|vai|cai|volta|chega)\w*\b",
    r"\b(we|i) ?('ll|will|are going to|am going to|'re going to) (refund|reimburse|credit|pay (you )?back|return your money)",
    r"\b(will|is going to|has been|is being) (be )?(refunded|reimbursed|credited|returned to (you|your))",
    r"\byou('ll| will) (get|receive|have) (a |your |the )?(full |partial )?(refund|money|credit|reimbursement)",
    // Compensation and gifts.
    r"\b(vamos|vou|iremos|irei) (te )?(compensar|indenizar|dar (um |uns )?(desconto|credito|mes|brinde))",
    r"\b(ganha|ganhara|recebera|tera) (um |uma )?(desconto|credito|mes gratis|compensacao|indenizacao|bonus)",
    r"\b(compensate you|as compensation|free month|discount (code )?(for you|as an apology)|make it up to you)\b",
    r"\b(como compensacao|a titulo de compensacao|mes gratis)\b",
    // Dates and times for something to be done.
    r"\bate (amanha|hoje|segunda|terca|quarta|quinta|sexta|sabado|domingo|o fim d[oae]|o final d[oae]|as \d|dia \d|\d{1,2}/\d)",
    r"\b(em|dentro de|em ate|no maximo em|no prazo de) \d+ ?(min\w*|h|hs|horas?|dias?|semanas?)\b",
    r"\b(by|before|until) (tomorrow|tonight|today|end of|the end of|monday|tuesday|wednesday|thursday|friday|saturday|sunday|\d)",
    r"\b(within|in|in less than|no later than) (the next )?\d+ ?(min\w*|h|hrs?|hours?|(business |working )?days?|weeks?)\b",
    // Repairs and guarantees.
    r"\b(sera|estara|vai ser|vai estar) (resolvid|corrigid|consertad|normalizad|restabelecid|solucionad)\w+",
    r"\b(vamos|vou|iremos|irei) (resolver|corrigir|consertar|normalizar|solucionar)",
    r"\b(will be|is going to be) (fixed|resolved|repaired|restored|solved|back (up|online))",
    r"\b(we|i) ?('ll|will) (fix|resolve|repair|restore|solve)",
    r"\b(garanto|garantimos|prometo|prometemos|pode ter certeza|com certeza vai|asseguro|asseguramos)\b",
    r"\b(i|we) (guarantee|promise|assure)|\bguaranteed\b|\byou have my word\b",
];

/// Wording that blames, argues or soothes from above (R4).
const FORBIDDEN: &[&str] = &[
    r"\b(acalme-se|se acalme|calma ai|fique calm[oa]|mantenha a calma|tenha calma|tenha paciencia)\b",
    r"\b(calm down|relax|stay calm|keep calm|be patient|take it easy)\b",
    r"\b(a culpa e sua|por (sua culpa|culpa sua)|voce errou|voce deveria ter|voce nao leu|erro (e )?seu|como ja (disse|falei|expliquei))\b",
    r"\b((is|was|be|s) your (own )?fault|you should have|you failed to|you didn'?t read|as i (already )?said|as (previously|already) (stated|explained|mentioned))\b",
    // Nobody who is who they say they are asks for these.
    r"\b(me|nos) (pass[ae]|mand[ae]|envi[ae]|inform[ae]|dig[ae]|diz|confirm[ae])\b[a-z0-9 ,']{0,40}\b(senha|codigo (que|de (verificacao|seguranca|acesso))|numero do (seu )?cartao|cvv|dados do cartao)\b",
    r"\b(pass[ae]|mand[ae]|envi[ae]|inform[ae]|confirm[ae])\b[a-z0-9 ,']{0,40}\b(senha|codigo (que|de (verificacao|seguranca|acesso))|cartao|cvv)\b[a-z0-9 ,']{0,40}\b(aqui|por aqui|neste chat|nesta conversa|pra mim|para mim|pra gente|para nos)\b",
    r"\b(qual (e )?|quais sao )(a )?(sua|o seu|os seus) (senha|codigo|cvv|pin|dados do cartao|numero do cartao)\b|nome de solteira",
    r"\b(send|tell|give|share with|confirm|text|forward) (me|us|it|here)?\b ?[a-z0-9 ,']{0,20}\b(your )?(password|passcode|pin|cvv|security code|verification code|(card|account) number|code (you|that) (received|got|was sent|came))\b",
    r"\bwhat( is|'s) your (password|pin|cvv|card number|mother's maiden name|security code)\b|\bmother's maiden name\b",
    r"\b(voce esta (errad|enganad|equivocad)[oa]|you are (wrong|mistaken))\b",
];

/// How a reply says that a machine writes, in other words than the policy's.
const DISCLOSURES: &[&str] = &[
    r"\b(assistente|atendente|agente) (virtual )?(de|com|por) (ia|inteligencia artificial)\b",
    r"\binteligencia artificial\b",
    r"\b(ai|automated|virtual ai) (assistant|agent)\b|\bartificial intelligence\b",
];

/// How a reply tells the way to a person, in other words than the policy's.
const PERSON_OFFERS: &[&str] = &[
    r"\b(falar|conversar|atendid[oa]|seguir|continuar) (com|por) (uma pessoa|um atendente|uma atendente|alguem d|um humano|nossa equipe|a equipe)",
    r"\b(uma pessoa|um atendente|alguem) d[aeo] (nossa |nosso )?(equipe|time|suporte)",
    r"\b(talk|speak|chat|write) (to|with) (a|an|one of our|someone) ?(real )?(person|human|agent|people|on our team|member)",
    r"\b(a|one of our) (real )?(person|human|agents?|member) (on|of|from|in) (our|the) team",
];

/// Blanks that a template or a model left open. Masks of personal data (`[CPF_1]`) are filled later.
/// Word borders are those of ASCII, because Unicode ones leave the fast path on text with accents.
const BLANKS: &[&str] = &[
    r"\{\{|\}\}|\{%|<%",
    r"\[[A-ZÀ-Ú][A-ZÀ-Ú _-]*\]",
    r"(?i)\[(seu|sua|your|the|o|a|insert|inserir|data|date|valor|amount|xx)( [^\]\n]*)?\]",
    r"(?i)\[[^\]\n_]*(?-u:\b)(name|nome)(?-u:\b)[^\]\n_]*\]",
    r"(?i)\$\{\w+\}|%[A-Z_]{3,}%|<(nome|name|cliente|customer|data|date|valor|amount)>",
    r"(?-u:\b)[Xx]{3,}(?-u:\b)|_{4,}",
    r"(?-u:\b)(?:TBD|TBC|FIXME)(?-u:\b)|(?-u:\b)TODO:|\[TODO|<(?:[a-zà-ú]+[ _-])+[a-zà-ú]+>|<(?:plano|plan|link|url|email|e-mail|prazo|ticket|number|numero|número)>",
    r"(?i)lorem ipsum",
];

static PROMISE_SET: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(PROMISES));
static BLANK_LIST: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(BLANKS));
static FORBIDDEN_LIST: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(FORBIDDEN));
static FORBIDDEN_SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| plain_set(FORBIDDEN));
static DISCLOSURE_SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| plain_set(DISCLOSURES));
static PERSON_SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| plain_set(PERSON_OFFERS));
static BLANK_SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| RegexSet::new(BLANKS).ok());
static PROMISE_ANY: LazyLock<Option<RegexSet>> = LazyLock::new(|| plain_set(PROMISES));

/// A set for plain text, whose letters are ASCII: without Unicode classes it stays on the fast path.
fn plain_set(patterns: &[&str]) -> Option<RegexSet> {
    RegexSetBuilder::new(patterns).unicode(false).build().ok()
}

fn compiled(patterns: &[&str]) -> Vec<Regex> {
    patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
}

/// Checks a draft; the result holds counts and facts, never a verdict.
pub fn verify(draft: &DraftText, input: &VerifyInput<'_>) -> Verification {
    let text = plain(&draft.text);
    let says = |own_words: &str, others: &LazyLock<Option<RegexSet>>| {
        let own_words = plain(own_words);
        let own_words = own_words.trim_end_matches(['.', '!']);
        !own_words.is_empty() && text.contains(own_words)
            || others.as_ref().is_some_and(|set| set.is_match(&text))
    };
    // Approved fixed texts are read before they are published, so the search for promises is for the rest.
    let checked = draft.ledger.iter().filter(|e| e.support != Support::Template);
    let promises = match draft.kind {
        DraftKind::Safety | DraftKind::Template => 0,
        _ if !PROMISE_ANY.as_ref().is_some_and(|set| set.is_match(&text)) => 0,
        _ => checked.filter(|entry| promises_unbacked(entry, input.passages)).count(),
    };
    let forbidden = FORBIDDEN_SET.as_ref().map_or(0, |set| set.matches(&text).iter().count());
    Verification {
        coverage: draft.coverage(),
        promises: u32::try_from(promises).unwrap_or(u32::MAX),
        forbidden: u32::try_from(forbidden).unwrap_or(u32::MAX),
        discloses_ai: says(input.ai_disclosure, &DISCLOSURE_SET),
        offers_person: says(input.way_to_person, &PERSON_SET),
        language_matches: draft.locale == input.locale && reads_as(&draft.text, input.locale),
        unfilled: BLANK_SET.as_ref().is_some_and(|set| set.is_match(&draft.text)),
    }
}

/// True for a sentence that promises what none of its passages says: neither these words, nor the same kind of
/// promise with the same figures.
fn promises_unbacked(entry: &LedgerEntry, passages: &[Passage]) -> bool {
    let sentence = plain(&entry.sentence);
    if !PROMISE_ANY.as_ref().is_some_and(|set| set.is_match(&sentence)) {
        return false;
    }
    let backed = |passage: &Passage| {
        let source = plain(&passage.text);
        source.contains(sentence.as_str())
            || PROMISE_SET
                .iter()
                .filter(|pattern| pattern.is_match(&sentence))
                .all(|pattern| pattern.is_match(&source))
                && figures(&sentence).all(|figure| figures(&source).any(|other| other == figure))
    };
    !entry.passages.iter().filter_map(|at| passages.get(*at)).any(backed)
}

/// Returns the first blank of a text that nobody filled.
pub(super) fn blank(text: &str) -> Option<&str> {
    BLANK_SET.as_ref().filter(|set| set.is_match(text))?;
    BLANK_LIST.iter().find_map(|pattern| pattern.find(text)).map(|found| found.as_str())
}

/// Returns the first wording of a plain text (lower case, no marks) that no reply may use.
pub(super) fn forbidden(plain: &str) -> Option<&str> {
    FORBIDDEN_SET.as_ref().filter(|set| set.is_match(plain))?;
    FORBIDDEN_LIST.iter().find_map(|pattern| pattern.find(plain)).map(|found| found.as_str())
}

/// The numbers of a text, a step's own number left out.
fn figures(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '/' | '%')))
        .map(|figure| figure.trim_matches(['.', ',', '/']))
        .filter(|figure| figure.bytes().any(|b| b.is_ascii_digit()))
}

const PORTUGUESE: &[&str] = &[
    "de", "da", "do", "das", "dos", "em", "na", "no", "que", "não", "você", "para", "com", "uma",
    "um", "por", "sua", "seu", "se", "os", "ao", "mais", "ou", "é", "está", "até", "sobre", "já",
    "como", "pelo", "pela", "oi", "olá", "esse", "essa", "isso", "sou", "mensagem", "nossa",
    "equipe",
];
const ENGLISH: &[&str] = &[
    "the", "of", "and", "to", "in", "is", "you", "your", "for", "with", "that", "it", "this", "on",
    "we", "our", "be", "are", "from", "or", "if", "can", "an", "at", "not", "have", "will", "by",
    "hi", "hello", "i", "im", "about", "thanks", "team", "what", "has", "no", "do",
];

/// True unless the text is plainly in the other language; a text of a few words may be either.
pub(super) fn reads_as(text: &str, locale: Locale) -> bool {
    let (portuguese, english) = common_words(text);
    match locale {
        Locale::PtBr => portuguese >= english,
        Locale::En => english >= portuguese,
    }
}

/// Returns the language that the common words of a text belong to; `None` where they do not tell.
pub fn likely_locale(text: &str) -> Option<Locale> {
    let (portuguese, english) = common_words(text);
    match portuguese.cmp(&english) {
        std::cmp::Ordering::Greater => Some(Locale::PtBr),
        std::cmp::Ordering::Less => Some(Locale::En),
        std::cmp::Ordering::Equal => None,
    }
}

/// How many words are Portuguese, and how many English.
fn common_words(text: &str) -> (u32, u32) {
    let (mut portuguese, mut english) = (0_u32, 0_u32);
    for word in words_of(text) {
        portuguese += u32::from(PORTUGUESE.contains(&word.as_str()));
        english += u32::from(ENGLISH.contains(&word.as_str()));
    }
    (portuguese, english)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(PROMISE_SET.len(), PROMISES.len());
        for set in [&FORBIDDEN_SET, &DISCLOSURE_SET, &PERSON_SET, &BLANK_SET, &PROMISE_ANY] {
            assert!(set.is_some());
        }
    }

    fn draft(text: &str, support: Support, passages: Vec<usize>, locale: Locale) -> DraftText {
        let entry = LedgerEntry {
            sentence: text.to_owned(),
            support,
            passages,
            flaws: Vec::new(),
            doubt: None,
        };
        DraftText {
            text: text.to_owned(),
            locale,
            kind: DraftKind::Model,
            ledger: vec![entry],
            choices: Vec::new(),
        }
    }

    fn passage(text: &str) -> Passage {
        Passage {
            article: "billing/refund".to_owned(),
            locale: Locale::PtBr,
            heading: String::new(),
            score: 0.9,
            above_floor: true,
            text: text.to_owned(),
        }
    }

    fn check(draft: &DraftText, passages: &[Passage]) -> Verification {
        let input = VerifyInput {
            locale: draft.locale,
            passages,
            ai_disclosure: "Sou a assistente de IA da Prisma.",
            way_to_person: "Para falar com uma pessoa, responda ATENDENTE.",
        };
        verify(draft, &input)
    }

    #[test]
    fn a_promise_counts_unless_its_passage_makes_it() {
        let nothing = "O prazo depende do banco.";
        for (locale, sentence, source, expected) in [
            (Locale::PtBr, "Vamos estornar o valor.", nothing, 1),
            (Locale::PtBr, "O valor será devolvido integralmente.", nothing, 1),
            (Locale::PtBr, "Seu problema será resolvido até amanhã.", nothing, 1),
            (Locale::PtBr, "Você ganhará um desconto.", nothing, 1),
            (Locale::PtBr, "Garantimos que isso não se repete.", nothing, 1),
            (Locale::PtBr, "Resolvemos em 24 horas.", nothing, 1),
            (Locale::PtBr, "Abra o menu e toque em Salvar.", nothing, 0),
            (
                Locale::PtBr,
                "O boleto vence em 3 dias úteis.",
                "O boleto novo vence em **3 dias** úteis.",
                0,
            ),
            (
                Locale::PtBr,
                "O boleto vence em 5 dias úteis.",
                "O boleto novo vence em 3 dias úteis.",
                1,
            ),
            (
                Locale::PtBr,
                "O valor será devolvido em 7 dias.",
                "Em 7 dias o valor será devolvido.",
                0,
            ),
            (Locale::En, "Your money will be refunded.", nothing, 1),
            (Locale::En, "You'll get a full refund.", nothing, 1),
            (Locale::En, "We'll fix it by tomorrow.", nothing, 1),
            (Locale::En, "This will be resolved within 2 hours.", nothing, 1),
            (Locale::En, "I guarantee it works.", nothing, 1),
            (Locale::En, "Here is a free month as compensation.", nothing, 1),
            (Locale::En, "Open the menu and choose Save.", nothing, 0),
            (Locale::En, "The link works for 1 hour.", nothing, 0),
        ] {
            let draft = draft(sentence, Support::Passage, vec![0], locale);
            let got = check(&draft, &[passage(source)]).promises;
            assert_eq!(got, expected, "{sentence} | {source}");
        }
    }

    #[test]
    fn blanks_are_found_and_masks_are_not_blanks() {
        for (text, expected) in [
            ("Oi, {{name}}!", true),
            ("Oi, [NOME]!", true),
            ("Dear [Customer Name],", true),
            ("Dear [your name],", true),
            ("Seu protocolo é XXXX.", true),
            ("Valor: R$ ____", true),
            ("Olá ${nome}", true),
            ("Seu CPF [CPF_1] está certo.", false),
            ("Oi, [NOME_1]!", false),
            ("Veja [1] e *negrito*.", false),
        ] {
            let got = check(&draft(text, Support::None, vec![], Locale::PtBr), &[]).unfilled;
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn disclosure_person_language_and_forbidden_wording_are_seen() {
        for (locale, text, ai, person, language, forbidden) in [
            (
                Locale::PtBr,
                "Sou a assistente de IA da *Prisma*. Para falar com uma pessoa, responda ATENDENTE.",
                true,
                true,
                true,
                0,
            ),
            (
                Locale::PtBr,
                "Sou uma atendente virtual com inteligência artificial.",
                true,
                false,
                true,
                0,
            ),
            (Locale::PtBr, "Você pode falar com um atendente quando quiser.", false, true, true, 0),
            (Locale::PtBr, "Please open the settings of your account.", false, false, false, 0),
            (Locale::PtBr, "Acalme-se, por favor.", false, false, true, 1),
            (
                Locale::En,
                "I'm an AI assistant. You can talk to a person at any time.",
                true,
                true,
                true,
                0,
            ),
            (Locale::En, "Please calm down. You should have read it.", false, false, true, 2),
            (Locale::En, "What is happening is not your fault.", false, false, true, 0),
            (Locale::PtBr, "O que está acontecendo não é culpa sua.", false, false, true, 0),
            (Locale::En, "Abra as configurações da sua conta.", false, false, false, 0),
        ] {
            let got = check(&draft(text, Support::None, vec![], locale), &[]);
            assert_eq!(
                (got.discloses_ai, got.offers_person, got.language_matches, got.forbidden),
                (ai, person, language, forbidden),
                "{text}"
            );
            assert!(got.coverage < 0.01, "{text}");
        }
    }
}
