/** `host:port` as people write the address of a peer door, IPv6 in brackets: `[::1]:7401`. */
import { ValidationError } from "./errors.js";

const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/;

export function isAddress(text: string): boolean {
  const port = Number(ADDRESS.exec(text)?.[3]);
  return port >= 1 && port <= 65_535;
}

/** Throws {@link ValidationError} for what is no address; a port is 1 to 65,535. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const match = ADDRESS.exec(address);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port >= 1 && port <= 65_535)) {
    throw new ValidationError(
      "bad-parameter",
      `an address is HOST:PORT, as in 127.0.0.1:7401, not ${JSON.stringify(address)}`,
    );
  }
  return { host, port };
}
