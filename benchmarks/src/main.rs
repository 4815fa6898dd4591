//! The Rust side of the comparison: makes the tokens, then runs a round of a case whenever it is told to.
//!
//! The first line of output is JSON with the tokens and the keys. After that, each line of input `case seconds` is
//! answered with a line of JSON: how many operations, in how much wall time and processor time.

use std::{
    error::Error,
    future::Future,
    hint::black_box,
    io::{BufRead, Write},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{AccessToken, UserKind, Verifier};
use hexclave_testkit::hexclave::{Issuer, Subject};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use jwt_authorizer::{Authorizer, JwtAuthorizer};
use quick_cache::sync::Cache;
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::{Value, json};

const TOKENS: usize = 5_000;
const SLOTS: usize = 10_000;
/// Longer than Hexclave's 10 minutes, so that no token expires during a run on a slow machine.
const LIFETIME: u64 = 6 * 3600;
/// So many operations between two looks at the clock.
const BATCH: usize = 32;

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let bench = Bench::new()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", bench.setting)?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (case, seconds) = line.split_once(' ').ok_or("expected: case seconds")?;
        let round = bench.run(case, Duration::from_secs_f64(seconds.parse()?))?;
        writeln!(out, "{round}")?;
        out.flush()?;
    }
    Ok(())
}

struct Bench {
    /// What the other programs need to know.
    setting: Value,
    texts: Vec<String>,
    tokens: Vec<AccessToken>,
    /// What is signed, and the signature.
    parts: Vec<(String, Vec<u8>)>,
    point: Vec<u8>,
    parsed_key: ParsedPublicKey,
    verifier: Verifier,
    remembering: Verifier,
    decoding_keys: Vec<(String, DecodingKey)>,
    validation: Validation,
    authorizer: Authorizer<Claims>,
    by_text: Cache<Box<str>, Arc<str>>,
    by_digest: Cache<[u8; 32], Arc<str>>,
}

/// The claims of an access token, for the libraries that want a type.
#[derive(Clone, Deserialize)]
#[expect(
    dead_code,
    reason = "they are read, as an application would have it, and that is all"
)]
struct Claims {
    sub: String,
    project_id: String,
    branch_id: String,
    refresh_token_id: String,
    role: String,
    name: Option<String>,
    email: Option<String>,
    email_verified: bool,
    selected_team_id: Option<String>,
    signed_up_at: u64,
    is_anonymous: bool,
    is_restricted: bool,
    restricted_reason: Option<Reason>,
    requires_totp_mfa: bool,
    iss: String,
    iat: u64,
    aud: String,
    exp: u64,
}

#[derive(Clone, Deserialize)]
#[expect(dead_code, reason = "as above")]
struct Reason {
    r#type: String,
}

impl Bench {
    fn new() -> Result<Self, Failure> {
        let issuer = Issuer::random()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let texts = (0..TOKENS)
            .map(|number| {
                let mut subject = Subject::new(&format!("ada.lovelace.{number:04}@example.com"));
                subject.name = Some("Ada Lovelace".to_owned());
                // Any UUID will do.
                subject.selected_team_id = Some(issuer.config().project_id().as_str().parse()?);
                let mut claims = issuer.claims(&subject, now);
                claims.exp = now + LIFETIME;
                Ok(issuer.sign(UserKind::Normal, &claims)?)
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        let tokens: Vec<_> = texts
            .iter()
            .map(|text| AccessToken::from(text.as_str()))
            .collect();
        let parts = texts
            .iter()
            .map(|text| {
                let (signed, signature) = text.rsplit_once('.').ok_or("a token has dots")?;
                Ok((signed.to_owned(), URL_SAFE_NO_PAD.decode(signature)?))
            })
            .collect::<Result<Vec<_>, Failure>>()?;

        let keys = issuer.project_keys()?;
        // All coordinates have 32 bytes here, as strict libraries want them.
        let jwks = keys.of(UserKind::Normal).to_json();
        let jwk_set: JwkSet = serde_json::from_str(&jwks)?;
        let decoding_keys = jwk_set
            .keys
            .iter()
            .map(|jwk| {
                let id = jwk.common.key_id.clone().ok_or("a key has a name")?;
                Ok((id, DecodingKey::from_jwk(jwk)?))
            })
            .collect::<Result<_, Failure>>()?;
        let point = signing_point(
            &serde_json::from_str(&jwks)?,
            issuer.keys(UserKind::Normal)[0].id(),
        )?;

        let config = issuer.config();
        let iss = config.api_url().issuer(config.project_id(), UserKind::Normal);
        let aud = config.audience(UserKind::Normal);
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&iss]);
        validation.set_audience(&[&aud]);

        let authorizer = JwtAuthorizer::from_jwks_text(&jwks).validation(
            jwt_authorizer::Validation::new()
                .iss(&[&iss])
                .aud(&[&aud])
                .nbf(true),
        );
        let authorizer = now_or_never(authorizer.build())?;

        let builder = Verifier::builder(config.clone()).keys(keys);
        let (by_text, by_digest) = (Cache::new(SLOTS), Cache::new(SLOTS));
        for text in &texts {
            let value: Arc<str> = text.as_str().into();
            by_text.insert(text.as_str().into(), Arc::clone(&value));
            by_digest.insert(sha256(text), value);
        }
        let bench = Self {
            setting: json!({
                "tokens": texts,
                "jwks": jwks,
                "iss": iss,
                "aud": aud,
                "signing_key": issuer.keys(UserKind::Normal)[0].id(),
            }),
            texts,
            tokens,
            parts,
            parsed_key: ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)?,
            point,
            verifier: builder.clone().cached_tokens(0).build()?,
            remembering: builder.cached_tokens(SLOTS).build()?,
            decoding_keys,
            validation,
            authorizer,
            by_text,
            by_digest,
        };
        for token in &bench.tokens {
            now_or_never(bench.remembering.verify(token))?;
        }
        Ok(bench)
    }

    fn run(&self, case: &str, time: Duration) -> Result<Value, Failure> {
        Ok(match case {
            "first" => measure(1, time, |i| self.first(i)),
            "first-2" => measure(2, time, |i| self.first(i)),
            "raw" => measure(1, time, |i| {
                let (signed, signature) = self.part(i);
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.point);
                key.verify(signed.as_bytes(), signature).is_ok()
            }),
            "raw-parsed" => measure(1, time, |i| self.raw_parsed(i)),
            "raw-parsed-2" => measure(2, time, |i| self.raw_parsed(i)),
            "jsonwebtoken" => measure(1, time, |i| self.jsonwebtoken(i)),
            "jwt-authorizer" => measure(1, time, |i| {
                now_or_never(self.authorizer.check_auth(self.text(i))).is_ok_and(|data| {
                    black_box(data);
                    true
                })
            }),
            "again" => measure(1, time, |i| self.again(i)),
            "again-2" => measure(2, time, |i| self.again(i)),
            "again-one" => measure(1, time, |_| self.again(0)),
            "again-one-2" => measure(2, time, |_| self.again(0)),
            "again-text" => measure(1, time, |i| {
                now_or_never(self.remembering.verify(&AccessToken::from(self.text(i)))).is_ok()
            }),
            "sha256" => measure(1, time, |i| {
                black_box(sha256(self.text(i)));
                true
            }),
            "key-text" => measure(1, time, |i| self.by_text.get(self.text(i)).is_some()),
            "key-sha256" => measure(1, time, |i| self.by_digest.get(&sha256(self.text(i))).is_some()),
            unknown => return Err(format!("no case {unknown}").into()),
        })
    }

    fn first(&self, i: usize) -> bool {
        now_or_never(self.verifier.verify(&self.tokens[i % TOKENS])).is_ok_and(|user| {
            black_box(user);
            true
        })
    }

    fn again(&self, i: usize) -> bool {
        now_or_never(self.remembering.verify(&self.tokens[i % TOKENS])).is_ok_and(|user| {
            black_box(user);
            true
        })
    }

    fn raw_parsed(&self, i: usize) -> bool {
        let (signed, signature) = self.part(i);
        self.parsed_key.verify_sig(signed.as_bytes(), signature).is_ok()
    }

    fn jsonwebtoken(&self, i: usize) -> bool {
        let token = self.text(i);
        let Some(id) = jsonwebtoken::decode_header(token)
            .ok()
            .and_then(|header| header.kid)
        else {
            return false;
        };
        let Some((_, key)) = self.decoding_keys.iter().find(|(known, _)| *known == id) else {
            return false;
        };
        jsonwebtoken::decode::<Claims>(token, key, &self.validation).is_ok_and(|data| {
            black_box(data);
            true
        })
    }

    fn text(&self, i: usize) -> &str {
        black_box(&self.texts[i % TOKENS])
    }

    fn part(&self, i: usize) -> (&str, &[u8]) {
        let (signed, signature) = black_box(&self.parts[i % TOKENS]);
        (signed, signature)
    }
}

/// Runs an operation again and again, in so many threads, each of which starts elsewhere among the tokens.
fn measure(threads: usize, time: Duration, operation: impl Fn(usize) -> bool + Sync) -> Value {
    let cpu = cpu_time();
    let start = Instant::now();
    let work = |first: usize| {
        let mut done = 0;
        while start.elapsed() < time {
            for _ in 0..BATCH {
                assert!(operation(first + done), "the operation succeeds");
                done += 1;
            }
        }
        done
    };
    let count: usize = if threads == 1 {
        work(0)
    } else {
        thread::scope(|scope| {
            let work = &work;
            let running: Vec<_> = (0..threads)
                .map(|number| scope.spawn(move || work(number * TOKENS / threads)))
                .collect();
            running
                .into_iter()
                .map(|thread| thread.join().expect("no operation panics"))
                .sum()
        })
    };
    let wall = start.elapsed().as_secs_f64();
    json!({ "count": count, "wall": wall, "cpu": (cpu_time() - cpu).as_secs_f64() })
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("processor time is not negative")
}

/// With the keys at hand nothing is waited for, so no runtime is needed, nor measured.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the keys are at hand, yet something is waited for"),
    }
}

fn sha256(text: &str) -> [u8; 32] {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn signing_point(jwks: &Value, id: &str) -> Result<Vec<u8>, Failure> {
    let keys = jwks["keys"].as_array().ok_or("no keys")?;
    let key = keys.iter().find(|key| key["kid"] == id).ok_or("no signing key")?;
    let mut point = vec![0x04];
    for coordinate in ["x", "y"] {
        point.extend(URL_SAFE_NO_PAD.decode(key[coordinate].as_str().ok_or("no coordinate")?)?);
    }
    Ok(point)
}
