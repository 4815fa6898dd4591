//! `hexclave-bridge supabase jwks`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hexclave_core::{AcceptedKinds, Verifier};
use hexclave_supabase::SupabaseJwks;

use super::token::jwt_secret;
use crate::{
    failure::Failure,
    output,
    settings::{self, ProjectArgs},
};

#[derive(Args, Debug)]
pub(crate) struct JwksArgs {
    /// For whom the document is
    #[arg(long = "for", value_name = "WHOM", default_value = "third-party-auth")]
    whom: Whom,
    /// Self-hosted: also keep accepting the tokens of the legacy JWT secret. The document is then as secret as that
    #[arg(long)]
    with_jwt_secret: bool,
    /// A file with the project's legacy JWT secret; - is standard input [default: the variable SUPABASE_JWT_SECRET]
    #[arg(
        long,
        value_name = "FILE",
        requires = "with_jwt_secret",
        help_heading = "Settings"
    )]
    jwt_secret_file: Option<PathBuf>,
    /// The kinds of users whom Supabase shall accept: normal, restricted, anonymous [default: normal]
    #[arg(long, value_name = "KIND,…", help_heading = "Settings")]
    allow: Option<AcceptedKinds>,
    #[command(flatten)]
    project: ProjectArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Whom {
    /// The body for Supabase's Management API: POST /v1/projects/{ref}/config/auth/third-party-auth
    ThirdPartyAuth,
    /// The JWKS of self-hosted services: PGRST_JWT_SECRET, API_JWT_JWKS (Realtime), JWT_JWKS (Storage)
    SelfHosted,
}

/// Prints the document.
pub(super) async fn run(args: &JwksArgs) -> Result<(), Failure> {
    if args.with_jwt_secret && args.whom == Whom::ThirdPartyAuth {
        let message = "third-party auth takes public keys only, and --with-jwt-secret adds a secret";
        return Err(Failure::usage("invalid_config", message).hint(Some(
            "leave it out: Supabase goes on accepting the legacy secret's tokens by itself",
        )));
    }
    let settings = args.project.settings()?;
    let secret = args
        .with_jwt_secret
        .then(|| jwt_secret(&settings, args.jwt_secret_file.as_deref()))
        .transpose()?;
    let kinds = settings.value(&settings::ALLOW, args.allow)?.unwrap_or_default();
    let verifier = Verifier::builder(args.project.config_of(&settings)?)
        .accept(kinds)
        .build()?;
    verifier.warm_up().await?;
    let keys = verifier.project_keys().unwrap_or_default();
    let mut jwks = SupabaseJwks::of_project(&keys, kinds)?;
    if let Some(secret) = &secret {
        jwks = jwks.and(secret)?;
    }
    match args.whom {
        Whom::ThirdPartyAuth => output::line(jwks.third_party_auth()?),
        Whom::SelfHosted => output::line(jwks.self_hosted().expose()),
    }
    Ok(())
}
