//! The table, as Row Level Security shows it to a user. No statement says whose notes it is about: the policies do.

use hexclave_core::{AcceptedKinds, Normal, User, Verified};
use hexclave_supabase::{SupabaseClaims, rls::sqlx::begin_as};
use sqlx::{PgPool, Postgres, Transaction};

use crate::failure::Failure;

pub(crate) struct Note {
    pub(crate) id: i64,
    pub(crate) text: String,
}

/// Why a note was not added.
pub(crate) enum NotAdded {
    /// Its text is empty, or too long.
    Length,
    Failed(Failure),
}

/// The newest notes.
pub(crate) async fn newest(database: &PgPool, user: &User) -> Result<Vec<Note>, Failure> {
    let mut transaction = begin(database, user).await?;
    let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, text FROM notes ORDER BY id DESC LIMIT 100")
        .fetch_all(&mut *transaction)
        .await?;
    Ok(rows.into_iter().map(|(id, text)| Note { id, text }).collect())
}

/// Adds a note of the user's; the column's default makes it so.
pub(crate) async fn add(database: &PgPool, user: &Verified<Normal>, text: &str) -> Result<(), NotAdded> {
    let mut transaction = begin(database, user).await.map_err(NotAdded::Failed)?;
    let inserted = sqlx::query("INSERT INTO notes (text) VALUES ($1)").bind(text);
    match inserted.execute(&mut *transaction).await {
        Ok(_) => transaction
            .commit()
            .await
            .map_err(|error| NotAdded::Failed(error.into())),
        Err(error) => Err(match error.as_database_error() {
            Some(database) if database.is_check_violation() => NotAdded::Length,
            _ => NotAdded::Failed(error.into()),
        }),
    }
}

/// Deletes a note, if it is the user's.
pub(crate) async fn delete(database: &PgPool, user: &Verified<Normal>, id: i64) -> Result<(), Failure> {
    let mut transaction = begin(database, user).await?;
    sqlx::query("DELETE FROM notes WHERE id = $1")
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

async fn begin(database: &PgPool, user: &User) -> Result<Transaction<'static, Postgres>, Failure> {
    let claims = SupabaseClaims::of(user, AcceptedKinds::default())?;
    Ok(begin_as(database, &claims).await?)
}
