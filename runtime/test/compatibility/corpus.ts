/** keepalived.conf texts: small valid ones, and seeded mutations of them. */
import { BASES, HEAD } from "./bases.ts";

export interface Text {
  /** Which base and which mutation. */
  readonly name: string;
  readonly text: string;
}

/** A generator of numbers from 0 up to but not including 1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = state;
    value = Math.imul(value ^ (value >>> 15), value | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Mutation = (lines: string[], pick: (most: number) => number) => string[] | undefined;

const NUMBERS = [
  "0",
  "1",
  "-1",
  "255",
  "256",
  "99999",
  "1.5",
  "abc",
  "10x",
  "0x10",
  "4294967296",
  "",
];

/** The lines with the one at `index` changed. */
function changed(lines: string[], index: number, line: string): string[] {
  return lines.with(index, line);
}

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "drop a line": (lines, pick) => lines.toSpliced(pick(lines.length), 1),
  "double a line": (lines, pick) => {
    const index = pick(lines.length);
    return lines.toSpliced(index, 0, lines[index] ?? "");
  },
  "swap two lines": (lines, pick) => {
    const [a, b] = [pick(lines.length), pick(lines.length)];
    return lines.with(a, lines[b] ?? "").with(b, lines[a] ?? "");
  },
  "drop a brace": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/[{}]/.test(line) ? [index] : []));
    const index = at[pick(at.length)] ?? 0;
    return changed(lines, index, (lines[index] ?? "").replace(/[{}]/, ""));
  },
  "add a brace": (lines, pick) => {
    const index = pick(lines.length);
    return changed(lines, index, `${lines[index]} ${pick(2) === 0 ? "{" : "}"}`);
  },
  "a brace on the next line": (lines, pick) => {
    const at = lines.flatMap((line, index) => (line.endsWith(" {") ? [index] : []));
    const index = at[pick(at.length)] ?? 0;
    return lines.toSpliced(index, 1, (lines[index] ?? "").replace(/ \{$/, ""), "{");
  },
  "no blank before a brace": (lines) => lines.map((line) => line.replace(/ \{$/, "{")),
  "misspell a keyword": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/[a-z_]{4,}/.test(line) ? [index] : []));
    const index = at[pick(at.length)] ?? 0;
    return changed(
      lines,
      index,
      (lines[index] ?? "").replace(/[a-z_]{4,}/, (word) => `${word.slice(0, 2)}${word.slice(3)}`),
    );
  },
  "a keyword in capitals": (lines, pick) => {
    const index = pick(lines.length);
    return changed(
      lines,
      index,
      (lines[index] ?? "").replace(/[a-z_]{4,}/, (word) => word.toUpperCase()),
    );
  },
  "another number": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/^\s*\w+ \d+(?:\.\d+)?$/.test(line) ? [index] : []));
    const index = at[pick(at.length)];
    if (index === undefined) return undefined;
    return changed(
      lines,
      index,
      (lines[index] ?? "").replace(/\d+(?:\.\d+)?$/, NUMBERS[pick(NUMBERS.length)] ?? ""),
    );
  },
  "drop the last word": (lines, pick) => {
    const at = lines.flatMap((line, index) =>
      /\S \S+$/.test(line) && !/[{}]/.test(line) ? [index] : [],
    );
    const index = at[pick(at.length)] ?? 0;
    return changed(lines, index, (lines[index] ?? "").replace(/ \S+$/, ""));
  },
  "one word more": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/\w$/.test(line) ? [index] : []));
    const index = at[pick(at.length)] ?? 0;
    return changed(lines, index, `${lines[index]} surplus`);
  },
  "a comment": (lines, pick) => {
    const index = pick(lines.length);
    return changed(
      lines,
      index,
      `${lines[index]} ${pick(2) === 0 ? "#" : "!"} { " 虚拟 }`.replace(
        '"',
        pick(2) === 0 ? "" : '"',
      ),
    );
  },
  "quotes around a word": (lines, pick) => {
    const index = pick(lines.length);
    const quote = ['"', '"', "'", "“"][pick(4)] ?? '"';
    return changed(
      lines,
      index,
      (lines[index] ?? "").replace(/(\S+)$/, `${quote}$1${quote === "“" ? "”" : quote}`),
    );
  },
  "a quote that stays open": (lines, pick) => {
    const index = pick(lines.length);
    return changed(lines, index, (lines[index] ?? "").replace(/(\S+)$/, '"$1'));
  },
  CRLF: (lines) => lines.map((line) => `${line}\r`),
  tabs: (lines) => lines.map((line) => line.replaceAll("    ", "\t")),
  "an unknown name": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/^\s{8}[a-zA-Z]/.test(line) ? [index] : []));
    const index = at[pick(at.length)];
    return index === undefined
      ? undefined
      : changed(lines, index, (lines[index] ?? "").replace(/\w+/, "nobody_knows"));
  },
  "a bad address": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/\d+\.\d+\.\d+\.\d+|::/.test(line) ? [index] : []));
    const index = at[pick(at.length)];
    const bad =
      ["192.0.2.300", "192.0.2", "192.0.2.9/33", "2001:db8::zz", "192.0.2.77", "fe80::9/64"][
        pick(6)
      ] ?? "";
    return index === undefined
      ? undefined
      : changed(
          lines,
          index,
          (lines[index] ?? "").replace(
            /(?:\d+\.){3}\d+(?:\/\d+)?|[0-9a-f:]+::[0-9a-f]+(?:\/\d+)?/,
            bad,
          ),
        );
  },
  "an interface that is not there": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/eth\d$/.test(line) ? [index] : []));
    const index = at[pick(at.length)];
    return index === undefined
      ? undefined
      : changed(lines, index, (lines[index] ?? "").replace(/eth\d$/, "eth9"));
  },
  "a line from elsewhere": (lines, pick) => {
    const others = [
      "priority 120",
      "auth_pass abcdefghijk",
      "state MASTER",
      "state master",
      "vrrp_strict",
      "garp_interval 0",
      "nopreempt",
      "version 3",
      "nat_mask 255.255.255.0",
      "preempt_delay 5",
      "weight 5",
      "smtp_alert",
      "native_ipv6",
    ];
    return lines.toSpliced(1 + pick(lines.length - 1), 0, `    ${others[pick(others.length)]}`);
  },
};

/** The bases, and `count` mutations of them that differ from each other. */
export function corpus(count: number, seed: number): Text[] {
  const next = random(seed);
  const pick = (most: number): number => Math.floor(next() * most);
  const names = Object.keys(BASES);
  const kinds = Object.keys(MUTATIONS);
  const texts = new Map<string, Text>();
  for (const name of names) {
    const text = HEAD + BASES[name];
    texts.set(text, { name, text });
  }
  for (let number = 0; texts.size < count + names.length && number < count * 20; number++) {
    const base = names[number % names.length] ?? "";
    const kind = kinds[pick(kinds.length)] ?? "";
    const lines = (BASES[base] ?? "").trimEnd().split("\n");
    const mutated = MUTATIONS[kind]?.(lines, pick);
    if (mutated === undefined) continue;
    const text = `${HEAD}${mutated.join("\n")}${kind === "CRLF" && pick(2) === 0 ? "" : "\n"}`;
    if (!texts.has(text)) texts.set(text, { name: `${base}: ${kind} (${number})`, text });
  }
  return [...texts.values()];
}
