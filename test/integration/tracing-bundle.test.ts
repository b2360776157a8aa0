import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type BuildOptions, build } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'

let hub: LocalHub
beforeEach(async () => {
  hub = await startLocalHub()
})
afterEach(() => hub.close())

describe('bundled together with OpenTelemetry', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-tracing-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const inNode = `
    import { context, trace } from '@opentelemetry/api'
    import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
    import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
    import { EventHubProducerClient } from '#core'
    trace.setGlobalTracerProvider(new BasicTracerProvider())
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    const client = EventHubProducerClient.fromConnectionString(process.env.CONNECTION_STRING)
    trace.getTracer('user').startActiveSpan('handler', async (span) => {
      const invocation = client.beginInvocation({ timeoutInMs: 10000 })
      void invocation.sendEvent({ body: span.spanContext().traceId })
      console.log(JSON.stringify(await invocation.end()))
      await client.close()
    })`

  // No SDK and no context manager: this one was made for no Node.
  const atTheEdge = `
    import { trace } from '@opentelemetry/api'
    import { EventHubProducerClient } from '#core'
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const span = trace.wrapSpanContext({ traceId, spanId: 'b7ad6b7169203331', traceFlags: 1 })
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: () => span }) })
    const client = EventHubProducerClient.fromConnectionString(process.env.CONNECTION_STRING)
    client.sendEvent({ body: traceId }).then(() => console.log(JSON.stringify({ accepted: 1 })))`

  test.each<[string, string, string, BuildOptions]>([
    ['as CommonJS', 'bundle.cjs', inNode, { format: 'cjs', platform: 'node' }],
    ['as an ES module', 'bundle.mjs', inNode, { format: 'esm', platform: 'node', banner: esmBanner() }],
    ['for the edge', 'worker.mjs', atTheEdge, { format: 'esm', platform: 'neutral', mainFields: ['module', 'main'] }],
  ])('%s, with nothing left outside, it is found all the same', async (_, file, contents, options) => {
    const isEdge = options.platform === 'neutral'
    const { outputFiles, metafile } = await build({
      ...options,
      stdin: { contents, resolveDir: root },
      alias: { '#core': join(root, isEdge ? 'core/index.edge.ts' : 'core/index.ts') },
      conditions: isEdge ? ['sluice-source', 'workerd'] : ['sluice-source'],
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      external: isEdge ? [] : ['ws'],
      logLevel: 'silent',
    })
    const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
    expect(outside.filter((path) => path !== 'ws' && (isEdge || !isBuiltin(path)))).toEqual([])
    await writeFile(join(folder, file), outputFiles[0]!.text)
    const connectionString = hub.connectionString.replace(
      `:${hub.amqpPort}`,
      `:${isEdge ? hub.httpPort : hub.amqpPort}`,
    )
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, file)], {
      cwd: folder,
      env: { PATH: process.env.PATH, CONNECTION_STRING: connectionString },
    })
    expect(JSON.parse(stdout)).toMatchObject({ accepted: 1 })
    const [event] = hub.events('events')
    expect(String(event?.applicationProperties.traceparent).split('-')[1]).toBe(event?.body.toString())
  })
})

/** What esbuild needs where a CommonJS package inside asks for a module of Node's. */
function esmBanner(): { js: string } {
  return { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" }
}
