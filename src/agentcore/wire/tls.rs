//! One TLS configuration for the process, so that sessions are resumed and roots are read once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::env::Environment;

/// Where root certificates come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootCertificates {
    /// A PEM file. `SSL_CERT_FILE`
    pub file: Option<PathBuf>,
    /// Directories of PEM files, separated as in `PATH`. `SSL_CERT_DIR`
    pub directories: Option<PathBuf>,
}

/// Root certificates that were asked for could not be read.
#[derive(Debug, thiserror::Error)]
#[error("no root certificate could be read from {}", .path.display())]
pub struct RootCertificatesError {
    /// The variable that names the path.
    pub variable: &'static str,
    path: PathBuf,
}

impl RootCertificates {
    /// Reads where they come from.
    pub fn from_env(env: &Environment) -> Self {
        Self {
            file: env.get("SSL_CERT_FILE").map(PathBuf::from),
            directories: env.get("SSL_CERT_DIR").map(PathBuf::from),
        }
    }

    /// Reads the certificates that the operator named, else takes Mozilla's, which are built in.
    ///
    /// # Errors
    /// Where a named file or directory holds no certificate that can be read.
    pub fn load(&self) -> Result<RootCertStore, RootCertificatesError> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.file {
            add(&mut roots, Some(file), None).map_err(|()| RootCertificatesError {
                variable: "SSL_CERT_FILE",
                path: file.clone(),
            })?;
        }
        if let Some(directories) = &self.directories {
            let error = || RootCertificatesError {
                variable: "SSL_CERT_DIR",
                path: directories.clone(),
            };
            for directory in std::env::split_paths(directories) {
                add(&mut roots, None, Some(&directory)).map_err(|()| error())?;
            }
        }
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Ok(roots)
    }
}

fn add(roots: &mut RootCertStore, file: Option<&Path>, dir: Option<&Path>) -> Result<(), ()> {
    let found = rustls_native_certs::load_certs_from_paths(file, dir);
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 { Err(()) } else { Ok(()) }
}

/// A client configuration with these roots, `ring` as the provider, and rustls' own versions and
/// session cache.
///
/// # Panics
/// Never: `ring` supports the versions that rustls takes for safe.
pub fn client_config(roots: RootCertStore) -> Arc<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_roots_serve_where_nothing_is_named() {
        assert!(RootCertificates::default().load().unwrap().len() > 100);
    }

    #[test]
    fn what_is_named_must_be_readable() {
        let missing = Some(PathBuf::from("/nonexistent/roots.pem"));
        let file = RootCertificates {
            file: missing.clone(),
            ..RootCertificates::default()
        };
        assert_eq!(file.load().unwrap_err().variable, "SSL_CERT_FILE");
        let directory = RootCertificates {
            directories: missing,
            ..RootCertificates::default()
        };
        assert_eq!(directory.load().unwrap_err().variable, "SSL_CERT_DIR");
        let no_certificate = Some(PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/Cargo.toml"
        )));
        let file = RootCertificates {
            file: no_certificate,
            ..RootCertificates::default()
        };
        assert!(file.load().is_err());
    }
}
