"use client";

import { useUser } from "@stackframe/stack";
import { Rows } from "@/components/rows";
import { SignIn } from "@/components/sign-in";
import { Visitor } from "@/components/visitor";

export default function Page() {
  // Without the option, restricted users and guests would look signed out here; the tokens are for normal users either way.
  const user = useUser({ or: "anonymous-if-exists[deprecated]" });
  return (
    <main>
      <h1>Who sees which rows?</h1>
      <p className="quiet">
        Hexclave knows who you are, Supabase’s policies say what you may read. A server action takes your identity from one
        to the other.
      </p>
      {user ? <Visitor user={user} /> : <SignIn />}
      <Rows of={user?.id ?? null} />
    </main>
  );
}
