import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LocalHub } from '../local-hub/index.js'
import type { Asset } from './assets.js'
import { eventDetail } from './detail.js'
import type { Feed } from './feed.js'
import { refuse, securityHeaders } from './guard.js'
import type { HubPage } from './page.js'
import { RequestError, readFaults, readFreeze, readSend, readStream } from './requests.js'

/** Names of event hubs begin with a letter or digit, so the REST interface has no path of this form. */
const prefix = '/_page/'
const largestRequestInBytes = 4 * 1024 * 1024

export interface PageRoutes {
  readonly assets: ReadonlyMap<string, Asset>
  readonly page: HubPage
  readonly feed: Feed
  readonly hub: () => LocalHub
}

/** The hub's `onHttpRequest`: serves `/` and `/_page/…`, and leaves the rest to the REST interface. */
export function pageRoutes(routes: PageRoutes): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    if (path !== '/' && !path.startsWith(prefix)) return false
    request.on('error', () => {})
    response.on('error', () => {})
    const name = path === '/' ? 'index.html' : path.slice(prefix.length)
    serve(routes, name, request, response).catch((error: unknown) => {
      const isOurs = error instanceof RequestError || error instanceof TypeError || error instanceof RangeError
      const status = error instanceof RequestError ? error.status : isOurs ? 400 : 500
      const message = isOurs ? error.message : 'The page of the local hub failed on this request.'
      answerJson(request, response, status, { message })
    })
    return true
  }
}

async function serve(
  routes: PageRoutes,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refusal = refuse(request)
  if (refusal !== undefined) return answerJson(request, response, refusal.status, { message: refusal.message })
  if (request.method === 'POST')
    return answerJson(request, response, 200, await act(routes, name, await readJson(request)))
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new RequestError('Use GET or POST.', 405)
  const asset = routes.assets.get(name)
  if (asset !== undefined) return answer(request, response, 200, asset.type, asset.content)
  if (name === 'updates') {
    if (request.method === 'HEAD') return answer(request, response, 200, 'text/event-stream', Buffer.alloc(0))
    if (routes.feed.isFull) throw new RequestError('Too many pages are open. Close some.', 503)
    return routes.feed.add(response, securityHeaders)
  }
  if (name === 'event') return answerJson(request, response, 200, find(routes.hub(), request))
  if (name === 'connection-string') {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost')
    const connectionString = routes.hub().connectionStringFor(searchParams.get('hub') ?? '')
    return answerJson(request, response, 200, { connectionString })
  }
  throw new RequestError('The page has nothing of that name.', 404)
}

async function act({ page, hub }: PageRoutes, name: string, json: unknown): Promise<object> {
  switch (name) {
    case 'send':
      return { sendId: page.send(readSend(json, hub())) }
    case 'stream':
      page.setStream(readStream(json, hub()))
      return {}
    case 'faults':
      page.setFaults(readFaults(json))
      return {}
    case 'freeze':
      await page.freeze(readFreeze(json))
      return {}
    default:
      throw new RequestError('The page has nothing of that name.', 404)
  }
}

function find(hub: LocalHub, request: IncomingMessage): object {
  const { searchParams } = new URL(request.url ?? '', 'http://localhost')
  const number = Number(searchParams.get('number') ?? Number.NaN)
  if (!Number.isSafeInteger(number) || number < 0) throw new RequestError('number must be a sequence number.')
  const detail = eventDetail(hub, searchParams.get('hub') ?? '', searchParams.get('partition') ?? '', number)
  if (detail === undefined) throw new RequestError('This event is not in store any more.', 404)
  return detail
}

function readJson(request: IncomingMessage): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= largestRequestInBytes) chunks.push(chunk)
      else reject(new RequestError(`A request may have up to ${largestRequestInBytes} bytes.`, 413))
    })
    request.on('end', () => {
      try {
        resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')))
      } catch {
        reject(new RequestError('The request is not valid JSON.'))
      }
    })
    request.on('close', () => reject(new RequestError('The request was given up.')))
  })
}

function answerJson(request: IncomingMessage, response: ServerResponse, status: number, value: object): void {
  answer(request, response, status, 'application/json; charset=utf-8', Buffer.from(JSON.stringify(value)))
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  content: Buffer,
): void {
  // What is left of a body that was not read is taken and dropped, so that the client sees the answer.
  request.resume()
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, { ...securityHeaders, 'Content-Type': type, 'Content-Length': content.length })
  response.end(request.method === 'HEAD' ? undefined : content)
}
