/** The `karuntime` command: finds the command's file and reports what goes wrong in one line. */

const USAGE = `karuntime: VRRP high availability with health checks as TypeScript plugins

usage: karuntime COMMAND [OPTION ...]

  start      run the daemon in the foreground
  validate   check a configuration and exit: 0 good, 2 bad
  status     show what the running daemon does
  help       show this text
  version    show the version

options
  -c, --config FILE           the configuration (default: karuntime.config.ts here, else in /etc/karuntime)
      --runtime-directory DIR where the sockets are (default: /run/karuntime, or $XDG_RUNTIME_DIR/karuntime without root)
      --json                  status, validate: print JSON
      --log-format FORMAT     start: json or pretty (default: pretty on a terminal, else json)
      --log-level LEVEL       start: debug, info, warn or error (default: info)
`;

const commands: Readonly<
  Record<string, () => Promise<{ run(argv: readonly string[]): Promise<number> }>>
> = {
  start: () => import("./start.ts"),
  validate: () => import("./validate.ts"),
  status: () => import("./status.ts"),
};

async function main(argv: readonly string[]): Promise<number> {
  const [name = "help", ...rest] = argv;
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
  return (await command()).run(rest);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`karuntime: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
