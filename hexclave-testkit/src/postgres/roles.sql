-- The roles through which Supabase's API reaches a database. They belong to the server, not to one
-- database, so they are made once and only where they are missing: on a server that has them already
-- (a local Supabase) nothing changes. Runs inside a transaction of its caller, which gives a new
-- `authenticator` its password when `hexclave_test.authenticator` says `new`.
DO $roles$
DECLARE
    api_role name;
BEGIN
    PERFORM pg_advisory_xact_lock(5287091126373457240);

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'anon') THEN
        CREATE ROLE anon NOLOGIN INHERIT;
        ALTER ROLE anon SET statement_timeout = '3s';
    END IF;

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticated') THEN
        CREATE ROLE authenticated NOLOGIN INHERIT;
        ALTER ROLE authenticated SET statement_timeout = '8s';
    END IF;

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'service_role') THEN
        CREATE ROLE service_role NOLOGIN INHERIT BYPASSRLS;
    END IF;

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticator') THEN
        CREATE ROLE authenticator LOGIN NOINHERIT;
        ALTER ROLE authenticator SET statement_timeout = '8s';
        ALTER ROLE authenticator SET lock_timeout = '8s';
        PERFORM set_config('hexclave_test.authenticator', 'new', true);
    END IF;

    FOREACH api_role IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF NOT pg_has_role('authenticator', api_role, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO authenticator', api_role);
        END IF;
    END LOOP;
END
$roles$;
