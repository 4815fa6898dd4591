"use server";

import { mintSupabaseToken } from "hexclave-node";
import { hexclaveServerApp } from "@/hexclave/server";

/** A Supabase token for whoever is signed in, or null: then Supabase is asked as nobody. */
export const getSupabaseJwt = async () => mintSupabaseToken(await hexclaveServerApp.getAccessToken());
