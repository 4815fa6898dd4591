use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;

use crate::{
    Error, ProjectConfig,
    resource::{ClientUser, ServerUser},
};

const ACCESS_TYPE: HeaderName = HeaderName::from_static("x-stack-access-type");
const PROJECT_ID: HeaderName = HeaderName::from_static("x-stack-project-id");
const PUBLISHABLE_CLIENT_KEY: HeaderName = HeaderName::from_static("x-stack-publishable-client-key");
const SECRET_SERVER_KEY: HeaderName = HeaderName::from_static("x-stack-secret-server-key");
const SUPER_SECRET_ADMIN_KEY: HeaderName = HeaderName::from_static("x-stack-super-secret-admin-key");

/// As whom a [`Client`](super::Client) comes to the API: [`Public`], [`Server`] or [`Admin`].
///
/// Nobody else can implement it.
pub trait Access: sealed::Sealed + fmt::Debug + Send + Sync + 'static {
    /// What the API tells of the user whose access token is sent.
    type User: DeserializeOwned + AsRef<ClientUser> + Send;
}

/// An access that may read and change every user: [`Server`] or [`Admin`].
pub trait ServerAccess: Access<User = ServerUser> {}

/// What anybody may do who has the program: with the publishable client key, if the project has one. Programs on
/// users' own machines come so. The API calls this access type `client`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Public;

/// What a server may do, with the secret server key: read and change all users.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Server;

/// What an administrator may do, with the admin key: all that a server may, and change the project.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Admin;

impl Access for Public {
    type User = ClientUser;
}

impl Access for Server {
    type User = ServerUser;
}

impl Access for Admin {
    type User = ServerUser;
}

impl ServerAccess for Server {}
impl ServerAccess for Admin {}

pub(crate) mod sealed {
    use super::*;

    pub trait Sealed {
        /// What the API calls this access.
        const NAME: &'static str;

        /// The headers with which this access introduces itself: these and no others, old brand, which every
        /// server understands.
        fn headers(config: &ProjectConfig) -> Result<HeaderMap, Error>;
    }

    impl Sealed for Public {
        const NAME: &'static str = "client";

        fn headers(config: &ProjectConfig) -> Result<HeaderMap, Error> {
            introduction(
                config,
                Self::NAME,
                PUBLISHABLE_CLIENT_KEY,
                config.publishable_client_key(),
            )
        }
    }

    impl Sealed for Server {
        const NAME: &'static str = "server";

        fn headers(config: &ProjectConfig) -> Result<HeaderMap, Error> {
            let key = config.secret_server_key().ok_or_else(|| {
                Error::config(
                    "no secret server key was given: server access needs HEXCLAVE_SECRET_SERVER_KEY, from the \
                     Hexclave dashboard",
                )
            })?;
            introduction(config, Self::NAME, SECRET_SERVER_KEY, Some(key.expose()))
        }
    }

    impl Sealed for Admin {
        const NAME: &'static str = "admin";

        fn headers(config: &ProjectConfig) -> Result<HeaderMap, Error> {
            let key = config.super_secret_admin_key().ok_or_else(|| {
                Error::config(
                    "no admin key was given: admin access needs HEXCLAVE_SUPER_SECRET_ADMIN_KEY, from the Hexclave \
                     dashboard",
                )
            })?;
            introduction(config, Self::NAME, SUPER_SECRET_ADMIN_KEY, Some(key.expose()))
        }
    }
}

fn introduction(
    config: &ProjectConfig,
    access_type: &'static str,
    key_header: HeaderName,
    key: Option<&str>,
) -> Result<HeaderMap, Error> {
    let unusable = |_| Error::config("a key or the project id does not fit into a header");
    let mut headers = HeaderMap::new();
    headers.insert(ACCESS_TYPE, HeaderValue::from_static(access_type));
    let project = HeaderValue::from_str(config.project_id().as_str()).map_err(unusable)?;
    headers.insert(PROJECT_ID, project);
    if let Some(key) = key {
        let mut key = HeaderValue::from_str(key).map_err(unusable)?;
        key.set_sensitive(true);
        headers.insert(key_header, key);
    }
    Ok(headers)
}
