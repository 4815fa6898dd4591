// Puts the native part that Cargo has built where the package looks for it: `node scripts/place.mjs debug|release`.

import { copyFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { platform } from "./platform.mjs";

const LIBRARIES = { darwin: "libhexclave_node.dylib", win32: "hexclave_node.dll" };

const folder = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = process.env.CARGO_TARGET_DIR ?? join(folder, "..", "target");
const built = join(target, process.argv[2] ?? "release", LIBRARIES[process.platform] ?? "libhexclave_node.so");
const place = join(folder, `hexclave-node.${platform()}.node`);

// Whoever has the old one loaded keeps it.
await copyFile(built, `${place}.new`);
await rename(`${place}.new`, place);
