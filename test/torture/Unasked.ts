/** What nobody asks of a store in these tests. */
import type { Store } from "@holdfast/domain"
import { Effect } from "effect"

const unused = Effect.die("Nobody asks for this here.")

export const unasked = {
  useNonce: () => unused,
  connect: () => unused,
  issueToken: () => unused,
  revokeToken: () => unused,
  tokens: () => unused,
  suspend: () => unused,
  connections: () => unused,
  totals: unused,
  reserved: unused,
  list: () => unused,
  journal: () => unused,
  entries: () => unused,
  entriesBefore: () => unused,
  ready: Effect.void,
} satisfies Partial<Store.Store>
