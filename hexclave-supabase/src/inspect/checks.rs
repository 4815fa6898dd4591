//! The queries behind the rules. Each gives the object and, where there is one, the SQL of the fix.

use super::Rule;

/// What the queries have in common: the exposed relations (`$1` are the schemas) less those of extensions, the roles
/// of the API, and the policies with their roles and expressions as text.
pub(super) const COMMON: &str = r"
WITH exposed AS (
    SELECT c.*, c.oid::regclass::text AS name FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY ($1) AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), tables AS (
    SELECT * FROM exposed WHERE relkind IN ('r', 'p')
), api AS (
    SELECT * FROM pg_catalog.pg_roles WHERE rolname IN ('anon', 'authenticated')
), policies AS (
    SELECT p.*, t.name AS tab, quote_ident(p.polname) || ' on ' || t.name AS name,
        quote_ident(p.polname) || ' ON ' || t.name AS target,
        pg_get_expr(p.polqual, p.polrelid) AS using_text,
        pg_get_expr(p.polwithcheck, p.polrelid) AS check_text,
        concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) AS texts,
        (SELECT string_agg(CASE role WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(role)) END, ', ')
            FROM unnest(p.polroles) role) AS roles,
        CASE p.polcmd WHEN 'r' THEN '{SELECT}' WHEN 'a' THEN '{INSERT}' WHEN 'w' THEN '{UPDATE}'
            WHEN 'd' THEN '{DELETE}' ELSE '{SELECT,INSERT,UPDATE,DELETE}' END::text[] AS commands
    FROM pg_catalog.pg_policy p JOIN tables t ON t.oid = p.polrelid
), columns AS (
    SELECT DISTINCT p.name AS policy, p.texts, p.tab, p.polrelid, a.attnum, a.atttypid, quote_ident(a.attname) AS name
    FROM policies p
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_policy'::regclass AND d.objid = p.oid
        AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = p.polrelid AND d.refobjsubid > 0
    JOIN pg_catalog.pg_attribute a ON a.attrelid = p.polrelid AND a.attnum = d.refobjsubid
), definers AS (
    SELECT f.*, f.oid::regprocedure::text AS name FROM pg_catalog.pg_proc f
    JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
    WHERE f.prosecdef AND n.nspname = ANY ($1) AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e')
)";

/// A call that is no `SELECT`'s own. (A wrapped one comes out of the catalogue as `( SELECT auth.uid() AS uid)`.)
macro_rules! unwrapped {
    () => {
        r"(?<!SELECT |SELECT \(|SELECT \(\()auth\.(uid|jwt|role|email)\(\)"
    };
}

pub(super) fn sql(rule: Rule) -> &'static str {
    match rule {
        Rule::ApiRoleAboveRls => {
            "SELECT quote_ident(rolname), format('ALTER ROLE %I NOSUPERUSER NOBYPASSRLS;', rolname)
            FROM api WHERE rolsuper OR rolbypassrls"
        }
        Rule::ApiRoleOwnsTable => {
            "SELECT t.name, format('ALTER TABLE %s OWNER TO postgres;', t.name)
            FROM tables t JOIN api ON api.oid = t.relowner"
        }
        Rule::RlsDisabled => {
            "SELECT name, format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY;', name)
            FROM tables WHERE NOT relrowsecurity AND oid NOT IN (SELECT polrelid FROM policies)"
        }
        Rule::PolicyWithoutRls => {
            "SELECT name, format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY;', name)
            FROM tables WHERE NOT relrowsecurity AND oid IN (SELECT polrelid FROM policies)"
        }
        Rule::UserMetadata => "SELECT name, NULL::text FROM policies WHERE texts ~ 'user_meta_?data'",
        Rule::ViewAboveRls => {
            "SELECT name, format('ALTER VIEW %s SET (security_invoker = true);', name)
            FROM exposed v WHERE relkind = 'v'
            AND NOT coalesce(reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1,security_invoker=yes}', false)
            AND EXISTS (SELECT FROM api WHERE has_table_privilege(api.oid, v.oid, 'SELECT'))"
        }
        Rule::ForAllUsingOnly => {
            "SELECT name, format('DROP POLICY %s; CREATE POLICY %s FOR SELECT TO %s USING (%s);',
                target, target, roles, using_text)
            FROM policies WHERE polpermissive AND polcmd = '*' AND check_text IS NULL"
        }
        Rule::AlwaysTrue => {
            "SELECT name, NULL::text FROM policies WHERE polpermissive AND polcmd <> 'r'
            AND CASE polcmd WHEN 'd' THEN using_text = 'true' ELSE coalesce(check_text, using_text) = 'true' END
            AND (0 = ANY (polroles) OR polroles && (SELECT array_agg(oid) FROM api))"
        }
        Rule::TruncateGranted => {
            "SELECT t.name, format('REVOKE TRUNCATE ON TABLE %s FROM PUBLIC, %s;', t.name, string_agg(quote_ident(rolname), ', ' ORDER BY rolname))
            FROM tables t JOIN api ON has_table_privilege(api.oid, t.oid, 'TRUNCATE') GROUP BY t.name"
        }
        Rule::DefinerSearchPath => {
            "SELECT name, format('ALTER ROUTINE %s SET search_path = '''';', name) FROM definers
            WHERE NOT EXISTS (SELECT FROM unnest(proconfig) setting WHERE setting LIKE 'search\\_path=%')"
        }
        Rule::DefinerForAnon => {
            "SELECT name, format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC, anon;', name) FROM definers f
            WHERE EXISTS (SELECT FROM api
                WHERE rolname = 'anon' AND has_function_privilege(api.oid, f.oid, 'EXECUTE'))"
        }
        Rule::UidWithOtherType => {
            r"SELECT DISTINCT policy, format('ALTER TABLE %s ALTER COLUMN %s TYPE uuid USING %s::uuid;', tab, name, name)
            FROM columns WHERE atttypid <> 'uuid'::regtype AND texts ~ 'auth\.uid\(\)'
            AND (texts ~ format('\(\(?%s\)?::uuid', name) OR texts ~ format('\y%s\)?(::text)? = .{0,20}auth\.uid\(\)', name)
                OR texts ~ format('auth\.uid\(\).{0,20}::text = \(?%s\y', name))"
        }
        Rule::Unwrapped => concat!(
            "SELECT name, 'ALTER POLICY ' || target
                || coalesce(format(' USING (%s)', regexp_replace(using_text, '",
            unwrapped!(),
            r"', '(SELECT auth.\1())', 'g')), '')
                || coalesce(format(' WITH CHECK (%s)', regexp_replace(check_text, '",
            unwrapped!(),
            r"', '(SELECT auth.\1())', 'g')), '') || ';'
            FROM policies WHERE texts ~ '",
            unwrapped!(),
            "'"
        ),
        Rule::SeveralPermissive => {
            "SELECT format('%s for %s by %s: %s', tab, command, api.rolname, string_agg(quote_ident(polname), ', ' ORDER BY polname)),
                NULL::text
            FROM policies, unnest(commands) command, api
            WHERE polpermissive AND (0 = ANY (polroles) OR api.oid = ANY (polroles))
            GROUP BY tab, command, api.rolname HAVING count(*) > 1"
        }
        Rule::AnonymousByRole => {
            "SELECT tab, format('CREATE POLICY \"not anonymous\" ON %s AS RESTRICTIVE FOR ALL TO authenticated '
                'USING (((SELECT auth.jwt()) ->> ''is_anonymous'')::boolean IS FALSE) '
                'WITH CHECK (((SELECT auth.jwt()) ->> ''is_anonymous'')::boolean IS FALSE);', tab)
            FROM policies GROUP BY tab
            HAVING bool_or(polpermissive AND (SELECT api.oid FROM api WHERE rolname = 'authenticated') = ANY (polroles)
                AND NOT coalesce(polcmd = 'r' AND (SELECT api.oid FROM api WHERE rolname = 'anon') = ANY (polroles), false))
            AND NOT bool_or(texts LIKE '%is\\_anonymous%')"
        }
        Rule::ConnectionAboveRls => {
            "SELECT quote_ident(rolname), NULL::text FROM pg_catalog.pg_roles
            WHERE rolname = session_user AND (rolsuper OR rolbypassrls)"
        }
        Rule::ConnectionOwnsTables => {
            "SELECT name, format('ALTER TABLE %s FORCE ROW LEVEL SECURITY;', name) FROM tables
            WHERE pg_get_userbyid(relowner) = session_user AND NOT relforcerowsecurity"
        }
        Rule::MissingGrant => {
            "SELECT p.name, format('GRANT %s ON TABLE %s TO %I;', string_agg(command, ', '), tab, rolname)
            FROM policies p, unnest(commands) command, pg_catalog.pg_roles r
            WHERE polpermissive AND polcmd <> '*' AND r.oid = ANY (polroles)
            AND NOT has_table_privilege(r.oid, polrelid, command)
            -- Columns can be granted one by one, but not for DELETE.
            AND CASE command WHEN 'DELETE' THEN true ELSE NOT has_any_column_privilege(r.oid, polrelid, command) END
            GROUP BY p.name, tab, rolname"
        }
        Rule::MissingIndex => {
            r"SELECT DISTINCT tab || '.' || name, format('CREATE INDEX ON %s (%s);', tab, name)
            FROM columns WHERE texts ~ 'auth\.(uid|jwt)\(\)' AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_index i
                WHERE i.indrelid = polrelid AND i.indkey[0] = attnum AND i.indisvalid)"
        }
        Rule::RlsWithoutPolicy => {
            "SELECT name, NULL::text FROM tables WHERE relrowsecurity AND oid NOT IN (SELECT polrelid FROM policies)"
        }
    }
}
