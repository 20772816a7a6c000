//! The keys of the sections about language models.

use super::{Key, Kind, key, optional};
use crate::adapters::openai::FIELDS;

pub(super) const MODELS: &[Key] = &[
    key(
        "drafts",
        Kind::Word(&["always", "unsure"]),
        "always: um modelo escreve todo rascunho. unsure: só quando a resposta tirada dos artigos não basta.",
        "always: a model writes every draft. unsure: only where the answer taken from the articles is not enough.",
    ),
    key(
        "turn_secs",
        Kind::Integer(1, 600),
        "Quanto tempo podem levar, juntas, todas as perguntas sobre as mesmas mensagens, em segundos; passado esse \
         tempo, vale o que já se sabe.",
        "How long all questions about one turn may take together, in seconds; after that, what is known decides.",
    ),
    key(
        "in_flight",
        Kind::Integer(1, 4096),
        "Quantas conversas esperam por um modelo ao mesmo tempo.",
        "How many conversations wait for a model at once.",
    ),
    key(
        "samples",
        Kind::Integer(1, 5),
        "Quantas vezes se pergunta ao modelo do que trata a mensagem; mais de uma mostra o quanto ele está seguro.",
        "How many times a model is asked what a turn is about; more than one shows how sure it is.",
    ),
];

pub(super) const RUNG: &[Key] = &[
    key(
        "profile",
        Kind::Word(&["openai", "gemini", "ollama", "vllm", "llamacpp", "other"]),
        "De quem é o dialeto do endereço: decide quais campos são enviados e como a forma da resposta é exigida.",
        "Whose dialect the endpoint speaks: it decides which fields are sent and how the shape of answers is \
         demanded.",
    ),
    optional(
        "base_url",
        Kind::ModelUrl,
        "\"https://api.openai.com/v1\"",
        "Endereço compatível com a OpenAI; /chat/completions é acrescentado. Sem ele, este modelo não é usado.",
        "OpenAI-compatible address; /chat/completions is added. Without it this model is not used.",
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
        "\"/run/secrets/atende-model\"",
        "Arquivo que contém a chave, em vez de key.",
        "File that holds the key, instead of key.",
    ),
    optional(
        "model",
        Kind::Text,
        "\"gpt-6-luna\"",
        "Nome do modelo, como o endereço o conhece.",
        "Name of the model, as the endpoint knows it.",
    ),
    optional(
        "temperature",
        Kind::Decimal(0, 2),
        "0.2",
        "Liberdade na escolha das palavras. Sem ela, vale a do provedor; modelos de raciocínio não a aceitam.",
        "Freedom in the choice of words. Without it the provider's; reasoning models take none.",
    ),
    optional(
        "seed",
        Kind::Integer(0, i64::MAX),
        "7",
        "Número que torna as respostas repetíveis, onde o provedor consegue.",
        "Number that makes answers repeatable, where the provider can.",
    ),
    optional(
        "effort",
        Kind::Word(&["none", "minimal", "low", "medium", "high"]),
        "\"low\"",
        "Quanto um modelo de raciocínio pensa antes de responder. Para triagem, none ou low.",
        "How much a reasoning model thinks before it answers. For triage, none or low.",
    ),
    optional(
        "output",
        Kind::Word(&["json_schema", "json_object", "prompt"]),
        "\"json_schema\"",
        "Como a forma da resposta é exigida. Sem ele, o melhor que o dialeto conhece.",
        "How the shape of answers is demanded. Without it, the best that the dialect knows.",
    ),
    optional(
        "fields",
        Kind::Words(FIELDS),
        "\"temperature,response_format\"",
        "Campos opcionais que são enviados, separados por vírgula, em vez dos do dialeto.",
        "Optional fields that are sent, separated by commas, instead of the dialect's.",
    ),
    key(
        "timeout_secs",
        Kind::Integer(1, 300),
        "Quanto tempo uma tentativa pode demorar, em segundos.",
        "How long one attempt may take, in seconds.",
    ),
    key("attempts", Kind::Integer(1, 8), "Tentativas por pergunta.", "Attempts for one question."),
    key(
        "max_output",
        Kind::Integer(16, 100_000),
        "Tamanho máximo da resposta, em tokens, com o raciocínio oculto.",
        "Longest answer, in tokens, hidden reasoning among them.",
    ),
    optional(
        "context",
        Kind::Integer(512, 10_000_000),
        "8192",
        "Quantos tokens o modelo aceita, pergunta e resposta juntas. No Ollama, o mesmo valor de \
         OLLAMA_CONTEXT_LENGTH.",
        "How many tokens the model takes, question and answer together. With Ollama, the value of \
         OLLAMA_CONTEXT_LENGTH.",
    ),
    optional(
        "requests_per_minute",
        Kind::Integer(1, 1_000_000),
        "500",
        "Limite de requisições por minuto.",
        "Limit of requests per minute.",
    ),
    optional(
        "tokens_per_minute",
        Kind::Integer(100, 1_000_000_000),
        "200000",
        "Limite de tokens por minuto.",
        "Limit of tokens per minute.",
    ),
    key("in_flight", Kind::Integer(1, 4096), "Requisições ao mesmo tempo.", "Requests at once."),
    optional(
        "price_input",
        Kind::Decimal(0, 10_000),
        "0.10",
        "Preço da pergunta, em dólares por milhão de tokens. Sem ele, o custo é desconhecido; escreva 0 se nada \
         é cobrado.",
        "Price of the question, in US dollars per million tokens. Without it the cost is unknown; write 0 where \
         nothing is charged.",
    ),
    optional(
        "price_cached",
        Kind::Decimal(0, 10_000),
        "0.01",
        "Preço dos tokens que o provedor já tinha em cache, em dólares por milhão. Sem ele, o da pergunta.",
        "Price of tokens that the provider had cached, in US dollars per million. Without it, that of the question.",
    ),
    optional(
        "price_output",
        Kind::Decimal(0, 10_000),
        "0.50",
        "Preço da resposta, em dólares por milhão de tokens. Sem ele, o custo é desconhecido; escreva 0 se nada \
         é cobrado.",
        "Price of the answer, in US dollars per million tokens. Without it the cost is unknown; write 0 where \
         nothing is charged.",
    ),
];

pub(super) const BUDGET: &[Key] = &[
    optional(
        "daily_usd",
        Kind::Decimal(0, 1_000_000),
        "5.0",
        "Dólares por dia (UTC) e empresa. Sem ele, sem limite.",
        "US dollars a day (UTC) and business. Without it there is no limit.",
    ),
    optional(
        "monthly_usd",
        Kind::Decimal(0, 10_000_000),
        "100.0",
        "Dólares por mês (UTC) e empresa. Sem ele, sem limite.",
        "US dollars a month (UTC) and business. Without it there is no limit.",
    ),
    key(
        "escalation_off_at",
        Kind::Integer(0, 100),
        "Porcentagem gasta a partir da qual o modelo mais capaz não é mais consultado.",
        "Percentage spent from which the more capable model is not asked any more.",
    ),
    key(
        "embedded_only_at",
        Kind::Integer(0, 100),
        "Porcentagem gasta a partir da qual nenhum modelo é consultado: valem os motores do próprio programa.",
        "Percentage spent from which no model is asked any more: the program's own engines carry on alone.",
    ),
    optional(
        "drafts_only_at",
        Kind::Integer(0, 100),
        "100",
        "Porcentagem gasta a partir da qual nada mais é enviado sem uma pessoa. Sem ela, o que a política deixa \
         sair continua saindo.",
        "Percentage spent from which nothing leaves without a person any more. Without it, what the policy \
         lets out is still sent.",
    ),
];
