-- Hexclave's own tokens: those of this project's normal users. (Minted tokens have no `iss`.)
create policy "one project" on notes as restrictive to authenticated
  using ((select auth.jwt() ->> 'iss') in (
    'https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555',
    'https://api.stack-auth.com/api/v1/projects/11111111-2222-4333-8444-555555555555'));

-- Both ways: no guests. A token that does not say is refused.
create policy "no guests" on notes as restrictive to authenticated
  using ((select (auth.jwt() ->> 'is_anonymous')::boolean) is false);

-- Both ways: nobody who is held back. Minted tokens say so where restricted users get any.
create policy "nobody held back" on notes as restrictive to authenticated
  using ((select (auth.jwt() ->> 'is_restricted')::boolean) is not true);
