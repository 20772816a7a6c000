//! Many patterns compiled to one matcher.
//!
//! Every literal word and prefix of the set lies in one trie. A text's words are looked up in it
//! once; only patterns that can start with a word are tried there, comparing numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::parse::{Part, Pattern};
use crate::text::tokens::{Break, Tokens};

/// Most words that a gap stands for.
const GAP: usize = 4;

/// A pattern found in a text.
#[derive(Debug, PartialEq, Eq)]
pub struct Hit<'s, T> {
    /// What was stored with the pattern.
    pub value: &'s T,
    /// First token of the match.
    pub start: usize,
    /// One past the last token of the match.
    pub end: usize,
}

/// A set of patterns, each with a value of the caller's.
#[derive(Clone, Debug)]
pub struct PhraseSet<T> {
    trie: Trie,
    /// Instructions of all patterns.
    code: Vec<Op>,
    /// By pattern: what is stored with it. Patterns written twice are matched once.
    values: Vec<Vec<T>>,
    /// By literal: the patterns that can start with it, as (first instruction, pattern).
    starts: Vec<Vec<(u32, u32)>>,
}

#[derive(Clone, Debug)]
enum Op {
    /// The token must have this literal; go on with the next instruction.
    Literal(u32, u32),
    /// Up to four tokens, then the next instruction.
    Gap(u32),
    /// Any of these: by literal, sorted, the instructions after it; then the gaps and the end.
    Fork(Vec<(u32, u32)>, Vec<u32>),
    /// The pattern has matched.
    Accept,
}

impl<T> Default for PhraseSet<T> {
    fn default() -> Self {
        Self::new([])
    }
}

impl<T> PhraseSet<T> {
    /// Compiles patterns.
    pub fn new(patterns: impl IntoIterator<Item = (Pattern, T)>) -> Self {
        let mut compiler = Compiler::default();
        let mut values: Vec<Vec<T>> = Vec::new();
        let mut entries = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let accept = compiler.op(Op::Accept);
        for (pattern, value) in patterns {
            let at = *known.entry(pattern.as_str().to_owned()).or_insert(values.len());
            if let Some(same) = values.get_mut(at) {
                same.push(value);
                continue;
            }
            entries.push(compiler.sequence(&pattern.root, accept));
            values.push(vec![value]);
        }
        let mut starts = vec![BTreeSet::new(); compiler.literals.len()];
        for (pattern, entry) in entries.iter().enumerate() {
            compiler.start_literals(*entry, |literal| {
                if let Some(list) = starts.get_mut(literal as usize) {
                    list.insert((*entry, index(pattern)));
                }
            });
        }
        Self {
            trie: Trie::new(&compiler.literals),
            code: compiler.code,
            values,
            starts: starts.into_iter().map(|list| list.into_iter().collect()).collect(),
        }
    }

    /// Number of patterns.
    pub fn len(&self) -> usize {
        self.values.iter().map(Vec::len).sum()
    }

    /// True where the set holds no pattern.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns every match, the longest per pattern and first token, in the order of first tokens.
    pub fn find(&self, tokens: &Tokens) -> Vec<Hit<'_, T>> {
        let mut hits = Vec::new();
        let words = self.trie.look_up(tokens);
        // By pattern: one past the last start at which it was tried.
        let mut tried: Vec<u32> = vec![0; self.values.len()];
        for start in 0..tokens.len() {
            for literal in words.literals(start) {
                for (entry, pattern) in self.starts.get(*literal as usize).into_iter().flatten() {
                    // A pattern may start both with a word and with a prefix of it.
                    let Some(tried) = tried.get_mut(*pattern as usize) else { continue };
                    if std::mem::replace(tried, index(start + 1)) == index(start + 1) {
                        continue;
                    }
                    let at = Walk { code: &self.code, words: &words, tokens, start };
                    if let Some(end) = at.longest(*entry, start, 0) {
                        let values = self.values.get(*pattern as usize).into_iter().flatten();
                        hits.extend(values.map(|value| Hit { value, start, end }));
                    }
                }
            }
        }
        hits
    }
}

struct Walk<'a> {
    code: &'a [Op],
    words: &'a Words,
    tokens: &'a Tokens,
    start: usize,
}

impl Walk<'_> {
    /// Returns the end of the longest match from an instruction on; `skipped` counts gap words.
    fn longest(&self, op: u32, at: usize, skipped: usize) -> Option<usize> {
        match self.code.get(op as usize)? {
            Op::Accept => Some(at),
            Op::Literal(literal, next) => {
                if !self.reachable(at) || !self.words.literals(at).contains(literal) {
                    return None;
                }
                self.longest(*next, at + 1, 0)
            }
            Op::Fork(literals, others) => {
                let other = others.iter().filter_map(|next| self.longest(*next, at, skipped)).max();
                if !self.reachable(at) {
                    return other;
                }
                let mut best = other;
                for literal in self.words.literals(at) {
                    let first = literals.partition_point(|(known, _)| known < literal);
                    let same =
                        literals.iter().skip(first).take_while(|(known, _)| known == literal);
                    for (_, next) in same {
                        best = best.max(self.longest(*next, at + 1, 0));
                    }
                }
                best
            }
            Op::Gap(next) => {
                let here = self.longest(*next, at, 0);
                let further = (skipped < GAP && self.reachable(at))
                    .then(|| self.longest(op, at + 1, skipped + 1))
                    .flatten();
                here.max(further)
            }
        }
    }

    fn reachable(&self, at: usize) -> bool {
        at < self.tokens.len() && (at == self.start || self.tokens.before(at) < Break::Sentence)
    }
}

/// A literal of the set: a whole word or a prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Literal {
    Word(String),
    Prefix(String),
}

#[derive(Default)]
struct Compiler {
    code: Vec<Op>,
    literals: BTreeMap<Literal, u32>,
}

impl Compiler {
    fn op(&mut self, op: Op) -> u32 {
        self.code.push(op);
        index(self.code.len() - 1)
    }

    fn literal(&mut self, literal: Literal, next: u32) -> u32 {
        let fresh = index(self.literals.len());
        let number = *self.literals.entry(literal).or_insert(fresh);
        self.op(Op::Literal(number, next))
    }

    /// Compiles parts so that they go on with `next`; returns the first instruction.
    fn sequence(&mut self, parts: &[Part], next: u32) -> u32 {
        let mut next = next;
        for part in parts.iter().rev() {
            next = match part {
                Part::Word(word) => self.literal(Literal::Word(word.clone()), next),
                Part::Prefix(stem) => self.literal(Literal::Prefix(stem.clone()), next),
                Part::Gap => self.op(Op::Gap(next)),
                Part::OneOf(many) => {
                    let many = many.iter().map(|one| self.sequence(one, next)).collect();
                    self.fork(many)
                }
                Part::Maybe(inner) => {
                    let inner = self.sequence(inner, next);
                    self.fork(vec![inner, next])
                }
            };
        }
        next
    }

    /// Joins branches into one table, so that a word finds its branch without trying the others.
    fn fork(&mut self, many: Vec<u32>) -> u32 {
        let mut literals = Vec::new();
        let mut others = Vec::new();
        for branch in many {
            match self.code.get(branch as usize) {
                Some(Op::Literal(literal, next)) => literals.push((*literal, *next)),
                Some(Op::Fork(inner, more)) => {
                    literals.extend_from_slice(inner);
                    others.extend_from_slice(more);
                }
                Some(Op::Gap(_) | Op::Accept) | None => others.push(branch),
            }
        }
        literals.sort_unstable();
        literals.dedup();
        others.sort_unstable();
        others.dedup();
        self.op(Op::Fork(literals, others))
    }

    fn start_literals(&self, op: u32, mut found: impl FnMut(u32)) {
        match self.code.get(op as usize) {
            Some(Op::Literal(literal, _)) => found(*literal),
            Some(Op::Fork(literals, _)) => literals.iter().for_each(|(literal, _)| found(*literal)),
            // A pattern never starts with a gap.
            Some(Op::Gap(_) | Op::Accept) | None => {}
        }
    }
}

/// The literals that each token of a text has.
struct Words {
    literals: Vec<u32>,
    ends: Vec<usize>,
}

impl Words {
    fn literals(&self, token: usize) -> &[u32] {
        let start = token.checked_sub(1).and_then(|t| self.ends.get(t)).copied().unwrap_or(0);
        let end = self.ends.get(token).copied().unwrap_or(start);
        self.literals.get(start..end).unwrap_or_default()
    }
}

/// Words and prefixes by their bytes. Children of a node lie side by side, sorted.
#[derive(Clone, Debug, Default)]
struct Trie {
    nodes: Vec<Node>,
    bytes: Vec<u8>,
    targets: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    first: u32,
    count: u16,
    word: Option<u32>,
    prefix: Option<u32>,
}

#[derive(Default)]
struct Growing {
    children: BTreeMap<u8, Growing>,
    word: Option<u32>,
    prefix: Option<u32>,
}

impl Trie {
    fn new(literals: &BTreeMap<Literal, u32>) -> Self {
        let mut root = Growing::default();
        for (literal, number) in literals {
            let (Literal::Word(text) | Literal::Prefix(text)) = literal;
            let mut node = &mut root;
            for byte in text.bytes() {
                node = node.children.entry(byte).or_default();
            }
            match literal {
                Literal::Word(_) => node.word = Some(*number),
                Literal::Prefix(_) => node.prefix = Some(*number),
            }
        }
        let mut trie = Self::default();
        trie.nodes.push(Node::default());
        trie.lay_out(&root, 0);
        trie
    }

    fn lay_out(&mut self, from: &Growing, at: usize) {
        let first = self.bytes.len();
        let node_base = self.nodes.len();
        for (i, byte) in from.children.keys().enumerate() {
            self.bytes.push(*byte);
            self.targets.push(index(node_base + i));
            self.nodes.push(Node::default());
        }
        if let Some(node) = self.nodes.get_mut(at) {
            *node = Node {
                first: index(first),
                count: u16::try_from(from.children.len()).unwrap_or(0),
                word: from.word,
                prefix: from.prefix,
            };
        }
        for (i, child) in from.children.values().enumerate() {
            self.lay_out(child, node_base + i);
        }
    }

    fn look_up(&self, tokens: &Tokens) -> Words {
        let mut words = Words {
            literals: Vec::with_capacity(tokens.len()),
            ends: Vec::with_capacity(tokens.len()),
        };
        for (_, word) in tokens.iter() {
            self.walk(word, &mut words.literals);
            words.ends.push(words.literals.len());
        }
        words
    }

    fn walk(&self, word: &str, found: &mut Vec<u32>) {
        let Some(mut node) = self.nodes.first() else { return };
        for byte in word.bytes() {
            let first = node.first as usize;
            let range = first..first + usize::from(node.count);
            let children = self.bytes.get(range).unwrap_or_default();
            let Some(child) = children
                .binary_search(&byte)
                .ok()
                .and_then(|i| self.targets.get(first + i))
                .and_then(|target| self.nodes.get(*target as usize))
            else {
                return;
            };
            node = child;
            found.extend(node.prefix);
        }
        found.extend(node.word);
    }
}

/// Sets have far fewer entries than 2^32; the last number is never used.
fn index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
