import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readZip } from '../read-zip.js'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const cli = createRequire(import.meta.url).resolve('serverless/bin/serverless.js')

export const fixturePath = (name: string) => join(repository, 'test/fixtures/aws', `${name}.json`)
export const readFixture = (name: string) => JSON.parse(readFileSync(fixturePath(name), 'utf8'))

export interface Result {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface Resource {
  readonly Type: string
  // biome-ignore lint/suspicious/noExplicitAny: a template is JSON of any depth
  readonly Properties: any
  readonly DependsOn?: string[]
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>
  readonly Outputs: Readonly<Record<string, unknown>>
}

/** A folder of its own in which `serverless` runs: packaging writes beside serverless.yml, which tests must not share. */
export function makeService() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-serverless-'))
  // Not a link: the command looks for a regular file.
  copyFileSync(join(repository, 'serverless.yml'), join(folder, 'serverless.yml'))
  for (const name of ['adapters', 'core', 'infra', 'node_modules', 'package.json']) {
    symlinkSync(join(repository, name), join(folder, name))
  }

  /** Runs `node` with this environment alone: no AWS credentials, no settings of whoever runs the tests. */
  function node(args: readonly string[], environment: Record<string, string> = {}, cwd = folder): Promise<Result> {
    const env = { PATH: process.env.PATH ?? '', HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', ...environment }
    return new Promise((resolve) => {
      execFile(process.execPath, args, { cwd, env, timeout: 60_000 }, (error, stdout, stderr) => {
        resolve({ exitCode: error ? (typeof error.code === 'number' ? error.code : -1) : 0, stdout, stderr })
      })
    })
  }

  const serverless = (args: readonly string[], environment?: Record<string, string>) =>
    node([cli, ...args], environment)

  return {
    folder,
    node,
    serverless,
    /** Packages with these parameters. Throws with what the command says when it fails. */
    async package(name: string, parameters: Record<string, string> = {}, environment?: Record<string, string>) {
      const output = join(folder, name)
      const flags = Object.entries(parameters).map(([key, value]) => `--param=${key}=${value}`)
      const { exitCode, stdout, stderr } = await serverless(['package', '--package', output, ...flags], environment)
      if (exitCode !== 0) throw new Error(`serverless package failed: ${stderr}${stdout}`)
      return packaged(output)
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** What a packaging has left in a folder. */
function packaged(output: string) {
  const templatePath = join(output, 'cloudformation-template-update-stack.json')
  const template: Template = JSON.parse(readFileSync(templatePath, 'utf8'))
  return {
    output,
    templatePath,
    template,
    resource(name: string) {
      const found = template.Resources[name]
      if (!found) throw new Error(`The template has no resource ${name}.`)
      return found.Properties
    },
    ofType: (type: string) => Object.entries(template.Resources).filter(([, resource]) => resource.Type === type),
    /** The files of a function's zip, by path. */
    files: (name: string) => readZip(join(output, `${name}.zip`)),
    sizeOf: (name: string) => readFileSync(join(output, `${name}.zip`)).length,
    /** Puts a function's files where nothing else is; returns the folder. */
    unpack(name: string) {
      const folder = mkdtempSync(join(output, '..', 'unpacked-'))
      for (const [path, content] of readZip(join(output, `${name}.zip`))) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), content)
      }
      return folder
    },
  }
}

export type Packaged = ReturnType<typeof packaged>

const arn = (service: string, rest: string) => `arn:aws:${service}:eu-west-1:123456789012:${rest}`

/** Every source, without any secret. */
export const everyParameter: Readonly<Record<string, string>> = {
  eventHubName: 'orders',
  fullyQualifiedNamespace: 'ns.servicebus.windows.net',
  azureTenantId: '11111111-2222-3333-4444-555555555555',
  azureClientId: '99999999-8888-7777-6666-555555555555',
  queueArn: arn('sqs', 'theirs.fifo'),
  kinesisStreamArn: arn('kinesis', 'stream/readings'),
  dynamodbStreamArn: arn('dynamodb', 'table/Orders/stream/2025-11-20T00:26:15.099'),
  snsTopicArn: arn('sns', 'orders'),
  eventBusArn: arn('events', 'event-bus/orders'),
  eventPattern: '{"source":["shop.orders"]}',
  s3BucketArn: 'arn:aws:s3:::uploads',
  kmsKeyArn: arn('kms', 'key/1234abcd-12ab-34cd-56ef-1234567890ab'),
  frontDoorKeySecretId: 'prod/door#key',
  alarmTopicArn: arn('sns', 'alarms'),
  propertyPrefix: 'cloudEvents_',
  memorySize: '256',
}
