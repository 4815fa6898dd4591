//! Transactions as a user beside bare ones, on one connection to a local Postgres. Writes docs/performance-rls.md.
//!
//! Needs PostgreSQL's programs, or whatever else hexclave-testkit takes a server from; run it with
//! `cargo run --release --bin rls` in this folder.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use hexclave_core::{AcceptedKinds, AccessToken, User, Verifier};
use hexclave_supabase::{
    SupabaseClaims,
    rls::{
        Request,
        tokio_postgres::{begin_as, query_as},
    },
};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, Subject},
    postgres::Postgres,
};
use tokio_postgres::{
    Client, Config, NoTls, Row,
    config::Host,
    types::{ToSql, Type},
};

const REPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/performance-rls.md");
const NOW: u64 = 1_795_300_079;
const ROUNDS: usize = 31;
/// How long a message is on its way in the second table.
const DISTANCE: Duration = Duration::from_micros(250);
const TIMES: usize = 100;
const QUERY: &str = "select body from notes where id = $1";

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How the query is sent.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// With the type of its parameter, in one round trip.
    Typed,
    /// As it is usually written: `query` asks the database for the types first, which is a round trip more.
    Usual,
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Bare,
    BeginAs,
    BeginAsFull,
    Naive,
    NaiveFull,
    QueryAs,
}

const CASES: [(Case, &str); 6] = [
    (Case::Bare, "the query in a bare transaction"),
    (Case::BeginAs, "**`begin_as`**, role and claims"),
    (Case::BeginAsFull, "**`begin_as`**, with method, path and headers"),
    (Case::Naive, "a round trip per setting, role and claims"),
    (
        Case::NaiveFull,
        "a round trip per setting, with method, path and headers",
    ),
    (Case::QueryAs, "**`query_as`**"),
];

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(run())?;
    print!("{report}");
    fs::write(REPORT, report)?;
    Ok(())
}

async fn run() -> Outcome<String> {
    let postgres = Postgres::shared()?;
    let database = postgres.database()?;
    let user = user().await?;
    database.execute(&format!(
        "create table notes (id bigint primary key, owner uuid not null, body text not null);
         insert into notes select i, case when i % 10 = 0 then '{}'::uuid else gen_random_uuid() end, 'a note'
             from generate_series(1, 10000) i;
         create index on notes (owner);
         alter table notes enable row level security;
         create policy own on notes for select to authenticated using (owner = (select auth.uid()));
         grant select on notes to authenticated;
         analyze notes",
        user.id()
    ))?;
    let claims = SupabaseClaims::of(&user, AcceptedKinds::default())?;
    let load = load();
    let near = database.authenticator_config();
    let far = at_a_distance(&near)?;
    let usual = rounds(&near, &claims, Form::Usual).await?;
    let near = rounds(&near, &claims, Form::Typed).await?;
    let far = rounds(&far, &claims, Form::Typed).await?;
    Ok(report([&usual, &near, &far], postgres.description(), &load))
}

async fn rounds(config: &Config, claims: &SupabaseClaims, form: Form) -> Outcome<Vec<Vec<Duration>>> {
    let (mut client, connection) = config.connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let mut rounds: Vec<Vec<Duration>> = Vec::new();
    for number in 0..=ROUNDS {
        let mut round = vec![Duration::ZERO; CASES.len()];
        let mut order: Vec<usize> = (0..CASES.len()).collect();
        if number % 2 == 1 {
            order.reverse();
        }
        for index in order {
            round[index] = measure(&mut client, claims, (CASES[index].0, form)).await?;
        }
        // The first round warms up.
        if number > 0 {
            rounds.push(round);
        }
    }
    drop(client);
    connection.await??;
    Ok(rounds)
}

/// The same server behind a network: what is sent arrives later, and nothing else about it changes.
fn at_a_distance(near: &Config) -> Outcome<Config> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut far = Config::new();
    far.host("127.0.0.1").port(listener.local_addr()?.port());
    far.user(near.get_user().unwrap_or_default());
    far.dbname(near.get_dbname().unwrap_or_default());
    far.password(near.get_password().unwrap_or_default());
    let port = near.get_ports().first().copied().unwrap_or(5432);
    let host = near.get_hosts().first().ok_or("no host")?.clone();
    thread::spawn(move || -> std::io::Result<()> {
        let (client, _) = listener.accept()?;
        client.set_nodelay(true)?;
        match host {
            Host::Tcp(host) => {
                let server = TcpStream::connect((host.as_str(), port))?;
                server.set_nodelay(true)?;
                carry(client.try_clone()?, server.try_clone()?);
                carry(server, client);
            }
            Host::Unix(folder) => {
                let server = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}")))?;
                carry(client.try_clone()?, server.try_clone()?);
                carry(server, client);
            }
        }
        Ok(())
    });
    Ok(far)
}

fn carry(mut from: impl Read + Send + 'static, mut to: impl Write + Send + 'static) {
    let (sent, arriving) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if sent
                .send((Instant::now() + DISTANCE, buffer[..read].to_vec()))
                .is_err()
            {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in arriving {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
    });
}

/// The median time of one transaction, from before its beginning until after its commit.
async fn measure(
    client: &mut Client,
    claims: &SupabaseClaims,
    (case, form): (Case, Form),
) -> Outcome<Duration> {
    if case == Case::Bare {
        // The same rows for the same role, set for the session and outside of what is measured.
        let claims = claims.to_json();
        let set = format!("set role authenticated; set request.jwt.claims = '{claims}'");
        client.batch_execute(&set).await?;
    }
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let start = Instant::now();
        let rows = once(client, claims, (case, form)).await?;
        times.push(start.elapsed());
        if rows.len() != 1 {
            return Err("the row is not seen".into());
        }
    }
    if case == Case::Bare {
        client
            .batch_execute("reset role; set request.jwt.claims = ''")
            .await?;
    }
    times.sort();
    Ok(times[TIMES / 2])
}

async fn once(client: &mut Client, claims: &SupabaseClaims, (case, form): (Case, Form)) -> Outcome<Vec<Row>> {
    let parameters: [(&(dyn ToSql + Sync), Type); 1] = [(&10_i64, Type::INT8)];
    let query = async |client: &Client| match form {
        Form::Typed => client.query_typed(QUERY, &parameters).await,
        Form::Usual => client.query(QUERY, &[&10_i64]).await,
    };
    let headers = r#"{"accept":"application/json","user-agent":"benchmark"}"#;
    let rows = match case {
        Case::Bare => {
            let transaction = client.transaction().await?;
            let rows = query(transaction.client()).await?;
            transaction.commit().await?;
            rows
        }
        Case::BeginAs | Case::BeginAsFull => {
            let mut request = Request::by(claims);
            if case == Case::BeginAsFull {
                let headers = [("accept", "application/json"), ("user-agent", "benchmark")];
                request = request.method("GET").path("/notes").headers(headers);
            }
            let transaction = begin_as(client, request).await?;
            let rows = query(&transaction).await?;
            transaction.commit().await?;
            rows
        }
        Case::Naive | Case::NaiveFull => {
            let claims = claims.to_json();
            let mut settings = vec![("role", "authenticated"), ("request.jwt.claims", &claims)];
            if case == Case::NaiveFull {
                settings.extend([
                    ("request.method", "GET"),
                    ("request.path", "/notes"),
                    ("request.headers", headers),
                ]);
            }
            let transaction = client.transaction().await?;
            for (name, value) in settings {
                let set = "select set_config($1, $2, true)";
                transaction
                    .query_typed(set, &[(&name, Type::TEXT), (&value, Type::TEXT)])
                    .await?;
            }
            let rows = query(transaction.client()).await?;
            transaction.commit().await?;
            rows
        }
        Case::QueryAs => query_as(client, claims, QUERY, &parameters).await?,
    };
    Ok(rows)
}

fn table(rounds: &[Vec<Duration>]) -> String {
    let mut table = "| | microseconds | × the bare transaction (middle half) |\n|---|--:|--:|\n".to_owned();
    for (index, (_, name)) in CASES.iter().enumerate() {
        let times = sorted(rounds.iter().map(|round| round[index].as_secs_f64() * 1e6));
        let ratios = ratios(rounds, index);
        let _ = writeln!(
            table,
            "| {name} | {:.0} | {:.2} ({:.2} to {:.2}) |",
            times[times.len() / 2],
            ratios[ratios.len() / 2],
            ratios[ratios.len() / 4],
            ratios[ratios.len() * 3 / 4],
        );
    }
    table
}

fn ratios(rounds: &[Vec<Duration>], index: usize) -> Vec<f64> {
    sorted(
        rounds
            .iter()
            .map(|round| round[index].as_secs_f64() / round[0].as_secs_f64()),
    )
}

/// Whether the goals hold.
fn verdict(rounds: &[Vec<Duration>]) -> String {
    let goals = [
        (Case::BeginAs, "`begin_as`", 1.25),
        (Case::QueryAs, "`query_as`", 0.7),
    ];
    let verdicts = goals.map(|(case, name, most)| {
        let index = CASES
            .iter()
            .position(|(listed, _)| *listed == case)
            .unwrap_or_default();
        let ratios = ratios(rounds, index);
        match ratios[ratios.len() / 2] <= most {
            true => format!("{name} holds"),
            false => format!("**{name} does not hold**"),
        }
    });
    verdicts.join(", ")
}

fn report(
    [usual_rounds, near_rounds, far_rounds]: [&[Vec<Duration>]; 3],
    server: &str,
    load: &str,
) -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let [usual, near, far] = [usual_rounds, near_rounds, far_rounds].map(table);
    format!(
        "# Performance of transactions under Row Level Security

Written by `cargo run --release --bin rls` in `benchmarks/`. Trust the ratios, not the times.

- One connection of tokio-postgres to {server} on the same machine, {cores} cores; load average when it began: {load}.
- The query finds one row of 10,000 by its key, under a policy `owner = (select auth.uid())`. It is not prepared
  beforehand. The bare transaction is `BEGIN`, query, `COMMIT`, with role and claims set for the session beforehand, so
  that it sees the same row under the same policy.
- {ROUNDS} rounds; in each, every case runs {TIMES} times, every other round in reverse order. A time is the median of the
  rounds' medians, from before the beginning until after the commit; a ratio is that of two medians of one round: shown
  are the median of the rounds and the middle half of them.
- The goals are 1.25 at most for `begin_as` with role and claims, and 0.7 at most for `query_as`.

## Over a Unix socket

With the query sent as it is usually written, `transaction.query(…)`, which asks the database for the parameter's type
first. Goals: {}.

{usual}
With the query sent by `query_typed`, so that a round trip less is left to be saved. Here a round trip costs next to
nothing, and what counts is the work of the database: it has one more statement to read, to check and to run.
Goals: {}.

{near}
## Over a network

The same by `query_typed` with {} microseconds each way between client and server (and what it takes to wake who carries
the bytes). Goals: {}.

{far}",
        verdict(usual_rounds),
        verdict(near_rounds),
        DISTANCE.as_micros(),
        verdict(far_rounds),
    )
}
fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("?").to_owned()
}

async fn user() -> Outcome<User> {
    let issuer = Issuer::random()?;
    let verifier = Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys()?)
        .clock(Arc::new(TestClock::at(NOW)))
        .build()?;
    let token = issuer.token(&Subject::new("ada@example.com"), NOW)?;
    Ok(verifier.verify(&AccessToken::from(token)).await?)
}
