/**
 * Node's own permission model around a sandbox host: a second wall behind the user that it runs as. It may read what it
 * is made of, /proc, and the files that its plugins are granted; it writes nothing and starts nothing.
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** What isolated-vm's loader looks for to tell musl from glibc. */
const LIBC_MARK = "/etc/alpine-release";

/**
 * The flags for `node`.
 *
 * @param readable absolute paths; one that ends with "/" covers everything beneath it. "/" is everything that its user may read.
 */
export function nodePermissions(readable: readonly string[]): readonly string[] {
  const require = createRequire(import.meta.url);
  const packages = dirname(dirname(require.resolve("isolated-vm/package.json")));
  const own = fileURLToPath(new URL("..", import.meta.url));
  const manifest = fileURLToPath(new URL("../../package.json", import.meta.url));
  const paths = new Set([own, manifest, `${packages}/`, LIBC_MARK, "/proc/", ...readable]);
  return [
    "--permission",
    // isolated-vm is one. Its warning would be what the host says before its end.
    "--allow-addons",
    "--disable-warning=SecurityWarning",
    ...(readable.includes("/") ? ["*"] : [...paths]).map((path) => `--allow-fs-read=${path}`),
    ...(process.allowedNodeEnvironmentFlags.has("--allow-net") ? ["--allow-net"] : []),
  ];
}
