//! Notifications in words: what happened, to which ticket, by when, what to do next.
//!
//! Pure. Besides `text`, which a business asks for, nothing here comes from a customer: labels, numbers and times.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::words::{self, of};
use crate::domain::labels::{Locale, Urgency};
use crate::domain::notification::{Notification, NotifyEvent, TicketBrief};
use crate::policy::clocks::ClockKind;

/// Most characters of a subject: phones show fewer, and a longer line would be folded.
const SUBJECT_MAX: usize = 89;

/// Writes the subject of a mail: one line that begins with `[atende]` and the ticket's number.
pub fn subject(n: &Notification) -> String {
    let told = headline(n.event, n.locale);
    let Some(ticket) = &n.ticket else {
        return match &n.reason {
            Some(reason) => shortened(&format!("[atende] {told}: {}", one_line(reason))),
            None => format!("[atende] {told}"),
        };
    };
    let clock = match (n.event, &ticket.clock) {
        (NotifyEvent::SlaAtRisk | NotifyEvent::SlaBreached, Some(clock)) => {
            format!(": {}", clock_words(clock, n.locale))
        }
        _ => String::new(),
    };
    let mut labels = vec![one_line(&ticket.category)];
    if !ticket.priority.is_empty() {
        let priority = priority_words(&ticket.priority, n.locale);
        labels.insert(
            0,
            match n.locale {
                Locale::PtBr => format!("prioridade {priority}"),
                Locale::En => format!("{priority} priority"),
            },
        );
    }
    labels.retain(|label| !label.is_empty());
    let labels = match labels.as_slice() {
        [] => String::new(),
        some => format!(" ({})", some.join(", ")),
    };
    shortened(&format!("[atende] {}: {told}{clock}{labels}", one_line(&ticket.number)))
}

/// Writes the text of a mail, ending with a line break.
pub fn body(n: &Notification) -> String {
    let facts: Vec<String> = facts(n)
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| format!("{label}: {value}"))
        .collect();
    let mut parts = vec![what(n.event, n.locale).to_owned(), facts.join("\n"), steps(n)];
    parts.extend(n.text.as_deref().map(|text| text.trim().to_owned()));
    parts.push(format!("atende · {} · {}", one_line(&n.tenant), moment(n, n.at)));
    parts.retain(|part| !part.is_empty());
    format!("{}\n", parts.join("\n\n"))
}

/// What is known, label and value; an empty value is not known.
fn facts(n: &Notification) -> Vec<(&'static str, String)> {
    let say = |pt: &'static str, en: &'static str| of(n.locale, pt, en);
    let mut facts = Vec::new();
    if let Some(ticket) = &n.ticket {
        facts.extend([
            ("Ticket", one_line(&ticket.number)),
            (say("Categoria", "Category"), one_line(&ticket.category)),
            (say("Prioridade", "Priority"), priority_words(&ticket.priority, n.locale)),
            (say("Situação", "Status"), status_words(&ticket.status, n.locale)),
            (say("Fila", "Queue"), one_line(&ticket.queue)),
            (say("Canal", "Channel"), channel_words(&ticket.channel, n.locale)),
            (say("Plano", "Plan"), ticket.plan.as_deref().map(one_line).unwrap_or_default()),
            (say("Prazo", "Deadline"), deadline(n, ticket).unwrap_or_default()),
        ]);
    }
    for (label, value) in [
        (say("Equipe", "Team"), &n.team),
        (say("Nível", "Level"), &n.level),
        (say("Motivo", "Reason"), &n.reason),
    ] {
        facts.push((label, value.as_deref().map(one_line).unwrap_or_default()));
    }
    facts
}

/// What to do next, with the commands that help.
fn steps(n: &Notification) -> String {
    let say = |pt: &'static str, en: &'static str| of(n.locale, pt, en);
    let mut lines = vec![format!("{}: {}", say("O que fazer", "Next"), next(n.event, n.locale))];
    if let Some(ticket) = &n.ticket {
        let (number, id) = (one_line(&ticket.number), one_line(&ticket.id));
        if !id.is_empty() {
            let (label, call) = if is_for_taking(n.event) {
                (
                    say("Assumir pela API", "Claim through the API"),
                    format!("POST /v1/tickets/{id}/claim"),
                )
            } else {
                (say("Ver pela API", "See through the API"), format!("GET /v1/tickets/{id}"))
            };
            lines.push(format!("{label}: {call}"));
        }
        if !number.is_empty() {
            // The command looks at the tenant `main` unless it is told another.
            let tenant = match n.tenant.as_str() {
                "main" => String::new(),
                other => format!(" --tenant {}", one_line(other)),
            };
            let label = say("Ver os prazos", "See its deadlines");
            lines.push(format!("{label}: atende sla show {number}{tenant}"));
        }
    }
    lines.join("\n")
}

/// True where the next step is that somebody takes the ticket.
fn is_for_taking(event: NotifyEvent) -> bool {
    match event {
        NotifyEvent::Escalated
        | NotifyEvent::SlaAtRisk
        | NotifyEvent::SlaBreached
        | NotifyEvent::Unassigned
        | NotifyEvent::Unacknowledged
        | NotifyEvent::LeaseLapsed
        | NotifyEvent::Assigned
        | NotifyEvent::SnoozeOver => true,
        NotifyEvent::AgentStuck
        | NotifyEvent::CallbackDue
        | NotifyEvent::CallbackMissed
        | NotifyEvent::DeliveryFailed
        | NotifyEvent::CsatLow
        | NotifyEvent::Tagged
        | NotifyEvent::IncidentDeclared
        | NotifyEvent::IncidentUpdated
        | NotifyEvent::IncidentEnded
        | NotifyEvent::Test => false,
    }
}

/// By when, and for what.
fn deadline(n: &Notification, ticket: &TicketBrief) -> Option<String> {
    let due = ticket.due?;
    let at = moment(n, due);
    let told = match (due < n.at, n.locale) {
        (false, Locale::PtBr) => format!("até {at}"),
        (false, Locale::En) => format!("by {at}"),
        (true, Locale::PtBr) => format!("venceu em {at}"),
        (true, Locale::En) => format!("was due {at}"),
    };
    Some(match ticket.clock.as_deref() {
        Some(clock) => format!("{}, {told}", clock_words(clock, n.locale)),
        None => told,
    })
}

/// A moment where the recipient is; one whose zone nobody knows gets UTC, which the text says.
fn moment(n: &Notification, at: DateTime<Utc>) -> String {
    let zone: Tz = n.zone.parse().unwrap_or(Tz::UTC);
    let pattern = of(n.locale, "%d/%m/%Y às %H:%M", "%-d %B %Y, %H:%M");
    format!("{} ({})", at.with_timezone(&zone).format(pattern), zone.name())
}

/// One line out of whatever came: labels are names of the policy, which a person wrote.
fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(line: &str) -> String {
    if line.chars().count() <= SUBJECT_MAX {
        return line.to_owned();
    }
    let kept: String = line.chars().take(SUBJECT_MAX - 1).collect();
    format!("{}…", kept.trim_end())
}

fn priority_words(word: &str, locale: Locale) -> String {
    match Urgency::parse(word) {
        None => one_line(word),
        Some(Urgency::Low) => of(locale, "baixa", "low").to_owned(),
        Some(Urgency::Normal) => "normal".to_owned(),
        Some(Urgency::High) => of(locale, "alta", "high").to_owned(),
        Some(Urgency::Critical) => of(locale, "crítica", "critical").to_owned(),
    }
}

fn status_words(word: &str, locale: Locale) -> String {
    one_line(words::status(word, locale))
}

fn channel_words(word: &str, locale: Locale) -> String {
    one_line(words::channel(word, locale))
}

fn clock_words(word: &str, locale: Locale) -> String {
    ClockKind::parse(word)
        .map_or_else(|| one_line(word), |kind| words::clock(kind, locale).to_owned())
}

/// What happened, in a few words.
fn headline(event: NotifyEvent, locale: Locale) -> &'static str {
    let (pt, en) = match event {
        NotifyEvent::Escalated => ("escalado para atendimento humano", "handed to people"),
        NotifyEvent::SlaAtRisk => ("prazo em risco", "deadline at risk"),
        NotifyEvent::SlaBreached => ("prazo vencido", "deadline missed"),
        NotifyEvent::Unassigned => ("na fila, sem responsável", "waiting, nobody assigned"),
        NotifyEvent::Unacknowledged => {
            ("escalado e ninguém assumiu", "handed over, nobody took it")
        }
        NotifyEvent::AgentStuck => ("parado com quem o assumiu", "no progress since it was taken"),
        NotifyEvent::LeaseLapsed => ("o tempo de quem o assumiu acabou", "the claim ran out"),
        NotifyEvent::Assigned => ("atribuído", "assigned"),
        NotifyEvent::SnoozeOver => ("fim do adiamento", "snooze is over"),
        NotifyEvent::CallbackDue => ("hora de ligar para o cliente", "time to call the customer"),
        NotifyEvent::CallbackMissed => ("ligação prometida não foi feita", "promised call missed"),
        NotifyEvent::DeliveryFailed => ("resposta não entregue", "reply not delivered"),
        NotifyEvent::CsatLow => ("nota baixa do cliente", "low rating by the customer"),
        NotifyEvent::Tagged => ("recebeu um marcador", "got a tag"),
        NotifyEvent::IncidentDeclared => ("incidente declarado", "incident declared"),
        NotifyEvent::IncidentUpdated => ("incidente atualizado", "incident updated"),
        NotifyEvent::IncidentEnded => ("incidente encerrado", "incident over"),
        NotifyEvent::Test => ("notificação de teste", "test notification"),
    };
    of(locale, pt, en)
}

/// What happened, in a sentence.
fn what(event: NotifyEvent, locale: Locale) -> &'static str {
    let (pt, en) = match event {
        NotifyEvent::Escalated => (
            "O ticket foi escalado e espera que uma pessoa o assuma.",
            "The ticket was handed to people and waits for somebody to take it.",
        ),
        NotifyEvent::SlaAtRisk => (
            "A maior parte do tempo até o prazo já passou.",
            "Most of the time until the deadline has gone.",
        ),
        NotifyEvent::SlaBreached => {
            ("O prazo passou e não foi cumprido.", "The deadline has passed and was not met.")
        }
        NotifyEvent::Unassigned => (
            "O ticket espera na fila e ninguém é responsável por ele.",
            "The ticket waits in its queue and nobody is assigned to it.",
        ),
        NotifyEvent::Unacknowledged => (
            "O ticket foi escalado e ninguém o assumiu até agora.",
            "The ticket was handed to people and nobody has taken it so far.",
        ),
        NotifyEvent::AgentStuck => (
            "O ticket está parado há algum tempo com quem o assumiu.",
            "Nothing has happened for a while since somebody took the ticket.",
        ),
        NotifyEvent::LeaseLapsed => (
            "O tempo de quem assumiu o ticket acabou, e ele espera de novo por uma pessoa.",
            "The time of whoever claimed the ticket is over, and it waits for a person again.",
        ),
        NotifyEvent::Assigned => (
            "O ticket foi atribuído e espera por quem é responsável por ele.",
            "The ticket was assigned and waits for its assignee.",
        ),
        NotifyEvent::SnoozeOver => {
            ("O ticket estava adiado até agora.", "The ticket was put off until now.")
        }
        NotifyEvent::CallbackDue => (
            "Chegou a hora da ligação prometida ao cliente.",
            "It is time for the call that the customer was promised.",
        ),
        NotifyEvent::CallbackMissed => (
            "A hora da ligação prometida ao cliente passou sem que ela fosse registrada.",
            "The time for the promised call has passed, and no call was recorded.",
        ),
        NotifyEvent::DeliveryFailed => (
            "Uma resposta ao cliente não foi entregue, ou não se sabe se foi.",
            "A reply to the customer was not delivered, or nobody knows whether it was.",
        ),
        NotifyEvent::CsatLow => {
            ("O cliente deu uma nota baixa ao atendimento.", "The customer rated the service low.")
        }
        NotifyEvent::Tagged => (
            "O ticket recebeu um marcador que alguém acompanha.",
            "The ticket got a tag that somebody watches.",
        ),
        NotifyEvent::IncidentDeclared => {
            ("Um incidente foi declarado.", "An incident was declared.")
        }
        NotifyEvent::IncidentUpdated => {
            ("Há novidades sobre um incidente.", "There is news about an incident.")
        }
        NotifyEvent::IncidentEnded => ("Um incidente terminou.", "An incident is over."),
        NotifyEvent::Test => (
            "Esta é uma notificação de teste: se você a lê, elas chegam aqui.",
            "This is a test notification: if you read it, they arrive here.",
        ),
    };
    of(locale, pt, en)
}

/// What a person does about it.
fn next(event: NotifyEvent, locale: Locale) -> &'static str {
    let (pt, en) = match event {
        NotifyEvent::Escalated => (
            "assuma o ticket no seu sistema de atendimento ou pela API e responda ao cliente.",
            "take the ticket in your help desk or through the API, and answer the customer.",
        ),
        NotifyEvent::SlaAtRisk => (
            "cuide do ticket antes do prazo ou passe-o a quem possa.",
            "see to the ticket before its deadline, or pass it to somebody who can.",
        ),
        NotifyEvent::SlaBreached => (
            "diga agora ao cliente em que pé está e veja o que atrasou.",
            "tell the customer now where it stands, and see what held it up.",
        ),
        NotifyEvent::Unassigned => (
            "assuma o ticket ou escolha quem cuide dele.",
            "take the ticket, or choose somebody who sees to it.",
        ),
        NotifyEvent::Unacknowledged => (
            "assuma o ticket ou encontre quem o assuma.",
            "take the ticket, or find somebody who does.",
        ),
        NotifyEvent::AgentStuck => (
            "peça ou ofereça ajuda; se preciso, passe o ticket a outra pessoa ou devolva-o à fila.",
            "ask for help or offer it; if need be, pass the ticket on or give it back to its queue.",
        ),
        NotifyEvent::LeaseLapsed => (
            "se você ainda cuida do ticket, assuma-o de novo.",
            "claim the ticket again if you still see to it.",
        ),
        NotifyEvent::Assigned => (
            "se o ticket é seu, assuma-o e responda ao cliente.",
            "if the ticket is yours, claim it and answer the customer.",
        ),
        NotifyEvent::SnoozeOver => {
            ("retome o ticket ou adie-o outra vez.", "take it up again, or put it off once more.")
        }
        NotifyEvent::CallbackDue => (
            "ligue para o cliente e registre a ligação no ticket.",
            "call the customer, and record the call on the ticket.",
        ),
        NotifyEvent::CallbackMissed => (
            "ligue assim que puder, peça desculpas pelo atraso e registre a ligação no ticket.",
            "call as soon as you can, apologise for the delay, and record the call on the ticket.",
        ),
        NotifyEvent::DeliveryFailed => (
            "veja no ticket o que houve antes de enviar de novo, para que nada chegue duas vezes.",
            "see what happened before you send again, so that nothing arrives twice.",
        ),
        NotifyEvent::CsatLow => (
            "leia a conversa e veja se vale procurar o cliente.",
            "read the conversation, and see whether to get in touch with the customer.",
        ),
        NotifyEvent::Tagged => (
            "veja se o ticket pede algo de você.",
            "see whether the ticket needs anything from you.",
        ),
        NotifyEvent::IncidentDeclared => (
            "siga o plano da empresa para incidentes.",
            "follow the plan that your business has for incidents.",
        ),
        NotifyEvent::IncidentUpdated => (
            "veja se o que está em andamento ainda vale.",
            "see whether what is under way still holds.",
        ),
        NotifyEvent::IncidentEnded => {
            ("cuide dos tickets que ficaram à espera.", "see to the tickets that had to wait.")
        }
        NotifyEvent::Test => ("nada.", "nothing to do."),
    };
    of(locale, pt, en)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 7, hour, 30, 0).unwrap()
    }

    fn notification(event: NotifyEvent, locale: Locale) -> Notification {
        Notification {
            event,
            tenant: "loja".to_owned(),
            at: at(16),
            locale,
            zone: "America/Sao_Paulo".to_owned(),
            team: None,
            level: None,
            ticket: Some(TicketBrief {
                id: "tck_0190".to_owned(),
                number: "1042-7".to_owned(),
                category: "technical".to_owned(),
                priority: "high".to_owned(),
                status: "escalated".to_owned(),
                queue: "suporte-n2".to_owned(),
                channel: "web_form".to_owned(),
                plan: None,
                due: Some(at(17)),
                clock: Some("first_response".to_owned()),
            }),
            reason: None,
            detail: None,
            text: None,
        }
    }

    /// Every event in both languages: as bare, about a ticket, and with all there is.
    fn all() -> Vec<Notification> {
        let mut all = Vec::new();
        for event in NotifyEvent::ALL {
            for locale in Locale::ALL {
                let plain = notification(*event, *locale);
                let full = Notification {
                    team: Some("suporte".to_owned()),
                    level: Some("L2".to_owned()),
                    reason: Some("E7.security".to_owned()),
                    detail: Some(serde_json::json!({"summary": null})),
                    text: Some("\nPasso a passo:\n1. olhar\n".to_owned()),
                    ..plain.clone()
                };
                all.extend([Notification { ticket: None, ..plain.clone() }, plain, full]);
            }
        }
        all
    }

    #[test]
    fn every_event_is_told_in_both_languages_without_a_leftover() {
        for n in all() {
            let (subject, body) = (subject(&n), body(&n));
            for text in [&subject, &body] {
                assert!(!text.trim().is_empty(), "{n:?}");
                for leftover in ["{", "}", "None", "Some(", "null", "()", "::", "  "] {
                    assert!(!text.contains(leftover), "{leftover} in {text}");
                }
            }
            assert!(subject.chars().count() < 90 && !subject.contains('\n'), "{subject}");
            let start = if n.ticket.is_some() { "[atende] 1042-7: " } else { "[atende] " };
            assert!(subject.starts_with(start), "{subject}");
            assert!(body.ends_with(")\n") && !body.contains("\n\n\n"), "{body}");
            assert_eq!(n.ticket.is_some(), body.contains("atende sla show 1042-7 --tenant loja"));
            assert_eq!(n.text.is_some(), body.contains("Passo a passo:\n1. olhar\n"), "{body}");
        }
    }

    #[test]
    fn no_two_events_and_no_two_languages_read_the_same() {
        let mut seen = std::collections::BTreeSet::new();
        for event in NotifyEvent::ALL {
            for locale in Locale::ALL {
                for words in
                    [headline(*event, *locale), what(*event, *locale), next(*event, *locale)]
                {
                    assert!(seen.insert(words), "{event} {locale}: {words}");
                }
            }
        }
    }

    #[test]
    fn a_mail_about_a_deadline_reads_like_this() {
        let mut n = notification(NotifyEvent::SlaAtRisk, Locale::PtBr);
        assert_eq!(
            subject(&n),
            "[atende] 1042-7: prazo em risco: primeira resposta (prioridade alta, technical)"
        );
        n.reason = Some("cliente com plano pro".to_owned());
        assert_eq!(
            body(&n),
            "A maior parte do tempo até o prazo já passou.\n\
             \n\
             Ticket: 1042-7\n\
             Categoria: technical\n\
             Prioridade: alta\n\
             Situação: escalado\n\
             Fila: suporte-n2\n\
             Canal: formulário do site\n\
             Prazo: primeira resposta, até 07/03/2026 às 14:30 (America/Sao_Paulo)\n\
             Motivo: cliente com plano pro\n\
             \n\
             O que fazer: cuide do ticket antes do prazo ou passe-o a quem possa.\n\
             Assumir pela API: POST /v1/tickets/tck_0190/claim\n\
             Ver os prazos: atende sla show 1042-7 --tenant loja\n\
             \n\
             atende · loja · 07/03/2026 às 13:30 (America/Sao_Paulo)\n"
        );
        let n = Notification { tenant: "main".to_owned(), at: at(18), locale: Locale::En, ..n };
        assert_eq!(
            subject(&n),
            "[atende] 1042-7: deadline at risk: first response (high priority, technical)"
        );
        let body = body(&n);
        assert!(
            body.contains(
                "Deadline: first response, was due 7 March 2026, 14:30 (America/Sao_Paulo)\n"
            ),
            "{body}"
        );
        assert!(body.contains(": atende sla show 1042-7\n"), "{body}");
    }

    #[test]
    fn labels_cannot_break_a_line_or_make_a_subject_too_long() {
        let mut n = notification(NotifyEvent::Escalated, Locale::En);
        if let Some(ticket) = &mut n.ticket {
            ticket.category = "açaí\r\nBcc: x@example.com ".repeat(9);
            ticket.queue = String::new();
            ticket.priority = "own word".to_owned();
        }
        n.zone = "Mars/Olympus".to_owned();
        let (subject, body) = (subject(&n), body(&n));
        assert!(subject.chars().count() <= SUBJECT_MAX, "{subject}");
        assert!(subject.ends_with('…') && !subject.contains(['\r', '\n']), "{subject}");
        assert!(!body.contains('\r') && !body.contains("\nBcc"), "{body}");
        assert!(!body.contains("Queue"), "what is not known is not told: {body}");
        assert!(body.contains("Priority: own word\n") && body.contains("17:30 (UTC)"), "{body}");
    }

    #[test]
    fn what_concerns_no_ticket_is_named_by_its_reason() {
        let mut n = notification(NotifyEvent::IncidentDeclared, Locale::PtBr);
        n.ticket = None;
        assert_eq!(subject(&n), "[atende] incidente declarado");
        n.reason = Some("Fora do ar".to_owned());
        assert_eq!(subject(&n), "[atende] incidente declarado: Fora do ar");
        assert!(body(&n).contains("Motivo: Fora do ar\n"));
    }
}
