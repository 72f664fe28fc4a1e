/**
 * The next step of a partition that changes hands (DESIGN §3, "Ring changes keep R + W > N"): what follows from its record, from the target,
 * and from who has seen and confirmed what. Pure; the hands are in node/ring-changes.ts.
 */
import { isSameList, type IsMember, type OwnersRecord } from "./owners-record.js";

/** What the author of the next step knows. */
export interface ChangeView {
  /** Everybody who was not removed. */
  readonly members: readonly string[];
  /** The owners that the membership log asks for. */
  readonly target: readonly string[];
  /** The member has this very record on its disk, and the author's membership log. */
  readonly hasSeen: (name: string) => boolean;
  /** The member has merged the partition from everybody it must (`sourcesOf`), begun after every member had seen this record. */
  readonly hasConfirmed: (name: string) => boolean;
}

export type Step =
  /** The owners in force are those of the target, and all members know it. */
  | { readonly kind: "none" }
  /** These members have not seen the record yet. */
  | { readonly kind: "unseen"; readonly by: readonly string[] }
  /** All have seen it, and these owners have not confirmed yet. */
  | { readonly kind: "unconfirmed"; readonly by: readonly string[] }
  | { readonly kind: "go"; readonly record: OwnersRecord };

/**
 * A record is followed by another only when every member that was not removed has seen it, so that no two members are ever more than one
 * phase apart: a member that is down holds the change where it is. Open records are completed or taken back; only then is the target looked at.
 */
export function stepAfter(record: OwnersRecord, view: ChangeView): Step {
  const unseen = view.members.filter((name) => !view.hasSeen(name));
  if (unseen.length > 0) return { kind: "unseen", by: unseen };
  const isMember: IsMember = (name) => view.members.includes(name);
  const from = record.from.filter(isMember);
  const to = record.to.filter(isMember);
  const epoch = record.epoch + 1;
  switch (record.phase) {
    case 1: {
      const lost = record.to.some((name) => !isMember(name) && !record.from.includes(name));
      if ((lost || to.length === 0) && from.length > 0) return go({ epoch, from: [], to: from, phase: 3 });
      const unconfirmed = to.filter((name) => sourcesOf(record, name, isMember).length > 0 && !view.hasConfirmed(name));
      if (unconfirmed.length > 0) return { kind: "unconfirmed", by: unconfirmed };
      return go({ epoch, from: record.from, to: record.to, phase: 2 });
    }
    case 2:
      // Nobody is left to read from but the old owners, and they have had every write.
      if (to.length === 0 && from.length > 0) return go({ epoch, from: record.from, to: record.to, phase: 1 });
      return go({ epoch, from: [], to, phase: 3 });
    case 3:
      return openingOf(epoch, to, record.to.length !== to.length, view.target);
  }
}

function openingOf(epoch: number, inForce: readonly string[], hasLost: boolean, target: readonly string[]): Step {
  if (isSameList(inForce, target) && !hasLost) return { kind: "none" };
  const isSameSet = inForce.length === target.length && inForce.every((name) => target.includes(name));
  // Only the order is another, or nobody is left who could hand anything over: there is nothing to move.
  if (isSameSet || inForce.length === 0) return go({ epoch, from: [], to: target, phase: 3 });
  return go({ epoch, from: inForce, to: target, phase: 1 });
}

function go(record: OwnersRecord): Step {
  return { kind: "go", record };
}

/**
 * From whom an owner-to-be must merge the partition before it is read: a new one from every old owner, since any one of them may have missed
 * what the others took. Where there are fewer owners afterwards, one that stays merges what those that go held: their word counted in quorums
 * that the smaller set no longer makes up for.
 */
export function sourcesOf(record: OwnersRecord, name: string, isMember: IsMember): readonly string[] {
  const from = record.from.filter(isMember);
  const to = record.to.filter(isMember);
  if (!to.includes(name)) return [];
  if (!from.includes(name)) return from;
  return to.length < from.length ? from.filter((old) => !to.includes(old)) : [];
}
