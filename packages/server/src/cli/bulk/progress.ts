/**
 * A progress bar on a terminal's stderr, and silence everywhere else. By hand: a prompt library's bar takes over stdin, which an import
 * may be reading, and Ctrl-C.
 */
import type { OutputStream } from "../io.js";

export interface ProgressBar {
  /** `by` in the units of the total. */
  advance(by: number, message: string): void;
  /** Takes the bar away, so that what follows stands alone. */
  clear(): void;
}

const REDRAW_MS = 100;
const CELLS = 24;
const ERASE_LINE = "\r\u001b[K";
const silent: ProgressBar = { advance: () => undefined, clear: () => undefined };

/** `total` 0: not known, and only the message is shown. */
export function progressBar(stream: OutputStream, total: number, wanted = true): ProgressBar {
  if (!wanted || stream.isTTY !== true) return silent;
  let done = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    advance(by, message) {
      done += by;
      const now = performance.now();
      if (now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      const line = `${total === 0 ? "" : `${barOf(done / total)} `}${message}`;
      stream.write(ERASE_LINE + line.slice(0, (stream.columns ?? 80) - 1));
    },
    clear: () => void stream.write(ERASE_LINE),
  };
}

function barOf(share: number): string {
  const full = Math.min(CELLS, Math.floor(share * CELLS));
  const percent = String(Math.min(100, Math.floor(share * 100))).padStart(3);
  return `${"█".repeat(full)}${"░".repeat(CELLS - full)} ${percent}%`;
}
