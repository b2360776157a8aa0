import { EventHubProducerClient } from '../../core/client.js'
import type { EventInput } from '../../core/event-data.js'
import {
  type FromProducer,
  type InvocationReport,
  type Invoke,
  numberProperty,
  takenAtProperty,
  type Work,
} from './producer-protocol.js'

/*
 * The page's producer: a Sluice client in a process of its own, so that it can be stopped and continued as platforms do it.
 * Started by producer.ts with an IPC channel; does what comes in by it and ends with it.
 */

/** Their keys fall on every partition of a hub with four. */
const meterCount = 12
const clients = new Map<string, EventHubProducerClient>()

function clientFor(connectionString: string): EventHubProducerClient {
  const known = clients.get(connectionString)
  if (known !== undefined) return known
  const say = (level: 'debug' | 'info' | 'warn' | 'error') => (text: string) => tell({ kind: 'log', level, text })
  const client = EventHubProducerClient.fromConnectionString(connectionString, {
    userAgent: 'hub-page',
    tracing: false,
    logger: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
  })
  clients.set(connectionString, client)
  return client
}

async function invoke({ connectionString, timeoutInMs, work }: Invoke): Promise<InvocationReport> {
  const client = clientFor(connectionString)
  const started = performance.now()
  const invocation = client.beginInvocation({ timeoutInMs })
  if (work.kind === 'stream') {
    const takenAt = Date.now()
    for (const number of work.numbers) {
      const meter = `meter-${(number % meterCount) + 1}`
      void invocation.sendEvent(reading(number, meter, takenAt), { partitionKey: meter })
    }
  } else {
    const event = formEvent(work)
    const { partitionId, partitionKey } = work
    for (let i = 0; i < work.count; i++) void invocation.sendEvent(event, { partitionId, partitionKey })
  }
  const { accepted, failures } = await invocation.end()
  const count = (outcome: string) => failures.filter((failure) => failure.outcome === outcome).length
  const [first] = failures
  return {
    accepted,
    refused: count('refused'),
    unknown: count('unknown'),
    returned: count('returned'),
    durationInMs: performance.now() - started,
    failed: failures.map(({ index }) => index),
    ...(first && { reason: `${first.error.code}: ${first.error.message}` }),
  }
}

function reading(number: number, meter: string, takenAt: number): EventInput {
  return {
    body: { reading: number, meter, kilowatts: Math.round(200 + 35 * Math.sin(number / 40)) / 10 },
    contentType: 'application/json',
    properties: { [numberProperty]: number, [takenAtProperty]: takenAt },
  }
}

function formEvent({ body, contentType, properties }: Extract<Work, { kind: 'form' }>): EventInput {
  return { body: Buffer.from(body, 'base64'), contentType, properties }
}

function tell(message: FromProducer): void {
  // The server that is gone hears nothing more: 'disconnect' is about to end this process, and no error need say so first.
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

process.on('message', (message: Invoke) => {
  invoke(message).then(
    (report) => tell({ kind: 'report', id: message.id, ...report }),
    // What the client refuses before it takes anything: a property or a key that cannot be sent.
    (error: unknown) => {
      const { kind } = message.work
      const count = kind === 'stream' ? message.work.numbers.length : message.work.count
      tell({
        kind: 'report',
        id: message.id,
        accepted: 0,
        refused: 0,
        unknown: 0,
        returned: count,
        durationInMs: 0,
        failed: Array.from({ length: count }, (_, index) => index),
        reason: error instanceof Error ? error.message : String(error),
      })
    },
  )
})
process.on('disconnect', () => process.exit())
// A terminal's Ctrl+C reaches the whole group; the server decides when this process ends.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
