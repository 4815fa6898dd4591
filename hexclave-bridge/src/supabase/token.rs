//! `hexclave-bridge supabase token`

use std::path::{Path, PathBuf};

use clap::Args;
use hexclave_supabase::{JwtSecret, Minter};
use serde_json::json;

use crate::{
    failure::Failure,
    output::{self, unix_seconds},
    settings::{self, Settings},
    verify::{self, VerifyArgs},
};

#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    /// A file with the project's legacy JWT secret; - is standard input [default: the variable SUPABASE_JWT_SECRET]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    jwt_secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) verify: VerifyArgs,
}

/// Mints a Supabase token for the proven user of an access token.
pub(super) async fn run(args: &TokenArgs) -> Result<(), Failure> {
    let settings = args.verify.project.settings()?;
    let minter = Minter::new(jwt_secret(&settings, args.jwt_secret_file.as_deref())?);
    let kinds = args.verify.kinds(&settings)?;
    let user = verify::user(&args.verify, &settings).await?;
    let token = minter.accept(kinds).mint(&user)?;
    if args.verify.json {
        output::line(json!({
            "token": token.expose(),
            "expiresAt": unix_seconds(token.expires_at()),
            "userId": user.id().to_string(),
        }));
    } else {
        output::line(token.expose());
    }
    Ok(())
}

/// The legacy JWT secret of the settings.
pub(super) fn jwt_secret(settings: &Settings, file: Option<&Path>) -> Result<JwtSecret, Failure> {
    let Some(secret) = settings.secret(&settings::JWT_SECRET, file)? else {
        let message =
            "no Supabase JWT secret: SUPABASE_JWT_SECRET is not set (an empty value counts as unset)";
        return Err(Failure::usage("invalid_secret", message).hint(Some(
            "set it to the project's legacy JWT secret, or name a file with --jwt-secret-file",
        )));
    };
    JwtSecret::new(secret.expose()).map_err(|error| Failure::from(error).within(secret.origin()))
}
