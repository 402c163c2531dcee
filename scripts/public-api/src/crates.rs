//! Finds the crates, and the types of a crate, that a line of a listing names.

/// The first segments of all paths in `line` that can be crates. Type parameters and `Self` begin with an upper-case
/// letter, and the rest of a qualified path has no first segment.
pub(crate) fn crates_in(line: &str) -> impl Iterator<Item = &str> {
    paths_in(line).filter_map(|path| {
        let (first, _) = path.split_once("::")?;
        first.starts_with(|char: char| char.is_ascii_lowercase()).then_some(first)
    })
}

/// The names of the types in `line` that are below `module`, such as `chat_core::`.
pub(crate) fn types_in<'a>(line: &'a str, module: &'a str) -> impl Iterator<Item = &'a str> {
    paths_in(line).filter_map(move |path| {
        path.strip_prefix(module)?.split("::").find(|part| part.starts_with(|char: char| char.is_ascii_uppercase()))
    })
}

fn paths_in(line: &str) -> impl Iterator<Item = &str> {
    let paths = line.split(|char: char| !char.is_ascii_alphanumeric() && char != '_' && char != ':');
    // A bound follows its type after a colon.
    paths.map(|path| path.trim_end_matches(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_names_its_crate() {
        let found = |line| crates_in(line).collect::<Vec<_>>();
        assert_eq!(
            found(
                "pub async fn chat_store::open(url: &str) -> core::result::Result<chat_store::SqlAccounts, rustls::Error>"
            ),
            ["chat_store", "core", "chat_store", "rustls"]
        );
        assert_eq!(
            found("impl<T: core::fmt::Debug> rustls::server::ResolvesServerCert for chat_net::Reload"),
            ["core", "rustls", "chat_net"]
        );
        assert_eq!(found("pub fn <T as a::Iterator>::next(&mut self) -> Option<Self::Item>"), ["a"]);
        assert_eq!(found("pub chat_net::Metric::Roster = 5"), ["chat_net"]);
    }

    #[test]
    fn types_are_found_by_the_module_above_them() {
        let line = "pub fn chat_net::Roster::get(&self, &chat_core::name::UserName) -> Option<chat_core::wire::hello::Hello>";
        assert_eq!(types_in(line, "chat_core::").collect::<Vec<_>>(), ["UserName", "Hello"]);
        assert_eq!(types_in(line, "chat_core::wire::").collect::<Vec<_>>(), ["Hello"]);
    }
}
