/** The client alone, for a user who has no types of Node: compiled by check.mjs beside program.ts. */
import { connect, json, resolvers } from "@kvorum/client";

const kv = await connect("127.0.0.1:7401");
const numbers = kv.bucket("numbers", { codec: json<number>(), resolve: resolvers.max<number>() });
export const found: number | undefined = (await numbers.get("k"))?.value;
