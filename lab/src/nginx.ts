/** nginx on a host, as a package would have installed it there: its own /etc/nginx, answering with the host's name. */
import type { Host } from "./host.ts";
import { waitFor } from "./time.ts";

const NGINX = "/usr/sbin/nginx";
const CONFIGURATION = "/etc/nginx/nginx.conf";
const END_MS_MAX = 10_000;

export interface Nginx {
  /** As an administrator would: the command goes to the background once nginx listens. */
  start(): Promise<void>;
  /** SIGKILL to the master and its workers. */
  kill(): Promise<void>;
  runs(): boolean;
  /** Makes the configuration one that nginx refuses: it goes on running, and cannot be started again. */
  break(): void;
  heal(): void;
}

/** Gives the host an nginx that does not run yet. */
export async function installNginx(host: Host): Promise<Nginx> {
  for (const directory of ["/etc/nginx", "/var/log/nginx", "/var/lib/nginx"]) {
    await host.mountEmpty(directory);
  }
  const configuration = configurationFor(host.name);
  host.write(CONFIGURATION, configuration);
  const runs = (): boolean => host.processes().some((process) => process.name === "nginx");
  return {
    runs,
    async start() {
      await host.run([NGINX]);
    },
    async kill() {
      host.killByName("nginx", "SIGKILL");
      await waitFor(`nginx on ${host.name} to end`, () => !runs(), END_MS_MAX);
    },
    break() {
      host.write(CONFIGURATION, `${configuration}this line is a mistake;\n`);
    },
    heal() {
      host.write(CONFIGURATION, configuration);
    },
  };
}

/* `user root` because without root the lab's user namespace has no other. */
function configurationFor(name: string): string {
  return `user root;
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 512; }
http {
  access_log off;
  server {
    listen 80;
    location / { return 200 "${name}\\n"; }
  }
}
`;
}
