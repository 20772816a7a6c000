//! What holds for the whole API: routes, description and bodies say the same.

use std::collections::BTreeSet;

use super::form::Form;
use super::openapi::{Api, properties};
use super::*;
use chrono::DateTime;
use utoipa::OpenApi as _;

#[test]
fn the_description_has_exactly_the_routes() {
    let document = serde_json::json!(Api::openapi());
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let served: BTreeSet<(String, String)> =
        routes().iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(described, served);
}

#[test]
fn every_operation_is_described_whole() {
    let document = serde_json::json!(Api::openapi());
    for route in routes() {
        let operation = &document["paths"][route.path][route.method.to_lowercase()];
        let name = format!("{} {}", route.method, route.path);
        assert!(operation["summary"].is_string(), "{name} has no summary");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name}");
        assert_eq!(responses.contains_key("401"), route.scopes.is_some(), "{name}");
        assert_eq!(operation["requestBody"].is_object(), route.method != "GET", "{name}");
        assert_eq!(operation["security"][0]["token"].is_array(), route.scopes.is_some(), "{name}");
        for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
            let content = response["content"].as_object().unwrap();
            let problem = content.contains_key("application/problem+json");
            assert!(problem || route.path == "/readyz", "{name} {status}");
        }
    }
}

#[test]
fn no_reference_of_the_description_leads_nowhere() {
    let text = serde_json::to_string(&Api::openapi()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mark = "\"#/components/schemas/";
    for rest in text.split(mark).skip(1) {
        let name = rest.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
    assert!(text.contains(mark));
}

#[test]
fn bodies_are_described_with_exactly_the_fields_that_are_read() {
    type Read<'a> = (&'a str, &'a dyn Fn(&mut Form));
    let now = DateTime::UNIX_EPOCH;
    let read: &[Read<'_>] = &[
        ("MessageIn", &|form| drop(messages::MessageIn::fields(form, None, now))),
        ("TicketIn", &|form| drop(intake::TicketIn::fields(form, None, now))),
        ("CustomerIn", &|form| drop(customers::described(form))),
    ];
    for (schema, read) in read {
        let mut form = Form::empty();
        read(&mut form);
        let known: BTreeSet<String> = form.known().iter().map(ToString::to_string).collect();
        assert_eq!(known, properties(schema), "{schema}");
    }
}

#[test]
fn a_part_is_ready_while_it_shows_signs_of_life() {
    let readiness = Readiness::default();
    readiness.expect("worker", Duration::from_mins(1));
    readiness.expect("gone", Duration::ZERO);
    assert_eq!(readiness.parts(), BTreeMap::from([("gone", false), ("worker", false)]));
    readiness.beat("worker");
    readiness.beat("gone");
    readiness.beat("never declared");
    assert_eq!(readiness.parts(), BTreeMap::from([("gone", false), ("worker", true)]));
}

#[test]
fn a_panic_is_a_problem_that_repeats_nothing_of_it() {
    let response = guard::panicked(Box::new("segredo do cliente"));
    let problem = response.extensions().get::<Problem>().unwrap();
    for locale in Locale::ALL {
        let document = problem.document(*locale);
        assert_eq!(document["status"], 500);
        assert!(!document.to_string().contains("segredo"), "{document}");
    }
}
