import { describe, expect, test, vi } from 'vitest'
import { cloudEventsWebhook, cors, eventGridWebhook } from '../../../adapters/fetch/index.js'
import { FrontDoor, json, statuses } from './front-door.js'

const key = 'kkkkkkkkkkkkkkkk'
const callback = { 'webhook-request-callback': 'https://attacker.test/confirm?id=1' }

function options(door: FrontDoor, headers: Record<string, string>, path = '/events') {
  return door.send(new Request(`http://door.test${path}`, { method: 'OPTIONS', headers }))
}

describe('the CloudEvents handshake', () => {
  const closed = { auth: { bearer: key } }

  test('consents to a known origin, without a key, and names the rate', async () => {
    const door = new FrontDoor({
      ...closed,
      webhooks: cloudEventsWebhook({ origins: ['eventgrid.azure.net'], requestsPerMinute: 120 }),
    })
    const answer = await options(door, {
      'webhook-request-origin': 'eventgrid.azure.net',
      'webhook-request-rate': '5000',
    })
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(answer.headers.get('webhook-allowed-origin')).toBe('eventgrid.azure.net')
    expect(answer.headers.get('webhook-allowed-rate')).toBe('120')
    expect(answer.headers.get('allow')).toBe('POST')
  })

  test('without a rate of its own it sets no limit', async () => {
    const door = new FrontDoor({ ...closed, webhooks: [cloudEventsWebhook({ origins: '*' })] })
    const answer = await options(door, { 'webhook-request-origin': 'any.test' })
    expect(answer.headers.get('webhook-allowed-origin')).toBe('any.test')
    expect(answer.headers.get('webhook-allowed-rate')).toBe('*')
  })

  test.each([
    ['an origin that is not listed', { 'webhook-request-origin': 'evil.test', ...callback }],
    ['a part of a listed one', { 'webhook-request-origin': 'azure.net' }],
    ['no origin', callback],
  ])('%s: 405 without consent', async (_, headers) => {
    const door = new FrontDoor({ ...closed, webhooks: cloudEventsWebhook({ origins: ['eventgrid.azure.net'] }) })
    const answer = await options(door, headers)
    expect(answer.status).toBe(405)
    expect(answer.headers.get('webhook-allowed-origin')).toBeNull()
  })

  test('is not there unless asked for', async () => {
    expect((await options(new FrontDoor(), { 'webhook-request-origin': 'eventgrid.azure.net' })).status).toBe(405)
  })
})

describe('Event Grid in its own schema', () => {
  const validation = [
    {
      id: '2d1781af',
      topic: '/subscriptions/x',
      subject: '',
      data: { validationCode: '512d38b6-c7b8-40c8', validationUrl: 'https://attacker.test/validate' },
      eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
      eventTime: '2018-01-25T22:12:19.4556811Z',
      dataVersion: '1',
    },
  ]
  const aeg = (type: string) => ({ ...json, 'aeg-event-type': type })
  const door = () =>
    new FrontDoor({ auth: { bearer: key }, webhooks: [cloudEventsWebhook({ origins: '*' }), eventGridWebhook()] })
  const authorization = `Bearer ${key}`

  test('a validation is answered with its code, and is no event', async () => {
    const grid = door()
    const answer = await grid.post(JSON.stringify(validation), { ...aeg('SubscriptionValidation'), authorization })
    expect([answer.status, answer.text]).toEqual([200, '{"validationResponse":"512d38b6-c7b8-40c8"}'])
    expect(grid.client.invocations).toEqual([])
  })

  test('a validation without a key is a 401: whoever subscribes must have been let in', async () => {
    expect((await door().post(JSON.stringify(validation), aeg('SubscriptionValidation'))).status).toBe(401)
  })

  test.each(['', '{', '[]', '[{"data":{}}]', '[{"data":{"validationCode":5}}]'])(
    'a validation of %j: 400',
    async (body) => {
      expect((await door().post(body, { ...aeg('SubscriptionValidation'), authorization })).status).toBe(400)
    },
  )

  test('a validation that is too large is not read to its end', async () => {
    const grid = new FrontDoor({ maxBodySizeInBytes: 10, webhooks: eventGridWebhook() })
    expect((await grid.post(JSON.stringify(validation), aeg('SubscriptionValidation'))).status).toBe(413)
  })

  test('each event of an array is sent as it is, under its own id', async () => {
    const grid = door()
    const [first, second] = ['{"id":"e1","eventType":"t","data":{"n":1.0}}', '{"id":"e2","eventType":"t","data":{}}']
    const answer = await grid.post(`[${first}, ${second}, 7]`, { ...aeg('Notification'), authorization })
    expect(answer.body.results?.map(({ id }) => id)).toEqual(['e1', 'e2', undefined])
    expect(statuses(answer)).toEqual(['accepted', 'accepted', 'accepted'])
    expect(grid.client.bodies).toEqual([first, second, '7'])
    expect(grid.client.sent.map(({ event }) => event.messageId)).toEqual(['e1', 'e2', undefined])
  })

  test('without the option, and without the header, it is an array like any other', async () => {
    const plain = new FrontDoor()
    expect((await plain.post(JSON.stringify(validation), aeg('SubscriptionValidation'))).body.accepted).toBe(1)
    const grid = door()
    await grid.post('[{"id":"e1"}]', { ...json, authorization })
    expect(grid.client.sent[0]?.event).toEqual({ body: '{"id":"e1"}' })
  })
})

test('no URL that a request names is fetched', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch')
  try {
    const door = new FrontDoor({ webhooks: [cloudEventsWebhook({ origins: '*' }), eventGridWebhook()] })
    await options(door, { 'webhook-request-origin': 'any.test', ...callback })
    const body = '[{"id":"1","data":{"validationCode":"c","validationUrl":"https://attacker.test/v"}}]'
    for (const type of ['SubscriptionValidation', 'Notification'])
      await door.post(body, { ...json, 'aeg-event-type': type })
    expect(fetched).not.toHaveBeenCalled()
  } finally {
    fetched.mockRestore()
  }
})

describe('CORS', () => {
  const preflight = {
    origin: 'https://app.example.com',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,x-partition-key',
  }
  const policy = cors({ origins: ['https://app.example.com'], maxAgeInSeconds: 60 })

  test('a preflight from a listed origin is granted, without a key', async () => {
    const answer = await options(new FrontDoor({ auth: { bearer: key }, cors: policy }), preflight, '/events:batch')
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect(Object.fromEntries(answer.headers)).toEqual({
      vary: 'origin',
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization,content-type,x-partition-key',
      'access-control-max-age': '60',
    })
  })

  test.each([
    ['another origin', { ...preflight, origin: 'https://evil.test' }],
    ['another port', { ...preflight, origin: 'https://app.example.com:8443' }],
    ['a suffix', { ...preflight, origin: 'https://app.example.com.evil.test' }],
    ['null', { ...preflight, origin: 'null' }],
    ['no method asked for', { origin: preflight.origin }],
  ])('%s: no grant', async (_, headers) => {
    const answer = await options(new FrontDoor({ cors: policy }), headers)
    expect(answer.status).toBe(405)
    expect(answer.headers.get('access-control-allow-methods')).toBeNull()
  })

  test('answers and problems alike can be read by listed origins, and by no others', async () => {
    const door = new FrontDoor({ auth: { bearer: key }, cors: policy })
    const authorization = `Bearer ${key}`
    for (const [headers, status] of [
      [{ ...json, authorization }, 200],
      [json, 401],
      [{ authorization, 'content-type': 'x' }, 415],
    ] as const) {
      const answer = await door.post('1', { ...headers, origin: 'https://app.example.com' } as Record<string, string>)
      expect(answer.status).toBe(status)
      expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
      expect(answer.headers.get('access-control-expose-headers')).toContain('retry-after')
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      expect(answer.headers.get('vary')).toBe('origin')
      const other = await door.post('1', { ...headers, origin: 'https://evil.test' } as Record<string, string>)
      expect(other.headers.get('access-control-allow-origin')).toBeNull()
      expect(other.headers.get('vary')).toBe('origin')
    }
  })

  test('credentials are allowed by name only, for listed origins', async () => {
    const door = new FrontDoor({ cors: cors({ origins: ['https://app.example.com'], allowCredentials: true }) })
    const answer = await door.post('1', { ...json, origin: 'https://app.example.com' })
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true')
    const any = await new FrontDoor({ cors: cors({ origins: '*' }) }).post('1', { ...json, origin: 'https://x.test' })
    expect(any.headers.get('access-control-allow-origin')).toBe('*')
  })

  test('without the option there is no CORS header', async () => {
    const answer = await new FrontDoor().post('1', { ...json, origin: 'https://app.example.com' })
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control') || name === 'vary')).toEqual(
      [],
    )
  })
})

test.each([
  ['* beside credentials', () => cors({ origins: '*', allowCredentials: true }), /allowCredentials/],
  ['an origin with a path', () => cors({ origins: ['https://app.example.com/'] }), /without a path/],
  ['an origin that is none', () => cors({ origins: ['app.example.com'] }), /origins/],
  ['no origins', () => cors({} as never), /origins/],
  ['an unknown option', () => cors({ origins: '*', origin: 'x' } as never), /origin/],
  ['no webhook origins', () => cloudEventsWebhook({} as never), /origins/],
  ['an empty webhook origin', () => cloudEventsWebhook({ origins: [''] }), /origins/],
  ['a rate of zero', () => cloudEventsWebhook({ origins: '*', requestsPerMinute: 0 }), /requestsPerMinute/],
  [
    'options in place of what cors makes',
    () => new FrontDoor({ cors: { origins: '*' } as never }),
    /cors must be what cors/,
  ],
  ['a word in place of webhooks', () => new FrontDoor({ webhooks: 'eventGrid' as never }), /webhooks must be/],
])('%s is refused when it is made', (_, make, message) => {
  expect(make).toThrow(message)
})
