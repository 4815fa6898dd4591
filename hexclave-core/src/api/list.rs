use serde::Deserialize;

/// A list as the API answers with it.
#[derive(Debug, Deserialize)]
pub(super) struct ListOf<T> {
    pub(super) items: Vec<T>,
    #[serde(default)]
    pub(super) pagination: Option<Pagination>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pagination {
    #[serde(default)]
    pub(super) next_cursor: Option<String>,
}
