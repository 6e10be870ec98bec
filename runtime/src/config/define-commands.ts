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

/** Of a virtual router or a sync group: the state that was entered; "contended": another master of lower priority is heard. */
export type VrrpNotificationEvent =
  | "master"
  | "backup"
  | "fault"
  | "stop"
  | "contended"
  | "priority";

/** Of a real server; and of a virtual server, whose living real servers have the quorum or not. */
export type DirectorNotificationEvent = "up" | "down" | "quorum-up" | "quorum-down";

/** What a notification can tell. */
export type NotificationEvent = VrrpNotificationEvent | DirectorNotificationEvent;

/** Somebody who is told, one event after the other. */
export type UserNotification<
  Event extends NotificationEvent = NotificationEvent,
  Plugins extends string = string,
> = OnEvents<Event> & (UserPlugin<Plugins> | (UserMeans & NoPlugin));

/** Of what somebody is told. */
interface OnEvents<Event extends NotificationEvent> {
  /** Default: "master", "backup", "fault" and "stop"; of a virtual server "up", "down", "quorum-up" and "quorum-down". */
  readonly on?: readonly Event[];
}

/** Means of telling somebody without a plugin. */
export type UserMeans =
  | (UserCommand & {
      /**
       * Whether the event follows its arguments: INSTANCE or GROUP, the name, the state and the priority, as with keepalived's
       * `notify`; of real servers and virtual servers the words of keepalived's `lvs_notify_fifo`. Default false.
       */
      readonly appendEvent?: boolean;
    })
  /** A mail to everybody in `mail.to`. */
  | { readonly mail: true }
  /** A line for each event in a named pipe, as with keepalived's `vrrp_notify_fifo` and `lvs_notify_fifo`. */
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
