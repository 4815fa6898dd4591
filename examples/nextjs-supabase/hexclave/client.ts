import { HexclaveClientApp } from "@stackframe/stack";

export const hexclaveClientApp = new HexclaveClientApp({
  tokenStore: "nextjs-cookie",
  analytics: { enabled: false },
  devTool: false,
});
