/**
 * What is sent to a virtual address does not arrive, neighbour discovery excepted (RFC 9568 section 6.1): two hosts,
 * connections from one to the other.
 */
import assert from "node:assert/strict";
import type { ChildProcessByStdio } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { afterEach, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Host } from "@karuntime/lab/host.ts";
import type { Lab } from "@karuntime/lab/lab.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import { waitFor } from "@karuntime/lab/time.ts";

const CLIENT = fileURLToPath(new URL("nftables-client.ts", import.meta.url));
const PORT = "8080";
/** Reached only when something is broken. */
const DEADLINE_MS = 20_000;
/** What is dropped; the first attempt is lost already, and TCP would make the second one after 1 s. */
const DROPPED_MS = 700;
const TABLE = "karuntime";
/** Of host A: its own, and the virtual ones. */
const OWN4 = "10.0.0.1";
const VIP4 = "10.0.0.100";
const OWN6 = "2001:db8::1";
const VIP6 = "2001:db8::100";
/** Of host B. */
const PEER6 = "2001:db8::22";

interface Filter {
  /** @returns "ok", or the error. */
  ask(line: string): Promise<string>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

const skip = process.getuid?.() === 0 ? false : "needs root: it makes network namespaces";

describe("the filter of virtual addresses", { skip }, () => {
  let lab: Lab;
  let a: Host;
  let b: Host;

  beforeEach(async () => {
    lab = await createLab();
    // A host without a link-local address sends no solicitation to a neighbour alone.
    a = await lab.host("a", { address: `${OWN4}/24`, ipv6: "fe80::1/64" });
    b = await lab.host("b", { address: "10.0.0.2/24", ipv6: "fe80::2/64" });
    for (const address of [`${OWN6}/64`, `${VIP4}/24`, `${VIP6}/64`]) await addAddress(a, address);
    await addAddress(b, `${PEER6}/64`);
    for (const host of [a, b]) {
      const server = await host.spawn([process.execPath, CLIENT, "listen", PORT]);
      await waitFor("the server", () => server.output.includes("listening"), DEADLINE_MS);
    }
  });
  afterEach(() => lab.close());

  for (const [family, own, virtual, other] of [
    ["IPv4", OWN4, VIP4, VIP6],
    ["IPv6", OWN6, VIP6, VIP4],
  ] as const) {
    test(`${family}: drops what is sent to an address from adding it to removing it`, async () => {
      await assertAccepts(b, virtual);
      const filter = await open(a, TABLE);
      await assertAccepts(b, virtual);
      assert.equal(await filter.ask(`add ${virtual}`), "ok");
      await assertDrops(b, virtual);
      await assertAccepts(b, own);
      await assertAccepts(b, other);
      assert.equal(await filter.ask(`remove ${virtual}`), "ok");
      await assertAccepts(b, virtual);
    });
  }

  test("both families at once; what is there already, or is not there, is no error", async () => {
    const filter = await open(a, TABLE);
    const many = Array.from({ length: 1100 }, (_, index) => `2001:db8:1::${index.toString(16)}`);
    for (const line of [
      "add",
      "remove",
      `remove ${VIP4} ${VIP6}`,
      `add ${VIP4}`,
      `add ${VIP6} ${VIP4} ${VIP4} 10.0.0.101 ${many.join(" ")}`,
      `remove 10.0.0.101 10.0.0.101 10.0.0.102 ${many.join(" ")}`,
    ])
      assert.equal(await filter.ask(line), "ok");
    await assertDrops(b, VIP4);
    await assertDrops(b, VIP6);
    assert.equal(await filter.ask(`remove ${VIP4} 10.0.0.103 ${VIP6}`), "ok");
    await assertAccepts(b, VIP4);
    await assertAccepts(b, VIP6);
  });

  test("answers neighbour solicitations for an address, also those sent to it alone", async () => {
    const filter = await open(a, TABLE);
    await filter.ask(`add ${VIP6}`);
    await assertDrops(b, VIP6);
    assert.ok(await knows(b, VIP6));
    // As when an entry was not confirmed for long: the next solicitation goes to the address itself, and to no group.
    await b.run([
      "sh",
      "-c",
      `echo 1 >/proc/sys/net/ipv6/neigh/${b.interface}/delay_first_probe_time`,
    ]);
    await b.run(["ip", "neigh", "change", VIP6, "dev", b.interface, "nud", "stale"]);
    await assertDrops(b, VIP6);
    const probed = async () =>
      !["STALE", "DELAY", "PROBE"].includes((await neighbor(b, VIP6)) ?? "");
    await waitFor("an answer", probed, DEADLINE_MS);
    assert.equal(await neighbor(b, VIP6), "REACHABLE");
  });

  test("lets neighbour advertisements to an address in", async () => {
    const filter = await open(a, TABLE);
    await filter.ask(`add ${VIP6}`);
    assert.equal(await neighbor(a, PEER6), undefined);
    // It solicits from the virtual address, and the answer goes there.
    assert.equal(await connectFrom(a, PEER6, VIP6), "timed out");
    assert.ok(await knows(a, PEER6));
    await filter.ask(`remove ${VIP6}`);
    assert.equal(await connectFrom(a, PEER6, VIP6), "connected");
  });

  test("leaves nothing behind when it is closed, and none of another name", async () => {
    const filter = await open(a, TABLE);
    const other = await open(a, "other");
    await filter.ask(`add ${VIP4} ${VIP6}`);
    await other.ask(`add ${VIP4}`);
    assert.equal(await filter.ask("close"), "ok");
    await assertAccepts(b, VIP6);
    await assertDrops(b, VIP4);
    assert.equal(await other.ask("close"), "ok");
    await assertAccepts(b, VIP4);
  });

  test("leaves nothing behind when its process is killed", async () => {
    const filter = await open(a, TABLE);
    await filter.ask(`add ${VIP4} ${VIP6}`);
    await assertDrops(b, VIP4);
    await assertDrops(b, VIP6);
    await filter.kill();
    await assertAccepts(b, VIP4);
    await assertAccepts(b, VIP6);
    const next = await open(a, TABLE);
    assert.equal(await next.ask(`add ${VIP4}`), "ok");
    await assertDrops(b, VIP4);
  });

  test("replaces a table that was left without an owner", async () => {
    await a.run([process.execPath, CLIENT, "leave", TABLE]);
    const filter = await open(a, TABLE);
    assert.equal(await filter.ask(`add ${VIP4}`), "ok");
    await assertDrops(b, VIP4);
    await filter.kill();
    await assertAccepts(b, VIP4);
  });

  test("refuses the table of another process, which keeps it, and says why", async () => {
    const filter = await open(a, TABLE);
    await filter.ask(`add ${VIP4}`);
    await assert.rejects(open(a, TABLE), /table.*\bEPERM\b/);
    await assertDrops(b, VIP4);
  });
});

/** A process with a filter, in the host's network. */
async function open(host: Host, table: string): Promise<Filter> {
  const argv = [`--net=/proc/${host.initPid}/ns/net`, process.execPath, CLIENT, "filter", table];
  // It ends with its input, so with this process at the latest.
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn("nsenter", argv, {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => String((await answers.next()).value);
  processes.add(child);
  const opened = await answer();
  if (opened !== "ok") throw new Error(opened);
  return {
    ask(line) {
      child.stdin.write(`${line}\n`);
      return answer();
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

const processes = new Set<ChildProcessByStdio<Writable, Readable, null>>();
afterEach(() => {
  for (const child of processes) child.kill("SIGKILL");
  processes.clear();
});

async function addAddress(host: Host, prefix: string): Promise<void> {
  const nodad = prefix.includes(":") ? ["nodad"] : [];
  await host.run(["ip", "address", "add", prefix, "dev", host.interface, ...nodad]);
}

async function assertAccepts(host: Host, address: string): Promise<void> {
  assert.equal(await connectTo(host, address, DEADLINE_MS / 2), "connected", address);
}

async function assertDrops(host: Host, address: string): Promise<void> {
  assert.equal(await connectTo(host, address, DROPPED_MS), "timed out", address);
}

function connectFrom(host: Host, address: string, from: string): Promise<string> {
  return connectTo(host, address, DROPPED_MS, from);
}

async function connectTo(
  host: Host,
  address: string,
  limitMs: number,
  ...from: readonly string[]
): Promise<string> {
  const argv = [process.execPath, CLIENT, "connect", address, PORT, String(limitMs), ...from];
  return (await host.run(argv)).trim();
}

/** What the host thinks of its neighbour; undefined when it never heard of it. */
async function neighbor(host: Host, address: string): Promise<string | undefined> {
  const json = await host.run(["ip", "-json", "neighbor", "show", address]);
  const [entry] = JSON.parse(json) as readonly { readonly state?: readonly string[] }[];
  return entry?.state?.[0];
}

async function knows(host: Host, address: string): Promise<boolean> {
  return ["REACHABLE", "STALE", "DELAY"].includes((await neighbor(host, address)) ?? "");
}
