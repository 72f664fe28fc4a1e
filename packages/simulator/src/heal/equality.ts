/** Whether the replicas of a key hold the same, as their disks show it: what every healer works for. */
import { equalBytes } from "@kvorum/core";
import type { Operation } from "../history.js";
import type { HealStage } from "./drive.js";

/** A record that can't be read, or may lack writes, is equal to none. */
export function isEqual({ lens }: HealStage, { bucket, key }: Pick<Operation, "bucket" | "key">): boolean {
  const owners = lens.owners(bucket, key);
  if (owners.every((owner) => lens.holdsNothing(owner, bucket, key))) return true;
  const records = owners.map((owner) => lens.stored(owner, bucket, key));
  const [first, ...others] = records;
  if (first === undefined) return false;
  return (
    records.every((record) => record?.inDoubt === false) &&
    others.every((record) => record !== undefined && equalBytes(record.body, first.body))
  );
}
