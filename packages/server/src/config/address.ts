/** `HOST:PORT` as flags and files write it, IPv6 in brackets: `[::1]:7400`. */
import { isIPv6 } from "node:net";

export interface Address {
  /** A name or an IP address, IPv6 without its brackets: what `net` takes. */
  readonly host: string;
  /** 0 to 65535; 0 lets the system choose one, where an address is bound. */
  readonly port: number;
}

const named = /^([A-Za-z0-9._-]{1,253}):(\d{1,5})$/;
const bracketed = /^\[([0-9A-Fa-f:.]{2,45})\]:(\d{1,5})$/;

/** Undefined for a text that is no address. */
export function parseAddress(text: string): Address | undefined {
  const v6 = bracketed.exec(text);
  const match = v6 ?? named.exec(text);
  if (match === null) return undefined;
  const host = match[1] as string;
  const port = Number(match[2]);
  if (port > 65_535 || (v6 !== null && !isIPv6(host))) return undefined;
  return { host, port };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An address to bind that no other machine can dial. */
export function isWildcard({ host }: Address): boolean {
  return host === "0.0.0.0" || (isIPv6(host) && /^[0:]+$/.test(host));
}
