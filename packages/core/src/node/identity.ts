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

/** Holds the instance that a new folder asks to join as, until it is a member. */
export const joiningMetaName = "joining";

export function encodeJoining(primitives: Primitives, instance: number): MetaWrite {
  const writer = new Writer(primitives.text);
  writer.u48(instance);
  return { name: joiningMetaName, value: seal(primitives, joiningMetaName, writer.take()) };
}

/** Undefined where there is none, or none that can be read: then another instance is drawn. */
export function decodeJoining(primitives: Primitives, outcome: ReadOutcome): number | undefined {
  const bytes = outcome.kind === "found" ? unseal(primitives, joiningMetaName, outcome.value) : undefined;
  return bytes && new Reader(primitives.text, bytes).u48();
}

/** Why this folder must not be used as the instance that it was: it was found to be a copy, or older than its cluster remembers. */
export const disownedMetaName = "disowned";

export function encodeDisowned(primitives: Primitives, reason: string): MetaWrite {
  const writer = new Writer(primitives.text);
  writer.string(reason);
  return { name: disownedMetaName, value: seal(primitives, disownedMetaName, writer.take()) };
}

/** Undefined where nothing was said. What can't be read was said all the same. */
export function decodeDisowned(primitives: Primitives, outcome: ReadOutcome): string | undefined {
  if (outcome.kind === "absent") return undefined;
  const bytes = outcome.kind === "found" ? unseal(primitives, disownedMetaName, outcome.value) : undefined;
  return bytes === undefined ? "it was found to be a copy" : new Reader(primitives.text, bytes).string();
}

export function clusterIdText(clusterId: bigint): string {
  return clusterId.toString(16).padStart(16, "0");
}
