use std::fs;

use serde_json::Value;

use crate::cli::ExitCode;
use crate::cli::tests::Call;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_line_is_answered_in_its_order_and_every_mistake_names_its_field() {
    let here = tempfile::tempdir().unwrap();
    let call = Call { dir: here.path(), env: &[], typed: None };
    let right = r#"{"id":"a","draft":"O boleto vence em 3 dias úteis.","passages":[{"article":"billing/invoice-copy","text":"O boleto novo vence em 3 dias úteis e não tem multa."}]}"#;
    let wrong = right.replace("O boleto vence em 3", "O boleto vence em 5").replace("\"a\"", "7");
    let mut input = format!("{right}\n\n{wrong}\n");
    let mistakes = [
        ("[]", ""),
        ("{", ""),
        (r#"{"passages":[]}"#, "draft"),
        (r#"{"draft":" ","passages":[]}"#, "draft"),
        (r#"{"draft":"x"}"#, "passages"),
        (r#"{"draft":"x","passages":{}}"#, "passages"),
        (r#"{"draft":"x","passages":[1]}"#, "passages[0]"),
        (r#"{"draft":"x","passages":[{}]}"#, "passages[0].text"),
        (r#"{"draft":"x","passages":[{"text":1}]}"#, "passages[0].text"),
        (r#"{"draft":"x","passages":[],"locale":"fr"}"#, "locale"),
        (r#"{"draft":"x","passages":[],"ticket":3}"#, "ticket"),
        (r#"{"draft":"x","passages":[],"ticket":{"text":3}}"#, "ticket.text"),
        (r#"{"draft":"x","passages":[],"approved":[3]}"#, "approved[0]"),
        (r#"{"id":[],"draft":"x","passages":[]}"#, "id"),
    ];
    for (line, _) in mistakes {
        input.push_str(line);
        input.push('\n');
    }
    fs::write(here.path().join("drafts.jsonl"), &input).unwrap();
    let called = call.run(&["verify", "drafts.jsonl"]);
    assert_eq!(called.code, ExitCode::Problems);
    assert_eq!(called.err, "14 of 16 lines could not be read\n");
    let answers = lines(&called.out);
    assert_eq!(answers[0]["id"], "a");
    assert_eq!(answers[0]["ok"], true);
    assert_eq!(answers[0]["ledger"][0]["support"], "passage");
    assert_eq!(answers[1]["id"], 7);
    assert_eq!(answers[1]["ok"], false);
    let finding = &answers[1]["findings"][0];
    assert_eq!(
        (&finding["kind"], &finding["expected"]),
        (&"deadline".into(), &"3 dias uteis".into())
    );
    for (answer, (line, field)) in answers.iter().skip(2).zip(mistakes) {
        assert_eq!(answer["error"]["field"], field, "{line}");
    }
    assert_eq!(answers[2]["error"]["line"], 4);
}

#[test]
fn one_draft_is_checked_from_files_and_shown_to_people() {
    let here = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("draft.txt", "Hi Ana!\n\nYour plan stays active for 10 days after the due date."),
        ("passage.md", "Your plan stays active for 7 days after the due date, with no late fee."),
        ("ticket.txt", "my bill is late, what happens?"),
    ] {
        fs::write(here.path().join(name), text).unwrap();
    }
    let call = Call { dir: here.path(), env: &[], typed: None };
    let args = [
        "verify",
        "--draft",
        "draft.txt",
        "--passages",
        "passage.md",
        "--ticket",
        "ticket.txt",
        "--text",
    ];
    let called = call.run(&args);
    assert_eq!((called.code, called.err.as_str()), (ExitCode::Problems, ""));
    insta::assert_snapshot!(called.out, @"
      [template] Hi Ana!
      [none] Your plan stays active for 10 days after the due date.
          ! no article or ticket gives this time or deadline: 10 days (the passage says: 7 days)
    1 problem
    ");
    let portuguese = call.run(&[&args[..], &["--lang", "pt-BR"]].concat());
    assert!(portuguese.out.contains("a passagem diz: 7 days"), "{}", portuguese.out);
}

#[test]
fn the_schema_names_every_kind_of_finding() {
    let here = tempfile::tempdir().unwrap();
    let called = Call { dir: here.path(), env: &[], typed: None }.run(&["verify", "--schema"]);
    let schema: Value = serde_json::from_str(&called.out).unwrap();
    let kinds =
        &schema["oneOf"][0]["properties"]["findings"]["items"]["properties"]["kind"]["enum"];
    let ours: Vec<&str> =
        crate::compose::FindingKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(*kinds, Value::from(ours));
}
