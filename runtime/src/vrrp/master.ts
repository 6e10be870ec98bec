/** RFC 9568 section 6.4.3, Active (here: master): holds the addresses, advertises, yields to a better one. */
import { compareAddresses } from "../packet/address.ts";
import { HIGHEST_PRIORITY, LOWEST_PRIORITY } from "./priority.ts";
import { leaseSeconds, masterDownIntervalMs, renewalIntervalMs } from "./timers.ts";
import type { AdvertisementEvent, Master, Step } from "./transitions.ts";
import {
  RESIGN,
  faultForAWhile,
  later,
  leave,
  listen,
  priorityOf,
  send,
  unchanged,
} from "./transitions.ts";
import type { Effect, VirtualRouter, VirtualRouterEvent } from "./types.ts";

/** A part of the advertisement interval within which others are answered once: a flood is not answered by a flood. */
const ANSWERS_PER_INTERVAL = 4;

export function inMaster(
  router: VirtualRouter,
  state: Master,
  event: VirtualRouterEvent,
  nowMs: number,
): Step {
  const { config } = router;
  const lateMs = nowMs - state.advertiseAtMs;
  if (lateMs > masterDownIntervalMs(config, priorityOf(router))) {
    // This process slept so long that its leases may have ended and another node is master by now. Whatever is the first
    // thing it is told: a packet or the loss of an address may reach it before its own timer does.
    const effects: Effect[] = [{ type: "notice", notice: { type: "woke-up-late", lateMs } }];
    return leave(router, listen(router, nowMs), "woke up late", effects, "silently");
  }
  switch (event.type) {
    case "advertisement":
      return advertisementInMaster(router, state, event, nowMs);
    case "tick":
      return tickInMaster(router, state, nowMs);
    case "yield":
      return leave(router, listen(router, nowMs), "sync group");
    case "address-lost":
      return addressLost(router, state, event, nowMs);
    case "address-refused": {
      const { address, reason } = event;
      return faultForAWhile(
        router,
        { type: "address-refused", address, reason },
        "address lost",
        nowMs,
      );
    }
    default:
      return unchanged(router);
  }
}

function addressLost(
  router: VirtualRouter,
  state: Master,
  { address }: Extract<VirtualRouterEvent, { type: "address-lost" }>,
  nowMs: number,
): Step {
  const { config } = router;
  const lost: Effect = { type: "notice", notice: { type: "address-lost", address } };
  switch (config.onAddressLost) {
    case "restore":
      return unchanged({ ...router, protocol: state }, [
        lost,
        { type: "add-addresses", leaseSeconds: config.lease ? leaseSeconds(config) : undefined },
        { type: "announce", count: config.announcement.count },
      ]);
    case "resign":
      return leave(router, listen(router, nowMs), "address lost", [lost]);
    case "fault":
      return faultForAWhile(router, { type: "address-lost", address }, "address lost", nowMs);
  }
}

function advertisementInMaster(
  router: VirtualRouter,
  state: Master,
  event: AdvertisementEvent,
  nowMs: number,
): Step {
  const { advertisement, source } = event;
  const { config } = router;
  const own = priorityOf(router);
  if (advertisement.priority === RESIGN) {
    const rival =
      state.rival?.address === source
        ? { ...state.rival, goneAtMs: Math.max(nowMs, state.contendAgainAtMs) }
        : state.rival;
    return answer(router, { ...state, rival }, own, nowMs, []);
  }
  const ownAddress = router.link.type === "up" ? router.link.source : undefined;
  const byAddress = ownAddress === undefined ? 0 : compareAddresses(source, ownAddress);
  if ((advertisement.priority - own || byAddress) > 0) {
    const heard = { address: source, priority: advertisement.priority, heardAtMs: nowMs };
    const reason =
      advertisement.priority > own
        ? "higher priority heard"
        : "equal priority and higher address heard";
    const last = config.advertiseBeforeYielding ? [send(router, own)] : [];
    const listening = listen(router, nowMs, heard);
    // A longer interval than ours counts at once; see the backup state for a shorter one.
    const masterIntervalMs =
      config.version === 3
        ? Math.max(config.advertIntervalMs, advertisement.advertIntervalMs)
        : config.advertIntervalMs;
    const masterDownAtMs = nowMs + masterDownIntervalMs(config, own, masterIntervalMs);
    return leave(
      router,
      {
        ...listening,
        masterDownAtMs,
        masterIntervalMs,
        claimedIntervalMs: config.version === 3 ? advertisement.advertIntervalMs : undefined,
      },
      reason,
      last,
      "silently",
    );
  }
  const heard = { address: source, priority: advertisement.priority, heardAtMs: nowMs };
  const goneAfterMs = masterDownIntervalMs(config, LOWEST_PRIORITY, advertisement.advertIntervalMs);
  const rival = { ...heard, goneAtMs: nowMs + goneAfterMs };
  const news: Effect[] = [];
  // Only the first: whoever can make up addresses could fill the log with the others.
  if (state.rival === undefined)
    news.push({ type: "contention", phase: "began", rival: source, priority: heard.priority });
  if (advertisement.priority === own && byAddress === 0)
    news.push({ type: "notice", notice: { type: "same-priority-and-address", source } });
  return answer(router, { ...state, rival }, own, nowMs, news, "and announce");
}

/**
 * Another one that thinks it may be master, or was: it is told at once that there is a master, and everybody else where
 * the addresses are (RFC 9568 section 6.4.3); but not more often than an advertisement now and then needs.
 */
function answer(
  router: VirtualRouter,
  state: Master,
  own: number,
  nowMs: number,
  news: readonly Effect[],
  announce?: "and announce",
): Step {
  const { config } = router;
  const pauseMs = config.advertIntervalMs / ANSWERS_PER_INTERVAL;
  const { count, repeatAfterMs } = config.announcement.contention;
  const effects: Effect[] = [...news];
  let { advertiseAtMs, announceAtMs, answerAgainAtMs, contendAgainAtMs } = state;
  if (nowMs >= answerAgainAtMs && (announce === undefined || config.answerLowerPriority)) {
    effects.push(send(router, own));
    advertiseAtMs = nowMs + config.advertIntervalMs;
    answerAgainAtMs = nowMs + pauseMs;
  }
  if (nowMs >= contendAgainAtMs && announce !== undefined && count > 0) {
    effects.push({ type: "announce", count });
    announceAtMs ??= later(nowMs, repeatAfterMs);
    contendAgainAtMs = nowMs + pauseMs;
  }
  const protocol: Master = {
    ...state,
    advertiseAtMs,
    announceAtMs,
    answerAgainAtMs,
    contendAgainAtMs,
  };
  return unchanged({ ...router, protocol }, effects);
}

function tickInMaster(router: VirtualRouter, state: Master, nowMs: number): Step {
  const { config } = router;
  const { count, refreshEveryMs, refreshCount } = config.announcement;
  const effects: Effect[] = [];
  let { advertiseAtMs, announceAtMs, refreshAtMs, renewAtMs, rival } = state;
  const silentMs = nowMs - advertiseAtMs + config.advertIntervalMs;
  if (nowMs >= advertiseAtMs) {
    effects.push(send(router, priorityOf(router)));
    // From the deadline, not from now, so that lateness does not add up.
    advertiseAtMs += config.advertIntervalMs;
    if (advertiseAtMs <= nowMs) advertiseAtMs = nowMs + config.advertIntervalMs;
  }
  if (renewAtMs !== undefined && nowMs >= renewAtMs) {
    effects.push({ type: "renew-addresses", leaseSeconds: leaseSeconds(config) });
    // In step with the advertisements, so that one awakening serves both.
    const inStepMs =
      (nowMs >= state.advertiseAtMs ? state.advertiseAtMs : nowMs) + renewalIntervalMs(config);
    renewAtMs = Math.max(inStepMs, advertiseAtMs);
  }
  // Silent for as long as the fastest backup waits: the neighbours may have been led to it meanwhile.
  let frames = silentMs > masterDownIntervalMs(config, HIGHEST_PRIORITY) ? count : 0;
  if (announceAtMs !== undefined && nowMs >= announceAtMs) {
    frames = count;
    announceAtMs = undefined;
  }
  if (refreshAtMs !== undefined && nowMs >= refreshAtMs) {
    frames = Math.max(frames, refreshCount);
    refreshAtMs = later(nowMs, refreshEveryMs);
  }
  if (rival !== undefined && nowMs >= rival.goneAtMs) {
    // While it was there it announced the addresses as its own.
    frames = count;
    const { address, priority } = rival;
    effects.push({ type: "contention", phase: "ended", rival: address, priority });
    rival = undefined;
  }
  if (frames > 0) effects.push({ type: "announce", count: frames });
  const protocol: Master = {
    ...state,
    advertiseAtMs,
    announceAtMs,
    refreshAtMs,
    renewAtMs,
    rival,
  };
  return unchanged({ ...router, protocol }, effects);
}
