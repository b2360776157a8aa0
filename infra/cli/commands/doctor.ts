import { placeOf } from '../amqp/place.js'
import { CliError } from '../cli-error.js'
import { type AddCommand, type GlobalOptions, runsWith } from '../context.js'
import { examine } from '../doctor/examine.js'
import { exitCodeFor, renderStep, renderVerdict, reportOf } from '../doctor/report.js'
import { failed, type StepResult, stepIds } from '../doctor/step.js'
import { Visit } from '../doctor/visit.js'
import type { CliEnvironment } from '../environment.js'
import { type ExitCode, exitCodeOf, exitCodes } from '../exit-codes.js'
import { addTargetOptions, clientFor, readTarget, type TargetOptions, targetHelp } from '../target.js'
import { wholeNumber } from '../values.js'

interface DoctorOptions extends TargetOptions {
  readonly partition?: string
  readonly sendTestEvent?: boolean
  readonly timeout: number
}

/** Adds `sluice doctor`. */
export const addDoctorCommand: AddCommand = (program, context) => {
  addTargetOptions(
    program
      .command('doctor')
      .description(
        'Find out why events cannot be sent, step by step, and what to do about it. Sends nothing unless asked to.',
      ),
  )
    .option('--partition <id>', 'attach to this partition, or to all (default: the first)')
    .option('--send-test-event', 'send one event in the end')
    .option('--timeout <seconds>', 'for all steps together', wholeNumber(1, 3600), 60)
    .addHelpText('after', `${targetHelp}\n${examples}`)
    .action(runsWith<DoctorOptions>(context, (options, _args, environment) => runDoctor(options, environment)))
}

const examples = `
Ends with 0 when all is well, 1 when a step failed, 2 when the settings are wrong, 130 after Ctrl+C.

Examples:
  sluice doctor
  sluice doctor --transport amqpOverWebSocket --http-proxy http://proxy.example.net:3128
  sluice doctor --json --timeout 20 > report.json    for a ticket: no key, token or signature is in it
  sluice doctor --partition all --send-test-event`

async function runDoctor(options: DoctorOptions & GlobalOptions, environment: CliEnvironment): Promise<ExitCode> {
  const { stdout, env } = environment
  const target = await readTarget(options, environment)
  const how = { colours: stdout.isTTY && !env.NO_COLOR, verbose: options.verbose === true }
  const show = (step: StepResult) => {
    if (!options.json) stdout.write(renderStep(step, how))
  }
  const startedAt = environment.now()
  const ending = new AbortController()
  let exitCode: ExitCode | undefined
  const release = environment.onSignal((signal) => {
    exitCode ??= exitCodeOf(signal)
    ending.abort()
  })
  let steps: readonly StepResult[]
  try {
    const place = placeOf(target)
    const visit = new Visit(place, {
      partition: options.partition,
      sendTestEvent: options.sendTestEvent,
      makeClient: (clientOptions) => clientFor(target, clientOptions),
      unusedProxy: unusedProxy(options, environment),
    })
    steps = await examine(visit, { timeoutInMs: options.timeout * 1000, signal: ending.signal, onResult: show })
  } catch (error) {
    if (!isAboutSettings(error)) throw error
    steps = wrongSettings(error.message)
    for (const step of steps) show(step)
  } finally {
    release()
  }
  const report = reportOf(steps, environment.now() - startedAt)
  stdout.write(options.json ? `${JSON.stringify(report)}\n` : renderVerdict(report, how))
  return exitCode ?? exitCodeFor(report)
}

/** What is said of settings that cannot work, by the client too; it never quotes a secret. */
function isAboutSettings(error: unknown): error is Error {
  if (error instanceof CliError) return error.exitCode === exitCodes.usage
  return error instanceof TypeError || error instanceof RangeError
}

function wrongSettings(message: string): StepResult[] {
  const [first, ...others] = stepIds
  const bare = { details: {}, durationInMs: undefined }
  return [
    { ...failed('settings-wrong', message.replace(/\.$/, ''), []), advice: [], id: first, ...bare },
    ...others.map((id) => {
      const summary = `Not reached: it needs ${first}`
      return { id, status: 'skipped' as const, code: 'not-reached', summary, advice: [], ...bare }
    }),
  ]
}

/** Whoever has set it may think that it is used. */
function unusedProxy({ httpProxy }: DoctorOptions, { env }: CliEnvironment): string | undefined {
  if (httpProxy !== undefined || env.EVENTHUB_HTTP_PROXY) return undefined
  return ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'].find((name) => env[name])
}
