//! Several classifiers that read a text together.
//!
//! Models of one pack learn from the same texts, so they know the same words. Looked up once for all, with what
//! each model says of it side by side, a feature costs one reach into memory where it would cost one per model.

use super::keys::{Hashes, KeyTable, each_gram};
use super::model::{Kind, LinearModel};
use super::rows::add_cells;
use super::text::Tokens;

/// Classifiers whose features are looked up once.
#[derive(Debug)]
pub struct Bundle {
    heads: Vec<Head>,
    words: Table,
    grams: Table,
    pairs: Table,
}

/// One classifier, and where its cells stand in a row.
#[derive(Debug)]
struct Head {
    /// Without its features, which are in the tables.
    model: LinearModel,
    from: usize,
    to: usize,
}

/// Features of one kind, each with a row of cells over all classifiers.
#[derive(Debug)]
struct Table {
    kind: Kind,
    keys: KeyTable,
    width: usize,
    cells: Vec<i8>,
    /// Per row and classifier: the scale of its cells, and the squared value, `UNKNOWN` where it has none.
    known: Vec<(f32, f32)>,
}

/// Stands for the squared value of a feature that a classifier does not know.
const UNKNOWN: f32 = -1.0;

/// What one classifier has found of a text so far.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    known: f32,
    missing: f32,
    /// Whether it does not know the present word, and reads its n-grams.
    spells: bool,
}

impl Bundle {
    /// Joins classifiers; their order is the order of every answer.
    pub fn new(models: Vec<LinearModel>) -> Self {
        let [words, grams, pairs] =
            [Kind::Word, Kind::Gram, Kind::Pair].map(|kind| Table::join(&models, kind));
        let mut from = 0;
        let heads = models
            .into_iter()
            .map(|model| {
                let to = from + model.row_width();
                let head = Head { model: model.without_features(), from, to };
                from = to;
                head
            })
            .collect();
        Self { heads, words, grams, pairs }
    }

    /// Returns the names of a classifier's labels in the order of their numbers.
    pub fn labels(&self, classifier: usize) -> &[String] {
        self.heads.get(classifier).map(|head| head.model.labels()).unwrap_or_default()
    }

    /// Returns for each classifier the probability of every label, as [`LinearModel::probabilities`] does.
    pub fn probabilities(&self, text: &str) -> Vec<Vec<f32>> {
        let (mut tokens, mut hashes) = (Tokens::default(), Hashes::default());
        tokens.read(text);
        let mut scores = vec![0.0; self.words.width];
        let mut sums = vec![Sum::default(); self.heads.len()];
        for token in tokens.padded() {
            let word = self.words.keys.get(hashes.push(token));
            self.add(&self.words, word, &mut sums, &mut scores);
            if sums.iter().any(|sum| sum.spells) {
                each_gram(token, |key| {
                    self.add(&self.grams, self.grams.keys.get(key), &mut sums, &mut scores);
                });
            }
        }
        if tokens.padded().next().is_some() {
            // Looking up first and adding then lets the processor wait for many rows at once.
            let mut found = Vec::new();
            hashes.each_pair(|key| found.push(self.pairs.keys.get(key)));
            for pair in found {
                self.add(&self.pairs, pair, &mut sums, &mut scores);
            }
        }
        let finish = |(head, sum): (&Head, &Sum)| {
            let scores = scores.get(head.from..head.to).unwrap_or_default();
            head.model.probabilities_of(scores, sum.known, sum.missing)
        };
        self.heads.iter().zip(&sums).map(finish).collect()
    }

    /// Adds a feature, or that it is unknown, to the sum of each classifier that reads it.
    fn add(&self, table: &Table, row: Option<u32>, sums: &mut [Sum], scores: &mut [f32]) {
        let row = row.map(|row| row as usize);
        let known = row.and_then(|row| table.known.get(row * sums.len()..)).unwrap_or_default();
        let cells = row.and_then(|row| table.cells.get(row * table.width..)).unwrap_or_default();
        for (number, (head, sum)) in self.heads.iter().zip(sums).enumerate() {
            if table.kind == Kind::Gram && !sum.spells {
                continue;
            }
            let fact = known.get(number).copied().filter(|(_, square)| *square > UNKNOWN);
            if table.kind == Kind::Word {
                sum.spells = fact.is_none();
            }
            let Some((scale, square)) = fact else {
                sum.missing += head.model.unknown_square(table.kind);
                continue;
            };
            sum.known += square;
            let span = head.from..head.to;
            if let (Some(cells), Some(scores)) = (cells.get(span.clone()), scores.get_mut(span)) {
                add_cells(cells, scale, scores);
            }
        }
    }
}

impl Table {
    fn join(models: &[LinearModel], kind: Kind) -> Self {
        let mut keys = KeyTable::with_room(0);
        for key in models.iter().flat_map(|model| model.keys(kind)) {
            keys.number(*key);
        }
        let width = models.iter().map(LinearModel::row_width).sum();
        let mut cells = vec![0; keys.len() * width];
        let mut known = vec![(0.0, UNKNOWN); keys.len() * models.len()];
        let mut from = 0;
        for (number, model) in models.iter().enumerate() {
            for (key, (scale, square, own)) in model.keys(kind).iter().zip(model.rows(kind)) {
                let Some(row) = keys.get(*key).map(|row| row as usize) else { continue };
                let start = row * width + from;
                if let Some(place) = cells.get_mut(start..start + own.len()) {
                    place.copy_from_slice(own);
                }
                if let Some(place) = known.get_mut(row * models.len() + number) {
                    *place = (scale, square);
                }
            }
            from += model.row_width();
        }
        Self { kind, keys, width, cells, known }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Example, TrainSettings, train};
    use super::*;

    fn model(examples: &[(&str, &str)]) -> LinearModel {
        let examples: Vec<Example> = examples
            .iter()
            .map(|(text, label)| Example { text: (*text).to_owned(), label: (*label).to_owned() })
            .collect();
        train(&examples, &TrainSettings::default()).unwrap()
    }

    #[test]
    fn a_bundle_says_what_its_classifiers_say_alone() {
        let subjects = model(&[
            ("quero meu dinheiro de volta", "refund"),
            ("estorno do pagamento em dobro", "refund"),
            ("esqueci a senha do sistema", "access"),
            ("não consigo entrar com a senha", "access"),
            ("como emito a nota fiscal", "invoice"),
            ("a nota saiu com valor errado", "invoice"),
        ]);
        let moods = model(&[
            ("que absurdo, quero meu dinheiro", "angry"),
            ("péssimo, ninguém responde", "angry"),
            ("como emito a nota fiscal", "calm"),
            ("bom dia, tudo bem?", "calm"),
        ]);
        let bundle = Bundle::new(vec![subjects.clone(), moods.clone()]);
        assert_eq!((bundle.labels(0), bundle.labels(1)), (subjects.labels(), moods.labels()));
        for text in [
            "quero o dinheiro da nota de volta",
            "absurdo! esqueci a senhaaa",
            "estornos pendentes, péssimo",
            "zzz kkk",
            "",
        ] {
            let alone = [subjects.probabilities(text), moods.probabilities(text)];
            assert_eq!(bundle.probabilities(text), alone, "{text}");
        }
        assert!(Bundle::new(Vec::new()).probabilities("oi").is_empty());
    }
}
