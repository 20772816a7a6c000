//! Judges an expression with Kleene's three-valued logic.
//!
//! `&&`, `||`, `!` and `?:` are ours, so that `false && unknown` is false and `true || unknown`
//! is true; what stands between them is a leaf, known only when all its facts are. The usual
//! shapes of leaves are judged natively, the rest by the CEL interpreter.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use cel::common::ast::IdedExpr;
use cel::{Context, Env, Value};

use super::Outcome;
use crate::policy::facts::{Fact, FactValue, Facts, facts_of};

/// A compiled expression.
#[derive(Debug)]
pub(in crate::policy) enum Expression {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    If(Box<[Self; 3]>),
    Known(bool),
    /// `has(fact)`: the only leaf that is known without its fact.
    Has(Fact),
    Leaf {
        facts: u64,
        judge: Judge,
    },
}

/// How a leaf is judged once its facts are known.
#[derive(Debug)]
pub(in crate::policy) enum Judge {
    /// A fact that is true or false.
    Flag(Fact),
    /// A text fact equals a literal (or not, when `same` is false).
    Text { fact: Fact, word: String, same: bool },
    /// A text fact is one of several literals.
    OneOf { fact: Fact, words: Vec<String> },
    /// A list fact holds a literal.
    Holds { fact: Fact, word: String },
    /// A number fact stands in relation to a literal.
    Number { fact: Fact, relation: Relation, literal: f64 },
    /// Anything else, for the interpreter. Facts were renamed to single identifiers.
    Cel(Box<IdedExpr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Relation {
    Same,
    Other,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Relation {
    fn holds(self, left: f64, right: f64) -> bool {
        #[expect(clippy::float_cmp, reason = "a rule that says == means exactly that")]
        match self {
            Self::Same => left == right,
            Self::Other => left != right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }

    /// Returns the relation with its sides exchanged.
    pub(in crate::policy) fn mirrored(self) -> Self {
        match self {
            Self::Same | Self::Other => self,
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
        }
    }
}

/// True, false, or unknown for want of the facts in the bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Truth {
    True,
    False,
    Unknown(u64),
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

impl Truth {
    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown(bits) => Self::Unknown(bits),
        }
    }
}

/// Judges expressions. Holds the interpreter's environment, which is costly to build.
pub(in crate::policy) struct Engine {
    env: Arc<Env>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    pub(in crate::policy) fn new() -> Self {
        Self { env: Arc::new(Env::stdlib()) }
    }

    pub(in crate::policy) fn judge(&self, expression: &Expression, facts: &Facts) -> Outcome {
        match self.truth(expression, facts) {
            Truth::True => Outcome::Fired,
            Truth::False => Outcome::Not,
            Truth::Unknown(bits) => Outcome::NotKnown(facts_of(bits)),
        }
    }

    pub(in crate::policy) fn truth(&self, expression: &Expression, facts: &Facts) -> Truth {
        match expression {
            Expression::And(parts) => self.all(parts, facts, Truth::False, Truth::True),
            Expression::Or(parts) => self.all(parts, facts, Truth::True, Truth::False),
            Expression::Not(inner) => self.truth(inner, facts).not(),
            Expression::If(parts) => self.choose(parts, facts),
            Expression::Known(value) => (*value).into(),
            Expression::Has(fact) => (facts.missing(fact.bit()) == 0).into(),
            Expression::Leaf { facts: wanted, judge } => {
                let missing = facts.missing(*wanted);
                if missing != 0 {
                    return Truth::Unknown(missing);
                }
                self.leaf(judge, facts).map_or(Truth::Unknown(*wanted), Truth::from)
            }
        }
    }

    /// Joins parts of which one `decisive` settles the whole; without it, all known is `neutral`.
    fn all(&self, parts: &[Expression], facts: &Facts, decisive: Truth, neutral: Truth) -> Truth {
        let mut unknown = 0;
        let mut doubtful = false;
        for part in parts {
            match self.truth(part, facts) {
                Truth::Unknown(bits) => {
                    unknown |= bits;
                    doubtful = true;
                }
                known if known == decisive => return decisive,
                _ => {}
            }
        }
        if doubtful { Truth::Unknown(unknown) } else { neutral }
    }

    fn choose(&self, [condition, yes, no]: &[Expression; 3], facts: &Facts) -> Truth {
        match self.truth(condition, facts) {
            Truth::True => self.truth(yes, facts),
            Truth::False => self.truth(no, facts),
            Truth::Unknown(bits) => match (self.truth(yes, facts), self.truth(no, facts)) {
                (Truth::Unknown(a), Truth::Unknown(b)) => Truth::Unknown(bits | a | b),
                (Truth::Unknown(a), _) | (_, Truth::Unknown(a)) => Truth::Unknown(bits | a),
                (yes, no) if yes == no => yes,
                _ => Truth::Unknown(bits),
            },
        }
    }

    /// Judges a leaf whose facts are all known; `None` where the interpreter fails, which the
    /// type check leaves to overflow alone.
    fn leaf(&self, judge: &Judge, facts: &Facts) -> Option<bool> {
        match judge {
            Judge::Flag(fact) => match facts.get(*fact)? {
                FactValue::Bool(value) => Some(*value),
                _ => None,
            },
            Judge::Text { fact, word, same } => Some((text(facts, *fact)? == word) == *same),
            Judge::OneOf { fact, words } => {
                let text = text(facts, *fact)?;
                Some(words.iter().any(|word| word == text))
            }
            Judge::Holds { fact, word } => match facts.get(*fact)? {
                FactValue::List(list) => Some(list.iter().any(|item| item == word)),
                _ => None,
            },
            Judge::Number { fact, relation, literal } => {
                Some(relation.holds(number(facts, *fact)?, *literal))
            }
            Judge::Cel(expr) => self.interpret(expr, facts),
        }
    }

    fn interpret(&self, expr: &IdedExpr, facts: &Facts) -> Option<bool> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        for (fact, value) in facts.iter() {
            context.add_variable_from_value(identifier(fact), to_cel(value));
        }
        match Value::resolve(expr, &context) {
            Ok(Value::Bool(value)) => Some(value),
            _ => None,
        }
    }
}

/// Returns the single identifier that stands for a fact inside an interpreted leaf.
pub(in crate::policy) fn identifier(fact: Fact) -> String {
    fact.name().replace('.', "__")
}

pub(in crate::policy) fn to_cel(value: &FactValue) -> Value {
    match value {
        FactValue::Text(text) => Value::from(text.as_ref()),
        FactValue::Int(number) => Value::Int(*number),
        FactValue::Double(number) => Value::Float(*number),
        FactValue::Bool(flag) => Value::Bool(*flag),
        FactValue::List(items) => Value::from(items.iter().map(Cow::as_ref).collect::<Vec<&str>>()),
    }
}

fn text(facts: &Facts, fact: Fact) -> Option<&str> {
    match facts.get(fact)? {
        FactValue::Text(text) => Some(text),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn number(facts: &Facts, fact: Fact) -> Option<f64> {
    match facts.get(fact)? {
        FactValue::Int(number) => Some(*number as f64),
        FactValue::Double(number) => Some(*number),
        _ => None,
    }
}

/// The names of a pack's own amounts, which stand for literals.
pub(in crate::policy) type Limits = BTreeMap<String, f64>;
