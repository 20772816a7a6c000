//! Compiles an expression: parses it and checks its types against the declared facts.
//!
//! Everything that could fail while a ticket waits is refused here: unknown names, wrong types,
//! words outside a vocabulary, unknown functions, bad regular expressions, division.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators as op,
};

use super::cut::{cut, leftmost, path_of, put_limits, stray_has};
use super::eval::{Expression, Limits};
use crate::policy::facts::{FactType, Vocabulary};
use crate::policy::problem::{self, Complaint, unknown};

/// The longest expression that is read, in bytes: the parser recurses.
const LONGEST: usize = 2_000;

/// What names an expression may use beside the facts.
pub(in crate::policy) struct Scope<'a> {
    /// Amounts that rules name as `limits.<name>`.
    pub(in crate::policy) limits: &'a Limits,
    /// The words of a vocabulary that the pack declares; `None` where any word is fine.
    pub(in crate::policy) words: &'a dyn Fn(Vocabulary) -> Option<Vec<String>>,
}

/// A complaint with its offset in characters from the start of the expression.
pub(in crate::policy) struct Fault {
    pub(in crate::policy) offset: Option<usize>,
    pub(in crate::policy) complaint: Complaint,
}

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ty {
    Bool,
    Int,
    Double,
    Text(Vocabulary),
    List(Vocabulary),
}

impl Ty {
    fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double)
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Bool => ("verdadeiro/falso", "true/false"),
            Self::Int => ("um número inteiro", "a whole number"),
            Self::Double => ("um número", "a number"),
            Self::Text(_) => ("um texto", "a text"),
            Self::List(_) => ("uma lista de textos", "a list of texts"),
        }
    }
}

impl From<FactType> for Ty {
    fn from(ty: FactType) -> Self {
        match ty {
            FactType::Text(vocabulary) => Self::Text(vocabulary),
            FactType::Int => Self::Int,
            FactType::Double => Self::Double,
            FactType::Bool => Self::Bool,
            FactType::List(vocabulary) => Self::List(vocabulary),
        }
    }
}

/// Compiles an expression, or returns all that is wrong with it.
pub(in crate::policy) fn compile(when: &str, scope: &Scope<'_>) -> Result<Expression, Vec<Fault>> {
    if when.len() > LONGEST {
        let complaint = Complaint::new(
            format!("a expressão passa de {LONGEST} caracteres"),
            format!("the expression is longer than {LONGEST} characters"),
        )
        .hint("divida a regra em duas", "split the rule in two");
        return Err(vec![Fault { offset: None, complaint }]);
    }
    let program = cel::Program::compile(when).map_err(|errors| syntax_faults(&errors, when))?;
    let mut expr = program.expression().clone();
    put_limits(&mut expr, scope.limits);
    let mut checker = Checker { scope, program: &program, faults: Vec::new(), locals: Vec::new() };
    let ty = checker.infer(&expr);
    if let Some(ty) = ty.filter(|ty| *ty != Ty::Bool) {
        let (pt, en) = ty.words();
        checker.fault(
            &expr,
            Complaint::new(
                format!("a expressão dá {pt}; uma regra precisa de verdadeiro ou falso"),
                format!("the expression yields {en}; a rule needs true or false"),
            ),
        );
    }
    if let Some(stray) = stray_has(&expr) {
        checker.fault(
            stray,
            Complaint::new(
                "has() só fica entre &&, ||, ! e ?:",
                "has() stands only between &&, ||, ! and ?:",
            ),
        );
    }
    if !checker.faults.is_empty() {
        return Err(checker.faults);
    }
    Ok(cut(expr))
}

fn syntax_faults(errors: &cel::ParseErrors, when: &str) -> Vec<Fault> {
    let offset = |(line, column): (isize, isize)| {
        let line = usize::try_from(line).ok()?.checked_sub(1)?;
        let before: usize = when.split('\n').take(line).map(|l| l.chars().count() + 1).sum();
        Some(before + usize::try_from(column).ok()?.checked_sub(1)?)
    };
    let mut faults: Vec<Fault> = errors
        .errors
        .iter()
        .map(|error| {
            let words = error.msg.lines().next().unwrap_or_default();
            let words = words.trim_start_matches("Syntax error: ");
            let words = words.split(" expecting ").next().unwrap_or(words);
            Fault {
                offset: offset(error.pos),
                complaint: Complaint::new(
                    format!("a expressão não pode ser lida: {words}"),
                    format!("the expression cannot be read: {words}"),
                )
                .hint(
                    "textos vão entre aspas; use && (e), || (ou), ! (não), == e in",
                    "texts go in quotes; use && (and), || (or), ! (not), == and in",
                ),
            }
        })
        .collect();
    // One slip makes the parser complain several times; the first says it best.
    faults.truncate(1);
    faults
}

pub(super) struct Checker<'a> {
    pub(super) scope: &'a Scope<'a>,
    program: &'a cel::Program,
    faults: Vec<Fault>,
    /// Names that a macro binds, innermost last.
    locals: Vec<(String, Ty)>,
}

impl Checker<'_> {
    pub(super) fn fault(&mut self, expr: &IdedExpr, complaint: Complaint) {
        // The parser counts from 1 and in characters; a select's place is its dot.
        let id = leftmost(expr).id;
        let offset = self.program.source_info().offset_for(id);
        let offset = offset.and_then(|(start, _)| usize::try_from(start).ok());
        self.faults.push(Fault { offset: offset.map(|o| o.saturating_sub(1)), complaint });
    }

    /// Returns the type; `None` when something inside is wrong and was complained about.
    fn infer(&mut self, expr: &IdedExpr) -> Option<Ty> {
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => {
                let local = self.locals.iter().rev().find(|(local, _)| local == name);
                if let Some((_, ty)) = local {
                    return Some(*ty);
                }
                self.name(expr)
            }
            Expr::Select(select) if select.test => {
                self.presence(expr, &select.operand, &select.field)
            }
            Expr::Select(_) => self.name(expr),
            Expr::List(list) => {
                for element in &list.elements {
                    match self.infer(element) {
                        Some(Ty::Text(_)) | None => {}
                        Some(ty) => {
                            let (pt, en) = ty.words();
                            self.fault(
                                element,
                                Complaint::new(
                                    format!("uma lista leva textos, e aqui há {pt}"),
                                    format!("a list holds texts, and here is {en}"),
                                ),
                            );
                        }
                    }
                }
                Some(Ty::List(Vocabulary::Free))
            }
            Expr::Call(call) => self.call(expr, call),
            Expr::Comprehension(inner) => self.comprehension(expr, inner),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                self.fault(
                    expr,
                    Complaint::new(
                        "mapas e estruturas não são usados em regras",
                        "maps and structures are not used in rules",
                    ),
                );
                None
            }
        }
    }

    fn literal(&mut self, expr: &IdedExpr, literal: &LiteralValue) -> Option<Ty> {
        match literal {
            LiteralValue::Boolean(_) => Some(Ty::Bool),
            LiteralValue::Int(_) => Some(Ty::Int),
            LiteralValue::Double(_) => Some(Ty::Double),
            LiteralValue::String(_) => Some(Ty::Text(Vocabulary::Free)),
            LiteralValue::Null => {
                self.fault(
                    expr,
                    Complaint::new("null não é usado em regras", "null is not used in rules").hint(
                        "use has(fato) para saber se o fato é conhecido",
                        "use has(fact) to tell whether a fact is known",
                    ),
                );
                None
            }
            LiteralValue::UInt(_) | LiteralValue::Bytes(_) => {
                self.fault(
                    expr,
                    Complaint::new(
                        "use números simples e textos entre aspas",
                        "use plain numbers and quoted texts",
                    ),
                );
                None
            }
        }
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Option<Ty> {
        match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            (op::LOGICAL_AND | op::LOGICAL_OR | op::LOGICAL_NOT, None, parts) => {
                let sound =
                    parts.iter().map(|part| self.expect(part, &[Ty::Bool])).collect::<Vec<_>>();
                sound.iter().all(Option::is_some).then_some(Ty::Bool)
            }
            (op::CONDITIONAL, None, [condition, yes, no]) => {
                let condition = self.expect(condition, &[Ty::Bool]);
                let (left, right) = (self.infer(yes), self.infer(no));
                condition?;
                self.alike(expr, left?, right?).then_some(left?)
            }
            (op::EQUALS | op::NOT_EQUALS, None, [left, right]) => self.equality(expr, left, right),
            (
                op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS,
                None,
                [left, right],
            ) => self.order(left, right),
            (op::IN, None, [item, list]) => self.membership(expr, item, list),
            (op::ADD | op::SUBSTRACT | op::MULTIPLY, None, [left, right]) => {
                let left = self.expect(left, &[Ty::Int, Ty::Double]);
                let right = self.expect(right, &[Ty::Int, Ty::Double]);
                let (left, right) = (left?, right?);
                if left == right {
                    return Some(left);
                }
                self.fault(
                    expr,
                    Complaint::new(
                        "inteiros e decimais não se misturam numa conta",
                        "whole numbers and decimals do not mix in a sum",
                    )
                    .hint("escreva 2.0 em vez de 2", "write 2.0 instead of 2"),
                );
                None
            }
            (op::NEGATE, None, [inner]) => self.expect(inner, &[Ty::Int, Ty::Double]),
            ("size", None, [inner]) | ("size", Some(inner), []) => self.size(inner),
            ("startsWith" | "endsWith" | "contains", Some(target), [part]) => {
                let target = self.expect_text(target);
                let part = self.expect_text(part);
                target.and(part).map(|_| Ty::Bool)
            }
            ("matches", Some(target), [pattern]) => self.matches(target, pattern),
            (op::NOT_STRICTLY_FALSE, None, [inner]) => self.expect(inner, &[Ty::Bool]),
            (name, ..) => {
                self.refuse(expr, name);
                None
            }
        }
    }

    fn refuse(&mut self, expr: &IdedExpr, name: &str) {
        const FUNCTIONS: &[&str] = &[
            "has",
            "size",
            "startsWith",
            "endsWith",
            "contains",
            "matches",
            "exists",
            "all",
            "exists_one",
        ];
        let complaint = match name {
            op::DIVIDE | op::MODULO => Complaint::new(
                "divisões não são usadas em regras",
                "divisions are not used in rules",
            )
            .hint("multiplique o outro lado", "multiply the other side"),
            op::INDEX | op::OPT_INDEX | op::OPT_SELECT => Complaint::new(
                "colchetes não são usados para pegar partes de um fato",
                "brackets are not used to take parts of a fact",
            )
            .hint("use \"texto\" in fato", "use \"text\" in fact"),
            // A known name with other arguments than the patterns of `call` allow.
            name if FUNCTIONS.contains(&name) => Complaint::new(
                format!("\"{name}\" é usada aqui de um modo que não existe"),
                format!("\"{name}\" is used here in a way that does not exist"),
            )
            .hint(
                "exemplos: size(signals), category.startsWith(\"bi\"), signals.exists(s, s == \"refund\")",
                "examples: size(signals), category.startsWith(\"bi\"), signals.exists(s, s == \"refund\")",
            ),
            name => unknown(problem::FUNCTION, name, FUNCTIONS),
        };
        self.fault(expr, complaint);
    }

    fn expect(&mut self, expr: &IdedExpr, wanted: &[Ty]) -> Option<Ty> {
        let ty = self.infer(expr)?;
        if wanted.contains(&ty) {
            return Some(ty);
        }
        let ((found_pt, found_en), (pt, en)) = (ty.words(), wanted.first()?.words());
        let pt = if wanted.len() > 1 { "um número" } else { pt };
        let en = if wanted.len() > 1 { "a number" } else { en };
        let name = path_of(expr).map(|path| format!("{path}: ")).unwrap_or_default();
        self.fault(
            expr,
            Complaint::new(
                format!("{name}esperava {pt}, e aqui há {found_pt}"),
                format!("{name}expected {en}, and here is {found_en}"),
            ),
        );
        None
    }

    fn expect_text(&mut self, expr: &IdedExpr) -> Option<Ty> {
        match self.infer(expr)? {
            ty @ Ty::Text(_) => Some(ty),
            ty => {
                let (pt, en) = ty.words();
                self.fault(
                    expr,
                    Complaint::new(
                        format!("esperava um texto, e aqui há {pt}"),
                        format!("expected a text, and here is {en}"),
                    ),
                );
                None
            }
        }
    }

    fn alike(&mut self, expr: &IdedExpr, left: Ty, right: Ty) -> bool {
        let alike = match (left, right) {
            (Ty::Text(_), Ty::Text(_)) => true,
            (left, right) => left == right || (left.is_number() && right.is_number()),
        };
        if !alike || matches!(left, Ty::List(_)) {
            let ((left_pt, left_en), (right_pt, right_en)) = (left.words(), right.words());
            let complaint = Complaint::new(
                format!("não se compara {left_pt} com {right_pt}"),
                format!("{left_en} cannot be compared with {right_en}"),
            );
            self.fault(
                expr,
                if matches!(left, Ty::List(_)) || matches!(right, Ty::List(_)) {
                    complaint.hint(
                        "para procurar numa lista, escreva \"texto\" in fato",
                        "to look into a list, write \"text\" in fact",
                    )
                } else {
                    complaint
                },
            );
            return false;
        }
        true
    }

    fn equality(&mut self, expr: &IdedExpr, left: &IdedExpr, right: &IdedExpr) -> Option<Ty> {
        let (left_ty, right_ty) = (self.infer(left), self.infer(right));
        let (left_ty, right_ty) = (left_ty?, right_ty?);
        if !self.alike(expr, left_ty, right_ty) {
            return None;
        }
        let left_fine = self.words_fit(left, right_ty);
        let right_fine = self.words_fit(right, left_ty);
        (left_fine && right_fine).then_some(Ty::Bool)
    }

    fn order(&mut self, left: &IdedExpr, right: &IdedExpr) -> Option<Ty> {
        let mut sound = true;
        for side in [left, right] {
            match self.infer(side) {
                Some(ty) if ty.is_number() => {}
                Some(ty) => {
                    let (pt, en) = ty.words();
                    let name = path_of(side).unwrap_or_default();
                    self.fault(
                        side,
                        Complaint::new(
                            format!("só números têm maior e menor, e aqui há {pt}"),
                            format!("only numbers are greater or less, and here is {en}"),
                        )
                        .hint(
                            format!(
                                "use {} in [\"…\", \"…\"]",
                                if name.is_empty() { "fato" } else { &name }
                            ),
                            format!(
                                "use {} in [\"…\", \"…\"]",
                                if name.is_empty() { "fact" } else { &name }
                            ),
                        ),
                    );
                    return None;
                }
                None => sound = false,
            }
        }
        sound.then_some(Ty::Bool)
    }

    fn membership(&mut self, expr: &IdedExpr, item: &IdedExpr, list: &IdedExpr) -> Option<Ty> {
        let (item_ty, list_ty) = (self.infer(item), self.infer(list));
        let (item_ty, list_ty) = (item_ty?, list_ty?);
        match (item_ty, list_ty) {
            (Ty::Text(vocabulary), Ty::List(of)) => {
                let mut fine = self.words_fit(item, Ty::Text(of));
                if let Expr::List(literals) = &list.expr {
                    for literal in &literals.elements {
                        fine &= self.words_fit(literal, Ty::Text(vocabulary));
                    }
                }
                fine.then_some(Ty::Bool)
            }
            (_, Ty::List(_)) => {
                let (pt, en) = item_ty.words();
                self.fault(
                    item,
                    Complaint::new(
                        format!("a lista tem textos, e aqui há {pt}"),
                        format!("the list holds texts, and here is {en}"),
                    ),
                );
                None
            }
            (_, ty) => {
                let (pt, en) = ty.words();
                let name = path_of(list).unwrap_or_else(|| "…".to_owned());
                self.fault(
                    expr,
                    Complaint::new(
                        format!("\"in\" procura numa lista, e {name} é {pt}"),
                        format!("\"in\" looks into a list, and {name} is {en}"),
                    )
                    .hint(
                        format!("use {name} == \"…\" ou {name} in [\"…\", \"…\"]"),
                        format!("use {name} == \"…\" or {name} in [\"…\", \"…\"]"),
                    ),
                );
                None
            }
        }
    }

    fn size(&mut self, inner: &IdedExpr) -> Option<Ty> {
        match self.infer(inner)? {
            Ty::List(_) | Ty::Text(_) => Some(Ty::Int),
            ty => {
                let (pt, en) = ty.words();
                self.fault(
                    inner,
                    Complaint::new(
                        format!("size() mede listas e textos, e aqui há {pt}"),
                        format!("size() measures lists and texts, and here is {en}"),
                    ),
                );
                None
            }
        }
    }

    fn matches(&mut self, target: &IdedExpr, pattern: &IdedExpr) -> Option<Ty> {
        let target = self.expect_text(target);
        let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
            self.fault(
                pattern,
                Complaint::new(
                    "matches() leva uma expressão regular entre aspas",
                    "matches() takes a regular expression in quotes",
                ),
            );
            return None;
        };
        if regex::Regex::new(text.inner()).is_err() {
            self.fault(
                pattern,
                Complaint::new(
                    "a expressão regular é inválida",
                    "the regular expression is invalid",
                ),
            );
            return None;
        }
        target.map(|_| Ty::Bool)
    }

    fn comprehension(&mut self, expr: &IdedExpr, inner: &ComprehensionExpr) -> Option<Ty> {
        let range = self.infer(&inner.iter_range)?;
        let Ty::List(of) = range else {
            let (pt, en) = range.words();
            self.fault(
                &inner.iter_range,
                Complaint::new(
                    format!("exists e all percorrem uma lista, e aqui há {pt}"),
                    format!("exists and all walk a list, and here is {en}"),
                ),
            );
            return None;
        };
        let accumulator = match &inner.accu_init.expr {
            Expr::Literal(LiteralValue::Boolean(_)) => Ty::Bool,
            Expr::Literal(LiteralValue::Int(_)) => Ty::Int,
            _ => {
                self.fault(
                    expr,
                    Complaint::new(
                        "map() e filter() não são usados em regras",
                        "map() and filter() are not used in rules",
                    )
                    .hint("use exists ou all", "use exists or all"),
                );
                return None;
            }
        };
        self.locals.push((inner.iter_var.clone(), Ty::Text(of)));
        self.locals.push((inner.accu_var.clone(), accumulator));
        let step = self.infer(&inner.loop_step);
        let result = self.infer(&inner.result);
        self.locals.truncate(self.locals.len().saturating_sub(2));
        step?;
        result
    }
}
