/** Whether a grant covers a wish; asked by the sandbox host for a good message, and by the daemon before it acts. */

/** Stands at the end of a granted command for any further arguments. */
const FURTHER = "...";

/** Whether a command is one of the granted ones, word for word. */
export function mayRun(granted: readonly (readonly string[])[], argv: readonly string[]): boolean {
  return granted.some((command) => {
    const open = command.at(-1) === FURTHER;
    const fixed = open ? command.slice(0, -1) : command;
    return (
      fixed.length > 0 &&
      (open ? argv.length >= fixed.length : argv.length === fixed.length) &&
      fixed.every((word, index) => argv[index] === word) &&
      argv.every((word) => !word.includes("\0"))
    );
  });
}

/** What a ping may carry: room for what tells its answer from a forged one, and less than what has to be fragmented. */
export const PING_OCTETS_MIN = 16;
export const PING_OCTETS_MAX = 1400;

export function isPingSize(size: number): boolean {
  return Number.isInteger(size) && size >= PING_OCTETS_MIN && size <= PING_OCTETS_MAX;
}
