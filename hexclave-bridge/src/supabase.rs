//! `hexclave-bridge supabase`

use hexclave_supabase::{JwtSecret, Minter};
use serde_json::json;

use crate::{
    cli::TokenArgs,
    failure::Failure,
    output::{self, unix_seconds},
    verify,
};

/// Mints a Supabase token for the proven user of an access token.
pub(crate) async fn token(args: &TokenArgs) -> Result<(), Failure> {
    let minter = Minter::new(JwtSecret::from_env()?).accept(args.allow);
    let user = verify::user(args).await?;
    let token = minter.mint(&user)?;
    if args.json {
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
