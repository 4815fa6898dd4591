//! What a server does to users over HTTP, done without HTTP.

use hexclave_core::UserId;
use serde_json::Value;

use super::{
    HexclaveError, LocalHexclave,
    api::{JsonBody, users},
};

/// What is done here is done at once, checked like a request, and sends the same webhooks; it is no
/// [request](LocalHexclave::requests), and no [fault](super::Fault) strikes it. For tests with thousands of users.
impl LocalHexclave {
    /// Creates a user; `body` is that of `POST /users`.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use hexclave_testkit::hexclave::LocalHexclave;
    /// use serde_json::json;
    ///
    /// let hexclave = LocalHexclave::start().await?;
    /// let ada = hexclave.create_user(json!({ "primary_email": "ada@example.com" }))?;
    /// hexclave.update_user(ada, json!({ "display_name": "Ada" }))?;
    /// hexclave.delete_user(ada)?;
    /// assert_eq!(hexclave.webhooks().len(), 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When Hexclave would refuse it.
    pub fn create_user(&self, body: Value) -> Result<UserId, HexclaveError> {
        let user = users::add(self.app(), JsonBody::from(body))?;
        let id = user.id().parse();
        id.map_err(|error| HexclaveError::with_source("the user's id is unusable", error))
    }

    /// Changes a user; `body` is that of `PATCH /users/{id}`.
    ///
    /// # Errors
    /// When Hexclave would refuse it.
    pub fn update_user(&self, id: UserId, body: Value) -> Result<(), HexclaveError> {
        users::change(self.app(), id, &users::changes(JsonBody::from(body))?)?;
        Ok(())
    }

    /// Deletes a user.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn delete_user(&self, id: UserId) -> Result<(), HexclaveError> {
        Ok(users::remove(self.app(), id)?)
    }
}
