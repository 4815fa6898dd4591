//! `hexclave-bridge convex`

use std::{
    fs, io,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hexclave_convex::{AuthConfig, ConvexVerifier};
use hexclave_core::Clock;

use crate::{
    cli::{AuthConfigArgs, Format, IdentityArgs},
    failure::Failure,
    output, token,
};

/// Writes the auth configuration of a project.
pub(crate) fn auth_config(args: &AuthConfigArgs) -> Result<(), Failure> {
    let config = AuthConfig::for_project(&args.project.config()?)
        .kinds(args.kinds)
        .build();
    let text = match args.format {
        Format::Ts => config.to_typescript(),
        Format::Js => config.to_javascript(),
        Format::Json => config.to_json(),
    };
    let Some(file) = &args.out else {
        output::text(text);
        return Ok(());
    };
    if !args.force && !may_overwrite(file, args.format)? {
        return Err(Failure::usage(
            "file_exists",
            format!("{} exists and was not written by this program", file.display()),
        )
        .hint(Some(
            "--force overwrites it; without --out the configuration is printed",
        )));
    }
    fs::write(file, text).map_err(|error| {
        Failure::usage(
            "file_not_written",
            format!("{} cannot be written", file.display()),
        )
        .caused_by(&error)
    })?;
    output::progress(format_args!("wrote {}", file.display()));
    Ok(())
}

/// Whether a file is not there, or is one of ours: the first line says so, or it is JSON that has nothing but
/// providers in it.
fn may_overwrite(file: &Path, format: Format) -> Result<bool, Failure> {
    match fs::read_to_string(file) {
        Ok(text) if format == Format::Json => Ok(AuthConfig::from_json(&text).is_ok()),
        Ok(text) => Ok(AuthConfig::is_emitted(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
        Err(error) => {
            let message = format!("{} cannot be read", file.display());
            Err(Failure::usage("file_not_read", message).caused_by(&error))
        }
    }
}

/// Prints the identity that a Convex function would see.
pub(crate) async fn identity(args: &IdentityArgs) -> Result<(), Failure> {
    let json = fs::read_to_string(&args.config).map_err(|error| {
        Failure::usage(
            "file_not_read",
            format!("{} cannot be read", args.config.display()),
        )
        .caused_by(&error)
    })?;
    let config = AuthConfig::from_json(&json).map_err(|error| Failure::convex_config(&error))?;
    let mut verifier = ConvexVerifier::builder(config);
    if let Some(now) = args.now {
        verifier = verifier.clock(Arc::new(Frozen(now)));
    }
    let verifier = verifier.build().map_err(|error| Failure::convex_config(&error))?;
    let identity = verifier.verify(&token::read(args.token.as_deref())?).await?;
    output::line(identity.to_json());
    Ok(())
}

/// The time that the command line names, in seconds since 1970.
#[derive(Debug)]
struct Frozen(u64);

impl Clock for Frozen {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH
            .checked_add(Duration::from_secs(self.0))
            .unwrap_or(UNIX_EPOCH)
    }
}
