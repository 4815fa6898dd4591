//! A way to a server that can be cut off.

use std::{net::SocketAddr, path::PathBuf};

use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::JoinHandle,
};

/// What becomes of connections.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// They go through.
    Open,
    /// They are closed, those that went through as well.
    Cut,
    /// They are taken, and nothing goes through. One that was stuck once stays so, as when a machine has vanished.
    Stuck,
}

/// The server behind.
#[derive(Clone)]
pub(super) enum Behind {
    Tcp(String),
    Unix(PathBuf),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Listens on a port of its own; ends when it is dropped.
pub(super) struct Relay {
    address: SocketAddr,
    way: watch::Sender<Way>,
    listening: JoinHandle<()>,
}

impl Relay {
    pub(super) async fn to(behind: Behind, way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (way, seen) = watch::channel(way);
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, behind.clone(), seen.clone()));
            }
        });
        Self {
            address,
            way,
            listening,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn relay(mut client: TcpStream, behind: Behind, mut way: watch::Receiver<Way>) {
    if *way.borrow_and_update() == Way::Open {
        let Some(mut server) = connect(behind).await else {
            return;
        };
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => return,
            _ = way.wait_for(|way| *way != Way::Open) => {}
        }
    }
    // An error is the relay's end.
    let _ = way.wait_for(|way| *way == Way::Cut).await;
}

async fn connect(behind: Behind) -> Option<Box<dyn Stream>> {
    Some(match behind {
        Behind::Tcp(address) => Box::new(TcpStream::connect(address).await.ok()?),
        Behind::Unix(path) => Box::new(UnixStream::connect(path).await.ok()?),
    })
}
