/** Whom and what is asked: URLs and headers, from the options. */

export type Header = readonly [name: string, value: string];

/** @param host what the server is asked as. @throws Error for what is no path. */
export function readUrl(tls: boolean, host: string, path: string): string {
  if (!path.startsWith("/"))
    throw new Error(`paths: found ${JSON.stringify(path)}, expected a path that begins with "/"`);
  return `${tls ? "https" : "http"}://${host}${path}`;
}

/** @param lines as in "Accept: text/html". @throws Error for a line that is no header. */
export function readHeaders(lines: readonly string[]): readonly Header[] {
  return lines.map((line) => {
    const [, name, value] = /^([!#$%&'*+\-.^_`|~\w]+):\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) return [name, value];
    throw new Error(`headers: found ${JSON.stringify(line)}, expected "Name: value"`);
  });
}

/** RFC 7617, in UTF-8. */
export function basicAuthorization(user: string, password: string): Header {
  const octets = new TextEncoder().encode(`${user}:${password}`);
  return ["authorization", `Basic ${btoa(String.fromCharCode(...octets))}`];
}
