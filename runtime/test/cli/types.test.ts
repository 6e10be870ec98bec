/** `karuntime types`: the compiler and editors know the options of the plugins that a configuration names. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { LanguageServer } from "./language-server.ts";
import { startLanguageServer } from "./language-server.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = join(root, "runtime/bin/karuntime");

const PUBLISHED = `import { defineCheck } from "@karuntime/sdk";

export default defineCheck({
  options: {
    url: { type: "string", description: "what is asked" },
    mode: { type: "string", choices: ["fast", "thorough"], default: "fast", description: "how much" },
    names: { type: "list", default: [], description: "of whom" },
    "slow-ms": { type: "number", default: 5, description: "from when on it is */ slow" },
  },
  async check() {},
});
`;

/** A plugin that is nothing but JavaScript. */
const PLAIN = `export default {
  kind: "notifier",
  options: { loud: { type: "boolean", default: false, description: "with a bell" } },
  notify() {},
};
`;

function configuration(checks: string, notify = ""): string {
  return `import { defineConfig, env } from "karuntime/config";

export default defineConfig({
  checks: {
${checks}
  },
  notify: [${notify}],
  virtualRouters: { VI_1: { interface: "eth0", id: 51, addresses: ["192.0.2.10/24"] } },
});
`;
}

const NAMED = configuration(
  `    // The environment of the hosts is not there.
    [env("NAME")]: { command: [env("COMMAND")] },
    nginx: { plugin: "./checks/nginx.ts", options: { url: "http://127.0.0.1/" } },
    published: { plugin: "karuntime-plugin-published", options: { url: "" } },
    untyped: { plugin: "karuntime-plugin-untyped", options: { url: "" } },`,
  `{ plugin: "./notify/plain.js" }, { mail: true }, { plugin: "./notify/é😀.js" }`,
);

function run(file: string, argv: readonly string[], cwd: string) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(file, argv, { cwd, encoding: "utf8", env, timeout: 60_000 });
}

/** The compiler's errors, each as the text of its line and its code. */
function errors(project: string, text: string): readonly string[] {
  writeFileSync(join(project, "karuntime.config.ts"), text);
  const { stdout } = run("tsc", ["--pretty", "false"], project);
  const lines = text.split("\n");
  return [...stdout.matchAll(/^(\S+)\((\d+),\d+\): error (TS\d+)/gm)].map(
    ([, file, line, code]) =>
      `${file === "karuntime.config.ts" ? lines[Number(line) - 1]?.trim() : file} ${code}`,
  );
}

describe("karuntime types", () => {
  const folder = mkdtempSync(join(root, ".types-"));
  const project = join(folder, "project");
  const types = join(project, "karuntime-env.d.ts");
  after(() => rmSync(folder, { recursive: true, force: true }));

  before(() => {
    assert.equal(run(PROGRAM, ["init", "project"], folder).status, 0);
    const modules = join(project, "node_modules");
    mkdirSync(modules);
    for (const name of ["karuntime", "@karuntime", "@types", "undici-types"])
      symlinkSync(join(root, "node_modules", name), join(modules, name));
  });

  test("in a new project, writes what init wrote", () => {
    const written = readFileSync(types, "utf8");
    rmSync(types);
    const { status, stdout, stderr } = run(PROGRAM, ["types"], project);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, "karuntime-env.d.ts: 1 plugin\n");
    assert.equal(readFileSync(types, "utf8"), written);
  });

  test("knows packages by their types or their manifest, files by their source, and tells what it does not know", () => {
    const source = join(folder, "karuntime-plugin-published");
    mkdirSync(join(source, "src"), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(source, "node_modules"));
    const json = { type: "module", version: "1.0.0", exports: "./dist/index.js" };
    const exports = { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } };
    writeFileSync(join(source, "package.json"), JSON.stringify({ ...json, exports }));
    writeFileSync(join(source, "src/index.ts"), PUBLISHED);
    const built = run(PROGRAM, ["plugin", "build"], source);
    assert.equal(built.status, 0, built.stderr);
    for (const name of ["published", "untyped"]) {
      const installed = join(project, "node_modules", `karuntime-plugin-${name}`);
      cpSync(join(source, "dist"), join(installed, "dist"), { recursive: true });
      cpSync(join(source, "package.json"), join(installed, "package.json"));
    }
    rmSync(join(project, "node_modules/karuntime-plugin-untyped/dist/index.d.ts"));
    mkdirSync(join(project, "notify"));
    for (const name of ["plain", "é😀"]) writeFileSync(join(project, `notify/${name}.js`), PLAIN);

    const missing = `    missing: { plugin: "karuntime-plugin-missing" },\n    broken: { plugin: "./broken.ts" },`;
    writeFileSync(join(project, "broken.ts"), "export default {};\n");
    writeFileSync(join(project, "karuntime.config.ts"), configuration(missing));
    const { status, stderr } = run(PROGRAM, ["types"], project);
    assert.equal(status, 0);
    assert.match(
      stderr,
      /^warning: not in it is \.\/broken\.ts: the default export is no plugin$/m,
    );
    assert.match(stderr, /^warning: not in it is karuntime-plugin-missing: .* is not installed/m);
    rmSync(join(project, "broken.ts"));

    writeFileSync(join(project, "karuntime.config.ts"), NAMED);
    assert.equal(run(PROGRAM, ["types"], project).stdout, "karuntime-env.d.ts: 5 plugins\n");
    const text = readFileSync(types, "utf8");
    assert.match(text, /= import\("karuntime-plugin-published"\)\.Options;/);
    assert.match(text, /typeof import\("\.\/checks\/nginx\.ts"\)\.default/);
    const whole = run("tsc", ["--skipLibCheck", "false", "--pretty", "false"], project);
    // Not so a folder above, of whatever name, in what is said of other files.
    assert.doesNotMatch(whole.stdout, /^[^(]*karuntime[^(]*\(/m);
  });

  test("a good configuration compiles, with what is not known as well", () => {
    assert.deepEqual(errors(project, NAMED), []);
    const others = `    a: { plugin: "karuntime-plugin-later", options: { any: 5 } },
    b: { plugin: "./checks/later.ts" },
    c: { command: ["/bin/true"], interval: "5s" },
    d: { plugin: "karuntime-plugin-published", options: { url: "", mode: "thorough", names: ["a"], "slow-ms": 6 } },`;
    assert.deepEqual(errors(project, configuration(others)), []);
  });

  test("a wrong option is an error in its line, and so is one that is missing", () => {
    const wrong = ["published", "untyped"].flatMap((name) => [
      `{ plugin: "karuntime-plugin-${name}", options: {\n url: 5 } }`,
      `{ plugin: "karuntime-plugin-${name}", options: { url: "",\n urls: "" } }`,
      `{ plugin: "karuntime-plugin-${name}", options: { url: "",\n mode: "slow" } }`,
      `{ plugin: "karuntime-plugin-${name}", options: { url: "",\n names: [1] } }`,
      `{ plugin: "karuntime-plugin-${name}",\n options: {} }`,
      `{\n plugin: "karuntime-plugin-${name}", interval: 5 }`,
    ]);
    const local = [
      `{ plugin: "./checks/nginx.ts", options: {\n url: 5 } }`,
      `{ plugin: "./checks/nginx.ts", options: { url: "",\n ur: "" } }`,
    ];
    const checks = [...wrong, ...local].map((entry, index) => `c${index}: ${entry},`);
    // It has a default.
    checks.push('without: { plugin: "./checks/nginx.ts" },');
    const found = errors(
      project,
      configuration(checks.join("\n"), `{ plugin: "./notify/plain.js", options: {\nloud: "" } }`),
    );
    const ofPackage = (name: string): string[] => [
      "url: 5 } }, TS2322",
      `urls: "" } }, TS2561`,
      `mode: "slow" } }, TS2322`,
      "names: [1] } }, TS2322",
      "options: {} }, TS2741",
      `plugin: "karuntime-plugin-${name}", interval: 5 }, TS2322`,
    ];
    assert.deepEqual(found, [
      ...ofPackage("published"),
      ...ofPackage("untyped"),
      "url: 5 } }, TS2322",
      `ur: "" } }, TS2353`,
      `loud: "" } }], TS2322`,
    ]);
  });

  test("an option that a file no longer has, or now demands, is an error at once", () => {
    const file = join(project, "checks/nginx.ts");
    const source = readFileSync(file, "utf8");
    try {
      writeFileSync(file, source.replace(/default: "[^"]+", /, ""));
      const without = `nginx: { plugin: "./checks/nginx.ts" },`;
      assert.deepEqual(errors(project, configuration(without)), [`${without} TS2322`]);
      writeFileSync(file, source.replaceAll("url", "address"));
      const check = `nginx: { plugin: "./checks/nginx.ts", options: { url: "" } },`;
      assert.deepEqual(
        errors(project, configuration(check)).filter((line) => !line.startsWith("checks/")),
        [`${check} TS2353`],
      );
    } finally {
      writeFileSync(file, source);
    }
  });

  describe("in an editor", () => {
    const opened: LanguageServer[] = [];
    after(() => opened.forEach((server) => server.stop()));
    const file = "karuntime.config.ts";
    const server = async (): Promise<LanguageServer> => {
      opened[0] ??= await startLanguageServer(project);
      return opened[0];
    };

    for (const [name, options] of [
      ["./checks/nginx.ts", ["url?"]],
      ["karuntime-plugin-published", ['"slow-ms"?', "mode?", "names?", "url"]],
      ["karuntime-plugin-untyped", ['"slow-ms"?', "mode?", "names?", "url"]],
    ] as const) {
      test(`the options of ${name} are offered, and nothing else, with their descriptions`, async () => {
        const check = (inner: string) =>
          configuration(`a: { plugin: "${name}", options: { ${inner} } }, b: { plugin: "other" },`);
        const { completions, hover } = await server();
        assert.deepEqual([...(await completions(file, check("|")))].toSorted(), options);
        assert.match(
          await hover(file, check(`u|rl: ""`)),
          /\burl(?:: string|\?: string \| undefined)\n*what is asked/,
        );
      });
    }

    test("the options of a notifier are offered", async () => {
      const text = configuration(
        "",
        `{ mail: true }, { plugin: "./notify/plain.js", options: { | } }`,
      );
      assert.deepEqual(await (await server()).completions(file, text), ["loud?"]);
    });

    test("the names of plugins are offered", async () => {
      const { completions } = await server();
      const offered = await completions(file, configuration(`a: { plugin: "|" },`));
      assert.deepEqual(offered.filter((label) => label !== "").toSorted(), [
        "./checks/nginx.ts",
        "./notify/plain.js",
        "./notify/é😀.js",
        "karuntime-plugin-published",
        "karuntime-plugin-untyped",
      ]);
    });
  });

  test("is refused for what is no TypeScript, or cannot be read", () => {
    writeFileSync(join(project, "keepalived.conf"), "");
    const other = run(PROGRAM, ["types", "-c", "keepalived.conf"], project);
    assert.equal(other.status, 1);
    assert.match(other.stderr, /keepalived\.conf is no TypeScript; karuntime migrate/);
    const before = readFileSync(types, "utf8");
    writeFileSync(join(project, "karuntime.config.ts"), "export default {");
    const broken = run(PROGRAM, ["types"], project);
    assert.equal(broken.status, 1);
    assert.match(broken.stderr, /karuntime\.config\.ts:1:17/);
    assert.equal(readFileSync(types, "utf8"), before);
  });
});
