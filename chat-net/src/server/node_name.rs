//! The name of a server among those that share its roster.

/// The longest name in bytes: each server keeps the names of all, and operators read them on one line.
const MAX: usize = 64;

/// Whether a server may have this name.
pub(super) fn is_allowed(name: &str) -> bool {
    (1..=MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The name of another server as operators may see it. Whoever can write to the journal chooses it, so that it could be
/// long, or contain what a terminal obeys.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(MAX).map(|char| if char.is_ascii_graphic() { char } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_visible_characters_only() {
        for name in ["a", "north-1", "10.0.0.1:7777", &"a".repeat(MAX)] {
            assert!(is_allowed(name), "{name}");
            assert_eq!(shown(name), name);
        }
        for name in ["", "a b", "小", "a\n", &"a".repeat(MAX + 1)] {
            assert!(!is_allowed(name), "{name:?}");
        }
        assert_eq!(shown("a\u{1b}[2J\n 小"), "a?[2J???");
        assert_eq!(shown(&"a".repeat(1_000)), "a".repeat(MAX));
    }
}
