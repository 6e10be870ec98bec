/** A certificate authority for a test, made by openssl: each has a key of its own and is known to nobody. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate and its key, in PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly ca: string;
  /**
   * @param names as in "DNS:example.com,IP:192.0.2.1"; the first one is the common name too.
   * @param days until it expires; -1 for one that has expired a day ago.
   */
  issue(names: string, days?: number): Issued;
}

export function createAuthority(name: string): Authority {
  const caKey = newKey();
  const ca = inFolder({ "ca.key": caKey }, (openssl) => {
    openssl("req -x509 -new -key ca.key -days 30 -out ca.pem -subj", `/CN=${name}`);
    return "ca.pem";
  });
  return {
    ca,
    issue(names, days = 30) {
      const key = newKey();
      const files = { "ca.pem": ca, "ca.key": caKey, key, names: `subjectAltName=${names}` };
      const cert = inFolder(files, (openssl) => {
        const commonName = /^\w+:([^,]+)/.exec(names)?.[1] ?? names;
        openssl("req -new -key key -out request -subj", `/CN=${commonName}`);
        openssl(
          `x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out cert -days ${days}`,
        );
        return "cert";
      });
      return { cert, key };
    },
  };
}

function newKey(): string {
  return inFolder({}, (openssl) => {
    openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out key");
    return "key";
  });
}

/** Runs openssl in a folder with these files. @returns the content of the file that `body` names. */
function inFolder(
  files: Readonly<Record<string, string>>,
  body: (openssl: (words: string, ...more: readonly string[]) => void) => string,
): string {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-authority-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const made = body((words, ...more) =>
      execFileSync("openssl", [...words.split(" "), ...more], { cwd: folder, stdio: "pipe" }),
    );
    return readFileSync(join(folder, made), "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
