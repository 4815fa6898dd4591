//! The listener, its connections, and their end.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, header},
    response::IntoResponse,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tower_service::Service;

use super::{
    limits::{LONGEST_HEAD, Limits},
    problem::Problem,
};
use crate::failure::Failure;

/// How many connections beyond the limit are told so at once. More than that are closed without a word.
const TURNED_AWAY_AT_ONCE: usize = 64;
/// For a connection beyond the limit to say what it wants, and to take the answer.
const TURNED_AWAY_WITHIN: Duration = Duration::from_secs(2);
/// After an error of the listener: there are too many open files, say, and some will be closed.
const AFTER_ERROR: Duration = Duration::from_millis(100);
/// For how long connections without a request stay open at the end: one may be on its way.
const LAST_CALL: Duration = Duration::from_secs(1);

const CLOSE: HeaderValue = HeaderValue::from_static("close");
const TURNED_AWAY: &str = "hexclave_bridge_connections_turned_away_total";

/// A listener with its limits. It speaks HTTP/1.1, as all proxies do to what is behind them.
pub(super) struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    limits: Limits,
}

impl Server {
    pub(super) async fn bind(
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
        limits: Limits,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::usage("address_unusable", format!("{address} cannot be listened on"))
                .caused_by(&error)
                .hint(Some(
                    "--listen takes another address or port; port 0 takes a free one",
                ))
        })?;
        Ok(Self {
            listener,
            tls,
            limits,
        })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Serves until `stop` comes to its end; then takes no more connections, and waits for those requests that are under
    /// way. Whether they all were answered in time.
    pub(super) async fn run(self, router: Router, stop: impl Future<Output = ()>) -> bool {
        let Self {
            listener,
            tls,
            limits,
        } = self;
        let connections = Connections::new(router, tls, limits);
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => connections.open(stream),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(AFTER_ERROR).await;
                }
            }
        }
        connections.open_waiting(listener);
        connections.close().await
    }
}

/// All connections, and what they share.
struct Connections {
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    graceful: GracefulShutdown,
    places: Arc<Semaphore>,
    doors: Arc<Semaphore>,
    is_closing: Arc<AtomicBool>,
}

impl Connections {
    fn new(router: Router, tls: Option<TlsAcceptor>, limits: Limits) -> Self {
        Self {
            router,
            tls,
            limits,
            graceful: GracefulShutdown::new(),
            places: Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS))),
            doors: Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE)),
            is_closing: Arc::default(),
        }
    }

    fn open(&self, stream: TcpStream) {
        // Answers are small and sent in one piece.
        let _ = stream.set_nodelay(true);
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            let connection = Connection {
                router: self.router.clone(),
                limits: self.limits,
                watcher: self.graceful.watcher(),
                is_closing: Arc::clone(&self.is_closing),
            };
            let tls = self.tls.clone();
            tokio::spawn(async move {
                let open = Open::begin();
                match tls {
                    Some(tls) => {
                        if let Some(stream) = secured(stream, &tls, &connection.limits).await {
                            connection.serve(stream).await;
                        }
                    }
                    None => connection.serve(stream).await,
                }
                drop((open, place));
            });
        } else if self.tls.is_some() {
            // To say anything would take the handshake, which is what costs most.
            metrics::counter!(TURNED_AWAY).increment(1);
        } else if let Ok(door) = Arc::clone(&self.doors).try_acquire_owned() {
            tokio::spawn(async move {
                turn_away(stream).await;
                drop(door);
            });
        }
    }

    /// Takes those who are connected already as far as they can tell, and nobody after them.
    fn open_waiting(&self, listener: TcpListener) {
        // Not by way of the runtime, which may not have heard of them.
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((stream, _)) = listener.accept() {
            let stream = stream
                .set_nonblocking(true)
                .and_then(|()| TcpStream::from_std(stream));
            match stream {
                Ok(stream) => self.open(stream),
                Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
            }
        }
    }

    /// Answers the requests that are under way. Whether they all were answered in time.
    async fn close(self) -> bool {
        tracing::info!(
            connections = self.graceful.count(),
            "ending: answering the requests that are under way"
        );
        let closing = async {
            // Whoever asks is told to ask no more. A connection that rests is closed only after a while: a request that
            // crosses with its end would be lost.
            self.is_closing.store(true, Ordering::Relaxed);
            let all = u32::try_from(self.limits.connections).unwrap_or(u32::MAX);
            let _ = timeout(LAST_CALL, self.places.acquire_many(all)).await;
            self.graceful.shutdown().await;
        };
        timeout(self.limits.drained_within, closing).await.is_ok()
    }
}

/// One connection.
struct Connection {
    router: Router,
    limits: Limits,
    watcher: Watcher,
    is_closing: Arc<AtomicBool>,
}

impl Connection {
    async fn serve<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Self {
            router,
            limits,
            watcher,
            is_closing,
        } = self;
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = router.clone().call(request);
            let is_closing = Arc::clone(&is_closing);
            async move {
                let mut response = answer.await?;
                if is_closing.load(Ordering::Relaxed) {
                    response.headers_mut().insert(header::CONNECTION, CLOSE);
                }
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.headers_within)
            .max_header_size(LONGEST_HEAD)
            .max_buf_size(2 * LONGEST_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            // It broke off, was too slow, or is no HTTP: nothing that anybody here could mend.
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// The handshake of TLS.
async fn secured(stream: TcpStream, tls: &TlsAcceptor, limits: &Limits) -> Option<TlsStream<TcpStream>> {
    match timeout(limits.headers_within, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

/// Answers one request of a connection that is one too many.
async fn turn_away(stream: TcpStream) {
    metrics::counter!(TURNED_AWAY).increment(1);
    let overloaded = service_fn(async |_request: Request<Incoming>| {
        let mut response: Response<Body> = Problem::OVERLOADED.into_response();
        response.headers_mut().insert(header::CONNECTION, CLOSE);
        Ok::<_, Infallible>(response)
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_header_size(LONGEST_HEAD)
        .max_buf_size(2 * LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), overloaded);
    let _ = timeout(TURNED_AWAY_WITHIN, connection).await;
}

/// A connection that is open.
struct Open;

impl Open {
    fn begin() -> Self {
        metrics::gauge!("hexclave_bridge_connections").increment(1);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("hexclave_bridge_connections").decrement(1);
    }
}
