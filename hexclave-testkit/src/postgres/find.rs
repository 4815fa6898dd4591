//! Where a PostgreSQL may come from: what the caller asked for, what the environment says, what is installed.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

#[cfg(feature = "docker")]
use super::container::Image;
use super::error::{Attempt, PostgresError};
use super::{AUTHENTICATOR_PASSWORD, Source};

const URL: &str = "HEXCLAVE_TEST_DATABASE_URL";
const SOURCE: &str = "HEXCLAVE_TEST_POSTGRES";
#[cfg(feature = "docker")]
const IMAGE: &str = "HEXCLAVE_TEST_POSTGRES_IMAGE";
const PASSWORD: &str = "HEXCLAVE_TEST_AUTHENTICATOR_PASSWORD";

/// How long an unreachable host may keep a test waiting, unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the caller asked for. It goes before what the environment says.
#[derive(Clone, Default)]
pub(super) struct Wish {
    pub(super) source: Option<Source>,
    pub(super) url: Option<String>,
    pub(super) image: Option<String>,
    pub(super) authenticator_password: Option<String>,
}

/// A server that can be used or started.
pub(super) enum Found {
    Url(DatabaseUrl),
    #[cfg(unix)]
    Local(PathBuf),
    /// Only starting it shows whether Docker is there; until then the other attempts are kept for the error.
    #[cfg(feature = "docker")]
    Docker(Image, Vec<Attempt>),
}

/// A URL that was understood.
pub(super) struct DatabaseUrl {
    pub(super) config: Box<Config>,
    /// Names the server and holds no secret.
    pub(super) shown: String,
}

/// The process's environment, so far as it matters here.
pub(super) struct Environment {
    variables: HashMap<OsString, OsString>,
    /// Folders whose subfolders hold one installed version each.
    installations: Vec<Installations>,
}

struct Installations {
    parent: PathBuf,
    prefix: &'static str,
}

impl Environment {
    pub(super) fn of_process() -> Self {
        let at = |parent: &str, prefix| Installations {
            parent: parent.into(),
            prefix,
        };
        Self {
            variables: env::vars_os().collect(),
            installations: vec![
                at("/usr/lib/postgresql", ""),
                at("/opt/homebrew/opt", "postgresql"),
                at("/usr/local/opt", "postgresql"),
            ],
        }
    }

    /// The value of a variable; an empty one counts as unset.
    fn text(&self, name: &str) -> Result<Option<String>, PostgresError> {
        match self.variables.get(&OsString::from(name)) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some("") => Ok(None),
                Some(value) => Ok(Some(value.to_owned())),
                None => Err(PostgresError::setting(name, "is not valid UTF-8")),
            },
        }
    }

    fn path(&self) -> impl Iterator<Item = PathBuf> {
        let path = self.variables.get(&OsString::from("PATH"));
        let folders: Vec<_> = path.into_iter().flat_map(env::split_paths).collect();
        // A relative entry means something else in every folder.
        folders.into_iter().filter(|folder| folder.is_absolute())
    }
}

/// Looks for a server: the URL, then the programs on this machine, then Docker.
///
/// A source that is there and turns out to be broken is an error, never a reason to take the next one.
pub(super) fn find(wish: &Wish, environment: &Environment) -> Result<Found, PostgresError> {
    let only = match wish.source {
        Some(source) => Some(source),
        None => source(environment)?,
    };
    let mut attempts = Vec::new();
    for source in [Source::Url, Source::Local, Source::Docker] {
        if only.is_some_and(|only| only != source) {
            continue;
        }
        let reason = match source {
            Source::Url => match url(wish, environment)? {
                Some(url) => return Ok(Found::Url(url)),
                None => format!("{URL} is not set"),
            },
            #[cfg(unix)]
            Source::Local => match programs(environment) {
                Ok(programs) => return Ok(Found::Local(programs)),
                Err(reason) => reason,
            },
            #[cfg(not(unix))]
            Source::Local => "servers are started from installed programs on Unix only".to_owned(),
            #[cfg(feature = "docker")]
            Source::Docker => return Ok(Found::Docker(image(wish, environment)?, attempts)),
            #[cfg(not(feature = "docker"))]
            Source::Docker => "hexclave-testkit was built without its feature `docker`".to_owned(),
        };
        attempts.push(Attempt { source, reason });
    }
    Err(PostgresError::unavailable(attempts))
}

/// The password with which `authenticator` logs in.
pub(super) fn authenticator_password(
    wish: &Wish,
    environment: &Environment,
) -> Result<String, PostgresError> {
    let password = match &wish.authenticator_password {
        Some(password) => Some(password.clone()),
        None => environment.text(PASSWORD)?,
    };
    Ok(password.unwrap_or_else(|| AUTHENTICATOR_PASSWORD.to_owned()))
}

fn source(environment: &Environment) -> Result<Option<Source>, PostgresError> {
    match environment.text(SOURCE)?.as_deref() {
        None => Ok(None),
        Some("url") => Ok(Some(Source::Url)),
        Some("local") => Ok(Some(Source::Local)),
        Some("docker") => Ok(Some(Source::Docker)),
        Some(other) => Err(PostgresError::setting(
            SOURCE,
            format!(
                "is {other:?}; it may be `url`, `local` or `docker`, or unset to try these in this order"
            ),
        )),
    }
}

fn url(wish: &Wish, environment: &Environment) -> Result<Option<DatabaseUrl>, PostgresError> {
    let (name, text) = match &wish.url {
        Some(url) => ("the URL given to the builder", url.clone()),
        None => match environment.text(URL)? {
            Some(url) => (URL, url),
            None => return Ok(None),
        },
    };
    // The parser's own words may repeat a piece of the password.
    let mut config: Config = text.parse().map_err(|_| {
        PostgresError::setting(
            name,
            "is not a database URL like postgres://user:password@host:5432/database \
             (its value is not shown because it may hold a password)",
        )
    })?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    let shown = match place(&text, &config) {
        Some(place) => format!("{name} ({place})"),
        None => name.to_owned(),
    };
    Ok(Some(DatabaseUrl {
        config: Box::new(config),
        shown,
    }))
}

/// Host and port, unless an unescaped `@` makes it doubtful where the password ends.
fn place(text: &str, config: &Config) -> Option<String> {
    if text.matches('@').count() > 1 {
        return None;
    }
    let port = config.get_ports().first().unwrap_or(&5432);
    match config.get_hosts().first()? {
        Host::Tcp(host) => Some(format!("{host}:{port}")),
        #[cfg(unix)]
        Host::Unix(folder) => Some(folder.display().to_string()),
    }
}

#[cfg(feature = "docker")]
fn image(wish: &Wish, environment: &Environment) -> Result<Image, PostgresError> {
    match &wish.image {
        Some(image) => Image::parse("the image given to the builder", image),
        None => match environment.text(IMAGE)? {
            Some(image) => Image::parse(IMAGE, &image),
            None => Ok(Image::default()),
        },
    }
}

/// The folder with PostgreSQL's server programs, or why there is none.
#[cfg(unix)]
fn programs(environment: &Environment) -> Result<PathBuf, String> {
    let installed = environment
        .installations
        .iter()
        .flat_map(Installations::newest_first);
    if let Some(folder) = environment
        .path()
        .chain(installed)
        .find_map(|folder| complete(&folder))
    {
        return Ok(folder);
    }
    let configured = configured(environment);
    if let Some(folder) = configured.as_deref().and_then(complete) {
        return Ok(folder);
    }

    let mut reason = "no folder with both `initdb` and `postgres` in PATH".to_owned();
    for Installations { parent, prefix } in &environment.installations {
        reason.push_str(&format!(", {}/{prefix}*/bin", parent.display()));
    }
    match configured {
        Some(folder) => reason.push_str(&format!(" or {} (from pg_config)", folder.display())),
        None => reason.push_str(", and no pg_config in PATH that names one"),
    }
    Err(reason)
}

/// The folder itself or, if the programs in it are links, the folder they live in.
fn complete(folder: &Path) -> Option<PathBuf> {
    let both = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    if !both(folder) {
        return None;
    }
    let real = fs::canonicalize(folder.join("initdb")).ok();
    let home = real.as_deref().and_then(Path::parent).filter(|home| both(home));
    Some(home.unwrap_or(folder).to_owned())
}

fn configured(environment: &Environment) -> Option<PathBuf> {
    let pg_config = environment
        .path()
        .map(|folder| folder.join("pg_config"))
        .find(|program| program.is_file())?;
    let output = Command::new(pg_config).arg("--bindir").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !folder.trim().is_empty()).then(|| PathBuf::from(folder.trim()))
}

impl Installations {
    fn newest_first(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.parent).into_iter().flatten().flatten();
        let mut versions: Vec<(Vec<u32>, PathBuf)> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let version = name.strip_prefix(self.prefix)?.trim_start_matches('@');
                let version = version.split('.').map_while(|part| part.parse().ok()).collect();
                Some((version, entry.path().join("bin")))
            })
            .collect();
        versions.sort();
        versions.into_iter().rev().map(|(_, folder)| folder).collect()
    }
}

#[cfg(test)]
#[cfg(unix)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment {
            variables: variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            installations: Vec::new(),
        }
    }

    fn refused(wish: &Wish, environment: &Environment) -> String {
        match find(wish, environment) {
            Ok(_) => panic!("something was found"),
            Err(error) => error.to_string(),
        }
    }

    fn install(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("initdb"), "").unwrap();
        fs::write(folder.join("postgres"), "").unwrap();
    }

    fn local(environment: &Environment) -> PathBuf {
        match find(&Wish::default(), environment) {
            Ok(Found::Local(folder)) => folder,
            Ok(_) => panic!("another source was taken"),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn an_unknown_source_is_refused() {
        let text = refused(&Wish::default(), &environment(&[(SOURCE, "sqlite")]));
        assert!(text.contains("HEXCLAVE_TEST_POSTGRES"), "{text}");
        for word in ["sqlite", "`url`", "`local`", "`docker`"] {
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn an_empty_variable_is_an_unset_one() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path());
        let path = folder.path().to_str().unwrap();
        assert_eq!(
            local(&environment(&[(SOURCE, ""), (URL, ""), ("PATH", path)])),
            fs::canonicalize(folder.path()).unwrap()
        );
        let empty = environment(&[(PASSWORD, "")]);
        assert_eq!(
            authenticator_password(&Wish::default(), &empty).unwrap(),
            AUTHENTICATOR_PASSWORD
        );
    }

    #[test]
    fn the_url_goes_first_and_the_wish_before_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path());
        let path = folder.path().to_str().unwrap();
        let both = environment(&[(URL, "postgres://me:secret@db.example:6000/app"), ("PATH", path)]);
        match find(&Wish::default(), &both).unwrap() {
            Found::Url(url) => assert_eq!(url.shown, "HEXCLAVE_TEST_DATABASE_URL (db.example:6000)"),
            _ => panic!("the URL was passed over"),
        }
        let wish = Wish {
            source: Some(Source::Local),
            ..Wish::default()
        };
        assert!(matches!(find(&wish, &both).unwrap(), Found::Local(_)));
    }

    #[test]
    fn only_the_source_that_was_asked_for_is_tried() {
        let text = refused(&Wish::default(), &environment(&[(SOURCE, "url")]));
        assert!(text.contains("only url was asked for"), "{text}");
        assert!(text.contains("HEXCLAVE_TEST_DATABASE_URL is not set"), "{text}");
        assert!(!text.contains("brew"), "{text}");
        let text = refused(&Wish::default(), &environment(&[(SOURCE, "local")]));
        assert!(text.contains("apt-get install postgresql"), "{text}");
        assert!(!text.contains("docker"), "{text}");
    }

    #[test]
    fn the_whole_search_is_told_when_nothing_is_found() {
        let nothing = environment(&[]);
        let mut attempts = vec![
            Attempt {
                source: Source::Url,
                reason: format!("{URL} is not set"),
            },
            Attempt {
                source: Source::Local,
                reason: programs(&nothing).unwrap_err(),
            },
        ];
        #[cfg(feature = "docker")]
        match find(&Wish::default(), &nothing).unwrap() {
            Found::Docker(_, earlier) => {
                let text = |attempts: &[Attempt]| format!("{attempts:?}");
                assert_eq!(text(&earlier), text(&attempts));
            }
            _ => panic!("found in an empty environment"),
        }
        attempts.push(Attempt {
            source: Source::Docker,
            reason: "no engine".to_owned(),
        });
        let text = PostgresError::unavailable(attempts).to_string();
        for word in [
            "url: ",
            "local: ",
            "docker: no engine",
            URL,
            "apt-get",
            "brew",
            "docs.docker.com",
        ] {
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_told() {
        let urls = [
            "postgres://me:hunter2@:port/app",
            "postgres://me:hunter2@host:port/app",
            "host=h password=x hunter2=y",
            "host=h user=me password='hunter2",
        ];
        for url in urls {
            let text = refused(&Wish::default(), &environment(&[(URL, url)]));
            assert!(text.contains(URL), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        match find(
            &Wish::default(),
            &environment(&[(URL, "postgres://me:hun@ter2@host/app")]),
        )
        .unwrap()
        {
            Found::Url(url) => assert_eq!(url.shown, URL),
            _ => panic!("the URL was passed over"),
        }
    }

    #[test]
    fn the_newest_installation_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["9.6", "15", "16.2", "16.10", "contrib"] {
            install(&folder.path().join(version).join("bin"));
        }
        fs::create_dir_all(folder.path().join("17/bin")).unwrap();
        let mut installed = environment(&[]);
        installed.installations.push(Installations {
            parent: folder.path().to_owned(),
            prefix: "",
        });
        let expected = fs::canonicalize(folder.path().join("16.10/bin")).unwrap();
        assert_eq!(local(&installed), expected);

        let brew = tempfile::tempdir().unwrap();
        for name in ["postgresql", "postgresql@14", "postgresql@16", "redis@99"] {
            install(&brew.path().join(name).join("bin"));
        }
        let expected = fs::canonicalize(brew.path().join("postgresql@16/bin")).unwrap();
        let brewed = Installations {
            parent: brew.path().to_owned(),
            prefix: "postgresql",
        };
        let first = brewed.newest_first().into_iter().next().unwrap();
        assert_eq!(fs::canonicalize(first).unwrap(), expected);
    }

    #[test]
    fn programs_that_are_links_are_followed_home() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("versions/16/bin");
        install(&home);
        let links = folder.path().join("links");
        fs::create_dir(&links).unwrap();
        for program in ["initdb", "postgres"] {
            std::os::unix::fs::symlink(home.join(program), links.join(program)).unwrap();
        }
        let linked = environment(&[("PATH", links.to_str().unwrap())]);
        assert_eq!(local(&linked), fs::canonicalize(home).unwrap());
    }
}
