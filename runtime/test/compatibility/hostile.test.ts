/** Whatever a configuration holds, reading it ends, in bounded time and memory, with diagnostics and nothing thrown. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { thisHost } from "../../src/config/keepalived/host.ts";
import type { ReadResult } from "../../src/config/keepalived/read.ts";
import { readKeepalived } from "../../src/config/keepalived/read.ts";
import { validateConfiguration } from "../../src/config/validate.ts";
import { BASES } from "./bases.ts";
import { corpus, random } from "./corpus.ts";

const folder = mkdtempSync(join(tmpdir(), "karuntime-hostile-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, "keepalived.conf");
/** Far more than any of these takes; an endless loop takes longer. */
const READ_MS_MAX = 20_000;

function read(path = file): ReadResult {
  const started = performance.now();
  const result = readKeepalived(path, thisHost(), { lenient: true });
  validateConfiguration(result.value, path, result.placeOf);
  assert.ok(performance.now() - started < READ_MS_MAX, "it took too long");
  assert.ok(result.diagnostics.length <= 1000);
  for (const { line, column, message } of result.diagnostics) {
    assert.ok(line !== undefined && line >= 1 && column !== undefined && column >= 1, message);
    assert.doesNotMatch(message, /\p{Cc}/u);
  }
  return result;
}

function said(text: string | Uint8Array): string {
  writeFileSync(file, text);
  return read()
    .diagnostics.map(({ message }) => message)
    .join("\n");
}

describe("files that are no configuration", () => {
  test("a directory, a device without end, a pipe without a writer, nothing at all", () => {
    const fifo = join(folder, "fifo");
    execFileSync("mkfifo", [fifo]);
    for (const path of [folder, "/dev/zero", fifo, join(folder, "none")])
      assert.match(read(path).diagnostics[0]?.message ?? "", /cannot read/);
    assert.match(said(""), /found no vrrp_instance/);
  });
  test("a line of a gigabyte, which is not read", () => {
    const large = join(folder, "large.conf");
    const descriptor = openSync(large, "w");
    writeSync(descriptor, "vrrp_instance ");
    ftruncateSync(descriptor, 1024 ** 3);
    closeSync(descriptor);
    assert.match(read(large).diagnostics[0]?.message ?? "", /1073741824 bytes, more than/);
  });
  test("a line of two megabytes", () =>
    assert.match(said("a".repeat(2_000_000)), /at most 1048576/));
});

describe("what multiplies", () => {
  test("files that include each other, and ten thousand of them", () => {
    writeFileSync(join(folder, "other.conf"), "include keepalived.conf\n");
    assert.match(said("include other.conf\n"), /includes itself/);
    const many = join(folder, "many");
    mkdirSync(many);
    for (let index = 0; index < 10_100; index++)
      writeFileSync(join(many, `${index}.conf`), "include ../leaf\n");
    writeFileSync(join(folder, "leaf"), "x\n");
    assert.match(said("include many/*.conf\n"), /include too many/);
  });
  test("sequences, lists and definitions", () => {
    assert.match(
      said("~SEQ(i, 1, 1, 4000000000) ~SEQ(j, 1, 1, 4000000000) $i $j\n"),
      /more than 100000 lines/,
    );
    const laughs = Array.from({ length: 60 }, (_, i) => `$A${i + 1}=\${A${i}} \${A${i}}`).join(
      "\n",
    );
    assert.match(
      said(`$A0=ha\n${laughs}\nx \${A60}\n`),
      /longer than 65536|does not come to an end/,
    );
    assert.match(said("$A=\\\n$A\nx $A\n"), /unknown keyword|does not come to an end/);
  });
  test("braces", () => {
    said("{".repeat(200_000));
    said("}".repeat(200_000));
    said("a {\n".repeat(50_000));
    said("vrrp_instance a { ".repeat(20_000));
  });
});

test("a hundred thousand lines", () => {
  const instance = (index: number): string =>
    `vrrp_instance VI_${index} {\n  interface eth0 # wire\n  virtual_router_id ${(index % 255) + 1}\n  virtual_ipaddress {\n    10.${index >> 8}.${index % 256}.1/24\n  }\n}\n`;
  writeFileSync(file, Array.from({ length: 14_300 }, (_, index) => instance(index)).join(""));
  assert.equal(Object.keys(read().value.virtualRouters).length, 14_300);
});

test("three thousand random changes of bytes", () => {
  const next = random(7);
  const pick = (most: number): number => Math.floor(next() * most);
  const texts = [...Object.values(BASES), ...corpus(30, 7).map(({ text }) => text)].map((text) =>
    Buffer.from(text),
  );
  const words = [
    "{",
    "}",
    '"',
    "'",
    "\\",
    "\n",
    "$A",
    "${",
    "~SEQ(",
    "@x ",
    "include ",
    "#",
    "!",
    "\0",
    "\u00E9",
    "virtual_ipaddress",
    "-",
  ].map((word) => Buffer.from(word));
  for (let round = 0; round < 3_000; round++) {
    const text = Buffer.from(texts[pick(texts.length)] ?? "");
    let bytes = text;
    for (let change = 0; change <= pick(6); change++) {
      const at = pick(bytes.length);
      const word =
        pick(3) === 0 ? Buffer.from([pick(256)]) : (words[pick(words.length)] ?? Buffer.of());
      bytes = Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at + pick(4))]);
    }
    writeFileSync(file, bytes);
    read();
  }
});
