mod ends;
mod real;
mod scripted;
mod settings;
mod steps;
mod waiting;

use chrono::TimeZone as _;

use self::scripted::{Act, Script, Scripted};
use super::*;
use crate::channels::email::reply::{Author, Party, Reply, write};
use crate::domain::labels::Locale;

fn now() -> DateTime<Utc> {
    Utc.timestamp_opt(1_795_000_000, 0).unwrap()
}

fn after(seconds: i64) -> DateTime<Utc> {
    now() + chrono::Duration::seconds(seconds)
}

/// A reply with a number, with lines that only a careful sender brings over.
fn mail(number: u32) -> Written {
    mail_to(number, "ana@cliente.example", "Olá, **Ana**!\n\n.\n\n..dois pontos\n\nFim.")
}

fn mail_to(number: u32, to: &str, body: &str) -> Written {
    let message_id = format!("out_{number}@loja.example");
    write(&Reply {
        from: Party { address: "suporte@loja.example", name: "Loja X" },
        to: Party { address: to, name: "Ana" },
        reply_to: None,
        subject: "Pedido",
        parent: None,
        message_id: &message_id,
        date: now(),
        body,
        signature: &[],
        quote: None,
        attachments: &[],
        locale: Locale::PtBr,
        author: Author::Automatic,
        loop_mark: "b7f3c2",
    })
    .unwrap()
}

fn settings(port: u16) -> SenderSettings {
    let from = "suporte@loja.example";
    SenderSettings {
        timeout: Duration::from_secs(20),
        answer_timeout: Duration::from_secs(20),
        ..SenderSettings::new("127.0.0.1", port, MailSecurity::Plain, from)
    }
}

fn password() -> Login {
    Login::Password { user: "suporte".to_owned(), password: Secret::new("hunter2 da loja") }
}

async fn send_at(sender: &Sender, now: DateTime<Utc>, mail: &Written) -> Outcome {
    sender.send(now, &Outgoing { mail, attempt: 1, first: now }).await
}

async fn send(sender: &Sender, mail: &Written) -> Outcome {
    send_at(sender, now(), mail).await
}

fn accepted(mail: &Written) -> Outcome {
    Outcome::Accepted { id: mail.message_id.clone() }
}

/// The reason of an end that has one.
fn reason(outcome: &Outcome) -> Reason {
    match outcome {
        Outcome::RetryAt(_, reason)
        | Outcome::Failed(_, reason)
        | Outcome::Operator(reason, _)
        | Outcome::Unknown(reason) => *reason,
        Outcome::Accepted { .. } => panic!("accepted"),
    }
}
