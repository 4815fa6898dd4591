use std::{fmt, sync::Arc};

use ::tokio_postgres::{Client, Row, types::Type};
use hexclave_core::{
    Error as CoreError, UserId,
    api::{self, ServerAccess},
    webhooks::{Delivery, Event},
};

use super::{UserTable, failed, reading::Reading, statements::Statements};
use crate::{Error, ErrorKind, error::quoted};

/// How often a user is read again because others did the same at the same time. Each time one of them has got through.
const MOST_READINGS: usize = 20;

/// Keeps a [`UserTable`] in step with the users of a Hexclave project. Cheap to clone.
///
/// Any number of processes may do so at once: what they share is in the database.
///
/// ```no_run
/// use hexclave_core::{ProjectConfig, api::Client};
/// use hexclave_supabase::sync::{UserMirror, UserTable};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let api = Client::server(ProjectConfig::from_env()?)?; // HEXCLAVE_SECRET_SERVER_KEY
/// let mirror = UserMirror::new(UserTable::new("public", "users")?, api);
/// # Ok(())
/// # }
/// ```
pub struct UserMirror<A>(Arc<Inner<A>>);

struct Inner<A> {
    table: UserTable,
    api: api::Client<A>,
    statements: Statements,
}

/// What has become of a user's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It is new.
    Added,
    /// It says something else than before.
    Changed,
    /// The user is gone, and the row says so from now on.
    Removed,
    /// It said the same already.
    Unchanged,
    /// The delivery had been handled before.
    Duplicate,
    /// The delivery tells nothing of a user that the row has.
    Ignored,
}

/// A number from the sequence, and what else was looked up when it was drawn.
pub(super) struct Start {
    pub(super) asked: i64,
    is_duplicate: bool,
}

/// What has become of the rows of a page.
pub(super) struct Written {
    is_duplicate: bool,
    pub(super) added: u64,
    pub(super) changed: u64,
    pub(super) removed: u64,
    /// Users that somebody else has read meanwhile.
    pub(super) again: Vec<UserId>,
}

/// Whose word a reading is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// A single question's, which a copy of the database that lags behind may have answered: that a user was deleted,
    /// as a webhook has told, is believed before it.
    Single,
    /// A reconciliation's.
    Whole,
}

impl<A: ServerAccess> UserMirror<A> {
    /// A mirror of the project that the API's client asks.
    #[must_use]
    pub fn new(table: UserTable, api: api::Client<A>) -> Self {
        let statements = Statements::new(&table);
        Self(Arc::new(Inner {
            table,
            api,
            statements,
        }))
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &UserTable {
        &self.0.table
    }

    /// Handles a delivery: reads the user that it tells of, and writes down what the API says.
    ///
    /// After `Ok` the delivery is done with: answer with a status of the 2xx class. After an error it is not; answer 503,
    /// for Svix to send it again later. The connection needs to be in no transaction; one of the pool `deadpool-postgres`
    /// goes in as `&client`.
    ///
    /// # Errors
    /// | kind | |
    /// |---|---|
    /// | [`Api`](ErrorKind::Api) | the user could not be read |
    /// | [`Database`](ErrorKind::Database) | the database has failed, or is not to be reached |
    /// | [`Overtaken`](ErrorKind::Overtaken) | others read the same user at the same time, over and over |
    /// | [`TableMismatch`](ErrorKind::TableMismatch) | tables or columns are missing |
    /// | [`OtherProject`](ErrorKind::OtherProject) | the table mirrors the users of another project |
    pub async fn handle(&self, client: &Client, delivery: &Delivery) -> Result<Outcome, Error> {
        let (user, is_deleted) = match delivery.event() {
            Event::UserCreated(user) | Event::UserUpdated(user) => (user.id, false),
            Event::UserDeleted(user) => (user.id, true),
            // They may change the selected team.
            Event::TeamMembershipCreated(membership) | Event::TeamMembershipDeleted(membership) => {
                (membership.user_id, false)
            }
            _ => return Ok(Outcome::Ignored),
        };
        let written = self
            .mirror(client, user, is_deleted, Some(delivery.id()), Word::Single)
            .await?;
        Ok(written.outcome())
    }

    /// Reads a user and writes down what the API says: for somebody who has just signed in for the first time, when
    /// the webhook may still be on its way.
    ///
    /// # Errors
    /// As [`handle`](Self::handle).
    pub async fn refresh(&self, client: &Client, user: UserId) -> Result<Outcome, Error> {
        let written = self.mirror(client, user, false, None, Word::Single).await?;
        Ok(written.outcome())
    }

    /// Reads a user, unless it is known that there is none, and writes down what was read. No transaction is open
    /// while the API is asked.
    pub(super) async fn mirror(
        &self,
        client: &Client,
        user: UserId,
        is_deleted: bool,
        delivery: Option<&str>,
        word: Word,
    ) -> Result<Written, Error> {
        for _ in 0..MOST_READINGS {
            let start = self.ask(client, delivery).await?;
            if start.is_duplicate {
                return Ok(Written::duplicate());
            }
            let reading = match is_deleted {
                true => Reading::deleted(user),
                false => self.read(user).await?,
            };
            let written = self
                .write(client, start.asked, vec![reading], delivery, word)
                .await?;
            if written.again.is_empty() || written.is_duplicate {
                return Ok(written);
            }
        }
        Err(Error::new(
            ErrorKind::Overtaken,
            format!("the user {user} is read by others at the same time, over and over"),
        ))
    }

    async fn read(&self, user: UserId) -> Result<Reading, Error> {
        let found = self.0.api.user(user).await.map_err(not_told)?;
        Ok(match found {
            // An answer about somebody else is no answer.
            Some(found) if found.id != user => {
                return Err(Error::new(
                    ErrorKind::Api,
                    format!(
                        "the Hexclave API was asked for the user {user} and told of {}",
                        found.id
                    ),
                ));
            }
            Some(found) => Reading::present(&found, self.0.table.has_server_metadata()),
            None => Reading::missing(user),
        })
    }

    /// Draws the number of a reading that is about to begin.
    pub(super) async fn ask(&self, client: &Client, delivery: Option<&str>) -> Result<Start, Error> {
        let statements = self.statements();
        let row = client
            .query_typed_one(
                &statements.ask,
                &[(&statements.reads, Type::TEXT), (&delivery, Type::TEXT)],
            )
            .await;
        let read = |row: Row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?));
        let (asked, project, is_duplicate, has_old): (i64, Option<String>, bool, bool) =
            row.and_then(read)
                .map_err(|error| failed("the table of users could not be asked", error))?;
        let project = match project {
            Some(project) => project,
            None => self.claim(client).await?,
        };
        let own = self.0.api.config().project_id().as_str();
        if project != own {
            return Err(Error::new(
                ErrorKind::OtherProject,
                format!(
                    "the table mirrors the users of the project {}, and this is {}: each project needs a table of its \
                     own",
                    quoted(&project),
                    quoted(own)
                ),
            ));
        }
        if has_old {
            client
                .batch_execute(&statements.prune)
                .await
                .map_err(|error| failed("old deliveries could not be forgotten", error))?;
        }
        Ok(Start { asked, is_duplicate })
    }

    /// Writes what was read after the number `asked` was drawn.
    pub(super) async fn write(
        &self,
        client: &Client,
        asked: i64,
        readings: Vec<Reading>,
        delivery: Option<&str>,
        word: Word,
    ) -> Result<Written, Error> {
        let statements = self.statements();
        let page = Reading::page(readings);
        let row = client
            .query_typed_one(
                &statements.write,
                &[
                    (&page, Type::TEXT),
                    (&asked, Type::INT8),
                    (&statements.reads, Type::TEXT),
                    (&delivery, Type::TEXT),
                    (&(word == Word::Whole), Type::BOOL),
                ],
            )
            .await;
        row.and_then(Written::of)
            .map_err(|error| failed("users could not be written into their table", error))
    }

    async fn claim(&self, client: &Client) -> Result<String, Error> {
        let project = self.0.api.config().project_id().as_str();
        let row = client
            .query_typed_one(&self.statements().claim, &[(&project, Type::TEXT)])
            .await;
        row.and_then(|row| row.try_get(0))
            .map_err(|error| failed("the table of users could not be made the project's", error))
    }

    pub(super) fn statements(&self) -> &Statements {
        &self.0.statements
    }

    pub(super) fn api(&self) -> &api::Client<A> {
        &self.0.api
    }
}

impl Written {
    fn of(row: Row) -> Result<Self, ::tokio_postgres::Error> {
        let count = |index| row.try_get::<_, i64>(index).map(i64::unsigned_abs);
        let again: Vec<String> = row.try_get(4)?;
        Ok(Self {
            is_duplicate: row.try_get(0)?,
            added: count(1)?,
            changed: count(2)?,
            removed: count(3)?,
            // They are ids that went in, and uuids are written in one way.
            again: again.iter().filter_map(|id| id.parse().ok()).collect(),
        })
    }

    fn duplicate() -> Self {
        Self {
            is_duplicate: true,
            added: 0,
            changed: 0,
            removed: 0,
            again: Vec::new(),
        }
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self {
                is_duplicate: true, ..
            } => Outcome::Duplicate,
            Self { added: 1.., .. } => Outcome::Added,
            Self { changed: 1.., .. } => Outcome::Changed,
            Self { removed: 1.., .. } => Outcome::Removed,
            _ => Outcome::Unchanged,
        }
    }
}

impl<A> Clone for UserMirror<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: ServerAccess> fmt::Debug for UserMirror<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserMirror")
            .field("table", &self.0.table)
            .field("api", &self.0.api)
            .finish_non_exhaustive()
    }
}

pub(super) fn not_told(error: CoreError) -> Error {
    Error::new(ErrorKind::Api, "users could not be read from the Hexclave API").with_source(error)
}
