/** This platform's name as the packages have it, such as `linux-x64-gnu`. */
export function platform() {
  const name = `${process.platform}-${process.arch}`;
  switch (process.platform) {
    case "linux":
      return `${name}-${usesMusl() ? "musl" : "gnu"}`;
    case "win32":
      return `${name}-msvc`;
    default:
      return name;
  }
}

/** Whether this Linux has musl in the place of the GNU C library, whose version is in a report of Node's. */
const usesMusl = () => process.report.getReport().header.glibcVersionRuntime === undefined;
