/**
 * Where karuntime and `keepalived -t` differ on purpose, each with its reason. docs/keepalived-compatibility.md has the
 * same list.
 */

export interface Difference {
  /** The words of docs/keepalived-compatibility.md. */
  readonly title: string;
  /** keepalived remarks something like this, and karuntime need not. */
  readonly remark?: RegExp;
  /** keepalived accepts, and karuntime has an error with this code. */
  readonly code?: RegExp;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    title: "Times with decimals",
    remark: /^(?:invalid number '\d*\.\d+'|.*(?:interval|timeout).*\d*\.\d+)/,
  },
  {
    title: "Routes and addresses are not tracked",
    remark: /^Warning - cannot track route/,
  },
  {
    title: "Quotes that keepalived ends by itself",
    code: /^keepalived\.(?:command|quote|missing-brace|checker)$/,
  },
];
