//! The customer's known names in a text, whatever their case and accents.
//!
//! A part that is also a common word (Rosa, Lima, Mark) counts only where it is written as a name.

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

use super::claims::{Claim, Claims};
use super::kind::Kind;

/// Words that join the parts of a name and say nothing alone.
#[rustfmt::skip]
const PARTICLES: &[&str] = &[
    "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "e", "el", "la",
    "las", "le", "los", "van", "von", "y",
];

/// Titles and generations, which are no names.
#[rustfmt::skip]
const TITLES: &[&str] = &[
    "dona", "dr", "dra", "filho", "jr", "junior", "miss", "mr", "mrs", "ms", "neto", "prof",
    "profa", "senhor", "senhora", "seu", "sir", "sobrinho", "sr", "sra", "srta",
];

/// Names that are common words of Portuguese, English or Spanish.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "abril", "admin", "alba", "alma", "amado", "amber", "amor", "angel", "anjos", "art", "assuncao",
    "aurora", "barros", "bela", "bell", "bento", "best", "bill", "black", "bonito", "branco",
    "brasil", "brown", "bush", "campo", "campos", "caridade", "carvalho", "case", "cash", "castro",
    "chance", "charity", "chase", "christian", "clara", "claro", "cliente", "conceicao", "consuelo",
    "contact", "contato", "cook", "costa", "cross", "cruz", "customer", "day", "dean", "destiny",
    "deus", "don", "dores", "drew", "dulce", "duque", "earl", "encarnacao", "esperanca", "faith",
    "faria", "fe", "feliz", "field", "flor", "flores", "fonte", "fontes", "forte", "franca",
    "franco", "frank", "gene", "gentil", "gloria", "good", "grace", "grant", "gray", "green",
    "guerra", "hall", "harmony", "hill", "holanda", "hope", "hunter", "iris", "jack", "jade",
    "jasmine", "jesus", "joy", "justa", "justo", "king", "lance", "leal", "leite", "lily", "lima",
    "lobo", "loja", "long", "love", "luna", "luz", "machado", "major", "mar", "marca", "mark",
    "mason", "mata", "max", "may", "mercedes", "mercy", "miles", "moita", "montes", "morales",
    "morena", "moreno", "mota", "nascimento", "natal", "neves", "nick", "noble", "norma", "page",
    "paixao", "pat", "paz", "pearl", "pena", "penny", "pinheiro", "pinho", "pinto", "pleasant",
    "ponte", "porto", "portugal", "prado", "prata", "preto", "price", "prudente", "queen", "ramos",
    "ray", "reis", "rey", "rich", "rios", "rivers", "rob", "robin", "rocha", "roman", "rosa",
    "rose", "ruby", "rusty", "sage", "salas", "sales", "salvador", "santa", "santo", "santos",
    "serena", "serra", "silver", "sky", "smart", "sol", "souto", "star", "stone", "store", "sue",
    "summer", "suporte", "support", "terra", "test", "teste", "torre", "torres", "tudo", "ty",
    "user", "usuario", "uva", "vale", "valente", "vera", "verde", "victor", "victoria", "vida",
    "viola", "violet", "vitoria", "ward", "west", "white", "will", "winter", "wood", "woods",
    "worth", "young",
];

/// The parts of all names of one call.
pub(super) struct Names {
    parts: Vec<Part>,
    /// Bit per folded first letter, so that most words are passed over unfolded.
    first_letters: u32,
}

struct Part {
    folded: String,
    common: bool,
}

/// A word of the text that is part of a name.
struct Hit {
    start: usize,
    end: usize,
    evident: bool,
}

impl Names {
    /// Takes names apart; what is no name (digits, addresses, particles, titles) is left out.
    pub(super) fn new(names: &[&str]) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for name in names.iter().filter(|name| !name.contains('@')) {
            for word in name.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)) {
                let folded = folded(word);
                let letters = folded.chars().count();
                let listed = |list: &[&str]| list.contains(&folded.as_str());
                if letters < 2
                    || folded.chars().any(char::is_numeric)
                    || listed(PARTICLES)
                    || listed(TITLES)
                    || parts.iter().any(|part| part.folded == folded)
                {
                    continue;
                }
                let common = letters == 2 || listed(COMMON);
                parts.push(Part { folded, common });
            }
        }
        let first_letters = parts
            .iter()
            .filter_map(|part| part.folded.chars().next())
            .fold(0, |bits, c| bits | letter_bit(c));
        Self { parts, first_letters }
    }

    /// Claims every name of the text, consecutive parts as one.
    pub(super) fn find(&self, text: &str, claims: &mut Claims) {
        if self.parts.is_empty() {
            return;
        }
        let mut run: Option<Run> = None;
        for (start, word) in words(text) {
            let taken = claims.covering(start).is_some();
            let part = self.part(word).filter(|_| !taken);
            let joined = run
                .as_ref()
                .and_then(|run| text.get(run.reach..start))
                .is_some_and(|gap| matches!(gap, " " | "\u{a0}" | "-"));
            if !joined && let Some(run) = run.take() {
                run.claim(claims);
            }
            let end = start + word.len();
            match (part, &mut run) {
                (Some(part), open) => {
                    let evident = !part.common || written_as_name(text, start, word, claims);
                    let hit = Hit { start, end, evident };
                    match open {
                        Some(run) => run.extend(&hit),
                        None => *open = Some(Run::new(&hit)),
                    }
                }
                (None, Some(open)) if !taken && PARTICLES.contains(&folded(word).as_str()) => {
                    open.reach = end;
                }
                (None, _) => {
                    if let Some(run) = run.take() {
                        run.claim(claims);
                    }
                }
            }
        }
        if let Some(run) = run {
            run.claim(claims);
        }
    }

    fn part(&self, word: &str) -> Option<&Part> {
        let first = word.chars().next()?;
        if first.is_ascii() && self.first_letters & letter_bit(first.to_ascii_lowercase()) == 0 {
            return None;
        }
        let folded = folded(word);
        self.parts.iter().find(|part| part.folded == folded)
    }
}

/// Consecutive parts of a name, with particles between them.
struct Run {
    start: usize,
    end: usize,
    /// Where the last part or particle ended.
    reach: usize,
    parts: usize,
    evident: bool,
}

impl Run {
    fn new(hit: &Hit) -> Self {
        Self { start: hit.start, end: hit.end, reach: hit.end, parts: 1, evident: hit.evident }
    }

    fn extend(&mut self, hit: &Hit) {
        self.end = hit.end;
        self.reach = hit.end;
        self.parts += 1;
        self.evident |= hit.evident;
    }

    fn claim(self, claims: &mut Claims) {
        if self.evident || self.parts > 1 {
            claims.add(Claim { start: self.start, end: self.end, kind: Kind::Name, kept: false });
        }
    }
}

/// True for a capital where a sentence does not ask for one.
fn written_as_name(text: &str, start: usize, word: &str, claims: &Claims) -> bool {
    let mut letters = word.chars();
    let capital = letters.next().is_some_and(char::is_uppercase);
    let shouted = word.chars().count() > 1 && letters.all(char::is_uppercase);
    let before = text.get(..start).unwrap_or_default().trim_end_matches([' ', '\u{a0}', '*', '_']);
    let masked = claims.before(start).is_some_and(|claim| claim.end == before.len());
    let opens = before.is_empty()
        || !masked && before.ends_with(['.', '!', '?', '\n', '\r', ':', '>', '"']);
    capital && !shouted && !opens
}

/// Gives every word with the byte where it starts; a word is letters, digits and their marks.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let word_char = |c: char| c.is_alphanumeric() || c == '_' || is_combining_mark(c);
    let mut rest = 0;
    std::iter::from_fn(move || {
        let tail = text.get(rest..)?;
        let start = rest + tail.find(word_char)?;
        let tail = text.get(start..)?;
        let length = tail.find(|c| !word_char(c)).unwrap_or(tail.len());
        rest = start + length;
        Some((start, tail.get(..length)?))
    })
}

fn letter_bit(c: char) -> u32 {
    match c {
        'a'..='z' => 1 << (u32::from(c) - u32::from('a')),
        _ => 1 << 31,
    }
}

/// Lower case without marks: what two spellings of one name share.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii() {
            out.push(c);
        } else {
            decompose_canonical(c, |part| {
                if !is_combining_mark(part) {
                    out.push(part);
                }
            });
        }
    }
    out
}
