/** Placeholder for the contract; the sandbox room completes and documents it. */
export interface Permissions {
  readonly processes?: readonly string[];
  readonly services?: Readonly<
    Record<string, readonly ("start" | "stop" | "restart" | "status")[]>
  >;
  readonly net?: readonly string[];
}
