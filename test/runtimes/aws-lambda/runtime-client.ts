import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const cache = fileURLToPath(new URL('../.cache', import.meta.url))

/** What runs functions in Lambda: Node of Lambda's own major, and the runtime interface client. */
export interface RuntimeClient {
  /** Node's executable. */
  readonly node: string
  /** The script that it runs. */
  readonly script: string
}

/** What building takes, and the Debian package that has it. */
const tools: Readonly<Record<string, string>> = {
  cmake: 'cmake',
  make: 'make',
  'g++': 'g++',
  xz: 'xz-utils',
  tar: 'tar',
  python3: 'python3',
}

/**
 * The runtime interface client, built on first use into `.cache/` (under a minute on two cores). Its own install
 * scripts would do so too, but fetch Node's headers from the network; the headers that Node's package ships are the
 * same. Rejects with what is missing.
 */
export async function runtimeClient(): Promise<RuntimeClient> {
  const node = nodePackage()
  const ric = packageFolder('aws-lambda-ric')
  const home = join(cache, `aws-lambda-ric-${versionOf(ric)}-node-${versionOf(node)}-${process.arch}`)
  const client = { node: join(node, 'bin/node'), script: join(home, 'index.mjs') }
  if (!(await exists(client.script))) await build(ric, node, home)
  return client
}

async function build(ric: string, node: string, home: string): Promise<void> {
  await assertTools()
  console.log('Building aws-lambda-ric, which takes a minute or two ...')
  await mkdir(cache, { recursive: true })
  // Under a name of its own until it is whole, so that a build that was broken off is not taken for one.
  const work = await mkdtemp(join(cache, 'building-'))
  try {
    const fromRic = createRequire(join(ric, 'package.json'))
    await cp(ric, work, { recursive: true })
    // gyp builds beside this package, wherever it finds it: so it finds a copy in here.
    const addonApi = dirname(fromRic.resolve('node-addon-api/package.json'))
    await cp(addonApi, join(work, 'node_modules/node-addon-api'), { recursive: true })
    const env = { ...process.env, PATH: `${join(node, 'bin')}${delimiter}${process.env.PATH}` }
    const settings = { cwd: work, env, maxBuffer: 64 * 1024 * 1024 }
    // curl and the runtime client for C++, from the sources that the package brings.
    await run('sh', ['scripts/preinstall.sh'], settings)
    const gyp = fromRic.resolve('node-gyp/bin/node-gyp.js')
    await run(join(node, 'bin/node'), [gyp, 'rebuild', '--directory=src/native', `--nodedir=${node}`], {
      ...settings,
      env: { ...env, DEPS_PREFIX: join(work, 'deps/artifacts') },
    })
    await cp(join(work, 'src/native/build/Release/rapid-client.node'), join(work, 'rapid-client.node'))
    await Promise.all(
      ['deps', 'node_modules', 'scripts', 'src'].map((name) => rm(join(work, name), { recursive: true })),
    )
    await rename(work, home)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function assertTools(): Promise<void> {
  const missing: string[] = []
  for (const [tool, debianPackage] of Object.entries(tools)) {
    await run(tool, ['--version']).catch(() => missing.push(debianPackage))
  }
  if (missing.length === 0) return
  throw new Error(
    `aws-lambda-ric has to be compiled, and this machine lacks: ${missing.join(', ')}. On Debian: apt-get install ${missing.join(' ')}`,
  )
}

/** Only one of these packages is installed, whichever fits the machine. */
function nodePackage(): string {
  const name = `node-${process.platform}-${process.arch}`
  try {
    return packageFolder(name)
  } catch (cause) {
    throw new Error(
      `${name} is not installed. The AWS Lambda suite runs on Linux, x64 and arm64: run npm ci --prefix test/runtimes there.`,
      { cause },
    )
  }
}

const packageFolder = (name: string): string => dirname(require.resolve(`${name}/package.json`))
const versionOf = (folder: string): string => require(join(folder, 'package.json')).version
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
