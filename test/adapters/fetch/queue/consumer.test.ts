import { describe, expect, test } from 'vitest'
import type { QueueMessage } from '../../../../adapters/fetch/index.js'
import { createFetchHandler, queueConsumer } from '../../../../adapters/fetch/index.js'
import { EventHubError } from '../../../../core/errors.js'
import { bodyText, type Script } from '../fake-client.js'
import { FrontDoor } from '../front-door.js'

/** A message that notes what becomes of it; like the platform's, it heeds the first word alone. */
class FakeMessage implements QueueMessage {
  readonly timestamp = new Date(0)
  readonly attempts = 1
  readonly id: string
  readonly body: unknown
  fate: unknown

  constructor(id: string, body: unknown) {
    this.id = id
    this.body = body
  }

  ack(): void {
    this.fate ??= 'ack'
  }

  retry(options?: { readonly delaySeconds?: number }): void {
    this.fate ??= options ?? 'retry'
  }
}

const messagesOf = (...bodies: unknown[]) => bodies.map((body, at) => new FakeMessage(`m${at}`, body))
const fates = (all: readonly FakeMessage[]) => all.map(({ fate }) => fate)

function door(consumer: Parameters<typeof queueConsumer>[0], script?: Script): FrontDoor {
  return new FrontDoor({ queue: queueConsumer(consumer) }, script)
}

const busy = (retryAfterInMs?: number) =>
  new EventHubError('Busy.', {
    code: 'server-busy',
    retryable: true,
    ...(retryAfterInMs === undefined ? {} : { retryAfterInMs }),
  })

describe('acknowledgement', () => {
  test('every message that Event Hubs has is acknowledged, in one invocation, and none before it ended', async () => {
    const messages = messagesOf({ a: 1 }, 'text', new TextEncoder().encode('bytes').buffer)
    const { client, handler } = door({}, () => {
      expect(fates(messages)).toEqual([undefined, undefined, undefined])
      return undefined
    })
    await handler.queue({ queue: 'q', messages })
    expect(fates(messages)).toEqual(['ack', 'ack', 'ack'])
    expect(client.invocations).toHaveLength(1)
    expect(client.last.isEnded).toBe(true)
    expect(client.sent.map(({ event }) => event.messageId)).toEqual(['m0', 'm1', 'm2'])
    expect(client.sent[0]?.event.body).toEqual({ a: 1 })
    expect(client.sent.slice(1).map(({ event }) => bodyText(event))).toEqual(['text', 'bytes'])
  })

  test('a message that failed comes again by itself: after the time that Event Hubs asked for, or as the queue says', async () => {
    const messages = messagesOf(0, 1, 2, 3, 4)
    const errors = [
      undefined,
      busy(4_001),
      busy(),
      busy(10 ** 12),
      new EventHubError('Lost.', { code: 'connection-lost', retryable: true, outcome: 'unknown' }),
    ]
    const { handler, log } = door({}, (_, index) => errors[index])
    await handler.queue({ queue: 'q', messages })
    expect(fates(messages)).toEqual(['ack', { delaySeconds: 5 }, 'retry', { delaySeconds: 86_400 }, 'retry'])
    expect(log).toHaveLength(1)
    expect(log[0]).toMatch(/^Queue q: 4 of 5 events were not accepted/)
  })

  test('when the deadline comes, what was not accepted comes again', async () => {
    const messages = messagesOf(0, 1, 2)
    const { client, handler } = door({ timeoutInMs: 1234 }, (_, index) => {
      if (index === 1) client.last.expire()
      return undefined
    })
    await handler.queue({ queue: 'q', messages })
    expect(fates(messages)).toEqual(['ack', 'retry', 'retry'])
    expect(client.last.options.timeoutInMs).toBe(1234)
  })

  test('a batch has a minute unless told otherwise', async () => {
    const { handler, client } = door({})
    await handler.queue({ queue: 'q', messages: messagesOf(1) })
    expect(client.last.options.timeoutInMs).toBe(60_000)
  })

  test('a batch that cannot be accounted for rejects and leaves every message alone', async () => {
    const messages = messagesOf(0, 1)
    const { handler, client } = door({})
    const begin = client.beginInvocation.bind(client)
    client.beginInvocation = (options) => {
      const invocation = begin(options)
      invocation.end = async () => ({ accepted: 1, failures: [], durationInMs: 0 })
      return invocation
    }
    await expect(handler.queue({ queue: 'q', messages })).rejects.toThrow(/1 accepted/)
    expect(fates(messages)).toEqual([undefined, undefined])
  })

  test('a closed client rejects the batch', async () => {
    const { handler, client } = door({})
    client.isClosed = true
    const messages = messagesOf(0)
    await expect(handler.queue({ queue: 'q', messages })).rejects.toThrow(/closed/)
    expect(fates(messages)).toEqual([undefined])
  })
})

describe('a failure for good', () => {
  const tooLarge = () => new EventHubError('Too large.', { code: 'event-too-large', outcome: 'refused' })

  test('comes again by default, for the dead letter queue to get it in the end', async () => {
    const messages = messagesOf(0)
    await door({}, tooLarge).handler.queue({ queue: 'q', messages })
    expect(fates(messages)).toEqual(['retry'])
  })

  test('is acknowledged and named in the log where the operator said so; its body is not', async () => {
    const messages = messagesOf('secret body')
    const { handler, log } = door({ permanentFailures: 'acknowledge' }, tooLarge)
    await handler.queue({ queue: 'q', messages })
    expect(fates(messages)).toEqual(['ack'])
    expect(log.join()).toContain('message m0 is lost')
    expect(log.join()).not.toContain('secret body')
  })

  test('is none where somebody can repair it: such messages come again whatever the operator said', async () => {
    const messages = messagesOf(0, 1)
    const errors = [
      new EventHubError('No right.', { code: 'unauthorized', outcome: 'refused' }),
      new EventHubError('No hub.', { code: 'entity-not-found', outcome: 'refused' }),
    ]
    const { handler } = door({ permanentFailures: 'acknowledge' }, (_, index) => errors[index])
    await handler.queue({ queue: 'q', messages })
    expect(fates(messages)).toEqual(['retry', 'retry'])
  })
})

describe('toEvent', () => {
  test('makes event and key; a message that it makes nothing of is acknowledged without being sent', async () => {
    const messages = messagesOf('keep', 'drop', 'keep too')
    const { handler, client } = door({
      toEvent: ({ body, id }, queue) =>
        body === 'drop' ? undefined : { event: { body, properties: { queue } }, partitionKey: id },
    })
    await handler.queue({ queue: 'q', messages })
    expect(fates(messages)).toEqual(['ack', 'ack', 'ack'])
    expect(client.sent.map(({ event }) => event.body)).toEqual(['keep', 'keep too'])
    expect(client.sent.map(({ partitionKey }) => partitionKey)).toEqual(['m0', 'm2'])
    expect(client.sent[0]?.event.properties).toEqual({ queue: 'q' })
  })

  test('may throw for one message without harm to the others', async () => {
    const messages = messagesOf(0, 1, 2)
    const { handler, client, log } = door({
      toEvent: ({ body }) => {
        if (body === 1) throw new Error('not this one')
        return { event: { body } }
      },
    })
    await handler.queue({ queue: 'q', messages })
    expect(fates(messages)).toEqual(['ack', 'retry', 'ack'])
    expect(client.sent).toHaveLength(2)
    expect(log.join()).toMatch(/message m1.*not this one/)
  })

  test('may fail to parse a message, and nothing of it is in the log', async () => {
    const { handler, log } = door({ toEvent: ({ body }) => ({ event: { body: JSON.parse(`secret ${body}`) } }) })
    const messages = messagesOf(0)
    await handler.queue({ queue: 'q', messages })
    expect(fates(messages)).toEqual(['retry'])
    expect(log.join()).toContain('message m0: SyntaxError')
    expect(log.join()).not.toContain('secret')
  })

  test('may give several messages the same object: each has an outcome of its own', async () => {
    const event = { body: 'same' }
    const messages = messagesOf(0, 1)
    const { handler } = door({ toEvent: () => ({ event }) }, (_, index) => (index === 0 ? busy() : undefined))
    await handler.queue({ queue: 'q', messages })
    expect(fates(messages)).toEqual(['retry', 'ack'])
  })
})

describe('options', () => {
  test('without a consumer a batch is refused by name of the option', async () => {
    const { handler } = new FrontDoor()
    await expect(handler.queue({ queue: 'q', messages: [] })).rejects.toThrow(/queueConsumer\(\)/)
  })

  test('the function form gets its environment', async () => {
    const { client } = new FrontDoor()
    const handler = createFetchHandler((env: { open: boolean }) => {
      if (!env.open) throw new Error('no settings')
      return { client: client.asClient(), auth: 'none', queue: queueConsumer() }
    })
    const messages = messagesOf(1)
    await handler.queue({ queue: 'q', messages }, { open: true })
    expect(fates(messages)).toEqual(['ack'])
    await expect(handler.queue({ queue: 'q', messages: messagesOf(1) }, { open: false })).rejects.toThrow('no settings')
  })

  test.each([{ toEvent: 3 }, { permanentFailures: 'drop' }, { timeoutInMs: 0 }, { toevent: () => {} }])(
    '%o is refused by name',
    (options) => {
      expect(() => queueConsumer(options as object)).toThrow(/toEvent|permanentFailures|timeoutInMs/)
    },
  )
})
