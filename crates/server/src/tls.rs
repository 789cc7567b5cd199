//! TLS, with a certificate that may change while the server runs.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Error, Result};
use crate::settings::TlsFiles;
use crate::stamp::Stamp;

/// The certificate at work.
pub(crate) struct Tls {
    files: TlsFiles,
    acceptor: RwLock<TlsAcceptor>,
    seen: Mutex<[Option<Stamp>; 2]>,
}

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// If one cannot be read, or they do not belong together.
    pub(crate) fn load(files: TlsFiles) -> Result<Self> {
        let seen = Mutex::new(stamps(&files));
        let acceptor = RwLock::new(acceptor(&files)?);
        Ok(Self { files, acceptor, seen })
    }

    /// What greets a connection now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files anew if they have changed, or where `all`; bad ones leave the old certificate at work.
    pub(crate) fn refresh(&self, all: bool) {
        let found = stamps(&self.files);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if !all && (*seen == found || found.contains(&None)) {
                return;
            }
            *seen = found;
        }
        match acceptor(&self.files) {
            Ok(new) => {
                *self.acceptor.write().unwrap_or_else(PoisonError::into_inner) = new;
                tracing::info!("loaded the certificate anew");
            }
            Err(error) => tracing::error!(%error, "the old certificate goes on"),
        }
    }
}

fn stamps(files: &TlsFiles) -> [Option<Stamp>; 2] {
    [&files.certificate, &files.key].map(|path| Stamp::of(path))
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor> {
    let wrong = |path: &Path, expected| {
        let path = path.to_owned();
        move |found: String| Error::File { path: path.clone(), expected, found }
    };
    let no_chain = wrong(&files.certificate, "a certificate chain in PEM");
    let chain =
        CertificateDer::pem_file_iter(&files.certificate).and_then(|chain| chain.collect::<Result<Vec<_>, _>>());
    let chain = chain.map_err(|error| no_chain(error.to_string()))?;
    if chain.is_empty() {
        return Err(no_chain("no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key);
    let key = key.map_err(|error| wrong(&files.key, "a private key in PEM")(error.to_string()))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&files.certificate, "a certificate that TLS can use")(error.to_string()))?;
    let mut config = builder
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| wrong(&files.key, "the key of the certificate")(error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
