//! The listener, its connections, and their end.

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, header},
    response::IntoResponse,
};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

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
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        let doors = Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE));
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(AFTER_ERROR).await;
                    continue;
                }
            };
            // Answers are small and sent in one piece.
            let _ = stream.set_nodelay(true);
            if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                let (tls, router, watcher) = (tls.clone(), router.clone(), graceful.watcher());
                tokio::spawn(async move {
                    let open = Open::begin();
                    match tls {
                        Some(tls) => {
                            if let Some(stream) = secured(stream, &tls, &limits).await {
                                connection(stream, router, limits, watcher).await;
                            }
                        }
                        None => connection(stream, router, limits, watcher).await,
                    }
                    drop((open, place));
                });
            } else if tls.is_some() {
                // To say anything would take the handshake, which is what costs most.
                metrics::counter!(TURNED_AWAY).increment(1);
            } else if let Ok(door) = Arc::clone(&doors).try_acquire_owned() {
                tokio::spawn(async move {
                    turn_away(stream).await;
                    drop(door);
                });
            }
        }
        drop(listener);
        tracing::info!(
            connections = graceful.count(),
            "ending: answering the requests that are under way"
        );
        timeout(limits.drained_within, graceful.shutdown()).await.is_ok()
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

async fn connection<S>(stream: S, router: Router, limits: Limits, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers_within)
        .max_header_size(LONGEST_HEAD)
        .max_buf_size(2 * LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(connection).await {
        // It broke off, was too slow, or is no HTTP: nothing that anybody here could mend.
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers one request of a connection that is one too many.
async fn turn_away(stream: TcpStream) {
    metrics::counter!(TURNED_AWAY).increment(1);
    let overloaded = service_fn(async |_request: Request<hyper::body::Incoming>| {
        let mut response: Response<Body> = Problem::OVERLOADED.into_response();
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
        Ok::<_, std::convert::Infallible>(response)
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
