/** The content type of a file by its ending: a small table of what is common, and bytes for all else. */

export const DEFAULT_CONTENT_TYPE = "application/octet-stream";

const byEnding: ReadonlyMap<string, string> = new Map([
  ["txt", "text/plain; charset=utf-8"],
  ["md", "text/markdown; charset=utf-8"],
  ["html", "text/html; charset=utf-8"],
  ["htm", "text/html; charset=utf-8"],
  ["css", "text/css; charset=utf-8"],
  ["csv", "text/csv; charset=utf-8"],
  ["js", "text/javascript; charset=utf-8"],
  ["mjs", "text/javascript; charset=utf-8"],
  ["cjs", "text/javascript; charset=utf-8"],
  ["json", "application/json"],
  ["map", "application/json"],
  ["xml", "application/xml"],
  ["yaml", "application/yaml"],
  ["yml", "application/yaml"],
  ["toml", "application/toml"],
  ["pdf", "application/pdf"],
  ["zip", "application/zip"],
  ["gz", "application/gzip"],
  ["wasm", "application/wasm"],
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["gif", "image/gif"],
  ["webp", "image/webp"],
  ["svg", "image/svg+xml"],
  ["ico", "image/vnd.microsoft.icon"],
  ["woff2", "font/woff2"],
  ["mp3", "audio/mpeg"],
  ["mp4", "video/mp4"],
]);

export function contentTypeOf(path: string): string {
  const ending = /[^/.][^/]*\.([A-Za-z0-9]+)$/.exec(path)?.[1];
  return (ending === undefined ? undefined : byEnding.get(ending.toLowerCase())) ?? DEFAULT_CONTENT_TYPE;
}
