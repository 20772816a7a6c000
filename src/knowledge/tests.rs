use super::*;
use crate::ports::TextRole;

fn library() -> Library {
    Library::load(None).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn every_sample_article_exists_in_both_languages() {
    let library = library();
    assert!(library.articles().len() >= 28);
    for article in library.articles() {
        for locale in Locale::ALL {
            assert!(library.article(&article.id, *locale).is_some(), "{} in {locale}", article.id);
        }
        assert!(article.questions.len() >= 5, "{} in {}", article.id, article.locale);
        assert!(article.topic.is_some(), "{} in {}", article.id, article.locale);
    }
}

const PORTUGUESE: &[(&str, &str)] = &[
    ("kd meu boleto", "billing/invoice-copy"),
    ("oi, bom dia! queria a 2a via do boleto por favor", "billing/invoice-copy"),
    ("o boleto desse mês não chegou no meu email", "billing/invoice-copy"),
    ("boleto vencido, como faço pra gerar outro?", "billing/invoice-copy"),
    ("esqueci a senha", "technical/reset-password"),
    ("cade meu bolleto desse mes", "billing/invoice-copy"),
    ("quero cancelr minha asinatura", "billing/cancel-plan"),
    ("nao consigo conetar o whatsaap", "technical/connect-whatsapp"),
    ("esqueci minha senha e n consigo entrar", "technical/reset-password"),
    ("o link de redefinir senha ja expirou", "technical/reset-password"),
    ("como faço para trocar a minha senha?", "technical/reset-password"),
    ("preciso do login desde ontem", "technical/login-trouble"),
    ("minha conta ta bloqueada, diz q tem mtas tentativas", "technical/login-trouble"),
    ("troquei de celular e perdi o autenticador", "technical/login-trouble"),
    ("o código de verificação não chega", "technical/login-trouble"),
    ("n consigo conectar o zap", "technical/connect-whatsapp"),
    ("como conecto o whatsapp da loja?", "technical/connect-whatsapp"),
    ("o qr code do whatsapp não aparece", "technical/connect-whatsapp"),
    ("meu wpp desconectou sozinho de novo", "technical/connect-whatsapp"),
    ("parei de receber as notificações no celular", "technical/notifications"),
    ("Não recebo aviso quando chega mensagem nova", "technical/notifications"),
    ("quero mudar meu plano para o profissional", "billing/change-plan"),
    ("como faço upgrade?", "billing/change-plan"),
    ("da pra passar do mensal pro anual?", "billing/change-plan"),
    ("quero cancelar", "billing/cancel-plan"),
    ("Gostaria de cancelar minha assinatura, como procedo?", "billing/cancel-plan"),
    ("cancelei e me cobraram de novo!!!", "billing/cancel-plan"),
    ("quero meu dinheiro de volta", "billing/refund-policy"),
    ("me arrependi da compra, fiz faz 3 dias, tenho direito a reembolso?", "billing/refund-policy"),
    ("em quanto tempo cai o estorno no cartão?", "billing/refund-policy"),
    ("fui cobrado duas vezes esse mês", "billing/refund-policy"),
    ("meu cartão foi recusado", "billing/payment-failed"),
    ("fiz o pix e não confirmou ainda", "billing/payment-failed"),
    ("paguei o boleto e o plano continua bloqueado", "billing/payment-failed"),
    ("quero cadastrar outro cartão de crédito", "billing/payment-failed"),
    ("preciso da nota fiscal do mês passado", "billing/tax-invoice"),
    ("como coloco o cnpj na nf?", "billing/tax-invoice"),
    ("a nota veio com o nome errado", "billing/tax-invoice"),
    ("quanto custa o plano profissional?", "general_inquiry/plans-and-prices"),
    ("quais são os planos e valores?", "general_inquiry/plans-and-prices"),
    ("tem algum plano grátis?", "general_inquiry/plans-and-prices"),
    ("como exporto meus contatos pra uma planilha", "general_inquiry/export-data"),
    ("quero fazer backup das minhas conversas", "general_inquiry/export-data"),
    ("quero excluir minha conta e apagar meus dados", "general_inquiry/delete-account"),
    (
        "com base na LGPD solicito a exclusão dos meus dados pessoais",
        "general_inquiry/delete-account",
    ),
    ("acabei de criar minha conta, por onde começo?", "onboarding/first-steps"),
    ("vcs tem um tutorial pra iniciante?", "onboarding/first-steps"),
    ("como importar contatos do excel?", "onboarding/import-contacts"),
    ("o csv dá erro quando importo", "onboarding/import-contacts"),
    ("como adiciono uma funcionária pra atender comigo?", "onboarding/invite-team"),
    ("o convite que mandei pra minha sócia expirou", "onboarding/invite-team"),
    ("como mudo as permissões de um usuário", "onboarding/invite-team"),
    ("o sistema trava toda hora, a tela fica em branco", "bug_report/report-a-problem"),
    ("achei um bug na tela, aparece mensagem de erro", "bug_report/report-a-problem"),
    ("tenho uma sugestão de melhoria", "feature_request/suggest-a-feature"),
    ("como gero um texto com a inteligência artificial?", "technical/ai-content"),
    ("acabaram meus textos de ia desse mês", "technical/ai-content"),
    (
        "Boa tarde, tudo bem? Sou a Carla, da Doces da Carla. Fiz a assinatura na semana passada e estou \
         gostando bastante. Só que hoje cedo fui entrar e não lembro mais da senha. Como recupero a senha?",
        "technical/reset-password",
    ),
];

const ENGLISH: &[(&str, &str)] = &[
    ("i forgot my password!!", "technical/reset-password"),
    ("i forgot my pasword", "technical/reset-password"),
    ("how do i get a refudn", "billing/refund-policy"),
    ("how do I reset my password", "technical/reset-password"),
    ("the reset link says it's expired", "technical/reset-password"),
    ("cant log in to my account", "technical/login-trouble"),
    ("my account got locked after too many attempts", "technical/login-trouble"),
    ("verification code never works", "technical/login-trouble"),
    ("how do i connect my whatsapp number?", "technical/connect-whatsapp"),
    ("whatsapp keeps disconnecting", "technical/connect-whatsapp"),
    ("the QR code for WhatsApp expires too quickly", "technical/connect-whatsapp"),
    ("I'm not getting notifications on my phone", "technical/notifications"),
    ("where can I find my boleto?", "billing/invoice-copy"),
    ("I'd like to upgrade my plan", "billing/change-plan"),
    ("can I switch from monthly to yearly?", "billing/change-plan"),
    ("please cancel my subscription", "billing/cancel-plan"),
    ("how do I stop auto renewal", "billing/cancel-plan"),
    ("I want a refund", "billing/refund-policy"),
    ("i was charged twice this month", "billing/refund-policy"),
    ("my card was declined", "billing/payment-failed"),
    ("payment failed, what now?", "billing/payment-failed"),
    ("I need to update my credit card", "billing/payment-failed"),
    ("I need an invoice with our CNPJ for the accountant", "billing/tax-invoice"),
    ("how much does the professional plan cost?", "general_inquiry/plans-and-prices"),
    ("is there a free plan", "general_inquiry/plans-and-prices"),
    ("how can I export all my contacts?", "general_inquiry/export-data"),
    ("please delete my account and all my personal data", "general_inquiry/delete-account"),
    ("just signed up, where do i begin?", "onboarding/first-steps"),
    ("how to import contacts from a csv file", "onboarding/import-contacts"),
    ("how do I invite a teammate?", "onboarding/invite-team"),
    ("change permissions for a user", "onboarding/invite-team"),
    ("the page keeps freezing and the screen goes blank", "bug_report/report-a-problem"),
    ("I have a feature suggestion", "feature_request/suggest-a-feature"),
    ("how many AI texts do I have left this month?", "technical/ai-content"),
];

#[test]
fn the_right_article_answers_first() {
    let library = library();
    let mut wrong = Vec::new();
    for (locale, table) in [(Locale::PtBr, PORTUGUESE), (Locale::En, ENGLISH)] {
        for (text, article) in table {
            let passages = library.search(text, locale, 5);
            let got = passages.first().map(|p| (p.article.as_str(), p.above_floor, p.locale));
            if got != Some((*article, true, locale)) {
                wrong.push(format!(
                    "{text}: {got:?} {:?}, not {article}",
                    passages.first().map(|p| p.score)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

const UNANSWERED: &[(Locale, &str)] = &[
    (Locale::PtBr, "qual a previsão do tempo para amanhã em Recife?"),
    (Locale::PtBr, "me passa uma receita de bolo de cenoura"),
    (Locale::PtBr, "quem ganhou o jogo do Flamengo ontem?"),
    (Locale::PtBr, "oi, tudo bem?"),
    (Locale::PtBr, "bom dia"),
    (Locale::PtBr, "obrigada pela ajuda!"),
    (Locale::PtBr, "quanto custa um iPhone 15?"),
    (Locale::PtBr, "vocês vendem ração para gato?"),
    (Locale::PtBr, "quero cancelar minha reserva no hotel"),
    (Locale::PtBr, "esqueci a senha do Netflix"),
    (Locale::PtBr, "meu pedido do ifood não chegou"),
    (Locale::PtBr, "qual o melhor restaurante japonês de Curitiba?"),
    (Locale::PtBr, "como tirar segunda via da conta de luz?"),
    (Locale::PtBr, "preciso renovar minha carteira de motorista"),
    (Locale::PtBr, "você é um robô?"),
    (Locale::PtBr, "me conta uma piada"),
    (Locale::PtBr, "estou com dor de cabeça, o que eu tomo?"),
    (Locale::PtBr, "qual a cotação do dólar hoje?"),
    (Locale::PtBr, "tem vaga de emprego?"),
    (Locale::PtBr, "minha geladeira veio com defeito, quero a troca do produto"),
    (Locale::PtBr, "que horas abre o shopping?"),
    (Locale::PtBr, "como faço para tirar passaporte"),
    (Locale::PtBr, "kkkkkk"),
    (Locale::PtBr, "👍"),
    (Locale::PtBr, ""),
    (Locale::PtBr, "asdfgh qwerty"),
    (Locale::PtBr, "meu voo da Latam atrasou, quero remarcar a passagem"),
    (Locale::PtBr, "meu cartão do Nubank foi recusado no mercado"),
    (Locale::PtBr, "como pago o boleto do IPTU?"),
    (Locale::PtBr, "qual a senha do wifi?"),
    (Locale::PtBr, "como excluir a conta do Facebook"),
    (Locale::PtBr, "quero mandar um pix pra minha mãe"),
    (Locale::PtBr, "como conectar o fone bluetooth no celular"),
    (Locale::PtBr, "escreva um texto sobre a revolução francesa"),
    (Locale::PtBr, "não estou bem, quero sumir"),
    (Locale::PtBr, "quero falar com um atendente"),
    (Locale::En, "what's the weather like in London?"),
    (Locale::En, "how do I reset my iPhone?"),
    (Locale::En, "what's the wifi password"),
    (Locale::En, "cancel my gym membership"),
    (Locale::En, "how do I connect my bluetooth headphones to my phone"),
    (Locale::En, "translate this text into French"),
    (Locale::En, "how do I change a tire"),
    (Locale::En, "I want to talk to a human"),
    (Locale::En, "how do I bake sourdough bread?"),
    (Locale::En, "who won the game last night?"),
    (Locale::En, "hello there"),
    (Locale::En, "thanks a lot!"),
    (Locale::En, "I forgot my Netflix password"),
    (Locale::En, "cancel my flight to Lisbon"),
    (Locale::En, "where is my Amazon parcel?"),
    (Locale::En, "can you recommend a good dentist?"),
    (Locale::En, "are you a bot?"),
    (Locale::En, "how tall is Mount Everest"),
    (Locale::En, "my washing machine is leaking water"),
    (Locale::En, "do you sell shoes in size 12?"),
    (Locale::En, "what is the capital of Australia?"),
    (Locale::En, "write me a poem about the sea"),
    (Locale::En, "I'd like to book a table for two"),
    (Locale::En, "my dog is sick, what should I do"),
];

#[test]
fn what_no_article_answers_stays_below_the_floor() {
    let library = library();
    let mut wrong = Vec::new();
    for (locale, text) in UNANSWERED {
        for passage in library.search(text, *locale, 20) {
            if passage.above_floor {
                wrong.push(format!(
                    "{text}: {} {} {}",
                    passage.article, passage.locale, passage.score
                ));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

fn shop() -> Library {
    let article = |slug: &str, title: &str, questions: &[&str], text: &str| {
        let questions = format!("  - {}\n", questions.join("\n  - "));
        let file = format!(
            "---\ntitle: {title}\ncategory: shop\nupdated: 2026-01-01\nquestions:\n{questions}---\n{text}"
        );
        article::parse(&format!("pt-BR/shop/{slug}.md"), &file).unwrap()
    };
    Library::open(vec![
        article(
            "delivery",
            "Qual é o prazo de entrega",
            &["Meu pedido não chegou", "Onde está minha encomenda?", "A entrega atrasou"],
            "O prazo aparece no fechamento da compra. Acompanhe pelo código de rastreio enviado por e-mail.",
        ),
        article(
            "exchange",
            "Como trocar um produto",
            &["O produto veio com defeito", "Quero trocar o tamanho", "Comprei a cor errada"],
            "A troca é feita em até 30 dias. Embale o produto e leve aos Correios com a etiqueta.",
        ),
        article(
            "freight",
            "Quanto custa o frete",
            &["Vocês entregam na minha cidade?", "Tem frete grátis?"],
            "O frete é calculado pelo CEP no carrinho. Acima de R$ 200,00 é grátis.",
        ),
        article(
            "hours",
            "Qual o horário da loja física",
            &["Vocês abrem aos domingos?", "Qual o endereço da loja?"],
            "A loja abre de segunda a sábado, das 9h às 19h.",
        ),
        article(
            "food",
            "Como escolher a ração do gato",
            &["Qual ração para gato castrado?", "Qual ração para filhote?"],
            "Veja a idade, o peso e se o animal é castrado.",
        ),
        article(
            "grooming",
            "Como marcar banho e tosa",
            &["Quero agendar um banho para o meu cachorro", "Quanto custa a tosa?"],
            "O agendamento é feito pelo WhatsApp ou no balcão.",
        ),
    ], None, None)
    .unwrap()
}

#[test]
fn the_floor_holds_for_the_articles_of_another_business() {
    let library = shop();
    let mut wrong = Vec::new();
    for (text, article) in [
        ("cadê meu pedido? não chegou até agora", Some("shop/delivery")),
        ("minha encomenda ta atrasada", Some("shop/delivery")),
        ("o produto chegou com defeito", Some("shop/exchange")),
        ("posso trocar o tamanho da coleira?", Some("shop/exchange")),
        ("vcs tem frete gratis?", Some("shop/freight")),
        ("entregam em Sorocaba? qual o frete", Some("shop/freight")),
        ("abrem no domingo?", Some("shop/hours")),
        ("qual ração vc indica pra gato castrado", Some("shop/food")),
        ("quero marcar banho e tosa pro meu cachorro", Some("shop/grooming")),
        ("esqueci minha senha", None),
        ("não consigo conectar o whatsapp", None),
        ("quero cancelar minha assinatura", None),
        ("preciso da nota fiscal com cnpj", None),
        ("como importo uma planilha de contatos?", None),
        ("qual a previsão do tempo?", None),
        ("meu cachorro comeu chocolate e está vomitando", None),
        ("vocês fazem vacina antirrábica?", None),
        ("quem descobriu o Brasil?", None),
        ("qual o sentido da vida", None),
        ("me indica um filme bom", None),
    ] {
        let found = library.search(text, Locale::PtBr, 3);
        let got = found.first().filter(|p| p.above_floor).map(|p| p.article.as_str());
        if got != article {
            wrong.push(format!(
                "{text}: {got:?}, not {article:?} {:?}",
                found.first().map(|p| (&p.article, p.score))
            ));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_company_folder_replaces_articles_and_its_problems_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pt-BR/billing/refund-policy.md");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let front = "---\ntitle: Como funciona o reembolso\ncategory: billing\nupdated: 2026-01-01\n";
    std::fs::write(&path, format!("{front}---\nAqui o prazo é de 30 dias.")).unwrap();
    let library = Library::load(Some(folder.path())).map_err(|p| format!("{p:?}")).unwrap();
    let passages = library.search("como funciona o reembolso?", Locale::PtBr, 1);
    assert_eq!(passages[0].text, "Aqui o prazo é de 30 dias.");

    std::fs::write(&path, format!("{front}related: [billing/nothing]\n---\nTexto.")).unwrap();
    std::fs::write(folder.path().join("pt-BR/billing/broken.md"), b"\xff\xfe").unwrap();
    let problems = Library::load(Some(folder.path())).err().unwrap();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("pt-BR/billing/broken.md:1: save the article as UTF-8"),
        "{told:?}"
    );
    assert!(told[1].starts_with("pt-BR/billing/refund-policy.md:5: related article"), "{told:?}");

    assert!(Library::load(Some(&folder.path().join("missing"))).is_err());
}

#[test]
fn the_customers_language_comes_first_and_agents_articles_never_reach_a_customer() {
    let library = library();
    let passages = library.search("refund reembolso", Locale::En, 100);
    let locales: Vec<Locale> = passages.iter().map(|p| p.locale).collect();
    let mut sorted = locales.clone();
    sorted.sort_by_key(|locale| *locale != Locale::En);
    assert_eq!(locales, sorted);
    assert!(locales.contains(&Locale::PtBr), "the other language follows");
    assert!(library.search("reembolso", Locale::PtBr, 0).is_empty());

    let hidden = "---\ntitle: Reembolso\ncategory: billing\naudience: agents\nupdated: 2026-01-01\n---\nReembolso.";
    let articles = vec![article::parse("pt-BR/billing/a.md", hidden).unwrap()];
    let library = Library::open(articles, None, None).unwrap();
    assert!(library.search("reembolso", Locale::PtBr, 5).is_empty());
}

#[test]
fn odd_input_finds_nothing_or_something_but_never_fails() {
    let library = library();
    let huge = "boleto pix senha ".repeat(60_000);
    for text in
        ["", " \n\t", "\0\0", "?!?!", "مرحبا كيف الحال", "🙂🙂", "Z̷̢̛a̸l̶g̵o̴", "[CPF_1]", "[[[]]", &huge]
    {
        assert!(library.search(text, Locale::PtBr, 3).len() <= 3);
    }
}

#[test]
fn what_is_understood_orders_answers_and_makes_none() {
    let library = library();
    let text = "como mudo a forma de pagamento do meu plano e o acesso da equipe?";
    let plain = library.search(text, Locale::PtBr, 20);
    let mut moved = 0;
    for (at, passage) in plain.iter().enumerate().filter(|(_, p)| p.locale == Locale::PtBr) {
        let article = library.article(&passage.article, passage.locale).unwrap();
        let hint = Hint {
            category: Some(&article.category),
            subcategory: article.subcategory.as_deref(),
            confidence: 1.0,
        };
        let hinted = library.search_with(text, Locale::PtBr, 20, &hint);
        let now = hinted
            .iter()
            .position(|p| p.heading == passage.heading && p.article == passage.article);
        let now = now.unwrap_or(usize::MAX);
        assert!(now <= at, "{} fell from {at} to {now}", passage.article);
        moved += usize::from(now < at);
        let answers = |list: &[Passage]| list.iter().filter(|p| p.above_floor).count();
        assert_eq!(answers(&hinted), answers(&plain));
    }
    assert!(moved > 0);
}

/// A model of a few ideas: each is a direction, and a text points where its words do.
#[derive(Debug)]
struct Ideas {
    only_english: bool,
    broken: bool,
    texts: std::sync::atomic::AtomicUsize,
}

const IDEAS: [&[&str]; 4] = [
    &["reembolso", "dinheiro", "grana", "devolver", "refund", "money", "cash"],
    &["senha", "entrar", "login", "acesso", "password"],
    &["entrega", "chegou", "frete", "delivery"],
    &["horário", "aberto", "domingo", "hours"],
];

impl Ideas {
    fn model(only_english: bool, broken: bool) -> Arc<Self> {
        Arc::new(Self { only_english, broken, texts: std::sync::atomic::AtomicUsize::new(0) })
    }

    fn embedded(&self) -> usize {
        self.texts.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Embedder for Ideas {
    fn name(&self) -> &'static str {
        "ideas"
    }

    fn dimensions(&self) -> usize {
        IDEAS.len() + 1
    }

    fn knows(&self, locale: Locale) -> bool {
        locale == Locale::En || !self.only_english
    }

    fn embed(&self, role: TextRole, texts: &[String]) -> Result<Vec<Vec<f32>>, PortError> {
        if self.broken && role == TextRole::Query {
            return Err(PortError::permanent("embed text", "out of order"));
        }
        self.texts.fetch_add(texts.len(), std::sync::atomic::Ordering::Relaxed);
        let vector = |text: &String| {
            let text = text.to_lowercase();
            let mut vector: Vec<f32> = IDEAS
                .iter()
                .map(|words| if words.iter().any(|w| text.contains(w)) { 1.0 } else { 0.0 })
                .collect();
            vector.push(0.2);
            let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
            vector.iter().map(|value| value / length).collect()
        };
        Ok(texts.iter().map(vector).collect())
    }
}

/// Articles without sample questions, so that only texts and titles speak.
fn plain_articles() -> Vec<Article> {
    [
        ("pt-BR/shop/refund.md", "Reembolso", "O reembolso cai na conta em dez dias."),
        ("pt-BR/shop/password.md", "Senha", "Toque no link abaixo do formulário."),
        ("pt-BR/shop/delivery.md", "Entrega", "O código de rastreio vai por e-mail."),
        ("pt-BR/shop/hours.md", "Horário da loja", "De segunda a sábado, das 9h às 19h."),
        ("en/shop/refund.md", "Refund", "It returns to the account within ten days."),
    ]
    .map(|(path, title, text)| {
        let file = format!("---\ntitle: {title}\ncategory: shop\nupdated: 2026-01-01\n---\n{text}");
        article::parse(path, &file).unwrap()
    })
    .into()
}

fn as_embedder(model: &Arc<Ideas>) -> Arc<dyn Embedder> {
    Arc::clone(model) as Arc<dyn Embedder>
}

#[test]
fn a_model_finds_what_shares_no_word_and_failing_leaves_the_words() {
    let first = |model: &Arc<Ideas>, text: &str| {
        let library = Library::open(plain_articles(), None, Some(&as_embedder(model))).unwrap();
        let ranked = library.rank(text, Locale::PtBr, 5).unwrap();
        ranked.first().map(|passage| passage.article.clone())
    };
    let (well, failing) = (Ideas::model(false, false), Ideas::model(false, true));
    assert_eq!(first(&well, "quero minha grana"), Some("shop/refund".to_owned()));
    assert_eq!(first(&well, "preciso do login"), Some("shop/password".to_owned()));
    // Its titles are embedded as queries, which fails while the index is built.
    let error = Library::open(plain_articles(), None, Some(&as_embedder(&failing))).err().unwrap();
    assert!(format!("{error:#}").contains("out of order"), "{error:#}");

    let words = Library::open(plain_articles(), None, None).unwrap();
    assert!(words.rank("quero minha grana", Locale::PtBr, 5).unwrap().is_empty());
}

#[test]
fn a_model_of_english_alone_is_no_model_for_portuguese() {
    let model = Ideas::model(true, false);
    let library = Library::open(plain_articles(), None, Some(&as_embedder(&model))).unwrap();
    let meanings: Vec<(Locale, bool)> =
        library.fits().map(|(locale, _, fit)| (locale, fit.meaning.is_some())).collect();
    assert_eq!(meanings, [(Locale::PtBr, false), (Locale::En, true)]);
    let ranked = library.rank("quero minha grana", Locale::PtBr, 5).unwrap();
    assert!(ranked.iter().all(|passage| passage.locale == Locale::En), "{ranked:?}");
}

#[test]
fn a_text_is_embedded_once_whatever_changes_around_it() {
    let root = tempfile::tempdir().unwrap();
    let model = Ideas::model(false, false);
    let open = |articles: Vec<Article>| {
        let before = model.embedded();
        let library =
            Library::open(articles, Some(root.path()), Some(&as_embedder(&model))).unwrap();
        library.point(root.path(), "main", "test").unwrap();
        model.embedded() - before
    };
    // Five passages and five titles.
    assert_eq!(open(plain_articles()), 10);
    assert_eq!(open(plain_articles()), 0);
    let mut changed = plain_articles();
    changed[0].sections[0].text.push_str(" Ou em cinco.");
    assert_eq!(open(changed), 1);
}
