/** `karuntime plugin new`: a package that type-checks, passes its test and builds at once. */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { isPluginName, pluginName } from "../../plugins/names.ts";
import { writeTemplate } from "../template.ts";
import { VERSION } from "../version.ts";

const KINDS = ["check", "checker", "notifier"];

export async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { kind: { type: "string", default: "check" } },
  });
  const { kind } = values;
  const [given, ...others] = positionals;
  if (given === undefined || others.length > 0)
    throw new Error("expected one name: karuntime plugin new NAME, or @SCOPE/NAME");
  if (!KINDS.includes(kind))
    throw new Error(`--kind: found ${JSON.stringify(kind)}, expected ${KINDS.join(", ")}`);
  const name = pluginName(given);
  if (!isPluginName(name))
    throw new Error(
      `found the name ${JSON.stringify(given)}, expected small letters, digits, ".", "_" and "-", perhaps after @SCOPE/`,
    );
  const directory = name.startsWith("@") ? (name.split("/")[1] ?? name) : name;
  const files = {
    "package.json": "plugin/package.template.json",
    "README.md": `plugin/README.${kind}.template.md`,
    "tsconfig.json": "plugin/tsconfig.template.json",
    ".gitignore": "plugin/gitignore",
    "src/index.ts": `plugin/src/${kind}.ts`,
    "test/index.test.ts": `plugin/test/${kind}.ts`,
  };
  writeTemplate(resolve(directory), files, { package: name, version: VERSION });
  for (const file of Object.keys(files)) process.stdout.write(`${join(directory, file)}\n`);
  process.stdout.write(
    `\nnext: cd ${directory} && npm install && npm test && npx karuntime plugin verify\n`,
  );
  return 0;
}
