/** What a configuration says about commands, about who is told of what, and about mail. */
import type { NoPlugin, UserPlugin } from "./define-plugin.ts";
import type { Duration } from "./define.ts";

/** A command, run without a shell in a process group of its own. As a check, exit status 0 is up. */
export interface UserCommand {
  /** The file and its arguments; a file without "/" is looked for in PATH. */
  readonly command: readonly [string, ...string[]];
  /** Who runs it: "user", "user:group" or "uid:gid". Default: `commands.user`. */
  readonly user?: string;
}

/** How commands run. */
export interface UserCommands {
  /** Who runs them: "user", "user:group" or "uid:gid". Default: keepalived_script if it exists, else the user of karuntime. */
  readonly user?: string;
  /** Refuse to run as root what somebody else may write. Default false. */
  readonly secure?: boolean;
  /** Run before anything starts; killed after its timeout, 1s..1000s, default "10s". */
  readonly start?: UserCommand & { readonly timeout?: Duration };
  /** Run after everything has stopped; killed likewise. */
  readonly stop?: UserCommand & { readonly timeout?: Duration };
}

/** What a notification can tell: the state that was entered; "contended": another master of lower priority is heard. */
export type NotificationEvent = "master" | "backup" | "fault" | "stop" | "contended" | "priority";

/** Somebody who is told, one event after the other. */
export type UserNotification<Plugins extends string = string> = OnEvents &
  (UserPlugin<Plugins> | (UserMeans & NoPlugin));

/** Of what somebody is told. */
interface OnEvents {
  /** Default: "master", "backup", "fault" and "stop". */
  readonly on?: readonly NotificationEvent[];
}

/** Means of telling somebody without a plugin. */
export type UserMeans =
  | (UserCommand & {
      /** Whether INSTANCE or GROUP, the name, the state and the priority follow its arguments, as with keepalived's `notify`. Default false. */
      readonly appendEvent?: boolean;
    })
  /** A mail to everybody in `mail.to`. */
  | { readonly mail: true }
  /** A line for each event in a named pipe, as with keepalived's `vrrp_notify_fifo`. */
  | {
      readonly fifo: string;
      /** Who owns the pipe when it is made. */
      readonly user?: string;
      /** Who reads it: started with karuntime, with the pipe's path as its last argument. */
      readonly reader?: UserCommand;
    };

/** How mail is sent. */
export interface UserMail {
  /** The server that takes it, by name or address. */
  readonly server: string;
  /** Default 25. */
  readonly port?: number;
  readonly from: string;
  readonly to: readonly [string, ...string[]];
  /** How the sender calls itself. Default: the name of the host. */
  readonly helo?: string;
  /** What subjects begin with. Default: the name of the host. */
  readonly routerName?: string;
  /** Default "30s". */
  readonly connectTimeout?: Duration;
}
