/** Every limit of Kvorum, by name, unit last. Limits that refuse act on the client's path only: repair never drops data because of one. */

export const limits = {
  bucketBytesMax: 64,
  keyBytesMax: 1024,
  valueBytesMax: 1024 * 1024,
  contentTypeBytesMax: 255,
  /** The longest that a value may ask to stay before it expires: a hundred years. */
  ttlSecondsMax: 3_155_760_000,
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
  /** A disk on which nothing that waits has become durable for so long stands still: the others stand in for its member. */
  diskStallMs: 2_000,
  /** How often a member says what its clock shows. */
  clockSayMs: 10_000,

  frameBytesMax: 64 * 1024 * 1024,
  /** Bytes waiting to be sent to one peer before it counts as unreachable. */
  peerQueueBytesMax: 64 * 1024 * 1024,
  /** A frame before the greeting was accepted, and one from a client: neither may make a node hold much. */
  helloBytesMax: 4 * 1024,
  clientFrameBytesMax: 4 * 1024 * 1024,
  /** Replies that one connection's other side has not read: above the first its requests are not read on, at the second it is cut. */
  replyQueueBytesPause: 8 * 1024 * 1024,
  replyQueueBytesMax: 64 * 1024 * 1024,
  /** Inbound connections to the peer door; one more is refused. */
  peerConnectionsMax: 4_096,
  /** How long the other side may take to be reached, to greet, to take what was sent, to say anything, to let go. */
  dialTimeoutMs: 1_000,
  helloTimeoutMs: 5_000,
  stallTimeoutMs: 10_000,
  idleTimeoutMs: 5 * 60_000,
  lingerMs: 1_000,
  /** The pause after a failed dial, doubled with each that follows. */
  redialMinMs: 25,
  redialMaxMs: 1_000,
  /** How long a request that can't succeed any more waits for the replies under way, so that its answer says how many there were. */
  failureGraceMs: 200,
  /** How long a read that was answered waits for the others, to mend them, and the bytes of such reads; beyond, they mend what they saw. */
  readRepairWaitMs: 1_000,
  /** How long a member that was given what it lacked may take to say that it has it. */
  repairAnswerMs: 5_000,
  readRepairBytesMax: 64 * 1024 * 1024,
  /** Hints that a node keeps for others, with the bytes of their states; beyond, it refuses to stand in. */
  hintsMax: 500_000,
  hintBytesMax: 16 * 1024 * 1024 * 1024,
  /** What writes that were answered may hold while they wait for the owners that have not; beyond, those are owed a hint at once. */
  hintWaitsBytesMax: 16 * 1024 * 1024,
  /** How long a write that was answered waits for them at most. */
  hintWaitMs: 2_000,
  /** How long an owner may be silent before a fallback is asked in its place, and members that are asked so for one request. */
  standInAfterMs: 500,
  standInsMax: 8,
  /** Hints under way to one member, how long each may take, and how long a stop tries to hand over. */
  handoffsAtOnce: 16,
  handoffTimeoutMs: 5_000,
  handoffStopMs: 2_000,
  handoffIntervalMs: 10_000,
  hintTtlMs: 3 * 3_600_000,
  /** Work that no client waits for, over all its kinds: the least and the most a second, one step up, and what may go at once. */
  backgroundBytesPerSecondMin: 512 * 1024,
  backgroundBytesPerSecondMax: 64 * 1024 * 1024,
  backgroundBytesPerSecondStep: 2 * 1024 * 1024,
  backgroundBurstBytes: 1024 * 1024,
  /** How often its pace is looked at. */
  backgroundWindowMs: 250,
  /** How often a node compares its hash trees with the other owners', give or take a quarter. */
  antiEntropyIntervalMs: 60_000,
  /** How long after a member was seen again, so that its hints are handed over first. */
  exchangeAfterReturnMs: 2_000,
  /** Between the first look at keys that differ and the second. */
  exchangePauseMs: 200,
  /** An exchange whose other side is silent for so long is over. */
  exchangeSilenceMs: 10_000,
  /** The longest pause before one that found the other side busy, or failed, is tried again; and how often. */
  exchangeRetryMs: 500,
  exchangeTriesMax: 20,
  /** Differing keys that are held in memory before they are mended, and about what a node of a tree takes on the wire. */
  exchangeKeysAtOnce: 1_024,
  exchangeNodeBytes: 160,
  /** States that one message mends: their bytes, save that one state may be larger, and their number. */
  mendBytesAtOnce: 256 * 1024,
  mendKeysAtOnce: 128,
  /** Damaged records that wait to be healed; with more, their partitions are filled anew. What healing one is counted for, in bytes. */
  damagedKeysMax: 65_536,
  healBytes: 4 * 1024,
  healAskMs: 5_000,
  /** The pause before a record is tried again that could not be healed, doubled each time. */
  healRetryMinMs: 1_000,
  healRetryMaxMs: 60_000,
  /** After so many rounds without all owners' sound word, what they can read is all that there will ever be. */
  healRoundsMax: 3,
  /** Client requests that a node works on at once; more are shed. */
  requestsInFlightMax: 4096,
  requestTimeoutMs: 5_000,
  requestTimeoutMaxMs: 120_000,

  /** The log goes on in another segment after so many bytes; less on a small disk. */
  segmentBytes: 64 * 1024 * 1024,
  /** Recently written and read records that the log holds in memory. */
  storeCacheBytes: 256 * 1024 * 1024,
  /** Bytes of the log over live bytes: above the first something is merged, the faster the nearer to the second; writes are held back before they pass that. */
  storeSpaceTarget: 1.6,
  storeSpaceMax: 2,
  /** A log of no more segments may be larger: one is written to, one is merged into, and one dies. */
  storeSegmentsLeast: 4,
  /** What merging may copy a second while there is room, and the pieces that it copies at once. */
  mergeBytesPerSecond: 16 * 1024 * 1024,
  mergeSliceBytes: 128 * 1024,
  /** Damaged segments that are kept aside, for people to look at. */
  quarantinedSegmentsMax: 4,

  /** The scrub reads so much, then pauses: some 2,500 records of 1 KiB a second, and all of them about once a day. */
  scrubRecordsAtOnce: 64,
  scrubBytesAtOnce: 256 * 1024,
  scrubPauseMs: 25,
  scrubIntervalMs: 24 * 60 * 60_000,

  /** Partitions that one member has on their way to other owners at once: their writes go to two sets of owners. */
  partitionsChangingMax: 256,
  /** How often tombstones are looked for, how many of a partition go at once, and how long the others may take over one step. */
  reapIntervalMs: 10_000,
  reapBatchMax: 1_024,
  reapStepMs: 5_000,
  /** How long a folder that was started again waits for other members to say that it is not an old one. */
  selfProofMs: 3_000,
  /** What is told as a risk: owners not compared for so many rounds of anti-entropy, a tombstone that waits for longer than retries explain. */
  comparedStaleRounds: 10,
  tombstoneOldMs: 15 * 60_000,
  /** The longest that a message may take to arrive after its sender has given it up; twice what any door lets a connection stall. */
  messageLifeMs: 20_000,

  gossipIntervalMs: 1_000,
  gossipMessageBytesMax: 16 * 1024,
  gossipFanout: 3,
  /** Keys of gossiped entries are printable ASCII. Key and value together must fit in half a message. */
  gossipKeyBytesMax: 255,
  gossipValueBytesMax: 4 * 1024,
  /** Buckets with a configuration of their own: each is a gossiped fact that every member remembers. */
  bucketsConfiguredMax: 4_096,
  /** Entries that one node publishes: more than one record for each partition of the largest ring. */
  gossipEntriesMax: 128 * 1024,
  /** Heartbeat intervals that the failure detector remembers of each member. */
  heartbeatSamplesMax: 64,
  /** How long a member may be silent before it is shown as suspect, then down. */
  suspectAfterMs: 5_000,
  downAfterMs: 15_000,

  /** Calls of one batch (`getMany`, `putMany`) that a client has under way at once. */
  clientBatchInFlightMax: 256,
  /** Keys that a session remembers what it saw of; the one unused for longest is forgotten. */
  clientSessionKeysMax: 10_000,

  listLimitDefault: 1_000,
  listLimitMax: 10_000,

  httpHeaderBytesMax: 32 * 1024,
  /** A document sent to configure something. */
  httpDocumentBytesMax: 64 * 1024,
  httpConnectionsMax: 10_000,
  /** Requests that a connection may have sent ahead of the one under way. */
  httpPipelinedMax: 1_024,
  /** Bytes of request bodies that the HTTP door holds at once; more are shed. */
  httpBodyBytesInFlightMax: 256 * 1024 * 1024,
  /** A whole request must have come within this time. */
  httpReceiveTimeoutMs: 120_000,
  httpIdleTimeoutMs: 65_000,
  /** After an answer that did not wait for the body: what is still read of it, and how long a pause may be, before the connection is cut. */
  httpLingerBytesMax: 64 * 1024 * 1024,
  httpLingerIdleMs: 2_000,
  /** How long a stop waits for requests in flight. */
  httpStopGraceMs: 10_000,
} as const;
