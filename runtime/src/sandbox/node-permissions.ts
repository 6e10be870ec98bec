/**
 * Node's own permission model around a sandbox host: a second wall behind the user that it runs as. It may read what it
 * is made of, how much memory it has, and what its plugins are granted; it writes nothing and starts nothing.
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Permissions } from "./protocol.ts";

/** Not all of /proc: /proc/self/root is a way to every file. */
const SELF = ["/proc/self/status", "/proc/self/statm"];
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
  const paths = [own, manifest, `${packages}/`, LIBC_MARK, ...SELF, ...readable];
  return [
    "--permission",
    // isolated-vm is one. Its warning would be what the host says before its end.
    "--allow-addons",
    "--disable-warning=SecurityWarning",
    ...(readable.includes("/") ? ["*"] : withoutCovered(paths)).map(
      (path) => `--allow-fs-read=${path}`,
    ),
    ...(process.allowedNodeEnvironmentFlags.has("--allow-net") ? ["--allow-net"] : []),
  ];
}

/** Node 24 refuses to list a folder of which both the whole and a part are allowed. */
function withoutCovered(paths: readonly string[]): readonly string[] {
  const folders = paths.filter((path) => path.endsWith("/"));
  return [...new Set(paths)].filter(
    (path) => !folders.some((folder) => path !== folder && path.startsWith(folder)),
  );
}

/** The paths that a host must be able to read for what one of its plugins is granted. */
export function readablePaths({ system, files, processes, dns }: Permissions): readonly string[] {
  // Whoever may ask how full a disk is may ask it of any path.
  if (system) return ["/"];
  return [
    ...files,
    // Which file was really opened.
    ...(files.length > 0 ? ["/proc/self/fd/"] : []),
    ...(processes.length > 0 ? ["/proc/"] : []),
    ...(dns.includes("system") ? ["/etc/resolv.conf"] : []),
  ];
}
