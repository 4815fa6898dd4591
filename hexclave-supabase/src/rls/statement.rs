use std::fmt::Write as _;

use super::Isolation;

/// What a refused transaction names as its role. No role is called so, so the database fails there and then, before it
/// has set anything; and its message repeats the name.
pub(super) const IN_TRANSACTION: &str = "hexclave:in_transaction";
pub(super) const BYPASSES_RLS: &str = "hexclave:bypasses_rls";

/// The name of the session's setting that holds a role which was found to be under Row Level Security, less the role.
const UNDER_RLS: &str = "hexclave.under_rls_";

/// The SQL with which a transaction begins as somebody: all settings in one `SELECT`, local to the transaction.
///
/// `SET LOCAL` would do the same, but not for a role whose name is a value, and not in one statement. Everything is
/// sent as one message of the simple protocol, so it costs one round trip with any driver, and the database never
/// sees half of it.
pub(super) struct Statement {
    isolation: Option<Isolation>,
    read_only: bool,
    settings: Vec<String>,
}

impl Statement {
    pub(super) fn new(isolation: Option<Isolation>, read_only: bool) -> Self {
        Self {
            isolation,
            read_only,
            settings: Vec::new(),
        }
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.push(name, &literal(value));
    }

    /// For what is somebody's own: its text does not stand in logs of statements for everybody to read.
    pub(super) fn set_hidden(&mut self, name: &str, value: &str) {
        self.push(name, &escaped(value));
    }

    /// Switches the role, if that role is under Row Level Security and nothing has begun before.
    ///
    /// All statements of one message have one `statement_timestamp()`, and a transaction's `now()` is that of the
    /// message in which it began: they differ if a transaction was already there. A role that is missing fails by
    /// itself.
    ///
    /// To plan the look-up in `pg_roles` takes the database longer than everything else here. So it is done once per
    /// connection and role, which a setting of the session remembers; and it is a text that is run where it is needed
    /// (`query_to_xml` is the one function of PostgreSQL that does so), since a subquery is planned even where it is
    /// not run.
    pub(super) fn set_role(&mut self, role: &str) {
        let known: String = role
            .chars()
            .map(|char| if char.is_ascii_alphanumeric() { char } else { '_' })
            .collect();
        let known = format!("{UNDER_RLS}{known}");
        let role = literal(role);
        // No literal of ours has a dollar sign in it.
        let look_up = format!(
            "$$SELECT pg_catalog.set_config('role', '{BYPASSES_RLS}', true) FROM pg_catalog.pg_roles \
             WHERE rolname = {role} AND (rolsuper OR rolbypassrls) \
             UNION ALL SELECT pg_catalog.set_config('{known}', {role}, false)$$"
        );
        self.push(
            "role",
            &format!(
                "CASE WHEN pg_catalog.now() <> pg_catalog.statement_timestamp() THEN '{IN_TRANSACTION}' \
                 WHEN pg_catalog.current_setting('{known}', true) = {role} \
                 OR pg_catalog.query_to_xml({look_up}, false, false, '') IS NOT NULL THEN {role} END"
            ),
        );
    }

    /// Switches the role inside a transaction that is the caller's own, and looks up each time what the role is.
    #[cfg(feature = "tokio-postgres")]
    pub(super) fn set_role_inside(&mut self, role: &str, may_be_above_rls: bool) {
        let role = literal(role);
        let value = match may_be_above_rls {
            true => role,
            false => format!(
                "CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {role} AND (rolsuper OR rolbypassrls)) \
                 THEN '{BYPASSES_RLS}' ELSE {role} END"
            ),
        };
        self.push("role", &value);
    }

    /// Begins a transaction for what is sent later. Where this fails, no transaction is left: the settings come first
    /// and make a transaction of their own together with `BEGIN`, which goes on as the one that was begun.
    pub(super) fn begin(&self) -> String {
        let isolation = match self.isolation {
            Some(isolation) => format!("SET TRANSACTION ISOLATION LEVEL {}; ", isolation.as_sql()),
            None => String::new(),
        };
        let read_only = if self.read_only { " READ ONLY" } else { "" };
        format!("{isolation}{}; BEGIN{read_only}", self.select())
    }

    /// Begins a transaction for what is sent right behind, without waiting. Where this fails, it leaves a transaction
    /// that refuses everything, so that nothing behind it runs as somebody else.
    #[cfg(feature = "tokio-postgres")]
    pub(super) fn begin_for_what_follows(&self) -> String {
        let isolation = match self.isolation {
            Some(isolation) => format!(" ISOLATION LEVEL {}", isolation.as_sql()),
            None => String::new(),
        };
        let read_only = if self.read_only { " READ ONLY" } else { "" };
        format!("BEGIN{isolation}{read_only}; {}", self.select())
    }

    /// `set_config` gives back what it sets; around it, something small, so that no claims come back over the wire.
    pub(super) fn select(&self) -> String {
        format!("SELECT pg_catalog.num_nulls({})", self.settings.join(", "))
    }

    fn push(&mut self, name: &str, value: &str) {
        self.settings
            .push(format!("pg_catalog.set_config('{name}', {value}, true)"));
    }
}

/// A text that stands for exactly this value.
pub(crate) fn literal(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _-./,:\"".contains(&byte);
    match value.bytes().all(plain) {
        true => format!("'{value}'"),
        false => escaped(value),
    }
}

/// The same by the numbers of its characters (PostgreSQL, section 4.1.2.2), so that no character of the value is one of
/// the text: whatever the server's `standard_conforming_strings` and `backslash_quote` and the client's encoding are,
/// nothing in it can end the literal. A value that the database cannot have (U+0000) fails where it is used, not where
/// the whole text is parsed.
fn escaped(value: &str) -> String {
    if value.is_empty() {
        return "''".to_owned();
    }
    if value.contains('\0') {
        return "pg_catalog.chr(0)".to_owned();
    }
    let mut text = String::with_capacity(4 * value.len() + 3);
    text.push_str("E'");
    for char in value.chars() {
        // Writing to a text does not fail.
        let _ = match u32::from(char) {
            ascii @ ..0x80 => write!(text, "\\x{ascii:02x}"),
            short @ ..0x1_0000 => write!(text, "\\u{short:04x}"),
            long => write!(text, "\\U{long:08x}"),
        };
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::{Statement, escaped, literal};
    use crate::rls::Isolation;

    #[test]
    fn nothing_in_a_value_can_end_its_literal() {
        assert_eq!(literal("authenticated"), "'authenticated'");
        assert_eq!(literal(r#""api", "public""#), r#"'"api", "public"'"#);
        for value in ["'", r"\", "a'b", "$$", ";", "(", "ß", "\n", "--'", "🔑"] {
            let literal = literal(value);
            let inside = literal
                .strip_prefix("E'")
                .and_then(|rest| rest.strip_suffix('\''))
                .expect("an escape string");
            assert!(
                inside.split('\\').skip(1).all(|escape| {
                    let (form, digits) = escape.split_at(1);
                    let long = [("x", 2), ("u", 4), ("U", 8)].contains(&(form, digits.len()));
                    long && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
                }),
                "{literal}"
            );
        }
        assert_eq!(literal("'ß🔑"), r"E'\x27\u00df\U0001f511'");
        assert_eq!(escaped("ok"), r"E'\x6f\x6b'");
        assert_eq!(escaped(""), "''");
        assert_eq!(literal("a\0"), "pg_catalog.chr(0)");
    }

    #[test]
    fn the_choices_are_part_of_the_transaction_in_both_orders() {
        let mut statement = Statement::new(Some(Isolation::Serializable), true);
        statement.set("request.method", "GET");
        let set = "SELECT pg_catalog.num_nulls(pg_catalog.set_config('request.method', 'GET', true))";
        assert_eq!(
            statement.begin(),
            format!("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; {set}; BEGIN READ ONLY")
        );
        #[cfg(feature = "tokio-postgres")]
        assert_eq!(
            statement.begin_for_what_follows(),
            format!("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; {set}")
        );
    }
}
