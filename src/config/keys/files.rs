//! The keys of `[files]` and `[transcriber]`.

use super::{Key, Kind, key, optional};

pub(super) const FILES: &[Key] = &[key(
    "max_mb",
    Kind::Integer(1, 100),
    "Maior arquivo que é buscado, em megabytes; os maiores são recusados, e a conversa segue sem eles.",
    "Largest file that is fetched, in megabytes; larger ones are refused, and the conversation goes on without them.",
)];

pub(super) const TRANSCRIBER: &[Key] = &[
    optional(
        "base_url",
        Kind::ModelUrl,
        "\"https://api.openai.com/v1\"",
        "Endereço compatível com a OpenAI; /audio/transcriptions é acrescentado. Sem ele, áudios vão para a equipe. O \
         áudio sai inteiro, com a voz e tudo o que foi dito.",
        "OpenAI-compatible address; /audio/transcriptions is added. Without it voice notes go to people. The recording \
         leaves whole, with the voice and everything that was said.",
    ),
    optional(
        "key",
        Kind::Password,
        "\"…\"",
        "Chave de acesso. Prefira key_file ou uma variável de ambiente.",
        "Access key. Prefer key_file or an environment variable.",
    ),
    optional(
        "key_file",
        Kind::SecretFile,
        "\"/run/secrets/atende-transcriber\"",
        "Arquivo que contém a chave, em vez de key.",
        "File that holds the key, instead of key.",
    ),
    optional(
        "model",
        Kind::Text,
        "\"whisper-1\"",
        "Nome do modelo, como o endereço o conhece.",
        "Name of the model, as the endpoint knows it.",
    ),
    key(
        "timeout_secs",
        Kind::Integer(1, 240),
        "Quanto tempo uma tentativa pode demorar, em segundos. A conversa espera até um minuto pelas palavras.",
        "How long one attempt may take, in seconds. The conversation waits up to a minute for the words.",
    ),
    key(
        "max_seconds",
        Kind::Integer(1, 7200),
        "Maior duração de um áudio que é transcrito, em segundos; os mais longos vão para a equipe.",
        "Longest recording that is written down, in seconds; longer ones go to people.",
    ),
    optional(
        "price_per_minute",
        Kind::Decimal(0, 1_000),
        "0.006",
        "Preço de um minuto, em dólares; conta para [models.budget]. Sem ele, o custo é desconhecido.",
        "Price of a minute, in US dollars; it counts towards [models.budget]. Without it the cost is unknown.",
    ),
];
