import { expect, test } from 'vitest'
import { FrontDoor } from '../adapters/fetch/front-door.js'
import { seed } from '../support/seed.js'
import { inputCount, mutated, Random } from './support/random.js'

const cloudEvent = {
  specversion: '1.0',
  id: '1',
  source: '/s',
  type: 't',
  partitionkey: 'k',
  time: '2026-01-01T00:00:00Z',
}
const bodies: readonly Buffer[] = [
  '{"a":[1,2.5e3,"text \\u00e9 \\ud83d\\ude00",null,true]}',
  '[{"a":1},{"b":[[[]]]},"three",4]',
  '{"line":1}\n{"line":2}\r\n\n"three"\n',
  JSON.stringify({ ...cloudEvent, data: { x: 1 }, datacontenttype: 'application/json' }),
  JSON.stringify([
    { ...cloudEvent, data_base64: 'AAEC' },
    { ...cloudEvent, id: '2', extension: 7 },
  ]),
  JSON.stringify([{ body: { a: 1 }, id: 'x', partitionKey: 'k', properties: { p: 'q' }, contentType: 'text/plain' }]),
  'plain text',
  '\u0000\u0001\u0002',
  '',
].map((text) => Buffer.from(text))
const types = [
  'application/json',
  'application/json; charset=utf-8',
  'application/x-ndjson',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
  'text/plain',
  'application/octet-stream',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  ';;=',
]
const headers: readonly (readonly [string, readonly string[]])[] = [
  ['x-partition-key', ['k', '', '\u00e9', ' '.repeat(300)]],
  ['ce-id', ['1', '', '%C3%A9', '%zz']],
  ['ce-source', ['/s', ' ', 'not a uri \u00ff']],
  ['ce-type', ['t', '"quoted"']],
  ['ce-specversion', ['1.0', '0.3', '9']],
  ['ce-time', ['2026-01-01T00:00:00Z', 'yesterday']],
  ['content-encoding', ['gzip', 'identity', 'br, gzip']],
  ['content-length', ['0', '99999999999', '-1', 'x']],
  ['prefer', ['respond-async', 'respond-async, wait=0', ',,,']],
  ['authorization', ['Bearer x', 'Basic eDp5', 'Basic %%%', '']],
  ['aeg-event-type', ['Notification', 'SubscriptionValidation']],
]
const paths = [
  '/events',
  '/events',
  '/events',
  '/events:batch',
  '/events:batch',
  '/events?partitionKey=%F0%9F%98%80',
  '/health',
  '/nowhere',
]
const methods = ['POST', 'POST', 'POST', 'POST', 'PUT', 'OPTIONS', 'DELETE']

function hostileRequest(random: Random): Request {
  const sent = new Headers()
  if (!random.chance(30)) sent.set('content-type', random.pick(types))
  for (let left = random.below(4); left > 0; left--) {
    const [name, values] = random.pick(headers)
    sent.set(name, random.pick(values))
  }
  const good = random.pick(bodies)
  const body = random.chance(10) ? good : mutated(random, good, bodies)
  const path = random.pick(paths)
  return new Request(`http://door.test${path}`, {
    method: random.pick(methods),
    headers: sent,
    body: new Uint8Array(body),
  })
}

test(`${inputCount} hostile requests: each is answered for what it is, none by a failure of the front door (SEED=${seed})`, async () => {
  const random = new Random()
  const door = new FrontDoor({ maxBodySizeInBytes: 100_000 })
  const seen = new Map<number, number>()
  for (let input = 0; input < inputCount; input++) {
    const answer = await door.send(hostileRequest(random))
    seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1)
    if (answer.status >= 500) throw new Error(`Input ${input} of SEED=${seed}: ${answer.status} ${answer.text}`)
    if (answer.status >= 400 && answer.body.status !== answer.status) {
      throw new Error(`Input ${input} of SEED=${seed}: a ${answer.status} without a problem document.`)
    }
    // It would grow with the inputs, and is not looked at here.
    if (input % 1000 === 0) door.client.invocations.length = 0
  }
  for (const status of [200, 207, 400, 404, 405, 415]) {
    expect(seen.get(status) ?? 0, `answers with ${status}`).toBeGreaterThan(0)
  }
}, 600_000)
