/**
 * A request's target, read strictly: the path and query as they were sent, percent-decoded once, as UTF-8 or not at all. Routers and URL
 * classes repair what they read (`%FF` becomes U+FFFD, `..` walks up, a raw `#` cuts); a store must not answer for another key.
 */
import { ProblemError } from "./problem.js";

export interface Target {
  /** The path between its slashes, still encoded: `/v1/kv/a/b` gives `["", "v1", "kv", "a", "b"]`. */
  readonly path: readonly string[];
  /** What follows the first `?`, still encoded. */
  readonly query: string;
}

/** Query parameters by name, decoded. */
export type Query = ReadonlyMap<string, string>;

const NO_PARAMETERS: Query = new Map();
const PERCENT = 0x25;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function parseTarget(url: string): Target {
  if (url.includes("#")) throw new ProblemError("bad-parameter", "a # in the request's target must be sent as %23");
  const at = url.startsWith("/") ? 0 : startOfPath(url);
  const mark = url.indexOf("?", at);
  const path = mark < 0 ? url.slice(at) : url.slice(at, mark);
  return { path: path.split("/"), query: mark < 0 ? "" : url.slice(mark + 1) };
}

/** One piece of a path. `what` names it in the problem. */
export function decodeSegment(text: string, what: string): string {
  if (!text.includes("%")) return text;
  const bytes = percentDecode(text);
  if (bytes === undefined) {
    throw new ProblemError(
      "bad-parameter",
      `${what} has a % without two hex digits after it; a percent sign is sent as %25`,
    );
  }
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ProblemError("bad-parameter", `${what} is not UTF-8 once percent-decoded; encode it as UTF-8 first`);
  }
}

/** The parameters of a query, each at most once and among `known`. A `+` is a space there, as in forms. */
export function parseQuery(query: string, known: readonly string[]): Query {
  if (query === "") return NO_PARAMETERS;
  const parameters = new Map<string, string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const mark = pair.indexOf("=");
    const name = decodeParameter(mark < 0 ? pair : pair.slice(0, mark), "a parameter's name");
    if (!known.includes(name)) throw new ProblemError("bad-parameter", unknownParameter(name, known));
    if (parameters.has(name)) throw new ProblemError("bad-parameter", `the parameter ${name} is there twice`);
    parameters.set(name, decodeParameter(mark < 0 ? "" : pair.slice(mark + 1), `the parameter ${name}`));
  }
  return parameters;
}

function unknownParameter(name: string, known: readonly string[]): string {
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
  const taken = known.length === 0 ? "none is taken here" : `taken here: ${known.join(", ")}`;
  return `unknown parameter ${shown}; ${taken}`;
}

function decodeParameter(text: string, what: string): string {
  return decodeSegment(text.includes("+") ? text.replaceAll("+", " ") : text, what);
}

/** Proxies may send `http://host/path`. */
function startOfPath(url: string): number {
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*/.exec(url);
  return authority === null ? 0 : authority[0].length;
}

function percentDecode(text: string): Uint8Array | undefined {
  // Node's HTTP parser lets only ASCII through, so each character is a byte.
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let byte = text.charCodeAt(i);
    if (byte === PERCENT) {
      byte = hexPair(text.charCodeAt(i + 1), text.charCodeAt(i + 2));
      if (byte < 0) return undefined;
      i += 2;
    }
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}

/** Negative when one of the two is not a hex digit. Past the end of a text the code is NaN, which is none either. */
function hexPair(high: number, low: number): number {
  const a = hexDigit(high);
  const b = hexDigit(low);
  return a < 0 || b < 0 ? -1 : a * 16 + b;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
