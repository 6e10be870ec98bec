import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { UserVirtualServer } from "../config/define.ts";
import { validateConfiguration } from "../config/validate.ts";
import { createLog } from "../observe/log.ts";
import { createDirector } from "./director.ts";

const log = await createLog("json", "error");
const FIRST = "192.0.2.11:80 of web";
const plugin = { type: "plugin", plugin: "./redis.ts", retries: 1, retryDelay: "0s" } as const;
const realServer = (place: number) =>
  ({ server: `192.0.2.${place}:80`, checkers: [plugin] }) as const;

/** A director of the virtual server "web" with two real servers, and what it told. */
function start(changes: Partial<UserVirtualServer> = {}, before: readonly string[] = []) {
  const web = {
    services: ["192.0.2.100:80"],
    protocol: "TCP",
    realServers: [realServer(11), realServer(12)],
    ...changes,
  };
  const validation = validateConfiguration(
    {
      virtualRouters: { VI_1: { interface: "eth0", id: 51, addresses: ["192.0.2.100/24"] } },
      virtualServers: { web },
    },
    "f",
  );
  assert.ok(validation.ok);
  const told: string[] = [];
  /** Runs that were asked for, each to be ended. */
  const asked: { readonly checker: string; readonly done: () => void }[] = [];
  const director = createDirector({
    ...validation.configuration,
    tell: (event) => void told.push(`${event.event} ${event.subject.name}`),
    again: (checker) => new Promise((done) => void asked.push({ checker, done })),
    log,
  });
  for (const checker of before) director.judge.set(checker, "down", "refused");
  director.start();
  const set = (state: "up" | "down", checker = FIRST) => director.judge.set(checker, state, "why");
  return { director, told, asked, set };
}

/** Lets timers of 0 ms and what waits for promises run. */
const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 20));

describe("a failure that is tried again", () => {
  test("counts when the retry says no more", async () => {
    const { told, asked, set } = start();
    set("up");
    set("down");
    await turn();
    assert.deepEqual(
      asked.map(({ checker }) => checker),
      [FIRST],
    );
    assert.deepEqual(told, ["quorum-up web"]);
    asked[0]?.done();
    await turn();
    assert.deepEqual(told, ["quorum-up web", "down 192.0.2.11:80"]);
    assert.equal(asked.length, 1);
  });

  test("is forgotten when it succeeds meanwhile, and the next one has its own retry", async () => {
    const { told, asked, set } = start();
    set("up");
    set("down");
    await turn();
    set("up");
    set("down");
    asked[0]?.done();
    await turn();
    assert.deepEqual(told, ["quorum-up web"]);
    assert.equal(asked.length, 2);
    asked[1]?.done();
    await turn();
    assert.deepEqual(told, ["quorum-up web", "down 192.0.2.11:80"]);
  });

  test("is not told once everything stops", async () => {
    const { director, told, asked, set } = start();
    set("up");
    set("down");
    await turn();
    director.stop();
    asked[0]?.done();
    await turn();
    assert.deepEqual(told, ["quorum-up web"]);
  });
});

test("what was judged before the start is told after it", () =>
  assert.deepEqual(start({}, [FIRST]).told, ["quorum-up web", "down 192.0.2.11:80"]));

test("what a host says again is no further failure", () => {
  const { told, set } = start({ realServers: [{ ...realServer(11), retries: 1 }] });
  set("up");
  set("down");
  set("down");
  assert.deepEqual(told, ["quorum-up web"]);
});

test("it knows its checkers alone, and says of each what it said last", () => {
  const { director, set } = start();
  assert.ok(director.knows(FIRST));
  assert.ok(!director.knows("nginx"));
  assert.equal(director.judge.state(FIRST), "unknown");
  set("down", "192.0.2.12:80 of web");
  assert.equal(director.judge.state("192.0.2.12:80 of web"), "down");
  const [status] = director.status();
  assert.deepEqual(status?.quorum, { up: true, weight: 1, needed: 1 });
  assert.deepEqual(
    status?.realServers.map(({ up, reason }) => [up, reason]),
    [
      [true, ""],
      [false, "why"],
    ],
  );
});

test("a group, a mark and IPv6 are written as keepalived writes them", () => {
  const names = (services: UserVirtualServer["services"], server = "192.0.2.11:80"): string[] => {
    const seen: string[] = [];
    const validation = validateConfiguration(
      {
        virtualRouters: { VI_1: { interface: "eth0", id: 51, addresses: ["192.0.2.100/24"] } },
        virtualServers: {
          "group G": { services, protocol: "UDP", realServers: [{ server, checkers: [plugin] }] },
        },
      },
      "f",
    );
    assert.ok(validation.ok);
    const { configuration } = validation;
    const director = createDirector({
      ...configuration,
      tell: (event) =>
        void seen.push("serverName" in event ? event.serverName : "", event.serviceName),
      again: async () => undefined,
      log,
    });
    director.start();
    director.judge.set(configuration.checkers[0]?.name ?? "", "down", "");
    return seen.slice(2, 4);
  };
  assert.deepEqual(names(["192.0.2.1:53", "192.0.2.2:53"]), ["[192.0.2.11]:udp:80", "[G]:0"]);
  assert.deepEqual(names([{ mark: 7 }]), ["[192.0.2.11]:none:80", "FWM 7"]);
  assert.deepEqual(names(["[2001:db8::1]:53"], "[2001:db8::2]:53"), [
    "[2001:db8::2]:udp:53",
    "[2001:db8::1]:udp:53",
  ]);
});
