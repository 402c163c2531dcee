//! The programs as processes: how they end without a window.

use std::process::{Command, Output};

/// Runs a program on a machine without a display.
fn run(program: &str, args: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command.args(args).env("HOME", home.path()).env("XDG_DATA_HOME", home.path()).env("XDG_CONFIG_HOME", home.path());
    for variable in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "CHAT_SERVER", "CHAT_USER", "CHAT_LANG"] {
        command.env_remove(variable);
    }
    command.output().unwrap()
}

const CLIENT: &str = env!("CARGO_BIN_EXE_chat-desktop");
const SERVER: &str = env!("CARGO_BIN_EXE_chat-server-desktop");

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn without_a_display_a_sentence_says_what_to_use_instead() {
    for (program, lang, expected) in [
        (
            CLIENT,
            "en",
            "error: there is no display for a window: neither DISPLAY nor WAYLAND_DISPLAY leads to one\n\
             hint: start it in a desktop session, or use chat-client, which needs no window\n",
        ),
        (
            SERVER,
            "zh-CN",
            "错误：没有能显示窗口的屏幕：DISPLAY 和 WAYLAND_DISPLAY 都没有指向屏幕\n\
             建议：请在桌面会话里启动，或使用不需要窗口的 chat-server\n",
        ),
    ] {
        let output = run(program, &["--lang", lang]);
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
        assert_eq!(output.status.code(), Some(3));
    }
}

#[test]
fn wrong_arguments_end_with_2_before_a_window_is_tried() {
    for program in [CLIENT, SERVER] {
        let output = run(program, &["--no-such-option"]);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let output = run(CLIENT, &["--help"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("--server"));
    assert_eq!(output.status.code(), Some(0));
}
