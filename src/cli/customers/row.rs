//! One row of a spreadsheet as a customer: which column means what, and how values are written.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use crate::domain::customer::CustomerProfile;
use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;
use crate::text::fold::fold;
use crate::web::{parse_written, read_profile, read_reference};

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    Reference,
    Name,
    Emails,
    Phones,
    Plan,
    AnnualRevenue,
    Currency,
    CustomerSince,
    Consent(String),
    Field(String),
}

/// The columns by the names people give them, folded and with `_` between words.
const NAMES: &[(Meaning, &[&str])] = &[
    (
        Meaning::Reference,
        &[
            "reference",
            "ref",
            "id",
            "customer_id",
            "code",
            "referencia",
            "codigo",
            "id_do_cliente",
            "id_cliente",
            "codigo_do_cliente",
        ],
    ),
    (
        Meaning::Name,
        &[
            "name",
            "customer",
            "customer_name",
            "nome",
            "cliente",
            "nome_do_cliente",
            "razao_social",
        ],
    ),
    (Meaning::Emails, &["emails", "email", "e_mail", "e_mails"]),
    (
        Meaning::Phones,
        &["phones", "phone", "mobile", "telefone", "telefones", "celular", "whatsapp", "fone"],
    ),
    (Meaning::Plan, &["plan", "tier", "plano"]),
    (
        Meaning::AnnualRevenue,
        &["annual_revenue", "arr", "revenue", "receita_anual", "faturamento_anual", "receita"],
    ),
    (Meaning::Currency, &["currency", "moeda"]),
    (Meaning::CustomerSince, &["customer_since", "since", "cliente_desde", "desde"]),
];
const CONSENT: &[&str] = &["consent", "consentimento"];
/// The purpose of a consent whose column names none.
const ANY_PURPOSE: &str = "general";

/// What is wrong with a row, at which column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowProblem {
    column: String,
    problem: LocalText,
    hint: Option<LocalText>,
}

impl RowProblem {
    fn new(column: &str, problem: LocalText, hint: Option<LocalText>) -> Self {
        Self { column: column.to_owned(), problem, hint }
    }

    /// Says that a reference came before.
    pub(super) fn repeated(columns: &Columns) -> Self {
        Self::new(
            columns.name_of(&Meaning::Reference),
            LocalText::new(
                "esta referência já apareceu em uma linha anterior",
                "this reference came on an earlier line",
            ),
            Some(LocalText::new("deixe só uma das linhas", "keep one of the lines only")),
        )
    }

    pub(super) fn describe(&self, locale: Locale) -> String {
        let column = match locale {
            Locale::PtBr => "coluna",
            Locale::En => "column",
        };
        let mut text = format!("{column} {}: {}", self.column, self.problem.in_locale(locale));
        if let Some(hint) = &self.hint {
            text.push_str("; ");
            text.push_str(hint.in_locale(locale));
        }
        text
    }
}

/// What each column of a file holds.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<(String, Meaning)>,
    currency: String,
}

impl Columns {
    /// Understands the first line of a file. `currency` counts where no column names one.
    pub(super) fn of(headers: &[String], currency: &str) -> Result<Self, Vec<LocalText>> {
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        let mut columns = Vec::with_capacity(headers.len());
        for header in headers {
            let meaning = meaning_of(header);
            if !header.is_empty() && !seen.insert(meaning.clone()) {
                problems.push(LocalText::new(
                    format!("a coluna {header} repete outra; deixe só uma"),
                    format!("the column {header} repeats another; keep one only"),
                ));
            }
            columns.push((header.clone(), meaning));
        }
        if !seen.contains(&Meaning::Reference) {
            problems.push(LocalText::new(
                "falta a coluna reference (ou referência, código, id): a chave do cliente na empresa",
                "the column reference (or ref, id, code) is missing: the business's own key of a customer",
            ));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { columns, currency: currency.to_owned() })
    }

    fn name_of(&self, wanted: &Meaning) -> &str {
        let found = self.columns.iter().find(|(_, meaning)| meaning == wanted);
        found.map_or("", |(name, _)| name.as_str())
    }

    /// Reads a row; every problem at once.
    pub(super) fn read(
        &self,
        values: &[String],
    ) -> Result<(String, CustomerProfile), Vec<RowProblem>> {
        if values.len() != self.columns.len() {
            let (has, wanted) = (values.len(), self.columns.len());
            return Err(vec![RowProblem::new(
                "*",
                LocalText::new(
                    format!("a linha tem {has} colunas e o cabeçalho, {wanted}"),
                    format!("the line has {has} columns and the header {wanted}"),
                ),
                Some(LocalText::new(
                    "confira separadores e aspas",
                    "check separators and quotation marks",
                )),
            )]);
        }
        let mut row = Row { columns: self, body: Map::new(), problems: Vec::new() };
        let mut reference = None;
        for ((name, meaning), value) in self.columns.iter().zip(values) {
            let value = value.trim();
            match meaning {
                Meaning::Reference => reference = row.reference(name, value),
                _ if value.is_empty() || name.is_empty() => {}
                _ => row.take(name, meaning, value, values),
            }
        }
        row.finish(reference)
    }

    /// Finds the column that a field of the profile came from.
    fn column_of(&self, field: &str) -> &str {
        let matches = |meaning: &Meaning| match meaning {
            Meaning::Name => field == "name",
            Meaning::Emails => field.starts_with("emails"),
            Meaning::Phones => field.starts_with("phones"),
            Meaning::Plan => field == "plan",
            Meaning::AnnualRevenue => field.starts_with("annual_revenue"),
            Meaning::CustomerSince => field == "customer_since",
            Meaning::Consent(purpose) => field.strip_prefix("consent.") == Some(purpose),
            Meaning::Field(name) => field.strip_prefix("fields.") == Some(name),
            Meaning::Reference | Meaning::Currency => false,
        };
        let found = self.columns.iter().find(|(_, meaning)| matches(meaning));
        found.map_or("*", |(name, _)| name.as_str())
    }
}

/// A row being read into the JSON that the API takes, so that both check the same.
struct Row<'a> {
    columns: &'a Columns,
    body: Map<String, Value>,
    problems: Vec<RowProblem>,
}

impl Row<'_> {
    fn wrong(&mut self, column: &str, problem: LocalText, hint: Option<LocalText>) {
        self.problems.push(RowProblem::new(column, problem, hint));
    }

    fn reference(&mut self, column: &str, value: &str) -> Option<String> {
        match read_reference(value) {
            Ok(Some(reference)) => Some(reference),
            Ok(None) => {
                let hint =
                    LocalText::new("preencha a chave do cliente", "fill in the customer's key");
                self.wrong(column, LocalText::new("está vazia", "is empty"), Some(hint));
                None
            }
            Err(problem) => {
                self.wrong(column, problem, None);
                None
            }
        }
    }

    fn take(&mut self, column: &str, meaning: &Meaning, value: &str, values: &[String]) {
        match meaning {
            Meaning::Name => self.put("name", json!(value)),
            Meaning::Plan => self.put("plan", json!(value)),
            Meaning::Emails => {
                self.put("emails", parts(value, |c| ";,|".contains(c) || c.is_whitespace()));
            }
            Meaning::Phones => self.put("phones", parts(value, |c| ";,|/".contains(c))),
            Meaning::AnnualRevenue => self.revenue(column, value, values),
            Meaning::CustomerSince => match date_of(value) {
                Some(date) => self.put("customer_since", json!(date)),
                None => self.wrong(
                    column,
                    LocalText::new("não é uma data", "is not a date"),
                    Some(LocalText::new(
                        "escreva 31/12/2024 ou 2024-12-31",
                        "write 31/12/2024 (day first) or 2024-12-31",
                    )),
                ),
            },
            Meaning::Consent(purpose) => match yes_or_no(value) {
                Some(agreed) => self.put_in("consent", purpose, json!(agreed)),
                None => self.wrong(
                    column,
                    LocalText::new("não é sim nem não", "is neither yes nor no"),
                    Some(LocalText::new(
                        "escreva sim ou não, ou deixe vazio",
                        "write yes or no, or leave it empty",
                    )),
                ),
            },
            Meaning::Field(name) => self.put_in("fields", name, json!(value)),
            Meaning::Reference | Meaning::Currency => {}
        }
    }

    fn revenue(&mut self, column: &str, value: &str, values: &[String]) {
        let at = self.columns.columns.iter().position(|(_, meaning)| *meaning == Meaning::Currency);
        let named = at.and_then(|at| values.get(at)).map(|code| code.trim().to_uppercase());
        let currency = match named.filter(|code| !code.is_empty()) {
            Some(code) if code == "R$" => "BRL".to_owned(),
            Some(code) => code,
            None => self.columns.currency.clone(),
        };
        match parse_written(value, &currency) {
            Ok(money) => self.put("annual_revenue", json!(money)),
            Err(problem) => self.wrong(column, problem, None),
        }
    }

    fn put(&mut self, field: &str, value: Value) {
        self.body.insert(field.to_owned(), value);
    }

    fn put_in(&mut self, field: &str, key: &str, value: Value) {
        let entry = self.body.entry(field).or_insert_with(|| json!({}));
        if let Some(entries) = entry.as_object_mut() {
            entries.insert(key.to_owned(), value);
        }
    }

    fn finish(
        mut self,
        reference: Option<String>,
    ) -> Result<(String, CustomerProfile), Vec<RowProblem>> {
        let read = read_profile(Value::Object(std::mem::take(&mut self.body)));
        let problems = read.as_ref().err().cloned().unwrap_or_default();
        for error in problems {
            let column = if error.field.starts_with("annual_revenue.currency") {
                self.columns.name_of(&Meaning::Currency)
            } else {
                self.columns.column_of(&error.field)
            };
            self.problems.push(RowProblem::new(column, error.problem, error.hint));
        }
        match (reference, read) {
            (Some(reference), Ok(profile)) if self.problems.is_empty() => Ok((reference, profile)),
            _ => Err(self.problems),
        }
    }
}

fn meaning_of(header: &str) -> Meaning {
    let folded = fold(header);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let key = words.join("_");
    if let Some((meaning, _)) = NAMES.iter().find(|(_, names)| names.contains(&key.as_str())) {
        return meaning.clone();
    }
    match key.split_once('_') {
        _ if CONSENT.contains(&key.as_str()) => Meaning::Consent(ANY_PURPOSE.to_owned()),
        Some((word, purpose)) if CONSENT.contains(&word) => Meaning::Consent(purpose.to_owned()),
        _ => Meaning::Field(header.to_owned()),
    }
}

fn parts(value: &str, separates: impl Fn(char) -> bool) -> Value {
    value.split(separates).map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Reads day, month, year, or ISO; also with a time behind it, as spreadsheets add one.
fn date_of(text: &str) -> Option<NaiveDate> {
    let date = text.split([' ', 'T']).next().unwrap_or_default();
    let formats = ["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y"];
    let read = |format: &&str| NaiveDate::parse_from_str(date, format).ok();
    // chrono reads `01/03/24` as the year 24.
    let likely = |date: &NaiveDate| chrono::Datelike::year(date) >= 1900;
    formats.iter().find_map(read).filter(likely)
}

fn yes_or_no(text: &str) -> Option<bool> {
    let words: BTreeMap<&str, bool> = [
        ("sim", true),
        ("s", true),
        ("yes", true),
        ("y", true),
        ("true", true),
        ("verdadeiro", true),
        ("1", true),
        ("x", true),
        ("nao", false),
        ("n", false),
        ("no", false),
        ("false", false),
        ("falso", false),
        ("0", false),
    ]
    .into();
    words.get(fold(text).as_str()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_known_by_its_name_in_either_language() {
        for (header, expected) in [
            ("Referência", Meaning::Reference),
            ("Código do cliente", Meaning::Reference),
            ("E-mail", Meaning::Emails),
            ("RECEITA ANUAL", Meaning::AnnualRevenue),
            ("Cliente desde", Meaning::CustomerSince),
            ("consent_proactive", Meaning::Consent("proactive".to_owned())),
            ("Consentimento marketing", Meaning::Consent("marketing".to_owned())),
            ("Segmento", Meaning::Field("Segmento".to_owned())),
            ("Consentimento", Meaning::Consent("general".to_owned())),
            ("consent_", Meaning::Consent("general".to_owned())),
            ("consented", Meaning::Field("consented".to_owned())),
        ] {
            assert_eq!(meaning_of(header), expected, "{header}");
        }
    }

    #[test]
    fn dates_are_day_first_or_iso() {
        for (text, expected) in [
            ("31/12/2024", Some("2024-12-31")),
            ("1/2/2024", Some("2024-02-01")),
            ("2024-12-31", Some("2024-12-31")),
            ("2024-12-31 00:00:00", Some("2024-12-31")),
            ("31.12.2024", Some("2024-12-31")),
            ("12/31/2024", None),
            ("30/02/2024", None),
            ("01/03/24", None),
            ("ontem", None),
        ] {
            let date = date_of(text).map(|date| date.to_string());
            assert_eq!(date.as_deref(), expected, "{text}");
        }
    }
}
