/** When the nodes of `kvorum dev` serve as one cluster: each prints `ready` when it serves, which may be before it has found the others. */
import { setTimeout as sleep } from "node:timers/promises";
import { KvorumApi } from "./api.js";
import { HttpClient } from "./http-client.js";

const POLL_MS = 50;
const SILENCE_MS = 5_000;

/** Resolves with true when the node at each URL sees the cluster settled and reads with a quorum; with false after `patienceMs`. */
export async function untilServing(urls: readonly string[], patienceMs: number): Promise<boolean> {
  const endMs = performance.now() + patienceMs;
  const serving = await Promise.all(urls.map((url) => untilOneServes(url, urls.length, endMs)));
  return serving.every(Boolean);
}

async function untilOneServes(url: string, count: number, endMs: number): Promise<boolean> {
  const http = new HttpClient(url, { connections: 1, silenceMs: SILENCE_MS });
  try {
    while (performance.now() < endMs) {
      if (await serves(new KvorumApi(http), count)) return true;
      await sleep(POLL_MS);
    }
    return false;
  } finally {
    http.close();
  }
}

async function serves(api: KvorumApi, count: number): Promise<boolean> {
  try {
    const { settled, members } = await api.cluster();
    if (!settled || members.filter(({ status }) => status === "up").length < count) return false;
    // Any key will do, and that nothing stands there is an answer too.
    await api.envelope("dev", "ready");
    return true;
  } catch {
    return false;
  }
}
