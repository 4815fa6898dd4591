-- The table, rows and policies of Hexclave's guide "Supabase Setup", as the guide writes them.
CREATE TABLE data (
  id bigint PRIMARY KEY,
  text text NOT NULL,
  user_id UUID
);

INSERT INTO data (id, text, user_id) VALUES
  (1, 'Everyone can see this', NULL),
  (2, 'Only authenticated users can see this', NULL),
  (3, 'Only user with specific id can see this', NULL);

ALTER TABLE data ENABLE ROW LEVEL SECURITY;

CREATE POLICY "Public read" ON "public"."data" TO public
USING (id = 1);

CREATE POLICY "Authenticated access" ON "public"."data" TO authenticated
USING (id = 2);

CREATE POLICY "User access" ON "public"."data" TO authenticated
USING (id = 3 AND auth.uid() = user_id);

-- What the guide leaves out: Supabase grants nothing on a new table since 2026. Reading is all that is granted here,
-- because policies without FOR are for every command: with a grant to write, anybody could delete row 1.
GRANT SELECT ON public.data TO anon, authenticated;
