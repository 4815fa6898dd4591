//! A local Hexclave for `benchmarks/service`, and as many tokens as it wants.
//!
//! Prints where the server is as a line of JSON. Then each line `COUNT FILE` on standard input is answered with an empty one
//! when the file has that many tokens, one a line, each of another user. Ends with its input.

use std::{
    error::Error,
    fs::File,
    io::{self, BufRead, BufWriter, Write},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use hexclave_core::UserKind;
use hexclave_testkit::hexclave::{Issuer, LocalHexclave, Subject};

/// In seconds. Longer than Hexclave's ten minutes, so that no token expires on the way.
const LIFETIME: u64 = 3600;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let hexclave = LocalHexclave::start().await?;
    let config = hexclave.config();
    let (api_url, project) = (config.api_url(), config.project_id());
    println!(
        "{}",
        serde_json::json!({
            "apiUrl": api_url.as_str(),
            "projectId": project.as_str(),
            "jwksUrl": api_url.jwks_url(project, UserKind::Normal),
            "issuer": api_url.issuer(project, UserKind::Normal),
            "audience": config.audience(UserKind::Normal),
        })
    );
    tokio::task::spawn_blocking(move || {
        for line in io::stdin().lock().lines() {
            let line = line?;
            let (count, file) = line.split_once(' ').ok_or("a count and a file")?;
            write(hexclave.issuer(), count.parse()?, file)?;
            println!();
        }
        Ok(())
    })
    .await?
}

fn write(issuer: &Issuer, count: usize, file: &str) -> Outcome<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let shares = thread::scope(|scope| {
        let shares: Vec<_> = (0..threads)
            .map(|number| {
                let share = (number..count).step_by(threads);
                scope.spawn(move || {
                    share
                        .map(|number| token(issuer, number, now))
                        .collect::<Outcome<Vec<_>>>()
                })
            })
            .collect();
        let joined = shares
            .into_iter()
            .map(|share| share.join().map_err(|_| "a thread panicked")?);
        joined.collect::<Outcome<Vec<_>>>()
    })?;
    let mut file = BufWriter::new(File::create(file)?);
    for token in shares.iter().flatten() {
        writeln!(file, "{token}")?;
    }
    Ok(file.flush()?)
}

fn token(issuer: &Issuer, number: usize, now: u64) -> Outcome<String> {
    let mut subject = Subject::new(&format!("ada.{number}@example.com"));
    subject.name = Some("Ada Lovelace".to_owned());
    let mut claims = issuer.claims(&subject, now);
    claims.exp = now + LIFETIME;
    Ok(issuer.sign(UserKind::Normal, &claims)?)
}
