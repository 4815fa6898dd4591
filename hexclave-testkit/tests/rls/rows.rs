//! What is visible.

use hexclave_testkit::rls::{Sql, TestDatabase};
use serde::Serialize;
use serde_json::json;

use crate::support::{Case, failure, says};

#[test]
fn everybody_sees_their_rows_and_the_line_of_a_failure_is_the_tests() {
    let Case { db, ada, bob } = Case::new();
    db.as_user(&ada).assert_visible("select id from notes", [1]);
    db.as_user(&bob)
        .assert_visible("select id, body from notes", [(2, "Bob's")]);
    db.as_owner().assert_visible("select id from notes", [2, 1]);
    let (text, file, line) = failure(|| db.as_user(&bob).assert_visible("select id from notes", [1, 3])); // here
    assert_eq!((file.as_str(), line), (file!(), line!() - 1));
    let expected = format!(
        r#"bob@example.com should see exactly 2 rows, in any order: 1, 3
  statement: select id from notes
  happened: no error, 1 row(s)
    id
    2
  missing: 1
  missing: 3
  not expected: 2
  role: authenticated
  claims: {{"sub":"{}","role":"authenticated","aud":"authenticated","is_anonymous":false}}
  public.notes: Row Level Security is on
    granted to authenticated: SELECT, INSERT, DELETE, UPDATE on some columns
    policy own_add for INSERT to authenticated with check (owner = ( SELECT auth.uid() AS uid))
    policy own_change for UPDATE to authenticated using (owner = ( SELECT auth.uid() AS uid))
    policy own_read for SELECT to authenticated using (owner = ( SELECT auth.uid() AS uid))
  hint: allowed by the policies of public.notes: own_read"#,
        bob.id()
    );
    assert_eq!(text, expected);
}

#[test]
fn rows_are_compared_as_often_as_each_and_in_any_order() {
    let db = TestDatabase::from_sql("create table t as select * from (values (1), (1), (2)) v (id)").unwrap();
    let owner = db.as_owner();
    owner.assert_visible("select id from t", [1, 2, 1]);
    says(&["not expected: 1"], || {
        owner.assert_visible("select id from t", [1, 2]);
    });
    says(&["missing: 2", "not expected: 1"], || {
        owner.assert_visible("select id from t order by id", [1, 2, 2]);
    });
    says(&["should see no rows"], || {
        owner.assert_visible("select id from t", json!([]));
    });
    owner.assert_visible("select id from t where id > 2", json!([]));
}

#[test]
fn values_of_all_types_are_compared() {
    #[derive(Serialize)]
    struct Note<'a> {
        id: i64,
        title: &'a str,
        score: Option<f64>,
    }
    let db = TestDatabase::from_sql("").unwrap();
    let owner = db.as_owner();
    owner.assert_visible(
        "select 1::smallint, 2::bigint, 1.5::real, 2.0::float8, 1.50::numeric, true, false, null::int",
        [(1, 2, 1.5, 2, 1.5, true, false, None::<i32>)],
    );
    owner.assert_visible(
        "select 'a'::text, 'b'::varchar, '2026-01-31'::date, '{1,2}'::int[], 'f'::char(1), ''::text",
        [("a", "b", "2026-01-31", "{1,2}", "f", "")],
    );
    owner.assert_visible(
        r#"select '{"b": [1, null], "a": 1.0}'::jsonb, 'null'::json, '"x"'::json, '1'::text"#,
        [(json!({ "a": 1.0, "b": [1, null] }), None::<i32>, "x", "1")],
    );
    owner.assert_visible(
        "select 7 as id, 'T' as title, null::float8 as score",
        [Note {
            id: 7,
            title: "T",
            score: None,
        }],
    );
    // A text is what the database writes.
    owner.assert_visible("select 1.50, true, 7", [("1.50", "t", "7")]);
    // Not by looks, and not beyond what is exact.
    for (query, wrong) in [
        ("select 't'::text", json!([true])),
        ("select '1'::text", json!([1])),
        ("select 1", json!(["2"])),
        ("select null::text", json!([""])),
        ("select ''::text", json!([null])),
        ("select null::text", json!(["NULL"])),
        (
            "select 9007199254740993::numeric",
            json!([9_007_199_254_740_992_u64]),
        ),
        ("select 9007199254740993", json!([9_007_199_254_740_992_u64])),
        ("select 1.5::numeric", json!([1])),
        ("select '{1}'::int[]", json!([[[1]]])),
        ("select false", json!([true])),
    ] {
        says(&["missing: "], || owner.assert_visible(query, wrong));
    }
}

#[test]
fn expected_rows_of_another_shape_are_explained() {
    let db = TestDatabase::from_sql("").unwrap();
    let owner = db.as_owner();
    let query = "select 1 as id, 2 as size";
    says(
        &["the expected row 1 has 1 values, and the query returns 2 columns (id, size)"],
        || {
            owner.assert_visible(query, [1]);
        },
    );
    says(
        &["names columns that the query does not return (id, size)"],
        || {
            owner.assert_visible(query, json!([{ "id": 1, "siez": 2 }]));
        },
    );
    says(&["has 1 values, and the query returns 2 columns"], || {
        owner.assert_visible(query, json!([{ "id": 1 }]));
    });
    says(&["expected rows are a list", "this is 2"], || {
        owner.assert_visible(query, 2);
    });
    // Also where no row is there to be compared.
    says(&["returns 2 columns"], || {
        owner.assert_visible("select 1, 2 where false", [1]);
    });
}

#[test]
fn the_number_of_rows_is_that_of_any_statement() {
    let Case { db, ada, .. } = Case::new();
    let as_ada = db.as_user(&ada);
    as_ada.assert_row_count("select from notes", 1);
    as_ada.assert_row_count("select from notes where id = 2", 0);
    as_ada.assert_row_count("update notes set body = 'x'", 1);
    as_ada.assert_row_count("delete from notes", 0);
    as_ada.assert_row_count("insert into notes (id) values (3) returning id", 1);
    as_ada.assert_row_count("insert into notes (id) values (3), (4)", 2);
    as_ada.assert_row_count(
        "with n as (insert into notes (id) values (3) returning id) select from n, n m",
        1,
    );
    says(&["should get or touch 1 row\n", "no error, 0 row(s)"], || {
        as_ada.assert_row_count("select from notes where id = 2", 1);
    });
    says(
        &[
            "should get or touch 0 rows",
            "happened: denied for want of a grant",
        ],
        || {
            db.as_anon().assert_row_count("select from notes", 0);
        },
    );
    says(
        &["the statement failed: column \"bdoy\" does not exist (42703)"],
        || {
            as_ada.assert_row_count("select bdoy from notes", 0);
        },
    );
}

#[test]
fn a_long_answer_is_cut() {
    let db = TestDatabase::from_sql("").unwrap();
    let text = says(&["… and 80 more"], || {
        db.as_owner().assert_visible(
            "select n, repeat('ä', 1000) || E'\\nb' from generate_series(1, 100) n",
            [(1, "a")],
        );
    });
    assert!(!text.contains(&"ä".repeat(61)), "{text}");
    let text = says(&["a⏎b | NULL"], || {
        db.as_owner()
            .assert_visible("select E'a\\nb' as first, null as second", [("a", 1)]);
    });
    assert!(text.contains("first | second"), "{text}");
}

#[test]
fn parameters_take_their_values_as_text() {
    let Case { db, ada, bob } = Case::new();
    let by_owner = |id| Sql::new("select id from notes where owner = $1").bind(id);
    db.as_owner().assert_visible(by_owner(bob.id()), [2]);
    let nasty = r"'; drop table notes; -- \' $1";
    let query = Sql::new("select $1::text, $2::int, $3::jsonb ->> 'a', $4::uuid, $5::bool, $6::int[]")
        .bind(nasty)
        .bind(7)
        .bind(json!({ "a": "'" }))
        .bind(None::<String>)
        .bind(true)
        .bind("{1,2}");
    db.as_owner()
        .assert_visible(&query, [(nasty, 7, "'", None::<i32>, true, "{1,2}")]);
    says(&["$1: '; drop", "$4: NULL"], || {
        db.as_owner().assert_visible(&query, json!([]));
    });
    db.as_user(&ada).assert_allowed(
        Sql::new("update notes set body = $2 where id = $1;")
            .bind(1)
            .bind("x"),
    );

    says(
        &["the statement has 1 parameters, and 0 values were bound"],
        || {
            db.as_owner().assert_row_count("select $1::int", 1);
        },
    );
    says(
        &["the statement has 0 parameters, and 1 values were bound"],
        || {
            db.as_owner().assert_row_count(Sql::new("select 1").bind(1), 1);
        },
    );
    says(&["U+0000"], || {
        db.as_owner()
            .assert_row_count(Sql::new("select $1::text").bind("a\0"), 1);
    });
    says(&["invalid input syntax for type integer", "22P02"], || {
        db.as_owner()
            .assert_row_count(Sql::new("select $1::int").bind("x"), 1);
    });
}
