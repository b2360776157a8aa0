import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { createFetchHandler, openApiDocuments } from '../../../../adapters/fetch/index.js'
import { EventHubProducerClient } from '../../../../core/client.js'
import { type LocalHub, startLocalHub } from '../../../../infra/local-hub/index.js'
import { seed } from '../../../support/seed.js'
import { type FuzzedRequest, requestsOf } from './arbitrary-requests.js'
import { Conformance, type Document } from './conformance.js'

/** As the other fuzz tests, half as many: .ci/run makes 10,000. */
const runs = Math.ceil(Number(process.env.FUZZ_INPUTS ?? 2000) / 2)
const key = 'a-key-of-some-length'
/** A request that takes longer hangs. */
const timeoutInMs = 5_000

const transports = ['amqp', 'amqp', 'amqp', 'https'] as const

/** A front door for each transport, with one hub behind them. */
async function openDoors() {
  const hub = await startLocalHub({ eventHubs: { events: { partitionCount: 2 } } })
  onTestFinished(() => hub.close())
  const errors: string[] = []
  const handlers = transports.map((transportType) => {
    const client = EventHubProducerClient.fromConnectionString(hub.connectionString, {
      transportType,
      ...(transportType === 'https' ? { customEndpointAddress: `http://127.0.0.1:${hub.httpPort}` } : {}),
      logger: {},
      retryOptions: { maxRetries: 0 },
    })
    onTestFinished(() => client.close())
    return createFetchHandler({
      client,
      auth: { bearer: key },
      allowRespondAsync: true,
      maxEventsPerRequest: 8,
      maxBodySizeInBytes: 2_000,
      timeoutInMs,
      openApi: openApiDocuments(),
      logger: { error: (line) => errors.push(line) },
    })
  })
  const response = await handlers[0]?.fetch(new Request('http://door.test/openapi.json'))
  const document: Document = JSON.parse((await response?.text()) ?? '')
  return { hub, handlers, errors, document }
}

/** Undefined where no server could ever get such a request. */
function requestFrom({ method, path, query, headers, body, chunkSize }: FuzzedRequest): Request | undefined {
  try {
    const url = new URL(`http://door.test${path}`)
    for (const [name, value] of query) url.searchParams.append(name, value)
    const hasBody = body !== undefined && method !== 'GET' && method !== 'HEAD'
    return new Request(url, {
      method,
      headers: [...headers].map(([name, value]) => [name, value]),
      ...(hasBody ? { body: inChunks(body, chunkSize), duplex: 'half' } : {}),
    })
  } catch {
    return undefined
  }
}

function inChunks(body: Uint8Array, chunkSize: number): ReadableStream<Uint8Array> {
  let offset = 0
  return new ReadableStream({
    pull(controller) {
      if (offset >= body.length) controller.close()
      else controller.enqueue(body.subarray(offset, offset + chunkSize))
      offset += chunkSize
    },
  })
}

/** What the event hub does at some of the requests. */
function misbehave({ faults }: LocalHub, kind: number): void {
  faults.throttle = kind === 1 ? { retryAfterInSeconds: 1 } : undefined
  if (kind === 2) faults.rejectNext({ condition: 'amqp:internal-error' })
  if (kind === 3) faults.rejectNext({ condition: 'com.microsoft:entity-disabled', partitionId: '0' })
}

test(
  `${runs} requests made from the document get documented answers, in time (seed ${seed})`,
  async () => {
    const { hub, handlers, errors, document } = await openDoors()
    const conformance = new Conformance(document)
    const waiting = new Set<Promise<unknown>>()
    const ctx = {
      waitUntil: (promise: Promise<unknown>) => {
        waiting.add(promise)
        void promise.then(() => waiting.delete(promise))
      },
    }
    const statuses = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(
        requestsOf(document, key),
        fc.nat(transports.length - 1),
        fc.nat(40),
        async (fuzzed, door, fault) => {
          const request = requestFrom(fuzzed)
          if (request === undefined) return
          misbehave(hub, fault)
          const response = await within(handlers[door]?.fetch(request, undefined, ctx))
          // Documented for faults of its own, of which there should be none.
          expect(response.status, errors.at(-1)).not.toBe(500)
          await conformance.check(fuzzed.method, new URL(request.url).pathname.replace('%3A', ':'), response)
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
        },
      ),
      { numRuns: runs, seed },
    )
    await within(Promise.all(waiting))
    expect(errors.filter((line) => /^The front door|stopped reading|waitUntil/.test(line))).toEqual([])
    expect(statuses.get(200) ?? 0).toBeGreaterThan(runs / 20)
    for (const status of [202, 207, 400, 401, 404, 405, 413, 415, 422, 429, 503]) {
      expect([status, statuses.has(status)]).toEqual([status, true])
    }
  },
  60_000 + 20 * runs,
)

function within<T>(promise: Promise<T> | undefined): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${2 * timeoutInMs} ms.`)), 2 * timeoutInMs)
  })
  if (promise === undefined) throw new Error('There is no such front door.')
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
