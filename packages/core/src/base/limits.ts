/** Every limit of Kvorum, by name, unit last. Limits that refuse act on the client's path only: repair never drops data because of one. */

export const limits = {
  bucketBytesMax: 64,
  keyBytesMax: 1024,
  valueBytesMax: 1024 * 1024,
  contentTypeBytesMax: 255,
  idempotencyKeyBytesMax: 255,

  /** A key with more siblings is counted in a metric. */
  siblingsWarn: 25,
  /** Past this, a put without a context is refused. */
  siblingsMax: 256,
  /** Characters of a context in its base64url form. */
  contextCharsMax: 8192,
  /** Encoded bytes of a version vector before a coordinator retires actors of dead history. */
  vectorBytesMax: 5_000,
  /** Chains of one lifetime, and runs of equal counters among them, before its coordinator starts the next lifetime. */
  chainsMax: 65_536,
  chainRunsMax: 256,
  /** Operation ids remembered beside one key. */
  operationsMax: 64,
  operationMemoryMs: 10 * 60_000,
  /** Idempotency keys that one node remembers across keys, to refuse the reuse of one. */
  idempotencyMemoryMax: 100_000,

  /** A wall clock or stamp further ahead than this is refused. */
  clockSkewMaxMs: 60_000,

  frameBytesMax: 64 * 1024 * 1024,
  /** Bytes waiting to be sent to one peer before it counts as unreachable. */
  peerQueueBytesMax: 64 * 1024 * 1024,
  /** Client requests that a node works on at once; more are shed. */
  requestsInFlightMax: 4096,
  requestTimeoutMs: 5_000,
  requestTimeoutMaxMs: 120_000,

  gossipIntervalMs: 1_000,
  gossipMessageBytesMax: 16 * 1024,
  gossipFanout: 3,
  /** Keys of gossiped entries are printable ASCII. Key and value together must fit in half a message. */
  gossipKeyBytesMax: 255,
  gossipValueBytesMax: 4 * 1024,
  /** Entries that one node publishes: more than one record for each partition of the largest ring. */
  gossipEntriesMax: 128 * 1024,
  /** Heartbeat intervals that the failure detector remembers of each member. */
  heartbeatSamplesMax: 64,
  /** How long a member may be silent before it is shown as suspect, then down. */
  suspectAfterMs: 5_000,
  downAfterMs: 15_000,

  listLimitDefault: 1_000,
  listLimitMax: 10_000,
} as const;
