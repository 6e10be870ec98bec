/** The bugs that must be found. Each is one text of the core, which occurs exactly once, and what to put in its place. */
export interface Mutation {
  readonly name: string;
  /** Below runtime/src/vrrp. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** It shows only where advertisements travel as packets. */
  readonly bytes?: boolean;
  /** In a `RouterSet` it would never come to an end. */
  readonly plain?: boolean;
}

export const mutations: readonly Mutation[] = [
  {
    name: "a backup that is late by exactly an interval counts as too late",
    file: "backup.ts",
    find: "lateMs > Math.min(",
    replace: "lateMs >= Math.min(",
  },
  {
    name: "a backup that slept promotes itself at once",
    file: "backup.ts",
    find: "lateMs > Math.min(",
    replace: "lateMs > 1e9 * Math.min(",
  },
  {
    name: "the master-down timer fires a moment after it is due",
    file: "backup.ts",
    find: "nowMs < state.masterDownAtMs) return",
    replace: "nowMs <= state.masterDownAtMs) return",
    plain: true,
  },
  {
    name: "skew with the wrong sign",
    file: "timers.ts",
    find: "((256 - priority) / 256)",
    replace: "((priority - 256) / 256)",
  },
  {
    name: "skew the wrong way round: the lowest priority is the fastest",
    file: "timers.ts",
    find: "((256 - priority) / 256)",
    replace: "(priority / 256)",
  },
  {
    name: "one missed advertisement too few",
    file: "timers.ts",
    find: "timing.missedAdvertisements * masterIntervalMs",
    replace: "(timing.missedAdvertisements - 1) * masterIntervalMs",
  },
  {
    name: "one missed advertisement too many",
    file: "timers.ts",
    find: "timing.missedAdvertisements * masterIntervalMs",
    replace: "(timing.missedAdvertisements + 1) * masterIntervalMs",
  },
  {
    name: "an accepted advertisement does not reset the timer",
    file: "backup.ts",
    find: "masterDownAtMs: nowMs + downMs(router, intervalMs),",
    replace: "masterDownAtMs: state.masterDownAtMs,",
  },
  {
    name: "never preempts",
    file: "backup.ts",
    find: "return router.config.preempt || own === OWNER_PRIORITY;",
    replace: "return own === OWNER_PRIORITY;",
  },
  {
    name: "preempts without being asked to",
    file: "backup.ts",
    find: "return router.config.preempt || own === OWNER_PRIORITY;",
    replace: "return own > 0;",
  },
  {
    name: "an address owner does not preempt",
    file: "backup.ts",
    find: "return router.config.preempt || own === OWNER_PRIORITY;",
    replace: "return router.config.preempt;",
  },
  {
    name: "preempt delay ignored",
    file: "backup.ts",
    find: "nowMs - inferiorSinceMs >= router.config.preemptDelayMs",
    replace: "nowMs >= inferiorSinceMs",
  },
  {
    name: "preempt delay begins anew with each advertisement",
    file: "backup.ts",
    find: "inferiorSinceMs ??= nowMs;",
    replace: "inferiorSinceMs = nowMs;",
  },
  {
    name: "priority 0 ignored in backup",
    file: "backup.ts",
    find: "return resignationInBackup(router, state, event, nowMs);",
    replace: "return unchanged(router);",
  },
  {
    name: "a stranger's priority 0 believed",
    file: "backup.ts",
    find: "if (master !== undefined && master.address !== source)",
    replace: "if (master === undefined && nowMs < 0)",
  },
  {
    name: "a repeated priority 0 puts the promotion off",
    file: "backup.ts",
    find: "Math.min(state.masterDownAtMs, skewedMs)",
    replace: "skewedMs",
  },
  {
    name: "a resignation waits for the whole interval",
    file: "backup.ts",
    find: "const skewedMs = nowMs + skewTimeMs(version, priorityOf(router), state.masterIntervalMs);",
    replace: "const skewedMs = nowMs + downMs(router, state.masterIntervalMs);",
  },
  {
    name: "learnt interval ignored",
    file: "backup.ts",
    find: "return { intervalMs: doubted ? presentMs : claimedMs, doubted };",
    replace: "return { intervalMs: presentMs, doubted };",
  },
  {
    name: "a shorter interval believed at once",
    file: "backup.ts",
    find: "return { intervalMs: doubted ? presentMs : claimedMs, doubted };",
    replace: "return { intervalMs: claimedMs, doubted };",
  },
  {
    name: "a changed priority leaves the running timer as it is",
    file: "backup.ts",
    find: "masterDownAtMs: state.masterDownAtMs + skew(to) - skew(from) };",
    replace: "masterDownAtMs: state.masterDownAtMs };",
  },
  {
    name: "who yields forgets the better one's longer interval",
    file: "master.ts",
    find: "? Math.max(config.advertIntervalMs, advertisement.advertIntervalMs)",
    replace: "? config.advertIntervalMs",
  },
  {
    name: "equal priority compared the wrong way round",
    file: "master.ts",
    find: "compareAddresses(source, ownAddress)",
    replace: "compareAddresses(ownAddress, source)",
  },
  {
    name: "addresses compared as texts",
    file: "master.ts",
    find: "compareAddresses(source, ownAddress)",
    replace: "(source < ownAddress ? -1 : 1)",
  },
  {
    name: "equal priority is no reason to yield",
    file: "master.ts",
    find: "(advertisement.priority - own || byAddress) > 0",
    replace: "advertisement.priority - own > 0",
  },
  {
    name: "a master ignores a higher priority",
    file: "master.ts",
    find: "(advertisement.priority - own || byAddress) > 0",
    replace: "advertisement.priority === own && byAddress > 0",
  },
  {
    name: "a master answers nobody",
    file: "master.ts",
    find: "nowMs >= answerAgainAtMs && (",
    replace: "nowMs > Number.MAX_VALUE && (",
  },
  {
    name: "a master answers only once",
    file: "master.ts",
    find: "answerAgainAtMs = nowMs + pauseMs;",
    replace: "answerAgainAtMs = Number.POSITIVE_INFINITY;",
  },
  {
    name: "a master that answers no lower priority does not answer priority 0 either",
    file: "master.ts",
    find: "(announce === undefined || config.answerLowerPriority)",
    replace: "config.answerLowerPriority",
  },
  {
    name: "advertisement interval doubled",
    file: "master.ts",
    find: "advertiseAtMs += config.advertIntervalMs;",
    replace: "advertiseAtMs += 2 * config.advertIntervalMs;",
  },
  {
    name: "the first interval after a promotion doubled",
    file: "transitions.ts",
    find: "advertiseAtMs: nowMs + config.advertIntervalMs,",
    replace: "advertiseAtMs: nowMs + 2 * config.advertIntervalMs,",
  },
  {
    name: "a late master keeps the addresses",
    file: "master.ts",
    find: "if (lateMs > masterDownIntervalMs(config, priorityOf(router))) {",
    replace: "if (lateMs > 1e9) {",
  },
  {
    name: "a late master says priority 0",
    file: "master.ts",
    find: '"woke up late", effects, "silently")',
    replace: '"woke up late", effects)',
  },
  {
    name: "who yields says priority 0",
    file: "master.ts",
    find: '      last,\n      "silently",',
    replace: "      last,",
  },
  {
    name: "no priority 0 on shutdown",
    file: "virtual-router.ts",
    find: ': leave(router, stopped, "shutdown");',
    replace: ': leave(router, stopped, "shutdown", [], "silently");',
  },
  {
    name: "addresses kept when leaving",
    file: "transitions.ts",
    find: 'effects.push({ type: "remove-addresses" });',
    replace: "",
  },
  {
    name: "add-addresses forgotten",
    file: "transitions.ts",
    find: '{ type: "add-addresses", leaseSeconds: config.lease ? leaseSeconds(config) : undefined },',
    replace: "",
  },
  {
    name: "says its priority where it should say priority 0",
    file: "transitions.ts",
    find: "effects.push(send(router, RESIGN));",
    replace: "effects.push(send(router, priorityOf(router)));",
  },
  {
    name: "an address owner listens first",
    file: "transitions.ts",
    find: 'if (priority !== OWNER_PRIORITY || initialState !== "master")',
    replace: "if (priority > 0 && syncGroup === undefined)",
  },
  {
    name: "fault does not release",
    file: "virtual-router.ts",
    find: 'return leave(after, { type: "fault", reasons, retryAtMs: undefined }, "fault");',
    replace: "return unchanged(after);",
  },
  {
    name: "fault never ends",
    file: "virtual-router.ts",
    find: '? begin(after, "fault cleared", nowMs)',
    replace: "? unchanged(after)",
  },
  {
    name: "a lost address is never tried again",
    file: "virtual-router.ts",
    find: 'return begin(router, "fault cleared", nowMs);',
    replace: "return unchanged(router);",
  },
  {
    name: "a tracker's weight counts while it should not",
    file: "priority.ts",
    find: 'if (state !== (weight > 0 ? "up" : "down")) return 0;',
    replace: "",
  },
  {
    name: "sync group: yield forgotten",
    file: "sync-group.ts",
    find: 'return all({ type: "yield" }, isMaster);',
    replace: "return [];",
  },
  {
    name: "sync group: one that is ready promotes itself",
    file: "backup.ts",
    find: "if (router.config.syncGroup === undefined) return promote(",
    replace: "if (nowMs !== undefined) return promote(",
  },
  {
    name: "sync group: the fault of another member ignored",
    file: "sync-group.ts",
    find: "if (news.length > 0) return news;",
    replace: "",
  },
  {
    name: "set: the deadline after a step forgotten",
    file: "router-set.ts",
    find: "this.#deadlines.update(member);",
    replace: "",
  },
  {
    name: "an owner that listens to nobody does not learn the sequence number",
    file: "admission.ts",
    find: "const distrust = ",
    replace:
      'if (config.ownerIgnoresAdvertisements && config.priority === OWNER_PRIORITY) return "owner ignores advertisements"; const distrust = ',
    bytes: true,
  },
  {
    name: "a signature may be repeated",
    file: "authentication.ts",
    find: "marks.set(source, trailer.sequence);",
    replace: "",
    bytes: true,
  },
  {
    name: "packets carry the priority in the wrong octet",
    file: "../packet/vrrp.ts",
    find: "bytes[2] = advertisement.priority;",
    replace: "bytes[2] = advertisement.priority ^ 1;",
    bytes: true,
  },
];
