//! The keys of those who get replies, events and mail from us.

use super::{Key, Kind, key, optional};

pub(super) const CALLBACKS: &[Key] = &[
    optional(
        "url",
        Kind::CallbackUrl,
        "\"https://example.com/atende\"",
        "Endereço que recebe as respostas: https, ou http se for nesta máquina. Sem ele, as respostas só \
         são lidas em GET /v1/outbox.",
        "Address that receives the replies: https, or http on this machine. Without it replies are only \
         read from GET /v1/outbox.",
    ),
    optional(
        "secret",
        Kind::Secret,
        "\"…\"",
        "Chave da assinatura das requisições, com 16 caracteres ou mais. Prefira secret_file ou uma \
         variável de ambiente.",
        "Key that signs the requests, 16 characters or more. Prefer secret_file or an environment \
         variable.",
    ),
    optional(
        "secret_file",
        Kind::SecretFile,
        "\"/run/secrets/atende-callback\"",
        "Arquivo que contém a chave, em vez de secret.",
        "File that holds the key, instead of secret.",
    ),
    key(
        "timeout_secs",
        Kind::Integer(1, 120),
        "Quanto tempo uma entrega pode demorar, em segundos.",
        "How long one delivery may take, in seconds.",
    ),
    key(
        "idempotent",
        Kind::Flag,
        "true: quem recebe respeita o cabeçalho Idempotency-Key, e a entrega é repetida até ser \
         confirmada. false: cada resposta é enviada no máximo uma vez.",
        "true: the receiver honours the Idempotency-Key header, and a delivery is repeated until it is \
         acknowledged. false: each reply is sent at most once.",
    ),
    key(
        "allow_private",
        Kind::Flag,
        "Permite que url traga um endereço IP da rede interna.",
        "Allows url to hold an IP address of the internal network.",
    ),
];

pub(super) const WEBHOOKS: &[Key] = &[
    optional(
        "url",
        Kind::CallbackUrl,
        "\"https://example.com/atende/events\"",
        "Endereço que recebe os eventos: https, ou http se for nesta máquina. Sem ele, os eventos só são lidos em \
         GET /v1/events.",
        "Address that receives the events: https, or http on this machine. Without it events are only read from \
         GET /v1/events.",
    ),
    optional(
        "secret",
        Kind::Secret,
        "\"…\"",
        "Chave da assinatura das requisições, com 16 caracteres ou mais. Prefira secret_file ou uma \
         variável de ambiente.",
        "Key that signs the requests, 16 characters or more. Prefer secret_file or an environment \
         variable.",
    ),
    optional(
        "secret_file",
        Kind::SecretFile,
        "\"/run/secrets/atende-webhook\"",
        "Arquivo que contém a chave, em vez de secret.",
        "File that holds the key, instead of secret.",
    ),
    key(
        "timeout_secs",
        Kind::Integer(1, 120),
        "Quanto tempo uma entrega pode demorar, em segundos.",
        "How long one delivery may take, in seconds.",
    ),
    key(
        "idempotent",
        Kind::Flag,
        "true: quem recebe respeita o cabeçalho Idempotency-Key, e cada evento é repetido até ser confirmado. false: \
         um evento que talvez tenha chegado não é repetido.",
        "true: the receiver honours the Idempotency-Key header, and each event is repeated until it is \
         acknowledged. false: an event that may have arrived is not repeated.",
    ),
    key(
        "allow_private",
        Kind::Flag,
        "Permite que url traga um endereço IP da rede interna.",
        "Allows url to hold an IP address of the internal network.",
    ),
];

pub(super) const MAIL: &[Key] = &[
    optional(
        "host",
        Kind::Text,
        "\"smtp.example.com\"",
        "Nome do servidor SMTP. Sem ele, nenhum e-mail sai.",
        "Name of the SMTP server. Without it no mail leaves.",
    ),
    key("port", Kind::Integer(1, 65_535), "Porta do servidor.", "Port of the server."),
    key(
        "security",
        Kind::Word(&["starttls", "tls", "none"]),
        "Como a conexão é protegida; none só vale nesta máquina.",
        "How the connection is protected; none is for this machine only.",
    ),
    optional(
        "user",
        Kind::Text,
        "\"atende@example.com\"",
        "Usuário do servidor. Sem ele, não há login.",
        "User of the server. Without it there is no log-in.",
    ),
    optional(
        "password",
        Kind::Password,
        "\"…\"",
        "Senha do usuário. Prefira password_file ou uma variável de ambiente.",
        "Password of the user. Prefer password_file or an environment variable.",
    ),
    optional(
        "password_file",
        Kind::SecretFile,
        "\"/run/secrets/atende-mail\"",
        "Arquivo que contém a senha, em vez de password.",
        "File that holds the password, instead of password.",
    ),
    optional(
        "from",
        Kind::Text,
        "\"Atendimento <atende@example.com>\"",
        "Endereço de quem envia.",
        "Address that mails come from.",
    ),
    key(
        "timeout_secs",
        Kind::Integer(1, 120),
        "Quanto tempo uma entrega pode demorar, em segundos.",
        "How long one delivery may take, in seconds.",
    ),
];
