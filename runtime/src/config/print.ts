/** A configuration for reading: every default filled in, no secret in it. */
import type { Configuration } from "./model.ts";

const HIDDEN = "(hidden)";

/** @returns plain data to be printed as JSON. */
export function printable(configuration: Configuration): unknown {
  return {
    ...configuration,
    secrets: Object.fromEntries(Object.keys(configuration.secrets).map((name) => [name, HIDDEN])),
    virtualRouters: configuration.virtualRouters.map((router) => ({
      ...router,
      authentication: withoutSecrets(router.authentication),
    })),
  };
}

function withoutSecrets(
  authentication: Configuration["virtualRouters"][number]["authentication"],
): unknown {
  switch (authentication.type) {
    case "none":
      return authentication;
    case "PASS":
    case "AH":
      return { ...authentication, password: HIDDEN };
    case "HMAC":
      return {
        ...authentication,
        keys: authentication.keys.map(({ id }) => ({ id, octets: HIDDEN })),
      };
  }
}
