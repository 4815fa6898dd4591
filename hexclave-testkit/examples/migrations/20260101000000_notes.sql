-- Notes of teams: members read and write them, guests stay out, and everybody reads what is published.
create table notes (
    id bigint generated always as identity primary key,
    owner uuid not null default auth.uid(),
    team uuid not null,
    body text not null,
    published boolean not null default false
);

create index on notes (owner);
create index on notes (team);
alter table notes enable row level security;

create policy published on notes for select to anon, authenticated
    using (published);

create policy team_reads on notes for select to authenticated
    using ((select auth.jwt() -> 'app_metadata' -> 'teams') ? team::text);

create policy team_adds on notes for insert to authenticated
    with check (
        owner = (select auth.uid())
        and (select auth.jwt() -> 'app_metadata' -> 'teams') ? team::text
    );

create policy owner_changes on notes for update to authenticated
    using (owner = (select auth.uid()));

create policy owner_deletes on notes for delete to authenticated
    using (owner = (select auth.uid()));

create policy no_guests on notes as restrictive for all to authenticated
    using ((select (auth.jwt() ->> 'is_anonymous')::boolean) is false);
