import { useEffect, useState } from "react";
import { createSupabaseClient } from "@/utils/supabase-client";

type Answer = { to: string | null } & ({ rows: { id: number; text: string }[] } | { problem: string });

/** What Supabase lets the user of this id read, or nobody in particular. */
export function Rows({ of }: { of: string | null }) {
  const [latest, setLatest] = useState<Answer | null>(null);
  useEffect(() => {
    let isWanted = true;
    void createSupabaseClient()
      .from("data")
      .select("id, text")
      .order("id")
      .then(({ data, error }) => {
        if (isWanted) {
          setLatest({ to: of, ...(error ? { problem: error.message } : { rows: data }) });
        }
      });
    return () => {
      isWanted = false;
    };
  }, [of]);
  // Never what somebody else was shown before.
  const answer = latest?.to === of ? latest : null;
  return (
    <section className="card" aria-label="Rows" aria-busy={answer === null}>
      <h2>
        What Supabase shows you of <code>public.data</code>
      </h2>
      <Shown answer={answer} />
    </section>
  );
}

function Shown({ answer }: { answer: Answer | null }) {
  if (answer === null) {
    return <p className="quiet">Loading…</p>;
  }
  if ("problem" in answer) {
    return <p role="alert">{answer.problem}</p>;
  }
  if (answer.rows.length === 0) {
    return <p className="quiet">No rows.</p>;
  }
  return (
    <ul className="rows">
      {answer.rows.map(({ id, text }) => (
        <li key={id}>
          <code className="quiet">{id}</code>
          <span>{text}</span>
        </li>
      ))}
    </ul>
  );
}
