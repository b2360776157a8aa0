import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import {
  apiKeyAuth,
  basicAuth,
  type FetchHandlerOptions,
  gitHubAuth,
  idempotencyKeys,
  openApiDocuments,
  rateLimit,
} from '../../../../adapters/fetch/index.js'
import { FrontDoor, json } from '../front-door.js'

const key = 'a-key-of-some-length'

/** A document, as a caller without a key gets it. */
async function documentOf(path: string, options: Partial<FetchHandlerOptions> = {}) {
  const door = new FrontDoor({ auth: { bearer: key }, openApi: openApiDocuments(), ...options })
  const answer = await door.send(new Request(`http://door.test${options.basePath ?? ''}${path}`))
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/json')
  // biome-ignore lint/suspicious/noExplicitAny: what a document holds is what is tested
  return JSON.parse(answer.text) as any
}

const setups: [string, Partial<FetchHandlerOptions>][] = [
  ['a bearer key', {}],
  ['no key', { auth: 'none' }],
  [
    'everything',
    {
      basePath: '/api/v1',
      auth: [
        { bearer: key },
        basicAuth({ users: { user: key } }),
        apiKeyAuth({ keys: key, query: 'code' }),
        gitHubAuth({ secrets: key }),
      ],
      allowRespondAsync: true,
      idempotencyKeys: idempotencyKeys({ required: true }),
      rateLimit: rateLimit({ requestsPerSecond: 100 }),
      openApi: openApiDocuments({ serverUrl: 'https://door.example.com', title: 'Orders' }),
    },
  ],
]

describe.each(setups)('with %s', (_, options) => {
  test.each([
    ['/openapi.json', '3.1'],
    ['/swagger.json', '2.0'],
  ])('%s is valid by the specification, %s', async (path, version) => {
    const validator = new Validator()
    const result = await validator.validate(await documentOf(path, options))
    expect(result.errors).toBeUndefined()
    expect(result.valid).toBe(true)
    expect(validator.version).toBe(version)
  })

  test('both documents have the same operations, parameters, statuses and schemas', async () => {
    const [newer, older] = await Promise.all([
      documentOf('/openapi.json', options),
      documentOf('/swagger.json', options),
    ])
    expect(Object.keys(older.paths)).toEqual(Object.keys(newer.paths))
    for (const [path, methods] of Object.entries<Record<string, typeof newer>>(newer.paths)) {
      expect(Object.keys(older.paths[path])).toEqual(Object.keys(methods))
      for (const [method, operation] of Object.entries(methods)) {
        const other = older.paths[path][method]
        expect(other.operationId).toBe(operation.operationId)
        expect(Object.keys(other.responses)).toEqual(Object.keys(operation.responses))
        const names = (parameters: { name: string; in: string }[]) =>
          parameters.filter((each) => each.in !== 'body').map(({ name }) => name)
        expect(names(other.parameters)).toEqual(names(operation.parameters))
      }
    }
    expect(Object.keys(older.definitions)).toEqual(Object.keys(newer.components.schemas))
    expect(Object.keys(older.securityDefinitions)).toEqual(Object.keys(newer.components.securitySchemes))
  })

  test('Swagger has what connectors are made of, and nothing that its JSON Schema does not know', async () => {
    const document = await documentOf('/swagger.json', options)
    const operations = Object.values<Record<string, typeof document>>(document.paths).flatMap((methods) =>
      Object.values(methods),
    )
    const { operationId } = document['x-ms-capabilities'].testConnection
    expect(operations.map((operation) => operation.operationId)).toContain(operationId)
    for (const operation of operations) {
      expect(operation.operationId).toMatch(/^[A-Z][A-Za-z]+$/)
      expect(operation.summary).toMatch(/^[A-Z][^.]*$/)
      expect(operation.description).toMatch(/\.$/)
      expect(['important', 'advanced', 'internal']).toContain(operation['x-ms-visibility'])
      for (const parameter of operation.parameters) expect(parameter['x-ms-summary']).toBeTruthy()
    }
    expect(JSON.stringify(document.definitions)).not.toMatch(/"(oneOf|anyOf|const)":|"title":"|"type":\[/)
    for (const { properties } of Object.values<typeof document>(document.definitions)) {
      for (const property of Object.values<typeof document>(properties)) {
        expect(property.$ref ?? property['x-ms-summary']).toBeTruthy()
      }
    }
  })
})

describe('the documents reflect the options', () => {
  test('the base path, the limits, and an async answer only where it is allowed', async () => {
    const options = { basePath: '/api', maxBodySizeInBytes: 777, maxEventsPerRequest: 7 }
    const document = await documentOf('/openapi.json', options)
    expect(document.servers).toEqual([{ url: '/api' }])
    expect((await documentOf('/swagger.json', options)).basePath).toBe('/api')
    const { post } = document.paths['/events']
    expect(post.requestBody.description).toContain('777')
    expect(document.components.schemas.Batch.properties.events.maxItems).toBe(7)
    expect(post.responses).not.toHaveProperty('202')
    const async = await documentOf('/openapi.json', { allowRespondAsync: true })
    expect(async.paths['/events'].post.responses).toHaveProperty('202')
  })

  test('each scheme of auth; none and no 401 where everybody is let in', async () => {
    const document = await documentOf('/openapi.json', {
      auth: [
        { bearer: key },
        basicAuth({ users: { user: key } }),
        apiKeyAuth({ keys: key, header: 'x-k', query: 'code' }),
      ],
    })
    expect(document.security).toEqual([{ bearer: [] }, { basic: [] }, { 'x-k': [] }, { code: [] }])
    expect(document.components.securitySchemes).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
      code: { type: 'apiKey', in: 'query', name: 'code' },
    })
    expect(document.paths['/health'].get.security).toEqual([])
    const open = await documentOf('/openapi.json', { auth: 'none' })
    expect(open.security).toEqual([])
    expect(open.paths['/events'].post.responses).not.toHaveProperty('401')
  })

  test('the server is the one that was named, and never what a Host header says', async () => {
    const named = { openApi: openApiDocuments({ serverUrl: 'https://door.example.com:8443/' }), basePath: '/api' }
    expect((await documentOf('/openapi.json', named)).servers).toEqual([{ url: 'https://door.example.com:8443/api' }])
    expect(await documentOf('/swagger.json', named)).toMatchObject({
      host: 'door.example.com:8443',
      schemes: ['https'],
    })
    const unnamed = await documentOf('/swagger.json')
    expect(unnamed).not.toHaveProperty('host')
    expect(JSON.stringify([unnamed, await documentOf('/openapi.json')])).not.toContain('door.test')
  })

  test('no key stands in them', async () => {
    const text = JSON.stringify([await documentOf('/openapi.json', setups[2]?.[1]), await documentOf('/swagger.json')])
    expect(text).not.toContain(key)
  })
})

test('without the option, neither document is there', async () => {
  for (const path of ['/openapi.json', '/swagger.json']) {
    expect((await new FrontDoor().send(new Request(`http://door.test${path}`))).status).toBe(404)
  }
})

test('GET /connection tells a good key from a bad one, and touches no event hub', async () => {
  const door = new FrontDoor({ auth: { bearer: key } })
  const ask = (authorization: string) =>
    door.send(new Request('http://door.test/connection', { headers: { authorization } }))
  expect(await ask(`Bearer ${key}`)).toMatchObject({ status: 200, body: { status: 'ok' } })
  expect((await ask('Bearer another-key-of-length')).status).toBe(401)
  expect(door.client.invocations).toEqual([])
})

test.each([
  'door.example.com',
  'https://door.example.com/api',
  'ftp://door.example.com',
  'https://a b',
  'https://[',
  '',
])('serverUrl %j is refused when the documents are made', (serverUrl) => {
  expect(() => openApiDocuments({ serverUrl })).toThrow(/serverUrl must be scheme and host/)
})

test('a mistyped option is refused by name', () => {
  expect(() => openApiDocuments({ host: 'x' } as object)).toThrow(/host/)
  expect(() => new FrontDoor({ openApi: true as never })).toThrow(/openApi must be/)
})

test('a document that was asked for by HEAD has no body', async () => {
  const door = new FrontDoor({ openApi: openApiDocuments() })
  const answer = await door.send(new Request('http://door.test/openapi.json', { method: 'HEAD' }))
  expect([answer.status, answer.text]).toEqual([200, ''])
  expect((await door.post('1', json)).status).toBe(200)
})
