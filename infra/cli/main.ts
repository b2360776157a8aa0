#!/usr/bin/env node
import { processEnvironment } from './environment.js'
import { runCli } from './run.js'

const environment = processEnvironment()

void runCli(process.argv.slice(2), environment).then(async (code) => {
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  // What a credential or a pipe still holds open must not keep a finished command from ending.
  process.exit(code)
})

/** A pipe takes its time; `process.exit` would cut off what is still on its way. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return Promise.resolve()
  return new Promise((resolve) => {
    stream.once('error', () => resolve())
    stream.write('', () => resolve())
  })
}
