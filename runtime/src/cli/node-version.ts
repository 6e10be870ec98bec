/** Whether this Node.js will do. On an older one plugins would not start, for reasons that nobody would understand. */

const MAJOR_MIN = 24;

/** @param version as in `process.version`. @returns what is wrong with it, or undefined. */
export function nodeFault(version: string): string | undefined {
  const major = Number(/^v(\d+)\./.exec(version)?.[1]);
  return major >= MAJOR_MIN
    ? undefined
    : `this is Node.js ${version} (${process.execPath}), expected ${MAJOR_MIN} or newer`;
}
