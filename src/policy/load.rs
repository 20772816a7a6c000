//! Finds a pack's files, lays them over each other and turns them into a pack.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::decode;
use super::pack::Pack;
use super::problem::{self, Complaint, Problem, unknown};
use super::read::Desk;
use super::yaml::{MAX_BYTES, Node, Source, file_problem, overlay, parse, repeated_ids};
use crate::domain::decision::LocalText;

/// The packs that the binary carries.
#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/policies/"]
struct Embedded;

/// The packs that people choose from; the first is the default.
const SHIPPED: &[&str] = &["saas-br", "call-centre", "operations", "publisher"];

/// Files of the binary that packs build on without being packs.
const FOUNDATIONS: &[&str] = &["base"];

/// How many files may extend one another.
const DEEPEST: usize = 6;

impl Pack {
    /// Returns the ids of the packs that the binary carries; the first is the default.
    pub fn shipped() -> &'static [&'static str] {
        SHIPPED
    }

    /// Loads a pack that the binary carries.
    pub fn embedded(id: &str) -> Result<Self, Vec<Problem>> {
        if !SHIPPED.contains(&id) {
            let complaint = unknown(problem::PACK, id, SHIPPED);
            return Err(vec![file_problem(id, complaint.message, complaint.hint)]);
        }
        Self::load(embedded_source(id)?, Vec::new())
    }

    /// Loads a company's own policy file, which may extend a shipped pack or a file beside it.
    pub fn load_file(path: &Path) -> Result<Self, Vec<Problem>> {
        Self::load_files(path, &[])
    }

    /// Loads a policy file with overlays, each laid over what comes before it.
    pub fn load_files(path: &Path, overlays: &[PathBuf]) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut sources = Vec::new();
        for path in std::iter::once(path).chain(overlays.iter().map(PathBuf::as_path)) {
            match read_file(path) {
                Ok(source) => sources.push(source),
                Err(found) => problems.extend(found),
            }
        }
        if !problems.is_empty() || sources.is_empty() {
            return Err(problems);
        }
        let overlays = sources.split_off(1);
        sources.pop().map_or_else(|| Err(Vec::new()), |base| Self::load(base, overlays))
    }

    /// Loads a pack from texts: a base, which may extend others, and overlays in order.
    pub fn load(base: Source, overlays: Vec<Source>) -> Result<Self, Vec<Problem>> {
        let mut sources = vec![base];
        let mut layers = Vec::new();
        follow(&mut sources, &mut layers)?;
        layers.reverse();
        for source in overlays {
            let file = sources.len();
            layers.push((file, without_extends(parse(file, &source)?)));
            sources.push(source);
        }
        let of_files = digest(layers.iter().filter_map(|(file, _)| sources.get(*file)));
        let desk = Desk::new(&sources);
        for (at, id) in layers.iter().flat_map(|(_, node)| repeated_ids(node)) {
            desk.report(at, "id", repeated(&id));
        }
        let tree = layers.into_iter().map(|(_, node)| node).reduce(overlay);
        let decoded = tree.map(|tree| decode::pack(&tree, &desk, of_files));
        let problems = desk.into_problems();
        match decoded {
            Some(mut pack) if problems.is_empty() => {
                // What the models learned from decides too.
                let examples = Source { name: String::new(), text: pack.examples.digest.clone() };
                let all = Source { name: String::new(), text: pack.digest };
                pack.digest = digest([&all, &examples].into_iter());
                Ok(pack)
            }
            _ => Err(problems),
        }
    }
}

/// Parses the first source and all that it extends, uppermost first.
fn follow(sources: &mut Vec<Source>, layers: &mut Vec<(usize, Node)>) -> Result<(), Vec<Problem>> {
    let mut next = Some(0);
    while let Some(file) = next.take() {
        let Some(source) = sources.get(file) else { break };
        let node = parse(file, source)?;
        let extends = node.get("extends").cloned();
        let name = source.name.clone();
        layers.push((file, without_extends(node)));
        let Some(extends) = extends else { break };
        let problem = |complaint: Complaint| {
            vec![Problem {
                file: name.clone(),
                line: extends.at.line,
                column: extends.at.column,
                path: "extends".to_owned(),
                message: complaint.message,
                hint: complaint.hint,
            }]
        };
        let wanted = extends.as_text().ok_or_else(|| {
            problem(Complaint::new(
                "esperava o nome de um pacote ou de um arquivo",
                "expected the name of a pack or a file",
            ))
        })?;
        let source = find(wanted, &name).map_err(problem)?;
        if sources.len() >= DEEPEST || sources.iter().any(|known| known.name == source.name) {
            return Err(problem(Complaint::new(
                "os arquivos estendem uns aos outros em círculo, ou fundo demais",
                "the files extend one another in a circle, or too deep",
            )));
        }
        next = Some(sources.len());
        sources.push(source);
    }
    Ok(())
}

/// Finds what `extends` names: a shipped pack, or a file beside the one that extends.
fn find(wanted: &str, from: &str) -> Result<Source, Complaint> {
    let is_file = Path::new(wanted).extension().is_some_and(|e| e == "yaml" || e == "yml");
    if is_file {
        let path = Path::new(from).parent().unwrap_or(Path::new("")).join(wanted);
        return read_file(&path).map_err(|problems| complaint_of(problems, wanted));
    }
    let known = || [SHIPPED, FOUNDATIONS].concat();
    if known().contains(&wanted) {
        return embedded_source(wanted).map_err(|problems| complaint_of(problems, wanted));
    }
    Err(unknown(problem::PACK, wanted, SHIPPED))
}

/// Takes a file's problem to the place that names the file.
fn complaint_of(problems: Vec<Problem>, wanted: &str) -> Complaint {
    problems.into_iter().next().map_or_else(
        || unknown(problem::PACK, wanted, SHIPPED),
        |problem| Complaint { message: problem.message, hint: problem.hint },
    )
}

fn embedded_source(id: &str) -> Result<Source, Vec<Problem>> {
    let name = format!("policies/{id}.yaml");
    let file = Embedded::get(&format!("{id}.yaml"));
    let text = file.and_then(|file| String::from_utf8(file.data.into_owned()).ok());
    match text {
        Some(text) => Ok(Source { name, text }),
        None => Err(vec![file_problem(
            &name,
            LocalText::new("o pacote não está no programa", "the pack is not in the binary"),
            None,
        )]),
    }
}

/// Returns a file that the binary carries beside its packs.
pub(super) fn embedded_file(name: &str) -> Option<Vec<u8>> {
    Embedded::get(name).map(|file| file.data.into_owned())
}

fn read_file(path: &Path) -> Result<Source, Vec<Problem>> {
    let name = path.display().to_string();
    let too_large = std::fs::metadata(path).is_ok_and(|meta| meta.len() > MAX_BYTES as u64);
    if too_large {
        // The parser says so; the text is not worth reading.
        return Ok(Source { name, text: " ".repeat(MAX_BYTES + 1) });
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Source { name, text }),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(vec![file_problem(
            &name,
            LocalText::new("o arquivo não é texto em UTF-8", "the file is not text in UTF-8"),
            Some(LocalText::new("salve o arquivo como UTF-8", "save the file as UTF-8")),
        )]),
        Err(error) => Err(vec![file_problem(
            &name,
            LocalText::new(
                format!("não foi possível ler o arquivo: {error}"),
                format!("the file cannot be read: {error}"),
            ),
            None,
        )]),
    }
}

fn repeated(id: &str) -> Complaint {
    Complaint::new(
        format!("o id \"{id}\" aparece duas vezes na mesma lista"),
        format!("the id \"{id}\" appears twice in the same list"),
    )
    .hint("junte os dois ou mude um", "join the two or change one")
}

fn without_extends(mut node: Node) -> Node {
    if let super::yaml::Yaml::Map(entries) = &mut node.value {
        entries.retain(|(key, _)| key.name != "extends");
    }
    node
}

fn digest<'s>(sources: impl Iterator<Item = &'s Source>) -> String {
    let mut hash = Sha256::new();
    for source in sources {
        // Lengths keep two different splits of the same bytes apart.
        hash.update(source.text.len().to_be_bytes());
        hash.update(source.text.as_bytes());
    }
    hex::encode(hash.finalize())
}
