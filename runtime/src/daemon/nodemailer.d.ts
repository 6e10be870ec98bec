/** As much of nodemailer as is used here. */
declare module "nodemailer" {
  export interface Transport {
    sendMail(message: {
      readonly from: string;
      readonly to: readonly string[];
      readonly subject: string;
      readonly text: string;
    }): Promise<unknown>;
    close(): void;
  }

  export function createTransport(options: {
    readonly host: string;
    readonly port: number;
    /** The name in EHLO. */
    readonly name?: string;
    readonly secure: boolean;
    readonly tls: { readonly rejectUnauthorized: boolean };
    /** Milliseconds. */
    readonly connectionTimeout: number;
    readonly greetingTimeout: number;
    readonly socketTimeout: number;
    readonly disableFileAccess: boolean;
    readonly disableUrlAccess: boolean;
  }): Transport;
}
