//! The keys of networks that we are a client of.

use super::{Key, Kind, optional};

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
];
