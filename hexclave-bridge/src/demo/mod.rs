//! `hexclave-bridge demo`: the whole way with a local Hexclave and a local Postgres.

mod report;

use std::{error::Error, fmt::Display};

use hexclave_convex::{AuthConfig, ConvexVerifier};
use hexclave_core::{AcceptedKinds, AccessToken, User, Verifier};
use hexclave_supabase::{JwtSecret, Minter, SupabaseClaims, rls::tokio_postgres::begin_as};
use hexclave_testkit::{
    hexclave::{LocalHexclave, ServerSecret, Tokens},
    postgres::{Database, Postgres},
};
use tokio_postgres::Client;

use self::report::{Report, TokenOutcome, Visitor};
use crate::{cli::DemoArgs, failure::Failure, output};

const GUIDE: &str = include_str!("guide.sql");
/// The keys of a deployment are derived from its secret. Those of this one and this project's normal users have
/// no short coordinate, which Convex could not verify.
const SERVER_SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const PROJECT_ID: &str = "11111111-2222-4333-8444-555555555555";
/// What the Supabase command line uses for its local stack.
const JWT_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";
const PASSWORD: &str = "correct horse battery staple";

pub(crate) async fn run(args: &DemoArgs) -> Result<(), Failure> {
    let tell = |line: &dyn Display| {
        if !args.json {
            output::progress(line);
        }
    };
    let hexclave = start_hexclave().await?;
    tell(&format_args!(
        "A local Hexclave runs at {}",
        hexclave.config().api_url()
    ));
    let (postgres, database) = blocking(start_postgres).await??;
    tell(&format_args!(
        "A throw-away database runs on {}",
        postgres.description()
    ));

    let (database, report) = Demo::new(hexclave, database)
        .await?
        .run(postgres.description())
        .await?;
    if args.json {
        output::line(report.to_json());
    } else {
        output::text(report.to_text());
    }
    blocking(move || drop((database, postgres))).await
}

struct Demo {
    hexclave: LocalHexclave,
    verifier: Verifier,
    minter: Minter,
    client: Client,
    database: Database,
}

impl Demo {
    async fn new(hexclave: LocalHexclave, database: Database) -> Result<Self, Failure> {
        let connected = database.connect().await;
        Ok(Self {
            verifier: Verifier::new(hexclave.config().clone())?,
            minter: Minter::new(JwtSecret::new(JWT_SECRET)?),
            client: connected.map_err(|error| broken("the database does not answer", &error))?,
            database,
            hexclave,
        })
    }

    async fn run(mut self, postgres: &str) -> Result<(Database, Report), Failure> {
        let (ada, ada_user) = self.sign_up_verified("ada@example.com").await?;
        let (grace, grace_user) = self.sign_up_verified("grace@example.com").await?;
        let eve = self.sign_up("eve@example.com").await?;
        let guest = self.hexclave.sign_up_anonymously().await.map_err(not_signed_up)?;
        self.give_row_3_to(&grace_user).await?;

        let mut visitors = Vec::new();
        for (who, token) in [
            ("Ada, signed in", Some(&ada)),
            ("Grace, who owns row 3", Some(&grace)),
            ("Eve, e-mail not verified", Some(&eve.access_token)),
            ("a guest", Some(&guest.access_token)),
            ("somebody signed out", None),
        ] {
            visitors.push(self.visit(who, token).await?);
        }

        let auth_config = AuthConfig::for_project(self.hexclave.config()).build();
        let convex = ConvexVerifier::new(auth_config.clone())?;
        let identity = convex.verify(&ada).await?;
        let report = Report {
            api_url: self.hexclave.config().api_url().to_string(),
            project_id: PROJECT_ID.to_owned(),
            postgres: postgres.to_owned(),
            visitors,
            auth_config,
            identity_of: ada_user.email().unwrap_or_default().to_owned(),
            identity,
        };
        Ok((self.database, report))
    }

    async fn sign_up(&self, email: &str) -> Result<Tokens, Failure> {
        self.hexclave
            .sign_up(email, PASSWORD)
            .await
            .map_err(not_signed_up)
    }

    /// Signs up, follows the link in the verification mail, and signs in.
    async fn sign_up_verified(&self, email: &str) -> Result<(AccessToken, User), Failure> {
        let tokens = self.sign_up(email).await?;
        self.hexclave
            .verify_email(tokens.user_id)
            .map_err(not_signed_up)?;
        let tokens = self
            .hexclave
            .sign_in(email, PASSWORD)
            .await
            .map_err(not_signed_up)?;
        let user = self.verifier.verify(&tokens.access_token).await?;
        Ok((tokens.access_token, user))
    }

    async fn give_row_3_to(&self, user: &User) -> Result<(), Failure> {
        let failed = |error: &dyn Error| broken("row 3 could not be given to its owner", error);
        let owner = self
            .database
            .connect_as_owner()
            .await
            .map_err(|error| failed(&error))?;
        let id = user.id();
        owner
            .execute(
                "update data set user_id = $1::text::uuid where id = 3",
                &[&id.to_string()],
            )
            .await
            .map_err(|error| failed(&error))?;
        Ok(())
    }

    /// What one visitor gets: a token or the reason for none, and rows.
    async fn visit(&mut self, who: &'static str, token: Option<&AccessToken>) -> Result<Visitor, Failure> {
        let mut claims = SupabaseClaims::signed_out();
        let mut kind = None;
        let outcome = match token {
            None => TokenOutcome::NotAsked,
            Some(token) => match self.verifier.verify(token).await {
                Ok(user) => {
                    kind = Some(user.kind());
                    claims = SupabaseClaims::of(&user, AcceptedKinds::default())?;
                    TokenOutcome::Minted(self.minter.mint(&user)?)
                }
                Err(error) => match error.kind() {
                    hexclave_core::ErrorKind::KindNotAccepted(refused) => {
                        kind = Some(refused);
                        TokenOutcome::Refused(error)
                    }
                    _ => return Err(error.into()),
                },
            },
        };
        Ok(Visitor {
            who,
            kind,
            outcome,
            rows: self.visible_rows(&claims).await?,
        })
    }

    async fn visible_rows(&mut self, claims: &SupabaseClaims) -> Result<Vec<i64>, Failure> {
        let transaction = begin_as(&mut self.client, claims).await?;
        let rows = transaction
            .query("select id from data order by id", &[])
            .await
            .map_err(|error| broken("the table cannot be read", &error))?;
        Ok(rows.iter().filter_map(|row| row.try_get(0).ok()).collect())
    }
}

async fn start_hexclave() -> Result<LocalHexclave, Failure> {
    let failed = |error: &dyn Error| broken("the local Hexclave does not start", error);
    LocalHexclave::builder()
        .project_id(PROJECT_ID.parse()?)
        .server_secret(ServerSecret::new(SERVER_SECRET).map_err(|error| failed(&error))?)
        .require_email_verification(true)
        .start()
        .await
        .map_err(|error| failed(&error))
}

fn start_postgres() -> Result<(Postgres, Database), Failure> {
    let failed = |error| broken("there is no Postgres for the demo", &error);
    let postgres = Postgres::start().map_err(failed)?;
    let database = postgres.database().map_err(failed)?;
    database.execute(GUIDE).map_err(failed)?;
    Ok((postgres, database))
}

/// Runs what blocks where it keeps nobody waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| broken("the demo was interrupted", &error))
}

fn not_signed_up(error: impl Error) -> Failure {
    broken("a user could not be signed up", &error)
}

fn broken(message: &str, error: &dyn Error) -> Failure {
    Failure::usage("demo_failed", message).caused_by(error)
}
