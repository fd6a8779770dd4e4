/** Dangerous changes, hand-picked: each could cost somebody money, or open a door. */
import { domain } from "./Domain.ts"
import { http } from "./Http.ts"
import type { Mutant } from "./Mutant.ts"
import { persistence } from "./Persistence.ts"

export const all: ReadonlyArray<Mutant> = [...domain, ...persistence, ...http]
