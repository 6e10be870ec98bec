/**
 * Everything there is to test, in one run: formatting, lint, types, unit, property and integration tests.
 *
 *   npm test                      all of it
 *   npm test -- check unit        only these groups
 *   npm test -- FILE ...          only these test files
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { run } from "node:test";
import type { TestEvent } from "node:test/reporters";

type Step =
  | { readonly type: "command"; readonly name: string; readonly argv: readonly string[] }
  | {
      readonly type: "tests";
      readonly name: string;
      readonly files: readonly string[];
      readonly concurrency: number;
    };

const TEST_MS_MAX = 10 * 60_000;

const untimed = [
  "runtime/test/{cli,commands,compatibility,fuzz,registry}/*.test.ts",
  "runtime/test/{migrate,plugin-packages,readme,rfc-table,tidy}.test.ts",
];

const groups: Readonly<Record<string, readonly Step[]>> = {
  check: [
    { type: "command", name: "formatting", argv: ["oxfmt", "--check", "."] },
    { type: "command", name: "lint", argv: ["oxlint", "--deny-warnings"] },
    { type: "command", name: "types", argv: ["tsc", "-p", "tsconfig.test.json"] },
    { type: "command", name: "types of plugins", argv: ["tsc", "-p", "plugins/tsconfig.json"] },
  ],
  unit: [
    {
      type: "tests",
      name: "unit tests",
      files: globSync([
        "{sdk,runtime,lab}/src/**/*.test.ts",
        "sim/*.test.ts",
        "setup/*.test.ts",
        "plugins/*.test.ts",
        "plugins/*/**/*.test.ts",
      ]).toSorted(),
      concurrency: 2,
    },
  ],
  integration: [
    {
      type: "tests",
      name: "integration tests that no timer of the protocol is in",
      files: globSync(untimed).toSorted(),
      concurrency: 2,
    },
    // One at a time: these measure time against protocol timers, and the machine is small.
    {
      type: "tests",
      name: "integration tests",
      files: globSync(["runtime/test/**/*.test.ts", "examples/*/*.test.ts"], {
        exclude: untimed,
      }).toSorted(),
      concurrency: 1,
    },
  ],
};

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];
const skips: string[] = [];

for (const step of chooseSteps(process.argv.slice(2))) {
  console.log(`\n== ${step.name}`);
  if (step.type === "command") runCommand(step);
  else await runTests(step);
}

console.log("");
for (const skip of skips) console.log(`skipped: ${skip}`);
for (const failure of failures) console.log(`failed:  ${failure}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);

function chooseSteps(words: readonly string[]): readonly Step[] {
  if (words.length === 0) return Object.values(groups).flat();
  const files = words.filter((word) => groups[word] === undefined);
  const chosen = words.flatMap((word) => groups[word] ?? []);
  return files.length === 0
    ? chosen
    : [...chosen, { type: "tests", name: files.join(" "), files, concurrency: 1 }];
}

function runCommand(step: Extract<Step, { type: "command" }>): void {
  const [file = "", ...argv] = step.argv;
  const result = spawnSync(file, argv, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  if (result.status === 0) {
    total.passed++;
    console.log(`ok ${step.argv.join(" ")}`);
    return;
  }
  total.failed++;
  failures.push(`${step.name} (${step.argv.join(" ")})`);
  console.log(`${result.stdout}${result.stderr}${result.error?.message ?? ""}`);
}

async function runTests(step: Extract<Step, { type: "tests" }>): Promise<void> {
  if (step.files.length === 0) throw new Error(`${step.name}: no test file was found`);
  const stream = run({
    files: [...step.files],
    concurrency: step.concurrency,
    timeout: TEST_MS_MAX,
  });
  for await (const event of stream as AsyncIterable<TestEvent>) report(event);
}

function report(event: TestEvent): void {
  switch (event.type) {
    case "test:pass":
    case "test:fail": {
      const { data } = event;
      // A suite is counted by its tests, unless it was skipped with all of them; a file without tests of its own is reported by the runner as a test.
      const skipped = data.skip !== undefined && data.skip !== false;
      const ownFailure =
        event.type === "test:fail" &&
        (event.data.details.error as { readonly failureType?: unknown }).failureType !==
          "subtestsFailed";
      if (data.details.type === "suite" && !skipped && !ownFailure) return;
      const indent = "  ".repeat(data.nesting);
      const place =
        data.file === undefined
          ? ""
          : ` (${data.file.slice(process.cwd().length + 1)}:${data.line})`;
      if (skipped) {
        total.skipped++;
        skips.push(
          `${data.name}: ${typeof data.skip === "string" && data.skip !== "" ? data.skip : "no reason given"}`,
        );
        console.log(`${indent}skip ${data.name}: ${String(data.skip)}`);
      } else if (event.type === "test:pass") {
        total.passed++;
        console.log(`${indent}ok ${data.name} (${Math.round(data.details.duration_ms)} ms)`);
      } else {
        total.failed++;
        failures.push(`${data.name}${place}`);
        const { error } = event.data.details;
        console.log(`${indent}FAILED ${data.name}${place}\n${describe(error.cause ?? error)}`);
      }
      return;
    }
    case "test:stdout":
    case "test:stderr":
      process.stdout.write(event.data.message);
      return;
    default:
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
