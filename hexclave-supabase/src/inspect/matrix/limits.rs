use std::time::Duration;

/// What bounds the trying.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) statement: Duration,
    pub(super) lock: Duration,
    pub(super) largest_table: u32,
    pub(super) sample: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            statement: Duration::from_secs(5),
            lock: Duration::from_secs(1),
            largest_table: 1_000,
            sample: 100,
        }
    }
}

impl Limits {
    pub(super) fn to_sql(self) -> String {
        // 0 would be no limit at all.
        let milliseconds = |limit: Duration| limit.as_nanos().div_ceil(1_000_000).clamp(1, i32::MAX as u128);
        format!(
            "SELECT pg_catalog.num_nulls(pg_catalog.set_config('statement_timeout', '{}', true), \
             pg_catalog.set_config('lock_timeout', '{}', true))",
            milliseconds(self.statement),
            milliseconds(self.lock)
        )
    }
}
