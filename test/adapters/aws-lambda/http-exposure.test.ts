import type { LambdaFunctionURLEvent } from 'aws-lambda'
import { expect, test } from 'vitest'
import { forwardToEventHub, functionUrlHandler, type HttpAnswer } from '../../../adapters/aws-lambda/index.js'
import { busy, contextWith, fakeClient, noRights, recordingLogger, tooLarge, unknown } from './fake-client.js'
import { fixture } from './fixtures.js'

/** What callers by HTTP can reach, learn and break. */
const bodyOf = ({ body }: HttpAnswer) => JSON.parse(body)

/** A REST-style event as an HTTP API without any authorizer sends it in payload format 1.0. */
function unauthorizedFormat1() {
  const event = fixture('http-rest-api')
  const requestContext = {
    ...event.requestContext,
    authorizer: { claims: null, scopes: null },
    identity: { ...event.requestContext.identity, userArn: null },
  }
  return { ...event, version: '1.0', requestContext }
}

test('an HTTP API without an authorizer is no relay: its format 1.0 names one that found nothing', async () => {
  const fake = fakeClient()
  const handler = forwardToEventHub({ client: fake.client, auth: 'aws', logger: recordingLogger() })
  expect(await handler(unauthorizedFormat1(), contextWith())).toMatchObject({ statusCode: 401 })
  expect(fake.invocations).toEqual([])

  const byJwt = unauthorizedFormat1()
  Object.assign(byJwt.requestContext, { authorizer: { claims: { sub: 'ada' }, scopes: null } })
  expect(await handler(byJwt, contextWith())).toMatchObject({ statusCode: 200 })
})

test.each([{ authorizer: {} }, { authorizer: null }])('%j lets nobody in, at either HTTP entry', async (given) => {
  const event = fixture('function-url')
  const open = { ...event, requestContext: { ...event.requestContext, ...given } } as unknown as LambdaFunctionURLEvent
  const forwarder = forwardToEventHub({ client: fakeClient().client, auth: 'aws', logger: recordingLogger() })
  expect(await forwarder(open, contextWith())).toMatchObject({ statusCode: 401 })
  const door = functionUrlHandler({ fetch: () => new Response('in') }, { requireAuthorizer: true })
  expect(await door(open, contextWith())).toMatchObject({ statusCode: 401 })
})

test('a caller learns what is wrong with its event, and nothing of hosts, secrets and roles behind the function', async () => {
  const verdicts = [noRights, busy, unknown, tooLarge]
  const fake = fakeClient((index) => verdicts[index] ?? 'accepted')
  const logger = recordingLogger()
  const handler = forwardToEventHub({ client: fake.client, auth: 'aws', logger })
  const event = { ...fixture('function-url'), body: '[1,2,3,4]' }
  const { results } = bodyOf((await handler(event, contextWith())) as HttpAnswer)
  // The fake's errors say "scripted"; those of the client name the namespace, the secret or the role.
  const messages: string[] = results.map(({ message }: { message: string }) => message)
  for (const message of messages.slice(0, 3)) expect(message).not.toContain('scripted')
  expect(messages[0]).toContain('log')
  expect(messages[1]).toContain('later')
  expect(messages[2]).toContain('may have arrived')
  expect(messages[3]).toBe('scripted event-too-large')
  expect(logger.lines.join()).toContain('scripted unauthorized')
})

test('a request of very many events is refused whole: their results would not fit into an answer', async () => {
  const fake = fakeClient()
  const handler = forwardToEventHub({ client: fake.client, auth: 'aws', logger: recordingLogger() })
  const requestOf = (count: number) => ({ ...fixture('function-url'), body: `[${Array(count).fill(0).join()}]` })
  expect(await handler(requestOf(1000), contextWith())).toMatchObject({ statusCode: 200 })
  const answer = (await handler(requestOf(1001), contextWith())) as HttpAnswer
  expect(answer.statusCode).toBe(413)
  expect(bodyOf(answer).detail).toContain('1000')
  expect(fake.invocations).toHaveLength(1)
})

test.each<[string, (event: LambdaFunctionURLEvent) => void]>([
  ['a header that is no Latin text', ({ headers }) => Object.assign(headers, { 'x-name': '\u4e2d' })],
  [
    'a method that fetch does not know',
    ({ requestContext }) => Object.assign(requestContext.http, { method: 'TRACE' }),
  ],
])('%s is the caller’s mistake and no error of the function', async (_, spoil) => {
  const handler = functionUrlHandler({ fetch: () => new Response('in') })
  const event = fixture('function-url')
  spoil(event)
  const answer = await handler(event, contextWith())
  expect(answer).toMatchObject({ statusCode: 400, headers: { 'content-type': 'application/problem+json' } })
})
