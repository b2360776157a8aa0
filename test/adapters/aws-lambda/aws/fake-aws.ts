import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface AwsRequest {
  readonly service: string
  readonly region: string
  readonly target: string | undefined
  readonly contentType: string | undefined
  readonly body: string
}

export interface AwsAnswer {
  readonly status?: number
  readonly body: string
}

const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

/** How an AWS API answers on loopback: it checks each signature, then does what the test says. */
export async function startFakeAws(
  answer: (request: AwsRequest, count: number) => AwsAnswer | Promise<AwsAnswer>,
  now: () => number = Date.now,
) {
  const requests: AwsRequest[] = []
  /** Why requests were refused. */
  const refusals: string[] = []
  const server = createServer((request, response) => void respond(request, response))

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const checked = checkSignature(request, body, now())
    if (typeof checked === 'string') {
      refusals.push(checked)
      response.writeHead(403).end(JSON.stringify({ __type: 'InvalidSignatureException' }))
      return
    }
    const { 'x-amz-target': target, 'content-type': contentType } = request.headers
    const asked: AwsRequest = { ...checked, target: target as string | undefined, contentType, body }
    requests.push(asked)
    const given = await answer(asked, requests.length)
    response.writeHead(given.status ?? 200).end(given.body)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    requests,
    refusals,
    url,
    /** What a function finds in its environment. */
    environment: {
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'ASIAIOSFODNN7EXAMPLE',
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: 'IQoJb3JpZ2luX2VjEXAMPLE//session+token==',
      AWS_ENDPOINT_URL: url,
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/**
 * Signature Version 4 from the documentation of its verification, from the request as it arrived. Returns why it does
 * not hold.
 */
function checkSignature(
  request: IncomingMessage,
  body: string,
  now: number,
): { service: string; region: string } | string {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
  const match = form.exec(request.headers.authorization ?? '')
  if (!match) return 'malformed authorization'
  const [, keyId, date = '', region = '', service = '', signedHeaders = '', signature] = match
  if (keyId !== 'ASIAIOSFODNN7EXAMPLE') return 'unknown key'
  const time = String(request.headers['x-amz-date'])
  if (!time.startsWith(date) || !/^\d{8}T\d{6}Z$/.test(time)) return 'wrong date'
  const skew = Math.abs(Date.parse(time.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z')) - now)
  if (skew > 5 * 60_000) return 'expired'
  const names = signedHeaders.split(';')
  for (const needed of ['host', 'x-amz-date', 'x-amz-security-token']) {
    if (!names.includes(needed)) return `${needed} is not signed`
  }
  const headers = names.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`).join('')
  const hash = (value: string) => createHash('sha256').update(value).digest('hex')
  const canonical = `${request.method}\n${request.url}\n\n${headers}\n${signedHeaders}\n${hash(body)}`
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${date}/${region}/${service}/aws4_request\n${hash(canonical)}`
  const hmac = (key: string | Buffer, value: string) => createHmac('sha256', key).update(value).digest()
  const key = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, date), region), service), 'aws4_request')
  return hmac(key, toSign).toString('hex') === signature ? { service, region } : 'wrong signature'
}

/** STS's answer with a token, as the query protocol has it. */
export function webIdentityAnswer(token: string): AwsAnswer {
  return {
    body: `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetWebIdentityTokenResult>
    <WebIdentityToken>${token}</WebIdentityToken>
    <Expiration>2025-11-20T00:58:20Z</Expiration>
  </GetWebIdentityTokenResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</GetWebIdentityTokenResponse>`,
  }
}
