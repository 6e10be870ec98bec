/** Virtual servers of a configuration: every default filled in, and what does not go together. */
import type {
  CheckerConfig,
  CheckerConnection,
  CheckerKind,
  ForwardingMethod,
  RealServerConfig,
  VirtualServerConfig,
  VirtualService,
} from "../director/config.ts";
import { familyOf } from "../packet/address.ts";
import { commandOf } from "./commands.ts";
import type { Reporter } from "./virtual-router.ts";
import type {
  ParsedForwarding,
  ParsedTiming,
  ParsedVirtualServer,
} from "./virtual-server-schema.ts";

const INTERVAL_MS = 60_000;
const TIMEOUT_MS = 5000;
const RETRIES = { dns: 3, command: 0, other: 1 } as const;

type Parsed = ParsedVirtualServer;
type ParsedRealServer = Parsed["realServers"][number];
type ParsedChecker = ParsedRealServer["checkers"][number];

/** The virtual server with every default filled in; what does not go together is reported. */
export function resolveVirtualServer(
  name: string,
  parsed: Parsed,
  report: Reporter,
): VirtualServerConfig {
  const services = parsed.services.map(serviceOf);
  const family = familyOfServices(services);
  const forwardingMethod = methodOf(parsed.forwarding);
  const realServers = parsed.realServers.map((server, index) =>
    realServerOf(server, parsed, services, (message) =>
      report.warning(["realServers", index], message),
    ),
  );
  const everyPort = services.some((entry) => "port" in entry && entry.port === 0);
  if (everyPort && parsed.persistence === undefined)
    report.error(["persistence"], "found a service without a port, which needs persistence");
  if (parsed.onePacket && parsed.protocol !== "UDP")
    report.error(["onePacket"], `found true with ${parsed.protocol}, expected UDP`);
  if (parsed.hysteresis >= parsed.quorum && parsed.hysteresis > 0)
    report.error(
      ["hysteresis"],
      `found ${parsed.hysteresis}, expected less than the quorum of ${parsed.quorum}`,
    );
  const total = realServers.reduce((sum, server) => sum + server.weight, 0);
  if (parsed.quorum > total)
    report.warning(
      ["quorum"],
      `found ${parsed.quorum}, and the weights of all real servers come to ${total}: the quorum can never be reached`,
    );
  const seen = new Set<string>();
  for (const [index, server] of realServers.entries()) {
    const place = `${server.address} ${server.port}`;
    if (seen.has(place)) report.error(["realServers", index], `found ${place} again`);
    seen.add(place);
  }
  const { sorryServer, persistence } = parsed;
  return {
    name,
    services,
    protocol: parsed.protocol,
    scheduler: parsed.scheduler,
    schedulerFlags: parsed.schedulerFlags,
    onePacket: parsed.onePacket,
    forwarding: forwardingMethod,
    persistence:
      persistence === undefined
        ? undefined
        : {
            timeoutMs: persistence.timeout,
            granularity: persistence.granularity ?? (family === "ipv6" ? 128 : 32),
            engine: persistence.engine,
          },
    quorum: parsed.quorum,
    hysteresis: parsed.hysteresis,
    onQuorumUp: parsed.onQuorumUp === undefined ? undefined : commandOf(parsed.onQuorumUp),
    onQuorumDown: parsed.onQuorumDown === undefined ? undefined : commandOf(parsed.onQuorumDown),
    omega: parsed.omega,
    suspendWithoutAddress: parsed.suspendWithoutAddress,
    mail: parsed.mail,
    sorryServer:
      sorryServer === undefined
        ? undefined
        : {
            ...sorryServer.server,
            forwarding: methodOf(sorryServer.forwarding ?? parsed.forwarding),
            inhibit: sorryServer.inhibit,
          },
    realServers,
  };
}

function serviceOf(parsed: Parsed["services"][number]): VirtualService {
  if ("mark" in parsed) return { type: "mark", mark: parsed.mark, family: parsed.family };
  if ("first" in parsed)
    return { type: "range", first: parsed.first, last: parsed.last, port: parsed.port ?? 0 };
  return { type: "address", ...parsed };
}

function familyOfServices(services: readonly VirtualService[]): "ipv4" | "ipv6" | undefined {
  for (const entry of services) {
    if (entry.type === "address") return familyOf(entry.address);
    if (entry.type === "range") return familyOf(entry.first);
    if (entry.family !== undefined) return entry.family;
  }
  return undefined;
}

function methodOf(parsed: ParsedForwarding): ForwardingMethod {
  if (typeof parsed === "object") return { ...parsed, port: parsed.port };
  return parsed === "TUN"
    ? { type: "TUN", encapsulation: "ipip", port: undefined, checksum: "none" }
    : { type: parsed };
}

function realServerOf(
  parsed: ParsedRealServer,
  virtual: Parsed,
  services: readonly VirtualService[],
  warn: (message: string) => void,
): RealServerConfig {
  const method = methodOf(parsed.forwarding ?? virtual.forwarding);
  const [first] = services;
  const virtualPort = first !== undefined && "port" in first ? first.port : 0;
  let { port: realPort } = parsed.server;
  if (realPort === 0) realPort = virtualPort;
  if (method.type !== "NAT" && virtualPort !== 0 && realPort !== virtualPort) {
    warn(
      `found the port ${realPort} with ${method.type}, which forwards packets as they are: it is ${virtualPort}, as that of the service`,
    );
    realPort = virtualPort;
  }
  return {
    address: parsed.server.address,
    port: realPort,
    weight: parsed.weight ?? virtual.weight,
    forwarding: method,
    upperThreshold: parsed.upperThreshold,
    lowerThreshold: parsed.lowerThreshold,
    inhibitOnFailure: parsed.inhibitOnFailure ?? virtual.inhibitOnFailure,
    onUp: parsed.onUp === undefined ? undefined : commandOf(parsed.onUp),
    onDown: parsed.onDown === undefined ? undefined : commandOf(parsed.onDown),
    mail: parsed.mail,
    checkers: parsed.checkers.map((entry) => checkerOf(entry, parsed, virtual)),
  };
}

function checkerOf(
  parsed: ParsedChecker,
  server: ParsedRealServer,
  virtual: Parsed,
): CheckerConfig {
  const layers: readonly ParsedTiming[] = [parsed, server, virtual];
  const first = <K extends keyof ParsedTiming>(key: K): ParsedTiming[K] | undefined =>
    layers.map((layer) => layer[key]).find((value) => value !== undefined);
  const { type } = parsed;
  const intervalMs = first("interval") ?? INTERVAL_MS;
  const retryDelayMs =
    first("retryDelay") ??
    (type === "http" || type === "https" ? 3000 : type === "dns" ? intervalMs : 1000);
  return {
    ...kindOf(parsed, server.host ?? virtual.host),
    intervalMs,
    retries:
      first("retries") ??
      (type === "dns" ? RETRIES.dns : type === "command" ? RETRIES.command : RETRIES.other),
    retryDelayMs,
    warmupMs: first("warmup") ?? intervalMs,
    timeoutMs: first("timeout") ?? (type === "command" ? intervalMs : TIMEOUT_MS),
    startsDown: first("startsDown") ?? false,
    ...connectionOf(parsed),
  };
}

function connectionOf(parsed: ParsedChecker): CheckerConnection {
  const { address, port } = parsed;
  // A plugin chooses the rest itself.
  if (parsed.type === "plugin")
    return {
      address,
      port,
      sourceAddress: undefined,
      sourcePort: undefined,
      interface: undefined,
      mark: undefined,
    };
  const { sourceAddress, sourcePort, interface: device, mark } = parsed;
  return { address, port, sourceAddress, sourcePort, interface: device, mark };
}

function kindOf(parsed: ParsedChecker, host: string | undefined): CheckerKind {
  switch (parsed.type) {
    case "plugin":
      return { type: "plugin", plugin: parsed.plugin };
    case "tcp":
    case "ping":
      return { type: parsed.type };
    case "http":
    case "https":
      return {
        type: "http",
        tls: parsed.type === "https",
        protocol: parsed.protocol,
        host: parsed.host ?? host,
        serverName: parsed.serverName,
        fastRecovery: parsed.fastRecovery,
        urls: parsed.urls.map((entry) => ({
          path: entry.path,
          digest: entry.digest?.toLowerCase(),
          statusCodes: entry.statusCodes,
          host: entry.host,
          pattern:
            entry.pattern === undefined
              ? undefined
              : {
                  ...entry.pattern,
                  fromOffset: entry.pattern.fromOffset,
                  toOffset: entry.pattern.toOffset,
                },
        })),
      };
    case "smtp":
      return { type: "smtp", helo: parsed.helo };
    case "dns":
      return { type: "dns", recordType: parsed.recordType, name: parsed.name };
    case "command":
      return {
        type: "command",
        command: commandOf(parsed),
        dynamicWeight: parsed.dynamicWeight,
      };
    case "udp":
      return {
        type: "udp",
        payload: parsed.payload,
        reply:
          parsed.reply === undefined
            ? undefined
            : { ...parsed.reply, pattern: parsed.reply.pattern },
      };
    case "file":
      return { type: "file", file: parsed.file, weight: parsed.weight, reverse: parsed.reverse };
  }
}
