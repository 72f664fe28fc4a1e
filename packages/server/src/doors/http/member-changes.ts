/** Who is a member, changed over HTTP: a look at a change before it is made, planned departure, forced removal (CONTRACT §3, "Cluster"). */
import type { ChangeView, MemberChange, RemovalView } from "@kvorum/core";
import type { Exchange } from "./exchange.js";
import { flag, wholeNumber } from "./parameters.js";
import { ProblemError } from "./problem.js";
import { decodeSegment, parseQuery } from "./target.js";
import type { Query, Target } from "./target.js";

const PLACE_OF_NAME = 4;
const WEIGHT_MAX = 1_000_000;
const changes = ["join", "leave", "remove"] as const;

/** What a change would move; nothing is changed. */
export function plan(exchange: Exchange, target: Target): void {
  const change = changeOf(parseQuery(target.query, ["change", "name", "zone", "weight"]));
  exchange.ask<ChangeView>(
    (reply) => exchange.door.node.planChange(change, reply),
    (view) => exchange.json(200, view),
  );
}

/** What the member holds is moved first; it ends by itself. */
export function leave(exchange: Exchange, target: Target): void {
  parseQuery(target.query, []);
  exchange.ask<ChangeView>(
    (reply) => exchange.door.node.leave(nameOf(target), reply),
    (view) => exchange.json(202, view),
  );
}

export function remove(exchange: Exchange, target: Target): void {
  const force = flag(parseQuery(target.query, ["force"]), "force", false);
  exchange.ask<RemovalView>(
    (reply) => exchange.door.node.remove(nameOf(target), force, reply),
    (view) => exchange.json(202, view),
  );
}

function nameOf({ path }: Target): string {
  return decodeSegment(path[PLACE_OF_NAME] ?? "", "the member's name");
}

function changeOf(query: Query): MemberChange {
  const change = changes.find((each) => each === query.get("change"));
  const name = query.get("name") ?? "";
  if (change === undefined || name === "") {
    throw new ProblemError("bad-parameter", "give change=join, leave or remove, and name, the member's");
  }
  if (change !== "join") return { change, name };
  const weight = wholeNumber(query, "weight", { least: 1, most: WEIGHT_MAX, unless: 1 });
  return { change, name, zone: query.get("zone") || "default", weight };
}
