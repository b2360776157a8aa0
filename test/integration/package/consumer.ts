/** What a consumer writes, for the compiler: every entry, and the main calls with the types they promise. */
export const everyEntry = `
import { EventDataBatch, EventHubError, EventHubProducerClient, OperationTimeoutError } from 'eventhub-sluice'
import type { EventData, EventHubProducerClientOptions, FlushReport, Invocation } from 'eventhub-sluice'
import { forwardToEventHub, withEventHub } from 'eventhub-sluice/aws-lambda'
import { createFetchHandler } from 'eventhub-sluice/fetch'
import * as amqp from 'eventhub-sluice/amqp'
import * as https from 'eventhub-sluice/https'
import * as localHub from 'eventhub-sluice/local-hub'

export async function publish(connectionString: string, bodies: readonly unknown[]): Promise<number> {
  const client = EventHubProducerClient.fromConnectionString(connectionString, { eventHubName: 'orders' })
  const invocation: Invocation = client.beginInvocation({ timeoutInMs: 1000 })
  const event: EventData = { body: bodies[0], properties: { attempt: 1 } }
  await invocation.sendEvent(event, { partitionKey: 'a' })
  await client.sendBatch(bodies.map((body) => ({ body })))
  const report: FlushReport = await invocation.end()
  for (const { error, outcome } of report.failures) {
    const known: EventHubError = error
    if (known instanceof OperationTimeoutError && outcome === 'unknown') return -1
  }
  // @ts-expect-error a typing mistake in an option must not pass
  await client.sendEvent(event, { partitionKye: 'a' })
  // @ts-expect-error an event is an object with a body
  await client.sendEvent('text')
  await client.close({ flush: false })
  return report.accepted
}
export const tls: EventHubProducerClientOptions = { tls: { ca: Buffer.from('pem'), rejectUnauthorized: true } }
// @ts-expect-error verification stays on
export const unverified: EventHubProducerClientOptions = { tls: { rejectUnauthorized: false } }
// @ts-expect-error only a client makes a batch
export const batch = new EventDataBatch()
export const used = [forwardToEventHub, withEventHub, createFetchHandler, amqp, https, localHub]
`

export const functionsEntry = `
import { eventHubOutput, withEventHub } from 'eventhub-sluice/azure-functions'
export const used = [eventHubOutput, withEventHub]
`

export const edgeEntries = `
import { EventHubProducerClient } from 'eventhub-sluice'
import type { EventHubProducerClientOptions } from 'eventhub-sluice'
import { createFetchHandler } from 'eventhub-sluice/fetch'
import * as https from 'eventhub-sluice/https'
// The types of Node are not needed to say how TLS is done.
export const options: EventHubProducerClientOptions = { tls: { ca: [new Uint8Array(), 'pem'], minVersion: 'TLSv1.3' } }
// @ts-expect-error buffered mode needs its callbacks
export const wrong: EventHubProducerClientOptions = { bufferedMode: true }
export const used = [EventHubProducerClient, createFetchHandler, https]
`

const strict = {
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
  target: 'es2022',
}

/** The compiler settings of a Node project, for ESM (.mts) and CommonJS (.cts) sources. */
export const nodeProject = {
  compilerOptions: { ...strict, module: 'nodenext', lib: ['es2023', 'esnext.disposable'], types: ['node'] },
}

/** Of a project that a bundler builds, for Node. */
export const bundlerProject = {
  compilerOptions: { ...nodeProject.compilerOptions, module: 'esnext', moduleResolution: 'bundler' },
}

/** Of a Worker: no Node types at all. */
export const workerProject = {
  compilerOptions: {
    ...strict,
    module: 'esnext',
    moduleResolution: 'bundler',
    customConditions: ['workerd', 'worker'],
    lib: ['es2023', 'esnext.disposable', 'webworker'],
    types: [],
  },
}
