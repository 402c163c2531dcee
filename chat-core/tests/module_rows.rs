//! Checks that modules import only from their own row and the rows above, as the table in `lib.rs` says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of this row do not import each other.
const MACHINES: &str = "machines";

#[test]
fn modules_import_only_from_their_own_row_and_the_rows_above() {
    let rows = Rows::parse(&read(&source().join("lib.rs")));
    let mut violations = Vec::new();
    for path in rust_files(&source()) {
        let module = module_path(&path);
        let Some(importer) = module.first() else { continue };
        for imported in imports(&read(&path), &module) {
            if !rows.allows(importer, &imported) {
                violations.push(format!("{} imports `{imported}`", path.display()));
            }
        }
    }
    assert!(violations.is_empty(), "imports from a row below or from another machine:\n{}", violations.join("\n"));
}

#[test]
fn the_table_lists_every_module() {
    let lib = read(&source().join("lib.rs"));
    let rows = Rows::parse(&lib);
    let declared = lib.lines().filter_map(|line| {
        let module = line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod "))?;
        module.strip_suffix(';')
    });
    let mut declared: Vec<&str> = declared.collect();
    declared.sort_unstable();
    assert_eq!(rows.modules.keys().map(String::as_str).collect::<Vec<_>>(), declared);
}

#[test]
fn the_architecture_document_has_the_same_table() {
    let lib = read(&source().join("lib.rs"));
    let table: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("//! ")).filter(is_table_line).collect();
    let document = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md"));
    let lines = document.lines().skip_while(|line| *line != table[0]);
    assert_eq!(lines.take(table.len()).collect::<Vec<_>>(), table);
}

#[test]
fn imports_are_found_in_every_form() {
    let code = "
        use crate::name::UserName;
        use crate::{id, roster::{Entry, Roster}};
        use super::super::time::Mono;
        fn f() -> crate::wire::frame::FrameDecoder {}
        // crate::sim in a comment
        #[cfg(test)]
        mod tests {
            use crate::sim::World;
        }
        use crate::text;
    ";
    let module = ["server".to_owned(), "login".to_owned()];
    let mut found = imports(code, &module);
    found.sort_unstable();
    assert_eq!(found, ["id", "name", "roster", "text", "time", "wire"]);
}

/// The row of each module.
struct Rows {
    modules: BTreeMap<String, usize>,
    machines: usize,
}

impl Rows {
    /// Parses the table in the documentation of the crate.
    fn parse(lib: &str) -> Self {
        let (mut modules, mut machines) = (BTreeMap::new(), None);
        let lines = lib.lines().filter_map(|line| line.strip_prefix("//! ")).filter(is_table_line);
        for (row, line) in lines.skip(2).enumerate() {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            if cells[1] == MACHINES {
                machines = Some(row);
            }
            for module in cells[2].trim_matches('`').split(' ') {
                let module = module.split('/').next().expect("the first part");
                assert_eq!(modules.insert(module.to_owned(), row), None, "{module} is listed twice");
            }
        }
        Self { modules, machines: machines.expect("a row of machines") }
    }

    fn allows(&self, importer: &str, imported: &str) -> bool {
        let row = |module: &str| *self.modules.get(module).unwrap_or_else(|| panic!("{module} is not in the table"));
        let (to, from) = (row(importer), row(imported));
        from < to || importer == imported || from == to && to != self.machines
    }
}

fn is_table_line(line: &&str) -> bool {
    line.starts_with('|')
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All source files but those that contain only tests, which may import from any row.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().expect("an entry has a name");
        if name == "tests" || name == "tests.rs" {
            continue;
        }
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The path of the module in a file. Empty for `lib.rs`.
fn module_path(file: &Path) -> Vec<String> {
    let path = file.strip_prefix(source()).expect("a source file").with_extension("");
    let parts = path.iter().map(|part| part.to_str().expect("module names are ASCII").to_owned());
    parts.filter(|part| part != "mod" && part != "lib").collect()
}

/// The top-level modules that the code of `module` refers to, outside comments and tests.
fn imports(code: &str, module: &[String]) -> Vec<String> {
    let code = without_tests_and_comments(code);
    let mut found = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        if !code[..start].ends_with(|before: char| before.is_alphanumeric() || matches!(before, '_' | '$')) {
            found.extend(first_segments(&code[start + "crate::".len()..]));
        }
    }
    // A chain of `super::` that reaches the root of the crate.
    let to_root = "super::".repeat(module.len());
    for (start, _) in code.match_indices(&to_root) {
        let (before, rest) = (&code[..start], &code[start + to_root.len()..]);
        if !before.ends_with("::") && !rest.starts_with("super::") {
            found.extend(first_segments(rest));
        }
    }
    found
}

/// The first segments of the path, or of each path in the braces, at the beginning of `code`.
fn first_segments(code: &str) -> Vec<String> {
    let Some(group) = code.strip_prefix('{') else { return vec![identifier(code)] };
    let (mut depth, mut segments, mut is_start) = (0, Vec::new(), true);
    for (index, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_start = true,
            _ if is_start && !char.is_whitespace() => {
                segments.push(identifier(&group[index..]));
                is_start = false;
            }
            _ => {}
        }
    }
    segments
}

fn identifier(code: &str) -> String {
    code.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
}

/// Drops line comments, and items behind `#[cfg(test)]` up to the line that closes them.
fn without_tests_and_comments(code: &str) -> String {
    let mut kept = String::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        if line.trim_start().starts_with("#[cfg(test)]") {
            let closes = |line: &&str| {
                let text = line.trim_start();
                line.len() - text.len() == indent && (text.starts_with('}') || text.ends_with(';'))
            };
            lines.by_ref().find(closes);
            continue;
        }
        kept.push_str(line.split("//").next().expect("the first part"));
        kept.push('\n');
    }
    kept
}
