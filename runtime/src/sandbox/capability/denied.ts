/** Thrown for what the grant does not cover. */
export class DeniedError extends Error {}
