/** What is ours and what is not, on a kernel that is a list of addresses. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { listAddresses, putAddress, removeAddress } from "../linux/address.ts";
import type { NetlinkMessage, NetlinkSocket } from "../linux/netlink.ts";
import { attribute, parseAttributes } from "../linux/netlink.ts";
import type { Ipv4Address } from "../packet/address.ts";
import type { PlacedAddress } from "./holdings.ts";
import { Holdings } from "./holdings.ts";
import { readNetwork } from "./network.ts";
import { readRecord } from "./record.ts";

const folder = mkdtempSync(join(tmpdir(), "karuntime-holdings-"));
after(() => rmSync(folder, { recursive: true }));

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const IFLA_IFNAME = 3;
const IFA_LOCAL = 2;
const EACCES = 13;
const EADDRNOTAVAIL = 99;

/** Keeps the addresses that it is given, as messages; knows its interfaces by their order, from 1. */
class Kernel implements NetlinkSocket {
  readonly devices = ["eth0", "eth1"];
  /** What it answers instead of doing as it is asked. */
  refusal = 0;
  readonly #addresses = new Map<string, NetlinkMessage>();

  change(type: number, _flags: number, payload: Uint8Array) {
    if (this.refusal !== 0) return { errno: this.refusal, messages: [] };
    const view = new DataView(payload.buffer);
    const place = `${view.getUint32(4, true)} ${parseAttributes(view, 8).get(IFA_LOCAL)?.join(".")}`;
    if (type === RTM_NEWADDR) this.#addresses.set(place, { type, payload: view });
    else if (!this.#addresses.delete(place)) return { errno: EADDRNOTAVAIL, messages: [] };
    return { errno: 0, messages: [] };
  }

  dump(type: number) {
    const messages = type === RTM_GETLINK ? this.#links() : [...this.#addresses.values()];
    return { errno: 0, messages };
  }

  close(): void {}

  /** What is on the interfaces now: "device address". */
  get present(): string[] {
    return listAddresses(this).map(({ index, address }) => `${this.devices[index - 1]} ${address}`);
  }

  #links(): NetlinkMessage[] {
    return this.devices.map((name, index) => {
      const header = new DataView(new ArrayBuffer(16));
      header.setInt32(4, index + 1, true);
      const named = attribute(IFLA_IFNAME, new TextEncoder().encode(`${name}\0`));
      const bytes = Uint8Array.of(...new Uint8Array(header.buffer), ...named);
      return { type: RTM_NEWLINK, payload: new DataView(bytes.buffer) };
    });
  }
}

function on(device: string, last: number): PlacedAddress {
  return { device, address: `10.0.0.${last}` as Ipv4Address, prefixLength: 24 };
}

const VIRTUAL = on("eth0", 100);

let runs = 0;

/** A run of karuntime on this kernel. What is foreign is on eth0 before it begins. */
function begun(
  owned: readonly PlacedAddress[] = [VIRTUAL],
  foreign: readonly PlacedAddress[] = [],
) {
  const kernel = new Kernel();
  for (const entry of foreign) putAddress(kernel, 1, entry, undefined);
  const record = join(folder, `record-${++runs}`);
  const said: string[] = [];
  const options = { netlink: kernel, record, log: (_: string, text: string) => said.push(text) };
  const holdings = new Holdings(options);
  holdings.begin({ addresses: owned, routes: [], rules: [] });
  const refresh = () => holdings.refresh(readNetwork(kernel));
  return { kernel, record, said, holdings, options, refresh };
}

describe("an address of ours", () => {
  test("is put, held, and taken away again", () => {
    const { kernel, holdings } = begun();
    assert.deepEqual([holdings.holds(VIRTUAL), kernel.present], [false, []]);
    assert.equal(holdings.put(VIRTUAL, 4), undefined);
    assert.deepEqual([holdings.holds(VIRTUAL), kernel.present], [true, ["eth0 10.0.0.100"]]);
    holdings.remove(VIRTUAL);
    assert.deepEqual([holdings.holds(VIRTUAL), kernel.present], [false, []]);
  });
  test("is not held where the kernel refuses it or the interface is missing; the reason is given", () => {
    const { kernel, holdings } = begun();
    kernel.refusal = EACCES;
    assert.match(holdings.put(VIRTUAL, 4) ?? "", /EACCES|ermission/);
    assert.equal(holdings.put(on("eth9", 100), 4), "eth9 does not exist");
    assert.ok(!holdings.holds(VIRTUAL) && !holdings.holdsAnywhere(VIRTUAL.address));
  });
  test("that is gone is told once, and is held no more", () => {
    const { kernel, holdings, refresh } = begun([VIRTUAL, on("eth0", 101)]);
    for (const entry of [VIRTUAL, on("eth0", 101)]) holdings.put(entry, 4);
    assert.deepEqual(refresh(), []);
    removeAddress(kernel, 1, VIRTUAL);
    assert.deepEqual(refresh(), [VIRTUAL]);
    assert.ok(!holdings.holds(VIRTUAL) && holdings.holds(on("eth0", 101)));
    assert.deepEqual(refresh(), []);
  });
  test("is held somewhere as long as one of its interfaces has it", () => {
    const both = [VIRTUAL, on("eth1", 100)];
    const { kernel, holdings } = begun(both);
    for (const entry of both) holdings.put(entry, 4);
    holdings.remove(VIRTUAL);
    assert.ok(holdings.holdsAnywhere(VIRTUAL.address));
    assert.deepEqual(kernel.present, ["eth1 10.0.0.100"]);
    holdings.remove(on("eth1", 100));
    assert.ok(!holdings.holdsAnywhere(VIRTUAL.address));
  });
  test("is nothing to send from; any other address is", () => {
    const { holdings } = begun();
    assert.ok(holdings.moves(VIRTUAL.address));
    assert.ok(!holdings.moves("10.0.0.5" as Ipv4Address));
  });
});

describe("an address that was there before", () => {
  test("is told, left alone, and may be sent from", () => {
    const { kernel, holdings, said } = begun([VIRTUAL], [VIRTUAL]);
    assert.match(said.at(-1) ?? "", /10\.0\.0\.100 is on eth0 already/);
    assert.ok(holdings.isForeign(VIRTUAL) && !holdings.moves(VIRTUAL.address));
    assert.equal(holdings.put(VIRTUAL, 4), undefined);
    holdings.remove(VIRTUAL);
    assert.deepEqual([holdings.holds(VIRTUAL), kernel.present], [false, ["eth0 10.0.0.100"]]);
  });
  test("is the one on that interface, not the same one on another", () => {
    const { kernel, holdings } = begun([on("eth1", 100)], [VIRTUAL]);
    assert.ok(!holdings.isForeign(on("eth1", 100)));
    assert.equal(holdings.put(on("eth1", 100), 4), undefined);
    holdings.remove(on("eth1", 100));
    assert.deepEqual(kernel.present, ["eth0 10.0.0.100"]);
  });
  test("is ours to give once somebody has taken it away", () => {
    const { kernel, holdings, refresh } = begun([VIRTUAL], [VIRTUAL]);
    refresh();
    assert.ok(holdings.isForeign(VIRTUAL), "still there");
    removeAddress(kernel, 1, VIRTUAL);
    assert.deepEqual(refresh(), [], "it was never held");
    assert.ok(!holdings.isForeign(VIRTUAL) && holdings.moves(VIRTUAL.address));
    holdings.put(VIRTUAL, 4);
    assert.ok(holdings.holds(VIRTUAL));
  });
});

describe("the record", () => {
  test("has what is ours, not what was there before, and ends with the run", () => {
    const { record, holdings } = begun([VIRTUAL, on("eth0", 101)], [VIRTUAL]);
    assert.deepEqual(readRecord(record).addresses, [on("eth0", 101)]);
    holdings.end();
    assert.ok(!existsSync(record));
  });
  test("lets the next run remove what a killed one left, and nothing else", () => {
    const { kernel, options, said } = begun([], [on("eth0", 5)]);
    const killed = new Holdings(options);
    killed.begin({ addresses: [VIRTUAL, on("eth1", 101)], routes: [], rules: [] });
    killed.put(VIRTUAL, undefined);
    const next = new Holdings(options);
    next.begin({ addresses: [VIRTUAL], routes: [], rules: [] });
    assert.deepEqual(kernel.present, ["eth0 10.0.0.5"]);
    assert.deepEqual(said, ["10.0.0.100 was left on eth0 by an earlier run and is removed"]);
    assert.ok(!next.isForeign(VIRTUAL), "what was left is not foreign");
  });
});
