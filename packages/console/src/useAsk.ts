/** What the server answers, for as long as it is shown; what was there stays until the next is there. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks"
import * as Api from "./Api.ts"

export interface Asked<A> {
  readonly data: A | undefined
  readonly problem: Api.Problem | undefined
  readonly busy: boolean
  /** Asks again. */
  readonly again: () => void
}

/** `undefined` asks nothing. */
export const useAsk = <A>(path: string | undefined): Asked<A> => {
  const [answer, setAnswer] = useState<{ path?: string; data?: A; problem?: Api.Problem; busy: boolean }>({
    busy: path !== undefined,
  })
  const running = useRef<AbortController>(undefined)
  const again = useCallback(() => {
    running.current?.abort()
    if (path === undefined) return
    const controller = new AbortController()
    running.current = controller
    // Of another path nothing is kept: it would be shown under the wrong name.
    setAnswer((before) => (before.path === path ? { ...before, busy: true } : { path, busy: true }))
    Api.ask<A>(path, { signal: controller.signal }).then(
      (data) => setAnswer({ path, data, busy: false }),
      (error) => {
        if (controller.signal.aborted) return
        const problem = Api.toProblem(error)
        setAnswer((before) => ({ ...before, problem, busy: false }))
      },
    )
  }, [path])
  useEffect(() => {
    again()
    return () => running.current?.abort()
  }, [again])
  const ours = answer.path === path
  return {
    data: ours ? answer.data : undefined,
    problem: ours ? answer.problem : undefined,
    busy: answer.busy || !ours,
    again,
  }
}
