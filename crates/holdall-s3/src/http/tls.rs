//! TLS, set up when the first https request needs it.

use crate::error::{Error, ErrorKind, Result, Stage};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;

/// Trust in certificate authorities, read once.
pub(super) struct Tls {
    bundle: Option<PathBuf>,
    ready: OnceLock<TlsConnector>,
}

impl Tls {
    pub(super) fn new(bundle: Option<PathBuf>) -> Self {
        Self { bundle, ready: OnceLock::new() }
    }

    pub(super) fn connector(&self) -> Result<TlsConnector> {
        if let Some(ready) = self.ready.get() {
            return Ok(ready.clone());
        }
        let roots = match &self.bundle {
            Some(path) => bundle_roots(path)?,
            None => system_roots()?,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| config_error("TLS cannot be set up").with_source(e))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(self.ready.get_or_init(|| TlsConnector::from(Arc::new(config))).clone())
    }
}

fn config_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message).not_sent().at_stage(Stage::Tls)
}

fn bundle_roots(path: &Path) -> Result<RootCertStore> {
    let fault = |what: &str| config_error(format!("certificate bundle {what} path={}", path.display()));
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|e| fault("cannot be read").with_source(e))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|e| fault("is not PEM").with_source(e))?;
        roots
            .add(certificate)
            .map_err(|e| fault("holds a certificate that cannot be used").with_source(e))?;
    }
    if roots.is_empty() {
        return Err(fault("holds no certificate"));
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _unusable) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(config_error(
            "the system has no trusted certificates; install ca-certificates or set a bundle",
        ));
    }
    Ok(roots)
}
