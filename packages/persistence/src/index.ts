export * as Audit from "./Audit.ts"
export * as Migrations from "./Migrations.ts"
export * as PgStore from "./PgStore.ts"
export * as Schemas from "./Schemas.ts"
