//! Two people, their notes, and what a failing assertion says.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once};
use std::thread::{self, ThreadId};

use hexclave_testkit::rls::{TestDatabase, TestUser};

/// Everybody who is signed in reads and adds their own notes, and changes the body; nobody deletes, `anon` may do nothing.
/// Row 1 is Ada's, row 2 Bob's.
pub(crate) const NOTES: &str = "
    create table notes (
        id int primary key check (id < 100), owner uuid not null default auth.uid(), body text, unique (body));
    alter table notes enable row level security;
    create policy own_read on notes for select to authenticated using (owner = (select auth.uid()));
    create policy own_add on notes for insert to authenticated with check (owner = (select auth.uid()));
    create policy own_change on notes for update to authenticated using (owner = (select auth.uid()));
    grant select, insert, delete on notes to authenticated;
    grant update (body, owner) on notes to authenticated;
    create table closed (id int);
    alter table closed enable row level security;
    grant select, insert, update, delete on closed to authenticated, anon;
    insert into closed values (1);
    create table open (id int);
    grant select on open to anon;
    insert into open values (1);
    create view all_notes as select * from notes;
    grant select on all_notes to anon;
";

pub(crate) struct Case {
    pub(crate) db: TestDatabase,
    pub(crate) ada: TestUser,
    pub(crate) bob: TestUser,
}

impl Case {
    pub(crate) fn new() -> Self {
        let db = TestDatabase::from_sql(NOTES).unwrap();
        let (ada, bob) = (TestUser::new("ada@example.com"), TestUser::new("bob@example.com"));
        db.execute(&format!(
            "insert into notes values (1, '{}', 'Ada''s'), (2, '{}', 'Bob''s')",
            ada.id(),
            bob.id()
        ))
        .unwrap();
        Self { db, ada, bob }
    }
}

/// What the assertion says that fails, and the line in this package that it blames.
pub(crate) fn failure<T>(assertion: impl FnOnce() -> T) -> (String, String, u32) {
    static HOOK: Once = Once::new();
    static PLACES: Mutex<Vec<(ThreadId, String, u32)>> = Mutex::new(Vec::new());
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if let Some(place) = info.location() {
                let place = (thread::current().id(), place.file().to_owned(), place.line());
                PLACES.lock().unwrap().push(place);
            }
            before(info);
        }));
    });
    let Err(panic) = catch_unwind(AssertUnwindSafe(assertion)) else {
        panic!("the assertion should have failed");
    };
    let text = panic.downcast_ref::<String>().expect("a text").clone();
    let places = PLACES.lock().unwrap();
    let me = thread::current().id();
    let place = places
        .iter()
        .rfind(|(thread, ..)| *thread == me)
        .expect("a place");
    (text, place.1.clone(), place.2)
}

/// The text of a failure, in which all of these are.
pub(crate) fn says<T>(parts: &[&str], assertion: impl FnOnce() -> T) -> String {
    let (text, file, _) = failure(assertion);
    assert!(file.contains("tests/rls/"), "blames {file}: {text}");
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
    text
}
