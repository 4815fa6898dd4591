import "server-only";
import { HexclaveServerApp } from "@stackframe/stack";
import { hexclaveClientApp } from "./client";

export const hexclaveServerApp = new HexclaveServerApp({
  inheritsFrom: hexclaveClientApp,
});
