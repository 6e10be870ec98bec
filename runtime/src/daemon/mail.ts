/** Sends mail: to everybody in the configuration, through one server, one message at a time. */
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { MailConfiguration } from "../config/model.ts";
import type { Notification } from "./notifications.ts";

const ATTEMPTS = 3;
const RETRY_MS = 2000;
/** From the greeting to the end of a message. */
const SILENCE_MS_MAX = 30_000;

export interface Mailer {
  /** @throws Error when the server did not take the message, three times. */
  send(subject: string, text: string): Promise<void>;
}

/**
 * @param mail where to and through whom. A server that offers TLS is spoken to by TLS, whatever its certificate, as
 *   mail servers do among each other: the server is the operator's own.
 */
export function createMailer(mail: MailConfiguration): Mailer {
  let last: Promise<unknown> = Promise.resolve();

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
      await transport.sendMail({ from, to: [...mail.to], subject: oneLine(subject), text });
    } finally {
      transport.close();
    }
  }

  async function send(subject: string, text: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await sendOnce(subject, text);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await pause(RETRY_MS * attempt, undefined, { ref: false });
      }
    }
  }

  return {
    send(subject, text) {
      const sent = last.then(() => send(subject, text));
      last = sent.catch(() => undefined);
      return sent;
    },
  };
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}]+/gu, " ");
}

/** A state change as a mail, its subject as keepalived writes it. */
export function mailFor(
  { subject, event, state, priority, at }: Notification,
  routerName: string | undefined,
): { readonly subject: string; readonly text: string } {
  const what =
    subject.type === "virtual-router"
      ? `VRRP Instance ${subject.name}`
      : `VRRP Group ${subject.name}`;
  const happened =
    event === "contended"
      ? "another MASTER of lower priority is heard"
      : event === "priority"
        ? `the priority is ${priority} now`
        : `Entering ${state} state`;
  const host = hostname();
  return {
    subject: `[${routerName ?? host}] ${what} - ${happened}`,
    text: `${what} on ${host}: ${happened}.\nTime: ${at.toISOString()}\n`,
  };
}
