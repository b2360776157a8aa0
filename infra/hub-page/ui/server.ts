import type { EventDetail, FaultRequest, FreezeRequest, SendRequest, StreamRequest, Update } from '../protocol.js'

/** A browser has six connections to one host for all of its tabs: one that nobody looks at gives its own back. */
const unwatchedInMs = 10_000
const retryInMs = 2000

/** Listens to the server while the page is looked at; told everything anew when it is again. */
export function listen(onUpdate: (update: Update) => void, onLost: () => void): void {
  let source: EventSource | undefined
  let timer: number | undefined
  const connect = (): EventSource => {
    const connected = new EventSource('/_page/updates')
    connected.onmessage = ({ data }) => onUpdate(JSON.parse(data) as Update)
    connected.onerror = () => {
      onLost()
      // The browser connects again by itself, but not after a refusal; a hub that is started again on the same port
      // is found all the same.
      if (connected.readyState !== EventSource.CLOSED) return
      source = undefined
      timer = setTimeout(watch, retryInMs)
    }
    return connected
  }
  const leave = (): void => {
    source?.close()
    source = undefined
  }
  const watch = (): void => {
    clearTimeout(timer)
    if (document.visibilityState === 'visible') source ??= connect()
    else timer = setTimeout(leave, unwatchedInMs)
  }
  document.addEventListener('visibilitychange', watch)
  watch()
}

export const send = (request: SendRequest): Promise<{ readonly sendId: number }> => post('send', request)
export const setStream = (request: StreamRequest): Promise<object> => post('stream', request)
export const setFaults = (request: FaultRequest): Promise<object> => post('faults', request)
export const freeze = (request: FreezeRequest): Promise<object> => post('freeze', request)

export async function findEvent(eventHubName: string, partitionId: string, number: number): Promise<EventDetail> {
  return get(`event?${new URLSearchParams({ hub: eventHubName, partition: partitionId, number: String(number) })}`)
}

export async function connectionStringFor(eventHubName: string): Promise<string> {
  const { connectionString } = await get<{ connectionString: string }>(
    `connection-string?${new URLSearchParams({ hub: eventHubName })}`,
  )
  return connectionString
}

function get<T>(path: string): Promise<T> {
  return answerOf(fetch(`/_page/${path}`))
}

function post<T>(path: string, request: object): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  return answerOf(fetch(`/_page/${path}`, { method: 'POST', headers, body: JSON.stringify(request) }))
}

/** Rejects with a message for people. */
async function answerOf<T>(asked: Promise<Response>): Promise<T> {
  const response = await asked.catch(() => {
    throw new Error('The local hub does not answer. Is it still running?')
  })
  const answer = (await response.json()) as T & { readonly message?: string }
  if (!response.ok) throw new Error(answer.message ?? `The local hub answered ${response.status}.`)
  return answer
}
