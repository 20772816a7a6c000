//! Customers, tokens and what holds for a whole tenant.

use atende::adapters::store::{CustomerUpsert, Scope, TicketFilter, TokenRow};
use atende::domain::customer::{CustomerProfile, Money};
use atende::domain::ids::{CustomerId, TokenId};
use atende::domain::message::{Contact, InboundMessage};

use super::world::{World, at, fresh, from_ana, from_thread, main_tenant, on_both, tenant};

on_both! {
    a_customer_is_created_once_and_replaced_whole,
    a_writer_is_known_by_reference_mail_or_phone,
    an_address_belongs_to_whoever_claimed_it_last,
    a_customer_who_becomes_known_later_has_their_tickets,
    customers_of_tenants_are_apart,
    a_token_opens_its_own_tenant_until_it_is_revoked,
    a_working_name_is_taken_and_a_revoked_one_is_free,
    an_epoch_moves_with_policy_and_incident_only,
}

fn customer(reference: &str, profile: CustomerProfile) -> CustomerUpsert {
    CustomerUpsert { id: CustomerId::from_bits(fresh()), reference: reference.to_owned(), profile }
}

fn reachable(emails: &[&str], phones: &[&str]) -> CustomerProfile {
    CustomerProfile {
        emails: emails.iter().map(|&email| email.to_owned()).collect(),
        phones: phones.iter().map(|&phone| phone.to_owned()).collect(),
        ..CustomerProfile::default()
    }
}

/// The tickets that a list by customer shows.
async fn tickets_of(w: &World, reference: &str) -> usize {
    let filter = TicketFilter { customer: Some(reference.to_owned()), ..TicketFilter::default() };
    w.store.list_tickets(&main_tenant(), &filter, None, 100).await.unwrap().len()
}

async fn a_customer_is_created_once_and_replaced_whole(w: &World) {
    let full = CustomerProfile {
        name: Some("Ana\0 Souza".to_owned()),
        plan: Some("pro".to_owned()),
        annual_revenue: Some(Money { minor: 120_000, currency: "BRL".to_owned() }),
        consent: [("proactive".to_owned(), true)].into(),
        fields: [("cidade".to_owned(), "São Paulo".to_owned())].into(),
        ..reachable(&["ana@exemplo.com"], &[])
    };
    let first = customer("c1", full.clone());
    let id = first.id.clone();
    let main = main_tenant();
    let put = |when, rows| w.store.put_customers(at(when), &main, rows);
    let created = put(0, vec![first, customer("c2", reachable(&[], &[]))]).await.unwrap();
    assert_eq!(created, 2);
    let known = w.store.customer(&main_tenant(), "c1").await.unwrap().expect("created");
    let clean = CustomerProfile { name: Some("Ana␀ Souza".to_owned()), ..full };
    assert_eq!((&known.id, &known.profile), (&id, &clean));
    let again = customer("c1", reachable(&["nova@exemplo.com"], &[]));
    assert_eq!(put(10, vec![again]).await.unwrap(), 0);
    let known = w.store.customer(&main_tenant(), "c1").await.unwrap().expect("still there");
    assert_eq!((&known.id, known.profile.plan), (&id, None), "what is left out is removed");
    assert_eq!((known.created_at, known.updated_at), (at(0), at(10)));
    assert_eq!(w.number("SELECT COUNT(*) FROM contacts WHERE value = 'ana@exemplo.com'").await, 0);
    assert!(w.store.customer(&main_tenant(), "C1").await.unwrap().is_none());
}

async fn a_writer_is_known_by_reference_mail_or_phone(w: &World) {
    let ana = reachable(&["Ana@Exemplo.com "], &["+55 (11) 98765-4321", "+1 415 555 0100"]);
    w.store.put_customers(at(0), &main_tenant(), vec![customer("c1", ana)]).await.unwrap();
    let text = |value: &str| Some(value.to_owned());
    let none = Contact::default;
    for (n, (case, contact, known)) in [
        ("reference", Contact { reference: text("c1"), ..none() }, true),
        ("mail in capitals", Contact { email: text("ANA@EXEMPLO.COM"), ..none() }, true),
        ("the same mobile", Contact { phone: text("5511987654321"), ..none() }, true),
        ("without the ninth digit", Contact { phone: text("551187654321"), ..none() }, true),
        ("with other signs", Contact { phone: text("+55-11-8765-4321"), ..none() }, true),
        ("a number abroad", Contact { phone: text("14155550100"), ..none() }, true),
        ("another area", Contact { phone: text("5521987654321"), ..none() }, false),
        ("a landline that ends alike", Contact { phone: text("551137654321"), ..none() }, false),
        ("too short", Contact { phone: text("4321"), ..none() }, false),
        ("no mail at all", Contact { email: text("ana"), ..none() }, false),
        ("an unknown reference", Contact { reference: text("c9"), ..none() }, false),
        ("nobody", none(), false),
    ]
    .into_iter()
    .enumerate()
    {
        let before = tickets_of(w, "c1").await;
        let message = from_thread(&format!("t{n}"), &format!("m{n}"), 0);
        w.file(InboundMessage { contact, ..message }).await;
        assert_eq!(tickets_of(w, "c1").await, before + usize::from(known), "{case}");
    }
}

async fn an_address_belongs_to_whoever_claimed_it_last(w: &World) {
    let shared = || reachable(&["familia@exemplo.com"], &[]);
    for reference in ["c1", "c2"] {
        let rows = vec![customer(reference, shared())];
        w.store.put_customers(at(0), &main_tenant(), rows).await.unwrap();
    }
    let contact = Contact { email: Some("familia@exemplo.com".to_owned()), ..Contact::default() };
    w.file(InboundMessage { contact, ..from_ana("m1", 0) }).await;
    assert_eq!((tickets_of(w, "c1").await, tickets_of(w, "c2").await), (0, 1));
}

async fn a_customer_who_becomes_known_later_has_their_tickets(w: &World) {
    let ticket = w.file_new(from_ana("m1", 0)).await;
    let rows = vec![customer("c1", reachable(&["ana@exemplo.com"], &[]))];
    w.store.put_customers(at(1), &main_tenant(), rows).await.unwrap();
    assert_eq!(tickets_of(w, "c1").await, 0);
    let contact = Contact { email: Some("ana@exemplo.com".to_owned()), ..Contact::default() };
    w.file(InboundMessage { contact, ..from_ana("m2", 2) }).await;
    assert_eq!(tickets_of(w, "c1").await, 1);
    assert_eq!(w.view(&ticket).await.customer["emails"][0], "ana@exemplo.com");
}

async fn customers_of_tenants_are_apart(w: &World) {
    let rows = vec![customer("c1", reachable(&["ana@exemplo.com"], &[]))];
    w.store.put_customers(at(0), &tenant("other"), rows).await.unwrap();
    let contact = Contact {
        reference: Some("c1".to_owned()),
        email: Some("ana@exemplo.com".to_owned()),
        ..Contact::default()
    };
    w.file(InboundMessage { contact, ..from_ana("m1", 0) }).await;
    assert_eq!(w.number("SELECT COUNT(*) FROM tickets WHERE customer_id IS NOT NULL").await, 0);
    let mine = vec![customer("c1", reachable(&[], &[]))];
    let created = w.store.put_customers(at(1), &main_tenant(), mine).await.unwrap();
    assert_eq!(created, 1, "the same reference of another tenant is another customer");
}

fn token(name: &str, made: i64) -> TokenRow {
    TokenRow {
        id: TokenId::from_bits(fresh()),
        tenant: main_tenant(),
        name: name.to_owned(),
        scopes: vec![Scope::Read, Scope::Agent],
        created_at: at(made),
        revoked_at: None,
    }
}

async fn a_token_opens_its_own_tenant_until_it_is_revoked(w: &World) {
    let desk = token("desk", 0);
    let id = desk.id.clone();
    assert!(w.store.add_token(desk, "s3cret").await.unwrap());
    let bearer = format!("{id}.s3cret");
    let verified = w.store.verify_token(&bearer).await.unwrap().expect("it is right");
    assert_eq!((&verified.id, &*verified.name, &verified.tenant), (&id, "desk", &main_tenant()));
    assert_eq!(verified.scopes, [Scope::Read, Scope::Agent]);
    for wrong in [
        String::new(),
        "s3cret".to_owned(),
        format!("{id}"),
        format!("{id}."),
        format!("{id}.S3cret"),
        format!("{id}.s3cret."),
        "tok_0.s3cret".to_owned(),
        ".s3cret".to_owned(),
        "a\0b.s3cret".to_owned(),
    ] {
        assert!(w.store.verify_token(&wrong).await.unwrap().is_none(), "{wrong:?}");
    }
    let kept = w.number("SELECT COUNT(*) FROM tokens WHERE secret_hash LIKE '%s3cret%'").await;
    assert_eq!(kept, 0, "the secret is not stored");
    let revoke = |tenant, name: &'static str| {
        let store = w.store.clone();
        async move { store.revoke_token(at(5), &tenant, name).await.unwrap() }
    };
    assert!(!revoke(tenant("other"), "desk").await, "another tenant cannot");
    assert!(!revoke(main_tenant(), "nobody").await);
    assert!(revoke(main_tenant(), "desk").await);
    assert!(!revoke(main_tenant(), "desk").await, "only once");
    assert!(w.store.verify_token(&bearer).await.unwrap().is_none());
}

async fn a_working_name_is_taken_and_a_revoked_one_is_free(w: &World) {
    let first = token("desk", 0);
    let id = first.id.to_string();
    assert!(w.store.add_token(first, "a").await.unwrap());
    assert!(!w.store.add_token(token("desk", 1), "b").await.unwrap());
    let elsewhere = TokenRow { tenant: tenant("other"), ..token("desk", 2) };
    assert!(w.store.add_token(elsewhere, "c").await.unwrap());
    assert!(w.store.revoke_token(at(3), &main_tenant(), &id).await.unwrap(), "by its id, too");
    assert!(w.store.add_token(token("desk", 4), "d").await.unwrap());
    let listed = w.store.list_tokens().await.unwrap();
    let shown: Vec<_> = listed.iter().map(|t| (t.tenant.as_str(), t.revoked_at)).collect();
    assert_eq!(shown, [("main", Some(at(3))), ("other", None), ("main", None)]);
}

async fn an_epoch_moves_with_policy_and_incident_only(w: &World) {
    let main = main_tenant();
    assert_eq!(w.store.tenant_state(&main).await.unwrap(), None);
    let mut epochs = Vec::new();
    for digest in ["one", "one", "two", "two", "one"] {
        epochs.push(w.store.adopt_policy(&main, digest).await.unwrap().epoch);
    }
    assert_eq!(epochs, [1, 1, 2, 2, 3]);
    let incident = || Some("outage".to_owned());
    w.incident(1, true).await;
    let state = w.store.tenant_state(&main).await.unwrap().unwrap();
    assert_eq!((state.epoch, state.incident), (4, incident()));
    let state = w.store.adopt_policy(&main, "one").await.unwrap();
    assert_eq!((state.epoch, state.incident), (4, incident()), "a policy does not end an incident");
    w.incident(2, false).await;
    let state = w.store.tenant_state(&main).await.unwrap().unwrap();
    assert_eq!((state.epoch, state.incident), (5, None));
    let other = w.store.adopt_policy(&tenant("other"), "one").await.unwrap();
    assert_eq!((other.epoch, other.incident), (1, None));
    let trail =
        "SELECT COUNT(*) FROM audit WHERE action IN ('incident.declared', 'incident.ended')";
    assert_eq!(w.number(trail).await, 2);
}
