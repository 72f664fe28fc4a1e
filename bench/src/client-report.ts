/** What the client's bench makes of its rounds and prints, and small things that it needs. */
import { createServer, type AddressInfo } from "node:net";

/** One contender for a while. */
export interface Round {
  /** Answers a second. */
  readonly rate: number;
  /** Processor time of this process for each answer, user and system. */
  readonly cpuMicros: number;
  /** Of all servers together; NaN where the system does not say. */
  readonly serversMicros: number;
}

/** Medians over all rounds of a contender. */
export interface Line extends Round {
  readonly name: string;
  /** Of the frame client's rate in the same round. */
  readonly share: number;
}

/** What the typed client is to reach of the bare frame client's rate, by one process at 64 in flight. */
export const SHARE_GOAL = 0.7;

/** Shares are taken round by round: what slows the machine for a while slows both sides of one. */
export function lineOf(name: string, rounds: readonly Round[], base: readonly Round[]): Line {
  return {
    name,
    rate: median(rounds.map(({ rate }) => rate)),
    share: median(rounds.map(({ rate }, i) => rate / (base[i]?.rate ?? Number.NaN))),
    cpuMicros: median(rounds.map(({ cpuMicros }) => cpuMicros)),
    serversMicros: median(rounds.map(({ serversMicros }) => serversMicros)),
  };
}

export function show(title: string, lines: readonly Line[]): void {
  process.stdout.write(`${title}\n`);
  for (const { name, rate, share, cpuMicros, serversMicros } of lines) {
    const columns = [
      name.padEnd(8),
      `${Math.round(rate)} a second`.padStart(18),
      `${(share * 100).toFixed(0)} %`.padStart(7),
    ];
    const processors = `${cpuMicros.toFixed(1)} µs of processor each, and ${serversMicros.toFixed(1)} of the servers'`;
    process.stdout.write(`  ${columns.join("")}   ${processors}\n`);
  }
}

/** Says whether the typed client reaches its goal. */
export function showGoal(op: string, lines: readonly Line[]): boolean {
  const share = lines.find(({ name }) => name === "typed")?.share ?? Number.NaN;
  const isMet = share >= SHARE_GOAL;
  const [reached, goal] = [share, SHARE_GOAL].map((part) => `${(part * 100).toFixed(0)} %`);
  process.stdout.write(
    `  typed ${op}s at ${reached} of the frame client's rate, goal ${goal}: ${isMet ? "met" : "MISSED"}\n`,
  );
  return isMet;
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

export function bucketKey(bucket: string, key: string): Uint8Array {
  return new Uint8Array(Buffer.from(`${bucket}/${key}`));
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
