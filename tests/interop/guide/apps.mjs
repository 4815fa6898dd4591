// "Initializing the Hexclave App": the two files of the guides, with the package under the name that it has on npm.
import { HexclaveClientApp, HexclaveServerApp } from "@stackframe/js";

export const hexclaveClientApp = new HexclaveClientApp({
  tokenStore: "cookie", // "nextjs-cookie" for Next.js, "cookie" for other web frontends, null for backend environments
  urls: {
    default: {
      type: "hosted",
    },
  },
  // No connections but those of the test.
  analytics: { enabled: false },
  devTool: false,
});

export const hexclaveServerApp = new HexclaveServerApp({
  inheritsFrom: hexclaveClientApp,
});
