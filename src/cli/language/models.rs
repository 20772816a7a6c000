//! The Portuguese of the commands about language models and what they are told.

use super::{Portuguese, arg_pt, command_pt};

pub(super) const MODELS: &[Portuguese] = &[
    command_pt("models", "Mostra os modelos de linguagem", ""),
    command_pt(
        "models check",
        "Faz uma pergunta a cada modelo configurado e diz o que ele sabe fazer",
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
    command_pt("prompts", "Mostra o que se diz aos modelos de linguagem", ""),
    command_pt("prompts list", "Lista os prompts com a finalidade e o hash", ""),
    arg_pt("prompts list", "tenant", "EMPRESA", "De que empresa são (padrão: main)"),
    arg_pt("prompts list", "json", "", "Escreve JSON"),
    command_pt(
        "prompts show",
        "Mostra um prompt: para que serve, a forma da resposta, os exemplos",
        "",
    ),
    arg_pt("prompts show", "prompt", "PROMPT", "O nome do prompt, como draft.pt-BR"),
    arg_pt("prompts show", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt(
        "prompts render",
        "Mostra um prompt como um modelo o leria, com um dos seus exemplos",
        "",
    ),
    arg_pt("prompts render", "prompt", "PROMPT", "O nome do prompt, como draft.pt-BR"),
    arg_pt("prompts render", "sample", "EXEMPLO", "O exemplo que o preenche (padrão: o primeiro)"),
    arg_pt("prompts render", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt(
        "prompts check",
        "Confere todos os prompts: eles se deixam preencher, e as palavras dos clientes ficam como dados",
        "",
    ),
    arg_pt("prompts check", "tenant", "EMPRESA", "De que empresa são (padrão: main)"),
];
