/** The bytes of what fallbacks are asked (hint-messages.ts): kinds 40 and 41. */
import type { MessageCodec } from "./codec-parts.js";
import type { HintRequest } from "./hint-messages.js";

export const hintCodecs: { readonly [K in HintRequest["kind"]]: MessageCodec<K> } = {
  "store-hint": {
    number: 40,
    write(writer, message) {
      writer.blob(message.id);
      writer.blob(message.body);
      writer.string(message.name);
      writer.u48(message.instance);
    },
    read: (reader) => ({
      kind: "store-hint",
      id: reader.blob(),
      body: reader.blob(),
      name: reader.string(),
      instance: reader.u48(),
    }),
  },
  peek: {
    number: 41,
    write: (writer, message) => writer.blob(message.id),
    read: (reader) => ({ kind: "peek", id: reader.blob() }),
  },
};
