import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { builtinModules } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalHub } from '../../../infra/local-hub/index.js'

const run = promisify(execFile)

/** Outside of the repository, so that nothing of its node_modules is found. */
const folder = mkdtempSync(join(tmpdir(), 'sluice-functions-app-'))
const app = join(folder, 'app')
const driver = join(folder, 'driver.mjs')

/** Runs in a process of its own: loads the app as the worker does, and prints what became of some invocations. */
const driverSource = `
import { pathToFileURL } from 'node:url'
import { startWorker } from './worker-stand-in.js'

const worker = startWorker()
await import(pathToFileURL(process.argv[2]).href)
worker.index()
const headers = { 'content-type': 'application/json', 'x-partition-key': 'k' }
const answer = await worker.fetch('publish', { body: '[{"id":1},"two"]', headers })
const delivery = await worker.deliver('publishFromQueue', '{"id":3}')
const grid = await worker.invoke('publishFromEventGrid', { json: '{"eventType":"t","id":"g-1","subject":"s","data":{}}' })
const heartbeat = await worker.invoke('heartbeat', { json: '{"IsPastDue":false}' })
await worker.terminate()
// Nothing of the app is left that would keep the process: it ends by itself.
console.log(JSON.stringify({ answer, delivery, grid, heartbeat }))
`

beforeAll(async () => {
  await run(process.execPath, ['scripts/package-functions.mjs', app])
  await build({
    stdin: { contents: driverSource, resolveDir: 'test/adapters/azure-functions', loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: driver,
    logLevel: 'silent',
  })
})
afterAll(() => rmSync(folder, { recursive: true }))

const manifest = () => JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')) as { main: string; type: string }
const files = () => readdirSync(app, { recursive: true, encoding: 'utf8' }).filter((name) => /\.mjs$/.test(name))

describe('the deployable app', () => {
  test('is one folder: the host’s settings, the entry that package.json names, and no package to install', () => {
    expect(readdirSync(app).sort()).toEqual(['chunks', 'host.json', 'index.mjs', 'package.json'])
    expect(readFileSync(join(app, 'host.json'), 'utf8')).toBe(readFileSync('host.json', 'utf8'))
    expect(existsSync(join(app, manifest().main))).toBe(true)
    expect(manifest()).not.toHaveProperty('dependencies')
    const size = files().reduce((sum, name) => sum + statSync(join(app, name)).size, 0)
    expect(size).toBeLessThan(3_000_000)
  })

  test('imports nothing from outside but Node and itself', () => {
    const isKnown = (name: string) =>
      name.startsWith('.') || name.startsWith('node:') || builtinModules.includes(name.split('/')[0] ?? '')
    for (const name of files()) {
      const text = readFileSync(join(app, name), 'utf8')
      const imported = [
        ...text.matchAll(/^(?:import|export)\s[^;]*?from\s*["']([^"']+)["']|^import ["']([^"']+)["']/gm),
      ]
      expect(imported.map(([, from, bare]) => from ?? bare ?? '').filter((from) => !isKnown(from))).toEqual([])
    }
    // Only the worker has this one, and answers for it.
    const required = files().flatMap((name) => [
      ...readFileSync(join(app, name), 'utf8').matchAll(/\b(?:__require|require)\(["'](@[^"']+)["']\)/g),
    ])
    expect([...new Set(required.map(([, module]) => module))]).toEqual(['@azure/functions-core'])
  })

  test('loads in the worker, sends, and ends when the worker does', async () => {
    const hub = await startLocalHub({ eventHubs: { events: {} } })
    const env = { PATH: process.env.PATH, EventHubConnection: hub.connectionString, EventHubName: 'events' }
    const { stdout, stderr } = await run(process.execPath, [driver, join(app, manifest().main)], {
      cwd: app,
      env,
      timeout: 15_000,
    })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({
      answer: { status: 200, body: '{"accepted":2,"failures":[]}' },
      delivery: { attempts: 1, isPoison: false },
      grid: { succeeded: true },
      heartbeat: { succeeded: true },
    })
    expect(hub.events('events')).toHaveLength(5)
    expect(hub.connections).toEqual([])
    await hub.close()
  })

  test('gets a token of a managed identity, by a chunk that is not read without one', async () => {
    const isIdentity = (name: string) =>
      statSync(join(app, name)).size > 500_000 &&
      /export \{[^}]*\bManagedIdentityCredential\b/.test(readFileSync(join(app, name), 'utf8'))
    const [chunk, ...others] = files().filter(isIdentity)
    expect(others).toEqual([])
    expect(chunk).toMatch(/^chunks/)
    const entry = readFileSync(join(app, 'index.mjs'), 'utf8')
    const basename = String(chunk).slice('chunks/'.length)
    expect(entry).toContain(`import("./chunks/${basename}")`)
    expect(entry).not.toMatch(new RegExp(`from ["']\\./chunks/${basename}`))

    // The endpoint that App Service gives to a Function App.
    const asked: string[] = []
    const endpoint = createServer((request, response) => {
      asked.push(`${request.headers['x-identity-header']} ${request.url}`)
      const token = {
        access_token: 'a-token',
        expires_on: `${Math.round(Date.now() / 1000) + 3600}`,
        token_type: 'Bearer',
      }
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...token, resource: 'r' }))
    })
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
    const { port } = endpoint.address() as AddressInfo
    const code = `
      const { ManagedIdentityCredential } = await import(${JSON.stringify(`file://${join(app, String(chunk))}`)})
      const { token } = await new ManagedIdentityCredential().getToken('https://eventhubs.azure.net//.default')
      console.log(token)`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], {
      cwd: app,
      env: { PATH: process.env.PATH, IDENTITY_ENDPOINT: `http://127.0.0.1:${port}/token`, IDENTITY_HEADER: 'secret' },
      timeout: 15_000,
    })
    expect(stdout.trim()).toBe('a-token')
    expect(asked).toEqual([expect.stringMatching(/^secret \/token\?.*eventhubs\.azure\.net/)])
    await new Promise((resolve) => endpoint.close(resolve))
  })
})
