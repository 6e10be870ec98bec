/** Two hosts as the articles have them: keepalived.conf and scripts where they belong, a real nginx, a client. */
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Host } from "@karuntime/lab/host.ts";
import type { Karuntime } from "@karuntime/lab/karuntime.ts";
import { PROGRAM, startKaruntime } from "@karuntime/lab/karuntime.ts";
import type { Lab } from "@karuntime/lab/lab.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import type { Nginx } from "@karuntime/lab/nginx.ts";
import { installNginx } from "@karuntime/lab/nginx.ts";
import type { Probe } from "@karuntime/lab/probe.ts";
import { startProbe } from "@karuntime/lab/probe.ts";

const folder = fileURLToPath(new URL("./", import.meta.url));

/** What an article describes. */
export interface Scenario {
  readonly folder: string;
  readonly interface: string;
  /** The hosts' own addresses, the one of the higher priority first. */
  readonly addresses: readonly [string, string];
  readonly client: string;
  readonly configurations: readonly [string, string];
  readonly virtualAddress: string;
  /** A script of the folder and where the configuration looks for it. */
  readonly script?: { readonly file: string; readonly path: string };
  /** Where the script looks for a command that starts nginx. */
  readonly nginxAt?: string;
  /** Whether the script starts nginx again. */
  readonly restarts: boolean;
  /** Whether the configuration has mistakes that keepalived goes on after. */
  readonly lenient: boolean;
}

/** `original`: the keepalived.conf as it is; `migrated`: what karuntime migrate made of it. */
export type Form = "original" | "migrated";

export interface Node {
  readonly host: Host;
  readonly nginx: Nginx;
  readonly karuntime: Karuntime;
}

export interface Stage {
  readonly first: Node;
  readonly second: Node;
  readonly probe: Probe;
  close(): Promise<void>;
}

/** Directories that a host gets for itself, empty, so that scripts and stand-ins can lie in them. */
const OWN = ["/usr/local", "/opt", "/etc/keepalived", "/etc/init.d", "/var/log"];
const SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What stands in for systemd, which does not run here: it knows nginx, and no keepalived. */
const SYSTEMCTL = `#!/bin/sh
case "$1 $2" in
  "start nginx") exec /usr/sbin/nginx ;;
  *) echo "Unit $2 not loaded." >&2; exit 5 ;;
esac
`;
const INIT_SCRIPT = `#!/bin/sh
[ "$1" = start ] && exec /usr/sbin/nginx
`;

export async function setStage(scenario: Scenario, form: Form): Promise<Stage> {
  const lab = await createLab();
  try {
    const first = await prepare(lab, "first", 0, scenario);
    const second = await prepare(lab, "second", 1, scenario);
    const client = await lab.host("client", {
      address: scenario.client,
      interface: scenario.interface,
    });
    for (const { nginx } of [first, second]) await nginx.start();
    const probe = await startProbe(client, { address: scenario.virtualAddress, intervalMs: 20 });
    const started = await Promise.all(
      [first, second].map(async (node, index) => ({
        ...node,
        karuntime: await start(node.host, scenario, index, form),
      })),
    );
    const [one, two] = started;
    if (one === undefined || two === undefined) throw new Error("two hosts were started");
    return {
      first: one,
      second: two,
      probe,
      close: () => lab.close(),
    };
  } catch (error) {
    await lab.close();
    throw error;
  }
}

async function prepare(
  lab: Lab,
  name: string,
  index: 0 | 1,
  scenario: Scenario,
): Promise<{ readonly host: Host; readonly nginx: Nginx }> {
  const host = await lab.host(name, {
    address: scenario.addresses[index],
    interface: scenario.interface,
  });
  for (const directory of OWN) await host.mountEmpty(directory);
  await host.run(["mkdir", "-p", "/var/log/nginx", "/usr/local/bin", "/usr/local/sbin"]);
  const nginx = await installNginx(host);
  await install(host, "/usr/local/bin/systemctl", SYSTEMCTL);
  await install(host, "/etc/init.d/nginx", INIT_SCRIPT);
  if (scenario.nginxAt !== undefined)
    await install(host, scenario.nginxAt, "#!/bin/sh\nexec /usr/sbin/nginx\n");
  const { script } = scenario;
  if (script !== undefined) await install(host, script.path, read(scenario, script.file));
  host.write("/etc/keepalived/keepalived.conf", read(scenario, scenario.configurations[index]));
  return { host, nginx };
}

async function install(host: Host, path: string, text: string): Promise<void> {
  host.write(path, text);
  await host.run(["chmod", "755", path]);
}

function read(scenario: Scenario, file: string): string {
  return readFileSync(join(folder, scenario.folder, file), "utf8");
}

async function start(
  host: Host,
  scenario: Scenario,
  index: number,
  form: Form,
): Promise<Karuntime> {
  const original = "/etc/keepalived/keepalived.conf";
  const env = { PATH: `${dirname(process.execPath)}:${SEARCHED}` };
  const options = scenario.lenient ? ["--lenient"] : [];
  if (form === "original") return startKaruntime(host, { configuration: original, env, options });
  const directory = `/run/migrated-${index}`;
  await host.run([PROGRAM, "migrate", original, "-o", directory, ...options], { env });
  return startKaruntime(host, { configuration: join(directory, "karuntime.config.ts"), env });
}

/** The scenario's name. */
export function titleOf(scenario: Scenario): string {
  return basename(scenario.folder);
}
