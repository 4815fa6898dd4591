//! Supabase: the JWT secret, the database, its policies.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_supabase::{
    JwtSecret,
    inspect::{self, Severity},
};
use serde_json::Value;

use super::{DoctorArgs, check::Check};
use crate::{
    database,
    failure::Failure,
    settings::{self, Secret, Settings},
};

/// What everybody's local stack has.
const LOCAL_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";
const WHERE_THE_SECRET_IS: &str = "copy the legacy JWT secret from the Supabase dashboard (Project settings, JWT keys) into SUPABASE_JWT_SECRET";

pub(super) async fn checks(args: &DoctorArgs, settings: &Settings) -> Vec<Check> {
    let mut checks = vec![jwt_secret(args, settings)];
    checks.extend(database(args, settings).await);
    checks
}

fn jwt_secret(args: &DoctorArgs, settings: &Settings) -> Check {
    const NAME: &str = "supabase secret";
    match settings.secret(&settings::JWT_SECRET, args.jwt_secret_file.as_deref()) {
        Err(failure) => Check::failed(NAME, &failure),
        Ok(None) => Check::skip(NAME, "SUPABASE_JWT_SECRET is not set; only minting needs it"),
        Ok(Some(secret)) => match what_it_is_instead(&secret) {
            Some(other) => {
                let message = format!("{} holds {other}, not the JWT secret", secret.origin());
                Check::fail(NAME, message).fix(WHERE_THE_SECRET_IS)
            }
            None => match JwtSecret::new(secret.expose()) {
                Err(error) => {
                    let failure = Failure::from(error).within(secret.origin());
                    Check::failed(NAME, &failure).or_fix(WHERE_THE_SECRET_IS)
                }
                Ok(_) if secret.expose() == LOCAL_SECRET => Check::warn(
                    NAME,
                    "the one of every local Supabase, known to everybody: whoever has it can be anybody",
                )
                .fix("never use it for a database that others can reach"),
                Ok(_) => Check::pass(
                    NAME,
                    "looks like one; whether it is this project's, a token shows",
                ),
            },
        },
    }
}

/// One of Supabase's API keys, which are mistaken for the secret.
fn what_it_is_instead(secret: &Secret) -> Option<String> {
    let text = secret.expose().trim();
    if text.starts_with("sb_publishable_") {
        return Some("a publishable API key".to_owned());
    }
    if text.starts_with("sb_secret_") {
        return Some("a secret API key".to_owned());
    }
    let payload = text.strip_prefix("eyJ")?.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(match claims.get("role").and_then(Value::as_str) {
        Some(role @ ("anon" | "service_role")) => format!("the API key of {role}"),
        _ => "a token".to_owned(),
    })
}

async fn database(args: &DoctorArgs, settings: &Settings) -> Vec<Check> {
    const NAME: &str = "database";
    match settings.secret(&settings::DATABASE_URL, args.database.url_file()) {
        Err(failure) => vec![Check::failed(NAME, &failure)],
        Ok(None) => vec![Check::skip(NAME, "SUPABASE_DB_URL is not set")],
        Ok(Some(url)) => match args.database.connect_to(&url, settings).await {
            Err(failure) => {
                let check = Check::failed(NAME, &failure);
                vec![check.or_fix("compare SUPABASE_DB_URL with the Supabase dashboard (Connect)")]
            }
            Ok(client) => vec![
                Check::pass(NAME, "lets this program in"),
                policies(args, settings, client).await,
            ],
        },
    }
}

async fn policies(args: &DoctorArgs, settings: &Settings, mut client: tokio_postgres::Client) -> Check {
    const NAME: &str = "policies";
    let schemas = match args.schemas.names(settings) {
        Ok(schemas) => schemas,
        Err(failure) => return Check::failed(NAME, &failure),
    };
    if let Err(failure) = database::check_schemas(&client, &schemas).await {
        return Check::failed(NAME, &failure);
    }
    let names: Vec<&str> = schemas.iter().map(String::as_str).collect();
    let findings = match inspect::lint(&mut client, &names).await {
        Ok(findings) => findings,
        Err(error) => return Check::failed(NAME, &error.into()),
    };
    let count = |severity| {
        findings
            .iter()
            .filter(|finding| finding.severity() == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let message = match findings.first() {
        Some(worst) => format!(
            "{errors} errors and {warnings} warnings in {}; the worst: {}: {}",
            names.join(", "),
            worst.object(),
            worst.rule().reason()
        ),
        None => format!("nothing found in {}", names.join(", ")),
    };
    let check = match (errors, warnings) {
        (0, 0) => return Check::pass(NAME, message),
        (0, _) => Check::warn(NAME, message),
        _ => Check::fail(NAME, message),
    };
    check.fix("`hexclave-bridge supabase lint` shows all of them, with the SQL that mends them")
}
