use std::time::UNIX_EPOCH;

use hexclave_core::{UserId, UserKind, api::ServerUser};
use serde_json::{Map, Value, json};

/// The last millisecond of the year 9999: later than that nobody has signed up, and PostgreSQL counts not much further.
const LAST_MILLIS: u64 = 253_402_300_799_999;

/// What was learnt of a user, on its way into the table.
pub(super) struct Reading {
    pub(super) id: UserId,
    record: Value,
}

impl Reading {
    /// The API has shown the user.
    pub(super) fn present(user: &ServerUser, server_metadata: bool) -> Self {
        let mut record = json!({
            "id": user.id,
            "standing": "present",
            "primary_email": user.primary_email,
            "primary_email_verified": user.primary_email_verified,
            "display_name": user.display_name,
            "profile_image_url": user.profile_image_url,
            "selected_team_id": user.selected_team_id,
            "signed_up_at": signed_up_millis(user),
            "is_anonymous": user.is_anonymous,
            // Servers from before 2026 say nothing of guests.
            "is_restricted": user.kind() != UserKind::Normal,
            "restricted_reason": user.restricted_reason.as_ref().map(|reason| reason.as_str()),
            "client_metadata": user.client_metadata,
            "client_read_only_metadata": user.client_read_only_metadata,
        });
        if server_metadata && let Some(record) = record.as_object_mut() {
            record.insert("server_metadata".to_owned(), user.server_metadata.clone());
        }
        replace_nul(&mut record);
        Self { id: user.id, record }
    }

    /// The API knows no such user.
    pub(super) fn missing(id: UserId) -> Self {
        Self::gone(id, "missing")
    }

    /// Hexclave has told that the user was deleted.
    pub(super) fn deleted(id: UserId) -> Self {
        Self::gone(id, "deleted")
    }

    fn gone(id: UserId, standing: &str) -> Self {
        let record = json!({ "id": id, "standing": standing });
        Self { id, record }
    }

    /// A JSON array of them, each once: a statement can write no row twice.
    pub(super) fn page(mut readings: Vec<Self>) -> String {
        readings.sort_by_key(|reading| reading.id);
        readings.dedup_by_key(|reading| reading.id);
        Value::Array(readings.into_iter().map(|reading| reading.record).collect()).to_string()
    }
}

/// When a user signed up, in milliseconds since 1970.
pub(super) fn signed_up_millis(user: &ServerUser) -> i64 {
    let since = user.signed_up_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    i64::try_from(millis.min(LAST_MILLIS)).unwrap_or(i64::MAX)
}

/// PostgreSQL has no U+0000, neither in `text` nor in `jsonb`: U+FFFD, the replacement character, comes in its place.
fn replace_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = without_nul(text),
        Value::Array(items) => items.iter_mut().for_each(replace_nul),
        Value::Object(members) => {
            members.values_mut().for_each(replace_nul);
            if members.keys().any(|name| name.contains('\0')) {
                let renamed: Map<_, _> = std::mem::take(members)
                    .into_iter()
                    .map(|(name, value)| (without_nul(&name), value))
                    .collect();
                *members = renamed;
            }
        }
        _ => {}
    }
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_is_replaced_wherever_it_is() {
        let mut value = json!({ "a\0b": ["\0", { "c": "d\0\0" }], "e": "f", "g": 1 });
        replace_nul(&mut value);
        assert_eq!(
            value,
            json!({ "a\u{fffd}b": ["\u{fffd}", { "c": "d\u{fffd}\u{fffd}" }], "e": "f", "g": 1 })
        );
    }

    #[test]
    fn a_page_has_each_user_once_and_in_order() {
        let [one, two] = [1, 2].map(|n: u8| {
            let text = format!("00000000-0000-4000-8000-00000000000{n}");
            text.parse::<UserId>().expect("an id")
        });
        let page = Reading::page(vec![
            Reading::missing(two),
            Reading::missing(one),
            Reading::missing(two),
        ]);
        let page: Vec<Value> = serde_json::from_str(&page).expect("JSON");
        let ids: Vec<_> = page.iter().map(|record| record["id"].clone()).collect();
        assert_eq!(ids, [json!(one), json!(two)]);
    }

    #[test]
    fn times_stay_within_what_postgres_can_hold() {
        let at = |millis: u64| {
            let json = json!({ "id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "signed_up_at_millis": millis });
            let user: ServerUser = serde_json::from_value(json).expect("a user");
            signed_up_millis(&user)
        };
        assert_eq!(at(1_750_000_000_123), 1_750_000_000_123);
        assert_eq!(at(u64::MAX), 253_402_300_799_999);
    }
}
