/**
 * What a `karuntime.config.ts` imports. It runs inside the isolate that evaluates the configuration, so it imports
 * nothing at run time; its types are what editors complete.
 */

/** A length of time: a number and its unit, as in `"500ms"`, `"1s"`, `"1.5s"` or `"2m"`. */
export type Duration = `${number}${"ms" | "s" | "m"}`;

/** The whole configuration of one host. */
export interface UserConfiguration {
  /** The virtual routers of this host by name, the name being what logs and `status` print. */
  readonly virtualRouters: Readonly<Record<string, UserVirtualRouter>>;
  /** The checks by name. A check runs only on this host and judges only this host. */
  readonly checks?: Readonly<Record<string, UserCheck>>;
  /** How to act on services where systemd does not run: a command for each action, by service name. */
  readonly services?: Readonly<Record<string, UserService>>;
  readonly sandbox?: UserSandbox;
}

/** One virtual router (RFC 3768): a set of addresses that one of several hosts holds at a time. */
export interface UserVirtualRouter {
  /** The network interface that carries the addresses and the advertisements. */
  readonly interface: string;
  /** Virtual router identifier, 1..255; the same on all hosts of the group and different from every other group on the network. */
  readonly id: number;
  /** 1..254, higher wins; 255 only for the host that owns the addresses. Default 100. */
  readonly priority?: number;
  /** Time between advertisements of the master: whole seconds, 1s..255s; equal on all hosts. Default "1s". */
  readonly advertInterval?: Duration;
  /** Whether a host with a higher priority takes the addresses back from a living master. Default true. */
  readonly preempt?: boolean;
  /** A password of up to 8 octets, as keepalived's `auth_type PASS` sends it: in the clear. It keeps strangers out by accident, not by intent. */
  readonly authentication?:
    | { readonly type: "none" }
    | { readonly type: "PASS"; readonly password: string };
  /** The virtual addresses, as `"192.0.2.10/24"`; without a prefix length it is /32. */
  readonly addresses: readonly string[];
  readonly track?: {
    /** Checks that count: by name with the check's own weight, or with another weight. */
    readonly checks?: readonly (string | { readonly check: string; readonly weight: number })[];
  };
  /** Whether the kernel removes the addresses by itself when karuntime dies or hangs. Default true. */
  readonly lease?: boolean;
  readonly gratuitousArp?: {
    /** Frames per address in a burst, 1..255. Default 5. */
    readonly count?: number;
    /** Time from becoming master to the second burst; "0s" for none. Default "5s". */
    readonly repeatAfter?: Duration;
  };
}

/** When and how a check plugin runs, and what its judgement weighs. */
export interface UserCheck {
  /** The plugin's file, relative to the configuration file. */
  readonly plugin: string;
  /** Values for the options that the plugin declares. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Time from start to start of an invocation, 10ms..1h; an invocation still running is not overlapped. Default "1s". */
  readonly interval?: Duration;
  /** Time after which an invocation counts as failed, 10ms..1h. Default: the interval. */
  readonly timeout?: Duration;
  /** Successes in a row until the check is up. Default 1. */
  readonly rise?: number;
  /** Failures in a row until the check is down. Default 1. */
  readonly fall?: number;
  /** 0: down means FAULT, the host gives the addresses up. Positive: added to the priority while up; negative: subtracted while down. -253..253, default 0. */
  readonly weight?: number;
}

/** For each action the command and its arguments, run as root without a shell; `status` exits 0 when the service runs. */
export interface UserService {
  readonly start?: readonly string[];
  readonly stop?: readonly string[];
  readonly restart?: readonly string[];
  readonly status?: readonly string[];
}

export interface UserSandbox {
  /** The user that plugins run as: a name of /etc/passwd or `"uid:gid"`. Default: `karuntime` if it exists, else `nobody`. */
  readonly user?: string;
}

/** Declares the configuration; returns it unchanged, for its types. */
export function defineConfig(configuration: UserConfiguration): UserConfiguration {
  return configuration;
}

/**
 * The value of an environment variable of `karuntime start`.
 *
 * @param name the variable.
 * @param fallback used when the variable is not set.
 * @throws Error when the variable is not set and there is no fallback: the configuration does not load.
 */
export function env(name: string, fallback?: string): string {
  const environment = (
    globalThis as { readonly __karuntimeEnvironment?: Readonly<Record<string, string>> }
  ).__karuntimeEnvironment;
  const value =
    environment !== undefined && Object.hasOwn(environment, name) ? environment[name] : fallback;
  if (value === undefined) {
    throw new Error(
      `the environment variable ${name} is not set; set it, or give env("${name}", ...) a second argument`,
    );
  }
  return value;
}
