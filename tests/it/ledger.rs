//! Right drafts over the sample articles, and each with one thing changed: a price, a date, a deadline, a denial, a
//! link, a name, or a promise added. The evidence ledger must tell them apart.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use atende::compose::{Evidence, ExamineInput, PassageReader, examine};
use atende::domain::draft::{Passage, Support};
use atende::domain::labels::Locale;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sections of an article as passages.
fn passages(article: &str, locale: Locale) -> Vec<Passage> {
    let path = root().join(format!("knowledge/{locale}/{article}.md"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{article}: {error}"));
    let title = text.lines().find_map(|line| line.strip_prefix("title: ")).unwrap();
    let body = text.splitn(3, "---\n").nth(2).unwrap();
    let sections = body.split("\n## ").enumerate().map(|(at, section)| match at {
        0 => (title, section),
        _ => section.split_once('\n').unwrap(),
    });
    sections
        .map(|(heading, text)| Passage {
            article: article.to_owned(),
            locale,
            heading: heading.to_owned(),
            score: 1.0,
            above_floor: true,
            text: text.trim().to_owned(),
        })
        .collect()
}

/// What a set of pairs came to.
#[derive(Debug, Default)]
struct Score {
    pairs: usize,
    right_flagged: usize,
    wrong_missed: usize,
    /// Sentences of right drafts, and those of them that the ledger vouches for.
    sentences: usize,
    vouched: usize,
    /// Changed drafts whose changed sentence it vouches for.
    wrong_vouched: usize,
    told: String,
}

/// Sentences that the ledger vouches for: they have support, and nothing in them is wrong or doubtful.
fn firm(evidence: &Evidence) -> Vec<&str> {
    let entries = evidence.ledger.iter();
    entries
        .filter(|entry| entry.support != Support::None && entry.doubt.is_none())
        .map(|entry| entry.sentence.as_str())
        .collect()
}

fn score(set: &str) -> Score {
    let mut score = Score::default();
    for locale in Locale::ALL {
        let file = root().join(format!("tests/data/ledger/{set}.{locale}.jsonl"));
        for line in fs::read_to_string(file).unwrap().lines() {
            let pair: Value = serde_json::from_str(line).unwrap();
            let (id, draft) = (&pair["id"], pair["draft"].as_str().unwrap());
            let texts = |key: &str| -> Vec<String> {
                let listed = pair[key].as_array().into_iter().flatten();
                listed.map(|text| text.as_str().unwrap().to_owned()).collect()
            };
            let named = texts("articles");
            let mut passages: Vec<Passage> =
                named.iter().flat_map(|article| passages(article, *locale)).collect();
            passages.extend(texts("passages").into_iter().map(|text| Passage {
                article: "other".to_owned(),
                locale: *locale,
                heading: String::new(),
                score: 1.0,
                above_floor: true,
                text,
            }));
            let ticket = [pair["ticket"].as_str().unwrap()];
            let examined = |draft: &str| {
                let input = ExamineInput {
                    reader: &PassageReader::default(),
                    locale: *locale,
                    passages: &passages,
                    ticket: &ticket,
                    customer: None,
                    approved: &[],
                };
                examine(draft, &input)
            };
            let changed = match (pair["from"].as_str(), pair["to"].as_str()) {
                (Some(from), Some(to)) => {
                    assert_eq!(draft.matches(from).count(), 1, "{id}: {from}");
                    draft.replace(from, to)
                }
                _ => format!("{draft} {}", pair["add"].as_str().unwrap()),
            };
            score.pairs += 1;
            let (right, wrong) = (examined(draft), examined(&changed));
            if !right.findings.is_empty() {
                score.right_flagged += 1;
                writeln!(score.told, "{id} is right, but {:?}", right.findings).unwrap();
            }
            score.sentences += right.ledger.len();
            score.vouched += firm(&right).len();
            let unchanged: Vec<&str> =
                right.ledger.iter().map(|entry| entry.sentence.as_str()).collect();
            let firm = firm(&wrong);
            let mut new = wrong.ledger.iter().map(|entry| entry.sentence.as_str());
            if new.all(|sentence| unchanged.contains(&sentence) || firm.contains(&sentence)) {
                score.wrong_vouched += 1;
                writeln!(score.told, "{id}: vouched for {} {}", pair["to"], pair["add"]).unwrap();
            }
            if wrong.findings.is_empty() {
                score.wrong_missed += 1;
                writeln!(
                    score.told,
                    "{id}: nobody saw {} {} {}",
                    pair["from"], pair["to"], pair["add"]
                )
                .unwrap();
            }
        }
    }
    score
}

/// The sets of `fresh` and `model` were written by people who had not seen the ledger, those of `model-unseen` were
/// looked at by nobody who works on it: their limits are what was reached, not what is good enough.
#[test]
fn a_changed_fact_is_seen_and_a_right_paraphrase_passes() {
    for (set, pairs, right_flagged, wrong_missed) in [
        ("develop", 60, 1, 3),
        ("paraphrase", 80, 2, 4),
        ("unseen", 30, 1, 2),
        ("fresh", 120, 18, 49),
        ("model", 120, 14, 54),
        ("model-unseen", 120, 13, 61),
    ] {
        let score = score(set);
        assert_eq!(score.pairs, pairs, "{set}");
        assert!(
            score.right_flagged <= right_flagged && score.wrong_missed <= wrong_missed,
            "{set}: {} right ones flagged, {} wrong ones missed\n{}",
            score.right_flagged,
            score.wrong_missed,
            score.told
        );
    }
}

/// What goes out without a person must be vouched for, sentence by sentence: most of what is right, hardly anything
/// that is wrong.
#[test]
fn hardly_a_wrong_sentence_is_vouched_for() {
    for (set, at_least, wrong) in [
        ("develop", 0.75, 0),
        ("paraphrase", 0.62, 1),
        ("unseen", 0.59, 1),
        ("fresh", 0.55, 9),
        ("model", 0.69, 7),
        ("model-unseen", 0.68, 9),
    ] {
        let score = score(set);
        #[expect(clippy::cast_precision_loss, reason = "a set has some hundred sentences")]
        let share = score.vouched as f64 / score.sentences as f64;
        assert!(
            share >= at_least && score.wrong_vouched <= wrong,
            "{set}: {share:.2} of the right sentences vouched for, {} wrong ones\n{}",
            score.wrong_vouched,
            score.told
        );
    }
}

/// What a model may slip in beside a right sentence: none of it leaves without a person.
#[test]
fn nothing_slips_in_among_courtesy() {
    for (locale, article, right, ticket, slipped) in [
        (
            Locale::En,
            "technical/reset-password",
            "Choose Forgot my password on the sign-in screen and enter your account email.",
            "How do I reset my password?",
            &[
                "Please send me your password here.",
                "Tell me the code you received on your phone.",
                "What is your mother's maiden name?",
                "Give me your card number, please.",
                "Hi John Smith!",
                "Thanks, Carlos.",
                "I approved it.",
                "It's all done now.",
                "Consider it done.",
                "Sure, I will do that now.",
                "We have taken care of it, and the money is yours.",
                "It is free.",
                "You can keep it.",
                "You are entitled to it.",
                "Yes, that is covered.",
                "Just ignore the bill.",
                "Don't worry about paying this month.",
                "Turn off two-step verification.",
                "That was your provider's fault.",
                "Our agents are useless.",
                "The link is valid for an hour and a half.",
            ][..],
        ),
        (
            Locale::PtBr,
            "technical/reset-password",
            "Na tela de entrada, toque em Esqueci minha senha e informe o e-mail da sua conta.",
            "Como eu redefino a minha senha?",
            &[
                "Me passe o código que chegou no seu celular.",
                "Me mande o número do seu cartão.",
                "Envie sua senha por aqui.",
                "Qual é a sua senha?",
                "Olá Maria!",
                "Oi, Renata Queiroz, tudo bem?",
                "Já resolvi tudo por aqui.",
                "Pode deixar que eu resolvo agora.",
                "Aprovado!",
                "Está garantido.",
                "É grátis.",
                "Pode ignorar a cobrança.",
                "Pode ficar tranquilo, ninguém mais acessou a sua conta.",
                "A culpa foi do seu provedor.",
                "O link vale por uma hora e meia.",
                "Que bom que o seu reembolso saiu!",
            ][..],
        ),
    ] {
        let passages = passages(article, locale);
        let input = ExamineInput {
            reader: &PassageReader::default(),
            locale,
            passages: &passages,
            ticket: &[ticket],
            customer: Some("[NAME_1]"),
            approved: &[],
        };
        for sentence in slipped {
            let evidence = examine(&format!("{right}\n\n{sentence}"), &input);
            assert!(!firm(&evidence).contains(sentence), "{sentence}: {evidence:?}");
        }
        assert_eq!(firm(&examine(right, &input)), [right]);
    }
}

/// Short statements of the right words: nothing in them can be looked up.
#[test]
fn a_short_false_statement_waits_for_a_person() {
    for (locale, article, sentence) in [
        (Locale::PtBr, "billing/invoice-copy", "O seu boleto já foi compensado."),
        (Locale::PtBr, "general_inquiry/delete-account", "Seus contatos são apagados na hora."),
        (Locale::PtBr, "technical/reset-password", "A senha nova pode ser a mesma de antes."),
        (Locale::PtBr, "technical/reset-password", "Nenhuma sessão é encerrada."),
        (Locale::PtBr, "technical/webhooks", "Sim, temos integração com o iFood."),
        (Locale::PtBr, "billing/refund-policy", "O reembolso é imediato."),
        (Locale::PtBr, "billing/refund-policy", "Fique tranquilo, a devolução é paga em dobro."),
        (Locale::En, "technical/connect-whatsapp", "Regular WhatsApp works too."),
        (Locale::En, "general_inquiry/plans-and-prices", "Starter has unlimited contacts."),
        (
            Locale::En,
            "billing/refund-policy",
            "We'll cover the repair as soon as you send us the bill.",
        ),
        (
            Locale::En,
            "billing/refund-policy",
            "Don't worry, your refund is on its way to the bank.",
        ),
    ] {
        let passages = passages(article, locale);
        let input = ExamineInput {
            reader: &PassageReader::default(),
            locale,
            passages: &passages,
            ticket: &["Preciso de ajuda. I need help."],
            customer: None,
            approved: &[],
        };
        let evidence = examine(sentence, &input);
        assert_eq!(firm(&evidence), Vec::<&str>::new(), "{article}: {evidence:?}");
    }
}
