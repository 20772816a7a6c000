//! The classifier as a caller sees it.

use std::collections::BTreeMap;

use super::{Example, LinearModel, TrainError, TrainSettings, train};

const LABELS: [(&str, [&str; 4], [&str; 4]); 3] = [
    (
        "delivery",
        ["meu pedido", "a encomenda", "o pacote", "my order"],
        ["não chegou ainda", "está atrasado", "sumiu no correio", "has not arrived"],
    ),
    (
        "refund",
        ["quero", "exijo", "preciso de", "please send"],
        ["meu dinheiro de volta", "o reembolso", "um estorno no cartão", "my money back"],
    ),
    (
        "password",
        ["esqueci", "não lembro", "preciso trocar", "I forgot"],
        ["minha senha", "a senha de acesso", "o login", "my password"],
    ),
];

fn examples() -> Vec<Example> {
    let mut all = Vec::new();
    for (label, starts, ends) in LABELS {
        for start in starts {
            for end in ends {
                for tail in ["", " por favor", " há 3 dias!"] {
                    let text = format!("{start} {end}{tail}");
                    all.push(Example { text, label: label.to_owned() });
                }
            }
        }
    }
    all
}

fn model() -> LinearModel {
    train(&examples(), &TrainSettings::default()).unwrap()
}

#[test]
fn messages_find_their_label() {
    let model = model();
    assert_eq!(model.labels(), ["delivery", "password", "refund"]);
    for (text, label) in [
        ("o meu PEDIDO nao chegou", "delivery"),
        ("encomenda atrasadaaaa", "delivery"),
        ("quero reembolso", "refund"),
        ("I want my money back", "refund"),
        ("esquecii a senhaaa", "password"),
        ("cant remember my pasword", "password"),
    ] {
        let found = model.classify(text);
        assert_eq!(found.label, label, "{text}: {found:?}");
        assert_eq!(model.labels()[found.index], label);
        assert_ne!(found.runner_up, label);
    }
}

#[test]
fn the_same_examples_give_the_same_model_on_any_number_of_threads() {
    let first = serde_json::to_string(&model()).unwrap();
    for threads in [1, 2, 3, 64] {
        let settings = TrainSettings { threads, ..TrainSettings::default() };
        let again = train(&examples(), &settings).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), first, "{threads} threads");
    }
}

#[test]
fn a_stored_model_answers_as_before() {
    let model = model();
    let stored = serde_json::to_string(&model).unwrap();
    let read: LinearModel = serde_json::from_str(&stored).unwrap();
    for example in examples() {
        assert_eq!(read.classify(&example.text), model.classify(&example.text));
    }
    assert_eq!(serde_json::to_string(&read).unwrap(), stored);
}

#[test]
fn a_broken_stored_model_is_refused() {
    let stored = serde_json::to_value(model()).unwrap();
    let spoilt = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut copy = stored.clone();
        change(&mut copy);
        serde_json::from_value::<LinearModel>(copy).unwrap_err().to_string()
    };
    for (change, expected) in [
        (
            &(|model: &mut serde_json::Value| model["version"] = 0.into())
                as &dyn Fn(&mut serde_json::Value),
            "the model is of another version",
        ),
        (&|model| model["labels"] = vec!["one"].into(), "the parts of the model do not fit"),
        (&|model| model["bias"] = "AAAA".into(), "bytes are missing"),
        (&|model| model["bias"] = "AADAfw==".into(), "a number is not finite"),
        (&|model| model["words"]["keys"] = "".into(), "the parts of the model do not fit"),
        (&|model| model["grams"]["rows"]["cells"] = "".into(), "the parts of the model do not fit"),
    ] {
        let error = spoilt(change);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn what_cannot_be_trained_says_why() {
    let with = |texts: &[(&str, &str)]| -> Vec<Example> {
        let example = |(text, label): &(&str, &str)| Example {
            text: (*text).to_owned(),
            label: (*label).to_owned(),
        };
        texts.iter().map(example).collect()
    };
    let plain = TrainSettings::default();
    let free = TrainSettings { cost: 0.0, ..plain.clone() };
    let odd = BTreeMap::from([("refund".to_owned(), f32::NAN)]);
    let odd = TrainSettings { label_weights: odd, ..plain.clone() };
    let one_fold = TrainSettings { folds: 1, ..plain.clone() };
    for (examples, settings, expected) in [
        (vec![], &plain, TrainError::OneLabel),
        (with(&[("oi", "a"), ("ola", "a")]), &plain, TrainError::OneLabel),
        (with(&[("", "a"), (" ... ", "b")]), &plain, TrainError::NoWords),
        (self::examples(), &free, TrainError::BadSettings),
        (self::examples(), &odd, TrainError::BadSettings),
        (self::examples(), &one_fold, TrainError::BadSettings),
    ] {
        assert_eq!(train(&examples, settings).unwrap_err(), expected);
    }
}

#[test]
fn two_examples_are_enough_to_train() {
    let examples = [
        Example { text: "reembolso".to_owned(), label: "refund".to_owned() },
        Example { text: "senha".to_owned(), label: "password".to_owned() },
    ];
    let model = train(&examples, &TrainSettings::default()).unwrap();
    let found = model.classify("senha");
    assert_eq!(found.label, "password");
    assert!(found.probability.is_finite() && found.novelty.is_finite());
}

#[test]
fn nothing_to_read_is_wholly_novel_and_sure_of_nothing() {
    let model = model();
    for text in ["", "   ", "...", "\u{200b}", "сколько", "\u{1f600}"] {
        let found = model.classify(text);
        assert!(found.probability <= 0.0 && found.novelty >= 1.0, "{text:?}: {found:?}");
    }
}

#[test]
fn an_unknown_text_is_novel_and_lowers_the_probability() {
    let model = model();
    let known = model.classify("quero o reembolso por favor");
    assert!(known.novelty < 0.2 && known.probability > 0.8, "{known:?}");
    for text in ["vocês vendem guarda-chuva azul?", "how tall is the eiffel tower"] {
        let strange = model.classify(text);
        assert!(strange.novelty > 0.8, "{text}: {strange:?}");
        assert!(strange.probability < known.probability - 0.2, "{text}: {strange:?}");
    }
}

#[test]
fn given_strangers_raise_novelty() {
    let stranger = "vocês aceitam cartão de outra loja";
    let settings =
        TrainSettings { out_of_scope: vec![stranger.to_owned(); 3], ..TrainSettings::default() };
    let model = train(&examples(), &settings).unwrap();
    assert!(model.classify(stranger).novelty > 0.5);
}

#[test]
fn probabilities_are_those_of_the_prediction_and_sum_to_at_most_one() {
    let model = model();
    for text in ["quero minha senha de volta", "pedido", "xyz pedido", "", "please"] {
        let found = model.classify(text);
        let all = model.probabilities(text);
        assert_eq!(all.len(), 3);
        assert!(all.iter().sum::<f32>() <= 1.0 + 1e-5, "{all:?}");
        assert!((all[found.index] - found.probability).abs() < 1e-6, "{all:?}");
        let second = model.labels().iter().position(|label| label == found.runner_up).unwrap();
        assert!((all[second] - found.runner_up_probability).abs() < 1e-6, "{all:?}");
        let best = all.iter().fold(0.0_f32, |best, share| best.max(*share));
        assert!(best <= found.probability + 1e-6, "{all:?}");
    }
}

#[test]
fn a_label_that_must_not_be_missed_is_found_more_often() {
    let text = "quero minha senha de volta";
    let chance = |weight: f32| {
        let label_weights = BTreeMap::from([("refund".to_owned(), weight)]);
        let settings = TrainSettings { label_weights, ..TrainSettings::default() };
        let model = train(&examples(), &settings).unwrap();
        let at = model.labels().iter().position(|label| label == "refund").unwrap();
        let all = model.probabilities(text);
        let rest: f32 = all.iter().sum::<f32>() - all[at];
        all[at] / (all[at] + rest)
    };
    let (low, even, high) = (chance(0.1), chance(1.0), chance(10.0));
    assert!(low < even && even < high, "{low} {even} {high}");
}

#[test]
fn a_huge_text_is_read_in_part() {
    let model = model();
    let start = "quero o reembolso ".repeat(1000);
    let longer = format!("{start}{}", "senha ".repeat(1_000_000));
    assert_eq!(model.classify(&start), model.classify(&longer));
    let mut examples = examples();
    examples.push(Example { text: "á".repeat(5_000_000), label: "refund".to_owned() });
    assert!(train(&examples, &TrainSettings::default()).is_ok());
}

#[test]
fn case_accents_and_elongation_do_not_matter() {
    let model = model();
    let plain = model.classify("nao lembro a senha");
    for text in ["NÃO LEMBRO A SENHA", "na\u{303}o lembro, a senha", "naooo lembro a senha"] {
        let found = model.classify(text);
        assert_eq!(found.label, plain.label, "{text}");
        if !text.contains("ooo") {
            assert_eq!(found, plain, "{text}");
        }
    }
}
