import { expect, test } from 'vitest'
import { Freezer } from '../../../../infra/hub-page/freezer.js'

function make(isRunning = true) {
  const did: string[] = []
  let ended = (): void => {}
  const freezer = new Freezer({
    producer: { isRunning, stop: () => did.push('stop'), continue: () => did.push('continue') },
    trigger: {
      hold: () => {
        did.push('hold')
        return new Promise((resolve) => {
          ended = resolve
        })
      },
      release: () => did.push('release'),
    },
    faults: () => ({
      silenceOpenConnections: () => did.push('silence'),
      destroyConnections: () => did.push('destroy'),
    }),
    now: () => 5000,
    tell: () => {},
  })
  return { freezer, did, ended: () => ended() }
}

test('stops the process only when its invocations have ended, and breaks the connection only then', async () => {
  const { freezer, did, ended } = make()
  const frozen = freezer.freeze('silence', undefined)
  expect([freezer.state, did]).toEqual(['freezing', ['hold']])
  ended()
  await frozen
  expect([freezer.state, freezer.frozenAt, did]).toEqual(['frozen', 5000, ['hold', 'stop', 'silence']])
  freezer.thaw()
  expect([freezer.state, did.slice(3)]).toEqual(['running', ['continue', 'release']])
})

test('a thaw while the last invocation is still awaited stops nothing', async () => {
  const { freezer, did, ended } = make()
  const frozen = freezer.freeze('close', undefined)
  freezer.thaw()
  ended()
  await frozen
  expect([freezer.state, did]).toEqual(['running', ['hold', 'release']])
})

test('without a process there is nothing to freeze, and it says what to do', async () => {
  const { freezer, did } = make(false)
  await expect(freezer.freeze('nothing', undefined)).rejects.toThrow('Start the stream, or send an event, first.')
  expect([freezer.state, did]).toEqual(['absent', []])
})
