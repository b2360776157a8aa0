import { readdirSync } from 'node:fs'
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
  expect(own.length).toBeGreaterThan(sources.length - 5)
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
