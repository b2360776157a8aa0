import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signedHeaders } from '../../../../adapters/aws-lambda/aws/signature.js'

const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
/** The time of AWS's own test suite for signatures. */
const now = Date.UTC(2015, 7, 30, 12, 36, 0)

test('a request of AWS’s test suite gets the signature that the suite says (post-vanilla)', () => {
  const request = { method: 'POST', url: new URL('https://example.amazonaws.com/'), headers: {}, body: '' } as const
  const signed = signedHeaders(request, credentials, { region: 'us-east-1', service: 'service' }, now)
  expect(signed.authorization).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  )
})

/** The AWS SDK's own signer, which the serverless command brings along. */
const require = createRequire(createRequire(import.meta.url).resolve('serverless/package.json'))

test('any request gets the signature that the AWS SDK makes', async () => {
  const { SignatureV4 } = require('@smithy/signature-v4')
  const hash = class {
    readonly #hash
    constructor(secret?: Uint8Array) {
      const crypto = require('node:crypto')
      this.#hash = secret ? crypto.createHmac('sha256', secret) : crypto.createHash('sha256')
    }
    update(data: Uint8Array | string) {
      this.#hash.update(data)
    }
    digest() {
      return Promise.resolve(new Uint8Array(this.#hash.digest()))
    }
  }
  const header = fc.stringMatching(/^[\x21-\x7e]( {0,3}[\x21-\x7e]){0,20}$/)
  await fc.assert(
    fc.asyncProperty(
      fc.record({ target: header, type: header, token: header, body: fc.string({ unit: 'binary' }) }),
      fc.constantFrom('sts', 'secretsmanager', 'ssm', 'sqs'),
      fc.date({ min: new Date('2020-01-01'), max: new Date('2090-01-01'), noInvalidDate: true }),
      async ({ target, type, token, body }, service, at) => {
        const host = `${service}.eu-west-1.amazonaws.com`
        const signer = new SignatureV4({
          service,
          region: 'eu-west-1',
          credentials: { ...credentials, sessionToken: token },
          sha256: hash,
          applyChecksum: false,
        })
        const headers = { 'content-type': type, 'x-amz-target': target }
        const theirs = await signer.sign(
          {
            method: 'POST',
            protocol: 'https:',
            hostname: host,
            path: '/',
            query: {},
            headers: { ...headers, host },
            body,
          },
          { signingDate: at },
        )
        const ours = signedHeaders(
          { method: 'POST', url: new URL(`https://${host}/`), headers, body },
          { ...credentials, sessionToken: token },
          { region: 'eu-west-1', service },
          at.getTime(),
        )
        expect(ours.authorization).toBe(theirs.headers.authorization)
      },
    ),
    { numRuns: 100 },
  )
})
