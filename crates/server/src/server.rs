//! A server from its first connection to its last answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, header};
use bitspike_hub::Subject;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, Semaphore, watch};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;

use crate::app::App;
use crate::connection::Door;
use crate::error::{Error, Result};
use crate::front::front;
use crate::keys::Keys;
use crate::lane::Lane;
use crate::meters::Meters;
use crate::models::Models;
use crate::problem::{Kind, Problem};
use crate::queue::Queue;
use crate::routes::router;
use crate::settings::Settings;
use crate::spans::Spans;
use crate::tls::Tls;

/// Connections that the system holds until they are taken.
const BACKLOG: u32 = 1024;

/// How often meters are summed up.
const SUM_UP: Duration = Duration::from_secs(5);

/// A server that listens, with its models loaded.
///
/// ```
/// use bitspike_hub::Subject;
/// use bitspike_server::{Server, Settings};
///
/// let server = Server::bind(Settings { port: 0, ..Settings::default() }, vec![Subject::builtin()])?;
/// let (address, handle) = (server.address(), server.handle());
/// let running = std::thread::spawn(move || server.run());
/// assert!(std::net::TcpStream::connect(address).is_ok());
/// handle.stop();
/// assert!(running.join().unwrap()?); // every request was answered
/// # Ok::<(), bitspike_server::Error>(())
/// ```
pub struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    router: Router,
    work: crate::lane::Work,
    tls: Option<Arc<Tls>>,
    handle: Handle,
    signals: bool,
}

/// What tells a running server to stop or to load its files anew.
#[derive(Debug, Clone)]
pub struct Handle {
    stop: Arc<watch::Sender<bool>>,
    reload: Arc<Notify>,
}

impl Handle {
    /// Ends it: requests at work are answered, further ones refused.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Loads every model, the keys and the certificate anew.
    pub fn reload(&self) {
        self.reload.notify_one();
    }
}

impl Server {
    /// Loads the models, the first of which answers where none is named, and listens.
    ///
    /// # Errors
    /// If a model, a key or a certificate cannot be loaded, two models have one name, an origin is none, or the address is taken.
    pub fn bind(settings: Settings, models: Vec<Subject>) -> Result<Self> {
        let meters = Arc::new(Meters::new().map_err(std::io::Error::other)?);
        let models = Models::load(models, settings.options, settings.anytime, meters.clone())?;
        let keys = Keys::load(settings.api_key_file.clone())?;
        let tls = settings.tls.clone().map(Tls::load).transpose()?.map(Arc::new);
        let spans = Arc::new(Spans::from_environment()?);
        let queue = Queue::new(&settings, meters.clone(), spans.clone());
        let (lane, work) = Lane::new(settings.max_waiting_traces);
        let runtime = Builder::new_multi_thread()
            .worker_threads(settings.io_threads.max(1))
            .max_blocking_threads(8)
            .thread_name("http")
            .enable_all()
            .build()?;
        let address = SocketAddr::new(settings.host, settings.port);
        let listener = {
            let _inside = runtime.enter();
            listen(address).map_err(|source| Error::Listen { address, source })?
        };
        let address = listener.local_addr()?;
        let (stopping, buffered) = Default::default();
        let app = Arc::new(App { settings, models, queue, lane, meters, spans, keys, stopping, buffered });
        let handle = Handle { stop: Arc::new(watch::Sender::new(false)), reload: Arc::new(Notify::new()) };
        let router = layered(&app)?;
        Ok(Self { runtime, listener, address, app, router, work, tls, handle, signals: false })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it speaks TLS.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// Names of its models, the default first.
    pub fn models(&self) -> Vec<String> {
        self.app.models.all().iter().map(|served| served.id.clone()).collect()
    }

    /// What tells it to stop.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Lets the process' signals tell it, too: termination and interrupt to stop (a second one at once), hang-up to load anew.
    #[must_use]
    pub fn with_signals(mut self) -> Self {
        self.signals = true;
        self
    }

    /// Answers until it is told to stop, and then until requests at work are answered; says whether all were.
    ///
    /// # Errors
    /// If the system refuses threads or signals.
    pub fn run(self) -> Result<bool> {
        let Self { runtime, listener, app, router, work, tls, handle, signals, .. } = self;
        let compute = {
            let (app, threads) = (app.clone(), app.settings.threads);
            thread("compute", threads, move || app.queue.run())?
        };
        thread("traces", 1, move || Lane::run(&work))?;
        let clean = runtime.block_on(async {
            if signals {
                obey(handle.clone())?;
            }
            tokio::spawn(keep_up(app.clone(), tls.clone(), handle.reload.clone()));
            let most = app.settings.max_connections.clamp(1, Semaphore::MAX_PERMITS >> 1);
            let places = Arc::new(Semaphore::new(most));
            let door = Door { app: app.clone(), router, tls, places: places.clone(), stop: handle.stop.subscribe() };
            door.open(listener).await;
            app.stopping.store(true, Ordering::Relaxed);
            tracing::info!("stopping");
            let all = places.acquire_many(most as u32);
            Ok::<_, Error>(tokio::time::timeout(app.settings.drain, all).await.is_ok())
        })?;
        runtime.shutdown_background();
        app.queue.close();
        app.lane.close();
        let _ = compute.join();
        app.spans.finish();
        if !clean {
            tracing::warn!("stopped before every request was answered");
        }
        Ok(clean)
    }
}

/// A thread that is a rayon pool of `threads` threads, itself among them.
fn thread(name: &str, threads: usize, work: impl FnOnce() + Send + 'static) -> Result<std::thread::JoinHandle<()>> {
    let inner = name.to_owned();
    let body = move || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
        match pool.thread_name(move |i| format!("{inner}-{i}")).build() {
            Ok(pool) => pool.install(work),
            Err(error) => tracing::error!(%error, "the system has no threads to compute with"),
        }
    };
    Ok(std::thread::Builder::new().name(name.to_owned()).spawn(body)?)
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that starts again takes its port although connections of the old one linger.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The routes with all that is around them.
fn layered(app: &Arc<App>) -> Result<Router> {
    let panicked = |_| {
        let problem = Problem::new(Kind::Internal, "a mistake of the server; the log says which");
        axum::response::IntoResponse::into_response(problem)
    };
    let mut router = router(app.clone())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn_with_state(app.clone(), front));
    if !app.settings.cors.is_empty() {
        let origin = |name: &String| {
            let found = || Error::Setting {
                what: "--cors",
                expected: "an origin such as https://example.org",
                found: name.clone(),
            };
            name.parse::<HeaderValue>().map_err(|_| found())
        };
        let origins = app.settings.cors.iter().map(origin).collect::<Result<Vec<_>>>()?;
        let headers = [header::CONTENT_TYPE, header::AUTHORIZATION, HeaderName::from_static("x-api-key")];
        let cors =
            CorsLayer::new().allow_origin(origins).allow_methods([Method::GET, Method::POST]).allow_headers(headers);
        router = router.layer(cors);
    }
    Ok(router)
}

/// Sums meters up, and loads anew whatever changes or is asked for.
async fn keep_up(app: Arc<App>, tls: Option<Arc<Tls>>, reload: Arc<Notify>) {
    let mut sum_up = tokio::time::interval(SUM_UP);
    let mut look = tokio::time::interval(app.settings.watch.unwrap_or(SUM_UP));
    let watched = app.settings.watch.is_some();
    loop {
        let all = tokio::select! {
            _ = sum_up.tick() => {
                app.meters.sum_up();
                continue;
            }
            _ = look.tick(), if watched => false,
            () = reload.notified() => true,
        };
        let (app, tls) = (app.clone(), tls.clone());
        let refresh = move || {
            app.models.refresh(all);
            app.keys.refresh(all);
            tls.inspect(|tls| tls.refresh(all));
        };
        let _ = tokio::task::spawn_blocking(refresh).await;
    }
}

/// Does what the process' signals say.
#[cfg(unix)]
fn obey(handle: Handle) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut end, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        let mut told = false;
        loop {
            tokio::select! {
                _ = end.recv() => (),
                _ = interrupt.recv() => (),
                _ = hang_up.recv() => {
                    handle.reload();
                    continue;
                }
            }
            if told {
                std::process::exit(1);
            }
            told = true;
            handle.stop();
        }
    });
    Ok(())
}

/// The same where an interrupt is all there is.
#[cfg(not(unix))]
fn obey(handle: Handle) -> Result<()> {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            handle.stop();
        }
    });
    Ok(())
}
