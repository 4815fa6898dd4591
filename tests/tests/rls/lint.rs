//! The linter on a schema with each fault, and on one with none.

use hexclave_supabase::{
    inspect::{Finding, Rule, lint},
    policies::{self, Access, Column, Policies, Team},
};
use hexclave_testkit::postgres::{Database, Postgres, Source};
use hexclave_tests::GUIDE;

use crate::support::{OwnRole, database};

/// Each table is named after its fault.
const FAULTS: &str = "
    create table rls_disabled (id int);
    create table policy_without_rls (id int);
    create policy p on policy_without_rls for select to anon using (true);
    grant select on policy_without_rls to anon;
    create table rls_without_policy (id int);
    alter table rls_without_policy enable row level security;
    create view view_above_rls as select * from rls_without_policy;
    grant select on view_above_rls to anon;

    create table faults (id int primary key, owner uuid, told text);
    alter table faults enable row level security;
    grant select, insert, update, delete, truncate on faults to authenticated;
    create policy for_all_using_only on faults to authenticated using (owner = (select auth.uid()));
    create policy always_true on faults for insert to authenticated with check (true);
    create policy unwrapped on faults for update to authenticated
        using (auth.uid() = owner or (auth.jwt() ->> 'x') = 'y') with check ((select auth.uid()) = owner);
    create policy user_metadata on faults for delete to authenticated
        using ((select auth.jwt() -> 'user_metadata' ->> 'is_admin') = 'true');
    create policy uid_with_other_type on faults for select to authenticated
        using (told::uuid = (select auth.uid()));
    create policy missing_grant on faults for delete to anon using (id = 1);
    grant select on faults to anon;

    create function definer() returns int language sql security definer as 'select 1';";

async fn findings(database: &Database) -> Vec<Finding> {
    let mut client = database.connect().await.expect("a connection");
    lint(&mut client, &["public"]).await.expect("findings")
}

fn of(findings: &[Finding], rule: Rule) -> Vec<&str> {
    let of_rule = findings.iter().filter(|finding| finding.rule() == rule);
    of_rule.map(Finding::object).collect()
}

#[tokio::test]
async fn each_fault_is_found_at_its_object() {
    let database = database(FAULTS);
    let findings = findings(&database).await;
    for (rule, objects) in [
        (Rule::RlsDisabled, vec!["public.rls_disabled"]),
        (Rule::PolicyWithoutRls, vec!["public.policy_without_rls"]),
        (Rule::RlsWithoutPolicy, vec!["public.rls_without_policy"]),
        (Rule::ViewAboveRls, vec!["public.view_above_rls"]),
        (Rule::ForAllUsingOnly, vec!["for_all_using_only on public.faults"]),
        (Rule::AlwaysTrue, vec!["always_true on public.faults"]),
        (Rule::TruncateGranted, vec!["public.faults"]),
        (Rule::Unwrapped, vec!["unwrapped on public.faults"]),
        (Rule::UserMetadata, vec!["user_metadata on public.faults"]),
        (
            Rule::UidWithOtherType,
            vec!["uid_with_other_type on public.faults"],
        ),
        (Rule::AnonymousByRole, vec!["public.faults"]),
        (Rule::MissingGrant, vec!["missing_grant on public.faults"]),
        (
            Rule::MissingIndex,
            vec!["public.faults.owner", "public.faults.told"],
        ),
        (Rule::DefinerSearchPath, vec!["public.definer()"]),
        (Rule::DefinerForAnon, vec!["public.definer()"]),
        (
            Rule::SeveralPermissive,
            vec![
                "public.faults for DELETE by authenticated: for_all_using_only, user_metadata",
                "public.faults for INSERT by authenticated: always_true, for_all_using_only",
                "public.faults for SELECT by authenticated: for_all_using_only, uid_with_other_type",
                "public.faults for UPDATE by authenticated: for_all_using_only, unwrapped",
            ],
        ),
        (Rule::ConnectionAboveRls, vec![]),
        (Rule::ConnectionOwnsTables, vec![]),
        (Rule::ApiRoleAboveRls, vec![]),
        (Rule::ApiRoleOwnsTable, vec![]),
    ] {
        assert_eq!(of(&findings, rule), objects, "{rule}: {findings:#?}");
    }
    assert!(findings.is_sorted_by_key(Finding::severity));
    // Another schema is another matter.
    let mut client = database.connect().await.expect("a connection");
    assert_eq!(lint(&mut client, &["auth"]).await.expect("findings"), []);
}

#[tokio::test]
async fn a_fix_mends_what_was_found() {
    let database = database(FAULTS);
    let mended = [
        Rule::RlsDisabled,
        Rule::PolicyWithoutRls,
        Rule::ViewAboveRls,
        Rule::ForAllUsingOnly,
        Rule::TruncateGranted,
        Rule::Unwrapped,
        Rule::AnonymousByRole,
        Rule::MissingGrant,
        Rule::MissingIndex,
        Rule::DefinerSearchPath,
        Rule::DefinerForAnon,
    ];
    for finding in findings(&database).await {
        if mended.contains(&finding.rule()) {
            let mended = database.execute(finding.fix().expect("a fix"));
            assert!(mended.is_ok(), "{finding}: {mended:?}");
        }
    }
    let left = findings(&database).await;
    for rule in mended {
        assert_eq!(of(&left, rule), [""; 0], "{left:#?}");
    }
}

#[tokio::test]
async fn a_schema_without_faults_has_no_findings() {
    let database = database(
        "create table notes (id int primary key, owner uuid, team text);
         create table news (id int primary key);
         -- What projects from before 2026 give to every table.
         grant all on notes, news to anon, authenticated;
         create view latest with (security_invoker = true) as select * from news;
         grant select on latest to anon;
         create function whoami() returns uuid language sql security definer set search_path = ''
             as 'select auth.uid()';
         revoke execute on function whoami() from public;
         grant execute on function whoami() to authenticated;",
    );
    let notes = Policies::on("public", "notes")
        .owner_rows(Column::uuid("owner"), Access::ReadWrite)
        .team_rows(Column::text("team"), Team::Any, Access::Read)
        .refuse_anonymous()
        .require_mfa();
    let news = Policies::on("public", "news").public_read();
    for policies in [notes, news] {
        database
            .execute(&policies.to_sql().expect("SQL"))
            .expect("policies");
    }
    assert_eq!(findings(&database).await, []);
}

#[tokio::test]
async fn the_guides_three_policies_are_for_every_command() {
    let found = findings(&database(GUIDE)).await;
    assert_eq!(of(&found, Rule::ForAllUsingOnly).len(), 3);
    let corrected = findings(&database(policies::GUIDE)).await;
    assert_eq!(of(&corrected, Rule::ForAllUsingOnly), [""; 0]);
    // The guide lets anonymous users see what is for signed-in ones, and so does the corrected table.
    assert_eq!(
        corrected.len(),
        of(&corrected, Rule::AnonymousByRole).len(),
        "{corrected:#?}"
    );
}

#[tokio::test]
async fn who_looks_matters() {
    let database = database("");
    let role = OwnRole::new(&database, "owner", "login bypassrls password 'owner'");
    database
        .execute(&format!(
            "create table notes (); alter table notes enable row level security; alter table notes owner to {}",
            role.name
        ))
        .expect("a table");
    let mut config = database.config();
    config.user(&role.name).password("owner");
    let (mut client, connection) = config.connect(tokio_postgres::NoTls).await.expect("a connection");
    let connection = tokio::spawn(connection);
    let findings = lint(&mut client, &["public"]).await.expect("findings");
    assert_eq!(of(&findings, Rule::ConnectionAboveRls), [role.name.as_str()]);
    assert_eq!(of(&findings, Rule::ConnectionOwnsTables), ["public.notes"]);
    drop(client);
    connection.await.expect("the connection ends").expect("in peace");
    database.execute("drop table notes").expect("no table");
}

/// Needs roles of the API that are above Row Level Security, so it has a server of its own.
#[tokio::test]
async fn roles_of_the_api_above_row_level_security_are_found() {
    let postgres = Postgres::start().expect("a server");
    if postgres.source() == Source::Url {
        return;
    }
    let database = postgres.database().expect("a database");
    database
        .execute(
            "alter role anon bypassrls; create table notes (); alter table notes enable row level security;
             alter table notes owner to authenticated",
        )
        .expect("faults");
    let findings = findings(&database).await;
    assert_eq!(of(&findings, Rule::ApiRoleAboveRls), ["anon"]);
    assert_eq!(of(&findings, Rule::ApiRoleOwnsTable), ["public.notes"]);
}
