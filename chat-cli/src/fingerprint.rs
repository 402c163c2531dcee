//! Fingerprints for people who read them to each other.

use std::io::{self, IsTerminal};

use chat_net::identity::Fingerprint;

/// The digits of a fingerprint in two lines of groups of four. Both programs show them like this to people who compare
/// them.
pub fn in_groups(fingerprint: Fingerprint) -> [String; 2] {
    let digits = fingerprint.to_string();
    let groups: Vec<&str> = (0..digits.len()).step_by(4).filter_map(|at| digits.get(at..at + 4)).collect();
    let (first, second) = groups.split_at(groups.len() / 2);
    [first.join(" "), second.join(" ")]
}

/// Formats a fingerprint for standard output: in groups for a terminal, as plain digits on one line for scripts.
pub(crate) fn for_standard_output(fingerprint: Fingerprint) -> String {
    if io::stdout().is_terminal() {
        in_groups(fingerprint).map(|line| line + "\n").concat()
    } else {
        format!("{fingerprint}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_a_fingerprint_are_the_fingerprint() {
        let mut bytes = [0; 32];
        (0..).zip(&mut bytes).for_each(|(number, byte)| *byte = number);
        let fingerprint = Fingerprint::new(bytes);
        let groups = in_groups(fingerprint);
        assert_eq!(groups[0], "0001 0203 0405 0607 0809 0a0b 0c0d 0e0f");
        for copied in [groups.join(" "), groups.join("\n"), format!("{}\r\n  {}\n", groups[0], groups[1])] {
            assert_eq!(copied.parse(), Ok(fingerprint), "{copied:?}");
        }
    }
}
