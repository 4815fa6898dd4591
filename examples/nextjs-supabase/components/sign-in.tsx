import { useHexclaveApp } from "@stackframe/stack";
import { type SubmitEvent, useState, useTransition } from "react";

/** The shortest way in. The SDK's own pages do more: see its `HexclaveHandler`. */
export function SignIn() {
  const app = useHexclaveApp();
  const [isSigningIn, start] = useTransition();
  const [problem, setProblem] = useState<string | null>(null);

  function signIn(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [email, password] = [String(form.get("email")), String(form.get("password"))];
    start(async () => {
      const result = await app.signInWithCredential({ email, password, noRedirect: true });
      setProblem(result.status === "error" ? result.error.message : null);
    });
  }

  const beGuest = () =>
    start(async () => {
      await app.getUser({ or: "anonymous" });
    });

  return (
    <form className="card" aria-label="Sign in" onSubmit={signIn}>
      <div className="heading">
        <h2>Nobody is signed in</h2>
        <span className="kind">signed out</span>
      </div>
      <div className="fields">
        <label>
          E-mail
          <input name="email" type="email" autoComplete="username" required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
      </div>
      <div className="buttons">
        <button className="main" disabled={isSigningIn}>
          Sign in
        </button>
        <button type="button" disabled={isSigningIn} onClick={beGuest}>
          Continue as a guest
        </button>
      </div>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}
