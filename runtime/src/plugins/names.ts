/** Names of plugin packages: which ones are plugins', and which ones look like one of karuntime's own. */

export const KEYWORD = "karuntime-plugin";
const PREFIX = `${KEYWORD}-`;
const NAME_CHARACTERS_MAX = 214;

/** The packages of the folder plugins/; a test holds the two together. */
export const FIRST_PARTY: readonly string[] = [
  "http",
  "tcp",
  "tls",
  "udp",
  "dns",
  "smtp",
  "ping",
  "process",
  "file",
  "system",
  "nginx",
  "haproxy",
  "redis",
  "postgres",
  "mysql",
  "script",
  "mail",
  "webhook",
  "service",
].map((name) => `@karuntime/${name}`);

/** Whether npm takes it as a name, and a plugin may have it: `karuntime-plugin-NAME` or `@SCOPE/NAME`. */
export function isPluginName(name: string): boolean {
  return (
    name.length <= NAME_CHARACTERS_MAX &&
    /^(?:@[a-z0-9~-][a-z0-9._~-]*\/[a-z0-9~-][a-z0-9._~-]*|karuntime-plugin-[a-z0-9._~-]+)$/.test(
      name,
    )
  );
}

/** `redis` as `karuntime-plugin-redis`; what is a plugin's name already stays. */
export function pluginName(given: string): string {
  return given.startsWith("@") || given.startsWith(PREFIX) ? given : `${PREFIX}${given}`;
}

/** The name of karuntime's own that is one letter away: more, less, another, or two swapped. */
export function lookAlike(name: string): string | undefined {
  return FIRST_PARTY.find((own) => oneLetterApart(name, own));
}

function oneLetterApart(a: string, b: string): boolean {
  if (a === b) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  const shorter = Math.min(a.length, b.length) - start;
  while (end < shorter && a.at(-1 - end) === b.at(-1 - end)) end++;
  const left = a.slice(start, a.length - end);
  const right = b.slice(start, b.length - end);
  const swapped = left.length === 2 && left === `${right[1] ?? ""}${right[0] ?? ""}`;
  return swapped || Math.max(left.length, right.length) === 1;
}
