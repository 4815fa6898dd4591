-- What policies on Supabase expect in each database: the schema `auth` and its four functions that
-- read the claims of the current request.
--
-- Two families of settings carry claims. PostgREST sets the one JSON object `request.jwt.claims`;
-- Storage and Realtime set single claims as well (`request.jwt.claim.sub` and so on). A setting that
-- was set in an earlier transaction of the same connection is empty, not absent: empty counts as unset.

CREATE SCHEMA auth;

-- An empty `sub` inside the JSON object is no UUID and fails with 22P02, as it does on Supabase.
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
$$;

CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
    )
$$;

CREATE FUNCTION auth.email() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
    )
$$;

-- The whole object has its own single-value name, `request.jwt.claim`, which nothing derives from
-- `request.jwt.claim.sub`: with only that one set there is a user id and yet no token here.
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA auth TO PUBLIC;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;

-- Tables get no grants of themselves. Before PostgreSQL 15 everybody could create objects in `public`.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
