/** What is judged of a certificate that the handshake accepted. */

const DAY_MS = 86_400_000;

/** With a fraction; negative when it has expired. */
export function daysLeft({ validToMs }: { readonly validToMs: number }, nowMs: number): number {
  return (validToMs - nowMs) / DAY_MS;
}

/** What is wrong with it; "" when nothing is. */
export function faultOf(
  { issuer }: { readonly issuer: string },
  days: number,
  expected: { readonly issuer: string; readonly minDays: number },
): string {
  if (expected.issuer !== "" && issuer !== expected.issuer)
    return `the certificate is of ${JSON.stringify(issuer)}, expected ${JSON.stringify(expected.issuer)}`;
  if (days < 0) return `the certificate expired ${Math.floor(-days)} days ago`;
  if (days < expected.minDays)
    return `the certificate expires in ${Math.floor(days)} days, expected ${expected.minDays} or more`;
  return "";
}
