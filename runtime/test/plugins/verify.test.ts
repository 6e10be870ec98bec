/** Each rule for plugin packages: a good package that breaks it, and it alone, fails with what to do. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { HeaderData } from "tar";
import { Header } from "tar";
import type { Evaluator } from "../../dist/config/evaluator.js";
import { startEvaluator } from "../../dist/config/evaluator.js";
import {
  BUILT,
  buildPlugin,
  sha256,
  SOURCE as SOURCE_FILE,
  speaks,
} from "../../dist/plugins/build.js";
import { stopBundler } from "../../dist/plugins/bundle.js";
import { readFolder, readPlainFile, readTarball } from "../../dist/plugins/package.js";
import type { Failure } from "../../dist/plugins/verify.js";
import { verifyPackage, verifyRelease, verifyReproduced } from "../../dist/plugins/verify.js";

const PERMISSIONS = '{ net: ["{url}"], processes: ["nginx"], mail: true }';
const SOURCE = (permissions: string): string => `import { defineCheck } from "@karuntime/sdk";
import { limit } from "./limit.ts";
export default defineCheck({
  permissions: ${permissions},
  options: { url: { type: "string" }, slowMs: { type: "number", default: limit, min: 1 } },
  async check({ down }) { return down("no"); },
});
`;
const PACKAGE = {
  name: "karuntime-plugin-sample",
  version: "1.0.0",
  keywords: ["karuntime-plugin"],
  type: "module",
  exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
  scripts: { build: "karuntime plugin build" },
  devDependencies: { typescript: "*" },
};
const README = "## Permissions\n`net`: `{url}`; `processes`: nginx; `mail`";

describe("a plugin package", () => {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-verify-test-"));
  let evaluator: Evaluator;
  let good: ReadonlyMap<string, Buffer>;

  before(async () => {
    evaluator = startEvaluator();
    good = await made("good", PERMISSIONS);
  });
  after(async () => {
    evaluator.stop();
    await stopBundler();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The files of a package whose code asks for this. */
  async function made(name: string, permissions: string): Promise<ReadonlyMap<string, Buffer>> {
    const directory = join(folder, name);
    write(directory, {
      "src/index.ts": SOURCE(permissions),
      "src/limit.ts": "export const limit = 500;\n",
      "package.json": JSON.stringify(PACKAGE),
      "README.md": README,
    });
    const built = await buildPlugin(directory, evaluator);
    assert.ok(built.ok, JSON.stringify(built));
    write(directory, built.value.files);
    return readFolder(directory).files;
  }

  async function failuresOf(
    changes: Readonly<Record<string, string | undefined>>,
  ): Promise<readonly Failure[]> {
    const files = new Map(good);
    for (const [name, text] of Object.entries(changes))
      if (text === undefined) files.delete(name);
      else files.set(name, Buffer.from(text));
    return (await verifyPackage({ files, strange: [] }, evaluator)).failures;
  }

  async function fails(
    changes: Readonly<Record<string, string | undefined>>,
    message: RegExp,
    remedy: RegExp,
  ): Promise<void> {
    const failures = await failuresOf(changes);
    assert.equal(failures.length, 1, JSON.stringify(failures));
    assert.match(failures[0]?.message ?? "", message);
    assert.match(failures[0]?.remedy ?? "", remedy);
  }
  const json = (changes: object) => ({
    "package.json": JSON.stringify({ ...PACKAGE, ...changes }),
  });

  test("that keeps all rules is good", async () => assert.deepEqual(await failuresOf({}), []));

  test("has a name by which it is known as a plugin", () =>
    fails(json({ name: "sample" }), /found the name "sample"/, /karuntime-plugin-NAME/));
  test("may have a scope instead", async () =>
    assert.deepEqual(await failuresOf(json({ name: "@acme/sample" })), []));
  test("has the keyword", () =>
    fails(
      json({ keywords: ["check"] }),
      /keyword is missing/,
      /"keywords": \["karuntime-plugin"\]/,
    ));
  test("is a module", () => fails(json({ type: "commonjs" }), /no module/, /"type": "module"/));
  test("leads to its bundle, whoever imports it", async () => {
    for (const exports of [
      "./src/index.ts",
      { ".": { node: "./other.js", default: "./dist/index.js" } },
      { ".": "./dist/index.js", "./more": "./more.js" },
      undefined,
    ])
      await fails(json({ exports }), /exports does not lead/, /"default": "\.\/dist\/index\.js"/);
  });
  test("brings no programs", () => fails(json({ bin: "./x.js" }), /programs/, /take bin out/));
  test("has no dependencies beside its bundle", async () => {
    for (const field of ["dependencies", "optionalDependencies", "peerDependencies"])
      await fails(json({ [field]: { left: "1.0.0" } }), /has left/, /devDependencies/);
    await fails(json({ bundleDependencies: ["left"] }), /has left/, /devDependencies/);
  });
  test("runs nothing when it is installed", async () => {
    for (const script of ["preinstall", "install", "postinstall", "prepare", "prepublish"])
      await fails(
        json({ scripts: { [script]: "true" } }),
        new RegExp(`the scripts ${script} would run`),
        /take them out/,
      );
  });
  test("has only what belongs", async () => {
    for (const name of ["binding.gyp", "test/index.test.ts", "dist/more.js", "node_modules/x/y.js"])
      await fails({ [name]: "x" }, new RegExp(`${name} does not belong`), /"files": \["dist"/);
  });
  test("has all that is built", () =>
    fails({ [BUILT.types]: undefined }, /dist\/index\.d\.ts is missing/, /plugin build/));
  test("has a package.json", () =>
    fails({ "package.json": "{" }, /package\.json cannot be read/, /plugin new/));
  test("imports nothing from outside its bundle", async () => {
    for (const line of [
      'import "left";',
      'import "./other.js";',
      'export const more = () => import("node:fs");',
      'export const more = () => require("./other.js");',
      'export * from "./other.js";',
    ])
      await fails(
        { [BUILT.bundle]: `${line}\n${bundle()}` },
        /is left outside the bundle/,
        /complete/,
      );
  });
  test("has a bundle that runs in the sandbox", () =>
    fails({ [BUILT.bundle]: "throw new Error('late');" }, /late/, /run in the sandbox/));
  test("has the bundle that its manifest is about", () =>
    fails({ [BUILT.bundle]: `${bundle()}// more` }, /its sha256 is not that/, /build again/));
  test("asks for no more than its manifest says", async () => {
    const wider = await made(
      "wider",
      '{ net: ["{url}"], processes: ["nginx"], mail: true, system: true }',
    );
    const code = wider.get(BUILT.bundle)?.toString("utf8") ?? "";
    await fails(
      {
        [BUILT.bundle]: code,
        [BUILT.manifest]: manifest({ sha256: sha256(code) }),
        "README.md": `${README} and \`system\``,
      },
      /asks for more than it says: \{"system":true\}/,
      /build again/,
    );
  });
  test("is what its manifest says", () =>
    fails({ [BUILT.manifest]: manifest({ kind: "notifier" }) }, /it says notifier/, /build again/));
  test("has the options that its manifest says", () =>
    fails({ [BUILT.manifest]: manifest({ options: {} }) }, /its options are not/, /build again/));
  test("speaks a version of the SDK that is known here", async () => {
    await fails(
      { [BUILT.manifest]: manifest({ sdk: "7.0.0" }) },
      /SDK/,
      /this version of karuntime/,
    );
    for (const [theirs, ours, spoken] of [
      ["0.1.9", "0.1.0", true],
      ["0.2.0", "0.1.0", false],
      ["0.1.0", "0.2.0", false],
      ["1.2.0", "1.3.1", true],
      ["1.4.0", "1.3.1", false],
      ["2.0.0", "1.3.1", false],
      ["latest", "1.3.1", false],
    ] as const)
      assert.equal(speaks(theirs, ours), spoken, `${theirs} with ${ours}`);
  });
  test("says in its README what it asks for", async () => {
    await fails({ "README.md": undefined }, /processes nginx; net \{url\}; mail/, /Permissions/);
    await fails({ "README.md": README.replace("nginx", "") }, /: processes nginx$/, /Permissions/);
    await fails({ "README.md": README.replace("mail", "") }, /: mail$/, /Permissions/);
  });

  test("is built alike in any folder, and names none", async () => {
    const elsewhere = join(folder, "deep", "in", "another");
    cpSync(join(folder, "good"), elsewhere, { recursive: true });
    const here = await buildPlugin(join(folder, "good"), evaluator);
    const there = await buildPlugin(elsewhere, evaluator);
    assert.ok(here.ok && there.ok);
    assert.deepEqual(there.value.files, here.value.files);
    for (const [name, text] of Object.entries(here.value.files))
      assert.doesNotMatch(text, /karuntime-verify|node_modules|file:/, name);
    assert.match(
      here.value.files[BUILT.sourceMap] ?? "",
      /"sourcesContent": \[".*export const limit/s,
    );
    assert.deepEqual(verifyReproduced({ files: good, strange: [] }, [here.value.files]), []);
  });
  test("is what its source makes, each time", () => {
    const built = Object.fromEntries(
      Object.values(BUILT).map((name) => [name, good.get(name)?.toString("utf8") ?? ""]),
    );
    const other = { ...built, [BUILT.bundle]: "other" };
    const content = { files: good, strange: [] };
    const message = (...builds: readonly (typeof built)[]) =>
      verifyReproduced(content, builds).map((failure) => failure.message);
    assert.deepEqual(message(built, built), []);
    assert.deepEqual(message(other, other), ["dist/index.js is not what the source makes"]);
    assert.deepEqual(message(built, other), [
      "two builds of the same source differ in dist/index.js",
    ]);
  });

  describe("that stands alone", () => {
    /** The package with other files, and what is found about its source. */
    async function released(changes: Readonly<Record<string, string | undefined>>) {
      const files = new Map(good);
      for (const [name, text] of Object.entries(changes))
        if (text === undefined) files.delete(name);
        else files.set(name, Buffer.from(text));
      const { failures, reproduction } = await verifyRelease({ files, strange: [] }, evaluator);
      return { messages: failures.map(({ message }) => message), reproduction };
    }
    const text = (name: string): string => good.get(name)?.toString("utf8") ?? "";
    const cannotBeTold = async (
      changes: Readonly<Record<string, string | undefined>>,
      reason: RegExp,
    ): Promise<void> => {
      const { messages, reproduction } = await released(changes);
      assert.deepEqual(messages, []);
      assert.equal(reproduction?.type, "unknown");
      assert.match(reproduction.reason, reason);
    };

    test("is what the source in it makes", async () =>
      assert.deepEqual(await released({}), { messages: [], reproduction: { type: "same" } }));

    test("is not good when its source was changed, or its bundle, or its map", async () => {
      const code = text(BUILT.bundle).replace('down("no")', 'down("yes")');
      const manifest = text(BUILT.manifest).replace(sha256(text(BUILT.bundle)), sha256(code));
      for (const [changes, files] of [
        [
          { "src/limit.ts": "export const limit = 501;\n" },
          "dist/index.js, dist/index.js.map, dist/manifest.json",
        ],
        [{ "src/limit.ts": "export const limit = 500; // five hundred\n" }, "dist/index.js.map"],
        [{ [BUILT.bundle]: code, [BUILT.manifest]: manifest }, "dist/index.js, dist/manifest.json"],
        [{ [BUILT.types]: "export default 1;" }, "dist/index.d.ts"],
      ] as const)
        assert.deepEqual((await released(changes)).messages, [
          `${files} is not what the source in the package makes`,
        ]);
    });

    test("of which that cannot be told says why", async () => {
      await cannotBeTold({ [SOURCE_FILE]: undefined }, /src\/index\.ts is not in the package/);
      await cannotBeTold(
        { "src/limit.ts": undefined },
        /imports \.\/limit\.ts, whose source is not/,
      );
      const manifest = text(BUILT.manifest).replace(/"sdk": "(\d+\.\d+)\.\d+"/, '"sdk": "$1.99"');
      await cannotBeTold({ [BUILT.manifest]: manifest }, /version \d+\.\d+\.99 of the SDK/);
      const map = "export const limit = 500;\n//# sourceMappingURL=/dev/zero\n";
      await cannotBeTold({ "src/limit.ts": map }, /names a source map of its own/);
      // Looked up among the real files, where the package would lie; and none of them is opened.
      const pattern = `export const limit = 500; globalThis.all = (name) => import(\`../../../../../../../../../..${folder}/good/src/\${name}.ts\`);`;
      await cannotBeTold({ "src/limit.ts": pattern }, /good\/src\/\w+\.ts is not in the package/);
    });

    test("may have sources in its map from a workspace or from npm, if an import leads there by itself", async () => {
      for (const [main, found] of [
        ["index.js", { type: "same" }],
        [
          "main.js",
          { type: "unknown", reason: "it imports numbers, whose source is not in the package" },
        ],
      ] as const) {
        const directory = join(folder, "workspace/plugins/one");
        write(directory, {
          "src/index.ts": SOURCE("{}").replace("./limit.ts", "../../limit.ts"),
          "../limit.ts": 'import { seven } from "numbers";\nexport const limit = 10 * seven;\n',
          "../../node_modules/numbers/package.json": JSON.stringify({
            name: "numbers",
            exports: `./${main}`,
          }),
          [`../../node_modules/numbers/${main}`]: "export const seven = 7;\n",
          "package.json": JSON.stringify(PACKAGE),
          "README.md": "",
        });
        const built = await buildPlugin(directory, evaluator);
        assert.ok(built.ok, JSON.stringify(built));
        write(directory, built.value.files);
        const content = readFolder(directory);
        rmSync(join(folder, "workspace"), { recursive: true });
        const { failures, reproduction } = await verifyRelease(content, evaluator);
        assert.deepEqual(failures, []);
        assert.deepEqual(reproduction, found);
      }
    });
  });

  test("is read from a tarball as it is, and has plain files only, inside", async () => {
    const hostile: readonly (readonly [HeaderData, RegExp | undefined])[] = [
      [{ path: "package/src/a.ts", type: "File" }, undefined],
      [{ path: "package/dist/../../up", type: "File" }, /leads out of the package/],
      [{ path: "/etc/absolute", type: "File" }, /is an absolute path/],
      [{ path: "package/link", type: "SymbolicLink", linkpath: "/etc/passwd" }, /is a link/],
      [{ path: "package/hard", type: "Link", linkpath: "package/package.json" }, /is a link/],
      [{ path: "package/fifo", type: "FIFO" }, /no plain file/],
    ];
    for (const [index, [data, problem]] of hostile.entries()) {
      const file = join(folder, `hostile${index}.tgz`);
      const header = Buffer.alloc(512);
      new Header({ mode: 0o644, size: 0, mtime: new Date(0), ...data }).encode(header, 0);
      writeFileSync(file, gzipSync(Buffer.concat([header, Buffer.alloc(1024)])));
      const content = await readTarball(file);
      assert.equal(content.strange.length, problem === undefined ? 0 : 1, data.path);
      if (problem === undefined) assert.deepEqual([...content.files.keys()], ["src/a.ts"]);
      else assert.match(content.strange[0] ?? "", problem);
    }
    const { failures } = await verifyPackage({ files: good, strange: ["x is a link"] }, evaluator);
    assert.deepEqual(failures, [
      { message: "x is a link", remedy: "have plain files only, inside the package" },
    ]);
    writeFileSync(join(folder, "none.tgz"), "no tarball");
    await assert.rejects(readTarball(join(folder, "none.tgz")));
  });

  test("is not waited for where a file of it became a device or a pipe", () => {
    const pipe = join(folder, "pipe");
    assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
    for (const file of ["/dev/zero", pipe])
      assert.throws(() => readPlainFile(file), /is no plain file/);
  });

  const bundle = (): string => good.get(BUILT.bundle)?.toString("utf8") ?? "";
  const manifest = (changes: object): string =>
    JSON.stringify({
      ...(JSON.parse(good.get(BUILT.manifest)?.toString("utf8") ?? "") as object),
      ...changes,
    });
});

function write(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
}
