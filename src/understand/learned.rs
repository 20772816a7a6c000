//! What the embedded linear models say of a turn. They learn from the policy's labelled examples and
//! stand beside rules and signals, never above them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::linear::{Bundle, Example, LinearModel, TrainSettings, train};
use crate::domain::example::{Examples, LabelledExample, OUT_OF_SCOPE};
use crate::domain::labels::{Sentiment, Urgency};
use crate::domain::signal::Signal;

/// Examples that a category needs before the categories are learned at all: with fewer the model
/// would only push the category that has many.
const LEAST: usize = 10;
/// The label of examples without a signal.
const NO_SIGNAL: &str = "none";
/// Raised whenever the same examples would give other models.
const WAY_OF_LEARNING: u32 = 1;
/// How many sets of models are kept for policies that come back; each takes some megabytes.
const KEPT: usize = 4;
/// Bytes of a turn that the models read; what a long mail wants stands at its start.
const READ_BYTES: usize = 4_000;

/// The probability of each label, from 0 to 1; what is missing to 1 is "none of them".
pub(super) type Shares<'m> = Vec<(&'m str, f64)>;

/// What is learned from a pack's examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Subject {
    Category,
    /// `category/subcategory` pairs.
    Subcategory,
    Urgency,
    Sentiment,
    Complexity,
    Signals,
}

/// The models of one set of examples; a subject without enough examples has none.
pub(super) struct Learned {
    subjects: Vec<Subject>,
    bundle: Bundle,
}

/// The models as they are kept.
type Stored = Vec<(Subject, LinearModel)>;

/// What the models say of one text; no label of a subject that nothing was learned of.
pub(super) struct Opinion<'m> {
    pub(super) category: Shares<'m>,
    pub(super) subcategory: Shares<'m>,
    pub(super) urgency: Shares<'m>,
    pub(super) sentiment: Shares<'m>,
    pub(super) complexity: Shares<'m>,
    signals: Shares<'m>,
}

/// Models that are trained when they are first asked, once for all that have the same examples.
#[derive(Clone)]
pub(super) struct Models {
    examples: Arc<Examples>,
    categories: Vec<String>,
    learned: Arc<OnceLock<Learned>>,
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Models").field("examples", &self.examples.digest).finish_non_exhaustive()
    }
}

type Key = (String, Vec<String>);

/// Models by what they learned from: tenants and reloads share them.
static KNOWN: Mutex<VecDeque<(Key, Arc<OnceLock<Learned>>)>> = Mutex::new(VecDeque::new());

impl Models {
    pub(super) fn new(examples: Arc<Examples>, categories: Vec<String>) -> Self {
        let key = (examples.digest.clone(), categories.clone());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(of, _)| *of == key).map(|(_, learned)| Arc::clone(learned));
        let learned = found.unwrap_or_else(|| {
            let learned = Arc::new(OnceLock::new());
            known.push_back((key, Arc::clone(&learned)));
            if known.len() > KEPT {
                known.pop_front();
            }
            learned
        });
        Self { examples, categories, learned }
    }

    /// Returns the name of these models: another one for other examples or another way to learn.
    fn key(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(WAY_OF_LEARNING.to_be_bytes());
        for part in std::iter::once(&self.examples.digest).chain(&self.categories) {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        hex::encode(hash.finalize())
    }

    /// Makes the models ready: from what `kept` returns for their key, else by training. Whoever asks for
    /// them meanwhile waits for this. Returns key and bytes to keep where they were trained here.
    pub(super) fn warm(
        &self,
        kept: impl FnOnce(&str) -> Option<Vec<u8>>,
    ) -> Option<(String, Vec<u8>)> {
        let key = self.key();
        let mut trained = None;
        self.learned.get_or_init(|| {
            let stored = kept(&key).and_then(|bytes| serde_json::from_slice(&bytes).ok());
            Learned::new(stored.unwrap_or_else(|| {
                let models = self.train();
                trained = serde_json::to_vec(&models).ok();
                models
            }))
        });
        Some((key, trained?))
    }

    /// True once they are ready: until then `get` waits.
    pub(super) fn is_ready(&self) -> bool {
        self.learned.get().is_some()
    }

    /// Returns the models, training them first where nobody has yet: about a second.
    pub(super) fn get(&self) -> &Learned {
        self.learned.get_or_init(|| Learned::new(self.train()))
    }

    fn train(&self) -> Stored {
        let (examples, categories) = (self.examples.list.as_slice(), self.categories.as_slice());
        let plain = BTreeMap::new();
        let known = |example: &LabelledExample| {
            let category = example.category.as_deref()?;
            (category == OUT_OF_SCOPE || categories.iter().any(|id| id == category))
                .then(|| category.to_owned())
        };
        let enough = categories.iter().all(|id| {
            examples.iter().filter(|one| one.category.as_deref() == Some(id)).count() >= LEAST
        });
        let category = |example: &LabelledExample| known(example).filter(|_| enough);
        let subcategory = |example: &LabelledExample| {
            let category = category(example)?;
            let subcategory = example.subcategory.as_deref().filter(|id| !id.is_empty())?;
            Some(format!("{category}/{subcategory}"))
        };
        // A missed angry or critical message costs more than one seen too many.
        let mood: BTreeMap<String, f32> =
            [(Sentiment::Angry, 3.0), (Sentiment::Negative, 1.3), (Sentiment::Positive, 1.2)]
                .map(|(label, weight)| (label.as_str().to_owned(), weight))
                .into();
        let haste: BTreeMap<String, f32> = [(Urgency::Critical, 2.5), (Urgency::High, 1.3)]
            .map(|(label, weight)| (label.as_str().to_owned(), weight))
            .into();
        let urgency = |one: &LabelledExample| Some(one.urgency?.as_str().to_owned());
        let sentiment = |one: &LabelledExample| Some(one.sentiment?.as_str().to_owned());
        let complexity = |one: &LabelledExample| Some(one.complexity?.as_str().to_owned());
        let subjects: [(Subject, Label<'_>, &BTreeMap<String, f32>); 6] = [
            (Subject::Category, &category, &plain),
            (Subject::Subcategory, &subcategory, &plain),
            (Subject::Urgency, &urgency, &haste),
            (Subject::Sentiment, &sentiment, &mood),
            (Subject::Complexity, &complexity, &plain),
            (Subject::Signals, &signal_of, &plain),
        ];
        // Side by side: they need nothing of each other.
        std::thread::scope(|scope| {
            let threads = subjects.map(|(subject, label, weights)| {
                scope.spawn(move || Some((subject, learn(examples, label, weights)?)))
            });
            // A subject whose training panicked is left to the rules.
            threads.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect()
        })
    }
}

impl Learned {
    fn new(models: Stored) -> Self {
        let (subjects, models) = models.into_iter().unzip();
        Self { subjects, bundle: Bundle::new(models) }
    }

    /// Reads a text.
    pub(super) fn read(&self, text: &str) -> Opinion<'_> {
        let text = text.get(..text.floor_char_boundary(READ_BYTES)).unwrap_or(text);
        let mut said = self.bundle.probabilities(text);
        let mut shares = |subject| {
            let place = self.subjects.iter().position(|one| *one == subject);
            let own = place.and_then(|at| Some((self.bundle.labels(at), said.get_mut(at)?)));
            let Some((labels, said)) = own else { return Vec::new() };
            let labels = labels.iter().map(String::as_str);
            labels.zip(said.drain(..).map(f64::from)).collect()
        };
        Opinion {
            category: shares(Subject::Category),
            subcategory: shares(Subject::Subcategory),
            urgency: shares(Subject::Urgency),
            sentiment: shares(Subject::Sentiment),
            complexity: shares(Subject::Complexity),
            signals: shares(Subject::Signals),
        }
    }
}

impl Opinion<'_> {
    /// Returns how likely each signal is.
    pub(super) fn signals(&self) -> impl Iterator<Item = (Signal, f64)> {
        self.signals.iter().filter_map(|(label, share)| Some((Signal::parse(label)?, *share)))
    }
}

/// The signal that an example stands for: the first that it names. A calm message about something
/// else than money and privacy has none, also where nobody said so.
fn signal_of(example: &LabelledExample) -> Option<String> {
    if let Some(signals) = &example.signals {
        return Some(signals.first().map_or(NO_SIGNAL, |signal| signal.as_str()).to_owned());
    }
    let calm = matches!(example.urgency?, Urgency::Low | Urgency::Normal)
        && matches!(example.sentiment?, Sentiment::Neutral | Sentiment::Positive);
    let elsewhere = !matches!(example.category.as_deref()?, "billing" | "general_inquiry");
    (calm && elsewhere).then(|| NO_SIGNAL.to_owned())
}

/// Chooses an example's label for one subject.
type Label<'a> = &'a (dyn Fn(&LabelledExample) -> Option<String> + Sync);

fn learn(
    examples: &[LabelledExample],
    label: Label<'_>,
    weights: &BTreeMap<String, f32>,
) -> Option<LinearModel> {
    let mut labelled: Vec<Example> = examples
        .iter()
        .filter_map(|one| Some(Example { text: one.text.clone(), label: label(one)? }))
        .collect();
    mix(&mut labelled);
    let settings = TrainSettings {
        passes: 10,
        fold_passes: 5,
        folds: 4,
        label_weights: weights.clone(),
        ..TrainSettings::default()
    };
    // Too few examples or only one label: the rules decide alone.
    train(&labelled, &settings).ok()
}

/// Brings examples into an order without meaning, always the same: people write them by subject, and a
/// fold that holds a whole subject back would make the model doubt itself too much.
fn mix(examples: &mut [Example]) {
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    for last in (1..examples.len()).rev() {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(random >> 33).unwrap_or_default() % (last + 1);
        examples.swap(last, other);
    }
}

/// The best label of pooled opinions.
pub(super) struct Pooled<'m> {
    pub(super) label: &'m str,
    pub(super) probability: f64,
    all: Shares<'m>,
}

impl Pooled<'_> {
    /// Returns the mean of what each label stands for on a scale, by its probability.
    pub(super) fn mean(&self, of: impl Fn(&str) -> f64) -> f64 {
        let sum: f64 = self.all.iter().map(|(label, share)| share * of(label)).sum();
        sum / self.all.iter().map(|(_, share)| share).sum::<f64>().max(f64::EPSILON)
    }
}

/// Pools what the model says with other evidence for its labels, as one adds logarithms of odds
/// (a logarithmic opinion pool). `evidence` is how much speaks for a label besides, 0 for nothing. `None` where the model
/// says nothing: of a text without one word that it knows, every label would be as good as the first.
pub(super) fn pool<'m>(shares: &Shares<'m>, evidence: impl Fn(&str) -> f64) -> Option<Pooled<'m>> {
    if shares.iter().all(|(_, share)| *share <= 0.0) {
        return None;
    }
    let none = (1.0 - shares.iter().map(|(_, share)| share).sum::<f64>()).max(0.0);
    let weighed: Shares<'m> = shares
        .iter()
        .map(|(label, share)| (*label, share.max(1e-4) * evidence(label).exp()))
        .collect();
    let total = none + weighed.iter().map(|(_, weight)| weight).sum::<f64>();
    let all: Shares<'m> = weighed.into_iter().map(|(label, w)| (label, w / total)).collect();
    let (label, probability) =
        all.iter().copied().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    Some(Pooled { label, probability, all })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_follows_the_model_until_other_evidence_outweighs_it() {
        let shares = || vec![("a", 0.6), ("b", 0.3)];
        let plain = pool(&shares(), |_| 0.0).unwrap();
        assert_eq!((plain.label, (plain.probability * 1000.0).round()), ("a", 600.0));
        let other = pool(&shares(), |label| if label == "b" { 2.0 } else { 0.0 }).unwrap();
        assert_eq!(other.label, "b");
        // 0.3 e² against 0.6 and 0.1 for none of them.
        assert!((other.probability - 2.2167 / 2.9167).abs() < 1e-3, "{}", other.probability);
        assert!(pool(&Vec::new(), |_| 0.0).is_none());
        let silent = vec![("angry", 0.0), ("neutral", 0.0)];
        assert!(pool(&silent, |_| 0.0).is_none(), "no label is as good as any other");
    }

    #[test]
    fn mixing_keeps_every_example_and_repeats_itself() {
        let make = || -> Vec<Example> {
            (0..50).map(|n| Example { text: n.to_string(), label: String::new() }).collect()
        };
        let (mut one, mut two) = (make(), make());
        mix(&mut one);
        mix(&mut two);
        assert_eq!(one, two);
        assert_ne!(one, make());
        one.sort_by_key(|e| e.text.parse::<u32>().unwrap());
        assert_eq!(one, make());
    }
}
