/** What is known of a request: by those who handle it, who add to it, and of those that were answered. */
import { Holdfast, type Ledger } from "@holdfast/domain"
import { Context, Effect } from "effect"
import type { Route } from "../contract/Routes.ts"

/** What is known of a request once it is answered. */
export interface Seen {
  readonly method: string
  /** None for an address that is unknown. */
  readonly route: Route | undefined
  readonly status: number
  readonly startMillis: number
  readonly durationMillis: number
  readonly notes: Notes
}

/** What the parts that handle a request add to its line: ids by their names, and what is said here. */
export interface Notes {
  /** `requestId` among them, and `traceId` and `spanId` where the request is part of a trace. */
  [id: `${string}Id`]: string | undefined
  /** The name of the operator who asked. */
  operator?: string
  /** The address that it came from, as it is counted. */
  caller?: string
  /** Why its credentials were refused; the answer never says. */
  refused?: string
  /** The command that it was and about what, for the metrics. */
  command?: { readonly kind: string; readonly name: string }
  /** The state that the command left. */
  outcome?: string
  /** Why what was asked for was rejected. */
  rejection?: string
  /** It was an equal repeat: it was answered as before, and nothing was done. */
  replayed?: boolean
  /** The error of the domain that it ended with. */
  error?: string
}

/** Where there is no request. */
const none: Notes = Object.freeze({})

/** The notes of the request at hand. */
export const CurrentNotes = Context.Reference<Notes>("@holdfast/http/RequestLog/CurrentNotes", {
  defaultValue: () => none,
})

/** Adds to the line of the request at hand. */
export const note = (notes: Notes): Effect.Effect<void> =>
  Effect.map(CurrentNotes, (current) => {
    if (current !== none) Object.assign(current, notes)
  })

/** Notes a command, what it was about, and what it came to. */
export const counted =
  (kind: string, name: string) =>
  <A extends Ledger.Transfer, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(CurrentNotes, (notes) => {
      if (notes === none) return self
      notes.command = { kind, name }
      const heard = Effect.provideService(self, Holdfast.Acted, (acted) => {
        if (!acted) notes.replayed = true
      })
      return Effect.map(heard, (transfer) => {
        notes["connectionId"] = transfer.terms.connectionId
        notes.outcome = transfer.state
        if (transfer.state === "Rejected") notes.rejection = transfer.reason
        return transfer
      })
    })
