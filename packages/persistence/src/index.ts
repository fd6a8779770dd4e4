export * as Audit from "./Audit.ts"
export * as PgDeallocations from "./PgDeallocations.ts"
