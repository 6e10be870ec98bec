/** The number in a real file, through everything that programs do to files. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { delay, now, waitFor } from "@karuntime/lab/time.ts";
import { watchNumber } from "../../src/linux/file-watch.ts";

/** Reached only when something is broken. */
const DEADLINE_MS = 20_000;
const CHANGES = 9;
/** The look that needs no event comes every second: half of it on the average. */
const CHANGE_MS_MEDIAN = 150;
/** The file is looked at 5 ms after a change; that there is no number is believed 20 ms after that. */
const SETTLED_MS = 15;

let root: string;
let folder: string;
let file: string;
let counter = 0;
const watches = new Set<{ close(): void }>();

before(() => {
  root = mkdtempSync(join(tmpdir(), "karuntime-file-watch-"));
});
after(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => {
  folder = join(root, String(counter++));
  mkdirSync(folder);
  file = join(folder, "number");
});
afterEach(() => {
  for (const watch of watches) watch.close();
  watches.clear();
});

interface Values {
  /** Everything that was reported. */
  readonly all: (number | undefined)[];
  /** Resolves when this is the newest. */
  becomes(value: number | undefined): Promise<void>;
}

function watch(path: string): Values {
  const all: (number | undefined)[] = [];
  watches.add(watchNumber(path, (value) => all.push(value)));
  return {
    all,
    becomes: async (value) => {
      await waitFor(`${value}`, () => all.length > 0 && all.at(-1) === value, DEADLINE_MS);
    },
  };
}

function replace(text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

describe("a number in a file", () => {
  test("is told soon, and not at once", async () => {
    writeFileSync(file, "-12\n");
    const values = watch(file);
    assert.equal(values.all.length, 0);
    await values.becomes(-12);
  });

  test("appears, changes, is replaced, is deleted, and comes again", async () => {
    const values = watch(file);
    await values.becomes(undefined);
    writeFileSync(file, "1");
    await values.becomes(1);
    writeFileSync(file, "2\n");
    await values.becomes(2);
    replace("3");
    await values.becomes(3);
    writeFileSync(file, "4");
    await values.becomes(4);
    rmSync(file);
    await values.becomes(undefined);
    replace("5");
    await values.becomes(5);
    assert.deepEqual(values.all, [undefined, 1, 2, 3, 4, undefined, 5]);
  });

  test("is told by the kernel, not by the look of every second", async () => {
    writeFileSync(file, "0");
    let told = (): void => {};
    watches.add(watchNumber(file, () => told()));
    await new Promise<void>((resolve) => (told = resolve));
    const tookMs: number[] = [];
    for (let value = 1; value <= CHANGES; value++) {
      const changed = new Promise<void>((resolve) => (told = resolve));
      const changedAt = now();
      if (value % 2 === 0) replace(String(value));
      else writeFileSync(file, String(value));
      await changed;
      tookMs.push(now() - changedAt);
    }
    tookMs.sort((a, b) => a - b);
    assert.ok((tookMs[Math.floor(CHANGES / 2)] ?? Infinity) < CHANGE_MS_MEDIAN, `${tookMs}`);
  });

  for (const [text, value] of [
    [" \t+7 \r\n", 7],
    ["-0", 0],
    ["007", 7],
    ["2147483647", 2147483647],
    ["-2147483648", -2147483648],
    [`${" ".repeat(4000)}1`, 1],
    ["2147483648", undefined],
    ["-2147483649", undefined],
    ["", undefined],
    ["\n", undefined],
    ["-", undefined],
    ["+-1", undefined],
    ["1 2", undefined],
    ["1.0", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["ten", undefined],
    ["1\0", undefined],
    ["\u00a01", undefined],
    [`${" ".repeat(4095)}12`, undefined],
  ] as const) {
    const name = text.length > 100 ? `${text.length} characters` : JSON.stringify(text);
    test(`${name} is ${value}`, async () => {
      writeFileSync(file, text);
      const values = watch(file);
      await waitFor("a value", () => values.all.length > 0, DEADLINE_MS);
      assert.deepEqual(values.all, [value]);
    });
  }

  test("ends with garbage", async () => {
    writeFileSync(file, "1");
    const values = watch(file);
    await values.becomes(1);
    writeFileSync(file, "one");
    await values.becomes(undefined);
    writeFileSync(file, "2");
    await values.becomes(2);
    assert.deepEqual(values.all, [1, undefined, 2]);
  });

  test("is not told again when the file is written anew with the same", async () => {
    writeFileSync(file, "1");
    const values = watch(file);
    await values.becomes(1);
    for (let index = 0; index < 50; index++) {
      // As a shell's > does: empty for a moment.
      const descriptor = openSync(file, "w");
      writeSync(descriptor, index % 2 === 0 ? "1" : " 1\n");
      closeSync(descriptor);
      if (index % 10 === 0) await delay(1);
    }
    replace("1");
    writeFileSync(file, "2");
    await values.becomes(2);
    assert.deepEqual(values.all, [1, 2]);
  });

  test("is not missed while a writer has emptied the file and not written yet", async () => {
    writeFileSync(file, "1");
    const values = watch(file);
    await values.becomes(1);
    const descriptor = openSync(file, "w");
    // After the look, and before the one that makes sure.
    await delay(SETTLED_MS);
    writeSync(descriptor, "2");
    closeSync(descriptor);
    await values.becomes(2);
    assert.deepEqual(values.all, [1, 2]);
  });

  test("is found in a directory that is made later, and made again", async () => {
    rmSync(folder, { recursive: true });
    const values = watch(join(folder, "deep", "number"));
    await values.becomes(undefined);
    mkdirSync(join(folder, "deep"), { recursive: true });
    writeFileSync(join(folder, "deep", "number"), "1");
    await values.becomes(1);
    rmSync(folder, { recursive: true });
    await values.becomes(undefined);
    mkdirSync(join(folder, "deep"), { recursive: true });
    writeFileSync(join(folder, "deep", "number"), "2");
    await values.becomes(2);
    writeFileSync(join(folder, "deep", "number"), "3");
    await values.becomes(3);
  });

  test("is followed through symbolic links", async () => {
    const link = join(folder, "link");
    for (const [index, name] of ["a", "b"].entries()) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "number"), String(index));
    }
    symlinkSync(join("a", "number"), link);
    const values = watch(link);
    await values.becomes(0);
    writeFileSync(join(folder, "a", "number"), "10");
    await values.becomes(10);
    symlinkSync(join("b", "number"), `${link}.new`);
    renameSync(`${link}.new`, link);
    await values.becomes(1);
    writeFileSync(join(folder, "b", "number"), "11");
    await values.becomes(11);
  });

  test("is not looked for in what is no regular file", async () => {
    execFileSync("mkfifo", [file]);
    const [pipe, directory] = [watch(file), watch(folder)];
    await pipe.becomes(undefined);
    await directory.becomes(undefined);
    rmSync(file);
    writeFileSync(file, "1");
    await pipe.becomes(1);
  });

  test("is told no more once the watch is closed, also by what it calls", async () => {
    writeFileSync(file, "1");
    const told: (number | undefined)[] = [];
    const own = watchNumber(file, (value) => {
      told.push(value);
      own.close();
    });
    watches.add(own);
    watchNumber(file, () => assert.fail("closed at once")).close();
    await waitFor("the value", () => told.length > 0, DEADLINE_MS);
    const other = watch(file);
    await other.becomes(1);
    writeFileSync(file, "2");
    await other.becomes(2);
    assert.deepEqual(told, [1]);
  });
});
