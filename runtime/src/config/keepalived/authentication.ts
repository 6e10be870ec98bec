/** `authentication` and `auth_hmac`. */
import type { UserAuthentication } from "../define.ts";
import type { Context } from "./context.ts";
import { duration, hasCurlyQuotes, present } from "./context.ts";
import type { Block, Grammar, Report } from "./keyword.ts";
import {
  block,
  custom,
  integer,
  integerOf,
  last,
  many,
  oneOf,
  required,
  seconds,
  text,
} from "./keyword.ts";

const PASSWORD_OCTETS = 8;
const KEY_OCTETS_MIN = 32;
const KEY_OCTETS_MAX = 64;

const passwordGrammar = {
  auth_type: text("PASS or AH"),
  // Further words are not reported: they may be a part of the password.
  auth_pass: custom((statement, report) =>
    required(statement, 0, "a password of up to 8 characters", report),
  ),
} as const satisfies Grammar;

const hmacGrammar = {
  key: many(
    custom((statement, report) => {
      const id = required(statement, 0, "an id, 1 to 255", report);
      const key = required(statement, 1, "a key of 32 to 64 octets", report);
      const number = id === undefined ? undefined : integerOf(id, 1, 255, report);
      return number === undefined || key === undefined ? undefined : { id: number, word: key };
    }),
  ),
  active_key: integer(1, 255),
  anti_replay: oneOf(["time", "monotonic"]),
  time_window: seconds(1, 300),
  mode: oneOf(["enforce", "permissive", "receive-only"]),
} as const satisfies Grammar;

export const authenticationGrammar = {
  authentication: block(passwordGrammar),
  auth_hmac: block(hmacGrammar),
} as const satisfies Grammar;

export interface AuthenticationPlace {
  readonly name: string;
  readonly version: 2 | 3;
  readonly family: "ipv4" | "ipv6";
  readonly strict: boolean;
}

/** How a virtual router authenticates; undefined where it does not, and where keepalived leaves it out. */
export function authenticationOf(
  found: Block<typeof authenticationGrammar>,
  place: AuthenticationPlace,
  context: Context,
): UserAuthentication | undefined {
  const hmac = found.auth_hmac?.at(-1);
  if (hmac !== undefined) return hmacOf(hmac.value.block, context);
  return passwordOf(found, place, context.report);
}

function passwordOf(
  found: Block<typeof authenticationGrammar>,
  { name, version, family, strict }: AuthenticationPlace,
  report: Report,
): UserAuthentication | undefined {
  const section = found.authentication?.at(-1);
  if (section === undefined) return undefined;
  const type = last(section.value.block.auth_type);
  const password = last(section.value.block.auth_pass);
  if (type === undefined || password === undefined || password.text === "") {
    report.warning(
      section.statement,
      "keepalived.authentication",
      `${name} is not authenticated: there is ${type === undefined ? "no auth_type" : "no auth_pass"}`,
    );
    return undefined;
  }
  if (type.text !== "PASS" && type.text !== "AH") {
    report.error(
      type,
      "keepalived.authentication",
      `found the auth_type ${JSON.stringify(type.text)}, expected PASS or AH; keepalived authenticates nothing then`,
    );
    return undefined;
  }
  const why = strict
    ? "vrrp_strict allows no authentication"
    : version === 3
      ? "version 3 carries none (auth_hmac can be used)"
      : type.text === "AH" && family === "ipv6"
        ? "AH is not used with IPv6"
        : undefined;
  if (why !== undefined) {
    report.warning(
      section.statement,
      "keepalived.authentication",
      `${name} is not authenticated: ${why}; keepalived leaves it out, and so does karuntime`,
    );
    return undefined;
  }
  if (hasCurlyQuotes(password.text))
    report.warning(
      password,
      "keepalived.curly-quotes",
      "found curly quotes in the password: they are a part of it, as in keepalived",
    );
  return {
    type: type.text,
    password: cut(password.text, () =>
      report.warning(
        password,
        "keepalived.password",
        `found a password of ${Buffer.byteLength(password.text)} octets; only the first ${PASSWORD_OCTETS} go on the wire, as with keepalived`,
      ),
    ),
  };
}

/** The first eight octets, which is all that the packet has room for. */
function cut(password: string, complain: () => void): string {
  if (Buffer.byteLength(password) <= PASSWORD_OCTETS) return password;
  complain();
  const octets = Buffer.from(password).subarray(0, PASSWORD_OCTETS);
  const text = octets.toString("utf8");
  // A character that the cut parts cannot be written as text.
  return Buffer.from(text).equals(octets) ? text : `hex:${octets.toString("hex")}`;
}

function hmacOf(
  found: Block<typeof hmacGrammar>,
  { report, host }: Context,
): UserAuthentication | undefined {
  const keys = (found.key ?? []).flatMap(({ value: { id, word } }) => {
    const key = word.text.startsWith("file:") ? fromFile(word.text.slice(5)) : word.text;
    const octets =
      key === undefined
        ? 0
        : key.startsWith("hex:")
          ? (key.length - 4) / 2
          : Buffer.byteLength(key);
    if (key !== undefined && octets >= KEY_OCTETS_MIN && octets <= KEY_OCTETS_MAX)
      return [{ id, key }];
    report.error(
      word,
      "keepalived.hmac-key",
      key === undefined
        ? `cannot read the key's file ${word.text.slice(5)}`
        : `found a key of ${octets} octets, expected ${KEY_OCTETS_MIN} to ${KEY_OCTETS_MAX}`,
    );
    return [];
  });
  if (keys.length === 0) return undefined;
  const window = last(found.time_window);
  return {
    type: "HMAC",
    keys,
    ...present({
      activeKey: last(found.active_key),
      antiReplay: last(found.anti_replay),
      timeWindow: window === undefined ? undefined : duration(window),
      mode: last(found.mode),
    }),
  };

  function fromFile(path: string): string | undefined {
    const file = host.readFile(path);
    return file.ok ? file.text.replace(/\r?\n$/, "") : undefined;
  }
}
