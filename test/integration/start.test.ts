import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { buildPage } from '../page/build.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** As deep as dist/infra/local.js lies, so that it finds the fixtures. */
const program = `${root}.cache/start/local.js`
const anyPort = { PORT: '0', HUB_PORT: '0', HUB_HTTP_PORT: '0' }
const running: ChildProcess[] = []

interface Run {
  readonly child: ChildProcess
  output: string
  readonly exited: Promise<number | null>
  /** Resolves with the match once the output has it; rejects when the process ends without. */
  until(pattern: RegExp): Promise<RegExpMatchArray>
}

function start(environment: Record<string, string>): Run {
  const child = spawn(process.execPath, [program], { env: { PATH: process.env.PATH, ...environment } })
  running.push(child)
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const run: Run = {
    child,
    output: '',
    exited,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = run.output.match(pattern)
          if (match) resolve(match)
        }
        child.stdout?.on('data', look)
        void exited.then(() => reject(new Error(`ended without ${pattern}: ${run.output}`)))
        look()
      }),
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').prependListener('data', (text: string) => {
      run.output += text
    })
  }
  return run
}

describe('npm start', () => {
  beforeAll(async () => {
    await build({
      entryPoints: [`${root}infra/local.ts`],
      outfile: program,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      conditions: ['sluice-source'],
      logLevel: 'silent',
    })
    await buildPage(new URL('../../.cache/start/', import.meta.url))
  })
  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL')
  })
  afterAll(() => rm(`${root}.cache/start`, { recursive: true, force: true }))

  test('sends recorded input through every adapter, shows what landed, takes a request, and stops cleanly', async () => {
    const run = start(anyPort)
    // Before anything else, so that it can be watched.
    const [, pageUrl = ''] = await run.until(/^See what arrives, and break it: (http:\S+)\n/)
    const page = await fetch(pageUrl)
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('<title>Local hub')
    const [, url = ''] = await run.until(/The front door listens on (http:\S+)\. Try it/)
    for (const adapter of ['aws-lambda', 'azure-functions', 'fetch']) expect(run.output).toContain(adapter)
    // One line of each kind of input, as it lies in the hub.
    for (const landed of [
      '"orderId":"A-1001"',
      '"account":"red","step":3',
      'A-2001',
      'ca fe 00 ff',
      'arrêtée',
      'thermo-9',
    ]) {
      expect(run.output).toContain(landed)
    }
    expect(run.output).toContain('Line 2 is not valid JSON')
    const [, key = ''] = run.output.match(/authorization: Bearer (\S+?)'/) ?? []
    const response = await fetch(`${url}/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-partition-key': 'me' },
      body: '{"typed":"by hand"}',
    })
    expect(response.status).toBe(200)
    await run.until(/\+ partition \d #\d+ key me: {"typed":"by hand"}/)
    // What would act on a terminal is shown and does nothing, in the key as in the body.
    await fetch(`${url}/events:batch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify([{ text: 'a\u001b[2J\nb', partitionKey: 'k\u001b[31m\u202e' }]),
    })
    await run.until(/\+ partition \d #\d+ key k\S+: a\S+\n/)
    expect(run.output).toContain('key k\\x1b[31m\\u202e: a\\x1b[2J\\nb')
    run.child.kill('SIGINT')
    expect(await run.exited).toBe(0)
    expect(run.output).toContain('Stopped.')
  })

  test.runIf(process.platform === 'linux')(
    'killed outright while the producer of its page is frozen, it leaves no process behind',
    async () => {
      const run = start(anyPort)
      const [, pageUrl = ''] = await run.until(/^See what arrives, and break it: (http:\S+)\n/)
      await run.until(/Ctrl\+C/)
      const post = (name: string, body: object) =>
        fetch(`${pageUrl}_page/${name}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', origin: new URL(pageUrl).origin },
          body: JSON.stringify(body),
        })
      await post('send', { eventHubName: 'events', bodyKind: 'text', body: 'x', count: 1 })
      expect((await post('freeze', { frozen: true })).status).toBe(200)
      const { pid } = run.child
      const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')
      // The producer, and what watches over it.
      expect(children).toHaveLength(2)
      run.child.kill('SIGKILL')
      // Z: ended, and nobody has asked how; some containers leave it at that.
      const stateOf = (child: string) =>
        readFile(`/proc/${child}/stat`, 'utf8').then(
          (text) => text.split(' ')[2],
          () => 'gone',
        )
      const left = async () =>
        (await Promise.all(children.map(stateOf))).filter((state) => !/^(Z|gone)$/.test(state ?? ''))
      await expect.poll(left, { timeout: 10_000 }).toEqual([])
    },
  )

  test('killed outright in the middle of its page’s stream, it leaves no stack trace of the producer', async () => {
    const run = start(anyPort)
    const [, pageUrl = ''] = await run.until(/^See what arrives, and break it: (http:\S+)\n/)
    await run.until(/Ctrl\+C/)
    await fetch(`${pageUrl}_page/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: new URL(pageUrl).origin },
      body: JSON.stringify({ eventHubName: 'events', on: true, eventsPerSecond: 5000 }),
    })
    const updates = await fetch(`${pageUrl}_page/updates`)
    let told = ''
    for await (const chunk of updates.body ?? []) {
      told += Buffer.from(chunk).toString('latin1')
      if (/"accepted":\d{3}/.test(told)) break
    }
    run.child.kill('SIGKILL')
    // The producer writes to the same standard error: this is its end, too.
    await run.exited
    expect(run.output).not.toMatch(/EPIPE|Unhandled|node:/)
  })

  test.each(['PORT', 'HUB_PORT', 'HUB_HTTP_PORT'])(
    'says in one sentence that %s is taken, and what to do',
    async (variable) => {
      const other = createServer()
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
      const { port } = other.address() as { port: number }
      const run = start({ ...anyPort, [variable]: String(port) })
      expect(await run.exited).toBe(1)
      expect(run.output).toContain(`Port ${port}`)
      expect(run.output).toContain(`${variable}=`)
      expect(run.output.trim().split('\n')).toHaveLength(1)
      await new Promise((resolve) => other.close(resolve))
    },
  )

  test('says in one sentence that a port is no port', async () => {
    const run = start({ ...anyPort, HUB_PORT: 'amqp' })
    expect(await run.exited).toBe(1)
    expect(run.output.trim()).toBe('HUB_PORT must be a port number from 0 to 65535; it is "amqp".')
  })
})
