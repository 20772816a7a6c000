use super::*;

#[test]
fn a_file_of_the_team_replaces_the_shipped_one_and_has_another_hash() {
    let draft = shipped("draft.en.hbs").replace("id: invoice", "id: receipt");
    let own = loaded(&[("draft.en.hbs", &draft)]).unwrap();
    let plain = Prompts::load(None).unwrap();
    let (one, other) = (own.named("draft.en").unwrap(), plain.named("draft.en").unwrap());
    assert!(one.overridden && !other.overridden && one.hash != other.hash);
    assert_eq!(own.named("triage").unwrap().hash, plain.named("triage").unwrap().hash);
    // A piece that several prompts use changes the hash of each of them, and counts as the team's own.
    let rules = "Be brief.\n{{> _data.en}}";
    let pieced = loaded(&[("draft.en.hbs", &draft), ("_rules.en.hbs", rules)]).unwrap();
    for name in ["draft.en", "repair.en"] {
        assert_ne!(pieced.named(name).unwrap().hash, own.named(name).unwrap().hash, "{name}");
    }
    assert_eq!(pieced.own_files(), ["_rules.en.hbs", "draft.en.hbs"]);
    let repair = pieced.named("repair.en").unwrap();
    assert!(!repair.overridden && repair.own_files == ["_rules.en.hbs"]);
    assert!(pieced.named("triage").unwrap().own_files.is_empty());
}

#[test]
fn a_prompt_has_one_file_for_all_languages_or_one_for_each() {
    let draft = shipped("draft.en.hbs");
    let found = told(&[("draft.hbs", &draft), ("draft.en.hbs", &draft)]);
    assert_eq!(
        found,
        [
            "draft.hbs: stands beside draft.en.hbs: it is not clear which one counts; keep one file for all languages \
          (draft.hbs) or one for each (draft.pt-BR.hbs, draft.en.hbs)"
        ]
    );
    // The team's own file for all replaces the shipped ones for each.
    let whole = loaded(&[("draft.hbs", &draft)]).unwrap();
    for locale in [Locale::PtBr, Locale::En] {
        assert_eq!(whole.find("draft", locale).unwrap().name(), "draft");
    }
    // One language of its own leaves the other as it is shipped; both leave nothing shipped.
    let triage = shipped("triage.hbs");
    let one = loaded(&[("triage.en.hbs", &triage)]).unwrap();
    assert_eq!(one.find("triage", Locale::En).unwrap().name(), "triage.en");
    assert_eq!(one.find("triage", Locale::PtBr).unwrap().name(), "triage");
    let both = loaded(&[("triage.en.hbs", &triage), ("triage.pt-BR.hbs", &triage)]).unwrap();
    assert!(both.named("triage").is_none());
}

#[test]
fn what_looks_like_a_prompt_and_cannot_be_one_is_refused() {
    let draft = shipped("draft.en.hbs");
    for (name, expected) in [
        (
            "Draft.en.hbs",
            "`Draft` is no prompt that the program asks with; there are triage, draft, repair, again; did you mean `draft.en.hbs`?",
        ),
        ("answer.en.hbs", "`answer` is no prompt that the program asks with"),
        (
            "draft.es.hbs",
            "`es` is no language of prompts; the file is named draft.pt-BR.hbs, draft.en.hbs or, for all languages, draft.hbs",
        ),
        ("draft.pt_br.hbs", "did you mean `draft.pt-BR.hbs`?"),
        ("draft.en-US.hbs", "did you mean `draft.en.hbs`?"),
        (
            "draft.en.txt",
            "looks like a prompt, but would not be read: prompts are files that end in .hbs; name it draft.en.hbs",
        ),
        ("draft.en.HBS", "looks like a prompt"),
        ("_data.en.handlebars", "name it _data.en.hbs"),
        ("reply.md", "looks like a prompt"),
    ] {
        let found = told(&[(name, &draft)]);
        let start = format!("{name}: ");
        let is_it = |one: &String| one.starts_with(&start) && one.contains(expected);
        assert!(found.iter().any(is_it), "{name}: {expected}\n{found:#?}");
    }
    let found = told(&[("_rulez.en.hbs", "x")]);
    let expected = "_rulez.en.hbs: no prompt uses this piece; write {{> _rulez.en}} where it belongs, or delete the file; \
                    did you mean `_rules.en.hbs`?";
    assert_eq!(found, [expected]);
}

#[test]
fn what_is_not_read_is_told_but_pages_and_copies_are_nobodys_business() {
    let plain = loaded(&[
        ("README.md", "How we write."),
        ("draft.en.md", "Notes."),
        ("draft.en.hbs~", "x"),
        ("draft.en.hbs.bak", "x"),
        (".draft.en.hbs.swp", "x"),
        ("notes.txt", "x"),
    ])
    .unwrap();
    let notes: Vec<String> = plain.notes().iter().map(|one| one.render(Locale::En)).collect();
    assert_eq!(notes, ["notes.txt: is not read: prompts are files that end in .hbs"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("old")).unwrap();
    let with_folder = Prompts::load(Some(folder.path())).unwrap();
    assert!(with_folder.notes()[0].render(Locale::PtBr).starts_with("old: não é lida"));
    assert!(with_folder.own_files().is_empty());
}

#[test]
fn marks_and_line_ends_of_other_editors_change_nothing() {
    let draft = shipped("draft.en.hbs").replace("id: invoice", "id: receipt");
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let data = shipped("_data.en.hbs");
    let one = loaded(&[("draft.en.hbs", &draft), ("_data.en.hbs", &data)]).unwrap();
    let other =
        loaded(&[("draft.en.hbs", &windows(&draft)), ("_data.en.hbs", &windows(&data))]).unwrap();
    let rendered = |prompts: &Prompts| {
        let prompt = prompts.named("draft.en").unwrap();
        let context = sample_context(prompt, &prompt.samples[0]);
        (prompt.hash.clone(), prompts.render(prompt, context.clone()).unwrap())
    };
    assert_eq!(rendered(&one), rendered(&other));
    let latin = tempfile::tempdir().unwrap();
    std::fs::write(latin.path().join("_data.en.hbs"), b"caf\xe9").unwrap();
    let found = Prompts::load(Some(latin.path())).unwrap_err();
    assert_eq!(found[0].render(Locale::En), "_data.en.hbs: is not UTF-8; save the file as UTF-8");
    let lost = Prompts::load(Some(&latin.path().join("lost"))).unwrap_err();
    assert!(lost[0].render(Locale::En).contains("check that the folder exists"), "{lost:?}");
}
