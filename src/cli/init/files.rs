//! The files of a company's folder, written in its language.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rust_embed::RustEmbed;

use super::Company;
use super::hours::Week;
use crate::config::{FILE_NAME, Words, company_file};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/templates/reply"]
#[allow_missing = true]
struct Templates;

/// A file to write.
pub(super) struct File {
    /// Its path within the folder.
    pub(super) path: PathBuf,
    /// What it holds.
    pub(super) text: String,
    /// Whether it is one of many that come from the program as they are.
    pub(super) is_copy: bool,
}

/// The days as a policy spells them, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Returns every file of a company's folder.
pub(super) fn all(company: &Company) -> Vec<File> {
    let locale = company.locale;
    let set = BTreeMap::from([
        ("policy.file", "policy.yaml"),
        ("knowledge.dir", "knowledge"),
        ("templates.dir", "templates"),
    ]);
    let read_me = Words { pt: "LEIA-ME.txt", en: "README.txt" }.in_locale(locale);
    let mut files = vec![
        file(FILE_NAME, company_file(locale, &set)),
        file("policy.yaml", policy(company)),
        file(&format!("templates/{read_me}"), TEMPLATES.in_locale(locale).to_owned()),
        file(&format!("knowledge/{read_me}"), KNOWLEDGE.in_locale(locale).to_owned()),
        file("knowledge/pt-BR/billing/exemplo.md.exemplo", ARTICLE.pt.to_owned()),
        file("knowledge/en/billing/example.md.example", ARTICLE.en.to_owned()),
    ];
    let mut names: Vec<_> = Templates::iter().filter(|name| name.ends_with(".hbs")).collect();
    names.sort();
    for name in names {
        if let Some(found) = Templates::get(&name) {
            files.push(File {
                path: PathBuf::from(format!("templates/{name}")),
                text: String::from_utf8_lossy(&found.data).into_owned(),
                is_copy: true,
            });
        }
    }
    files
}

fn file(path: &str, text: String) -> File {
    File { path: PathBuf::from(path), text, is_copy: false }
}

fn policy(company: &Company) -> String {
    let quote = yaml_text;
    let name = &company.name;
    POLICY
        .in_locale(company.locale)
        .replace("{language}", company.locale.as_str())
        .replace("{hours}", hours(&company.hours).trim_end())
        .replace("{sou}", &quote(&format!("Sou a Aya, assistente de IA da equipe {name}.")))
        .replace("{i_am}", &quote(&format!("I am Aya, the AI assistant of {name}.")))
        .replace("{brand}", &quote(name))
}

fn hours(week: &Week) -> String {
    let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let lines = DAYS.iter().enumerate().map(|(index, day)| {
        let spans: Vec<String> = week
            .get(&index)
            .into_iter()
            .flatten()
            .map(|(from, until)| format!("\"{}-{}\"", clock(*from), clock(*until)))
            .collect();
        format!("        {day}: [{}]\n", spans.join(", "))
    });
    lines.collect()
}

/// Quotes a text for YAML. JSON's strings are YAML's, but for what a name of a company cannot hold.
fn yaml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const POLICY: Words = Words {
    pt: "\
# Política de atendimento da empresa. Parte do pacote saas-br: o que está aqui substitui o que está lá,
# e todo o resto vale como veio.
extends: saas-br

# Quem fala com o cliente.
business:
  # O nome que os clientes conhecem.
  brand: {brand}
  # Idioma das respostas a quem não escreve em português nem em inglês.
  default_language: {language}
  # Fuso horário, como em America/Manaus ou America/Rio_Branco.
  time_zone: America/Sao_Paulo
  # O nome da assistente e a frase com que ela se apresenta; a frase precisa dizer que quem escreve é uma
  # máquina.
  ai_name: {pt-BR: Aya, en: Aya}
  ai_disclosure:
    pt-BR: {sou}
    en: {i_am}

# Horário de atendimento; um dia com [] está fechado.
sla:
  calendars:
    business:
      days:
{hours}
",
    en: "\
# The company's support policy. It starts from the pack saas-br: what stands here replaces what stands
# there, and all the rest holds as it came.
extends: saas-br

# Who speaks to the customer.
business:
  # The name that customers know.
  brand: {brand}
  # Language of replies to those who write neither Portuguese nor English.
  default_language: {language}
  # Time zone, such as America/New_York or Europe/Lisbon.
  time_zone: America/Sao_Paulo
  # The assistant's name and the sentence it introduces itself with; the sentence must say that a machine
  # is writing.
  ai_name: {pt-BR: Aya, en: Aya}
  ai_disclosure:
    pt-BR: {sou}
    en: {i_am}

# Business hours; a day with [] is closed.
sla:
  calendars:
    business:
      days:
{hours}
",
};

const TEMPLATES: Words = Words {
    pt: "Modelos de resposta

Cada arquivo .hbs desta pasta substitui o modelo de mesmo nome que vem no programa. Mude os que quiser e
apague os que não for mudar: para estes volta a valer o do programa, que melhora a cada versão.

O nome diz para que serve: <família>.<idioma>.hbs, ou <família>.<canal>.<idioma>.hbs quando o texto muda
em um canal. Os modelos usam Handlebars; uma variável que não existe é recusada com arquivo e linha.

Um programa em execução percebe a mudança em poucos segundos. Se o arquivo tiver um erro, continua valendo
a última versão boa.
",
    en: "Reply templates

Each .hbs file in this folder replaces the template of the same name that comes with the program. Change
those you like and delete those you leave alone: the program's own, which improves with each version, then
takes their place again.

The name says what it is for: <family>.<locale>.hbs, or <family>.<channel>.<locale>.hbs where a channel
needs other words. Templates are written in Handlebars; a variable that does not exist is refused with file
and line.

A running program notices a change within seconds. If the file has a mistake, the last good version holds.
",
};

const KNOWLEDGE: Words = Words {
    pt: "Artigos em que as respostas se apoiam

Um artigo por arquivo: <idioma>/<categoria>/<assunto>.md, com idioma pt-BR ou en. A pasta da categoria é a
da política (billing, technical, onboarding, ...), e o mesmo artigo tem o mesmo nome nos dois idiomas.

Para começar, copie pt-BR/billing/exemplo.md.exemplo com outro nome que termine em .md. Arquivos que não
terminam em .md não são lidos.

O que faz um artigo responder bem: o título é a pergunta ou a ação; o primeiro parágrafo já responde; os
passos são numerados; e em questions ficam as perguntas do jeito que os clientes escrevem.
",
    en: "Articles that replies rest on

One article per file: <locale>/<category>/<topic>.md, with the locale pt-BR or en. The folder of the
category is the policy's (billing, technical, onboarding, ...), and an article has the same name in both
languages.

To begin, copy en/billing/example.md.example to another name that ends in .md. Files that do not end in .md
are not read.

What makes an article answer well: its title is the question or the action; its first paragraph answers at
once; steps are numbered; and questions holds the questions as customers write them.
",
};

const ARTICLE: Words = Words {
    pt: "---
# Título: a pergunta ou a ação, como o cliente diria.
title: Como mudar a forma de pagamento
# A categoria da política; é também o nome da pasta.
category: billing
# Para quem é: customers (vai para as respostas) ou agents (só a equipe vê).
audience: customers
# Quando as informações foram conferidas pela última vez.
updated: 2026-01-31
# Perguntas que este artigo responde, com as palavras dos clientes.
questions:
  - Como troco o cartão da assinatura?
  - Dá para pagar no Pix?
  - Quero mudar a forma de pagamento
---
Comece pela resposta, em uma ou duas frases que façam sentido sozinhas.

## Passo a passo

1. Diga onde a pessoa entra.
2. Diga o que ela escolhe.
3. Diga como ela sabe que deu certo.

## E se não funcionar

Diga o que conferir e quando chamar uma pessoa da equipe.
",
    en: "---
# Title: the question or the action, as a customer would put it.
title: How to change the payment method
# The policy's category; it is also the name of the folder.
category: billing
# Whom it is for: customers (it goes into replies) or agents (only the team sees it).
audience: customers
# When its facts were last checked.
updated: 2026-01-31
# Questions that this article answers, in the words of customers.
questions:
  - How do I change the card on my subscription?
  - Can I pay another way?
  - I want to switch my payment method
---
Start with the answer, in one or two sentences that make sense on their own.

## Step by step

1. Say where the person goes.
2. Say what they choose.
3. Say how they know that it worked.

## If it does not work

Say what to check and when to ask a person of the team.
",
};
