/** How busy this machine is: load, memory, disks, and pressure (Documentation/accounting/psi.rst). */
import { readFile, statfs } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";

/** The share of time, in percent, in which some tasks, or all of them, waited. */
export interface Pressure {
  readonly some: PressureAverages;
  /** Not there for the CPU of old kernels. */
  readonly full: PressureAverages | null;
}

export interface PressureAverages {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
}

/** @throws Error for what the machine does not tell. */
export async function measureSystem(what: string, path: string): Promise<unknown> {
  switch (what) {
    case "load": {
      const [one = 0, five = 0, fifteen = 0] = loadavg();
      return { one, five, fifteen, cpus: availableParallelism() };
    }
    case "memory":
      return parseMemory(await readFile("/proc/meminfo", "utf8"));
    case "disk": {
      const { bsize, blocks, bavail, files, ffree } = await statfs(path);
      return {
        totalBytes: blocks * bsize,
        availableBytes: bavail * bsize,
        totalFiles: files,
        availableFiles: ffree,
      };
    }
    case "cpu-pressure":
    case "memory-pressure":
    case "io-pressure":
      return parsePressure(await readPressure(what.replace("-pressure", "")));
    default:
      throw new Error(`system: there is no measure ${JSON.stringify(what)}`);
  }
}

async function readPressure(resource: string): Promise<string> {
  try {
    return await readFile(`/proc/pressure/${resource}`, "utf8");
  } catch {
    throw new Error("system: this kernel does not tell pressure (CONFIG_PSI, or psi=1)");
  }
}

/** proc(5), /proc/meminfo. */
export function parseMemory(text: string): {
  readonly totalBytes: number;
  readonly availableBytes: number;
} {
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? Number.NaN);
  return {
    totalBytes: kilobytes("MemTotal") * 1024,
    availableBytes: kilobytes("MemAvailable") * 1024,
  };
}

export function parsePressure(text: string): Pressure {
  const line = (name: string): PressureAverages | null => {
    const match = new RegExp(`^${name} avg10=([\\d.]+) avg60=([\\d.]+) avg300=([\\d.]+)`, "m").exec(
      text,
    );
    return match === null
      ? null
      : { avg10: Number(match[1]), avg60: Number(match[2]), avg300: Number(match[3]) };
  };
  const some = line("some");
  if (some === null) throw new Error("system: the kernel's pressure cannot be read");
  return { some, full: line("full") };
}
