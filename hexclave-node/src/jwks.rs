use hexclave_supabase::{JwtSecret, SigningKey, SupabaseJwks};
use napi::{
    Env,
    bindgen_prelude::{Buffer, External},
};
use napi_derive::napi;

use crate::{
    failure::Failure,
    later::{Later, later},
    project::in_option,
    verifier::{Verifier, keys_of},
};

/// A key that signs Supabase tokens: `jwk`, or one of the others with `key_id`.
#[napi(object)]
pub struct KeyOptions {
    pub jwk: Option<String>,
    pub pem: Option<String>,
    pub shared_secret: Option<Buffer>,
    pub key_id: Option<String>,
}

/// Which document to write, and what it holds beside the project's keys.
#[napi(object)]
pub struct JwksOptions {
    pub self_hosted: bool,
    pub secret: Option<String>,
    pub keys: Option<Vec<KeyOptions>>,
}

impl KeyOptions {
    /// `option` is what the key is called in errors.
    pub(crate) fn read(&self, option: &str) -> Result<SigningKey, Failure> {
        let id = self.key_id.as_deref().unwrap_or_default();
        let key = match (&self.jwk, &self.pem, &self.shared_secret) {
            (Some(jwk), _, _) => SigningKey::from_jwk(jwk),
            (_, Some(pem), _) => SigningKey::from_pem(id, pem),
            (_, _, Some(secret)) => SigningKey::hs256(id, secret),
            (None, None, None) => return Err(Failure::config("there is no key in it").in_option(option)),
        };
        key.map_err(in_option(option))
    }
}

/// The public keys of the verifier's project and kinds of users, as Supabase takes them.
#[napi]
pub fn supabase_jwks<'env>(
    env: &'env Env,
    verifier: &External<Verifier>,
    options: JwksOptions,
) -> napi::Result<Later<'env, String>> {
    let verifier = verifier.core().clone();
    // What may be wrong with them is said without asking Hexclave.
    let own = options.own_keys();
    let work = async move {
        let own = own?;
        let keys = keys_of(&verifier).await?;
        let mut jwks = SupabaseJwks::of_project(&keys, verifier.accepted_kinds())?;
        for key in &own {
            jwks = jwks.and(key)?;
        }
        Ok::<_, Failure>(match options.self_hosted {
            true => jwks.self_hosted().expose().to_owned(),
            false => jwks.third_party_auth()?.to_string(),
        })
    };
    later(env, work, |text| text)
}

impl JwksOptions {
    fn own_keys(&self) -> Result<Vec<SigningKey>, Failure> {
        let secret = self.secret.iter().map(|secret| {
            let secret = JwtSecret::new(secret.as_str()).map_err(in_option("secret"))?;
            Ok(secret.into())
        });
        let keys = self.keys.iter().flatten().map(|key| key.read("keys"));
        secret.chain(keys).collect()
    }
}
