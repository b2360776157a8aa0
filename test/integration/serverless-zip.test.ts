import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import type { SQSEvent } from 'aws-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { everyParameter, fixturePath, makeService, type Packaged, readFixture } from './serverless/service.js'

const service = makeService()
const secrets = ['shell-secret-key', 'c2hlbGwtc2VjcmV0'] as const
let plain: Packaged
let federated: Packaged
let hub: LocalHub

beforeAll(async () => {
  hub = await startLocalHub({ eventHubs: { orders: { partitionCount: 2 } } })
  plain = await service.package(
    'plain',
    {},
    {
      EVENTHUB_CONNECTION_STRING: `Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=${secrets[1]};EntityPath=orders`,
      FRONT_DOOR_KEY: secrets[0],
    },
  )
  const { eventHubName, fullyQualifiedNamespace, azureTenantId, azureClientId } = everyParameter as Record<
    string,
    string
  >
  federated = await service.package('federated', {
    eventHubName: eventHubName!,
    fullyQualifiedNamespace: fullyQualifiedNamespace!,
    azureTenantId: azureTenantId!,
    azureClientId: azureClientId!,
  })
}, 90_000)
afterAll(async () => {
  await hub.close()
  service.close()
})

const forwarder = 'infra/entrypoints/aws-lambda.cjs'
const door = 'infra/entrypoints/http-lambda.cjs'
const zips = [
  ['queue', forwarder],
  ['events', forwarder],
  ['steps', forwarder],
  ['http', door],
] as const

/** What the code would still look for when it runs, beside Node itself. */
function foreignTo(code: string): string[] {
  const required = [...code.matchAll(/\b(?:require|import)\("([^"]+)"\)/g)].map(([, module]) => module ?? '')
  return [...new Set(required)].filter((module) => !isBuiltin(module)).sort()
}

describe('a zip', () => {
  test.each(zips)('%s.zip holds one bundled file and nothing else, in at most 250 KB', (name, file) => {
    const files = plain.files(name)
    expect([...files.keys()]).toEqual([file])
    const code = files.get(file)!.toString('utf8')
    // The producer and its AMQP library are inside; what would still be looked for is optional.
    expect(code).toContain('amqp:connection:forced')
    expect(
      foreignTo(code).filter((module) => !['@azure/identity', '@opentelemetry/api', 'ws'].includes(module)),
    ).toEqual([])
    expect(code).not.toMatch(/sourceMappingURL|\bvitest\b|@aws-sdk/)
    expect(plain.sizeOf(name)).toBeLessThanOrEqual(250 * 1000)
  })

  test('has @azure/identity inside where a namespace is given, and only then', () => {
    expect(foreignTo(plain.files('queue').get(forwarder)!.toString('utf8'))).toContain('@azure/identity')
    const code = federated.files('queue').get(forwarder)!.toString('utf8')
    expect(foreignTo(code)).not.toContain('@azure/identity')
    expect(code).toContain('ClientAssertionCredential')
  })

  test('holds no secret of the shell, nor do the template and the state', () => {
    const texts = [
      ...['cloudformation-template-update-stack.json', 'serverless-state.json'].map((file) =>
        readFileSync(join(plain.output, file), 'utf8'),
      ),
      ...zips.flatMap(([name]) => [...plain.files(name).values()].map(String)),
    ]
    for (const text of texts) for (const secret of secrets) expect(text).not.toContain(secret)
  })

  test('says what it weighs and how long its import takes', async () => {
    const environment = {
      EVENTHUB_CONNECTION_STRING:
        'Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=a2V5;EntityPath=orders;UseDevelopmentEmulator=true',
    }
    const script = `const from = performance.now(); require('./' + process.argv[1]); require('node:fs').writeSync(1, String(performance.now() - from))`
    for (const [label, packaged, name, file] of [
      ['forwarder', plain, 'queue', forwarder],
      ['forwarder with identity', federated, 'queue', forwarder],
      ['http', plain, 'http', door],
    ] as const) {
      const folder = packaged.unpack(name)
      const timesInMs: number[] = []
      for (let run = 0; run < 5; run++) {
        const { exitCode, stdout, stderr } = await service.node(['-e', script, file], environment, folder)
        expect(exitCode, stderr).toBe(0)
        timesInMs.push(Number(stdout))
      }
      const [fastest = Number.NaN] = timesInMs.toSorted((a, b) => a - b)
      expect(fastest).toBeGreaterThan(0)
      const sizeInKilobytes = Math.round(packaged.sizeOf(name) / 1000)
      console.log(
        `Lambda zip, ${label}: ${sizeInKilobytes} KB, imported in ${Math.round(fastest)} ms (best of 5, Node ${process.version})`,
      )
    }
  }, 180_000)
})

describe('a zip, unpacked where nothing else is', () => {
  /** As Lambda's runtime does: loads the file, calls its handler, and does not wait for open connections. */
  const runtime = `
    const { handler } = require('./' + process.argv[1])
    const run = async () => {
      const answers = []
      for (const text of process.argv.slice(3)) {
        const until = Date.now() + Number(process.argv[2])
        answers.push(await handler(JSON.parse(text), { getRemainingTimeInMillis: () => until - Date.now() })
          .catch(({ name, message }) => ({ name, message })))
      }
      require('node:fs').writeSync(1, JSON.stringify(answers))
      process.exit(0)
    }
    run()`

  async function run(name: string, timeInMs: number, events: unknown[], environment: Record<string, string>) {
    const [, file] = zips.find(([known]) => known === name)!
    const inLambda = { AWS_LAMBDA_FUNCTION_NAME: name, AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001', ...environment }
    const { exitCode, stdout, stderr } = await service.node(
      ['-e', runtime, file, String(timeInMs), ...events.map((event) => JSON.stringify(event))],
      inLambda,
      plain.unpack(name),
    )
    expect(exitCode, stderr).toBe(0)
    return JSON.parse(stdout)
  }

  /** What serverless.yml sets for the function, beside where the events go. */
  const settings = (name: string) => ({
    EVENTHUB_CONNECTION_STRING: hub.connectionString,
    ...plain.resource(`${name[0]!.toUpperCase()}${name.slice(1)}LambdaFunction`).Environment?.Variables,
  })

  test('forwards to the hub, invocation after invocation', async () => {
    const before = hub.events('orders').length
    const answers = await run('queue', 10_000, [readFixture('sqs'), readFixture('sqs-fifo')], settings('queue'))
    expect(answers).toEqual([{ batchItemFailures: [] }, { batchItemFailures: [] }])
    expect(hub.events('orders')).toHaveLength(before + 8)
  })

  test('takes each asynchronous source, and no other', async () => {
    const names = ['destination-success', 'eventbridge-custom', 'sns', 's3']
    const before = hub.events('orders').length
    const answers = await run('events', 10_000, [...names, 'sqs', 'function-url'].map(readFixture), settings('events'))
    expect(answers.slice(0, 4)).toEqual([{ accepted: 1 }, { accepted: 1 }, { accepted: 1 }, { accepted: 3 }])
    expect(answers.slice(4)).toMatchObject([{ name: 'TypeError' }, { name: 'TypeError' }])
    expect(hub.events('orders')).toHaveLength(before + 6)
  })

  test('answers a state machine', async () => {
    expect(await run('steps', 10_000, [readFixture('step-functions')], settings('steps'))).toEqual([{ accepted: 3 }])
  })

  test('acknowledges nothing when the hub is down', async () => {
    const [answer] = await run('queue', 900, [readFixture('sqs')], {
      EVENTHUB_CONNECTION_STRING: `Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=a2V5;EntityPath=orders;UseDevelopmentEmulator=true`,
    })
    expect(answer.batchItemFailures).toHaveLength(3)
  })

  test('answers HTTP once the event is in the hub, to whom IAM let in and to nobody else', async () => {
    const event = readFixture('function-url')
    const { authorizer, ...withoutAuthorizer } = event.requestContext
    const before = hub.events('orders').length
    const answers = await run(
      'http',
      10_000,
      [event, { ...event, requestContext: withoutAuthorizer }],
      settings('http'),
    )
    expect(answers).toMatchObject([{ statusCode: 200 }, { statusCode: 401 }])
    expect(hub.events('orders')).toHaveLength(before + 1)
  })

  test('that is set up wrongly does not load, and says everything that is wrong', async () => {
    const { exitCode, stderr } = await service.node(
      ['-e', `require('./' + process.argv[1])`, forwarder],
      { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001', FORWARD_SOURCES: 'kafka', FORWARD_FORMAT: 'xml' },
      plain.unpack('queue'),
    )
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/TypeError: FORWARD_FORMAT must be one of.*FORWARD_SOURCES may hold/)
  })
})

describe('serverless invoke local', () => {
  const invoke = (name: string, fixture: string, environment: Record<string, string>) =>
    service.serverless(['invoke', 'local', '-f', name, '--path', fixturePath(fixture)], environment)

  test('runs the bundled forwarder, and the recorded messages are in the hub when it ends', async () => {
    const { Records } = readFixture('sqs') as SQSEvent
    const known = new Set(
      hub.events('orders').map(({ sequenceNumber, partitionId }) => `${partitionId}/${sequenceNumber}`),
    )
    const { exitCode, stdout, stderr } = await invoke('queue', 'sqs', {
      EVENTHUB_CONNECTION_STRING: hub.connectionString,
    })
    expect(exitCode, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ batchItemFailures: [] })
    const landed = hub
      .events('orders')
      .filter(({ sequenceNumber, partitionId }) => !known.has(`${partitionId}/${sequenceNumber}`))
    expect(new Map(landed.map(({ properties, body }) => [properties['message-id'], body.toString()]))).toEqual(
      new Map(Records.map(({ messageId, body }) => [messageId, body])),
    )
  }, 180_000)

  test('names the variable that is missing, and ends', async () => {
    const { exitCode, stderr } = await invoke('queue', 'sqs', { EVENTHUB_NAME: 'orders' })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('Set EVENTHUB_CONNECTION_STRING')
  }, 180_000)
})
