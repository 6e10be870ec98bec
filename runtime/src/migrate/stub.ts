/** The plugin in the place of a script that is not understood in full: it runs the script. */
import type { ScriptSource } from "./script.ts";

/** Runs the script as it is. */
export function writeStub(kind: "check" | "notifier", source: ScriptSource, from: string): string {
  const argv = source.type === "file" ? [source.path] : source.argv;
  const text = source.type === "file" ? source.text : undefined;
  const command = JSON.stringify(argv);
  const head = [
    `/**`,
    ` * Runs ${comment(from)}: karuntime migrate does not understand in full what it does.`,
    ...(text === undefined
      ? []
      : [
          " *",
          " * Its text:",
          " *",
          ...text.split("\n").map((line) => ` *     ${comment(line)}`.trimEnd()),
        ]),
    ` */`,
  ];
  if (kind === "check")
    return [
      ...head,
      'import { defineCheck } from "@karuntime/sdk";',
      "",
      "export default defineCheck({",
      `  permissions: { exec: [${command}] },`,
      "  async check({ exec, down }) {",
      `    const { status, stderr } = await exec(${command});`,
      "    if (status !== 0) return down(`it exited with status ${status}: ${stderr}`);",
      "  },",
      "});",
      "",
    ].join("\n");
  return [
    ...head,
    'import { defineNotifier } from "@karuntime/sdk";',
    "",
    "export default defineNotifier({",
    `  permissions: { exec: [${JSON.stringify([...argv, "..."])}] },`,
    "  async notify(event, { exec, log }) {",
    '    if (!("state" in event)) return;',
    "    const { subject, state } = event;",
    '    const priority = "priority" in event ? event.priority : 0;',
    '    const kind = subject.type === "virtual-router" ? "INSTANCE" : "GROUP";',
    `    const words = [kind, subject.name, state.toUpperCase(), String(priority)];`,
    `    const { status, stderr } = await exec([...${command}, ...words]);`,
    "    if (status !== 0) log.warn(`it exited with status ${status}: ${stderr}`);",
    "  },",
    "});",
    "",
  ].join("\n");
}

/** A text inside a comment, which it cannot end. */
export function comment(text: string): string {
  return text.replaceAll("*/", "* /").replaceAll(/[\p{Cc}]+/gu, " ");
}
