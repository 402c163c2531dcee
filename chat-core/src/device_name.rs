//! The names that Windows reserves for devices.
//!
//! A program that opens such a name as a file gets the device, and a program that reads a console or a serial port can
//! wait forever. On other systems these are usual names, so the caller decides whether the rule applies.

/// Returns whether the last name in a path is reserved for a device: `CON`, `PRN`, `AUX`, `NUL`, `CONIN$`, `CONOUT$`, or
/// `COM` or `LPT` with a digit from 1 to 9, which can be superscript.
///
/// Windows ignores case, spaces at the end, and all that follows a dot or a colon, so `C:\logs\con .txt` is such a path. It
/// takes the names literally in paths that begin with two separators, such as `\\?\C:\con` or `\\server\share\con`.
///
/// Windows 11 reserves fewer names. The rule is the same for it, so that a file which one version accepts does not become a
/// device with another one.
pub fn has_device_name(path: &str) -> bool {
    if path.starts_with(is_separator) && path[1..].starts_with(is_separator) {
        return false;
    }
    let path = match path.as_bytes() {
        [drive, b':', ..] if drive.is_ascii_alphabetic() => &path[2..],
        _ => path,
    };
    let name = path.rsplit(is_separator).next().unwrap_or_default();
    is_reserved(name.split(['.', ':']).next().unwrap_or_default().trim_end_matches(' '))
}

/// Returns whether a path leads to a device: it [ends in a reserved name](has_device_name), or names a device explicitly as
/// in `\\.\COM1`.
pub fn is_device_path(path: &str) -> bool {
    let mut rest = path.chars();
    let begins = [rest.next(), rest.next(), rest.next(), rest.next()];
    matches!(begins, [Some(first), Some(second), Some('.'), Some(last)] if [first, second, last].into_iter().all(is_separator))
        || has_device_name(path)
}

const fn is_separator(c: char) -> bool {
    matches!(c, '\\' | '/')
}

fn is_reserved(name: &str) -> bool {
    const NAMES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    const PORTS: [&str; 2] = ["COM", "LPT"];
    let is_port = |name: &str| {
        let Some((kind, number)) = name.split_at_checked(3) else { return false };
        PORTS.iter().any(|port| port.eq_ignore_ascii_case(kind)) && is_port_number(number)
    };
    NAMES.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) || is_port(name)
}

fn is_port_number(text: &str) -> bool {
    let mut chars = text.chars();
    matches!((chars.next(), chars.next()), (Some('1'..='9' | '¹' | '²' | '³'), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_recognised_in_every_spelling() {
        for name in
            ["CON", "con", "Prn", "AUX", "nul", "CONIN$", "conout$", "COM1", "com9", "LPT5", "COM¹", "lpt²", "LPT³"]
        {
            for path in [
                name.to_owned(),
                format!("{name}:"),
                format!("{name}:stream"),
                format!("{name}.txt"),
                format!("{name}.tar.gz"),
                format!("{name}.."),
                format!("{name}  "),
                format!("{name} .txt"),
                format!(r"C:\logs\{name}"),
                format!("C:{name}"),
                format!("logs/{name}"),
                format!(r"\{name}"),
                format!(r"..\数据\{name}.log"),
            ] {
                assert!(has_device_name(&path) && is_device_path(&path), "{path:?}");
            }
        }
    }

    #[test]
    fn other_names_are_files() {
        for path in [
            "",
            "C:",
            r"C:\",
            "console",
            "CON1",
            "NULL",
            " CON",
            "CON\u{a0}",
            "COM",
            "COM0",
            "COM10",
            "COM⁴",
            "COM1x",
            "LPT",
            "LPT¼",
            "chat.con",
            "x.CON",
            "CONIN",
            "CONIN$$",
            "小明",
            "ＣＯＮ",
            r"CON\chat.sqlite",
            r"C:\con\logs",
            r"C:\logs\nul\",
            r"\\server\share\con",
            r"\\?\C:\con",
            "//server/share/nul",
        ] {
            assert!(!has_device_name(path) && !is_device_path(path), "{path:?}");
        }
    }

    #[test]
    fn a_device_that_is_named_explicitly_has_no_reserved_name() {
        for path in [r"\\.\COM1", r"\\.\NUL", "//./con", r"\\.\pipe\chat", r"\/.\x"] {
            assert!(is_device_path(path) && !has_device_name(path), "{path:?}");
        }
        assert!(!is_device_path(r"\\.") && !is_device_path(r"\.\x"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged(path in r"[\\/.:CONcom1¹$ 小]{0,12}") {
            proptest::prop_assert!(is_device_path(&path) || !has_device_name(&path));
        }
    }
}
