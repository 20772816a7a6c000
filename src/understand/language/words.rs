//! Words and spellings that speak for a language, with how loudly (about 1 for a word that only one
//! of the languages has, less where they share it).
//!
//! Loan words that every customer uses (login, app, status, site) are left out on purpose.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;

/// Evidence for Portuguese, English, Spanish and none of them, in this order.
pub(super) type Scores = [f32; 4];

pub(super) const PT: usize = 0;
pub(super) const EN: usize = 1;
pub(super) const ES: usize = 2;
pub(super) const OTHER: usize = 3;

/// Words with their scores.
pub(super) type Lexicon = HashMap<Box<str>, Scores>;

/// Share of a word's weight that is left where its accents are missing.
const UNACCENTED: f32 = 0.85;

/// Returns the words with their scores.
pub(super) fn lexicon() -> Lexicon {
    let mut words = Lexicon::with_capacity(2048);
    let mut unaccented = Lexicon::new();
    for (language, weight, list) in LISTS {
        for word in list.split_whitespace() {
            raise(&mut words, word, *language, *weight);
            if !word.is_ascii() {
                let plain: String = word
                    .nfd()
                    .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
                    .collect();
                raise(&mut unaccented, &plain, *language, *weight * UNACCENTED);
            }
        }
    }
    // Half of our customers type no accents; a word of its own right keeps its own weight.
    for (word, scores) in unaccented {
        words.entry(word).or_insert(scores);
    }
    words
}

fn raise(words: &mut Lexicon, word: &str, language: usize, weight: f32) {
    if let Some(score) = words.entry(word.into()).or_default().get_mut(language) {
        *score = score.max(weight);
    }
}

const LISTS: &[(usize, f32, &str)] = &[
    (
        PT,
        1.5,
        "não nao naum você voce vocês voces vc vcs oi olá obrigado obrigada brigado obg vlw \
        valeu quero queria gostaria preciso consigo consegui consegue minha minhas meu meus cadê \
        então entao também tambem tbm alguém alguem ninguém ninguem ajuda ajudar ajudem",
    ),
    (PT, 0.9, "um em é do da dos os deve devem chave arquivos classe usar"),
    (
        PT,
        1.0,
        "eu cade seu sua seus suas bom boa noite estou tô tá tava estava estão estao estamos tem tenho \
        tinha têm temos teve tive vou vai vão são sou foi fiz fez fazer faz fazendo feito feita pode \
        podem poderia posso pra pro pras pros pelo pela pelos pelas com sem uma umas num numa nas \
        mais muito muita muitos muitas tudo ainda já ja agora hoje ontem amanhã amanha depois quando \
        quanto quanta quantos quantas qual quais onde quem isso isto aquilo essa esse esses essas \
        aquele aquela nesse nessa neste nesta desse dessa deste desta lá aí até só assim sim ele ela \
        eles elas dele dela deles delas nós ao aos à às conta contas cartão cartao cartões boleto \
        boletos pix dinheiro pagamento pagamentos paguei pagou comprei comprou chegou chegaram \
        chegando chega cheguei chegar recebi recebeu receber recebendo veio vieram cobrança cobranca \
        cobranças cobraram cobrou estorno estornar estornado devolução devolucao troca trocar \
        atendente atendimento atendentes cancelamento assinatura senha senhas acessar acesso entregue \
        prazo loja lojas produto produtos erro erros tela aplicativo cadastro cadastrar cadastrado \
        endereço endereco desconto preço preco mês ano anos gostei adorei péssimo pessimo péssima \
        horrível ruim melhor pior ótimo otimo ótima legal certo errado errada falar fala falando \
        falei ligar liguei ligação ligacao aguardo aguardando aguardar dizer diz disse dizendo sei \
        acho achei outro outra outros outras mesmo mesma sempre vezes pessoa pessoas trabalho dúvida \
        duvida dúvidas tentei tentando tentar ficou ficar fica ficando deu dei deixar deixou deixei \
        caiu cair sumiu saiu voltou voltar mandar mandei mandou mandaram enviei enviou solicitei peço \
        peco pedi continuo bloqueou bloquearam vencimento parcela parcelas juros frete estoque \
        rastreio rastreamento encomenda pacote atenciosamente blz beleza hj pq qdo qnd mto td tds dps \
        msm né aki oq oque cmg vdd poxa puxa moça moço pessoal senhor senhora bem mas ou quinta sexta \
        terça quarta meses vocêis cês cê fatura faturas mensalidade anuidade conversar resolvam \
        resolvem resolveram resolvido resolvida devolvam devolveram esperei esperamos deveria \
        gostaríamos precisamos precisava queremos quer querem nossa nosso nossos nossas falta faltando \
        faltou veja vejo vendo olha desculpa desculpe obrigadão abraço abraços abs grato \
        grata retorno comprar vender usuário usuario usuários usuarios dúvidas reclamação \
        reclamar reclamo atrasado atrasada atraso quebrado quebrada quebrou veio defeito garantia \
        baixar baixei arquivo senão embora porém através possível possivel impossível disponível \
        número novamente qualquer sobre sei lembro esqueci perdi mudar mudei alterar alterei mudança",
    ),
    (
        PT,
        0.6,
        "um em na do da das os o e é ola dia dias quase fui tb eh ne nn n aqui bloqueado ate so \
        nos ver mal entrar entro entrei cara gente favor segunda via abrir abre funcionando ter ser \
        este esta neste cancelar cancelamento cancelei cancelado nota fiscal ta to tou mt kd q sla",
    ),
    (
        PT,
        0.3,
        "la no a as as me que por para de se como todo nada problema pedido pedidos compra urgente \
        resolver reembolso funciona celular valor semana hora horas nunca antes vez espero pago dar \
        esperando entrega mensagem plano planos empresa cliente resposta devolver data",
    ),
    (
        EN,
        1.2,
        "the my i'm you your it's this that these those what when where which who why how and but \
        not can't cannot could would should won't want please thanks thank hello hey \
        don't doesn't didn't isn't wasn't haven't hasn't aren't couldn't i've i'd i'll you're they \
        them their she been being have has are was were does did with without from thx pls plz \
        dont cant didnt doesnt ive wont isnt im havent hasnt wasnt youre gonna wanna yes",
    ),
    (
        EN,
        1.0,
        "hi is am had you're it its or can will need help order orders account payment refund \
        refunded cancel cancelled canceled charged charge money card bill billing invoice shipping \
        received arrived arrive still yet again for to of on in at by we our us get got getting keep \
        keeps work works working worked broken wrong issue issues problem change changed more any some \
        all already since after before now today yesterday tomorrow days day week weeks month months \
        year years because if just very really too also only there here one two first last out up \
        down back off over good great bad worst awful sorry morning afternoon evening dear regards \
        sincerely speak talk call someone anyone unsubscribe person customer service send sent address phone \
        number name tell told said say see look looking trying try tried logged sign into unable let \
        know make made use using used going like love hate waiting wait long an find found buy bought \
        paid pay package missing late stop stopped asked ask question questions new old nobody human \
        then than even every never ever another other people thing things give given take took came \
        come wrote write reply answer response email's access lost forgot locked reset fix fixed \
        upgrade downgrade subscription purchase purchased delivered refunds nothing \
        something anything everything okay about while until through be do's which much many same \
        different next soon possible appreciate anymore instead right away happen happened happens \
        show shows showing says cannot everyone whoever whether best team support's website's page",
    ),
    (EN, 0.5, "me he a as no do so error track tracking support delivery password"),
    (
        ES,
        1.5,
        "hola quiero necesito necesita necesitamos gracias usted ustedes mi mis tengo tiene tienen \
        estoy puedo puede pueden quisiera contraseña contrasena ayúdenme llegó llego \
        todavía todavia también ahora hoy ayer mañana alguien nadie cuenta tarjeta dinero muy pero \
        pedí hice hizo señor señora",
    ),
    (
        ES,
        1.0,
        "buenas buenos noches el la los las una unos y con sin del al yo él ella ellos sí más mucho \
        mucha muchos muchas aún aun ya después despues cuando cuándo cuanto cuánto cuál cual dónde \
        donde cómo qué quién quien eso esto ese esa esos esas aquí allí allá ahí entonces hasta sólo \
        solo así asi están estan estaba fue soy es tenía tenemos voy podría podria pueda quería \
        gustaría gustaria cuentas pagué compré llegado llega llegar llegaron recibí recibi recibido \
        recibir cobraron devolución devolucion clave acceder acceso plazo tienda producto productos \
        pantalla aplicación aplicacion correo dirección direccion descuento precio año años pésimo \
        malo mala mejor peor bueno buena bien hablar llamar llamada hace hacer hecho haciendo decir \
        dice dijo veo creo otro otra otros otras mismo misma siempre veces persona personas trabajo \
        duda dudas intenté intento intentar intentando queda quedó dio dejar dejó salir salió volver \
        volvió envié enviaron solicité sigue sigo siguen vencimiento factura facturas envío envio \
        paquete jaja jajaja saludos atentamente disculpe disculpa porfa porfavor hay han había habia \
        pude pudo devuelvan devuelva lunes martes miércoles miercoles jueves viernes seguimiento \
        mío mía suscripción suscripcion cobro cobros he soporte le les ninguna ninguno \
        cambiar cambio olvidé olvide perdí nuestra nuestro nuestros ustedes nuevo nueva \
        mientras aunque hubiera ayudan ayudarme ayudarnos dígame digame necesitaba quieren queremos \
        quería puedes tienes podemos sabe saben gusta gustan deseo desea hemos deben debe",
    ),
    (
        ES,
        0.6,
        "en lo un tu su sus si son ayuda tardes día dias ud tambien error ha va algo anda sirve",
    ),
    (
        ES,
        0.3,
        "no a me que por para de se como todo nada problema pedido pedidos compra urgente \
        resolver reembolso funciona celular valor semana hora horas nunca antes vez espero pago dar \
        esperando entrega cancelar cancelado bloqueado empresa cliente plan devolver entrar este esta \
        favor funcionando o nos dos aqui mes",
    ),
    (
        OTHER,
        1.2,
        "ich nicht und mein meine meinen bitte danke hallo habe kann für mit auf eine keine \
        guten bestellung konto wurde noch wie wir sie je suis vous nous une c'est j'ai n'ai n'est \
        n'a bonjour merci commande avec dans votre besoin aide compte reçu où qui pas est et mon \
        il sono mio mia perché perche ciao grazie buongiorno ordine ancora ricevuto aiuto vorrei \
        questo questa anche molto gli della arrivato non che è è het een niet ik mijn maar bestelling \
        graag nie jest mam moje się czy proszę dzień dobry bir bu ve için ben merhaba değil jag inte och \
        är att ikke jeg og hej tack nu și sunt bună amb però gràcies saya tidak yang dan ini \
        nem vagyok není jsem minun ole mijn pesanan der ist zum zur bin auch pour ça sur \
        aujourd'hui ce cette sein haben hatte s'il plaît l'ordine dell all'ordine nel alla hep sipariş \
        siparişim từ không của tôi wurde nicht kein",
    ),
    (
        OTHER,
        0.5,
        "die du le les des ma mes du au aux per di den von ein der das van dat en det \
        min az és ma",
    ),
];

/// Says what a letter alone speaks for.
pub(super) fn letter(c: char) -> Option<(usize, f32)> {
    Some(match c {
        'ã' | 'õ' => (PT, 0.9),
        'ç' | 'â' | 'ê' | 'ô' => (PT, 0.4),
        'ñ' => (ES, 0.9),
        'ß' | 'ä' | 'ö' | 'å' | 'ø' | 'æ' | 'ł' | 'ż' | 'ź' | 'ś' | 'ć' | 'ń' | 'ę' | 'ą' | 'č'
        | 'š' | 'ž' | 'ř' | 'ě' | 'ů' | 'ğ' | 'ş' | 'ı' | 'ő' | 'ű' | 'ă' | 'ș' | 'ț' | 'œ'
        | 'ë' | 'ï' | 'î' | 'û' | 'è' | 'ù' | 'ì' | 'ò' | 'đ' | 'ơ' | 'ư' | 'ạ' | 'ệ' | 'ộ'
        | 'ý' => (OTHER, 0.6),
        _ => return None,
    })
}

/// Endings, loudest first; the first that fits counts.
const ENDINGS: &[(usize, f32, &str)] = &[
    (PT, 1.0, "ção"),
    (PT, 1.0, "ções"),
    (PT, 0.8, "ões"),
    (PT, 0.8, "ão"),
    (PT, 0.6, "çao"),
    (PT, 0.6, "ável"),
    (PT, 0.6, "ível"),
    (PT, 0.5, "cao"),
    (PT, 0.5, "coes"),
    (PT, 0.5, "agem"),
    (PT, 0.5, "eiro"),
    (PT, 0.5, "eira"),
    (PT, 0.5, "dade"),
    (PT, 0.5, "dades"),
    (PT, 0.5, "inho"),
    (PT, 0.5, "inha"),
    (PT, 0.5, "aram"),
    (PT, 0.5, "eram"),
    (PT, 0.5, "iram"),
    (PT, 0.4, "ou"),
    (PT, 0.4, "ei"),
    (PT, 0.4, "êm"),
    (PT, 0.4, "ém"),
    (PT, 0.4, "aria"),
    (PT, 0.3, "em"),
    (PT, 0.3, "am"),
    (PT, 0.3, "ido"),
    (PT, 0.3, "ada"),
    (ES, 0.3, "ada"),
    (ES, 1.0, "ción"),
    (ES, 1.0, "ciones"),
    (ES, 0.8, "sión"),
    (ES, 0.7, "cion"),
    (ES, 0.7, "miento"),
    (ES, 0.6, "dad"),
    (ES, 0.6, "aron"),
    (ES, 0.6, "ieron"),
    (ES, 0.5, "iendo"),
    (ES, 0.5, "ó"),
    (ES, 0.4, "aba"),
    (ES, 0.4, "illa"),
    (ES, 0.4, "illo"),
    (EN, 1.0, "n't"),
    (EN, 1.0, "'s"),
    (EN, 1.0, "'re"),
    (EN, 1.0, "'ve"),
    (EN, 1.0, "'ll"),
    (EN, 1.0, "'m"),
    (EN, 0.6, "ght"),
    (EN, 0.4, "tion"),
    (EN, 0.4, "ness"),
    (EN, 0.4, "ing"),
    (EN, 0.4, "ings"),
    (EN, 0.3, "ment"),
    (EN, 0.3, "ly"),
    (EN, 0.3, "ted"),
    (EN, 0.3, "ck"),
    (EN, 0.3, "th"),
    (EN, 0.3, "ed"),
    (EN, 0.3, "ful"),
    (EN, 0.2, "ers"),
    (EN, 0.2, "ty"),
];

/// Says what the spelling of a lower-case word speaks for, beyond its letters.
pub(super) fn spelling(word: &str) -> Scores {
    let mut scores = Scores::default();
    let mut add = |language: usize, weight: f32| {
        if let Some(score) = scores.get_mut(language) {
            *score += weight;
        }
    };
    let length = word.chars().count();
    if length < 4 {
        return scores;
    }
    let ending = ENDINGS
        .iter()
        .find(|(_, _, ending)| word.ends_with(ending) && length > ending.chars().count() + 1);
    if let Some((language, weight, _)) = ending {
        add(*language, *weight);
    }
    let has = |piece: &str| word.contains(piece);
    if has("lha") || has("lho") || has("lhe") || has("nha") || has("nho") {
        add(PT, 0.5);
    }
    if word.starts_with("ll") || has("uel") || has("ueb") || has("ñ") {
        add(ES, 0.3);
    }
    if word.starts_with("wh") || word.starts_with("th") || has("ough") || has("sh") {
        add(EN, 0.3);
    }
    if has("sch") || has("tz") || has("eux") || has("zz") || has("ij") || has("cz") {
        add(OTHER, 0.3);
    }
    scores
}
