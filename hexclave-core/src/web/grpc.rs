//! Answers in gRPC, for tonic.

use http::{HeaderMap, HeaderValue, Response};
use tonic::{Code, Status, metadata::MetadataMap};

use super::{AuthLayer, Denial, layer::Answers};
use crate::CredentialSources;

/// The metadata with the error's stable code.
const ERROR_CODE: &str = "hexclave-error";

/// Answers in gRPC: a [`tonic::Status`], with the error's [`code`](crate::ErrorKind::code) in the metadata
/// `hexclave-error`.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)]
pub enum Grpc {}

impl AuthLayer {
    /// The same layer for gRPC services. They find the [`User`](crate::User) in the extensions of the `tonic::Request`.
    ///
    /// ```
    /// use hexclave_core::{User, web::AuthLayer, Verifier};
    ///
    /// # fn run(verifier: Verifier) {
    /// let layer = AuthLayer::required(verifier).grpc(); // for `Server::builder().layer(…)`
    /// # }
    ///
    /// fn who<T>(request: &tonic::Request<T>) -> Option<&User> {
    ///     request.extensions().get::<User>()
    /// }
    /// ```
    #[must_use]
    #[cfg_attr(docsrs, doc(cfg(feature = "tonic")))]
    pub fn grpc(self) -> AuthLayer<Grpc> {
        self.answering()
    }
}

impl<R: Default> Answers<R> for Grpc {
    fn denied(denial: Denial) -> Response<R> {
        Status::from(denial).into_http()
    }

    /// gRPC's calls are POST requests, which no cache keeps.
    fn finish(_: &mut HeaderMap, _: CredentialSources) {}
}

impl From<Denial> for Status {
    fn from(denial: Denial) -> Self {
        let code = match denial.status().as_u16() {
            400 => Code::InvalidArgument,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            503 => Code::Unavailable,
            _ => Code::Internal,
        };
        let error_code = HeaderValue::from_static(denial.error().code());
        let metadata = HeaderMap::from_iter([(http::HeaderName::from_static(ERROR_CODE), error_code)]);
        Self::with_metadata(code, denial.to_string(), MetadataMap::from_headers(metadata))
    }
}
