//! Compares the public API of the libraries with the listings in `docs/api`. Run it with `scripts/api`, which has rustdoc
//! describe the libraries first.
//!
//! A listing has one line per public item. A change of the API is a change of a listing, so that reviews show it. Types
//! of other crates are refused unless the library allows that crate: the library could otherwise not replace the crate
//! without breaking its users. chat-net re-exports every type of chat-core that it shows, and shows none of the wire:
//! the formats could otherwise not grow.

mod crates;

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use public_api::Builder;

use self::crates::{crates_in, types_in};

/// A library, and the crates whose types its public API may contain, besides the standard library and itself.
struct Library {
    name: &'static str,
    /// Each is a part of the library's purpose, and stable.
    allowed: &'static [&'static str],
}

/// `bytes`, `serde_core`, `tokio` and `zeroize` are 1.x. `arrayvec` holds the bounded lists of an ack, which only drivers
/// and tests see. chat-net and chat-store show the values of chat-core.
const LIBRARIES: [Library; 3] = [
    Library { name: "chat-core", allowed: &["arrayvec", "bytes", "serde_core", "zeroize"] },
    Library { name: "chat-store", allowed: &["chat_core"] },
    Library { name: "chat-net", allowed: &["chat_core", "tokio"] },
];

/// It shows values of chat-core, and embedders need no other crate for them.
const FRONT_DOOR: &str = "chat-net";

const STANDARD_LIBRARY: [&str; 3] = ["alloc", "core", "std"];

/// What to do about a listing that differs.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Mode {
    Compare,
    Update,
}

fn main() -> ExitCode {
    let mode = if env::args().any(|arg| arg == "--update") { Mode::Update } else { Mode::Compare };
    let mut exit = ExitCode::SUCCESS;
    for library in &LIBRARIES {
        match check(library, mode) {
            Ok(problems) => {
                for problem in problems {
                    eprintln!("{problem}");
                    exit = ExitCode::FAILURE;
                }
            }
            Err(error) => {
                eprintln!("{}: {error}", library.name);
                exit = ExitCode::FAILURE;
            }
        }
    }
    exit
}

/// Returns a sentence for everything that is wrong with the API of `library`.
fn check(library: &Library, mode: Mode) -> Result<Vec<String>, Box<dyn Error>> {
    let Library { name, allowed } = library;
    let own = name.replace('-', "_");
    let api = Builder::from_rustdoc_json(format!("target/doc/{own}.json"))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()?;
    let lines: Vec<String> = api.items().map(ToString::to_string).collect();
    println!("{name}: {} public items", lines.len());
    let is_allowed = |found: &str| found == own || STANDARD_LIBRARY.contains(&found) || allowed.contains(&found);
    let mut problems: Vec<String> = lines
        .iter()
        .flat_map(|line| crates_in(line).map(move |found| (line, found)))
        .filter(|(_, found)| !is_allowed(found))
        .map(|(line, found)| format!("{name} shows a type of {found}; wrap it in a type of its own:\n    {line}"))
        .collect();
    if *name == FRONT_DOOR {
        problems.extend(core_types(&lines));
    }
    problems.extend(compare(name, &lines, mode)?);
    Ok(problems)
}

/// Returns a sentence for every type of chat-core that the front door shows and should not, or does not re-export.
fn core_types(lines: &[String]) -> BTreeSet<String> {
    let exported: BTreeSet<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("pub use ")?.rsplit("::").next()).collect();
    let wire = lines.iter().flat_map(|line| types_in(line, "chat_core::wire::"));
    let wire = wire.map(|found| format!("{FRONT_DOOR} shows {found} of chat_core::wire; wrap it in a type of its own"));
    let missing = lines.iter().flat_map(|line| types_in(line, "chat_core::"));
    let missing = missing.filter(|found| !exported.contains(found));
    wire.chain(missing.map(|found| format!("{FRONT_DOOR} shows {found} of chat-core; re-export it"))).collect()
}

/// Compares the lines with the listing in `docs/api`, or writes it.
fn compare(name: &str, lines: &[String], mode: Mode) -> Result<Vec<String>, Box<dyn Error>> {
    let path = format!("docs/api/{name}.txt");
    let listing = lines.join("\n") + "\n";
    if mode == Mode::Update {
        fs::create_dir_all("docs/api")?;
        fs::write(&path, listing)?;
        return Ok(Vec::new());
    }
    let listed = if Path::new(&path).exists() { fs::read_to_string(&path)? } else { String::new() };
    if listed == listing {
        return Ok(Vec::new());
    }
    let listed: Vec<&str> = listed.lines().collect();
    let added = lines.iter().filter(|line| !listed.contains(&line.as_str())).map(|line| format!("    + {line}"));
    let removed =
        listed.iter().filter(|line| !lines.iter().any(|new| new == *line)).map(|line| format!("    - {line}"));
    let differences: Vec<String> = removed.chain(added).collect();
    Ok(vec![format!(
        "the public API of {name} differs from {path}; if that is intended, run scripts/api --update and commit it:\n{}",
        differences.join("\n")
    )])
}
