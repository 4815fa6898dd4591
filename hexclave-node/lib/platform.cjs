"use strict";

/** The platform's name as the packages have it, such as `linux-x64-gnu`. */
function platform() {
  const { platform, arch } = process;
  if (platform === "linux") return `${platform}-${arch}-${usesMusl() ? "musl" : "gnu"}`;
  return platform === "win32" ? `${platform}-${arch}-msvc` : `${platform}-${arch}`;
}

/** Whether this Linux has musl in the place of the GNU C library, of whose version a report tells. */
function usesMusl() {
  const before = process.report.excludeNetwork;
  // Otherwise a report looks up the names of all peers.
  process.report.excludeNetwork = true;
  const { header } = process.report.getReport();
  process.report.excludeNetwork = before;
  return header.glibcVersionRuntime === undefined;
}

module.exports = { platform };
