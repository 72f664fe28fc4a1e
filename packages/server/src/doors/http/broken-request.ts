/** The answer to what Node's parser could not read as HTTP, or that took too long to come: a problem like any other, written to the bare socket. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { PROBLEM_TYPE, problemDocument, problemKinds } from "./problem.js";
import type { Problem, ProblemName } from "./problem.js";

/** For the server's `clientError`. Nothing of the request was acted on. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(error.code);
  const { status } = problemKinds[problem.code];
  const body = JSON.stringify(problemDocument(problem, undefined));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: ${PROBLEM_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function problemOf(errorCode: string | undefined): Problem {
  const describe = (code: ProblemName, detail: string): Problem => ({ code, detail, effect: "none" });
  switch (errorCode) {
    case "HPE_HEADER_OVERFLOW":
      return describe(
        "headers-too-large",
        "the request line and headers are more than is taken; shorten the key or the headers",
      );
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return describe("request-timeout", "the request was not whole in time; send it again");
    default:
      return describe(
        "malformed-request",
        "the request is not well-formed HTTP/1.1; bytes outside ASCII are percent-encoded in its target",
      );
  }
}
