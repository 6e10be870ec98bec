/** `karuntime init`: a new project with a configuration, one check, and its test. It overwrites nothing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { VERSION } from "./version.ts";

const FALLBACK_INTERFACE = "eth0";

export async function run(argv: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: {} });
  const [directory = ".", ...others] = positionals;
  if (others.length > 0) throw new Error("expected one folder: karuntime init [DIR]");
  const folder = resolve(directory);
  const files = project(basename(folder), routeInterface() ?? FALLBACK_INTERFACE);
  const present = Object.keys(files).filter((name) => existsSync(join(folder, name)));
  if (present.length > 0)
    throw new Error(`nothing is written: ${folder} has ${present.join(", ")} already`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
    process.stdout.write(`${join(directory, name)}\n`);
  }
  process.stdout.write(
    `\nnext: ${directory === "." ? "" : `cd ${directory} && `}npm install && npm test, then set the address in karuntime.config.ts\n`,
  );
  return 0;
}

/** The interface of the default route (proc(5), /proc/net/route). */
function routeInterface(): string | undefined {
  try {
    const lines = readFileSync("/proc/net/route", "utf8").split("\n").slice(1);
    return lines
      .map((line) => line.split("\t"))
      .find(([, destination]) => destination === "00000000")?.[0];
  } catch {
    return undefined;
  }
}

function project(name: string, device: string): Readonly<Record<string, string>> {
  return {
    "karuntime.config.ts": `import { defineConfig, env } from "karuntime/config";

export default defineConfig({
  checks: {
    nginx: { plugin: "./checks/nginx.ts", options: { url: "http://127.0.0.1/" }, interval: "2s", fall: 2 },
  },
  virtualRouters: {
    VI_1: {
      interface: "${device}",
      id: 51,
      // The host that should have the address gets the higher one: PRIORITY=150 karuntime start
      priority: Number(env("PRIORITY", "100")),
      // An address of your network that no host has.
      addresses: ["192.0.2.100/24"],
      track: { checks: ["nginx"] },
    },
  },
});
`,
    "checks/nginx.ts": `import { defineCheck } from "@karuntime/sdk";

export default defineCheck({
  permissions: { processes: ["nginx"], net: ["127.0.0.1:80"] },
  options: { url: { type: "string", description: "what is asked" } },
  async check({ processes, fetch, options, down }) {
    if ((await processes.count("nginx")) === 0) return down("nginx does not run");
    const response = await fetch(options.url, { signal: AbortSignal.timeout(1000) });
    if (!response.ok) return down(\`nginx answered \${response.status}\`);
  },
});
`,
    "checks/nginx.test.ts": `import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckContext } from "@karuntime/sdk";
import nginx from "./nginx.ts";

/** The check's result, with so many processes and this status of the answer. */
async function check(processes: number, status: number): Promise<string | undefined> {
  const context = {
    options: { url: "http://127.0.0.1/" },
    processes: { count: async () => processes },
    fetch: async () => ({ ok: status < 400, status }),
    down: (reason: string) => ({ down: reason }),
  };
  const result = await nginx.check(context as unknown as CheckContext<typeof nginx.options & object>);
  return result?.down;
}

test("up while nginx runs and answers", async () => {
  assert.equal(await check(2, 200), undefined);
});

test("down when nginx does not run", async () => {
  assert.equal(await check(0, 200), "nginx does not run");
});

test("down when nginx answers with an error", async () => {
  assert.equal(await check(2, 502), "nginx answered 502");
});
`,
    "tsconfig.json": `${JSON.stringify(
      {
        compilerOptions: {
          target: "es2024",
          lib: ["es2024"],
          module: "esnext",
          moduleResolution: "bundler",
          allowImportingTsExtensions: true,
          strict: true,
          noEmit: true,
          skipLibCheck: true,
          types: ["node", "@karuntime/sdk/globals"],
        },
        include: ["**/*.ts"],
      },
      undefined,
      2,
    )}\n`,
    "package.json": `${JSON.stringify(
      {
        name:
          name
            .toLowerCase()
            .replaceAll(/[^a-z0-9._-]/g, "-")
            .replace(/^[._-]+/, "") || "karuntime-project",
        private: true,
        type: "module",
        scripts: {
          start: "karuntime start",
          validate: "karuntime validate",
          test: "tsc && node --test 'checks/*.test.ts'",
        },
        dependencies: { "@karuntime/sdk": VERSION, karuntime: VERSION },
        devDependencies: { "@types/node": "^24.0.0", typescript: ">=5.8.0" },
      },
      undefined,
      2,
    )}\n`,
    "README.md": `# ${name}

A virtual address that two hosts share with karuntime.

- \`karuntime.config.ts\`: the address, the interface, and what is checked. Both hosts have the same file; \`PRIORITY\`
  says who should have the address.
- \`checks/nginx.ts\`: the check, and beside it its test.

\`npm install\`, \`npm test\`, \`npm run validate\`, and as root \`npm start\`. It needs Node.js 24.
`,
    ".gitignore": "node_modules/\n",
  };
}
