/** Checks that want to run at once when a process of a name ends: each name is watched once, for all who ask. */
import type { ProcessWatch } from "../linux/process-watch.ts";

export interface ProcessWatches {
  /**
   * @param onDeath called whenever a process of the name has ended.
   * @returns ends it.
   * @throws Error when the kernel gives no epoll.
   */
  watch(name: string, onDeath: () => void): Promise<() => void>;
  close(): void;
}

interface Watched {
  readonly listeners: Set<() => void>;
  readonly watch: Promise<ProcessWatch>;
}

export function createProcessWatches(): ProcessWatches {
  const watched = new Map<string, Watched>();

  function start(name: string): Watched {
    const listeners = new Set<() => void>();
    // Loaded only where it is needed: what talks to the kernel costs this process several megabytes.
    const watch = import("../linux/process-watch.ts").then(({ watchProcesses }) => {
      let before = 0;
      return watchProcesses([{ name }], (_index, count) => {
        const fewer = count < before;
        before = count;
        if (fewer) for (const listener of listeners) listener();
      });
    });
    return { listeners, watch };
  }

  return {
    async watch(name, onDeath) {
      const present = watched.get(name) ?? start(name);
      watched.set(name, present);
      const listener = (): void => onDeath();
      present.listeners.add(listener);
      await present.watch;
      return () => {
        present.listeners.delete(listener);
        if (present.listeners.size > 0) return;
        watched.delete(name);
        void present.watch.then((watch) => watch.close());
      };
    },
    close() {
      for (const { watch } of watched.values()) void watch.then((started) => started.close());
      watched.clear();
    },
  };
}
