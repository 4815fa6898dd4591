//! Where a PostgreSQL may come from: what the caller asked for, what the environment says, what is installed.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
#[cfg(unix)]
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

#[cfg(feature = "docker")]
use super::container::Image;
use super::error::{Attempt, PostgresError};
#[cfg(unix)]
use super::programs::Places;
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

/// What the process finds around it, so far as it matters here.
pub(super) struct Environment {
    variables: HashMap<OsString, OsString>,
    #[cfg(unix)]
    places: Places,
}

impl Environment {
    pub(super) fn of_process() -> Self {
        Self {
            variables: env::vars_os().collect(),
            #[cfg(unix)]
            places: Places::of_process(),
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
            Source::Local => match environment.places.programs() {
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

/// Host and port, unless a character that should have been escaped makes it doubtful where the password ends.
fn place(text: &str, config: &Config) -> Option<String> {
    if let Some((before, after)) = text.split_once('@') {
        let credentials = before
            .split_once("://")
            .map_or(before, |(_, credentials)| credentials);
        if after.contains('@') || credentials.contains(['/', '?']) {
            return None;
        }
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment {
            variables: variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            places: Places::nowhere(),
        }
    }

    fn wish(source: Source) -> Wish {
        Wish {
            source: Some(source),
            ..Wish::default()
        }
    }

    fn refused(wish: &Wish, environment: &Environment) -> String {
        match find(wish, environment) {
            Ok(_) => panic!("something was found"),
            Err(error) => error.to_string(),
        }
    }

    fn shown(url: &str) -> String {
        match find(&Wish::default(), &environment(&[(URL, url)])) {
            Ok(Found::Url(url)) => url.shown,
            Ok(_) => panic!("the URL was passed over"),
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
        let empty = environment(&[(SOURCE, ""), (URL, ""), (PASSWORD, "")]);
        assert_eq!(source(&empty).unwrap(), None);
        assert!(url(&Wish::default(), &empty).unwrap().is_none());
        let password = authenticator_password(&Wish::default(), &empty).unwrap();
        assert_eq!(password, AUTHENTICATOR_PASSWORD);
    }

    #[test]
    fn the_wish_goes_before_the_environment() {
        let full = environment(&[(SOURCE, "local"), (URL, "postgres://a/b"), (PASSWORD, "theirs")]);
        assert!(matches!(find(&wish(Source::Url), &full), Ok(Found::Url(_))));
        let wish = Wish {
            url: Some("postgres://c/d".to_owned()),
            authenticator_password: Some("ours".to_owned()),
            ..wish(Source::Url)
        };
        let url = url(&wish, &full).unwrap().unwrap();
        assert_eq!(url.shown, "the URL given to the builder (c:5432)");
        assert_eq!(authenticator_password(&wish, &full).unwrap(), "ours");
        assert_eq!(authenticator_password(&Wish::default(), &full).unwrap(), "theirs");
    }

    #[test]
    fn only_the_source_that_was_asked_for_is_tried() {
        let text = refused(&Wish::default(), &environment(&[(SOURCE, "url")]));
        assert!(text.contains("only url was asked for"), "{text}");
        assert!(text.contains("HEXCLAVE_TEST_DATABASE_URL is not set"), "{text}");
        assert!(!text.contains("brew"), "{text}");
        let text = refused(&wish(Source::Local), &environment(&[(URL, "postgres://a/b")]));
        assert!(text.contains("apt-get install postgresql"), "{text}");
        assert!(!text.contains("docker"), "{text}");
    }

    #[test]
    fn the_whole_search_is_told_when_nothing_is_found() {
        let nothing = environment(&[]);
        #[cfg(feature = "docker")]
        let text = match find(&Wish::default(), &nothing) {
            Ok(Found::Docker(_, mut attempts)) => {
                attempts.push(Attempt {
                    source: Source::Docker,
                    reason: "no engine".to_owned(),
                });
                PostgresError::unavailable(attempts).to_string()
            }
            _ => panic!("Docker is the last to be tried"),
        };
        #[cfg(not(feature = "docker"))]
        let text = refused(&Wish::default(), &nothing);
        for word in [
            "url: ",
            "local: ",
            "docker: ",
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
        for url in [
            "postgres://me:hunter2@:port/app",
            "postgres://me:hunter2@host:port/app",
            "host=h password=x hunter2=y",
            "host=h user=me password='hunter2",
        ] {
            let text = refused(&Wish::default(), &environment(&[(URL, url)]));
            assert!(text.contains(URL), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        // Here the parser takes a piece of the password for the host.
        for url in [
            "postgres://me:hun@ter2@host/app",
            "postgres://host/app?password=hun@ter2",
        ] {
            assert_eq!(shown(url), URL);
        }
        assert_eq!(
            shown("postgres://me:hunter2@db.example:6000/app?application_name=a"),
            "HEXCLAVE_TEST_DATABASE_URL (db.example:6000)"
        );
        assert_eq!(
            shown("host=/run/pg password=hunter2"),
            "HEXCLAVE_TEST_DATABASE_URL (/run/pg)"
        );
    }

    #[cfg(feature = "docker")]
    #[test]
    fn an_image_is_a_name_and_a_tag() {
        let image = |text: &str| Image::parse(IMAGE, text).map(|image| image.to_string());
        for (text, expected) in [
            ("postgres:15", "postgres:15"),
            ("postgres", "postgres:latest"),
            ("localhost:5000/postgres", "localhost:5000/postgres:latest"),
            ("localhost:5000/postgres:16", "localhost:5000/postgres:16"),
        ] {
            assert_eq!(image(text).unwrap(), expected);
        }
        for text in [":15", "postgres:", "postgres 15"] {
            assert!(image(text).unwrap_err().to_string().contains(IMAGE), "{text}");
        }
    }
}
