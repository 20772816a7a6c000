use super::labelled::parse;
use super::measure::Report;
use crate::understand::linear::{Example, TrainSettings, train};

fn told(bytes: &[u8]) -> String {
    match parse(bytes) {
        Ok(examples) => {
            let one = |e: &Example| format!("{}={}", e.label, e.text);
            examples.iter().map(one).collect::<Vec<_>>().join(" | ")
        }
        Err(problems) => {
            problems.iter().map(|problem| problem.en.clone()).collect::<Vec<_>>().join(" | ")
        }
    }
}

#[test]
fn labelled_texts_come_as_json_lines_or_csv_and_bad_ones_are_named_by_line() {
    for (file, expected) in [
        ("{\"text\":\"oi\",\"label\":\"a\"}\n\n{\"text\":\"x\",\"label\":\"b\"}\n", "a=oi | b=x"),
        ("text,label\noi,a\n\"x, y\",b\n", "a=oi | b=x, y"),
        ("Label;Text\na;oi\n", "a=oi"),
        ("\u{feff}text,label\noi,a\n", "a=oi"),
        ("{\"text\":\"oi\"}", "1: is no labelled text: missing field `label`"),
        (
            "{\"text\":\"oi\",\"label\":\"a\"}\n{\"text\":\"  \",\"label\":\"a\"}",
            "2: \"text\" is empty",
        ),
        ("text,label\noi,\n", "2: \"label\" is empty"),
        (
            "pergunta,rotulo\noi,a\n",
            "1: expected JSON Lines, or a CSV with the columns text and label",
        ),
        ("", "1: expected JSON Lines, or a CSV with the columns text and label"),
    ] {
        assert_eq!(told(file.as_bytes()), expected, "{file}");
    }
    assert_eq!(told(b"text,label\n\xff,a\n"), "2: is not UTF-8; save the file as UTF-8");
}

#[test]
fn a_report_counts_labels_that_were_never_learned_as_misses() {
    let example = |text: &str, label: &str| Example { text: text.into(), label: label.into() };
    let examples: Vec<Example> = (0..12)
        .flat_map(|n| {
            [
                example(&format!("boleto fatura {n}"), "billing"),
                example(&format!("senha login {n}"), "access"),
            ]
        })
        .collect();
    let model = train(&examples, &TrainSettings::default()).unwrap();
    let tests = [
        example("a fatura e o boleto", "billing"),
        example("a senha do login", "access"),
        example("a senha do login de novo", "delivery"),
        example("o boleto da fatura", "billing"),
    ];
    let report = Report::of(&model, &tests, None, None);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["accuracy"], 0.75);
    assert_eq!(json["confusions"][0]["expected"], "delivery");
    assert_eq!(json["train_s"], serde_json::Value::Null);
    let mut text = Vec::new();
    report.write(&mut text, crate::domain::labels::Locale::En).unwrap();
    assert!(String::from_utf8(text).unwrap().contains("accuracy                          0.7500"));
}
