//! Names and words of an expression: facts, limits, and the words that a vocabulary allows.

use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use super::check::{Checker, Ty};
use super::cut::path_of;
use crate::policy::facts::{Fact, Vocabulary};
use crate::policy::problem::{self, Complaint, nearest, unknown};

impl Checker<'_> {
    pub(super) fn name(&mut self, expr: &IdedExpr) -> Option<Ty> {
        let Some(path) = path_of(expr) else {
            self.fault(
                expr,
                Complaint::new("só fatos têm partes com ponto", "only facts have parts with a dot"),
            );
            return None;
        };
        if let Some(fact) = Fact::parse(&path) {
            return Some(fact.ty().into());
        }
        if let Some(limit) = path.strip_prefix("limits.") {
            let limits: Vec<&str> = self.scope.limits.keys().map(String::as_str).collect();
            self.fault(expr, unknown(problem::LIMIT, limit, &limits));
            return None;
        }
        let facts: Vec<&str> = Fact::ALL.iter().map(|fact| fact.name()).collect();
        let mut complaint = unknown(problem::FACT, &path, &facts);
        let group = format!("{path}.");
        let inside: Vec<&str> = facts.iter().copied().filter(|f| f.starts_with(&group)).collect();
        if !inside.is_empty() {
            complaint = unknown(problem::FACT, &path, &inside);
        } else if nearest(&path, &facts).is_none() && self.is_a_word(&path) {
            complaint = complaint.hint(
                format!("se \"{path}\" é um texto, ponha entre aspas"),
                format!("if \"{path}\" is a text, put it in quotes"),
            );
        } else if let Some(prefix) = path.split_once('.').map(|(p, _)| format!("{p}.")) {
            let near: Vec<&str> = facts.into_iter().filter(|f| f.starts_with(&prefix)).collect();
            if !near.is_empty() && complaint.hint.is_none() {
                let list = near.join(", ");
                complaint =
                    complaint.hint(format!("existem: {list}"), format!("there are: {list}"));
            }
        }
        self.fault(expr, complaint);
        None
    }

    fn is_a_word(&self, word: &str) -> bool {
        use Vocabulary::{
            Category, Channel, Complexity, Language, Mode, Plan, Sentiment, Signal, Subcategory,
            Urgency,
        };
        [
            Channel,
            Language,
            Category,
            Subcategory,
            Urgency,
            Sentiment,
            Complexity,
            Signal,
            Plan,
            Mode,
        ]
        .into_iter()
        .filter_map(|vocabulary| (self.scope.words)(vocabulary))
        .any(|words| words.iter().any(|w| w == word))
    }

    pub(super) fn presence(
        &mut self,
        expr: &IdedExpr,
        operand: &IdedExpr,
        field: &str,
    ) -> Option<Ty> {
        let path = path_of(operand).map(|base| format!("{base}.{field}")).unwrap_or_default();
        if Fact::parse(&path).is_some() {
            return Some(Ty::Bool);
        }
        let facts: Vec<&str> =
            Fact::ALL.iter().map(|fact| fact.name()).filter(|name| name.contains('.')).collect();
        self.fault(expr, unknown(problem::FACT, &path, &facts));
        None
    }

    /// Checks that a literal which meets a text of a vocabulary is one of its words.
    pub(super) fn words_fit(&mut self, expr: &IdedExpr, other: Ty) -> bool {
        let (Expr::Literal(LiteralValue::String(word)), Ty::Text(vocabulary)) = (&expr.expr, other)
        else {
            return true;
        };
        let Some(words) = (self.scope.words)(vocabulary) else { return true };
        if words.iter().any(|w| w == word.inner()) {
            return true;
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let complaint = unknown(vocabulary.noun(), word.inner(), &words);
        self.fault(expr, complaint);
        false
    }
}
