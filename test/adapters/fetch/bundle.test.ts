import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const folder = 'adapters/fetch/'

/** As Wrangler bundles a Worker, but from the sources. */
function bundle(entry: string, external: string[] = []) {
  return build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
    conditions: ['sluice-source', 'workerd', 'worker', 'browser'],
    mainFields: ['module', 'main'],
    logLevel: 'silent',
    minify: true,
    external,
  })
}

test('the front door itself imports no node: module and no package', async () => {
  const { metafile } = await bundle('adapters/fetch/index.ts', ['node:*'])
  const own = Object.entries(metafile.inputs).filter(([path]) => path.startsWith(folder))
  // All of it was seen, but for what holds types alone.
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  expect(own.length).toBeGreaterThan(sources.length - 8)
  for (const [path, { imports }] of own) {
    expect(
      imports.filter(({ external, original }) => external || !original?.startsWith('.')),
      path,
    ).toEqual([])
  }
})

test('the Worker bundles for workerd with no node: module and no global of Node', async () => {
  const { outputFiles, metafile } = await bundle('infra/entrypoints/cloudflare.ts')
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports)
  expect(imported).toEqual([])
  const code = outputFiles[0]?.text ?? ''
  expect(code).not.toMatch(/\bBuffer\b|\bprocess\.|\brequire\(/)
})

test('the Worker stays small: what it does not import is not in its bundle', async () => {
  const { outputFiles } = await bundle('infra/entrypoints/cloudflare.ts')
  const { text = '', contents = new Uint8Array() } = outputFiles[0] ?? {}
  // CORS, rate limit, signatures, handshakes.
  for (const mark of [
    'access-control-max-age',
    'requestsPerSecond',
    'x-hub-signature',
    'whsec_',
    'aeg-event-type',
    'webhook-allowed',
  ]) {
    expect(text).not.toContain(mark)
  }
  expect(gzipSync(contents, { level: 9 }).length).toBeLessThan(largestInBytes)
})

/** The goal is 30 KB; the core alone takes 23. What is over it is to be looked at, not raised. */
const largestInBytes = 36_000

test('docs/http-api.md names every problem, with its status', async () => {
  const page = readFileSync('docs/http-api.md', 'utf8')
  const listed = [...page.matchAll(/^\| (\d{3}) \| `([\w-]+)` \|/gm)].map(([, status, kind]) => `${status} ${kind}`)
  const source = readFileSync(`${folder}problem.ts`, 'utf8')
  const known = [...source.matchAll(/^ {2}'?([\w-]+)'?: \[(\d{3}), /gm)].map(([, kind, status]) => `${status} ${kind}`)
  const ofKeys = readFileSync(`${folder}idempotency/problems.ts`, 'utf8')
  for (const [, status, kind] of ofKeys.matchAll(/\[\s*(\d{3}),\s*'([\w-]+)'/g)) known.push(`${status} ${kind}`)
  expect(known.length).toBeGreaterThan(15)
  expect(listed.sort()).toEqual([...new Set(known)].sort())
})
