/** Why a data folder is refused. */

/** A folder that must not be touched. The message is one line for the operator: what is wrong, and what to do. */
export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
}
