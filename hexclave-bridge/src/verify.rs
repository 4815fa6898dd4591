//! `hexclave-bridge verify`

use clap::Args;
use hexclave_core::{AcceptedKinds, User, UserKind, Verifier};
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    output::{self, HEADING, ago, printable, unix_seconds},
    refused_token::RefusedToken,
    settings::{self, ProjectArgs, Settings},
    token,
};

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// The kinds of users to let in: normal, restricted, anonymous [default: normal]
    #[arg(long, value_name = "KIND,…", help_heading = "Settings")]
    pub(crate) allow: Option<AcceptedKinds>,
    /// Print JSON, refusals included
    #[arg(long)]
    pub(crate) json: bool,
    /// The access token; - or nothing reads it from standard input, which other users of this machine cannot see
    pub(crate) token: Option<String>,
}

impl VerifyArgs {
    /// The kinds of users to let in.
    pub(crate) fn kinds(&self, settings: &Settings) -> Result<AcceptedKinds, Failure> {
        Ok(settings.value(&settings::ALLOW, self.allow)?.unwrap_or_default())
    }
}

pub(crate) async fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let user = user(args, &args.project.settings()?).await?;
    if args.json {
        output::line(json!({ "user": to_json(&user) }));
    } else {
        output::text(description(&user));
    }
    Ok(())
}

/// The proven user of the arguments' token.
pub(crate) async fn user(args: &VerifyArgs, settings: &Settings) -> Result<User, Failure> {
    let config = args.project.config_of(settings)?;
    let verifier = Verifier::builder(config).accept(args.kinds(settings)?).build()?;
    let token = token::read(args.token.as_deref())?;
    verifier.verify(&token).await.map_err(|error| {
        let refused = RefusedToken::new(&token, error.kind());
        Failure::from(error).of_token(refused)
    })
}

/// A user as programs read it: names in camelCase, times in seconds since 1970.
pub(crate) fn to_json(user: &User) -> Value {
    json!({
        "id": user.id().to_string(),
        "projectId": user.project_id().as_str(),
        "kind": user.kind().as_str(),
        "restrictedReason": user.restricted_reason().map(|reason| reason.as_str()),
        "name": user.name(),
        "email": user.email(),
        "emailVerified": user.email_verified(),
        "selectedTeamId": user.selected_team_id().map(|id| id.to_string()),
        "sessionId": user.session_id().map(|id| id.to_string()),
        "signedUpAt": user.signed_up_at().map(unix_seconds),
        "requiresTotpMfa": user.requires_totp_mfa(),
        "issuer": user.issuer(),
        "issuedAt": unix_seconds(user.issued_at()),
        "expiresAt": unix_seconds(user.expires_at()),
    })
}

/// A user as people read it.
pub(crate) fn description(user: &User) -> String {
    let mut text = format!("{HEADING}{} user {}{HEADING:#}\n", user.kind(), user.id());
    let mut row = |name: &str, value: String| {
        text.push_str(&format!("  {name:<10} {}\n", printable(&value)));
    };
    row("project", user.project_id().to_string());
    if let (UserKind::Restricted, Some(reason)) = (user.kind(), user.restricted_reason()) {
        row("restricted", reason.to_string());
    }
    if let Some(name) = user.name() {
        row("name", name.to_owned());
    }
    if let Some(email) = user.email() {
        let verified = if user.email_verified() {
            "verified"
        } else {
            "not verified"
        };
        row("e-mail", format!("{email} ({verified})"));
    }
    if let Some(team) = user.selected_team_id() {
        row("team", team.to_string());
    }
    if user.requires_totp_mfa() {
        row("second factor", "still to be passed".to_owned());
    }
    if let Some(session) = user.session_id() {
        row("session", session.to_string());
    }
    row("issuer", user.issuer().to_owned());
    row("issued", ago(user.issued_at()));
    row("expires", ago(user.expires_at()));
    text
}
