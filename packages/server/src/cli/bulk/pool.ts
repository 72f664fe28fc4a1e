/** Many at a time, and never two of one key at once: the later of two equal keys is stored after the earlier. */

/**
 * Runs `work` for each item with at most `width` under way; items with the same `keyOf` run one after the other, in order. A `work`
 * that throws stops the rest: nothing new is started, and the first error is thrown when what was under way has ended.
 */
export async function eachAtOnce<T>(
  items: AsyncIterable<T> | Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
  keyOf?: (item: T) => string,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const lastOfKey = new Map<string, Promise<void>>();
  const errors: unknown[] = [];
  try {
    for await (const item of items) {
      const key = keyOf?.(item);
      const earlier = key === undefined ? undefined : lastOfKey.get(key);
      const run = (earlier ?? Promise.resolve())
        .then(() => (errors.length > 0 ? undefined : work(item)))
        .catch((error: unknown) => void errors.push(error));
      const task = run.finally(() => {
        underWay.delete(task);
        if (key !== undefined && lastOfKey.get(key) === task) lastOfKey.delete(key);
      });
      underWay.add(task);
      if (key !== undefined) lastOfKey.set(key, task);
      if (underWay.size >= width) await Promise.race(underWay);
      if (errors.length > 0) break;
    }
  } catch (error) {
    errors.push(error);
  }
  await Promise.all(underWay);
  if (errors.length > 0) throw errors[0];
}
