/** Reading a request's body: into memory only when it is small enough, and not a byte of one that says it is too large (CONTRACT §3, 413). */
import type { Exchange } from "./exchange.js";
import { ProblemError } from "./problem.js";

const EMPTY = new Uint8Array(0);

/**
 * Calls `done` once with the whole body. A body over `bytesMax` is answered with `too-large`: at once when its length is announced, else
 * when the limit is passed. When the client goes away `done` is never called.
 */
export function readBody(exchange: Exchange, bytesMax: number, done: (body: Uint8Array) => void): void {
  const { headers } = exchange.request;
  const isChunked = headers["transfer-encoding"] !== undefined;
  const announcedBytes = isChunked ? 0 : Number(headers["content-length"] ?? 0);
  if (announcedBytes > bytesMax) throw tooLarge(`${announcedBytes} bytes`, bytesMax);
  if (announcedBytes === 0 && !isChunked) return done(EMPTY);
  exchange.reserve(announcedBytes);
  exchange.proceed();
  collect(exchange, { bytesMax, isChunked }, done);
}

function collect(
  exchange: Exchange,
  { bytesMax, isChunked }: { readonly bytesMax: number; readonly isChunked: boolean },
  done: (body: Uint8Array) => void,
): void {
  const { request } = exchange;
  const chunks: Buffer[] = [];
  let length = 0;

  const take = (chunk: Buffer): void => {
    length += chunk.length;
    if (length > bytesMax) throw tooLarge("more", bytesMax);
    if (isChunked) exchange.reserve(chunk.length);
    chunks.push(chunk);
  };
  const onData = (chunk: Buffer): void => {
    exchange.run(() => take(chunk));
    if (exchange.open) return;
    // Refused: the rest is not ours to read, and what came is not kept.
    stop();
    chunks.length = 0;
  };
  const onEnd = (): void => {
    stop();
    exchange.run(() => done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length)));
  };
  const onClose = (): void => {
    stop();
    exchange.abandon();
  };
  const stop = (): void => {
    request.off("data", onData).off("end", onEnd).off("close", onClose);
  };
  request.on("data", onData).on("end", onEnd).on("close", onClose);
}

function tooLarge(size: string, bytesMax: number): ProblemError {
  return new ProblemError(
    "too-large",
    `at most ${bytesMax} bytes are taken here, and this is ${size}; store less under one key`,
  );
}
