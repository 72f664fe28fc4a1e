/** How a member seems from this node, and why, in words for people (Dynamo §4.8.3: "a purely local notion of failure detection"). */
import { limits } from "../base/limits.js";
import { PHI_DOWN, PHI_SUSPECT } from "../gossip/detector.js";
import type { MemberStatus } from "./api.js";

export interface Signs {
  readonly status: MemberStatus;
  readonly isSelf: boolean;
  /** Milliseconds since its last new heartbeat, without the time in which this node stood still; undefined while none came since the start. */
  readonly silenceMs: number | undefined;
  /** Undefined for this node itself. */
  readonly phi: number | undefined;
  /** How late this node's own last round was: what it may have missed by itself. */
  readonly lateMs: number;
  /** For how long its disk has stood still; not there, or too short to speak of, while it moves. */
  readonly diskStalledMs?: number | undefined;
}

/** Beyond this nobody cares how unlikely it is. */
const PHI_SHOWN_MAX = 1_000;

export interface MemberHealth {
  /** -log10 of how likely so long a silence is for a member that lives; null for this node itself. */
  readonly phi: number | null;
  /** Milliseconds since it was last heard; null for this node, and for one that was not heard since this node started. */
  readonly heardMsAgo: number | null;
  readonly why: string;
}

export function healthOf(signs: Signs): MemberHealth {
  const { isSelf, silenceMs, phi } = signs;
  return {
    phi: phi === undefined ? null : Math.round(Math.min(phi, PHI_SHOWN_MAX) * 100) / 100,
    heardMsAgo: isSelf || silenceMs === undefined ? null : Math.round(silenceMs),
    why: whyOf(signs),
  };
}

function whyOf({ status, isSelf, silenceMs, phi = 0, lateMs, diskStalledMs = 0 }: Signs): string {
  const hangs = diskStalledMs >= limits.diskStallMs ? `its disk has written nothing for ${seconds(diskStalledMs)}` : "";
  if (isSelf && hangs !== "") return `this node; ${hangs}`;
  if (isSelf)
    return lateMs > 0 ? `this node; it stood still for ${seconds(lateMs)} and blames nobody for it` : "this node";
  if (status === "leaving") return "asked to leave; its data is moved first";
  if (status === "joining") return "in the ring, and has not said where it is reached";
  if (silenceMs === undefined) return "not heard since this node was started";
  const silent = `silent for ${seconds(silenceMs)}`;
  if (status === "suspect" && hangs !== "") return `heard ${seconds(silenceMs)} ago, but ${hangs}`;
  if (status === "suspect") return `${silent}: phi is ${phi.toFixed(1)}, and suspicion begins at ${PHI_SUSPECT}`;
  if (status === "down") return `${silent}: phi is above ${PHI_DOWN}`;
  return `heard ${seconds(silenceMs)} ago`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
