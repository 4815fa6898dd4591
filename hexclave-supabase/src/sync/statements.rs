use super::UserTable;

/// Of which age (`interval`) the ids of deliveries are forgotten. Svix gives up after some 28 hours; what somebody has
/// sent again later than that is handled once more, which changes nothing.
const DELIVERIES_KEPT: &str = "7 days";
/// So that no statement takes long.
const MOST_FORGOTTEN: u32 = 10_000;
/// How long a reconciliation may show no sign of life before another one takes it for dead.
const LONGEST_SILENCE: &str = "2 minutes";
/// How old a reconciliation may be to be resumed: what it has read at its beginning is as old.
const RESUMED_WITHIN: &str = "1 day";

/// The SQL for one table.
///
/// Each statement is a transaction of its own, so that none stays open while the API is asked, and nothing is kept in
/// the session, so that a pooler may change the connection between two of them.
#[derive(Debug)]
pub(super) struct Statements {
    /// The name of the sequence, for `nextval`.
    pub(super) reads: String,
    /// Draws a number before something is read: `$1` the sequence, `$2` the delivery. Gives the number, the project,
    /// whether the delivery has been handled, and whether there are old ones.
    pub(super) ask: String,
    /// Makes the table one of the project `$1`, unless it is another's already; gives whose it is.
    pub(super) claim: String,
    /// Writes what was read: `$1` a page of readings, `$2` the number drawn before, `$3` the sequence, `$4` the
    /// delivery or NULL, `$5` whether to believe that a deleted user is there. Gives whether the delivery had been
    /// handled before, how many rows were added, changed and removed, and the users that have to be read again.
    pub(super) write: String,
    /// Forgets old deliveries.
    pub(super) prune: String,
    /// Begins a reconciliation, or resumes one: `$1` its holder, `$2` whether to begin anew, `$3` whether to take it
    /// from somebody else.
    pub(super) begin: String,
    /// Notes how far the reconciliation has come, and draws a number.
    pub(super) advance: String,
    /// Ends the reconciliation of the holder `$1`.
    pub(super) finish: String,
    /// Lets go of the reconciliation of the holder `$1`, for the next one to resume.
    pub(super) release: String,
    /// Sets the sequence `$1` behind every number that was drawn from it, should it have been lost: readings would be
    /// taken for old.
    pub(super) mend: String,
    /// The last user up to the sign-up time `$1` (milliseconds) and id `$2`.
    pub(super) up_to: String,
    /// Users that are there and were last read before the number `$1`, with ids after `$2`, in order.
    pub(super) unseen: String,
}

impl Statements {
    pub(super) fn new(table: &UserTable) -> Self {
        let users = table.relation("");
        let [sync, deliveries, state, reads] =
            ["_sync", "_sync_deliveries", "_sync_state", "_sync_reads"].map(|suffix| table.relation(suffix));
        let resumed =
            format!("(pass IS NOT NULL AND NOT $2 AND started_at > now() - interval '{RESUMED_WITHIN}')");
        let is_old = format!("handled_at < now() - interval '{DELIVERIES_KEPT}'");
        let kept = |column: &str, otherwise: &str| {
            format!("{column} = CASE WHEN {resumed} THEN {column} ELSE {otherwise} END")
        };
        let begin = [
            kept("pass", "$1"),
            kept("started_at", "now()"),
            kept("listed", "false"),
            kept("anchor", "NULL"),
            kept("anchor_millis", "NULL"),
            kept("users", "0"),
            kept("checked", "0"),
            kept("added", "0"),
            kept("changed", "0"),
            kept("removed", "0"),
        ]
        .join(", ");
        Self {
            ask: format!(
                "SELECT nextval($1::text::regclass), (SELECT project_id FROM {state}),
                    EXISTS (SELECT FROM {deliveries} WHERE id = $2), EXISTS (SELECT FROM {deliveries} WHERE {is_old})"
            ),
            claim: format!(
                "INSERT INTO {state} AS state (project_id) VALUES ($1)
                ON CONFLICT (single) DO UPDATE SET project_id = state.project_id RETURNING project_id"
            ),
            write: write(table, &users, &sync, &deliveries),
            prune: format!(
                "DELETE FROM {deliveries} WHERE id IN (
                    SELECT id FROM {deliveries} WHERE {is_old}
                    ORDER BY handled_at LIMIT {MOST_FORGOTTEN} FOR UPDATE SKIP LOCKED)"
            ),
            begin: format!(
                "UPDATE {state} SET holder = $1, alive_at = now(), {begin}
                WHERE holder IS NULL OR $3 OR alive_at < now() - interval '{LONGEST_SILENCE}'
                RETURNING pass, listed, anchor::text, anchor_millis, users, checked, added,
                    changed, removed"
            ),
            advance: format!(
                "UPDATE {state} SET alive_at = now(), listed = $3, anchor = $4::text::uuid, anchor_millis = $5,
                    users = $6, checked = $7, added = $8, changed = $9, removed = $10
                WHERE holder = $1 RETURNING nextval($2::text::regclass)"
            ),
            finish: format!(
                "UPDATE {state} SET holder = NULL, pass = NULL, anchor = NULL, anchor_millis = NULL,
                    finished_at = now() WHERE holder = $1"
            ),
            release: format!("UPDATE {state} SET holder = NULL WHERE holder = $1"),
            mend: format!(
                "SELECT setval($1::text::regclass, written) FROM (SELECT max(written) AS written FROM {sync}) AS last
                WHERE written > (SELECT last_value FROM {reads})"
            ),
            up_to: format!(
                "SELECT id::text, (extract(epoch FROM signed_up_at) * 1000)::bigint FROM {users}
                WHERE deleted_at IS NULL AND (signed_up_at, id) <=
                    (timestamptz 'epoch' + $1 * interval '1 millisecond', $2::text::uuid)
                ORDER BY signed_up_at DESC, id DESC LIMIT 1"
            ),
            unseen: format!(
                "SELECT id::text FROM {sync} WHERE standing = 'present' AND asked < $1
                    AND ($2::text IS NULL OR id > $2::text::uuid)
                ORDER BY id LIMIT $3"
            ),
            reads,
        }
    }
}

/// One statement, so that nobody sees a part of it.
///
/// The row of `_sync` is the lock for that of the table: whoever writes to the latter has written to the former in the
/// same statement. A reading is written only if it was begun (`asked`) after what is there had been written, so that it
/// is newer for certain. If what is there was begun later, that is new enough. In between nobody can tell, and
/// the user has to be read `again`. What a concurrent statement has just written is not looked at there: the user may be
/// read again without need.
fn write(table: &UserTable, users: &str, sync: &str, deliveries: &str) -> String {
    let columns = table.columns();
    let of_record = columns.clone().map(|(name, column_type)| match name {
        "signed_up_at" => format!(", {name} bigint"),
        _ => format!(", {name} {column_type}"),
    });
    let values = columns.clone().map(|(name, _)| match name {
        "signed_up_at" => "timestamptz 'epoch' + page.signed_up_at * interval '1 millisecond', ".to_owned(),
        _ => format!("page.{name}, "),
    });
    let names = columns.clone().map(|(name, _)| format!("{name}, "));
    let set = columns
        .clone()
        .map(|(name, _)| format!("{name} = EXCLUDED.{name}, "));
    let old = columns.clone().map(|(name, _)| format!("mirrored.{name}, "));
    let new = columns.map(|(name, _)| format!("EXCLUDED.{name}, "));
    let [of_record, values, names, set, old, new] = [
        of_record.collect::<String>(),
        values.collect(),
        names.collect(),
        set.collect(),
        old.collect(),
        new.collect(),
    ];
    format!(
        "WITH page AS MATERIALIZED (
            SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS page (id uuid, standing text{of_record})
        ), done AS MATERIALIZED (
            SELECT FROM {deliveries} WHERE id = $4
        ), end_of_reading AS MATERIALIZED (
            SELECT nextval($3::text::regclass) AS written
        ), read AS (
            INSERT INTO {sync} AS known (id, asked, written, standing)
            SELECT id, $2, written, standing FROM page, end_of_reading WHERE NOT EXISTS (SELECT FROM done) ORDER BY id
            ON CONFLICT (id) DO UPDATE SET asked = EXCLUDED.asked, written = EXCLUDED.written,
                standing = CASE WHEN known.standing = 'deleted' AND EXCLUDED.standing = 'missing' THEN 'deleted'
                    ELSE EXCLUDED.standing END
            WHERE known.written < EXCLUDED.asked
                AND ($5 OR known.standing <> 'deleted' OR EXCLUDED.standing <> 'present')
            RETURNING id
        ), again AS MATERIALIZED (
            SELECT id FROM page WHERE id NOT IN (SELECT id FROM read) AND NOT coalesce((
                SELECT known.asked > $2 OR (known.standing = 'deleted' AND page.standing = 'present' AND NOT $5)
                FROM {sync} AS known WHERE known.id = page.id), false)
        ), noted AS (
            INSERT INTO {deliveries} (id) SELECT $4
            WHERE $4 IS NOT NULL AND NOT EXISTS (SELECT FROM done) AND NOT EXISTS (SELECT FROM again)
            ON CONFLICT DO NOTHING
        ), changed AS (
            INSERT INTO {users} AS mirrored (id, {names}updated_at, deleted_at)
            SELECT page.id, {values}now(), CASE WHEN page.standing <> 'present' THEN now() END
            FROM page JOIN read ON read.id = page.id ORDER BY page.id
            ON CONFLICT (id) DO UPDATE SET {set}updated_at = EXCLUDED.updated_at, deleted_at = EXCLUDED.deleted_at
            WHERE ({old}mirrored.deleted_at IS NULL) IS DISTINCT FROM ({new}EXCLUDED.deleted_at IS NULL)
            RETURNING mirrored.xmax = 0 AS added, mirrored.deleted_at IS NOT NULL AS removed
        )
        SELECT EXISTS (SELECT FROM done), count(*) FILTER (WHERE added AND NOT removed),
            count(*) FILTER (WHERE NOT added AND NOT removed), count(*) FILTER (WHERE removed),
            ARRAY(SELECT id::text FROM again)
        FROM changed"
    )
}
