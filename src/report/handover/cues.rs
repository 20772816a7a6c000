//! What tells a customer's sentences apart: phrases of Portuguese and English, in the pattern language of
//! `text::phrases`. They only choose among the customer's own sentences; no word here reaches a package.

/// What a phrase says of its sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// A greeting.
    Greeting,
    /// What follows a greeting and asks for nothing.
    SmallTalk,
    /// Who is greeted.
    Greeted,
    /// Thanks and closings.
    Thanks,
    /// Something is wrong.
    Problem,
    /// Something is asked.
    Question,
    /// Something is to be done.
    Request,
    /// Money back, a moment, a call, a reply: what counts as done.
    Expectation,
    /// A person is to answer.
    Person,
    /// What was done, or when it happens.
    Step,
    /// An error, a device, a program, a version.
    Technical,
}

/// The phrases of each cue.
pub(super) const CUES: &[(Cue, &[&str])] = &[
    (Cue::Greeting, GREETING),
    (Cue::SmallTalk, SMALL_TALK),
    (Cue::Greeted, GREETED),
    (Cue::Thanks, THANKS),
    (Cue::Problem, PROBLEM),
    (Cue::Question, QUESTION),
    (Cue::Request, REQUEST),
    (Cue::Expectation, EXPECTATION),
    (Cue::Person, PERSON),
    (Cue::Step, STEP),
    (Cue::Technical, TECHNICAL),
];

const GREETING: &[&str] = &[
    "(oi|oie|oii|ola|opa|alo|hi|hello|hey|hiya|greetings|hola|buenas)",
    "e ai",
    "(bom|boa) (dia|tarde|noite)",
    "(bomdia|boatarde|boanoite)",
    "good (morning|afternoon|evening|day)",
    "(prezado|prezada|prezados|prezadas|senhores|dear) (senhor|senhora|senhores|equipe|time|todos|sir|madam|team|all)?",
];

const SMALL_TALK: &[&str] = &[
    "tudo (bem|bom|certo|joia|otimo|tranquilo) (ai|com voce|com voces|por ai)?",
    "como (vai|vao|esta|estao) (voce|voces)",
    "como vai",
    "espero que (voce|voces|todos)? (esteja|estejam) (tudo)? bem",
    "how are (you|things) (doing|all|today)*",
    "how is it going",
    "(i)? hope (you|all|everyone) (are|is) (doing)? (well|good|great)",
    "(i)? hope this (email|message)? finds you well",
    "(desculpa|desculpe|desculpem) o incomodo",
    "sorry to bother (you)?",
];

const GREETED: &[&str] = &[
    "(pessoal|gente|equipe|time|galera|moca|moco|amigo|amiga|amigos|senhor|senhora|suporte|atendimento)",
    "(team|guys|everyone|everybody|all|there|folks|friends|support|sir|madam)",
    "(equipe|time) de (suporte|atendimento)",
    "support team",
];

const THANKS: &[&str] = &[
    "(muito|muitissimo|mil|desde ja)* (obrigado|obrigada|obrigados|obrigadas|grato|grata|agradecido|agradecida|valeu|gracias) (desde ja|mesmo|demais|pela atencao|pela ajuda|pela resposta|pela compreensao|pelo retorno|pelo contato|pelo apoio|pelo atendimento|por tudo|por enquanto|por ajudar|a todos|novamente|de novo|mais uma vez)*",
    "(desde ja)? (agradeco|agradecemos) (desde ja|muito|imensamente|a atencao|a ajuda|o retorno|a compreensao|pela atencao|pela ajuda|pelo retorno)*",
    "fico (muito)? (grato|grata|agradecido|agradecida)",
    "(many|much)? (thanks|thank you) (so much|very much|a lot|a million|in advance|again|for your help|for your time|for your support|for your attention|for your patience|for the help|for the support|for reading|team|all|guys|everyone)*",
    "(i|we)? (really|much)? appreciate (it|your help|the help|your time|your support)",
    "much appreciated",
    "(best|kind|warm) regards",
    "(atenciosamente|cordialmente|respeitosamente|sincerely|cheers|abraco|abracos)",
    "(tenha|tenham) (um|uma) (otimo|otima|bom|boa|excelente) (dia|tarde|noite|semana|fim de semana)",
    "have a (nice|great|good|lovely) (day|one|evening|weekend|week)",
];

const PROBLEM: &[&str] = &[
    // Portuguese
    "nao (estou|esta|estao|estamos|foi|foram|deu|da)? (mais|para)? (consigo|conseguimos|consegui|conseguindo|consegue|conseguem|funciona|funcionam|funcionou|funcionando|abre|abrem|abriu|abrindo|carrega|carregam|carregou|carregando|entra|entram|entrou|aparece|aparecem|apareceu|aparecendo|chega|chegou|chegaram|recebi|recebemos|recebeu|veio|vieram|caiu|atualiza|atualizou|atualizando|sincroniza|sincronizou|sincronizando|responde|respondem|respondeu|responderam|resolve|resolveu|resolveram|resolvido|resolvida|imprime|envia|enviou|salva|salvou|conecta|conectou|reconhece|reconheco|aceita|certo|sai|saiu|gera|gerou|baixa|baixou|emite|emitiu|acessa|acesso|encontro|acho|vejo|consta|bate|batem)",
    "(erro|erros|errado|errada|errados|erradas|problema|problemas|falha|falhas|falhou|falhando|bug|bugs|defeito|defeitos)",
    "(trava|travou|travam|travado|travada|travando|parou|pararam|parado|quebrou|quebrado|quebrada|sumiu|sumiram|apagou|apagaram|perdi|perdemos|bloqueou|bloqueado|bloqueada|bloquearam|lento|lenta|lentidao|instavel|indisponivel)",
    "(duplicado|duplicada|duplicadas|duplicidade|indevido|indevida|indevidamente|atraso|atrasado|atrasada|atrasou|vazou|vazaram|vazamento|invadiram|invadida|invadido|clonaram|clonado|golpe|fraude|reclamacao|reclamar|absurdo|palhacada)",
    "fora do ar",
    "(duas|tres|varias) vezes",
    "em dobro",
    "(cobrado|cobrada|cobraram|cobrou|debitado|debitaram|debitou) ... (a mais|sem|depois|errado|de novo|novamente)",
    "(ninguem|nunca) (me|nos|mais)* (responde|respondeu|responderam|resolve|resolveu|atende|atendeu|retornou|ligou|chegou|recebi|funcionou)",
    "(continua|continuam) (com|sem|o|a|mesmo|nao)",
    "ainda (nao|sem)",
    "(sistema|site|app|aplicativo|internet|servidor) ... caiu",
    // English
    "(can|could|do|does|did|is|are|was|were|will|would|has|have) not (be|been|even|able|let)* (able|work|works|working|worked|load|loads|loading|open|opens|opening|log|access|connect|sync|syncing|send|receive|received|arrive|arrived|get|got|find|see|save|print|download|upload|respond|responded|answer|answered|update|updating|show|showing|let|accept|accepted|recognise|recognize|reset|pay|use|generate|export|import|start|appear|resolved|solved|fixed|come|delivered|helped|help)",
    "(unable|fail|fails|failed|failing|failure|error|errors|problem|problems|issue|issues|bug|bugs|broken|broke|crash|crashes|crashed|crashing|stuck|frozen|freeze|freezes|froze|missing|wrong|lost|blocked|outage|down|overcharged|duplicate|duplicated|unauthorised|unauthorized|hacked|scam|fraud|leaked|delayed|disappeared|vanished|complaint|unacceptable)",
    "locked out",
    "(stopped|stops) working",
    "(charged|billed) ... (twice|again|double|wrong|wrongly|incorrectly|after|without)",
    "double (charge|charged|charges|billed)",
    "(never|nobody|no one) (has|have|ever)* (arrived|received|answered|answers|replied|responded|got|called|came|worked|helped)",
    "still (no|not|waiting|nothing)",
];

const QUESTION: &[&str] = &[
    "como (eu)? (faco|fazer|faz|posso|consigo|conseguimos|podemos|funciona)",
    "(tem|teria|ha) como",
    "(gostaria|queria|preciso|quero|precisamos|queremos) (de)? (saber|entender)",
    "how (do|can|could|should|does|much|long|many)",
    "(want|need|would like) to (know|understand)",
    "is (it|there) (possible|a way|any way)",
];

const REQUEST: &[&str] = &[
    // Portuguese
    "(quero|queria|queremos|gostaria|gostariamos|preciso|precisamos|precisava|solicito|solicitamos|peco|pedimos|exijo|exigimos|desejo|necessito|aguardo|aguardamos)",
    "(voce|voces)? (pode|podem|poderia|poderiam|consegue|conseguem|conseguiria|conseguiriam)",
    "me (ajuda|ajude|ajudem|ajudar|envia|envie|enviem|manda|mande|mandem|passa|passe|passem|informa|informe|informem|explica|explique|expliquem|liga|ligue|liguem)",
    "por favor",
    "(envie|enviem|mande|mandem|informem|expliquem|verifique|verifiquem|confirme|confirmem|resolva|resolvam|corrija|corrijam|cancele|cancelem|altere|alterem|estorne|estornem|devolvam|libere|liberem|desbloqueiem|removam|incluam)",
    // English
    "(i|we) (want|need|demand|expect|request|require)",
    "(i|we) would like",
    "(please|kindly)",
    "(can|could|would|will) (you|someone|somebody|anyone)",
    "let (me|us) know",
    "(cancel|fix|refund|remove|reset|change) (my|our|the|this)",
];

const EXPECTATION: &[&str] = &[
    // Money.
    "(reembols*|estorn*|ressarc*|refund*|reimburse*|chargeback)",
    "(devolv*|devolucao) ... (dinheiro|valor|pagamento|grana|paguei)",
    "(dinheiro|valor|grana|money) (de volta|back)",
    "(compensation|indenizacao|indenizar|compensacao)",
    // A moment.
    "(ate|para) (hoje|amanha|segunda|terca|quarta|quinta|sexta|sabado|domingo|o fim do dia|o final do dia|o fim da semana|semana que vem)",
    "(ainda hoje|hoje ainda|hoje mesmo|agora mesmo|imediatamente|urgente|urgentemente|urgencia)",
    "o (quanto antes|mais rapido|mais breve)",
    "(preciso|precisamos|quero|resolv*) ... (hoje|amanha|agora)",
    "(prazo|deadline)",
    "by (today|tonight|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday|noon|the end|end of|next)",
    "(need|want|fix*|solve*|resolve*) ... (today|tomorrow|now)",
    "(asap|urgent|urgently|immediately|as soon as possible|right away|right now)",
    "within (the|next)* (hour|day|24|48)",
    // A call or a reply.
    "(me|nos) (ligue|liguem|liga|ligar|ligam|telefone|telefonem|retorne|retornem|retornar)",
    "(podem|pode|poderiam|poderia|favor) (me|nos)* (ligar|telefonar|retornar|responder)",
    "aguardo (um|uma|o|a|seu|sua)* (retorno|resposta|contato|posicionamento|solucao|ligacao)",
    "call (me|us) (back)?",
    "give (me|us) a call",
    "(waiting for|awaiting|expecting|expect) (a|an|your|the)* (reply|response|answer|call|solution|update)",
    // What is demanded.
    "(exijo|exigimos|demand|insist)",
    "(quero|queremos|want) (o|a|que|cancelar|trocar|my|our|this|a|the|to cancel|to speak)",
    "(cancelem|cancele|cancel) (o|a|meu|minha|nosso|nossa|my|our|the)",
];

const PERSON: &[&str] = &[
    "(falar|conversar|tratar|contato) com (um|uma|o|a|algum|alguma|seu|sua)* (pessoa|atendente|humano|alguem|gente|gerente|supervisor|supervisora|responsavel|diretor|diretora|ser humano)",
    "(atendimento|atendente) (humano|humana|de verdade)",
    "(chame|chama|chamem|passa|passe|passem|quero|cade) (me|o|a|um|uma|para|com|seu|sua)* (atendente|humano|gerente|supervisor|supervisora|responsavel|pessoa)",
    "(speak|talk|chat|connect|connected|transfer|transferred|escalate) (me|us|to|with|this)* (a|an|your|the|some|real|live|actual|human)* (person|human|agent|manager|supervisor|someone|somebody|representative|people|advisor|adviser)",
    "(human|live|real) (agent|person|being)",
];

const STEP: &[&str] = &[
    // Portuguese
    "(quando|ao|apos|depois|assim que|toda vez que|cada vez que|sempre que) (eu|a gente|que|de|nos|tento|tentamos|vou|for)* (clico|clicar|clicamos|abro|abrir|abrimos|tento|tentar|tentamos|entro|entrar|entramos|aperto|apertar|toco|tocar|seleciono|selecionar|escolho|escolher|salvo|salvar|envio|enviar|digito|digitar|acesso|acessar|faco|fazer|atualizo|atualizar|mudo|mudar|troco|trocar|exporto|exportar|importo|importar|imprimo|imprimir|confirmo|confirmar|pago|pagar|ligo|ligar|fecho|fechar|uso|usar)",
    "(cliquei|abri|entrei|apertei|toquei|selecionei|escolhi|digitei|acessei|reiniciei|reinstalei|atualizei|desinstalei|limpei)",
    "(acontece|ocorre|comeca|comecou|aparece) (so|sempre|somente|apenas)* (quando|depois|apos|ao|desde)",
    "(se|if) (eu|i|we|you)* (clico|clicar|abro|abrir|tento|tentar|aperto|apertar|click|open|try|tap|press|select|upload)",
    "passo a passo",
    // English
    "(when|whenever|after|every time|each time|as soon as) (i|we|you) (try to|go to|then)* (click|clicked|open|opened|try|tried|tap|tapped|press|pressed|select|selected|choose|type|enter|entered|log|logged|sign|signed|save|saved|send|submit|submitted|upload|uploaded|download|export|import|go|change|changed|update|updated|pay|print|refresh|close|use|switch)",
    "(when|whenever|after|while|upon|by) (clicking|opening|trying|tapping|pressing|selecting|typing|entering|logging|signing|saving|sending|submitting|uploading|downloading|exporting|importing|updating|refreshing|closing|switching)",
    "(i|we) (then)? (clicked|opened|tapped|pressed|selected|chose|typed|entered|logged in|signed in|reinstalled|restarted|updated|cleared)",
    "(happens|happened|starts|started|occurs) (only|every|each|always)* (when|after|time|since|if)",
    "steps to reproduce",
];

const TECHNICAL: &[&str] = &[
    "(erro|erros|error|errors|bug|bugs|falha|falhas|failure|exception|excecao|timeout|timed out|logs|stacktrace|crash|crashes|crashed|crashing|trava|travou|travando|freezes|frozen)",
    "tela (branca|preta|azul|congelada)",
    "(white|black|blue|blank) screen",
    "(fora do ar|outage|latency|lentidao|instavel)",
    "(versao|version|firmware)",
    "(navegador|browser|chrome|firefox|safari|edge)",
    "(iphone|ipad|android|ios|windows|macos|mac|linux|ubuntu|samsung|motorola|xiaomi|galaxy|notebook|laptop|tablet|computador)",
    "(no|pelo|do) meu? celular",
    "(api|webhook|webhooks|endpoint|token|sdk|servidor|server|banco de dados|database|integracao|integration|sso|oauth|dns|ssl|vpn|wifi|json|csv)",
];
