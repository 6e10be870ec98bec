/** What an HTTP answer must be like, read from the options and held against an answer. */
import { md5 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

export interface Expectation {
  readonly status: readonly StatusRange[];
  /** In hex, of the body: MD5 or SHA-256. Any of them; none: whatever it is. */
  readonly digests: readonly string[];
  readonly match: RegExp | undefined;
}

export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export interface Answered {
  readonly status: number;
  readonly body: Uint8Array;
}

/** @throws Error that names the option that is wrong. */
export function readExpectation(options: {
  readonly status: readonly string[];
  readonly digests: readonly string[];
  readonly match: string;
}): Expectation {
  const { status, digests, match } = options;
  for (const digest of digests)
    if (!/^(?:[0-9a-f]{32}|[0-9a-f]{64})$/i.test(digest))
      throw new Error(
        `digests: found ${JSON.stringify(digest)}, expected an MD5 or SHA-256 in hex: 32 or 64 digits`,
      );
  return {
    status: status.map(readStatus),
    digests: digests.map((digest) => digest.toLowerCase()),
    match: match === "" ? undefined : new RegExp(match),
  };
}

function readStatus(text: string): StatusRange {
  const [, from, to = from] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text.trim()) ?? [];
  if (from !== undefined && Number(from) <= Number(to))
    return { from: Number(from), to: Number(to) };
  throw new Error(
    `status: found ${JSON.stringify(text)}, expected a code or a range, as "204" or "200-299"`,
  );
}

/** What is wrong with an answer; "" when nothing is. */
export function faultOf(answer: Answered, { status, digests, match }: Expectation): string {
  const { status: found, body } = answer;
  if (!status.some(({ from, to }) => from <= found && found <= to))
    return `it answered ${found}, expected ${status.map(shown).join(" or ")}`;
  if (match !== undefined && !match.test(new TextDecoder().decode(body)))
    return `the body does not match ${match}`;
  if (digests.length === 0) return "";
  // Both are told: whoever has just published another page copies the one that they use.
  const [old, strong] = [bytesToHex(md5(body)), bytesToHex(sha256(body))];
  return digests.includes(old) || digests.includes(strong)
    ? ""
    : `the body is another: its MD5 is ${old}, its SHA-256 ${strong}`;
}

function shown({ from, to }: StatusRange): string {
  return from === to ? `${from}` : `${from}-${to}`;
}
