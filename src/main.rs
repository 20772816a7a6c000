//! The `atende` binary: hands the process's streams, environment and folder to `cli`, and nothing else.

use std::io::{BufReader, IsTerminal as _};
use std::process::ExitCode;

use atende::{cli, config};

/// Triage makes and drops many small texts on several threads; this is faster there than the system's
/// allocator, and gives back what building an index or training took.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Libraries here could bring two providers, and rustls panics when it has to guess. An error
    // means that one is installed already, which is all that is wanted.
    drop(rustls::crypto::ring::default_provider().install_default());

    let mut out = std::io::stdout().lock();
    let mut err = std::io::stderr();
    // Not locked here: commands may read on another thread than the one that answers.
    let mut stdin = BufReader::new(std::io::stdin());
    let world = cli::World {
        out: &mut out,
        err: &mut err,
        stdin_is_terminal: std::io::stdin().is_terminal(),
        stdin: &mut stdin,
        env: config::process_env(),
        current_dir: std::env::current_dir().unwrap_or_default(),
    };
    cli::run(std::env::args_os(), world).into()
}
