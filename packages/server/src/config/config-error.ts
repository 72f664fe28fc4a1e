/** What a start with a bad configuration is stopped with: one line that names the setting, its origin and what is allowed (CONTRACT §2). */

/** Thrown for a configuration that cannot be started with; the message is one line. The command line exits 2 on it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
