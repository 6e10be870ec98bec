/** Tells when files change. Their folders are watched, since editors replace files, and a missing one may yet come. */
import type { FSWatcher } from "node:fs";
import { watch } from "node:fs";
import { dirname, join } from "node:path";

/** A save is several events, and the file may be empty between them. */
const SETTLE_MS = 10;

export interface SourceWatch {
  /** From now on these files count. @param any whether every file in their folders does. */
  follow(files: readonly string[], any: boolean): void;
  close(): void;
}

/** @param onChange called some milliseconds after a change, once for changes that come together. */
export function watchSources(onChange: () => void): SourceWatch {
  const watchers = new Map<string, FSWatcher>();
  let followed: ReadonlySet<string> = new Set();
  let all = false;
  let timer: NodeJS.Timeout | undefined;

  function changed(file: string): void {
    if (!all && !followed.has(file)) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
  }

  function open(folder: string): void {
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name !== null) changed(join(folder, name));
      });
      watcher.on("error", () => {
        watcher.close();
        watchers.delete(folder);
      });
      watchers.set(folder, watcher);
    } catch {
      // A folder that is gone comes back with a change in another one.
    }
  }

  return {
    follow(files, any) {
      followed = new Set(files);
      all = any;
      const folders = new Set(files.map((file) => dirname(file)));
      for (const [folder, watcher] of watchers)
        if (!folders.has(folder)) {
          watcher.close();
          watchers.delete(folder);
        }
      for (const folder of folders) if (!watchers.has(folder)) open(folder);
    },
    close() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}
