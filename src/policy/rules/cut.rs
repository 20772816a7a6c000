//! Cuts a checked expression at its logical operators into leaves, and finds those leaves that
//! need no interpreter.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators as op};
use cel::common::types::{CelDouble, CelInt};

use super::eval::{Expression, Judge, Limits, Relation, identifier};
use crate::policy::facts::{Fact, FactType};

/// Replaces `limits.x` by its number.
pub(super) fn put_limits(expr: &mut IdedExpr, limits: &Limits) {
    if let Some(amount) = path_of(expr).and_then(|p| limits.get(p.strip_prefix("limits.")?)) {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        let literal = if amount.fract() == 0.0 && amount.abs() < 1e15 {
            LiteralValue::Int(CelInt::from(*amount as i64))
        } else {
            LiteralValue::Double(CelDouble::from(*amount))
        };
        expr.expr = Expr::Literal(literal);
        return;
    }
    visit(expr, &mut |inner| put_limits(inner, limits));
}

/// Applies a function to each direct part of an expression.
fn visit(expr: &mut IdedExpr, each: &mut dyn FnMut(&mut IdedExpr)) {
    match &mut expr.expr {
        Expr::Call(call) => {
            if let Some(target) = &mut call.target {
                each(target);
            }
            call.args.iter_mut().for_each(each);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(each),
        Expr::Select(select) => each(&mut select.operand),
        Expr::Comprehension(inner) => {
            each(&mut inner.iter_range);
            each(&mut inner.accu_init);
            each(&mut inner.loop_cond);
            each(&mut inner.loop_step);
            each(&mut inner.result);
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) => {}
    }
}

/// Returns `a.b.c` for a chain of names.
pub(super) fn path_of(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            Some(format!("{}.{}", path_of(&select.operand)?, select.field))
        }
        _ => None,
    }
}

fn fact_of(expr: &IdedExpr) -> Option<Fact> {
    Fact::parse(&path_of(expr)?)
}

/// Returns the first name of a chain, whose place is where a reader looks.
pub(super) fn leftmost(expr: &IdedExpr) -> &IdedExpr {
    match &expr.expr {
        Expr::Select(select) => leftmost(&select.operand),
        Expr::Call(call) => match (&call.target, call.args.first()) {
            (Some(target), _) => leftmost(target),
            (None, Some(first)) if call.args.len() == 2 => leftmost(first),
            _ => expr,
        },
        _ => expr,
    }
}

/// Returns a `has()` that stands inside a leaf, where the interpreter would judge it.
pub(super) fn stray_has(expr: &IdedExpr) -> Option<&IdedExpr> {
    match &expr.expr {
        Expr::Select(select) if select.test => None,
        Expr::Call(call)
            if matches!(
                call.func_name.as_str(),
                op::LOGICAL_AND | op::LOGICAL_OR | op::LOGICAL_NOT | op::CONDITIONAL
            ) =>
        {
            call.args.iter().find_map(stray_has)
        }
        _ => parts(expr).into_iter().find_map(any_has),
    }
}

fn any_has(expr: &IdedExpr) -> Option<&IdedExpr> {
    if matches!(&expr.expr, Expr::Select(select) if select.test) {
        return Some(expr);
    }
    parts(expr).into_iter().find_map(any_has)
}

/// Returns the direct parts of an expression.
fn parts(expr: &IdedExpr) -> Vec<&IdedExpr> {
    match &expr.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Comprehension(inner) => {
            vec![&inner.iter_range, &inner.loop_cond, &inner.loop_step, &inner.result]
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) => {
            Vec::new()
        }
    }
}

/// Cuts a checked expression at the logical operators.
pub(super) fn cut(expr: IdedExpr) -> Expression {
    let call = match expr.expr {
        Expr::Call(call) if call.target.is_none() => call,
        other => return leaf(IdedExpr { id: expr.id, expr: other }),
    };
    match (call.func_name.as_str(), <[IdedExpr; 3]>::try_from(call.args)) {
        (op::CONDITIONAL, Ok(parts)) => Expression::If(Box::new(parts.map(cut))),
        (name, parts) => {
            let args = parts.map_or_else(|args| args, Vec::from);
            match name {
                op::LOGICAL_AND => Expression::And(args.into_iter().map(cut).collect()),
                op::LOGICAL_OR => Expression::Or(args.into_iter().map(cut).collect()),
                op::LOGICAL_NOT => match args.into_iter().next() {
                    Some(inner) => Expression::Not(Box::new(cut(inner))),
                    None => Expression::Known(false),
                },
                _ => leaf(IdedExpr {
                    id: expr.id,
                    expr: Expr::Call(CallExpr { func_name: call.func_name, target: None, args }),
                }),
            }
        }
    }
}

fn leaf(mut expr: IdedExpr) -> Expression {
    if let Expr::Literal(LiteralValue::Boolean(value)) = &expr.expr {
        return Expression::Known(*value.inner());
    }
    if let Expr::Select(select) = &expr.expr
        && select.test
        && let Some(base) = path_of(&select.operand)
        && let Some(fact) = Fact::parse(&format!("{base}.{}", select.field))
    {
        return Expression::Has(fact);
    }
    let facts = collect(&mut expr);
    Expression::Leaf {
        facts,
        judge: native(&expr).unwrap_or_else(|| {
            rename(&mut expr);
            Judge::Cel(Box::new(expr))
        }),
    }
}

/// Returns the facts that an expression names.
fn collect(expr: &mut IdedExpr) -> u64 {
    if let Some(fact) = fact_of(expr) {
        return fact.bit();
    }
    let mut bits = 0;
    visit(expr, &mut |inner| bits |= collect(inner));
    bits
}

/// Puts a single identifier in the place of each fact, so that contexts stay flat.
fn rename(expr: &mut IdedExpr) {
    if let Some(fact) = fact_of(expr) {
        expr.expr = Expr::Ident(identifier(fact));
        return;
    }
    visit(expr, &mut rename);
}

/// Returns how to judge the usual shapes without the interpreter.
fn native(expr: &IdedExpr) -> Option<Judge> {
    if let Some(fact) = fact_of(expr) {
        return (fact.ty() == FactType::Bool).then_some(Judge::Flag(fact));
    }
    let Expr::Call(call) = &expr.expr else { return None };
    let [left, right] = call.args.as_slice() else { return None };
    if call.func_name == op::IN {
        return native_membership(left, right);
    }
    let relation = match call.func_name.as_str() {
        op::EQUALS => Relation::Same,
        op::NOT_EQUALS => Relation::Other,
        op::LESS => Relation::Less,
        op::LESS_EQUALS => Relation::AtMost,
        op::GREATER => Relation::More,
        op::GREATER_EQUALS => Relation::AtLeast,
        _ => return None,
    };
    let (fact, relation, literal) = match (fact_of(left), fact_of(right)) {
        (Some(fact), None) => (fact, relation, right),
        (None, Some(fact)) => (fact, relation.mirrored(), left),
        _ => return None,
    };
    if let Some(word) = literal_text(literal) {
        return Some(Judge::Text { fact, word, same: relation == Relation::Same });
    }
    Some(Judge::Number { fact, relation, literal: literal_number(literal)? })
}

fn native_membership(item: &IdedExpr, list: &IdedExpr) -> Option<Judge> {
    if let (Some(word), Some(fact)) = (literal_text(item), fact_of(list)) {
        return Some(Judge::Holds { fact, word });
    }
    let (Some(fact), Expr::List(list)) = (fact_of(item), &list.expr) else { return None };
    let words = list.elements.iter().map(literal_text).collect::<Option<Vec<_>>>()?;
    Some(Judge::OneOf { fact, words })
}

fn literal_text(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "literals of rules are small")]
fn literal_number(expr: &IdedExpr) -> Option<f64> {
    match &expr.expr {
        Expr::Literal(LiteralValue::Int(number)) => Some(*number.inner() as f64),
        Expr::Literal(LiteralValue::Double(number)) => Some(*number.inner()),
        Expr::Call(call) if call.func_name == op::NEGATE => match call.args.as_slice() {
            [inner] => literal_number(inner).map(|number| -number),
            _ => None,
        },
        _ => None,
    }
}
