/** `export`: every key of a bucket with its value, read through a quorum; a key with siblings is decided by a rule or reported, never dropped in silence. */
import type { Envelope, KvorumApi, SiblingView } from "../api.js";
import { newestOf } from "../merge-fields.js";
import { allKeys } from "./all-keys.js";
import { eachAtOnce } from "./pool.js";

/** What becomes of a key with siblings: told and left out (exit 4), its newest value taken, or left out on request. */
export type SiblingRule = "refuse" | "newest" | "skip";

export interface ExportOptions {
  readonly bucket: string;
  readonly prefix: string | undefined;
  readonly concurrency: number;
  readonly siblings: SiblingRule;
  readonly onEntry: (key: string, sibling: SiblingView) => Promise<void>;
}

export interface ExportSummary {
  exported: number;
  /** Keys with siblings, whatever the rule made of them. */
  readonly conflicts: string[];
}

/** In no promised order. A key deleted meanwhile is left out. @throws CliError when a page or a value cannot be read: the export is not whole. */
export async function exportAll(api: KvorumApi, options: ExportOptions): Promise<ExportSummary> {
  const { bucket, concurrency, siblings: rule, onEntry } = options;
  const summary: ExportSummary = { exported: 0, conflicts: [] };
  const keys = allKeys(api, bucket, { prefix: options.prefix });
  await eachAtOnce(keys, concurrency, async (key) => {
    const { envelope } = await api.envelope(bucket, key);
    if (envelope.siblings.length > 1) summary.conflicts.push(key);
    const chosen = choose(envelope, rule);
    if (chosen === undefined) return;
    summary.exported++;
    await onEntry(key, chosen);
  });
  return summary;
}

function choose({ siblings }: Envelope, rule: SiblingRule): SiblingView | undefined {
  if (siblings.length <= 1) return siblings[0];
  return rule === "newest" ? newestOf(siblings) : undefined;
}
