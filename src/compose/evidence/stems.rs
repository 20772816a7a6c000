//! The words of a sentence that carry its meaning, in a form in which inflections and near synonyms are equal, each
//! with whether it is denied.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::domain::labels::Locale;

/// One word that carries meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stem {
    /// The stem, or the name of its group of synonyms.
    pub(super) root: String,
    /// Whether a word before it in its clause denies it.
    pub(super) denied: Denied,
    /// Where it starts in the plain text.
    pub(super) at: usize,
    /// The clause it stands in, counted from the first.
    pub(super) clause: usize,
}

/// How much a word is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// Not at all.
    No,
    /// It stands within reach of a denial: "no late *fee*".
    Reached,
    /// Nobody can say without grammar: "no fee and *interest*", "if it does not *arrive*".
    Unclear,
    /// It is what the denial says no to: "no *fee*", "cannot *cancel*".
    Yes,
}

/// Most words that carry meaning between a denial and the last word that it reaches.
const REACH: usize = 4;

const STOP_PT: &str = "nossa nosso nossas nossos temos tenho tinham teremos queremos podemos fazemos somos estamos a o as os um uma uns umas de do da dos das em no na nos nas por pelo pela pelos pelas para pra pro com ao aos e ou mas que se como quando onde qual quais quem cujo este esta estes estas esse essa esses essas isso isto aquele aquela aquilo ele ela eles elas eu nos voce voces vc te lhe lhes me meu minha meus minhas seu sua seus suas dele dela ser e sao foi foram era estar esta estao estava estara sera serao seria sendo sido ter tem tenha tiver tinha tera haver ha houver houve ir vai vao vou vamos pode podem poder podera possa possam deve devem fazer faz faca feito fica ficam ficar ficara quer querer queira quiser precisa precisam precisar basta la aqui ali ai ja ainda tambem entao assim depois antes agora logo bem muito muita mais menos mesmo mesma cada todo toda todos todas outro outra outros outras qualquer algum alguma alguns algumas so apenas somente porque pois sobre entre ate desde durante apos sem nao nem nunca nada nenhum nenhuma caso enquanto disso nisso dessa desse nessa nesse deste desta neste nesta num numa duas dois passo passos seguinte seguintes forma jeito maneira vez vezes dar da dao deu das ok ola oi obrigado obrigada voce sim aparecer aparece parte tipo coisa coisas sendo via alem disso conforme tao tal tanto pelo acontece acontecer";
const STOP_EN: &str = "whichever whatever yes no afraid offer offers take takes a an the of in on at by for to from with and or but that this these those it its is are was were be been being am i you your yours we us our ours they them their he she his her who whom which what when where why how if then than as so do does did done doing have has had having can could will would shall should may might must need needs want wants just only also too very more most less least each every any some all both other another same such up down out over under again once here there now already still yet after before while until about into through during because since no not never none nothing nor without neither cannot cant dont doesnt isnt arent wont didnt im youre thats theres ill youll well ive youve lets let please ok hi hello thanks thank get gets getting got make makes way step steps following one two thing things go goes going appear appears per via even though whether come comes like happen happens";

/// Groups of words that say the same in a support article. The first names the group.
const SAME_PT: &[&str] = &[
    "tocar clicar apertar pressionar selecionar escolher usar utilizar opte marcar acionar",
    "abrir acessar entrar acesse vá navegar",
    "botao opcao menu aba",
    "devolver estornar reembolsar estorno reembolso devolucao ressarcir devolvido volta",
    "dinheiro valor quantia preco custo custar custa sai montante",
    "pagar pagamento quitar pago paga",
    "cobrar cobranca debitar cobrado",
    "gratis gratuito gratuita gratuitamente",
    "multa taxa juros tarifa custo",
    "cancelar cancelamento encerrar",
    "excluir apagar deletar remover eliminar exclusao",
    "mudar trocar alterar mudanca troca alteracao modificar migrar passar",
    "maior superior acima",
    "menor inferior abaixo",
    "enviar mandar envio remeter encaminhar disparar",
    "receber chegar cair chega recebimento",
    "digitar informar preencher inserir escrever colocar incluir",
    "conferir verificar checar olhar ver veja confira enxergar visualizar",
    "celular telefone aparelho dispositivo smartphone",
    "computador pc notebook",
    "e-mail email correio",
    "senha",
    "baixar download",
    "salvar gravar guardar",
    "prazo periodo tempo",
    "esperar aguardar",
    "imediato imediatamente instante hora instantaneo",
    "validade valer vale valido vencer vence expirar expira dura durar funcionar funciona",
    "renovar renovacao",
    "mensal mensalidade mes meses mensalmente",
    "anual ano anualmente",
    "assinatura plano",
    "contratar assinar comprar contratacao compra",
    "pessoa usuario alguem membro",
    "equipe time atendimento",
    "cliente clientes",
    "sozinho automaticamente automatico",
    "disponivel liberar liberado permitir permite permitido possivel conseguir consegue",
    "fatura conta boleto",
    "numero",
    "tela pagina",
    "arquivo documento",
    "planilha",
    "gerar criar emitir criacao emissao",
    "conectar conexao vincular ligar parear",
    "desconectar desconexao",
    "ativar habilitar ligar reativar",
    "desativar desligar desabilitar pausar",
    "limite maximo teto",
    "minimo pelo",
    "desconto abatimento",
    "cupom codigo",
    "erro falha problema falhar",
    "repetir novamente novo nova",
    "confirmar confirmacao",
    "pedir solicitar solicitacao pedido requisitar",
    "mostrar exibir trazer traz aparecer indicar",
    "titular dono proprietario responsavel",
    "desistir arrepender desistencia arrependimento",
    "dividir parcelar parcela parcelamento",
    "iniciar comecar inicio comeco",
    "terminar acabar fim final termino",
    "anterior antigo antiga velho",
    "atual corrente vigente",
    "continuar seguir permanecer manter continua segue",
    "compartilhar dividir",
    "contato contatos",
    "funcionario colaborador atendente",
    "gerenciar cuidar administrar",
    "apresentar mandar comprovante recibo",
    "explicar motivo justificar razao justificativa",
    "integral integralmente inteiro total tudo completo todo",
    "modelo template",
    "ler escanear leitura apontar",
    "sumir perder perda",
    "voltar retornar retomar",
    "data dia",
    "proximo seguinte",
    "obrigatorio necessario precisar exigir",
    "feriado feriados",
    "responder resposta retorno",
    "convite convidar",
    "colar copiar",
    "incluso incluir inclui",
    "analisar avaliar conferir analise",
    "internet rede online",
    "endereco",
];
const SAME_EN: &[&str] = &[
    "choose click tap press select pick hit use",
    "open go head navigate visit access",
    "button option menu tab",
    "refund reimburse return back reimbursement returned",
    "money amount price cost costs priced sum value",
    "pay payment paid settle",
    "charge bill charged billed billing",
    "free",
    "fee penalty interest",
    "cancel cancellation end",
    "delete erase remove removed deletion wipe",
    "change switch move update edit modify upgrade",
    "bigger larger higher above",
    "smaller lower below downgrade",
    "send sent sending deliver email",
    "receive get arrive reach reaches arrives land lands",
    "enter type fill write input put",
    "check see look verify confirm review",
    "phone mobile device cell handset",
    "computer desktop laptop",
    "email mail inbox",
    "download",
    "save keep store kept stored",
    "period time window",
    "wait",
    "immediately instantly instant right away straight once",
    "valid last lasts work works expire expires expiry run runs due",
    "renew renewal",
    "month monthly",
    "year yearly annual annually",
    "plan subscription",
    "buy purchase sign subscribe signup",
    "person people user users someone somebody member anyone everyone",
    "team support staff",
    "customer client",
    "account",
    "automatically itself automatic",
    "available allow allows allowed possible able let lets",
    "invoice bill statement",
    "number",
    "screen page",
    "file document",
    "spreadsheet sheet",
    "create generate issue make new issued",
    "connect link linked connection pair",
    "disconnect disconnected",
    "enable activate turn switched on resume",
    "disable deactivate off pause paused stop stops",
    "limit maximum max most",
    "minimum least",
    "discount off",
    "coupon code",
    "error failure problem fail fails failed issue mistake",
    "again retry repeat another new",
    "request ask requested",
    "show display shows shown list lists appear",
    "owner holder",
    "regret mind change",
    "split share divide instalment installment part",
    "start begin starts beginning effect",
    "finish end over ends",
    "earlier previous old older former",
    "current present",
    "continue stay stays remain remains carry keep keeps",
    "contact",
    "reason why explain say justify explanation",
    "full whole entire complete everything all",
    "template",
    "scan read",
    "lose lost",
    "day date",
    "next following",
    "required mandatory require must",
    "answer reply respond response replies",
    "invite invitation",
    "copy paste",
    "include includes included come",
    "internet online",
    "address",
    "add extra additional",
    "difference remaining left rest",
    "receipt proof",
    "join enrol register attend",
];

type Groups = BTreeMap<String, String>;
static GROUPS_PT: LazyLock<Groups> = LazyLock::new(|| groups(SAME_PT, Locale::PtBr));
static GROUPS_EN: LazyLock<Groups> = LazyLock::new(|| groups(SAME_EN, Locale::En));

fn groups(table: &[&str], locale: Locale) -> Groups {
    let mut groups = Groups::new();
    for line in table {
        let first = line.split(' ').next().unwrap_or_default();
        let name = format!("={}", bare_stem(first, locale));
        for word in line.split(' ') {
            // A word of two groups belongs to the first: groups are not joined by it.
            groups.entry(bare_stem(word, locale)).or_insert_with(|| name.clone());
        }
    }
    groups
}

/// Returns the stem of a folded word, or its group of synonyms.
pub(super) fn stem(word: &str, locale: Locale) -> String {
    let stem = bare_stem(word, locale);
    let groups = match locale {
        Locale::PtBr => &GROUPS_PT,
        Locale::En => &GROUPS_EN,
    };
    groups.get(&stem).cloned().unwrap_or(stem)
}

const ENDS_PT: &[&str] = &[
    "amentos", "imentos", "amento", "imento", "acoes", "icoes", "acao", "icao", "cao", "coes",
    "sao", "soes", "adores", "adoras", "ador", "adora", "aveis", "iveis", "avel", "ivel", "mente",
    "idades", "idade", "ancia", "encia", "ariamos", "ando", "endo", "indo", "ados", "adas", "idos",
    "idas", "ado", "ada", "ido", "ida", "aram", "eram", "iram", "arem", "erem", "irem", "arao",
    "erao", "irao", "aremos", "eremos", "iremos", "amos", "emos", "imos", "avam", "ava", "aria",
    "eria", "iria", "asse", "esse", "isse", "ara", "era", "ira", "ar", "er", "ir", "ou", "eu",
    "iu", "am", "em", "es", "as", "os", "ao", "a", "e", "o", "s",
];
const ENDS_EN: &[&str] = &[
    "ations", "ation", "ences", "ence", "ents", "ent", "ments", "ment", "ings", "ing", "edly",
    "ed", "ies", "ions", "ion", "ers", "er", "ly", "es", "s", "e", "y",
];

fn bare_stem(word: &str, locale: Locale) -> String {
    let (ends, least) = match locale {
        Locale::PtBr => (ENDS_PT, 3),
        Locale::En => (ENDS_EN, 3),
    };
    let mut stem = word;
    for end in ends {
        if let Some(rest) = word.strip_suffix(end)
            && rest.len() >= least
        {
            stem = rest;
            break;
        }
    }
    let mut stem = stem.to_owned();
    match locale {
        // "Troque" and "trocar", "pague" and "pagar", "comece" and "começar".
        Locale::PtBr => {
            for (end, plain) in [("qu", "c"), ("gu", "g"), ("ss", "s")] {
                if let Some(rest) = stem.strip_suffix(end) {
                    stem = format!("{rest}{plain}");
                }
            }
        }
        // "Stopped" and "stop".
        Locale::En => {
            let twice = stem.len() > 3
                && stem.chars().rev().nth(1) == stem.chars().next_back()
                && !stem.ends_with(['l', 's', 'e']);
            if twice {
                stem.pop();
            }
        }
    }
    stem
}

fn is_stop(word: &str, locale: Locale) -> bool {
    static PT: LazyLock<Vec<&str>> = LazyLock::new(|| sorted(STOP_PT));
    static EN: LazyLock<Vec<&str>> = LazyLock::new(|| sorted(STOP_EN));
    let words = match locale {
        Locale::PtBr => &PT,
        Locale::En => &EN,
    };
    words.binary_search(&word).is_ok()
}

fn sorted(words: &'static str) -> Vec<&'static str> {
    let mut words: Vec<&str> = words.split(' ').collect();
    words.sort_unstable();
    words
}

fn denies(word: &str, next: &str, locale: Locale) -> bool {
    let denial = match locale {
        Locale::PtBr => {
            matches!(
                word,
                "nao"
                    | "nunca"
                    | "jamais"
                    | "sem"
                    | "nem"
                    | "nada"
                    | "nenhum"
                    | "nenhuma"
                    | "ninguem"
                    | "isento"
                    | "isenta"
                    | "impossivel"
                    | "indisponivel"
                    | "zero"
                    | "tampouco"
            ) || (word == "livre" && next == "de")
        }
        Locale::En => {
            matches!(
                word,
                "not"
                    | "no"
                    | "never"
                    | "without"
                    | "nor"
                    | "neither"
                    | "none"
                    | "nothing"
                    | "nobody"
                    | "cannot"
                    | "cant"
                    | "unable"
                    | "unavailable"
                    | "impossible"
                    | "zero"
            ) || word.len() > 3 && word.ends_with("nt") && CONTRACTED.contains(&word)
                || (word == "free" && next == "of")
        }
    };
    // "Not only" and "não só" affirm.
    denial && !matches!(next, "so" | "somente" | "apenas" | "only" | "just" | "longer_than")
}

/// True for a denial that belongs to its verb, not to a noun.
fn denies_verb(word: &str) -> bool {
    matches!(word, "nao" | "nunca" | "jamais" | "not" | "never" | "cannot") || word.ends_with("nt")
}

/// Verbs that begin a statement of their own.
const AUXILIARY: &[&str] = &[
    "sao", "foi", "foram", "sera", "serao", "esta", "estao", "is", "are", "was", "were", "will",
    "can", "has", "have",
];

/// After a denial, these deny the subject too.
const POSSIBLE: &[&str] =
    &["possible", "allowed", "available", "possivel", "permitido", "disponivel"];

/// After a denial, these make it say that something is not needed.
const NEEDLESS: &[&str] = &[
    "precisa",
    "precisam",
    "precisar",
    "necessario",
    "preciso",
    "need",
    "needed",
    "have",
    "required",
];

const CONTRACTED: &[&str] = &[
    "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "wont", "wouldnt", "cant",
    "couldnt", "shouldnt", "hasnt", "havent", "hadnt", "neednt", "mustnt",
];

/// Returns the words of a plain text that carry meaning, in order. Numbers are figures, not words.
pub(super) fn of(plain: &str, locale: Locale) -> Vec<Stem> {
    let plain = unchanged(plain);
    let words = words(&plain);
    let mut stems = Vec::new();
    let (mut left, mut supposed, mut strength, mut clause) = (0_usize, false, Denied::No, 0);
    let mut verbal = false;
    for (place, (at, word, breaks)) in words.iter().enumerate() {
        let joins = matches!(word.as_str(), "and" | "e" | "ou" | "or" | "nor");
        if *breaks || joins || ends_denial(word) {
            clause += 1;
            supposed = false;
        }
        if joins && !*breaks && left > 0 {
            strength = Denied::Unclear;
        } else if *breaks || ends_denial(word) {
            left = 0;
        }
        // "Textos que não saem são descontados": the second verb stands for itself.
        if verbal && strength == Denied::Reached && AUXILIARY.contains(&word.as_str()) {
            left = 0;
        }
        supposed |= supposes(word, locale);
        // "Nesse caso" supposes nothing.
        let before =
            place.checked_sub(1).and_then(|at| words.get(at)).map_or("", |(_, word, _)| word);
        supposed &= word != "caso"
            || !matches!(before, "nesse" | "neste" | "seu" | "o" | "um" | "este" | "esse" | "cada");
        // "To cancel, ..", "for a referral to count, ..".
        let opens = place == 0 || *breaks;
        supposed |= opens && locale == Locale::En && matches!(word.as_str(), "to" | "for");
        let next = words.get(place + 1).map_or("", |(_, next, _)| next.as_str());
        if denies(word, next, locale) {
            // "Não tem multa nenhuma" denies once.
            let again = left > 0 && strength != Denied::Unclear && !denies_verb(word);
            if !again {
                left = REACH;
                verbal = denies_verb(word);
                // What need not be done may be done.
                let condition = place == 0 && matches!(word.as_str(), "sem" | "without");
                let needless =
                    condition || NEEDLESS.contains(&next) || word == "sem" && next == "precisar";
                strength = if supposed || needless { Denied::Unclear } else { Denied::Yes };
            }
            // "Splitting it isn't possible" denies what stands before.
            if POSSIBLE.contains(&next) {
                for stem in stems.iter_mut().filter(|stem: &&mut Stem| stem.clause == clause) {
                    stem.denied = Denied::Yes;
                }
            }
            continue;
        }
        let number = word.bytes().any(|b| b.is_ascii_digit());
        if is_stop(word, locale) || number || word.len() < 2 {
            continue;
        }
        let denied = match (left, supposed) {
            (0, false) => Denied::No,
            (0, true) => Denied::Unclear,
            _ => strength,
        };
        stems.push(Stem { root: stem(word, locale), denied, at: *at, clause });
        left = left.saturating_sub(1);
        if strength == Denied::Yes {
            strength = Denied::Reached;
        }
    }
    stems
}

/// Writes "stays the same" as "not change", so that "will change" denies it. Keeps every place after it.
fn unchanged(plain: &str) -> String {
    const SAME: &[(&str, &str)] = &[
        ("nao da mais para", "nao"),
        ("nao da para", "nao"),
        ("nao da pra", "nao"),
        ("nao ha como", "nao"),
        ("nao tem como", "nao"),
        ("stays the same", "not change"),
        ("stay the same", "not change"),
        ("remains the same", "not change"),
        ("continua a mesma", "nao muda"),
        ("continua o mesmo", "nao muda"),
        ("continuam iguais", "nao mudam"),
        ("continua igual", "nao muda"),
    ];
    let mut text = plain.to_owned();
    for (same, denied) in SAME {
        if text.contains(same) {
            text = text.replace(same, &format!("{denied:<width$}", width = same.len()));
        }
    }
    text
}

/// Words that make a clause a condition or an aim, so that a denial in it denies nothing.
fn supposes(word: &str, locale: Locale) -> bool {
    match locale {
        Locale::PtBr => {
            matches!(word, "se" | "caso" | "quando" | "para" | "pra" | "quem")
        }
        Locale::En => {
            matches!(word, "if" | "unless" | "when" | "whoever" | "so" | "whether")
        }
    }
}

/// Words after which a denial no longer holds.
fn ends_denial(word: &str) -> bool {
    matches!(
        word,
        "mas"
            | "but"
            | "porque"
            | "because"
            | "quando"
            | "when"
            | "se"
            | "if"
            | "ate"
            | "until"
            | "enquanto"
            | "while"
            | "entao"
            | "then"
            | "que"
            | "which"
            | "apos"
            | "after"
            | "depois"
            | "antes"
            | "before"
            | "unless"
            | "para"
            | "although"
            | "embora"
            | "pois"
            | "so"
    )
}

/// The words with their places and whether a clause ends before them.
fn words(plain: &str) -> Vec<(usize, String, bool)> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut start, mut breaks) = (0, false);
    for (at, c) in plain.char_indices().chain(std::iter::once((plain.len(), ' '))) {
        if c.is_alphanumeric() || matches!(c, '\'' | '’') {
            if word.is_empty() {
                start = at;
            }
            if !matches!(c, '\'' | '’') {
                word.push(c);
            }
            continue;
        }
        if !word.is_empty() {
            words.push((start, std::mem::take(&mut word), breaks));
            breaks = false;
        }
        breaks |= matches!(c, ',' | ';' | ':' | '.' | '!' | '?' | '(' | ')' | '—' | '–' | '…');
    }
    words
}

/// Pairs that exclude each other: a sentence with one is not supported by the same sentence with the other.
pub(super) const OPPOSITES: &[(&str, &str)] = &[
    ("maior", "menor"),
    ("maximo", "minimo"),
    ("antes", "depois"),
    ("antes", "apos"),
    ("sempre", "nunca"),
    ("ativar", "desativar"),
    ("ative", "desative"),
    ("ligar", "desligar"),
    ("ligue", "desligue"),
    ("conectar", "desconectar"),
    ("mensal", "anual"),
    ("mensais", "anuais"),
    ("por mes", "por ano"),
    ("obrigatorio", "opcional"),
    ("obrigatoria", "opcional"),
    ("gratuito", "pago"),
    ("primeira", "ultima"),
    ("primeiro", "ultimo"),
    ("dentro", "fora"),
    ("mais de", "menos de"),
    ("bigger", "smaller"),
    ("larger", "smaller"),
    ("maximum", "minimum"),
    ("at least", "at most"),
    ("before", "after"),
    ("always", "never"),
    ("enable", "disable"),
    ("turn on", "turn off"),
    ("switch on", "switch off"),
    ("connect", "disconnect"),
    ("monthly", "yearly"),
    ("a month", "a year"),
    ("per month", "per year"),
    ("required", "optional"),
    ("first", "last"),
    ("inside", "outside"),
    ("more than", "less than"),
];
