//! Databases from which others are copied, so that what is in them is made once.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use postgres::Client;
use tokio_postgres::error::SqlState;

use super::database::{AUTH, Database};
use super::error::{Kind, PostgresError};
use super::migrations::Migrations;
use super::server::{Server, drop_statement, failed};
use super::thread::apart;

/// What a template's name begins with; 32 hexadecimal digits of its content follow.
const PREFIX: &str = "hexclave_template_";

/// Templates that were last used more than an hour ago. When that was, in seconds since 1970, is their comment: on a
/// server that was there before, they outlive the process, so that the next one finds them.
const STALE: &str = r"
    SELECT datname::text
    FROM pg_database
    WHERE CASE WHEN datname ~ '^hexclave_template_[0-9a-f]{32}$' THEN
        coalesce(shobj_description(oid, 'pg_database') ~ '^[0-9]{1,11}$', false)
        AND shobj_description(oid, 'pg_database')::bigint < extract(epoch FROM now()) - 3600
    END";

/// How often a template that others have dropped in the meantime is made again.
const ATTEMPTS: usize = 3;

/// A new database with what the migrations make: copied from the template, which is made first where it is missing.
pub(super) fn copy(server: &Arc<Server>, migrations: &Migrations) -> Result<Database, PostgresError> {
    let template = Template::of(server.owner_name(), migrations);
    apart(|| {
        for _ in 0..ATTEMPTS {
            match server.copy_database(&template.name)? {
                Ok(name) => {
                    let database = Database::named(server, name);
                    if server.first_use(&template.name) {
                        // Somebody else may be doing the same at the same time.
                        let _ = server.as_owner(|client| client.batch_execute(&used_now(&template.name)))?;
                    }
                    return Ok(database);
                }
                Err(error) if error.code() == Some(&SqlState::INVALID_CATALOG_NAME) => {
                    template.make(server, migrations)?;
                }
                Err(error) => return Err(failed("copying a template database", error)),
            }
        }
        Err(PostgresError::new(Kind::Prepare {
            doing: "keeping a template database",
        }))
    })
}

/// Drops the templates that nobody has used for a while.
pub(super) fn drop_stale(client: &mut Client) -> Result<(), postgres::Error> {
    for row in client.query(STALE, &[])? {
        // Somebody else may own it, or be faster.
        let _ = client.batch_execute(&drop_statement(row.get(0)));
    }
    Ok(())
}

/// What a template is known by: a number of its content, and of its owner, because nobody else may copy it.
struct Template {
    name: String,
    lock: i64,
}

impl Template {
    fn of(owner: &str, migrations: &Migrations) -> Self {
        let mut context = Context::new(&SHA256);
        for text in [owner, AUTH].into_iter().chain(migrations.texts()) {
            context.update(&text.len().to_be_bytes());
            context.update(text.as_bytes());
        }
        let mut number = [0; 16];
        for (to, from) in number.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        let number = u128::from_be_bytes(number);
        Self {
            name: format!("{PREFIX}{number:032x}"),
            lock: ((number >> 64) as u64).cast_signed(),
        }
    }

    /// Makes the template, unless somebody else does it at the same time: then it waits for them.
    fn make(&self, server: &Arc<Server>, migrations: &Migrations) -> Result<(), PostgresError> {
        let in_making = |error| failed("making a template database", error);
        // The lock ends with this connection.
        let mut client = server.connect()?;
        client
            .execute("SELECT pg_advisory_lock($1)", &[&self.lock])
            .map_err(in_making)?;
        let there = client
            .query("SELECT FROM pg_database WHERE datname = $1", &[&self.name])
            .map_err(in_making)?;
        if !there.is_empty() {
            return Ok(());
        }
        // It gets its name when it is finished, so that whatever has that name is complete.
        let database = Database::create(server)?;
        migrations.run(&database.config())?;
        let made = database.name();
        client
            .batch_execute(&used_now(made))
            // Nobody can copy what somebody is connected to.
            .and_then(|()| {
                client.batch_execute(&format!(r#"ALTER DATABASE "{made}" ALLOW_CONNECTIONS false"#))
            })
            .map_err(in_making)?;
        match client.batch_execute(&format!(r#"ALTER DATABASE "{made}" RENAME TO "{}""#, self.name)) {
            // Advisory locks belong to a database, and somebody may have come through another one.
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => Ok(()),
            other => other.map_err(in_making),
        }
    }
}

fn used_now(database: &str) -> String {
    format!(
        "DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE {database} IS %L', \
         extract(epoch FROM now())::bigint::text); END $$"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_told_apart_by_text_order_borders_and_owner() {
        let name = |texts: &[&str]| {
            let migrations = texts.iter().fold(Migrations::new(), |all, text| all.sql(*text));
            Template::of("me", &migrations).name
        };
        assert_eq!(name(&["a", "b"]), name(&["a", "b"]));
        for other in [&["b", "a"][..], &["ab"], &["a"], &["a", "b", ""], &["a", "B"]] {
            assert_ne!(name(&["a", "b"]), name(other), "{other:?}");
        }
        assert_ne!(name(&[]), Template::of("you", &Migrations::new()).name);
        let name = name(&["a"]);
        assert_eq!(name.len(), "hexclave_template_".len() + 32);
        assert!(name.len() <= 63);
    }
}
