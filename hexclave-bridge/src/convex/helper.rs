//! `hexclave-bridge convex helper`

use std::{fs, io, path::PathBuf};

use clap::Args;
use hexclave_convex::ConvexHelper;

use crate::{failure::Failure, output, settings::ProjectArgs};

#[derive(Args, Debug)]
pub(crate) struct HelperArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// Write to this file, such as convex/hexclave.ts, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite the file even if somebody else has written it
    #[arg(long, requires = "out")]
    force: bool,
}

/// Prints or writes the file with which a function asks who calls it.
pub(super) fn run(args: &HelperArgs) -> Result<(), Failure> {
    let text = ConvexHelper::for_project(&args.project.config()?).to_typescript();
    let Some(file) = &args.out else {
        output::text(text);
        return Ok(());
    };
    let is_ours = match fs::read_to_string(file) {
        Ok(existing) => ConvexHelper::is_emitted(&existing),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !args.force && !is_ours {
        let message = format!("{} exists, and somebody else has written it", file.display());
        return Err(Failure::usage("file_exists", message)
            .hint(Some("--force overwrites it; without --out the file is printed")));
    }
    fs::write(file, text).map_err(|error| {
        let message = format!("{} cannot be written", file.display());
        Failure::usage("file_not_written", message).caused_by(&error)
    })?;
    output::progress(format_args!("wrote {}", file.display()));
    Ok(())
}
