/** What the processes of one server say to one another. */

/** What one may ask of all. */
export type Question = "metrics" | "ready"

/** Nothing where the one asked cannot say, or is not ready. */
export type Answer = string | null

export type FromWorker =
  | { readonly tag: "serving"; readonly address: string }
  | { readonly tag: "ask"; readonly id: number; readonly question: Question }
  | { readonly tag: "answer"; readonly id: number; readonly answer: Answer }

export type ToWorker =
  | { readonly tag: "ask"; readonly id: number; readonly question: Question }
  | { readonly tag: "answers"; readonly id: number; readonly answers: ReadonlyArray<Answer> }

/** How long all of them may take to answer. */
export const patienceMillis = 1_900
