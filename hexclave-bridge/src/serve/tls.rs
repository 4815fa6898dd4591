//! TLS, where no proxy has it.

use std::{path::Path, sync::Arc};

use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio_rustls::TlsAcceptor;

use crate::{failure::Failure, settings::Secret};

/// What a server proves itself with: its certificate and those of the authorities in between, and its private key.
pub(super) fn acceptor(chain: &Path, key: &Secret) -> Result<TlsAcceptor, Failure> {
    let certificates = CertificateDer::pem_file_iter(chain).map_err(|error| {
        Failure::usage("file_not_read", format!("{} cannot be read", chain.display())).caused_by(&error)
    })?;
    let certificates: Vec<_> = certificates
        .collect::<Result<_, _>>()
        .map_err(|_| no_certificate(chain))?;
    if certificates.is_empty() {
        return Err(no_certificate(chain));
    }
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| {
        let message = "this is not an unencrypted private key in PEM (`-----BEGIN PRIVATE KEY-----`)";
        Failure::usage("invalid_config", message).within(key.origin())
    })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| unusable(&error).within(chain.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn no_certificate(file: &Path) -> Failure {
    let message = format!("{} holds no certificate in PEM that can be used", file.display());
    Failure::usage("invalid_config", message)
}

fn unusable(error: &rustls::Error) -> Failure {
    Failure::usage("invalid_config", "certificate and private key cannot be used").caused_by(error)
}
