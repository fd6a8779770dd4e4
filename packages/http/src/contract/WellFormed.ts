/** What may be wrong with any request, and with any answer. */
import { HttpApiMiddleware } from "effect/http-api"
import * as Problems from "./Problems.ts"

/** Turns paths and queries that cannot be decoded into problems. */
export class WellFormed extends HttpApiMiddleware.Service<WellFormed>()("@holdfast/http/WellFormed", {
  error: [Problems.MalformedRequest, Problems.InternalError],
}) {}
