// Makes one file of the command line, dist/infra/cli/sluice.js, from what tsc has built: with Commander and csv-parse inside,
// so that users need not install them. What the package ships and depends on anyway stays outside.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const cli = join(root, 'dist', 'infra', 'cli')
const outfile = join(cli, 'sluice.js')
const inlined = ['commander', 'csv-parse']

/** Parts of the package that are shipped by themselves: loaded from where they are, once for all. */
const shippedApart = {
  name: 'shipped-apart',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
      const target = resolve(resolveDir, path)
      const fromDist = relative(join(root, 'dist'), target).split(sep).join(posix.sep)
      if (!/^(core|infra\/(local-hub|hub-page))\//.test(fromDist)) return undefined
      return { path: relative(cli, target).split(sep).join(posix.sep), external: true }
    })
  },
}

/** Packages stay outside, but for those that users do not have. */
const packagesApart = {
  name: 'packages-apart',
  setup({ onResolve }) {
    onResolve({ filter: /^[@a-z]/ }, ({ path }) =>
      inlined.some((name) => path === name || path.startsWith(`${name}/`)) ? undefined : { path, external: true },
    )
  },
}

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [join(cli, 'main.js')],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: 'linked',
  metafile: true,
  plugins: [shippedApart, packagesApart],
  // What was CommonJS (Commander) asks for `require`.
  banner: {
    js: "import { createRequire as sluiceCreateRequire } from 'node:module'; const require = sluiceCreateRequire(import.meta.url);",
  },
  logLevel: 'warning',
})
chmodSync(outfile, 0o755)

// MIT: "The above copyright notice and this permission notice shall be included in all copies".
const folders = new Set()
for (const input of Object.keys(metafile.inputs)) {
  const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]
  if (name) folders.add(join(root, 'node_modules', name))
}
const notices = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}\n`
})
writeFileSync(join(dirname(outfile), 'LICENSES.txt'), `sluice.js contains:\n\n${notices.join('\n---\n\n')}`)
