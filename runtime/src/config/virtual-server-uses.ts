/** What a virtual server brings along: who is told of it and of its real servers, and the plugins that check these. */
import { createHash } from "node:crypto";
import type { CommandLine, RealServerConfig, VirtualServerConfig } from "../director/config.ts";
import { formatEndpoint } from "../packet/address.ts";
import type {
  CheckerConfiguration,
  NotificationConfiguration,
  NotificationEvent,
} from "./model.ts";
import { pluginUseOf } from "./plugin-use.ts";
import type { ParsedVirtualServer } from "./virtual-server-schema.ts";

const INTERVAL_MS_MIN = 10;
/** What messages of a sandbox host may name. */
const NAME_LENGTH_MAX = 64;

/** Who is told by the virtual server's own keys, as keepalived does: commands, and mail where there is a server for it. */
export function notificationsOfServer(
  server: VirtualServerConfig,
  mailed: boolean,
): NotificationConfiguration[] {
  const { name } = server;
  return [
    ...server.realServers.flatMap((real) =>
      toldOf(
        { type: "real-server", name: formatEndpoint(real.address, real.port), virtualServer: name },
        { up: real.onUp, down: real.onDown },
        mailed && real.mail,
      ),
    ),
    ...toldOf(
      { type: "virtual-server", name },
      { "quorum-up": server.onQuorumUp, "quorum-down": server.onQuorumDown },
      mailed && server.mail,
    ),
  ];
}

function toldOf(
  subject: NotificationConfiguration["subject"],
  commands: { readonly [Event in NotificationEvent]?: CommandLine | undefined },
  mail: boolean,
): NotificationConfiguration[] {
  const events = Object.keys(commands) as NotificationEvent[];
  return [
    ...events.flatMap((event): NotificationConfiguration[] => {
      const command = commands[event];
      if (command === undefined) return [];
      return [
        { subject, events: [event], target: { type: "command", command, appendEvent: false } },
      ];
    }),
    ...(mail ? [{ subject, events, target: { type: "mail" } } as const] : []),
  ];
}

/**
 * The checkers that are plugins.
 *
 * @param index the virtual server's place in the configuration.
 */
export function checkersOf(
  parsed: ParsedVirtualServer["realServers"],
  server: VirtualServerConfig,
  index: number,
  report: (path: readonly (string | number)[], message: string) => void,
): CheckerConfiguration[] {
  return server.realServers.flatMap((real, realServer) =>
    real.checkers.flatMap((config, checker) => {
      const entry = parsed[realServer]?.checkers[checker];
      if (entry?.type !== "plugin") return [];
      const path = ["realServers", realServer, "checkers", checker];
      if (config.intervalMs < INTERVAL_MS_MIN)
        report([...path, "interval"], `a plugin runs every ${INTERVAL_MS_MIN} ms at most`);
      return [
        {
          ...pluginUseOf(entry),
          name: checkerName(server.name, real, checker),
          intervalMs: config.intervalMs,
          timeoutMs: config.timeoutMs,
          // Each result is told; the director counts them.
          rise: 1,
          fall: 1,
          initialState: "unknown",
          onFault: entry.onFault,
          warmupMs: config.warmupMs,
          target: {
            address: config.address ?? real.address,
            port: config.port ?? real.port,
            virtualService: server.name,
          },
          path: ["virtualServers", server.name, ...path].join("."),
          virtualServer: index,
          realServer,
          checker,
        },
      ];
    }),
  );
}

/** No check's name has a blank; and it stays the same when others are added, for what the plugin keeps. */
function checkerName(
  virtualServer: string,
  { address, port }: RealServerConfig,
  checker: number,
): string {
  const name = (of: string): string =>
    `${formatEndpoint(address, port)} of ${of}${checker === 0 ? "" : ` #${checker + 1}`}`;
  const full = name(virtualServer);
  if (full.length <= NAME_LENGTH_MAX) return full;
  return name(createHash("sha256").update(virtualServer).digest("hex").slice(0, 8));
}
