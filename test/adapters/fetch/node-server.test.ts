import { request as httpRequest } from 'node:http'
import { connect, createServer } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Handler, RunningServer } from '../../../infra/entrypoints/node-server.js'
import { serve } from '../../../infra/entrypoints/node-server.js'
import { FrontDoor, json, ndjson } from './front-door.js'

const running: RunningServer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

async function start(handler: Handler, shutdownTimeoutInMs = 30_000): Promise<RunningServer> {
  const server = await serve(handler, { port: 0, shutdownTimeoutInMs })
  running.push(server)
  return server
}

function once<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Sends raw bytes and gives back everything that comes until the connection ends. */
function rawExchange(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
    let received = ''
    socket.on('data', (data) => {
      received += data
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })
}

describe('requests and answers', () => {
  test('pass through whole: method, path, query, repeated headers, body, cookies', async () => {
    const { url } = await start({
      async fetch(request) {
        const headers = new Headers({
          'x-seen': `${request.method} ${new URL(request.url).pathname}${new URL(request.url).search}`,
        })
        headers.append('set-cookie', 'a=1')
        headers.append('set-cookie', 'b=2')
        return new Response(`${await request.text()}|${request.headers.get('x-many')}`, { status: 201, headers })
      },
    })
    const response = await fetch(`${url}/p%20q?x=1`, {
      method: 'PUT',
      body: 'héllo',
      headers: [
        ['x-many', '1'],
        ['x-many', '2'],
      ],
    })
    expect(response.status).toBe(201)
    expect(response.headers.get('x-seen')).toBe('PUT /p%20q?x=1')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await response.text()).toBe('héllo|1, 2')
  })

  test('a body streams out as it is made, and stops when the caller goes', async () => {
    const cancelled = once()
    const { url } = await start({
      fetch: () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
            cancel: () => cancelled.resolve(),
          }),
        ),
    })
    const response = await fetch(url)
    const reader = response.body?.getReader()
    expect((await reader?.read())?.value?.byteLength).toBeGreaterThan(0)
    await reader?.cancel()
    await cancelled.promise
  })

  test.each([
    ['a path that looks like a host', 'GET //elsewhere/events HTTP/1.1', 'http://door.test//elsewhere/events'],
    ['a full URL', 'GET http://other.test/events HTTP/1.1', 'http://other.test/events'],
  ])('%s is taken as it is', async (_, line, expected) => {
    const { url } = await start({ fetch: (request) => new Response(request.url) })
    const answer = await rawExchange(url, `${line}\r\nHost: door.test\r\nConnection: close\r\n\r\n`)
    expect(answer).toContain(expected)
  })

  test('a Host header that is none does not reach the URL', async () => {
    const { url } = await start({ fetch: (request) => new Response(request.url) })
    const answer = await rawExchange(url, 'GET /a HTTP/1.1\r\nHost: evil/@x?\r\nConnection: close\r\n\r\n')
    expect(answer).toContain('http://_invalid_/a')
  })

  test('a Host header with which there is no URL: 400, and no fault of the front door', async () => {
    const door = new FrontDoor()
    const { url } = await start(door.handler)
    for (const path of ['/health', '/he^lth']) {
      const answer = await rawExchange(url, `GET ${path} HTTP/1.1\r\nHost: x:99999\r\nConnection: close\r\n\r\n`)
      expect(answer).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json/s)
    }
    expect(door.log).toEqual([])
  })

  test('a request target that is no URL: 400', async () => {
    const { url } = await start({ fetch: () => new Response('reached') })
    const answer = await rawExchange(url, 'GET events HTTP/1.1\r\nHost: door.test\r\nConnection: close\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).not.toContain('reached')
  })
})

describe('the front door over HTTP', () => {
  test('NDJSON is taken line by line while it is uploaded', async () => {
    const first = once<number>()
    const door = new FrontDoor({}, (_, index) => {
      first.resolve(index)
      return undefined
    })
    const { url } = await start(door.handler)
    const answered = once<{ status: number | undefined; text: string }>()
    const upload = httpRequest(`${url}/events`, { method: 'POST', headers: ndjson }, (response) => {
      let text = ''
      response.on('data', (data) => {
        text += data
      })
      response.on('end', () => answered.resolve({ status: response.statusCode, text }))
    })
    upload.write('{"n":1}\n{"n"')
    expect(await first.promise).toBe(0)
    upload.end(':2}\n')
    const { status, text } = await answered.promise
    expect(status).toBe(200)
    expect(JSON.parse(text).accepted).toBe(2)
    expect(door.client.bodies).toEqual(['{"n":1}', '{"n":2}'])
  })

  test('an aborted upload ends its invocation', async () => {
    const first = once()
    const door = new FrontDoor({}, () => {
      first.resolve()
      return undefined
    })
    const ended = once()
    const { url } = await start({
      async fetch(request) {
        const response = await door.handler.fetch(request)
        ended.resolve()
        return response
      },
    })
    const upload = httpRequest(`${url}/events`, { method: 'POST', headers: ndjson })
    upload.on('error', () => {})
    upload.write('1\n2')
    await first.promise
    upload.destroy()
    await ended.promise
    expect(door.client.last.isEnded).toBe(true)
    expect(door.client.last.signal.aborted).toBe(true)
    expect(door.client.bodies).toEqual(['1'])
  })

  test('a caller that leaves while Event Hubs is slow aborts the invocation', async () => {
    const taken = once()
    const door = new FrontDoor({}, () => {
      taken.resolve()
      return new Promise((resolve) => {
        door.client.last.signal.addEventListener('abort', () => resolve(undefined))
      })
    })
    const { url } = await start(door.handler)
    const caller = new AbortController()
    const posting = fetch(`${url}/events`, { method: 'POST', body: '1', headers: json, signal: caller.signal })
    await taken.promise
    caller.abort()
    await expect(posting).rejects.toThrow()
    await Promise.all(running.splice(0).map((server) => server.close()))
    expect(door.client.last.isEnded).toBe(true)
    expect(door.client.sent).toEqual([])
  })

  test('an upload that is refused early gets its answer, and the connection serves the next request', async () => {
    const door = new FrontDoor({ auth: { bearer: 'kkkkkkkkkkkkkkkk' } })
    const { url } = await start(door.handler)
    const body = `[${'1,'.repeat(500_000)}1]`
    const head = `POST /events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    const answers = await rawExchange(url, `${head}${body}GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
    expect(answers.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 200'])
    expect(door.client.invocations).toEqual([])
  })

  test('a body over the limit is answered with 413 while it is still coming', async () => {
    const door = new FrontDoor({ maxBodySizeInBytes: 100_000 })
    const { url } = await start(door.handler)
    const answered = once<number | undefined>()
    const upload = httpRequest(`${url}/events`, { method: 'POST', headers: json }, (response) => {
      response.resume()
      answered.resolve(response.statusCode)
    })
    upload.on('error', () => {})
    upload.write('1'.repeat(200_000))
    expect(await answered.promise).toBe(413)
    upload.destroy()
  })
})

describe('the server', () => {
  test('listens on this machine alone unless told otherwise', async () => {
    const { url } = await start({ fetch: () => new Response() })
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  test('says in a sentence that a port is taken', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const { port } = holder.address() as { port: number }
    await expect(serve({ fetch: () => new Response() }, { port })).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is taken.`,
    )
    await new Promise((resolve) => holder.close(resolve))
  })

  test('close answers what is under way, takes nothing new and keeps no connection', async () => {
    const begun = once()
    const goOn = once()
    const server = await start({
      async fetch() {
        begun.resolve()
        await goOn.promise
        return new Response('done')
      },
    })
    const answering = fetch(server.url)
    await begun.promise
    const closing = server.close()
    await expect(fetch(server.url)).rejects.toThrow()
    goOn.resolve()
    expect(await (await answering).text()).toBe('done')
    await closing
  })

  test('close ends what will not end by itself', async () => {
    const begun = once()
    const server = await start(
      {
        fetch() {
          begun.resolve()
          return new Promise(() => {})
        },
      },
      20,
    )
    const answering = fetch(server.url)
    await begun.promise
    await Promise.all([server.close(), expect(answering).rejects.toThrow()])
  })

  test('close does not wait for a connection that never asked anything', async () => {
    const server = await start({ fetch: () => new Response() })
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const ended = once()
    socket.on('close', () => ended.resolve())
    socket.on('error', () => {})
    await (await fetch(server.url)).text()
    await Promise.all([server.close(), ended.promise])
  })

  test('close waits for what a request asked to be waited for after its answer', async () => {
    const goOn = once()
    let isDone = false
    const server = await start({
      fetch(_request, _env, ctx) {
        ctx.waitUntil(
          goOn.promise.then(() => {
            isDone = true
          }),
        )
        return new Response('answered', { status: 202 })
      },
    })
    expect((await fetch(server.url)).status).toBe(202)
    const closing = server.close()
    goOn.resolve()
    await closing
    expect(isDone).toBe(true)
  })

  test('close waits for a request whose caller has gone', async () => {
    const begun = once()
    const goOn = once()
    let isDone = false
    const server = await start({
      async fetch(request) {
        begun.resolve()
        await new Promise((resolve) => request.signal.addEventListener('abort', resolve))
        await goOn.promise
        isDone = true
        return new Response()
      },
    })
    const caller = new AbortController()
    const asking = fetch(server.url, { signal: caller.signal })
    await begun.promise
    caller.abort()
    await expect(asking).rejects.toThrow()
    const closing = server.close()
    goOn.resolve()
    await closing
    expect(isDone).toBe(true)
  })

  test('an upload is read from the socket only as fast as the handler reads it', async () => {
    const begun = once()
    const goOn = once()
    const server = await start({
      async fetch(request) {
        const reader = request.body?.getReader()
        await reader?.read()
        begun.resolve()
        await goOn.promise
        let size = 0
        for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) size += part.value.length
        return new Response(String(size))
      },
    })
    const answered = once<number | undefined>()
    const sizeInBytes = 64 * 1024 * 1024
    const upload = httpRequest(server.url, { method: 'POST', headers: { 'content-length': sizeInBytes } }, (response) =>
      answered.resolve(response.resume().statusCode),
    )
    upload.end(Buffer.alloc(sizeInBytes))
    await begun.promise
    // Nothing moves any more once every buffer between the two is full.
    const passed = () => sizeInBytes - (upload.socket?.writableLength ?? 0)
    let before = -1
    while (passed() !== before) {
      before = passed()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(before).toBeLessThan(sizeInBytes / 2)
    goOn.resolve()
    expect(await answered.promise).toBe(200)
  })

  test('a handler that rejects is answered with 500 and nothing of the reason', async () => {
    let calls = 0
    const { url } = await start({
      async fetch() {
        calls += 1
        if (calls === 1) throw 'no reason'
        return new Response('fine')
      },
    })
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const response = await fetch(url)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('no reason')
    expect(log).toHaveBeenCalledOnce()
    log.mockRestore()
    expect(await (await fetch(url)).text()).toBe('fine')
  })
})
