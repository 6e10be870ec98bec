/** Settings of the kernel under /proc/sys (sysctl(7)). A path is its parts: an interface's name may contain dots. */
import { readFileSync, writeFileSync } from "node:fs";

/** @returns the setting's text, or undefined where there is none. */
export function readSysctl(path: readonly string[]): string | undefined {
  try {
    return readFileSync(fileOf(path), "utf8").trim();
  } catch {
    return undefined;
  }
}

/** Sets it unless it is so already. @returns whether it is so now. */
export function writeSysctl(path: readonly string[], value: string): boolean {
  if (readSysctl(path) === value) return true;
  try {
    writeFileSync(fileOf(path), value);
    return true;
  } catch {
    return false;
  }
}

function fileOf(path: readonly string[]): string {
  for (const part of path)
    if (part === "" || part === "." || part === ".." || part.includes("/"))
      throw new Error(`${JSON.stringify(part)} is no part of a setting's path`);
  return `/proc/sys/${path.join("/")}`;
}
