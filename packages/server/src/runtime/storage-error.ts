/** What a node ends with when its disk has failed under it. */

/** Nothing that was under way was acknowledged; a restart finds what is proven on disk. The command line exits 5 on it. */
export class StorageError extends Error {
  override readonly name = "StorageError";
}
