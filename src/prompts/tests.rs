use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn problems(name: &str, text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), text).unwrap();
    match Prompts::load(Some(folder.path())) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn shipped(name: &str) -> String {
    String::from_utf8(Embedded::get(name).unwrap().data.into_owned()).unwrap()
}

#[test]
fn what_is_shipped_renders_with_every_sample() {
    let prompts = Prompts::load(None).unwrap_or_else(|problems| panic!("{problems:?}"));
    let names: Vec<String> = prompts.all().map(Prompt::name).collect();
    assert_eq!(names, ["draft.en", "draft.pt-BR", "repair.en", "repair.pt-BR", "triage"]);
    for prompt in prompts.all() {
        assert!(sample_schema(prompt).is_some());
        for sample in &prompt.samples {
            let messages = prompts.render(prompt, &sample_context(prompt, sample)).unwrap();
            let [system, user] = messages.as_slice() else { panic!("{messages:?}") };
            assert!(system.text.contains(&canary(&sample.id)), "{}", prompt.name());
            assert!(!user.text.contains(&canary(&sample.id)));
            let message = sample.context["message"].as_str().unwrap();
            assert_eq!(user.text.matches(message).count(), 1, "{}: {}", prompt.name(), user.text);
            assert!(!system.text.contains(message));
        }
    }
}

#[test]
fn customers_words_are_never_read_as_a_template() {
    let prompts = Prompts::load(None).unwrap();
    let prompt = prompts.find("draft", Locale::En).unwrap();
    let mut context = sample_context(prompt, &prompt.samples[0]);
    context["message"] = json!("{{canary}} {{> _data}} {{#each passages}}x{{/each}} <b>&</b>");
    let messages = prompts.render(prompt, &context).unwrap();
    assert!(
        messages[1].text.contains("{{canary}} {{> _data}} {{#each passages}}x{{/each}} <b>&</b>")
    );
}

#[test]
fn a_file_of_the_team_replaces_the_shipped_one_and_has_another_hash() {
    let folder = tempfile::tempdir().unwrap();
    let text = shipped("draft.en.hbs").replace("id: invoice", "id: receipt");
    std::fs::write(folder.path().join("draft.en.hbs"), text).unwrap();
    let (own, plain) = (Prompts::load(Some(folder.path())).unwrap(), Prompts::load(None).unwrap());
    let (one, other) = (own.named("draft.en").unwrap(), plain.named("draft.en").unwrap());
    assert!(one.overridden && !other.overridden && one.hash != other.hash);
    assert_eq!(own.named("triage").unwrap().hash, plain.named("triage").unwrap().hash);
    // A piece that several prompts use changes the hash of each of them.
    std::fs::write(folder.path().join("_rules.en.hbs"), "Be brief.\n{{> _data.en}}").unwrap();
    let pieced = Prompts::load(Some(folder.path())).unwrap();
    for name in ["draft.en", "repair.en"] {
        assert_ne!(pieced.named(name).unwrap().hash, own.named(name).unwrap().hash, "{name}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_file_and_what_to_do() {
    let draft = shipped("draft.en.hbs");
    for (name, text, expected) in [
        ("draft.en.hbs", "hello".to_owned(), "front matter"),
        ("draft.fr.hbs", draft.clone(), "no locale of ours"),
        (
            "answer.en.hbs",
            draft.replace("id: draft", "id: answer"),
            "no prompt that the program asks with",
        ),
        ("draft.en.hbs", draft.replace("id: draft", "id: daft"), "the file is named for `draft`"),
        ("draft.en.hbs", draft.replace("=== user", "== user"), "=== system"),
        (
            "draft.en.hbs",
            draft.replace("=== user", "=== user\n{{message}}"),
            "may hold somebody else's words",
        ),
        (
            "draft.en.hbs",
            draft.replace("=== user", "=== user\n{{{message}}}"),
            "may hold somebody else's words",
        ),
        (
            "draft.en.hbs",
            draft.replace("=== system", "=== system\n{{data \"x\" message}}"),
            "do not belong among the instructions",
        ),
        ("draft.en.hbs", draft.replace("=== user", "=== user\n{{#if x}}"), "no valid template"),
        (
            "draft.en.hbs",
            draft.replace("=== user", "=== user\n{{data \"x\" nothing}}"),
            "cannot be rendered",
        ),
        ("draft.en.hbs", draft.replace("promises, needs_human]", "promises]"), "under `required`"),
        (
            "draft.en.hbs",
            draft.replacen("additionalProperties: false", "title: x", 1),
            "additionalProperties",
        ),
        (
            "_case.en.hbs",
            format!("{}\n{{{{subject}}}}", shipped("_case.en.hbs")),
            "may hold somebody else's words",
        ),
    ] {
        let found = problems(name, &text);
        assert!(found.iter().any(|line| line.contains(expected)), "{expected}: {found:?}");
    }
}

#[test]
fn schemas_take_the_policys_lists() {
    let lists = BTreeMap::from([("categories", vec!["a".to_owned(), "b".to_owned()])]);
    let nullable = json!({"type": ["string", "null"], "enum": "$categories"});
    let schema = json!({"properties": {"x": {"enum": "$categories"}, "y": {"enum": "$unknown"}, "z": nullable}});
    let filled = filled(&schema, &lists);
    assert_eq!(filled["properties"]["x"]["enum"], json!(["a", "b"]));
    assert_eq!(filled["properties"]["y"]["enum"], "$unknown");
    assert_eq!(filled["properties"]["z"]["enum"], json!(["a", "b", null]));
}
