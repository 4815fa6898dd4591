import { StackClientApp, StackServerApp } from "@stackframe/js";

/** A browser's or terminal's application: it holds the tokens of whoever signs in with it. */
export function clientApp({ baseUrl, projectId, publishableClientKey }, options = {}) {
  return new StackClientApp({
    baseUrl,
    projectId,
    publishableClientKey,
    tokenStore: "memory",
    noAutomaticPrefetch: true,
    ...options,
  });
}

/** A backend's application. */
export function serverApp({ baseUrl, projectId, publishableClientKey, secretServerKey }, options = {}) {
  return new StackServerApp({
    baseUrl,
    projectId,
    publishableClientKey,
    secretServerKey,
    tokenStore: null,
    noAutomaticPrefetch: true,
    ...options,
  });
}

/** What went right, or an error that says what went wrong. */
export function ok(result) {
  if (result.status !== "ok") {
    throw new Error(`the SDK reports ${result.error?.errorCode ?? result.error}`);
  }
  return result.data;
}

/** The code with which something was refused. */
export function refusal(result) {
  if (result.status !== "error") {
    throw new Error("the SDK reports no error");
  }
  return result.error.errorCode;
}

/** The code of the known error that a promise rejects with. */
export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    if (error.errorCode) {
      return error.errorCode;
    }
    throw error;
  }
  throw new Error("the SDK reports no error");
}

/** Ends the program, which the connections that the SDK keeps open would hold up for seconds. */
export function end() {
  process.exit();
}
