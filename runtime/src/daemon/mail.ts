/** Sends mail: to everybody in the configuration, through one server, one message at a time. */
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { MailConfiguration } from "../config/model.ts";
import type { Notification, VrrpNotification } from "./notification.ts";

const ATTEMPTS = 3;
const RETRY_MS = 2000;
/** From the greeting to the end of a message. */
const SILENCE_MS_MAX = 30_000;
/** While the server does not answer, no more messages than this wait for it. */
const WAITING_MAX = 100;

export interface Mailer {
  /** @throws Error when the server did not take the message, three times; when too many wait; after the end. */
  send(subject: string, text: string): Promise<void>;
  /** Gives up what is not sent. */
  close(): void;
}

/**
 * @param mail where to and through whom. A server that offers TLS is spoken to by TLS, whatever its certificate, as
 *   mail servers do among each other: the server is the operator's own.
 */
export function createMailer(mail: MailConfiguration): Mailer {
  const ended = new AbortController();
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  async function sendOnce(subject: string, text: string): Promise<void> {
    // Loaded when there is something to send: it costs this process several megabytes.
    const { createTransport } = await import("nodemailer");
    const transport = createTransport({
      host: mail.server,
      port: mail.port,
      name: mail.helo ?? hostname(),
      secure: false,
      tls: { rejectUnauthorized: false },
      connectionTimeout: mail.connectTimeoutMs,
      greetingTimeout: SILENCE_MS_MAX,
      socketTimeout: SILENCE_MS_MAX,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    try {
      const from = mail.from.includes("@") ? mail.from : `${mail.from}@${hostname()}`;
      const { signal } = ended;
      await transport.sendMail({ from, to: [...mail.to], subject: oneLine(subject), text, signal });
    } finally {
      transport.close();
    }
  }

  async function send(subject: string, text: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      ended.signal.throwIfAborted();
      try {
        return await sendOnce(subject, text);
      } catch (error) {
        ended.signal.throwIfAborted();
        if (attempt === ATTEMPTS) throw error;
      }
      // A pause that is cut short is told by the next attempt.
      await pause(RETRY_MS * attempt, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  }

  return {
    async send(subject, text) {
      if (waiting >= WAITING_MAX)
        throw new Error(
          `${WAITING_MAX} mails wait for ${mail.server} already; this one is dropped`,
        );
      waiting++;
      const sent = last.then(() => send(subject, text)).finally(() => waiting--);
      last = sent.catch(() => undefined);
      return sent;
    },
    close: () => ended.abort(new Error("karuntime stops before the mail was sent")),
  };
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}]+/gu, " ");
}

/** An event as a mail, its subject as keepalived writes it. */
export function mailFor(
  notification: Notification,
  routerName: string | undefined,
): { readonly subject: string; readonly text: string } {
  const host = hostname();
  const { what, happened, because } = describe(notification);
  return {
    subject: `[${routerName ?? host}] ${what} - ${happened}`,
    text: `${what} on ${host}: ${happened}.\n${because}Time: ${notification.at.toISOString()}\n`,
  };
}

interface Described {
  readonly what: string;
  readonly happened: string;
  /** A line, or nothing. */
  readonly because: string;
}

function describe(notification: Notification): Described {
  switch (notification.event) {
    case "up":
    case "down": {
      const { serverName, serviceName, event, reason } = notification;
      return {
        what: `Realserver ${serverName} of virtual server ${serviceName}`,
        happened: event.toUpperCase(),
        because: reason === "" ? "" : `Reason: ${oneLine(reason)}\n`,
      };
    }
    case "quorum-up":
    case "quorum-down": {
      const { serviceName, event, weight, quorum } = notification;
      return {
        what: `Virtualserver ${serviceName}`,
        happened: event === "quorum-up" ? "UP" : "DOWN",
        because: `The weights of its real servers that are up come to ${weight}, its quorum is ${quorum}.\n`,
      };
    }
    default:
      return describeRouter(notification);
  }
}

function describeRouter({ subject, event, state, priority }: VrrpNotification): Described {
  const what =
    subject.type === "virtual-router"
      ? `VRRP Instance ${subject.name}`
      : `VRRP Group ${subject.name}`;
  const happened =
    event === "contended"
      ? "another MASTER of lower priority is heard"
      : event === "priority"
        ? `the priority is ${priority} now`
        : event === "stop"
          ? "Stopping"
          : `Entering ${state} state`;
  return { what, happened, because: "" };
}
