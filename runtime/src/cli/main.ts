/** The `karuntime` command: finds the command's file and reports what goes wrong in one line. */

import { nodeFault } from "./node-version.ts";

const USAGE = `karuntime: VRRP high availability with health checks as TypeScript plugins

usage: karuntime COMMAND [OPTION ...]

  start      run the daemon in the foreground
  validate   check a configuration and exit: 0 good, 1 warnings with --strict, 2 errors
  status     show what the running daemon does
  invoke     run a plugin once, in a sandbox, and show what it did: exits with 0 up, 1 down, 2 fault or not loaded
  dev        run a plugin as invoke does, again at each save of its files
  test       run the tests of plugins: the files that are named, else every *.test.ts beneath this folder
  init       make a new project: a configuration, a check and its test
  types      write karuntime-env.d.ts, by which editors complete the options of plugins in karuntime.config.ts
  plugin     make, publish and install plugin packages: karuntime plugin help
  migrate    write a keepalived.conf as a karuntime.config.ts with plugins
  genhash    print the digest of a web page, as keepalived's HTTP_GET wants it
  help       show this text
  version    show the version

options
  -c, --config FILE           the configuration: a .ts file, or a keepalived.conf (default: karuntime.config.ts here,
                              else in /etc/karuntime, else /etc/keepalived/keepalived.conf); -f is the same
      --lenient               start, validate: go on after errors in a keepalived.conf, as keepalived does
  -i, --config-id NAME        start, validate: what @NAME in a keepalived.conf is compared with (default: the host's name)
      --runtime-directory DIR where the sockets are (default: /run/karuntime, or $XDG_RUNTIME_DIR/karuntime without root)
      --option NAME=VALUE     invoke, dev: an option of the plugin; may be repeated
      --target ADDRESS:PORT   invoke, dev: what a checker looks at
      --event EVENT           invoke, dev: what a notifier is told (default: master)
      --timeout TIME          invoke, dev: how long the plugin may take (default: 5s)
      --inspect               invoke: wait for a debugger, on 127.0.0.1 and --inspect-port PORT (default: 9229)
      --json                  status, validate, invoke, dev: print JSON
      --print                 validate: print the configuration as it counts, defaults filled in, as JSON
      --strict                validate: exit with 1 when there are warnings
      --peer FILE             validate: also compare with the other host's configuration
  -t, --config-test           validate: exit as keepalived -t does: 0 good, 4 no such file, 5 errors
      --log-format FORMAT     start: json or pretty (default: pretty on a terminal, else json)
      --log-level LEVEL       start: debug, info, warn or error (default: info)
`;

const commands: Readonly<
  Record<string, () => Promise<{ run(argv: readonly string[]): Promise<number> }>>
> = {
  start: () => import("./start.ts"),
  validate: () => import("./validate.ts"),
  status: () => import("./status.ts"),
  migrate: () => import("./migrate.ts"),
  genhash: () => import("./genhash.ts"),
  init: () => import("./init.ts"),
  types: () => import("./types.ts"),
  plugin: () => import("./plugin.ts"),
  invoke: () => import("./invoke.ts"),
  dev: () => import("./dev.ts"),
  test: () => import("./test.ts"),
};

async function main(argv: readonly string[]): Promise<number> {
  const [name = "help", ...rest] = argv;
  // As keepalived is called: karuntime -t -f FILE
  if (name === "-t" || name === "--config-test") return (await import("./validate.ts")).run(argv);
  if (name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(USAGE);
    return 0;
  }
  if (name === "version" || name === "--version") {
    const { VERSION } = await import("./version.ts");
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(`karuntime: there is no command ${JSON.stringify(name)}\n\n${USAGE}`);
    return 1;
  }
  const fault = nodeFault(process.version);
  if (fault !== undefined) throw new Error(fault);
  return (await command()).run(rest);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`karuntime: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
