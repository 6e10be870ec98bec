/** The checkers of a real server: `TCP_CHECK`, `HTTP_GET` and their kin. */
import type { UserChecker, UserCheckerTiming, UserHttpUrl } from "../define-director.ts";
import { command, pluginOf, userCommand, userOf } from "./command.ts";
import type { Context } from "./context.ts";
import { duration, present } from "./context.ts";
import { address } from "./endpoint.ts";
import type { Block, Found, Grammar, Keyword, Section } from "./keyword.ts";
import {
  block,
  boolean,
  custom,
  flag,
  ignored,
  integer,
  integerOf,
  last,
  oneOf,
  required,
  seconds,
  text,
  unsupported,
  words,
} from "./keyword.ts";

const SECONDS_MAX = 4294.967_295;
/** 31 days. */
const INTERVAL_SECONDS_MAX = 2_678_400;
const COUNT_MAX = 1_000_000;

/** When checkers run: virtual servers, real servers and checkers share these. */
export const timingGrammar = {
  retry: integer(0, COUNT_MAX),
  delay_before_retry: seconds(0, SECONDS_MAX),
  warmup: seconds(0, SECONDS_MAX),
  delay_loop: seconds(0.001, INTERVAL_SECONDS_MAX),
  connect_timeout: seconds(0.001, SECONDS_MAX),
} as const satisfies Grammar;

const commonGrammar = {
  ...timingGrammar,
  connect_ip: address,
  connect_port: integer(1, 65_535),
  bindto: address,
  bind_port: integer(1, 65_535),
  bind_if: text("an interface"),
  fwmark: integer(0, 0xffff_ffff),
  alpha: boolean(),
  log_all_failures: ignored("every failure can be seen in the status"),
} as const satisfies Grammar;

const statusCodes: Keyword<readonly string[]> = custom((statement, report) => {
  if (statement.parameters.length === 0) {
    report.warning(statement, "keepalived.no-effect", "status_code without a status has no effect");
    return undefined;
  }
  return statement.parameters.flatMap((word) => {
    const [first = "", second = first, ...rest] = word.text.split("-");
    const codes = [Number(first), Number(second)];
    const valid = codes.every((code) => Number.isInteger(code) && code >= 100 && code <= 599);
    if (valid && rest.length === 0 && Number(first) <= Number(second)) return [word.text];
    report.error(
      word,
      "keepalived.value",
      `found ${JSON.stringify(word.text)}, expected a status of 100 to 599, or a range`,
    );
    return [];
  });
});

const urlGrammar = {
  path: text("a path that begins with /"),
  digest: custom((statement, report) => {
    const word = required(statement, 0, "an MD5 of 32 hexadecimal digits", report);
    if (word === undefined || /^[0-9a-f]{32}$/i.test(word.text)) return word;
    report.error(
      word,
      "keepalived.value",
      `found ${JSON.stringify(word.text)}, expected an MD5 of 32 hexadecimal digits, as karuntime genhash prints it`,
    );
    return undefined;
  }),
  status_code: statusCodes,
  virtualhost: text("a host"),
  regex: text("a regular expression, in quotes"),
  regex_no_match: flag(),
  regex_options: words("PCRE2's options"),
  regex_min_offset: integer(0, COUNT_MAX),
  regex_max_offset: integer(0, COUNT_MAX),
  regex_stack: ignored("regular expressions get what memory they need", "none"),
  tls_compliant: boolean(),
} as const satisfies Grammar;

const httpGrammar = {
  ...commonGrammar,
  nb_get_retry: integer(0, COUNT_MAX),
  url: { ...block(urlGrammar), repeats: true },
  http_protocol: oneOf(["1.0", "1.0C", "1.0c", "1.1"]),
  fast_recovery: boolean(),
  virtualhost: text("a host"),
  enable_sni: boolean(),
  sni_name: text("a host"),
  tls_compliant: boolean(),
} as const satisfies Grammar;

const smtpGrammar = {
  ...commonGrammar,
  helo_name: text("a name"),
  host: {
    ...block({
      connect_ip: address,
      connect_port: integer(1, 65_535),
      bindto: address,
      bind_port: integer(1, 65_535),
      bind_if: text("an interface"),
      connect_timeout: seconds(0.001, SECONDS_MAX),
      fwmark: integer(0, 0xffff_ffff),
    }),
    repeats: true,
  },
} as const satisfies Grammar;

const RECORD_TYPES = ["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"] as const;

const dnsGrammar = {
  ...commonGrammar,
  type: oneOf(RECORD_TYPES),
  name: text("a name"),
} as const satisfies Grammar;

const miscGrammar = {
  ...timingGrammar,
  misc_path: command(),
  misc_timeout: seconds(0, SECONDS_MAX),
  misc_dynamic: flag(),
  alpha: boolean(),
  log_all_failures: commonGrammar.log_all_failures,
  user: custom((statement, report) =>
    required(statement, 0, "a user", report) === undefined ? undefined : userOf(statement),
  ),
} as const satisfies Grammar;

const udpGrammar = {
  ...commonGrammar,
  payload: text("hexadecimal digits"),
  require_reply: words("", 0),
  min_reply_length: integer(0, 65_535),
  max_reply_length: integer(0, 65_535),
} as const satisfies Grammar;

const fileGrammar = {
  track_file: text("the name of a track_file"),
  weight: custom((statement, report) => {
    const word = required(statement, 0, "a weight", report);
    const number = word === undefined ? undefined : integerOf(word, -254, 254, report);
    const reverse = statement.parameters[1]?.text === "reverse";
    return number === undefined ? undefined : { weight: number, reverse };
  }),
} as const satisfies Grammar;

/** The checkers that may stand in a real server. */
export const checkerGrammar = {
  TCP_CHECK: { ...block(commonGrammar), repeats: true },
  HTTP_GET: { ...block(httpGrammar), repeats: true },
  SSL_GET: { ...block(httpGrammar), repeats: true },
  SMTP_CHECK: { ...block(smtpGrammar), repeats: true },
  DNS_CHECK: { ...block(dnsGrammar), repeats: true },
  MISC_CHECK: { ...block(miscGrammar), repeats: true },
  PING_CHECK: { ...block(commonGrammar), repeats: true },
  UDP_CHECK: { ...block(udpGrammar), repeats: true },
  FILE_CHECK: { ...block(fileGrammar), repeats: true },
  BFD_CHECK: unsupported("there is no BFD yet", "block"),
} as const satisfies Grammar;

/** What a block says of when its checkers run. */
export function timingOf(
  found: Block<typeof timingGrammar> & { readonly alpha?: readonly Found<boolean>[] },
): UserCheckerTiming {
  const time = (entries: readonly Found<number>[] | undefined) => {
    const value = last(entries);
    return value === undefined ? undefined : duration(value);
  };
  return present({
    interval: time(found.delay_loop),
    retries: last(found.retry),
    retryDelay: time(found.delay_before_retry),
    warmup: time(found.warmup),
    timeout: time(found.connect_timeout),
    startsDown: last(found.alpha),
  });
}

/** All checkers of a real server. */
export function checkersOf(
  found: Block<typeof checkerGrammar>,
  context: Context,
): readonly UserChecker[] {
  const sections = <G extends Grammar>(
    entries: readonly Found<Section<G>>[] | undefined,
    translate: (inside: Block<G>, entry: Found<Section<G>>) => UserChecker | undefined,
  ): UserChecker[] => (entries ?? []).flatMap((entry) => translate(entry.value.block, entry) ?? []);
  return [
    ...sections(found.TCP_CHECK, (inside) => ({ type: "tcp", ...commonOf(inside) })),
    ...sections(found.HTTP_GET, (inside, entry) => httpOf("http", inside, entry, context)),
    ...sections(found.SSL_GET, (inside, entry) => httpOf("https", inside, entry, context)),
    ...sections(found.SMTP_CHECK, (inside) => ({
      type: "smtp",
      ...commonOf(inside),
      ...present({ helo: last(inside.helo_name)?.text }),
    })),
    ...sections(found.DNS_CHECK, (inside) => ({
      type: "dns",
      ...commonOf(inside),
      ...present({ recordType: last(inside.type), name: last(inside.name)?.text }),
    })),
    ...sections(found.MISC_CHECK, (inside, entry) => commandOf(inside, entry, context)),
    ...sections(found.PING_CHECK, (inside) => ({ type: "ping", ...commonOf(inside) })),
    ...sections(found.UDP_CHECK, udpOf),
    ...sections(found.FILE_CHECK, (inside, { statement }) => {
      const file = last(inside.track_file);
      if (file === undefined) {
        context.report.error(statement, "keepalived.checker", "FILE_CHECK has no track_file");
        return undefined;
      }
      const weighed = last(inside.weight);
      return {
        type: "file",
        file: file.text,
        ...present({ weight: weighed?.weight, reverse: weighed?.reverse === true || undefined }),
      };
    }),
  ];
}

function commonOf(found: Block<typeof commonGrammar>) {
  return {
    ...timingOf(found),
    ...present({
      address: last(found.connect_ip)?.text,
      port: last(found.connect_port),
      sourceAddress: last(found.bindto)?.text,
      sourcePort: last(found.bind_port),
      interface: last(found.bind_if)?.text,
      mark: last(found.fwmark) || undefined,
    }),
  };
}

function httpOf(
  type: "http" | "https",
  found: Block<typeof httpGrammar>,
  { statement }: Found<Section<typeof httpGrammar>>,
  { report }: Context,
): UserChecker | undefined {
  const old = found.nb_get_retry?.at(-1);
  if (old !== undefined)
    report.warning(
      old.statement,
      "keepalived.obsolete",
      "nb_get_retry is the old name of retry; it is read as that",
    );
  const urls = (found.url ?? []).flatMap((entry): UserHttpUrl[] => {
    const path = last(entry.value.block.path);
    if (path?.text.startsWith("/") === true) return [urlOf(path.text, entry.value.block)];
    report.error(
      path ?? entry.statement,
      "keepalived.checker",
      "found a url without a path, expected one that begins with /",
    );
    return [];
  });
  if (urls.length === 0) {
    report.error(
      statement,
      "keepalived.checker",
      `${statement.keyword.text} has no url; keepalived leaves it out`,
    );
    return undefined;
  }
  const protocol = last(found.http_protocol);
  const common = commonOf(found);
  return {
    type,
    ...common,
    ...present({
      retries: common.retries ?? old?.value,
      protocol: protocol === "1.0c" ? "1.0C" : protocol,
      host: last(found.virtualhost)?.text,
      serverName: last(found.sni_name)?.text,
      fastRecovery: last(found.fast_recovery),
    }),
    urls,
  };
}

function urlOf(path: string, found: Block<typeof urlGrammar>): UserHttpUrl {
  const pattern = last(found.regex);
  const codes = last(found.status_code);
  return {
    path,
    ...present({
      digest: last(found.digest)?.text,
      statusCodes: codes === undefined || codes.length === 0 ? undefined : codes,
      host: last(found.virtualhost)?.text,
      pattern:
        pattern === undefined
          ? undefined
          : {
              text: pattern.text,
              ...present({
                options: last(found.regex_options)?.map((word) => word.text),
                absent: found.regex_no_match === undefined ? undefined : true,
                fromOffset: last(found.regex_min_offset),
                toOffset: last(found.regex_max_offset),
              }),
            },
    }),
  };
}

function commandOf(
  found: Block<typeof miscGrammar>,
  { statement }: Found<Section<typeof miscGrammar>>,
  context: Context,
): UserChecker | undefined {
  const line = last(found.misc_path);
  if (line === undefined) {
    if (found.misc_path === undefined)
      context.report.error(
        statement,
        "keepalived.checker",
        "MISC_CHECK has no misc_path; keepalived leaves it out",
      );
    return undefined;
  }
  const timeout = last(found.misc_timeout);
  const limit = timeout === undefined || timeout === 0 ? undefined : duration(timeout);
  const plugin = pluginOf(line);
  if (plugin !== undefined)
    return { type: "plugin", plugin, ...timingOf(found), ...present({ timeout: limit }) };
  const user = last(found.user);
  return {
    type: "command",
    ...timingOf(found),
    ...userCommand(line, true, context),
    ...(user === undefined ? {} : { user }),
    ...present({
      timeout: limit,
      dynamicWeight: found.misc_dynamic === undefined ? undefined : true,
    }),
  };
}

function udpOf(found: Block<typeof udpGrammar>): UserChecker {
  const reply = last(found.require_reply);
  return {
    type: "udp",
    ...commonOf(found),
    ...present({
      payload: last(found.payload)?.text,
      reply:
        reply === undefined
          ? undefined
          : present({
              pattern: reply[0]?.text,
              minimumLength: last(found.min_reply_length),
              maximumLength: last(found.max_reply_length),
            }),
    }),
  };
}
