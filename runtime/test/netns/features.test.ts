/** What a node does beyond being master or backup: addresses, routes, packet filter, virtual MAC, trackers. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { waitFor } from "@karuntime/lab/time.ts";
import type { Host } from "@karuntime/lab/host.ts";
import type { Karuntime } from "@karuntime/lab/karuntime.ts";
import type { UserVirtualRouter } from "../../src/config/define.ts";
import {
  DEADLINE_MS,
  configuration,
  everyAddress,
  logged,
  whyNot,
  withCluster,
} from "./cluster.ts";

const skip = whyNot();
const FAST = { version: 3, advertInterval: "100ms" } as const;
const VIRTUAL = "10.0.0.100";

function router(changes: Partial<UserVirtualRouter> = {}): UserVirtualRouter {
  return { interface: "ens33", id: 51, addresses: [`${VIRTUAL}/24`], ...FAST, ...changes };
}

async function priorityOf(karuntime: Karuntime): Promise<number | undefined> {
  return (await karuntime.status()).virtualRouters[0]?.priority.effective;
}

function toBe(karuntime: Karuntime, priority: number): Promise<unknown> {
  return waitFor(
    `the priority to be ${priority}`,
    async () => (await priorityOf(karuntime)) === priority,
    DEADLINE_MS,
  );
}

/** Whether a TCP connection to the address comes about; a listener on every address of `server` must run. */
async function connects(from: Host, address: string, device?: string): Promise<boolean> {
  const zone = device === undefined ? "" : `%${device}`;
  const script = `require("net").connect({ host: ${JSON.stringify(address + zone)}, port: 8080 })
    .on("connect", () => process.exit(0)).on("error", () => process.exit(1));
    setTimeout(() => process.exit(2), 700);`;
  return (await from.exec([process.execPath, "-e", script])).status === 0;
}

async function listen(host: Host): Promise<void> {
  const script = `require("net").createServer((socket) => socket.end()).listen(8080, "::", () => console.log("ready"))`;
  const server = await host.spawn([process.execPath, "-e", script]);
  await waitFor("the listener", () => server.output.includes("ready"), DEADLINE_MS);
}

describe("what a master holds", { skip }, () => {
  test("addresses with what the kernel should know, excluded ones, routes and rules come and go with it; static ones stay", () =>
    withCluster(async ({ wire, node }) => {
      const a = await node(1, { extraInterfaces: [{ name: "other" }] });
      const karuntime = await a.start(
        configuration(
          {
            ...FAST,
            addresses: [
              {
                address: `${VIRTUAL}/24`,
                label: "ens33:vip",
                broadcast: "10.0.0.255",
              },
            ],
            excludedAddresses: [
              { address: "10.0.0.101/32", scope: "link" },
              { address: "10.7.0.1/24", device: "other" },
              { address: "2001:db8::5/64", preferredSeconds: 0 },
            ],
            routes: [
              { to: "198.51.100.0/24", via: "10.0.0.254", source: VIRTUAL, metric: 7 },
              { to: "203.0.113.0/24", type: "blackhole", table: 1000 },
              { to: "2001:db8:9::/64", device: "ens33" },
            ],
            rules: [{ from: `${VIRTUAL}/32`, table: 1000, preference: 77 }],
          },
          {
            static: {
              addresses: [{ device: "other", addresses: ["10.9.0.1/24"] }],
              routes: [{ to: "192.0.2.0/24", device: "other" }],
              rules: [{ to: "192.0.2.0/24", table: 254, preference: 78 }],
            },
          },
        ),
      );
      await karuntime.entered("master", DEADLINE_MS);
      await a.holds(VIRTUAL);
      const said = async () => ({
        ens33: await a.host.run(["ip", "address", "show", "dev", "ens33"]),
        other: await a.host.run(["ip", "address", "show", "dev", "other"]),
        routes: await a.host.run(["sh", "-c", "ip route show table all; ip -6 route show"]),
        rules: await a.host.run(["ip", "rule"]),
      });
      const master = await said();
      assert.match(
        master.ens33,
        /inet 10\.0\.0\.100\/24 brd 10\.0\.0\.255 scope global .*ens33:vip/,
      );
      assert.match(master.ens33, /inet 10\.0\.0\.101\/32 scope link/);
      assert.match(master.ens33, /inet6 2001:db8::5\/64 .*deprecated/);
      assert.match(master.other, /inet 10\.7\.0\.1\/24/);
      assert.match(
        master.routes,
        /198\.51\.100\.0\/24 via 10\.0\.0\.254 dev ens33 proto keepalived src 10\.0\.0\.100 metric 7/,
      );
      assert.match(master.routes, /blackhole 203\.0\.113\.0\/24 table 1000/);
      assert.match(master.routes, /2001:db8:9::\/64 dev ens33/);
      assert.match(master.rules, /77:\s+from 10\.0\.0\.100 lookup 1000/);
      assert.match(master.other, /inet 10\.9\.0\.1\/24/);
      // Only what is not excluded is advertised; all of it is announced.
      assert.deepEqual(wire.advertisements().at(-1)?.addresses, [VIRTUAL]);
      assert.ok(wire.gratuitousArps(undefined, "10.0.0.101").length >= 5);
      await waitFor(
        "the IPv6 address to be announced",
        () => wire.neighbourAdvertisements(undefined, "2001:db8::5").length >= 5,
        DEADLINE_MS,
      );

      await a.host.setLink("down");
      await karuntime.entered("fault", DEADLINE_MS);
      const fault = await said();
      assert.doesNotMatch(fault.ens33, /10\.0\.0\.10[01]/);
      assert.doesNotMatch(fault.other, /10\.7\.0\.1/);
      assert.match(fault.other, /inet 10\.9\.0\.1\/24/, "a static address does not move");
      assert.doesNotMatch(fault.routes, /203\.0\.113\.0/);
      assert.doesNotMatch(fault.rules, /77:/);
      assert.match(fault.rules, /78:/);
      await a.host.setLink("up");
      await karuntime.entered("master", DEADLINE_MS);

      await karuntime.stop();
      const after = await said();
      assert.doesNotMatch(after.other, /10\.9\.0\.1/);
      assert.doesNotMatch(after.routes, /198\.51\.100|203\.0\.113|192\.0\.2/);
      assert.doesNotMatch(after.rules, /7[78]:/);
    }));

  test("what a killed one left in the routing tables, the next one removes", () =>
    withCluster(async ({ node }) => {
      const a = await node(1);
      const options = {
        ...FAST,
        routes: [{ to: "203.0.113.0/24", type: "blackhole" as const }],
        rules: [{ from: `${VIRTUAL}/32`, table: 1000, preference: 77 }],
      };
      const first = await a.start(configuration(options));
      await first.entered("master", DEADLINE_MS);
      await a.host.killEverything();
      assert.match(await a.host.run(["ip", "route"]), /203\.0\.113/);
      const second = await a.start(configuration({ ...FAST, startDelay: "10m" }));
      await waitFor(
        "they are gone",
        async () =>
          !(await a.host.run(["ip", "route"])).includes("203.0.113") &&
          !(await a.host.run(["ip", "rule"])).includes("77:"),
        DEADLINE_MS,
      );
      assert.equal((await second.status()).virtualRouters[0]?.state, "initialize");
    }));

  test("accept: false: what is sent to the address is dropped, neighbour discovery is answered; killed, nothing stays", () =>
    withCluster(async ({ node }) => {
      const a = await node(1);
      const b = await node(2);
      await listen(a.host);
      const v6 = {
        ...router({ id: 52, addresses: ["fe80::34/64", "2001:db8::100/64"] }),
        accept: false,
      };
      await b.host.run(["ip", "-6", "address", "add", "2001:db8::2/64", "dev", "ens33", "nodad"]);
      const karuntime = await a.start({
        virtualRouters: {
          VI_1: router({ accept: false, lease: false }),
          VI_6: { ...v6, lease: false },
        },
      });
      await a.holds(VIRTUAL);
      await a.holds("2001:db8::100");
      assert.equal(await connects(b.host, VIRTUAL), false);
      assert.equal(await connects(b.host, "2001:db8::100"), false);
      assert.equal(await connects(b.host, a.address), true, "its own address accepts");
      assert.match(
        await b.host.run(["ip", "-6", "neighbour", "show", "2001:db8::100"]),
        /lladdr .*(REACHABLE|STALE|DELAY|PROBE)/,
      );
      assert.equal((await karuntime.status()).virtualRouters[0]?.state, "master");
      await a.host.killEverything();
      await listen(a.host);
      assert.ok((await everyAddress(a.host)).includes(VIRTUAL));
      assert.equal(await connects(b.host, VIRTUAL), true, "the kernel removed the table");
    }));

  test("strict mode says what it does to the address, and the address answers nothing", () =>
    withCluster(async ({ node }) => {
      const a = await node(1);
      const b = await node(2);
      await listen(a.host);
      const karuntime = await a.start(configuration({ ...FAST, strict: true }));
      await logged(karuntime, /drops what is sent to them, so they answer no ping/);
      await a.holds(VIRTUAL);
      assert.equal(await connects(b.host, VIRTUAL), false);
    }));

  test("an interface of the virtual MAC's name that is somebody else's is left alone, and named", () =>
    withCluster(async ({ node }) => {
      const a = await node(1);
      await a.host.run(["ip", "link", "add", "mine", "type", "bridge"]);
      const karuntime = await a.start(
        configuration({ ...FAST, virtualMac: { interface: "mine" } }),
      );
      await logged(karuntime, /there is an interface mine that is not ours/);
      await karuntime.entered("fault", DEADLINE_MS);
      await karuntime.stop();
      assert.match(await a.host.run(["ip", "-d", "link", "show", "mine"]), /bridge/);
    }));

  test("an interface that is deleted and made again is taken up again", () =>
    withCluster(async ({ node }) => {
      const a = await node(1);
      const make = async (): Promise<void> => {
        await a.host.run(["ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"]);
        await a.host.run(["ip", "address", "add", "10.5.0.1/24", "dev", "v0"]);
        for (const name of ["v0", "v1"]) await a.host.run(["ip", "link", "set", name, "up"]);
      };
      await make();
      const karuntime = await a.start(configuration({ ...FAST, interface: "v0" }));
      await karuntime.entered("master", DEADLINE_MS);
      await a.holds(VIRTUAL);
      await a.host.run(["ip", "link", "del", "v0"]);
      await karuntime.entered("fault", DEADLINE_MS);
      assert.match(await karuntime.statusText(), /because the interface does not exist/);
      await make();
      await karuntime.entered("master", DEADLINE_MS);
      await a.holds(VIRTUAL);
      const before = (await karuntime.status()).virtualRouters[0]?.counters.advertisementsSent ?? 0;
      await waitFor(
        "advertisements on the new one",
        async () =>
          ((await karuntime.status()).virtualRouters[0]?.counters.advertisementsSent ?? 0) >
          before + 3,
        DEADLINE_MS,
      );
      assert.deepEqual(
        karuntime.records.filter(({ message }) => /could not be sent/.test(message)),
        [],
      );
    }));

  test("a virtual MAC: the address is found at it alone, and the interface goes with karuntime", () =>
    withCluster(async ({ wire, node }) => {
      const a = await node(1);
      const b = await node(2);
      const karuntime = await a.start(configuration({ ...FAST, virtualMac: true }));
      await a.holds(VIRTUAL);
      await listen(a.host);
      assert.equal(await connects(b.host, VIRTUAL), true);
      const neighbours = await b.host.run(["ip", "neighbour", "show", VIRTUAL]);
      assert.match(neighbours, /lladdr 00:00:5e:00:01:33/);
      const answers = wire.packets.filter(
        (packet) => packet.type === "arp" && packet.senderAddress === VIRTUAL,
      );
      for (const answer of answers) assert.equal(answer.sourceMac, "00:00:5e:00:01:33");
      await karuntime.stop();
      assert.doesNotMatch(await a.host.run(["ip", "link"]), /vrrp\.51/);
    }));
});

describe("trackers", { skip }, () => {
  test("an interface, a file and a process count with their weights, and status shows the sum", () =>
    withCluster(async ({ node }) => {
      const a = await node(1, { extraInterfaces: [{ name: "uplink" }] });
      a.host.write("/run/priority", "3\n");
      const karuntime = await a.start(
        configuration(
          {
            ...FAST,
            priority: 100,
            track: {
              interfaces: [{ interface: "uplink", weight: -30 }],
              files: [{ file: "manual", weight: 2 }],
              processes: [{ process: "tail", weight: 20 }],
            },
          },
          {
            files: { manual: { path: "/run/priority" } },
            processes: { tail: { name: "tail", arguments: ["-f", "/dev/null"] } },
          },
        ),
      );
      await karuntime.entered("master", DEADLINE_MS);
      await toBe(karuntime, 106);
      const process = await a.host.spawn(["tail", "-f", "/dev/null"]);
      await toBe(karuntime, 126);
      a.host.write("/run/priority", "-5\n");
      await toBe(karuntime, 110);
      await a.host.run(["ip", "link", "set", "uplink", "down"]);
      await toBe(karuntime, 80);
      assert.match(
        await karuntime.statusText(),
        /priority 80 = 100 - 30 \(interface uplink is down\) - 10 \(file manual is -5\) \+ 20 \(process tail is up\)/,
      );
      process.kill("SIGKILL");
      await toBe(karuntime, 60);
      a.host.write("/run/priority", "-127\n");
      await karuntime.entered("fault", DEADLINE_MS);
      await a.host.run(["rm", "/run/priority"]);
      await toBe(karuntime, 70);
    }));

  test("a process of weight 0 that dies takes the address away at once; reverse turns it round", () =>
    withCluster(async ({ node }) => {
      const a = await node(1);
      const tracked = { processes: { tail: { name: "tail" } } };
      const process = await a.host.spawn(["tail", "-f", "/dev/null"]);
      const karuntime = await a.start(
        configuration({ ...FAST, track: { processes: ["tail"] } }, tracked),
      );
      await karuntime.entered("master", DEADLINE_MS);
      process.kill("SIGKILL");
      await karuntime.entered("fault", DEADLINE_MS);
      await a.lacks(VIRTUAL);
      await karuntime.stop();
      const again = await a.start(
        configuration(
          { ...FAST, track: { processes: [{ process: "tail", reverse: true }] } },
          tracked,
        ),
      );
      await again.entered("master", DEADLINE_MS);
      await a.host.spawn(["tail", "-f", "/dev/null"]);
      await again.entered("fault", DEADLINE_MS);
    }));
});
