-- The table of Hexclave's guide "Supabase Setup", with policies that allow what the guide says and nothing else.
--
-- The guide's own policies have no FOR clause, so they are FOR ALL: where the roles of the API may write at all (in
-- projects from before 2026 they may, on every table), anybody can change and delete row 1, and everybody who is signed
-- in rows 1 and 2. Where they may not (in newer projects), nobody can even read, for want of a grant.
CREATE TABLE public.data (
  id bigint PRIMARY KEY,
  text text NOT NULL,
  user_id uuid
);

INSERT INTO public.data (id, text, user_id) VALUES
  (1, 'Everyone can see this', NULL),
  (2, 'Only authenticated users can see this', NULL),
  (3, 'Only user with specific id can see this', NULL);

-- Policies that compare a column with the user's id look it up by this.
CREATE INDEX data_user_id_idx ON public.data (user_id);

ALTER TABLE public.data ENABLE ROW LEVEL SECURITY;

-- What Row Level Security does not cover (TRUNCATE, for one) is withdrawn with the rest.
REVOKE ALL ON public.data FROM PUBLIC, anon, authenticated;
GRANT SELECT ON public.data TO anon, authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.data TO service_role;

-- One policy for each role: several for one are all run, row by row.
CREATE POLICY "Public read" ON public.data FOR SELECT TO anon
USING (id = 1);

-- In a SELECT of its own, auth.uid() is called once and not for each row.
CREATE POLICY "Signed-in read" ON public.data FOR SELECT TO authenticated
USING (id IN (1, 2) OR (id = 3 AND user_id = (SELECT auth.uid())));
