import type { LambdaFunctionURLEvent } from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import {
  type FunctionUrlContext,
  fromResponse,
  functionUrlHandler,
  toRequest,
} from '../../../adapters/aws-lambda/index.js'
import { contextWith } from './fake-client.js'
import { fixture } from './fixtures.js'

describe('a Function URL event as a Request', () => {
  test('keeps method, address, headers, cookies and body', async () => {
    const event = fixture('function-url')
    const request = toRequest(event)
    expect(request.method).toBe('POST')
    expect(request.url).toBe(`https://${event.requestContext.domainName}/events?partitionKey=tenant%201&partitionKey=b`)
    expect(request.headers.get('accept')).toBe('application/json, text/plain')
    expect(request.headers.get('content-type')).toBe('application/json')
    expect(request.headers.get('cookie')).toBe('session=one; theme=dark')
    expect(await request.text()).toBe(event.body)
  })

  test('gets the very bytes of a base64 body', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const body = Buffer.from(bytes).toString('base64')
    const request = toRequest({ ...fixture('function-url'), body, isBase64Encoded: true })
    expect(new Uint8Array(await request.arrayBuffer())).toEqual(bytes)
  })

  test.each(['GET', 'HEAD'])('of method %s has no body', async (method) => {
    const event = fixture('function-url')
    event.requestContext.http.method = method
    const request = toRequest({ ...event, body: 'ignored' })
    expect(request.method).toBe(method)
    expect(request.body).toBeNull()
  })

  test('may come without query, cookies and body', async () => {
    const { body, cookies, ...event } = fixture('function-url')
    const request = toRequest({ ...event, rawQueryString: '' })
    expect(request.url).toBe(`https://${event.requestContext.domainName}/events`)
    expect(request.headers.has('cookie')).toBe(false)
    expect(await request.text()).toBe('')
  })

  test.each([[{}], [null], [fixture('sqs')], [{ ...fixture('function-url'), version: '1.0' }]])(
    'is refused when it is another shape',
    (event) => {
      expect(() => toRequest(event as LambdaFunctionURLEvent)).toThrow(/payload format 2\.0/)
    },
  )
})

describe('a Response as a Function URL result', () => {
  test('keeps status, headers and text', async () => {
    const headers = { 'content-type': 'application/json', 'retry-after': '4' }
    const result = await fromResponse(new Response('{"größe":1}', { status: 429, headers }))
    expect(result).toEqual({ statusCode: 429, headers, body: '{"größe":1}', isBase64Encoded: false })
  })

  test('carries bytes that are no text as base64', async () => {
    const bytes = Uint8Array.of(0x1f, 0x8b, 0xff, 0x00)
    const result = await fromResponse(new Response(bytes))
    expect(result.isBase64Encoded).toBe(true)
    expect(Buffer.from(result.body ?? '', 'base64')).toEqual(Buffer.from(bytes))
  })

  test('keeps a byte order mark', async () => {
    const result = await fromResponse(new Response(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)))
    expect(result.body).toBe('\ufeffa')
  })

  test('joins repeated headers and keeps cookies apart', async () => {
    const headers = new Headers({ vary: 'accept' })
    headers.append('vary', 'origin')
    headers.append('set-cookie', 'a=1; Expires=Thu, 20 Nov 2025 00:00:00 GMT')
    headers.append('set-cookie', 'b=2')
    const result = await fromResponse(new Response(null, { status: 204, headers }))
    expect(result).toEqual({
      statusCode: 204,
      headers: { vary: 'accept, origin' },
      cookies: ['a=1; Expires=Thu, 20 Nov 2025 00:00:00 GMT', 'b=2'],
      body: '',
      isBase64Encoded: false,
    })
  })
})

describe('a fetch handler behind a Function URL', () => {
  test('answers the event, and is told how long the function still has', async () => {
    let given: FunctionUrlContext | undefined
    const handler = functionUrlHandler({
      async fetch(request, _environment, context) {
        given = context
        return new Response(await request.text(), { status: 201 })
      },
    })
    expect(handler).toHaveLength(2)
    const result = await handler(fixture('function-url'), contextWith(1234))
    expect(result).toMatchObject({ statusCode: 201, body: fixture('function-url').body })
    expect(given?.remainingTimeInMs?.()).toBe(1234)
    // Nothing runs in Lambda after the answer, so it must not be offered.
    expect(given).not.toHaveProperty('waitUntil')
  })

  test('without keys of its own lets in only whom AWS has authorized', async () => {
    const handler = functionUrlHandler({ fetch: () => new Response('in') }, { requireAuthorizer: true })
    const event = fixture('function-url')
    expect(await handler(event, contextWith())).toMatchObject({ statusCode: 200, body: 'in' })

    const { authorizer, ...open } = event.requestContext as typeof event.requestContext & { authorizer: unknown }
    const refused = await handler({ ...event, requestContext: open }, contextWith())
    expect(refused).toMatchObject({ statusCode: 401, headers: { 'content-type': 'application/problem+json' } })
    expect(refused.body).toContain('FRONT_DOOR_KEY')
  })
})
