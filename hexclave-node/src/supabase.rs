use std::collections::HashMap;

use hexclave_core::{TeamId, User};
use hexclave_supabase::{ClaimsPolicy, JwtSecret, Minter, Role, SupabaseClaims, TokenCache};
use napi::bindgen_prelude::External;
use napi_derive::napi;
use serde_json::{Map, Value};

use crate::{
    failure::{Failure, Outcome, outcome},
    jwks::KeyOptions,
    project::{self, Variables, in_option, kind_names, lookup, seconds},
};

/// How tokens are minted, with the legacy secret or another key.
#[napi(object)]
pub struct MinterOptions {
    pub secret: Option<String>,
    pub key: Option<KeyOptions>,
    pub accepted_kinds: Option<Vec<String>>,
    pub lifetime_seconds: Option<f64>,
    pub backdate_seconds: Option<f64>,
    pub until_source_expires: Option<bool>,
    pub email: Option<bool>,
    pub aal: Option<bool>,
    pub app_metadata: Option<bool>,
    pub roles: Option<Vec<String>>,
    pub cached_tokens: Option<f64>,
    pub cache_margin_seconds: Option<f64>,
}

/// What a token says beside what every token of the minter says. What is JSON is text here.
#[napi(object)]
pub struct ClaimsOptions {
    pub role: Option<String>,
    pub teams: Option<Vec<String>>,
    pub permissions: Option<Vec<String>>,
    pub team_permissions: Option<HashMap<String, Vec<String>>>,
    pub user_metadata: Option<String>,
    pub claims: Option<String>,
}

/// What mints tokens, with a cache or without.
pub struct SupabaseMinter {
    policy: ClaimsPolicy,
    mint: Mint,
    description: MinterDescription,
}

enum Mint {
    Anew(Minter),
    Again(TokenCache),
}

/// How a minter is set up.
#[napi(object)]
#[derive(Clone)]
pub struct MinterDescription {
    pub algorithm: String,
    pub key_id: Option<String>,
    pub accepted_kinds: Vec<String>,
}

#[napi]
pub fn create_supabase_minter(
    options: MinterOptions,
    variables: Variables<'_>,
) -> Outcome<External<SupabaseMinter>> {
    outcome(options.minter(&variables).map(External::new))
}

#[napi]
pub fn describe_minter(minter: &External<SupabaseMinter>) -> MinterDescription {
    minter.description.clone()
}

#[napi]
pub fn mint(
    minter: &External<SupabaseMinter>,
    user: &External<User>,
    options: Option<ClaimsOptions>,
) -> Outcome<String> {
    outcome(minter.mint(user, options))
}

impl MinterOptions {
    fn minter(self, variables: &Variables<'_>) -> Result<SupabaseMinter, Failure> {
        let kinds = project::accepted_kinds(self.accepted_kinds.as_deref())?;
        let policy = self.policy(kinds)?;
        let key = match (&self.key, self.secret) {
            (Some(key), _) => key.read("key")?,
            (None, Some(secret)) => JwtSecret::new(secret).map_err(in_option("secret"))?.into(),
            (None, None) => JwtSecret::from_variables(lookup(variables))?.into(),
        };
        let mut minter = Minter::new(key.clone()).policy(policy.clone());
        if let Some(lifetime) = self.lifetime_seconds {
            minter = minter
                .lifetime(seconds("lifetimeSeconds", lifetime)?)
                .map_err(in_option("lifetimeSeconds"))?;
        }
        if let Some(by) = self.backdate_seconds {
            minter = minter
                .backdate(seconds("backdateSeconds", by)?)
                .map_err(in_option("backdateSeconds"))?;
        }
        if self.until_source_expires.unwrap_or_default() {
            minter = minter.until_source_expires();
        }
        let description = MinterDescription {
            algorithm: key.algorithm().as_str().to_owned(),
            key_id: key.id().map(str::to_owned),
            accepted_kinds: kind_names(kinds),
        };
        let mint = match self.cached_tokens {
            None => Mint::Anew(minter),
            Some(count) => {
                let mut cache = TokenCache::new(minter, project::count("cache.tokens", count)?);
                if let Some(margin) = self.cache_margin_seconds {
                    cache = cache.margin(seconds("cache.marginSeconds", margin)?);
                }
                Mint::Again(cache)
            }
        };
        Ok(SupabaseMinter {
            policy,
            mint,
            description,
        })
    }

    fn policy(&self, kinds: hexclave_core::AcceptedKinds) -> Result<ClaimsPolicy, Failure> {
        let mut policy = ClaimsPolicy::new().accept(kinds);
        if self.email.unwrap_or_default() {
            policy = policy.email();
        }
        if self.aal.unwrap_or_default() {
            policy = policy.aal();
        }
        if self.app_metadata.unwrap_or_default() {
            policy = policy.app_metadata();
        }
        for name in self.roles.iter().flatten() {
            policy = policy.allow_role(Role::custom(name).map_err(in_option("roles"))?);
        }
        Ok(policy)
    }
}

impl SupabaseMinter {
    fn mint(&self, user: &User, options: Option<ClaimsOptions>) -> Result<String, Failure> {
        let token = match (&self.mint, options) {
            (Mint::Anew(minter), None) => minter.mint(user)?.expose().to_owned(),
            (Mint::Anew(minter), Some(options)) => minter
                .sign(&options.claims(&self.policy, user)?)?
                .expose()
                .to_owned(),
            (Mint::Again(cache), None) => cache.mint(user)?.expose().to_owned(),
            (Mint::Again(cache), Some(options)) => cache
                .sign(&options.claims(&self.policy, user)?)?
                .expose()
                .to_owned(),
        };
        Ok(token)
    }
}

impl ClaimsOptions {
    fn claims(self, policy: &ClaimsPolicy, user: &User) -> Result<SupabaseClaims, Failure> {
        let mut claims = match &self.role {
            Some(role) => policy.claims_as(user, role)?,
            None => policy.claims(user)?,
        };
        if let Some(teams) = self.teams {
            let teams = teams.iter().map(|team| team.parse::<TeamId>());
            claims = claims.with_teams(teams.collect::<Result<Vec<_>, _>>().map_err(in_option("teams"))?)?;
        }
        if let Some(permissions) = self.permissions {
            claims = claims.with_permissions(permissions)?;
        }
        for (team, permissions) in self.team_permissions.into_iter().flatten() {
            let team = team.parse().map_err(in_option("teamPermissions"))?;
            claims = claims.with_team_permissions(team, permissions)?;
        }
        if let Some(metadata) = self.user_metadata {
            claims = claims.with_user_metadata(object("userMetadata", &metadata)?)?;
        }
        if let Some(own) = self.claims {
            for (name, value) in object("claims", &own)? {
                claims = claims.with_claim(&name, value)?;
            }
        }
        Ok(claims)
    }
}

fn object(option: &str, json: &str) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(json).map_err(|_| Failure::config("it is not an object in JSON").in_option(option))
}
