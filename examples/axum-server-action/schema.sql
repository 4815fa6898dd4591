-- The policies are those of `hexclave-bridge supabase policies notes --owner owner --refuse-anonymous`.
CREATE TABLE public.notes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  owner uuid NOT NULL DEFAULT auth.uid(),
  text text NOT NULL CONSTRAINT text_length CHECK (length(text) BETWEEN 1 AND 1000)
);

ALTER TABLE "public"."notes" ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE "public"."notes" FROM PUBLIC, anon, authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE "public"."notes" TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE "public"."notes" TO service_role;
CREATE INDEX ON "public"."notes" ("owner");
CREATE POLICY "select own rows" ON "public"."notes" FOR SELECT TO authenticated USING ("owner" = (SELECT auth.uid()));
CREATE POLICY "insert own rows" ON "public"."notes" FOR INSERT TO authenticated WITH CHECK ("owner" = (SELECT auth.uid()));
CREATE POLICY "update own rows" ON "public"."notes" FOR UPDATE TO authenticated USING ("owner" = (SELECT auth.uid())) WITH CHECK ("owner" = (SELECT auth.uid()));
CREATE POLICY "delete own rows" ON "public"."notes" FOR DELETE TO authenticated USING ("owner" = (SELECT auth.uid()));
CREATE POLICY "not anonymous" ON "public"."notes" AS RESTRICTIVE FOR ALL TO authenticated USING (((SELECT auth.jwt()) ->> 'is_anonymous')::boolean IS FALSE) WITH CHECK (((SELECT auth.jwt()) ->> 'is_anonymous')::boolean IS FALSE);
