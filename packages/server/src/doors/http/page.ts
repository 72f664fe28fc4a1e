/** The page at `/`, until the console stands there: what this is, which node answers, and where to go on. */
import type { ClusterView } from "@kvorum/core";

export function homePage({ node, cluster, members, settled }: ClusterView): string {
  const count = members.length === 1 ? "1 member" : `${members.length} members`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Kvorum · ${escapeHtml(node)}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
  code { font: 0.9em ui-monospace, monospace; }
</style>
<h1>Kvorum</h1>
<p>An always-writable, masterless key-value store: Amazon's Dynamo, complete, for TypeScript.</p>
<p>This is the node <strong>${escapeHtml(node)}</strong> of the cluster <code>${escapeHtml(cluster)}</code>:
${count}, ${settled ? "settled" : "not settled yet"}. A console is to stand here; this version has none.</p>
<ul>
  <li><a href="/v1/openapi.json">The HTTP API</a>, as OpenAPI: values live at <code>/v1/kv/&lt;bucket&gt;/&lt;key&gt;</code></li>
  <li><a href="/v1/cluster">The cluster</a> and <a href="/v1/ring">its ring</a></li>
  <li><a href="/v1/buckets">Buckets</a> and <a href="/v1/conflicts">conflicts to resolve</a></li>
  <li><a href="/health/ready">Health</a> and <a href="/metrics">metrics</a></li>
</ul>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] as string);
}
