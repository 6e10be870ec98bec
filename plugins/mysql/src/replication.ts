/** What a server says of its own replication, whatever it calls it: MySQL and MariaDB, before and after the renaming. */
import type { Row } from "./session.ts";

/** How one stream from a primary fares. */
export interface Channel {
  /** "Yes", "No", "Connecting", ... */
  readonly receiving: string;
  readonly receiveError: string;
  readonly applying: string;
  readonly applyError: string;
  /** Null when the server does not know. */
  readonly lagSeconds: number | null;
}

/** Reads a row of SHOW REPLICA STATUS or SHOW SLAVE STATUS. @throws Error when it is none. */
export function channelOf(row: Row): Channel {
  const value = (...names: readonly string[]): string | null => {
    const name = names.find((each) => row.has(each));
    if (name !== undefined) return row.get(name) ?? null;
    throw new Error(`the status of the replica has no column ${names.join(" or ")}`);
  };
  const lag = value("Seconds_Behind_Source", "Seconds_Behind_Master");
  return {
    receiving: value("Replica_IO_Running", "Slave_IO_Running") ?? "",
    receiveError: value("Last_IO_Error") ?? "",
    applying: value("Replica_SQL_Running", "Slave_SQL_Running") ?? "",
    applyError: value("Last_SQL_Error") ?? "",
    lagSeconds: lag === null ? null : Number(lag),
  };
}

/** Why a replica with these channels is not fit; it must have one, and all must run and keep up. */
export function unfitReplica(
  channels: readonly Channel[],
  maxLagSeconds: number,
): string | undefined {
  if (channels.length === 0) return "it follows no primary, expected a replica";
  for (const { receiving, receiveError, applying, applyError, lagSeconds } of channels) {
    if (receiving !== "Yes") return stopped("receives", receiving, receiveError);
    if (applying !== "Yes") return stopped("applies", applying, applyError);
    if (maxLagSeconds === 0) continue;
    if (lagSeconds === null) return "it does not know how far it is behind its primary";
    if (lagSeconds > maxLagSeconds)
      return `it is ${lagSeconds} s behind its primary, expected at most ${maxLagSeconds} s`;
  }
  return undefined;
}

function stopped(verb: string, state: string, error: string): string {
  return `its thread that ${verb} says ${JSON.stringify(state)}, expected "Yes"${error === "" ? "" : `: ${error}`}`;
}
