/** `karuntime plugin`: making, checking, publishing and installing plugin packages. */

const USAGE = `usage: karuntime plugin COMMAND [OPTION ...]

for authors
  new NAME [--kind check|checker|notifier]   make a package: a plugin, its test, its README
  build [DIR]                                bundle it into dist/, with its manifest
  describe [DIR] [--json-schema]             what it may do and which options it has
  verify [DIR | TARBALL]                     hold it against the rules for plugin packages
  pack [DIR] [NPM'S OPTIONS]                 build, verify, npm pack
  publish [DIR] [NPM'S OPTIONS]              build, verify, npm publish

for operators
  add SPEC [--yes] [--min-age 3d]            show what it asks for, install it, and write that to karuntime.lock
  remove NAME                                uninstall it and take it out of karuntime.lock
  list                                       what is in karuntime.lock, and what it may do
  outdated                                   which of them have a newer release

  --registry URL                             publish, add, outdated: another registry than npm is set to
  -c, --config FILE                          add, remove, list, outdated: the configuration that the lock is beside
`;

const commands: Readonly<
  Record<string, () => Promise<(argv: readonly string[]) => Promise<number>>>
> = {
  new: async () => (await import("./plugin/new.ts")).run,
  build: async () => (await import("./plugin/build.ts")).build,
  describe: async () => (await import("./plugin/build.ts")).describe,
  verify: async () => (await import("./plugin/verify.ts")).run,
  pack: async () => (await import("./plugin/publish.ts")).pack,
  publish: async () => (await import("./plugin/publish.ts")).publish,
  add: async () => (await import("./plugin/add.ts")).run,
  remove: async () => (await import("./plugin/installed.ts")).remove,
  list: async () => (await import("./plugin/installed.ts")).list,
  outdated: async () => (await import("./plugin/installed.ts")).outdated,
};

export async function run(argv: readonly string[]): Promise<number> {
  const [name = "help", ...rest] = argv;
  if (name === "help" || rest.includes("--help") || rest.includes("-h")) {
    process.stdout.write(USAGE);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(
      `karuntime: there is no command plugin ${JSON.stringify(name)}\n\n${USAGE}`,
    );
    return 1;
  }
  return (await command())(rest);
}
