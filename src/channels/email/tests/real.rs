use std::collections::BTreeMap;

use super::{corpus, manifest, say};
use crate::channels::email::inspect::inspected;
use crate::channels::email::kind::{Kind, Own, classify, reply_allowed};
use crate::channels::email::parse;
use crate::domain::labels::Locale;

#[test]
fn every_mail_is_what_its_manifest_says() {
    let Some(corpus) = corpus() else { return };
    let mut table: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
    let mut odd = Vec::new();
    let (mut known, mut bounces, mut named) = (0, 0, 0);
    for (file, kind, raw) in manifest(&corpus) {
        let Ok(mail) = parse::read(&raw) else {
            assert_eq!(inspected(&raw, Locale::En)["kind"], "error", "{file}");
            *table.entry((kind, "unreadable")).or_default() += 1;
            continue;
        };
        let found = classify(&mail, &Own::default());
        *table.entry((kind.clone(), found.as_str())).or_default() += 1;
        let machine = !matches!(found, Kind::Message);
        assert!(!machine || reply_allowed(&mail, &found, &Own::default()).is_err(), "{file}");
        for one in &mail.attachments {
            assert_eq!(one.content(&raw).len(), one.size, "{file} {one:?}");
        }
        if let Kind::Bounce(report) = &found {
            bounces += 1;
            named += usize::from(!report.recipients.is_empty());
        }
        let expected = match kind.as_str() {
            "bounce" => "bounce",
            "feedback-report(arf)" => "feedback",
            "auto-reply" => "auto_reply",
            "not-bounce" => "message",
            _ => continue,
        };
        known += 1;
        if found.as_str() != expected {
            odd.push(format!("{file}: {} for {kind}", found.as_str()));
        }
    }
    for ((kind, found), count) in &table {
        say(&format!("{kind:24} {found:12} {count}"));
    }
    say(&format!("{} of {known} as the manifest says; {odd:#?}", known - odd.len()));
    say(&format!("{named} of {bounces} bounces name whom they are about"));
    // The rest are mails on which people disagree, such as a person's forward of a bounce.
    assert!(known > 0 && odd.len() * 100 <= known * 2, "{odd:#?}");
    assert!(named * 100 >= bounces * 98, "{named} of {bounces}");
}
