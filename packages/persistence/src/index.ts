export * as Audit from "./Audit.ts"
export * as Migrations from "./Migrations.ts"
export * as PgStore from "./PgStore.ts"
