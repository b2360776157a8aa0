import type { EventData as OfficialEventData, ReceivedEventData } from '@azure/event-hubs'
import { describe, expectTypeOf, test } from 'vitest'
import type {
  AmqpAnnotatedMessage,
  AmqpMessageHeader,
  AmqpMessageProperties,
  AmqpPrimitive,
  EventData,
  EventInput,
} from '../../core/index.js'

// Checked by `npm run types` and never run: a line that compiles, or fails to, is the promise.

type Identifier = string | number | Uint8Array

describe('EventData', () => {
  test('has these fields', () => {
    expectTypeOf<Required<EventData>>().toEqualTypeOf<{
      readonly body: unknown
      readonly contentType: string | undefined
      readonly messageId: Identifier | undefined
      readonly correlationId: Identifier | undefined
      readonly properties: Readonly<Record<string, AmqpPrimitive>> | undefined
    }>()
    expectTypeOf<AmqpPrimitive>().toEqualTypeOf<string | number | bigint | boolean | Date | Uint8Array | null>()
  })

  test('needs a body, and only that', () => {
    const events: EventData[] = [{ body: 1 }, { body: null }, { body: 'x', contentType: undefined }]
    // @ts-expect-error no body
    const empty: EventData = { contentType: 'text/plain' }
    // @ts-expect-error properties hold simple values
    const nested: EventData = { body: 1, properties: { a: { b: 1 } } }
    // @ts-expect-error the key belongs in the options of the send
    const keyed: EventData = { body: 1, partitionKey: 'k' }
    expectTypeOf([...events, empty, nested, keyed]).toBeArray()
  })
})

describe('AmqpAnnotatedMessage', () => {
  test('has these sections', () => {
    expectTypeOf<Required<AmqpAnnotatedMessage>>().toEqualTypeOf<{
      readonly body: unknown
      readonly bodyType: 'data' | 'sequence' | 'value' | undefined
      readonly header: AmqpMessageHeader | undefined
      readonly properties: AmqpMessageProperties | undefined
      readonly applicationProperties: Readonly<Record<string, unknown>> | undefined
      readonly messageAnnotations: Readonly<Record<string, unknown>> | undefined
      readonly deliveryAnnotations: Readonly<Record<string, unknown>> | undefined
      readonly footer: Readonly<Record<string, unknown>> | undefined
    }>()
    expectTypeOf<Required<AmqpMessageHeader>>().toEqualTypeOf<{
      readonly durable: boolean | undefined
      readonly priority: number | undefined
      readonly timeToLive: number | undefined
      readonly firstAcquirer: boolean | undefined
      readonly deliveryCount: number | undefined
    }>()
    expectTypeOf<Required<AmqpMessageProperties>>().toEqualTypeOf<{
      readonly messageId: Identifier | undefined
      readonly userId: string | Uint8Array | undefined
      readonly to: string | undefined
      readonly subject: string | undefined
      readonly replyTo: string | undefined
      readonly correlationId: Identifier | undefined
      readonly contentType: string | undefined
      readonly contentEncoding: string | undefined
      readonly absoluteExpiryTime: number | undefined
      readonly creationTime: number | undefined
      readonly groupId: string | undefined
      readonly groupSequence: number | undefined
      readonly replyToGroupId: string | undefined
    }>()
  })

  test('has no section of another name', () => {
    // @ts-expect-error it is applicationProperties
    const wrong: AmqpAnnotatedMessage = { body: 1, bodyType: 'data', application_properties: {} }
    // @ts-expect-error no such body
    const body: AmqpAnnotatedMessage = { body: 1, bodyType: 'text' }
    // @ts-expect-error AMQP's own have no such property
    const property: AmqpAnnotatedMessage = { body: 1, bodyType: 'data', properties: { tenant: 'x' } }
    expectTypeOf([wrong, body, property]).toBeArray()
  })
})

describe('what sendEvent takes', () => {
  test('is either', () => {
    expectTypeOf<EventInput>().toEqualTypeOf<EventData | AmqpAnnotatedMessage>()
  })

  test('is also what the official client makes, receives and hands out', () => {
    expectTypeOf<OfficialEventData>().toExtend<EventInput>()
    expectTypeOf<ReceivedEventData>().toExtend<EventInput>()
    expectTypeOf<ReturnType<ReceivedEventData['getRawAmqpMessage']>>().toExtend<EventInput>()
  })
})
