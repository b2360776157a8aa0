import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  createFetchHandler,
  type FetchContext,
  type FetchHandlerOptions,
  gitHubAuth,
  type IdempotencyState,
  idempotencyKeys,
  openApiDocuments,
  rateLimit,
} from '../../../../adapters/fetch/index.js'
import { kinds } from '../../../../adapters/fetch/problem.js'
import { EventHubError } from '../../../../core/errors.js'
import { bodyText, FakeClient, type Script } from '../fake-client.js'
import { post, upload } from '../front-door.js'
import { Conformance } from './conformance.js'

const key = 'a-key-of-some-length'
const authorized = { authorization: `Bearer ${key}` }
const json = { ...authorized, 'content-type': 'application/json' }
const logger = { warn: () => {}, error: () => {} }

interface Setup {
  readonly options?: Partial<FetchHandlerOptions>
  readonly script?: Script
  readonly prepare?: (client: FakeClient) => void
  readonly ctx?: FetchContext
}

/** Every option that adds to the document. */
function everything(): Partial<FetchHandlerOptions> {
  return {
    auth: { bearer: key },
    allowRespondAsync: true,
    rateLimit: rateLimit({ requestsPerSecond: 1000 }),
    idempotencyKeys: idempotencyKeys(),
    openApi: openApiDocuments(),
    logger,
  }
}

function doorOf({ options, script, prepare }: Setup) {
  const client = new FakeClient(script)
  prepare?.(client)
  return createFetchHandler({ client: client.asClient(), auth: 'none', ...everything(), ...options })
}

async function documentOf() {
  const response = await doorOf({}).fetch(new Request('http://door.test/openapi.json'))
  return JSON.parse(await response.text())
}

const conformance = new Conformance(await documentOf())

async function answerTo(request: Request, setup: Setup = {}): Promise<Response> {
  return doorOf(setup).fetch(request, undefined, setup.ctx)
}

const failing = (code: EventHubError['code'], retryable = false): Script => {
  return () => new EventHubError('scripted', { code, retryable, outcome: 'refused' })
}
const failingFor = (text: string, code: EventHubError['code'], retryable = false): Script => {
  return ({ event }) =>
    bodyText(event) === text ? failing(code, retryable)({ event, partitionKey: '' }, 0) : undefined
}
const get = (path: string, headers: Record<string, string> = authorized) =>
  new Request(`http://door.test${path}`, { headers })

/** An upload of which this much comes, and no end. */
function unfinished(path: string, text: string, headers: Record<string, string> = json): Request {
  const { body, write } = upload()
  write(text)
  return post(body, headers, path)
}
function brokenOff(path: string, text: string): Request {
  const { body, write, breakOff } = upload()
  write(text)
  setTimeout(breakOff, 10)
  return post(body, json, path)
}

/** A request with a key, of which the store says this. */
const withKey = (state: IdempotencyState | Error) => ({
  request: (path: string) => post(bodyOf(path, '1'), { ...json, 'idempotency-key': 'a-key' }, path),
  setup: {
    options: {
      idempotencyKeys: idempotencyKeys({
        store: {
          claim: async () => {
            if (state instanceof Error) throw state
            return state
          },
          settle: async () => {},
        },
      }),
    },
  },
})

interface Case {
  /** As `Conformance.met` has it, without the operation. */
  readonly answer: string
  readonly request: (path: string) => Request
  readonly setup?: Setup
}

const urn = (kind: string) => `urn:problem:eventhub-sluice:${kind}`
const isBatch = (path: string) => path.endsWith(':batch')
/** The body for events of these JSON texts, as the operation takes them. */
const bodyOf = (path: string, ...texts: string[]) =>
  isBatch(path) ? `[${texts.map((text) => `{"body":${text}}`).join(',')}]` : `[${texts.join(',')}]`
const posting = (...texts: string[]) => ({
  request: (path: string) => post(bodyOf(path, ...texts), json, path),
})

const whenPosting: Case[] = [
  { answer: '200', ...posting('1', '2') },
  {
    answer: '202',
    request: (path) => post(bodyOf(path, '1'), { ...json, prefer: 'respond-async' }, path),
    setup: { ctx: { waitUntil: () => {} } },
  },
  { answer: '207', ...posting('1', '2'), setup: { script: failingFor('2', 'server-busy', true) } },
  { answer: `400 ${urn('malformed-body')}`, request: (path) => post('{', json, path) },
  { answer: `400 ${urn('no-events')}`, request: (path) => post('[]', json, path) },
  {
    answer: `400 ${urn('invalid-partition-key')}`,
    request: (path) => post('[1]', { ...json, 'x-partition-key': 'é' }, path),
  },
  { answer: `400 ${urn('upload-aborted')}`, request: (path) => brokenOff(path, '[1') },
  {
    answer: `401 ${urn('unauthorized')}`,
    request: (path) => post('[1]', { 'content-type': 'application/json' }, path),
  },
  {
    answer: `408 ${urn('upload-too-slow')}`,
    request: (path) => unfinished(path, '[1'),
    setup: { prepare: expiring },
  },
  {
    answer: `413 ${urn('body-too-large')}`,
    request: (path) => post('[12345678]', json, path),
    setup: { options: { maxBodySizeInBytes: 5 } },
  },
  { answer: `413 ${urn('too-many-events')}`, ...posting('1', '2'), setup: { options: { maxEventsPerRequest: 1 } } },
  { answer: `413 ${urn('event-too-large')}`, ...posting('1'), setup: { script: failing('event-too-large') } },
  {
    answer: `415 ${urn('unsupported-media-type')}`,
    request: (path) => post('1', { ...authorized, 'content-type': 'application/zip' }, path),
  },
  {
    answer: `400 ${urn('invalid-idempotency-key')}`,
    request: (path) => post('[1]', { ...json, 'idempotency-key': '"open' }, path),
  },
  {
    answer: `409 ${urn('idempotency-key-in-use')}`,
    ...withKey({ state: 'running', leaseLeftInMs: 2000 }),
  },
  { answer: `422 ${urn('idempotency-key-reused')}`, ...withKey({ state: 'other-request' }) },
  { answer: `503 ${urn('idempotency-unavailable')}`, ...withKey(new Error('The store is down.')) },
  { answer: `422 ${urn('invalid-events')}`, ...posting('1'), setup: { script: failing('argument-error') } },
  { answer: `429 ${urn('event-hub-busy')}`, ...posting('1'), setup: { script: failing('server-busy', true) } },
  { answer: `503 ${urn('event-hub-unavailable')}`, ...posting('1'), setup: { script: failing('timeout', true) } },
]

const whenAsking: Record<string, Case[]> = {
  '/partitions': [
    { answer: '200', request: get },
    {
      answer: `429 ${urn('event-hub-busy')}`,
      request: get,
      setup: { prepare: rejecting('server-busy') },
    },
    { answer: `501 ${urn('not-supported')}`, request: get, setup: { prepare: rejecting('not-supported') } },
    { answer: `503 ${urn('event-hub-unavailable')}`, request: get, setup: { prepare: rejecting('timeout') } },
  ],
  '/connection': [{ answer: '200', request: get }],
  '/health': [{ answer: '200', request: (path) => get(path, {}) }],
}

/** As if the deadline came while the body is read. */
function expiring(client: FakeClient): void {
  const begin = client.beginInvocation.bind(client)
  client.beginInvocation = (options) => {
    const invocation = begin(options)
    setTimeout(() => invocation.expire(), 10)
    return invocation
  }
}

function rejecting(code: EventHubError['code']) {
  return (client: FakeClient) => {
    client.partitionIds = new EventHubError('scripted', { code, outcome: 'returned' })
  }
}

const operationIds = {
  '/events': 'SendEvents',
  '/events:batch': 'SendEventBatch',
  '/partitions': 'ListPartitions',
  '/connection': 'TestConnection',
  '/health': 'GetHealth',
} as const
type Path = keyof typeof operationIds

const cases = [
  ...(['/events', '/events:batch'] as const).flatMap((path) =>
    whenPosting.map((one) => ({ method: 'POST', path, ...one })),
  ),
  ...Object.entries(whenAsking).flatMap(([path, some]) =>
    some.map((one) => ({ method: 'GET', path: path as Path, ...one })),
  ),
]

describe('each documented answer is given, as documented', () => {
  test.each(cases)('$method $path: $answer', async ({ method, path, answer, request, setup }) => {
    const response = await answerTo(request(path), setup)
    expect(await conformance.check(method, path, response)).toBe(`${operationIds[path]} ${answer}`)
  })

  const guarded = ['/events', '/events:batch', '/partitions', '/connection']
  const methodOf = (path: string) => (path.startsWith('/events') ? 'POST' : 'GET')
  const plain = (path: string, headers: Record<string, string>) =>
    methodOf(path) === 'POST' ? post(bodyOf(path, '1'), { ...json, ...headers }, path) : get(path, headers)

  test.each(guarded)('%s: 401 without a key', async (path) => {
    const request = new Request(`http://door.test${path}`, { method: methodOf(path) })
    const response = await answerTo(request)
    expect(response.status).toBe(401)
    await conformance.check(methodOf(path), path, response)
  })

  test.each(guarded)('%s: 429 when its caller sends too much', async (path) => {
    const door = doorOf({ options: { rateLimit: rateLimit({ requestsPerSecond: 0.001 }) } })
    await door.fetch(plain(path, authorized))
    const response = await door.fetch(plain(path, authorized))
    expect(response.status).toBe(429)
    await conformance.check(methodOf(path), path, response)
  })

  test.each([...guarded, '/health'])('%s: 500 when the front door cannot be set up', async (path) => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => logged.mockRestore())
    const door = createFetchHandler(() => {
      throw new Error('A binding is missing.')
    })
    const response = await door.fetch(plain(path, authorized))
    expect(response.status).toBe(500)
    await conformance.check(methodOf(path), path, response)
  })

  test.each([
    ['GET', '/events', 405],
    ['DELETE', '/health', 405],
    ['OPTIONS', '/events:batch', 405],
    ['HEAD', '/health', 200],
    ['HEAD', '/nowhere', 404],
    ['POST', '/', 404],
  ])('%s %s, which is not documented: %d', async (method, path, status) => {
    const response = await answerTo(new Request(`http://door.test${path}`, { method }))
    expect(response.status).toBe(status)
    await conformance.check(method, path, response)
  })

  test('a signature that waits for a body that does not come: 408', async () => {
    const options = { auth: gitHubAuth({ secrets: key }), timeoutInMs: 50 }
    const headers = { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
    const response = await answerTo(unfinished('/events', '[1', headers), { options })
    expect(response.status).toBe(408)
    await conformance.check('POST', '/events', response)
  })

  test.each(['/partitions', '/connection'])(
    '%s: a body of a request that needs none is not waited for',
    async (path) => {
      const options = { auth: [{ bearer: key }, gitHubAuth({ secrets: key })], maxBodySizeInBytes: 5 }
      const headers = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
      const response = await answerTo(get(path, headers), { options })
      expect(response.status).toBe(401)
      await conformance.check('GET', path, response)
    },
  )
})

test('the document leaves no problem out', () => {
  const documented = new Set(conformance.documented.map((one) => one.split(' ')[2]))
  const known = Object.keys(kinds).filter((kind) => !documented.has(urn(kind)))
  expect(known.sort()).toEqual(['method-not-allowed', 'not-found'])
})

test('every documented answer was given by a test above', () => {
  expect(conformance.documented.filter((one) => !conformance.met.has(one))).toEqual([])
})
