use axum::{Json, extract::State, http::StatusCode};
use hexclave_core::{AcceptedKinds, User};
use hexclave_supabase::{SupabaseClaims, rls::deadpool_postgres::begin_as};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;

use crate::{App, error::Error};

#[derive(Serialize)]
pub(crate) struct Note {
    id: i64,
    text: String,
}

#[derive(Deserialize)]
pub(crate) struct NewNote {
    text: String,
}

/// The newest of the notes that the database shows to the user. No condition here says whose they are: the policies do.
pub(crate) async fn list(State(app): State<App>, user: User) -> Result<Json<Vec<Note>>, Error> {
    let claims = SupabaseClaims::of(&user, AcceptedKinds::default())?;
    let mut client = app.database.get().await?;
    let transaction = begin_as(&mut client, &claims).await?;
    let statement = transaction
        .prepare_cached("SELECT id, text FROM notes ORDER BY id DESC LIMIT 100")
        .await?;
    let rows = transaction.query(&statement, &[]).await?;
    let notes: Result<_, _> = rows.iter().map(Note::try_from).collect();
    Ok(Json(notes?))
}

/// Adds a note of the user's; the column's default makes it so.
pub(crate) async fn add(
    State(app): State<App>,
    user: User,
    Json(note): Json<NewNote>,
) -> Result<(StatusCode, Json<Note>), Error> {
    let claims = SupabaseClaims::of(&user, AcceptedKinds::default())?;
    let mut client = app.database.get().await?;
    let transaction = begin_as(&mut client, &claims).await?;
    let statement = transaction
        .prepare_cached("INSERT INTO notes (text) VALUES ($1) RETURNING id, text")
        .await?;
    let row = transaction.query_one(&statement, &[&note.text]).await?;
    let note = Note::try_from(&row)?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(note)))
}

impl TryFrom<&Row> for Note {
    type Error = tokio_postgres::Error;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            text: row.try_get("text")?,
        })
    }
}
