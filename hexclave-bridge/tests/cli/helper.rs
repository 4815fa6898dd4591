//! `convex helper`.

use std::{fs, path::Path, process::Output};

use crate::{PROJECT, bridge, exit, run, stderr, stdout};

async fn helper(file: Option<&Path>, more: &[&str]) -> Output {
    let mut command = bridge(&["convex", "helper", "--project-id", PROJECT]);
    command.args(more);
    if let Some(file) = file {
        command.arg("--out").arg(file);
    }
    run(command, None).await
}

#[tokio::test]
async fn the_helper_is_printed_or_written_and_never_over_a_strangers_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hexclave.ts");
    let printed = stdout(&helper(None, &[]).await);
    assert!(printed.contains("requireHexclaveUser") && printed.contains(PROJECT));
    for _ in 0..2 {
        let output = helper(Some(&file), &[]).await;
        assert_eq!(exit(&output), 0, "{}", stderr(&output));
        assert_eq!(fs::read_to_string(&file).expect("a file"), printed);
    }

    fs::write(&file, "export const mine = 1;\n").expect("a file");
    let output = helper(Some(&file), &[]).await;
    assert_eq!(exit(&output), 2);
    assert!(stderr(&output).contains("file_exists"), "{}", stderr(&output));
    assert_eq!(
        fs::read_to_string(&file).expect("a file"),
        "export const mine = 1;\n"
    );
    assert_eq!(exit(&helper(Some(&file), &["--force"]).await), 0);
    assert_eq!(
        exit(&helper(Some(&folder.path().join("no/such/folder.ts")), &[]).await),
        2
    );
}
