/** `karuntime genhash`: the digest of a page, as `digest` in keepalived's HTTP_GET wants it: the MD5 of the body as it is sent. */
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { parseArgs } from "node:util";

const TIMEOUT_S = 5;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

const USAGE =
  "usage: karuntime genhash -s SERVER -p PORT -u URL [-S [-I]] [-V HOST] [-P 1.0|1.0c|1.1] [-t SECONDS] [-v]\n" +
  "  -S uses TLS; the certificate is not checked, as keepalived's SSL_GET does not check it;\n" +
  "     -I names the host of -V in its greeting\n";

interface Page {
  readonly server: string;
  readonly port: number;
  readonly path: string;
  readonly host: string;
  readonly tls: boolean;
  readonly sni: boolean;
  readonly protocol: string;
  readonly timeoutMs: number;
}

export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      server: { type: "string", short: "s" },
      port: { type: "string", short: "p", default: "80" },
      url: { type: "string", short: "u" },
      "use-ssl": { type: "boolean", short: "S", default: false },
      "use-sni": { type: "boolean", short: "I", default: false },
      "use-virtualhost": { type: "string", short: "V" },
      help: { type: "boolean", short: "h", default: false },
      protocol: { type: "string", short: "P", default: "1.0" },
      timeout: { type: "string", short: "t", default: String(TIMEOUT_S) },
      verbose: { type: "boolean", short: "v", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { server, url } = values;
  const port = Number(values.port);
  const timeoutMs = Number(values.timeout) * 1000;
  const known = ["1.0", "1.0c", "1.0C", "1.1"].includes(values.protocol);
  if (
    server === undefined ||
    url?.startsWith("/") !== true ||
    !(port >= 1 && port <= 65_535) ||
    !known ||
    !(timeoutMs > 0)
  ) {
    process.stderr.write(USAGE);
    return 1;
  }
  const { head, body } = await request({
    server,
    port,
    path: url,
    host: values["use-virtualhost"] ?? (server.includes(":") ? `[${server}]` : server),
    tls: values["use-ssl"],
    sni: values["use-sni"],
    protocol: values.protocol,
    timeoutMs,
  });
  const digest = createHash("md5").update(body).digest("hex");
  process.stdout.write(
    values.verbose
      ? `${head}\n\n${body.length} bytes\nMD5SUM = ${digest}\n`
      : `MD5SUM = ${digest}\n`,
  );
  return 0;
}

/** @throws Error when there is no answer of HTTP. */
function request(page: Page): Promise<{ readonly head: string; readonly body: Buffer }> {
  const { server, port, path, host, tls, sni, protocol, timeoutMs } = page;
  const where = `${server} port ${port}`;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = tls
      ? connectTls({
          host: server,
          port,
          servername: sni ? host : "",
          rejectUnauthorized: false,
        })
      : connect({ host: server, port });
    const timer = setTimeout(
      () => socket.destroy(new Error(`no whole answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const version = protocol === "1.1" ? "1.1" : "1.0";
    const close = protocol === "1.0" ? "" : "Connection: close\r\n";
    socket.once(tls ? "secureConnect" : "connect", () =>
      socket.write(
        `GET ${path} HTTP/${version}\r\nUser-Agent: karuntime genhash\r\n${close}Host: ${host}\r\n\r\n`,
      ),
    );
    socket.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > ANSWER_BYTES_MAX)
        socket.destroy(new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`));
      else chunks.push(chunk);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const why = error.code === "ECONNREFUSED" ? "it refuses the connection" : error.message;
      reject(new Error(`genhash: ${where}: ${why}`));
    });
    socket.on("end", () => {
      clearTimeout(timer);
      const answer = Buffer.concat(chunks);
      const end = answer.indexOf("\r\n\r\n");
      const head = answer.subarray(0, Math.max(0, end)).toString("latin1");
      if (end < 0 || !head.startsWith("HTTP/"))
        reject(new Error(`genhash: ${where}: that was no answer of HTTP`));
      else resolve({ head, body: answer.subarray(end + 4) });
    });
  });
}
