//! What the programs write about themselves for packages: completion scripts and manual pages.

use std::fs;

use crate::harness::{Finished, Home, finish, path_text};

/// What bash offers to complete the last of `words`, which begin with the name of the program.
fn offers(home: &Home, words: &[&str]) -> Vec<String> {
    let program = words[0];
    let script = home.join("completions.bash");
    let Finished { code, out, err } = home.run(program, &["completions", "bash"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    fs::write(&script, out).unwrap();
    // Does what bash does when somebody presses Tab: calls the function that the script has registered.
    let complete = r#"
        . "$1"; shift
        words=$(complete -p "$1"); words=${words#* -F }; function=${words%% *}
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        "$function" "$1" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = home.command("bash");
    bash.args(["--norc", "-euc", complete, "bash", path_text(&script)]).args(words).env("PATH", "/usr/bin:/bin");
    let Finished { code, out, err } = finish(&mut bash);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{words:?}: {out}");
    out.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let home = Home::new();
    for (words, expected) in [
        (&["chat-server", "us"][..], &["user"][..]),
        (&["chat-server", "user", "pass"], &["passwd"]),
        (&["chat-server", "--presence-log-f"], &["--presence-log-format"]),
        (&["chat-server", "--presence-log-format", ""], &["text", "json"]),
        (&["chat-server", "user", "remove", "--free"], &["--free-name"]),
        (&["chat-client", "for"], &["forget"]),
        (&["chat-client", "--format", "j"], &["json"]),
    ] {
        assert_eq!(offers(&home, words), expected, "{words:?}");
    }
}

#[test]
fn every_shell_has_a_script_that_names_the_commands() {
    let home = Home::new();
    for (program, command) in [("chat-server", "passwd"), ("chat-client", "forget")] {
        for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
            let Finished { code, out, err } = home.run(program, &["completions", shell]);
            assert_eq!((code, err.as_str()), (Some(0), ""), "{program} {shell}");
            assert!(out.contains(command) && out.contains(program), "{program} {shell}:\n{out}");
        }
    }
}

#[test]
fn pages_and_scripts_need_no_home_no_configuration_and_no_server() {
    let home = Home::new();
    for (program, pages) in [("chat-server", 22), ("chat-client", 4)] {
        let folder = home.join(program);
        fs::create_dir(&folder).unwrap();
        for args in [&["man", path_text(&folder)][..], &["completions", "bash"]] {
            let mut command = home.command(program);
            command.args(args).env_remove("HOME").env("CHAT_CONFIG", home.join("no such file"));
            let Finished { code, err, .. } = finish(&mut command);
            assert_eq!((code, err.as_str()), (Some(0), ""), "{program} {args:?}");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), pages, "{program}");
        let page = fs::read_to_string(folder.join(format!("{program}.1"))).unwrap();
        assert!(page.contains(".SH \"EXIT STATUS\"\n") && page.contains("CHAT_CONFIG"), "{page}");
    }
}

#[test]
fn a_page_holds_no_value_from_the_environment() {
    let home = Home::new();
    let mut command = home.command("chat-server");
    command.args(["man", "."]).env("CHAT_LISTEN", "192.0.2.77:7").env("CHAT_PASSWORD_FILE", "/secret-place");
    assert_eq!(finish(&mut command).code, Some(0));
    for page in fs::read_dir(home.join(".")).unwrap() {
        let path = page.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "1") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains("192.0.2.77") && !text.contains("secret-place"), "{}", path.display());
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let home = Home::new();
    let Finished { code, out, err } = home.run("chat-client", &["man", "no/such/folder"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.starts_with("error: cannot write no/such/folder/chat-client.1: "), "{err}");
    assert!(err.contains("hint: name a folder that exists"), "{err}");
}
