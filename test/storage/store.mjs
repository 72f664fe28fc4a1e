/** A store in a process of its own, so that a test can starve, trace or kill it: JSON commands on stdin, JSON answers on stdout. */
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { createPrimitives } from "../../packages/client/dist/internal.js";
import { openStorage } from "../../packages/server/dist/storage/open-storage.js";

const path = process.argv[2];
const engine = process.argv[3];
const primitives = await createPrimitives();
const open = async () => (await openStorage(engine, path, primitives)).storage;
let storage = await open();
const answer = (id, result) => process.stdout.write(`${JSON.stringify({ id, result })}\n`);

/** `size` bytes that can be told from any other number's. */
const valueOf = (number, size) => Buffer.alloc(size, `${number};`);
const keyOf = (number) => {
  const hash = BigInt.asUintN(64, BigInt(number) * 0x9e3779b97f4a7c15n);
  return { partition: Number(hash >> 48n), hash, key: Buffer.from(`key ${number}`) };
};

const commands = {
  put: ({ number, size }, done) => commands.putTogether({ numbers: [number], size }, done),
  /** One batch: one flush. */
  putTogether: ({ numbers, size }, done) =>
    storage.apply({ records: numbers.map((number) => ({ ...keyOf(number), value: valueOf(number, size) })) }, (error) =>
      done(error ?? "durable"),
    ),
  remove: ({ number }, done) =>
    storage.apply({ records: [{ ...keyOf(number), value: undefined }] }, (error) => done(error ?? "durable")),
  get: ({ number }, done) =>
    storage.get(keyOf(number), (found) => {
      if (found.kind !== "found") return done(found.kind);
      done(valueOf(number, found.value.length).equals(found.value) ? found.value.length : "wrong");
    }),
  scan: ({ number }, done) => {
    let records = 0;
    const { partition } = keyOf(number);
    storage.scan(
      partition,
      0n,
      0xffff_ffff_ffff_ffffn,
      () => ++records > 0,
      ({ damaged }) => done({ records, damaged }),
    );
  },
  throwBallast: (_, done) => rm(`${path}/ballast`).then(() => done("thrown")),
  reopen: (_, done) =>
    storage.close(() => {
      void open().then((opened) => {
        storage = opened;
        done("reopened");
      });
    }),
  close: (_, done) => storage.close(() => done("closed")),
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, command, ...rest } = JSON.parse(line);
  commands[command](rest, (result) => answer(id, result));
});
answer(0, "ready");
