/** A run told as a story: what was done, to whom, what broke, in the order of virtual time. */
import type { GetCommand, PutCommand } from "@kvorum/core";
import type { World, WorldEvent } from "./world/world.js";

export class Story {
  constructor(
    readonly line: (text: string) => void,
    /** Also what moves between members, flush by flush. */
    readonly isDetailed = false,
  ) {}

  follow(world: World): void {
    this.line(`${clock(world.nowMs)} the cluster is founded: ${world.names.join(" ")}`);
    world.on((event) => {
      const told = this.#tell(world, event);
      if (told !== undefined) this.line(`${clock(world.nowMs)} ${told}`);
    });
  }

  #tell(world: World, event: WorldEvent): string | undefined {
    const nameOf = (id: Uint8Array): string => world.primitives.text.decode(id, 0, id.length);
    switch (event.kind) {
      case "asked":
        return `${event.client} > ${event.node}: ${command(event.message, nameOf)}`;
      case "acknowledged": {
        const { node, to, needed, received, message } = event;
        return `${node} > ${to}: ${nameOf(message.id)} is done, on ${received} disks of ${needed} needed`;
      }
      case "fault":
        return `*** ${event.fault} ${event.node} ${event.about}`.trimEnd();
      case "departed":
        return `${event.node} has left the cluster`;
      case "up":
        return `${event.node} is up (start ${event.boot})`;
      case "down":
        return `${event.node} is down: ${event.how}`;
      case "fatal":
        return `${event.node} can't go on: ${event.reason}`;
      case "thrown":
        return `!!! ${event.node} threw: ${event.error}`;
      case "ring":
        return `${event.node} has ring ${event.version}`;
      case "log":
        if (event.text === "ring" || (!this.isDetailed && event.level === "info")) return undefined;
        return `${event.node} says: ${event.text} ${JSON.stringify(event.about)}`;
      case "merging":
        return this.isDetailed ? `${event.node} merges ${nameOf(event.id)} from ${event.from}` : undefined;
      case "flushing":
        return this.isDetailed ? `${event.node} flushes ${event.batches} batches` : undefined;
      case "flushed":
        return this.isDetailed ? `${event.node} has flushed ${event.batches} batches` : undefined;
    }
  }
}

function command(message: GetCommand | PutCommand, nameOf: (id: Uint8Array) => string): string {
  const key = nameOf(message.id);
  if (message.kind === "get") return `GET ${key}${message.r === undefined ? "" : ` r=${message.r}`}`;
  const context = message.context.length === 0 ? "blind" : "with a context";
  const verb = message.value === undefined ? "DELETE" : "PUT";
  const value = message.value === undefined ? "" : ` ${nameOf(message.value).slice(0, 24)}`;
  const retry = message.operation?.maybeRetry === true ? ", a retry" : "";
  return `${verb} ${key}${value} ${context}${message.w === undefined ? "" : ` w=${message.w}`}${retry}`;
}

function clock(nowMs: number): string {
  return `${(nowMs / 1000).toFixed(4).padStart(9)}s`;
}
