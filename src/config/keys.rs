//! The declared keys: what each means, in both languages, and which values it takes.
//!
//! The check of files and variables, the commented files that are written for people and the list of
//! effective settings all read this one table. Defaults are not here: they are in `settings`.

mod channels;
mod content;
mod files;
mod models;
mod privacy;
mod receivers;

use super::words::Words;

/// A `[section]` of the file.
#[derive(Debug)]
pub struct Section {
    /// Its name between the brackets.
    pub name: &'static str,
    /// What it is for.
    pub about: Words,
    /// Whether `[tenants.<name>.<section>]` exists.
    pub per_tenant: bool,
    /// Its keys, in the order they are shown.
    pub keys: &'static [Key],
}

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Its name within the section.
    pub name: &'static str,
    /// Which values it takes.
    pub kind: Kind,
    /// A TOML value to show where there is no default; empty otherwise.
    pub example: &'static str,
    /// What it means, with its unit.
    pub about: Words,
}

/// Which values a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An IP address with a port.
    Address,
    /// A whole number within a range, both ends included.
    Integer(i64, i64),
    /// A number that may have decimals, within a range, both ends included.
    Decimal(i32, i32),
    /// True or false.
    Flag,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// Some of a few words, separated by commas.
    Words(&'static [&'static str]),
    /// The name of a policy pack in the program.
    Pack,
    /// A file that can be read.
    File,
    /// A folder that exists.
    Folder,
    /// A file that holds a secret.
    SecretFile,
    /// A secret of at least [`MIN_SECRET_CHARS`] characters.
    Secret,
    /// The URL of a database; a secret.
    StoreUrl,
    /// The URL of a receiver of callbacks.
    CallbackUrl,
    /// The URL of a model's endpoint.
    ModelUrl,
    /// The address of the desk: scheme, host and perhaps a port.
    SiteUrl,
    /// One line of text.
    Text,
    /// A password, of any length.
    Password,
}

/// Shortest key of a signature: 16 characters chosen at random are 80 bits or more.
pub const MIN_SECRET_CHARS: usize = 16;

/// The name of the section that holds the businesses besides `main`.
pub const TENANTS: &str = "tenants";

/// What the section of businesses is for.
pub const TENANTS_ABOUT: Words = Words {
    pt: "Outras empresas atendidas por esta mesma instalação. Uma seção que a empresa define substitui \
         inteira a do arquivo; as que ela não define valem como estão acima, menos [callbacks], \
         [webhooks], [whatsapp] e as caixas de e-mail, que nunca são herdadas.",
    en: "Other businesses served by this installation. A section that a business defines replaces the \
         one above as a whole; those it leaves out are taken from above, except [callbacks], \
         [webhooks], [whatsapp] and mailboxes, which are never inherited.",
};

const fn key(name: &'static str, kind: Kind, pt: &'static str, en: &'static str) -> Key {
    Key { name, kind, example: "", about: Words { pt, en } }
}

const fn optional(
    name: &'static str,
    kind: Kind,
    example: &'static str,
    pt: &'static str,
    en: &'static str,
) -> Key {
    Key { name, kind, example, about: Words { pt, en } }
}

/// Returns the section of that name.
pub fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

impl Section {
    /// Returns the key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// Every section, in the order they are shown.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "server",
        about: Words { pt: "A API HTTP.", en: "The HTTP API." },
        per_tenant: false,
        keys: SERVER,
    },
    Section {
        name: "store",
        about: Words {
            pt: "Onde ficam tickets, conversas e decisões.",
            en: "Where tickets, conversations and decisions live.",
        },
        per_tenant: false,
        keys: STORE,
    },
    Section {
        name: "inbox",
        about: Words {
            pt: "Mensagens aceitas que ainda não entraram no banco.",
            en: "Messages accepted that are not in the store yet.",
        },
        per_tenant: false,
        keys: INBOX,
    },
    Section {
        name: "worker",
        about: Words { pt: "O processamento das mensagens.", en: "The processing of messages." },
        per_tenant: false,
        keys: WORKER,
    },
    Section {
        name: "policy",
        about: Words {
            pt: "As regras da empresa: categorias, equipes, urgência, modos, limites.",
            en: "The rules of the business: categories, teams, urgency, modes, limits.",
        },
        per_tenant: true,
        keys: POLICY,
    },
    Section {
        name: "knowledge",
        about: Words {
            pt: "Os artigos em que as respostas se apoiam.",
            en: "The articles that replies rest on.",
        },
        per_tenant: true,
        keys: content::KNOWLEDGE,
    },
    Section {
        name: "embeddings",
        about: Words {
            pt: "O modelo que compara textos pelo sentido; sem ele, os artigos são buscados só pelas palavras.",
            en: "The model that compares texts by meaning; without it articles are searched by words alone.",
        },
        per_tenant: false,
        keys: content::EMBEDDINGS,
    },
    Section {
        name: "models",
        about: Words {
            pt: "Modelos de linguagem. Sem eles, o programa entende e responde com o que traz consigo. Só textos sem \
                 dados pessoais chegam a um modelo.",
            en: "Language models. Without them the program understands and answers with what it brings along. Only \
                 texts without personal data reach a model.",
        },
        per_tenant: false,
        keys: models::MODELS,
    },
    Section {
        name: "models.primary",
        about: Words {
            pt: "O modelo consultado primeiro: barato e rápido.",
            en: "The model that is asked first: cheap and quick.",
        },
        per_tenant: false,
        keys: models::RUNG,
    },
    Section {
        name: "models.escalation",
        about: Words {
            pt: "O modelo mais capaz, para aquilo de que o primeiro não tem certeza.",
            en: "The more capable model, for what the first is not sure of.",
        },
        per_tenant: false,
        keys: models::RUNG,
    },
    Section {
        name: "models.budget",
        about: Words {
            pt: "Quanto os modelos podem custar a cada empresa.",
            en: "What models may cost each business.",
        },
        per_tenant: false,
        keys: models::BUDGET,
    },
    Section {
        name: "prompts",
        about: Words {
            pt: "O que se diz aos modelos de linguagem.",
            en: "What language models are told.",
        },
        per_tenant: true,
        keys: content::PROMPTS,
    },
    Section {
        name: "templates",
        about: Words { pt: "Os modelos de resposta.", en: "The reply templates." },
        per_tenant: true,
        keys: content::TEMPLATES,
    },
    Section {
        name: "callbacks",
        about: Words {
            pt: "Por onde saem as respostas de canais sem rede própria (api, chat, web_form, phone): \
                 requisições HTTP assinadas.",
            en: "How replies leave on channels without a network of their own (api, chat, web_form, \
                 phone): signed HTTP requests.",
        },
        per_tenant: true,
        keys: receivers::CALLBACKS,
    },
    Section {
        name: "webhooks",
        about: Words {
            pt: "Para onde vão os eventos dos atendimentos e os avisos às pessoas que os pedem por webhook: \
                 requisições HTTP assinadas, uma por evento, na ordem.",
            en: "Where the events of tickets go, and notifications to people who ask for them by webhook: \
                 signed HTTP requests, one for each event, in order.",
        },
        per_tenant: true,
        keys: receivers::WEBHOOKS,
    },
    Section {
        name: "whatsapp",
        about: Words {
            pt: "Números no WhatsApp (Cloud API). O webhook é POST /webhooks/whatsapp.",
            en: "Numbers on WhatsApp (Cloud API). The webhook is POST /webhooks/whatsapp.",
        },
        per_tenant: true,
        keys: channels::WHATSAPP,
    },
    Section {
        name: "mailbox",
        about: Words {
            pt: "Caixa de e-mail a que os clientes escrevem: lida por IMAP, respondida por SMTP.",
            en: "A mailbox that customers write to: read by IMAP, answered by SMTP.",
        },
        per_tenant: true,
        keys: channels::MAILBOX,
    },
    Section {
        name: "mailbox2",
        about: Words { pt: "Mais uma caixa de e-mail.", en: "One more mailbox." },
        per_tenant: true,
        keys: channels::MAILBOX,
    },
    Section {
        name: "mailbox3",
        about: Words { pt: "Mais uma caixa de e-mail.", en: "One more mailbox." },
        per_tenant: true,
        keys: channels::MAILBOX,
    },
    Section {
        name: "files",
        about: Words {
            pt: "Arquivos que vêm com as mensagens; ficam na pasta de dados.",
            en: "Files that come with messages; they are kept in the data folder.",
        },
        per_tenant: false,
        keys: files::FILES,
    },
    Section {
        name: "transcriber",
        about: Words {
            pt: "Quem transcreve os áudios gravados no aplicativo; as palavras valem como o texto da mensagem.",
            en: "Whoever writes voice notes down; the words count as the message's text.",
        },
        per_tenant: false,
        keys: files::TRANSCRIBER,
    },
    Section {
        name: "mail",
        about: Words {
            pt: "Servidor por onde saem os e-mails para as pessoas da própria empresa (avisos de fila, prazos, \
                 incidentes).",
            en: "Server by which mail to the business's own people leaves (queues, deadlines, incidents).",
        },
        per_tenant: false,
        keys: receivers::MAIL,
    },
    Section {
        name: "privacy",
        about: Words {
            pt: "Por quanto tempo ficam guardados os dados das pessoas; 0 guarda sempre.",
            en: "For how long people's data is kept; 0 keeps it for good.",
        },
        per_tenant: false,
        keys: privacy::PRIVACY,
    },
    Section {
        name: "log",
        about: Words {
            pt: "O que o processo registra na saída de erros; nunca o texto dos clientes.",
            en: "What the process says on stderr; never a customer's text.",
        },
        per_tenant: false,
        keys: LOG,
    },
];

const SERVER: &[Key] = &[
    key(
        "bind",
        Kind::Address,
        "Endereço IP e porta em que a API escuta; com a porta 0 o sistema escolhe uma livre. A API não \
         faz TLS: fora desta máquina, ponha um proxy com HTTPS na frente.",
        "IP address and port the API listens on; with port 0 the system picks a free one. The API does \
         no TLS: beyond this machine, put a proxy with HTTPS in front of it.",
    ),
    key(
        "max_body_bytes",
        Kind::Integer(1024, 67_108_864),
        "Maior corpo de requisição aceito, em bytes.",
        "Largest request body that is accepted, in bytes.",
    ),
    key(
        "request_timeout_secs",
        Kind::Integer(1, 600),
        "Quanto tempo uma requisição pode demorar, em segundos.",
        "How long one request may take, in seconds.",
    ),
    key(
        "shutdown_grace_secs",
        Kind::Integer(0, 600),
        "Quanto tempo o encerramento espera pelo trabalho em andamento, em segundos.",
        "How long a shutdown waits for work in progress, in seconds.",
    ),
    key(
        "max_in_flight",
        Kind::Integer(1, 65_536),
        "Requisições atendidas ao mesmo tempo; as que passarem disso recebem 503.",
        "Requests served at the same time; those beyond get 503.",
    ),
    optional(
        "public_url",
        Kind::SiteUrl,
        "\"https://atende.exemplo.com.br\"",
        "Endereço em que a equipe abre as páginas, sem caminho. Com https://, o navegador só manda o login por \
         conexão segura.",
        "Address at which the team opens the pages, without a path. With https:// browsers send what \
         signs them in over secure connections only.",
    ),
    key(
        "proxies",
        Kind::Integer(0, 9),
        "Quantos proxies próprios há na frente, cada um acrescentando a X-Forwarded-For quem se conectou a ele. Com 0, \
         esses cabeçalhos são ignorados.",
        "How many proxies of your own stand in front, each adding to X-Forwarded-For who connected to \
         it. With 0 those headers are ignored.",
    ),
];

const STORE: &[Key] = &[
    optional(
        "url",
        Kind::StoreUrl,
        "\"postgres://atende@localhost/atende\"",
        "Banco de dados, se não for o SQLite na pasta de dados: postgres://… ou sqlite:… É um segredo; \
         prefira url_file ou a variável de ambiente ATENDE__STORE__URL.",
        "Database, if not SQLite in the data folder: postgres://… or sqlite:… It is a secret; prefer \
         url_file or the environment variable ATENDE__STORE__URL.",
    ),
    optional(
        "url_file",
        Kind::SecretFile,
        "\"/run/secrets/atende-store-url\"",
        "Arquivo que contém a URL do banco, em vez de url.",
        "File that holds the database URL, instead of url.",
    ),
    key(
        "max_connections",
        Kind::Integer(1, 512),
        "Máximo de conexões abertas com o banco.",
        "Connections to the database that are open at most.",
    ),
];

const INBOX: &[Key] = &[key(
    "max_backlog",
    Kind::Integer(1, 100_000_000),
    "Mensagens que podem esperar na fila de entrada; acima disso a API responde 503.",
    "Messages that may wait in the inbox; beyond that the API answers 503.",
)];

const WORKER: &[Key] = &[
    key(
        "concurrency",
        Kind::Integer(1, 4096),
        "Conversas processadas ao mesmo tempo.",
        "Conversations worked on at the same time.",
    ),
    key(
        "lease_secs",
        Kind::Integer(5, 3600),
        "Por quanto tempo um trabalho fica reservado sem renovação, em segundos.",
        "How long a job stays reserved without renewal, in seconds.",
    ),
    key(
        "renew_secs",
        Kind::Integer(1, 1800),
        "De quanto em quanto tempo a reserva é renovada, em segundos; menos da metade de lease_secs.",
        "How often the reservation is renewed, in seconds; less than half of lease_secs.",
    ),
    key(
        "max_attempts",
        Kind::Integer(1, 100),
        "Tentativas antes de o trabalho ir para a lista de falhas definitivas.",
        "Attempts before a job becomes a dead letter.",
    ),
    key(
        "poll_ms",
        Kind::Integer(10, 60_000),
        "De quanto em quanto tempo um processo ocioso procura trabalho, em milissegundos.",
        "How often an idle worker looks for work, in milliseconds.",
    ),
    key(
        "reload_secs",
        Kind::Integer(1, 5),
        "De quanto em quanto tempo se procuram mudanças em políticas, modelos e artigos, em segundos.",
        "How often changes of policies, templates and articles are looked for, in seconds.",
    ),
];

const POLICY: &[Key] = &[
    key(
        "pack",
        Kind::Pack,
        "Pacote de regras que já vem no programa.",
        "A set of rules that comes with the program.",
    ),
    optional(
        "file",
        Kind::File,
        "\"policy.yaml\"",
        "Arquivo de regras da própria empresa, em vez de pack; pode partir de um pacote com \
         `extends: saas-br`.",
        "The business's own file of rules, instead of pack; it may start from a pack with \
         `extends: saas-br`.",
    ),
];

const LOG: &[Key] = &[
    key(
        "level",
        Kind::Word(&["error", "warn", "info", "debug", "trace"]),
        "Quanto se registra.",
        "How much is said.",
    ),
    key(
        "format",
        Kind::Word(&["text", "json"]),
        "text, para pessoas; json, um objeto por linha.",
        "text, for people; json, one object per line.",
    ),
];
