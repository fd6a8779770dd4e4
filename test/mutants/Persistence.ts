import { of } from "./Mutant.ts"

const writer = ["persistence/Writer"]
const lost = ["persistence/LostAnswers"]
const locks = ["persistence/Locks"]
const nonces = ["persistence/Nonces"]

export const persistence = [
  ...of("persistence/src/GroupCommit.ts", writer, {
    "a committed batch is decided again": [
      `if (fate === "committed") return batch.inDoubt.outcomes`,
      `if (fate === "committed") batch.inDoubt = undefined`,
      ...lost,
    ],
    "a batch is not in doubt once its commit has failed": ["batch.inDoubt = decided\n", "\n", ...lost],
    "a lost batch is taken for a committed one": [`fate === "committed"`, `fate === "lost"`, ...lost],
    "a batch of which nothing is known is decided again": [`if (fate === "unknown") return "abandon"`, ""],
    "a batch stays in doubt after it was lost": ["batch.inDoubt = undefined\n", "\n"],
    "callers hear before the commit": [
      "yield* session.commit(decided)",
      "yield* conclude(batch, decided.outcomes)",
      "persistence/Writer",
    ],
    "answers go to the wrong callers": ["remaining.next().value", "outcomes.at(-1)"],
    "a batch is split while it is in doubt": [
      "    const session = yield* connected\n",
      "    const session = yield* connected\n    if (batch.failures >= maxFailures) return yield* split(batch)\n",
    ],
    "a batch is never split": [`if (batch.failures >= maxFailures) return "split"`, ""],
    "half of a split batch is forgotten": [
      "[commands.slice(half), commands.slice(0, half)]",
      "[commands.slice(0, half)]",
    ],
    "passing failures are not counted": ["passing: 1,", "passing: 0,"],
    "a lasting failure is counted like a passing one": ["lasting: maxFailures }", "lasting: 1 }"],
    "a lost connection counts against its batch": ["{ connection: 0,", "{ connection: 1,"],
    "failures are counted on in the next batch": [
      "const batchOf = (commands: ReadonlyArray<Waiting>) => ({ commands, failures: 0,",
      "let all = 0\nconst batchOf = (commands: ReadonlyArray<Waiting>) => ({ commands, get failures() { return all }, set failures(n) { all = n },",
    ],
    "there is no pause after a failure": [
      "Effect.retry(Effect.uninterruptible(runNext), backoff)",
      "Effect.retry(Effect.uninterruptible(runNext), { while: () => true })",
    ],
    "patience is not kept on the queue": [
      "if (waiting.deadlineMillis > now) break",
      "if (!queue.includes(waiting)) break",
    ],
    "patience is not kept for what is being written": [
      "if (waiting.deadlineMillis > now) break",
      "if (waiting.deadlineMillis > now || !queue.includes(waiting)) break",
    ],
    "patience is measured by the clock on the wall": [
      "Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)",
      "clock.currentTimeMillisUnsafe()",
    ],
    "who was told so keeps a place in the queue": [
      "queue.splice(0, firstOpen === -1 ? queue.length : firstOpen)",
      "void firstOpen",
    ],
    "what nobody waits for is run all the same": [
      "if (batch.commands.some((waiting) => unanswered.has(waiting))) {",
      "if (batch.commands.length > 0) {",
    ],
    "some of a batch are run though nobody waits for them": [
      "batch.commands = batch.commands.filter((waiting) => unanswered.has(waiting))",
      "",
      "persistence/Writer",
    ],
    "a run may take for ever": [
      "Effect.interruptible(Effect.timeout(attempt(session, batch), patienceMillis))",
      "Effect.interruptible(attempt(session, batch))",
    ],
    "connecting may take for ever": ["      Effect.timeout(patienceMillis),\n", ""],
    "a defect ends the writer": ["Effect.catchCause(run(batch), (cause) => recover(batch, cause))", "run(batch)"],
    "a session that failed is used again": [`if (failure.kind === "connection") yield* disconnect`, ""],
    "a session is never closed": ["    return Scope.close(scope, Exit.void)\n  })", "    return Effect.void\n  })"],
    "a writer that ends forgets who waits": [
      "Effect.andThen(Effect.andThen(arrivals.open, answered), Fiber.interrupt(writer))",
      "Fiber.interrupt(writer)",
    ],
    "a writer that ends takes more": [`if (isEnding) return Effect.fail(unavailable("The server is stopping."))`, ""],
    "the queue has no bound": [
      `if (queue.length >= maxQueue) return Effect.fail(unavailable("Too many commands are waiting."))`,
      "",
    ],
    "a batch has no bound": ["queue.splice(0, maxBatch)", "queue.splice(0)", "persistence/Writer"],
    "ready is who was so long ago": [
      "if (nowMillis() - lastCommitMillis < readiness.forMillis) return Effect.void",
      "if (lastCommitMillis > 0) return Effect.void",
    ],
    "ready asks the database each time": [
      "if (nowMillis() - lastCommitMillis < readiness.forMillis) return Effect.void",
      "",
    ],
    "ready waits for commits that nothing brings": ["if (unanswered.size === 0 && !isEnding) submit(undefined)", ""],
    "ready waits for as long as anybody": ["duration: readiness.withinMillis,", "duration: patienceMillis,"],
    "a wake-up between look and wait is lost": [
      "arrivals.closeUnsafe()",
      "yield* Effect.yieldNow\n        arrivals.closeUnsafe()",
    ],
    "a failure that goes on is told of each time": [`if (isTold && kind !== "lasting") return Effect.void`, ""],
  }),
  ...of("persistence/src/PgSession.ts", lost, {
    "accounts are locked in no order": [
      "ORDER BY a.connection_id, a.currency\n",
      "ORDER BY a.connection_id DESC\n",
      ...locks,
    ],
    "accounts are not locked": ["  FOR UPDATE OF a`", "`", "persistence/Processes"],
    "accounts of known transfers are not locked": [
      "UNION\n    SELECT connection_id, currency FROM transfers WHERE id = ANY ($3::uuid[])",
      "UNION\n    SELECT connection_id, currency FROM transfers WHERE false AND id = ANY ($3::uuid[])",
      "persistence/GroupCommit",
    ],
    "a transfer that appeared after the locks is not noticed": [
      "if (!locked.has(Ledger.accountKeyOf(transfer.terms))) {",
      "if (false as boolean) {",
      ...locks,
    ],
    "the locks were lost, which is ignored": [
      `if (written.rows.length !== 1) return yield* transactionLost("The locks were lost before the write.")`,
      "void written",
      ...locks,
    ],
    "used nonces are not read": ["n.value AS nonce", "NULL AS nonce", "persistence/Processes"],
    "what was forgotten of nonces is ignored": [
      "\n    forgottenUntil,\n",
      "\n    forgottenUntil: forgottenUntil && undefined,\n",
      ...nonces,
    ],
    "a mark is taken for a commit, whoever made it": [
      `if (row?.["committed"] === true) return "committed"`,
      `if (row !== undefined) return "committed"`,
    ],
    "who asks for a commit leaves no mark": [
      "INSERT INTO commits (id, committed) VALUES ($1, false)\n  ON CONFLICT (id) DO UPDATE SET id = excluded.id\n  RETURNING committed,",
      "SELECT coalesce((SELECT committed FROM commits WHERE id = $1), false) AS committed,",
    ],
    "who asks for a commit overwrites it": [
      "DO UPDATE SET id = excluded.id",
      "DO UPDATE SET committed = excluded.committed",
    ],
    "marks are asked for long after they were forgotten": ["askedForSeconds: 300", "askedForSeconds: 100_000"],
    "what is too old to tell is taken for lost": [`? "lost" : "unknown"`, `? "lost" : "lost"`],
    "a batch does not look again for connections that it misses": [
      "if (missing.length > 0) {",
      "if (false as boolean) {",
      "persistence/Registration",
    ],
    "a batch does not wait for registrations": [
      "connection.query(lockRegistrations, [Write.texts(missing)])",
      `connection.query("SELECT 1")`,
      "persistence/Registration",
    ],
    "a failed transaction is left open": [
      `connection.query("ROLLBACK", [], false)`,
      `connection.query("SELECT 1", [], false)`,
      ...locks,
    ],
    "the hash chain begins anew with each batch": [
      "heads.get(key) ?? locked.get(key)?.head ?? Journal.genesis",
      "heads.get(key) ?? Journal.genesis",
      "persistence/Audit",
    ],
    "entries of one batch are not chained": ["heads.set(key, head)", "", "persistence/Audit"],
    "released deallocations are always reserved again": [
      "Ledger.fold(snapshot, instructions, policy)",
      `Ledger.fold(snapshot, instructions, { ...policy, releasedRepost: "reserve" })`,
      "persistence/PgStore",
    ],
  }),
  ...of("persistence/src/PgSession.ts", ["persistence/Connections"], {
    "nobody looks which currencies look alike": ["if (codes.length > 0) snapshot", "if (codes.length < 0) snapshot"],
    "credits that open currencies do not wait for one another": [
      "pg_advisory_xact_lock(hashtextextended('currency '",
      "(hashtextextended('currency '",
    ],
  }),
  ...of("persistence/src/Shared.ts", ["persistence/OperatorsLog", "persistence/Shared"], {
    "what is written together lacks whoever came later": ["        next.asked.push(asked)\n", ""],
    "each is written by itself": ["if (next !== undefined)", "if (false)"],
  }),
  ...of("persistence/src/Restore.ts", ["persistence/Feed"], {
    "numbers are given again after a restore": [" + ${numbersSkipped})", ")"],
  }),
  ...of("persistence/src/Lists.ts", ["persistence/PgStore"], {
    "the next page begins with the last of this one": ["[sql`<`, sql`ORDER", "[sql`<=`, sql`ORDER"],
    "pages have another order than cursors": [
      "ORDER BY created_at DESC, id DESC LIMIT",
      "ORDER BY created_at DESC, id LIMIT",
      ...locks,
    ],
    "a page ends where it is full": [
      "created_at DESC, id DESC LIMIT ${limit + 1}`",
      "created_at DESC, id DESC LIMIT ${limit}`",
    ],
    "a filter is left out": ["    currency && sql`currency = ${currency}`,\n", ""],
    "a list reads a table whole": ["sql`kind = ${kind}`", "sql`kind || '' = ${kind}`", "persistence/Lists"],
  }),
  ...of("persistence/src/Write.ts", locks, {
    "the write needs no locks": [
      " WHERE pg_current_xact_id()::text = $1 RETURNING 1",
      " WHERE $1::text IS NOT NULL RETURNING 1",
    ],
    "a transaction leaves no mark": [
      "INSERT INTO commits (id, committed) SELECT $2::uuid, true WHERE pg_current_xact_id()::text = $1 RETURNING 1",
      "SELECT $2::uuid WHERE pg_current_xact_id()::text = $1",
      ...lost,
    ],
    "a mark says that it is none": ["SELECT $2::uuid, true WHERE", "SELECT $2::uuid, false WHERE", ...lost],
    "nonces are not written": [
      "filter((name) => given[name].length > 0)",
      `filter((name) => given[name].length > 0 && name !== "nonces")`,
      "persistence/Processes",
    ],
  }),
  ...of("persistence/src/Tables.ts", ["persistence/Tables"], {
    "a reason is lost when a released deallocation is rejected": [
      `changing: ["state", "reason", "updated_at"]`,
      `changing: ["state", "updated_at"]`,
      "persistence/PgStore",
    ],
    "a time is written that was written for another": [
      "const millis = DateTime.toEpochMillis(time)",
      "const millis = Math.floor(DateTime.toEpochMillis(time) / 1_000)",
    ],
    "a column holds another field": [
      `"terms.clientId": ["client_id", "uuid"]`,
      `"terms.clientId": ["connection_id", "uuid"]`,
    ],
    "an amount is read as a number": [
      "read: (digits: string) => BigInt(digits)",
      "read: (digits: string) => BigInt(Number(digits))",
    ],
    "a balance does not change": [
      '[...Account.Balance.literals, "head"]',
      `["available", "reserved", "deallocated", "head"]`,
      "persistence/PgStore",
    ],
  }),
  ...of("persistence/src/Failures.ts", ["persistence/Failures"], {
    "a race for a key lasts": [`    case "UniqueViolation":\n`, ""],
    "every failure passes": [`? "passing" : "lasting"`, `? "passing" : "passing"`],
    "class 25 lasts": [`"25", "26"`, `"26"`],
    "class 26 lasts": [`"25", "26"`, `"25"`],
    "a full disk lasts": [`"40", "53", "55"`, `"40", "55"`],
    "a shutdown lasts": [`"57", "58"`, `"58"`],
    "a serialization failure or a deadlock lasts": [`"26", "40"`, `"26"`],
    "a lost connection lasts": [`    case "ConnectionError":\n`, ""],
    "a batch is blamed for what keeps one from connecting": [
      `new BatchFailure({ kind: "connection", cause: Cause.squash(cause) })`,
      `new BatchFailure({ kind: "lasting", cause: Cause.squash(cause) })`,
    ],
  }),
  ...of("persistence/src/Restore.ts", nonces, {
    "a restore is not noticed": [
      "CASE WHEN f.database <> given.database OR f.incarnation <> given.incarnation",
      "CASE WHEN false",
    ],
    "a restore of files is not noticed": [" OR f.incarnation <> given.incarnation\n", "\n"],
    "a new database counts as restored": [
      "CASE WHEN f.database <> given.database",
      "CASE WHEN f.database IS DISTINCT FROM given.database",
    ],
    "where the database lives is not remembered": ["    database = given.database,\n", "    database = f.database,\n"],
    "the mark goes back with a restore": ["THEN greatest(nonces_until, now()", "THEN least(nonces_until, now()"],
    "tokens from before a restore are taken": ["const tokenSeconds = 65", "const tokenSeconds = 0"],
  }),
  ...of("persistence/src/PgStore.ts", nonces, {
    "nonces are forgotten five minutes before they expire": [
      "now() - interval '5 minutes'",
      "now() + interval '5 minutes'",
    ],
    "nonces are forgotten without a trace": ["SET nonces_until = latest", "SET nonces_until = nonces_until"],
    "the mark of what was forgotten goes back": [" WHERE latest > nonces_until", " WHERE latest IS NOT NULL"],
    "marks of transactions are forgotten at once": [
      "WHERE at < now() - ${commitsKept.for}::interval",
      "WHERE at < now() - ${commitsKept.for}::interval * 0",
      ...lost,
    ],
    "a process that is frozen keeps its locks": [`  idle_in_transaction_session_timeout: "5s",\n`, "", ...locks],
    "ready looks at the readers alone": [
      `[reads.ready.pipe(observing("database")), ready.pipe(observing("writer"))]`,
      "[reads.ready]",
      "persistence/Readiness",
    ],
    "a restore of files is not passed on": ["incarnation: config.incarnation,", "incarnation: undefined,"],
  }),
  ...of("persistence/src/Reads.ts", ["persistence/PgStore"], {
    "a nonce counts twice where there is no command": [
      "    if (used?.[1] !== true) return yield* new Ledger.NonceUsed({ nonce: value })\n  }, orUnavailable())",
      "    if (used?.[0] !== true) return yield* new Ledger.NonceUsed({ nonce: value })\n  }, orUnavailable())",
      "persistence/Processes",
    ],
    "two ask with one token at once": ["'hex') FOR UPDATE", "'hex')", "persistence/Connections"],
    "two tokens of an account are asked with at once": [
      "SELECT pg_advisory_xact_lock(hashtextextended(${`account",
      "SELECT (hashtextextended(${`account",
      "persistence/Connections",
    ],
    "a token is not used up": ["SET used_by =", "SET used_by = NULL WHERE used_by =", "persistence/Connections"],
    "whoever reads backwards does not wait for what is still to come": [
      "BigInt(before) > settled ? settled + 1n : BigInt(before)",
      "BigInt(before) > settled ? 1n << 62n : BigInt(before)",
      "persistence/Feed",
    ],
    "whoever follows does not wait for what is still to come": [
      "while (open.length > 0)",
      "while (open.length < 0)",
      "persistence/Feed",
    ],
    "a forgotten nonce counts again where there is no command": ["AND expires_at > nonces_until", "", ...nonces],
    "nobody looks whether the database was restored before a request that is no command": [
      "WHERE ${Restore.hasLooked} AND",
      "WHERE",
      ...nonces,
    ],
    "a registration waits for nobody": [
      '(SELECT pg_advisory_xact_lock(${registrationKey("$1")}))',
      "(SELECT 1)",
      "persistence/Registration",
    ],
    "a registration with other identifiers is taken": [
      "if (differences.length > 0) return",
      "if (differences.length > 4) return",
    ],
    "the journal is read without end": ["        UNION\n", "        UNION ALL\n", ...locks],
    "a fault of ours is one of the database": [
      `if (Failures.kindOf(error) === "lasting") return Effect.die(error)`,
      "",
      "persistence/Readiness",
    ],
    "a read is waited for as long as the driver waits": [
      "Effect.forkDetach(Fiber.interrupt(reading))",
      "Fiber.interrupt(reading)",
      "system/Frozen",
    ],
  }),
  ...of("persistence/src/Audit.ts", ["persistence/Audit"], {
    "what ended twice is not looked for": ["HAVING count(*) > 1", "HAVING count(*) > 1000"],
  }),
  ...of("persistence/src/Migrations.ts", ["persistence/Migrations"], {
    "a role keeps the rights that it had": ["yield* sql`REVOKE ALL ON ${sql(name)} FROM ${sql(role)}`", "", ...locks],
    "a role may change the journal": [`journal: "SELECT, INSERT",`, `journal: "SELECT, INSERT, UPDATE",`],
    "a role may remove transfers": [
      `transfers: "SELECT, INSERT, UPDATE",`,
      `transfers: "SELECT, INSERT, UPDATE, DELETE",`,
    ],
    "the tables of a newer version are used": ["if (found > known) return", "if (found > known + 1_000) return"],
    "somebody else's objects are moved": ["if (since <= found) yield*", "if (since <= 6) yield*"],
    "tables of an earlier version elsewhere are passed over": [
      "if (first !== undefined) return",
      "if (first === null) return",
    ],
    "tables that were read back into public are passed over": [
      `if (isEarly(yield* version("public"))) return`,
      "if (isEarly(0)) return",
    ],
    "servers of earlier versions begin anew where the tables were": ["const movedAway = 9_999", "const movedAway = 6"],
    "what a role may not see ends its start": ["AND has_schema_privilege(n.oid, 'USAGE') ", "AND true "],
    "the journal can be changed": [
      "BEFORE UPDATE OR DELETE OR TRUNCATE ON journal",
      "BEFORE UPDATE OR TRUNCATE ON journal",
      "persistence/GroupCommit",
    ],
  }),
]
