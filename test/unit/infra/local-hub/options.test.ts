import { describe, expect, test } from 'vitest'
import { type LocalHubOptions, resolveOptions } from '../../../../infra/local-hub/options.js'

describe("the local hub's options", () => {
  test('defaults: loopback, one event hub with four partitions, a random key', () => {
    const options = resolveOptions({})
    expect(options).toMatchObject({
      host: '127.0.0.1',
      amqpPort: 0,
      httpPort: 0,
      sasl: 'required',
      claimScope: 'prefix',
    })
    expect([...options.eventHubs]).toEqual([['events', { partitionCount: 4, consumerGroups: [] }]])
    const [[name, { key, rights }] = ['', { key: '', rights: [] }]] = options.sharedAccessKeys
    expect(name).toBe('RootManageSharedAccessKey')
    expect(Buffer.from(key, 'base64')).toHaveLength(32)
    expect(rights).toEqual(['send', 'listen', 'manage'])
    expect(resolveOptions({}).sharedAccessKeys).not.toEqual(options.sharedAccessKeys)
  })

  test.each([
    [{ colour: 'red' }, "'colour' is not an option"],
    [{ amqpPort: 65536 }, 'amqpPort'],
    [{ httpPort: 1.5 }, 'httpPort'],
    [{ amqpsPort: 5671 }, 'need tls'],
    [{ eventHubs: {} }, 'at least one event hub'],
    [{ eventHubs: { 'a/b': {} } }, "'a/b'"],
    [{ eventHubs: { a: {}, A: {} } }, 'two event hubs'],
    [{ eventHubs: { a: { partitionCount: 0 } } }, 'a.partitionCount'],
    [{ eventHubs: { a: { partitionCount: 1025 } } }, '1024'],
    [{ sharedAccessKeys: {} }, 'at least one key'],
    [{ sharedAccessKeys: { a: '' } }, "'a' is empty"],
    [{ maxMessageSizeInBytes: 0 }, 'maxMessageSizeInBytes'],
    [{ retention: { maxEventsPerPartition: -1 } }, 'retention.maxEventsPerPartition'],
    [{ sasl: 'maybe' }, 'sasl must be one of'],
    [{ claimScope: 'all' }, 'claimScope must be one of'],
    [{ linkCredit: 0 }, 'linkCredit'],
    [{ idleTimeoutInMs: -1 }, 'idleTimeoutInMs'],
  ])('%j is refused by name', (options, message) => {
    expect(() => resolveOptions(options as LocalHubOptions)).toThrow(message)
  })
})
