import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { IdempotencyClaim, IdempotencyState, IdempotencyStore } from '../../../../adapters/fetch/index.js'

/** A store under test, empty, and its clock. */
export interface StoreUnderTest {
  readonly store: IdempotencyStore
  /** Lets time pass: really, where the store's clock cannot be moved. */
  pass(inMs: number): Promise<void>
}

/** What every `IdempotencyStore` must do, as named cases for whatever runs tests. No case uses another's key. */
export interface StoreCase {
  readonly promise: string
  hold(subject: StoreUnderTest): Promise<void>
}

/** @param unitInMs short enough to wait for, long enough for a few calls of the store */
export function storeContract(unitInMs: number): readonly StoreCase[] {
  const claim = (attempt: string, other: Partial<IdempotencyClaim> = {}): IdempotencyClaim => ({
    fingerprint: 'f',
    attempt,
    leaseInMs: unitInMs,
    retentionInMs: 100 * unitInMs,
    ...other,
  })
  const begun = (state: IdempotencyState) => assert.equal(state.state, 'begun')
  return [
    {
      promise: 'a key that is not known begins, with nothing kept',
      async hold({ store }) {
        assertNew(await store.claim(key('new'), claim('1')))
      },
    },
    {
      promise: 'of many claims at once exactly one begins, and the others are told how long at most',
      async hold({ store }) {
        const states = await Promise.all(
          Array.from({ length: 20 }, (_, at) =>
            store.claim(key('race'), claim(String(at), { leaseInMs: 50 * unitInMs })),
          ),
        )
        assert.equal(states.filter(({ state }) => state === 'begun').length, 1)
        for (const state of states) {
          if (state.state === 'begun') continue
          assert.equal(state.state, 'running')
          const left = state.state === 'running' ? state.leaseLeftInMs : 0
          assert.ok(left > 0 && left <= 50 * unitInMs, `${left} ms left`)
        }
      },
    },
    {
      promise: 'the same attempt may claim twice: its first answer may have been lost',
      async hold({ store }) {
        begun(await store.claim(key('twice'), claim('1')))
        begun(await store.claim(key('twice'), claim('1')))
      },
    },
    {
      promise: 'what is done stays done, and tells what was kept',
      async hold({ store, pass }) {
        begun(await store.claim(key('done'), claim('1')))
        await store.settle(key('done'), { attempt: '1', kept: '0-4', isDone: true })
        for (const attempt of ['2', '3']) {
          assert.deepEqual(await store.claim(key('done'), claim(attempt)), { state: 'done', kept: '0-4' })
          await pass(2 * unitInMs)
        }
      },
    },
    {
      promise: 'what is not done begins again, with what was kept',
      async hold({ store }) {
        begun(await store.claim(key('part'), claim('1')))
        await store.settle(key('part'), { attempt: '1', kept: '0,2', isDone: false })
        assert.deepEqual(await store.claim(key('part'), claim('2')), { state: 'begun', kept: '0,2' })
      },
    },
    {
      promise: 'where nothing is kept the key is free, for another request too',
      async hold({ store }) {
        begun(await store.claim(key('free'), claim('1')))
        await store.settle(key('free'), { attempt: '1', kept: undefined, isDone: false })
        begun(await store.claim(key('free'), claim('2', { fingerprint: 'another' })))
      },
    },
    {
      promise:
        'another request is told so, while the first one runs, when it is done, in part too, and when it has died',
      async hold({ store, pass }) {
        const other = { fingerprint: 'another' }
        const isOther = async (name: string) =>
          assert.deepEqual(await store.claim(key(name), claim('2', other)), { state: 'other-request' })
        begun(await store.claim(key('other-done'), claim('1')))
        await isOther('other-done')
        await store.settle(key('other-done'), { attempt: '1', kept: '0', isDone: true })
        await isOther('other-done')
        begun(await store.claim(key('other-part'), claim('1')))
        await store.settle(key('other-part'), { attempt: '1', kept: '0', isDone: false })
        await isOther('other-part')
        begun(await store.claim(key('other-dead'), claim('1')))
        await pass(2 * unitInMs)
        await isOther('other-dead')
      },
    },
    {
      promise: 'an attempt that died keeps the key for its lease and no longer; what was kept before it is still there',
      async hold({ store, pass }) {
        begun(await store.claim(key('dead'), claim('1')))
        await store.settle(key('dead'), { attempt: '1', kept: '0', isDone: false })
        begun(await store.claim(key('dead'), claim('2')))
        assert.equal((await store.claim(key('dead'), claim('3'))).state, 'running')
        await pass(2 * unitInMs)
        assert.deepEqual(await store.claim(key('dead'), claim('3')), { state: 'begun', kept: '0' })
      },
    },
    {
      promise: 'an attempt that was taken for dead cannot settle any more',
      async hold({ store, pass }) {
        begun(await store.claim(key('late'), claim('1')))
        await pass(2 * unitInMs)
        begun(await store.claim(key('late'), claim('2', { leaseInMs: 50 * unitInMs })))
        await store.settle(key('late'), { attempt: '1', kept: undefined, isDone: false })
        assert.equal((await store.claim(key('late'), claim('3'))).state, 'running')
        await store.settle(key('late'), { attempt: '2', kept: '0-1', isDone: true })
        await store.settle(key('late'), { attempt: '1', kept: '0', isDone: false })
        assert.deepEqual(await store.claim(key('late'), claim('3')), { state: 'done', kept: '0-1' })
      },
    },
    {
      promise: 'settling what is not known, or settled, changes nothing',
      async hold({ store }) {
        await store.settle(key('nobody'), { attempt: '1', kept: '0', isDone: true })
        begun(await store.claim(key('nobody'), claim('2')))
        await store.settle(key('nobody'), { attempt: '2', kept: '0', isDone: true })
        await store.settle(key('nobody'), { attempt: '2', kept: undefined, isDone: false })
        assert.equal((await store.claim(key('nobody'), claim('3'))).state, 'done')
      },
    },
    {
      promise: 'after its retention a key is forgotten',
      async hold({ store, pass }) {
        begun(await store.claim(key('old'), claim('1', { retentionInMs: unitInMs })))
        await store.settle(key('old'), { attempt: '1', kept: '0', isDone: true })
        await pass(2 * unitInMs)
        assertNew(await store.claim(key('old'), claim('2', { fingerprint: 'another' })))
      },
    },
    {
      promise: 'keys do not know of each other',
      async hold({ store }) {
        for (let at = 0; at < 50; at += 1) begun(await store.claim(key(`apart ${at}`), claim(String(at))))
      },
    },
  ]
}

/** Begun with nothing kept. What has travelled as JSON has no name for that. */
function assertNew(state: IdempotencyState): void {
  assert.equal(state.state, 'begun')
  assert.equal('kept' in state ? state.kept : undefined, undefined)
}

/** As long, and as evenly spread, as the digests that the front door uses. */
function key(name: string): string {
  return createHash('sha256').update(name).digest('base64url')
}
