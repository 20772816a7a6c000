//! The Portuguese of the commands about language models and what they are told.

use super::{Portuguese, arg_pt, command_pt};
use crate::config::Words;

/// How many days a report may go back.
pub(in crate::cli) const DAYS: Words =
    Words { pt: "use um número inteiro de 1 a 366", en: "use a whole number from 1 to 366" };

pub(super) const MODELS: &[Portuguese] = &[
    command_pt("models", "Testa os modelos de linguagem e mostra o que eles fizeram", ""),
    command_pt(
        "models check",
        "Faz uma pergunta a cada modelo configurado e diz o que ele oferece",
        "Custa uma pergunta curta por modelo. Termina com 1 quando um modelo não responde como deve.",
    ),
    arg_pt("models check", "json", "", "Escreve JSON"),
    command_pt(
        "models stats",
        "Mostra o que se perguntou aos modelos, quanto demorou e quanto custou",
        "",
    ),
    arg_pt("models stats", "days", "DIAS", "Quantos dias para trás"),
    arg_pt("models stats", "tenant", "EMPRESA", "De que empresa (padrão: main)"),
    arg_pt("models stats", "json", "", "Escreve JSON"),
    command_pt("prompts", "Mostra e confere o que se diz aos modelos de linguagem", ""),
    command_pt("prompts list", "Lista os prompts com a finalidade e o hash", ""),
    arg_pt("prompts list", "tenant", "EMPRESA", "De que empresa são (padrão: main)"),
    arg_pt("prompts list", "json", "", "Escreve JSON"),
    command_pt(
        "prompts show",
        "Mostra um prompt: para que serve, as variáveis, os exemplos, a forma da resposta",
        "",
    ),
    arg_pt("prompts show", "prompt", "PROMPT", "O nome do prompt, como draft.pt-BR"),
    arg_pt("prompts show", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt(
        "prompts render",
        "Mostra um prompt como o modelo o lê, preenchido com um dos exemplos",
        "",
    ),
    arg_pt("prompts render", "prompt", "PROMPT", "O nome do prompt, como draft.pt-BR"),
    arg_pt("prompts render", "sample", "EXEMPLO", "O exemplo que o preenche (padrão: o primeiro)"),
    arg_pt("prompts render", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt(
        "prompts check",
        "Confere todos os prompts e diz tudo o que está errado, linha por linha",
        "Toda variável existe, as palavras de clientes e artigos entram uma só vez, como dados, a resposta pedida tem o \
         que o programa lê, e cada exemplo preenche o seu prompt. Diz também que arquivos da pasta não são lidos. Termina \
         com 1 se houver problemas.",
    ),
    arg_pt("prompts check", "tenant", "EMPRESA", "De que empresa são (padrão: main)"),
];
