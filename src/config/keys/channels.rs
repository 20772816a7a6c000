//! The keys of networks that we are a client of.

use super::{Key, Kind, key, optional};

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
