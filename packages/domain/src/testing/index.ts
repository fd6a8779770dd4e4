/**
 * What your CI can hold a store, or a whole service, to: {@link laws},
 * {@link systemLaws} and {@link domainLaws} are lists of laws for whatever runs
 * your tests. They need nothing but `effect`.
 */
export * as Arbitraries from "./Arbitraries.ts"
export { domainLaws } from "./DomainLaws.ts"
export * as Law from "./Law.ts"
export * as Model from "./Model.ts"
export { laws, type MakeStore } from "./StoreLaws.ts"
export * as System from "./System.ts"
export { type MakeSystem, type Options, systemLaws } from "./SystemLaws.ts"
export * as World from "./World.ts"
