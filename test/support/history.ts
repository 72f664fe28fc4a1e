/** What clients did and what they were told, and the rules that tell a lost, returned, false or invented value from a right one (CHECKERS.md). */

export type Outcome = "done" | "not done" | "unknown";

export interface Operation {
  readonly kind: "put" | "delete";
  /** Of its value; deletes have one too, to be named by. */
  readonly tag: string;
  /** Tags returned by the read that its context came from; empty for a blind write. */
  readonly read: readonly string[];
  /** Until it is told otherwise. */
  outcome: Outcome;
}

export interface Violation {
  readonly rule: "C1 lost acknowledged write" | "C3 resurrection" | "C4 false sibling" | "C5 phantom";
  readonly key: string;
  readonly tag: string;
}

/** Tags of one key. Replicas that were not repaired yet may hold what others have replaced already: only a read that merges all shows that. */
export interface Findings {
  /** By the owners, each read by itself, together. */
  readonly held: ReadonlySet<string>;
  /** By one read of all owners. */
  readonly shown: ReadonlySet<string>;
}

export class History {
  readonly #byKey = new Map<string, Operation[]>();
  acknowledged = 0;

  get keys(): string[] {
    return [...this.#byKey.keys()];
  }

  /** To be called before the request leaves: what happens then is unknown. */
  begin(key: string, kind: Operation["kind"], tag: string, read: readonly string[] = []): Operation {
    const operation: Operation = { kind, tag, read, outcome: "unknown" };
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, [operation]);
    else known.push(operation);
    return operation;
  }

  end(operation: Operation, outcome: Outcome): void {
    operation.outcome = outcome;
    if (outcome === "done" && operation.kind === "put") this.acknowledged++;
  }

  /** What is wrong with `key`, given what is found of it now. */
  check(key: string, { held, shown }: Findings): Violation[] {
    const operations = this.#byKey.get(key) ?? [];
    const byTag = new Map(operations.map((operation) => [operation.tag, operation]));
    const pasts = new Map<string, ReadonlySet<string>>();
    const pastOf = (tag: string): ReadonlySet<string> => {
      const known = pasts.get(tag);
      if (known !== undefined) return known;
      const past = new Set<string>();
      pasts.set(tag, past);
      for (const read of byTag.get(tag)?.read ?? []) {
        past.add(read);
        for (const earlier of pastOf(read)) past.add(earlier);
      }
      return past;
    };
    const violation = (rule: Violation["rule"], tag: string): Violation => ({ rule, key, tag });
    const violations: Violation[] = [];
    const deletes = operations.filter(({ kind, outcome }) => kind === "delete" && outcome !== "not done");

    for (const { kind, tag, outcome } of operations) {
      if (kind !== "put" || outcome !== "done") continue;
      const covers = (each: string): boolean => each === tag || pastOf(each).has(tag);
      if (deletes.some((each) => covers(each.tag))) continue;
      if ([held, shown].some((found) => ![...found].some(covers))) {
        violations.push(violation("C1 lost acknowledged write", tag));
      }
    }
    for (const tag of new Set([...held, ...shown])) {
      const own = byTag.get(tag);
      if (own === undefined || own.outcome === "not done") violations.push(violation("C5 phantom", tag));
    }
    for (const tag of shown) {
      if (operations.some(({ outcome, tag: other }) => outcome === "done" && pastOf(other).has(tag))) {
        violations.push(violation("C3 resurrection", tag));
      }
      if ([...shown].some((other) => pastOf(other).has(tag))) violations.push(violation("C4 false sibling", tag));
    }
    return violations;
  }
}
