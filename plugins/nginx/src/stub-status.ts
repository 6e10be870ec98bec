/** The page of nginx's stub_status module. */

export interface StubStatus {
  readonly active: number;
  readonly accepted: number;
  readonly handled: number;
  readonly requests: number;
  readonly reading: number;
  readonly writing: number;
  readonly waiting: number;
}

const PAGE =
  /^Active connections: (\d+)\s+server accepts handled requests\s+(\d+) (\d+) (\d+)\s+Reading: (\d+) Writing: (\d+) Waiting: (\d+)\s*$/;

/** @throws Error for another page. */
export function readStubStatus(text: string): StubStatus {
  const match = PAGE.exec(text);
  if (match === null)
    throw new Error(
      `it is no page of stub_status: ${JSON.stringify(text.slice(0, 60))}; expected "Active connections: ..."`,
    );
  const [
    active = 0,
    accepted = 0,
    handled = 0,
    requests = 0,
    reading = 0,
    writing = 0,
    waiting = 0,
  ] = match.slice(1).map(Number);
  return { active, accepted, handled, requests, reading, writing, waiting };
}
