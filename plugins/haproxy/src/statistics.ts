/** HAProxy's statistics as comma-separated values: one row for each server, backend and frontend. */

export interface Backend {
  /** By server, its status: "UP", "UP 1/3", "DOWN", "MAINT", "no check" and so on. */
  readonly servers: Readonly<Record<string, string>>;
  /** Sessions now. */
  readonly sessions: number;
}

/** A server takes sessions: while it is going down as well, and where HAProxy does not check it. */
export function isUp(status: string): boolean {
  return /^(?:UP\b|no check$)/.test(status);
}

/** @throws Error when the text is something else, or does not have the backend. */
export function readBackend(text: string, name: string): Backend {
  const [header = "", ...lines] = text.split(/\r?\n/);
  if (!header.startsWith("# pxname,svname,"))
    throw new Error(
      `these are no statistics of HAProxy: ${JSON.stringify(header.slice(0, 60))}; expected "# pxname,svname,..."`,
    );
  const columns = fieldsOf(header.slice(2));
  const rows = lines.map((line) => {
    const fields = fieldsOf(line);
    return (column: string): string => fields[columns.indexOf(column)] ?? "";
  });
  const mine = rows.filter((row) => row("pxname") === name && row("svname") !== "FRONTEND");
  const backend = mine.find((row) => row("svname") === "BACKEND");
  if (backend === undefined) {
    const known = rows.filter((row) => row("svname") === "BACKEND").map((row) => row("pxname"));
    throw new Error(`HAProxy has no backend ${name}; it has ${known.join(", ") || "none"}`);
  }
  return {
    servers: Object.fromEntries(
      mine.filter((row) => row !== backend).map((row) => [row("svname"), row("status")]),
    ),
    sessions: Number(backend("scur")),
  };
}

/** RFC 4180: a field in quotes may have commas, and quotes twice. */
function fieldsOf(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "",
  );
}
