/** What a plugin declares, read from its evaluated definition: its kind, its permissions and its options. */
import * as z from "zod";
import type { Diagnostic } from "../config/diagnostic.ts";
import type { Permissions } from "../sandbox/protocol.ts";
import { SERVICE_ACTIONS } from "../sandbox/protocol.ts";
export {};
