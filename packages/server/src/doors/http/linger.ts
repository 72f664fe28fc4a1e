/**
 * Answering before a request's body has come, so that the client sees the answer: a connection closed with unread data in it is reset, and the
 * reset overtakes the answer (RFC 9112 §9.6). So the answer goes out whole, then the rest is read and dropped, within bounds.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";

export interface LingerLimits {
  readonly httpLingerBytesMax: number;
  readonly httpLingerIdleMs: number;
}

/** `headers` must hold the content-length: it tells the client where the answer ends while the connection is still open. */
export function answerAndLinger(
  request: IncomingMessage,
  response: ServerResponse,
  answer: { readonly status: number; readonly headers: OutgoingHttpHeaders; readonly body: Uint8Array | undefined },
  limits: LingerLimits,
): void {
  response.writeHead(answer.status, { ...answer.headers, Connection: "close" });
  if (answer.body === undefined) response.flushHeaders();
  else response.write(answer.body);

  let allowedBytes = limits.httpLingerBytesMax;
  // Ending an answer that says "close" closes the connection once the answer has been written.
  const close = (): void => {
    if (!response.writableEnded) response.end();
  };
  request.on("data", (chunk: Buffer) => {
    allowedBytes -= chunk.length;
    if (allowedBytes < 0) close();
  });
  request.once("end", close);
  request.once("close", close);
  // Without a listener of its own, Node's HTTP server destroys a connection that was idle for so long.
  request.socket.setTimeout(limits.httpLingerIdleMs);
  request.resume();
}
