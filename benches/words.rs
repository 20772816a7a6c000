//! What a message costs before anything is decided: masking and telling its language.

use atende::domain::labels::Locale;
use atende::privacy::{Masker, Vault};
use atende::understand::language::Detector;
use divan::{Bencher, black_box};

const PLAIN: &str = "Boa tarde, fiz um pedido na semana passada e até agora não recebi nenhuma \
    informação sobre a entrega, gostaria de saber se vocês podem verificar o que aconteceu com ele";
const FULL: &str = "Boa tarde, fiz um pedido na semana passada e até agora não recebi nenhuma \
    informação. Meu CPF é 529.982.247-25, tel (11) 98765-4321, ana@example.com, Maria";

fn main() {
    divan::main();
}

#[divan::bench(args = [PLAIN, FULL])]
fn mask(text: &str) {
    black_box(Masker::new().mask(text, &mut Vault::new(), &["Maria da Silva"]));
}

#[divan::bench]
fn mask_a_megabyte(bencher: Bencher<'_, '_>) {
    let text = FULL.repeat(1_000_000 / FULL.len());
    bencher.bench(|| Masker::new().mask(&text, &mut Vault::new(), &["Maria da Silva"]));
}

#[divan::bench]
fn load_detector() -> Detector {
    Detector::new()
}

#[divan::bench(args = [PLAIN, "quero cancelar", "Where is my order?"])]
fn detect(bencher: Bencher<'_, '_>, text: &str) {
    let detector = Detector::new();
    bencher.bench(|| detector.detect(text, None, Locale::PtBr));
}
