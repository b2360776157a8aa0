import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** What the tests' page is served from. */
export const folder = new URL('../../.cache/page/', import.meta.url)

/** Builds the page and its producer from the sources, as `npm run build` does, without touching dist/. */
export default async function setup(): Promise<() => Promise<void>> {
  await buildPage(folder)
  return () => rm(folder, { recursive: true, force: true })
}

export async function buildPage(target: URL): Promise<void> {
  await promisify(execFile)(process.execPath, [
    `${root}scripts/build-page.mjs`,
    fileURLToPath(new URL('static', target)),
  ])
  await build({
    entryPoints: [`${root}infra/hub-page/producer-process.ts`],
    outfile: fileURLToPath(new URL('producer-process.js', target)),
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    conditions: ['sluice-source'],
    logLevel: 'silent',
  })
}
