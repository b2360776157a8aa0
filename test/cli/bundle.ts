import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

/** The command line as one file, for tests that need a process of its own: made from the sources, so that none can be stale. */
export async function bundleCli(): Promise<{ readonly program: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-cli-'))
  const program = join(folder, 'sluice.mjs')
  await build({
    entryPoints: ['infra/cli/main.ts'],
    outfile: program,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    conditions: ['sluice-source'],
    external: ['@azure/identity', '@azure/functions', 'ws'],
    banner: { js: "import { createRequire as made } from 'node:module'; const require = made(import.meta.url);" },
    logLevel: 'warning',
  })
  await chmod(program, 0o755)
  return { program, remove: () => rm(folder, { recursive: true, force: true }) }
}
