import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'
import { parse } from 'yaml'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const require = createRequire(import.meta.url)

/** Settings under `custom.esbuild` that the plugin reads itself; what is left goes to esbuild. */
const pluginSettings = [
  'concurrency',
  'disposeContext',
  'exclude',
  'installExtraArgs',
  'keepOutputDirectory',
  'nativeZip',
  'nodeExternals',
  'outputFileExtension',
  'packagePath',
  'packager',
  'packagerOptions',
  'skipBuild',
  'skipBuildExcludeFns',
  'skipRebuild',
  'stripEntryResolveExtensions',
  'watch',
  'zipConcurrency',
]

/**
 * Bundles a source file of the repository as `serverless package` does, by the settings of serverless.yml without any
 * parameter. The result lies in `folder` under the name that it has in the zip.
 */
export async function bundleForLambda(entry: string, folder: string): Promise<void> {
  // CloudFormation's own tags (!GetAtt) are not ours to understand.
  const service = parse(readFileSync(join(repository, 'serverless.yml'), 'utf8'), { logLevel: 'silent' })
  const settings: Record<string, unknown> = service.custom.esbuild
  const ours = Object.entries(settings).filter(([name]) => !pluginSettings.includes(name))
  const noParameters = { resolveVariable: async () => null }
  // ${file(./infra/aws/settings.cjs):notBundled}
  const { notBundled } = await require(join(repository, 'infra/aws/settings.cjs'))(noParameters)
  const options: BuildOptions = {
    ...Object.fromEntries(ours),
    platform: 'node',
    absWorkingDir: repository,
    entryPoints: [entry],
    external: notBundled,
    outbase: '.',
    outdir: folder,
    outExtension: { '.js': String(settings.outputFileExtension) },
    logLevel: 'silent',
  }
  await build(options)
}
