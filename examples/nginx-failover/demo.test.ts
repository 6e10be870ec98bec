/** The demo is the test of this example: every step within the bounds that it states, as root and without. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const DEMO = fileURLToPath(new URL("./demo.ts", import.meta.url));
const DEMO_MS_MAX = 5 * 60_000;
const isRoot = process.getuid?.() === 0;

/** Becomes the user nobody, who has no way to be root but in a user namespace. */
const AS_NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
const without = isRoot ? AS_NOBODY : [];

test(
  "as root, the demo's every step is within its bounds",
  { skip: isRoot ? false : "needs root" },
  () => runDemo([]),
);

test("without root, in a user namespace, it is as well", { skip: whyNot() }, () =>
  runDemo(without),
);

function runDemo(prefix: readonly string[]): void {
  const [file = "", ...argv] = [...prefix, "tsx", DEMO];
  const demo = spawnSync(file, argv, { encoding: "utf8", timeout: DEMO_MS_MAX });
  assert.equal(demo.status, 0, `${demo.error?.message ?? ""}\n${demo.stdout}${demo.stderr}`);
}

function whyNot(): string | false {
  const succeeds = (argv: readonly string[]): boolean => {
    const [file = "", ...rest] = [...without, ...argv];
    return spawnSync(file, rest, { stdio: "ignore" }).status === 0;
  };
  if (!succeeds(["test", "-r", DEMO])) return "the user nobody cannot read this checkout";
  const namespace = ["unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "true"];
  return succeeds(namespace) ? false : "the kernel refuses user namespaces to users without root";
}
