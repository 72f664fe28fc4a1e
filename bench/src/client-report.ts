/** What the client's bench prints, and small things that it needs. */
import { createServer, type AddressInfo } from "node:net";

export interface Line {
  readonly name: string;
  /** Answers a second. */
  readonly rate: number;
  /** Of the frame client's rate. */
  readonly share: number;
  /** Processor time of this process for each answer, user and system. */
  readonly cpuMicros: number;
}

export function show(title: string, lines: readonly Line[]): void {
  process.stdout.write(`${title}\n`);
  for (const { name, rate, share, cpuMicros } of lines) {
    const columns = [
      name.padEnd(8),
      `${Math.round(rate)} a second`.padStart(18),
      `${(share * 100).toFixed(0)} %`.padStart(7),
    ];
    process.stdout.write(`  ${columns.join("")}   ${cpuMicros.toFixed(1)} µs of processor each\n`);
  }
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
