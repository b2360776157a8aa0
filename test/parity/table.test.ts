import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { EventDataBatch, EventHubProducerClient, Invocation } from '../../core/index.js'
import { parseOptions, parseSocketOptions, parseWarmUpOptions } from '../../core/options.js'
import { fakeClient } from '../support/fake-client.js'
import { thrownBy } from '../support/thrown.js'
import { readParityTable, testNamesIn } from './table.js'

const root = resolve(import.meta.dirname, '../..')
const page = resolve(root, 'docs/parity.md')
const rows = readParityTable(page)
/** Everything that stands between backticks in the second column. */
const code = rows.flatMap(({ sluice }) => [...sluice.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))

const escaped = (name: string) => name.replaceAll('.', '\\.')
/** A name by itself: not part of a longer one, and not a member of something else. */
const isShown = (name: string) => code.some((text) => new RegExp(`(?<![\\w.])${escaped(name)}(?!\\w)`).test(text))

/** The names an options object may have, as the parser itself lists them when it refuses another. */
function namesKnownTo(refuse: () => unknown): string[] {
  const { message } = thrownBy(refuse)
  const [, list = ''] = /Known: (.+)\.$/.exec(message) ?? []
  return list.split(', ')
}

/** What a class shows to users: its members, but for those that its source marks as internal. */
function publicMembersOf(type: { readonly prototype: object }, file: string): string[] {
  const source = readFileSync(resolve(root, file), 'utf8')
  const isInternal = (name: string) =>
    new RegExp(`/\\*\\* @internal[^/]*\\*/\\s+(?:static |async )*${name}\\b`).test(source)
  const statics = Object.getOwnPropertyNames(type).filter((name) => !['length', 'name', 'prototype'].includes(name))
  const members = Object.getOwnPropertyNames(type.prototype).filter((name) => name !== 'constructor')
  return [...statics, ...members].filter((name) => !isInternal(name))
}

const unknown = { zzzzzzzzzzzz: 1 } as never

describe('docs/parity.md', () => {
  test('has a test for every row, and nothing but tests in that column', () => {
    expect(rows.length).toBeGreaterThan(100)
    expect(rows.filter(({ tests, rest }) => tests.length === 0 || rest !== '')).toEqual([])
  })

  test('names files and tests that exist, by their exact names', () => {
    const names = new Map<string, ReadonlySet<string>>()
    const missing: string[] = []
    for (const { line, tests } of rows) {
      for (const { file, name } of tests) {
        if (!names.has(file)) names.set(file, existsSync(file) ? testNamesIn(readFileSync(file, 'utf8')) : new Set())
        if (!names.get(file)?.has(name))
          missing.push(`line ${line}: ${file.slice(root.length + 1)} has no test "${name}"`)
      }
    }
    expect(missing).toEqual([])
  })

  test('says for every row on which transports it holds', () => {
    const known = new Set(['all', 'A', 'W', 'H', 'A W', 'W H', 'none'])
    expect(
      rows.filter(({ transports }) => !known.has(transports)).map(({ line, transports }) => [line, transports]),
    ).toEqual([])
  })

  test('has a row for every option of the client', () => {
    const options = namesKnownTo(() => parseOptions(unknown))
    expect(options.length).toBeGreaterThan(20)
    expect(options.filter((name) => !isShown(name))).toEqual([])
    const retryOptions = namesKnownTo(() => parseOptions({ retryOptions: unknown }))
    expect(retryOptions.filter((name) => !isShown(`retryOptions.${name}`))).toEqual([])
    const httpProxy = namesKnownTo(() => parseSocketOptions({ httpProxy: unknown }))
    expect(httpProxy.filter((name) => !isShown(`httpProxy.${name}`))).toEqual([])
  })

  test('has a row for every option of every call', async () => {
    const { client } = fakeClient({ partitionIds: ['0'] })
    const invocation = client.beginInvocation()
    const refusals: Record<string, unknown> = {
      sendEvent: await client.sendEvent({ body: 'a' }, unknown).catch((error) => error),
      sendBatch: await client.sendBatch([{ body: 'a' }], unknown).catch((error) => error),
      createBatch: await client.createBatch(unknown).catch((error) => error),
      flush: await client.flush(unknown).catch((error) => error),
      close: await client.close(unknown).catch((error) => error),
      getEventHubProperties: await client.getEventHubProperties(unknown).catch((error) => error),
      getPartitionIds: await client.getPartitionIds(unknown).catch((error) => error),
      getPartitionProperties: await client.getPartitionProperties('0', unknown).catch((error) => error),
      beginInvocation: thrownBy(() => client.beginInvocation(unknown)),
      warmUp: thrownBy(() => parseWarmUpOptions(unknown, 1)),
      'invocation.sendEvent': await invocation.sendEvent({ body: 'a' }, unknown).catch((error) => error),
      'invocation.sendBatch': await invocation.sendBatch([{ body: 'a' }], unknown).catch((error) => error),
    }
    for (const [call, refusal] of Object.entries(refusals)) {
      const names = namesKnownTo(() => {
        throw refusal
      })
      expect(names.length, call).toBeGreaterThan(0)
      // In one piece of code together: `close({ flush })`.
      const shown = (name: string) =>
        code.some((text) => new RegExp(`(?<![\\w.])${escaped(call)}\\([^)]*\\b${name}\\b`).test(text))
      expect(
        names.filter((name) => !shown(name)),
        call,
      ).toEqual([])
    }
  })

  test('has a row for every member of the client, of an invocation and of a batch', async () => {
    const { client } = fakeClient({ partitionIds: ['0'] })
    const ofClient = [...publicMembersOf(EventHubProducerClient, 'core/client.ts'), ...Object.keys(client)]
    expect(ofClient).toEqual(expect.arrayContaining(['fromConnectionString', 'sendEvent', 'eventHubName']))
    expect(ofClient.filter((name) => !isShown(name))).toEqual([])
    const ofInvocation = publicMembersOf(Invocation, 'core/invocation.ts')
    expect(ofInvocation).toEqual(expect.arrayContaining(['sendEvent', 'end', 'signal']))
    expect(ofInvocation).not.toContain('giveUp')
    expect(ofInvocation.filter((name) => !isShown(`invocation.${name}`))).toEqual([])
    const batch = await client.createBatch()
    const ofBatch = [...publicMembersOf(EventDataBatch, 'core/buffering/event-data-batch.ts'), ...Object.keys(batch)]
    expect(ofBatch).toEqual(expect.arrayContaining(['tryAdd', 'count', 'maxSizeInBytes']))
    expect(ofBatch.filter((name) => !isShown(`batch.${name}`))).toEqual([])
  })

  test('has a row for every error code', () => {
    const source = readFileSync(resolve(root, 'core/errors.ts'), 'utf8')
    const [, union = ''] = /export type EventHubErrorCode =\n((?:\s+\| '[a-z-]+'\n)+)/.exec(source) ?? []
    const codes = [...union.matchAll(/'([a-z-]+)'/g)].map(([, name = '']) => name)
    expect(codes.length).toBeGreaterThan(15)
    expect(codes.filter((name) => !code.includes(name))).toEqual([])
  })
})
