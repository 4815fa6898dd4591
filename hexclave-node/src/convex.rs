use hexclave_convex::{AuthConfig, Compatibility, ConvexVerifier, Explanation, UserIdentity};
use hexclave_core::{AccessToken, ProjectKeys, User};
use napi::{Env, bindgen_prelude::External};
use napi_derive::napi;

use crate::{
    failure::{Failure, Outcome, outcome},
    later::{Later, later},
    project::in_option,
    verifier::{Verifier, keys_of},
};

/// Which configuration to write.
#[napi(object)]
pub struct AuthConfigOptions {
    pub aliases: bool,
    pub upstream: bool,
    pub inline_keys: bool,
    pub project_id_variable: Option<String>,
    /// `ts`, `js` or `json`.
    pub format: String,
}

/// What Convex does with a token.
#[napi(object)]
pub struct ConvexExplanation {
    /// For programs: a JSON object.
    pub json: String,
    /// For people.
    pub report: String,
}

/// The configuration of the verifier's project and kinds of users.
#[napi]
pub fn convex_auth_config<'env>(
    env: &'env Env,
    verifier: &External<Verifier>,
    options: AuthConfigOptions,
) -> napi::Result<Later<'env, String>> {
    let verifier = verifier.core().clone();
    let work = async move {
        let keys = match options.inline_keys {
            true => Some(keys_of(&verifier).await?),
            false => None,
        };
        options.text(&verifier, keys)
    };
    later(env, work, |text| text)
}

impl AuthConfigOptions {
    fn text(&self, verifier: &hexclave_core::Verifier, keys: Option<ProjectKeys>) -> Result<String, Failure> {
        let mut builder = AuthConfig::for_project(verifier.config())
            .kinds(verifier.accepted_kinds())
            .aliases(self.aliases);
        if self.upstream {
            builder = builder.compatibility(Compatibility::Upstream);
        }
        if let Some(name) = &self.project_id_variable {
            builder = builder
                .project_id_from_environment(name)
                .map_err(in_option("projectIdVariable"))?;
        }
        let config = match keys {
            Some(keys) => builder.build_inline(&keys)?,
            None => builder.build(),
        };
        Ok(match self.format.as_str() {
            "json" => config.to_json(),
            "js" => config.to_javascript(),
            _ => config.to_typescript(),
        })
    }
}

/// The identity that Convex builds from a proven user's token, as JSON.
#[napi]
pub fn convex_identity_of_user(user: &External<User>) -> Outcome<String> {
    outcome(UserIdentity::of(user).map(|identity| identity.to_json()))
}

/// The identity that Convex builds from a token by this configuration, as JSON.
#[napi]
pub fn convex_identity(
    env: &Env,
    token: String,
    config: String,
    on_websocket: bool,
) -> napi::Result<Later<'_, String>> {
    let work = async move {
        let identity = judge(&config, on_websocket)?
            .verify(&AccessToken::from(token))
            .await?;
        Ok::<_, Failure>(identity.to_json())
    };
    later(env, work, |json| json)
}

#[napi]
pub fn explain_convex(
    env: &Env,
    token: String,
    config: String,
    on_websocket: bool,
) -> napi::Result<Later<'_, ConvexExplanation>> {
    let work = async move {
        let verifier = judge(&config, on_websocket)?;
        Ok::<_, Failure>(verifier.explain(&AccessToken::from(token)).await)
    };
    later(env, work, |explanation: Explanation| ConvexExplanation {
        json: explanation.to_json().to_string(),
        report: explanation.to_string(),
    })
}

fn judge(config: &str, on_websocket: bool) -> Result<ConvexVerifier, Failure> {
    let config = AuthConfig::from_json(config).map_err(in_option("config"))?;
    Ok(ConvexVerifier::builder(config)
        .on_websocket(on_websocket)
        .build()?)
}
