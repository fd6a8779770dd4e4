export * as PgDeallocations from "./PgDeallocations.ts"
