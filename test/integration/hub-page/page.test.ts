import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../../core/index.js'
import { type HubPageOptions, type HubWithPage, startHubWithPage } from '../../../infra/hub-page/index.js'
import type { EventDetail, Update } from '../../../infra/hub-page/protocol.js'
import type { LocalHubOptions } from '../../../infra/local-hub/index.js'
import { buildPage } from '../../page/build.js'

const folder = new URL('../../../.cache/hub-page/', import.meta.url)
beforeAll(() => buildPage(folder))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function start(options: LocalHubOptions = {}, own: HubPageOptions = {}) {
  const page = await startHubWithPage(options, {
    assets: new URL('static/', folder),
    producerModule: new URL('producer-process.js', folder),
    ...own,
  })
  return { page, hub: page.hub, [Symbol.asyncDispose]: () => page.close() }
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** As a browser, or whoever pretends to be one, would ask: with any headers at all. */
function ask(
  { hub }: HubWithPage,
  path: string,
  headers: Record<string, string> = {},
  body?: string | Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const asked = request({ host: '127.0.0.1', port: hub.httpPort, path, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const json = 'application/json'

function post(page: HubWithPage, name: string, body: unknown): Promise<Answer> {
  const origin = page.url.replace(/\/$/, '')
  return ask(page, `/_page/${name}`, { origin, 'content-type': json }, JSON.stringify(body))
}

/** What the page is told, joined together; `until` waits for something to be true of it. */
async function watch(page: HubWithPage) {
  const response = await fetch(`${page.url}_page/updates`)
  const updates: Update[] = []
  let largest = 0
  let heard = (): void => {}
  void (async () => {
    let rest = ''
    for await (const chunk of response.body ?? []) {
      rest += Buffer.from(chunk as Uint8Array).toString('utf8')
      const frames = rest.split('\n\n')
      rest = frames.pop() ?? ''
      for (const frame of frames.filter((one) => one.startsWith('data: '))) {
        largest = Math.max(largest, frame.length)
        updates.push(JSON.parse(frame.replace(/^data: /, '')) as Update)
      }
      heard()
    }
  })().catch(() => {})
  return {
    updates,
    largestUpdate: () => largest,
    last: <K extends keyof Update>(name: K) => updates.findLast((update) => update[name] !== undefined)?.[name],
    happened: () => updates.flatMap(({ happened = [] }) => happened),
    until: async (isTrue: () => boolean): Promise<void> => {
      while (!isTrue()) {
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      }
    },
  }
}

const event = { eventHubName: 'events', bodyKind: 'text', body: 'hello', count: 1 }

describe('the page over HTTP', () => {
  test('is there at the hub’s own port, whole: no address in it leads elsewhere', async () => {
    await using running = await start()
    const index = await ask(running.page, '/')
    expect([index.status, index.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    const paths = [...index.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '')
    expect(paths.length).toBeGreaterThan(2)
    for (const path of [...paths, '/_page/LICENSE-preact.txt']) {
      expect([path, (await ask(running.page, path)).status]).toEqual([path, 200])
      const { text } = await ask(running.page, path)
      // Names of namespaces are no addresses that anything is fetched from.
      expect(text.replaceAll(/http:\/\/www\.w3\.org\/\w+(\/\w+)*/g, '')).not.toMatch(
        /(src|href)=.?https?:|url\(.?http|import\(/,
      )
    }
    expect((await ask(running.page, '/_page/../../package.json')).status).toBe(404)
    // The REST interface is where it was.
    expect((await ask(running.page, '/events/messages')).status).toBe(405)
  })

  test('forbids inline scripts and styles, frames and other servers', async () => {
    await using running = await start()
    const policy = String((await ask(running.page, '/')).headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
  })

  test('answers a loopback name alone: not what another’s DNS points here', async () => {
    await using running = await start()
    const status = async (host: string) => (await ask(running.page, '/', { host })).status
    for (const host of ['localhost:8090', '127.0.0.1', '[::1]:1', 'LOCALHOST']) expect(await status(host)).toBe(200)
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:8090', '10.0.0.1']) {
      expect([host, await status(host)]).toEqual([host, 403])
    }
  })

  test('does nothing that another site asks for, or a form, and tells it nothing', async () => {
    await using running = await start()
    const { page } = running
    const origin = page.url.replace(/\/$/, '')
    const body = JSON.stringify({ silence: true })
    const act = async (headers: Record<string, string>) => (await ask(page, '/_page/faults', headers, body)).status
    expect(await act({ 'content-type': json })).toBe(403)
    expect(await act({ 'content-type': json, origin: 'https://evil.example' })).toBe(403)
    expect(await act({ 'content-type': json, origin: 'null' })).toBe(403)
    expect(await act({ 'content-type': json, origin: 'http://127.0.0.1:1' })).toBe(403)
    expect(await act({ 'content-type': 'text/plain', origin })).toBe(415)
    expect(await act({ 'content-type': json, origin, 'sec-fetch-site': 'same-site' })).toBe(403)
    expect(running.hub.faults.silence).toBe(false)
    expect(await act({ 'content-type': json, origin, 'sec-fetch-site': 'same-origin' })).toBe(200)
    expect(running.hub.faults.silence).toBe(true)
    for (const path of ['/_page/updates', '/_page/event?hub=events&partition=0&number=0', '/_page/connection-string']) {
      expect((await ask(page, path, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    }
  })

  test('refuses what it does not understand with a message, and goes on', async () => {
    await using running = await start()
    const { page } = running
    const origin = page.url.replace(/\/$/, '')
    const headers = { origin, 'content-type': json }
    for (const [path, body, status] of [
      ['/_page/send', '{', 400],
      ['/_page/send', '[]', 400],
      ['/_page/nothing', '{}', 404],
      ['/_page/send', Buffer.alloc(5 * 1024 * 1024, 0x20), 413],
    ] as const) {
      const answer = await ask(page, path, headers, body)
      expect([path, answer.status, typeof JSON.parse(answer.text).message]).toEqual([path, status, 'string'])
    }
    for (const query of ['', '?hub=events', '?hub=others&partition=0&number=0', '?hub=events&partition=0&number=x']) {
      expect((await ask(page, `/_page/event${query}`)).status).toBe(400)
    }
    expect((await ask(page, '/_page/event?hub=events&partition=0&number=0')).status).toBe(404)
    expect((await ask(page, '/')).status).toBe(200)
  })

  test('keys are told to whoever asks for them, and are nowhere else', async () => {
    await using running = await start({ sharedAccessKeys: { RootManageSharedAccessKey: 'a-key-to-be-seen' } })
    const live = await watch(running.page)
    await post(running.page, 'send', event)
    await live.until(() => live.happened().some(({ kind }) => kind === 'invocation'))
    expect(JSON.stringify(live.updates)).not.toContain('a-key-to-be-seen')
    const { text } = await ask(running.page, '/_page/connection-string?hub=events')
    expect(text).toContain('a-key-to-be-seen')
  })
})

describe('what the page shows', () => {
  test('a send arrives in its lane, its outcome in the timeline, and the event can be opened', async () => {
    await using running = await start()
    const live = await watch(running.page)
    const hostile = '<script>alert(1)</script>'
    const answer = await post(running.page, 'send', {
      ...event,
      ...{ body: hostile, partitionId: '2', contentType: 'text/html', properties: { n: 7, yes: true, [hostile]: 'x' } },
    })
    const { sendId } = JSON.parse(answer.text) as { sendId: number }
    await live.until(() => live.happened().some((one) => one.kind === 'invocation' && one.sendId === sendId))
    await live.until(() => live.last('batches') !== undefined)
    expect(live.last('batches')?.at(-1)).toMatchObject({
      partitionId: '2',
      sequenceNumber: 0,
      events: 1,
      preview: hostile,
    })
    expect(live.last('stored')).toMatchObject([{ partitionId: '2', events: 1, batches: 1 }])
    const found = await ask(running.page, '/_page/event?hub=events&partition=2&number=0')
    expect(found.headers['content-type']).toBe('application/json; charset=utf-8')
    const detail = JSON.parse(found.text) as EventDetail
    expect(Buffer.from(detail.body, 'base64').toString()).toBe(hostile)
    expect(detail.properties).toEqual([{ name: 'content-type', type: 'string', value: 'text/html' }])
    expect(detail.applicationProperties).toEqual([
      { name: 'n', type: 'number', value: '7' },
      { name: 'yes', type: 'boolean', value: 'true' },
      { name: hostile, type: 'string', value: 'x' },
    ])
    await live.until(() => live.last('connections')?.[0]?.userAgent?.startsWith('hub-page ') === true)
  })

  test('what cannot be sent is reported with its reason', async () => {
    await using running = await start()
    const live = await watch(running.page)
    await post(running.page, 'send', { ...event, body: 'x'.repeat(1_100_000) })
    await live.until(() => live.happened().some(({ kind }) => kind === 'invocation'))
    expect(live.happened().find(({ kind }) => kind === 'invocation')).toMatchObject({
      ...{ taken: 1, accepted: 0, refused: 1, reason: expect.stringContaining('event-too-large') },
    })
    expect(live.last('producer')).toMatchObject({ taken: 1, outcomes: { refused: 1 } })
  })

  test('a fast stream of somebody else is counted to the last event, and told in small pieces', async () => {
    await using running = await start({ eventHubs: { events: { partitionCount: 8 } } })
    const live = await watch(running.page)
    await using client = EventHubProducerClient.fromConnectionString(running.hub.connectionString)
    const count = 10_000
    const invocation = client.beginInvocation()
    for (let i = 0; i < count; i++)
      void invocation.sendEvent({ body: 'x'.repeat(100) }, { partitionKey: `k${i % 100}` })
    expect((await invocation.end()).accepted).toBe(count)
    const counted = (): number => {
      const latest = new Map<string, number>()
      for (const { stored = [] } of live.updates) for (const one of stored) latest.set(one.partitionId, one.events)
      return [...latest.values()].reduce((sum, events) => sum + events, 0)
    }
    await live.until(() => counted() === count)
    expect(live.largestUpdate()).toBeLessThan(100_000)
    // None of them is the page's own.
    expect(live.last('producer')).toMatchObject({ created: 0, stored: 0, duplicates: 0, lost: 0 })
  })
})

describe('the page’s producer', () => {
  const stream = { eventHubName: 'events', on: true, eventsPerSecond: 200 }

  test.skipIf(process.platform === 'win32')(
    'frozen, its process stands still; thawed, it delivers what waited, over a new connection',
    async () => {
      await using running = await start()
      const { page } = running
      const live = await watch(page)
      expect((await post(page, 'freeze', { frozen: true })).text).toContain('Start the stream')
      await post(page, 'stream', stream)
      await live.until(() => (live.last('producer')?.outcomes.accepted ?? 0) > 20)
      const { id } = running.hub.connections.at(-1) ?? {}
      expect((await post(page, 'freeze', { frozen: true, meanwhile: 'silence' })).status).toBe(200)
      const stateOf = () => readFileSync(`/proc/${page.producerProcessId}/stat`, 'utf8').split(' ')[2]
      // T: stopped by a signal. The kernel gets round to it soon, not at once.
      if (process.platform === 'linux') await expect.poll(stateOf).toBe('T')
      await live.until(() => live.last('producer')?.process === 'frozen' && (live.last('producer')?.waiting ?? 0) > 50)
      await post(page, 'stream', { ...stream, on: false })
      await post(page, 'freeze', { frozen: false })
      const producer = () => live.last('producer')
      await live.until(() => producer()?.waiting === 0 && producer()?.underWay === 0)
      expect(producer()).toMatchObject({ process: 'running', lost: 0, stored: producer()?.created })
      expect(running.hub.connections.at(-1)?.id).not.toBe(id)
    },
  )

  test('killed, it leaves its events unknown; another delivers them again, and none is lost', async () => {
    await using running = await start()
    const { page } = running
    const live = await watch(page)
    await post(page, 'stream', stream)
    await live.until(() => (live.last('producer')?.outcomes.accepted ?? 0) > 20)
    // Nothing is answered, so that there is something under way.
    await post(page, 'faults', { silence: true })
    await live.until(() => (live.last('producer')?.underWay ?? 0) > 0)
    process.kill(page.producerProcessId ?? 0, 'SIGKILL')
    await live.until(() => (live.last('producer')?.outcomes.unknown ?? 0) > 0)
    await post(page, 'faults', { action: 'reset' })
    await post(page, 'stream', { ...stream, on: false })
    const producer = () => live.last('producer')
    await live.until(() => producer()?.waiting === 0 && producer()?.underWay === 0)
    expect(producer()).toMatchObject({ lost: 0, stored: producer()?.created })
    expect(live.happened().some((one) => one.kind === 'process' && one.text.includes('SIGKILL'))).toBe(true)
  })

  test('cannot be frozen where there are no such signals, and the page says why', async () => {
    await using running = await start({}, { platform: 'win32' })
    const live = await watch(running.page)
    await live.until(() => live.updates.length > 0)
    expect(live.updates[0]?.hub?.cannotFreeze).toContain('Windows')
    const answer = await post(running.page, 'freeze', { frozen: true })
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('SIGSTOP')])
  })

  test('ends with the hub, also while it is frozen', async () => {
    const running = await start()
    const live = await watch(running.page)
    await post(running.page, 'send', event)
    await live.until(() => live.happened().some(({ kind }) => kind === 'invocation'))
    const { producerProcessId = 0 } = running.page
    if (process.platform !== 'win32') await post(running.page, 'freeze', { frozen: true })
    await running.page.close()
    expect(() => process.kill(producerProcessId, 0)).toThrow('ESRCH')
  })
})

test('a page that is not built is an error that says what to do', async () => {
  await expect(start({}, { assets: new URL('nowhere/', folder) })).rejects.toThrow('npm run build')
})
