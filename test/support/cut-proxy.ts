/** A way to a node that breaks: it lets so many bytes of the answer through, then cuts the connection or takes nothing more. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface CutProxy {
  readonly url: string;
  /** Resolves when so many bytes have come by. */
  readonly reached: Promise<void>;
  close(): void;
}

export async function cutProxy(port: number, bytes: number, how: "cut" | "stall"): Promise<CutProxy> {
  const sockets = new Set<Socket>();
  let reach: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const server = createServer((client) => {
    const node = connect(port, "127.0.0.1");
    let left = bytes;
    for (const socket of [client, node]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    client.pipe(node);
    node.on("data", (chunk: Buffer) => {
      client.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      reach();
      node.pause();
      if (how === "cut") for (const socket of [client, node]) socket.destroy();
    });
    node.on("end", () => client.end());
    client.on("close", () => node.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reached,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
