use crate::identifier::quoted;

/// A column that says whose a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub(super) name: String,
    is_uuid: bool,
}

impl Column {
    /// A column of the type `uuid`.
    pub fn uuid(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            is_uuid: true,
        }
    }

    /// A column of the type `text` or `varchar`, with ids in lower case as Hexclave writes them.
    pub fn text(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            is_uuid: false,
        }
    }

    fn cast(&self) -> &'static str {
        if self.is_uuid { "::uuid" } else { "" }
    }
}

/// Which of a user's teams count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Team {
    /// The one that the user has selected: `app_metadata.selected_team_id`, or `selected_team_id` in Hexclave's own
    /// tokens.
    Selected,
    /// All those in the list `app_metadata.teams`.
    Any,
}

/// The row's owner is the user. `auth.uid()` stands in a `SELECT`, so that it is called once per statement.
pub(super) fn owner(column: &Column) -> String {
    let cast = if column.is_uuid { "" } else { "::text" };
    format!("{} = (SELECT auth.uid()){cast}", quoted(&column.name))
}

/// The row's team is the user's. Without a claim there is no team, and the row is not the user's.
pub(super) fn team(column: &Column, team: Team) -> String {
    let (name, cast) = (quoted(&column.name), column.cast());
    match team {
        Team::Selected => format!(
            "{name} = coalesce((SELECT auth.jwt()) #>> '{{app_metadata,selected_team_id}}', \
             (SELECT auth.jwt()) ->> 'selected_team_id'){cast}"
        ),
        Team::Any => format!(
            "{name} = ANY (ARRAY(SELECT jsonb_array_elements_text((SELECT auth.jwt()) #> '{{app_metadata,teams}}'){cast}))"
        ),
    }
}

/// The user is known not to be anonymous: a token that does not say so is refused.
pub(super) const NOT_ANONYMOUS: &str = "((SELECT auth.jwt()) ->> 'is_anonymous')::boolean IS FALSE";

/// The user has shown a second factor.
pub(super) const SECOND_FACTOR: &str = "(SELECT auth.jwt()) ->> 'aal' = 'aal2'";
