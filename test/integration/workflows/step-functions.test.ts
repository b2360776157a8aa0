// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills these in
import { readFileSync } from 'node:fs'
import aslValidator from 'asl-validator'
import { expect, test } from 'vitest'
import { createFetchHandler } from '../../../adapters/fetch/index.js'
import { EventHubError } from '../../../core/errors.js'
import { bodyText, FakeClient, type Script } from '../../adapters/fetch/fake-client.js'
import { execute, type Machine, TaskFailed } from './state-machine.js'

const folder = 'infra/workflows/step-functions/'
const definition = readFileSync(`${folder}state-machine.asl.json`, 'utf8')
const template = JSON.parse(readFileSync(`${folder}template.json`, 'utf8'))
const key = 'a-key-for-the-front-door'

interface Call {
  readonly idempotencyKey: string | null
  readonly events: readonly unknown[]
}

/** The state machine against the real front door, whose client does as scripted; and what an HTTP task would have called. */
async function run(events: readonly unknown[], script?: Script, path = '') {
  const client = new FakeClient(script)
  const logger = { warn: () => {}, error: () => {} }
  const door = createFetchHandler({ client: client.asClient(), auth: { bearer: key }, logger })
  const machine: Machine = JSON.parse(
    definition
      .replaceAll('${FrontDoorUrl}', `https://door.test${path}`)
      .replaceAll('${ConnectionArn}', 'arn:of:a:connection'),
  )
  const calls: Call[] = []
  const execution = await execute(machine, { events }, async (given) => {
    const { ApiEndpoint, Method, Headers, RequestBody } = given as {
      ApiEndpoint: string
      Method: string
      Headers: Record<string, string>
      RequestBody: { events: unknown[] }
    }
    const headers = { ...Headers, authorization: `Bearer ${key}` }
    const request = new Request(ApiEndpoint, { method: Method, headers, body: JSON.stringify(RequestBody) })
    calls.push({ idempotencyKey: request.headers.get('idempotency-key'), events: RequestBody.events })
    const response = await door.fetch(request)
    // An HTTP task that fails has its status in the error's name, and no body.
    if (!response.ok) throw new TaskFailed(`States.Http.StatusCode.${response.status}`)
    return { StatusCode: response.status, Headers: {}, ResponseBody: await response.json() }
  })
  return { execution, calls, bodies: client.sent.map(({ event }) => JSON.parse(bodyText(event))) }
}

const busy = () =>
  new EventHubError('busy', { code: 'server-busy', retryable: true, outcome: 'refused', retryAfterInMs: 7_000 })
const tooLarge = () => new EventHubError('large', { code: 'event-too-large', outcome: 'refused' })

test('the definition is valid Amazon States Language', () => {
  const { isValid, errorsText } = aslValidator(JSON.parse(definition))
  expect(errorsText()).toBe('')
  expect(isValid).toBe(true)
})

test.each([1, 3])('%d events are all accepted, in one call', async (count) => {
  const events = Array.from({ length: count }, (_, n) => ({ body: { n }, partitionKey: 'k' }))
  const { execution, calls, bodies } = await run(events)
  expect(execution).toEqual({ status: 'SUCCEEDED', output: { accepted: count }, waits: [] })
  expect(calls).toEqual([{ idempotencyKey: 'execution-1-1', events }])
  expect(bodies).toEqual(events.map(({ body }) => body))
})

test('a busy event hub is tried again, with the same events and the same key', async () => {
  let left = 2
  const { execution, calls } = await run([{ body: 1 }], () => (left-- > 0 ? busy() : undefined))
  expect(execution).toEqual({ status: 'SUCCEEDED', output: { accepted: 1 }, waits: [4, 8] })
  expect(calls).toHaveLength(3)
  expect(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
})

test('of a mixed answer only what can be helped is sent again, after the time asked for, under another key', async () => {
  const failsOnce = new Set(['2', '4'])
  const { execution, calls, bodies } = await run(
    [1, 2, 3, 4].map((body) => ({ body })),
    ({ event }) => (failsOnce.delete(bodyText(event)) ? busy() : undefined),
  )
  expect(execution).toEqual({ status: 'SUCCEEDED', output: { accepted: 4 }, waits: [7] })
  expect(calls.map(({ events }) => events)).toEqual([
    [{ body: 1 }, { body: 2 }, { body: 3 }, { body: 4 }],
    [{ body: 2 }, { body: 4 }],
  ])
  expect(calls.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['execution-1-1', 'execution-1-2'])
  expect(bodies).toEqual([1, 3, 2, 4])
})

test('what can never be accepted fails the execution by name, once the rest is in', async () => {
  const failsOnce = new Set(['2'])
  const { execution, bodies } = await run(
    [1, 2, 3].map((body) => ({ body })),
    ({ event }) => {
      if (bodyText(event) === '3') return tooLarge()
      return failsOnce.delete(bodyText(event)) ? busy() : undefined
    },
  )
  expect(execution).toMatchObject({ status: 'FAILED', error: 'EventsNotAccepted' })
  expect(JSON.parse(String(execution.cause))).toMatchObject({
    accepted: 2,
    refused: [{ index: 2, code: 'event-too-large' }],
    givenUp: 0,
  })
  expect(bodies).toEqual([1, 2])
})

test('what stays retryable is given up after five rounds', async () => {
  const { execution, calls } = await run([{ body: 1 }, { body: 2 }], ({ event }) =>
    bodyText(event) === '2' ? busy() : undefined,
  )
  // From the second round on, nothing of it is accepted: the retrier's attempts come on top.
  expect(execution.status).toBe('FAILED')
  expect(execution.error).toBe('States.Http.StatusCode.429')
  expect(calls.length).toBe(1 + 1 + 6)
})

test('a request that cannot be read fails the execution at once', async () => {
  const { execution, calls } = await run([], undefined, '/nowhere')
  expect(execution).toMatchObject({ status: 'FAILED', error: 'States.Http.StatusCode.404', waits: [] })
  expect(calls).toHaveLength(1)
})

test('the template fills in what the definition leaves open, and lets the role call this and nothing else', () => {
  const { Connection, Role, StateMachine } = template.Resources
  const open = new Set([...definition.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name))
  expect(Object.keys(StateMachine.Properties.DefinitionSubstitutions).sort()).toEqual([...open].sort())
  expect(StateMachine.Properties.DefinitionS3Location).toBe('state-machine.asl.json')
  expect(Connection.Properties.AuthParameters.ApiKeyAuthParameters).toEqual({
    ApiKeyName: 'Authorization',
    ApiKeyValue: { 'Fn::Sub': 'Bearer ${FrontDoorKey}' },
  })
  const [invoke, ...others] = Role.Properties.Policies[0].PolicyDocument.Statement
  expect(invoke.Condition.StringEquals).toEqual({
    'states:HTTPMethod': 'POST',
    'states:HTTPEndpoint': { 'Fn::Sub': '${FrontDoorUrl}/events:batch' },
  })
  for (const { Resource } of others) expect(Resource['Fn::GetAtt'][0]).toBe('Connection')
  expect(template.Parameters.FrontDoorKey.NoEcho).toBe(true)
})
