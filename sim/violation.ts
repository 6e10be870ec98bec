/** What must always hold, by name; and that it did not. */
export type Invariant =
  /** Once the network is whole and time enough has passed, one master, and the right one. */
  | "a one right master"
  /** A master yields to a better one, stays before a worse one, and says so at once (RFC 9568 section 6.4.3). */
  | "a rank"
  /** Addresses exactly while master. */
  | "b addresses"
  /** After priority 0 silence until the next promotion; who stops being master without having heard a better one says it. */
  | "c resignation"
  /** Nothing moves without a cause. */
  | "d stability"
  /** No promotion before Master_Down_Interval, or Skew_Time after a resignation; none of a backup that slept. */
  | "e patience"
  /** No later either. */
  | "e promptness"
  /** After a tick every deadline lies in the future, and who needs one has one. */
  | "f deadlines"
  /** Effects in an order that makes sense, advertisements that say what is so. */
  | "g order"
  /** Members of a sync group are master together or not at all. */
  | "h sync group"
  /** A master advertises once in an interval, and is none any more after a sleep in which it lost its place. */
  | "i spacing"
  /** No advertisement is dropped without a reason. */
  | "j admission";

export class Violation extends Error {
  readonly invariant: Invariant;
  /** Where and when, as far as it is known to whoever adds it. */
  place = "";

  constructor(invariant: Invariant, what: string) {
    super(what);
    this.name = "Violation";
    this.invariant = invariant;
  }

  /** The same for all that differ in numbers alone. */
  get kind(): string {
    return `${this.invariant}: ${this.message.replace(/[\d.]+/g, "N")}`;
  }
}
