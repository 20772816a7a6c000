use super::*;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 21).unwrap()
}

fn checked(files: &[(&str, &str)]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    check(Some(folder.path()), today(), Locale::En)
}

const FRONT: &str =
    "---\ntitle: Change your password\nupdated: 2026-11-01\nrelated: [a/other]\n---\n";
const OTHER: &str = "---\ntitle: What is Pix\nupdated: 2026-11-01\nrelated: [a/page]\n---\nPix is a payment.\n\n## If it fails\nAsk.\n";

#[test]
fn every_rule_names_the_line_and_what_to_do() {
    let good = "Tap Forgot my password.\n\n1. Open the app.\n2. Tap the link.\n\n## If no mail comes\nLook in spam.\n";
    for (front, body, expected) in [
        (FRONT, good, vec![]),
        (FRONT, "Tap it.\n\n1. Open.\n2. Tap.\n", vec!["warning 1 covers no edge case"]),
        (
            FRONT,
            "Tap it.\n\n## If not\nWait.\n",
            vec!["warning 2 teaches how to do something without"],
        ),
        (
            FRONT,
            "## If not\nWait.\n\n1. Open.\n2. Tap.\n",
            vec!["error 7 the text begins with a heading"],
        ),
        (
            FRONT,
            "Why not?\n\n1. Open.\n2. Tap.\n\n## If not\nWait.\n",
            vec!["error 6 the first paragraph asks"],
        ),
        (
            FRONT,
            "1. Open.\n3. Tap.\n\n## If not\nWait.\n",
            vec!["error 6 the first paragraph is a list", "warning 7 step 3 stands where 2"],
        ),
        (
            FRONT,
            "In this article, passwords.\n\n1. Open.\n2. Tap it somehow.\n\n## If not\nWait.\n",
            vec![
                "error 6 the first paragraph only announces",
                "warning 9 \"somehow\" cannot be tested",
            ],
        ),
        (
            "---\ntitle: Passwords\nupdated: 2025-01-01\n---\n",
            good,
            vec![
                "warning 1 links to no other",
                "error 2 the title is neither",
                "warning 3 updated on 2025-01-01, more than 12",
            ],
        ),
        (
            "---\ntitle: Change it\nrelated: [a/none]\n---\n",
            good,
            vec!["error 1 does not say when", "error 3 related article `a/none`"],
        ),
        ("---\ntitle: [\n---\n", good, vec!["error 2 "]),
        (FRONT, "", vec!["error 1 has no text"]),
    ] {
        let report =
            checked(&[("en/a/page.md", &format!("{front}{body}")), ("en/a/other.md", OTHER)]);
        let told: Vec<String> = report
            .findings
            .iter()
            .filter(|finding| finding.file == "en/a/page.md")
            .map(|finding| {
                format!("{:?} {} {}", finding.severity, finding.line, finding.message)
                    .to_lowercase()
            })
            .collect();
        assert_eq!(told.len(), expected.len(), "{body}: {told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(&expected.to_lowercase()), "{told} / {expected}");
        }
    }
}

#[test]
fn copies_contradictions_and_missing_translations_are_found_between_articles() {
    let text = "Refunds to a card appear on the bill after 5 business days from the request. Ask the bank before you write to \
                us about a refund that is late.\n\n## If it does not come\nWrite to us.\n";
    let front =
        |title: &str| format!("---\ntitle: {title}\nupdated: 2026-11-01\nrelated: [a/c]\n---\n");
    let other = text.replace("5 business", "10 business");
    let report = checked(&[
        ("en/a/a.md", &format!("{}{text}", front("How refunds work"))),
        ("en/a/b.md", &format!("{}{other}", front("How refunds work?"))),
        ("en/a/c.md", &format!("{}Pix is a payment.\n\n## If not\nWait.\n", front("What is Pix"))),
        (
            "pt-BR/a/c.md",
            &format!("{}Pix é um pagamento.\n\n## Se não\nEspere.\n", front("O que é Pix")),
        ),
    ]);
    let told: Vec<String> =
        report.findings.iter().map(|f| format!("{}:{} {}", f.file, f.line, f.message)).collect();
    for expected in [
        "en/a/b.md:2 has the same title as en/a/a.md",
        "en/a/b.md:2 repeats the text of en/a/a.md",
        "en/a/b.md:6 says 10 business days, but en/a/a.md:6 says 5 business days",
        "en/a/a.md:1 does not exist in pt-BR",
        "en/a/b.md:1 does not exist in pt-BR",
    ] {
        assert!(told.iter().any(|line| line.starts_with(expected)), "{expected}: {told:#?}");
    }
    assert_eq!(told.len(), 5, "{told:#?}");
    assert_eq!(report.articles[&Locale::En], 3);
    assert_eq!(report.missing[&Locale::PtBr], ["a/a", "a/b"]);
}

#[test]
fn the_samples_have_no_errors() {
    let report = check(None, today(), Locale::En);
    let errors: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(!report.findings.iter().any(|finding| finding.message.contains("of the same thing")));
}
