export type ScriptSource =
  | { readonly type: "command line"; readonly argv: readonly string[] }
  | { readonly type: "file"; readonly path: string; readonly text: string };
export function stopsKeepalived(
  text: string,
): { readonly line: number; readonly column: number; readonly found: string } | undefined {
  for (const [index, line] of text.split("\n").entries()) {
    const match =
      /(?:systemctl\s+stop\s+keepalived|service\s+keepalived\s+stop|(?:killall|pkill)\s+(?:-\S+\s+)*keepalived|\/keepalived\s+stop)/.exec(
        line.replace(/(^|\s)#.*$/, ""),
      );
    if (match !== null) return { line: index + 1, column: match.index + 1, found: match[0] };
  }
  return undefined;
}
export function recogniseScript(_source: ScriptSource): unknown {
  return undefined;
}
