/** What a plugin may look at and have done on this host. */

/** The processes of this host, by name. What is asked for must be in `permissions.processes`. */
export interface Processes {
  /** How many processes have this name. @throws Error when the name is not in `permissions.processes`. */
  count(name: string): Promise<number>;
  /**
   * Counts as well, and from now on this check runs at once whenever a process of the name has ended, not only at its interval.
   * For checks and checkers. @throws Error when the name is not in `permissions.processes`.
   */
  watch(name: string): Promise<number>;
}

/** Performed by the daemon, through systemd where it runs, else through the commands that the configuration names. */
export interface Services {
  /** @throws Error when it is not permitted, or the service did not start. */
  start(name: string): Promise<void>;
  /** @throws Error when it is not permitted, or the service did not stop. */
  stop(name: string): Promise<void>;
  /** @throws Error when it is not permitted, or the service did not restart. */
  restart(name: string): Promise<void>;
  /** Whether the service runs. @throws Error when it is not permitted, or nobody can tell. */
  status(name: string): Promise<"running" | "stopped">;
}

/** How a command ended, and what it wrote: at most 64 KiB each. */
export interface ExecResult {
  /** Its exit status; null when a signal or the time limit ended it. */
  readonly status: number | null;
  /** The signal that ended it, as "SIGTERM". */
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command is run. */
export interface ExecInit {
  /** Milliseconds after which it is ended; never later than the invocation. */
  readonly timeoutMs?: number;
}

/** A mail to the receivers in the configuration. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
}

/** The beginning of a file. */
export interface FileContent {
  /** At most the first 64 KiB. */
  readonly text: string;
  /** In bytes. */
  readonly size: number;
  /** When it was last written, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** Files of this host. What is read must be in `permissions.files`. */
export interface Files {
  /** @throws Error when the path, or what it leads to, is not in `permissions.files`, or cannot be read by the plugins' user. */
  read(path: string): Promise<FileContent>;
}

/** The share of time, in percent, in which tasks waited, over the last 10, 60 and 300 seconds. */
export interface PressureAverages {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
}

/** How busy this host is. It needs `permissions.system`. */
export interface System {
  /** The load averages of 1, 5 and 15 minutes, and how many processors there are. */
  load(): Promise<{
    readonly one: number;
    readonly five: number;
    readonly fifteen: number;
    readonly cpus: number;
  }>;
  /** The memory of the machine, and how much of it could be had without swapping. */
  memory(): Promise<{ readonly totalBytes: number; readonly availableBytes: number }>;
  /** The file system that a path is on. @throws Error when there is no such path. */
  disk(path: string): Promise<{
    readonly totalBytes: number;
    readonly availableBytes: number;
    readonly totalFiles: number;
    readonly availableFiles: number;
  }>;
  /** How much tasks wait for a resource; `full` is null where the kernel does not tell it. @throws Error when it tells none. */
  pressure(
    resource: "cpu" | "memory" | "io",
  ): Promise<{ readonly some: PressureAverages; readonly full: PressureAverages | null }>;
}

/** Texts that outlast an invocation, and karuntime: at most 64 keys of 64 characters, with values of 4096. Each check has its own. */
export interface Store {
  /** @returns null when there is none. */
  get(key: string): Promise<string | null>;
  /** Keeps a value in the place of the one before. @throws Error when there is no room for it. */
  set(key: string, value: string): Promise<void>;
  /** Forgets it. That there is none is no error. */
  delete(key: string): Promise<void>;
  /** The keys that there are. */
  keys(): Promise<readonly string[]>;
}

/**
 * Numbers about what a check looks at; `karuntime status --json` shows them. At most 50, a name with other labels being another one.
 * A name has letters a-z, digits and _. At most 5 labels of 64 characters.
 */
export interface Metrics {
  /** Sets it. */
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): Promise<void>;
  /** Adds to it. */
  counter(name: string, add: number, labels?: Readonly<Record<string, string>>): Promise<void>;
}

/** Passwords and the like that the configuration has. What is asked for must be in `permissions.secrets`. */
export interface Secrets {
  /** A secret of the configuration. In logs and reasons its name stands in its place. @throws Error when it is not permitted. */
  get(name: string): Promise<string>;
}

/** One line of the daemon's log each: at most 500 characters, at most 10 a second. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
