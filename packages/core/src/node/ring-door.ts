/** What members ask of each other while partitions change hands, given to the part it is for. */
import type { Message, MessageOf } from "../wire/messages.js";
import type { NodeContext } from "./context.js";
import type { Handover } from "./handover.js";
import { TransferDoor, type TransferRequest } from "./transfer-door.js";

export class RingDoor {
  readonly #transfers: TransferDoor;

  constructor(
    node: NodeContext,
    readonly handover: Handover,
  ) {
    this.#transfers = new TransferDoor(node);
  }

  handle(request: TransferRequest | MessageOf<"owners" | "owners-sync">, answer: (message: Message) => void): void {
    switch (request.kind) {
      case "owners":
        return this.handover.hearing.told(request, answer);
      case "owners-sync":
        return this.handover.hearing.synced(request, answer);
      case "index":
      case "pull":
      case "weigh":
        return this.#transfers.handle(request, answer);
    }
  }

  /** A new owner says unasked that it has confirmed. */
  heard(instance: number, said: MessageOf<"owners-seen">): void {
    this.handover.heard(instance, said);
  }
}
