//! The keys of networks that we are a client of.

use super::{Key, Kind, key, optional};

const SECURITY: Kind = Kind::Word(&["tls", "starttls", "none"]);

pub(super) const MAILBOX: &[Key] = &[
    optional(
        "address",
        Kind::Text,
        "\"suporte@exemplo.com.br\"",
        "Endereço da caixa. Sem ele, a seção não é usada.",
        "The mailbox's address. Without it the section is not used.",
    ),
    optional(
        "name",
        Kind::Text,
        "\"Loja Exemplo\"",
        "Nome que o cliente vê ao lado do endereço; sem ele, a marca da política.",
        "Name that customers see beside the address; without it the brand of the policy.",
    ),
    optional(
        "user",
        Kind::Text,
        "\"suporte@exemplo.com.br\"",
        "Usuário do login, se não for o endereço.",
        "Who logs in, where that is not the address.",
    ),
    optional(
        "password",
        Kind::Password,
        "\"…\"",
        "Senha; em muitos provedores, uma senha de app. Prefira password_file ou uma variável de ambiente.",
        "Password; at many providers one made for programs. Prefer password_file or an environment variable.",
    ),
    optional(
        "password_file",
        Kind::SecretFile,
        "\"/run/secrets/atende-suporte\"",
        "Arquivo que contém a senha.",
        "File that holds the password.",
    ),
    optional(
        "token_command",
        Kind::Text,
        "\"/usr/local/bin/token-suporte --imap\"",
        "Programa que imprime um token de acesso (XOAUTH2), com seus argumentos, no lugar da senha.",
        "Program that prints an access token (XOAUTH2), with its arguments, in the place of a password.",
    ),
    optional(
        "token_file",
        Kind::File,
        "\"/run/atende/suporte.token\"",
        "Arquivo em que outro programa mantém um token válido.",
        "File that another program keeps a fresh token in.",
    ),
    optional(
        "imap_host",
        Kind::Text,
        "\"imap.exemplo.com.br\"",
        "Servidor IMAP. Sem ele, a caixa só envia.",
        "IMAP server. Without it mail is only sent.",
    ),
    key("imap_port", Kind::Integer(1, 65_535), "Porta do IMAP.", "Port of IMAP."),
    key(
        "imap_security",
        SECURITY,
        "Proteção da conexão; none só para um servidor nesta máquina.",
        "How the connection is protected; none for a server on this machine alone.",
    ),
    key("folder", Kind::Text, "Pasta em que o e-mail chega.", "Folder where mail arrives."),
    key(
        "sent_folder",
        Kind::Text,
        "Pasta dos enviados: auto, off ou o nome dela. O que alguém responde de lá assume a conversa.",
        "Folder of sent mail: auto, off, or its name. Whoever answers from there takes the conversation over.",
    ),
    key(
        "save_sent",
        Kind::Flag,
        "Guarda as respostas na pasta dos enviados; desligue se o provedor já guarda, como Gmail e Microsoft.",
        "Puts replies into the folder of sent mail; off where the provider does so itself, as Gmail and Microsoft do.",
    ),
    optional(
        "smtp_host",
        Kind::Text,
        "\"smtp.exemplo.com.br\"",
        "Servidor SMTP. Sem ele, as respostas saem por [callbacks] ou são lidas da caixa de saída.",
        "SMTP server. Without it replies leave through [callbacks] or are read from the outbox.",
    ),
    key("smtp_port", Kind::Integer(1, 65_535), "Porta do SMTP.", "Port of SMTP."),
    key(
        "smtp_security",
        SECURITY,
        "Proteção da conexão; none só para um servidor nesta máquina.",
        "How the connection is protected; none for a server on this machine alone.",
    ),
    key(
        "per_minute",
        Kind::Integer(1, 10_000),
        "Máximo de e-mails enviados por minuto.",
        "Mails that leave in a minute, at most.",
    ),
    key(
        "auto_per_hour",
        Kind::Integer(1, 1000),
        "Máximo de e-mails automáticos (respostas e avisos) por hora para um mesmo endereço, somando todas as conversas; o que passa disso vai para uma pessoa.",
        "Automatic mails (answers and notices) for one address in an hour, at most, over all conversations; what goes beyond comes to a person.",
    ),
    key("auto_per_day", Kind::Integer(1, 10_000), "O mesmo por dia.", "The same in a day."),
    optional(
        "ca_file",
        Kind::File,
        "\"/etc/ssl/exemplo-ca.pem\"",
        "Arquivo PEM com autoridades aceitas além das da máquina.",
        "PEM file of authorities that are trusted beside the machine's own.",
    ),
    optional(
        "trusted_server",
        Kind::Text,
        "\"mx.exemplo.com.br\"",
        "Nome do servidor que recebe, como aparece em Authentication-Results: só a palavra dele vale sobre o remetente.",
        "Name of the receiving server in Authentication-Results: its word alone counts about senders.",
    ),
    key(
        "max_mb",
        Kind::Integer(1, 200),
        "Maior e-mail lido por inteiro, em MB; de um maior, só o cabeçalho.",
        "Largest mail that is fetched whole, in MB; of a larger one, the headers alone.",
    ),
];

pub(super) const WHATSAPP: &[Key] = &[
    optional(
        "numbers",
        Kind::Text,
        "\"106540352242922\"",
        "Identificadores dos números (phone_number_id, não o telefone), separados por vírgula. Sem eles, o WhatsApp não \
         é usado.",
        "Ids of the numbers (phone_number_id, not the telephone number), separated by commas. Without them WhatsApp is \
         not used.",
    ),
    optional(
        "app_secret",
        Kind::Password,
        "\"…\"",
        "Chave secreta do aplicativo na Meta, com que as chamadas do webhook são assinadas; na troca, a nova e a antiga, \
         separadas por vírgula. Prefira app_secret_file ou uma variável de ambiente.",
        "The app's secret at Meta, which webhook calls are signed with; while it changes, the new and the old one, \
         separated by a comma. Prefer app_secret_file or an environment variable.",
    ),
    optional(
        "app_secret_file",
        Kind::SecretFile,
        "\"/run/secrets/atende-whatsapp-app\"",
        "Arquivo que contém a chave secreta do aplicativo.",
        "File that holds the app's secret.",
    ),
    optional(
        "verify_token",
        Kind::Password,
        "\"…\"",
        "Palavra que você escolhe e repete na página do webhook na Meta.",
        "A word of your choice, repeated on the webhook's page at Meta.",
    ),
    optional(
        "verify_token_file",
        Kind::SecretFile,
        "\"/run/secrets/atende-whatsapp-verify\"",
        "Arquivo que contém essa palavra.",
        "File that holds that word.",
    ),
    optional(
        "access_token",
        Kind::Password,
        "\"…\"",
        "Token de um usuário do sistema, com que as respostas saem. Sem ele, elas saem por [callbacks] ou são lidas da \
         caixa de saída. Prefira access_token_file ou uma variável de ambiente.",
        "Token of a system user, under which replies leave. Without it they leave through [callbacks] or are read from \
         the outbox. Prefer access_token_file or an environment variable.",
    ),
    optional(
        "access_token_file",
        Kind::SecretFile,
        "\"/run/secrets/atende-whatsapp-token\"",
        "Arquivo que contém o token.",
        "File that holds the token.",
    ),
    optional(
        "template",
        Kind::Text,
        "\"resposta_do_atendimento\"",
        "Modelo aprovado que leva uma resposta mais de 24 horas depois da última mensagem do cliente: {{1}} é o \
         protocolo, {{2}} a resposta. Sem ele, a resposta vai para a equipe.",
        "Approved template that carries a reply more than 24 hours after the customer's last message: {{1}} is the \
         ticket's number, {{2}} the reply. Without it the reply goes to people.",
    ),
    key(
        "read_receipts",
        Kind::Flag,
        "O cliente vê que a mensagem foi lida, e \"digitando…\" enquanto a resposta é feita.",
        "Customers see that their message was read, and \"typing…\" while a reply is made.",
    ),
    optional(
        "base_url",
        Kind::Text,
        "\"https://graph.facebook.com\"",
        "Endereço da API, se não for o da Meta.",
        "Where the API is, unless it is at Meta.",
    ),
    optional("version", Kind::Text, "\"v25.0\"", "Versão da API.", "The API's version."),
    key(
        "timeout_secs",
        Kind::Integer(1, 120),
        "Espera máxima por uma chamada, em segundos.",
        "How long one call may take, in seconds.",
    ),
];
