import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/**
 * Writes the simulation with the sources of `root` into one file, to be run in worker threads. With a mutation, one
 * place of one source reads otherwise in that file; the sources stay as they are.
 *
 * Throws when what the mutation replaces is not there exactly once.
 */
export async function bundleSimulation(root, outfile, mutation) {
  await build({
    entryPoints: [join(root, 'test/simulation/worker.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    conditions: ['sluice-source', 'node'],
    external: ['ws', '@azure/identity', '@opentelemetry/api'],
    sourcemap: mutation ? false : 'linked',
    logLevel: mutation ? 'error' : 'warning',
    plugins: mutation ? [mutating(root, mutation)] : [],
  })
}

function mutating(root, { name, file, from, to }) {
  const path = join(root, file)
  const parts = readFileSync(path, 'utf8').split(from)
  if (parts.length !== 2) {
    throw new Error(`The mutation '${name}' must find its text once in ${file}; it is there ${parts.length - 1} times.`)
  }
  return {
    name: 'mutation',
    setup: ({ onLoad }) => {
      onLoad({ filter: /\.ts$/ }, (args) =>
        args.path === path ? { contents: parts.join(to), loader: 'ts' } : undefined,
      )
    },
  }
}
