import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = fileURLToPath(new URL('.', import.meta.url))
const namesIn = (folder) =>
  readdirSync(join(here, folder))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))

/** In the order in which they run and are shown. */
export const programNames = [
  'cpu',
  'cold',
  'partitions',
  'flush',
  'pipeline',
  'freeze',
  'size',
  'memory',
  'exit',
  'door',
]

/** As a deployment bundles for Node: one file, what is loaded lazily left out. */
const forNode = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  conditions: ['sluice-source'],
  external: ['ws', '@azure/identity'],
  logLevel: 'warning',
}

/** The programs run the library as the bundle that a user deploys, in a file of its own, and never its sources. */
const builtLibrary = {
  name: 'built-library',
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/core\/index\.js$/ }, () => ({ path: './sluice.cjs', external: true }))
  },
}

/** Writes everything that the programs run, and what `size` weighs, into `folder`. */
export async function bundle(root, folder, { minify }) {
  const programs = [...programNames.map((name) => `programs/${name}`), 'programs/render']
  const processes = namesIn('processes').map((name) => `processes/${name}`)
  const library = [join(root, 'core/index.ts')]
  const weighed = { ...forNode, minify: true }
  const whole = (name) => ({ stdin: { contents: `export * from '${name}'`, resolveDir: root } })
  const weighing = async (options) => {
    const { outfile } = options
    const { metafile } = await build({ ...options, metafile: true })
    const [output] = Object.values(metafile.outputs)
    const sizes = Object.entries(output.inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput])
    writeFileSync(`${outfile}.inputs.json`, JSON.stringify(Object.fromEntries(sizes)))
  }
  await Promise.all([
    build({ ...forNode, entryPoints: library, outfile: join(folder, 'sluice.cjs'), minify }),
    weighing({ ...weighed, entryPoints: library, outfile: join(folder, 'sluice.min.cjs') }),
    build({ ...weighed, ...whole('rhea-promise'), outfile: join(folder, 'rhea-promise.min.cjs') }),
    build({ ...weighed, ...whole('@azure/event-hubs'), outfile: join(folder, 'official.min.cjs') }),
    weighing({
      entryPoints: [join(root, 'core/index.edge.ts')],
      outfile: join(folder, 'sluice.edge.mjs'),
      bundle: true,
      minify: true,
      platform: 'neutral',
      format: 'esm',
      conditions: ['sluice-source', 'workerd'],
      mainFields: ['module', 'main'],
      logLevel: 'warning',
    }),
    build({
      ...forNode,
      entryPoints: [...programs, ...processes].map((name) => join(here, `${name}.ts`)),
      entryNames: '[name]',
      outdir: folder,
      outExtension: { '.js': '.cjs' },
      plugins: [builtLibrary],
    }),
  ])
}
