//! `hexclave-bridge completions` and `hexclave-bridge man`

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use crate::{cli::Cli, failure::Failure, output};

pub(crate) const HOW_TO_COMPLETE: &str = "\
For example:
  hexclave-bridge completions bash \\
    > ~/.local/share/bash-completion/completions/hexclave-bridge
  hexclave-bridge completions zsh > ~/.zfunc/_hexclave-bridge
  hexclave-bridge completions fish \\
    > ~/.config/fish/completions/hexclave-bridge.fish";

#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// The folder to write one page for each command to, such as ~/.local/share/man/man1; without it, the program's
    /// own page goes to standard output
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Prints the script for a shell.
pub(crate) fn completions(args: &CompletionsArgs) {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    output::text(String::from_utf8_lossy(&script));
}

/// Prints the program's manual page, or writes those of all commands.
pub(crate) fn man(args: &ManArgs) -> Result<(), Failure> {
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command())
            .render(&mut page)
            .map_err(|error| {
                Failure::usage("file_not_written", "the page cannot be written").caused_by(&error)
            })?;
        output::text(String::from_utf8_lossy(&page));
        return Ok(());
    };
    let written =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.map_err(|error| {
        Failure::usage(
            "file_not_written",
            format!("the pages cannot be written to {}", folder.display()),
        )
        .caused_by(&error)
    })?;
    output::progress(format_args!("wrote the pages to {}", folder.display()));
    Ok(())
}
