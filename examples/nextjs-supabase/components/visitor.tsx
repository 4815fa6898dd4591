import type { CurrentUser } from "@stackframe/stack";

/** Who is there, and as whom Supabase is asked. */
export function Visitor({ user }: { user: CurrentUser }) {
  const { kind, asked } = describe(user);
  return (
    <section className="card" aria-label="You">
      <div className="heading">
        <h2>{user.displayName ?? user.primaryEmail ?? "A guest"}</h2>
        <span className={`kind ${kind}`}>{kind}</span>
      </div>
      <p>{asked}</p>
      <p className="quiet">
        Your id: <code>{user.id}</code>
      </p>
      <div className="buttons">
        <button type="button" onClick={() => user.signOut()}>
          Sign out
        </button>
      </div>
    </section>
  );
}

function describe({ isAnonymous, isRestricted }: CurrentUser) {
  if (isAnonymous) {
    return { kind: "guest", asked: "Guests get no token, so Supabase sees nobody in particular." };
  }
  if (isRestricted) {
    return { kind: "restricted", asked: "Restricted users get no token, so Supabase sees nobody in particular." };
  }
  return { kind: "normal", asked: "Supabase gets a token that says who you are." };
}
