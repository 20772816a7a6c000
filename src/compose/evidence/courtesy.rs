//! Recognises what a reply says without stating a fact: greetings, thanks, empathy, offers, lead-ins, the line that
//! says an AI writes. Such words need no passage.

use std::sync::LazyLock;

use regex::RegexSet;

/// On plain text (lower case, no marks).
const COURTESY: &[&str] = &[
    // Greetings, thanks, closings.
    r"^(oi|ola|opa|bom dia|boa tarde|boa noite|e ai|prezad[oa]s?|car[oa]s?|hi|hello|hey|good (morning|afternoon|evening)|dear|greetings)\b[^;:]{0,60}$",
    r"^(oi|ola|bom dia|boa tarde|boa noite|hi|hello|hey|dear)\b[^.]{0,40}(,|!)? ?(tudo bem|como vai|how are you|hope)",
    r"\b(obrigad[oa]|agradec\w+|valeu|gratidao|thanks|thank you|appreciate)\b",
    r"^(um (forte )?abraco|abracos?|atenciosamente|cordialmente|ate (mais|logo|breve)|best( regards| wishes)?|kind regards|warm regards|regards|sincerely|cheers|take care|yours|all the best|equipe|time|the \w+ team)\b",
    r"\b(tenha um|otim[oa] (dia|tarde|noite|semana)|bom (dia|fim de semana)|have a (great|good|nice|lovely|wonderful)|bons negocios|boas vendas|boa sorte|good luck)\b",
    // Empathy.
    r"\b(sinto muito|lamento|lamentamos|sentimos muito|desculp\w+|perdao|imagino|compreendo|entendo|entendemos|compreendemos|sei (como|que|o quanto)|faz (todo )?sentido|que chato|que pena|poxa|puxa|frustrante|incomod\w+|transtorno|preocupac\w+|e normal)\b",
    r"\b(sorry|apolog\w+|understand|i (can )?see|i get it|i hear you|frustrat\w+|annoying|inconvenien\w+|totally|of course|makes sense|i know (how|that)|must be|can imagine|good question|great question|no worries|don'?t worry|worry|happy|glad|pleased|pleasure|great to|good to|love to|delighted|excited|awesome|amazing)\b",
    r"\b(nao se preocupe|fique tranquil[oa]|pode ficar tranquil[oa]|sem problemas?|com certeza|otima pergunta|boa pergunta|que bom|que otim[oa]|que legal|que noticia boa|parabens|bem-vind[oa]s?|welcome|congrat(ulation)?s|no problem)\b[^0-9]{0,60}$",
    r"^(\w+, )?(claro|perfeito|otimo|legal|com prazer|fair|sure|certainly|absolutely)\b[^0-9]{0,60}$",
    r"\b(fico (muito )?feliz|ficamos (muito )?felizes|com (todo o )?prazer|(vai ser|sera) um prazer|esperamos (por )?voces?|saude!|boa viagem|boas festas|safe travels|exciting times|fair question)\b[^0-9]{0,60}$",
    r"^(que|what an?) \w+( \w+){0,4}!$",
    // Offers and the way to a person.
    r"\b(qualquer (coisa|duvida|problema)|se (ainda )?(tiver|ficar|ficou|surgir|restar|precisar|quiser)( de)? (mais )?(alguma|qualquer|ajuda|algo|outra|duvida|falar|conversar)|estou (aqui|a disposicao)|estamos (aqui|a disposicao)|a disposicao|conte (comigo|conosco)|(e|eh) so (me )?(chamar|avisar|falar|responder|mandar|dizer|escrever)|me (avise|avisa|chama|chame|conte|conta|diga|fale|fala)|posso (te |lhe )?ajudar|vou (te |lhe )?(ajudar|explicar|mostrar|orientar|guiar|passar)|vamos (la|ver|resolver isso juntos|por partes)|fico (a|no)|nos (avise|chame|conte|escreva))\b",
    r"\b(let (me|us) know|feel free|happy to help|here to help|any (other |further |more )?questions?|anything else|just (reply|ask|write|message|let|say)|reach out|get in touch|if you need|if you get stuck|i can help|i('ll| will) (help|walk|explain|show|guide|be here)|we('re| are) here|i('m| am) here|hope (this|that|it) helps?|don'?t hesitate|get back to (me|us)|tell (me|us))\b",
    r"\b(falar|conversar|atendid[oa]|seguir) (com|por) (um[a]? )?(pessoa|atendente|humano|alguem|gente|nossa equipe|a equipe|nosso time|o time|o suporte)\b",
    r"\b(talk|speak|chat|connect you|put you through) (to|with) (a|an|one of our|someone|our|the) ?(real )?(person|human|agent|people|team|member|support|colleague|specialist)?",
    // The line that says a machine writes.
    r"\b(sou|aqui e|eu sou|somos|me chamo)\b.{0,40}\b(assistente|ia|inteligencia artificial|virtual|robo|atendente)\b",
    r"\b(i'?m|i am|this is|you're (chatting|talking) (to|with)|my name is)\b.{0,40}\b(assistant|ai|automated|virtual|bot)\b",
    r"\b(assistente (virtual|de ia|com ia)|mensagem (automatica|escrita|gerada|enviada)|resposta (automatica|gerada|escrita)|(ai|virtual|automated|digital) (assistant|agent)|automated (message|reply)|written by (an )?ai)\b",
    // What happens with the case itself.
    r"\b(encaminh(ei|amos|o|ando|arei|aremos)|repass(ei|amos|arei)|passei|transfer(i|imos|irei)|registr(ei|amos)|anot(ei|amos|ado)|recebi|recebemos|vi (aqui )?(que|sua|seu|o|a)|li (a )?sua|pelo que (voce|vi|entendi)|voce (disse|contou|comentou|mencionou|relatou|perguntou|quer|gostaria|precisa|esta (tentando|com|querendo)))\b[^0-9]*$",
    r"\b(i('ve| have)? (passed|forwarded|logged|noted|recorded|received|escalated)|we('ve| have)? (received|noted|logged|recorded)|i see (that|you)|it (looks|sounds|seems) like|you (said|mentioned|asked|told|want|would like|wanted|are (trying|having|looking)|were))\b[^0-9]*$",
    r"\b(alguem|uma pessoa|um atendente|um colega|nosso time|nossa equipe|a equipe|a gente)( d[ao]s? (nossa |nosso )?(equipe|time|suporte|financeiro|atendimento))? (vai |pode |precisa |consegue |ira |tem que )?(te |lhe )?(confirm|verific|analis|revis|rever|reveja|rev[ei]|olh|chec|confer|avali|respond|ajud|orient|d[ae]r? sequencia|retorn|cuid)\w*\b[^0-9]*$",
    r"\b(someone|somebody|a (member|person|colleague)|one)( of| from| on| in)? ?(the|our)? ?(\w+ )?(team|support|colleagues|agents)? (can|will|has to|would have to|needs to|'ll|should|may)? ?(then |also )?(check|look|confirm|review|answer|follow up|get back|help|take)\w*\b[^0-9]*$",
    r"^(e )?(os )?nossos artigos nao (dizem|trazem|explicam|falam|respondem|cobrem)\b[^0-9]*$|^(but )?(our|the) articles (don't|do not) (say|cover|mention|explain|answer|tell)\b[^0-9]*$",
    r"^(espero|esperamos|torco|torcemos|i hope|we hope|hope|hoping|lovely|wonderful|nice|great|so nice) (que|to|your|you|that|it)\b[^0-9]*$",
    // Advice without a fact, and what to do when it does not help.
    r"\b(se (isso |ainda |mesmo assim |por acaso )?nao (der|funcionar|resolver|conseguir|aparecer)\w*( certo)?|recomend\w+|sugir\w+|sugest\w+|vale a pena|aconselh\w+|chamo alguem|if (that|this|it|these) (still )?(doesn't|does not|don't)|i'd (recommend|suggest)|i (recommend|suggest)|we (recommend|suggest)|worth (a|check\w*|try\w*)|a good idea)\b[^0-9]*$",
    // What the customer is asked for.
    r"\b((me|nos) (pass[ae]|mand[ae]|envi[ae]|inform[ae]|dig[ae]|diz|encaminh[ae]|confirm[ae])|(mand[ae]|envi[ae]|pass[ae]|encaminh[ae]) (aqui|por aqui|pra gente|para (a gente|nos|mim))|tenha em maos|deixe separad[oa]s?)\b[^0-9]*$",
    r"\b((send|give|share|forward) (it |them )?(to )?(us|me)\b|please (do )?(ask|send|share|confirm|have (it|your|them)))[^0-9]*$",
    // Lead-ins.
    r"^((aqui|abaixo|veja|siga|segue|seguem|faca|confira|funciona|e|eh|para|pra|o caminho|os passos|e assim|primeiro|depois|em resumo|resumindo|resumo|passo a passo|respondendo|sobre|quanto)\b[^0-9]{0,80})?:$",
    r"\b(siga (os|estes|esses|este|esse) (\w+ )?passos?|passo a passo|veja (como|so|abaixo|a seguir)|e (bem )?(simples|facil|rapid[oa])|funciona assim|o caminho e (este|esse|simples)|a seguir|aqui vai|aqui estao?|segue (abaixo|o|a))\b[^0-9]{0,50}$",
    r"\b(here('s| is| are)|follow (these|the) (\w+ )?steps|step by step|it('s| is) (easy|simple|quick|straightforward)|as follows|below|this is how|the short answer|in short|the steps)\b[^0-9]{0,50}$",
    r"^(pronto|feito|isso|so isso|e so isso|simples assim|that's it|that is it|done|and that's|all set|you're all set|you're done|voila|tudo certo|prontinho|e pronto)\b[^0-9]{0,50}$",
    r"^(dica|importante|atencao|observacao|obs|nota|lembrete|tip|note|important|heads up|ps|p\.s|resumo|summary)[.: ]*$",
];

/// Sentences of these words say what the customer did or wants, as they told it.
const ABOUT_TICKET: &[&str] = &[
    r"\b(vi|entendi|entendo|recebi|recebemos|percebi|compreendo|sinto muito|lamento|imagino|sei)\b.{0,40}\b(voce|seu|sua|que)\b",
    r"\b(i see|i understand|i can see|sorry|thanks for|thank you for|it sounds|it looks)\b.{0,40}\b(you|your|that)\b",
];

static COURTESY_SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| set(COURTESY));
static TICKET_SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| set(ABOUT_TICKET));

fn set(patterns: &[&str]) -> Option<RegexSet> {
    RegexSet::new(patterns).ok()
}

/// True for a sentence that states no fact of the business.
pub(super) fn is_courtesy(plain: &str) -> bool {
    let plain = plain.trim_matches(|c: char| c.is_whitespace() || !c.is_ascii());
    COURTESY_SET.as_ref().is_some_and(|set| set.is_match(plain))
}

/// How a clause begins that greets, thanks, feels with the customer or offers help: what it says besides is theirs.
const HEADS: &[&str] = &[
    r"^(e |ah |nossa |puxa |poxa )*((eu |nos )?(sinto|sentimos|lamento|lamentamos|imagino|entendo|entendemos|entendi|compreendo|compreendemos|espero|esperamos|torco|torcemos|desejo|desejamos|fico feliz|ficamos felizes|peco desculpas|pedimos desculpas|desculp\w+|obrigad\w+|agradec\w+|valeu|parabens|sei (como|que|o quanto))|que (bom|otim\w+|legal|chat\w+|pena|noticia|gesto|maravilha|ideia|susto)|se (voce )?(ainda )?(quiser|precisar|tiver|ficar|preferir|restar|surgir)|qualquer|(me|nos) (avis\w+|cham\w+|cont\w+|diga|diz|fale|fala|passa|passe|manda|mande|envi\w+|escrev\w+)|estou (a|por|aqui)|estamos (a|por|aqui)|permanec\w+|conte com|equipe)\b",
    r"^(and |oh |so |well )*((i'm|i am|we're|we are|i'd be|we'd be)? ?(so |really |very |truly |terribly |completely |totally )*(sorry|glad|happy|delighted|pleased|excited)|(i|we)( do| can| completely| totally| fully| really| quite)* (understand|see|hope|imagine|appreciate|hear|know how)|thanks|thank you|great to|lovely to|nice to|good to|wonderful to|welcome|congrat\w+|hope|(please |do |just )*(let (me|us) know|get back to|say the word|drop (me|us)|reply|ask|feel free|reach out|tell (me|us)|send (me|us)|share)|if you('d| would| need| have| want| still| prefer| get stuck|'re)|should you|(we're|i'm) (here|looking forward)|that (sounds|must)|how (lovely|exciting|infuriating|annoying|frustrating)|the \w+ team)\b",
    r"^(oi|ola|opa|bom dia|boa tarde|boa noite|prezad\w+|car[oa]|hi|hello|hey|hiya|dear|good (morning|afternoon|evening))( (ms|mr|mrs|dr|sr|sra)\.?)?( [^ ]+){0,2}$",
];

/// True for a clause that greets, thanks, feels with the customer or offers help, and says of no decision.
pub(super) fn is_kind(clause: &str) -> bool {
    static SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| set(HEADS));
    let clause = clause.trim_matches(|c: char| !c.is_alphanumeric() && c != '?');
    SET.as_ref().is_some_and(|set| set.is_match(clause)) && !super::baits::tells_outcome(clause)
}

/// The clauses of a sentence: cut at its punctuation and where it goes on with "but" or "because".
pub(super) fn clauses(plain: &str) -> impl Iterator<Item = &str> {
    plain
        .split([',', ';', ':', '—', '–', '.', '!'])
        .flat_map(|part| part.split(" mas "))
        .flat_map(|part| part.split(" but "))
        .flat_map(|part| part.split(" porque "))
        .flat_map(|part| part.split(" because "))
        .filter(|part| part.chars().any(char::is_alphanumeric))
}

/// A yes or no, or a few words that stand for one.
const ANSWERS: &[&str] = &[
    r"^(sim|nao|isso( mesmo)?|exato|exatamente|claro|com certeza|da|consegue|pode|precisa|tem|vale|funciona|e|nao (precisa|da|tem|pode|consegue|vale|funciona|e|perdeu))\b[^0-9]{0,30}$",
    r"^(yes|no|nope|yep|right|exactly|correct|of course|not (yet|quite|at all|really)|it (does|doesn't|is|isn't)|you (can|can't|do|don't|need|may)|we (do|don't)|that's (right|correct)|not necessarily)\b[^0-9]{0,30}$",
];

/// True for a sentence that answers yes or no.
pub(super) fn is_answer(plain: &str) -> bool {
    static SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| set(ANSWERS));
    SET.as_ref().is_some_and(|set| set.is_match(plain.trim()))
}

/// True for a sentence that repeats what the customer told.
pub(super) fn is_about_ticket(plain: &str) -> bool {
    TICKET_SET.as_ref().is_some_and(|set| set.is_match(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::words::plain;

    #[test]
    fn every_pattern_compiles() {
        assert!(COURTESY_SET.is_some() && TICKET_SET.is_some());
    }

    #[test]
    fn courtesy_states_nothing() {
        for (text, expected) in [
            ("Oi, Maria!", true),
            ("Hi Tom,", true),
            ("Sinto muito pelo transtorno.", true),
            ("I'm sorry for the trouble.", true),
            ("Se tiver qualquer dúvida, é só responder.", true),
            ("Sou a assistente de IA da Prisma.", true),
            ("To talk to a person, just reply \"agent\".", true),
            ("Siga estes passos:", true),
            ("Atenciosamente,", true),
            ("O plano anual tem desconto.", false),
            ("Your plan stays active after the due date.", false),
            ("A chave aparece uma única vez.", false),
        ] {
            assert_eq!(is_courtesy(&plain(text)), expected, "{text}");
        }
    }
}
