/** Files outside of what was granted, and such as never end. */
import type { Attack } from "../attack.ts";

const permissions = '{ files: ["FOLDER/open/"] }';
const reading = (name: string, paths: string, reason = /./): Attack => ({
  name,
  source: `let said = ""; for (const path of [${paths}]) try { const { text } = await files.read(path); return down("read " + JSON.stringify(path) + ": " + text.slice(0, 20)); } catch (error) { said = error.message; if (!${String(reason)}.test(said)) return down(path + ": " + said); }`,
  permissions,
  timeoutMs: 1000,
  wanted: "up",
});

export const files: readonly Attack[] = [
  reading(
    "climbs out of the granted folder",
    '"FOLDER/open/../hidden", "FOLDER/open/./../hidden", "FOLDER/open//../hidden", "FOLDER/open/sub/../../hidden", "FOLDER/openhidden", "FOLDER/open/..", "FOLDER/open/%2e%2e/hidden", "FOLDER/open/..\\\\hidden", "/etc/passwd", "etc/passwd", "~/x", ""',
  ),
  reading(
    "follows links out of the granted folder",
    '"FOLDER/open/link", "FOLDER/open/up/hidden", "FOLDER/open/mem", "FOLDER/open/zero", "FOLDER/open/loop"',
  ),
  reading(
    "cuts its path by a NUL",
    '"FOLDER/hidden\\0FOLDER/open/file", "FOLDER/open/file\\0", "\\0", "FOLDER/open/\\0../hidden"',
  ),
  reading(
    "reads the host's own memory and descriptors",
    '"/proc/self/mem", "/proc/self/environ", "/proc/self/fd/3", "/dev/fd/3", "//proc/self/mem", "FOLDER/open//proc/self/mem", "/proc/1/root/etc/shadow"',
  ),
  reading(
    "reads what is no file",
    '"FOLDER/open/", "FOLDER/open/sub", "FOLDER/open/fifo", "FOLDER/open/sub/"',
  ),
  reading(
    "gives something else than a path",
    '{ toString: () => "FOLDER/hidden", startsWith: () => true }, ["FOLDER/hidden"], null, 7, { name: "FOLDER/open/file" }, "FOLDER/open/" + "x".repeat(1e6), "/".repeat(1e6)',
  ),
  {
    name: "reads a device that is granted",
    source:
      'try { await files.read("/dev/zero"); return down("read a device"); } catch (error) { if (!/no regular file/.test(error.message)) return down(error.message); }',
    permissions: '{ files: ["/dev/zero"] }',
    timeoutMs: 1000,
    wanted: "up",
  },
  {
    name: "reads a file of 1 TB",
    source:
      'const { text, size } = await files.read("FOLDER/open/huge"); if (text.length > 65536 || size !== 2 ** 40) return down(`${text.length} of ${size}`);',
    permissions,
    timeoutMs: 1000,
    wanted: "up",
  },
  {
    name: "reads a file a thousand times at once",
    source:
      'const all = await Promise.allSettled(Array.from({ length: 900 }, () => files.read("FOLDER/open/huge"))); const refused = all.filter(({ status }) => status === "rejected").length; if (refused < 800) return down(`${refused} were refused`);',
    permissions,
    timeoutMs: 3000,
    wanted: "up",
  },
  {
    name: "declares a path that climbs",
    source: 'await files.read("/etc/shadow");',
    permissions: '{ files: ["/tmp/../etc/shadow"] }',
    wanted: "refused",
    reason: /absolute path without/,
  },
  {
    name: "asks for the disk of a path with a NUL",
    source:
      'try { await system.disk("/\\0x"); return down("told"); } catch {} try { await system.pressure("../../etc/passwd"); return down("told"); } catch {}',
    permissions: "{ system: true }",
    timeoutMs: 1000,
    wanted: "up",
  },
];
