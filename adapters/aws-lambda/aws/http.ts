import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

/** Longest answer that is read, in bytes: secrets and tokens are far smaller. */
const longestAnswerInBytes = 1024 * 1024

/**
 * One POST over a connection of its own: a kept one may have died during a freeze. Rejects when `signal` aborts, and
 * leaves no socket behind.
 */
export function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const request = url.protocol === 'http:' ? requestHttp : requestHttps
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers, agent: false, signal }, (response) => {
      readBody(response).then((text) => resolve({ status: response.statusCode ?? 0, body: text }), reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let sizeInBytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeInBytes += chunk.length
    if (sizeInBytes > longestAnswerInBytes) throw new Error(`The answer is longer than ${longestAnswerInBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
