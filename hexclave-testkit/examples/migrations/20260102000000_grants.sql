-- New Supabase projects grant nothing by themselves. The owner of a note never changes.
grant select on notes to anon;
grant select, insert, delete, update (team, body, published) on notes to authenticated;
