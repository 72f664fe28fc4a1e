/** What a world's shape means in the settings of one of its nodes. */
import { defaultSettings, type NodeSettings } from "@kvorum/core";
import type { WorldShape } from "./shape.js";

/** Short enough that a run sees several rounds, long enough that most writes are over before one. */
const ANTI_ENTROPY_INTERVAL_MS = 3_000;
/** So that a run reaps while its faults go on. */
const REAP_INTERVAL_MS = 500;
/** Longer than any message of this network travels, connections that stall included. */
const MESSAGE_LIFE_MS = 3_000;

export function settingsOf(shape: WorldShape, zone: string, seeds: readonly string[]): NodeSettings {
  const { gossipIntervalMs, siblingsMax, requestsInFlightMax } = shape;
  const { handoffIntervalMs, hintTtlMs } = { ...defaultSettings, ...shape };
  return {
    ...defaultSettings,
    ...{ zone, seeds, gossipIntervalMs, siblingsMax, requestsInFlightMax, handoffIntervalMs, hintTtlMs },
    antiEntropyIntervalMs: ANTI_ENTROPY_INTERVAL_MS,
    reapIntervalMs: REAP_INTERVAL_MS,
    messageLifeMs: MESSAGE_LIFE_MS,
    ...shape.healers,
  };
}
