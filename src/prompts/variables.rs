//! The variables that prompts have: what each holds, and whose words those are.

use crate::domain::decision::LocalText;

/// What a variable holds.
#[derive(Debug)]
pub(super) enum Shape {
    /// A word or a number of the program's or the business's own: it may stand anywhere.
    Own,
    /// Words of customers, agents or articles: they get in through `data` alone.
    Data,
    /// The same, or nothing: `data` stands inside an `{{#if}}`.
    Maybe,
    /// Any number of these.
    List(&'static Shape),
    /// Something with parts.
    Parts(&'static [Variable]),
}

/// A variable, or a part of one.
#[derive(Debug)]
pub struct Variable {
    /// Its name, as prompts write it.
    pub name: &'static str,
    pub(super) shape: Shape,
    pt: &'static str,
    en: &'static str,
}

impl Variable {
    /// Returns what it holds.
    pub fn meaning(&self) -> LocalText {
        LocalText::new(self.pt, self.en)
    }

    /// Returns it as prompts reach it, with its parts (`passages[].n`, `passages[].text`); `true` beside what holds
    /// somebody else's words, which get in through `data` alone.
    pub fn paths(&self) -> Vec<(String, bool)> {
        fn add(path: String, shape: &Shape, paths: &mut Vec<(String, bool)>) {
            match shape {
                Shape::Own => paths.push((path, false)),
                Shape::Data | Shape::Maybe => paths.push((path, true)),
                Shape::List(inner) => add(format!("{path}[]"), inner, paths),
                Shape::Parts(parts) => {
                    for part in *parts {
                        add(format!("{path}.{}", part.name), &part.shape, paths);
                    }
                }
            }
        }
        let mut paths = Vec::new();
        add(self.name.to_owned(), &self.shape, &mut paths);
        paths
    }
}

const fn variable(
    name: &'static str,
    shape: Shape,
    pt: &'static str,
    en: &'static str,
) -> Variable {
    Variable { name, shape, pt, en }
}

/// A part whose meaning its whole tells.
const fn part(name: &'static str, shape: Shape) -> Variable {
    Variable { name, shape, pt: "", en: "" }
}

const CANARY: Variable = variable(
    "canary",
    Shape::Own,
    "marca sigilosa que nunca pode voltar numa resposta",
    "private mark that must never come back in an answer",
);
const BRAND: Variable =
    variable("brand", Shape::Own, "o nome da empresa", "the name of the business");
const CHANNEL: Variable = variable(
    "channel",
    Shape::Own,
    "whatsapp, email, web_form, chat, phone ou api",
    "whatsapp, email, web_form, chat, phone or api",
);
const LANGUAGE: Variable = variable(
    "language",
    Shape::Own,
    "pt-BR ou en: o idioma da resposta",
    "pt-BR or en: the reply's",
);
const LIMIT: Variable = variable(
    "limit",
    Shape::Own,
    "quantos caracteres a resposta pode ter",
    "how many characters the reply may have",
);
const REGISTER: Variable = variable(
    "register",
    Shape::Own,
    "como o cliente escreve: formal, informal…",
    "how the customer writes: formal, casual…",
);
const SENTIMENT: Variable =
    variable("sentiment", Shape::Own, "o humor do cliente", "the customer's mood");
const TONE: Variable = variable(
    "tone",
    Shape::List(&Shape::Own),
    "o tom da casa, da política",
    "the voice of the house, from the policy",
);
const ALWAYS: Variable = variable(
    "always",
    Shape::List(&Shape::Own),
    "o que a política manda fazer sempre",
    "what the policy wants always",
);
const NEVER: Variable = variable(
    "never",
    Shape::List(&Shape::Own),
    "o que a política proíbe",
    "what the policy forbids",
);
const CATEGORIES: Variable = variable(
    "categories",
    Shape::List(&Shape::Parts(&[
        part("id", Shape::Own),
        part("name", Shape::Own),
        part("description", Shape::Own),
        part(
            "subcategories",
            Shape::List(&Shape::Parts(&[part("id", Shape::Own), part("name", Shape::Own)])),
        ),
    ])),
    "as categorias da política",
    "the policy's categories",
);
const SIGNALS: Variable = variable(
    "signals",
    Shape::List(&Shape::Parts(&[part("id", Shape::Own), part("meaning", Shape::Own)])),
    "os sinais que o modelo pode reconhecer",
    "the signals that a model may report",
);
const STATED: Variable = variable(
    "stated",
    Shape::Maybe,
    "o assunto escolhido no formulário",
    "the topic that the form states",
);
const SUBJECT: Variable =
    variable("subject", Shape::Maybe, "o assunto do e-mail", "the subject of the mail");
const HISTORY: Variable = variable(
    "history",
    Shape::List(&Shape::Parts(&[part("author", Shape::Own), part("text", Shape::Data)])),
    "a conversa até aqui, do começo para o fim",
    "the conversation so far, from its beginning",
);
const MESSAGE: Variable = variable(
    "message",
    Shape::Data,
    "o que o cliente escreveu agora",
    "what the customer has just written",
);
const FACTS: Variable = variable(
    "facts",
    Shape::List(&Shape::Data),
    "o que se sabe do ticket",
    "what is known of the ticket",
);
const PASSAGES: Variable = variable(
    "passages",
    Shape::List(&Shape::Parts(&[part("n", Shape::Own), part("text", Shape::Data)])),
    "os trechos dos artigos, numerados",
    "the passages of the articles, numbered",
);
const DRAFT: Variable = variable(
    "draft",
    Shape::Data,
    "o rascunho que não passou na conferência",
    "the draft that did not pass the checks",
);
const COMPLAINTS: Variable = variable(
    "complaints",
    Shape::List(&Shape::Data),
    "o que a conferência achou de errado",
    "what the checks found wrong",
);

const PRESENT: Variable =
    variable("draft", Shape::Data, "o rascunho como está agora", "the draft as it stands");
const INSTRUCTION: Variable = variable(
    "instruction",
    Shape::Data,
    "a mudança que uma pessoa da equipe pede",
    "the change that somebody of the team asks for",
);

/// What the program reads in an answer: a path of the schema, and the type that stands there.
pub(super) type Answer = &'static [(&'static str, &'static str)];

/// A prompt that the program asks with.
#[derive(Debug)]
pub(super) struct Asked {
    /// The beginning of its file's name.
    pub(super) id: &'static str,
    /// What it can show.
    pub(super) variables: Shape,
    /// The words that it must show: without them the question is none.
    pub(super) shown: &'static [&'static str],
    /// What is read in the answer.
    pub(super) answer: Answer,
    /// The lists that stand in the place of `$name` in its schema.
    pub(super) lists: &'static [&'static str],
}

const REPLY: Answer = &[
    ("language", "string"),
    ("open_questions", "array"),
    ("open_questions[]", "string"),
    ("sentences", "array"),
    ("sentences[]", "object"),
    ("sentences[].text", "string"),
    ("sentences[].cites", "array"),
    ("sentences[].cites[]", "integer"),
    ("sentences[].layout", "string"),
    ("promises", "array"),
    ("promises[]", "string"),
    ("needs_human", "boolean"),
];

/// Every prompt that the program asks with.
pub(super) static ASKED: &[Asked] = &[
    Asked {
        id: "triage",
        variables: Shape::Parts(&[
            CANARY, BRAND, CHANNEL, CATEGORIES, SIGNALS, STATED, SUBJECT, HISTORY, MESSAGE,
        ]),
        shown: &["message"],
        answer: &[
            ("category", "string"),
            ("subcategory", "string"),
            ("urgency", "string"),
            ("sentiment", "string"),
            ("complexity", "string"),
            ("signals", "array"),
            ("signals[]", "string"),
            ("needs_human", "boolean"),
        ],
        lists: &[
            "categories",
            "subcategories",
            "urgencies",
            "sentiments",
            "complexities",
            "signals",
        ],
    },
    Asked {
        id: "draft",
        variables: Shape::Parts(&[
            CANARY, BRAND, CHANNEL, LANGUAGE, LIMIT, REGISTER, SENTIMENT, TONE, ALWAYS, NEVER,
            FACTS, PASSAGES, SUBJECT, HISTORY, MESSAGE,
        ]),
        shown: &["message", "passages[].text"],
        answer: REPLY,
        lists: &[],
    },
    Asked {
        id: "repair",
        variables: Shape::Parts(&[
            CANARY, BRAND, CHANNEL, LANGUAGE, LIMIT, REGISTER, SENTIMENT, TONE, ALWAYS, NEVER,
            FACTS, PASSAGES, SUBJECT, HISTORY, MESSAGE, DRAFT, COMPLAINTS,
        ]),
        shown: &["message", "passages[].text", "draft", "complaints[]"],
        answer: REPLY,
        lists: &[],
    },
    Asked {
        id: "again",
        variables: Shape::Parts(&[
            CANARY,
            BRAND,
            CHANNEL,
            LANGUAGE,
            LIMIT,
            REGISTER,
            SENTIMENT,
            TONE,
            ALWAYS,
            NEVER,
            FACTS,
            PASSAGES,
            SUBJECT,
            HISTORY,
            MESSAGE,
            PRESENT,
            INSTRUCTION,
        ]),
        shown: &["message", "passages[].text", "draft", "instruction"],
        answer: REPLY,
        lists: &[],
    },
];

/// Returns the prompt of that id.
pub(super) fn asked(id: &str) -> Option<&'static Asked> {
    ASKED.iter().find(|one| one.id == id)
}

/// Returns the variables that a prompt has; none where the program asks with no such prompt.
pub fn variables(id: &str) -> &'static [Variable] {
    match asked(id).map(|one| &one.variables) {
        Some(Shape::Parts(variables)) => variables,
        _ => &[],
    }
}

/// Returns the known word that a mistyped one most likely meant.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let folded = word.to_lowercase().replace('_', "-");
    known
        .iter()
        .map(|candidate| (*candidate, candidate.to_lowercase().replace('_', "-")))
        .filter(|(_, other)| {
            // Likeness alone takes long words with one beginning for the same, edits alone any two short ones.
            let edits = strsim::damerau_levenshtein(&folded, other);
            edits <= 1 + other.chars().count() / 4 && strsim::jaro_winkler(&folded, other) >= 0.8
        })
        .max_by(|a, b| {
            strsim::jaro_winkler(&folded, &a.1).total_cmp(&strsim::jaro_winkler(&folded, &b.1))
        })
        .map(|(candidate, _)| candidate)
}
