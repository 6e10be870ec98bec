import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { startCapture } from "./capture.ts";
import { createLab } from "./lab.ts";
import type { Lab } from "./lab.ts";
import { waitFor } from "./time.ts";

const skip = process.getuid?.() === 0 ? false : "needs root: it makes namespaces";

async function withLab(body: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await createLab();
  try {
    await body(lab);
  } finally {
    await lab.close();
  }
}

test("hosts reach each other over the switch, until the cable is pulled", { skip }, () =>
  withLab(async (lab) => {
    const one = await lab.host("one", { address: "192.0.2.1/24" });
    const two = await lab.host("two", { address: "192.0.2.2/24" });
    const reached = () => one.exec(["bash", "-c", "exec 3<>/dev/tcp/192.0.2.2/9"]);
    // A refusal comes from the other host; without a cable nothing comes back.
    assert.match((await reached()).stderr, /refused/);
    await lab.setCable(two, "pulled");
    const link = await two.run(["ip", "link", "show", two.interface]);
    assert.match(link, /NO-CARRIER/);
  }),
);

test("a host sees its own processes only, and reaps what daemons leave", { skip }, () =>
  withLab(async (lab) => {
    const one = await lab.host("one", { address: "192.0.2.1/24" });
    const two = await lab.host("two", { address: "192.0.2.2/24" });
    await one.run(["sh", "-c", "sleep 600 </dev/null >/dev/null 2>&1 &"]);
    assert.deepEqual(
      one.processes().map((process) => process.name),
      ["sleep"],
    );
    assert.deepEqual(two.processes(), []);
    assert.match(await one.run(["cat", "/proc/sys/kernel/hostname"]), /^one$/m);

    assert.equal(one.killByName("sleep"), 1);
    await waitFor("the orphan to be reaped", () => one.processes().length === 0, 5000);
  }),
);

test("a signal reaches the process itself; its end is reported as it was", { skip }, () =>
  withLab(async (lab) => {
    const host = await lab.host("one", { address: "192.0.2.1/24" });
    const trap = "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    const polite = await host.spawn(["sh", "-c", trap]);
    await waitFor("the trap to be set", () => polite.output.includes("ready"), 5000);
    assert.ok(polite.kill("SIGTERM"));
    assert.deepEqual(await polite.exited, { code: 7, signal: null });
    await polite.drained;
    assert.match(polite.output, /caught/);

    const frozen = await host.spawn(["sleep", "600"]);
    frozen.kill("SIGSTOP");
    await waitFor("it to stop", () => host.processes()[0]?.state === "T", 5000);
    frozen.kill("SIGCONT");
    await waitFor("it to go on", () => host.processes()[0]?.state === "S", 5000);
    frozen.kill("SIGKILL");
    assert.deepEqual(await frozen.exited, { code: null, signal: "SIGKILL" });
    assert.equal(frozen.kill("SIGKILL"), false);
  }),
);

test("killing everything leaves the host and its addresses to be looked at", { skip }, () =>
  withLab(async (lab) => {
    const host = await lab.host("one", { address: "192.0.2.1/24" });
    const running = await Promise.all([1, 2, 3].map(() => host.spawn(["sleep", "600"])));
    await host.run(["ip", "address", "add", "192.0.2.100/32", "dev", host.interface]);
    await host.killEverything();
    for (const process of running) assert.equal((await process.exited).signal, "SIGKILL");
    assert.deepEqual(host.processes(), []);
    assert.deepEqual(
      (await host.addresses()).map((entry) => entry.address),
      ["192.0.2.1", "192.0.2.100"],
    );
  }),
);

test("IPv6 is on where a host has an address of it, with that address only", { skip }, () =>
  withLab(async (lab) => {
    const one = await lab.host("one", { address: "192.0.2.1/24", ipv6: "fe80::11/64" });
    const two = await lab.host("two", { address: "192.0.2.2/24", ipv6: "fe80::12/64" });
    const old = await lab.host("old", { address: "192.0.2.3/24" });
    const capture = await startCapture(two);
    assert.deepEqual(
      (await one.addresses()).map((entry) => `${entry.address}/${entry.prefixLength}`),
      ["192.0.2.1/24", "fe80::11/64"],
    );
    assert.ok(await two.holds("fe80::12"));
    const reached = ["bash", "-c", `exec 3<>/dev/tcp/fe80::12%${one.interface}/9`];
    assert.match((await one.exec(reached)).stderr, /refused/);
    const own = await one.run(["ip", "-6", "address", "show", "dev", "lo"]);
    assert.equal(own + (await old.run(["ip", "-6", "address"])), "");
    await waitFor(
      "the answer to who has fe80::12",
      () => capture.neighbourAdvertisements(-Infinity, "fe80::12").length > 0,
      5000,
    );
    await capture.stop();
    const [answer] = capture.neighbourAdvertisements(-Infinity, "fe80::12");
    assert.deepEqual(answer?.flags, { router: false, solicited: true, override: true });
    assert.equal(answer?.linkLayer, answer?.sourceMac);
    assert.deepEqual(capture.neighbourAdvertisements(Infinity), []);
  }),
);

test("a host has further interfaces on the same switch", { skip }, () =>
  withLab(async (lab) => {
    const one = await lab.host("one", {
      address: "192.0.2.1/24",
      extraInterfaces: [{ name: "ens34", address: "198.51.100.1/24" }, { name: "ens35" }],
    });
    const two = await lab.host("two", { address: "198.51.100.2/24" });
    const reached = await two.exec(["bash", "-c", "exec 3<>/dev/tcp/198.51.100.1/9"]);
    assert.match(reached.stderr, /refused/);
    assert.match(await one.run(["ip", "link", "show", "dev", "ens35"]), /state UP/);
    assert.ok(!(await one.holds("198.51.100.1")));
    assert.match(await lab.switch.run(["ip", "link"]), /one-1@.*one-2@/s);
  }),
);

test("a failing command is told with what it said", { skip }, () =>
  withLab(async (lab) => {
    const host = await lab.host("one", { address: "192.0.2.1/24" });
    await assert.rejects(
      host.run(["sh", "-c", "echo broken >&2; exit 3"]),
      /host one: sh .* ended with status 3: broken/,
    );
  }),
);

test("a lab that is killed leaves nothing", { skip }, async () => {
  const script = `
    import { createLab } from ${JSON.stringify(new URL("./lab.ts", import.meta.url).href)};
    const lab = await createLab();
    const host = await lab.host("one", { address: "192.0.2.1/24" });
    const sleep = await host.spawn(["sleep", "600"]);
    console.log([lab.switch.initPid, host.initPid, sleep.pid].join(" "));
    setInterval(() => {}, 1000);
  `;
  const victim = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [pids = ""] = (
    await createInterface({ input: victim.stdout })[Symbol.asyncIterator]().next()
  ).value?.split("\n") ?? [""];
  const alive = () => pids.split(" ").filter((pid) => existsSync(`/proc/${pid}/ns/net`));
  assert.equal(alive().length, 3);
  victim.kill("SIGKILL");
  await waitFor("the kernel to end its hosts", () => alive().length === 0, 10_000);
});
