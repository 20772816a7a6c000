use chrono_tz::America::Sao_Paulo;
use serde_json::json;

use super::*;
use crate::adapters::store::{AttachmentRow, DraftRow, TicketRow};
use crate::domain::confidence::Confidence;
use crate::domain::customer::Money;
use crate::domain::labels::Locale;
use crate::policy::clocks::{ClockKind, SlaState};

/// A moment of 9 March 2026, three hours ahead of São Paulo.
fn at(time: &str) -> DateTime<Utc> {
    format!("2026-03-09T{time}:00Z").parse().unwrap()
}

fn message(author: &str, time: &str, decision: Option<&str>, text: &str) -> MessageRow {
    MessageRow {
        id: format!("msg_{time}"),
        author: author.to_owned(),
        author_name: None,
        notice: None,
        outbox_id: None,
        subject: None,
        text: text.to_owned(),
        transcribed: false,
        original: None,
        part: None,
        html: None,
        attachments: Vec::new(),
        edited_at: None,
        deleted_at: None,
        earlier: Vec::new(),
        decision_id: decision.map(str::to_owned),
        sent_at: at(time),
    }
}

fn entry(time: &str, action: &str, after: Value) -> AuditRow {
    AuditRow {
        seq: 0,
        at: at(time),
        actor: "worker".to_owned(),
        action: action.to_owned(),
        before: Value::Null,
        after,
        cause: None,
    }
}

fn decided(time: &str, decision: &str, action: &str) -> AuditRow {
    entry(time, "turn.decided", json!({"decision": decision, "action": action}))
}

fn draft(version: i64, state: &str, time: &str) -> DraftRow {
    DraftRow {
        version,
        state: state.to_owned(),
        text: format!("Rascunho {version}."),
        final_text: None,
        locale: "pt-BR".to_owned(),
        kind: "extractive".to_owned(),
        choices: Vec::new(),
        ledger: json!([{"sentence": "Rascunho.", "support": "passage", "passages": [0]}]),
        passages: json!([{"article": "billing/cobranca-em-dobro", "locale": "pt-BR", "heading": "Como pedir",
            "score": 0.5, "above_floor": true, "text": "Peça pelo painel."}]),
        decided_by: None,
        decided_at: None,
        reason: None,
        created_at: at(time),
    }
}

fn view(channel: &str, messages: Vec<MessageRow>, audit: Vec<AuditRow>) -> TicketView {
    TicketView {
        row: TicketRow {
            id: "tck_1".to_owned(),
            number: "1042-7".to_owned(),
            status: "escalated".to_owned(),
            channel: channel.to_owned(),
            subject: None,
            customer_name: Some("Maria Souza".to_owned()),
            language: Some("pt-BR".to_owned()),
            category: Some("billing".to_owned()),
            subcategory: Some("refund".to_owned()),
            urgency: Some("high".to_owned()),
            sentiment: Some("negative".to_owned()),
            action: Some("escalate".to_owned()),
            queue: Some("billing".to_owned()),
            level: Some("L2".to_owned()),
            owner: "queue".to_owned(),
            assignee: None,
            tags: vec!["vip".to_owned()],
            created_at: at("17:00"),
            updated_at: at("17:12"),
            sla_state: "on_track".to_owned(),
            sla_clock: None,
            sla_due_at: None,
            breach_reason: None,
            rank: None,
            snoozed_until: None,
            callback_from: None,
            callback_until: None,
            csat: None,
        },
        version: 1,
        owner_name: None,
        owner_until: None,
        opted_out: false,
        last_inbound_at: None,
        account: "main".to_owned(),
        contact: json!({"reference": "C-77", "name": "Maria"}),
        customer: Value::Null,
        marks: Vec::new(),
        parent_id: None,
        linked: vec!["tck_0".to_owned()],
        fields: json!({}),
        overrides: json!({}),
        messages,
        drafts: Vec::new(),
        decision: Value::Null,
        notes: json!([]),
        outbox: json!([]),
        audit,
        first_response_at: None,
        solved_at: None,
        closed_at: None,
    }
}

/// A Brazilian customer on WhatsApp: an article was sent and did not help.
fn brazilian() -> TicketView {
    let mut view = view(
        "whatsapp",
        vec![
            message(
                "customer",
                "17:00",
                Some("dec_1"),
                "Oi, bom dia! Tudo bem?\nMeu boleto de R$ 149,90 foi cobrado duas vezes este mês.",
            ),
            message("ai", "17:02", None, "Oi, Maria! Peça pelo painel."),
            message(
                "customer",
                "17:10",
                Some("dec_2"),
                "Isso não resolveu. Quero o estorno de R$ 149,90 até amanhã ou vou no PROCON.",
            ),
            message(
                "customer",
                "17:11",
                Some("dec_2"),
                "Vocês podem me ligar hoje? Muito obrigada!",
            ),
        ],
        vec![
            entry("17:00", "ticket.opened", json!({"status": "new"})),
            decided("17:01", "dec_1", "send"),
            entry("17:02", "reply.sent", json!({"outbox": "out_1", "kind": "reply"})),
            decided("17:12", "dec_2", "escalate"),
        ],
    );
    view.customer = json!({
        "plan": "enterprise", "annual_revenue": {"minor": 1_200_000, "currency": "BRL"},
        "customer_since": "2024-02-01",
    });
    view.drafts = vec![draft(2, "proposed", "17:12"), draft(1, "approved", "17:01")];
    view.outbox = json!([{"id": "out_1", "state": "sent", "author": "ai", "error": null, "attempts": 1,
        "at": at("17:01")}]);
    view.decision = json!({
        "understood": {
            "signals": [{"signal": "consumer_agency", "confidence": 0.95, "pattern": "consumer_agency.named"}],
            "extra": {"affected": null},
        },
        "passages": [{"article": "billing/cobranca-em-dobro", "locale": "pt-BR", "heading": "Como pedir",
            "score": 0.5, "above_floor": true}],
        "decision": {
            "action": "escalate", "would": "escalate", "queue": "billing", "level": "L2", "priority": "high",
            "confidence": 0.41,
            "reasons": [{"rule": "P4.consumer_agency", "text": {
                "pt-BR": "O cliente cita PROCON. Uma pessoa responde.",
                "en": "The customer names PROCON. A person answers."}}],
        },
    });
    view
}

/// An English-speaking customer by mail, nothing answered yet.
fn english() -> TicketView {
    let text = "Hi team,\n\nThe export fails with error E-504 on Chrome 126.\n1. I open Reports.\n2. I click Export.\n\
                When I click Export a second time, the page freezes.\n\
                Can you fix this by Friday? We were charged $89.00 for this month.\n\nThanks,\nTom";
    let mut view = view(
        "email",
        vec![message("customer", "17:00", Some("dec_1"), text)],
        vec![decided("17:01", "dec_1", "escalate")],
    );
    view.row.customer_name = Some("Tom Baker".to_owned());
    view.row.language = Some("en".to_owned());
    view.row.category = Some("bug_report".to_owned());
    view.row.subcategory = None;
    view.row.urgency = Some("critical".to_owned());
    view
}

fn clock(kind: ClockKind, due: &str) -> Clock {
    Clock {
        kind,
        rule: "by_priority.high".to_owned(),
        target: "1h".to_owned(),
        calendar: None,
        started: at("17:00"),
        due: Some(at(due)),
        at_risk: Some(at("17:30")),
        stopped: None,
        paused: None,
        state: SlaState::AtRisk,
    }
}

fn keys(payload: &DepartmentPayload) -> Vec<String> {
    serde_json::to_value(payload).unwrap().as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_summary_carries_the_request_without_greetings_and_thanks() {
    let package = package(&brazilian(), None, &[], at("17:20"));
    let expected = "Isso não resolveu. Quero o estorno de R$ 149,90 até amanhã ou vou no PROCON. \
                    Vocês podem me ligar hoje?";
    assert_eq!(package.issue.summary.as_deref(), Some(expected));
    assert_eq!(package.issue.questions, ["Vocês podem me ligar hoje?"]);
    assert_eq!(package.issue.since, at("17:00"));
    assert_eq!(
        package.expects.said,
        ["Quero o estorno de R$ 149,90 até amanhã ou vou no PROCON.", "Vocês podem me ligar hoje?"]
    );
    let money = Money { minor: 14_990, currency: "BRL".to_owned() };
    let amount = Amount { said: "R$ 149,90".to_owned(), money: Some(money) };
    assert_eq!(package.issue.amounts, [amount]);
}

#[test]
fn the_whole_conversation_and_the_profile_are_kept() {
    let view = brazilian();
    let package = package(&view, None, &[], at("17:20"));
    let texts: Vec<&str> = package.conversation.iter().map(|one| one.text.as_str()).collect();
    let sent: Vec<&str> = view.messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, sent);
    let customer = &package.customer;
    assert_eq!(customer.tier.as_deref(), Some("enterprise"));
    assert_eq!(customer.reference.as_deref(), Some("C-77"));
    assert_eq!(customer.annual_revenue.as_ref().unwrap().minor, 1_200_000);
    assert_eq!(customer.customer_since.unwrap().to_string(), "2024-02-01");
    assert_eq!(package.evidence.passages[0].text.as_deref(), Some("Peça pelo painel."));
    assert_eq!(package.evidence.signals.len(), 1);
    assert_eq!(package.evidence.confidence, Confidence::new(0.41));
}

#[test]
fn what_was_tried_is_what_the_ticket_holds_and_nothing_else() {
    let package_of = |view: &TicketView| package(view, None, &[], at("17:20"));
    assert!(package_of(&english()).tried.is_empty());
    let tried = package_of(&brazilian()).tried;
    let told: Vec<_> = tried.iter().map(|one| (one.what, one.result, one.at)).collect();
    assert_eq!(
        told,
        [
            (AttemptKind::Reply, AttemptResult::Sent, at("17:02")),
            (AttemptKind::Draft, AttemptResult::Waiting, at("17:12")),
        ]
    );
    assert_eq!(tried[0].articles, ["billing/cobranca-em-dobro"]);
    assert_eq!(tried[0].who, Author::Ai);
}

#[test]
fn rejected_edited_and_failed_attempts_say_who_and_why() {
    let mut view = brazilian();
    let rejected = DraftRow {
        decided_by: Some("Carla".to_owned()),
        decided_at: Some(at("17:15")),
        reason: Some("não responde".to_owned()),
        ..draft(3, "rejected", "17:13")
    };
    let edited = DraftRow {
        decided_by: Some("Rui".to_owned()),
        decided_at: Some(at("17:17")),
        final_text: Some("Vamos ligar.".to_owned()),
        ..draft(4, "edited", "17:16")
    };
    view.drafts = vec![edited, rejected];
    view.outbox = json!([
        {"id": "out_3", "state": "failed", "author": "agent", "error": "number unknown", "at": at("17:18")},
        {"id": "out_2", "state": "sent", "author": "agent", "error": null, "at": at("17:17")},
        {"id": "out_0", "state": "sent", "author": "system", "error": null, "at": at("17:00")},
    ]);
    let written = AuditRow {
        actor: "agent:Ana".to_owned(),
        ..entry("17:18", "reply.written", json!({"outbox": "out_3"}))
    };
    view.audit.extend([
        entry("17:01", "notice.sent", json!({"outbox": "out_0", "kind": "acknowledgement"})),
        entry("17:17", "reply.sent", json!({"outbox": "out_2"})),
        written,
        entry("17:19", "reply.failed", json!({"outbox": "out_3"})),
    ]);
    let tried = package(&view, None, &[], at("17:20")).tried;
    let told: Vec<_> = tried
        .iter()
        .map(|one| (one.result, one.name.as_deref(), one.reason.as_deref(), one.who))
        .collect();
    assert_eq!(
        told,
        [
            (AttemptResult::Rejected, Some("Carla"), Some("não responde"), Author::Ai),
            (AttemptResult::Edited, Some("Rui"), None, Author::Agent),
            (AttemptResult::Failed, Some("Ana"), Some("number unknown"), Author::Agent),
        ]
    );
    assert_eq!(tried[1].text.as_deref(), Some("Vamos ligar."));
}

#[test]
fn who_only_asks_for_a_person_is_summed_up_by_what_they_asked_before() {
    let mut view = brazilian();
    view.messages.truncate(2);
    view.messages.push(message("customer", "17:10", Some("dec_2"), "Quero falar com um atendente"));
    let package = package(&view, None, &[], at("17:20"));
    let expected = "Meu boleto de R$ 149,90 foi cobrado duas vezes este mês.";
    assert_eq!(package.issue.summary.as_deref(), Some(expected));
    assert_eq!(package.expects.said, ["Quero falar com um atendente"]);
    assert!(package.issue.questions.is_empty());
}

#[test]
fn what_belongs_to_another_ticket_of_the_conversation_is_not_quoted() {
    let mut view = brazilian();
    let old = message("customer", "16:00", Some("dec_0"), "Não consigo emitir a nota fiscal.");
    view.messages.insert(0, old);
    let package = package(&view, None, &[], at("17:20"));
    assert_eq!(package.issue.since, at("17:00"));
    assert!(!package.issue.summary.unwrap().contains("nota fiscal"));
    assert_eq!(package.conversation.len(), 5);
}

#[test]
fn only_hand_overs_that_are_over_are_earlier_ones() {
    let opened = || entry("17:00", "ticket.opened", json!({}));
    let status = |word: &str| entry("17:05", "ticket.status", json!({"status": word}));
    let escalated = || decided("17:01", "dec_1", "escalate");
    for (audit, expected) in [
        (vec![opened()], 0),
        (vec![escalated(), escalated()], 0),
        (vec![escalated(), entry("17:02", "ticket.claimed", json!({})), escalated()], 0),
        (vec![entry("17:02", "ticket.claimed", json!({})), escalated()], 0),
        (vec![escalated(), status("solved"), escalated()], 1),
        (vec![escalated(), decided("17:03", "dec_2", "send"), escalated()], 1),
        (vec![escalated(), status("escalated")], 1),
        (vec![escalated(), entry("17:02", "ticket.released", json!({"owner": "ai"}))], 1),
    ] {
        let said: Vec<&str> = audit.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(earlier_escalations(&audit), expected, "{said:?}");
    }
}

#[test]
fn each_department_gets_its_own_fields() {
    let package = package(&english(), None, &[], at("17:20"));
    let of = |id: &str| department(&package, None, id, Locale::En).unwrap();
    let product = of("product");
    assert_eq!(keys(&product), ["ticket_ids", "summary", "customer_impact", "suggested_action"]);
    assert_eq!(product.ticket_ids.unwrap(), ["tck_1", "tck_0"]);
    assert!(product.suggested_action.unwrap().contains("1042-7"));
    let engineering = of("engineering");
    assert_eq!(
        keys(&engineering),
        ["ticket_ids", "technical_summary", "severity", "reproduction_steps"]
    );
    assert_eq!(engineering.severity, Some(Urgency::Critical));
    assert!(engineering.technical_summary.unwrap().contains("error E-504 on Chrome 126"));
    assert_eq!(
        engineering.reproduction_steps.unwrap(),
        [
            "1. I open Reports.",
            "2. I click Export.",
            "When I click Export a second time, the page freezes."
        ]
    );
    let billing = of("billing");
    assert_eq!(keys(&billing), ["ticket", "customer", "amount", "issue"]);
    assert_eq!(billing.amount.unwrap()[0].said, "$89.00");
    assert!(department(&package, None, "legal", Locale::En).is_none());
}

#[test]
fn a_pack_chooses_the_departments_and_their_fields() {
    let mut pack = Pack::embedded("saas-br").unwrap();
    let package = package(&brazilian(), Some(&pack), &[], at("17:20"));
    let billing = department(&package, Some(&pack), "billing", Locale::PtBr).unwrap();
    assert_eq!(keys(&billing), ["ticket", "customer", "amount", "issue"]);
    let product = department(&package, Some(&pack), "product", Locale::PtBr).unwrap();
    let impact = product.customer_impact.unwrap();
    assert!(impact.contains("plano: Empresarial") && impact.contains("R$ 12.000,00"), "{impact}");
    let custom = pack.departments.iter_mut().find(|one| one.id == "product").unwrap();
    custom.id = "retention".to_owned();
    custom.payload = vec!["tried".to_owned(), "expectation".to_owned(), "issue".to_owned()];
    let retention = department(&package, Some(&pack), "retention", Locale::PtBr).unwrap();
    assert_eq!(keys(&retention), ["issue", "tried", "expectation"]);
    assert!(department(&package, Some(&pack), "product", Locale::PtBr).is_none());
}

#[test]
fn the_rules_tell_whom_they_notify_and_by_when() {
    let pack = Pack::embedded("saas-br").unwrap();
    let with = package(&brazilian(), Some(&pack), &[], at("17:20"));
    assert_eq!(with.needed[0].rule, "P4.consumer_agency");
    assert!(with.needed[0].within_mins.is_some() && !with.needed[0].notify.is_empty());
    assert_eq!(with.urgent_because.rules.len(), 1);
    let without = package(&brazilian(), None, &[], at("17:20"));
    assert_eq!(without.needed.len(), 1);
    assert!(without.needed[0].notify.is_empty() && without.urgent_because.rules.is_empty());
    let mut sent = brazilian();
    sent.decision["decision"]["action"] = json!("send");
    assert!(package(&sent, Some(&pack), &[], at("17:20")).needed.is_empty());
}

#[test]
fn what_is_not_known_is_absent() {
    let mut view = view("api", Vec::new(), Vec::new());
    view.row = TicketRow {
        customer_name: None,
        language: None,
        category: None,
        subcategory: None,
        urgency: None,
        sentiment: None,
        queue: None,
        level: None,
        ..view.row
    };
    view.contact = json!({});
    let package = package(&view, None, &[], at("17:20"));
    let json = serde_json::to_value(&package).unwrap();
    assert_eq!(json["customer"], json!({"earlier_escalations": 0}));
    assert!(json["issue"].get("summary").is_none() && json["issue"].get("priority").is_none());
    assert!(json["expects"].get("deadline").is_none());
    assert_eq!(json["needed"], json!([]));
    let text = to_text(&package, None, Locale::PtBr, Sao_Paulo);
    assert!(!text.contains("EVIDÊNCIAS") && !text.contains("URGÊNCIA"), "{text}");
}

#[test]
fn the_text_has_its_headings_the_number_and_local_times_in_both_languages() {
    let pack = Pack::embedded("saas-br").unwrap();
    let clocks = [clock(ClockKind::HandOver, "17:30"), clock(ClockKind::Resolution, "21:00")];
    let package = package(&brazilian(), Some(&pack), &clocks, at("17:20"));
    assert_eq!(
        package.expects.deadline.as_ref().map(|clock| clock.kind),
        Some(ClockKind::HandOver)
    );
    let pt = to_text(&package, Some(&pack), Locale::PtBr, Sao_Paulo);
    for part in [
        "Ticket 1042-7",
        "Horários de: America/Sao_Paulo",
        "fila Financeiro · Financeiro (L2)",
        "\nCLIENTE\n",
        "Nome: Maria Souza",
        "Plano: Empresarial",
        "Receita anual: R$ 12.000,00",
        "Cliente desde: 01/02/2024",
        "\nO CASO\n",
        "\nO QUE JÁ FOI TENTADO\n",
        "- 09/03/2026 14:02 · assistente: resposta enviada (artigos: billing/cobranca-em-dobro)",
        "\nO QUE PRECISAMOS DE VOCÊ\n",
        "- O cliente cita PROCON. Uma pessoa responde. [P4.consumer_agency]",
        "\nO QUE O CLIENTE ESPERA\n",
        "Prazo mais próximo: início por uma pessoa, até 09/03/2026 14:30 (em 10 min)",
        "\nURGÊNCIA\n",
        "\nPRAZOS\n",
        "\nEVIDÊNCIAS\n",
        "Confiança em uma resposta automática: 41%",
        "relevância 0,50, acima do mínimo",
        "\nCONVERSA\n",
        "09/03/2026 14:00 · Maria Souza:\n  Oi, bom dia! Tudo bem?\n",
    ] {
        assert!(pt.contains(part), "{part}\n---\n{pt}");
    }
    let en = to_text(&package, Some(&pack), Locale::En, Sao_Paulo);
    for part in [
        "Ticket 1042-7",
        "Times in: America/Sao_Paulo",
        "\nCUSTOMER\n",
        "Annual revenue: R$ 12,000.00",
        "\nTHE CASE\n",
        "\nWHAT WAS TRIED\n",
        "- 9 March 2026, 14:12 · assistant: draft waiting for review",
        "\nWHAT IS NEEDED FROM YOU\n",
        "- The customer names PROCON. A person answers. [P4.consumer_agency]",
        "\nWHAT THE CUSTOMER EXPECTS\n",
        "until 9 March 2026, 14:30 (in 10 min)",
        "\nURGENCY\n",
        "\nDEADLINES\n",
        "\nEVIDENCE\n",
        "\nCONVERSATION\n",
    ] {
        assert!(en.contains(part), "{part}\n---\n{en}");
    }
}

#[test]
fn files_and_words_that_changed_are_told_in_the_reader_s_language() {
    let file = |kind: &str, name: Option<&str>, size: Option<i64>, state: &str| AttachmentRow {
        id: "att_1".to_owned(),
        kind: kind.to_owned(),
        name: name.map(str::to_owned),
        r#type: None,
        size,
        state: state.to_owned(),
        reason: None,
        transcribed: kind == "voice" && state == "kept",
        content_id: None,
        inline: false,
    };
    let mut voice = message("customer", "16:00", None, "Cobraram duas vezes.");
    voice.attachments = vec![file("voice", None, Some(24_400), "kept")];
    let mut deleted = message("customer", "16:01", None, "");
    deleted.deleted_at = Some(at("16:05"));
    deleted.attachments = vec![file("document", Some("fatura.pdf"), Some(1_250_000), "lost")];
    let mut edited = message("customer", "16:02", None, "É a fatura de março.");
    edited.edited_at = Some(at("16:03"));
    edited.attachments = vec![file("voice", None, None, "waiting")];
    let view = view("whatsapp", vec![voice, deleted, edited], Vec::new());
    let package = package(&view, None, &[], at("17:20"));
    assert_eq!(package.conversation[1].attachments[0].name.as_deref(), Some("fatura.pdf"));
    let told = |locale: Locale| {
        let text = to_text(&package, None, locale, Sao_Paulo);
        let at = text.rfind("CONVERSA").unwrap();
        text.get(at..).unwrap().to_owned()
    };
    assert_eq!(
        told(Locale::PtBr),
        "CONVERSA\n\
         09/03/2026 13:00 · Maria Souza:\n  Cobraram duas vezes.\n\
         \u{20} [mensagem de voz · 24 KB · texto transcrito por máquina]\n\
         09/03/2026 13:01 · Maria Souza:\n  [apagada pelo cliente: 09/03/2026 13:05]\n\
         \u{20} [documento “fatura.pdf” · 1,3 MB · perdido]\n\
         09/03/2026 13:02 · Maria Souza (editada):\n  É a fatura de março.\n\
         \u{20} [mensagem de voz · ainda não chegou · sem transcrição]\n"
    );
    let english = told(Locale::En);
    for line in [
        "[voice note · 24 KB · words heard by a machine]",
        "[deleted by the customer: 9 March 2026, 13:05]",
        "[document “fatura.pdf” · 1.3 MB · lost]",
        "Maria Souza (edited):",
        "[voice note · not here yet · not transcribed]",
    ] {
        assert!(english.contains(line), "{line}: {english}");
    }
}
