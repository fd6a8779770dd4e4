/**
 * Several processes that are one server, for machines of many cores: each serves the same port, and has a writer of its
 * own on the same database, as several servers would. One more process watches over them: it starts them, starts another
 * for one that ends, passes signals on, writes what they write, and gathers what is told of all.
 */
import cluster, { type Worker as Process } from "node:cluster"
import type { Readable } from "node:stream"
import { Data, Deferred, Duration, Effect, Schedule, type Scope } from "effect"
import { standardError, standardOutput } from "../node/Output.ts"
import * as Exposition from "./Exposition.ts"
import { type Answer, type FromWorker, patienceMillis, type ToWorker } from "./Messages.ts"
import * as Worker from "./Worker.ts"

/** A process ended before it served; it has said why. */
export class NotServing extends Data.TaggedError("NotServing")<{ readonly pid: number; readonly how: string }> {
  override get message() {
    return `Process ${this.pid} ended before it served (${this.how}).`
  }
}

/** How long a process may take to answer what it has in hand when it is told to end. */
const patience = Duration.seconds(30)

/** How soon another process takes the place of one that ended. */
const backoff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

/** Starts so many processes, and gives their address once all of them serve. */
export const start = Effect.fnUntraced(function* (
  count: number,
  prepared: Worker.Prepared,
  passOn: ReadonlyArray<NodeJS.Signals>,
): Effect.fn.Return<string, NotServing, Scope.Scope> {
  cluster.setupPrimary({ silent: true })
  const serving = new Map<number, Process>()
  const gathered = gather(serving)
  const env = Worker.environmentOf(prepared)

  /** The life of one process. */
  const life = (onServing: (address: string) => void) =>
    Effect.gen(function* () {
      const worker = yield* Effect.acquireRelease(
        Effect.sync(() => {
          const worker = cluster.fork(env)
          const ended = Deferred.makeUnsafe<string>()
          // That it has ended is heard of all the same.
          worker.on("error", () => {})
          worker.on("exit", (code, signal) => Deferred.doneUnsafe(ended, Effect.succeed(signal ?? `exit code ${code}`)))
          return { worker, ended, pid: worker.process.pid ?? 0 }
        }),
        ({ worker, ended }) =>
          Effect.sync(() => worker.process.kill("SIGTERM")).pipe(
            Effect.andThen(Deferred.await(ended)),
            Effect.timeoutOrElse({
              duration: patience,
              orElse: () =>
                Effect.andThen(
                  Effect.sync(() => worker.process.kill("SIGKILL")),
                  Deferred.await(ended),
                ),
            }),
          ),
      )
      const { worker: process, ended, pid } = worker
      forward(process.process.stdout, standardOutput)
      forward(process.process.stderr, standardError)
      const isServing = Deferred.makeUnsafe<string>()
      process.on("message", (message: FromWorker) => {
        if (message.tag === "serving") Deferred.doneUnsafe(isServing, Effect.succeed(message.address))
        else gathered.hear(process, message)
      })
      const failed = Effect.flatMap(Deferred.await(ended), (how) => Effect.fail(new NotServing({ pid, how })))
      onServing(yield* Effect.raceFirst(Deferred.await(isServing), failed))
      serving.set(process.id, process)
      const how = yield* Deferred.await(ended)
      serving.delete(process.id)
      gathered.forget(process)
      yield* Effect.logError("A process of the server ended. Another takes its place.", {
        "process.pid": pid,
        "holdfast.exit": how,
      })
    }).pipe(Effect.scoped)

  for (const signal of passOn) {
    const pass = () => {
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal)
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on(signal, pass)),
      () => Effect.sync(() => process.off(signal, pass)),
    )
  }

  const first = Array.from({ length: count }, () => Deferred.makeUnsafe<string, NotServing>())
  const another = Effect.andThen(
    Effect.sleep("100 millis"),
    life(() => {}),
  )
  const lives = first.map((served) =>
    life((address) => Deferred.doneUnsafe(served, Effect.succeed(address))).pipe(
      Effect.tapError((error) => Effect.sync(() => Deferred.doneUnsafe(served, Effect.fail(error)))),
      // Once one has served, there is another after it for as long as the scope lasts.
      Effect.andThen(Effect.retry(Effect.forever(another), backoff)),
      Effect.ignore,
    ),
  )
  // In one fiber, so that all are told to end at the same time.
  yield* Effect.forkScoped(Effect.all(lives, { concurrency: "unbounded", discard: true }))
  const [address = ""] = yield* Effect.all(first.map(Deferred.await))
  return address
})

/** Writes what a process writes, line by line, so that those of several do not get mixed up. */
export const forward = (from: Readable | null, to: { readonly write: (lines: ReadonlyArray<string>) => void }) => {
  let rest = ""
  from?.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop() ?? ""
    if (lines.length > 0) to.write(lines)
  })
}

/** Says something to a process, unless that has just ended. */
const tell = (worker: Process, message: ToWorker) => {
  if (worker.isConnected()) worker.send(message, () => {})
}

/** Asks all processes for one of them. */
const gather = (serving: ReadonlyMap<number, Process>) => {
  interface Asked {
    readonly answers: Map<number, Answer>
    readonly missing: Set<number>
    readonly done: () => void
  }
  const asked = new Map<number, Asked>()
  /** What a process counted up to when it was asked last; of those that have ended, the sum. */
  const counted = new Map<number, string>()
  let ended = Exposition.sum([])
  let lastId = 0

  const give = (id: number, from: number, answer: Answer) => {
    const question = asked.get(id)
    if (question === undefined || !question.missing.delete(from)) return
    question.answers.set(from, answer)
    if (question.missing.size === 0) question.done()
  }

  const ask = (asking: Process, { id: theirs, question }: Extract<FromWorker, { readonly tag: "ask" }>) => {
    const id = ++lastId
    const answers = new Map<number, Answer>()
    const done = () => {
      clearTimeout(timer)
      asked.delete(id)
      const all = [...answers.values()]
      if (question === "metrics") {
        for (const [from, text] of answers) if (text !== null) counted.set(from, text)
        all.push(ended)
      }
      tell(asking, { tag: "answers", id: theirs, answers: all })
    }
    const timer = setTimeout(() => {
      for (const from of asked.get(id)?.missing ?? []) {
        answers.set(from, (question === "metrics" ? counted.get(from) : undefined) ?? null)
      }
      done()
    }, patienceMillis - 200)
    asked.set(id, { answers, missing: new Set(serving.keys()), done })
    for (const worker of serving.values()) tell(worker, { tag: "ask", id, question })
  }

  return {
    hear: (from: Process, message: Exclude<FromWorker, { readonly tag: "serving" }>) => {
      if (message.tag === "ask") ask(from, message)
      else give(message.id, from.id, message.answer)
    },
    forget: ({ id: from }: Process) => {
      ended = Exposition.sum([], [ended, counted.get(from) ?? ""])
      counted.delete(from)
      for (const id of asked.keys()) give(id, from, null)
    },
  }
}
