import { expect, test } from 'vitest'
import { amqpCodec, encodeBatch, idempotentAmqpCodec } from '../../core/amqp/codec.js'
import { EventHubError } from '../../core/errors.js'
import type { EventInput } from '../../core/event-data.js'
import { httpsCodec } from '../../core/https/codec.js'
import type { EncodedEvent, EventCodec } from '../../core/transport.js'
import { skipValue } from '../../infra/local-hub/amqp/decoder.js'
import { Reader } from '../../infra/local-hub/amqp/reader.js'
import { seed } from '../support/seed.js'
import { inputCount, Random } from './support/random.js'

/** Stands in every text of an input but the names of fields: no error may repeat it. */
const secret = 'nobody-may-see-this'

class Unusual {
  readonly text = secret
  toJSON(): unknown {
    throw new Error(`${secret} in an error of the caller's own`)
  }
}

const throwing = {
  get body(): string {
    throw new Error(`${secret} in a getter`)
  },
}
const endless: Record<string, unknown> = { text: secret }
endless.itself = endless
const detached = new Uint8Array(8)
structuredClone(detached.buffer, { transfer: [detached.buffer] })

const scalars: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -0,
  1,
  -1,
  255,
  256,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e300,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  0n,
  2n ** 63n,
  2n ** 64n,
  -(2n ** 70n),
  '',
  secret,
  `\ud800${secret}`,
  `${secret}\u0000\u2028`,
  secret.repeat(20),
  Symbol(secret),
  () => secret,
  new Date(0),
  new Date(Number.NaN),
  new Uint8Array([1, 2, 3]),
  new Uint8Array(300),
  detached,
  new ArrayBuffer(5),
  new DataView(new ArrayBuffer(3)),
  Buffer.from(secret),
  /x/,
  new Map([['name', 1]]),
  new Set([secret]),
  new Unusual(),
  new Error(secret),
  Promise.resolve(secret),
  endless,
  throwing,
  new Proxy(
    {},
    {
      get() {
        throw new Error(`${secret} in a proxy`)
      },
      ownKeys() {
        throw new Error(`${secret} in a proxy's keys`)
      },
    },
  ),
]
const names = [
  'body', 'contentType', 'messageId', 'correlationId', 'properties', 'bodyType', 'header', 'footer', 'messageAnnotations',
  'deliveryAnnotations', 'applicationProperties', 'partitionKey', 'durable', 'priority', 'timeToLive', 'firstAcquirer',
  'deliveryCount', 'userId', 'to', 'subject', 'replyTo', 'absoluteExpiryTime', 'creationTime', 'groupId', 'groupSequence',
  'x-opt-partition-key', 'com.microsoft:producer-id', '__proto__', 'constructor', 'toString', '', '\ud800',
] // biome-ignore format: a list of words
const bodyTypes = ['data', 'sequence', 'value', 'other']

/** `__proto__` is a name like any other. */
function put(object: object, name: string, itsValue: unknown): void {
  Object.defineProperty(object, name, { value: itsValue, enumerable: true, configurable: true, writable: true })
}

function value(random: Random, depth: number): unknown {
  if (depth === 0 || random.chance(2)) return random.pick(scalars)
  const count = random.below(5)
  if (random.chance(3)) return Array.from({ length: count }, () => value(random, depth - 1))
  const made: Record<string, unknown> = random.chance(5) ? Object.create(null) : {}
  for (let i = 0; i < count; i++) {
    put(made, random.pick(names), value(random, depth - 1))
  }
  return made
}

/** Something that a mistaken or malicious caller passes as an event; often nearly one. */
function hostileEvent(random: Random): unknown {
  if (random.chance(20)) return value(random, 2)
  const event: Record<string, unknown> = { body: value(random, 3) }
  for (let left = random.below(5); left > 0; left--) put(event, random.pick(names), value(random, 2))
  if (random.chance(2)) event.properties = value(random, 2)
  if (random.chance(3)) event.bodyType = random.pick(bodyTypes)
  return event
}

/** Hands the event over; what is thrown must be one of the errors that callers are told of, and tell them no secret. */
function encoded<E extends EncodedEvent>(codec: EventCodec<E>, event: unknown, key: string | undefined): E | undefined {
  try {
    return codec.encode(event as EventInput, key)
  } catch (error) {
    // A getter's own error is the caller's; it passes through as it is.
    if (error instanceof Error && error.message.includes("'s keys")) return undefined
    if (error instanceof Error && /in (a getter|a proxy|an error of the caller)/.test(error.message)) return undefined
    const isKnown = error instanceof TypeError || error instanceof RangeError || error instanceof EventHubError
    if (!isKnown) throw new Error('Another error than those of the contract.', { cause: error })
    if (error.message.includes(secret)) throw new Error('The error quotes what it was given.', { cause: error })
    return undefined
  }
}

/** Whether another decoder reads it to its end: a sequence of sections, each a described value. */
function assertReadable(bytes: Buffer): void {
  const reader = new Reader(bytes)
  while (reader.remaining > 0) skipValue(reader)
}

test(`${inputCount} things passed as events: encoded so that another decoder reads them, or refused by name (SEED=${seed})`, () => {
  const random = new Random()
  const taken = { amqp: 0, idempotent: 0, https: 0 }
  for (let input = 0; input < inputCount; input++) {
    const event = hostileEvent(random)
    const key = random.chance(3) ? `${secret} ${random.below(100)}` : undefined
    try {
      const amqp = encoded(amqpCodec, event, key)
      if (amqp) {
        taken.amqp += 1
        assertReadable(amqp.bytes)
        if (random.chance(10)) assertReadable(encodeBatch([amqp]))
      }
      if (amqp) amqpCodec.release?.(amqp)
      const idempotent = random.chance(4) ? encoded(idempotentAmqpCodec, event, key) : undefined
      if (idempotent) {
        taken.idempotent += 1
        assertReadable(idempotent.bytes)
      }
      if (encoded(httpsCodec, event, key)) taken.https += 1
    } catch (error) {
      throw new Error(`Input ${input} of SEED=${seed}`, { cause: error })
    }
  }
  // Neither everything nor nothing: both ways were tried.
  for (const [name, count] of Object.entries(taken)) {
    expect(count, name).toBeGreaterThan(inputCount / 200)
    expect(count, name).toBeLessThan(inputCount * 0.9)
  }
}, 600_000)
