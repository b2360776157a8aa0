import fc from 'fast-check'
import { valuesOf } from './arbitrary-values.js'
import type { Document, Operation } from './conformance.js'

/** A request in parts that can be printed and shrunk. */
export interface FuzzedRequest {
  readonly method: string
  readonly path: string
  readonly query: readonly (readonly [string, string])[]
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array | undefined
  /** Where the body is cut into chunks. */
  readonly chunkSize: number
}

const utf8 = new TextEncoder()

/** Requests of every operation of the document: as it says, and departing from it in each way that HTTP allows. */
export function requestsOf(document: Document, key: string): fc.Arbitrary<FuzzedRequest> {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  // Those that take a body have the most to get wrong.
  const weighted = operations.map((one) => ({
    weight: one.operation.requestBody === undefined ? 1 : 6,
    arbitrary: requestOf(one.path, one.method, one.operation, document, key),
  }))
  return fc.oneof(...weighted)
}

const otherMethods = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'QUERY')
const otherPaths = fc.oneof(
  fc.constantFrom('/', '/events/', '//events', '/events%3Abatch', '/events:Batch', '/EVENTS', '/events:batch:batch'),
  fc.webPath(),
)
const headerText = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) })
const otherHeaders = fc.oneof(
  fc.tuple(
    fc.constantFrom('prefer', 'origin', 'content-encoding', 'idempotency-key', 'content-length', 'authorization'),
    headerText,
  ),
  fc.tuple(fc.constantFrom('ce-id', 'ce-source', 'ce-type', 'ce-specversion', 'ce-time', 'ce-x'), headerText),
  fc.tuple(fc.constant('prefer'), fc.constantFrom('respond-async', 'respond-async, wait=1', 'return=minimal')),
  fc.tuple(fc.constant('webhook-request-origin'), fc.domain()),
  fc.tuple(fc.constant('content-length'), fc.constantFrom('0', '-1', '1e9', '99999999999', 'x')),
)
const otherTypes = fc.oneof(
  fc.constantFrom(
    'application/json; charset=utf-8',
    'application/json; charset=utf-16',
    'APPLICATION/JSON',
    'application/cloudevents',
    'application/cloudevents+avro',
    'text/plain; charset=latin1',
    'multipart/form-data; boundary=x',
    'image/png',
    '',
    ';;;',
  ),
  headerText,
)

function requestOf(path: string, method: string, operation: Operation, document: Document, key: string) {
  const { schemas } = document.components
  const contents = Object.entries(operation.requestBody?.content ?? {})
  const typeAndBody = fc.oneof(
    { weight: 1, arbitrary: fc.constant([undefined, undefined] as const) },
    ...contents.map(([type, { schema }]) => ({
      weight: 2,
      arbitrary: fc.tuple(
        departing(fc.constant(type.replace('*', 'plain')), otherTypes),
        corrupted(valuesOf(schema, schemas).map((value) => encode(type, value))),
      ),
    })),
  )
  const parameters = operation.parameters.map(({ name, in: place, schema }) =>
    fc.option(fc.tuple(fc.constant({ name, place }), departing(valuesOf(schema, {}).map(String), headerText)), {
      nil: undefined,
      freq: 1,
    }),
  )
  return fc
    .record({
      method: departing(fc.constant(method), otherMethods),
      path: departing(fc.constant(path), otherPaths),
      authorization: departing(fc.constant(`Bearer ${key}`), headerText),
      given: fc.tuple(...parameters),
      more: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(otherHeaders, { maxLength: 4 })),
      typeAndBody,
      chunkSize: fc.constantFrom(1, 7, 64, 4096),
    })
    .map(({ method: chosen, path: at, authorization, given, more, typeAndBody: [type, body], chunkSize }) => {
      const present = given.filter((one) => one !== undefined)
      const headers = [
        ['authorization', authorization],
        ...(type === undefined ? [] : [['content-type', type]]),
        ...present.filter(([{ place }]) => place === 'header').map(([{ name }, value]) => [name, value]),
        ...more,
      ] as [string, string][]
      const query = present
        .filter(([{ place }]) => place === 'query')
        .map(([{ name }, value]) => [name, value] as const)
      return { method: chosen, path: at, query, headers, body, chunkSize } satisfies FuzzedRequest
    })
}

/** Mostly as it should be. */
function departing<T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: other })
}

function encode(type: string, value: unknown): Uint8Array {
  if (type === 'application/x-ndjson') {
    return utf8.encode((Array.isArray(value) ? value : [value]).map((line) => JSON.stringify(line)).join('\n'))
  }
  return utf8.encode(JSON.stringify(value))
}

/** As it is; or cut, with a byte changed, with bytes in between, twice, or something else altogether. */
function corrupted(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const damage = fc.record({
    kind: fc.constantFrom('cut', 'change', 'insert', 'repeat'),
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...utf8.encode('{}[]",:\\\n\0'))),
  })
  const damaged = fc.tuple(bytes, damage).map(([whole, { kind, at, byte }]) => {
    const position = Math.floor(at * whole.length)
    const [head, tail] = [whole.subarray(0, position), whole.subarray(position)]
    switch (kind) {
      case 'cut':
        return head
      case 'change':
        return Uint8Array.from([...head, byte, ...tail.subarray(1)])
      case 'insert':
        return Uint8Array.from([...head, byte, ...tail])
      default:
        return Uint8Array.from([...whole, ...whole])
    }
  })
  return fc.oneof(
    { weight: 5, arbitrary: bytes },
    { weight: 3, arbitrary: damaged },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map((text) => utf8.encode(text)) },
  )
}
