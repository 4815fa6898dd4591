// "Supabase Setup": the guide's minting with jose, and its client with what it fetches. Next.js's server actions are plain
// functions here, and the request's user is in its headers.
import { createClient } from "@supabase/supabase-js";
import * as jose from "jose";
import ws from "ws";
import { run, string } from "../program.mjs";

await run("guide/supabase", async (input) => {
  process.env.HEXCLAVE_PROJECT_ID = string(input.projectId, "projectId");
  process.env.HEXCLAVE_SECRET_SERVER_KEY = string(input.secretServerKey, "secretServerKey");
  process.env.HEXCLAVE_API_URL = string(input.baseUrl, "baseUrl");
  process.env.SUPABASE_JWT_SECRET = string(input.jwtSecret, "jwtSecret");
  const { HexclaveServerApp } = await import("@stackframe/js");
  const hexclaveServerApp = new HexclaveServerApp({ tokenStore: null, analytics: { enabled: false } });

  const getSupabaseJwt = async (request) => {
    const user = await hexclaveServerApp.getUser({ tokenStore: request });
    if (!user) {
      return null;
    }
    const token = await new jose.SignJWT({
      sub: user.id,
      role: "authenticated",
    })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(new TextEncoder().encode(process.env.SUPABASE_JWT_SECRET));
    return token;
  };

  const fetched = async (accessToken) => {
    const supabase = createClient(string(input.supabaseUrl, "supabaseUrl"), string(input.anonKey, "anonKey"), {
      accessToken,
      realtime: { transport: ws },
    });
    const { data, error } = await supabase.from("data").select();
    if (error) {
      throw new Error(error.message);
    }
    return data.map((note) => note.text);
  };
  const signedIn = { headers: new Headers({ authorization: string(input.authorization, "authorization") }) };
  const signedOut = { headers: new Headers() };
  return {
    token: await getSupabaseJwt(signedIn),
    // As the guide has it, and with a token of ours in the place of its own.
    theirs: await fetched(async () => (await getSupabaseJwt(signedIn)) || ""),
    ours: await fetched(async () => string(input.minted, "minted")),
    nobody: await fetched(async () => (await getSupabaseJwt(signedOut)) || ""),
  };
});
process.exit();
