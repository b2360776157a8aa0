import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SQSEvent } from 'aws-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { readZip } from './read-zip.js'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const cli = createRequire(import.meta.url).resolve('serverless/bin/serverless.js')
const fixturePath = (name: string) => join(repository, 'test/fixtures/aws', `${name}.json`)
const readFixture = (name: string) => JSON.parse(readFileSync(fixturePath(name), 'utf8'))

/** A service directory of its own: packaging writes beside serverless.yml, which several runs must not share. */
let service: string
let hub: LocalHub

interface Result {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `node` with this environment alone: no AWS credentials, no settings of whoever runs the tests. */
function node(args: string[], environment: Record<string, string> = {}, cwd = service): Promise<Result> {
  const env = { PATH: process.env.PATH ?? '', HOME: service, AWS_EC2_METADATA_DISABLED: 'true', ...environment }
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, env, timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ exitCode: error ? (typeof error.code === 'number' ? error.code : -1) : 0, stdout, stderr })
    })
  })
}

const serverless = (args: string[], environment?: Record<string, string>) => node([cli, ...args], environment)

beforeAll(async () => {
  service = mkdtempSync(join(tmpdir(), 'sluice-serverless-'))
  // Not a link: the command looks for a regular file.
  copyFileSync(join(repository, 'serverless.yml'), join(service, 'serverless.yml'))
  for (const name of ['adapters', 'core', 'infra', 'node_modules', 'package.json']) {
    symlinkSync(join(repository, name), join(service, name))
  }
  hub = await startLocalHub({ eventHubs: { orders: { partitionCount: 2 } } })
})

afterAll(async () => {
  await hub.close()
  rmSync(service, { recursive: true, force: true })
})

// biome-ignore lint/suspicious/noExplicitAny: a template is JSON of any depth
type Template = { Resources: Record<string, { Type: string; Properties: any }>; Conditions: object }

describe('serverless package', () => {
  const secrets = ['shell-secret-key', 'c2hlbGwtc2VjcmV0']
  let output: string

  const readTemplate = (): Template =>
    JSON.parse(readFileSync(join(output, 'cloudformation-template-update-stack.json'), 'utf8'))
  const resource = (name: string) => readTemplate().Resources[name]!.Properties

  beforeAll(async () => {
    output = join(service, 'packaged')
    const environment = {
      EVENTHUB_CONNECTION_STRING: `Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=${secrets[1]};EntityPath=orders`,
      FRONT_DOOR_KEY: secrets[0]!,
    }
    const { exitCode, stderr } = await serverless(['package', '--package', output], environment)
    expect(exitCode, stderr).toBe(0)
  }, 30_000)

  test.each([
    ['forwarder', 'infra/entrypoints/aws-lambda.cjs'],
    ['http', 'infra/entrypoints/http-lambda.cjs'],
  ])('%s.zip holds one bundled JavaScript file and nothing else', (name, file) => {
    const path = join(output, `${name}.zip`)
    const files = readZip(path)
    expect([...files.keys()]).toEqual([file])
    const code = files.get(file)!.toString('utf8')
    // The producer and its AMQP library are inside; what would still be looked for is Node's own, or optional.
    expect(code).toContain('amqp:connection:forced')
    const required = [...code.matchAll(/\b(?:require|import)\("([^"]+)"\)/g)].map(([, module]) => module)
    const foreign = new Set(required.filter((module) => module !== undefined && !isBuiltin(module)))
    expect([...foreign].filter((module) => module !== '@azure/identity' && module !== 'ws')).toEqual([])
    expect(code).not.toMatch(/sourceMappingURL|\bvitest\b/)
    expect(readFileSync(path).length).toBeLessThan(250 * 1024)
  })

  test('puts no secret of the shell into the template or a zip', () => {
    const texts = [
      readFileSync(join(output, 'cloudformation-template-update-stack.json'), 'utf8'),
      readFileSync(join(output, 'serverless-state.json'), 'utf8'),
      ...['forwarder', 'http'].flatMap((name) => [...readZip(join(output, `${name}.zip`)).values()].map(String)),
    ]
    for (const text of texts) {
      for (const secret of secrets) expect(text).not.toContain(secret)
    }
  })

  test.each(['ForwarderLambdaFunction', 'HttpLambdaFunction'])(
    'makes %s for arm64 on the newest Node runtime',
    (name) => {
      expect(resource(name)).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Timeout: 30 })
      expect(resource(name).Environment.Variables).toEqual({})
    },
  )

  test('reads the queue message by message, with a dead-letter queue behind it', () => {
    expect(resource('ForwarderEventSourceMappingSQSEventQueue')).toMatchObject({
      EventSourceArn: { 'Fn::GetAtt': ['EventQueue', 'Arn'] },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
    const deadLetters = { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] }
    expect(resource('EventQueue').RedrivePolicy).toEqual({ deadLetterTargetArn: deadLetters, maxReceiveCount: 5 })
    expect(resource('EventQueue').VisibilityTimeout).toBeGreaterThanOrEqual(
      6 * resource('ForwarderLambdaFunction').Timeout,
    )
    expect(resource('ForwarderLambdaEvConf').DestinationConfig.OnFailure.Destination).toEqual(deadLetters)
  })

  test('gives the functions no right but to log, to read that queue and to fill that dead-letter queue', () => {
    const [policy] = resource('IamRoleLambdaExecution').Policies
    const statements: { Action: string | string[]; Resource: unknown }[] = policy.PolicyDocument.Statement
    const actions = statements.flatMap(({ Action }) => Action)
    expect(actions.filter((action) => !action.startsWith('logs:')).sort()).toEqual([
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:ReceiveMessage',
      'sqs:SendMessage',
    ])
    expect(JSON.stringify(statements)).not.toContain('"*"')
  })

  test('lets only IAM callers through the Function URL', () => {
    expect(resource('HttpLambdaFunctionUrl').AuthType).toBe('AWS_IAM')
  })

  test('turns parameters into settings, and secret ids into references that CloudFormation resolves', async () => {
    output = join(service, 'with-parameters')
    const parameters = {
      eventHubName: 'orders',
      connectionStringSecretId: 'prod/eventhub',
      frontDoorKeySecretId: 'prod/door:SecretString:key',
      queueArn: 'arn:aws:sqs:eu-west-1:123456789012:theirs',
    }
    const flags = Object.entries(parameters).map(([name, value]) => `--param=${name}=${value}`)
    const { exitCode, stderr } = await serverless(['package', '--package', output, ...flags])
    expect(exitCode, stderr).toBe(0)
    const common = { EVENTHUB_NAME: 'orders', EVENTHUB_CONNECTION_STRING: '{{resolve:secretsmanager:prod/eventhub}}' }
    expect(resource('ForwarderLambdaFunction').Environment.Variables).toEqual(common)
    expect(resource('HttpLambdaFunction').Environment.Variables).toEqual({
      ...common,
      FRONT_DOOR_KEY: '{{resolve:secretsmanager:prod/door:SecretString:key}}',
    })
    expect(resource('HttpLambdaFunctionUrl').AuthType).toBe('NONE')
    expect(resource('ForwarderEventSourceMappingSQSTheirs').EventSourceArn).toBe(parameters.queueArn)
    expect(readTemplate().Conditions).toEqual({ HasOwnQueue: { 'Fn::Equals': [parameters.queueArn, ''] } })
  }, 30_000)
})

describe('a zip, unpacked where nothing else is', () => {
  /** As Lambda's runtime does: loads the file, calls its handler, and does not wait for open connections. */
  const runtime = `
    const { handler } = require('./' + process.argv[1])
    const run = async () => {
      const answers = []
      for (const text of process.argv.slice(3)) {
        const until = Date.now() + Number(process.argv[2])
        answers.push(await handler(JSON.parse(text), { getRemainingTimeInMillis: () => until - Date.now() }))
      }
      require('node:fs').writeSync(1, JSON.stringify(answers))
      process.exit(0)
    }
    run()`

  async function run(
    name: string,
    file: string,
    timeInMs: number,
    events: unknown[],
    environment: Record<string, string>,
  ) {
    const directory = mkdtempSync(join(service, 'unpacked-'))
    for (const [path, content] of readZip(join(service, 'packaged', `${name}.zip`))) {
      mkdirSync(dirname(join(directory, path)), { recursive: true })
      writeFileSync(join(directory, path), content)
    }
    const inLambda = { AWS_LAMBDA_FUNCTION_NAME: name, AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001', ...environment }
    const texts = events.map((event) => JSON.stringify(event))
    const { exitCode, stdout, stderr } = await node(
      ['-e', runtime, file, String(timeInMs), ...texts],
      inLambda,
      directory,
    )
    expect(exitCode, stderr).toBe(0)
    return JSON.parse(stdout)
  }

  test('forwards to the hub, invocation after invocation', async () => {
    const before = hub.events('orders').length
    const answers = await run(
      'forwarder',
      'infra/entrypoints/aws-lambda.cjs',
      10_000,
      [readFixture('sqs'), readFixture('eventbridge-custom')],
      { EVENTHUB_CONNECTION_STRING: hub.connectionString },
    )
    expect(answers).toEqual([{ batchItemFailures: [] }, { accepted: 1 }])
    expect(hub.events('orders')).toHaveLength(before + 4)
  })

  test('acknowledges nothing when the hub is down', async () => {
    const [answer] = await run('forwarder', 'infra/entrypoints/aws-lambda.cjs', 900, [readFixture('sqs')], {
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
      'infra/entrypoints/http-lambda.cjs',
      10_000,
      [event, { ...event, requestContext: withoutAuthorizer }],
      { EVENTHUB_CONNECTION_STRING: hub.connectionString },
    )
    expect(answers).toMatchObject([{ statusCode: 200 }, { statusCode: 401 }])
    expect(hub.events('orders')).toHaveLength(before + 1)
  })
})

describe('serverless invoke local', () => {
  const invoke = (name: string, fixture: string, environment: Record<string, string>) =>
    serverless(['invoke', 'local', '-f', name, '--path', fixturePath(fixture)], environment)

  test('runs the bundled forwarder, and the recorded messages are in the hub when it ends', async () => {
    const { Records } = readFixture('sqs') as SQSEvent
    const known = new Set(
      hub.events('orders').map(({ sequenceNumber, partitionId }) => `${partitionId}/${sequenceNumber}`),
    )
    const { exitCode, stdout, stderr } = await invoke('forwarder', 'sqs', {
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
  }, 30_000)

  test('names the variable that is missing, and ends', async () => {
    const { exitCode, stderr } = await invoke('forwarder', 'sqs', { EVENTHUB_NAME: 'orders' })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('Set EVENTHUB_CONNECTION_STRING')
  }, 30_000)
})
