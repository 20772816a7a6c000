//! What the labelled messages promise: enough of each, none twice, and none of the test set among
//! those that are learned.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use atende::domain::example::LabelledExample;
use atende::policy::Pack;

/// Two messages may share this part of the shorter one's character 5-grams.
const MOST_SHARED: f64 = 0.6;

fn lines(folder: &str) -> Vec<(String, serde_json::Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for (number, line) in (1..).zip(std::fs::read_to_string(&file).unwrap().lines()) {
            all.push((format!("{name}:{number}"), serde_json::from_str(line).unwrap()));
        }
    }
    all
}

fn ratio(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn grams(text: &str) -> HashSet<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let signs: Vec<char> = words.join(" ").to_lowercase().chars().collect();
    if signs.len() < 5 {
        return [signs.iter().collect()].into();
    }
    signs.windows(5).map(|gram| gram.iter().collect()).collect()
}

#[test]
fn no_two_messages_are_alike_and_none_of_the_test_set_is_learned() {
    let mut all = lines("policies/examples");
    all.extend(lines("eval/labelled"));
    let mut seen: Vec<(String, usize)> = Vec::new();
    let mut having: HashMap<String, Vec<usize>> = HashMap::new();
    let mut alike = Vec::new();
    for (place, example) in &all {
        let own = grams(example["text"].as_str().unwrap());
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for other in own.iter().filter_map(|gram| having.get(gram)).flatten() {
            *shared.entry(*other).or_default() += 1;
        }
        for (other, count) in shared {
            let (name, size) = &seen[other];
            let shorter = own.len().min(*size);
            if ratio(count) > MOST_SHARED * ratio(shorter) {
                alike.push(format!("{name} and {place}"));
            }
        }
        let at = seen.len();
        seen.push((place.clone(), own.len()));
        for gram in own {
            having.entry(gram).or_default().push(at);
        }
    }
    assert!(alike.is_empty(), "too alike:\n{}", alike.join("\n"));
}

#[test]
fn every_category_has_forty_messages_a_language_to_learn_from_and_twenty_to_be_tested_on() {
    let pack = Pack::embedded("saas-br").unwrap();
    for (folder, least) in [("policies/examples", 40), ("eval/labelled", 20)] {
        let mut counts: BTreeMap<(String, &str), usize> = BTreeMap::new();
        for (place, example) in lines(folder) {
            let locale = if place.contains(".pt-BR.") { "pt-BR" } else { "en" };
            if let Some(category) = example["category"].as_str() {
                *counts.entry((category.to_owned(), locale)).or_default() += 1;
            }
        }
        let wanted = pack.taxonomy.iter().map(|category| category.id.as_str());
        for category in wanted.chain(["out_of_scope"]) {
            for locale in ["pt-BR", "en"] {
                let count = counts.get(&(category.to_owned(), locale)).copied().unwrap_or(0);
                assert!(count >= least, "{folder}: {count} of {category} in {locale}");
            }
        }
    }
}

#[test]
fn labels_of_the_test_set_are_labels_of_the_pack() {
    let pack = Pack::embedded("saas-br").unwrap();
    for (place, example) in lines("eval/labelled") {
        let example: LabelledExample =
            serde_json::from_value(example).unwrap_or_else(|error| panic!("{place}: {error}"));
        let category = example.category.unwrap();
        let known = pack.taxonomy.iter().find(|one| one.id == category);
        assert!(known.is_some() || category == "out_of_scope", "{place}: {category}");
        let subcategory = example.subcategory.unwrap();
        let fits = known.is_none_or(|one| one.subcategories.iter().any(|s| s.id == subcategory));
        assert!(fits, "{place}: {category}/{subcategory}");
    }
}
