/**
 * One of several processes that are one server: it serves what any of them may be asked, tells the supervisor what it
 * is asked, and asks it about the others.
 */
import * as Problems from "@holdfast/http/Problems"
import { Whole } from "@holdfast/http/Whole"
import { Deferred, Effect, Layer, Schema } from "effect"
import * as Exposition from "./Exposition.ts"
import type { Answer, FromWorker, Question, ToWorker } from "./Messages.ts"
import { patienceMillis } from "./Messages.ts"

/** What the supervisor has made before: a database, keys and tokens, where they are not given. */
export const Prepared = Schema.Struct({
  database: Schema.optional(
    Schema.Struct({
      connection: Schema.Struct({ path: Schema.String, username: Schema.String, database: Schema.String }),
      incarnation: Schema.String,
    }),
  ),
  publicKeyFiles: Schema.Array(Schema.String),
  operatorTokenFile: Schema.optional(Schema.String),
})

export type Prepared = typeof Prepared.Type

/** Where it is handed over. */
const variable = "HOLDFAST_WORKER"

const codec = Schema.fromJsonString(Prepared)

export const environmentOf = (prepared: Prepared) => ({ [variable]: Schema.encodeSync(codec)(prepared) })

/** What was prepared, if this is such a process. */
export const prepared: Prepared | undefined =
  process.env[variable] === undefined ? undefined : Schema.decodeUnknownSync(codec)(process.env[variable])

/** Without a supervisor this process ends too. */
const send = (message: FromWorker) => void process.send?.(message, undefined, {}, () => {})

/** Says that this process serves. */
export const serving = (address: string): Effect.Effect<void> => Effect.sync(() => send({ tag: "serving", address }))

const notReady = new Problems.Unavailable({ detail: "A part of the server is not ready.", retryAfterSeconds: 1 })

/** Asks all processes, this one among them. */
export const layerWhole = Layer.succeed(
  Whole,
  Effect.fnUntraced(function* (part) {
    const run = Effect.runForkWith(yield* Effect.context())
    const asked = new Map<number, Deferred.Deferred<ReadonlyArray<Answer>>>()
    let lastId = 0
    const answer = (question: Question): Effect.Effect<Answer> =>
      question === "metrics"
        ? part.metrics
        : Effect.match(part.ready, { onSuccess: () => "ready", onFailure: () => null })
    const hear = (message: ToWorker) => {
      const { id } = message
      if (message.tag === "ask") {
        run(Effect.map(answer(message.question), (answer) => send({ tag: "answer", id, answer })))
      } else {
        const waiting = asked.get(id)
        if (waiting !== undefined) Deferred.doneUnsafe(waiting, Effect.succeed(message.answers))
        asked.delete(id)
      }
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on("message", hear)),
      () => Effect.sync(() => process.off("message", hear)),
    )
    const ask = (question: Question) =>
      Effect.suspend(() => {
        const id = ++lastId
        const answers = Deferred.makeUnsafe<ReadonlyArray<Answer>>()
        asked.set(id, answers)
        send({ tag: "ask", id, question })
        return Deferred.await(answers)
      })
    return {
      metrics: Effect.map(ask("metrics"), (texts) => Exposition.sum(texts.filter((text) => text !== null))),
      ready: Effect.flatMap(ask("ready"), (answers) =>
        answers.includes(null) ? Effect.fail(notReady) : Effect.void,
      ).pipe(Effect.timeoutOrElse({ duration: patienceMillis, orElse: () => Effect.fail(notReady) })),
    }
  }),
)
