//! `hexclave-bridge supabase`

use std::path::{Path, PathBuf};

use clap::Args;
use hexclave_supabase::{JwtSecret, Minter};
use serde_json::json;

use crate::{
    cli::TokenArgs,
    failure::Failure,
    output::{self, unix_seconds},
    settings::{self, Settings},
    verify,
};

#[derive(Args, Debug)]
pub(crate) struct SupabaseTokenArgs {
    /// A file with the project's legacy JWT secret; - is standard input [default: the variable SUPABASE_JWT_SECRET]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    jwt_secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) token: TokenArgs,
}

/// Mints a Supabase token for the proven user of an access token.
pub(crate) async fn token(args: &SupabaseTokenArgs) -> Result<(), Failure> {
    let settings = args.token.project.settings()?;
    let minter = Minter::new(jwt_secret(&settings, args.jwt_secret_file.as_deref())?);
    let kinds = args.token.kinds(&settings)?;
    let user = verify::user(&args.token, &settings).await?;
    let token = minter.accept(kinds).mint(&user)?;
    if args.token.json {
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
fn jwt_secret(settings: &Settings, file: Option<&Path>) -> Result<JwtSecret, Failure> {
    let Some(secret) = settings.secret(&settings::JWT_SECRET, file)? else {
        let message =
            "no Supabase JWT secret: SUPABASE_JWT_SECRET is not set (an empty value counts as unset)";
        return Err(Failure::usage("invalid_secret", message).hint(Some(
            "set it to the project's legacy JWT secret, or name a file with --jwt-secret-file",
        )));
    };
    JwtSecret::new(secret.expose()).map_err(|error| Failure::from(error).within(secret.origin()))
}
