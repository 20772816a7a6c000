//! Finds commitments: what a reply says we will do, have done or vouch for.
//!
//! That money comes back within 5 days is the article's statement and is looked up like any other; that *we* will send
//! it back is a commitment, and it stands only where an article makes the same one.

use std::sync::LazyLock;

use regex::Regex;

/// One sort of commitment: how drafts make it, and how a passage that makes it reads.
struct Commitment {
    made: &'static str,
    backed: &'static str,
}

const COMMITMENTS: &[Commitment] = &[
    // Money back, by us, in our own words.
    Commitment {
        made: r"\b(vamos|iremos|vou|irei|ja|acabei de|acabamos de|estou|estamos|podemos|posso|conseguimos|consigo) (te |lhe |ja )?(a )?(estorn|reembols|devolv|ressarc|credit|isent|abat|perdo)\w+|\b(estornarei|estornaremos|reembolsarei|reembolsaremos|devolverei|devolveremos|ressarciremos|creditaremos|isentaremos|estornei|reembolsei|estornamos|ressarcimos|abonaremos|abonamos)\b|\b(i|we)( ?'ll| will| shall|'ve| have|'m| am|'re| are| can)( now| already| also| happily| gladly| going to| be)* ?(issu\w+|process\w+|approv\w+|send\w*|giv\w+|mak\w+|arrang\w+)? ?(you )?(a |your |the |full |partial |that )*(refund|reimburs|credit|waiv|money back|return your money|pay you back)",
        backed: r"\b(devolvemos|estornamos|reembolsamos|creditamos|ressarcimos|vamos (devolver|estornar|reembolsar)|(we|we'll|we will) (refund|return|reimburse|credit|give))\b",
    },
    Commitment {
        made: r"\b(seu|sua|o seu|a sua|o) (estorno|reembolso|credito|devolucao|desconto|pedido de reembolso) (ja )?(foi|esta|sera|vai ser|esta sendo) (aprovad|feit|process|solicitad|emitid|realizad|garantid|confirmad|aplicad|efetuad)\w+|\byour (refund|credit|discount|compensation) (has been|was|is being|is|will be) (approved|processed|issued|requested|guaranteed|on its way|confirmed|applied|made)|\b(o valor|seu dinheiro|o dinheiro|your money|the (full )?amount) (sera|vai ser|ja foi|foi|will be|has been|is being) (estornad|reembolsad|devolvid|creditad|ressarcid|refund|reimburs|credit|return)\w*",
        backed: r"\b(estorn|reembols|devolv|devoluc|credit|ressarc|refund|reimburs|return|money back|valor volta)\w*",
    },
    Commitment {
        made: r"\b(voce (vai (receber|ter)|recebera|tera|ganha|ganhara)|you('ll| will) (get|receive|have|be given)|you're getting)\b[^.]{0,30}\b(reembolso|estorno|dinheiro de volta|refund|reimbursement|money back|full amount back|valor de volta)\b",
        backed: r"\b(reembols|estorn|de volta|devolv|devoluc|refund|reimburs|back|return)\w*",
    },
    // Compensation and gifts.
    Commitment {
        made: r"\b(compensar|compensaremos|compensacao|indeniza\w+|brinde|cortesia|mes(es)? (gratis|de graca|gratuito|por nossa conta)|por nossa conta|sem custo como|presente|bonus|desconto (especial|exclusivo|extra)|compensat\w+|make it up to you|free (month|week|upgrade)|goodwill|on the house|as an apology|as a gesture|special discount|extra discount|gift|voucher|store credit|courtesy credit)\b",
        backed: r"\b(compensac\w+|indeniza\w+|brinde|cortesia|mes gratis|meses gratis|bonus|presente|compensation|free (month|week|upgrade)|gift|voucher)\b",
    },
    Commitment {
        made: r"\b(vou|vamos|iremos|posso|podemos|conseguimos|consigo) (te |lhe )?(dar|oferecer|conceder|aplicar|liberar|garantir|conseguir|colocar|adicionar)( para voce| pra voce)? (um |uma |o |uns |mais )?(\d+ ?(%|por cento|reais)? ?(de )?)?(desconto|credito|abatimento|cupom|mes|meses|isencao|dias? gratis|extensao)|\b(i|we)( ?'ll| will|'ve| have| can)( also| already| happily)? ?(give|giving|offer|apply|appli|add|grant|extend|throw)\w*( in)? (you )?(a |an |one |your |another )?(\d+ ?(%|percent|days?) ?(of )?)?(discount|credit|coupon|free|off|month|extension|extra|more days)",
        backed: r"\b((vamos|damos|oferecemos|aplicamos) .{0,20}(desconto|credito|cupom)|we (give|offer|apply|add) .{0,20}(discount|credit|coupon))\b",
    },
    // Repairs.
    Commitment {
        made: r"\b(sera|estara|vai ser|vai estar|serao|estarao) (tudo )?(resolvid|corrigid|consertad|normalizad|restabelecid|solucionad)\w+|\b(vamos|vou|iremos|irei) (te )?(resolver|corrigir|consertar|normalizar|solucionar) (o|a|esse|essa|este|esta|seu|sua|tudo|isso (hoje|amanha|ate|em|agora|para voce|pra voce|o quanto|rapid))|\b(resolveremos|corrigiremos|consertaremos|solucionaremos)\b|\b(will be|is going to be|gets) (fixed|resolved|repaired|restored|solved|sorted|back (up|online))|\b(we|i|our (team|engineers|developers))( ?'ll| will|'re going to| are going to)( have)? (this |it |that )?(fix|resolv|repair|restor|solv|sort)\w*( (it|this|that))?( for you)? ?(by|within|in|today|tomorrow|tonight|soon|shortly|for you|right away|asap|the (bug|problem|issue)|your|this|it|that)",
        backed: r"\b((sera|serao|sao|fica|ficam) (resolvid|corrigid|consertad|concluid|reparad|restabelecid)\w+|vamos (resolver|corrigir|consertar)|(we|we'll|will be|is|are) (fix|fixed|resolved|repaired|completed|restored)|restor(es?|ed)|restaura\w*)\b",
    },
    // Guarantees.
    Commitment {
        made: r"\b(garanto|garantimos|garantido que|garantida que|prometo|prometemos|te asseguro|asseguro|asseguramos|dou a minha palavra|pode ter certeza|tenha certeza de que|pode confiar que|nunca mais (vai|isso))\b|\b(i|we) (can )?(guarantee|promise|assure)\b|\bguaranteed\b|\b(my|our) word\b|\brest assured\b|\bwill never happen again\b|\bwon'?t happen again\b|\bnao vai (mais )?(se repetir|acontecer de novo|voltar a acontecer)\b",
        backed: r"\b(garanti\w+|promet\w+|assegur\w+|guarantee\w*|promise\w*|assure\w*)\b",
    },
    // Deadlines without a figure.
    Commitment {
        made: r"\bate (hoje|amanha|o fim d[oae] (dia|tarde|semana|manha|noite)|o final d[oae] (dia|tarde|semana)|o meio-dia)\b|\bainda (hoje|nesta semana|esta semana)\b|\bhoje mesmo\b|\b(by|before|until) (tomorrow|tonight|today|(the )?end of (the |this )?(day|week|month|business day)|eod)\b|\b(later|first thing) (today|tomorrow)\b|\bamanha (de manha|cedo|mesmo|voce|ja|estara)\b|\bwithin the hour\b|\bnas proximas (horas)\b|\bin the next few (hours|days|minutes)\b",
        backed: r"\b(hoje|amanha|fim d[oae] (dia|semana|tarde)|today|tomorrow|tonight|end of (the |this )?(day|week|month))\b",
    },
    // Acts that only a system or a person can have done.
    Commitment {
        made: r"\b(ja |acabei de |acabamos de )(cancel|alter|atualiz|liber|desbloque|ativ|reativ|corrig|exclu|apagu|troqu|mud|renov|prorrog)\w+|\b(cancelei|alterei|atualizei|liberei|desbloqueei|ativei|reativei|corrigi|exclui|apaguei|troquei|mudei|prorroguei|vou (cancelar|liberar|desbloquear|reativar|prorrogar|excluir|apagar|estender|alterar|trocar|ativar))\b|\b(i|we)('ve| have)? (just |already |now |gone ahead and )*(cancelled|canceled|changed|updated|unlocked|unblocked|activated|reactivated|removed|deleted|extended|upgraded|downgraded|switched|waived|renewed)\b|\b(i|we)( ?'ll| will) (cancel|unlock|unblock|reactivate|activate|extend|delete|remove|upgrade|downgrade|waive|renew|switch|change|update) (your|the|it|that|this)\b",
        backed: r"\b((vamos|nos) (cancel|alter|liber|desbloque|ativ|reativ|exclu|apag|prorrog)\w+|we('ll| will)? (cancel|change|update|unlock|activate|reactivate|remove|delete|extend|upgrade))\b",
    },
    // Done, without saying what.
    Commitment {
        made: r"\b(ja |acabei de |acabamos de )?(resolvi|resolvemos|aprovei|aprovamos|arrumei|arrumamos|consertei|providenciei|providenciamos)\b|\bpode deixar que\b|\bdeixa comigo\b|\b(esta|ja esta|ficou) (tudo )?(garantid|aprovad|resolvid|liberad)[oa]s?\b|^(aprovad|liberad|resolvid)[oa]s?[!.]*$|\b(i|we)('ve| have)?( just| already| now)? (approved|fixed|solved|resolved|sorted|handled|arranged|granted|authori[sz]ed|taken care of)\b|\b(all|it's|it is|that's) (all )?(done|sorted|taken care of|approved|fixed)( now)?\b|\bconsider it done\b|\b(i|we)('ll| will) (do|handle|sort|take care of) (that|this|it)\b",
        backed: r"[^\s\S]",
    },
    // What we will do about it.
    Commitment {
        made: r"\b(vou|vamos|iremos|irei) (ja |te |lhe )?(cobrir|arcar|bancar|priorizar|adiantar|agilizar|acelerar|antecipar|dar prioridade|garantir)\b|\b(na|para a|pra) frente da fila\b|\b(i|we)( ?'ll| will)( also| personally)? (cover|absorb|foot|pay (for)?|prioriti[sz]e|expedite|speed up|rush|make sure|ensure|see to it|guarantee)\b|\b(front|top) of the (queue|line)\b",
        backed: r"\b(cobrimos|arcamos|prioridade|antecip\w+|(we|we'll|we will) (cover|pay|priorit\w+|ensure|make sure))\b",
    },
    // Calls and answers at a time.
    Commitment {
        made: r"\b(vamos|vou|iremos|irei|vai|vao) (te |lhe |voce )?(ligar|telefonar)( para voce| pra voce)?\b|\b(we|i|someone|an? \w+)( ?'ll| will) (call|phone|ring) you\b|\bentraremos em contato (em|ate|hoje|amanha|dentro)\b",
        backed: r"\b(ligamos|vamos ligar|liga para|we call|call you|phone you)\b",
    },
];

/// Things that happened: no article knows what was done in a customer's account.
const HAPPENED: &str = r"\b(foi|foram|ficou|ficaram|esta sendo|estao sendo|acabou de ser|acabaram de ser) (ja |devidamente |totalmente |completamente |automaticamente )?(cancel|alter|atualiz|liber|desbloque|bloque|ativ|reativ|corrig|exclu|apagad|remov|troc|renov|prorrog|aprovad|processad|recebid|localizad|confirmad|compensad|enviad|reenviad|baixad|quitad|marcad|restaurad|resolvid|transferid|agendad|registrad|separad|despachad|entreg|postad|creditad|debitad|estornad|reembolsad|cobrad|isentad|zerad|abonad|migrad)\w*|\b(esta|estao|se encontra) (ja |agora |tudo )?(a caminho|em transito|quitad|pag[oa]s?\b|liberad[oa]s? (para|pra) voce|regularizad|confirmad|resolvid)\w*|\b(ja )?(localizei|localizamos|verifiquei|verificamos|conferi|conferimos|encontrei|encontramos|identifiquei|identificamos|confirmei|confirmamos|constatei|constatamos|checamos|chequei|consultei|consultamos|olhei|marquei|agendei|reservei|separei|reenviei|enviei|solicitei|processei)\b|\b(has|have)( now| already| just| since)* been( \w+ly)? \w+(ed|en|nt|ut|id|aid|old|ade)\b|\b(your|the|this|that) (\w+ ){1,4}(was|were|got)( \w+ly)? (cancel|chang|updat|unlock|block|activat|remov|delet|eras|approv|process|receiv|locat|confirm|clear|sent|resent|paid|mark|restor|resolv|transfer|schedul|book|ship|dispatch|deliver|credit|debit|charg|refund|waiv|revers)\w*|\b(i|we)('ve| have)? (just |already |now |also )*(found|located|checked|verified|confirmed|looked (into|up|at)|pulled up|reviewed|identified|marked|booked|scheduled|reserved|resent|sent|requested|processed|arranged|ordered) (your|the|this|that|it|a|an|our|you)\b|\byour \w+( \w+)? (is|are) (now |already )?(on (its|their|the) way|in transit|paid|cleared|approved|confirmed|restored|resolved|unlocked|reactivated)\b";

/// Words before such a thing in its clause that only suppose it.
const SUPPOSED: &[&str] = &[
    "se",
    "caso",
    "quando",
    "assim",
    "depois",
    "apos",
    "enquanto",
    "ate",
    "onde",
    "if",
    "when",
    "once",
    "after",
    "until",
    "whether",
    "unless",
    "before",
    "whichever",
    "where",
    "ver",
    "see",
    "conferir",
    "verificar",
    "check",
    "confira",
    "veja",
    "verifique",
];

/// Verbs after which "que" and "that" begin what somebody claims to know.
const FOUND_OUT: &[&str] = &[
    "vi ",
    "vejo",
    "vimos",
    "verifi",
    "confer",
    "confirm",
    "consta",
    "consult",
    "localiz",
    "identific",
    "aqui ",
    "i see",
    "i can see",
    "we see",
    "we can see",
    "show",
    "checked",
    "looks like",
    "found",
    "que bom",
    "informo",
    "informamos",
    "good news",
    "boa noticia",
    "happy to",
    "glad to",
];

static HAPPENING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(HAPPENED).ok());

/// Returns the words by which a plain sentence says that something happened, unless it only supposes it or a source
/// says it in these words.
pub(super) fn happened<'a>(sentence: &'a str, sources: &[&str]) -> Option<&'a str> {
    let found = HAPPENING.as_ref()?.find(sentence)?;
    let before = sentence.get(..found.start()).unwrap_or_default();
    let clause = before.rsplit([',', ';', ':', '.']).next().unwrap_or_default();
    let supposed =
        clause.split(|c: char| !c.is_alphanumeric()).any(|word| SUPPOSED.contains(&word));
    let said = sources.iter().any(|source| source.contains(found.as_str()));
    // "A wire that has been released", "só quer dizer que a mensagem foi enviada".
    let relative = before
        .split_whitespace()
        .rev()
        .take(3)
        .any(|word| matches!(word, "que" | "that" | "which" | "qual" | "quais" | "means"));
    let supposed = supposed || relative && !FOUND_OUT.iter().any(|word| before.contains(word));
    (!supposed && !said && !denied(sentence, found.as_str())).then_some(found.as_str())
}

static COMPILED: LazyLock<Vec<(Option<Regex>, Option<Regex>)>> = LazyLock::new(|| {
    COMMITMENTS.iter().map(|one| (Regex::new(one.made).ok(), Regex::new(one.backed).ok())).collect()
});

/// Returns the words of the first commitment of a plain sentence that none of the plain sources makes as well.
pub(super) fn unbacked<'a>(sentence: &'a str, sources: &[&str]) -> Option<&'a str> {
    COMPILED.iter().find_map(|(made, backed)| {
        let found = made.as_ref()?.find(sentence)?.as_str();
        // "We don't offer a free month" and "não garantimos" commit to nothing.
        if denied(sentence, found) {
            return None;
        }
        let stands = sources.iter().any(|source| {
            source.contains(found) || backed.as_ref().is_some_and(|backed| backed.is_match(source))
        });
        (!stands).then_some(found)
    })
}

fn denied(sentence: &str, found: &str) -> bool {
    let before = sentence.split(found).next().unwrap_or_default();
    let words: Vec<&str> = before
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|w| !w.is_empty())
        .collect();
    words.iter().rev().take(3).any(|word| {
        matches!(
            *word,
            "nao" | "nunca" | "sem" | "nem" | "not" | "no" | "never" | "without" | "cannot"
        ) || word.ends_with("n't")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(COMPILED.iter().all(|(made, backed)| made.is_some() && backed.is_some()));
    }

    #[test]
    fn commitments_need_a_passage_that_makes_them() {
        for (sentence, source, expected) in [
            ("vamos estornar o valor.", "no cartao, o estorno aparece em duas faturas.", true),
            ("vamos devolver o valor.", "devolvemos o valor em 7 dias.", false),
            ("fica tranquilo que vamos estornar.", "", true),
            ("ate amanha estara resolvido.", "", true),
            ("garantimos que isso nao se repete.", "", true),
            ("nao garantimos o prazo do banco.", "", false),
            ("voce ganha um mes gratis.", "", true),
            ("ja cancelei o seu plano.", "", true),
            ("vamos resolver isso juntos.", "", false),
            ("o valor volta em ate 5 dias uteis.", "", false),
            ("we'll refund the full amount.", "the money goes back the way you paid.", true),
            ("i've issued a refund.", "", true),
            ("i'll give you a 20% discount.", "", true),
            ("it will be fixed by tomorrow.", "", true),
            ("i promise it won't happen again.", "", true),
            ("i've cancelled your plan.", "", true),
            ("someone will call you.", "", true),
            ("choose confirm cancellation.", "", false),
            ("you get the full amount back.", "", false),
            ("i'll walk you through it.", "", false),
        ] {
            assert_eq!(unbacked(sentence, &[source]).is_some(), expected, "{sentence}");
        }
    }
}
