import { expect, test } from 'vitest'
import { Ledger } from '../../../../infra/hub-page/ledger.js'

test('what was taken is accepted, refused, unknown, returned or under way, after each report', () => {
  const ledger = new Ledger()
  ledger.take(10)
  ledger.take(5)
  ledger.settle({ accepted: 6, refused: 1, unknown: 2, returned: 1 })
  expect(ledger.view).toMatchObject({
    taken: 15,
    underWay: 5,
    outcomes: { accepted: 6, refused: 1, unknown: 2, returned: 1 },
  })
})

test('a number that is stored again is a duplicate, in whatever order numbers come', () => {
  const ledger = new Ledger()
  expect([3, 0, 1, 3, 2, 0, 4].map((number) => ledger.store(number))).toEqual([
    true,
    true,
    true,
    false,
    true,
    false,
    true,
  ])
  expect(ledger.view).toMatchObject({ stored: 5, duplicates: 2 })
})

test('what was reported as accepted and is not stored is lost; what is stored is not', () => {
  const ledger = new Ledger()
  for (const number of [0, 1, 5]) ledger.store(number)
  ledger.claimAccepted([0, 1, 5])
  expect(ledger.view.lost).toBe(0)
  ledger.claimAccepted([2, 6])
  expect(ledger.view.lost).toBe(2)
})
