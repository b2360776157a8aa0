import { PassThrough, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Context } from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import {
  EventsNotAcceptedError,
  type ResponseStream,
  type StreamingEventHubHandler,
  withEventHubStreaming,
} from '../../../adapters/aws-lambda/index.js'
import { contextWith, fakeClient, unknown, type Verdict } from './fake-client.js'

/**
 * The stream that Lambda's runtime passes to a handler, as its source has it: a request to the Runtime API, with a
 * content type, and a hook before the first write which `HttpResponseStream.from` uses.
 */
function runtimeStream({ highWaterMark = 16 * 1024, slow = false } = {}) {
  const chunks: Buffer[] = []
  const inner = new Writable({
    highWaterMark,
    write(chunk, _encoding, callback) {
      chunks.push(Buffer.from(chunk))
      if (slow) setImmediate(callback)
      else callback()
    },
  })
  let contentType: string | undefined
  let isFirst = true
  const write = inner.write.bind(inner)
  const stream = Object.assign(inner, {
    setContentType(type: string) {
      contentType = type
    },
    _onBeforeFirstWrite: undefined as ((write: (chunk: unknown) => void) => void) | undefined,
  })
  stream.write = ((chunk: unknown) => {
    if (isFirst) stream._onBeforeFirstWrite?.((first) => void write(first as string))
    isFirst = false
    return write(typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk))
  }) as typeof stream.write
  return {
    stream: stream as unknown as ResponseStream,
    text: () => Buffer.concat(chunks).toString(),
    get contentType() {
      return contentType
    },
  }
}

/** What `awslambda.HttpResponseStream.from` does. */
function httpResponse(stream: ResponseStream, prelude: object): ResponseStream {
  stream.setContentType('application/vnd.awslambda.http-integration-response')
  Object.assign(stream, {
    _onBeforeFirstWrite: (write: (chunk: unknown) => void) => {
      write(JSON.stringify(prelude))
      write(new Uint8Array(8))
    },
  })
  return stream
}

function streaming(handler: StreamingEventHubHandler<unknown>, verdict: Verdict = 'accepted') {
  const fake = fakeClient(() => verdict)
  const wrapped = withEventHubStreaming({ client: fake.client }, handler)
  const runtime = runtimeStream()
  const context: Context = contextWith()
  return { fake, runtime, context, wrapped, call: () => wrapped({}, runtime.stream, context) }
}

test('what Lambda sees declares three parameters, as streaming handlers have', () => {
  expect(streaming(() => {}).wrapped).toHaveLength(3)
})

test('the runtime is told not to wait for connections, which it otherwise would after a streamed response', async () => {
  const { call, context } = streaming((_event, stream) => void stream.end())
  await call()
  expect(context.callbackWaitsForEmptyEventLoop).toBe(false)
})

describe('a streamed response', () => {
  test('goes out as it is written, and ends once the events are accepted', async () => {
    const seen: unknown[] = []
    const { call, runtime, fake } = streaming(async (_event, stream, _context, invocation) => {
      httpResponse(stream, { statusCode: 201 })
      stream.write('first,')
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(runtime.text(), runtime.stream.writableEnded)
      void invocation.sendEvent({ body: 1 })
      stream.write({ as: 'json' })
      stream.end()
    })
    await call()
    expect(seen).toEqual([`{"statusCode":201}${'\0'.repeat(8)}first,`, false])
    expect(runtime.text()).toBe(`{"statusCode":201}${'\0'.repeat(8)}first,{"as":"json"}`)
    expect(runtime.contentType).toBe('application/vnd.awslambda.http-integration-response')
    expect(runtime.stream.writableFinished).toBe(true)
    expect(fake.sent).toHaveLength(1)
    expect(fake.invocations[0]!.ended).toBe(true)
  })

  test('may come from a pipeline, which is over when the events are accepted', async () => {
    const { call, runtime } = streaming(async (_event, stream, _context, invocation) => {
      void invocation.sendEvent({ body: 1 })
      await pipeline(Readable.from(['a', 'b', 'c']), new PassThrough(), stream)
      expect(runtime.stream.writableFinished).toBe(true)
    })
    await call()
    expect(runtime.text()).toBe('abc')
  })

  test('keeps the pace of a slow reader', async () => {
    const fake = fakeClient()
    const runtime = runtimeStream({ highWaterMark: 1024, slow: true })
    let mostBuffered = 0
    const handler = withEventHubStreaming({ client: fake.client }, async (_event, stream) => {
      const source = function* () {
        for (let n = 0; n < 200; n++) {
          mostBuffered = Math.max(mostBuffered, runtime.stream.writableLength)
          yield Buffer.alloc(512, 'x')
        }
      }
      await pipeline(Readable.from(source()), stream)
    })
    await handler({}, runtime.stream, contextWith())
    expect(runtime.text()).toHaveLength(200 * 512)
    expect(mostBuffered).toBeLessThanOrEqual(2048)
  })

  test.each([
    ['awaits', true],
    ['does not await', false],
  ])('never ends when its events were not accepted, whether the handler %s its end', async (_, awaits) => {
    const { call, runtime, fake } = streaming(async (_event, stream, _context, invocation) => {
      void invocation.sendEvent({ body: 1 })
      if (awaits) await pipeline(Readable.from(['all is well']), stream)
      else stream.end('all is well')
    }, unknown)
    await expect(call()).rejects.toBeInstanceOf(EventsNotAcceptedError)
    // The runtime marks such a response as failed, in its trailers; what it sees here is an open stream.
    expect(runtime.stream.writableEnded).toBe(false)
    expect(runtime.stream.destroyed).toBe(false)
    expect(fake.invocations[0]!.ended).toBe(true)
  })

  test('that the handler’s own flush has judged ends as the handler wants', async () => {
    const { call, runtime } = streaming(async (_event, stream, _context, invocation) => {
      void invocation.sendEvent({ body: 1 })
      const { failures } = await invocation.flush()
      stream.end(`${failures.length} failed`)
    }, unknown)
    await call()
    expect(runtime.text()).toBe('1 failed')
    expect(runtime.stream.writableFinished).toBe(true)
  })

  test('that the handler never ends is left open: the runtime says so', async () => {
    const { call, runtime } = streaming((_event, stream) => void stream.write('half'))
    await call()
    expect(runtime.stream.writableEnded).toBe(false)
  })

  test('that its reader breaks off ends the handler’s stream', async () => {
    const { call, runtime } = streaming(async (_event, stream) => {
      runtime.stream.destroy()
      await pipeline(Readable.from(['a', 'b']), stream)
    })
    await expect(call()).rejects.toMatchObject({ code: expect.stringMatching(/ERR_STREAM/) })
  })
})

test('a connection that breaks while nobody listens to the stream cannot end the process', async () => {
  const { call, runtime } = streaming(async (_event, stream) => {
    stream.write('half')
    runtime.stream.destroy(new Error('connection reset'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(stream.destroyed).toBe(true)
  })
  // As the runtime's own stream has a listener.
  runtime.stream.on('error', () => {})
  await call()
})

describe('the handler', () => {
  test('keeps its own error, and its events are flushed all the same', async () => {
    const mine = new RangeError('mine')
    const { call, runtime, fake } = streaming(async (_event, stream, _context, invocation) => {
      stream.write('half')
      void invocation.sendEvent({ body: 1 })
      throw mine
    }, unknown)
    await expect(call()).rejects.toBe(mine)
    expect(fake.invocations[0]!.ended).toBe(true)
    expect(runtime.stream.writableEnded).toBe(false)
  })

  test('that throws after it has ended the response leaves the last word to the runtime', async () => {
    const { call, runtime } = streaming(async (_event, stream) => {
      stream.end('whole')
      throw new RangeError('after the end')
    })
    await expect(call()).rejects.toThrow('after the end')
    expect(runtime.stream.writableEnded).toBe(false)
  })

  test('may send events after the end of the response; they too have to be accepted', async () => {
    const { call, runtime, fake } = streaming(async (_event, stream, _context, invocation) => {
      await pipeline(Readable.from(['a']), stream)
      void invocation.sendEvent({ body: 'after' })
    }, unknown)
    await expect(call()).rejects.toBeInstanceOf(EventsNotAcceptedError)
    expect(runtime.stream.writableFinished).toBe(true)
    expect(fake.sent).toHaveLength(1)
  })

  test('must be a function, and the options known', () => {
    expect(() => withEventHubStreaming({}, undefined as never)).toThrow(/your handler second/)
    expect(() => withEventHubStreaming({ client: fakeClient().client, x: 1 } as never, () => {})).toThrow(
      /"x" in the withEventHubStreaming options/,
    )
  })
})
