//! The mail server at the far end: it takes mail over a real connection, keeps it, and can be told to refuse.
//!
//! It speaks as much SMTP as a client of ours needs, in the clear, to this machine alone. A session is bounded in
//! bytes and in time; dropping the server ends all of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atende::channels::mail::{MailSecurity, MailSettings};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Most bytes that a client may say in one session.
const SESSION_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Longest session.
const SESSION_TIME_MAX: Duration = Duration::from_secs(30);

/// A mail as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedMail {
    /// The sender of the envelope.
    pub(crate) from: String,
    /// The recipients of the envelope.
    pub(crate) to: Vec<String>,
    /// Header and body, byte for byte, without the dots that SMTP adds.
    pub(crate) data: String,
}

impl ReceivedMail {
    /// A header's value, unfolded.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.data.split_once("\r\n\r\n")?;
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        unfolded.split("\r\n").find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// The subject in plain words.
    pub(crate) fn subject(&self) -> String {
        let raw = self.header("Subject").unwrap_or_default();
        let (mut plain, mut bytes) = (String::new(), Vec::new());
        for word in raw.split(' ') {
            let coded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
            if let Some(coded) = coded {
                // Spaces between two coded words are none of the text.
                if bytes.is_empty() && !plain.is_empty() {
                    plain.push(' ');
                }
                bytes.extend(STANDARD.decode(coded).unwrap());
                continue;
            }
            plain.push_str(std::str::from_utf8(&std::mem::take(&mut bytes)).unwrap());
            if !plain.is_empty() {
                plain.push(' ');
            }
            plain.push_str(word);
        }
        plain.push_str(std::str::from_utf8(&bytes).unwrap());
        plain
    }

    /// The body in plain words, with `\n` between its lines.
    pub(crate) fn text(&self) -> String {
        let (_, body) = self.data.split_once("\r\n\r\n").unwrap();
        let coding = self.header("Content-Transfer-Encoding").unwrap_or_default();
        let bytes = match coding.to_ascii_lowercase().as_str() {
            "base64" => STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap(),
            "quoted-printable" => from_quoted_printable(body),
            "" | "7bit" | "8bit" => body.as_bytes().to_vec(),
            other => panic!("no coding of ours: {other}"),
        };
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }
}

/// Undoes RFC 2045's quoted-printable.
fn from_quoted_printable(body: &str) -> Vec<u8> {
    let joined = body.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.as_bytes());
    while let [first, after @ ..] = rest {
        if *first == b'=' {
            let (digits, after) = after.split_at(2);
            let digits = std::str::from_utf8(digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}

/// What the server does once it has a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It says so after this while.
    Answers(Duration),
    /// It cuts the connection without a word.
    Cuts,
}

/// Says what follows on each mail.
type Weather = Box<dyn FnMut() -> After + Send>;

/// The server.
pub(crate) struct MailServer {
    port: u16,
    script: Arc<Mutex<Script>>,
    /// Dropped with the server; that ends the sessions too.
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Script {
    next: VecDeque<u16>,
    weather: Option<Weather>,
    received: Vec<ReceivedMail>,
}

impl MailServer {
    /// Starts a server that takes every mail and every login.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::<Mutex<Script>>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&script)));
        Self { port, script, _tasks: tasks }
    }

    /// How the program reaches it.
    pub(crate) fn settings(&self) -> MailSettings {
        MailSettings {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            security: MailSecurity::Plain,
            user: None,
            password: None,
            from: "Atende <suporte@loja.example>".to_owned(),
            timeout: Duration::from_secs(5),
        }
    }

    /// Answers the next recipients, or logins where the code is of a login, with these codes; then takes all again.
    pub(crate) fn then_answers(&self, codes: &[u16]) {
        self.script.lock().unwrap().next.extend(codes);
    }

    /// Asks this after every mail that it takes.
    pub(crate) fn then_always(&self, weather: impl FnMut() -> After + Send + 'static) {
        self.script.lock().unwrap().weather = Some(Box::new(weather));
    }

    /// Every mail that it took.
    pub(crate) fn received(&self) -> Vec<ReceivedMail> {
        self.script.lock().unwrap().received.clone()
    }
}

impl Script {
    /// Keeps a mail and says what follows.
    fn take(&mut self, mail: &ReceivedMail) -> After {
        self.received.push(mail.clone());
        self.weather.as_mut().map_or(After::Answers(Duration::ZERO), |weather| weather())
    }

    /// The next code, if it is one for this command; otherwise the usual answer.
    fn answer(&mut self, is_login: bool, usual: u16) -> u16 {
        let of_login = |code: &u16| (530..540).contains(code);
        match self.next.front() {
            Some(code) if of_login(code) == is_login => self.next.pop_front().unwrap_or(usual),
            _ => usual,
        }
    }
}

async fn accept(listener: TcpListener, script: Arc<Mutex<Script>>) {
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let script = Arc::clone(&script);
        sessions.spawn(async move {
            // A client that goes away or stays too long is its own affair.
            tokio::time::timeout(SESSION_TIME_MAX, converse(stream, &script)).await.ok();
        });
        while sessions.try_join_next().is_some() {}
    }
}

async fn converse(mut stream: TcpStream, script: &Mutex<Script>) -> std::io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader.take(SESSION_BYTES_MAX));
    writer.write_all(b"220 localhost ready\r\n").await?;
    let mut mail = ReceivedMail { from: String::new(), to: Vec::new(), data: String::new() };
    let mut line = String::new();
    while read_line(&mut lines, &mut line).await? {
        let command = line.trim_end().to_owned();
        let verb = command.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-localhost\r\n250 AUTH PLAIN".to_owned(),
            "HELO" | "NOOP" => "250 ok".to_owned(),
            "AUTH" => {
                format!("{} login", script.lock().unwrap().answer(true, 235))
            }
            "MAIL" => {
                mail.from = address(&command);
                mail.to.clear();
                "250 ok".to_owned()
            }
            "RCPT" => {
                let code = script.lock().unwrap().answer(false, 250);
                if code == 250 {
                    mail.to.push(address(&command));
                }
                format!("{code} recipient")
            }
            "DATA" if mail.to.is_empty() => "503 nobody to send it to".to_owned(),
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                mail.data.clear();
                loop {
                    if !read_line(&mut lines, &mut line).await? {
                        return Ok(());
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    mail.data.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                let after = script.lock().unwrap().take(&mail);
                match after {
                    After::Answers(wait) => tokio::time::sleep(wait).await,
                    After::Cuts => return Ok(()),
                }
                "250 taken".to_owned()
            }
            "RSET" => {
                mail.from.clear();
                mail.to.clear();
                "250 ok".to_owned()
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "502 not here".to_owned(),
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// Reads a line with its end; false when the client is gone or has said too much.
async fn read_line(
    lines: &mut (impl tokio::io::AsyncBufRead + Unpin),
    line: &mut String,
) -> std::io::Result<bool> {
    line.clear();
    lines.read_line(line).await?;
    Ok(line.ends_with('\n'))
}

/// What stands between `<` and `>`.
fn address(command: &str) -> String {
    let inside = command.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(address, _)| address.to_owned()).unwrap_or_default()
}

mod tests {
    use atende::adapters::store::DeliveryEnd;
    use atende::channels::mail::{Mail, Mailer};
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).unwrap()
    }

    fn mail(attempt: u32) -> Mail<'static> {
        Mail {
            id: "out_01",
            to: "Ana <ana@loja.example>",
            subject: "[atende] 1042-7: prazo em risco: próxima resposta (prioridade crítica, técnico)",
            text: "Olá,\n.um ponto no começo\n\nAté já: 100 % = tudo.\n",
            attempt,
            first: now(),
        }
    }

    #[tokio::test]
    async fn a_mail_arrives_as_it_was_written() {
        let server = MailServer::start().await;
        let mailer = Mailer::new(server.settings()).unwrap();
        assert_eq!(mailer.send(now(), &mail(1)).await, DeliveryEnd::Sent);
        // Longer, so that another coding fits it better, and to somebody else.
        let text = "ação, avó, àquele, é, ü. ".repeat(40);
        let other = Mail { id: "out_02", to: "bia@loja.example", text: &text, ..mail(1) };
        assert_eq!(mailer.send(now(), &other).await, DeliveryEnd::Sent);
        let received = server.received();
        let [first, second] = received.as_slice() else { panic!("{received:?}") };
        assert_eq!(
            (first.from.as_str(), first.to.as_slice()),
            ("suporte@loja.example", &["ana@loja.example".to_owned()][..])
        );
        assert_eq!(first.subject(), mail(1).subject);
        assert_eq!(first.text().trim_end(), mail(1).text.trim_end());
        assert_eq!(first.header("message-id").unwrap(), "<out_01@loja.example>");
        assert_eq!(first.header("auto-submitted").unwrap(), "auto-generated");
        assert_eq!(first.header("x-nothing"), None);
        assert_eq!(second.to, ["bia@loja.example"]);
        assert_eq!(second.text().trim_end(), text.trim_end());
    }

    #[tokio::test]
    async fn a_refusal_for_now_is_tried_again_and_one_for_good_is_not() {
        let server = MailServer::start().await;
        let mailer = Mailer::new(server.settings()).unwrap();
        server.then_answers(&[451, 451, 550]);
        for (attempt, pause) in [(1, 2), (2, 4)] {
            let end = mailer.send(now(), &mail(attempt)).await;
            let DeliveryEnd::RetryAt(at, why) = end else { panic!("{end:?}") };
            assert_eq!(at, now() + TimeDelta::seconds(pause));
            assert!(why.contains("451"), "{why}");
        }
        let end = mailer.send(now(), &mail(3)).await;
        assert!(matches!(&end, DeliveryEnd::Failed(why) if why.contains("550")), "{end:?}");
        assert!(server.received().is_empty(), "what was refused is not kept");
        assert_eq!(mailer.send(now(), &mail(4)).await, DeliveryEnd::Sent);
        assert_eq!(server.received().len(), 1);
    }

    #[tokio::test]
    async fn a_wrong_password_waits_for_an_operator() {
        let server = MailServer::start().await;
        let (user, password) = (Some("loja".to_owned()), Some("segredo".to_owned()));
        let mailer = Mailer::new(MailSettings { user, password, ..server.settings() }).unwrap();
        server.then_answers(&[535]);
        let end = mailer.send(now(), &mail(1)).await;
        let DeliveryEnd::RetryAt(_, why) = end else { panic!("{end:?}") };
        assert!(why.contains("`user` and `password`") && !why.contains("segredo"), "{why}");
        assert_eq!(mailer.send(now(), &mail(2)).await, DeliveryEnd::Sent);
    }

    #[tokio::test]
    async fn a_server_that_is_gone_or_silent_is_tried_again() {
        let server = MailServer::start().await;
        let mailer = Mailer::new(server.settings()).unwrap();
        drop(server);
        // The port is free as soon as the task that listened has ended.
        tokio::task::yield_now().await;
        let end = mailer.send(now(), &mail(1)).await;
        assert!(matches!(&end, DeliveryEnd::RetryAt(_, why) if why.contains("`port`")), "{end:?}");

        let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let timeout = Duration::from_millis(100);
        let settings = MailSettings { port, timeout, ..MailServer::start().await.settings() };
        let end = Mailer::new(settings).unwrap().send(now(), &mail(1)).await;
        assert!(matches!(&end, DeliveryEnd::RetryAt(_, why) if why.contains("in time")), "{end:?}");
    }
}
