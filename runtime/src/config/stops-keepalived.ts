/** Whether a script stops keepalived, which is how scripts from the web say that a host is unhealthy. */

const SERVICE = String.raw`keepalived(?:\.service)?\b`;
const PATTERN = new RegExp(
  [
    String.raw`\bsystemctl\s+(?:-\S+\s+)*stop\s+(?:-\S+\s+)*${SERVICE}`,
    String.raw`\bservice\s+${SERVICE}\s+stop\b`,
    String.raw`/(?:etc|init\.d|rc\.d)\S*/keepalived\s+stop\b`,
    String.raw`\b(?:killall|pkill)\s+(?:-\S+\s+)*${SERVICE}`,
    // ps | grep keepalived | ... | xargs kill; kill $(pidof keepalived)
    String.raw`\bgrep\b[^\n;]*\bkeepalived\b[^\n;]*\|[^\n;]*\bkill\b`,
    String.raw`\bkill\s+(?:-\S+\s+)*["$(\x60][^\n;]*\bkeepalived\b`,
  ].join("|"),
);
/** Asking whether it runs stops nothing. */
const ASKS = /\b(?:kill|killall|pkill)\s+(?:-\S+\s+)*-0\b/;

export interface StopFound {
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** The words that stop it. */
  readonly found: string;
}

/** The first place where a script, or a command line, stops keepalived; comments do not count. */
export function stopsKeepalived(text: string): StopFound | undefined {
  for (const [index, line] of text.split("\n").entries()) {
    const code = line.replace(/(^|\s)#.*$/, "$1");
    const match = PATTERN.exec(code);
    if (match !== null && !ASKS.test(match[0]))
      return { line: index + 1, column: match.index + 1, found: match[0] };
  }
  return undefined;
}
