//! A server of our own in a Docker container.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use testcontainers::bollard::Docker;
use testcontainers::core::IntoContainerPort;
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::logs::LogFrame;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt, TestcontainersError};
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;
use tokio::time;
use tokio_postgres::{Config, NoTls};
use url::Host;
use uuid::Uuid;

use super::Source;
use super::error::{Attempt, Kind, PostgresError, tail};
use super::guard::Guard;
use super::thread::Kept;

const START_LIMIT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);
const PORT: u16 = 5432;

/// The name of an image, with its tag.
#[derive(Clone, Debug)]
pub(super) struct Image {
    name: String,
    tag: String,
}

impl Image {
    /// Reads `name:tag`; without a tag it is `latest`, as everywhere with Docker. `setting` is for the error.
    pub(super) fn parse(setting: &str, text: &str) -> Result<Self, PostgresError> {
        let (name, tag) = match text.rsplit_once(':') {
            // A colon before a slash belongs to the port of a registry.
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (text, "latest"),
        };
        if name.is_empty() || tag.is_empty() || text.contains(char::is_whitespace) {
            let problem = format!("is {text:?}, which is no Docker image like postgres:17");
            return Err(PostgresError::setting(setting, problem));
        }
        Ok(Self {
            name: name.to_owned(),
            tag: tag.to_owned(),
        })
    }
}

impl Default for Image {
    fn default() -> Self {
        Self {
            name: "postgres".to_owned(),
            tag: "17".to_owned(),
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.tag)
    }
}

/// Starts a container and gives the connection of its superuser. `attempts` are the sources tried before.
pub(super) fn start(image: Image, attempts: Vec<Attempt>) -> Result<(Kept, Config), PostgresError> {
    Kept::open(move || {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| PostgresError::with_source(Kind::Thread, error))?;
        let (container, guard, config) = runtime.block_on(async {
            let docker = reach(attempts).await?;
            run(&docker, &image).await
        })?;
        let running = Running {
            runtime,
            container: Some(container),
            _guard: guard,
        };
        Ok((running, config))
    })
}

/// The container, with the runtime in which the client of Docker lives.
struct Running {
    runtime: Runtime,
    container: Option<ContainerAsync<GenericImage>>,
    _guard: Guard,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(container) = self.container.take() {
            let _ = self.runtime.block_on(container.rm());
        }
    }
}

async fn reach(mut attempts: Vec<Attempt>) -> Result<Docker, PostgresError> {
    let problem: Box<dyn Error + Send + Sync> = match docker_client_instance().await {
        Ok(docker) => match docker.ping().await {
            Ok(_) => return Ok(docker),
            Err(error) => error.into(),
        },
        Err(error) => error.into(),
    };
    attempts.push(Attempt {
        source: Source::Docker,
        reason: format!("no Docker engine answers ({})", innermost(&*problem)),
    });
    Err(PostgresError::with_source(Kind::Unavailable(attempts), problem))
}

/// The first cause, which says most.
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut first = error;
    while let Some(cause) = first.source() {
        first = cause;
    }
    first
}

async fn run(
    docker: &Docker,
    image: &Image,
) -> Result<(ContainerAsync<GenericImage>, Guard, Config), PostgresError> {
    let failed = |problem: &str, error: Box<dyn Error + Send + Sync>, output: String| {
        let kind = Kind::Container {
            image: image.to_string(),
            problem: problem.to_owned(),
            output,
        };
        PostgresError::with_source(kind, error)
    };

    let password = Uuid::new_v4().simple().to_string();
    let log = Log::default();
    // Nothing is sent: the receiver learns that the sender, and with it the container's output, is gone.
    let (open, mut ended) = oneshot::channel::<Infallible>();
    let container = request(image, &password, log.clone(), open)
        .start()
        .await
        .map_err(|error| failed("could not be started", error.into(), String::new()))?;
    let guard = time::timeout(START_LIMIT, Guard::start(docker, container.id()))
        .await
        .unwrap_or_else(|late| Err(late.into()))
        .map_err(|error| failed("gave a container that cannot be guarded", error, log.tail()))?;
    let (host, port) = address(&container)
        .await
        .map_err(|error| failed("gave a container without a port", error.into(), log.tail()))?;

    let mut config = Config::new();
    config
        .user("postgres")
        .password(password)
        .dbname("postgres")
        .host(host)
        .port(port)
        .connect_timeout(CONNECT_TIMEOUT);
    let deadline = Instant::now() + START_LIMIT;
    loop {
        let error = match config.connect(NoTls).await {
            Ok(_) => return Ok((container, guard, config)),
            Err(error) => error,
        };
        if time::timeout(POLL, &mut ended).await.is_ok() {
            return Err(failed("gave a container that stopped", error.into(), log.tail()));
        }
        if Instant::now() > deadline {
            let problem = format!("gave no server that is ready within {START_LIMIT:?}");
            return Err(failed(&problem, error.into(), log.tail()));
        }
    }
}

fn request(
    image: &Image,
    password: &str,
    log: Log,
    open: oneshot::Sender<Infallible>,
) -> ContainerRequest<GenericImage> {
    let settings = [
        "max_connections=200",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
    ];
    let command = ["postgres"]
        .into_iter()
        .chain(settings.into_iter().flat_map(|setting| ["-c", setting]));
    GenericImage::new(image.name.clone(), image.tag.clone())
        .with_exposed_port(PORT.tcp())
        .with_cmd(command)
        .with_env_var("POSTGRES_USER", "postgres")
        .with_env_var("POSTGRES_PASSWORD", password)
        .with_env_var("POSTGRES_INITDB_ARGS", "--no-sync")
        .with_startup_timeout(START_LIMIT)
        .with_health_check(Guard::substitute(START_LIMIT))
        // Whoever stops it, it does not stay behind.
        .with_host_config_modifier(|host| host.auto_remove = Some(true))
        .with_log_consumer(move |frame: &LogFrame| {
            let _ = &open;
            log.push(frame.bytes());
        })
}

async fn address(container: &ContainerAsync<GenericImage>) -> Result<(String, u16), TestcontainersError> {
    let host = match container.get_host().await? {
        // The port below is the one for IPv4, and `localhost` may mean IPv6 first.
        Host::Domain(name) if name == "localhost" => "127.0.0.1".to_owned(),
        Host::Domain(name) => name,
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    Ok((host, container.get_host_port_ipv4(PORT.tcp()).await?))
}

/// What the container printed so far.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn push(&self, bytes: &[u8]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
    }

    fn tail(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tail(&String::from_utf8_lossy(&bytes))
    }
}
