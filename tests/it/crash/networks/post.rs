//! Mail at both ends: a real IMAP server that customers' mails are delivered to, and an SMTP server that takes replies,
//! answers late and now and then cuts the connection instead. Of most mails that it took it puts a copy into the folder
//! of sent mail, as the large providers do; of the others nobody hears again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Chance;
use crate::mailbox::{Dovecot, PASSWORD, USER, USUAL};
use crate::world::{After, MailServer, OTHER_QUESTION, QUESTION, ReceivedMail};

/// Over so many milliseconds of a life mails arrive.
const SPREAD_MS: u64 = 1_200;

/// Both servers.
pub(super) struct Post {
    imap: Arc<Dovecot>,
    smtp: Arc<MailServer>,
    chance: Arc<Mutex<Chance>>,
    next: AtomicUsize,
    tasks: tokio::task::JoinSet<()>,
    bringing: tokio_util::task::TaskTracker,
}

impl Post {
    /// Starts both; `None` where there is no IMAP server to start.
    pub(super) async fn start(mut chance: Chance) -> Option<Self> {
        let imap = Arc::new(Dovecot::start(USUAL)?);
        let smtp = Arc::new(MailServer::start().await);
        let weather = Mutex::new(chance.fork());
        smtp.then_always(move || {
            let mut weather = weather.lock().unwrap();
            match weather.below(100) {
                0..10 => After::Cuts,
                10..25 => After::Answers(Duration::ZERO),
                _ => After::Answers(Duration::from_millis(weather.below(150))),
            }
        });
        let chance = Arc::new(Mutex::new(chance));
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(copy(Arc::clone(&imap), Arc::clone(&smtp), Arc::clone(&chance)));
        let (next, bringing) = (AtomicUsize::new(0), tokio_util::task::TaskTracker::new());
        Some(Self { imap, smtp, chance, next, tasks, bringing })
    }

    /// What the program's settings say of them.
    pub(super) fn settings(&self) -> String {
        format!(
            "[mailbox]\naddress = \"{USER}\"\nname = \"Loja\"\npassword = \"{PASSWORD}\"\nsave_sent = false\n\
             imap_host = \"127.0.0.1\"\nimap_port = {}\nimap_security = \"none\"\nsmtp_host = \"127.0.0.1\"\n\
             smtp_port = {}\nsmtp_security = \"none\"\nper_minute = 10000\n",
            self.imap.plain,
            self.smtp.settings().port
        )
    }

    /// Lets some mails arrive, over a second or so; some lie there twice.
    pub(super) fn bring(&self, count: usize) {
        for _ in 0..count {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            let (imap, mut chance) = (Arc::clone(&self.imap), self.chance.lock().unwrap());
            let wait = Duration::from_millis(chance.below(SPREAD_MS));
            let copies = if chance.below(8) == 0 { 2 } else { 1 };
            self.bringing.spawn(async move {
                tokio::time::sleep(wait).await;
                for _ in 0..copies {
                    imap.deliver(mail(number).as_bytes());
                }
            });
        }
    }

    /// How many mails were brought, copies not counted.
    pub(super) fn brought(&self) -> usize {
        self.next.load(Ordering::SeqCst)
    }

    /// How many replies the server took.
    pub(super) fn taken(&self) -> usize {
        self.smtp.received().len()
    }

    /// Our ids of the replies that the server took, in their order.
    pub(super) fn replies(&self) -> Vec<String> {
        self.smtp.received().iter().map(own_id).collect()
    }

    /// True for a reply that the server took and that lies among the sent, or will.
    pub(super) fn tells_of(&self, id: &str) -> bool {
        is_copied(id) && self.smtp.received().iter().any(|mail| own_id(mail) == id)
    }

    /// The subject of a mail that was brought.
    pub(super) fn subject(number: usize) -> String {
        format!("Senha {number:04}")
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

fn own_id(mail: &ReceivedMail) -> String {
    let id = mail.header("message-id").unwrap();
    id.trim_matches(['<', '>']).split('@').next().unwrap().to_owned()
}

/// Says of seven in eight replies that they are put among the sent.
fn is_copied(id: &str) -> bool {
    !id.bytes().map(usize::from).sum::<usize>().is_multiple_of(8)
}

/// Puts copies of what the server took into the folder of sent mail, a while later.
async fn copy(imap: Arc<Dovecot>, smtp: Arc<MailServer>, chance: Arc<Mutex<Chance>>) {
    let mut seen = 0;
    loop {
        for mail in smtp.received().iter().skip(seen) {
            seen += 1;
            if is_copied(&own_id(mail)) {
                let wait = Duration::from_millis(chance.lock().unwrap().below(150));
                tokio::time::sleep(wait).await;
                imap.deliver_to(&imap.maildir().join(".Enviados"), mail.data.as_bytes());
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Each from somebody else at another place, so that no limit of a place keeps replies back.
fn mail(number: usize) -> String {
    let text = if number.is_multiple_of(2) { QUESTION } else { OTHER_QUESTION };
    format!(
        "From: Bia <bia@c{number}.example>\r\nTo: {USER}\r\nMessage-ID: <q{number}@c{number}.example>\r\nSubject: {}\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n",
        Post::subject(number)
    )
}
