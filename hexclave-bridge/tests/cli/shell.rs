//! `completions` and `man`.

use crate::{bridge, exit, run, stderr, stdout};

#[tokio::test]
async fn each_shell_gets_its_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(bridge(&["completions", shell]), None).await;
        assert_eq!(exit(&output), 0, "{}", stderr(&output));
        let script = stdout(&output);
        assert!(
            script.contains("auth-config") && script.contains("jwt-secret-file"),
            "{shell}"
        );
    }
    assert_eq!(exit(&run(bridge(&["completions", "cmd"]), None).await), 2);
}

#[tokio::test]
async fn there_is_a_manual_page_for_each_command() {
    let output = run(bridge(&["man"]), None).await;
    assert!(
        stdout(&output).contains(".TH hexclave\\-bridge 1")
            || stdout(&output).contains(".TH hexclave-bridge 1")
    );

    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("share/man1");
    let mut command = bridge(&["man", "--out"]);
    command.arg(&pages);
    let output = run(command, None).await;
    assert_eq!(exit(&output), 0, "{}", stderr(&output));
    for page in [
        "hexclave-bridge",
        "hexclave-bridge-verify",
        "hexclave-bridge-supabase-token",
    ] {
        let text = std::fs::read_to_string(pages.join(format!("{page}.1"))).expect(page);
        assert!(text.contains(".SH"), "{page}");
    }

    let mut command = bridge(&["man", "--out"]);
    command.arg(pages.join("hexclave-bridge.1/no"));
    let output = run(command, None).await;
    assert_eq!(exit(&output), 2);
    assert!(
        stderr(&output).contains("file_not_written"),
        "{}",
        stderr(&output)
    );
}
