//! Tickets found by words, on both databases: everything that was written, by nobody else, and nothing that was
//! forgotten.

use std::collections::BTreeSet;

use atende::adapters::store::{
    Change, CustomerUpsert, IndexProgress, Retention, SearchHit, SearchPage, Split,
};
use atende::domain::attachment::{Attachment, AttachmentKind, Source};
use atende::domain::customer::CustomerProfile;
use atende::domain::ids::{
    AttachmentId, ConversationId, CustomerId, MessageId, TenantId, TicketId,
};
use atende::domain::message::{Contact, InboundMessage};
use atende::text::search::Query;
use chrono::Duration;

use super::world::{World, at, fresh, from_thread, intake, main_tenant, on_both, tenant};

on_both! {
    words_are_found_in_any_spelling_and_all_of_them_must_be_there,
    a_line_shows_where_the_words_stand,
    a_person_is_found_by_everything_they_are_known_by,
    the_ticket_whose_number_is_asked_for_comes_first,
    phrases_stand_side_by_side,
    businesses_find_their_own_tickets_only,
    whatever_changes_a_ticket_changes_by_what_it_is_found,
    whoever_is_erased_is_not_found_any_more,
    texts_that_had_their_time_are_not_found_any_more,
    an_index_that_was_interrupted_becomes_the_same,
    frequent_words_are_walked_page_by_page,
}

const PHONE: &str = "+55 11 98765-4321";

fn says(thread: &str, text: &str) -> InboundMessage {
    InboundMessage {
        text: text.to_owned(),
        ..from_thread(thread, &format!("{thread}-{}", fresh()), 0)
    }
}

/// Takes steps until there is nothing left to do. Returns how many tickets were read.
async fn index(w: &World) -> usize {
    index_on(w, &mut IndexProgress::default()).await
}

async fn index_on(w: &World, progress: &mut IndexProgress) -> usize {
    let mut count = 0;
    loop {
        match w.store.index_tickets(at(0), progress).await.unwrap() {
            0 => return count,
            more => count += more,
        }
    }
}

async fn page(w: &World, tenant: &TenantId, text: &str) -> SearchPage {
    w.store.search(tenant, &Query::parse(text), None, 50).await.unwrap()
}

async fn hits(w: &World, text: &str) -> Vec<SearchHit> {
    page(w, &main_tenant(), text).await.hits
}

/// The tickets that a query finds, by their place among these.
async fn found(w: &World, text: &str, tickets: &[TicketId]) -> Vec<usize> {
    let place = |hit: &SearchHit| tickets.iter().position(|id| id.as_str() == hit.ticket.id);
    hits(w, text).await.iter().map(|hit| place(hit).expect("one of these")).collect()
}

async fn customer(w: &World, reference: &str, profile: CustomerProfile) {
    let id = CustomerId::from_bits(fresh());
    let upsert = CustomerUpsert { id, reference: reference.to_owned(), profile };
    w.store.put_customers(at(0), &main_tenant(), vec![upsert]).await.unwrap();
}

fn profile(name: &str) -> CustomerProfile {
    CustomerProfile {
        name: Some(name.to_owned()),
        emails: vec!["Joana.Prado@Exemplo.com.br".to_owned()],
        phones: vec![PHONE.to_owned()],
        fields: [("empresa".to_owned(), "Confeitaria Ipê".to_owned())].into(),
        ..CustomerProfile::default()
    }
}

fn by_reference(reference: &str) -> Contact {
    Contact { reference: Some(reference.to_owned()), ..Contact::default() }
}

async fn words_are_found_in_any_spelling_and_all_of_them_must_be_there(w: &World) {
    let mut tickets = Vec::new();
    for (thread, text) in [
        ("a", "A CONEXÃO caiu e o boleto não chegou"),
        ("b", "Segunda via do boleto da fatura 774201, pfv"),
        ("c", "conexao lenta, pgto feito via pix"),
    ] {
        tickets.push(w.file_new(says(thread, text)).await);
    }
    assert_eq!(found(w, "boleto", &tickets).await, Vec::<usize>::new(), "nothing before its time");
    assert_eq!(index(w).await, 3);
    for (query, expected) in [
        ("conexão", vec![2, 0]),
        ("CONEXAO", vec![2, 0]),
        ("conex", vec![2, 0]),
        ("conex boleto", vec![]),
        ("boleto conex", vec![0]),
        ("boleto", vec![1, 0]),
        ("boletos", vec![]),
        ("oleto", vec![]),
        ("o boleto da fatura", vec![1]),
        ("pagamento", vec![2]),
        ("pgto", vec![2]),
        ("774201", vec![1]),
        ("7742", vec![1]),
        ("boleto ausente", vec![]),
        ("%", vec![]),
        ("_", vec![]),
        ("a", vec![]),
        ("", vec![]),
        ("'; DROP TABLE tickets; --", vec![]),
        ("boleto\0", vec![1, 0]),
    ] {
        assert_eq!(found(w, query, &tickets).await, expected, "{query:?}");
    }
    assert_eq!(index(w).await, 0, "nothing is done twice");
    let again = w.file_new(says("a", "agora a fatura também")).await;
    assert_eq!(again, tickets[0]);
    index(w).await;
    assert_eq!(found(w, "fatura", &tickets).await, [1, 0], "a message more");
}

fn marked(hit: &SearchHit) -> String {
    let parts = hit.snippet.as_deref().unwrap_or_default().iter();
    parts
        .map(|part| if part.mark { format!("[{}]", part.text) } else { part.text.clone() })
        .collect()
}

async fn a_line_shows_where_the_words_stand(w: &World) {
    let contact = Contact { name: Some("Rita Boleto".to_owned()), ..Contact::default() };
    let file = Attachment {
        id: AttachmentId::from_bits(fresh()),
        kind: AttachmentKind::Document,
        name: Some("comprovante-março.pdf".to_owned()),
        mime: None,
        size: None,
        source: Source::Whatsapp { media: "7".to_owned(), number: "1".to_owned(), sha256: None },
    };
    let message = InboundMessage {
        subject: Some("Cobrança em dobro".to_owned()),
        contact,
        attachments: vec![file],
        ..says("a", "Olá!\n\nO boleto de março   veio em dobro.")
    };
    let ticket = w.file_new(message).await;
    let note = Change::Note("not_1".to_owned(), "cliente antigo, isentar".to_owned());
    w.done(1, &ticket, "rui", note).await;
    w.done(2, &ticket, "rui", Change::Tag(vec!["vip-ouro".to_owned()], Vec::new())).await;
    index(w).await;
    for (query, fields, line) in [
        ("boleto", vec!["message", "customer"], "Olá! O [boleto] de março veio em dobro."),
        ("cobranca", vec!["subject"], ""),
        ("isentar", vec!["note"], "cliente antigo, [isentar]"),
        ("rita", vec!["customer"], ""),
        ("vip ouro", vec!["tag"], ""),
        ("comprovante", vec!["file"], ""),
        ("marco", vec!["message", "file"], "Olá! O boleto de [março] veio em dobro."),
    ] {
        let hits = hits(w, query).await;
        assert_eq!(hits.len(), 1, "{query}");
        let words: Vec<&str> = hits[0].matched.iter().map(|field| field.as_str()).collect();
        assert_eq!((words, marked(&hits[0]).as_str()), (fields, line), "{query}");
        assert_eq!(hits[0].ticket.customer_name.as_deref(), Some("Rita Boleto"));
    }
}

async fn a_person_is_found_by_everything_they_are_known_by(w: &World) {
    customer(w, "cliente-31", profile("Joana Prado Lisboa")).await;
    let known = InboundMessage { contact: by_reference("cliente-31"), ..says("a", "oi") };
    let contact = Contact { phone: Some("(21) 3123-4567".to_owned()), ..Contact::default() };
    let unknown = InboundMessage { contact, ..says("b", "me liguem no 31 99999-8888") };
    let tickets = [
        w.file_new(known).await,
        w.file_new(unknown).await,
        w.file_new(says("5541988887777", "oi")).await,
        w.file_new(says("mario@exemplo.com.br", "oi")).await,
    ];
    index(w).await;
    for (query, expected) in [
        ("joana lisb", vec![0]),
        ("joana.prado@exemplo.com.br", vec![0]),
        ("JOANA.PRADO@EXEMPLO.COM.BR", vec![0]),
        ("joana.prado@exe", vec![0]),
        ("prado exemplo", vec![0]),
        ("mario@exemplo.com.br", vec![3]),
        ("oana.prado@exemplo.com.br", vec![]),
        ("cliente-31", vec![0]),
        ("confeitaria ipe", vec![0]),
        ("11 98765-4321", vec![0]),
        ("+55 (11) 8765-4321", vec![0]),
        ("5511987654321", vec![0]),
        ("98765-4321", vec![0]),
        ("87654321", vec![0]),
        ("21 98765-4321", vec![]),
        ("2131234567", vec![1]),
        ("(31) 9999-8888", vec![1]),
        ("+55 41 98888 7777", vec![2]),
    ] {
        assert_eq!(found(w, query, &tickets).await, expected, "{query}");
    }
}

async fn the_ticket_whose_number_is_asked_for_comes_first(w: &World) {
    let mut tickets = Vec::new();
    for n in 1..=14 {
        let text = if n == 14 { "meu ticket é o 13-9" } else { "oi" };
        tickets.push(w.file_new(says(&format!("t{n}"), text)).await);
    }
    index(w).await;
    let thirteenth = w.view(&tickets[12]).await.row.number;
    let (running, digit) = thirteenth.split_once('-').unwrap();
    assert_eq!(running, "13");
    for query in
        [thirteenth.clone(), format!("13{digit}"), format!("1 3 {digit}"), format!("#{thirteenth}")]
    {
        let hits = hits(w, &query).await;
        assert_eq!(hits[0].ticket.number, thirteenth, "{query}");
        assert_eq!(hits[0].matched[0].as_str(), "number");
        let ids: BTreeSet<&str> = hits.iter().map(|hit| hit.ticket.id.as_str()).collect();
        assert_eq!(ids.len(), hits.len(), "{query}: none twice");
    }
    // Without a dash it may be the first ticket with its check digit, too.
    let either = hits(w, "13").await;
    assert!(either.iter().take(2).any(|hit| hit.ticket.number == thirteenth));
    let wrong = (0..10).find(|other| other.to_string() != digit).unwrap();
    assert!(
        hits(w, &format!("13-{wrong}")).await.iter().all(|hit| hit.ticket.number != thirteenth)
    );
    assert!(page(w, &tenant("other"), &thirteenth).await.hits.is_empty());
}

async fn phrases_stand_side_by_side(w: &World) {
    let tickets = [
        w.file_new(says("a", "a nota não foi fiscal, disse ele")).await,
        w.file_new(says("b", "Preciso da NOTA FISCAL de novo")).await,
        w.file_new(says("c", "mande a nf por favor")).await,
    ];
    index(w).await;
    assert_eq!(found(w, "nota fiscal", &tickets).await, [2, 1, 0]);
    assert_eq!(found(w, "\"nota fiscal\"", &tickets).await, [2, 1]);
    assert_eq!(found(w, "\"nota fiscal\" preciso", &tickets).await, [1]);
    assert_eq!(found(w, "\"não foi fiscal\"", &tickets).await, [0]);
    assert_eq!(found(w, "\"fiscal nota\"", &tickets).await, Vec::<usize>::new());
    assert_eq!(found(w, "\"nota fis", &tickets).await, [2, 1, 0], "a quote that is still open");
}

async fn businesses_find_their_own_tickets_only(w: &World) {
    let other = tenant("other");
    let mine = w.file_new(says("a", "o boleto venceu")).await;
    let theirs = w
        .file_new(InboundMessage { tenant: other.clone(), ..says("a", "o boleto venceu ontem") })
        .await;
    index(w).await;
    for (business, expected) in [(main_tenant(), &mine), (other, &theirs)] {
        for query in ["boleto", "bol", "boleto venceu", "\"boleto venceu\"", "1"] {
            let hits = page(w, &business, query).await.hits;
            let ids: Vec<&str> = hits.iter().map(|hit| hit.ticket.id.as_str()).collect();
            assert_eq!(ids, [expected.as_str()], "{business} {query}");
        }
    }
    assert!(hits(w, "ontem").await.is_empty());
    assert!(page(w, &tenant("third"), "boleto").await.hits.is_empty());
}

async fn whatever_changes_a_ticket_changes_by_what_it_is_found(w: &World) {
    customer(w, "c1", profile("Joana")).await;
    let mut progress = IndexProgress::default();
    let joana = InboundMessage { contact: by_reference("c1"), ..says("a", "primeira coisa") };
    let mut tickets = vec![w.file_new(joana).await, w.file_new(says("b", "destino")).await];
    w.file(says("a", "segunda coisa")).await;
    index_on(w, &mut progress).await;
    assert_eq!(found(w, "joana", &tickets).await, [0]);

    let tag = |add: &[&str], remove: &[&str]| {
        let own = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
        Change::Tag(own(add), own(remove))
    };
    w.done(1, &tickets[0], "rui", tag(&["ouro", "prata"], &[])).await;
    w.done(2, &tickets[0], "rui", tag(&[], &["ouro"])).await;
    customer(w, "c1", profile("Joaquina")).await;
    assert_eq!(index_on(w, &mut progress).await, 1);
    assert_eq!(found(w, "prata", &tickets).await, [0]);
    assert_eq!(found(w, "ouro", &tickets).await, Vec::<usize>::new());
    assert_eq!(found(w, "joaquina", &tickets).await, [0]);
    assert_eq!(found(w, "joana lisboa", &tickets).await, Vec::<usize>::new());
    customer(w, "c1", profile("Joaquina")).await;
    assert_eq!(index_on(w, &mut progress).await, 0, "the same again changes nothing");

    let view = w.view(&tickets[0]).await;
    let split = Split {
        ticket: TicketId::from_bits(fresh()),
        conversation: ConversationId::from_bits(fresh()),
        messages: vec![MessageId::from_stored(&view.messages[1].id)],
    };
    tickets.push(split.ticket.clone());
    w.done(3, &tickets[0], "rui", Change::Split(split)).await;
    index_on(w, &mut progress).await;
    assert_eq!(found(w, "segunda", &tickets).await, [2]);
    assert_eq!(found(w, "primeira", &tickets).await, [0]);
    w.done(4, &tickets[0], "rui", Change::Merge(tickets[1].clone())).await;
    index_on(w, &mut progress).await;
    assert_eq!(found(w, "prata", &tickets).await, [1, 0], "the other has its tags now");
    assert_eq!(w.number("SELECT COUNT(*) FROM search_due").await, 0);
}

async fn whoever_is_erased_is_not_found_any_more(w: &World) {
    customer(w, "c1", profile("Joana")).await;
    let theirs = InboundMessage { contact: by_reference("c1"), ..says("a", "senha perdida") };
    let tickets = [w.file_new(theirs).await, w.file_new(says("b", "senha trocada")).await];
    index(w).await;
    // Not in the index yet when its writer is erased.
    w.file(InboundMessage { contact: by_reference("c1"), ..says("a", "segredo novo") }).await;
    let person = w.store.find_person(&main_tenant(), PHONE).await.unwrap();
    w.store.erase_person(at(10), &person, 0, "agent:test").await.unwrap();
    assert_eq!(w.number("SELECT COUNT(*) FROM search_words WHERE number = 1").await, 0);
    index(w).await;
    assert_eq!(w.number("SELECT COUNT(*) FROM search_words WHERE number = 1").await, 0);
    for query in ["joana", "joana.prado@exemplo.com.br", "87654321", "perdida", "segredo", "c1"] {
        assert!(hits(w, query).await.is_empty(), "{query}");
    }
    assert_eq!(found(w, "senha", &tickets).await, [1], "what others said is theirs");
}

async fn texts_that_had_their_time_are_not_found_any_more(w: &World) {
    customer(w, "c1", profile("Joana")).await;
    let theirs = InboundMessage { contact: by_reference("c1"), ..says("a", "senha perdida") };
    let tickets = [w.file_new(theirs).await, w.file_new(says("b", "senha trocada")).await];
    w.done(1, &tickets[0], "rui", Change::Note("not_1".to_owned(), "anotado".to_owned())).await;
    index(w).await;
    let start = at(0).timestamp_millis();
    w.run(&format!(
        "UPDATE tickets SET status = 'closed', closed_at = {start}, clock_at = NULL WHERE number = 1"
    ))
    .await;
    let retention = Retention { messages_days: 30, customers_days: 60, ..Retention::default() };
    let day = |days: i64| at(0) + Duration::days(days);
    assert_eq!(w.store.forget(day(31), retention).await.unwrap(), 1);
    assert_eq!(w.number("SELECT COUNT(*) FROM search_words WHERE number = 1").await, 0);
    index(w).await;
    assert_eq!(found(w, "senha", &tickets).await, [1]);
    assert_eq!(found(w, "anotado", &tickets).await, Vec::<usize>::new());
    assert_eq!(found(w, "joana", &tickets).await, [0], "whose it was is still known");
    assert_eq!(w.store.forget(day(61), retention).await.unwrap(), 1);
    assert_eq!(w.number("SELECT COUNT(*) FROM search_words WHERE number = 1").await, 0);
    index(w).await;
    assert_eq!(found(w, "joana", &tickets).await, Vec::<usize>::new());
}

async fn rows(w: &World) -> Vec<String> {
    let sql = "SELECT w.tenant || ' ' || w.word || ' ' || w.number || ' ' || w.fields FROM search_words w";
    let rows: Vec<(String,)> = sqlx::query_as(sql).fetch_all(&mut w.raw().await).await.unwrap();
    let mut rows: Vec<String> = rows.into_iter().map(|(row,)| row).collect();
    rows.sort();
    rows
}

async fn an_index_that_was_interrupted_becomes_the_same(w: &World) {
    let many = (0..150).map(|n| intake(says(&format!("t{n}"), &format!("pedido comum {n}000"))));
    w.store.record_inbound(at(0), many.collect()).await.unwrap();
    let first = w.store.index_tickets(at(0), &mut IndexProgress::default()).await.unwrap();
    assert!((1..150).contains(&first), "one step is not all");
    // Its process ended here; the next one goes on where it was.
    assert_eq!(index(w).await, 150 - first);
    let whole = rows(w).await;
    assert_eq!(w.number("SELECT COUNT(*) FROM search_words WHERE word = 'comum'").await, 150);

    w.run("UPDATE counters SET value = 0 WHERE name = 'search'").await;
    assert_eq!(index(w).await, 150);
    assert_eq!(rows(w).await, whole, "once more changes nothing");
    w.run("DELETE FROM search_words WHERE number > 70").await;
    w.run("INSERT INTO search_words (tenant, word, number, fields) VALUES ('main', 'sobra', 3, 4)")
        .await;
    w.run("UPDATE search_words SET fields = 1 WHERE number = 4").await;
    w.run("DELETE FROM counters WHERE name = 'search'").await;
    // Two at the same time, as two processes on one database are.
    let another = w.another_store().await;
    let theirs = async {
        let mut progress = IndexProgress::default();
        while another.index_tickets(at(0), &mut progress).await.unwrap() > 0 {}
    };
    tokio::join!(index(w), theirs);
    assert_eq!(rows(w).await, whole, "nor does any damage stay");
}

async fn frequent_words_are_walked_page_by_page(w: &World) {
    let text = |n: i64| match n {
        n if n % 500 == 7 => format!("boleto comum raro {n}x"),
        n if n % 2 == 0 => format!("boleto comum {n}x"),
        n => format!("boleto comercial {n}x"),
    };
    for start in (0..4_200).step_by(256) {
        let batch =
            (start..(start + 256).min(4_200)).map(|n| intake(says(&format!("t{n}"), &text(n))));
        w.store.record_inbound(at(0), batch.collect()).await.unwrap();
    }
    assert_eq!(index(w).await, 4_200);
    for (query, expected) in [
        ("boleto", 4_200),
        ("bo", 4_200),
        ("com", 4_200),
        ("comu", 2_109),
        ("boleto comum", 2_109),
        ("boleto comu", 2_109),
        ("comum comercial", 0),
        ("boleto raro", 9),
        ("comum rar", 9),
        ("77x boleto", 1),
    ] {
        let (mut numbers, mut before): (Vec<String>, Option<i64>) = (Vec::new(), None);
        let query = Query::parse(query);
        let mut pages = 0;
        loop {
            let page = w.store.search(&main_tenant(), &query, before, 1_000).await.unwrap();
            numbers.extend(page.hits.into_iter().map(|hit| hit.ticket.number));
            pages += 1;
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert!(pages <= 1 + expected / 1_000, "{query:?}: {pages} pages");
        assert_eq!(numbers.len(), expected, "{query:?}");
        let running: Vec<u64> = numbers
            .iter()
            .map(|number| number.split('-').next().unwrap().parse().unwrap())
            .collect();
        assert!(running.is_sorted_by(|a, b| a > b), "{query:?}: the newest first, none twice");
    }
}
