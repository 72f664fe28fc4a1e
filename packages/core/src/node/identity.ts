/** Who a data folder is, for ever: its cluster with Q, N and secret, its member name, and a random instance id (TRAPS 3). */
import { Reader, Writer } from "../base/bytes.js";
import type { Primitives } from "../base/primitives.js";
import { seal, unseal } from "../base/sealed.js";
import type { MetaWrite, ReadOutcome } from "../ports/storage.js";

export interface Identity {
  readonly clusterId: bigint;
  /** Key of the hash that binds contexts; 32 bytes, the same on all members. */
  readonly secret: Uint8Array;
  readonly name: string;
  /** 48 random bits, drawn when the folder was made. */
  readonly instance: number;
  readonly partitions: number;
  readonly replicas: number;
}

export const identityMetaName = "identity";

export function encodeIdentity(primitives: Primitives, identity: Identity): MetaWrite {
  const writer = new Writer(primitives.text);
  writer.u64(identity.clusterId);
  writer.blob(identity.secret);
  writer.string(identity.name);
  writer.u48(identity.instance);
  writer.u32(identity.partitions);
  writer.u8(identity.replicas);
  return { name: identityMetaName, value: seal(primitives, identityMetaName, writer.take()) };
}

/** Undefined where there is none yet; "damaged" where it can't be read: such a folder can't tell whose it is. */
export function decodeIdentity(primitives: Primitives, outcome: ReadOutcome): Identity | undefined | "damaged" {
  if (outcome.kind === "absent") return undefined;
  const bytes = outcome.kind === "found" ? unseal(primitives, identityMetaName, outcome.value) : undefined;
  if (bytes === undefined) return "damaged";
  const reader = new Reader(primitives.text, bytes);
  return {
    clusterId: reader.u64(),
    secret: reader.blob().slice(),
    name: reader.string(),
    instance: reader.u48(),
    partitions: reader.u32(),
    replicas: reader.u8(),
  };
}

export function clusterIdText(clusterId: bigint): string {
  return clusterId.toString(16).padStart(16, "0");
}
