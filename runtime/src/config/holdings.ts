/** Addresses, routes and rules, those that move with a virtual router and those that stay. */
import * as z from "zod";
import { familyOf } from "../packet/address.ts";
import type { VirtualAddress, VirtualRoute, VirtualRule } from "../vrrp/config.ts";
import { address, commonFamily, interfaceName, parsePrefix, prefix } from "./values.ts";

const TABLE_MAX = 0xffff_ffff;
const table = z.int().min(1).max(TABLE_MAX).optional();
const uint32 = z.int().min(0).max(TABLE_MAX).optional();

const detailedAddress = z.strictObject({
  address: prefix,
  device: interfaceName.optional(),
  label: z
    .string()
    .regex(/^[^\s/]{1,15}$/, "a label has 1 to 15 characters")
    .optional(),
  scope: z.enum(["global", "site", "link", "host"]).optional(),
  broadcast: address.optional(),
  peer: address.optional(),
  preferredSeconds: uint32,
  noPrefixRoute: z.boolean().optional(),
  detectDuplicates: z.boolean().optional(),
});

/** An address as text, or with what the kernel should know of it. */
export const virtualAddress = z
  .union([z.string(), detailedAddress])
  .transform((entry, context): VirtualAddress => {
    if (typeof entry === "string") {
      const parsed = parsePrefix(entry);
      if (parsed !== undefined) return parsed;
      context.addIssue({
        code: "custom",
        message: `found ${JSON.stringify(entry)}, expected an address such as "192.0.2.10/24" or "2001:db8::10/64"`,
      });
      return z.NEVER;
    }
    const family = familyOf(entry.address.address);
    if (family === "ipv6" && (entry.label !== undefined || entry.broadcast !== undefined))
      context.addIssue({
        code: "custom",
        message: "found a label or a broadcast address, which IPv6 does not have",
      });
    for (const key of ["broadcast", "peer"] as const) {
      const other = entry[key];
      if (other !== undefined && familyOf(other) !== family)
        context.addIssue({
          code: "custom",
          path: [key],
          message: `found ${other}, expected an address of the same family as ${entry.address.address}`,
        });
    }
    return { ...entry, ...entry.address };
  });

export const virtualRoute = z
  .strictObject({
    to: z.union([z.literal("default"), prefix]),
    via: address.optional(),
    device: interfaceName.optional(),
    source: address.optional(),
    table,
    metric: uint32,
    scope: z.enum(["global", "link", "host"]).optional(),
    type: z.enum(["unicast", "blackhole", "unreachable", "prohibit"]).optional(),
    onLink: z.boolean().optional(),
    mtu: z.int().min(68).max(65_535).optional(),
    family: z.enum(["ipv4", "ipv6"]).optional(),
  })
  .transform(({ to, via, family: wanted, ...route }, context): VirtualRoute => {
    const named = [to === "default" ? undefined : to.address, via, route.source];
    const family = commonFamily(named) ?? wanted;
    const mixed = named.some((entry) => entry !== undefined && familyOf(entry) !== family);
    if (family === undefined || mixed) {
      context.addIssue({
        code: "custom",
        message: mixed
          ? "found addresses of both families in one route"
          : 'found a route whose family cannot be told, expected family: "ipv4" or "ipv6"',
      });
      return z.NEVER;
    }
    const reachable = route.type === undefined || route.type === "unicast";
    if (reachable && via === undefined && route.device === undefined)
      context.addIssue({
        code: "custom",
        message: "found neither via nor device, expected one of them",
      });
    return { ...route, family, destination: to, gateway: via };
  });

export const virtualRule = z
  .strictObject({
    from: prefix.optional(),
    to: prefix.optional(),
    inputInterface: interfaceName.optional(),
    outputInterface: interfaceName.optional(),
    mark: z.strictObject({ value: z.int().min(0).max(TABLE_MAX), mask: uint32 }).optional(),
    table,
    action: z.enum(["lookup", "blackhole", "unreachable", "prohibit"]).optional(),
    preference: uint32,
    not: z.boolean().optional(),
    family: z.enum(["ipv4", "ipv6"]).optional(),
  })
  .transform(({ family: wanted, mark, ...rule }, context): VirtualRule => {
    const family = commonFamily([rule.from?.address, rule.to?.address]) ?? wanted ?? "ipv4";
    if ((rule.action ?? "lookup") === "lookup" && rule.table === undefined)
      context.addIssue({ code: "custom", message: "found no table to look up, expected one" });
    return {
      ...rule,
      family,
      mark: mark === undefined ? undefined : { value: mark.value, mask: mark.mask ?? TABLE_MAX },
    };
  });
