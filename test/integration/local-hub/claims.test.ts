import { afterEach, describe, expect, test } from 'vitest'
import { type LocalHub, type LocalHubOptions, startLocalHub } from '../../../infra/local-hub/index.js'
import { connect, keyOf, openReceiver, openSender, putToken, request, sendBatch, signature } from './raw-client.js'

let hub: LocalHub
afterEach(() => hub.close())

async function start(options: LocalHubOptions = {}): Promise<void> {
  hub = await startLocalHub(options)
}

const unauthorized = { condition: 'amqp:unauthorized-access' }

describe('a link without a claim of its own', () => {
  test('is refused, whatever it is', async () => {
    await start()
    const connection = await connect(hub)
    await expect(openSender(connection, 'events')).rejects.toMatchObject(unauthorized)
    await expect(openSender(connection, 'events/Partitions/0')).rejects.toMatchObject(unauthorized)
    const source = 'events/ConsumerGroups/$Default/Partitions/0'
    await expect(openReceiver(connection, { source })).rejects.toMatchObject(unauthorized)
    await expect(openSender(connection, '$management')).rejects.toMatchObject(unauthorized)
  })

  test('is not helped by a claim for another address, nor by one on another connection', async () => {
    await start()
    const [connection, other] = await Promise.all([connect(hub), connect(hub)])
    const audience = 'sb://localhost/events/Partitions/0'
    expect(await putToken(other, audience, signature(audience, { key: keyOf(hub) }))).toMatchObject({ status: 202 })
    await expect(openSender(connection, 'events/Partitions/0')).rejects.toMatchObject(unauthorized)
    await expect(openSender(other, 'events/Partitions/1')).rejects.toMatchObject(unauthorized)
    await expect(openSender(other, 'events')).rejects.toMatchObject(unauthorized)
    expect(await sendBatch(await openSender(other, '/Events/partitions/0'), ['a'])).toBe('accepted')
  })

  test("is covered by the hub's claim, unless claims are exact", async () => {
    for (const claimScope of ['prefix', 'exact'] as const) {
      await start({ claimScope })
      const connection = await connect(hub)
      await putToken(connection, 'sb://localhost/events', signature('sb://localhost/events', { key: keyOf(hub) }))
      const partition = openSender(connection, 'events/Partitions/3').then(() => 'opened')
      if (claimScope === 'prefix') expect(await partition).toBe('opened')
      else await expect(partition).rejects.toMatchObject(unauthorized)
      await openSender(connection, 'events')
      if (claimScope === 'prefix') await hub.close()
    }
  })
})

describe('put-token', () => {
  test('takes signatures as the JavaScript, Python and .NET SDKs encode them', async () => {
    const [keyName, key] = ['Send & Listen+', 'k/+=']
    await start({ sharedAccessKeys: { [keyName]: key } })
    const connection = await connect(hub)
    const javascript = encodeURIComponent
    const encodings = {
      javascript,
      python: (text: string) => javascript(text).replace(/'/g, '%27'),
      'lower case digits': (text: string) => javascript(text).replace(/%../g, (digits) => digits.toLowerCase()),
      'not encoded': (text: string) => (text.startsWith('sb:') ? text : javascript(text)),
      'lower case throughout': (text: string) =>
        text.startsWith('sb:') ? javascript(text).toLowerCase() : javascript(text),
    }
    const audience = `sb://127.0.0.1:${hub.amqpPort}/events/ConsumerGroups/$Default/Partitions/1`
    for (const [name, encode] of Object.entries(encodings)) {
      const token = signature(audience, { key, keyName, encode })
      expect(await putToken(connection, audience, token), name).toMatchObject({ status: 202, description: 'Accepted' })
    }
  })

  test('refuses a wrong key, an unknown key name, a wrong resource, an expired token and an unknown type', async () => {
    const now = 1_000_000_000_000
    await start({ now: () => now })
    const connection = await connect(hub)
    const key = keyOf(hub)
    const audience = 'sb://localhost/events/Partitions/0'
    const expiresAt = now / 1000 + 60
    const good = signature(audience, { key, expiresAt })
    const cases: [string, string, string?][] = [
      ['InvalidSignature', signature(audience, { key: 'other', expiresAt })],
      ['InvalidSignature', signature(audience, { key, keyName: 'Nobody', expiresAt })],
      ['InvalidSignature', good.replace(`se=${expiresAt}`, `se=${expiresAt + 1}`)],
      ['InvalidAudience', signature('sb://localhost/events/Partitions/1', { key, expiresAt })],
      ['InvalidAudience', signature('sb://localhost/events/Partitions/0/more', { key, expiresAt })],
      ['InvalidAudience', signature('sb://localhost/event', { key, expiresAt })],
      ['ExpiredToken', signature(audience, { key, expiresAt: now / 1000 - 1 })],
      ['MalformedToken', 'SharedAccessSignature sr=x'],
      ['MalformedToken', 'nonsense'],
      ['InvalidTokenType', good, 'basic'],
      ['InvalidSignature', 'a.b.c', 'jwt'],
    ]
    for (const [reason, token, type] of cases) {
      const reply = await putToken(connection, audience, token, type)
      expect(reply, reason).toMatchObject({ status: 401, condition: 'amqp:unauthorized-access' })
      expect(reply.description).toContain(reason)
      expect(reply.description).not.toContain(key)
    }
    await expect(openSender(connection, 'events/Partitions/0')).rejects.toMatchObject(unauthorized)
    expect(await putToken(connection, audience, good)).toMatchObject({ status: 202 })
    expect(await request(connection, '$cbs', { body: 1 })).toMatchObject({ status: 400 })
  })

  test('a claim ends with its token: the link is detached at its next message, and a new one is refused', async () => {
    let now = 1_000_000_000_000
    await start({ now: () => now })
    const connection = await connect(hub)
    const audience = 'sb://localhost/events/Partitions/0'
    const token = (): string => signature(audience, { key: keyOf(hub), expiresAt: now / 1000 + 60 })
    await putToken(connection, audience, token())
    const sender = await openSender(connection, 'events/Partitions/0')
    expect(await sendBatch(sender, ['in time'])).toBe('accepted')
    now += 60_000
    expect(await sendBatch(sender, ['too late'])).toBe('detached: amqp:unauthorized-access')
    await expect(openSender(connection, 'events/Partitions/0')).rejects.toMatchObject(unauthorized)
    await putToken(connection, audience, token())
    expect(await sendBatch(await openSender(connection, 'events/Partitions/0'), ['renewed'])).toBe('accepted')
    expect(hub.events('events').map(({ body }) => String(body))).toEqual(['in time', 'renewed'])
  })

  test('takes a bearer token that acceptJwt takes, and no other', async () => {
    const asked: string[] = []
    await start({
      acceptJwt: async (token, audience) => {
        asked.push(audience)
        return token === 'good'
      },
    })
    const connection = await connect(hub)
    expect(await putToken(connection, 'sb://localhost/events', 'bad', 'jwt')).toMatchObject({ status: 401 })
    expect(await putToken(connection, 'sb://localhost/events', 'good', 'jwt')).toMatchObject({ status: 202 })
    expect(asked).toEqual(['sb://localhost/events', 'sb://localhost/events'])
    await openSender(connection, 'events')
  })

  test('verifies a signature that is put as jwt, as the Python SDK puts all its tokens', async () => {
    await start({ acceptJwt: () => true })
    const connection = await connect(hub)
    const audience = 'sb://localhost/events'
    const forged = signature(audience, { key: 'other' })
    expect(await putToken(connection, audience, forged, 'jwt')).toMatchObject({ status: 401 })
    const good = signature(audience, { key: keyOf(hub) })
    expect(await putToken(connection, audience, good, 'jwt')).toMatchObject({ status: 202 })
    await openSender(connection, 'events')
  })

  test("a key's rights hold: a send key cannot listen, a listen key cannot send", async () => {
    await start({
      sharedAccessKeys: { sender: { key: 'a', rights: ['send'] }, listener: { key: 'b', rights: ['listen'] } },
    })
    const source = 'events/ConsumerGroups/$Default/Partitions/0'
    for (const [keyName, key] of [
      ['sender', 'a'],
      ['listener', 'b'],
    ] as const) {
      const connection = await connect(hub)
      await putToken(connection, 'sb://h/events', signature('sb://h/events', { key, keyName }))
      const sends = await openSender(connection, 'events').then(
        () => true,
        (error) => error.condition,
      )
      const listens = await openReceiver(connection, { source }).then(
        () => true,
        (error) => error.condition,
      )
      const refused = unauthorized.condition
      expect([sends, listens]).toEqual(keyName === 'sender' ? [true, refused] : [refused, true])
    }
  })
})

describe('SASL', () => {
  test('PLAIN with the right key needs no claims; with a wrong one the connection fails', async () => {
    await start({ sharedAccessKeys: { all: 'secret', sender: { key: 'only', rights: ['send'] } } })
    const connection = await connect(hub, { username: 'all', password: 'secret' })
    expect(await sendBatch(await openSender(connection, 'events'), ['a'])).toBe('accepted')
    expect(hub.connections[0]).toMatchObject({ saslMechanism: 'PLAIN' })
    await expect(connect(hub, { username: 'all', password: 'wrong' })).rejects.toMatchObject(unauthorized)
    await expect(connect(hub, { username: 'none', password: 'secret' })).rejects.toMatchObject(unauthorized)
    const limited = await connect(hub, { username: 'sender', password: 'only' })
    const source = 'events/ConsumerGroups/$Default/Partitions/0'
    await expect(openReceiver(limited, { source })).rejects.toMatchObject(unauthorized)
  })

  test('is required, unless the hub is told otherwise', async () => {
    await start()
    const withoutSasl = { username: undefined } as unknown as { username: string }
    await expect(connect(hub, withoutSasl)).rejects.toBeDefined()
    await hub.close()
    await start({ sasl: 'optional' })
    const connection = await connect(hub, withoutSasl)
    expect(hub.connections[0]).toMatchObject({ saslMechanism: undefined, containerId: connection.container.id })
    await expect(openSender(connection, 'events')).rejects.toMatchObject(unauthorized)
  })
})
