//! One TLS configuration for the process, so that sessions are resumed and roots are read once.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::env::Environment;

/// No file of certificates is as large: Mozilla's, all of them, take a quarter of a megabyte.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Where root certificates come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootCertificates {
    /// A PEM file. `SSL_CERT_FILE`
    pub file: Option<PathBuf>,
    /// Directories of PEM files, separated as in `PATH`. `SSL_CERT_DIR`
    pub directories: Option<PathBuf>,
    /// Another PEM file, as the AWS SDKs name it. `AWS_CA_BUNDLE`
    pub bundle: Option<PathBuf>,
}

/// Root certificates that were asked for could not be read.
#[derive(Debug, thiserror::Error)]
#[error("no root certificate could be read from {}: {problem}", .path.display())]
pub struct RootCertificatesError {
    /// The variable that names the path.
    pub variable: &'static str,
    path: PathBuf,
    problem: &'static str,
}

impl RootCertificates {
    /// Reads where they come from.
    pub fn from_env(env: &Environment) -> Self {
        Self {
            file: env.get("SSL_CERT_FILE").map(PathBuf::from),
            directories: env.get("SSL_CERT_DIR").map(PathBuf::from),
            bundle: env.get("AWS_CA_BUNDLE").map(PathBuf::from),
        }
    }

    /// Reads the certificates that the operator named, else takes Mozilla's, which are built in.
    ///
    /// # Errors
    /// Where a named file or directory holds no certificate that can be read.
    pub fn load(&self) -> Result<RootCertStore, RootCertificatesError> {
        let mut roots = RootCertStore::empty();
        let files = [
            ("SSL_CERT_FILE", &self.file),
            ("AWS_CA_BUNDLE", &self.bundle),
        ];
        for (variable, file) in files {
            if let Some(path) = file {
                add_file(&mut roots, path).map_err(failed(variable, path))?;
            }
        }
        if let Some(directories) = &self.directories {
            for path in std::env::split_paths(directories) {
                add_directory(&mut roots, &path).map_err(failed("SSL_CERT_DIR", &path))?;
            }
        }
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Ok(roots)
    }
}

fn failed(
    variable: &'static str,
    path: &Path,
) -> impl FnOnce(&'static str) -> RootCertificatesError {
    let path = path.to_owned();
    move |problem| RootCertificatesError {
        variable,
        path,
        problem,
    }
}

/// Adds what a file holds, of which one certificate at least must be one.
fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), &'static str> {
    let pem = read(path)?;
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    match roots.add_parsable_certificates(certificates) {
        (0, _) => Err("it holds no certificate in PEM"),
        _ => Ok(()),
    }
}

/// The bytes of a regular file. To open something else may take for ever, as a pipe that nobody writes
/// into does, or never come to an end.
fn read(path: &Path) -> Result<Vec<u8>, &'static str> {
    let metadata = fs::metadata(path).map_err(|error| describe(&error))?;
    if !metadata.is_file() {
        return Err("it is not a regular file");
    }
    let file = File::open(path).map_err(|error| describe(&error))?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
    match read.map_err(|error| describe(&error))? as u64 {
        0..=MAX_FILE_BYTES => Ok(bytes),
        _ => Err("it is larger than 16 MiB"),
    }
}

/// Adds what the files of a directory hold. Such a directory holds other things too; all that matters
/// is that there is a certificate.
fn add_directory(roots: &mut RootCertStore, path: &Path) -> Result<(), &'static str> {
    let entries = fs::read_dir(path).map_err(|error| describe(&error))?;
    let added = entries.filter(|entry| {
        let added = entry.as_ref().map(|entry| add_file(roots, &entry.path()));
        matches!(added, Ok(Ok(())))
    });
    match added.count() {
        0 => Err("it holds no file with a certificate in PEM"),
        _ => Ok(()),
    }
}

fn describe(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::NotADirectory => "it is not a directory",
        _ => "it cannot be read",
    }
}

/// A client configuration with these roots, `ring` as the provider, and rustls' own versions and
/// session cache.
///
/// # Panics
/// Never: `ring` supports the versions that rustls takes for safe.
#[expect(
    clippy::expect_used,
    reason = "of two constants, which every test with TLS uses"
)]
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

    /// A file of these bytes, in a directory of its own.
    fn file(bytes: &[u8]) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("roots-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&directory).unwrap();
        let path = directory.join("roots.pem");
        fs::write(&path, bytes).unwrap();
        path
    }

    fn certificate() -> String {
        let own = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        own.cert.pem()
    }

    #[test]
    fn all_that_is_named_is_taken_and_nothing_else() {
        let pems = [certificate(), certificate(), certificate()];
        let [file, bundle, in_directory] = pems.map(|pem| Some(file(pem.as_bytes())));
        let directories = in_directory.map(|path| path.parent().unwrap().to_owned());
        for (roots, count) in [
            (
                RootCertificates {
                    file: file.clone(),
                    ..RootCertificates::default()
                },
                1,
            ),
            (
                RootCertificates {
                    bundle: bundle.clone(),
                    ..RootCertificates::default()
                },
                1,
            ),
            (
                RootCertificates {
                    file,
                    directories,
                    bundle,
                },
                3,
            ),
        ] {
            assert_eq!(roots.load().unwrap().len(), count, "{roots:?}");
        }
    }

    /// What a path that is named comes to as a file, in one variable and the other, and as a directory.
    fn problems(path: &Path) -> [Option<String>; 3] {
        let path = Some(path.to_owned());
        let none = RootCertificates::default;
        let all = [
            RootCertificates {
                file: path.clone(),
                ..none()
            },
            RootCertificates {
                bundle: path.clone(),
                ..none()
            },
            RootCertificates {
                directories: path,
                ..none()
            },
        ];
        all.map(|roots| {
            roots
                .load()
                .err()
                .map(|error| format!("{} {error}", error.variable))
        })
    }

    #[test]
    fn what_is_named_must_be_readable() {
        let missing = Path::new("/nonexistent/roots.pem");
        let told = "no root certificate could be read from /nonexistent/roots.pem: it is not there";
        let variables = ["SSL_CERT_FILE", "AWS_CA_BUNDLE", "SSL_CERT_DIR"];
        assert_eq!(
            problems(missing),
            variables.map(|name| Some(format!("{name} {told}")))
        );
        let nothing = file(b"no certificate");
        let in_a_file = problems(&nothing)[0].clone().unwrap();
        assert!(
            in_a_file.ends_with("it holds no certificate in PEM"),
            "{in_a_file}"
        );
        let [as_file, _, as_directory] = problems(nothing.parent().unwrap());
        assert!(as_file.unwrap().ends_with("it is not a regular file"));
        assert!(
            as_directory
                .unwrap()
                .ends_with("no file with a certificate in PEM")
        );
    }

    /// Neither waited for nor read without end.
    #[test]
    fn a_pipe_a_device_and_a_huge_file_are_none() {
        let huge = file(certificate().as_bytes());
        File::options()
            .write(true)
            .open(&huge)
            .unwrap()
            .set_len(MAX_FILE_BYTES + 1)
            .unwrap();
        let pipe = huge.with_file_name("pipe");
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap();
        assert!(made.success());
        for (path, told) in [
            (&*pipe, "it is not a regular file"),
            (Path::new("/dev/zero"), "it is not a regular file"),
            (&huge, "it is larger than 16 MiB"),
        ] {
            for problem in &problems(path)[..2] {
                let problem = problem.as_ref().unwrap();
                assert!(problem.ends_with(told), "{path:?}: {problem}");
            }
        }
        let directory = pipe.parent().unwrap();
        assert!(problems(directory)[2].is_some());
        fs::write(directory.join("good.pem"), certificate()).unwrap();
        assert!(problems(directory)[2].is_none(), "beside a pipe");
    }
}
