// Nothing to configure: where an OpenTelemetry SDK has registered itself, each batch sent is a span, and each event
// carries the trace context that its reader goes on from. `@opentelemetry/sdk-node` registers what the first lines do here.
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { EventHubProducerClient } from 'eventhub-sluice'

const exporter = new InMemorySpanExporter()
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

const client = EventHubProducerClient.fromConnectionString(process.env.EVENTHUB_CONNECTION_STRING ?? '')
await trace.getTracer('shop').startActiveSpan('checkout', async (span) => {
  await client.sendEvent({ body: { order: 1 } })
  span.end()
})
await client.close()

for (const { name, parentSpanContext } of exporter.getFinishedSpans()) {
  console.log(parentSpanContext === undefined ? name : `${name}, within checkout`)
}
