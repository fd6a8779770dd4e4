/**
 * Spans for a collector, by OpenTelemetry's own variables. Off unless they name one and say that traces go there:
 * then nothing of this is loaded.
 */
import { Config, Effect, Layer } from "effect"
import { version } from "./ProcessMetrics.ts"

export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const exporters = ["OTEL_TRACES_EXPORTER", "OTEL_LOGS_EXPORTER", "OTEL_METRICS_EXPORTER"]
    const named = yield* Effect.forEach(exporters, (name) => Config.withDefault(Config.String(name), ""))
    if (named.every((exporter) => exporter === "")) return Layer.empty
    const [{ Otlp, OtlpSerialization }, { FetchHttpClient }] = yield* Effect.promise(() =>
      Promise.all([import("effect/observability"), import("effect/http")]),
    )
    return Otlp.layerFromConfig({ resource: { serviceName: "holdfast", serviceVersion: version } }).pipe(
      Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer]),
    )
  }).pipe(Effect.orDie),
)
