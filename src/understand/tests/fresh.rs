//! Messages as people write them, half with a signal and half that only look like one.

use super::{Case, past, signals, understand_in};
use crate::domain::message::{Author, Given, PastMessage};
use crate::domain::signal::Signal::{self, *};

const SAFETY: &[Signal] = &[SelfHarm, ChildSafety, Violence];

fn fires(rows: &[(&str, Signal)]) {
    let missed: Vec<_> = rows
        .iter()
        .filter_map(|(text, signal)| {
            let got = signals(text);
            (!got.contains(signal)).then(|| format!("{text:?} lacks {signal}, has {got:?}"))
        })
        .collect();
    assert!(missed.is_empty(), "{} of {}:\n{}", missed.len(), rows.len(), missed.join("\n"));
}

fn silent(rows: &[(&str, &[Signal])]) {
    let wrong: Vec<_> = rows
        .iter()
        .filter_map(|(text, forbidden)| {
            let got = signals(text);
            let bad = forbidden.iter().find(|signal| got.contains(signal))?;
            Some(format!("{text:?} fires {bad}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn a_person_who_may_harm_themselves_is_heard() {
    fires(&[
        ("sei la, tem dias que penso que seria melhor eu nem estar aqui", SelfHarm),
        ("não vejo mais saída pra mim, desculpa falar isso aqui", SelfHarm),
        ("se eu sumisse ninguém ia notar mesmo", SelfHarm),
        ("to cansada de viver", SelfHarm),
        ("essa dívida acabou comigo, só queria dormir e não acordar", SelfHarm),
        ("ja deixei tudo escrito pra minha familia, dessa semana eu nao passo", SelfHarm),
        ("minha irmã tentou se matar ontem e a conta de voces ta no nome dela", SelfHarm),
        ("me cortei de novo hoje", SelfHarm),
        ("perdi tudo no golpe, nao tenho mais motivo pra continuar aqui", SelfHarm),
        ("estou com os comprimidos na mão", SelfHarm),
        ("i just cant do this anymore, everyone would be happier if i wasnt around", SelfHarm),
        ("honestly some days I feel like ending things", SelfHarm),
        ("there's no way out for me", SelfHarm),
        ("I don't see the point of living", SelfHarm),
        ("my brother says he wants to kill himself", SelfHarm),
        ("been having suicidal thoughts since the layoff", SelfHarm),
        ("they'd be better off without me", SelfHarm),
        ("ya no quiero vivir", SelfHarm),
    ]);
}

#[test]
fn a_child_in_danger_is_heard() {
    fires(&[
        (
            "Tem um adulto conversando com meu filho pelo chat de vocês e pedindo pra ele não contar pra gente",
            ChildSafety,
        ),
        ("um cara de 40 anos fica chamando minha sobrinha de gostosa, ela tem 12", ChildSafety),
        ("tenho 13 anos e um moço que comprou na loja fica me pedindo foto", ChildSafety),
        ("ele mandou foto pelado pra uma menina de 10 anos", ChildSafety),
        ("acho que o padrasto tá mexendo com a menina", ChildSafety),
        ("esse usuario está marcando encontro com crianças", ChildSafety),
        ("meu enteado apareceu com marcas de surra e diz que foi na creche", ChildSafety),
        ("o perfil divulga video de criança sem roupa", ChildSafety),
        (
            "some guy on your platform keeps dming my 12 year old asking where she lives",
            ChildSafety,
        ),
        ("I'm 14 and a man I met here wants me to send him pictures", ChildSafety),
        ("a user sent sexual messages to my 9yo", ChildSafety),
        ("an older man is asking my daughter to keep secrets from us", ChildSafety),
        ("this account is sharing pictures of naked kids", ChildSafety),
        ("un hombre le pide fotos a mi hija de 11 años", ChildSafety),
    ]);
}

#[test]
fn violence_and_emergencies_are_heard() {
    fires(&[
        ("ele me bateu de novo e levou meu celular, to escrevendo escondida", Violence),
        ("meu ex descobriu meu endereço pelo cadastro e tá rondando minha casa", Violence),
        ("tô com medo do meu marido, ele quebrou tudo e disse que vai me pegar", Violence),
        ("vou aí na loja e vou encher o gerente de soco", Violence),
        ("Se não resolverem hoje eu vou até a sede com uma faca", Violence),
        ("tem um homem armado na frente da loja agora", Violence),
        ("estao tentando arrombar minha casa", Violence),
        ("meu pai caiu e não tá respondendo, não sei o que fazer", Violence),
        ("meu namorado não me deixa sair de casa e pegou meus documentos", Violence),
        ("vocês vão ver, vou botar uma bomba nesse escritório", Violence),
        ("my ex keeps following me home, he got my address from my order", Violence),
        ("he hit me and took my phone", Violence),
        ("I know where your office is and I'm bringing a gun", Violence),
        ("someone is breaking into my house right now", Violence),
        ("she's not breathing please help", Violence),
        ("my husband locked me in and won't let me leave", Violence),
        ("I'm scared of my partner, he said he'd kill me if I leave", Violence),
        ("mi marido me pegó otra vez", Violence),
    ]);
}

#[test]
fn money_systems_and_people_are_heard() {
    fires(&[
        ("Vendo mailing atualizado com 800 mil e-mails de empresários, me chama", Spam),
        (
            "Temos um banco de dados com 5 milhões de leads por segmento, preço especial essa semana",
            Spam,
        ),
        ("Trabalhe de casa e fature até R$ 400 por dia só pelo celular! Vagas limitadas", Spam),
        ("Robô de apostas com 97% de acerto, saque no pix na hora, chama no link", Spam),
        ("Seu CPF foi sorteado! Resgate seu prêmio no site abaixo", Spam),
        (
            "Hello, we sell verified business email lists, 3 million contacts by industry. Interested?",
            Spam,
        ),
        ("Make $500 a day from home, guaranteed income, no experience needed", Spam),
        ("You have been selected to receive a $1000 gift card, claim now", Spam),
        (
            "I noticed your website could rank higher. Can I send you a free audit and our packages?",
            Spam,
        ),
        ("is it just me or is everything down? none of our stores are getting orders", Outage),
        ("ta tudo parado aqui, nenhuma das 4 lojas emite nota", Outage),
        ("o painel não carrega pra ninguém desde as 9h", Outage),
        ("the whole platform went dark for our entire team an hour ago", Outage),
        ("nada funciona, nem site nem app, e os clientes reclamando", Outage),
        ("alguém exportou toda a base de clientes de madrugada e não foi ninguém nosso", Security),
        ("aparece um login de Recife e eu moro em Curitiba", Security),
        ("somebody downloaded our entire customer list last night", Security),
        ("um ex-funcionário ainda consegue entrar no sistema", Security),
        ("we pay for 10 licences but the invoice says 14", BillingDispute),
        ("sou do plano de 59 e veio 89 na fatura", BillingDispute),
        ("me cobraram por 6 atendentes e só temos 4", BillingDispute),
        ("the amount on my card doesn't match the plan I chose", BillingDispute),
        ("tá caindo um valor todo mês que eu não sei o que é", BillingDispute),
        ("I cancelled in May and you took another payment in June", BillingDispute),
        ("abri o sistema hoje e os clientes cadastrados sumiram", DataLoss),
        ("half of our invoices are missing since the update", DataLoss),
        ("tem como eu conversar com gente de carne e osso?", RequestHuman),
        ("queria trocar uma ideia com alguém da equipe", RequestHuman),
        ("is there an actual person reading this?", RequestHuman),
        ("quem é o responsável por aí? quero o superior de vocês", RequestManager),
        ("isso vai parar na justiça", LegalThreat),
        ("my attorney will be in touch", LegalThreat),
        ("próximo passo é o procon", ConsumerAgency),
        ("que dados meus vocês guardam? quero que apaguem", DataProtection),
        ("vou ter que sair, achei outra ferramenta mais barata", Churn),
        ("please don't renew us next month", Churn),
        ("me devolvam o que paguei", Refund),
        ("can i get my money back pls, bought it by mistake", Refund),
        ("we had everything and now the folder is empty, all the photos are gone", DataLoss),
    ]);
}

#[test]
fn ordinary_talk_is_left_alone() {
    silent(&[
        ("esse trânsito vai me matar, já respondo", SAFETY),
        ("morrendo de sono mas vamos lá, como emito a nota?", SAFETY),
        ("quero matar essa tarefa hoje ainda", SAFETY),
        ("tô me matando pra entender esse relatório kkk", SAFETY),
        ("essa fonte é de matar kkkk", SAFETY),
        ("o app morreu de novo", SAFETY),
        ("a campanha bombou, tiro certo!", SAFETY),
        ("minha filha de 11 anos pode ter conta no app?", SAFETY),
        ("vendemos roupa infantil, como cadastro tamanho de menina e menino?", SAFETY),
        ("como faço foto de produto com criança sem infringir regra?", SAFETY),
        ("sou professora e preciso cadastrar alunos menores de idade", SAFETY),
        ("meu filho apagou o app sem querer, como volto?", SAFETY),
        ("a reunião com o homem do escritório é às 3", SAFETY),
        ("preciso mandar mensagem para as mães das alunas", SAFETY),
        ("minha filha tirou foto do produto e não sobe no site", SAFETY),
        ("o sistema não responde, não sei mais o que fazer", SAFETY),
        ("não vejo saída para esse relatório a não ser refazer", SAFETY),
        ("o concorrente está atacando nosso preço", SAFETY),
        ("vendemos facas de churrasco, como cadastro variação?", SAFETY),
        ("somos um clube de tiro, dá pra agendar aula?", SAFETY),
        ("estou com a corda no pescoço com esse prazo", SAFETY),
        ("the update is killing it, great job", SAFETY),
        ("I'd kill for a dark mode", SAFETY),
        ("deadline is killing us", SAFETY),
        ("my kid spilled juice on the reader, can I get a new one?", SAFETY),
        ("we run a kids clothing store, can I add photos?", SAFETY),
        ("the price hike hit me hard", SAFETY),
        ("we need to shoot a video of our daughter company", SAFETY),
        ("my 12 year old laptop can't open the dashboard", SAFETY),
        ("can't breathe with all these notifications lol", SAFETY),
        ("is there a way out of the annual plan?", SAFETY),
        ("how do I end the session?", SAFETY),
        ("I don't see the point of this button", SAFETY),
        ("no way out of this loading screen", SAFETY),
        ("me corta o som quando abro o vídeo", SAFETY),
        ("ele bateu a meta de novo, como vejo no painel?", SAFETY),
        ("o boleto caiu e não respondeu o sistema", SAFETY),
        ("vou aí na loja amanhã buscar o pedido", SAFETY),
        ("posso importar minha lista de contatos do excel?", &[Spam]),
        ("quanto custa o plano com robô de atendimento?", &[Spam]),
        ("comprei uma lista de leads, dá pra importar aqui?", &[Spam]),
        ("tem limite de contatos? tenho uns 20 mil", &[Spam]),
        ("qual o lucro por dia que aparece no relatório?", &[Spam]),
        ("um cliente ganhou o sorteio, como dou o cupom?", &[Spam]),
        ("recebi um email dizendo que fui selecionado, é de vocês?", &[Spam]),
        ("can I sell gift cards in my store?", &[Spam]),
        ("do you have a database export with all contacts?", &[Spam, Security]),
        ("vocês fazem site também? quanto fica?", &[Spam]),
        ("I bought a list of emails, how do I import it?", &[Spam]),
        ("como baixo a lista de clientes em planilha?", &[Security, DataLoss]),
        ("quero exportar toda a base de clientes", &[Security, DataLoss]),
        ("um funcionário novo vai entrar no sistema, como crio login?", &[Security]),
        ("is the dark theme down in the settings menu?", &[Outage]),
        ("how do I write down a note on an order?", &[Outage]),
        ("everyone on my team loves it", &[Outage]),
        ("meu computador está parado, é o wifi daqui", &[Outage]),
        ("how much would 5 seats cost if only 3 of us use it daily?", &[BillingDispute]),
        ("somos 4 no time, quanto fica com 6 atendentes?", &[BillingDispute, Refund]),
        ("quando cai a próxima fatura?", &[BillingDispute]),
        ("como cancelo um pedido do cliente?", &[Churn]),
        ("como dou estorno para um comprador?", &[Refund]),
        ("sou advogada, o plano serve pra escritório?", &[LegalThreat]),
        ("meu processo de cadastro parou na etapa 2", &[LegalThreat]),
        ("dá pra falar com vários clientes ao mesmo tempo?", &[RequestHuman]),
        ("quero cadastrar uma pessoa como gerente", &[RequestHuman, RequestManager]),
        ("sumiu o botão de exportar", &[DataLoss]),
        ("Segue o comprovante. Obrigada, Márcia", &[ThankYou]),
        ("Preciso da segunda via do boleto de março. Obrigado, Fulano", &[ThankYou]),
        ("Bom dia, consegui entrar mas o relatório não abre", &[ThankYou, Greeting]),
        ("thanks for the quick reply, could you also send the invoice?", &[ThankYou]),
    ]);
}

const CLOSED: &[&str] = &[
    "aah era o filtro mesmo, valeu demais",
    "consegui sim! brigadao viu",
    "chegou o email agora, obrigada",
    "pronto, já reconectei aqui. vlw",
    "show, liberou aqui! obg",
    "já caiu na conta, pode fechar o chamado",
    "ah ta, tava no outro menu kkk obrigada",
    "resolvido por aqui, gente. Excelente atendimento!",
    "nossa que rápido, amei. gratidão",
    "esquece, já encontrei",
    "got the reset email, I'm back in. cheers!",
    "never mind, found it",
    "All sorted on our end, appreciate the help",
    "ok that did the trick, many thanks",
    "you rock, it printed fine now",
    "Updated the card and it's all good. Thank you, Priya",
    "ya funcionó, muchas gracias por todo",
    "Deu certo com o passo 3. Muito obrigado pela paciência!",
    "valeu, vou testar amanhã com calma",
];

const NOT_CLOSED: &[&str] = &[
    "obrigada, mas continua dando o mesmo erro",
    "valeu, só que agora não aparece o pix",
    "consegui entrar, porém os contatos não estão lá",
    "achei o menu, e agora?",
    "ok obrigado, preciso também da nota fiscal de fevereiro",
    "deu certo em uma loja, na outra ainda não",
    "entendi, obrigada. Quero cancelar então",
    "found it, however the export is empty",
    "thanks, that worked for one user but not the rest",
    "great, how do I add another seat",
    "thanks but no",
    "it worked yesterday, today it shows an error",
    "obrigado, aguardo retorno",
    "valeu, me avisa quando o estorno cair",
    "gracias, pero no funciona",
    "Thanks, please send me the receipt as well",
    "achei que vocês iam resolver hoje",
    "caiu o sistema de novo, valeu hein",
    "nada ainda, obrigado",
    "era isso mesmo que eu temia, perdi a venda",
];

fn conversation() -> Vec<PastMessage> {
    vec![
        past(Author::Customer, "não estou conseguindo entrar"),
        past(Author::Agent, "Oi! Experimente trocar a senha pelo link que enviamos."),
    ]
}

fn closed(text: &str, history: &[PastMessage]) -> bool {
    let case = Case { subject: None, history, given: Given::default() };
    understand_in(text, &case).signals.iter().any(|hit| hit.signal == ThankYou)
}

#[test]
fn a_conversation_ends_with_a_little_news_and_not_with_a_request() {
    let history = conversation();
    let missed: Vec<_> = CLOSED.iter().filter(|text| !closed(text, &history)).collect();
    let wrong: Vec<_> = NOT_CLOSED.iter().filter(|text| closed(text, &history)).collect();
    assert!(
        missed.is_empty() && wrong.is_empty(),
        "missed {} of {}: {missed:#?}\nwrong {} of {}: {wrong:#?}",
        missed.len(),
        CLOSED.len(),
        wrong.len(),
        NOT_CLOSED.len()
    );
}

/// Written after the lexicons grew, to see whether they hold beyond the messages they grew on.
#[test]
fn dangers_are_heard_in_words_that_no_rule_was_written_for() {
    fires(&[
        ("desculpa a hora, só não tenho mais pra quem falar. não quero acordar amanhã", SelfHarm),
        (
            "perdi meu emprego e minha casa, acho que o melhor é acabar com tudo de uma vez",
            SelfHarm,
        ),
        ("vcs cobraram de novo, eu nao tenho mais nada, vou me jogar da ponte", SelfHarm),
        ("meu filho de 15 disse na escola que quer se matar", SelfHarm),
        ("fico pensando que todo mundo ia ficar melhor sem mim", SelfHarm),
        ("eu devia ter morrido naquele acidente", SelfHarm),
        ("tomei uma cartela inteira de remédio agora", SelfHarm),
        ("I've been thinking about ending it for weeks now", SelfHarm),
        ("if I wasn't here my kids would get the insurance, that's all I think about", SelfHarm),
        ("cut myself again last night, sorry for the typos", SelfHarm),
        ("What's the point of going on. Cancel it all", SelfHarm),
        ("ya no le encuentro sentido a la vida", SelfHarm),
        (
            "um desconhecido adicionou meu filho de 8 anos no jogo e manda áudio todo dia",
            ChildSafety,
        ),
        ("o tio da van fica passando a mão nas meninas", ChildSafety),
        ("descobri que minha filha de 12 tá namorando um homem de 35 que conheceu aí", ChildSafety),
        ("tem grupo vendendo vídeo de menor no aplicativo de vocês", ChildSafety),
        ("meu vizinho bate muito nas crianças, dá pra ouvir daqui", ChildSafety),
        ("eu tenho 12 e ele falou pra eu não contar pra minha mãe", ChildSafety),
        ("An adult man has been chatting with my ten year old through your app", ChildSafety),
        ("he asked my son for a picture without his shirt, my son is nine", ChildSafety),
        ("there are nude images of a minor on this profile", ChildSafety),
        ("my stepdad hits me and I'm only 13", ChildSafety),
        ("meu marido chegou bêbado e me deu um soco, as crianças viram", Violence),
        ("me tirem desse cadastro, meu ex usa o app pra saber onde eu tô e me persegue", Violence),
        ("eu vou descer aí com um facão e resolver isso na mão", Violence),
        ("socorro ele tá tentando derrubar a porta", Violence),
        ("tem um cara com uma arma dentro da loja", Violence),
        ("minha avó desmaiou e não acorda", Violence),
        ("se eu descobrir quem fez isso eu mato", Violence),
        ("he choked me last night and I need to hide my order history from him", Violence),
        ("I will come to your office and shoot every single one of you", Violence),
        ("there's a man with a knife outside our shop", Violence),
        ("my dad collapsed and isn't breathing", Violence),
        ("my boyfriend says he'll burn the house down with me inside", Violence),
    ]);
}

#[test]
fn shops_schools_and_stories_are_left_alone_by_the_rules_of_danger() {
    silent(&[
        ("a menina do atendimento me mandou a foto errada", SAFETY),
        ("mandei mensagem pro moço da entrega e minha filha recebeu o pedido", SAFETY),
        ("tenho 15 anos de mercado e nunca vi um homem vender tanto assim", SAFETY),
        ("o professor manda as fotos da turma para os pais pelo app, como libero?", SAFETY),
        ("camiseta infantil menina 10 anos tem na cor nude?", SAFETY),
        ("o cara do suporte me pediu um vídeo da tela, mando por onde?", SAFETY),
        ("meu filho bateu a cabeça na quina da mesa que comprei aí, quero trocar", &[ChildSafety]),
        ("vendemos kit de sobrevivência com faca e corda, como cadastro?", SAFETY),
        ("meu sócio me mata se eu não emitir essa nota hoje kkk", SAFETY),
        ("fui cortada do grupo sem aviso", SAFETY),
        ("ninguém vai sentir falta do layout antigo", SAFETY),
        ("o relatório acabou com a minha paciência", SAFETY),
        ("não tenho mais forças pra brigar com esse sistema", SAFETY),
        ("cansei de lutar com essa planilha, desisto", SAFETY),
        ("estou com medo de perder meus dados", SAFETY),
        ("ele me empurrou um plano mais caro", SAFETY),
        ("o anúncio de vocês me persegue em todo site", SAFETY),
        ("vou aí na sede levar um bolo pra equipe", SAFETY),
        ("a bomba de chocolate chegou amassada", SAFETY),
        ("vamos invadir o mercado com esse produto", SAFETY),
        ("minha loja fica em frente ao quartel, o entregador não acha", SAFETY),
        ("I teach 12 year olds, can they have their own accounts?", SAFETY),
        ("a user asked for photos of the kids' menu", SAFETY),
        ("my daughter's photo doesn't upload to the album", SAFETY),
        ("can a guest message my child account on the tablet plan?", SAFETY),
        ("he hit reply all, can I unsend?", SAFETY),
        ("your competitor is beating you on price", SAFETY),
        ("I'm scared of losing my settings if I upgrade", SAFETY),
        ("the app keeps following me back to the login page", SAFETY),
        ("I locked myself out of the account", SAFETY),
        ("we're bringing a gun safe catalogue online, which category fits?", SAFETY),
        ("is there any point in keeping both plans?", SAFETY),
        ("nothing left to do but wait, right?", SAFETY),
        ("I give up on this import tool", SAFETY),
    ]);
}

/// Written after the second set, for the record of what remains.
#[test]
fn the_rest_is_heard_in_words_that_no_rule_was_written_for() {
    fires(&[
        ("pessoal tenho aqui 300 mil contatos de whatsapp por cidade, faço preço bom", Spam),
        (
            "Sua vaga está garantida: lucre de 200 a 800 reais por dia com operações automáticas",
            Spam,
        ),
        ("Seu número foi contemplado no sorteio de aniversário, clique e retire o iPhone", Spam),
        ("We have a fresh list of 40,000 dentists with emails, want a sample?", Spam),
        ("Earn up to 300 USD daily with our AI trading bot, withdraw anytime", Spam),
        ("o sistema caiu pra vocês também? aqui ninguém fatura nada há meia hora", Outage),
        ("our checkout isn't loading for any customer since this morning", Outage),
        ("nenhum dos caixas está passando cartão, fila na porta", Outage),
        ("entraram no nosso painel de madrugada e copiaram a planilha de clientes", Security),
        ("there is a session from Vietnam on my account, nobody here was online", Security),
        ("pago o plano básico e a fatura veio do profissional", BillingDispute),
        ("You billed us for a year but we signed up monthly", BillingDispute),
        ("my statement shows two payments to you on the same day", BillingDispute),
        ("cadê as vendas de ontem? entrei agora e tá tudo zerado", DataLoss),
        ("tem como um ser humano ler isso aqui?", RequestHuman),
        ("put me through to somebody who can actually decide", RequestHuman),
    ]);
}

#[test]
fn conversations_close_in_words_that_no_phrase_was_written_for() {
    let history = conversation();
    let closing = [
        "foi aqui tb, tks",
        "prontinho, atualizei o app e foi. obrigado!",
        "achei o botão, tava embaixo rs",
        "massa demais, já tá rodando. valeu Paulo",
        "Recebi o boleto, agradeço a agilidade.",
        "opa, pagou certinho agora. tmj",
        "ah entendi, era permissão do navegador. brigada!",
        "All working now, thanks a ton",
        "ah, I see it now. thank you!",
        "Refund landed this morning, much appreciated",
        "perfecto, ya me llegó el correo, gracias",
        "beleza, pode finalizar",
    ];
    let open = [
        "obrigado, mas qual o prazo?",
        "recebi o boleto, só que veio com valor errado",
        "ok, segue o print: deu erro 403",
        "valeu! e a outra loja, quando volta?",
        "thanks. my email is now maria at example dot com",
        "All working now except the printer",
        "obrigada, a loja é a do centro",
        "achei um absurdo a demora",
        "gracias, me puede mandar la factura",
        "consegui o dinheiro, quero pagar a fatura atrasada",
        "it works now but it charged me again",
        "foi cobrado em dobro, obrigado",
    ];
    let missed: Vec<_> = closing.iter().filter(|text| !closed(text, &history)).collect();
    let wrong: Vec<_> = open.iter().filter(|text| closed(text, &history)).collect();
    assert!(missed.is_empty() && wrong.is_empty(), "missed {missed:#?}\nwrong {wrong:#?}");
}
