/**
 * Whose turn it is, where no more than so many a second get one: callers one after
 * another, each with what it asked for first. So a caller who asks for a lot
 * waits for itself, and keeps nobody else waiting.
 */
export class Turns<A> {
  /** What waits, by caller, in the order of their turns. */
  readonly #waiting = new Map<string, Set<A>>()
  readonly #intervalMillis: number
  /** When the next turn is due. */
  #dueMillis = Number.NEGATIVE_INFINITY

  constructor(perSecond: number) {
    this.#intervalMillis = 1_000 / perSecond
  }

  add(caller: string, item: A): void {
    const waiting = this.#waiting.get(caller)
    if (waiting === undefined) this.#waiting.set(caller, new Set([item]))
    else waiting.add(item)
  }

  /** Whoever does not wait any longer takes nobody's turn. */
  remove(caller: string, item: A): void {
    const waiting = this.#waiting.get(caller)
    waiting?.delete(item)
    if (waiting?.size === 0) this.#waiting.delete(caller)
  }

  /** The next, if its turn is due. What was not used of the last second still is. */
  take(nowMillis: number): A | undefined {
    const [next] = this.#waiting
    const dueMillis = Math.max(this.#dueMillis, nowMillis - 1_000 + this.#intervalMillis)
    if (next === undefined || dueMillis > nowMillis) return undefined
    this.#dueMillis = dueMillis + this.#intervalMillis
    const [caller, waiting] = next
    const [item] = waiting
    this.#waiting.delete(caller)
    if (item !== undefined) waiting.delete(item)
    if (waiting.size > 0) this.#waiting.set(caller, waiting)
    return item
  }

  /** What took more than its share is made up for by all. */
  charge(turns: number): void {
    this.#dueMillis += turns * this.#intervalMillis
  }

  /** How long until the next turn; none where nobody waits for it. */
  millisToNext(nowMillis: number): number | undefined {
    return this.#waiting.size === 0 ? undefined : Math.max(0, this.#dueMillis - nowMillis)
  }

  /** All that waits, in no order; nothing does any longer. */
  clear(): ReadonlyArray<A> {
    const all = [...this.#waiting.values()].flatMap((waiting) => [...waiting])
    this.#waiting.clear()
    return all
  }
}
