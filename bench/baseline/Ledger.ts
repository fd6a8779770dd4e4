/** What a ledger is asked, and what it answers. */

export interface Terms {
  readonly deallocationId: string
  readonly amount: { readonly currency: string; readonly quantity: string }
  readonly clientId: string
  readonly connectionId: string
  readonly partnersConnectionId: string
  readonly partnerClientId: string
}

export interface Nonce {
  readonly value: string
  readonly expiresAt: Date
}

type State = "Reserved" | "Rejected" | "Cleared" | "Released"
export type Reason = "INSUFFICIENT_BALANCE" | "UNKNOWN_CONNECTION" | "CONNECTION_MISMATCH"

/** A deallocation as its row has it. */
export interface Deallocation {
  readonly id: string
  readonly connection_id: string
  readonly currency: string
  readonly quantity: string
  readonly state: State
  readonly reason: Reason | null
  readonly client_id: string
  readonly partners_connection_id: string
  readonly partner_client_id: string
  readonly partner_deallocation_id: string
}

/** What a request comes to where it is not refused with another status than 200. */
export type Answer = Terms & { readonly partnerDeallocationId: string; readonly rejectionReason?: Reason }

/** A refusal that is an HTTP error. */
export class Refused extends Error {
  readonly statusCode: number
  readonly details: unknown
  constructor(statusCode: number, message: string, details?: unknown) {
    super(message)
    this.statusCode = statusCode
    this.details = details
  }
}

export const refusals = {
  usedToken: () => new Refused(401, "The token has been used before."),
  unknown: () => new Refused(404, "There is no such deallocation."),
  allocation: () => new Refused(409, "The id is in use by an allocation."),
  state: ({ state }: Deallocation) => new Refused(409, `The deallocation is ${state}.`),
  otherTerms: (differences: ReturnType<typeof differencesOf>) =>
    new Refused(409, "The id is known with other terms.", differences),
}

const termsOf = (deallocation: Deallocation): Terms => ({
  deallocationId: deallocation.id,
  amount: { currency: deallocation.currency, quantity: deallocation.quantity },
  clientId: deallocation.client_id,
  connectionId: deallocation.connection_id,
  partnersConnectionId: deallocation.partners_connection_id,
  partnerClientId: deallocation.partner_client_id,
})

export const answerOf = (deallocation: Deallocation): Answer => ({
  ...termsOf(deallocation),
  partnerDeallocationId: deallocation.partner_deallocation_id,
  ...(deallocation.reason === null ? {} : { rejectionReason: deallocation.reason }),
})

/** The fields in which what is recorded and what is given differ. */
export const differencesOf = (recorded: Deallocation, given: Terms) => {
  const flat = ({ amount, ...identifiers }: Terms) => ({ ...amount, ...identifiers })
  const [before, now] = [flat(termsOf(recorded)), flat(given)]
  return (Object.keys(before) as Array<keyof typeof before>)
    .filter((field) => before[field] !== now[field])
    .map((field) => ({ field, recorded: before[field], given: now[field] }))
}
