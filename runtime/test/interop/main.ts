/**
 * The interoperation matrix: karuntime against keepalived and FRR's vrrpd, in every dialect, in both roles, as a table.
 *
 *   npm run interop                 all of it
 *   npm run interop -- frr IPv6     only the cases whose description has all of these words
 */
import { CASES, STEPS, describeCase, runCase } from "./matrix.ts";
import type { Case, Outcome } from "./matrix.ts";

const CONCURRENT = 4;

const words = process.argv.slice(2);
const chosen = CASES.filter((each) => words.every((word) => describeCase(each).includes(word)));
const outcomes = new Map<Case, Outcome>();
const waiting = [...chosen];
await Promise.all(
  Array.from({ length: CONCURRENT }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      outcomes.set(next, await runCase(next));
      process.stderr.write(".");
    }
  }),
);
process.stderr.write("\n");

const columns = ["with", "karuntime", "version", "family", "transport", "auth", "MAC", ...STEPS];
console.log(`| ${columns.join(" | ")} |\n|${columns.map(() => "---").join("|")}|`);
for (const each of chosen) {
  const { other, role, dialect } = each;
  const outcome = outcomes.get(each);
  const { version, family, transport, authentication, virtualMac } = dialect;
  const steps = STEPS.map((step) =>
    outcome?.passed.includes(step) ? "ok" : outcome?.failure?.step === step ? "FAILED" : "-",
  );
  const cells = [
    other,
    role,
    version,
    family,
    transport,
    authentication,
    virtualMac ? "virtual" : "own",
  ];
  console.log(`| ${[...cells, ...steps].join(" | ")} |`);
}
const failed = chosen.filter((each) => outcomes.get(each)?.failure !== undefined);
for (const each of failed)
  console.log(
    `\n${describeCase(each)}\n  ${outcomes.get(each)?.failure?.step}: ${outcomes.get(each)?.failure?.error.message}`,
  );
console.log(`\n${chosen.length - failed.length} of ${chosen.length} combinations work`);
process.exit(failed.length === 0 ? 0 : 1);
