import type { NextConfig } from "next";

const config: NextConfig = {
  // Native code is loaded by Node and not bundled.
  serverExternalPackages: ["hexclave-node"],
  experimental: { turbopackFileSystemCacheForBuild: false },
};

export default config;
