/** What the server answers, for as long as it is shown; what was there stays until the next is there. */
import { signal } from "@preact/signals"
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks"
import * as Api from "./Api.ts"
import { livelyMillis, useRegularly } from "./Live.ts"

export interface Asked<A> {
  readonly data: A | undefined
  readonly problem: Api.Problem | undefined
  readonly busy: boolean
  /** Asks again; while an answer is on its way, once that has come: those who ask too often would never have one. */
  readonly again: () => void
}

/** Of how much that is shown the newest could not be asked for. */
export const notCurrent = signal(0)

/** `undefined` asks nothing. */
export const useAsk = <A>(path: string | undefined): Asked<A> => {
  const [answer, setAnswer] = useState<{ path?: string; data?: A; problem?: Api.Problem; busy: boolean }>({
    busy: path !== undefined,
  })
  const running = useRef<{ readonly controller: AbortController; readonly path: string; again: boolean }>(undefined)
  const again = useCallback((): void => {
    if (running.current !== undefined && running.current.path === path) {
      running.current.again = true
      return
    }
    running.current?.controller.abort()
    running.current = undefined
    if (path === undefined) return
    const controller = new AbortController()
    const asking = { controller, path, again: false }
    running.current = asking
    const ended = () => {
      running.current = undefined
      if (asking.again) again()
    }
    // Of another path nothing is kept: it would be shown under the wrong name.
    setAnswer((before) => (before.path === path ? { ...before, busy: true } : { path, busy: true }))
    Api.ask<A>(path, { signal: controller.signal }).then(
      (data) => {
        if (controller.signal.aborted) return
        ended()
        setAnswer({ path, data, busy: running.current !== undefined })
      },
      (error) => {
        if (controller.signal.aborted) return
        ended()
        const problem = Api.toProblem(error)
        setAnswer((before) => ({ ...before, problem, busy: running.current !== undefined }))
      },
    )
  }, [path])
  useEffect(() => {
    again()
    return () => {
      running.current?.controller.abort()
      running.current = undefined
    }
  }, [again])
  const ours = answer.path === path
  const fails = ours && answer.problem !== undefined && Api.isPassing(answer.problem)
  useRegularly(
    again,
    useMemo(() => (fails ? livelyMillis() : undefined), [fails]),
  )
  useEffect(() => {
    if (!fails) return
    notCurrent.value++
    return () => {
      notCurrent.value--
    }
  }, [fails])
  return {
    data: ours ? answer.data : undefined,
    problem: ours ? answer.problem : undefined,
    busy: answer.busy || !ours,
    again,
  }
}
