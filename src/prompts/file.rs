//! Reads a prompt file: front matter, then the two parts, `=== system` and `=== user`.

use serde_json::{Map, Value};

use super::variables::{asked, nearest};
use super::walk::meant;
use super::{Problem, folder, schema};
use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;

const HEAD: &[&str] = &["id", "purpose", "hints", "output_schema", "samples"];

/// What stands between the two lines of `---`.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) purpose: LocalText,
    /// The longest answer that an endpoint may be asked for.
    pub(super) max_output: Option<u32>,
    pub(super) output_schema: Option<Value>,
    pub(super) samples: Vec<Sample>,
}

/// The longest answer that a prompt may ask for, in tokens: as for `max_output` of a model.
const LONGEST_ANSWER: u32 = 100_000;

/// A case to try a prompt with.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its name, for `prompts render --sample`.
    pub id: String,
    /// What the prompt's variables hold in it, over those that every case has.
    pub context: Map<String, Value>,
    /// The line of its name in the file.
    pub(super) line: usize,
}

/// A file's parts, each with the number of lines above it.
pub(super) struct Read<'a> {
    pub(super) id: &'a str,
    pub(super) locale: Option<Locale>,
    pub(super) head: Head,
    pub(super) system: (usize, String),
    pub(super) user: (usize, String),
}

/// Reads a file, or says everything that is wrong with it.
pub(super) fn read<'a>(file: &'a str, text: &str) -> Result<Read<'a>, Vec<Problem>> {
    let (id, locale) = folder::named(file).map_err(|problem| vec![problem])?;
    let at = |line: usize, pt: &str, en: &str| {
        vec![Problem { file: file.to_owned(), line, message: LocalText::new(pt, en) }]
    };
    let lines: Vec<&str> = text.lines().collect();
    if lines.first().is_none_or(|line| line.trim_end() != "---") {
        return Err(at(
            1,
            "comece o arquivo pelo cabeçalho, entre duas linhas de `---`",
            "start the file with front matter between two lines of `---`",
        ));
    }
    let Some(end) = lines.iter().skip(1).position(|line| line.trim_end() == "---") else {
        return Err(at(
            1,
            "o cabeçalho não tem fim; feche-o com uma linha de `---`",
            "the front matter has no end; add a line of `---`",
        ));
    };
    let front = lines.get(1..=end).unwrap_or_default();
    let body = lines.get(end + 2..).unwrap_or_default();
    let mut form = Form { file, front, problems: Vec::new() };
    let head = form.head(id);
    let mut problems = form.problems;
    match parts(body) {
        Ok(((system_at, system), (user_at, user))) if problems.is_empty() => Ok(Read {
            id,
            locale,
            head,
            system: (end + 2 + system_at, system),
            user: (end + 2 + user_at, user),
        }),
        Ok(_) => Err(problems),
        Err((line, pt, en)) => {
            problems.extend(at(end + 2 + line, &pt, &en));
            Err(problems)
        }
    }
}

/// A part with the number of lines above it.
type Cut = (usize, String);

/// Cuts a body into its two parts.
fn parts(body: &[&str]) -> Result<(Cut, Cut), (usize, String, String)> {
    let places = |wanted: &str| -> Vec<usize> {
        let is_it = |line: &&str| line.trim_end() == wanted;
        body.iter().enumerate().filter(|(_, line)| is_it(line)).map(|(at, _)| at).collect()
    };
    let (systems, users) = (places("=== system"), places("=== user"));
    let ([system, more @ ..], [user, again @ ..]) = (systems.as_slice(), users.as_slice()) else {
        return Err(unordered());
    };
    if let Some(second) = more.first().or(again.first()) {
        let line = body.get(*second).map_or("", |line| line.trim_end());
        return Err((
            second + 1,
            format!("há uma segunda linha `{line}`; um prompt tem cada parte uma vez"),
            format!("there is a second line `{line}`; a prompt has each part once"),
        ));
    }
    if system > user {
        return Err(unordered());
    }
    if let Some(lost) = body.iter().take(*system).position(|line| !line.trim().is_empty()) {
        return Err((
            lost + 1,
            "este texto está acima de `=== system` e não chegaria ao modelo; leve-o para baixo"
                .to_owned(),
            "this text stands above `=== system` and would not reach the model; move it below"
                .to_owned(),
        ));
    }
    let between = body.get(system + 1..*user).unwrap_or_default();
    let after = body.get(user + 1..).unwrap_or_default();
    Ok(((system + 1, between.join("\n")), (user + 1, after.join("\n"))))
}

fn unordered() -> (usize, String, String) {
    (
        0,
        "escreva as duas partes abaixo de linhas `=== system` e `=== user`, nesta ordem".to_owned(),
        "write the two parts below lines of `=== system` and `=== user`, in this order".to_owned(),
    )
}

/// Front matter being read.
struct Form<'a> {
    file: &'a str,
    front: &'a [&'a str],
    problems: Vec<Problem>,
}

impl Form<'_> {
    fn add(&mut self, line: usize, pt: impl Into<String>, en: impl Into<String>) {
        let message = LocalText::new(pt, en);
        self.problems.push(Problem { file: self.file.to_owned(), line, message });
    }

    /// The line in the file of a key at the left edge.
    fn line_of(&self, key: &str) -> usize {
        let is_it = |line: &&str| {
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))
        };
        self.front.iter().position(is_it).map_or(1, |at| at + 2)
    }

    /// The first line after one in which all of these words stand.
    fn line_with(&self, after: usize, words: &[String]) -> usize {
        let ahead = self.front.iter().skip(after.saturating_sub(2));
        let is_it = |line: &&str| words.iter().all(|word| line.contains(word.as_str()));
        ahead.clone().position(is_it).map_or(after, |at| at + after)
    }

    fn head(&mut self, id: &str) -> Head {
        let Some(fields) = self.yaml() else { return Head::default() };
        for key in fields.keys().filter(|key| !HEAD.contains(&key.as_str())) {
            let (pt, en) = meant(nearest(key, HEAD).map(ToOwned::to_owned));
            let all = HEAD.join(", ");
            self.add(
                self.line_of(key),
                format!("o cabeçalho não tem `{key}`; tem {all}{pt}"),
                format!("front matter has no `{key}`; it has {all}{en}"),
            );
        }
        match fields.get("id").and_then(Value::as_str) {
            Some(own) if own == id => {}
            Some(own) => self.add(
                self.line_of("id"),
                format!("o id é `{own}`, mas o nome do arquivo diz `{id}`; deixe os dois iguais"),
                format!("its id is `{own}`, but the file is named for `{id}`; make them the same"),
            ),
            None => self.add(
                self.line_of("id"),
                format!("falta o id no cabeçalho; escreva id: {id}"),
                format!("the front matter lacks an id; write id: {id}"),
            ),
        }
        let schema_at = self.line_of("output_schema");
        for wrong in asked(id)
            .map(|asked| schema::wrong(asked, fields.get("output_schema")))
            .unwrap_or_default()
        {
            let line = self.line_with(schema_at, &wrong.near);
            self.problems.push(Problem {
                file: self.file.to_owned(),
                line,
                message: wrong.message,
            });
        }
        Head {
            purpose: self.purpose(fields.get("purpose")),
            max_output: self.max_output(fields.get("hints")),
            output_schema: fields.get("output_schema").cloned(),
            samples: self.samples(fields.get("samples")),
        }
    }

    fn yaml(&mut self) -> Option<Map<String, Value>> {
        let options = serde_saphyr::options! {
            strict_booleans: true,
            duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
            with_snippet: false,
        };
        let text = self.front.join("\n");
        match serde_saphyr::from_str_with_options::<Value>(&text, options) {
            Ok(Value::Object(fields)) => Some(fields),
            Ok(_) => {
                let all = HEAD.join(", ");
                self.add(
                    2,
                    format!("o cabeçalho é feito de linhas `chave: valor`; as chaves são {all}"),
                    format!("front matter is made of lines `key: value`; the keys are {all}"),
                );
                None
            }
            Err(error) => {
                let line = error.location().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1));
                let words = error.without_snippet().to_string();
                let words = words.lines().next().unwrap_or_default();
                let words = words.split(" at line ").next().unwrap_or_default();
                self.add(
                    line + 1,
                    format!("o cabeçalho não é YAML válido ({words}); confira o recuo, as aspas e os dois-pontos desta linha e da anterior"),
                    format!("the front matter is not valid YAML ({words}); check indentation, quotes and colons on this line and the one before"),
                );
                None
            }
        }
    }

    fn purpose(&mut self, value: Option<&Value>) -> LocalText {
        let word = |name: &str| value.and_then(|value| value.get(name)).and_then(Value::as_str);
        let others = value.and_then(Value::as_object).map_or(0, Map::len);
        if let (Some(pt), Some(en), 2) = (word("pt-BR"), word("en"), others) {
            return LocalText::new(pt, en);
        }
        self.add(
            self.line_of("purpose"),
            "diga em `purpose` para que serve o prompt, nos dois idiomas: um texto em pt-BR e um em en",
            "say under `purpose` what the prompt is for, in both languages: one text in pt-BR and one in en",
        );
        LocalText::default()
    }

    fn max_output(&mut self, value: Option<&Value>) -> Option<u32> {
        let hints = match value {
            None | Some(Value::Null) => return None,
            Some(Value::Object(hints)) => hints.clone(),
            Some(_) => Map::new(),
        };
        let longest =
            hints.get("max_output").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        if let Some(longest) = longest.filter(|longest| *longest > LONGEST_ANSWER) {
            let most = LONGEST_ANSWER;
            self.add(
                self.line_of("hints"),
                format!("max_output ({longest}) passa de {most} tokens, mais do que qualquer resposta daqui precisa"),
                format!("max_output ({longest}) is more than {most} tokens, which no answer here needs"),
            );
        }
        if longest.is_none_or(|n| n == 0) || hints.len() != 1 {
            self.add(
                self.line_of("hints"),
                "`hints` tem só max_output, o tamanho máximo da resposta em tokens: hints: {max_output: 1200}",
                "`hints` has max_output alone, the longest answer in tokens: hints: {max_output: 1200}",
            );
        }
        longest
    }

    fn samples(&mut self, value: Option<&Value>) -> Vec<Sample> {
        let at = self.line_of("samples");
        let list = value.and_then(Value::as_array).filter(|list| !list.is_empty());
        let Some(list) = list else {
            self.add(
                at,
                "dê ao menos um exemplo em `samples`, com que experimentar o prompt",
                "add at least one sample under `samples` to try the prompt with",
            );
            return Vec::new();
        };
        let mut samples: Vec<Sample> = Vec::new();
        for one in list {
            let id = one.get("id").and_then(Value::as_str).unwrap_or_default();
            let line = self.line_with(at + 1, &["id:".to_owned(), id.to_owned()]);
            let context = match one.get("context") {
                None => Some(Map::new()),
                Some(Value::Object(context)) => Some(context.clone()),
                Some(_) => None,
            };
            let others = one.as_object().map_or(0, Map::len);
            let counted = 1 + usize::from(one.get("context").is_some());
            let (Some(context), false, true) = (context, id.is_empty(), others == counted) else {
                self.add(
                    line,
                    "um exemplo tem id e context, e nada mais; em context ficam variáveis com seus valores",
                    "a sample has id and context and nothing else; in context stand variables with their values",
                );
                continue;
            };
            if samples.iter().any(|sample| sample.id == id) {
                self.add(
                    line,
                    format!("há dois exemplos de nome `{id}`; dê outro nome a um deles"),
                    format!("there are two samples named `{id}`; rename one of them"),
                );
            }
            samples.push(Sample { id: id.to_owned(), context, line });
        }
        samples
    }
}
