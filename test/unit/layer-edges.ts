interface Lines {
  readonly allowed: readonly string[]
  readonly forbidden: readonly string[]
}

const from = (...specifiers: string[]) => specifiers.map((specifier) => `export * from '${specifier}'`)

const shared = [
  'clock',
  'deadline',
  'errors',
  'event-data',
  'options',
  'report',
  'retry',
  'send-options',
  'tracing',
  'tracing-api',
  'transport',
  'auth/sas',
]
const sharedFrom = (folder: string) => from(...shared.map((name) => `${folder}${name}.js`))
const publicCore = ['client', 'clock', 'deadline', 'errors', 'event-data', 'invocation', 'options', 'report']
const publicCoreFrom = (folder: string) => from(...publicCore.map((name) => `${folder}core/${name}.js`))

/** Packages and runtime modules that only named places may see. */
const outside = [
  'rhea',
  'rhea-promise',
  'ws',
  'node:fs',
  'aws-lambda',
  '@azure/functions',
  '@azure/identity',
  'esbuild',
]
const outsideBut = (...seen: string[]) => from(...outside.filter((name) => !seen.includes(name)), 'eventhub-sluice')

const timers = ['setTimeout(() => {}, 1)', 'export const now = performance.now()', 'export const at = Date.now()']
const runtimes = ["export const bytes = Buffer.from('a')", 'export const env = process.env', 'export const deno = Deno']

const wire = { allowed: [...from('./own.js'), ...sharedFrom('../')] }
const aboveFolders = from('../client.js', '../invocation.js', '../index.js', '../transports.node.js', '#transports')

/** By path: the lines that a file there may hold, and those that lint must refuse. */
export const files: Readonly<Record<string, Lines>> = {
  'core/errors.ts': {
    allowed: sharedFrom('./'),
    forbidden: [
      ...from('./client.js', './invocation.js', './index.js', './index.edge.js', '#transports'),
      ...from('./transports.node.js', './transports.edge.js', './routing/router.js', './buffering/batch.js'),
      ...from('./options/checks.js'),
      ...from('./amqp/index.js', './https/index.js', '../adapters/fetch/index.js', '../infra/local-hub/index.js'),
      ...outsideBut(),
      ...timers,
      'export const today = new Date()',
      'export const signal = AbortSignal.timeout(1)',
      'export const dice = Math.random',
      'export const id = crypto.randomUUID()',
      ...runtimes,
      // The ways around a rule that compares specifiers as they are written.
      "export type { Client } from './client.js'",
      "export const lazily = () => import('./client.js')",
      "export type Client = import('./client.js').Client",
      "export const commonJs = require('./client.js')",
      ...from('./auth/../client.js', './../core/client.js', '././clock.js'),
    ],
  },
  'core/clock.ts': { allowed: timers, forbidden: [...from('./client.js'), ...runtimes] },
  'core/options.ts': {
    allowed: [...sharedFrom('./'), ...from('./options/a.js'), 'export const dice = Math.random'],
    forbidden: [...timers, ...from('./client.js', './routing/a.js')],
  },
  'core/options/checks.ts': {
    ...wire,
    forbidden: [...aboveFolders, ...from('../routing/a.js', '../buffering/a.js', '../amqp/a.js'), ...outsideBut()],
  },
  'core/auth/sas.ts': {
    ...wire,
    forbidden: [...aboveFolders, ...from('../routing/a.js', '../buffering/a.js', '../amqp/a.js'), ...outsideBut()],
  },
  'core/routing/router.ts': {
    ...wire,
    forbidden: [...aboveFolders, ...from('../buffering/a.js', '../amqp/a.js', '../https/a.js'), ...outsideBut()],
  },
  'core/buffering/batch.ts': {
    ...wire,
    forbidden: [...aboveFolders, ...from('../routing/a.js', '../amqp/a.js', '../https/a.js'), ...outsideBut()],
  },
  'core/https/index.ts': {
    ...wire,
    forbidden: [
      ...aboveFolders,
      ...from('../routing/a.js', '../buffering/a.js', '../amqp/a.js'),
      ...outsideBut(),
      ...timers,
      ...runtimes,
    ],
  },
  'core/amqp/index.ts': {
    allowed: [...wire.allowed, ...from('rhea', 'rhea-promise', 'ws', 'node:net'), ...runtimes.slice(0, 2)],
    forbidden: [
      ...aboveFolders,
      ...from('../routing/a.js', '../buffering/a.js', '../https/a.js', '../../adapters/fetch/index.js'),
      ...outsideBut('rhea', 'rhea-promise', 'ws', 'node:fs'),
      ...timers,
    ],
  },
  'core/transports.node.ts': {
    allowed: [...sharedFrom('./'), ...from('./amqp/index.js', './https/index.js')],
    forbidden: [...from('./client.js', './invocation.js', './routing/a.js', './buffering/a.js'), ...outsideBut()],
  },
  'core/transports.edge.ts': {
    allowed: [...sharedFrom('./'), ...from('./https/index.js')],
    forbidden: [...from('./amqp/index.js', './client.js', './routing/a.js', './buffering/a.js'), ...outsideBut()],
  },
  'core/invocation.ts': {
    allowed: [...sharedFrom('./'), ...from('./routing/a.js', './buffering/a.js')],
    forbidden: [...from('./client.js', './amqp/index.js', './https/index.js', '#transports'), ...outsideBut()],
  },
  'core/outbox.ts': {
    allowed: [...sharedFrom('./'), ...from('./routing/a.js', './buffering/a.js')],
    forbidden: [...from('./client.js', './invocation.js', './amqp/index.js', '#transports'), ...outsideBut()],
  },
  'core/client.ts': {
    allowed: [
      ...sharedFrom('./'),
      ...from('./invocation.js', './outbox.js', './routing/a.js', './buffering/a.js', '#transports'),
    ],
    forbidden: [
      ...from('./amqp/index.js', './https/index.js', './transports.node.js', './index.js'),
      ...from('../adapters/fetch/index.js'),
      ...outsideBut(),
    ],
  },
  'core/exports.ts': {
    allowed: [...sharedFrom('./'), ...from('./client.js', './invocation.js', './buffering/a.js')],
    forbidden: [...from('./amqp/index.js', './https/index.js', '../adapters/fetch/index.js'), ...outsideBut()],
  },
  'core/index.edge.ts': { allowed: from('./exports.js'), forbidden: from('./amqp/index.js', 'node:fs') },
  'adapters/shared.ts': {
    allowed: [...from('./flush-on-freeze.js'), ...publicCoreFrom('../')],
    forbidden: [
      ...from('./fetch/index.js', '../core/amqp/index.js', '../core/buffering/a.js', '../core/transport.js'),
      ...from('../infra/local-hub/index.js'),
      ...outsideBut(),
    ],
  },
  'adapters/fetch/index.ts': {
    allowed: [...from('./own.js', './deep/own.js', '../flush-on-freeze.js'), ...publicCoreFrom('../../')],
    forbidden: [
      ...from('../aws-lambda/index.js', '../../core/https/index.js', '../../infra/local-hub/index.js'),
      ...from('../../core/index.js', '../../core/routing/a.js'),
      ...outsideBut(),
    ],
  },
  'adapters/fetch/openapi/document.ts': {
    allowed: from('./own.js', '../own.js', '../auth/scheme.js', '../../../core/options.js'),
    forbidden: from('../../aws-lambda/index.js', '../../../core/amqp/index.js', '../../../infra/local-hub/index.js'),
  },
  'adapters/aws-lambda/index.ts': {
    allowed: [
      ...from('./own.js', '../flush-on-freeze.js', 'node:fs', '@azure/identity'),
      "import type { SQSEvent } from 'aws-lambda'; export type Sqs = SQSEvent",
      ...publicCoreFrom('../../'),
    ],
    forbidden: [
      ...from('../fetch/index.js', '../azure-functions/index.js', '../../core/amqp/index.js'),
      // Only types: the package of that bare name is an unrelated deploy tool.
      ...outsideBut('node:fs', '@azure/identity'),
    ],
  },
  'adapters/aws-lambda/sources/sqs.ts': {
    allowed: [...from('./own.js', '../own.js', '../../flush-on-freeze.js'), ...publicCoreFrom('../../../')],
    forbidden: from('../../fetch/index.js', '../../../core/amqp/index.js', '../../../infra/local-hub/index.js'),
  },
  'adapters/azure-functions/index.ts': {
    allowed: [
      ...from('./own.js', '../flush-on-freeze.js', 'node:fs', '@azure/functions', '@azure/identity'),
      ...publicCoreFrom('../../'),
    ],
    forbidden: [
      ...from('../fetch/index.js', '../aws-lambda/index.js', '../../core/amqp/index.js'),
      ...outsideBut('node:fs', '@azure/functions', '@azure/identity'),
    ],
  },
  'infra/entrypoints/http.ts': {
    allowed: [
      ...from('./own.js', '../../adapters/fetch/index.js', '../cloudflare/own.js', 'node:fs', 'srvx/node'),
      ...publicCoreFrom('../../'),
    ],
    forbidden: [
      ...from('../local-hub/index.js', '../local.js', '../../core/amqp/index.js', '../../core/routing/a.js'),
      ...from('../../adapters/fetch/deep.js', 'rhea', 'ws', 'eventhub-sluice', 'aws-lambda', 'esbuild'),
    ],
  },
  'infra/cloudflare/object.ts': {
    allowed: [
      ...from('./own.js', '../../adapters/fetch/index.js', '../../core/amqp/index.js', 'cloudflare:workers'),
      ...publicCoreFrom('../../'),
    ],
    forbidden: [
      ...from('../local-hub/index.js', '../entrypoints/cloudflare.js', '../../core/routing/a.js', '#transports'),
      ...from('../../adapters/fetch/deep.js', '../../core/amqp/connection.js'),
      ...outsideBut(),
    ],
  },
  'infra/cli/run.ts': {
    allowed: [
      ...from('./own.js', './commands/own.js', '../../core/index.js', '../../core/options.js'),
      ...from('../local-hub/index.js', 'node:fs/promises', 'commander', 'csv-parse/sync', '@azure/identity'),
    ],
    forbidden: [
      ...from('../../core/client.js', '../../core/amqp/index.js', '../../core/routing/a.js', '#transports'),
      ...from('../../adapters/fetch/index.js', '../../adapters/shared.js', '../local-hub/local-hub.js'),
      ...from('../entrypoints/http.js', '../cloudflare/object.js', '../local.js'),
      ...outsideBut('node:fs', '@azure/identity'),
    ],
  },
  'infra/cli/commands/hub.ts': {
    allowed: [
      ...from('../own.js', '../send/own.js', '../../../core/index.js', 'commander'),
      ...from('../../local-hub/index.js', '../../hub-page/index.js'),
    ],
    forbidden: [
      ...from('../../../core/client.js', '../../../core/amqp/index.js', '../../local-hub/local-hub.js'),
      ...from('../../hub-page/page.js'),
      ...from('../../../adapters/fetch/index.js', '../../entrypoints/http.js', '../../local.js'),
      ...outsideBut('node:fs', '@azure/identity'),
    ],
  },
  'infra/cli/tail/own.ts': {
    allowed: [
      ...from('./own.js', '../own.js', '../amqp/own.js', '../../../core/index.js', '../../../core/errors.js'),
      ...from('../../../core/amqp/socket.js', '../../../core/auth/sas.js', 'node:net', 'rhea', 'rhea-promise'),
    ],
    forbidden: [
      ...from(
        '../commands/own.js',
        '../../../core/client.js',
        '../../../core/routing/a.js',
        '../../../core/https/a.js',
      ),
      ...from('../../local-hub/index.js', '../../local.js', '../../../adapters/fetch/index.js', 'commander', 'ws'),
    ],
  },
  'infra/cli/doctor/steps/own.ts': {
    allowed: [
      ...from('./own.js', '../own.js', '../../amqp/own.js', '../../../../core/errors.js'),
      ...from('../../../../core/amqp/socket.js', '../../../../core/auth/sas.js', 'node:tls', 'rhea'),
    ],
    forbidden: [
      ...from('../../commands/own.js', '../../../../core/client.js', '../../../../core/https/a.js'),
      ...from('../../../local-hub/index.js', '../../../../adapters/fetch/index.js'),
    ],
  },
  'infra/local-hub/server.ts': {
    allowed: from('./own.js', './rest/own.js', 'node:net', 'rhea', 'rhea-promise', 'ws'),
    forbidden: [
      ...from('../../core/errors.js', '../../core/auth/sas.js', '../../adapters/fetch/index.js', '#transports'),
      ...from('../entrypoints/http.js', '../local.js', 'eventhub-sluice', 'aws-lambda', '@azure/event-hubs'),
    ],
  },
  'infra/local-hub/rest/door.ts': {
    allowed: from('../own.js'),
    forbidden: from('../../../core/errors.js', '../../../adapters/fetch/index.js'),
  },
  'infra/hub-page/page.ts': {
    allowed: [
      ...from('./own.js', '../local-hub/index.js', 'node:http'),
      ...from(...['client', 'event-data', 'report'].map((name) => `../../core/${name}.js`)),
    ],
    forbidden: [
      ...from('../local-hub/faults.js', '../../core/amqp/index.js', '../../adapters/fetch/index.js', '../local.js'),
      ...from('./ui/app.js', 'preact', '#transports'),
      ...outsideBut('node:fs'),
    ],
  },
  'infra/hub-page/ui/app.tsx': {
    allowed: from('./own.js', '../protocol.js', 'preact', 'preact/hooks'),
    forbidden: [...from('../page.js', '../../local-hub/index.js', '../../../core/client.js'), ...outsideBut()],
  },
  'infra/local.ts': {
    allowed: from('./local-hub/index.js', '../core/client.js', '../adapters/fetch/index.js', './entrypoints/http.js'),
    forbidden: ["export type Client = import('../core/client.js').Client"],
  },
  'test/unit/anything.test.ts': {
    allowed: [
      ...from('../../core/amqp/index.js', '../../infra/local-hub/index.js', 'rhea', 'node:fs'),
      ...timers,
      'export const first = [1][0]!',
    ],
    forbidden: [],
  },
}
