/**
 * The example, played on this machine: two nodes with nginx and karuntime and a client, each in network and process
 * namespaces of its own, and everything that can happen to them.
 *
 *   npm run demo
 *
 * Exit status 0 when every step was within its bounds. Whatever ends the demo, the kernel removes the hosts with it.
 */
import { WITHOUT_ROOT, ensureLabPrivileges } from "@karuntime/lab/privileges.ts";
import { BUSY_MACHINE, totalMs } from "./demo/bounds.ts";
import type { Verdict } from "./demo/report.ts";
import { say, sayFailure, sayTable, sayTitle, sayVerdict, seconds } from "./demo/report.ts";
import { setUpStage } from "./demo/stage.ts";
import { steps } from "./demo/steps.ts";

const privileges = await ensureLabPrivileges();
if (privileges === "user-namespace") {
  say("Without root, in a user namespace. What is different:");
  for (const difference of WITHOUT_ROOT) say(`  - ${difference}`);
}
say("Two nodes, node-a (priority 100) and node-b (priority 90), each with karuntime and nginx.");
say("A client asks http://192.168.188.100/ every 5 ms; nginx answers with its node's name.");
const stage = await setUpStage();

const verdicts: Verdict[] = [];
for (const { title, play } of steps) {
  sayTitle(verdicts.length + 1, title);
  try {
    const outcome = await play(stage);
    const inTime = outcome.outageMs <= totalMs(outcome.allowed);
    const passed = inTime && outcome.facts.every((fact) => fact.holds);
    const verdict = { title, ...outcome, passed };
    verdicts.push(verdict);
    sayVerdict(verdict);
  } catch (error) {
    // Each step begins where the one before ended, so there is no going on.
    sayFailure(error);
    break;
  }
}

await stage.lab.close();
sayTable(verdicts);
const passed = verdicts.filter((verdict) => verdict.passed).length;
console.log(`
${passed} of ${steps.length} steps passed. "outage": the longest time without an answer. "allowed": what the timers of VRRP
and of the check permit, and ${seconds(totalMs(BUSY_MACHINE))} for a busy machine; each step above shows the parts.`);
process.exit(passed === steps.length ? 0 : 1);
