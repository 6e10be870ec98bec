/** A debugger's way to one isolate: what it says goes in, what the isolate says goes out (Chrome DevTools Protocol). */
import type ivm from "isolated-vm";
import type { PluginIsolate } from "./isolate.ts";

/** The last thing that a debugger says before the program is to run. */
const RUN = "Runtime.runIfWaitingForDebugger";
/** Ours; a debugger counts from 1. */
const OWN_ID = 2 ** 31 - 1;
/** Stops before the plugin's top level, once its source map is known: there is time to set breakpoints. Our own code has no map. */
const STOP_AT_PLUGIN = JSON.stringify({
  id: OWN_ID,
  method: "Debugger.setInstrumentationBreakpoint",
  params: { instrumentation: "beforeScriptWithSourceMapExecution" },
});

const INSTRUMENTATION = "instrumentation";
/** As Node's --inspect-brk. Debuggers that stop before scripts for their own ends go on by themselves after the other reason. */
const BREAK_ON_START = "Break on start";

interface Notification {
  readonly method?: string;
  readonly params?: { readonly reason?: string };
}

export interface Inspection {
  /** When a debugger wants the program to run. */
  readonly started: Promise<void>;
  /** @param message null: the debugger is gone, and what it holds goes on. */
  receive(message: string | null): void;
  end(): void;
}

export function createInspection(
  isolate: PluginIsolate,
  send: (message: string) => void,
): Inspection {
  let session: ivm.InspectorSession | undefined;
  let over = false;
  let start = (): void => {};
  const started = new Promise<void>((resolve) => (start = resolve));

  function open(): ivm.InspectorSession {
    const opened = isolate.createInspectorSession();
    opened.onResponse = (id, message) => {
      if (id !== OWN_ID) send(message);
    };
    opened.onNotification = (message) => send(asBreakOnStart(message));
    return opened;
  }

  function close(): void {
    session?.dispose();
    session = undefined;
  }

  return {
    started,
    receive(message) {
      if (over) return;
      if (message === null) return close();
      session ??= open();
      session.dispatchProtocolMessage(message);
      if (!message.includes(RUN)) return;
      session.dispatchProtocolMessage(STOP_AT_PLUGIN);
      start();
    },
    end() {
      over = true;
      close();
    },
  };
}

/** Where this is the stop before the plugin: the same as a stop that a person is to see. */
function asBreakOnStart(message: string): string {
  if (!message.includes(INSTRUMENTATION)) return message;
  const notification = JSON.parse(message) as Notification;
  const { method, params } = notification;
  if (method !== "Debugger.paused" || params?.reason !== INSTRUMENTATION) return message;
  const shown = { ...params, reason: BREAK_ON_START, data: undefined, hitBreakpoints: [] };
  return JSON.stringify({ ...notification, params: shown });
}
