import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import type { MemoryWatch, Watched } from "./memory-watch.ts";
import { createMemoryWatch } from "./memory-watch.ts";

const MB = 1024 * 1024;

describe("the memory watch", () => {
  /** Lets time pass with a watch whose process uses what `use` says. */
  function watched(body: (given: Scene) => void): void {
    mock.timers.enable({ apis: ["setTimeout"] });
    const start = performance.now();
    let passedMs = 0;
    const clock = mock.method(performance, "now", () => start + passedMs);
    const ended: string[] = [];
    const told: string[] = [];
    const long: string[] = [];
    let bytes = 0;
    const watch = createMemoryWatch(
      100 * MB,
      () => ended.push("the host"),
      (plugins) => told.push(plugins.join()),
      () => bytes * MB,
    );
    try {
      body({
        watch,
        ended,
        told,
        long,
        use: (now) => (bytes = now),
        pass(milliseconds) {
          for (let ms = 0; ms < milliseconds; ms++) {
            passedMs++;
            mock.timers.tick(1);
          }
        },
        isolate: (name) => ({
          insideSinceMs: performance.now(),
          insideUntilMs: Number.POSITIVE_INFINITY,
          onOverdue: () => void ended.push(`${name}, overdue`),
          occupant: name,
          onLong: () => void long.push(name),
          dispose: () => void ended.push(name),
        }),
      });
    } finally {
      clock.mock.restore();
      mock.timers.reset();
    }
  }

  interface Scene {
    readonly watch: MemoryWatch;
    readonly ended: readonly string[];
    readonly told: readonly string[];
    readonly long: readonly string[];
    use(bytes: number): void;
    pass(milliseconds: number): void;
    isolate(name: string): Watched;
  }

  test("ends who has run longest, once it is too much", () =>
    watched(({ watch, ended, use, pass, isolate }) => {
      watch.enter(isolate("hog"));
      pass(30);
      watch.enter(isolate("neighbour"));
      assert.deepEqual(ended, []);
      use(101);
      pass(30);
      assert.deepEqual(ended, ["hog"]);
    }));

  test("blames nobody for what the ended one has not given back yet", () =>
    watched(({ watch, ended, use, pass, isolate }) => {
      watch.enter(isolate("hog"));
      use(101);
      pass(30);
      watch.enter(isolate("neighbour"));
      pass(200);
      use(50);
      pass(200);
      assert.deepEqual(ended, ["hog"]);
    }));

  test("blames nobody for what was there before", () =>
    watched(({ watch, ended, use, pass, isolate }) => {
      use(101);
      pass(2000);
      watch.enter(isolate("innocent"));
      pass(100);
      assert.deepEqual(ended, []);
    }));

  test("ends the next one when it stays too much, and then the host", () =>
    watched(({ watch, ended, use, pass, isolate }) => {
      watch.enter(isolate("hog"));
      use(101);
      pass(30);
      watch.enter(isolate("other"));
      use(120);
      pass(400);
      assert.deepEqual(ended, ["hog", "other"]);
      pass(400);
      assert.deepEqual(ended, ["hog", "other", "the host"]);
    }));

  test("tells who runs long, and when that has ended", () =>
    watched(({ watch, told, pass, isolate }) => {
      const one = isolate("one");
      watch.enter(one);
      pass(5);
      const short = isolate("short");
      watch.enter(short);
      watch.leave(short);
      pass(20);
      assert.deepEqual(told, ["one"]);
      watch.leave(one);
      pass(20);
      assert.deepEqual(told, ["one", ""]);
    }));

  test("tells a slice that runs long, once", () =>
    watched(({ watch, long, pass, isolate }) => {
      const one = isolate("one");
      watch.enter(one);
      pass(5);
      assert.deepEqual(long, []);
      pass(100);
      assert.deepEqual(long, ["one"]);
      watch.leave(one);
    }));

  test("tells a slice that is not over in time", () =>
    watched(({ watch, ended, pass, isolate }) => {
      watch.enter({ ...isolate("endless"), insideUntilMs: performance.now() + 25 });
      pass(20);
      assert.deepEqual(ended, []);
      pass(20);
      assert.equal(ended[0], "endless, overdue");
    }));

  test("watches many short slices with one timer, and who runs long among them", () =>
    watched(({ watch, ended, told, use, pass, isolate }) => {
      for (let count = 0; count < 20; count++) {
        const short = isolate(`short ${count}`);
        watch.enter(short);
        pass(1);
        watch.leave(short);
      }
      watch.enter(isolate("hog"));
      use(101);
      pass(30);
      assert.deepEqual([told, ended], [["hog"], ["hog"]]);
    }));

  test("does nothing while nobody runs", () =>
    watched(({ watch, ended, use, pass, isolate }) => {
      const one = isolate("one");
      watch.enter(one);
      watch.leave(one);
      use(101);
      pass(1000);
      assert.deepEqual(ended, []);
    }));
});
