//! `atende notify test`: tries whether the people of a team are reached.

use std::sync::Arc;

use clap::Subcommand;

use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::adapters::store::{DeliveryEnd, NewNotification, Way};
use crate::app::{load_pack, mailer, webhooks};
use crate::channels::callback::CallbackClient;
use crate::channels::mail::{Mail, Mailer};
use crate::ports::Clock;
use crate::report::{notification, telling};

/// Look at notifications
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Test(TestArgs),
}

/// Send a test notification to everybody of a team, a role, or to one person
///
/// It leaves at once, whatever the quiet hours, and each answer of the mail server or webhook is told. Ends with 1 if
/// anybody was not reached.
#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    /// A team, a role or a person of the policy
    #[arg(value_name = "TEAM")]
    team: String,

    /// Whose policy (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Test(args) = command;
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let Some(tenant) = tenant_of(cx, &loaded.config, args.tenant.as_deref())? else {
        return Ok(ExitCode::Problems);
    };
    let pack = load_pack(&loaded.config, &tenant, cx.lang)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let told = telling::test(clock.as_ref(), &pack, &tenant, &args.team, clock.now());
    if told.is_empty() {
        let problem = cx.say(
            "a política não tem ninguém com e-mail ou webhook nesta equipe, papel ou nome; veja `people`",
            "the policy has nobody with a mail address or webhook in this team, role or name; see `people`",
        );
        writeln!(cx.err, "{}: {problem}", args.team)?;
        return Ok(ExitCode::Problems);
    }
    let (mailer, hook) = (mailer(&loaded.config)?, webhooks(&loaded.config, &tenant)?);
    let runtime = cx.runtime()?;
    let mut reached = true;
    for one in &told {
        let end = runtime.block_on(send(clock.as_ref(), one, mailer.as_ref(), hook.as_ref()));
        let words = match &end {
            DeliveryEnd::Sent | DeliveryEnd::Accepted(_) => {
                cx.say("entregue", "delivered").to_owned()
            }
            DeliveryEnd::RetryAt(_, why)
            | DeliveryEnd::Awaiting(_, why)
            | DeliveryEnd::Failed(why)
            | DeliveryEnd::Unknown(why) => {
                format!("{}: {why}", cx.say("não entregue", "not delivered"))
            }
            DeliveryEnd::NotTried(_) => cx.say("não entregue", "not delivered").to_owned(),
        };
        reached &= end == DeliveryEnd::Sent;
        let to = if one.way == Way::Email { one.to.as_str() } else { "" };
        writeln!(cx.out, "{:<16} {:<8} {to:<32} {words}", one.person, one.way)?;
    }
    Ok(if reached { ExitCode::Ok } else { ExitCode::Problems })
}

async fn send(
    clock: &dyn Clock,
    one: &NewNotification,
    mailer: Option<&Mailer>,
    hook: Option<&CallbackClient>,
) -> DeliveryEnd {
    let now = clock.now();
    let no = |why: &str| DeliveryEnd::Failed(why.to_owned());
    match (one.way, mailer, hook) {
        (Way::Email, Some(mailer), _) => {
            let (subject, text) = (notification::subject(&one.told), notification::body(&one.told));
            let mail = Mail {
                id: one.id.as_str(),
                to: &one.to,
                subject: &subject,
                text: &text,
                attempt: 1,
                first: now,
            };
            mailer.send(now, &mail).await
        }
        (Way::Webhook, _, Some(hook)) => {
            let body = telling::webhook_body(&one.id, &one.person, &one.told);
            hook.post(now, one.id.as_str(), body, (1, now)).await
        }
        (Way::Email, None, _) => no("no mail server is set: see [mail]"),
        (Way::Webhook, _, None) => no("no webhook is set: see [webhooks]"),
    }
}
