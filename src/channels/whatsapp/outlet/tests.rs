//! What a reply becomes on the wire, and what the end of a call means.

use chrono::TimeZone as _;

use super::*;

fn now() -> DateTime<Utc> {
    Utc.timestamp_opt(1_795_000_000, 0).unwrap()
}

fn parcel(to: &Address) -> Parcel<'_> {
    Parcel {
        id: "out_1",
        number: "106540352242922",
        to,
        text: "Abra *Faturas*.\n\n1. Toque em Segunda via.",
        choices: &[],
        file: None,
        locale: Locale::PtBr,
        ticket_number: "1042-7",
        template: None,
        answers: Some("wamid.1"),
        latest: Some(("wamid.1", now())),
        attempt: 1,
        since: now(),
        chance: 0,
    }
}

fn outlet(template: Option<&str>) -> Outlet {
    let token = crate::domain::secret::Secret::new("um-token");
    Outlet::new(OutletSettings {
        client: ClientSettings::new(token),
        template: template.map(str::to_owned),
        receipts: true,
    })
    .unwrap()
}

#[test]
fn an_answer_quotes_only_where_it_would_not_be_clear_what_it_answers() {
    let to = Address::read("5511987654321").unwrap();
    let parcel = parcel(&to);
    let quoted = |now, parcel: &Parcel<'_>| free(now, parcel).unwrap().quotes;
    assert_eq!(quoted(now(), &parcel), None);
    let late = now() + Duration::hours(2);
    assert_eq!(quoted(late, &parcel).as_deref(), Some("wamid.1"));
    let more = Parcel { latest: Some(("wamid.2", now())), ..parcel };
    assert_eq!(quoted(now(), &more).as_deref(), Some("wamid.1"));
    assert!(free(now(), &Parcel { text: " \n", ..parcel }).is_err());
    let long = "palavra ".repeat(700);
    assert!(free(now(), &Parcel { text: &long, ..parcel }).is_err());
}

#[test]
fn what_there_is_to_tap_stands_beside_the_words_or_below_them_with_numbers() {
    let to = Address::read("5511987654321").unwrap();
    let choices = ["Sim".to_owned(), "Falar com alguém".to_owned()];
    let parcel = Parcel { choices: &choices, ..parcel(&to) };
    let Content::Buttons(buttons) = free(now(), &parcel).unwrap().content else { panic!() };
    let titles: Vec<&str> = buttons.choices.iter().map(|one| one.title.as_str()).collect();
    assert_eq!((buttons.body.as_str(), titles), (parcel.text, vec!["Sim", "Falar com alguém"]));
    let long = "palavra ".repeat(200);
    let Content::Text(text) = free(now(), &Parcel { text: &long, ..parcel }).unwrap().content
    else {
        panic!("more than buttons take");
    };
    assert!(text.ends_with("\n\n1. Sim\n2. Falar com alguém"), "{text}");
    let Content::Template(template) =
        outlet(Some("resposta")).by_template(&parcel).unwrap().content
    else {
        panic!("a template");
    };
    assert!(template.body[1].text.ends_with(" 1. Sim 2. Falar com alguém"), "{template:?}");
}

#[test]
fn a_file_has_its_words_below_and_only_a_document_its_name() {
    let to = Address::read("5511987654321").unwrap();
    let file = |mime: &str| Enclosure {
        id: "att_1".to_owned(),
        mime: mime.to_owned(),
        name: Some("boleto.pdf".to_owned()),
        content: vec![1],
    };
    let sent = |mime: &str, text: &str| {
        let enclosure = file(mime);
        let parcel = Parcel { text, file: Some(&enclosure), ..parcel(&to) };
        let Content::File(file) = free(now(), &parcel)?.content else { panic!("a file") };
        Ok::<_, String>((file.kind, file.caption, file.name))
    };
    let (kind, caption, name) = sent("application/pdf", "Segue.").unwrap();
    assert_eq!((kind, caption.as_deref()), (FileKind::Document, Some("Segue.")));
    assert_eq!(name.as_deref(), Some("boleto.pdf"));
    assert_eq!(sent("image/png", "").unwrap(), (FileKind::Image, None, None));
    assert!(sent("image/gif", "").unwrap_err().contains("does not take the file"));
    let enclosure = file("application/pdf");
    let late = Parcel { file: Some(&enclosure), ..parcel(&to) };
    assert!(outlet(Some("resposta")).by_template(&late).unwrap_err().contains("no file may leave"));
}

#[test]
fn a_template_has_its_values_on_one_line() {
    let to = Address::read("5511987654321").unwrap();
    let parcel = parcel(&to);
    let written = |outlet: &Outlet, parcel: &Parcel<'_>| {
        let outgoing = outlet.by_template(parcel)?;
        let Content::Template(template) = outgoing.content else { panic!("a template") };
        let values: Vec<String> = template.body.into_iter().map(|value| value.text).collect();
        Ok::<_, String>((template.name, template.language, values))
    };
    let (name, language, values) = written(&outlet(Some("resposta")), &parcel).unwrap();
    assert_eq!((name.as_str(), language.as_str()), ("resposta", "pt_BR"));
    assert_eq!(values, ["1042-7", "Abra *Faturas*. 1. Toque em Segunda via."]);
    let notice = Parcel { template: Some("atendimento_resolvido"), locale: Locale::En, ..parcel };
    let (name, language, values) = written(&outlet(None), &notice).unwrap();
    assert_eq!((name.as_str(), language.as_str()), ("atendimento_resolvido", "en"));
    assert_eq!(values, ["1042-7"]);
    assert!(written(&outlet(None), &parcel).unwrap_err().starts_with("needs a template"));
    let long = "palavra ".repeat(200);
    let long = Parcel { text: &long, ..parcel };
    assert!(written(&outlet(Some("resposta")), &long).unwrap_err().contains("too long"));
}

#[test]
fn every_action_of_the_table_ends_as_it_says() {
    let to = Address::read("5511987654321").unwrap();
    let end = |code: i64, attempt: u32, since: DateTime<Utc>| {
        let parcel = Parcel { attempt, since, ..parcel(&to) };
        let error = ApiError { code: Some(code), ..ApiError::default() };
        let action = super::super::errors::action(Some(code), Some(400));
        outlet(None).judged(now(), &parcel, Sent::Refused { error, action })
    };
    let seconds = |end: DeliveryEnd| match end {
        DeliveryEnd::RetryAt(at, _) => (at - now()).num_seconds(),
        other => panic!("{other:?}"),
    };
    assert_eq!(seconds(end(131_056, 1, now())), 6);
    assert_eq!(seconds(end(131_056, 3, now())), 24);
    assert!(matches!(end(131_056, 7, now()), DeliveryEnd::Failed(_)));
    assert_eq!(seconds(end(130_429, 1, now())), 10);
    // Somebody has an hour to mend the token; then people get what waits.
    assert_eq!(seconds(end(190, 1, now())), 300);
    let DeliveryEnd::Failed(why) = end(190, 13, now() - Duration::minutes(61)) else {
        panic!("people get it");
    };
    assert!(why.contains("access token was refused"), "{why}");
    for code in [132_001, 131_047, 131_026, 131_051, 131_052, 999_999] {
        assert!(matches!(end(code, 1, now()), DeliveryEnd::Failed(_)), "{code}");
    }
}

#[test]
fn what_was_not_reached_is_tried_again_and_what_is_in_doubt_is_not() {
    use super::super::client::Unreached;
    let to = Address::read("5511987654321").unwrap();
    let outlet = outlet(None);
    let parcel = parcel(&to);
    let end = outlet.judged(now(), &parcel, Sent::Unknown(Doubt::Late));
    assert!(matches!(end, DeliveryEnd::Awaiting(until, _) if until == now() + DOUBT), "{end:?}");
    let unreached = || Sent::NotSent(NotSent::Unreached(Unreached::Connection));
    let end = outlet.judged(now(), &parcel, unreached());
    assert!(matches!(end, DeliveryEnd::RetryAt(..)), "{end:?}");
    let old = Parcel { since: now() - Duration::hours(2), ..parcel };
    assert!(matches!(outlet.judged(now(), &old, unreached()), DeliveryEnd::Failed(_)));
}
