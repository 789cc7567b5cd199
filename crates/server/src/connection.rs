//! Connections: taken, greeted, served, and ended.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::app::App;
use crate::front::Counted;
use crate::tls::Tls;

/// Time for a client to finish the greeting of TLS.
const GREETING: Duration = Duration::from_secs(10);

/// Largest head of a request, and what is read ahead of a body.
const BUFFER: usize = 64 << 10;

/// Most headers of a request.
const HEADERS: usize = 128;

/// What connections have in common.
pub(crate) struct Door {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    pub(crate) tls: Option<Arc<Tls>>,
    /// A permit a connection.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Door {
    /// Takes connections until the server is told to stop.
    pub(crate) async fn open(&self, listener: TcpListener) {
        let mut stop = self.stop.clone();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&listener) => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match accepted {
                Ok((stream, place)) => {
                    let counted = Counted::new(&self.app.meters.connections);
                    let served = self.serve(stream);
                    tokio::spawn(async move {
                        served.await;
                        drop((counted, place));
                    });
                }
                Err(error) => {
                    // Out of files, or a connection that ended before it began.
                    tracing::warn!(%error, "cannot take a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn accept(&self, listener: &TcpListener) -> std::io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
        let place = self.places.clone().acquire_owned().await.map_err(std::io::Error::other)?;
        let (stream, _) = listener.accept().await?;
        Ok((stream, place))
    }

    fn serve(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + 'static {
        let (router, stop, idle) = (self.router.clone(), self.stop.clone(), self.app.settings.idle);
        let tls = self.tls.as_ref().map(|tls| tls.acceptor());
        async move {
            // Answers are small, and are written whole.
            let _ = stream.set_nodelay(true);
            match tls {
                None => converse(stream, router, stop, idle).await,
                Some(tls) => match tokio::time::timeout(GREETING, tls.accept(stream)).await {
                    Ok(Ok(stream)) => converse(stream, router, stop, idle).await,
                    Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
                    Err(_) => tracing::debug!("no TLS in time"),
                },
            }
        }
    }
}

/// Answers the requests of a connection; once told to stop, the one at work is the last.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    mut stop: watch::Receiver<bool>,
    idle: Duration,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_buf_size(BUFFER)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let told = async {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let first = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = told => None,
    };
    let ended = match first {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}
