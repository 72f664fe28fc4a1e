/**
 * What a restored copy of a data folder must be told, so that it is nobody that there is already (TRAPS 3; DESIGN §4): all members of a cluster together
 * begin another one from their backups; one member alone comes back as a new instance that is filled by its peers.
 */
import type { Primitives } from "../base/primitives.js";
import type { Storage, StorageError } from "../ports/storage.js";
import { bootMetaName, decodeBoot, encodeBoot } from "./actors.js";
import { Checkpoints } from "./checkpoints.js";
import { clusterIdText, decodeIdentity, encodeIdentity, encodeJoining, type Identity } from "./identity.js";
import { encodeWhole } from "./whole.js";

/** More starts than any member has between its own backup and the last of the others'. */
const BOOTS_BETWEEN = 1_000_000;

/** Whose copy it is. */
export interface CopyOf {
  readonly name: string;
  readonly cluster: string;
}

/** From the fact that names it; undefined where that can't be read. */
export function copyOf(primitives: Primitives, identity: Uint8Array | undefined): CopyOf | undefined {
  const decoded = identityIn(primitives, identity);
  return decoded && { name: decoded.name, cluster: clusterIdText(decoded.clusterId) };
}

/**
 * The copy in `storage` becomes a member of another cluster. All members' copies, given the same `label`, become the same one: its id and its secret follow
 * from theirs and the label, so that frames, and contexts of clients, of the old cluster mean nothing to it. Copies were taken at different
 * moments: none proves an absence before it has merged the others.
 */
export function beginNewCluster(
  primitives: Primitives,
  storage: Storage,
  label: string,
  done: (result: CopyOf | StorageError | "unreadable") => void,
): void {
  storage.getMeta("identity", (outcome) => {
    const identity = decodeIdentity(primitives, outcome);
    storage.getMeta(bootMetaName, (bootOutcome) => {
      const boot = decodeBoot(primitives, bootOutcome);
      if (identity === undefined || identity === "damaged" || boot === undefined || boot === "damaged") {
        return done("unreadable");
      }
      const renamed = renamedIdentity(primitives, identity, label);
      Checkpoints.removals(storage, (removals) => {
        // Whatever was minted after the copy was taken, by whoever it was taken from, is not minted again: others' copies may hold it, and tell
        // of later starts than this one.
        const later = { ...boot, boot: boot.boot + BOOTS_BETWEEN, clean: false, unproven: [] };
        const meta = [encodeIdentity(primitives, renamed), encodeBoot(primitives, later)];
        const doubts = [encodeWhole(primitives, new Set(), identity.partitions), ...removals];
        storage.apply({ meta: [...meta, ...doubts] }, (error) =>
          done(error ?? { name: renamed.name, cluster: clusterIdText(renamed.clusterId) }),
        );
      });
    });
  });
}

/** An empty store is told that it belongs to somebody who joins: started without seeds, it founds nothing. */
export function beginJoining(
  primitives: Primitives,
  storage: Storage,
  instance: number,
  done: (error: StorageError | undefined) => void,
): void {
  storage.apply({ meta: [encodeJoining(primitives, instance)] }, done);
}

function identityIn(primitives: Primitives, value: Uint8Array | undefined): Identity | undefined {
  const decoded = value === undefined ? undefined : decodeIdentity(primitives, { kind: "found", value });
  return decoded === "damaged" ? undefined : decoded;
}

function renamedIdentity(primitives: Primitives, identity: Identity, label: string): Identity {
  const room = new Uint8Array(label.length * 3 + 1);
  const size = primitives.text.encodeInto(label, room, 1);
  const bytes = room.subarray(0, size + 1);
  const clusterId = primitives.hash64(bytes, identity.clusterId) | 1n;
  const secret = new Uint8Array(identity.secret.length);
  // Half by half: a keyed hash has half as many bytes as a secret.
  for (let at = 0; at < secret.length;) {
    bytes[0] = at;
    const part = primitives.keyedHash(identity.secret, bytes);
    secret.set(part.subarray(0, secret.length - at), at);
    at += part.length;
  }
  return { ...identity, clusterId, secret };
}
