/** npm, as the program on PATH: it knows the operator's registries, tokens and proxies. */
import { spawn } from "node:child_process";

export interface NpmResult {
  readonly status: number;
  readonly stdout: string;
}

/** What npm says to people goes to our own stderr; its answer is what it writes to stdout. */
export function npm(argv: readonly string[], cwd: string): Promise<NpmResult> {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", [...argv], { cwd, stdio: ["inherit", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => void chunks.push(chunk));
    child.on("error", (error) =>
      reject(new Error(`npm could not be started: ${error.message}; it comes with Node.js`)),
    );
    child.on("close", (status) =>
      resolve({ status: status ?? 1, stdout: Buffer.concat(chunks).toString("utf8") }),
    );
  });
}

/** What npm answers with --json. @throws Error when it fails. */
export async function npmJson(argv: readonly string[], cwd: string): Promise<unknown> {
  const { status, stdout } = await npm([...argv, "--json"], cwd);
  if (status !== 0) throw new Error(`npm ${argv[0] ?? ""} failed: it says above why`);
  return JSON.parse(stdout === "" ? "null" : stdout);
}

/** What `npm pack` makes: the tarball's name in the destination, and what npm will know it by. */
export interface Packed {
  readonly filename: string;
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
}

/**
 * Packs the folder, or fetches what the specification names, and runs nothing of it.
 *
 * @param spec as for `npm install`; "" for the folder itself.
 */
export async function npmPack(
  spec: string,
  cwd: string,
  destination: string,
  options: readonly string[] = [],
): Promise<Packed> {
  const argv = ["pack", ...(spec === "" ? [] : [spec]), "--ignore-scripts", "--loglevel=error"];
  const answer = await npmJson([...argv, "--pack-destination", destination, ...options], cwd);
  // npm 11 answers with a list; npm 12 with an object by name.
  const [packed] = Object.values(answer as Readonly<Record<string, Packed>>);
  if (packed === undefined) throw new Error(`npm pack ${spec} made no tarball`);
  // npm writes @scope/name as scope-name, and some versions report it otherwise.
  return { ...packed, filename: packed.filename.replace("@", "").replaceAll("/", "-") };
}
