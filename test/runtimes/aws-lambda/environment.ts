import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, inject, onTestFinished } from 'vitest'
import { type LocalHub, type LocalHubEvent, startLocalHub } from '../../../infra/local-hub/index.js'
import { bundleForLambda } from '../support/bundle.js'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js'
import { type FunctionProcess, startFunction } from './function-process.js'
import type { Answer, InvokeOptions } from './invocations.js'

/** A function that runs, and the hub that it publishes to by way of a proxy. All of it ends with the test. */
export interface Lambda {
  readonly runtime: FunctionProcess
  readonly hub: LocalHub
  readonly proxy: FaultProxy
  invoke(event: unknown, options?: InvokeOptions): Promise<Answer>
  /**
   * Resolves when the connection has done what it does for itself: after a first invocation it claims the partitions
   * ahead of the next.
   */
  quiet(): Promise<void>
  /** What is in the event hub. */
  landed(): LocalHubEvent[]
  /** The message ids of what is in the event hub, sorted; an event that landed twice stands there twice. */
  landedIds(): string[]
}

export interface LambdaOptions {
  /** Source file within the repository, which exports `handler`. Default: the forwarder that serverless.yml deploys. */
  readonly entry?: string
  readonly partitionCount?: number
  /** A fault of the hub that is there from the start. */
  readonly fault?: 'silence' | 'refuseConnections'
  /** Beside the connection string, or in its place. */
  readonly environment?: Readonly<Record<string, string>>
}

export const userHandler = 'test/runtimes/aws-lambda/functions/user-handler.ts'
const forwarder = 'infra/entrypoints/aws-lambda.ts'
const eventHubName = 'orders'

/** By entry: a bundle is made once for a test file. */
const bundles = new Map<string, Promise<string>>()
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

export async function startLambda(options: LambdaOptions = {}): Promise<Lambda> {
  const { entry = forwarder, partitionCount = 2, environment } = options
  const folder = await bundled(entry)
  const hub = await startLocalHub({ eventHubs: { [eventHubName]: { partitionCount } } })
  onTestFinished(() => hub.close())
  if (options.fault) hub.faults[options.fault] = true
  const proxy = await startFaultProxy({ host: hub.host, port: hub.amqpPort })
  onTestFinished(() => proxy.close())
  const runtime = await startFunction({
    runtimeClient: inject('runtimeClient'),
    folder,
    handler: entry.replace(/\.ts$/, '.handler'),
    environment: {
      EVENTHUB_CONNECTION_STRING: hub.connectionString.replace(`:${hub.amqpPort}`, `:${proxy.port}`),
      ...environment,
    },
  })
  onTestFinished(async ({ task }) => {
    await runtime.stop()
    // What a failed test leaves to look at.
    if (task.result?.state === 'fail') console.log(runtime.output)
    // Lambda would have ended the environment for any of these.
    expect(runtime.api.violations).toEqual([])
  })
  const landed = () => hub.events(eventHubName)
  const quiet = async () => {
    await runtime.api.idle()
    for (let sent = -1; sent !== proxy.bytesFromClients; await sleep(200)) sent = proxy.bytesFromClients
  }
  return {
    runtime,
    quiet,
    hub,
    proxy,
    invoke: (event, invokeOptions) => runtime.api.invoke(event, invokeOptions),
    landed,
    landedIds: () =>
      landed()
        .map(({ properties }) => String(properties['message-id']))
        .sort(),
  }
}

function bundled(entry: string): Promise<string> {
  const known = bundles.get(entry)
  if (known) return known
  const folder = mkdtempSync(join(tmpdir(), 'sluice-lambda-'))
  folders.push(folder)
  const made = bundleForLambda(entry, folder).then(() => folder)
  bundles.set(entry, made)
  return made
}
