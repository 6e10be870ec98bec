/**
 * FRR's vrrpd on a host: zebra and vrrpd in the foreground, and the macvlan with the virtual MAC address that vrrpd wants to
 * find (it makes none by itself).
 */
import type { Host } from "./host.ts";
import type { HostProcess } from "./host-process.ts";
import { delay, waitFor } from "./time.ts";

const DIRECTORY = "/run/frr-lab";
const PROGRAMS = "/usr/lib/frr";
const START_MS_MAX = 15_000;
const SETTLE_MS = 300;

export interface FrrOptions {
  /** Virtual router identifier. */
  readonly id: number;
  readonly version: 2 | 3;
  readonly priority: number;
  /** With their prefix lengths, all of one family. */
  readonly addresses: readonly string[];
  /** Multiples of 10. */
  readonly advertIntervalMs: number;
}

export type FrrState = "Initialize" | "Master" | "Backup";

export interface Frr {
  state(): Promise<FrrState | undefined>;
  entered(state: FrrState, timeoutMs: number): Promise<void>;
  /** While it runs. */
  setPriority(priority: number): Promise<void>;
  /** SIGTERM: resigns and ends. */
  stop(): Promise<void>;
  /** SIGKILL to all of it. */
  kill(): Promise<void>;
}

/** Resolves when vrrpd answers. */
export async function startFrr(host: Host, options: FrrOptions): Promise<Frr> {
  const ipv6 = options.addresses[0]?.includes(":") === true;
  await makeMacvlan(host, options, ipv6);
  // FRR keeps state under names made of process ids, which hosts have in common.
  for (const directory of ["/var/tmp", "/var/lib"]) await host.mountEmpty(directory);
  await host.run(["install", "-d", "-o", "frr", "-g", "frr", DIRECTORY]);
  host.write(`${DIRECTORY}/vrrpd.conf`, "");
  host.write(`${DIRECTORY}/zebra.conf`, "");
  await host.run(["chown", "-R", "frr:frr", DIRECTORY]);
  const socket = `${DIRECTORY}/zserv.api`;
  const common = [
    "-u",
    "frr",
    "-g",
    "frr",
    "--vty_socket",
    DIRECTORY,
    "-z",
    socket,
    "-P",
    "0",
    "--log",
    "stdout",
  ];
  const zebra = await host.spawn([
    `${PROGRAMS}/zebra`,
    ...common,
    "-i",
    `${DIRECTORY}/zebra.pid`,
    "-f",
    `${DIRECTORY}/zebra.conf`,
  ]);
  await waitFor(
    "zebra's socket",
    async () => (await host.exec(["test", "-S", socket])).status === 0,
    START_MS_MAX,
  );
  const vrrpd = await host.spawn([
    `${PROGRAMS}/vrrpd`,
    ...common,
    "-i",
    `${DIRECTORY}/vrrpd.pid`,
    "-f",
    `${DIRECTORY}/vrrpd.conf`,
  ]);

  const vtysh = (...commands: readonly string[]) =>
    host.exec([
      "vtysh",
      "--vty_socket",
      DIRECTORY,
      ...commands.flatMap((command) => ["-c", command]),
    ]);

  async function state(): Promise<FrrState | undefined> {
    const { stdout } = await vtysh("show vrrp json");
    try {
      const [router] = JSON.parse(stdout.slice(stdout.indexOf("["))) as readonly Record<
        "v4" | "v6",
        { readonly status?: FrrState }
      >[];
      return router?.[ipv6 ? "v6" : "v4"].status;
    } catch {
      return undefined;
    }
  }

  // Not from its file: vrrpd 8.4 may read that before zebra has told it of the interface's address, and then stays backup.
  await waitFor(
    "zebra to tell vrrpd of the interface",
    async () => (await vtysh("show interface vrf all brief")).stdout.includes(host.interface),
    START_MS_MAX,
  );
  await delay(SETTLE_MS);
  await vtysh("configure terminal", ...configuration(host.interface, options, ipv6));
  await waitFor("vrrpd to answer", async () => (await state()) !== undefined, START_MS_MAX).catch(
    (error: unknown) => {
      throw new Error(`${String(error)}: ${vrrpd.output.slice(-2000)} ${zebra.output.slice(-500)}`);
    },
  );
  return {
    state,
    async entered(wanted, timeoutMs) {
      await waitFor(
        `FRR on ${host.name} to be ${wanted}`,
        async () => (await state()) === wanted,
        timeoutMs,
      ).catch(async (error: unknown) => {
        const { stdout } = await vtysh("show vrrp");
        throw new Error(`${String(error)}: ${stdout}\n${vrrpd.output.slice(-2000)}`);
      });
    },
    async setPriority(priority) {
      await vtysh(
        "configure terminal",
        `interface ${host.interface}`,
        `vrrp ${options.id} priority ${priority}`,
      );
    },
    async stop() {
      await end(vrrpd, "SIGTERM");
      await end(zebra, "SIGTERM");
    },
    async kill() {
      await Promise.all([end(vrrpd, "SIGKILL"), end(zebra, "SIGKILL")]);
    },
  };
}

async function end(process: HostProcess, signal: NodeJS.Signals): Promise<void> {
  process.kill(signal);
  await process.exited;
}

/** Once for each host: a second start finds it. */
async function makeMacvlan(
  host: Host,
  { id, addresses }: FrrOptions,
  ipv6: boolean,
): Promise<void> {
  const name = `frr-${id}`;
  if ((await host.exec(["ip", "link", "show", name])).status === 0) return;
  const octet = id.toString(16).padStart(2, "0");
  const station = `00:00:5e:00:0${ipv6 ? 2 : 1}:${octet}`;
  const link = ["ip", "link", "add", name, "link", host.interface, "address", station];
  await host.run([...link, "type", "macvlan", "mode", "bridge"]);
  if (ipv6) {
    // vrrpd sends from a link-local address of this interface.
    await host.run([
      "sysctl",
      "-qw",
      `net.ipv6.conf.${name}.disable_ipv6=0`,
      `net.ipv6.conf.${name}.accept_dad=0`,
    ]);
  }
  await host.run(["ip", "link", "set", name, "up"]);
  for (const address of addresses) {
    const nodad = ipv6 ? ["nodad"] : [];
    await host.run(["ip", "address", "add", address, "dev", name, ...nodad]);
  }
}

function configuration(
  interfaceName: string,
  { id, version, priority, addresses, advertIntervalMs }: FrrOptions,
  ipv6: boolean,
): readonly string[] {
  return [
    `interface ${interfaceName}`,
    `vrrp ${id} version ${version}`,
    `vrrp ${id} priority ${priority}`,
    `vrrp ${id} advertisement-interval ${advertIntervalMs}`,
    ...addresses.map((address) => `vrrp ${id} ${ipv6 ? "ipv6" : "ip"} ${address.split("/")[0]}`),
  ];
}
