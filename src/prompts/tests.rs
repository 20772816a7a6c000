use std::collections::BTreeMap;

use serde_json::json;

use super::*;

mod folders;

/// Loads a team's folder of these files.
fn loaded(files: &[(&str, &str)]) -> Result<Prompts, Vec<Problem>> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Prompts::load(Some(folder.path()))
}

/// What is told about a folder, in English. Whatever is told is told in both languages.
fn told(files: &[(&str, &str)]) -> Vec<String> {
    let problems = loaded(files).err().unwrap_or_default();
    for one in &problems {
        assert!(!one.message.pt_br.is_empty() && one.message.pt_br != one.message.en, "{one:?}");
    }
    problems.iter().map(|problem| problem.render(Locale::En)).collect()
}

fn shipped(name: &str) -> String {
    String::from_utf8(Embedded::get(name).unwrap().data.into_owned()).unwrap()
}

/// The shipped English draft with something more below `=== user`.
fn asking(more: &str) -> String {
    shipped("draft.en.hbs").replace("=== user\n", &format!("=== user\n{more}\n"))
}

/// The line of the first of these words in a file.
fn line(text: &str, words: &str) -> usize {
    1 + text.lines().position(|line| line.contains(words)).unwrap()
}

#[test]
fn what_is_shipped_renders_with_every_sample() {
    let prompts = Prompts::load(None).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let names: Vec<String> = prompts.all().map(Prompt::name).collect();
    assert_eq!(
        names,
        [
            "again.en",
            "again.pt-BR",
            "draft.en",
            "draft.pt-BR",
            "repair.en",
            "repair.pt-BR",
            "triage"
        ]
    );
    assert_eq!((prompts.pieces(), prompts.own_files().len()), (6, 0));
    for prompt in prompts.all() {
        assert!(sample_schema(prompt).is_some());
        for sample in &prompt.samples {
            let messages = prompts.render(prompt, sample_context(prompt, sample)).unwrap();
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
    let messages = prompts.render(prompt, context.clone()).unwrap();
    assert!(
        messages[1].text.contains("{{canary}} {{> _data}} {{#each passages}}x{{/each}} <b>&</b>")
    );
}

#[test]
fn a_prompt_reads_as_it_is_written() {
    let draft = shipped("draft.en.hbs")
        .replace("{{> _rules.en}}", "Before.\n{{> _own}}\n\nBehind.\n{{~> _own ~}}\nx");
    let own = loaded(&[("draft.en.hbs", &draft), ("_own.hbs", "{{canary}}\nLine.\n")]);
    let own = own.unwrap_or_else(|problems| panic!("{problems:#?}"));
    let prompt = own.named("draft.en").unwrap();
    let context = sample_context(prompt, &prompt.samples[0]);
    let messages = own.render(prompt, context.clone()).unwrap();
    let word = canary("invoice");
    let piece = format!("{word}\nLine.");
    assert_eq!(messages[0].text, format!("Before.\n{piece}\n\nBehind.{piece}x"));
}

#[test]
fn the_shipped_prompts_read_as_they_are_written() {
    let prompts = Prompts::load(None).unwrap();
    for (name, sample) in
        [("triage", "injection"), ("draft.en", "long"), ("repair.pt-BR", "boleto")]
    {
        let prompt = prompts.named(name).unwrap();
        let sample = prompt.samples.iter().find(|one| one.id == sample).unwrap();
        let messages = prompts.render(prompt, sample_context(prompt, sample)).unwrap();
        let text: Vec<String> =
            messages.iter().map(|one| format!("=== {}\n{}", one.role, one.text)).collect();
        insta::assert_snapshot!(name, text.join("\n\n"));
    }
}

#[test]
fn a_customers_text_is_inserted_once_in_every_case() {
    let message = "{{data \"customer\" message}}";
    let piece = format!("Again:\n{message}");
    let draft = asking(message);
    let (case, own_case) = (shipped("_case.en.hbs"), shipped("_case.en.hbs") + message);
    for (files, expected) in [
        // In the prompt and in a shipped piece, which the team cannot edit: told where the piece is used.
        (
            vec![("draft.en.hbs", draft.as_str())],
            format!(
                "draft.en.hbs:{}: in the piece `_case.en`, line {}: `message` is inserted a second time here; the first is in \
                 draft.en.hbs, line {}",
                line(&draft, "{{> _case.en}}"),
                line(&case, message),
                line(&draft, message),
            ),
        ),
        // Twice in a piece of the team's.
        (
            vec![("_case.en.hbs", own_case.as_str())],
            format!(
                "_case.en.hbs:{}: `message` is inserted a second time here; the first is in _case.en.hbs, line {}",
                case.lines().count() + 1,
                line(&case, message)
            ),
        ),
        // One piece, twice.
        (
            vec![("draft.en.hbs", &asking("{{> _case.en}}"))],
            format!(
                "draft.en.hbs:{}: `message` is inserted a second time here; the first is in draft.en.hbs, line {}",
                line(&draft, "{{> _case.en}}"),
                line(&draft, message)
            ),
        ),
        // Through two pieces.
        (
            vec![("draft.en.hbs", &asking("{{> _again}}")), ("_again.hbs", &piece)],
            format!("draft.en.hbs:{}: in the piece `_case.en`", line(&draft, "{{> _case.en}}")),
        ),
        (
            vec![("draft.en.hbs", &asking("{{#each passages}}{{data \"p\" text}}{{/each}}"))],
            "`text` is inserted a second time".to_owned(),
        ),
        (
            vec![("draft.en.hbs", &asking("{{#each history}}{{data \"c\" ../message}}{{/each}}"))],
            "`../message` would be inserted once for every item of `history`".to_owned(),
        ),
        (
            vec![("draft.en.hbs", &asking("{{#if subject}}{{data \"a\" subject}}{{/if}}"))],
            "`subject` is inserted a second time".to_owned(),
        ),
    ] {
        let found = told(&files);
        assert!(found.iter().any(|one| one.contains(&expected)), "{expected}\n{found:#?}");
    }
    // Of two branches a case takes one.
    let branches =
        format!("{{{{#if history}}}}More:\n{message}\n{{{{else}}}}First:\n{message}\n{{{{/if}}}}");
    let case = case.replace(message, &branches);
    assert_eq!(told(&[("_case.en.hbs", &case)]), Vec::<String>::new());
}

#[test]
fn what_a_model_must_read_stands_there_always() {
    let (draft, case) = (shipped("draft.en.hbs"), shipped("_case.en.hbs"));
    let message = "{{data \"customer\" message}}";
    let user = line(&draft, "=== user");
    for (files, expected) in [
        (
            vec![("draft.en.hbs", draft.replace("{{> _case.en}}", "Hello"))],
            format!("draft.en.hbs:{user}: the model has to read `message`; write {message}"),
        ),
        (
            vec![("draft.en.hbs", draft.replace("{{> _case.en}}", message))],
            "has to read `passages[].text`; write {{#each passages}}{{data \"passage\" text}}{{/each}}"
                .to_owned(),
        ),
        (
            vec![("_case.en.hbs", case.replace(message, ""))],
            format!("draft.en.hbs:{user}: with _case.en.hbs, the model has to read `message`"),
        ),
        (
            vec![("_case.en.hbs", case.replace(message, &format!("{{{{#if history}}}}{message}{{{{/if}}}}")))],
            "`message` is inserted in some cases only".to_owned(),
        ),
        (
            vec![("_data.en.hbs", "Be kind.".to_owned())],
            "with _data.en.hbs, the instructions lack {{canary}}".to_owned(),
        ),
        (
            vec![("_data.en.hbs", "{{#if tone}}{{canary}}{{/if}}".to_owned())],
            "the instructions lack {{canary}}".to_owned(),
        ),
    ] {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let found = told(&files);
        assert!(found.iter().any(|one| one.contains(&expected)), "{expected}\n{found:#?}");
    }
    // A condition on the text itself takes nothing away.
    let guarded = case.replace(message, &format!("{{{{#if message}}}}{message}{{{{/if}}}}"));
    assert_eq!(told(&[("_case.en.hbs", &guarded)]), Vec::<String>::new());
}

#[test]
fn names_and_calls_are_followed_into_every_branch() {
    for (more, expected) in [
        ("{{mesage}}", "there is no variable `mesage` here; did you mean `message`?"),
        (
            "{{data \"x\" nothing}}",
            "there is no variable `nothing` here; the variables here are canary, brand",
        ),
        ("{{#if histroy}}{{/if}}", "did you mean `history`?"),
        (
            "{{#if (eq chanel \"email\")}}{{/if}}",
            "no variable `chanel` here; did you mean `channel`?",
        ),
        ("{{#each tone}}{{brand}}{{/each}}", "no variable `brand` here; did you mean `../brand`?"),
        ("{{#each passages}}{{nn}}{{else}}{{bran}}{{/each}}", "did you mean `brand`?"),
        ("{{#each history as |turn|}}{{turn.autor}}{{/each}}", "did you mean `author`?"),
        (
            "{{#if brand}}\n{{else if subjet}}\n{{/if}}",
            "no variable `subjet` here; did you mean `subject`?",
        ),
        ("{{ai_name}}", "there is no variable `ai_name`"),
        ("{{complaints}}", "there is no variable `complaints`"),
        ("{{message}}", "`message` holds somebody else's words; write {{data \"name\" message}}"),
        ("{{#each facts}}{{this}}{{/each}}", "`this` holds somebody else's words"),
        ("{{@root.message}}", "`@root.message` holds somebody else's words"),
        ("{{{message}}}", "three braces or & would put somebody else's words loose"),
        ("{{&message}}", "three braces or & would put somebody else's words loose"),
        ("{{{brand}}}", "write {{brand}} with two braces"),
        ("{{lookup this \"message\"}}", "`lookup` is no function of prompts"),
        ("{{#lookup this \"message\"}}{{/lookup}}", "prompts have no `#lookup`"),
        ("{{#iff subject}}{{/iff}}", "did you mean `#if`?"),
        ("{{#if (equal channel \"email\")}}{{/if}}", "conditions have no function `equal`"),
        ("{{data message brand}}", "the name that `data` gets is a word in quotes"),
        ("{{data \"<<<x\" brand}}", "the name that `data` gets is a word in quotes"),
        ("{{data \"x\" (or subject message)}}", "`data` takes a name and a variable"),
        ("{{data \"x\"}}", "`data` takes a name and a variable"),
        ("{{data \"x\" passages}}", "`passages` is no text"),
        ("{{data \"x\" passages.0.text}}", "`passages` is a list; go through it"),
        ("{{passages}}", "`passages` is a list; go through it with {{#each passages}}"),
        ("{{#each brand}}{{/each}}", "`brand` is no list"),
        ("{{#each history}}{{this}}{{/each}}", "`this` has parts; write one of them: author, text"),
        ("{{@index}}", "`@index` exists inside {{#each}} only"),
        ("{{../brand}}", "goes up further than there is anything"),
        ("{{> _rule.en}}", "there is no piece `_rule.en`"),
        ("{{> _rule.en}}", "did you mean `_rules.en`?"),
        ("{{> repair.en/user}}", "is no piece; a piece's name begins with _"),
        ("{{#*inline \"x\"}}{{message}}{{/inline}}", "prompts define no pieces inside themselves"),
    ] {
        let text = asking(more);
        let found = told(&[("draft.en.hbs", &text)]);
        assert!(found.iter().any(|one| one.contains(expected)), "{more}: {expected}\n{found:#?}");
        let start = format!("draft.en.hbs:{}: ", line(&text, more.lines().next().unwrap()));
        let chained = more.contains("else if");
        assert!(chained || found.iter().all(|one| one.starts_with(&start)), "{start}\n{found:#?}");
    }
    let chained = asking("{{#if brand}}\n{{else if subjet}}\n{{/if}}");
    let found = told(&[("draft.en.hbs", &chained)]);
    let start = format!("draft.en.hbs:{}: ", line(&chained, "else if"));
    assert!(found.iter().any(|one| one.starts_with(&start)), "{found:#?}");
    // Below `=== system` nobody else's words get in, marked or not.
    for more in
        ["{{data \"x\" message}}", "{{message}}", "{{#each facts}}{{data \"x\" this}}{{/each}}"]
    {
        let text = shipped("draft.en.hbs").replace("=== system", &format!("=== system\n{more}"));
        let found = told(&[("draft.en.hbs", &text)]);
        assert!(
            found.iter().any(|one| one.contains("do not belong among the instructions")),
            "{found:?}"
        );
    }
    // A subject may be missing.
    let case = shipped("_case.en.hbs").replace("{{#if subject}}", "{{#if brand}}");
    let found = told(&[("_case.en.hbs", &case)]);
    assert!(found.iter().any(|one| one.contains("`subject` may be missing")), "{found:#?}");
}

#[test]
fn pieces_are_handed_variables_and_never_contain_themselves() {
    let case = shipped("_case.en.hbs");
    let handed = case.replace("{{data \"customer\" message}}", "{{> _words text=message}}");
    let words = ("_words.hbs", "{{data \"customer\" text}}");
    assert_eq!(told(&[("_case.en.hbs", &handed), words]), Vec::<String>::new());
    let twice = handed
        .replace("{{> _words text=message}}", "{{> _words text=message}}{{> _words text=message}}");
    let found = told(&[("_case.en.hbs", &twice), words]);
    assert!(found.iter().any(|one| one.contains("`text` is inserted a second time")), "{found:#?}");

    let circle = case + "{{> _words}}";
    let found = told(&[("_case.en.hbs", &circle), ("_words.hbs", "{{> _case.en}}")]);
    let expected =
        "_words.hbs:1: the piece `_case.en` contains itself; take {{> _case.en}} out of here";
    assert!(found.iter().any(|one| one == expected), "{found:#?}");
}

#[test]
fn a_template_that_cannot_be_read_is_told_where_it_was_opened() {
    for (more, at, expected) in [
        ("{{#if subject}}\nx", "{{#if subject}}", "`{{#if subject}}` is never closed; add {{/if}}"),
        (
            "{{#if subject}}\n{{#each history}}\n{{/if}}",
            "{{#each history}}",
            "`{{#each history}}` is still open when {{/if}} comes in line",
        ),
        ("a\n{{/if}}", "{{/if}}", "`{{/if}}` closes nothing; delete it or open a {{#if}} before"),
        ("a\n{{else}}", "{{else}}", "`{{else}}` stands outside of a block"),
        ("{{brand\nx", "{{brand", "`{{brand` is not closed; close it with }}"),
        (
            "x {{data \"x message}}",
            "{{data \"x message}}",
            "`{{data \"x message}}` cannot be read; check quotes, braces and names",
        ),
    ] {
        let text = asking(more);
        let found = told(&[("draft.en.hbs", &text)]);
        let place = format!("draft.en.hbs:{}: ", line(&text, at));
        assert!(
            found.iter().any(|one| one.starts_with(&(place.clone() + expected))),
            "{place}{expected}\n{found:#?}"
        );
    }
    let found = told(&[("_case.en.hbs", "a\n{{#if x}}")]);
    assert_eq!(found, ["_case.en.hbs:2: `{{#if x}}` is never closed; add {{/if}}"]);
    // Comments and what a backslash takes out are no tags.
    let fine = asking("{{! {{#if }}{{!-- }} --}}\\{{#if}}");
    assert_eq!(told(&[("draft.en.hbs", &fine)]), Vec::<String>::new());
}

#[test]
fn the_shape_of_an_answer_is_what_providers_take_and_the_program_reads() {
    let draft = shipped("draft.en.hbs");
    for (from, to, expected) in [
        ("promises, needs_human]", "promises]", "list `needs_human` under `required`"),
        (
            "promises, needs_human]",
            "promises, needs_human, tone]",
            "`required` names `tone`, which `properties` lacks",
        ),
        (
            "required: [text, cites, layout]",
            "required: [text, cites, layout, lay]",
            "`output_schema`, at `sentences[]`: `required` names `lay`, which `properties` lacks",
        ),
        ("required: [text, cites, layout]", "required: text", "`required` is a list of names"),
        (
            "additionalProperties: false",
            "title: x",
            "an object needs `additionalProperties: false`",
        ),
        ("text: {type: string}", "text: {type: strin}", "no type `strin`; there are"),
        (
            "text: {type: string}",
            "text: {type: integer}",
            "a value of type string in `sentences[].text`",
        ),
        ("text: {type: string}", "text: string", "`sentences[].text` has to say its type"),
        (
            "enum: [continue, paragraph, step, bullet]",
            "enum: $layouts",
            "`enum` is a list of values",
        ),
        (
            "      type: array\n      items:",
            "      type: array\n      iters:",
            "say under `items` what is in `sentences[]`",
        ),
    ] {
        assert!(draft.contains(from), "{from}");
        let found = told(&[("draft.en.hbs", &draft.replacen(from, to, 1))]);
        assert!(found.iter().any(|one| one.contains(expected)), "{expected}\n{found:#?}");
    }
    // Where the words stand.
    let text =
        draft.replace("required: [text, cites, layout]", "required: [text, cites, layout, size]");
    let found = told(&[("draft.en.hbs", &text)]);
    let place = format!("draft.en.hbs:{}: ", line(&text, "layout, size]"));
    assert!(found.len() == 1 && found[0].starts_with(&place), "{place}\n{found:#?}");
    let triage = shipped("triage.hbs").replace("enum: $categories", "enum: $categoris");
    let found = told(&[("triage.hbs", &triage)]);
    assert!(
        found.iter().any(|one| one.contains("one of the policy's lists: $categories")),
        "{found:?}"
    );
}

#[test]
fn front_matter_says_what_it_lacks() {
    let draft = shipped("draft.en.hbs");
    for (from, to, expected) in [
        ("---\n", "", "draft.en.hbs:1: start the file with front matter"),
        ("\n---\n=== system", "\n=== system", "draft.en.hbs:1: the front matter has no end"),
        (
            "id: draft",
            "id: daft",
            "draft.en.hbs:2: its id is `daft`, but the file is named for `draft`",
        ),
        ("id: draft\n", "", "the front matter lacks an id; write id: draft"),
        (
            "hints: {max_output: 1200}",
            "hits: {max_output: 1200}",
            "has no `hits`; it has id, purpose, hints, output_schema, samples; did you mean `hints`?",
        ),
        ("hints: {max_output: 1200}", "hints: {max_output: many}", "`hints` has max_output alone"),
        (
            "  en: Writes",
            "  fr: Writes",
            "say under `purpose` what the prompt is for, in both languages",
        ),
        ("id: draft", "id: \"draft", "the front matter is not valid YAML"),
        ("id: long", "id: invoice", "there are two samples named `invoice`"),
        (
            "samples:\n  - id: invoice",
            "samples: none\nx:\n  - id: invoice",
            "add at least one sample",
        ),
        ("=== user", "== user", "write the two parts below lines of `=== system` and `=== user`"),
        ("=== user", "=== user\n=== user", "there is a second line `=== user`"),
        (
            "=== system",
            "Lost.\n=== system",
            "this text stands above `=== system` and would not reach the model",
        ),
        (
            "message: \"where",
            "mesage: \"where",
            "in the sample `invoice`, `mesage` is no variable of this prompt; did you mean `message`?",
        ),
        (
            "message: \"where do i find my invoice\"",
            "message: 12",
            "in the sample `invoice`, `message` has to be a text; put it in quotes",
        ),
        (
            "{n: 1, text: \"Open",
            "{text: \"Open",
            "in the sample `invoice`, `passages[0].n` is missing",
        ),
        ("register: casual", "register: [casual]", "`register` has to be a text"),
    ] {
        assert!(draft.contains(from), "{from}");
        let found = told(&[("draft.en.hbs", &draft.replacen(from, to, 1))]);
        assert!(found.iter().any(|one| one.contains(expected)), "{expected}\n{found:#?}");
    }
    // Everything at once, each at its line.
    let text =
        draft.replace("id: long", "id: invoice").replace("promises, needs_human]", "promises]");
    let found = told(&[("draft.en.hbs", &text)]);
    let place = |words: &str| format!("draft.en.hbs:{}: ", line(&text, words));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with(&place("required: [language")), "{found:#?}");
}

#[test]
fn problems_are_told_in_the_language_asked_for() {
    let problems = loaded(&[("draft.en.hbs", &asking("{{mesage}}"))]).unwrap_err();
    let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
    let at = problem.line;
    assert_eq!(
        problem.render(Locale::PtBr),
        format!("draft.en.hbs:{at}: não há variável `mesage` aqui; você quis dizer `message`?")
    );
    assert_eq!(
        problem.render(Locale::En),
        format!("draft.en.hbs:{at}: there is no variable `mesage` here; did you mean `message`?")
    );
}

#[test]
fn the_guide_names_every_variable() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/models.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    for one in variables::ASKED.iter().flat_map(|asked| variables(asked.id)) {
        for (path, _) in one.paths() {
            assert!(guide.contains(&format!("`{path}`")), "docs/models.md lacks {path}");
        }
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
