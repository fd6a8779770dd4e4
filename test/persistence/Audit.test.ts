/** The audit finds nothing on what the service wrote, and everything that anybody changes behind its back. */
import { assert, it } from "@effect/vitest"
import { Holdfast, Audit as Replay } from "@holdfast/domain"
import { System, systemLaws } from "@holdfast/domain/testing"
import { Audit } from "@holdfast/persistence"
import { Array as Array_, Effect } from "effect"
import { query, serviceOn, withDatabase } from "../support/Databases.ts"
import { adjustmentOf, funded, newConnection, termsOf } from "../support/Fixtures.ts"
import { ofOtherProcesses } from "../support/Laws.ts"

/** A few holds in every state, and rejections with and without an account. */
const activity = Effect.gen(function* () {
  const deallocations = yield* Holdfast.Holdfast
  const connection = yield* funded(100n)
  yield* deallocations.adjust(adjustmentOf(connection, "debit", 3n))
  const holds = yield* Effect.forEach([1n, 2n, 4n, 8n], (quantity) =>
    deallocations.reserve("deallocation", termsOf(connection, quantity)),
  )
  const [held, cleared, released, again] = holds.map(({ terms }) => terms)
  if (!held || !cleared || !released || !again) return yield* Effect.die("There are four.")
  yield* deallocations.clear("deallocation", cleared.id)
  yield* deallocations.release("deallocation", released.id)
  // In another moment than that in which it was reserved.
  yield* Effect.sleep(2)
  yield* deallocations.release("deallocation", again.id)
  yield* deallocations.reserve("deallocation", again)
  const rejected = yield* deallocations.reserve("deallocation", termsOf(connection, 1_000n))
  yield* deallocations.reserve("deallocation", termsOf(newConnection(), 1n))
  return { connection, held, cleared, released, rejected: rejected.terms }
})

it.live(
  "whatever the service writes, the audit finds nothing",
  () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const system = System.fromService(yield* Holdfast.Holdfast)
        const laws = systemLaws(() => Effect.succeed(system), { policies: [{}], runs: 30 })
        yield* Effect.forEach(ofOtherProcesses(laws), ({ check }) => check)
        const { entries, accounts, findings } = yield* Audit.run(database.config)
        assert.deepStrictEqual(findings, [])
        assert.isAbove(entries, 100)
        assert.isAtLeast(accounts, 60)
      }).pipe(Effect.provide(serviceOn(database))),
    ),
  60_000,
)

type Activity = Effect.Success<typeof activity>

const firstEntry = "(SELECT min(seq) FROM journal WHERE event = 'Reserved')"

const tamperings: Readonly<Record<string, (activity: Activity) => string>> = {
  "an edited quantity": () => `UPDATE journal SET quantity = quantity + 1 WHERE seq = ${firstEntry}`,
  "an edited balance": () => `UPDATE journal SET available = available + 1 WHERE seq = ${firstEntry}`,
  "a balance that what follows contradicts": ({ held }) =>
    `UPDATE journal SET reserved = 0 WHERE event = 'Reserved' AND transfer_id <> '${held.id}'`,
  "an edited time": () => `UPDATE journal SET at = at - interval '1 day' WHERE seq = ${firstEntry}`,
  "an edited time of the entry before": () =>
    "UPDATE journal SET previous_at = previous_at - interval '1 day' WHERE previous_at IS NOT NULL",
  "an entry before the first": () => `UPDATE journal SET previous_at = at WHERE seq = ${firstEntry}`,
  "an edited event": ({ cleared }) =>
    `UPDATE journal SET event = 'Released' WHERE event = 'Cleared' AND transfer_id = '${cleared.id}'`,
  "an edited version": () => `UPDATE journal SET version = 1 WHERE seq = ${firstEntry}`,
  "an edited hash": () => `UPDATE journal SET hash = decode(repeat('00', 32), 'hex') WHERE seq = ${firstEntry}`,
  "an entry moved to another account": () =>
    `UPDATE journal SET connection_id = gen_random_uuid() WHERE seq = ${firstEntry}`,
  "a removed entry": ({ held }) => `DELETE FROM journal WHERE transfer_id = '${held.id}'`,
  "a removed last entry": () => "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
  "a removed rejection, with its deallocation": ({ rejected: { id } }) =>
    `WITH gone AS (DELETE FROM journal WHERE transfer_id = '${id}')
      DELETE FROM transfers WHERE id = '${id}'`,
  "an inserted entry": ({ held }) =>
    `INSERT INTO journal (transfer_id, event, connection_id, currency, quantity, pending, available, locked, reserved,
        deallocated, at, hash, version)
      SELECT transfer_id, 'Cleared', connection_id, currency, quantity, pending, available, locked, reserved - quantity,
        deallocated + quantity, at, hash, version FROM journal WHERE transfer_id = '${held.id}'`,
  "two entries in each other's place": () =>
    `UPDATE journal j SET hash = other.hash FROM journal other
      WHERE (j.event, other.event) IN (('Credited', 'Debited'), ('Debited', 'Credited'))`,
  "an edited account": () => "UPDATE accounts SET available = available + 1",
  "balances that no entry explains": () =>
    `INSERT INTO accounts (connection_id, currency, pending, available, locked, reserved, deallocated, head)
      VALUES (gen_random_uuid(), 'BTC', 0, 1, 0, 0, 0, decode(repeat('00', 32), 'hex'))`,
  "a removed account": () => "DELETE FROM accounts",
  "an edited state": ({ held }) => `UPDATE transfers SET state = 'Released' WHERE id = '${held.id}'`,
  "an edited reason": () => "UPDATE transfers SET reason = 'CONNECTION_MISMATCH' WHERE reason = 'INSUFFICIENT_BALANCE'",
  "an edited quantity of a deallocation": ({ held }) =>
    `UPDATE transfers SET quantity = quantity + 1 WHERE id = '${held.id}'`,
  "an edited identifier": ({ held }) => `UPDATE transfers SET partner_client_id = 'other' WHERE id = '${held.id}'`,
  "an edited time of a deallocation": ({ held }) =>
    `UPDATE transfers SET updated_at = updated_at + interval '1 s' WHERE id = '${held.id}'`,
  "an edited time at which a deallocation was made": ({ held }) =>
    `UPDATE transfers SET created_at = created_at - interval '1 s' WHERE id = '${held.id}'`,
  "a removed deallocation": ({ held }) => `DELETE FROM transfers WHERE id = '${held.id}'`,
  "a deallocation that no entry explains": ({ held }) =>
    `INSERT INTO transfers SELECT gen_random_uuid(), kind, connection_id, currency, quantity, created_at, updated_at,
      state, reason, client_id, partners_connection_id, partner_client_id, partner_transfer_id, memo,
      direction
      FROM transfers WHERE id = '${held.id}'`,
  "an edited memo": () => "UPDATE transfers SET memo = 'other' WHERE state = 'Credited'",
  "a connection that is another": () => "UPDATE connections SET partner_client_id = 'other'",
}

for (const [title, tampering] of Object.entries(tamperings)) {
  it.live(`${title} is found`, () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const done = yield* activity
        assert.deepStrictEqual((yield* Audit.run(database.config)).findings, [])
        // As the owner of the tables can.
        yield* query(database, "ALTER TABLE journal DISABLE TRIGGER USER", tampering(done))
        const { findings } = yield* Audit.run(database.config)
        assert.isNotEmpty(findings)
        assert.match(
          Array_.headNonEmpty(findings.map(Replay.describe) as [string]),
          /^(journal|transfers|accounts):.* is .*\. Expected/,
        )
      }).pipe(Effect.provide(serviceOn(database))),
    ),
  )
}

it.live("what was done twice in one moment is found, though each entry could be", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const { cleared } = yield* activity
      const names = (yield* query(
        database,
        `SELECT string_agg(column_name, ', ') AS names FROM information_schema.columns
          WHERE table_schema = 'holdfast' AND table_name = 'journal' AND column_name <> 'seq'`,
      ))[0]?.["names"]
      const again = `INSERT INTO journal (${names}) SELECT ${names} FROM journal WHERE transfer_id = '${cleared.id}' ORDER BY seq`
      yield* query(database, again)
      const { findings } = yield* Audit.run(database.config)
      const twice = findings.filter(({ recorded }) => recorded === "Cleared, after it was final already")
      assert.deepStrictEqual(
        twice.map(({ id }) => id),
        [cleared.id],
      )
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)
