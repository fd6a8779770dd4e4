/**
 * What is reserved and for how long. A server that does not add it up says nothing of it: then it is counted from the
 * lists, the oldest of each kind.
 */
import { useEffect, useState } from "preact/hooks"
import * as Api from "./Api.ts"

/** As many as a page of a list has at most. */
const most = 200

const bounds = [60, 300, 3_600, 21_600, 86_400, null] as const

interface Counted {
  readonly reserved: ReadonlyArray<Api.ReservedAges>
  /** Whether there are more than were counted. */
  readonly more: boolean
}

const since = ({ updatedAt, createdAt }: Api.Transfer) => updatedAt ?? createdAt

const agesOf = (transfers: ReadonlyArray<Api.Transfer>, now: number): Api.ReservedAges["ages"] => {
  const seconds = transfers.map((transfer) => (now - Date.parse(since(transfer))) / 1000)
  return bounds.map((upToSeconds, index) => {
    const from = bounds[index - 1] ?? Number.NEGATIVE_INFINITY
    const count = seconds.filter((age) => age > from && (upToSeconds === null || age <= upToSeconds)).length
    return { upToSeconds, count }
  })
}

const count = async (): Promise<Counted> => {
  const now = Date.now()
  const lists = await Promise.all(
    (["deallocation", "allocation", "lock"] as const).map(async (kind) => {
      const { path } = Api.kinds[kind]
      const page = await Api.ask<Record<string, ReadonlyArray<Api.Transfer>> & { readonly nextCursor: string | null }>(
        `/${path}?state=RESERVED&order=oldest&limit=${most}`,
      )
      const byCurrency = Map.groupBy(page[path] ?? [], ({ amount }) => amount.currency)
      const reserved = Array.from(
        byCurrency,
        ([currency, transfers]): Api.ReservedAges => ({
          kind,
          currency,
          count: transfers.length,
          quantity: String(transfers.reduce((sum, { amount }) => sum + BigInt(amount.quantity), 0n)),
          oldestAt: transfers.map(since).toSorted()[0] ?? "",
          ages: agesOf(transfers, now),
        }),
      )
      return { reserved, more: page.nextCursor !== null }
    }),
  )
  return { reserved: lists.flatMap(({ reserved }) => reserved), more: lists.some(({ more }) => more) }
}

/** Counted anew with each overview. */
export const useReserved = (overview: Api.Overview): Counted => {
  const [counted, setCounted] = useState<Counted>({ reserved: [], more: false })
  useEffect(() => {
    if (overview.reserved.length > 0) return
    let current = true
    count().then(
      (found) => current && setCounted(found),
      // What hinders it hinders the overview too, which says so.
      () => undefined,
    )
    return () => {
      current = false
    }
  }, [overview])
  return overview.reserved.length > 0 ? { reserved: overview.reserved, more: false } : counted
}
