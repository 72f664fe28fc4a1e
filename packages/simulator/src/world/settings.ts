/** What a world's shape means in the settings of one of its nodes. */
import { defaultSettings, type NodeSettings } from "@kvorum/core";
import type { WorldShape } from "./shape.js";

export function settingsOf(shape: WorldShape, zone: string, seeds: readonly string[]): NodeSettings {
  const { gossipIntervalMs, siblingsMax, requestsInFlightMax } = shape;
  return { ...defaultSettings, zone, seeds, gossipIntervalMs, siblingsMax, requestsInFlightMax, ...shape.healers };
}
